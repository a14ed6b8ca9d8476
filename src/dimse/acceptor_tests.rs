use std::time::Duration;

use proptest::prelude::*;
use tokio::io::AsyncWriteExt as _;
use tokio::time::Instant;

use super::*;
use crate::dicom::sop_class::{STORAGE_COMMITMENT, STORAGE_COMMITMENT_INSTANCE};
use crate::dicom::status::Status;
use crate::dicom::uid::Uid;
use crate::dimse::command::{CommandSet, number};
use crate::dimse::message::{EchoRequest, encode_echo};
use crate::dimse::normalized::{EventRequest, Notice};
use crate::dimse::pdu::{RELEASE_RP, RELEASE_RQ, encode_rq};
use crate::dimse::testing::{
    Script, accept, agree, associated, data, one_of_each, pdu, pdv, rq, store_command,
    store_request,
};

const ABORT_2_2: &str = "07 00 00 02 02";

/// What a peer heard: type and first bytes of each PDU.
fn heard(pdus: &[(u8, Vec<u8>)]) -> String {
    let hex = |(kind, body): &(u8, Vec<u8>)| {
        let bytes = std::iter::once(kind).chain(body.iter().take(4));
        bytes.map(|byte| format!("{byte:02X}")).collect::<Vec<_>>().join(" ")
    };
    pdus.iter().map(hex).collect::<Vec<_>>().join(", ")
}

#[tokio::test(start_paused = true)]
async fn an_echo_is_answered_and_a_release_ends_the_association() {
    let (mut association, mut peer) = associated().await;
    assert_eq!(
        (association.calling().as_str(), association.called().as_str()),
        ("CT01", "MARKGATE")
    );
    peer.say(&data(1, 3, &encode_echo(5))).await;
    let message = association.next().await.expect("a message").expect("not the end");
    assert_eq!(message.request, Request::Echo(EchoRequest { message_id: 5 }));
    assert_eq!(message.context.id, 1);
    association.respond(&message, &Status::SUCCESS.into()).await.expect("taken");
    let (kind, body) = peer.hear().await.expect("a response");
    assert_eq!((kind, &body[4..6]), (4, &[1, 3][..]));

    peer.say(&RELEASE_RQ).await;
    let (next, reply) = tokio::join!(association.next(), async {
        let reply = peer.hear().await;
        drop(peer);
        reply
    });
    assert_eq!(next.expect("a release"), None);
    assert_eq!(reply.map(|(kind, _)| kind), Some(6));
    assert!(matches!(association.next().await, Err(Fault::Broken)));
}

/// Reads a data set to its end.
async fn collect(association: &mut Association<tokio::io::DuplexStream>) -> Result<Vec<u8>, Fault> {
    let mut all = Vec::new();
    while let Some(piece) = association.data().await? {
        assert!(!piece.is_empty());
        all.extend_from_slice(piece);
    }
    Ok(all)
}

#[tokio::test(start_paused = true)]
async fn a_data_set_is_lent_piece_by_piece_however_it_was_cut() {
    let (mut association, mut peer) = associated().await;
    let command = crate::dimse::message::encode_store(&store_request(7));
    let (first, second) = command.split_at(40);
    let stream = [
        data(3, 1, first),
        pdu(4, &[pdv(3, 3, second), pdv(3, 0, b"a data"), pdv(3, 0, b"")].concat()),
        pdu(4, &[pdv(3, 0, b" set"), pdv(3, 2, b".")].concat()),
        store_command(8),
        data(3, 2, b""),
    ];
    peer.say(&stream.concat()).await;
    let message = association.next().await.expect("a message").expect("not the end");
    assert_eq!(message.request, Request::Store(store_request(7)));
    assert_eq!(message.context.transfer_syntax, Uid::new("1.2.840.10008.1.2.1"));
    assert_eq!(collect(&mut association).await.expect("whole"), b"a data set.");
    assert_eq!(association.data().await.expect("nothing more"), None);

    let message = association.next().await.expect("a message").expect("not the end");
    assert_eq!(message.request.message_id(), 8);
    assert_eq!(collect(&mut association).await.expect("whole"), b"");
}

