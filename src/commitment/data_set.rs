//! The data sets of requests and reports (PS3.4 tables J.3-1 and J.3-2), read and written.

use crate::base::limits::Limits;
use crate::dicom::transfer_syntax::TransferSyntax;
use crate::dicom::uid::{Uid, UidFault};
use crate::dicom::{Tag, VR, tags};
use crate::object::edit::{EditFault, NewElement};
use crate::object::{End, HeaderView, scan_reader};

use super::reference::{Reason, Reference};

/// A request for commitment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Requested {
    /// Transaction UID (0008,1195).
    pub(super) transaction: Uid,
    /// What is to be committed to, each once, in their order.
    pub(super) items: Vec<Reference>,
}

/// A report on a commitment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Reported {
    /// Transaction UID (0008,1195).
    pub(super) transaction: Uid,
    /// What is committed to.
    pub(super) committed: Vec<Reference>,
    /// What is not, and why.
    pub(super) failed: Vec<(Reference, Reason)>,
}

/// Why a data set is not what it should be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum BadDataSet {
    /// It cannot be walked to its end.
    #[error("the data set cannot be read")]
    Unwalkable,
    /// Transaction UID (0008,1195) is missing, empty or no UID.
    #[error("no Transaction UID (0008,1195)")]
    NoTransaction,
    /// Referenced SOP Sequence (0008,1199) is missing or empty.
    #[error("no Referenced SOP Sequence (0008,1199)")]
    NoReferences,
    /// An item lacks one of its UIDs.
    #[error("a reference without class or instance")]
    HalfAReference,
}

fn walk(data: &[u8], transfer_syntax: &Uid) -> Result<HeaderView, BadDataSet> {
    let syntax = TransferSyntax::of(transfer_syntax.as_str());
    let scan = scan_reader(data, syntax, Limits::default()).ok();
    let scan = scan.filter(|scan| scan.end == End::Complete).ok_or(BadDataSet::Unwalkable)?;
    Ok(scan.header)
}

fn transaction(view: &HeaderView) -> Result<Uid, BadDataSet> {
    let uid = view.string(tags::TRANSACTION_UID).map(|uid| Uid::new(&uid));
    // Components that break the rules do no harm: it is handed back as it came.
    let is_usable = |uid: &Uid| match uid.fault() {
        None | Some(UidFault::LeadingZero | UidFault::EmptyComponent) => true,
        Some(UidFault::Empty | UidFault::TooLong(_) | UidFault::BadCharacter) => false,
    };
    uid.filter(is_usable).ok_or(BadDataSet::NoTransaction)
}

/// The references in a sequence, each with the reason that stands beside it.
fn references(
    view: &HeaderView,
    sequence: Tag,
) -> Result<Vec<(Reference, Option<Reason>)>, BadDataSet> {
    let Some(sequence) = view.find(sequence) else { return Ok(Vec::new()) };
    let mut references = Vec::new();
    for item in view.items(sequence) {
        let uid = |tag| item.string(tag).map(|uid| Uid::new(&uid));
        let (Some(sop_class), Some(sop_instance)) =
            (uid(tags::REFERENCED_SOP_CLASS_UID), uid(tags::REFERENCED_SOP_INSTANCE_UID))
        else {
            return Err(BadDataSet::HalfAReference);
        };
        let reason = item.find(tags::FAILURE_REASON).and_then(|found| view.bytes(found));
        let reason = reason.and_then(|bytes| bytes.first_chunk().copied()).map(u16::from_le_bytes);
        references.push((Reference { sop_class, sop_instance }, reason.map(Reason)));
    }
    Ok(references)
}

/// Reads a request.
pub(super) fn parse_request(data: &[u8], transfer_syntax: &Uid) -> Result<Requested, BadDataSet> {
    let view = walk(data, transfer_syntax)?;
    let transaction = transaction(&view)?;
    let mut seen = std::collections::BTreeSet::new();
    let items = references(&view, tags::REFERENCED_SOP_SEQUENCE)?;
    let items = items.into_iter().map(|(reference, _)| reference);
    let items: Vec<Reference> = items.filter(|reference| seen.insert(reference.clone())).collect();
    if items.is_empty() {
        return Err(BadDataSet::NoReferences);
    }
    Ok(Requested { transaction, items })
}

/// Reads a report. A failure without a reason is a processing failure.
pub(super) fn parse_report(data: &[u8], transfer_syntax: &Uid) -> Result<Reported, BadDataSet> {
    let view = walk(data, transfer_syntax)?;
    let committed = references(&view, tags::REFERENCED_SOP_SEQUENCE)?;
    let failed = references(&view, tags::FAILED_SOP_SEQUENCE)?;
    Ok(Reported {
        transaction: transaction(&view)?,
        committed: committed.into_iter().map(|(reference, _)| reference).collect(),
        failed: failed
            .into_iter()
            .map(|(reference, reason)| (reference, reason.unwrap_or(Reason::PROCESSING_FAILURE)))
            .collect(),
    })
}

fn uid(tag: Tag, uid: &Uid) -> NewElement {
    NewElement::new(tag, VR::UI, uid.as_str())
}

fn item(reference: &Reference) -> Vec<NewElement> {
    vec![
        uid(tags::REFERENCED_SOP_CLASS_UID, &reference.sop_class),
        uid(tags::REFERENCED_SOP_INSTANCE_UID, &reference.sop_instance),
    ]
}

fn encode(elements: &[NewElement], transfer_syntax: &Uid) -> Result<Vec<u8>, EditFault> {
    let encoding = TransferSyntax::of(transfer_syntax.as_str()).encoding;
    let mut out = Vec::new();
    elements.iter().try_for_each(|element| element.encode(encoding, &mut out))?;
    Ok(out)
}

