//! Upper layer and command sets, fed with anything.

use dicom_ul::pdu::{AssociationRQ, PresentationContextProposed, UserVariableItem};

use crate::dicom::ae_title::AeTitle;
use crate::dicom::status::Status;
use crate::dicom::uid::Uid;
use crate::dimse::APPLICATION_CONTEXT;
use crate::dimse::fault::Breach;
use crate::dimse::frames::command_pdus;
use crate::dimse::message::{
    Answer, Priority, Request, Response, StoreRequest, encode_echo, encode_response, encode_store,
};
use crate::dimse::negotiate::{ContextAnswer, Terms, negotiate};
use crate::dimse::pdata::{Decoder, Fragment, Unit};
use crate::dimse::pdu::{
    PduType, RELEASE_RQ, encode_ac, encode_rq, parse_abort, parse_ac, parse_rj, parse_rq,
};

/// What a decoder sees.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Seen {
    /// Consecutive pieces of one command set or data set, joined.
    Part {
        context: u8,
        command: bool,
        last: bool,
        bytes: Vec<u8>,
    },
    Pdu(PduType, Vec<u8>),
    Fault(Breach),
}

/// What a decoder makes of a stream that comes in chunks of these sizes, in turn.
pub(crate) fn decode(stream: &[u8], chunks: &[usize], max_pdu: u32) -> Vec<Seen> {
    let mut decoder = Decoder::new();
    decoder.limit(max_pdu);
    let mut seen = Vec::new();
    let mut rest = stream;
    let mut sizes = chunks.iter().map(|size| (*size).max(1)).cycle();
    loop {
        match decoder.next() {
            Ok(Some(Unit::Pdu(kind, body))) => {
                seen.push(Seen::Pdu(kind, decoder.bytes(body).to_vec()));
            }
            Ok(Some(Unit::Fragment(Fragment { context, command, last, bytes }))) => {
                let new = decoder.bytes(bytes);
                match seen.last_mut() {
                    Some(Seen::Part { context: c, command: k, last: l @ false, bytes })
                        if (*c, *k) == (context, command) =>
                    {
                        bytes.extend(new);
                        *l = last;
                    }
                    _ => seen.push(Seen::Part { context, command, last, bytes: new.to_vec() }),
                }
            }
            Ok(None) if rest.is_empty() => return seen,
            Ok(None) => {
                let space = decoder.space();
                assert!(!space.is_empty(), "there is room for more");
                let count = sizes.next().unwrap_or(usize::MAX).min(rest.len()).min(space.len());
                let (now, later) = rest.split_at(count);
                if let Some(place) = space.get_mut(..count) {
                    place.copy_from_slice(now);
                }
                decoder.filled(count);
                rest = later;
            }
            Err(breach) => {
                seen.push(Seen::Fault(breach));
                return seen;
            }
        }
    }
}

/// A stream of PDUs. The first byte says how many sizes of chunks follow it; cut in that way or whole, it is the same.
pub fn pdu_stream(input: &[u8]) {
    let Some((count, rest)) = input.split_first() else { return };
    let (chunks, stream) = rest.split_at(usize::from(count % 8).min(rest.len()));
    let chunks: Vec<usize> = chunks.iter().copied().map(usize::from).collect();
    let whole = decode(stream, &[], 16 << 10);
    assert_eq!(decode(stream, &chunks, 16 << 10), whole, "the same however it is cut");
}

