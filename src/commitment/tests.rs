//! Requests from the first N-ACTION to the last report, with a ledger and a spool of the test's own, modalities at the other end of a
//! channel, and destinations that answer on real sockets.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::data_set::{
    Reported, Requested, encode_report, encode_request, parse_report, parse_request,
};
use super::*;
use crate::base::object_id::ObjectId;
use crate::base::time::{Timestamp, now};
use crate::dicom::ae_title::AeTitle;
use crate::dicom::sop_class::{STORAGE_COMMITMENT, STORAGE_COMMITMENT_INSTANCE};
use crate::dicom::status::Status;
use crate::dimse::acceptor::Requested as Asking;
use crate::dimse::message::Request;
use crate::dimse::negotiate::{Context, ContextAnswer, Terms, negotiate};
use crate::dimse::normalized::{ActionRequest, Called, EventRequest, Normalized, Reporting};
use crate::dimse::requestor::Peer;
use crate::dimse::{Answer, Timers};
use crate::ledger::{
    self, Disposition, DurableLog, Event, Ledger, LogFault, ObjectRow, Verdict, What,
};
use crate::object::edit::EditPlan;
use crate::observe::Metrics;
use crate::spool::{self, Spool};

const CT: &str = "1.2.840.10008.5.1.4.1.1.2";
const IMPLICIT: &str = "1.2.840.10008.1.2";

/// Longer than anything here takes.
const SOON: Duration = Duration::from_secs(60);

fn title(text: &str) -> AeTitle {
    AeTitle::parse(text).expect("a title")
}

fn reference(instance: &str) -> Reference {
    Reference { sop_class: CT.into(), sop_instance: instance.into() }
}

/// A log that keeps nothing.
struct Forgetful(u64);

impl DurableLog for Forgetful {
    fn append(&mut self, records: &[Vec<u8>]) -> Result<u64, LogFault> {
        let first = self.0 + 1;
        self.0 += records.len() as u64;
        Ok(first)
    }
}

/// A keeper that runs.
struct Desk {
    dir: TempDir,
    spool: Spool,
    ledger: Ledger,
    settings: Settings,
    destinations: Vec<Destination>,
    inbound: mpsc::Sender<Called>,
    stop: CancellationToken,
    running: JoinHandle<()>,
}

/// Waits are over at once but for what is under test.
fn impatient() -> Settings {
    Settings { unknown: Duration::ZERO, ..Settings::default() }
}

impl Desk {
    fn open(settings: Settings, destinations: Vec<Destination>) -> Self {
        let dir = TempDir::new().expect("a directory");
        let config = spool::Config {
            dir: dir.path().join("spool"),
            reserve: 0,
            ballast: 0,
            ..spool::Config::default()
        };
        let (spool, _) = Spool::open(&config, now()).expect("opens");
        let config =
            ledger::Config { path: dir.path().join("ledger.sqlite"), offset: jiff::tz::offset(8) };
        let ledger = Ledger::open(&config, Box::new(Forgetful(0)), now()).expect("opens");
        Self::begin(dir, spool, ledger, settings, destinations)
    }

    fn begin(
        dir: TempDir,
        spool: Spool,
        ledger: Ledger,
        settings: Settings,
        destinations: Vec<Destination>,
    ) -> Self {
        let (inbound, commissions) = mpsc::channel(4);
        let stop = CancellationToken::new();
        let site = crate::app::site::build(&crate::config::unconfigured().expect("nothing wrong"));
        let setup = Setup {
            spool: spool.clone(),
            ledger: ledger.clone(),
            site: Arc::new(ArcSwap::from_pointee(site)),
            settings: Arc::new(ArcSwap::from_pointee(settings.clone())),
            destinations: destinations.clone(),
            retention: Duration::from_hours(72),
            metrics: Arc::new(Metrics::new()),
            timers: Timers::default(),
        };
        let running = tokio::spawn(run(setup, commissions, stop.clone()));
        Self { dir, spool, ledger, settings, destinations, inbound, stop, running }
    }