#[tokio::test(start_paused = true)]
async fn a_data_set_that_nobody_reads_is_passed_over() {
    let (mut association, mut peer) = associated().await;
    for id in [1, 2] {
        let stream = [store_command(id), data(3, 0, &[7; 9_000]), data(3, 2, &[8; 9_000])];
        peer.say(&stream.concat()).await;
    }
    let first = association.next().await.expect("a message").expect("not the end");
    association.respond(&first, &Status::OUT_OF_RESOURCES.into()).await.expect("taken");
    let second = association.next().await.expect("a message").expect("not the end");
    assert_eq!(second.request.message_id(), 2);
    let (_, body) = peer.hear().await.expect("a response");
    let response = Response::parse(&body[6..]).expect("a response");
    assert_eq!(response.message.answer, Answer::new(Status::OUT_OF_RESOURCES));
    assert_eq!(response.message.responded_to, 1);
}

#[tokio::test(start_paused = true)]
async fn waiting_for_a_message_can_be_cancelled_in_the_middle_of_it() {
    let (mut association, mut peer) = associated().await;
    let stream = store_command(7);
    for piece in stream.chunks(11) {
        peer.say(piece).await;
        let next = tokio::time::timeout(Duration::from_millis(1), association.next());
        if let Ok(message) = next.await {
            let message = message.expect("a message").expect("not the end");
            assert_eq!(message.request.message_id(), 7);
            return;
        }
    }
    panic!("no message");
}

#[tokio::test(start_paused = true)]
async fn what_is_no_dicom_is_shown_the_door_without_a_word() {
    async fn check(bytes: &[u8], want: &str) {
        let (ours, theirs) = tokio::io::duplex(1 << 20);
        let mut peer = Script(theirs);
        peer.say(bytes).await;
        let fault = Requested::receive(ours, Timers::default()).await.expect_err("no request");
        assert_eq!(fault.to_string(), want);
        assert_eq!(peer.hear_all().await, []);
    }
    check(&[0x16, 3, 1, 2, 0, 1, 0, 1, 0xFC], "the peer speaks TLS, this port does not").await;
    check(b"GET / HTTP/1.1\r\n", "the peer speaks HTTP").await;
    check(b"P", "the peer speaks HTTP").await;
    check(b"SSH-2.0-OpenSSH", "the peer speaks SSH").await;
    check(&[0xFF; 8], "the peer's first byte is 0xFF, not that of a PDU").await;
    let long = "protocol: A-ASSOCIATE-RQ of 131073 bytes, at most 131072 are taken";
    check(&[1, 0, 0, 2, 0, 1, 0, 1], long).await;
}

