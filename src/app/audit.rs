//! What the audit trail is told of objects: each durable event of the ledger that concerns a transfer, a hold or a person.

use crate::ledger::{Disposition, What, Witnessed};
use crate::observe::audit::{Deed, Entry, Object, Person};

/// The entry for an event; `None` for what the trail does not tell.
pub(super) fn entry(witnessed: Witnessed) -> Option<Entry> {
    let Witnessed { event, source, peer, sop_instance, study } = witnessed;
    let object = Object { id: event.object, sop_instance, study, calling: source, peer };
    let decided = |deed, object, by, reason| Entry::Decided {
        deed,
        object,
        destination: None,
        person: Person { by, reason },
    };
    Some(match event.what {
        What::Delivered { destination, status, comment: _, sent } => {
            Entry::Delivered { object, destination, status: status.0, sent }
        }
        What::Judged(verdict) => match verdict.disposition {
            Disposition::Hold(reasons) => Entry::Held { object, reasons },
            Disposition::Forward => return None,
        },
        What::Held { reasons, by: None } => Entry::Held { object, reasons },
        What::Held { reasons, by: Some(by) } => decided(Deed::Hold, object, by, reasons.join(" ")),
        What::Released { by, reason, to: _ } => decided(Deed::Release, object, by, reason),
        What::Rejected { by, reason } => decided(Deed::Reject, object, by, reason),
        What::DeliveryHeld { destination, error } => {
            // Behind the code may stand what a peer said, and that may be anything.
            let code = error.split(' ').next().unwrap_or_default().to_owned();
            Entry::DeliveryHeld { object, destination, code }
        }
        // Entered by whoever knows the person.
        What::Missed { .. }
        | What::Requeued { .. }
        | What::Sending { .. }
        | What::Deferred { .. } => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::object_id::ObjectId;
    use crate::base::time::now;
    use crate::dicom::status::Status;
    use crate::dicom::uid::Uid;
    use crate::ledger::Event;

    fn told(what: What) -> Option<Entry> {
        entry(Witnessed {
            event: Event { object: ObjectId::from_u128(7), at: now(), what },
            source: "CT01".to_owned(),
            peer: "10.0.0.1".to_owned(),
            sop_instance: Uid::new("1.2.3"),
            study: Uid::new("1.2"),
        })
    }

    #[test]
    fn what_a_peer_said_is_not_told() {
        let (destination, sent) = ("pacs".to_owned(), blake3::hash(b""));
        let comment = "Zhang^San has no such study".to_owned();
        let delivered = What::Delivered {
            destination: destination.clone(),
            status: Status(0xB000),
            comment: comment.clone(),
            sent,
        };
        let held = What::DeliveryHeld { destination, error: format!("pacs_refused {comment}") };
        let told = [told(delivered), told(held)];
        assert!(!format!("{told:?}").contains("Zhang"), "{told:?}");
        let [Some(Entry::Delivered { status: 0xB000, .. }), Some(Entry::DeliveryHeld { code, .. })] =
            &told
        else {
            panic!("{told:?}")
        };
        assert_eq!(code, "pacs_refused");
    }

    #[test]
    fn what_a_person_decided_is_told_with_the_reason() {
        let (by, reason) = ("lin".to_owned(), "checked".to_owned());
        let released = What::Released { by: by.clone(), reason: reason.clone(), to: Vec::new() };
        let Some(Entry::Decided { deed: Deed::Release, object, destination: None, person }) =
            told(released)
        else {
            panic!("a release is told");
        };
        assert_eq!(person, Person { by, reason });
        assert_eq!((object.calling.as_str(), object.sop_instance.as_str()), ("CT01", "1.2.3"));
    }
}