    /// Ends it as a crash would, and begins anew on what is there.
    async fn restart(self) -> Self {
        let Self { dir, spool, ledger, settings, destinations, stop, running, .. } = self;
        running.abort();
        stop.cancel();
        assert!(running.await.is_err() || stop.is_cancelled());
        Self::begin(dir, spool, ledger, settings, destinations)
    }

    /// Takes an object into the ledger.
    async fn receive(&self, object: u128, instance: &str) {
        let row = ObjectRow {
            id: ObjectId::from_u128(object),
            received: now(),
            calling_ae: title("CT01"),
            called_ae: title("MARKGATE"),
            peer: IpAddr::from([127, 0, 0, 1]),
            transfer_syntax: IMPLICIT.into(),
            sop_class: CT.into(),
            sop_instance: instance.into(),
            study: "1.2".into(),
            series: "1.2.3".into(),
            length: 100,
            hash: blake3::hash(&object.to_le_bytes()),
            urgent: false,
        };
        self.ledger.received(row).await.expect("received");
    }

    async fn event(&self, object: u128, what: What) {
        let event = Event { object: ObjectId::from_u128(object), at: now(), what };
        self.ledger.record(event).await.expect("recorded");
    }

    async fn judge(&self, object: u128, disposition: Disposition, to: &[&str], plan: Vec<u8>) {
        let destinations = to.iter().map(|name| (*name).to_owned()).collect();
        let verdict = Verdict { disposition, destinations, plan, ..Verdict::default() };
        self.event(object, What::Judged(Box::new(verdict))).await;
    }

    async fn deliver(&self, object: u128, to: &str) {
        self.deliver_at(&[object], to, now()).await;
    }

    /// Several at once: whoever looks finds all of them delivered, or none.
    async fn deliver_at(&self, objects: &[u128], to: &str, at: Timestamp) {
        let event = |object: &u128| Event {
            object: ObjectId::from_u128(*object),
            at,
            what: What::Delivered {
                destination: to.to_owned(),
                status: Status::SUCCESS,
                comment: String::new(),
                sent: blake3::hash(b"sent"),
            },
        };
        let events = objects.iter().map(event).collect();
        let outcomes = self.ledger.record_all(events).await.expect("recorded");
        assert!(outcomes.iter().all(Result::is_ok), "{outcomes:?}");
    }

    /// An object that every destination has.
    async fn delivered(&self, object: u128, instance: &str, to: &[&str]) {
        self.receive(object, instance).await;
        self.judge(object, Disposition::Forward, to, Vec::new()).await;
        for name in to {
            self.deliver(object, name).await;
        }
    }

    async fn call(&self, calling: &str, what: Normalized, data: Vec<u8>) -> (Answer, Modality) {
        let (reports, reported) = mpsc::channel(1);
        let (answer, answered) = oneshot::channel();
        let called = Called {
            calling: title(calling),
            called: title("MARKGATE"),
            peer: IpAddr::from([127, 0, 0, 1]),
            context: Context {
                id: 1,
                abstract_syntax: STORAGE_COMMITMENT.into(),
                transfer_syntax: IMPLICIT.into(),
                requestor_is_scu: true,
            },
            what,
            data,
            reports,
            answer,
        };
        self.inbound.send(called).await.expect("running");
        (answered.await.expect("an answer"), Modality(reported))
    }

    /// CT01 asks for these instances.
    async fn ask(&self, transaction: &str, instances: &[&str]) -> (Answer, Modality) {
        let items = instances.iter().map(|instance| reference(instance)).collect();
        let requested = Requested { transaction: transaction.into(), items };
        let data = encode_request(&requested, &IMPLICIT.into()).expect("encoded");
        let sop_instance = STORAGE_COMMITMENT_INSTANCE.into();
        let action = ActionRequest { message_id: 1, sop_instance, action_type: 1 };
        self.call("CT01", Normalized::Action(action), data).await
    }

