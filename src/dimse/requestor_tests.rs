use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt as _, DuplexStream, ReadBuf};

use super::*;
use crate::dicom::status::Status;
use crate::dimse::fault::Rejection;
use crate::dimse::frames::Blocking;
use crate::dimse::message::{Request, encode_response};
use crate::dimse::normalized::{Notice, Reporting};
use crate::dimse::pdu::{RELEASE_RP, RELEASE_RQ, encode_ac, encode_rj};
use crate::dimse::testing::{
    CT, EXPLICIT, IMPLICIT, Script, VERIFICATION, accept, agree, data, proposed, rq, store_request,
    title,
};

fn contexts() -> Vec<Proposed> {
    vec![proposed(VERIFICATION, IMPLICIT), proposed(CT, EXPLICIT)]
}

fn order() -> StoreOrder {
    StoreOrder {
        sop_class: Uid::new(CT),
        transfer_syntax: Uid::new(EXPLICIT),
        sop_instance: Uid::new("1.2.3.4"),
        priority: Priority::High,
        move_originator: None,
    }
}

/// Sends an object that is in memory.
async fn store(outgoing: &mut Outgoing<DuplexStream>, object: &[u8]) -> Result<Answer, StoreFault> {
    let mut source = object;
    outgoing.store(&order(), &mut source).await
}

async fn open(stream: DuplexStream) -> Result<Outgoing<DuplexStream>, Fault> {
    let (calling, called) = (title("MARKGATE"), title("PACS"));
    associate(stream, &calling, &called, &contexts(), &Timers::default()).await
}

/// An association with a scripted peer that takes both contexts and PDUs of this size.
async fn scripted(max_pdu: u32, pipe: usize) -> (Outgoing<DuplexStream>, Script) {
    let (ours, theirs) = tokio::io::duplex(pipe);
    let mut peer = Script(theirs);
    let mut ac = agree(&rq(0)).ac;
    ac.user_variables = vec![UserVariableItem::MaxLength(max_pdu)];
    let (outgoing, ()) = tokio::join!(open(ours), async {
        assert_eq!(peer.hear().await.map(|(kind, _)| kind), Some(1));
        peer.say(&encode_ac(&ac)).await;
    });
    (outgoing.expect("an association"), peer)
}

/// A response to the message `id` about the object `instance`.
fn response(id: u16, instance: &str, status: Status) -> Vec<u8> {
    let request = StoreRequest { sop_instance: Uid::new(instance), ..store_request(id) };
    data(3, 3, &encode_response(&Request::Store(request), &status.into()))
}

#[tokio::test(start_paused = true)]
async fn objects_of_every_size_arrive_byte_for_byte() {
    for max_pdu in [0, 4_096, 16_384, 131_072] {
        let (ours, theirs) = tokio::io::duplex(8_192);
        let block = 128 << 10;
        let sizes = [0, 1, 4_090, 16_378, block - 6, block, block + 1, 1_000_000];
        let objects: Vec<Vec<u8>> =
            sizes.iter().map(|&size| (0..size).map(|n| (n % 251) as u8).collect()).collect();
        let serve = async {
            let requested = crate::dimse::Requested::receive(theirs, Timers::default())
                .await
                .expect("a request");
            let mut negotiated = agree(requested.rq());
            negotiated.our_max_pdu = 131_072;
            for item in &mut negotiated.ac.user_variables {
                if let UserVariableItem::MaxLength(length) = item {
                    *length = max_pdu;
                }
            }
            let mut association = requested.accept(negotiated).await.expect("an association");
            let mut received = Vec::new();
            while let Some(message) = association.next().await.expect("a message") {
                let Request::Store(request) = &message.request else { panic!("{message:?}") };
                assert_eq!(request.priority, Priority::High);
                let mut object = Vec::new();
                while let Some(piece) = association.data().await.expect("data") {
                    object.extend_from_slice(piece);
                }
                received.push(object);
                association.respond(&message, &Status::SUCCESS.into()).await.expect("taken");
            }
            received
        };
        let send = async {
            let mut outgoing = open(ours).await.expect("an association");
            for object in &objects {
                let answer = store(&mut outgoing, object).await;
                assert_eq!(answer.expect("an answer"), Answer::new(Status::SUCCESS));
            }
            outgoing.release().await.expect("released");
        };
        let ((), received) = tokio::join!(send, serve);
        assert!(received == objects, "{max_pdu}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_echo_is_answered() {
    let (ours, theirs) = tokio::io::duplex(8_192);
    let serve = async {
        let mut association = accept(theirs).await.expect("an association");
        let message = association.next().await.expect("a message").expect("not the end");
        association.respond(&message, &Status::SUCCESS.into()).await.expect("taken");
        association.next().await.expect("a release")
    };
    let send = async {
        let mut outgoing = open(ours).await.expect("an association");
        assert_eq!(outgoing.peer_max_pdu(), 16_384);
        assert_eq!(outgoing.implementation().0, Some(IMPLEMENTATION_CLASS_UID));
        let answer = outgoing.echo().await.expect("an answer");
        outgoing.release().await.expect("released");
        answer
    };
    let (answer, end) = tokio::join!(send, serve);
    assert_eq!((answer, end), (Answer::new(Status::SUCCESS), None));
}

/// A pipe that keeps the length of each write.
#[derive(Debug)]
struct Watched(DuplexStream, Arc<Mutex<Vec<usize>>>);

impl AsyncRead for Watched {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_read(context, buffer)
    }
}

impl AsyncWrite for Watched {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let polled = Pin::new(&mut self.0).poll_write(context, bytes);
        if let Poll::Ready(Ok(count)) = &polled {
            self.1.lock().expect("a lock").push(*count);
        }
        polled
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(context)
    }
}

