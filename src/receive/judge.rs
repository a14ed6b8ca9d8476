//! From custody to verdict: objects are entered in the ledger, judged on a bounded number of threads, and their verdicts
//! recorded in the order of arrival, so that the order within a series is kept.
//!
//! An object that cannot be judged costs nobody else anything. One that takes long gives its place to others, and goes on
//! unmarked when it takes too long. One that ends the process is found at the next start, judged alone, and not judged any more
//! once it has ended three.

use std::collections::VecDeque;
use std::pin::pin;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use arc_swap::ArcSwap;
use tokio::sync::{Notify, mpsc};
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::{Instant, timeout};
use tokio_util::sync::CancellationToken;

use super::Config;
use super::bench::Bench;
use super::case::Case;
use super::corners::Corners;
use super::drawing::{Versions, versions, with_pixels};
use super::entering::Entering;
use super::gather::gathered;
use super::own;
use super::past::{Past, earlier, past, uncompared};
use super::relayed::{Relayed, Turn};
use super::seats::{Seat, Seats};
use super::studies::{Ruling, Studies};
use super::telling::tell;
use super::verdicts::{Expected, Promise, UNRECORDED, record};
use super::written::{conflict, is_alike, written};
use crate::base::time::{Timestamp, now};
use crate::codec::Frames;
use crate::dicom::tags;
use crate::dicom::uid::Uid;
use crate::ledger::{Arrival, Event, Ledger, LedgerFault, What};
use crate::object::{Scan, scan_reader};
use crate::observe::Metrics;
use crate::pipeline::{self, Image, Site};
use crate::policy::admission::{Caller, Proof, admit};
use crate::spool::{
    Envelope, ObjectId, ReadFault, Receipt, SPOOL_DAMAGED, SPOOL_UNREADABLE, Spool,
};
use crate::standard::study::Part;

/// Objects that may wait to be judged. Behind that, receiving waits: each may hold a header of some MiB in memory.
const WAITING: usize = 16;

/// Objects that are taken together to be judged: as many may wait beside those.
const TOGETHER: usize = 16;

/// An object to be judged.
pub enum Work {
    /// One that has just come into custody, with what was seen of it on its way.
    Fresh(Box<Fresh>),
    /// One that its destination has, and that has come into custody since.
    Relayed(Box<Relayed>),
    /// One that is in the ledger and has no verdict, or is to get a new one.
    Again(ObjectId),
    /// One that waited for its study, with what was found on that.
    Ruled(ObjectId, Arc<Ruling>),
}

impl Work {
    /// Whether it is an object that is not in the ledger yet.
    fn is_fresh(&self) -> bool {
        match self {
            Self::Fresh(_) | Self::Relayed(_) => true,
            Self::Again(_) | Self::Ruled(..) => false,
        }
    }
}

/// An object that has just come into custody.
pub struct Fresh {
    /// The proof of it.
    pub receipt: Receipt,
    /// What it is judged by.
    pub case: Arc<Case>,
    /// Whoever comes with its SOP Instance UID waits until it is entered.
    pub(super) turn: Option<Turn>,
}

/// What judging needs.
#[derive(Clone)]
pub struct Judging {
    /// For objects that are judged again, and for pixels.
    pub spool: Spool,
    /// Who decodes and repaints frames.
    pub codecs: Arc<dyn Frames>,
    /// Where verdicts go.
    pub ledger: Ledger,
    /// Counters.
    pub metrics: Arc<Metrics>,
    /// The rules of the site.
    pub site: Arc<ArcSwap<Site>>,
    /// How.
    pub judge: Judge,
    /// How far objects that are judged again are looked into.
    pub config: Arc<ArcSwap<Config>>,
    /// Objects judged at a time.
    pub threads: usize,
    /// How long one may take; see [`PATIENCE`].
    pub patience: Duration,
    /// Who is told of objects for the sake of their studies.
    pub studies: Studies,
}

