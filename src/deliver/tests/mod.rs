//! Lanes on a real spool and ledger, to a scripted peer over TCP.

mod answers;
mod bitrot;
mod custody;
mod outage;

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio::task::JoinHandle;
use tokio::time::timeout;

use super::*;
use crate::base::time::now;
use crate::dicom::status::Status;
use crate::dicom::uid::Uid;
use crate::dimse::acceptor::{Association, Requested};
use crate::dimse::fault::Abort;
use crate::dimse::message::{Answer, Request};
use crate::dimse::negotiate::{ContextAnswer, Terms, negotiate};
use crate::ledger::{
    self, Arrival, Disposition, DurableLog, Event, Explained, Filter, LogFault, ObjectRow,
    ObjectState, Verdict, What,
};
use crate::phantom::{Kind, Specimen};
use crate::spool::{self, Envelope, Journal, ObjectId, Priority};

/// How long anything may take. Nothing waits for it unless a test fails.
const PATIENCE: Duration = Duration::from_secs(30);

struct Log(Journal);

impl DurableLog for Log {
    fn append(&mut self, records: &[Vec<u8>]) -> Result<u64, LogFault> {
        self.0.append(records).map_err(|fault| Arc::new(fault) as LogFault)
    }
}

pub(super) fn title(text: &str) -> AeTitle {
    AeTitle::parse(text).expect("a title")
}

/// A CT of one series.
pub(super) fn ct(instance: u32) -> Specimen {
    Specimen::new(Kind::Ct, 7).instance(instance).size(16, 16)
}

/// A spool and a ledger in a directory.
pub(super) struct Custody {
    pub(super) dir: TempDir,
    pub(super) spool: Spool,
    pub(super) ledger: Ledger,
}

impl Custody {
    pub(super) fn new() -> Self {
        Self::open(TempDir::new().expect("a directory"))
    }

    fn open(dir: TempDir) -> Self {
        let config = spool::Config {
            dir: dir.path().join("spool"),
            reserve: 0,
            ballast: 0,
            ..Default::default()
        };
        let (spool, _) = Spool::open(&config, now()).expect("a spool");
        let index = ledger::Config {
            path: dir.path().join("ledger.sqlite"),
            offset: jiff::tz::Offset::constant(8),
        };
        let log = Box::new(Log(spool.journal().clone()));
        let ledger = Ledger::open(&index, log, now()).expect("a ledger");
        Self { dir, spool, ledger }
    }

    /// Ends both and opens them again.
    pub(super) fn restart(self) -> Self {
        let Self { dir, spool, ledger } = self;
        drop((spool, ledger));
        Self::open(dir)
    }

    /// As [`Custody::restart`], after lanes were cut off: as soon as their threads have let go.
    pub(super) async fn restart_when_free(self) -> Self {
        let Self { dir, spool, ledger } = self;
        drop((spool, ledger));
        let config =
            spool::Config { dir: dir.path().join("spool"), reserve: 0, ..Default::default() };
        while let Err(spool::SpoolFault::Locked { .. }) = Spool::open(&config, now()) {
            tokio::task::spawn_blocking(std::thread::yield_now).await.expect("a thread");
        }
        Self::open(dir)
    }

    /// Takes an object in and sends it on its way to `pacs`.
    pub(super) async fn take(&self, specimen: &Specimen, plan: Vec<u8>) -> ObjectId {
        self.take_from("CT01", specimen, plan).await
    }

