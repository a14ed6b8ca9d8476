//! markgate: an inline DICOM gate that takes examination images into custody, judges them against DB11/T 2505-2025 and
//! marks those that are entitled to mutual recognition.
//!
//! The modules stand in layers, lowest first; each may use those above it in this list and itself, never
//! those below. `ARCHITECTURE.md` tells the path of one image through them.

pub mod base;
pub mod dicom;
pub mod object;

pub mod codec;
pub mod expression;

pub mod phantom;
pub mod recognition;
pub mod standard;

pub mod stamp;

pub mod policy;

pub mod pipeline;

pub mod observe;

pub mod cage;
pub mod dimse;
pub mod ledger;
pub mod spool;

pub mod relay;

pub mod commitment;
pub mod deliver;
pub mod quarantine;
pub mod receive;

pub mod web;

pub mod config;

pub mod app;

pub mod cli;

#[cfg(any(test, fuzzing))]
#[doc(hidden)]
pub mod fuzzing;
