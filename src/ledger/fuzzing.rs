//! Records of the journal, as a later or a sick program might have written them.

use super::event::{Event, What, from_record, to_record};
use crate::base::object_id::ObjectId;
use crate::base::time::Timestamp;

/// The record of an event. What can be read can be written, and is the same event then.
pub fn journal_record(bytes: &[u8]) {
    if let Some(event) = from_record(bytes) {
        assert_eq!(from_record(&to_record(&event)).as_ref(), Some(&event));
    }
}

/// Good inputs of [`journal_record`].
#[must_use]
pub fn journal_records() -> Vec<Vec<u8>> {
    let at = Timestamp::UNIX_EPOCH;
    let pacs = || "pacs".to_owned();
    [
        What::Held { reasons: vec!["UNWALKABLE".to_owned()], by: None },
        What::Rejected { by: "someone".to_owned(), reason: "a reason".to_owned() },
        What::Deferred { destination: pacs(), due: at, error: "closed".to_owned() },
        What::Requeued { destination: pacs() },
    ]
    .into_iter()
    .map(|what| to_record(&Event { object: ObjectId::from_u128(7), at, what }))
    .collect()
}