#[tokio::test(start_paused = true)]
async fn half_a_request_and_silence_end_with_artim() {
    let (ours, theirs) = tokio::io::duplex(1 << 20);
    let mut peer = Script(theirs);
    let rq = encode_rq(&rq(0));
    let script = async {
        for byte in &rq[..rq.len() - 1] {
            peer.say(&[*byte]).await;
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        peer.hear_all().await
    };
    let begun = Instant::now();
    let receive = async {
        let result = Requested::receive(ours, Timers::default()).await.map(drop);
        (result, begun.elapsed())
    };
    let ((result, waited), heard) = tokio::join!(receive, script);
    assert!(matches!(result, Err(Fault::Timeout(Timer::Artim))), "{result:?}");
    assert_eq!(waited.as_secs(), 30);
    assert_eq!(heard, []);
}

#[tokio::test(start_paused = true)]
async fn a_rejected_peer_has_artim_to_close() {
    let (ours, theirs) = tokio::io::duplex(1 << 20);
    let mut peer = Script(theirs);
    peer.say(&encode_rq(&rq(0))).await;
    let requested = Requested::receive(ours, Timers::default()).await.expect("a request");
    let begun = Instant::now();
    requested.reject(Rejection::CALLED_AE_TITLE).await.expect("sent");
    assert_eq!(begun.elapsed().as_secs(), 30);
    assert_eq!(peer.hear_all().await, [(3, vec![0, 1, 1, 7])]);
}

#[tokio::test(start_paused = true)]
async fn a_broken_request_is_aborted() {
    let (ours, theirs) = tokio::io::duplex(1 << 20);
    let mut peer = Script(theirs);
    peer.say(&pdu(1, &[&[0; 68][..], &[0x10, 0, 0, 99]].concat())).await;
    let fault = Requested::receive(ours, Timers::default()).await.expect_err("no request");
    assert_eq!(
        fault.to_string(),
        "protocol: A-ASSOCIATE-RQ: item 0x10 claims 99 bytes, 0 are left"
    );
    assert_eq!(heard(&peer.hear_all().await), "07 00 00 02 06");
}

/// What each PDU leads to in one state: its name, what the peer hears, how the call ends.
type Row<'a> = (&'a str, &'a str, &'a str);

#[tokio::test(start_paused = true)]
async fn before_a_request_only_a_request_is_expected() {
    let abort = |kind: &str| format!("protocol: {kind} is not expected now");
    let rows: [Row<'_>; 8] = [
        ("RQ", "", ""),
        ("AC", ABORT_2_2, &abort("A-ASSOCIATE-AC")),
        ("RJ", ABORT_2_2, &abort("A-ASSOCIATE-RJ")),
        ("DATA", ABORT_2_2, &abort("P-DATA-TF")),
        ("RELEASE-RQ", ABORT_2_2, &abort("A-RELEASE-RQ")),
        ("RELEASE-RP", ABORT_2_2, &abort("A-RELEASE-RP")),
        ("ABORT", "", "aborted by the peer: 0/0 by the application"),
        ("UNKNOWN", "", "the peer's first byte is 0x09, not that of a PDU"),
    ];
    for ((name, bytes), row) in one_of_each().into_iter().zip(rows) {
        let (ours, theirs) = tokio::io::duplex(1 << 20);
        let mut peer = Script(theirs);
        peer.say(&bytes).await;
        let result = Requested::receive(ours, Timers::default()).await;
        let end = result.map(drop).err().map(|fault| fault.to_string()).unwrap_or_default();
        assert_eq!((name, heard(&peer.hear_all().await).as_str(), end.as_str()), row);
    }
}

#[tokio::test(start_paused = true)]
async fn before_the_answer_nothing_is_expected() {
    let abort = |kind: &str| format!("protocol: {kind} is not expected now");
    let rows: [Row<'_>; 8] = [
        ("RQ", ABORT_2_2, &abort("A-ASSOCIATE-RQ")),
        ("AC", ABORT_2_2, &abort("A-ASSOCIATE-AC")),
        ("RJ", ABORT_2_2, &abort("A-ASSOCIATE-RJ")),
        ("DATA", ABORT_2_2, &abort("P-DATA-TF")),
        ("RELEASE-RQ", ABORT_2_2, &abort("A-RELEASE-RQ")),
        ("RELEASE-RP", ABORT_2_2, &abort("A-RELEASE-RP")),
        ("ABORT", "", "aborted by the peer: 0/0 by the application"),
        ("UNKNOWN", "07 00 00 02 01", "protocol: PDU type 0x09 is unknown"),
    ];
    for ((name, bytes), row) in one_of_each().into_iter().zip(rows) {
        let (ours, theirs) = tokio::io::duplex(1 << 20);
        let mut peer = Script(theirs);
        peer.say(&encode_rq(&rq(0))).await;
        let requested = Requested::receive(ours, Timers::default()).await.expect("a request");
        peer.say(&bytes).await;
        let negotiated = agree(requested.rq());
        let end = requested.accept(negotiated).await.expect_err("no association").to_string();
        assert_eq!((name, heard(&peer.hear_all().await).as_str(), end.as_str()), row);
    }
}

