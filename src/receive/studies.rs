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

use std::collections::{HashMap, HashSet, VecDeque};
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
use crate::spool::{ObjectId, Spool};
use crate::standard::Assessment;
use crate::standard::study::{Key, Keys, Look, Part, StudyAssessment};

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
pub struct Ruling(Option<StudyAssessment>);

impl Ruling {
    /// What becomes of a study that could not be judged.
    pub(super) const FAILED: Self = Self(None);

    /// What concerns the instance with a SOP Instance UID.
    pub(super) fn on(&self, instance: Key) -> Option<Assessment> {
        Some(self.0.as_ref()?.on(instance))
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
    mut told: mpsc::Receiver<Came>,
    judging: mpsc::Sender<Work>,
    stop: CancellationToken,
) {
    let times = with.settings.load().times.clone();
    let mut keeper = Keeper {
        with,
        keys: studies.keys,
        open: policy::Studies::new(times),
        known: Known::default(),
        waiting: HashMap::new(),
        ready: VecDeque::new(),
    };
    // Only those who judge may tell from now on: when they have ended, so has this.
    drop(studies.inbox);
    keeper.remember(&stop).await;
    let mut recalled = recall(&keeper.with, &keeper.keys, stop.clone());
    let mut is_recalling = true;
    loop {
        let rest = keeper.open.rest(now()).map(|rest| rest.max(BREATH));
        tokio::select! {
            () = stop.cancelled() => return,
            room = judging.reserve(), if !keeper.ready.is_empty() => match (room, keeper.ready.pop_front()) {
                (Ok(room), Some(work)) => room.send(work),
                (Ok(_), None) => {}
                (Err(_closed), _) => return,
            },
            came = told.recv() => match came {
                Some(came) => keeper.take(came),
                None => return,
            },
            trace = recalled.recv(), if is_recalling => match trace {
                Some(Some(trace)) => keeper.known.learn(&trace),
                Some(None) => {
                    keeper.known.set_recalled();
                    tracing::info!("the studies of earlier runs are recalled");
                }
                // Without the word that it was all, something has gone wrong with it, and nothing is known not to have been.
                None => is_recalling = false,
            },
            () = tokio::time::sleep(rest.unwrap_or_default()), if rest.is_some() => {}
        }
        keeper.open.set(keeper.with.settings.load().times.clone());
        for complete in keeper.open.settle(now()) {
            keeper.settle(complete, &stop).await;
        }
        keeper.count();
    }
}

struct Keeper {
    with: Keeping,
    keys: Keys,
    open: policy::Studies<Ruling>,
    known: Known,
    /// Objects that wait, by study.
    waiting: HashMap<Key, Vec<ObjectId>>,
    /// What may be judged now.
    ready: VecDeque<Work>,
}

impl Keeper {
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
        let found = self.open.take(&part, received, now());
        let Some(Waits { object, again }) = waits else { return };
        let late = self.with.settings.load().late;
        // What came another way may be judged by stricter rules than those that the study was looked at with.
        let is_plain = self.with.site.load().rules.exceptions().is_empty();
        let covers = |ruling: &Arc<Ruling>| {
            ruling.0.as_ref().is_some_and(|found| is_plain || found.covers(part.way()))
        };
        match found.filter(|ruling| late == Late::Inherit && !again && covers(ruling)) {
            Some(ruling) => self.ready.push_back(Work::Ruled(object, ruling)),
            None => self.waiting.entry(part.study()).or_default().push(object),
        }
    }

    async fn settle(&mut self, complete: Complete, stop: &CancellationToken) {
        let Complete { mut study, cause } = complete;
        let uid = study.uid().clone();
        let (parts, in_part) = match self.unseen(&study, stop).await {
            Some(unseen) => unseen,
            None if stop.is_cancelled() => return,
            None => (Vec::new(), true),
        };
        parts.iter().for_each(|part| study.add(part));
        let beside = self.known.beside(&study, in_part, cause != policy::Cause::Quiet);
        let key = study.key();
        let instances = study.instances().len();
        let site = self.with.site.load_full();
        let rules = site.rules.hash();
        let judged = tokio::task::spawn_blocking(move || {
            site.rules.assess_study(&Look::at(&study, &beside))
        });
        let found = match judged.await {
            Ok(found) => Some(self.keep(uid, cause, instances, found, &rules).await),
            Err(fault) => {
                tracing::error!(study = %uid, %fault, "judging a study has failed: its images go on unmarked, and it is looked at again after the next start");
                None
            }
        };
        let ruling = Arc::new(found.map_or(Ruling::FAILED, |found| Ruling(Some(found))));
        self.open.remember(key, Arc::clone(&ruling));
        let waiting = self.waiting.remove(&key).unwrap_or_default();
        self.ready
            .extend(waiting.into_iter().map(|object| Work::Ruled(object, Arc::clone(&ruling))));
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

    /// What the index knows of a study and this process has not seen, and whether some of it cannot be seen. `None` when that
    /// cannot be told.
    async fn unseen(
        &self,
        study: &crate::standard::study::Study,
        stop: &CancellationToken,
    ) -> Option<(Vec<Part>, bool)> {
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
            let mut parts = Vec::with_capacity(unseen.len());
            let mut in_part = is_cut;
            for object in &unseen {
                let mark = object.mark.as_deref();
                let bench = Bench::new(spool.clone(), object.id, Arc::clone(&codecs));
                match look(&spool, &site, config, (object.id, &bench), mark, &keys) {
                    Some(part) => parts.push(part),
                    None => in_part = true,
                }
            }
            (parts, in_part)
        });
        read.await.ok()
    }
}

/// Looks at an object in the spool. Blocks. `None` when it is gone, damaged, or no instance of a study.
fn look(
    spool: &Spool,
    site: &Site,
    looking: crate::base::limits::Limits,
    (object, bench): (ObjectId, &Bench),
    mark: Option<&str>,
    keys: &Keys,
) -> Option<Part> {
    let stored = spool.object(object).ok()?;
    let envelope = stored.envelope().clone();
    let scan = scan_reader(stored.reader(), envelope.syntax(), looking).ok()?;
    let caller = Caller {
        calling: &envelope.calling_ae,
        peer: envelope.peer,
        proof: Proof::Recorded(envelope.certificate.as_deref()),
    };
    let source = admit(&site.sources, &caller).unwrap_or_default().source;
    let case = Case::new(envelope, source, scan);
    let image = Image { workshop: Some(bench), ..case.image() };
    pipeline::part(site, &image, mark, keys, now())
}
