//! Keeps the studies: gathers what study rules need of each object, waits until nothing more comes of a study, has the rules say what
//! they find on it, and lets go what waited for that.
//!
//! One task keeps them all, in memory; the spool is the truth. Before a study is judged, the index is asked for all of its objects, and
//! what this process has not seen of them is looked at in their files. So nothing is missing in a study because the gate was
//! killed, was too busy to note an object, or has forgotten the study: it is only read again.
//!
//! An object that waits for its study has no verdict. It is in the books as in flight, and whatever happens it is judged at
//! the next start at the latest.

mod recall;
mod report;

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use tokio::sync::mpsc;
use tokio::sync::mpsc::error::TrySendError;
use tokio_util::sync::CancellationToken;

use super::Config;
use super::bench::Bench;
use super::case::Case;
use super::judge::Work;
use super::past::asked;
use crate::base::caught::{Panicked, caught};
use crate::base::time::{Timestamp, now};
use crate::codec::Frames;
use crate::dicom::uid::Uid;
use crate::ledger::{Ledger, ObjectState, StudyObject, StudyRow, insist};
use crate::object::scan_reader;
use crate::observe::Metrics;
use crate::observe::metrics::{Code, Outcome};
use crate::pipeline::{self, Image, Site};
use crate::policy::admission::{Caller, Proof, admit};
use crate::policy::study::{self as policy, Complete, Known};
use crate::spool::{ObjectId, ReadFault, Spool};
use crate::standard::study::{Key, Keys, Look, Part, StudyAssessment, Trace};
use crate::standard::{Assessment, RuleSets, Way};

use recall::recall;
use report::report;

/// Instances that may wait to be taken in. An instance that nobody waits for and for which there is no room is looked at in the spool
/// later.
const UNSEEN: usize = 1024;

/// Objects of one study that are asked for. Beyond, a study is judged in part.
const MOST: usize = 20_000;

/// At a start, studies of which something came within this time are looked at if they have not been since.
const RECENT: jiff::SignedDuration = jiff::SignedDuration::from_hours(24);

/// The shortest wait: what is due within it is due now.
const BREATH: Duration = Duration::from_millis(2);

/// What a person may choose of the way studies are waited for.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct StudySettings {
    /// How long, and in how much memory.
    pub times: policy::Settings,
    /// What becomes of an object that waits for its study and comes when that has been judged.
    pub late: Late,
}

/// What becomes of an object that comes late.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Late {
    /// What was found on its study holds for it too, at once.
    #[default]
    Inherit,
    /// It waits until the study is quiet again and is judged once more.
    Reopen,
}

/// What was found on a study; nothing where judging it has failed, and nobody knows what forbids the mark of its images.
#[derive(Debug)]
pub struct Ruling(Option<Found>);

#[derive(Debug)]
struct Found {
    found: StudyAssessment,
    /// The hash of the rules it was found by.
    rules: String,
}

impl Ruling {
    /// What becomes of a study that could not be judged.
    pub(super) const FAILED: Self = Self(None);

    /// What concerns the instance with a SOP Instance UID.
    pub(super) fn on(&self, instance: Key) -> Option<Assessment> {
        Some(self.0.as_ref()?.found.on(instance))
    }

    /// Whether an image that comes late this way would be told the same if its study were judged by these rules.
    fn holds_for(&self, way: &Way, rules: &RuleSets) -> bool {
        let Some(Found { found, rules: by }) = &self.0 else { return false };
        // What came another way may be judged by stricter rules than those that the study was looked at with.
        *by == rules.hash() && (rules.exceptions().is_empty() || found.covers(way))
    }
}

/// Where objects are told to the keeper of studies.
#[derive(Clone)]
pub struct Studies {
    inbox: mpsc::Sender<Came>,
    keys: Keys,
}

/// An instance that has come.
pub struct Came {
    part: Box<Part>,
    received: Timestamp,
    waits: Option<Waits>,
}

