//! Receiving over TCP into a real spool and ledger, and what becomes of it.

mod keeping;
mod modes;
mod order;
mod poison;
mod unreadable;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Mutex as StdMutex;

use jiff::civil::date;
use tempfile::TempDir;
use tokio::task::JoinHandle;
use tokio::time::timeout;

use super::*;
use crate::base::time::now;
use crate::dicom::ae_title::AeTitle;
use crate::dicom::status::Status;
use crate::dicom::uid::Uid;
use crate::dimse::fault::{Fault as Broken, Rejection};
use crate::dimse::requestor::{Outgoing, Peer, Proposed, StoreOrder, connect};
use crate::ledger::{
    self, Conservation, DurableLog, Event, Explained, Filter, LogFault, ObjectRow, ObjectState,
    What,
};
use crate::phantom::{Fault, Kind, Specimen};
use crate::policy::admission::{Source, SourceRow};
use crate::policy::disposition::Unparsable;
use crate::recognition::InstitutionId;
use crate::relay::Relays;
use crate::spool::{self, Envelope, Journal, ObjectId, Priority};

const PATIENCE: Duration = Duration::from_secs(30);

/// The spool's journal, and everything that was appended to it.
struct Log(Journal, Arc<StdMutex<Vec<Vec<u8>>>>);

impl DurableLog for Log {
    fn append(&mut self, records: &[Vec<u8>]) -> Result<u64, LogFault> {
        self.1.lock().expect("not poisoned").extend_from_slice(records);
        self.0.append(records).map_err(|fault| Arc::new(fault) as LogFault)
    }
}

fn title(text: &str) -> AeTitle {
    AeTitle::parse(text).expect("a title")
}

fn ct(instance: u32) -> Specimen {
    Specimen::new(Kind::Ct, 7).instance(instance).size(16, 16).study_date(date(2026, 8, 14))
}

/// What a test may choose.
#[derive(Default)]
struct Choices {
    config: Config,
    memory: Memory,
    unparsable: Unparsable,
    /// Nothing fits in.
    full: bool,
    /// Nothing is judged: objects wait where they were handed to.
    stuck: bool,
    /// Stands in for the judgement.
    judge: Option<Judge>,
    /// The status of what will be changed; 0000 when `None`.
    coerced: Option<Status>,
    /// Stands in for the judgement that an answer waits for.
    foreseen: Option<Judge>,
    threads: Option<usize>,
    patience: Option<Duration>,
}

/// A gate without lanes. CT01 sends for an institution that may mark, CT02 for none.
struct Gate {
    dir: TempDir,
    address: SocketAddr,
    spool: Spool,
    ledger: Ledger,
    records: Arc<StdMutex<Vec<Vec<u8>>>>,
    judging: mpsc::Sender<Work>,
    stop: CancellationToken,
    tasks: [JoinHandle<()>; 2],
    waiting: mpsc::Receiver<Work>,
}

impl Gate {
    async fn new() -> Self {
        Self::with(Choices::default()).await
    }

    async fn with(choices: Choices) -> Self {
        Self::open(TempDir::new().expect("a directory"), choices).await
    }

    /// Another gate on the same folder, once this one has ended.
    async fn again(self) -> Self {
        let Self { dir, spool, ledger, judging, stop, tasks, .. } = self;
        stop.cancel();
        drop(judging);
        for task in tasks {
            timeout(PATIENCE, task).await.expect("ends in time").expect("without a panic");
        }
        drop((spool, ledger));
        Self::open(dir, Choices::default()).await
    }