/// Writes a request.
///
/// # Errors
/// When a UID or the whole is too long for its length field.
pub(super) fn encode_request(
    requested: &Requested,
    transfer_syntax: &Uid,
) -> Result<Vec<u8>, EditFault> {
    let items = requested.items.iter().map(item).collect();
    let elements = [
        uid(tags::TRANSACTION_UID, &requested.transaction),
        NewElement::sequence(tags::REFERENCED_SOP_SEQUENCE, items),
    ];
    encode(&elements, transfer_syntax)
}

/// Writes a report. A sequence that would be empty is left out.
///
/// # Errors
/// As [`encode_request`].
pub(super) fn encode_report(
    reported: &Reported,
    transfer_syntax: &Uid,
) -> Result<Vec<u8>, EditFault> {
    let mut elements = vec![uid(tags::TRANSACTION_UID, &reported.transaction)];
    if !reported.failed.is_empty() {
        let failed = reported.failed.iter().map(|(reference, reason)| {
            let mut item = item(reference);
            item.push(NewElement::new(tags::FAILURE_REASON, VR::US, reason.0.to_le_bytes()));
            item
        });
        elements.push(NewElement::sequence(tags::FAILED_SOP_SEQUENCE, failed.collect()));
    }
    if !reported.committed.is_empty() {
        let committed = reported.committed.iter().map(item).collect();
        elements.push(NewElement::sequence(tags::REFERENCED_SOP_SEQUENCE, committed));
    }
    encode(&elements, transfer_syntax)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const IMPLICIT: &str = "1.2.840.10008.1.2";
    const EXPLICIT: &str = "1.2.840.10008.1.2.1";

    fn reference(instance: &str) -> Reference {
        Reference { sop_class: "1.2.840.10008.5.1.4.1.1.2".into(), sop_instance: instance.into() }
    }

    #[test]
    fn requests_and_reports_are_read_back_as_written() {
        for syntax in [IMPLICIT, EXPLICIT] {
            let syntax = Uid::new(syntax);
            let requested = Requested {
                transaction: "1.2.3".into(),
                items: vec![reference("1.5"), reference("1.4")],
            };
            let data = encode_request(&requested, &syntax).expect("encoded");
            assert_eq!(parse_request(&data, &syntax), Ok(requested));
            for failed in [vec![], vec![(reference("1.6"), Reason::NO_SUCH_OBJECT)]] {
                let reported = Reported {
                    transaction: "1.2.3".into(),
                    committed: vec![reference("1.5")],
                    failed,
                };
                let data = encode_report(&reported, &syntax).expect("encoded");
                assert_eq!(parse_report(&data, &syntax), Ok(reported));
            }
        }
    }

    #[test]
    fn the_bytes_of_a_report_are_those_of_the_standard() {
        let reported = Reported {
            transaction: "1.2".into(),
            committed: Vec::new(),
            failed: vec![(
                Reference { sop_class: "1.3".into(), sop_instance: "1.45".into() },
                Reason(0x0112),
            )],
        };
        let data = encode_report(&reported, &EXPLICIT.into()).expect("encoded");
        let want = [
            &b"\x08\x00\x95\x11UI\x04\x001.2\0"[..],
            b"\x08\x00\x98\x11SQ\0\0\x2A\0\0\0",
            b"\xFE\xFF\x00\xE0\x22\0\0\0",
            b"\x08\x00\x50\x11UI\x04\x001.3\0",
            b"\x08\x00\x55\x11UI\x04\x001.45",
            b"\x08\x00\x97\x11US\x02\x00\x12\x01",
        ];
        assert_eq!(data, want.concat());
    }

    #[test]
    fn an_object_that_is_named_twice_is_meant_once() {
        let syntax = Uid::new(IMPLICIT);
        let requested = Requested {
            transaction: "1.2.3".into(),
            items: vec![reference("1.5"), reference("1.4"), reference("1.5")],
        };
        let data = encode_request(&requested, &syntax).expect("encoded");
        let read = parse_request(&data, &syntax).expect("read");
        assert_eq!(read.items, [reference("1.5"), reference("1.4")]);
    }

    proptest! {
        #[test]
        fn no_bytes_make_the_readers_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            for syntax in [IMPLICIT, EXPLICIT] {
                drop(parse_request(&bytes, &syntax.into()));
                drop(parse_report(&bytes, &syntax.into()));
            }
        }
    }

    #[test]
    fn what_is_no_request_has_a_name() {
        #[track_caller]
        fn check(elements: &[NewElement], want: BadDataSet) {
            let data = encode(elements, &IMPLICIT.into()).expect("encoded");
            assert_eq!(parse_request(&data, &IMPLICIT.into()), Err(want));
        }
        let transaction = || uid(tags::TRANSACTION_UID, &"1.2.3".into());
        let sequence = |items| NewElement::sequence(tags::REFERENCED_SOP_SEQUENCE, items);
        let class_alone = vec![uid(tags::REFERENCED_SOP_CLASS_UID, &"1.2".into())];
        check(&[sequence(vec![item(&reference("1.4"))])], BadDataSet::NoTransaction);
        let nonsense = uid(tags::TRANSACTION_UID, &"1.2x".into());
        check(&[nonsense, sequence(vec![])], BadDataSet::NoTransaction);
        check(&[transaction()], BadDataSet::NoReferences);
        check(&[transaction(), sequence(vec![])], BadDataSet::NoReferences);
        check(&[transaction(), sequence(vec![class_alone])], BadDataSet::HalfAReference);
        let cut = b"\x08\x00\x95\x11\x20\0\0\x001.2";
        assert_eq!(parse_request(cut, &IMPLICIT.into()), Err(BadDataSet::Unwalkable));
    }
}