impl Transport for Watched {}

#[tokio::test(start_paused = true)]
async fn a_message_leaves_in_as_few_writes_as_blocks() {
    let (ours, theirs) = tokio::io::duplex(4 << 20);
    let writes = Arc::new(Mutex::new(Vec::new()));
    let watched = Watched(ours, Arc::clone(&writes));
    let mut peer = Script(theirs);
    let listen = async {
        peer.hear().await.expect("a request");
        let mut ac = agree(&rq(0)).ac;
        ac.user_variables = vec![UserVariableItem::MaxLength(16_384)];
        peer.say(&encode_ac(&ac)).await;
        let mut controls = Vec::new();
        for id in 1..=2 {
            loop {
                let (kind, body) = peer.hear().await.expect("a PDU");
                assert!(kind == 4 && body.len() <= 16_384);
                controls.push(body[5]);
                if body[5] == 2 {
                    break;
                }
            }
            peer.say(&response(id, "1.2.3.4", Status::SUCCESS)).await;
        }
        controls
    };
    let send = async {
        let (calling, called) = (title("MARKGATE"), title("PACS"));
        let outgoing = associate(watched, &calling, &called, &contexts(), &Timers::default()).await;
        let mut outgoing = outgoing.expect("an association");
        writes.lock().expect("a lock").clear();
        for size in [100_000, 400_000] {
            let object = vec![7; size];
            let answer = outgoing.store(&order(), &mut object.as_slice()).await;
            assert_eq!(answer.expect("an answer").status, Status::SUCCESS);
        }
    };
    let ((), controls) = tokio::join!(send, listen);
    let first = [3, 0, 0, 0, 0, 0, 0, 2];
    assert_eq!(controls.get(..8), Some(&first[..]));
    assert_eq!(controls.len(), 8 + 1 + 25);
    assert_eq!(writes.lock().expect("a lock").len(), 1 + 2);
}

/// A source that breaks after some bytes.
struct Failing(usize);

impl Source for Failing {
    async fn fill(&mut self, mut frames: Frames) -> io::Result<Frames> {
        if self.0 == 0 {
            return Err(io::Error::other("disk on fire"));
        }
        let count = frames.space().len().min(self.0);
        frames.advance(count);
        self.0 -= count;
        Ok(frames)
    }
}

/// Every PDU up to the end, as type and message control header.
async fn controls(peer: &mut Script) -> Vec<(u8, u8)> {
    let pdus = peer.hear_all().await;
    pdus.into_iter().map(|(kind, body)| (kind, if kind == 4 { body[5] } else { 0 })).collect()
}