    async fn open(dir: TempDir, choices: Choices) -> Self {
        let reserve = if choices.full { u64::MAX / 2 } else { 0 };
        let config = spool::Config {
            dir: dir.path().join("spool"),
            reserve,
            ballast: 0,
            ..Default::default()
        };
        let (spool, _) = Spool::open(&config, now()).expect("a spool");
        let index = ledger::Config {
            path: dir.path().join("ledger.sqlite"),
            offset: jiff::tz::Offset::constant(8),
        };
        let records = Arc::new(StdMutex::default());
        let log = Box::new(Log(spool.journal().clone(), Arc::clone(&records)));
        let ledger = Ledger::open(&index, log, now()).expect("a ledger");
        let mut site = crate::pipeline::tests::site();
        site.unparsable = choices.unparsable;
        site.coerced_status = choices.coerced.unwrap_or(Status::SUCCESS);
        let foreseen = choices.foreseen.unwrap_or_else(|| Arc::new(crate::pipeline::judge));
        let source = |aet: &str, institution: Option<&str>| SourceRow {
            aet: Some(title(aet)),
            hosts: vec!["127.0.0.0/8".parse().expect("a network")],
            certificates: Vec::new(),
            identity: None,
            source: Source {
                institution: institution.map(InstitutionId::new),
                ..Source::default()
            },
        };
        site.sources = vec![source("CT01", Some("here")), source("CT02", None)];
        let site = Arc::new(ArcSwap::from_pointee(site));
        let metrics = Arc::new(Metrics::new());
        let stop = CancellationToken::new();
        let (judging, judging_task) = judging(
            Judging {
                spool: spool.clone(),
                ledger: ledger.clone(),
                metrics: Arc::clone(&metrics),
                site: Arc::clone(&site),
                codecs: Arc::new(crate::codec::InProcess),
                judge: choices.judge.unwrap_or_else(|| Arc::new(crate::pipeline::judge)),
                threads: choices.threads.unwrap_or(4),
                patience: choices.patience.unwrap_or(judge::PATIENCE),
                config: Arc::default(),
                // Nobody keeps studies here.
                studies: Studies::new().0,
            },
            stop.clone(),
        );
        let (stuck, waiting) = mpsc::channel(1);
        let judging = if choices.stuck { stuck } else { judging };
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("bound");
        let (unknown, _questions) = mpsc::channel(1);
        let receiver = Arc::new(Receiver {
            terms: Terms::new(vec![title("MARKGATE")]),
            config: Arc::new(ArcSwap::from_pointee(choices.config)),
            memory: choices.memory,
            spool: spool.clone(),
            ledger: ledger.clone(),
            audit: Audit::none(),
            metrics,
            site,
            foresight: Foresight::new(foreseen),
            known: Arc::new(ArcSwap::from_pointee(vec![Willingness::default()])),
            unknown,
            judging: judging.clone(),
            relaying: Relaying::new(
                Relays::new(Vec::new(), &Timers::default()),
                copies(judging.clone()).0,
                Arc::new(crate::pipeline::judge),
                Arc::new(crate::codec::InProcess),
                Studies::new().0,
            ),
            open: Places::default(),
            strangers: Strangers::default(),
            asking: Asking::default(),
            commitments: mpsc::channel(1).0,
            reporters: Reporters::default(),
        });
        let door = Door { listener, tls: None };
        let listening = tokio::spawn(receiver.listen(door, stop.clone()));
        let tasks = [listening, judging_task];
        Self { dir, address, spool, ledger, records, judging, stop, tasks, waiting }
    }

    async fn call(
        &self,
        calling: &str,
        called: &str,
    ) -> Result<Outgoing<crate::dimse::Stream>, Broken> {
        let peer = Peer {
            host: self.address.ip().to_string(),
            port: self.address.port(),
            called: title(called),
            calling: title(calling),
            tls: None,
        };
        let verification = Proposed {
            sop_class: Uid::new("1.2.840.10008.1.1"),
            transfer_syntax: Uid::new("1.2.840.10008.1.2"),
        };
        let image = |kind| {
            let specimen = Specimen::new(kind, 1);
            Proposed {
                sop_class: specimen.sop_class(),
                transfer_syntax: specimen.transfer_syntax(),
            }
        };
        connect(&peer, &[verification, image(Kind::Ct), image(Kind::Mr)], &Timers::default()).await
    }

