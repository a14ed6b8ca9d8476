use super::*;
use crate::dimse::pdu::encode_ac;

const CT: &str = "1.2.840.10008.5.1.4.1.1.2";
const COMMITMENT: &str = "1.2.840.10008.1.20.1";
const IMPLICIT: &str = "1.2.840.10008.1.2";
const EXPLICIT: &str = "1.2.840.10008.1.2.1";

fn title(text: &str) -> AeTitle {
    AeTitle::parse(text).expect("a title")
}

fn context(id: u8, class: &str, syntaxes: &[&str]) -> PresentationContextProposed {
    PresentationContextProposed {
        id,
        abstract_syntax: class.into(),
        transfer_syntaxes: syntaxes.iter().map(|&syntax| syntax.into()).collect(),
    }
}

fn rq() -> AssociationRQ {
    AssociationRQ {
        protocol_version: 1,
        calling_ae_title: "CT01".into(),
        called_ae_title: "MARKGATE".into(),
        application_context_name: APPLICATION_CONTEXT.into(),
        presentation_contexts: vec![context(1, CT, &[EXPLICIT, IMPLICIT])],
        user_variables: vec![UserVariableItem::MaxLength(16_384)],
    }
}

fn ask(rq: &AssociationRQ) -> Result<Negotiated, Refusal> {
    let terms = Terms::new(vec![title("MARKGATE"), title("GATE2")]);
    let admit = |calling: &AeTitle, _: &AeTitle| match calling.as_str() {
        "STRANGER" => Err(Refusal::Calling(calling.clone())),
        "BUSY" => Err(Refusal::LocalLimit),
        _ => Ok(()),
    };
    let contexts = |_, class: &str, syntaxes: &[String]| {
        if class != CT {
            return ContextAnswer::AbstractSyntaxNotSupported;
        }
        match syntaxes.iter().find(|&syntax| syntax == IMPLICIT) {
            Some(syntax) => ContextAnswer::Accept(syntax.clone()),
            None => ContextAnswer::TransferSyntaxesNotSupported,
        }
    };
    negotiate(rq, &terms, &admit, &contexts).map(|(negotiated, ())| negotiated)
}

#[track_caller]
fn check(change: impl FnOnce(&mut AssociationRQ), want: &Refusal, codes: (u8, u8, u8)) {
    let mut rq = rq();
    change(&mut rq);
    assert_eq!(ask(&rq), Err(want.clone()));
    let Rejection { result, source, reason } = want.rejection();
    assert_eq!((result, source, reason), codes);
}

#[test]
fn who_calls_and_who_is_called_is_checked_by_title() {
    check(|rq| rq.called_ae_title = "ELSE".into(), &Refusal::Called("ELSE".into()), (1, 1, 7));
    check(|rq| rq.called_ae_title = String::new(), &Refusal::Called(String::new()), (1, 1, 7));
    check(
        |rq| rq.calling_ae_title = "STRANGER".into(),
        &Refusal::Calling(title("STRANGER")),
        (1, 1, 3),
    );
    check(
        |rq| rq.calling_ae_title = "C\u{FFFD}".into(),
        &Refusal::BadCalling { title: "C\u{FFFD}".into(), fault: BadAeTitle::BadCharacter },
        (1, 1, 3),
    );
    check(|rq| rq.calling_ae_title = "BUSY".into(), &Refusal::LocalLimit, (2, 3, 2));
    assert_eq!(Refusal::Congestion.rejection(), Rejection { result: 2, source: 3, reason: 1 });
}

#[test]
fn padding_around_titles_does_not_count() {
    let mut rq = rq();
    rq.called_ae_title = " GATE2          ".into();
    rq.calling_ae_title = "CT01\0\0".into();
    let negotiated = ask(&rq).expect("accepted");
    assert_eq!((negotiated.calling().as_str(), negotiated.called().as_str()), ("CT01", "GATE2"));
}

#[test]
fn only_bit_0_of_the_protocol_version_counts() {
    for version in [1, 3, 0xFFFF] {
        let mut rq = rq();
        rq.protocol_version = version;
        assert!(ask(&rq).is_ok(), "{version:#06X}");
    }
    check(|rq| rq.protocol_version = 2, &Refusal::ProtocolVersion(2), (1, 2, 2));
}

#[test]
fn there_is_one_application_context() {
    let other = "1.2.840.10008.3.1.1.2";
    check(
        |rq| rq.application_context_name = other.into(),
        &Refusal::ApplicationContext(other.into()),
        (1, 1, 2),
    );
}

#[test]
fn contexts_that_cannot_be_told_apart_are_refused_with_the_association() {
    check(|rq| rq.presentation_contexts.clear(), &Refusal::NoContext, (1, 2, 1));
    check(|rq| rq.presentation_contexts[0].id = 2, &Refusal::EvenContext(2), (1, 2, 1));
    check(
        |rq| rq.presentation_contexts.push(context(1, CT, &[EXPLICIT])),
        &Refusal::DuplicateContext(1),
        (1, 2, 1),
    );
    check(
        |rq| rq.presentation_contexts = vec![context(1, CT, &[EXPLICIT]); 129],
        &Refusal::TooManyContexts(129),
        (1, 2, 1),
    );
}

