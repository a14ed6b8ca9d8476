use dicom_ul::pdu::{Pdu, read_pdu, write_pdu};
use proptest::prelude::*;

use super::*;

fn rq() -> AssociationRQ {
    AssociationRQ {
        protocol_version: 1,
        calling_ae_title: "CT_ROOM_3".into(),
        called_ae_title: "MARKGATE".into(),
        application_context_name: "1.2.840.10008.3.1.1.1".into(),
        presentation_contexts: vec![
            PresentationContextProposed {
                id: 1,
                abstract_syntax: "1.2.840.10008.1.1".into(),
                transfer_syntaxes: vec!["1.2.840.10008.1.2".into()],
            },
            PresentationContextProposed {
                id: 3,
                abstract_syntax: "1.2.840.10008.5.1.4.1.1.2".into(),
                transfer_syntaxes: vec!["1.2.840.10008.1.2.1".into(), "1.2.840.10008.1.2".into()],
            },
        ],
        user_variables: vec![
            UserVariableItem::MaxLength(16_384),
            UserVariableItem::ImplementationClassUID("1.2.3".into()),
            UserVariableItem::Unknown(0x53, vec![0, 5, 0, 5]),
            UserVariableItem::ScuScpRoleSelectionSubItem(
                "1.2.840.10008.1.20.1".into(),
                RequestorRoles { scu: true, scp: false },
            ),
            UserVariableItem::ImplementationVersionName("PEER_1".into()),
        ],
    }
}

fn ac() -> AssociationAC {
    let rq = rq();
    AssociationAC {
        protocol_version: 1,
        calling_ae_title: rq.calling_ae_title,
        called_ae_title: rq.called_ae_title,
        application_context_name: rq.application_context_name,
        presentation_contexts: vec![
            PresentationContextResult {
                id: 1,
                reason: PresentationContextResultReason::Acceptance,
                transfer_syntax: "1.2.840.10008.1.2".into(),
            },
            PresentationContextResult {
                id: 3,
                reason: PresentationContextResultReason::TransferSyntaxesNotSupported,
                transfer_syntax: "1.2.840.10008.1.2.1".into(),
            },
        ],
        user_variables: rq.user_variables,
    }
}

/// What dicom-ul, the referee, writes for a PDU.
fn referee(pdu: impl Into<Pdu>) -> Vec<u8> {
    let mut bytes = Vec::new();
    write_pdu(&mut bytes, &pdu.into()).expect("a PDU that can be written");
    bytes
}

#[test]
fn what_we_write_is_what_the_referee_writes() {
    assert_eq!(encode_rq(&rq()), referee(rq()));
    assert_eq!(encode_ac(&ac()), referee(ac()));
}

#[test]
fn what_the_referee_writes_we_read() {
    assert_eq!(parse_rq(&referee(rq())[PDU_HEADER..]), Ok(rq()));
    assert_eq!(parse_ac(&referee(ac())[PDU_HEADER..]), Ok(ac()));
}

#[test]
fn short_pdus_are_what_the_referee_reads() {
    #[track_caller]
    fn check(bytes: &[u8], want: &str) {
        let pdu = read_pdu(bytes, 16_384, true).expect("a PDU").expect("a whole one");
        assert_eq!(format!("{pdu:?}"), want);
    }
    check(&RELEASE_RQ, "ReleaseRQ");
    check(&RELEASE_RP, "ReleaseRP");
    check(
        &encode_abort(Abort::UNEXPECTED_PDU),
        "AbortRQ { source: ServiceProvider(UnexpectedPdu) }",
    );
    check(
        &encode_rj(Rejection::LOCAL_LIMIT),
        "AssociationRJ(AssociationRJ { result: Transient, source: ServiceProviderPresentation(LocalLimitExceeded) })",
    );
}

/// The body of a request with these items in its user information.
fn with_user_items(items: &[(u8, &[u8])]) -> Vec<u8> {
    let mut body = encode_rq(&rq())[PDU_HEADER..].to_vec();
    put_item(&mut body, 0x50, |out| {
        for (kind, bytes) in items {
            put_item(out, *kind, |out| out.extend(*bytes));
        }
    });
    body
}