    /// Sends data sets under the command of a specimen over one association; gives the statuses.
    async fn send(&self, calling: &str, objects: &[(Specimen, Vec<u8>)]) -> Vec<u16> {
        let mut outgoing = self.call(calling, "MARKGATE").await.expect("an association");
        let mut statuses = Vec::new();
        for (specimen, data) in objects {
            let order = StoreOrder {
                sop_class: specimen.sop_class(),
                transfer_syntax: specimen.transfer_syntax(),
                sop_instance: specimen.sop_instance(),
                priority: crate::dimse::Priority::Medium,
                move_originator: None,
            };
            let answer = outgoing.store(&order, &mut data.as_slice()).await.expect("an answer");
            statuses.push(answer.status.0);
        }
        outgoing.release().await.expect("released");
        statuses
    }

    async fn send_one(&self, specimen: Specimen) -> u16 {
        let data = specimen.data_set();
        self.send("CT01", &[(specimen, data)]).await.remove(0)
    }

    fn known(&self) -> Vec<Explained> {
        let mut known = self.ledger.explain(&Filter::default(), 1_000).expect("asked");
        known.sort_by_key(|one| one.id);
        known
    }

    /// Waits until nothing is unjudged and this many objects are known.
    async fn until_judged(&self, objects: usize) -> Vec<Explained> {
        let mut changes = self.ledger.changes();
        let waited = timeout(PATIENCE, async {
            loop {
                changes.borrow_and_update();
                let known = self.known();
                let is_judged = |one: &Explained| one.state != ObjectState::Received;
                if known.len() == objects && known.iter().all(is_judged) {
                    return known;
                }
                changes.changed().await.expect("a ledger");
            }
        });
        waited.await.expect("judged in time")
    }

    fn count(&self, of: impl Fn(&Conservation) -> u64) -> u64 {
        self.ledger.conservation().expect("asked").iter().map(of).sum()
    }

    fn files(&self, below: &str) -> usize {
        let mut folders: Vec<PathBuf> = vec![self.dir.path().join("spool").join(below)];
        let mut files = 0;
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(folder).expect("a directory") {
                let path = entry.expect("an entry").path();
                if path.is_dir() { folders.push(path) } else { files += 1 }
            }
        }
        files
    }

    async fn end(self) {
        self.stop.cancel();
        for task in self.tasks {
            timeout(PATIENCE, task).await.expect("ends in time").expect("without a panic");
        }
    }
}

fn states(known: &[Explained]) -> Vec<ObjectState> {
    known.iter().map(|one| one.state).collect()
}

#[tokio::test]
async fn what_is_taken_is_judged_and_goes_its_way() {
    let gate = Gate::new().await;
    assert_eq!(gate.send_one(ct(1)).await, 0);
    let known = gate.until_judged(1).await;
    assert_eq!(states(&known), [ObjectState::Forwarding]);
    assert_eq!(gate.files("objects"), 1);
    gate.end().await;
}

#[tokio::test]
async fn c_echo_is_answered() {
    let gate = Gate::new().await;
    let mut outgoing = gate.call("CT01", "MARKGATE").await.expect("an association");
    assert_eq!(outgoing.echo().await.expect("an answer").status, Status::SUCCESS);
    outgoing.release().await.expect("released");
    gate.end().await;
}

/// An object whose header takes more memory than it has bytes.
fn many_elements(count: usize) -> Vec<u8> {
    let mut data = ct(1).data_set();
    data.extend(b"\xE1\x7F\x01\x10LO\0\0".repeat(count));
    data
}

#[tokio::test]
async fn a_header_that_does_not_fit_is_answered_a700_and_costs_nobody_else_anything() {
    let choices = Choices { memory: Memory::new(16 << 20), ..Choices::default() };
    let memory = choices.memory.clone();
    let gate = Gate::with(choices).await;
    let (hostile, lawful) = ((ct(1), many_elements(300_000)), (ct(2), ct(2).data_set()));
    assert_eq!(gate.send("CT01", &[hostile, lawful]).await, [0xA700, 0]);
    assert_eq!(states(&gate.until_judged(1).await), [ObjectState::Forwarding]);
    assert_eq!((gate.files("tmp"), gate.count(|line| line.refused)), (0, 1));
    gate.end().await;
    assert_eq!(memory.used(), 0, "all of it is given back");
}