    /// A destination reports on an association of its own.
    async fn report(&self, calling: &str, reported: &Reported) -> Answer {
        let data = encode_report(reported, &IMPLICIT.into()).expect("encoded");
        let sop_instance = STORAGE_COMMITMENT_INSTANCE.into();
        let event = EventRequest { message_id: 1, sop_instance, event_type: 1 };
        self.call(calling, Normalized::Event(event), data).await.0
    }

    fn kept(&self) -> usize {
        self.spool.commitments().expect("listed").len()
    }
}

/// The association of a modality that is still open.
struct Modality(mpsc::Receiver<Reporting>);

impl Modality {
    /// What it is told, which it takes.
    async fn told(&mut self) -> (u16, Reported) {
        let reporting = tokio::time::timeout(SOON, self.0.recv()).await.expect("a report in time");
        let reporting = reporting.expect("a report");
        let reported = parse_report(&reporting.notice.data, &IMPLICIT.into()).expect("a report");
        reporting.done.send(Status::SUCCESS).expect("somebody waits");
        (reporting.notice.kind, reported)
    }

    #[track_caller]
    fn is_not_told(&mut self) {
        assert!(self.0.try_recv().is_err());
    }
}

fn counting(name: &str, counts: Counts) -> Destination {
    Destination { name: name.to_owned(), counts, verify: false, peer: None }
}