    /// As [`Custody::take`], from this title.
    pub(super) async fn take_from(
        &self,
        calling: &str,
        specimen: &Specimen,
        plan: Vec<u8>,
    ) -> ObjectId {
        let envelope = Envelope {
            calling_ae: title(calling),
            called_ae: title("MARKGATE"),
            peer: "127.0.0.1".parse().expect("an address"),
            certificate: None,
            transfer_syntax: specimen.transfer_syntax(),
            sop_class: specimen.sop_class(),
            sop_instance: specimen.sop_instance(),
            message_id: 1,
            priority: Priority::Medium,
            received: now(),
        };
        let mut draft = self.spool.draft(&envelope).expect("admitted");
        draft.write(&specimen.data_set()).expect("written");
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
            study: specimen.study_instance(),
            series: specimen.series_instance(),
            length: receipt.length(),
            hash: receipt.hash(),
            urgent: false,
        };
        assert_eq!(self.ledger.received(row).await.expect("entered"), Arrival::New);
        let verdict = Verdict {
            study: specimen.study_instance(),
            series: specimen.series_instance(),
            disposition: Disposition::Forward,
            destinations: vec!["pacs".to_owned()],
            report: "{}".to_owned(),
            plan,
            ..Verdict::default()
        };
        self.event(receipt.id(), What::Judged(Box::new(verdict))).await;
        receipt.id()
    }

    pub(super) async fn event(&self, object: ObjectId, what: What) {
        self.ledger.record(Event { object, at: now(), what }).await.expect("recorded");
    }

    pub(super) fn explained(&self, object: ObjectId) -> Explained {
        let filter = Filter { ids: vec![object], ..Filter::default() };
        self.ledger.explain(&filter, 1).expect("asked").remove(0)
    }

    /// Waits until an object is as wished.
    pub(super) async fn until(
        &self,
        object: ObjectId,
        wish: impl Fn(&Explained) -> bool,
    ) -> Explained {
        let mut changes = self.ledger.changes();
        let waited = timeout(PATIENCE, async {
            loop {
                changes.borrow_and_update();
                let found = self.explained(object);
                if wish(&found) {
                    return found;
                }
                changes.changed().await.expect("a ledger");
            }
        });
        match waited.await {
            Ok(found) => found,
            Err(_) => panic!("not as wished: {:?}", self.explained(object)),
        }
    }

    pub(super) async fn until_state(&self, object: ObjectId, state: ObjectState) -> Explained {
        self.until(object, |found| found.state == state).await
    }

    /// Starts a lane to `pacs`.
    pub(super) fn lanes(&self, target: Target) -> Lanes {
        self.lanes_at(target, Arc::new(now), Arc::new(Metrics::new()))
    }

    /// Starts a lane to `pacs` by a clock of the test's.
    pub(super) fn lanes_at(&self, target: Target, clock: Clock, metrics: Arc<Metrics>) -> Lanes {
        let destinations = vec![Destination { name: "pacs".to_owned(), target }];
        let (_questions, unknown) = mpsc::channel(1);
        Lanes::start(Setup {
            audit: Audit::none(),
            known: nothing_known(&destinations),
            destinations,
            spool: self.spool.clone(),
            ledger: self.ledger.clone(),
            metrics,
            timers: Timers::default(),
            clock,
            unknown,
        })
    }
}

/// Ends lanes.
pub(super) async fn end(lanes: Lanes) {
    lanes.stop();
    timeout(PATIENCE, lanes.stopped()).await.expect("lanes end");
}

/// What the scripted peer does with an object.
#[derive(Debug, Clone, Copy)]
pub(super) enum Say {
    Status(u16),
    Abort,
    /// The connection ends without a word.
    Nothing,
    /// The connection stays, without a word.
    Hold,
}

type Script = dyn Fn(&str, usize) -> Say + Send + Sync;
type Accepts = dyn Fn(&str, &str) -> bool + Send + Sync;

/// A scripted PACS: answers the n-th attempt at an instance as it is told.
pub(super) struct Pacs {
    accepts: Box<Accepts>,
    script: Box<Script>,
    /// An answer is given for each permit.
    pub(super) permits: Semaphore,
    /// SOP Instance UID, transfer syntax and bytes of every object that came to its end.
    heard: Mutex<Vec<(String, String, Vec<u8>)>>,
}

impl Pacs {
    pub(super) fn new(
        accepts: impl Fn(&str, &str) -> bool + Send + Sync + 'static,
        script: impl Fn(&str, usize) -> Say + Send + Sync + 'static,
    ) -> Arc<Self> {
        Arc::new(Self {
            accepts: Box::new(accepts),
            script: Box::new(script),
            permits: Semaphore::new(1_000),
            heard: Mutex::default(),
        })
    }