#[tokio::test(start_paused = true)]
async fn on_an_association_data_and_a_release_request_are_expected() {
    let abort = |kind: &str| format!("protocol: {kind} is not expected now");
    let rows: [Row<'_>; 8] = [
        ("RQ", ABORT_2_2, &abort("A-ASSOCIATE-RQ")),
        ("AC", ABORT_2_2, &abort("A-ASSOCIATE-AC")),
        ("RJ", ABORT_2_2, &abort("A-ASSOCIATE-RJ")),
        ("DATA", "", ""),
        ("RELEASE-RQ", "06 00 00 00 00", ""),
        ("RELEASE-RP", ABORT_2_2, &abort("A-RELEASE-RP")),
        ("ABORT", "", "aborted by the peer: 0/0 by the application"),
        ("UNKNOWN", "07 00 00 02 01", "protocol: PDU type 0x09 is unknown"),
    ];
    for ((name, bytes), row) in one_of_each().into_iter().zip(rows) {
        let (mut association, mut peer) = associated().await;
        peer.say(&bytes).await;
        let result = association.next().await;
        let end = result.map(drop).err().map(|fault| fault.to_string()).unwrap_or_default();
        drop(association);
        assert_eq!((name, heard(&peer.hear_all().await).as_str(), end.as_str()), row);
    }
}

#[tokio::test(start_paused = true)]
async fn while_we_wait_for_the_close_everything_is_passed_over_but_a_second_mistake() {
    let rows = [
        ("RQ", "03 00 01 01 01, 07 00 00 02 02", 30),
        ("AC", "03 00 01 01 01", 30),
        ("RJ", "03 00 01 01 01", 30),
        ("DATA", "03 00 01 01 01", 30),
        ("RELEASE-RQ", "03 00 01 01 01", 30),
        ("RELEASE-RP", "03 00 01 01 01", 30),
        ("ABORT", "03 00 01 01 01", 0),
        ("UNKNOWN", "03 00 01 01 01, 07 00 00 02 02", 30),
    ];
    for ((name, bytes), row) in one_of_each().into_iter().zip(rows) {
        let (ours, theirs) = tokio::io::duplex(1 << 20);
        let mut peer = Script(theirs);
        peer.say(&encode_rq(&rq(0))).await;
        let requested = Requested::receive(ours, Timers::default()).await.expect("a request");
        peer.say(&bytes).await;
        let begun = Instant::now();
        requested.reject(Rejection::NO_REASON).await.expect("sent");
        let waited = begun.elapsed().as_secs();
        assert_eq!((name, heard(&peer.hear_all().await).as_str(), waited), row);
    }
}

#[tokio::test(start_paused = true)]
async fn an_acceptor_may_release_and_yields_in_a_collision() {
    for script in [&[RELEASE_RP][..], &[RELEASE_RQ, RELEASE_RP]] {
        let (association, mut peer) = associated().await;
        peer.say(&data(1, 3, &encode_echo(5))).await;
        peer.say(&script.concat()).await;
        let (released, heard_by_peer) = tokio::join!(association.release(), async {
            let mut pdus = vec![peer.hear().await.expect("a release request")];
            if script.len() == 2 {
                pdus.push(peer.hear().await.expect("a release reply"));
            }
            drop(peer);
            pdus
        });
        released.expect("released");
        let want = ["05 00 00 00 00", "05 00 00 00 00, 06 00 00 00 00"];
        assert_eq!(heard(&heard_by_peer), want[script.len() - 1]);
    }
}