#[tokio::test]
async fn more_elements_than_the_limit_go_on_unmarked() {
    let looking = Limits { elements: 1_000, ..Limits::default() };
    let config = Config { looking, ..Config::default() };
    let gate = Gate::with(Choices { config, ..Choices::default() }).await;
    assert_eq!(gate.send("CT01", &[(ct(1), many_elements(300_000))]).await, [0]);
    let known = gate.until_judged(1).await;
    assert_eq!(states(&known), [ObjectState::Forwarding]);
    assert!(known[0].verdict.as_ref().is_some_and(|verdict| verdict.plan.is_empty()));
    gate.end().await;
}

#[tokio::test]
async fn without_memory_objects_are_answered_a700_and_then_associations_are_rejected() {
    // Enough to be there, not to take an object.
    let memory = Memory::new(300 << 10);
    let gate = Gate::with(Choices { memory: memory.clone(), ..Choices::default() }).await;
    assert_eq!(gate.send_one(ct(1)).await, 0xA700);
    memory.set_limit(1 << 10);
    assert_eq!(rejected(gate.call("CT01", "MARKGATE").await), (2, 3, 2));
    memory.set_limit(16 << 20);
    assert_eq!(gate.send_one(ct(1)).await, 0);
    gate.end().await;
}

#[tokio::test]
async fn an_association_that_panics_is_not_counted_as_open() {
    let metrics = Arc::new(Metrics::new());
    let counted = Arc::clone(&metrics);
    let ended = tokio::spawn(async move {
        let _open = association::Open::new(&counted);
        assert_eq!(counted.associations_open.get(), 2, "a panic on purpose");
    });
    assert!(ended.await.is_err_and(|fault| fault.is_panic()));
    assert_eq!(metrics.associations_open.get(), 0);
}

/// Sends one object that is not taken.
async fn check_refused(specimen: Specimen, status: u16, kept_aside: usize) {
    let gate = Gate::new().await;
    assert_eq!(gate.send_one(specimen).await, status);
    assert_eq!(gate.send_one(ct(2)).await, 0, "the association and the gate go on");
    gate.until_judged(1).await;
    assert_eq!((gate.files("objects"), gate.files("tmp")), (1, 0));
    assert_eq!(gate.files("refused"), kept_aside);
    assert_eq!((gate.count(|line| line.refused), gate.count(|line| line.received)), (1, 1));
    gate.end().await;
}

#[tokio::test]
async fn what_is_cut_off_is_refused_and_nothing_of_it_kept() {
    check_refused(ct(1).fault(Fault::CutAfter(700)), 0xC000, 0).await;
}

#[tokio::test]
async fn what_contradicts_its_command_is_refused_and_kept_aside() {
    check_refused(ct(1).fault(Fault::WrongSopClass), 0xA900, 1).await;
    check_refused(ct(1).fault(Fault::WrongSopInstance), 0xC010, 1).await;
}

#[tokio::test]
async fn what_cannot_be_walked_goes_as_the_site_has_it() {
    for (unparsable, status, want) in [
        (Unparsable::Hold, 0, Some(ObjectState::Held)),
        (Unparsable::Forward, 0, Some(ObjectState::Forwarding)),
        (Unparsable::Refuse, 0xC000, None),
    ] {
        let refuse_unparsable = unparsable == Unparsable::Refuse;
        let config = Config { refuse_unparsable, ..Config::default() };
        let gate = Gate::with(Choices { config, unparsable, ..Choices::default() }).await;
        assert_eq!(gate.send_one(ct(1).fault(Fault::NotWalkable)).await, status);
        let known = gate.until_judged(usize::from(want.is_some())).await;
        assert_eq!(states(&known), want.into_iter().collect::<Vec<_>>());
        gate.end().await;
    }
}

#[tokio::test]
async fn a_full_spool_answers_a700_and_still_c_echo() {
    let gate = Gate::with(Choices { full: true, ..Choices::default() }).await;
    assert_eq!(gate.send_one(ct(1)).await, 0xA700);
    let mut outgoing = gate.call("CT01", "MARKGATE").await.expect("an association");
    assert_eq!(outgoing.echo().await.expect("an answer").status, Status::SUCCESS);
    outgoing.release().await.expect("released");
    gate.end().await;
}

