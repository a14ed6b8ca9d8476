//! The HTTP side: health, metrics and the REST pages that the verbs and later the console use.
//!
//! Alone in knowing HTTP, and JSON for HTTP. It knows neither ledger nor spool: it asks a [`Service`], which whoever runs it
//! implements, and passes on what that says in the shapes of [`model`].
//!
//! Invariants: on an address that others can reach, nothing but `/healthz` answers; a request that a page of another site sent
//! through a browser is refused; every wait has a deadline, and connections, headers, bodies and lists have bounds.

pub mod client;
#[cfg(any(test, fuzzing))]
pub(crate) mod fixture;
#[cfg(any(test, fuzzing))]
pub(crate) mod fuzzing;
mod guard;
pub mod model;
mod routes;
mod server;
mod service;
#[cfg(test)]
mod tests;

use std::time::Duration;

pub use server::{ListenFault, Listener, control_socket, serve};
pub use service::{Listed, QuarantineAction, QueueAction, Refusal, Selector, Service};

/// The longest that a request may take. A test of a destination associates several times.
pub const DEADLINE: Duration = Duration::from_secs(120);