#[tokio::test(start_paused = true)]
async fn a_release_that_nobody_answers_ends_with_an_abort() {
    let (association, mut peer) = associated().await;
    let fault = association.release().await.expect_err("no answer");
    assert!(matches!(fault, Fault::Timeout(Timer::Release)), "{fault:?}");
    assert_eq!(heard(&peer.hear_all().await), "05 00 00 00 00, 07 00 00 02 00");
}

#[tokio::test(start_paused = true)]
async fn broken_messages_are_aborted_with_the_reason() {
    async fn check(stream: &[Vec<u8>], want: Breach, reason: &str) {
        let (mut association, mut peer) = associated().await;
        peer.say(&stream.concat()).await;
        let result = loop {
            match association.next().await {
                Ok(Some(_)) => match collect(&mut association).await {
                    Ok(_) => {}
                    Err(fault) => break fault,
                },
                Ok(None) => panic!("released"),
                Err(fault) => break fault,
            }
        };
        let Fault::Protocol(breach) = result else { panic!("{result:?}") };
        assert_eq!(breach, want);
        drop(association);
        assert_eq!(heard(&peer.hear_all().await), reason);
    }
    const INVALID: &str = "07 00 00 02 06";
    check(&[data(5, 3, b"ab")], Breach::UnknownContext(5), INVALID).await;
    check(&[data(3, 2, b"ab")], Breach::DataWithoutCommand, INVALID).await;
    let changed = Breach::ContextChanged { open: 3, got: 1 };
    check(&[data(3, 1, b"ab"), data(1, 3, b"ab")], changed.clone(), INVALID).await;
    check(&[store_command(1), data(1, 2, b"ab")], changed, INVALID).await;
    check(
        &[store_command(1), data(3, 0, b"ab"), store_command(2)],
        Breach::CommandInsideDataSet,
        INVALID,
    )
    .await;
    check(&[store_command(1), RELEASE_RQ.to_vec()], Breach::ReleaseInsideMessage, ABORT_2_2).await;
    check(&[data(3, 1, b"ab"), RELEASE_RQ.to_vec()], Breach::ReleaseInsideMessage, ABORT_2_2).await;
    check(&vec![data(3, 1, &[0; 16_000]); 5], Breach::CommandTooLong { limit: 65_536 }, INVALID)
        .await;
    let long = Breach::PduTooLong { pdu: PduType::PData, length: 1 << 30, limit: 16_396 };
    check(&[vec![4, 0, 0x40, 0, 0, 0]], long, INVALID).await;
    let length = Breach::PdvLength { length: 99, left: 2 };
    check(&[pdu(4, &[0, 0, 0, 99, 3, 0])], length, INVALID).await;
    let missing = crate::dimse::fault::BadCommand::Missing(0x0100);
    check(&[data(3, 3, b"")], Breach::BadCommand(missing), "07 00 00 00 00").await;
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_vanishes_leaves_no_whole_data_set_behind() {
    let (mut association, mut peer) = associated().await;
    peer.say(&[store_command(1), data(3, 0, b"half")].concat()).await;
    association.next().await.expect("a message");
    drop(peer);
    let fault = collect(&mut association).await.expect_err("cut");
    assert!(matches!(fault, Fault::Closed), "{fault:?}");
    assert!(matches!(association.data().await, Err(Fault::Broken)));
}

/// Says the pieces with pauses between them, and checks which timer fires, after how many seconds in all.
async fn check_timer(pieces: &[Vec<u8>], pause: u64, want: (Timer, u64)) {
    let (mut association, mut peer) = associated().await;
    let begun = Instant::now();
    let script = async {
        for piece in pieces {
            // Of the test's own clock: nobody waits.
            tokio::time::sleep(Duration::from_secs(pause)).await;
            if peer.0.write_all(piece).await.is_err() {
                break;
            }
        }
        peer.hear_all().await
    };
    let listen = async {
        loop {
            let result = match association.next().await {
                Ok(_) => collect(&mut association).await.map(drop),
                Err(fault) => Err(fault),
            };
            if let Err(fault) = result {
                drop(association);
                return (fault, begun.elapsed());
            }
        }
    };
    let ((fault, waited), heard_by_peer) = tokio::join!(listen, script);
    let Fault::Timeout(timer) = fault else { panic!("{fault:?}") };
    // ARTIM follows: the peer does not close.
    assert_eq!((timer, waited.as_secs() - 30), want);
    assert_eq!(heard(&heard_by_peer), "07 00 00 02 00");
}

#[tokio::test(start_paused = true)]
async fn every_wait_has_its_timer() {
    check_timer(&[], 0, (Timer::Idle, 60)).await;
    let echo = [data(1, 3, &encode_echo(1)), data(1, 3, &encode_echo(2))];
    check_timer(&echo, 59, (Timer::Idle, 2 * 59 + 60)).await;
    // A message that has begun: 30 s for the first byte that fails to come.
    check_timer(&[store_command(1)], 50, (Timer::Progress, 80)).await;
    check_timer(&[vec![4]], 50, (Timer::Progress, 80)).await;
    // A byte every ten seconds is progress, but not enough of it.
    let drip: Vec<_> = std::iter::once(store_command(1)).chain(vec![data(3, 0, b"x"); 9]).collect();
    check_timer(&drip, 10, (Timer::Progress, 40)).await;
    // 80 KiB in ten seconds is just the minimum rate.
    let slow: Vec<_> = std::iter::once(store_command(1))
        .chain(vec![data(3, 0, &[0; 8_200]).repeat(10); 6])
        .collect();
    check_timer(&slow, 10, (Timer::Progress, 10 + 60 + 30)).await;
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_takes_no_answer_is_given_up() {
    let (ours, theirs) = tokio::io::duplex(256);
    let mut peer = Script(theirs);
    let (association, ()) = tokio::join!(accept(ours), async {
        peer.say(&encode_rq(&rq(0))).await;
        peer.hear().await.expect("an answer");
    });
    let mut association = association.expect("an association");
    let answer = Answer::with_comment(Status::OUT_OF_RESOURCES, "no room");
    let fault = loop {
        peer.say(&data(1, 3, &encode_echo(1))).await;
        let message = association.next().await.expect("a message").expect("not the end");
        if let Err(fault) = association.respond(&message, &answer).await {
            break fault;
        }
    };
    assert!(matches!(fault, Fault::Timeout(Timer::Send)), "{fault:?}");
}

fn any_stream() -> impl Strategy<Value = Vec<u8>> {
    let payload = || proptest::collection::vec(any::<u8>(), 0..300);
    let piece = prop_oneof![
        4 => Just(store_command(1)),
        4 => (0u8..6, 0u8..4, payload()).prop_map(|(c, k, bytes)| data(c, k, &bytes)),
        2 => payload().prop_map(|bytes| data(3, 2, &bytes)),
        2 => Just(data(1, 3, &encode_echo(1))),
        1 => Just(RELEASE_RQ.to_vec()),
        1 => (0u8..9, payload()).prop_map(|(kind, body)| pdu(kind, &body)),
        1 => payload(),
    ];
    proptest::collection::vec(piece, 0..6).prop_map(|pieces| pieces.concat())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]
    #[test]
    fn whatever_comes_an_association_ends(
        stream in any_stream(),
        chunk in 1usize..400,
        with_request: bool,
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .start_paused(true)
            .build()
            .expect("a runtime");
        runtime.block_on(async {
            let (ours, theirs) = tokio::io::duplex(64);
            let (mut read, mut write) = tokio::io::split(theirs);
            let request = if with_request { encode_rq(&rq(0)) } else { Vec::new() };
            let speak = async {
                for piece in request.chunks(4_000).chain(stream.chunks(chunk)) {
                    if write.write_all(piece).await.is_err() {
                        break;
                    }
                }
                drop(write.shutdown().await);
            };
            let mut sink = tokio::io::sink();
            let listen = tokio::io::copy(&mut read, &mut sink);
            let serve = async {
                let mut association = accept(ours).await?;
                while let Some(message) = association.next().await? {
                    collect(&mut association).await?;
                    let answer = message.request.refusal();
                    let answer = answer.unwrap_or_else(|| Status::SUCCESS.into());
                    association.respond(&message, &answer).await?;
                }
                Ok::<_, Fault>(())
            };
            let (_, _, served) = tokio::join!(speak, listen, serve);
            drop(served);
        });
    }
}

/// A report on the context that the scripted peer has for CT, and where its answer goes.
fn reporting() -> (Reporting, oneshot::Receiver<Status>) {
    let notice = Notice {
        sop_class: STORAGE_COMMITMENT.into(),
        sop_instance: STORAGE_COMMITMENT_INSTANCE.into(),
        kind: 1,
        data: vec![7; 20_000],
    };
    let (done, answer) = oneshot::channel();
    (Reporting { context: 3, notice, done }, answer)
}

fn event_response(id: u16, status: Status) -> Vec<u8> {
    let sop_instance = STORAGE_COMMITMENT_INSTANCE.into();
    let event = EventRequest { message_id: id, sop_instance, event_type: 1 };
    data(3, 3, &encode_response(&Request::Event(event), &status.into()))
}

#[tokio::test(start_paused = true)]
async fn a_report_is_sent_between_messages_and_its_answer_passed_on() {
    let (mut association, mut peer) = associated().await;
    let (reporting, answer) = reporting();
    association.report(reporting).await.expect("sent");
    assert!(association.is_reporting());
    let (_, command) = peer.hear().await.expect("a command");
    let set = CommandSet::parse(&command[6..]).expect("a command set");
    assert_eq!((number(set.command_field), number(set.event_type)), (Some(0x0100), Some(1)));
    let id = number(set.message_id).expect("an id");
    let mut pieces = 0;
    while pieces < 20_000 {
        pieces += peer.hear().await.expect("data").1.len() - 6;
    }
    assert_eq!(pieces, 20_000);
    // A request that crosses the report is heard first.
    peer.say(&data(1, 3, &encode_echo(5))).await;
    let message = association.next().await.expect("a message").expect("not the end");
    assert_eq!(message.request, Request::Echo(EchoRequest { message_id: 5 }));
    peer.say(&[event_response(id, Status::SUCCESS), data(1, 3, &encode_echo(6))].concat()).await;
    let message = association.next().await.expect("a message").expect("not the end");
    assert_eq!(message.request.message_id(), 6);
    assert_eq!(answer.await, Ok(Status::SUCCESS));
    assert!(!association.is_reporting());
}

#[tokio::test(start_paused = true)]
async fn an_answer_to_no_report_is_a_breach() {
    let (mut association, mut peer) = associated().await;
    let (reporting, answer) = reporting();
    association.report(reporting).await.expect("sent");
    peer.say(&event_response(99, Status::SUCCESS)).await;
    let script = tokio::spawn(async move { peer.hear_all().await });
    let next = association.next().await;
    assert!(matches!(next, Err(Fault::Protocol(Breach::UnexpectedCommand(0x8100)))), "{next:?}");
    drop(association);
    assert!(answer.await.is_err());
    drop(script.await);
}

#[tokio::test(start_paused = true)]
async fn a_report_that_a_release_overtakes_is_over_before_the_peer_closes() {
    let (mut association, mut peer) = associated().await;
    let (reporting, mut answer) = reporting();
    association.report(reporting).await.expect("sent");
    peer.say(&RELEASE_RQ).await;
    let release = association.next();
    tokio::pin!(release);
    tokio::select! {
        biased;
        _ = &mut release => panic!("the peer has not closed"),
        answer = &mut answer => assert!(answer.is_err(), "there was none"),
    }
    drop(peer);
    assert_eq!(release.await.expect("a release"), None);
}