/// An object that waits for its study.
struct Waits {
    object: ObjectId,
    /// It was judged before, and a person wants another verdict.
    again: bool,
}

/// What keeping studies needs.
pub struct Keeping {
    /// Objects that were not seen as they came.
    pub spool: Spool,
    /// Who decodes their frames.
    pub codecs: Arc<dyn Frames>,
    /// Which objects a study has, and where it is kept what was found.
    pub ledger: Ledger,
    /// Counters.
    pub metrics: Arc<Metrics>,
    /// The rules of the site.
    pub site: Arc<ArcSwap<Site>>,
    /// How far objects are looked into.
    pub config: Arc<ArcSwap<Config>>,
    /// How long studies are waited for.
    pub settings: Arc<ArcSwap<StudySettings>>,
}

impl Studies {
    /// A place to tell of objects, and what is told there. The secret is what identities are hidden by; it is never written down.
    #[must_use]
    pub fn new() -> (Self, mpsc::Receiver<Came>) {
        let (inbox, told) = mpsc::channel(UNSEEN);
        (Self { inbox, keys: fresh_keys() }, told)
    }

    /// What identities are hidden by.
    pub(super) fn keys(&self) -> &Keys {
        &self.keys
    }

    /// Tells of an object that has its verdict. Without room for it nothing is lost: it is in the spool.
    pub(super) fn came(&self, part: Box<Part>, received: Timestamp) {
        match self.inbox.try_send(Came { part, received, waits: None }) {
            Ok(()) | Err(TrySendError::Closed(_)) => {}
            Err(TrySendError::Full(came)) => {
                let study = came.part.study_uid();
                tracing::debug!(%study, "an instance is looked at when its study has settled");
            }
        }
    }

    /// Tells of an object that waits for its study.
    pub(super) async fn wait(
        &self,
        part: Box<Part>,
        received: Timestamp,
        object: ObjectId,
        again: bool,
    ) {
        let waits = Some(Waits { object, again });
        if self.inbox.send(Came { part, received, waits }).await.is_err() {
            tracing::info!(%object, "it is judged at the next start");
        }
    }
}

/// Keys of a secret that nobody has had before, and that is never written down.
#[must_use]
pub fn fresh_keys() -> Keys {
    let mut secret = [0; 32];
    let (first, second) = secret.split_at_mut(16);
    first.copy_from_slice(uuid::Uuid::new_v4().as_bytes());
    second.copy_from_slice(uuid::Uuid::new_v4().as_bytes());
    Keys::new(secret)
}

/// Keeps studies until told to stop. Objects that wait for theirs by then are judged at the next start.
pub async fn keep(
    with: Keeping,
    studies: Studies,
    told: mpsc::Receiver<Came>,
    judging: mpsc::Sender<Work>,
    stop: CancellationToken,
) {
    let times = with.settings.load().times.clone();
    #[expect(
        clippy::disallowed_methods,
        reason = "what is in it has waited here before; were it to wait for room, so would those who make it"
    )]
    let (ready, released) = mpsc::unbounded_channel();
    let keeper = Keeper {
        with,
        keys: studies.keys,
        open: policy::Studies::new(times),
        known: Known::default(),
        waiting: HashMap::new(),
        ready,
    };
    // Only those who judge may tell from now on: when they have ended, so has this.
    drop(studies.inbox);
    // What one study lets go does not wait until the next is judged.
    tokio::join!(keeper.run(told, &stop), hand_on(released, judging, &stop));
}

/// Has judged what may be, as fast as there is room for it.
async fn hand_on(
    mut released: mpsc::UnboundedReceiver<Work>,
    judging: mpsc::Sender<Work>,
    stop: &CancellationToken,
) {
    while let Some(work) = released.recv().await {
        tokio::select! {
            () = stop.cancelled() => return,
            sent = judging.send(work) => if sent.is_err() {
                return;
            },
        }
    }
}

/// What the keeper is told.
enum News {
    /// An instance has come.
    Came(Came),
    /// A study of an earlier run; `None` once that was all.
    Recalled(Option<Box<Trace>>),
}