/// How an object is judged: [`pipeline::judge`], or what stands in for it in a test.
pub type Judge = Arc<dyn Fn(&Site, &Image<'_>, Timestamp) -> pipeline::Verdict + Send + Sync>;

/// Starts judging. What is sent gets a verdict, in order. Once told to stop, it judges what is waiting, and ends with everything
/// recorded.
#[must_use]
pub fn judging(with: Judging, stop: CancellationToken) -> (mpsc::Sender<Work>, JoinHandle<()>) {
    let (work, inbox) = mpsc::channel(WAITING);
    let task = tokio::spawn(run(with, inbox, stop));
    (work, task)
}

async fn run(with: Judging, mut inbox: mpsc::Receiver<Work>, stop: CancellationToken) {
    let (judged, verdicts) = mpsc::channel(UNRECORDED);
    let done = Arc::new(Notify::new());
    let recording = record(with.ledger.clone(), verdicts, Arc::clone(&done), stop.clone());
    let recorder = tokio::spawn(recording);
    let seats = Seats::new(with.threads);
    let corners = Arc::new(Corners::default());
    let mut tasks = JoinSet::new();
    let mut changes = with.ledger.changes();
    let mut waiting = VecDeque::new();
    loop {
        let next = match waiting.pop_front() {
            Some(next) => Some(next),
            None => tokio::select! {
                work = inbox.recv() => {
                    if let Some(first) = work {
                        for work in gathered(first, &mut inbox, TOGETHER, Work::is_fresh).await {
                            let entering = Entering::begin(&with, &work).await;
                            waiting.push_back((work, entering));
                        }
                    }
                    waiting.pop_front()
                }
                Ok(()) = changes.changed() => {
                    let revived = with.ledger.revived().into_iter();
                    waiting.extend(revived.map(|object| (Work::Again(object), None)));
                    continue;
                }
                () = stop.cancelled(), if !inbox.is_closed() => {
                    // Nothing more is taken; what is in it is still given.
                    inbox.close();
                    continue;
                }
            },
        };
        let Some((work, entering)) = next else { break };
        let seat = match &work {
            Work::Fresh(_) | Work::Relayed(_) => seats.one().await,
            Work::Again(object) | Work::Ruled(object, _)
                if with.spool.judging().found(*object) == 0 =>
            {
                seats.one().await
            }
            // What may have ended the process is judged alone, so that no other falls under suspicion with it.
            Work::Again(_) | Work::Ruled(..) => seats.all().await,
        };
        let call = Call {
            series: Arc::default(),
            hurry: Arc::default(),
            corners: Arc::clone(&corners),
            stop: stop.clone(),
        };
        let (series, hurry) = (Arc::clone(&call.series), Arc::clone(&call.hurry));
        let again = match &work {
            Work::Fresh(fresh) => {
                call.is_of(&fresh.case.scan);
                false
            }
            Work::Relayed(relayed) => {
                call.is_of(&relayed.case.scan);
                false
            }
            Work::Again(_) | Work::Ruled(..) => true,
        };
        let (promise, events) = Promise::new(&done);
        let with = with.clone();
        tasks.spawn(async move {
            promise.keep(match (work, entering) {
                (Work::Relayed(relayed), Some(entering)) => {
                    relayed.recorded(&with, entering, seat, &call).await
                }
                (work, entering) => {
                    judge(&with, (work, entering), seat, &call).await.into_iter().collect()
                }
            });
        });
        while tasks.try_join_next().is_some() {}
        let since = Instant::now();
        let expected = Expected { events, come: None, series, again, since, hurry };
        if judged.send(expected).await.is_err() {
            break;
        }
    }
    drop(judged);
    if let Err(fault) = recorder.await {
        tracing::error!(%fault, "recording verdicts has ended abnormally");
    }
}

/// What the judging of one object and the recording of its verdict tell each other.
pub(super) struct Call {
    series: Arc<OnceLock<Uid>>,
    hurry: Arc<Notify>,
    corners: Arc<Corners>,
    pub(super) stop: CancellationToken,
}

impl Call {
    fn is_of(&self, scan: &Scan) {
        let series = scan.header.string(tags::SERIES_INSTANCE_UID);
        let uid = series.map(|uid| Uid::new(&uid)).unwrap_or_default();
        self.series.get_or_init(|| uid);
    }
}

async fn judge(
    with: &Judging,
    (work, entering): (Work, Option<Entering>),
    seat: Seat,
    call: &Call,
) -> Option<Event> {
    let stop = &call.stop;
    match work {
        Work::Fresh(fresh) => {
            let Fresh { receipt, case, turn } = *fresh;
            let object = receipt.id();
            let arrival = match entering?.arrival(stop).await {
                Ok(arrival) => arrival,
                Err(fault) => {
                    // In custody all the same: the next start finds it.
                    tracing::error!(%object, %fault, "an object was not entered in the ledger");
                    return None;
                }
            };
            drop(turn);
            match arrival {
                Arrival::Suppressed { by } => {
                    tracing::info!(%object, %by, "the same bytes are still queued");
                    with.metrics.suppressed.inc();
                    None
                }
                Arrival::Again { .. } => {
                    let instance = &case.envelope.sop_instance;
                    let before = earlier(&with.ledger, instance, receipt.hash(), stop).await;
                    let before = before.inspect_err(|fault| uncompared(object, fault)).ok()?;
                    judged(with, object, case, Past::Same(before), seat, (None, call)).await
                }
                Arrival::New => judged(with, object, case, Past::Nothing, seat, (None, call)).await,
                Arrival::Conflict { with: other } => {
                    tracing::warn!(%object, %other, "other bytes under a SOP Instance UID that is known");
                    judged(with, object, case, Past::OtherBytes, seat, (None, call)).await
                }
            }
        }
        // It was judged while it was relayed.
        Work::Relayed(_) => None,
        Work::Again(object) => judge_again(with, object, None, seat, call).await,
        Work::Ruled(object, ruling) => judge_again(with, object, Some(ruling), seat, call).await,
    }
}

/// Judges an object that is in the ledger, by what was found on its study if it waited for that.
async fn judge_again(
    with: &Judging,
    object: ObjectId,
    ruling: Option<Arc<Ruling>>,
    seat: Seat,
    call: &Call,
) -> Option<Event> {
    let stop = &call.stop;
    let (envelope, scan) = match load(with, object).await {
        Ok(loaded) => loaded,
        Err(fault) => return unread(with, object, &*fault).await,
    };
    call.is_of(&scan);
    if own::is_own(&envelope) {
        return own::judged(with, object, &scan, stop).await;
    }
    let site = with.site.load_full();
    let caller = Caller {
        calling: &envelope.calling_ae,
        peer: envelope.peer,
        proof: Proof::Recorded(envelope.certificate.as_deref()),
    };
    let source = admit(&site.sources, &caller).unwrap_or_default().source;
    let past = past(&with.ledger, object, stop).await;
    let past = past.inspect_err(|fault| uncompared(object, fault)).ok()?;
    let case = Arc::new(Case::new(envelope, source, scan));
    judged(with, object, case, past, seat, (ruling, call)).await
}

/// What becomes of an object that is to be judged and cannot be read.
async fn unread(
    with: &Judging,
    object: ObjectId,
    fault: &(dyn std::error::Error + Send + Sync + 'static),
) -> Option<Event> {
    let reason = match fault.downcast_ref::<ReadFault>() {
        Some(ReadFault::Missing(_)) => {
            match with.ledger.gone(vec![object]).await {
                Ok(lost) if lost.is_empty() => {}
                Ok(_lost) => {
                    tracing::error!(%object, "LOST: an object in custody has no file in the spool any more");
                }
                Err(fault) => {
                    tracing::error!(%object, %fault, "LOST: an object has no file, and the ledger cannot be told");
                }
            }
            return None;
        }
        Some(ReadFault::Damaged { .. }) => {
            with.metrics.damaged.inc();
            SPOOL_DAMAGED
        }
        Some(ReadFault::Io { .. }) | None => SPOOL_UNREADABLE,
    };
    tracing::error!(%object, %fault, "an object in the spool cannot be read: it is held");
    let what = What::Held { reasons: vec![reason.to_owned()], by: None };
    Some(Event { object, at: now(), what })
}

async fn load(
    with: &Judging,
    object: ObjectId,
) -> Result<(Envelope, Scan), Box<dyn std::error::Error + Send + Sync>> {
    let (spool, looking) = (with.spool.clone(), with.config.load().looking);
    tokio::task::spawn_blocking(move || {
        let stored = spool.object(object)?;
        let scan = scan_reader(stored.reader(), stored.envelope().syntax(), looking)?;
        Ok((stored.envelope().clone(), scan))
    })
    .await?
}

/// How long an object may be judged. Others of its series wait behind it, and a verdict takes milliseconds.
pub const PATIENCE: Duration = Duration::from_secs(20);

/// How long an object keeps its thread before it hangs aside and another is judged on it.
const STEP_ASIDE: Duration = Duration::from_millis(100);

/// How long an object may be judged where so many hang that it keeps its thread: long enough for a machine under load, short
/// enough for those behind it.
const CROWDED: Duration = Duration::from_secs(5);

/// Found in judgement at so many starts in a row, an object is held to be what ended the gate, and is not judged again.
pub(super) const POISON: u32 = 3;

/// What comes of judging an object.
pub(super) enum Judged {
    Verdict(Box<pipeline::Verdict>),
    /// It waits for its study, which needs this of it.
    Waits(Box<Part>),
}

impl Judged {
    fn unchecked(site: &Site, case: &Case) -> Self {
        Self::Verdict(Box::new(pipeline::unchecked(site, &case.image())))
    }
}

/// The same for an object whose study could not be judged: its own rules count, and it gets no mark.
fn unmarked(judge: &Judge) -> Judge {
    let judge = Arc::clone(judge);
    Arc::new(move |site, image, at| judge(site, image, at).without_mark())
}

/// Judges, for as long as an object may be judged. `None` when the gate stops meanwhile: the next start judges it.
pub(super) async fn verdict(
    with: &Judging,
    object: ObjectId,
    site: &Arc<Site>,
    case: &Arc<Case>,
    (seat, bypass): (Seat, bool),
    versions: Versions,
    (ruling, call): (Option<Arc<Ruling>>, &Call),
) -> Option<Judged> {
    let found = with.spool.judging().found(object);
    let noted = with.spool.judging().note(object);
    if found >= POISON {
        tracing::error!(%object, starts = found, "POISON: the gate has ended whenever it judged this object; it is not judged again");
        with.metrics.poisonous.inc();
        return Some(Judged::unchecked(site, case));
    }
    if seat.is_none() {
        tracing::error!(%object, "every thread hangs in an object: this one is not judged");
        return Some(Judged::unchecked(site, case));
    }
    let judging = {
        let (judge, site, case, at) =
            (Arc::clone(&with.judge), Arc::clone(site), Arc::clone(case), now());
        let seat = seat.clone();
        let bench = Bench::new(with.spool.clone(), object, Arc::clone(&with.codecs));
        let (corners, keys) = (Arc::clone(&call.corners), with.studies.keys().clone());
        tokio::task::spawn_blocking(move || {
            noted.begin();
            let image = Image { keys: Some(&keys), workshop: Some(&bench), ..case.image() };
            let waits = || pipeline::waits(&site, &image, &keys, at).map(Box::new);
            let found =
                ruling.as_ref().map(|ruling| ruling.on(keys.of("instance", case.instance())));
            let judged = match (bypass, &found) {
                (true, _) => Judged::Verdict(Box::new(pipeline::bypassed(&site, &image, at))),
                (false, None) if let Some(part) = waits() => Judged::Waits(part),
                (false, found) => {
                    // What waited for its study has been told of before: nobody hashes its pixels again.
                    let keys = if ruling.is_some() { None } else { image.keys };
                    let (judge, study) = match found {
                        Some(None) => (unmarked(&judge), None),
                        Some(Some(study)) => (judge, Some(study)),
                        None => (judge, None),
                    };
                    let image = Image { study, keys, ..image };
                    let with = (&bench, &*corners, versions);
                    Judged::Verdict(Box::new(with_pixels(object, &judge, &site, &image, with, at)))
                }
            };
            drop(noted);
            seat.leave();
            judged
        })
    };
    let mut judging = pin!(judging);
    let mut ended = timeout(STEP_ASIDE, &mut judging).await;
    if ended.is_err() {
        let patience = if seat.step_aside() { with.patience } else { with.patience.min(CROWDED) };
        tracing::debug!(%object, "judging an object takes long; others go on meanwhile");
        ended = tokio::select! {
            ended = timeout(patience.saturating_sub(STEP_ASIDE), &mut judging) => ended,
            () = call.hurry.notified() => timeout(Duration::ZERO, &mut judging).await,
            () = call.stop.cancelled() => return None,
        };
    }
    Some(match ended {
        Ok(Ok(judged)) => judged,
        Ok(Err(fault)) => {
            tracing::error!(%object, %fault, "judging an object has failed");
            Judged::unchecked(site, case)
        }
        // Its thread is lost until it ends; the object and those behind it are not.
        Err(_elapsed) => {
            seat.give_up();
            tracing::error!(%object, "judging an object takes too long");
            Judged::unchecked(site, case)
        }
    })
}

pub(super) async fn judged(
    with: &Judging,
    object: ObjectId,
    case: Arc<Case>,
    past: Past,
    seat: Seat,
    (ruling, call): (Option<Arc<Ruling>>, &Call),
) -> Option<Event> {
    let (site, at) = (with.site.load_full(), now());
    let started = std::time::Instant::now();
    let bypass = with.spool.bypass().is_on();
    let versions = versions(with, object, &site, &past, &call.stop).await?;
    let ruled = (ruling, call);
    let judged = verdict(with, object, &site, &case, (seat, bypass), versions, ruled).await?;
    let mut verdict = match judged {
        Judged::Verdict(verdict) => *verdict,
        Judged::Waits(part) => {
            let again = matches!(past, Past::Judged);
            with.studies.wait(part, case.received(), object, again).await;
            return None;
        }
    };
    if let Some(part) = verdict.part.take() {
        with.studies.came(part, case.received());
    }
    with.metrics.judge_seconds.observe(started.elapsed().as_secs_f64());
    if bypass {
        with.metrics.bypassed.inc();
    } else {
        conflict(&mut verdict, matches!(past, Past::OtherBytes));
    }
    tell(&with.metrics, object, &verdict);
    let mut written = written(&verdict, &site);
    match past {
        Past::Same(Some(before)) if is_alike(&before, &written) => written.plan = before.plan,
        Past::Nothing | Past::Same(_) => {
            // It may have gone out already while it was relayed, and that was not recorded.
            if let Some(begun) = with.spool.relaying().at(case.instance())
                && let Some(first) = as_of(with, object, &site, &case, versions, begun).await
                && first.report() == written.report
            {
                written.plan = first.plan.to_bytes();
            }
        }
        Past::OtherBytes | Past::Judged => {}
    }
    Some(Event { object, at, what: What::Judged(Box::new(written)) })
}

/// The verdict as of another time.
async fn as_of(
    with: &Judging,
    object: ObjectId,
    site: &Arc<Site>,
    case: &Arc<Case>,
    versions: Versions,
    at: Timestamp,
) -> Option<pipeline::Verdict> {
    let (judge, site, case) = (Arc::clone(&with.judge), Arc::clone(site), Arc::clone(case));
    let bench = Bench::new(with.spool.clone(), object, Arc::clone(&with.codecs));
    let judging = tokio::task::spawn_blocking(move || {
        let with = (&bench, &Corners::default(), versions);
        with_pixels(object, &judge, &site, &case.image(), with, at)
    });
    timeout(with.patience, judging).await.ok()?.ok()
}

/// The objects that the ledger knows and that have no verdict, in the order of arrival. To be asked before anything new is
/// received: what comes later is judged anyhow, and must not be judged twice.
///
/// # Errors
/// When the ledger cannot be read.
pub async fn unjudged(ledger: &Ledger) -> Result<Vec<ObjectId>, LedgerFault> {
    let ledger = ledger.clone();
    let asked = tokio::task::spawn_blocking(move || {
        let mut unjudged = ledger.unjudged(None, usize::MAX)?;
        // One of them may be among those already.
        unjudged.extend(ledger.revived());
        unjudged.sort();
        unjudged.dedup();
        Ok(unjudged)
    });
    asked.await.map_err(|_| LedgerFault::Closed)?
}

/// Has objects judged that were left without a verdict. Returns how many: fewer than all when judging has ended.
pub async fn resume(objects: Vec<ObjectId>, judging: mpsc::Sender<Work>) -> u64 {
    let mut count = 0;
    for object in objects {
        if judging.send(Work::Again(object)).await.is_err() {
            break;
        }
        count += 1;
    }
    count
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A gate that is ended again and again at its start would never come to what it was left with, and take it for what ended it.
    #[test]
    fn what_an_earlier_run_left_waits_for_no_others() {
        assert!(!Work::Again(ObjectId::from_u128(1)).is_fresh());
    }
}