/// The body of an A-ASSOCIATE PDU. What is answered to a request can be read, and has an answer to each context.
pub fn assoc_rq(body: &[u8]) {
    let padded: Vec<u8> = body.iter().copied().chain(std::iter::repeat_n(0, 68)).collect();
    for body in [body, &padded] {
        // Both are only read in a body that has at least its fixed fields.
        if body.len() < 68 {
            continue;
        }
        drop(parse_ac(body));
        let Ok(rq) = parse_rq(body) else { continue };
        let terms = Terms::new(vec![own_title()]);
        let admit = |_: &AeTitle, _: &AeTitle| Ok(());
        let accept = |_, _: &str, proposed: &[String]| match proposed.first() {
            Some(first) => ContextAnswer::Accept(first.clone()),
            None => ContextAnswer::TransferSyntaxesNotSupported,
        };
        if let Ok((negotiated, ())) = negotiate(&rq, &terms, &admit, &accept) {
            let bytes = encode_ac(&negotiated.ac);
            let read = parse_ac(bytes.get(6..).unwrap_or_default()).expect("our own answer");
            assert_eq!(read.presentation_contexts.len(), rq.presentation_contexts.len());
        }
    }
    assert!(parse_rj(body).to_string().len() < 80 && parse_abort(body).to_string().len() < 80);
}

fn own_title() -> AeTitle {
    AeTitle::parse("MARKGATE").expect("eight letters")
}

/// A command set. What is answered to a request can be read and says what was meant; a C-STORE-RQ survives being written again.
pub fn command_set(bytes: &[u8]) {
    drop(Response::parse(bytes));
    let Ok(parsed) = Request::parse(bytes) else { return };
    let answer = Answer::with_comment(Status::PROCESSING_FAILURE, "for a test");
    let response = encode_response(&parsed.message, &answer);
    let response = Response::parse(&response).expect("our own response").message;
    assert_eq!(response.responded_to, parsed.message.message_id());
    assert_eq!(response.command_field, parsed.message.command_field().response());
    assert_eq!(response.answer, answer);
    if let Request::Store(request) = &parsed.message {
        let again = Request::parse(&encode_store(request)).expect("our own request").message;
        assert_eq!(again, parsed.message);
    }
}

fn request() -> AssociationRQ {
    let context = |id, class: &str| PresentationContextProposed {
        id,
        abstract_syntax: class.to_owned(),
        transfer_syntaxes: vec!["1.2.840.10008.1.2".to_owned(), "1.2.840.10008.1.2.1".to_owned()],
    };
    AssociationRQ {
        protocol_version: 1,
        calling_ae_title: "CT01".to_owned(),
        called_ae_title: "MARKGATE".to_owned(),
        application_context_name: APPLICATION_CONTEXT.to_owned(),
        presentation_contexts: vec![
            context(1, "1.2.840.10008.1.1"),
            context(3, "1.2.840.10008.5.1.4.1.1.2"),
        ],
        user_variables: vec![
            UserVariableItem::MaxLength(16_384),
            UserVariableItem::ImplementationClassUID("1.2.3".to_owned()),
            UserVariableItem::ImplementationVersionName("TEST".to_owned()),
        ],
    }
}

fn store() -> Vec<u8> {
    encode_store(&StoreRequest {
        message_id: 7,
        sop_class: Uid::new("1.2.840.10008.5.1.4.1.1.2"),
        sop_instance: Uid::new("1.2.3.4"),
        priority: Priority::Medium,
        move_originator: None,
    })
}

/// Good inputs of [`pdu_stream`].
#[must_use]
pub fn pdu_streams() -> Vec<Vec<u8>> {
    let data = [&[4, 0, 0, 0, 0, 20, 0, 0, 0, 16, 3, 2][..], &[7; 14]].concat();
    let exchange =
        [encode_rq(&request()), command_pdus(3, &store(), 64), data, RELEASE_RQ.to_vec()].concat();
    let echo = command_pdus(1, &encode_echo(1), 1 << 14);
    vec![[&[3, 1, 7, 200][..], &exchange].concat(), [&[0][..], &echo].concat()]
}

/// Good inputs of [`assoc_rq`].
#[must_use]
pub fn assoc_rqs() -> Vec<Vec<u8>> {
    vec![encode_rq(&request()).split_off(6)]
}

/// Good inputs of [`command_set`].
#[must_use]
pub fn command_sets() -> Vec<Vec<u8>> {
    let echo = encode_echo(9);
    let answer = match Request::parse(&store()) {
        Ok(parsed) => encode_response(&parsed.message, &Answer::new(Status::SUCCESS)),
        Err(_) => Vec::new(),
    };
    vec![store(), echo, answer]
}
