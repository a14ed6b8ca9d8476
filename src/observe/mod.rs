//! What the gate tells about itself: log lines, metrics and the audit trail.
//!
//! Nothing of a patient appears in any: UIDs, AE titles, addresses, counts, codes and times only.
//! Nothing here decides, and nobody waits for it but who asks to.

pub mod audit;
pub mod log;
pub mod metrics;

pub use audit::Audit;
pub use metrics::Metrics;
