use dicom_ul::pdu::{AssociationAC, RequestorRoles};

use super::*;
use crate::dimse::negotiate::{Terms, negotiate};
use crate::dimse::pdu::{encode_ac, parse_rq, user_identity};
use crate::dimse::testing::{CT, EXPLICIT, IMPLICIT, Script, VERIFICATION, agree, rq, title};

const ASYNC_WINDOW: u8 = 0x53;
const EXTENDED: u8 = 0x56;

fn roles(scu: bool, scp: bool) -> UserVariableItem {
    UserVariableItem::ScuScpRoleSelectionSubItem(CT.into(), RequestorRoles { scu, scp })
}

/// A modality's request: two syntaxes for CT, a wish for both roles, a window and extended negotiation.
fn asked() -> AssociationRQ {
    let mut rq = rq(16_384);
    for context in &mut rq.presentation_contexts {
        if context.abstract_syntax == CT {
            context.transfer_syntaxes = vec![EXPLICIT.into(), IMPLICIT.into()];
        }
    }
    rq.user_variables.extend([
        UserVariableItem::ImplementationVersionName("MODALITY_1".into()),
        UserVariableItem::Unknown(ASYNC_WINDOW, vec![0, 8, 0, 8]),
        UserVariableItem::Unknown(EXTENDED, vec![0, 1, b'1', 2]),
        roles(true, true),
    ]);
    rq
}

fn secret() -> UserIdentity {
    UserIdentity { kind: 2, wants_answer: true, primary: b"ct".into(), secondary: b"x".into() }
}

fn peer() -> Peer {
    let (called, calling) = (title("PACS"), title("CT01"));
    Peer { host: "pacs".to_owned(), port: 104, called, calling, tls: None }
}

/// The association that a wish leads to with a destination that answers so, and the body of the request that it saw.
async fn opened(
    wish: &Wish,
    answers: impl FnOnce(&mut AssociationAC),
) -> (Outgoing<tokio::io::DuplexStream>, Vec<u8>) {
    let (ours, theirs) = tokio::io::duplex(1 << 16);
    let mut script = Script(theirs);
    let timers = Timers::default();
    let (peer, mut seen) = (peer(), Vec::new());
    let (outgoing, ()) = tokio::join!(ask(ours, &peer, wish, &timers), async {
        let (kind, body) = script.hear().await.expect("a request");
        assert_eq!(kind, 1);
        let mut ac = agree(&parse_rq(&body).expect("a request")).ac;
        answers(&mut ac);
        script.say(&encode_ac(&ac)).await;
        seen = body;
    });
    (outgoing.expect("an association"), seen)
}

#[tokio::test]
async fn a_destination_hears_what_the_modality_asks_for() {
    let asked = asked();
    let wish = Wish::of(&asked, Some(&secret()), &|class| class == CT);
    let (_, seen) = opened(&wish, |_| {}).await;
    assert_eq!(user_identity(&seen), Some(secret()));
    let seen = parse_rq(&seen).expect("a request");
    let titles = [seen.calling_ae_title.as_str(), seen.called_ae_title.as_str()];
    assert_eq!(titles, ["CT01", "PACS"]);
    let of_ct: Vec<_> = asked.presentation_contexts.iter().filter(|c| c.id == 3).cloned().collect();
    assert_eq!(seen.presentation_contexts, of_ct, "under its own identifier, without C-ECHO's");
    for carried in asked.user_variables.iter().rev().take(3) {
        assert!(seen.user_variables.contains(carried), "{carried:?}");
    }
    let theirs = UserVariableItem::ImplementationVersionName("MODALITY_1".into());
    assert!(!seen.user_variables.contains(&theirs), "it is the gate that speaks");
}

#[tokio::test]
async fn the_modality_hears_what_the_destination_answers() {
    let wish = Wish::of(&asked(), None, &|_| true);
    let granted = [roles(false, true), UserVariableItem::Unknown(ASYNC_WINDOW, vec![0, 2, 0, 1])];
    let (outgoing, _) = opened(&wish, |ac| {
        for answer in &mut ac.presentation_contexts {
            if answer.id == 3 {
                answer.transfer_syntax = IMPLICIT.into();
            } else {
                answer.reason = PresentationContextResultReason::UserRejection;
            }
        }
        ac.user_variables = vec![UserVariableItem::MaxLength(4096)];
        ac.user_variables.extend(granted.clone());
    })
    .await;
    assert_eq!(outgoing.answer_to(1), ContextAnswer::UserRejection);
    assert_eq!(outgoing.answer_to(3), ContextAnswer::Accept(IMPLICIT.into()));
    assert_eq!(outgoing.answer_to(5), ContextAnswer::NoReason);
    assert!(outgoing.context(&CT.into(), &IMPLICIT.into()).is_some());
    let terms = Terms::new(vec![title("MARKGATE")]);
    let answer = |id, _: &str, _: &[String]| outgoing.answer_to(id);
    let (mut negotiated, ()) =
        negotiate(&asked(), &terms, &|_, _| Ok(()), &answer).expect("agreed");
    negotiated.grant_as(&outgoing);
    let [context] = negotiated.contexts() else { panic!("one context") };
    assert_eq!((context.id, context.transfer_syntax.as_str()), (3, IMPLICIT));
    assert!(!context.requestor_is_scu, "the destination grants the other role alone");
    let answered = &negotiated.ac.user_variables;
    assert!(granted.iter().all(|item| answered.contains(item)), "{answered:?}");
    let is_window =
        |item: &&UserVariableItem| matches!(item, UserVariableItem::Unknown(ASYNC_WINDOW, _));
    assert_eq!(answered.iter().filter(is_window).count(), 1);
    assert!(answered.contains(&UserVariableItem::MaxLength(terms.max_pdu)), "our own");
}

#[test]
fn wishes_are_compared_and_tell_nothing_of_the_identity() {
    let wish = |carried: &str| Wish::of(&asked(), Some(&secret()), &|class| class == carried);
    assert_eq!(wish(CT), wish(CT));
    assert_ne!(wish(CT), wish(VERIFICATION));
    assert_ne!(wish(CT), Wish::of(&asked(), None, &|class| class == CT));
    assert!(wish("1.2.3").is_empty());
    assert_eq!(format!("{:?}", wish(CT)), "Wish(1 contexts)");
}