struct Keeper {
    with: Keeping,
    keys: Keys,
    open: policy::Studies<Ruling>,
    known: Known,
    /// Objects that wait, by study.
    waiting: HashMap<Key, Vec<ObjectId>>,
    /// Where that goes which may be judged now.
    ready: mpsc::UnboundedSender<Work>,
}

impl Keeper {
    async fn run(mut self, mut told: mpsc::Receiver<Came>, stop: &CancellationToken) {
        self.remember(stop).await;
        let mut recalled = recall(&self.with, &self.keys, stop.clone());
        let mut is_recalling = true;
        loop {
            let rest = self.open.rest(now()).map(|rest| rest.max(BREATH));
            let news = tokio::select! {
                () = stop.cancelled() => return,
                came = told.recv() => match came {
                    Some(came) => Some(News::Came(came)),
                    None => return,
                },
                trace = recalled.recv(), if is_recalling => {
                    // Without the word that it was all, something has gone wrong with it, and nothing is known not to have been.
                    is_recalling = trace.is_some();
                    trace.map(|trace| News::Recalled(trace.map(Box::new)))
                },
                () = tokio::time::sleep(rest.unwrap_or_default()), if rest.is_some() => None,
            };
            if let Err(Panicked) = caught(self.turn(news, stop)).await {
                // What was learnt of earlier runs is gone, so the rest would not be all of it.
                is_recalling = false;
                recalled.close();
                self.begin_anew();
            }
            self.count();
        }
    }

    async fn turn(&mut self, news: Option<News>, stop: &CancellationToken) {
        match news {
            Some(News::Came(came)) => self.take(came),
            Some(News::Recalled(Some(trace))) => self.known.learn(&trace),
            Some(News::Recalled(None)) => {
                self.known.set_recalled();
                tracing::info!("the studies of earlier runs are recalled");
            }
            None => {}
        }
        self.open.set(self.with.settings.load().times.clone());
        for complete in self.open.settle(now()) {
            self.settle(complete, stop).await;
        }
    }

    /// After a panic nobody knows what is still right of all that was gathered: it is gathered anew, and what waits goes on.
    fn begin_anew(&mut self) {
        let waiting = std::mem::take(&mut self.waiting);
        let objects = waiting.values().map(Vec::len).sum::<usize>();
        tracing::error!(
            objects,
            "keeping studies has failed: images that wait go on unmarked, and studies that are open are looked at again after the next start"
        );
        self.open = policy::Studies::new(self.with.settings.load().times.clone());
        self.known = Known::default();
        self.release(waiting.into_values().flatten(), &Arc::new(Ruling::FAILED));
    }

    fn release(&self, objects: impl IntoIterator<Item = ObjectId>, ruling: &Arc<Ruling>) {
        for object in objects {
            if self.ready.send(Work::Ruled(object, Arc::clone(ruling))).is_err() {
                tracing::info!(%object, "it is judged at the next start");
            }
        }
    }

    /// Opens the studies that an earlier run has left.
    async fn remember(&mut self, stop: &CancellationToken) {
        let ledger = self.with.ledger.clone();
        let since = now().checked_sub(RECENT).unwrap_or(Timestamp::MIN);
        let left = insist(stop, || {
            let ledger = ledger.clone();
            asked(move || ledger.unsettled_studies(since))
        });
        match left.await {
            Ok(left) => {
                for (uid, received) in left {
                    let key = self.keys.of("study", uid.as_str());
                    self.open.expect(&uid, key, received, now());
                }
            }
            Err(fault) => tracing::error!(%fault, "studies that were left cannot be looked up"),
        }
    }

