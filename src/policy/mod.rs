//! What the site wants done: whom to take objects from, where they go, what is held, when to try again.
//!
//! Pure functions of values. Never waits, never asks for the time or for chance, never touches a file or a
//! socket: those who act ask here first.

pub mod admission;
pub mod contexts;
pub mod disposition;
pub mod outcome;
pub mod relay;
pub mod retry;
pub mod route;
pub mod study;
