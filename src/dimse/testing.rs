//! A scripted peer for the tests: says exactly the bytes it is told to, and shows what it hears.

use std::time::Duration;

use dicom_ul::pdu::{AssociationRQ, PresentationContextProposed, UserVariableItem};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream};
use tokio::time::timeout;

use crate::dicom::ae_title::AeTitle;
use crate::dicom::uid::Uid;
use crate::dimse::APPLICATION_CONTEXT;
use crate::dimse::acceptor::{Association, Requested};
use crate::dimse::fault::Fault;
use crate::dimse::message::{MoveOriginator, StoreRequest, encode_store};
use crate::dimse::negotiate::{ContextAnswer, Negotiated, Terms, negotiate};
use crate::dimse::pdu::{RELEASE_RQ, encode_rq};
use crate::dimse::requestor::Proposed;
use crate::dimse::timers::Timers;

pub(crate) const CT: &str = "1.2.840.10008.5.1.4.1.1.2";
pub(crate) const VERIFICATION: &str = "1.2.840.10008.1.1";
pub(crate) const IMPLICIT: &str = "1.2.840.10008.1.2";
pub(crate) const EXPLICIT: &str = "1.2.840.10008.1.2.1";

pub(crate) fn title(text: &str) -> AeTitle {
    AeTitle::parse(text).expect("a title")
}

/// Verification in context 1, CT in 3; the peer takes PDUs of this size.
pub(crate) fn rq(max_pdu: u32) -> AssociationRQ {
    let context = |id, class: &str, syntax: &str| PresentationContextProposed {
        id,
        abstract_syntax: class.into(),
        transfer_syntaxes: vec![syntax.into()],
    };
    AssociationRQ {
        protocol_version: 1,
        calling_ae_title: "CT01".into(),
        called_ae_title: "MARKGATE".into(),
        application_context_name: APPLICATION_CONTEXT.into(),
        presentation_contexts: vec![context(1, VERIFICATION, IMPLICIT), context(3, CT, EXPLICIT)],
        user_variables: vec![UserVariableItem::MaxLength(max_pdu)],
    }
}

pub(crate) fn proposed(class: &str, syntax: &str) -> Proposed {
    Proposed { sop_class: Uid::new(class), transfer_syntax: Uid::new(syntax) }
}

/// Takes every context with its first transfer syntax.
pub(crate) fn agree(rq: &AssociationRQ) -> Negotiated {
    let terms = Terms { max_pdu: 16_384, ..Terms::new(vec![title("MARKGATE"), title("PACS")]) };
    let all = |_, _: &str, syntaxes: &[String]| {
        syntaxes.first().map_or(ContextAnswer::NoReason, |s| ContextAnswer::Accept(s.clone()))
    };
    negotiate(rq, &terms, &|_, _| Ok(()), &all).expect("an association").0
}

/// An acceptor that takes what is asked for.
pub(crate) async fn accept(stream: DuplexStream) -> Result<Association<DuplexStream>, Fault> {
    let requested = Requested::receive(stream, Timers::default()).await?;
    let negotiated = agree(requested.rq());
    requested.accept(negotiated).await
}

/// An association with a scripted peer that takes PDUs of 16 KiB.
pub(crate) async fn associated() -> (Association<DuplexStream>, Script) {
    let (ours, theirs) = tokio::io::duplex(1 << 20);
    let mut peer = Script(theirs);
    peer.say(&encode_rq(&rq(16_384))).await;
    let association = accept(ours).await.expect("an association");
    assert_eq!(peer.hear().await.map(|(kind, _)| kind), Some(2));
    (association, peer)
}

/// The other end of the pipe.
pub(crate) struct Script(pub(crate) DuplexStream);

impl Script {
    pub(crate) async fn say(&mut self, bytes: &[u8]) {
        self.0.write_all(bytes).await.expect("a pipe");
    }

    /// The next PDU, type and body; `None` when the pipe is closed.
    pub(crate) async fn hear(&mut self) -> Option<(u8, Vec<u8>)> {
        let heard = timeout(Duration::from_secs(600), async {
            let mut header = [0; 6];
            self.0.read_exact(&mut header).await.ok()?;
            let [kind, _, length @ ..] = header;
            let mut body = vec![0; u32::from_be_bytes(length) as usize];
            self.0.read_exact(&mut body).await.ok()?;
            Some((kind, body))
        });
        heard.await.expect("a PDU or the end within ten minutes")
    }

    /// Everything that still comes, up to the end.
    pub(crate) async fn hear_all(&mut self) -> Vec<(u8, Vec<u8>)> {
        let mut all = Vec::new();
        while let Some(pdu) = self.hear().await {
            all.push(pdu);
        }
        all
    }
}

pub(crate) fn pdv(context: u8, control: u8, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len() + 2).expect("a length");
    [&length.to_be_bytes()[..], &[context, control], payload].concat()
}

pub(crate) fn pdu(kind: u8, body: &[u8]) -> Vec<u8> {
    let length = u32::try_from(body.len()).expect("a length");
    [&[kind, 0], &length.to_be_bytes()[..], body].concat()
}

/// A P-DATA-TF with one PDV.
pub(crate) fn data(context: u8, control: u8, payload: &[u8]) -> Vec<u8> {
    pdu(4, &pdv(context, control, payload))
}

pub(crate) fn store_request(message_id: u16) -> StoreRequest {
    StoreRequest {
        message_id,
        sop_class: Uid::new(CT),
        sop_instance: Uid::new("1.2.3.4"),
        priority: crate::dimse::Priority::Medium,
        move_originator: None::<MoveOriginator>,
    }
}

/// A C-STORE-RQ as one PDU in context 3.
pub(crate) fn store_command(message_id: u16) -> Vec<u8> {
    data(3, 3, &encode_store(&store_request(message_id)))
}

/// One PDU of each type, and one of none.
pub(crate) fn one_of_each() -> Vec<(&'static str, Vec<u8>)> {
    let ac = crate::dimse::pdu::encode_ac(&agree(&rq(0)).ac);
    vec![
        ("RQ", encode_rq(&rq(0))),
        ("AC", ac),
        ("RJ", vec![3, 0, 0, 0, 0, 4, 0, 1, 1, 1]),
        ("DATA", data(3, 3, &encode_store(&store_request(9)))),
        ("RELEASE-RQ", RELEASE_RQ.to_vec()),
        ("RELEASE-RP", vec![6, 0, 0, 0, 0, 4, 0, 0, 0, 0]),
        ("ABORT", vec![7, 0, 0, 0, 0, 4, 0, 0, 0, 0]),
        ("UNKNOWN", vec![9, 0, 0, 0, 0, 4, 0, 0, 0, 0]),
    ]
}