    fn take(&mut self, came: Came) {
        let Came { part, received, waits } = came;
        if let Some(Waits { object, .. }) = &waits {
            // First, so that it is let go whatever comes of it.
            self.waiting.entry(part.study()).or_default().push(*object);
        }
        let found = self.open.take(&part, received, now());
        let Some(Waits { object, again }) = waits else { return };
        let late = self.with.settings.load().late;
        let site = self.with.site.load();
        let holds = |ruling: &Arc<Ruling>| ruling.holds_for(part.way(), &site.rules);
        let inherited = found.filter(|ruling| late == Late::Inherit && !again && holds(ruling));
        if let Some(ruling) = inherited
            && let Some(waiting) = self.waiting.get_mut(&part.study())
        {
            waiting.pop();
            self.release([object], &ruling);
        }
    }

    async fn settle(&mut self, complete: Complete, stop: &CancellationToken) {
        let Complete { mut study, cause } = complete;
        let uid = study.uid().clone();
        let unseen = match self.unseen(&study, stop).await {
            Some(unseen) => unseen,
            None if stop.is_cancelled() => return,
            None => Unseen { in_part: true, unread: true, ..Unseen::default() },
        };
        unseen.parts.iter().for_each(|part| study.add(part));
        let beside = self.known.beside(&study, unseen.in_part, cause != policy::Cause::Quiet);
        let key = study.key();
        let instances = study.instances().len();
        let site = self.with.site.load_full();
        let rules = site.rules.hash();
        let judged = tokio::task::spawn_blocking(move || {
            site.rules.assess_study(&Look::at(&study, &beside))
        });
        let found = match judged.await {
            Ok(found) => Some(self.keep(uid.clone(), cause, instances, found, &rules).await),
            Err(fault) => {
                tracing::error!(study = %uid, %fault, "judging a study has failed: its images go on unmarked, and it is looked at again after the next start");
                None
            }
        };
        let waiting = self.waiting.remove(&key).unwrap_or_default();
        let ruling = match found {
            // What was not read may forbid the mark of the others.
            Some(_) if unseen.unread => {
                let objects = waiting.len();
                tracing::error!(study = %uid, objects, "not all of a study can be read: its images that wait go on unmarked");
                Ruling::FAILED
            }
            Some(found) => Ruling(Some(Found { found, rules })),
            None => Ruling::FAILED,
        };
        let ruling = Arc::new(ruling);
        self.open.remember(key, Arc::clone(&ruling));
        self.release(waiting, &ruling);
    }

    /// Tells of what was found on a study and keeps it. Returns what is to be known for images of it.
    async fn keep(
        &self,
        uid: Uid,
        cause: policy::Cause,
        instances: usize,
        mut found: StudyAssessment,
        rules: &str,
    ) -> StudyAssessment {
        self.tell(&uid, cause, instances, &found);
        let row = StudyRow {
            study: uid.clone(),
            settled: now(),
            cause: cause.as_str().to_owned(),
            instances: u64::try_from(instances).unwrap_or(u64::MAX),
            severity: found.severity().map(|severity| severity.as_str().to_owned()),
            report: report(&found, rules),
        };
        if let Err(fault) = self.with.ledger.study_settled(row).await {
            tracing::error!(study = %uid, %fault, "what was found on a study cannot be kept: it is looked at again after the next start");
        }
        // What comes late is told of findings alone.
        (found.met, found.not_applicable) = (Vec::new(), Vec::new());
        found
    }

    fn tell(&self, study: &Uid, cause: policy::Cause, instances: usize, found: &StudyAssessment) {
        let metrics = &self.with.metrics;
        metrics.studies_settled.get_or_create(&Outcome { outcome: cause.as_str() }).inc();
        for one in &found.findings {
            let rule = &one.finding.rule;
            metrics.study_findings.get_or_create(&Code { code: rule.clone() }).inc();
            let series = one.series.as_ref().map(ToString::to_string);
            let severity = one.finding.severity.as_str();
            tracing::info!(%study, series, rule, severity, "found on a study");
        }
        let findings = found.findings.len();
        match cause {
            policy::Cause::NoRoom => {
                tracing::warn!(%study, instances, findings, "a study has settled early: there is no room for so many open ones");
            }
            policy::Cause::Quiet | policy::Cause::AtMost => {
                tracing::info!(%study, cause = cause.as_str(), instances, findings, "a study has settled");
            }
        }
    }