#[track_caller]
fn rejected(answer: Result<Outgoing<crate::dimse::Stream>, Broken>) -> (u8, u8, u8) {
    match answer {
        Err(Broken::Refused(Rejection { result, source, reason })) => (result, source, reason),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn strangers_wrong_titles_and_too_many_are_rejected_each_in_its_way() {
    let config = Config { associations_of_a_peer: 1, ..Config::default() };
    let gate = Gate::with(Choices { config, ..Choices::default() }).await;
    assert_eq!(rejected(gate.call("STRANGER", "MARKGATE").await), (1, 1, 3));
    // The seat of a rejected caller is free once its connection has ended; until then it counts.
    let first = timeout(PATIENCE, async {
        loop {
            match gate.call("CT01", "MARKGATE").await {
                Ok(first) => return first,
                Err(_) => tokio::task::yield_now().await,
            }
        }
    });
    let first = first.await.expect("a seat");
    assert_eq!(rejected(gate.call("CT01", "MARKGATE").await), (2, 3, 2));
    first.release().await.expect("released");
    gate.end().await;
    let gate = Gate::new().await;
    assert_eq!(rejected(gate.call("CT01", "ELSEWHERE").await), (1, 1, 7));
    gate.end().await;
}

#[tokio::test]
async fn the_same_bytes_are_taken_once_while_they_are_queued() {
    let gate = Gate::new().await;
    assert_eq!(gate.send_one(ct(1)).await, 0);
    gate.until_judged(1).await;
    assert_eq!(gate.send_one(ct(1)).await, 0);
    assert_eq!(gate.send_one(ct(2)).await, 0);
    gate.until_judged(2).await;
    assert_eq!((gate.count(|line| line.suppressed), gate.count(|line| line.received)), (1, 2));
    gate.end().await;
}

#[tokio::test]
async fn a_peer_is_told_when_judging_falls_behind_and_nothing_acknowledged_is_forgotten() {
    let config = Config { patience: Duration::from_millis(1), ..Config::default() };
    let mut gate = Gate::with(Choices { config, stuck: true, ..Choices::default() }).await;
    let objects: Vec<_> = (1..=3).map(|n| (ct(n), ct(n).data_set())).collect();
    assert_eq!(gate.send("CT01", &objects).await, [0, 0, 0xA700]);
    for _ in 0..2 {
        let work = timeout(PATIENCE, gate.waiting.recv()).await.expect("in time");
        assert!(matches!(work, Some(Work::Fresh(_))));
    }
    assert_eq!(gate.files("objects"), 2);
    gate.end().await;
}

#[tokio::test]
async fn verdicts_are_recorded_in_the_order_of_arrival() {
    let gate = Gate::new().await;
    let objects: Vec<_> = (1..=24)
        .map(|n| {
            // Every other one takes longer to judge.
            let specimen = if n % 2 == 0 { ct(n) } else { ct(n).size(256, 256) };
            let data = specimen.data_set();
            (specimen, data)
        })
        .collect();
    assert_eq!(gate.send("CT01", &objects).await, [0; 24]);
    let ids: Vec<ObjectId> = gate.until_judged(24).await.iter().map(|one| one.id).collect();
    let records = gate.records.lock().expect("not poisoned").clone();
    let recorded: Vec<ObjectId> = records
        .iter()
        .filter_map(|record| {
            let text = String::from_utf8_lossy(record);
            ids.iter().copied().find(|id| text.contains(&id.to_string()))
        })
        .collect();
    assert_eq!(recorded, ids);
    gate.end().await;
}

#[tokio::test]
async fn no_mark_comes_with_the_bytes_from_another_sender() {
    let gate = Gate::new().await;
    let object = (ct(1), ct(1).data_set());
    assert_eq!(gate.send("CT01", std::slice::from_ref(&object)).await, [0]);
    let marked = gate.until_judged(1).await.remove(0);
    let verdict = marked.verdict.expect("a verdict");
    assert_eq!(verdict.mark.as_deref(), Some("JJJHR"));
    assert_eq!(gate.send("CT02", std::slice::from_ref(&object)).await, [0]);
    let other = gate.until_judged(2).await.remove(1).verdict.expect("a verdict");
    assert_eq!((other.mark, other.reason.as_deref()), (None, Some("NO_INSTITUTION")));
    assert!(other.plan.is_empty());
    gate.end().await;
}

#[tokio::test]
async fn what_is_sent_again_once_it_is_delivered_goes_out_in_the_same_bytes() {
    let gate = Gate::new().await;
    assert_eq!(gate.send_one(ct(1)).await, 0);
    let first = gate.until_judged(1).await.remove(0);
    let what = What::Delivered {
        destination: "pacs".to_owned(),
        status: Status::SUCCESS,
        comment: String::new(),
        sent: blake3::hash(b""),
    };
    gate.ledger.record(Event { object: first.id, at: now(), what }).await.expect("recorded");
    assert_eq!(gate.send_one(ct(1)).await, 0);
    let again = gate.until_judged(2).await.remove(1);
    assert_eq!(again.state, ObjectState::Forwarding);
    let plan = |one: Explained| one.verdict.expect("a verdict").plan;
    let (before, after) = (plan(first), plan(again));
    assert!(!before.is_empty() && before == after);
    gate.end().await;
}

#[tokio::test]
async fn what_a_crash_left_unjudged_is_judged_once_and_its_conflicts_are_remembered() {
    let gate = Gate::new().await;
    assert_eq!(gate.send_one(ct(1)).await, 0);
    gate.until_judged(1).await;
    // Other bytes under the same UID, in custody, and the gate died before it judged them.
    let other = ct(1).size(32, 32);
    let envelope = Envelope {
        calling_ae: title("CT01"),
        called_ae: title("MARKGATE"),
        peer: "127.0.0.1".parse().expect("an address"),
        certificate: None,
        transfer_syntax: other.transfer_syntax(),
        sop_class: other.sop_class(),
        sop_instance: other.sop_instance(),
        message_id: 1,
        priority: Priority::Medium,
        received: now(),
    };
    let mut draft = gate.spool.draft(&envelope).expect("admitted");
    draft.write(&other.data_set()).expect("written");
    let receipt = draft.commit().await.expect("committed");
    let row = ObjectRow {
        id: receipt.id(),
        received: envelope.received,
        calling_ae: envelope.calling_ae,
        called_ae: envelope.called_ae,
        peer: envelope.peer,
        transfer_syntax: envelope.transfer_syntax,
        sop_class: envelope.sop_class,
        sop_instance: envelope.sop_instance,
        study: other.study_instance(),
        series: other.series_instance(),
        length: receipt.length(),
        hash: receipt.hash(),
        urgent: false,
    };
    gate.ledger.received(row).await.expect("entered");
    let left = unjudged(&gate.ledger).await.expect("asked");
    assert_eq!(left, [receipt.id()]);
    assert_eq!(gate.send_one(ct(2)).await, 0, "what comes meanwhile is not in the list");
    assert_eq!(resume(left, gate.judging.clone()).await, 1);
    let known = gate.until_judged(3).await;
    assert_eq!(
        states(&known),
        [ObjectState::Forwarding, ObjectState::Held, ObjectState::Forwarding]
    );
    assert_eq!(known.get(1).map(|one| one.reasons.clone()), Some(vec!["IMG-STU-021".to_owned()]));
    let versions = known.iter().filter_map(|one| one.verdict.as_ref());
    assert_eq!(versions.map(|verdict| verdict.version).collect::<Vec<_>>(), [1, 1, 1]);
    gate.end().await;
}

#[test]
fn places_are_limited_in_all_and_by_address_and_given_back() {
    let config = Config { associations: 3, associations_of_a_peer: 2, ..Config::default() };
    let places = Places::default();
    let [one, other, third] = [1, 2, 3].map(|n| IpAddr::from([127, 0, 0, n]));
    let first = places.take(one, &config);
    let second = places.take(one, &config);
    assert!(first.is_some() && second.is_some());
    assert!(places.take(one, &config).is_none(), "two from one address");
    let last = places.take(other, &config);
    assert!(last.is_some());
    assert!(places.take(third, &config).is_none(), "three in all");
    drop(first);
    assert!(places.take(third, &config).is_some());
}