async fn eventually(what: &str, is_so: impl Fn() -> bool) {
    let by = tokio::time::Instant::now() + SOON;
    while !is_so() {
        assert!(tokio::time::Instant::now() < by, "{what}");
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn a_modality_is_told_once_every_destination_has_every_object() {
    let places = vec![counting("pacs", Counts::Delivered), counting("vna", Counts::Delivered)];
    let desk = Desk::open(impatient(), places);
    desk.delivered(1, "1.1", &["pacs", "vna"]).await;
    desk.receive(2, "1.2").await;
    let (answer, mut modality) = desk.ask("1.9", &["1.1", "1.2"]).await;
    assert_eq!(answer, Answer::new(Status::SUCCESS));
    assert_eq!(desk.kept(), 1);
    desk.judge(2, Disposition::Forward, &["pacs", "vna"], Vec::new()).await;
    desk.deliver(2, "pacs").await;
    // Another that is asked for later is told of first: it has been looked.
    let (_, mut other) = desk.ask("1.10", &["1.1"]).await;
    assert_eq!(other.told().await.1.committed, [reference("1.1")]);
    modality.is_not_told();
    desk.deliver(2, "vna").await;
    let want = Reported {
        transaction: "1.9".into(),
        committed: vec![reference("1.1"), reference("1.2")],
        failed: Vec::new(),
    };
    assert_eq!(modality.told().await, (1, want));
    eventually("it is forgotten", || desk.kept() == 0).await;
}

#[tokio::test]
async fn what_is_held_unknown_or_of_another_class_has_failed_for_its_reason() {
    let desk = Desk::open(impatient(), vec![counting("pacs", Counts::Delivered)]);
    desk.delivered(1, "1.1", &["pacs"]).await;
    desk.receive(2, "1.2").await;
    desk.judge(2, Disposition::Hold(vec!["IMG-1".to_owned()]), &["pacs"], Vec::new()).await;
    desk.delivered(3, "1.3", &["pacs"]).await;
    let other = Reference { sop_class: "1.2.840.10008.5.1.4.1.1.4".into(), ..reference("1.3") };
    let items = vec![reference("1.1"), reference("1.2"), other.clone(), reference("1.4")];
    let requested = Requested { transaction: "1.9".into(), items };
    let data = encode_request(&requested, &IMPLICIT.into()).expect("encoded");
    let sop_instance = STORAGE_COMMITMENT_INSTANCE.into();
    let action = ActionRequest { message_id: 1, sop_instance, action_type: 1 };
    let (answer, mut modality) = desk.call("CT01", Normalized::Action(action), data).await;
    assert_eq!(answer, Answer::new(Status::SUCCESS));
    let want = Reported {
        transaction: "1.9".into(),
        committed: vec![reference("1.1")],
        failed: vec![
            (reference("1.2"), Reason::PROCESSING_FAILURE),
            (other, Reason::CLASS_INSTANCE_CONFLICT),
            (reference("1.4"), Reason::NO_SUCH_OBJECT),
        ],
    };
    assert_eq!(modality.told().await, (2, want));
}

#[tokio::test]
async fn a_request_outlives_the_process_and_is_reported_when_the_modality_asks_again() {
    let desk = Desk::open(impatient(), vec![counting("pacs", Counts::Delivered)]);
    desk.receive(1, "1.1").await;
    let (_, modality) = desk.ask("1.9", &["1.1"]).await;
    drop(modality);
    let desk = desk.restart().await;
    desk.judge(1, Disposition::Forward, &["pacs"], Vec::new()).await;
    desk.deliver(1, "pacs").await;
    // It has no report_port, so only its next association is of use.
    let (answer, mut modality) = desk.ask("1.9", &["1.1"]).await;
    assert_eq!(answer, Answer::new(Status::SUCCESS));
    assert_eq!(modality.told().await.1.committed, [reference("1.1")]);
    eventually("it is forgotten", || desk.kept() == 0).await;
}

#[tokio::test]
async fn requests_that_are_none_are_refused_and_not_kept() {
    let desk = Desk::open(impatient(), vec![counting("pacs", Counts::Delivered)]);
    desk.receive(1, "1.1").await;
    let action = |sop_instance: &str, action_type| {
        let sop_instance = sop_instance.into();
        Normalized::Action(ActionRequest { message_id: 1, sop_instance, action_type })
    };
    let own = STORAGE_COMMITMENT_INSTANCE;
    let status = async |what, data: &[u8]| desk.call("CT01", what, data.to_vec()).await.0.status;
    assert_eq!(status(action("1.2.3", 1), b"").await, Status::NO_SUCH_SOP_INSTANCE);
    assert_eq!(status(action(own, 2), b"").await, Status::NO_SUCH_ACTION);
    assert_eq!(status(action(own, 1), b"").await, Status::INVALID_ARGUMENT_VALUE);
    assert_eq!(desk.kept(), 0);
    let (answer, _one) = desk.ask("1.9", &["1.1"]).await;
    assert_eq!(answer.status, Status::SUCCESS);
    let (answer, _other) = desk.ask("1.9", &["1.1", "1.2"]).await;
    assert_eq!(answer.status, Status::PROCESSING_FAILURE);
    assert_eq!(desk.kept(), 1);
}

/// A destination that is asked for commitment.
struct Archive {
    listener: TcpListener,
    port: u16,
}

impl Archive {
    async fn up() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let port = listener.local_addr().expect("bound").port();
        Self { listener, port }
    }

    fn destination(&self, counts: Counts) -> Destination {
        let peer = Peer {
            host: "127.0.0.1".to_owned(),
            port: self.port,
            called: title("PACS"),
            calling: title("MARKGATE"),
            tls: None,
        };
        Destination { name: "pacs".to_owned(), counts, verify: false, peer: Some(peer) }
    }

    /// The next request for commitment, answered so. With `offers` off the class is not accepted, and nothing is returned.
    async fn asked(&self, offers: bool, status: Status) -> Option<Requested> {
        let (stream, _) = self.listener.accept().await.expect("a connection");
        let requested = Asking::receive(stream, Timers::default()).await.expect("a request");
        let terms = Terms::new(vec![title("PACS")]);
        let contexts = |_: u8, _: &str, syntaxes: &[String]| match syntaxes.first() {
            Some(syntax) if offers => ContextAnswer::Accept(syntax.clone()),
            Some(_) | None => ContextAnswer::AbstractSyntaxNotSupported,
        };
        let agreed = negotiate(requested.rq(), &terms, &|_, _| Ok(()), &contexts);
        let mut association =
            requested.accept(agreed.expect("agreed").0).await.expect("an association");
        let message = association.next().await.expect("no fault")?;
        assert!(matches!(message.request, Request::Action(_)), "{message:?}");
        let mut data = Vec::new();
        while let Some(piece) = association.data().await.expect("data") {
            data.extend_from_slice(piece);
        }
        association.respond(&message, &status.into()).await.expect("taken");
        let syntax = &message.context.transfer_syntax;
        let read = parse_request(&data, syntax).expect("a request");
        // Whether it waits for a report or not, it releases.
        drop(association.next().await);
        Some(read)
    }
}

#[tokio::test]
async fn a_destination_that_offers_it_is_asked_and_its_word_counts() {
    let archive = Archive::up().await;
    let desk = Desk::open(impatient(), vec![archive.destination(Counts::Offered)]);
    desk.delivered(1, "1.1", &["pacs"]).await;
    desk.delivered(2, "1.2", &["pacs"]).await;
    let (_, mut modality) = desk.ask("1.9", &["1.1", "1.2", "1.3"]).await;
    let asked = archive.asked(true, Status::SUCCESS).await.expect("asked");
    assert_eq!(asked.items, [reference("1.1"), reference("1.2")]);
    assert_ne!(asked.transaction.as_str(), "1.9");
    modality.is_not_told();
    let reported = Reported {
        transaction: asked.transaction,
        committed: vec![reference("1.1")],
        failed: vec![(reference("1.2"), Reason(0x0213))],
    };
    // Nobody else may report, and who has reported may do so again.
    assert_eq!(desk.report("CT01", &reported).await.status, Status::NOT_AUTHORIZED);
    assert_eq!(desk.report("PACS", &reported).await.status, Status::SUCCESS);
    let want = Reported {
        transaction: "1.9".into(),
        committed: vec![reference("1.1")],
        failed: vec![
            (reference("1.2"), Reason(0x0213)),
            (reference("1.3"), Reason::NO_SUCH_OBJECT),
        ],
    };
    assert_eq!(modality.told().await, (2, want));
    assert_eq!(desk.report("PACS", &reported).await.status, Status::SUCCESS);
}

#[tokio::test]
async fn a_destination_that_does_not_offer_it_has_answered_for_what_it_has() {
    for (counts, committed) in [(Counts::Offered, true), (Counts::Required, false)] {
        let archive = Archive::up().await;
        let desk = Desk::open(impatient(), vec![archive.destination(counts)]);
        desk.delivered(1, "1.1", &["pacs"]).await;
        let (_, mut modality) = desk.ask("1.9", &["1.1"]).await;
        assert_eq!(archive.asked(false, Status::SUCCESS).await, None);
        let (_, told) = modality.told().await;
        assert_eq!(told.failed.is_empty(), committed, "{counts:?}");
        assert_eq!(told.committed.is_empty(), !committed, "{counts:?}");
    }
}

#[tokio::test]
async fn a_destination_that_never_reports_has_not_committed_itself() {
    let archive = Archive::up().await;
    let settings = Settings { answer: Duration::from_secs(1), ..impatient() };
    let desk = Desk::open(settings, vec![archive.destination(Counts::Offered)]);
    desk.delivered(1, "1.1", &["pacs"]).await;
    let (_, mut modality) = desk.ask("1.9", &["1.1"]).await;
    archive.asked(true, Status::SUCCESS).await.expect("asked");
    let want = vec![(reference("1.1"), Reason::PROCESSING_FAILURE)];
    assert_eq!(modality.told().await.1.failed, want);
}

#[tokio::test]
async fn what_has_got_another_uid_is_asked_for_by_it_and_reported_by_its_own() {
    let archive = Archive::up().await;
    let desk = Desk::open(impatient(), vec![archive.destination(Counts::Offered)]);
    desk.receive(1, "1.1").await;
    let plan = EditPlan::none().renamed("2.25.77".into()).to_bytes();
    desk.judge(1, Disposition::Forward, &["pacs"], plan).await;
    desk.deliver(1, "pacs").await;
    let (_, mut modality) = desk.ask("1.9", &["1.1"]).await;
    let asked = archive.asked(true, Status::SUCCESS).await.expect("asked");
    assert_eq!(asked.items, [reference("2.25.77")]);
    let reported = Reported {
        transaction: asked.transaction,
        committed: vec![reference("2.25.77")],
        failed: Vec::new(),
    };
    assert_eq!(desk.report("PACS", &reported).await.status, Status::SUCCESS);
    assert_eq!(modality.told().await.1.committed, [reference("1.1")]);
}

/// A destination that is asked on the gate's own account, and a report on what it was asked.
async fn checked(archive: &Archive, desk: &Desk, lacking: &[&str]) -> Vec<String> {
    let asked = archive.asked(true, Status::SUCCESS).await.expect("asked");
    let mut reported =
        Reported { transaction: asked.transaction, committed: Vec::new(), failed: Vec::new() };
    let mut instances = Vec::new();
    for reference in asked.items {
        instances.push(reference.sop_instance.to_string());
        if lacking.contains(&reference.sop_instance.as_str()) {
            reported.failed.push((reference, Reason::NO_SUCH_OBJECT));
        } else {
            reported.committed.push(reference);
        }
    }
    assert_eq!(desk.report("PACS", &reported).await.status, Status::SUCCESS);
    instances.sort_unstable();
    instances
}

#[tokio::test]
async fn a_destination_is_asked_whether_it_keeps_what_it_has_and_gets_what_it_lacks_again() {
    let archive = Archive::up().await;
    let pacs = Destination { verify: true, ..archive.destination(Counts::Delivered) };
    let desk = Desk::open(impatient(), vec![pacs]);
    // Long enough ago that nobody waits for more.
    let before = now() - jiff::SignedDuration::from_secs(60);
    for (object, instance) in [(1, "1.1"), (2, "1.2")] {
        desk.receive(object, instance).await;
        desk.judge(object, Disposition::Forward, &["pacs"], Vec::new()).await;
    }
    desk.deliver_at(&[1, 2], "pacs", before).await;
    assert_eq!(checked(&archive, &desk, &["1.2"]).await, ["1.1", "1.2"]);
    let kept = || desk.ledger.kept_elsewhere(now(), &[], 10).expect("asked");
    eventually("what it keeps is noted", || kept() == [ObjectId::from_u128(1)]).await;
    let due = || desk.ledger.due("pacs", now(), 10, &[]).expect("asked");
    eventually("what it lacks is sent again", || due().len() == 1).await;
    assert_eq!(due()[0].object, ObjectId::from_u128(2));
    // Sent again, it alone is asked about again.
    desk.deliver_at(&[2], "pacs", before).await;
    assert_eq!(checked(&archive, &desk, &[]).await, ["1.2"]);
    eventually("it is kept now", || kept().len() == 2).await;
}

#[tokio::test]
async fn what_a_destination_never_has_is_given_up_after_some_times() {
    let archive = Archive::up().await;
    let pacs = Destination { verify: true, ..archive.destination(Counts::Delivered) };
    let desk = Desk::open(impatient(), vec![pacs]);
    let before = now() - jiff::SignedDuration::from_secs(60);
    desk.receive(1, "1.1").await;
    desk.judge(1, Disposition::Forward, &["pacs"], Vec::new()).await;
    let due = || desk.ledger.due("pacs", now(), 10, &[]).expect("asked").len();
    for _ in 0..3 {
        desk.deliver_at(&[1], "pacs", before).await;
        assert_eq!(checked(&archive, &desk, &["1.1"]).await, ["1.1"]);
        eventually("it is sent again", || due() == 1).await;
    }
    desk.deliver_at(&[1], "pacs", before).await;
    checked(&archive, &desk, &["1.1"]).await;
    let unchecked = || desk.ledger.unchecked("pacs", Timestamp::MIN, 10).expect("asked").is_empty();
    eventually("it is asked about no more", unchecked).await;
    assert_eq!((due(), desk.ledger.kept_elsewhere(now(), &[], 10).expect("asked")), (0, vec![]));
}