    fn count(&self) {
        let gauge = |number: usize| i64::try_from(number).unwrap_or(i64::MAX);
        self.with.metrics.studies_open.set(gauge(self.open.open()));
        self.with.metrics.studies_bytes.set(gauge(self.open.bytes()));
    }

    /// What the index knows of a study and this process has not seen. `None` when that cannot be told.
    async fn unseen(
        &self,
        study: &crate::standard::study::Study,
        stop: &CancellationToken,
    ) -> Option<Unseen> {
        let uid = study.uid().clone();
        let ask = || {
            let (ledger, uid) = (self.with.ledger.clone(), uid.clone());
            asked(move || ledger.of_study(&uid, MOST))
        };
        let objects = insist(stop, ask).await;
        let objects = objects
            .inspect_err(|fault| tracing::error!(study = %uid, %fault, "the objects of a study cannot be looked up"))
            .ok()?;
        let is_cut = objects.len() == MOST;
        let seen: HashSet<Key> = study.instances().into_iter().collect();
        let unseen: Vec<StudyObject> = objects
            .into_iter()
            .filter(|object| match object.state {
                ObjectState::Received
                | ObjectState::Forwarding
                | ObjectState::Held
                | ObjectState::Delivered => {
                    !seen.contains(&self.keys.of("instance", object.sop_instance.as_str()))
                }
                ObjectState::Rejected | ObjectState::Suppressed | ObjectState::Lost => false,
            })
            .collect();
        let (spool, codecs, config, site, keys) = (
            self.with.spool.clone(),
            Arc::clone(&self.with.codecs),
            self.with.config.load().looking,
            self.with.site.load_full(),
            self.keys.clone(),
        );
        let read = tokio::task::spawn_blocking(move || {
            let mut found = Unseen { in_part: is_cut, ..Unseen::default() };
            for object in &unseen {
                let mark = object.mark.as_deref();
                let bench = Bench::new(spool.clone(), object.id, Arc::clone(&codecs));
                match look(&spool, &site, config, (object.id, &bench), mark, &keys) {
                    Ok(Some(part)) => found.parts.push(part),
                    Err(fault) if object.present => {
                        tracing::error!(object = %object.id, %fault, "an object of a study cannot be read");
                        (found.in_part, found.unread) = (true, true);
                    }
                    Ok(None) | Err(_) => found.in_part = true,
                }
            }
            found
        });
        let read = read.await;
        read.inspect_err(|fault| tracing::error!(study = %uid, %fault, "reading the objects of a study has failed"))
            .ok()
    }
}

/// Objects of a study that were not seen as they came.
#[derive(Default)]
struct Unseen {
    parts: Vec<Part>,
    /// There are more, and the study is judged without them.
    in_part: bool,
    /// Some of those should be there and could not be read.
    unread: bool,
}

/// Looks at an object in the spool. Blocks. `None` when it is no complete instance of a study.
///
/// # Errors
/// When it cannot be read.
fn look(
    spool: &Spool,
    site: &Site,
    looking: crate::base::limits::Limits,
    (object, bench): (ObjectId, &Bench),
    mark: Option<&str>,
    keys: &Keys,
) -> Result<Option<Part>, ReadFault> {
    let stored = spool.object(object)?;
    let envelope = stored.envelope().clone();
    let scan = scan_reader(stored.reader(), envelope.syntax(), looking)
        .map_err(|source| ReadFault::Io { id: object, source })?;
    let caller = Caller {
        calling: &envelope.calling_ae,
        peer: envelope.peer,
        proof: Proof::Recorded(envelope.certificate.as_deref()),
    };
    let source = admit(&site.sources, &caller).unwrap_or_default().source;
    let case = Case::new(envelope, source, scan);
    let image = Image { workshop: Some(bench), ..case.image() };
    Ok(pipeline::part(site, &image, mark, keys, now()))
}