#[test]
fn a_hundred_and_twenty_eight_contexts_are_answered_one_by_one() {
    let mut rq = rq();
    rq.presentation_contexts =
        (0..128u8).map(|n| context(n * 2 + 1, CT, &[EXPLICIT, IMPLICIT])).collect();
    let negotiated = ask(&rq).expect("accepted");
    assert_eq!(negotiated.contexts().len(), 128);
    assert_eq!(negotiated.contexts().last().map(|context| context.id), Some(255));
}

#[test]
fn each_context_has_its_own_answer() {
    let mut rq = rq();
    rq.presentation_contexts = vec![
        context(5, "1.2.840.10008.5.1.4.1.1.4", &[EXPLICIT]),
        context(3, CT, &[EXPLICIT]),
        context(1, CT, &[EXPLICIT, IMPLICIT]),
        context(7, CT, &[]),
    ];
    let negotiated = ask(&rq).expect("accepted");
    let want = [Context {
        id: 1,
        abstract_syntax: Uid::new(CT),
        transfer_syntax: Uid::new(IMPLICIT),
        requestor_is_scu: true,
    }];
    assert_eq!(negotiated.contexts(), want);
    use PresentationContextResultReason as Reason;
    let results: Vec<_> = negotiated
        .ac
        .presentation_contexts
        .iter()
        .map(|result| (result.id, result.reason.clone(), result.transfer_syntax.as_str()))
        .collect();
    let want = vec![
        (5, Reason::AbstractSyntaxNotSupported, EXPLICIT),
        (3, Reason::TransferSyntaxesNotSupported, EXPLICIT),
        (1, Reason::Acceptance, IMPLICIT),
        (7, Reason::TransferSyntaxesNotSupported, ""),
    ];
    assert_eq!(results, want);
}

#[test]
fn a_transfer_syntax_that_was_not_proposed_is_never_accepted() {
    let terms = Terms::new(vec![title("MARKGATE")]);
    let (negotiated, ()) = negotiate(&rq(), &terms, &|_, _| Ok(()), &|_, _, _| {
        ContextAnswer::Accept("1.2.840.10008.1.2.4.90".into())
    })
    .expect("accepted");
    assert_eq!(negotiated.contexts(), []);
}

#[test]
fn the_window_is_one_by_one_and_only_the_scu_role_is_granted() {
    let mut rq = rq();
    let roles = |scu, scp| RequestorRoles { scu, scp };
    rq.user_variables = vec![
        UserVariableItem::MaxLength(0),
        UserVariableItem::Unknown(ASYNC_WINDOW, vec![0, 0, 0, 0]),
        UserVariableItem::Unknown(0x57, vec![1, 2, 3]),
        UserVariableItem::ScuScpRoleSelectionSubItem(CT.into(), roles(false, true)),
        UserVariableItem::ScuScpRoleSelectionSubItem("1.2.3".into(), roles(true, true)),
        UserVariableItem::ScuScpRoleSelectionSubItem(COMMITMENT.into(), roles(false, true)),
    ];
    let negotiated = ask(&rq).expect("accepted");
    let want = vec![
        UserVariableItem::MaxLength(DEFAULT_MAX_PDU),
        UserVariableItem::ImplementationClassUID(IMPLEMENTATION_CLASS_UID.into()),
        UserVariableItem::Unknown(ASYNC_WINDOW, vec![0, 1, 0, 1]),
        UserVariableItem::ScuScpRoleSelectionSubItem(CT.into(), roles(false, false)),
        UserVariableItem::ScuScpRoleSelectionSubItem("1.2.3".into(), roles(true, false)),
        UserVariableItem::ScuScpRoleSelectionSubItem(COMMITMENT.into(), roles(false, true)),
        UserVariableItem::ImplementationVersionName(IMPLEMENTATION_VERSION_NAME.into()),
    ];
    assert_eq!(negotiated.ac.user_variables, want);
    assert_eq!(negotiated.peer_max_pdu(), 0);
    assert!(!negotiated.contexts()[0].requestor_is_scu);
    assert!(!encode_ac(&negotiated.ac).is_empty());
}

#[test]
fn silence_about_maximum_length_and_window_has_a_meaning() {
    let mut rq = rq();
    rq.user_variables.clear();
    let negotiated = ask(&rq).expect("accepted");
    assert_eq!(negotiated.peer_max_pdu(), ASSUMED_MAX_PDU);
    assert_eq!(negotiated.ac.user_variables.len(), 3);
    check(
        |rq| rq.user_variables = vec![UserVariableItem::MaxLength(20)],
        &Refusal::MaxPduTooSmall(20),
        (1, 2, 1),
    );
}

#[test]
fn our_identity_is_a_good_one() {
    assert_eq!(Uid::new(IMPLEMENTATION_CLASS_UID).fault(), None);
    assert!(IMPLEMENTATION_VERSION_NAME.starts_with("MARKGATE_"));
}