    /// One that takes everything.
    pub(super) fn willing() -> Arc<Self> {
        Self::new(|_, _| true, |_, _| Say::Status(0))
    }

    pub(super) fn heard(&self) -> Vec<(String, String, Vec<u8>)> {
        self.heard.lock().expect("not poisoned").clone()
    }

    pub(super) fn instances(&self) -> Vec<String> {
        self.heard().into_iter().map(|(instance, _, _)| instance).collect()
    }

    /// Serves one association at a time on a free port.
    pub(super) async fn serve(self: &Arc<Self>) -> (Target, JoinHandle<()>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let port = listener.local_addr().expect("bound").port();
        (at(port), self.serve_on(listener))
    }

    pub(super) fn serve_on(self: &Arc<Self>, listener: TcpListener) -> JoinHandle<()> {
        let pacs = Arc::clone(self);
        tokio::spawn(async move {
            let mut attempts = HashMap::new();
            loop {
                let (stream, _) = listener.accept().await.expect("a connection");
                let Ok(requested) = Requested::receive(stream, Timers::default()).await else {
                    continue;
                };
                let terms = Terms::new(vec![title("PACS")]);
                let context = |_, class: &str, syntaxes: &[String]| {
                    let taken = syntaxes.iter().find(|syntax| (pacs.accepts)(class, syntax));
                    taken.map_or(ContextAnswer::TransferSyntaxesNotSupported, |syntax| {
                        ContextAnswer::Accept(syntax.clone())
                    })
                };
                let answer = negotiate(requested.rq(), &terms, &|_, _| Ok(()), &context);
                let negotiated = answer.expect("a good request").0;
                if let Ok(association) = requested.accept(negotiated).await {
                    pacs.converse(association, &mut attempts).await;
                }
            }
        })
    }

    async fn converse(
        &self,
        mut association: Association<tokio::net::TcpStream>,
        attempts: &mut HashMap<String, usize>,
    ) {
        while let Ok(Some(message)) = association.next().await {
            let Request::Store(request) = &message.request else { return };
            let instance = request.sop_instance.to_string();
            let mut bytes = Vec::new();
            loop {
                match association.data().await {
                    Ok(Some(more)) => bytes.extend_from_slice(more),
                    Ok(None) => break,
                    Err(_) => return,
                }
            }
            let syntax = message.context.transfer_syntax.to_string();
            self.heard.lock().expect("not poisoned").push((instance.clone(), syntax, bytes));
            self.permits.acquire().await.expect("open").forget();
            let attempt = attempts.entry(instance.clone()).or_default();
            let say = (self.script)(&instance, *attempt);
            *attempt += 1;
            match say {
                Say::Status(status) => {
                    let answer = Answer::from(Status(status));
                    if association.respond(&message, &answer).await.is_err() {
                        return;
                    }
                }
                Say::Abort => return association.abort(Abort::USER).await,
                Say::Nothing => return,
                Say::Hold => {
                    // Ends when the other side has had enough.
                    drop(association.next().await);
                    return;
                }
            }
        }
    }
}

/// The scripted PACS as a destination.
pub(super) fn at(port: u16) -> Target {
    Target::Peer(Peer {
        called: title("PACS"),
        host: "127.0.0.1".to_owned(),
        port,
        calling: CallAs::fixed(title("MARKGATE")),
        tls: None,
    })
}

/// The delivery of an object to `pacs`: state, attempts, last error.
pub(super) fn delivery(found: &Explained) -> (ledger::DeliveryState, u32, String) {
    let delivery = found.deliveries.first().expect("a delivery");
    (delivery.state, delivery.attempts, delivery.last_error.clone())
}

/// A SOP Instance UID as text.
pub(super) fn uid(specimen: &Specimen) -> String {
    Uid::to_string(&specimen.sop_instance())
}