#[tokio::test(start_paused = true)]
async fn a_source_that_fails_ends_in_an_abort_and_never_in_a_last_fragment() {
    for bytes in [0, 1, 200_000, 1_000_000] {
        let (mut outgoing, mut peer) = scripted(0, 4 << 20).await;
        let fault = outgoing.store(&order(), &mut Failing(bytes)).await.expect_err("no object");
        let StoreFault::Association { fault: Fault::Source(_), sent: Sent::Incomplete } = fault
        else {
            panic!("{fault:?}")
        };
        assert!(matches!(outgoing.check().await, Err(Fault::Broken)));
        drop(outgoing);
        let heard = controls(&mut peer).await;
        assert_eq!(heard.last(), Some(&(7, 0)));
        assert!(!heard.contains(&(4, 2)), "{heard:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_source_that_gives_nothing_is_no_endless_loop() {
    struct Empty;
    impl Source for Empty {
        async fn fill(&mut self, frames: Frames) -> io::Result<Frames> {
            Ok(frames)
        }
    }
    let (mut outgoing, _peer) = scripted(0, 1 << 20).await;
    let fault = outgoing.store(&order(), &mut Empty).await.expect_err("no object");
    assert!(matches!(fault, StoreFault::Association { fault: Fault::Source(_), .. }), "{fault:?}");
}

#[tokio::test(start_paused = true)]
async fn a_cancelled_send_breaks_the_association_and_looks_incomplete() {
    let (mut outgoing, mut peer) = scripted(0, 50_000).await;
    let object = vec![7; 1_000_000];
    let send = store(&mut outgoing, &object);
    assert!(timeout(Duration::from_secs(5), send).await.is_err());
    let fault = outgoing.echo().await.expect_err("broken");
    assert!(matches!(fault, StoreFault::Association { fault: Fault::Broken, .. }), "{fault:?}");
    drop(outgoing);
    let heard = controls(&mut peer).await;
    assert!(!heard.contains(&(4, 2)), "{heard:?}");
}

#[tokio::test(start_paused = true)]
async fn a_file_is_read_on_another_thread() {
    let (mut outgoing, mut peer) = scripted(0, 4 << 20).await;
    let object: Vec<u8> = (0..700_000u32).map(|n| (n % 241) as u8).collect();
    let mut source = Blocking::new(io::Cursor::new(object.clone()));
    let order = order();
    let (answer, received) = tokio::join!(outgoing.store(&order, &mut source), async {
        let mut received = Vec::new();
        loop {
            let (_, body) = peer.hear().await.expect("a PDU");
            if body[5] & 1 == 0 {
                received.extend_from_slice(&body[6..]);
            }
            if body[5] == 2 {
                peer.say(&response(1, "1.2.3.4", Status::SUCCESS)).await;
                return received;
            }
        }
    });
    assert_eq!(answer.expect("an answer").status, Status::SUCCESS);
    assert!(received == object);
}

/// What the peer says after it has heard the whole of a small object, and how that ends.
async fn check_answer(say: &[Vec<u8>], want: Result<Status, &str>) {
    let (mut outgoing, mut peer) = scripted(0, 1 << 20).await;
    let (answer, ()) = tokio::join!(
        async {
            let answer = store(&mut outgoing, b"object").await;
            drop(outgoing);
            answer
        },
        async {
            while peer.hear().await.is_some_and(|(_, body)| body[5] != 2) {}
            peer.say(&say.concat()).await;
            peer.hear_all().await;
        }
    );
    let answer = answer.map(|answer| answer.status).map_err(|fault| fault.to_string());
    assert_eq!(answer.as_ref().map(|s| *s).map_err(String::as_str), want);
}

#[tokio::test(start_paused = true)]
async fn only_the_answer_to_what_was_asked_counts() {
    let good = || response(1, "1.2.3.4", Status::SUCCESS);
    check_answer(&[good()], Ok(Status::SUCCESS)).await;
    check_answer(&[response(1, "1.2.3.4\0", Status(0xA700))], Ok(Status(0xA700))).await;
    check_answer(&[response(1, "", Status::SUCCESS)], Ok(Status::SUCCESS)).await;

    let unanswered = |text: &str| format!("{text} (sent, not answered)");
    let check_fault = async |say: &[Vec<u8>], want: &str| {
        check_answer(say, Err(&unanswered(want))).await;
    };
    let wrong_id = response(2, "1.2.3.4", Status::SUCCESS);
    check_fault(&[wrong_id, good()], "protocol: the response is to message 2, not to 1").await;
    let wrong_instance = response(1, "1.2.3.5", Status::SUCCESS);
    check_fault(&[wrong_instance], "protocol: the response is about 1.2.3.5, not about 1.2.3.4")
        .await;
    let echo = Request::Echo(crate::dimse::message::EchoRequest { message_id: 1 });
    let wrong_field = data(3, 3, &encode_response(&echo, &Status::SUCCESS.into()));
    check_fault(&[wrong_field], "protocol: command field 0x8030 is not expected now").await;
    let no_status =
        "protocol: a command set that cannot be answered: (0000,0100) is missing or no number";
    check_fault(&[data(3, 3, b"")], no_status).await;
    check_fault(&[data(3, 2, b"x")], "protocol: a data set without a command").await;
    check_fault(&[RELEASE_RQ.to_vec()], "released by the peer").await;
    check_fault(&[RELEASE_RP.to_vec()], "protocol: A-RELEASE-RP is not expected now").await;
    check_fault(&[vec![7, 0, 0, 0, 0, 4, 0, 0, 2, 1]], "aborted by the peer: 2/1 unrecognized PDU")
        .await;
    check_fault(&[], "response timer fired").await;
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_goes_away_before_the_end_cannot_have_the_object() {
    let (mut outgoing, mut peer) = scripted(0, 4_096).await;
    let object = vec![7; 1_000_000];
    let (answer, ()) = tokio::join!(store(&mut outgoing, &object), async {
        peer.say(&[7, 0, 0, 0, 0, 4, 0, 0, 0, 0]).await;
        let mut some = [0; 10_000];
        tokio::io::AsyncReadExt::read_exact(&mut peer.0, &mut some).await.expect("some");
        drop(peer);
    });
    let fault = answer.expect_err("no answer");
    assert!(
        matches!(
            fault,
            StoreFault::Association { fault: Fault::Aborted(_), sent: Sent::Incomplete }
        ),
        "{fault:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn an_association_that_ended_while_idle_is_found_out_before_the_next_object() {
    for (say, want) in [
        (vec![], "closed by the peer (not sent to its end)"),
        (
            vec![7, 0, 0, 0, 0, 4, 0, 0, 2, 0],
            "aborted by the peer: 2/0 reason not specified (not sent to its end)",
        ),
        (RELEASE_RQ.to_vec(), "released by the peer (not sent to its end)"),
    ] {
        let (mut outgoing, mut peer) = scripted(0, 4_096).await;
        outgoing.check().await.expect("alive");
        peer.say(&say).await;
        peer.0.shutdown().await.expect("a pipe");
        let fault = store(&mut outgoing, b"object").await.expect_err("no answer");
        assert_eq!(fault.to_string(), want);
        drop(outgoing);
        assert!(!controls(&mut peer).await.iter().any(|(kind, _)| *kind == 4));
    }
}

#[tokio::test(start_paused = true)]
async fn what_was_not_accepted_is_not_sent() {
    let (mut outgoing, _peer) = scripted(0, 4_096).await;
    let order = StoreOrder { transfer_syntax: Uid::new(IMPLICIT), ..order() };
    let fault = outgoing.store(&order, &mut &b""[..]).await.expect_err("no context");
    assert!(matches!(fault, StoreFault::NoContext { .. }), "{fault:?}");
    outgoing.check().await.expect("as good as before");
}

/// What the peer answers to the association request, and how that ends.
async fn check_association(say: &[u8], want: &str) {
    let (ours, theirs) = tokio::io::duplex(1 << 20);
    let mut peer = Script(theirs);
    let (outgoing, ()) = tokio::join!(open(ours), async {
        peer.hear().await.expect("a request");
        peer.say(say).await;
        peer.0.shutdown().await.expect("a pipe");
    });
    assert_eq!(outgoing.map(drop).map_err(|fault| fault.to_string()), Err(want.to_owned()));
}

#[tokio::test(start_paused = true)]
async fn every_answer_to_an_association_request_is_told_apart() {
    check_association(
        &encode_rj(Rejection::CALLED_AE_TITLE),
        "association rejected: 1/1/7 called AE title not recognized",
    )
    .await;
    check_association(
        &[3, 0, 0, 0, 0, 4, 0, 9, 9, 9],
        "association rejected: 9/9/9 a reason that the standard does not list",
    )
    .await;
    check_association(
        &[7, 0, 0, 0, 0, 4, 0, 0, 0, 0],
        "aborted by the peer: 0/0 by the application",
    )
    .await;
    check_association(&[], "closed by the peer").await;
    check_association(b"HTTP/1.1 400 Bad Request", "protocol: PDU type 0x48 is unknown").await;
    check_association(&RELEASE_RQ, "protocol: A-RELEASE-RQ is not expected now").await;
    check_association(&data(1, 3, b""), "protocol: P-DATA-TF is not expected now").await;
    let mut ac = agree(&rq(0)).ac;
    ac.user_variables = vec![UserVariableItem::MaxLength(12)];
    check_association(&encode_ac(&ac), "protocol: the peer takes PDUs of 12 bytes only").await;
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_does_not_answer_is_given_up() {
    let (ours, _theirs) = tokio::io::duplex(1 << 20);
    let fault = open(ours).await.expect_err("no answer");
    assert!(matches!(fault, Fault::Timeout(Timer::Association)), "{fault:?}");
}

#[tokio::test(start_paused = true)]
async fn a_hundred_and_twenty_nine_contexts_are_not_proposed() {
    let many = vec![proposed(CT, EXPLICIT); 129];
    let (ours, _theirs) = tokio::io::duplex(1 << 20);
    let timers = Timers::default();
    let result = associate(ours, &title("A"), &title("B"), &many, &timers).await;
    assert!(matches!(result, Err(Fault::TooManyContexts(129))));
    let rq = request(&title("A"), &title("B"), &many[..128]).expect("a request");
    let ids: std::collections::BTreeSet<u8> =
        rq.presentation_contexts.iter().map(|context| context.id).collect();
    assert_eq!((ids.len(), ids.first(), ids.last()), (128, Some(&1), Some(&255)));
}

#[test]
fn only_what_was_proposed_can_be_accepted() {
    let rq = request(&title("A"), &title("B"), &contexts()).expect("a request");
    let mut ac = agree(&crate::dimse::testing::rq(0)).ac;
    assert_eq!(accepted(&rq, &ac).len(), 2);
    ac.presentation_contexts[1].transfer_syntax = IMPLICIT.into();
    ac.presentation_contexts[0].id = 77;
    assert_eq!(accepted(&rq, &ac), []);
}

#[tokio::test(start_paused = true)]
async fn in_a_release_collision_the_requestor_answers_first() {
    let (outgoing, mut peer) = scripted(0, 4_096).await;
    peer.say(&RELEASE_RQ).await;
    let (released, heard) = tokio::join!(outgoing.release(), async {
        let heard = [peer.hear().await, peer.hear().await].map(|pdu| pdu.map(|(kind, _)| kind));
        peer.say(&RELEASE_RP).await;
        heard
    });
    released.expect("released");
    assert_eq!(heard, [Some(5), Some(6)]);
}

const COMMITMENT: &str = "1.2.840.10008.1.20.1";

fn notice() -> Notice {
    Notice {
        sop_class: COMMITMENT.into(),
        sop_instance: "1.2.840.10008.1.20.1.1".into(),
        kind: 1,
        data: vec![9; 40_000],
    }
}

/// An association for commitments with an acceptor of our own, in these roles.
async fn committed(
    roles: &[ServiceRole],
) -> (Outgoing<DuplexStream>, crate::dimse::Association<DuplexStream>) {
    let (ours, theirs) = tokio::io::duplex(1 << 20);
    let (calling, called) = (title("MARKGATE"), title("PACS"));
    let contexts = [proposed(COMMITMENT, IMPLICIT)];
    let timers = Timers::default();
    let asked = associate_in(ours, &calling, &called, &contexts, roles, &timers);
    let (outgoing, association) = tokio::join!(asked, accept(theirs));
    (outgoing.expect("an association"), association.expect("an association"))
}

#[tokio::test(start_paused = true)]
async fn an_action_is_answered_and_reported_on_the_same_association() {
    let role = ServiceRole { sop_class: COMMITMENT.into(), scu: true, scp: false };
    let (mut outgoing, mut association) = committed(&[role]).await;
    assert_eq!(outgoing.takes(&COMMITMENT.into()), Some(&IMPLICIT.into()));
    let peer = async {
        let message = association.next().await.expect("a message").expect("not the end");
        assert!(message.context.requestor_is_scu);
        let Request::Action(action) = &message.request else { panic!("{message:?}") };
        assert_eq!(action.action_type, 1);
        let mut data = Vec::new();
        while let Some(piece) = association.data().await.expect("data") {
            data.extend_from_slice(piece);
        }
        assert_eq!(data, notice().data);
        association.respond(&message, &Status::SUCCESS.into()).await.expect("taken");
        let (done, answer) = tokio::sync::oneshot::channel();
        let reporting = Reporting { context: message.context.id, notice: notice(), done };
        association.report(reporting).await.expect("sent");
        assert_eq!(association.next().await.expect("a release"), None);
        answer.await.expect("an answer")
    };
    let ours = async {
        let answer = outgoing.action(&notice()).await.expect("an answer");
        assert_eq!(answer.status, Status::SUCCESS);
        let by = Instant::now() + Duration::from_secs(5);
        let heralded = outgoing.event(by).await.expect("an event").expect("not the end");
        assert_eq!((heralded.event.event_type, &heralded.data), (1, &notice().data));
        assert_eq!(heralded.transfer_syntax.as_str(), IMPLICIT);
        outgoing.answer(&heralded, &Status::PROCESSING_FAILURE.into()).await.expect("taken");
        outgoing.release().await.expect("released");
    };
    let (status, ()) = tokio::join!(peer, ours);
    assert_eq!(status, Status::PROCESSING_FAILURE);
}

#[tokio::test(start_paused = true)]
async fn a_report_goes_out_in_the_role_of_scp() {
    let role = ServiceRole { sop_class: COMMITMENT.into(), scu: false, scp: true };
    let (mut outgoing, mut association) = committed(&[role]).await;
    assert!(!outgoing.denies_scp(&COMMITMENT.into()));
    let peer = async {
        let message = association.next().await.expect("a message").expect("not the end");
        assert!(!message.context.requestor_is_scu);
        assert!(matches!(message.request, Request::Event(_)), "{message:?}");
        association.respond(&message, &Status::SUCCESS.into()).await.expect("taken");
    };
    let (answer, ()) = tokio::join!(
        async {
            let notice = notice();
            outgoing.report(&notice).await
        },
        peer
    );
    assert_eq!(answer.expect("an answer").status, Status::SUCCESS);
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_reports_nothing_in_time_can_still_be_released() {
    let (mut outgoing, mut association) = committed(&[]).await;
    let by = Instant::now() + Duration::from_secs(5);
    assert_eq!(outgoing.event(by).await.expect("no fault"), None);
    let (released, next) = tokio::join!(outgoing.release(), association.next());
    assert!(released.is_ok() && matches!(next, Ok(None)));
}

#[tokio::test(start_paused = true)]
async fn a_role_that_is_refused_is_seen() {
    // Roles are granted for Storage Commitment alone.
    let (ours, theirs) = tokio::io::duplex(1 << 20);
    let (calling, called) = (title("MARKGATE"), title("PACS"));
    let role = ServiceRole { sop_class: CT.into(), scu: false, scp: true };
    let (contexts, timers) = ([proposed(CT, EXPLICIT)], Timers::default());
    let roles = [role];
    let asked = associate_in(ours, &calling, &called, &contexts, &roles, &timers);
    let (outgoing, association) = tokio::join!(asked, accept(theirs));
    let outgoing = outgoing.expect("an association");
    assert!(outgoing.denies_scp(&CT.into()) && !outgoing.denies_scp(&COMMITMENT.into()));
    drop(association);
}