#[test]
fn a_user_identity_is_read_apart_from_the_request() {
    let body = with_user_items(&[(0x58, b"\x02\x01\x00\x02ab\x00\x02cd")]);
    let identity = user_identity(&body).expect("an identity");
    let want = UserIdentity {
        kind: 2,
        wants_answer: true,
        primary: b"ab".to_vec(),
        secondary: b"cd".to_vec(),
    };
    assert_eq!(identity, want);
    assert_eq!(format!("{identity:?}"), "UserIdentity(type 2)");
    assert!(!format!("{:?}", parse_rq(&body).expect("a request")).contains("cd"));
}

#[test]
fn a_user_identity_that_does_not_add_up_is_none() {
    let one: &[u8] = b"\x02\x01\x00\x02ab\x00\x02cd";
    let check = |items: &[(u8, &[u8])]| assert_eq!(user_identity(&with_user_items(items)), None);
    check(&[]);
    check(&[(0x58, one), (0x58, one)]);
    for end in 0..one.len() {
        check(&[(0x58, &one[..end])]);
    }
    check(&[(0x58, b"\x02\x01\xFF\xFFab\x00\x02cd")]);
}

#[test]
fn unknown_items_and_a_user_identity_are_skipped_wherever_they_stand() {
    let mut body = encode_rq(&rq())[PDU_HEADER..].to_vec();
    put_item(&mut body, 0x77, |out| out.extend([1, 2, 3]));
    put_item(&mut body, 0x50, |out| {
        put_item(out, 0x58, |out| out.extend(b"\x02\x00\x00\x02ab\x00\x02cd"));
    });
    put_item(&mut body, 0x20, |out| {
        out.extend([5, 0, 0, 0]);
        put_text(out, 0x99, "what is this");
        put_text(out, 0x30, "1.2.3\0");
        put_text(out, 0x40, "1.2.840.10008.1.2 ");
    });
    let mut want = rq();
    want.presentation_contexts.push(PresentationContextProposed {
        id: 5,
        abstract_syntax: "1.2.3".into(),
        transfer_syntaxes: vec!["1.2.840.10008.1.2".into()],
    });
    assert_eq!(parse_rq(&body), Ok(want));
}

#[test]
fn a_refused_context_needs_no_transfer_syntax() {
    let mut body = vec![0; 68];
    put_item(&mut body, 0x21, |out| out.extend([7, 0, 3, 0]));
    put_item(&mut body, 0x21, |out| out.extend([9, 0, 77, 0]));
    let ac = parse_ac(&body).expect("an answer");
    let reasons: Vec<_> = ac.presentation_contexts.into_iter().map(|c| (c.id, c.reason)).collect();
    let want = vec![
        (7, PresentationContextResultReason::AbstractSyntaxNotSupported),
        (9, PresentationContextResultReason::NoReason),
    ];
    assert_eq!(reasons, want);
}

#[test]
fn items_that_do_not_add_up_are_named() {
    #[track_caller]
    fn check(items: &[u8], want: BadItem) {
        let body = [&[0; 68], items].concat();
        assert_eq!(parse_rq(&body), Err(want));
    }
    check(&[0x10, 0, 0], BadItem::Stray(3));
    check(&[0x10, 0, 0, 9, b'1'], BadItem::Cut { kind: 0x10, length: 9, left: 1 });
    check(&[0x20, 0, 0, 2, 1, 0], BadItem::Short(0x20));
    check(&[0x50, 0, 0, 5, 0x51, 0, 0, 1, 0], BadItem::Short(0x51));
    check(&[0x50, 0, 0, 6, 0x54, 0, 0, 2, 0, 9], BadItem::Short(0x54));
}

proptest! {
    #[test]
    fn no_bytes_make_the_readers_panic(body in proptest::collection::vec(any::<u8>(), 0..400)) {
        drop(parse_rq(&body));
        drop(parse_ac(&body));
        let _ = (parse_rj(&body), parse_abort(&body));
    }

    #[test]
    fn a_damaged_request_is_read_or_refused(at in 0usize..500, value: u8) {
        let mut body = encode_rq(&rq())[PDU_HEADER..].to_vec();
        if let Some(byte) = body.get_mut(at) {
            *byte = value;
        }
        drop(parse_rq(&body));
    }
}
