//! What the gate tells about itself: log lines and metrics.
//!
//! Nothing of a patient appears in either: UIDs, AE titles, addresses, counts, codes and times only.
//! Nothing here waits, and nothing here decides.

pub mod log;
pub mod metrics;

pub use metrics::Metrics;
