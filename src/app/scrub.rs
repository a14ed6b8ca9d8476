//! The scrub: reads every object in the spool through, again and again, so that damage is found while the modality may still
//! have the image, and not when it is due at the PACS.
//!
//! It reads as evenly as it can over the time that a pass may take, and never faster than [`FASTEST`], so that receiving does
//! not feel it. What it finds damaged is held before it can be sent, and what has no file any more is lost: both are alarms. So is
//! what the disk does not give back while it gives back others; a disk that gives back nothing says nothing of one object.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::base::time::now;
use crate::ledger::{Event, Filter, Ledger, LedgerFault, ObjectState, What};
use crate::observe::Metrics;
use crate::spool::{ObjectId, ReadFault, SPOOL_DAMAGED, SPOOL_UNREADABLE, Spool};

/// Bytes a second at most: a tenth of what a slow disk of today reads.
const FASTEST: u64 = 16 << 20;

/// Bytes a second at least: four small objects, which no disk notices. A small spool is read in a moment of its week.
const SLOWEST: u64 = 256 << 10;

/// What there is to read is looked up anew after this: objects come while a pass goes on.
const LOOKED_UP: Duration = Duration::from_secs(600);

/// What opening an object counts for, in bytes: small ones cost a disk more than their size.
const OPENING: u64 = 64 << 10;

/// Bytes read between two pauses.
const STEP: u64 = 1 << 20;

/// Objects asked for at a time.
const AT_A_TIME: usize = 256;

/// Objects that are read a second time at the end of a pass, since they could not be read.
const TRIED_AGAIN: usize = 1024;

/// A pass over an empty spool, or one that failed, is not begun again before this.
const BREATH: Duration = Duration::from_secs(60);

/// What the scrub needs.
#[derive(Clone)]
pub(super) struct Scrub {
    pub(super) spool: Spool,
    pub(super) ledger: Ledger,
    pub(super) metrics: Arc<Metrics>,
    /// The time that one pass over the spool may take.
    pub(super) every: Duration,
}

/// What one pass has come to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Pass {
    /// Objects read through.
    pub(super) objects: u64,
    /// Their bytes.
    pub(super) bytes: u64,
    /// Those that are not what arrived, or that the disk does not give back.
    pub(super) damaged: u64,
    /// Those in custody that have no file.
    pub(super) lost: u64,
}

/// A pass under way.
struct Course {
    pace: Pace,
    pass: Pass,
    /// The object that was read last.
    sound: Option<ObjectId>,
    /// Objects that could not be read.
    unread: Vec<ObjectId>,
}

/// Why a pass did not come to its end.
#[derive(Debug, thiserror::Error)]
pub(super) enum ScrubFault {
    #[error(transparent)]
    Ledger(#[from] LedgerFault),
    #[error("it was cut off")]
    CutOff,
}

/// Scrubs until told to stop.
pub(super) async fn run(scrub: Scrub, stop: CancellationToken) {
    // Not always from the oldest on: a gate that is started again every day would never come to the newest.
    let mut from = somewhere(&scrub).await;
    loop {
        let begun = Instant::now();
        let passed = tokio::select! {
            passed = scrub.pass(from.take()) => passed,
            () = stop.cancelled() => return,
        };
        match passed {
            Ok(pass) if pass.objects > 0 => tracing::info!(
                objects = pass.objects,
                bytes = pass.bytes,
                damaged = pass.damaged,
                lost = pass.lost,
                seconds = begun.elapsed().as_secs(),
                "the spool has been read through"
            ),
            Ok(_nothing_there) => {}
            Err(fault) => {
                tracing::error!(%fault, "the spool could not be read through; it is tried again");
            }
        }
        let next = (begun + scrub.every).max(Instant::now() + BREATH.min(scrub.every));
        tokio::select! {
            () = tokio::time::sleep_until(next) => {}
            () = stop.cancelled() => return,
        }
    }
}

/// An object anywhere in the spool, to begin with.
async fn somewhere(scrub: &Scrub) -> Option<ObjectId> {
    let ledger = scrub.ledger.clone();
    let span = tokio::task::spawn_blocking(move || ledger.span()).await.ok()?.ok()??;
    let (oldest, newest) = (span.0.as_u128(), span.1.as_u128());
    let place = uuid::Uuid::new_v4().as_u128() % newest.saturating_sub(oldest).saturating_add(1);
    Some(ObjectId::from_u128(oldest + place))
}

impl Scrub {
    /// Reads every object once, those after `from` first.
    pub(super) async fn pass(&self, from: Option<ObjectId>) -> Result<Pass, ScrubFault> {
        let mut course = Course {
            pace: Pace::new(self.work().await?, self.every),
            pass: Pass::default(),
            sound: None,
            unread: Vec::new(),
        };
        self.stretch(from, None, &mut course).await?;
        if from.is_some() {
            self.stretch(None, from, &mut course).await?;
        }
        self.try_again(&mut course).await?;
        Ok(course.pass)
    }

    /// What a pass has to read, openings included.
    async fn work(&self) -> Result<u64, ScrubFault> {
        let ledger = self.ledger.clone();
        let (objects, bytes) = blocking(move || ledger.holdings()).await??;
        Ok(bytes.saturating_add(objects.saturating_mul(OPENING)))
    }

    /// The objects after `after`, up to and with `last`.
    async fn stretch(
        &self,
        mut after: Option<ObjectId>,
        last: Option<ObjectId>,
        course: &mut Course,
    ) -> Result<(), ScrubFault> {
        loop {
            if course.pace.is_old() {
                course.pace.adjust(self.work().await?, self.every);
            }
            let ledger = self.ledger.clone();
            let mut objects = blocking(move || ledger.present(after, AT_A_TIME)).await??;
            let asked = objects.len();
            objects.retain(|object| last.is_none_or(|last| *object <= last));
            for &object in &objects {
                if let Some(fault) = self.look(object, course).await? {
                    tracing::error!(%object, %fault, "an object in the spool cannot be read");
                    if course.unread.len() < TRIED_AGAIN {
                        course.unread.push(object);
                    }
                }
            }
            if objects.len() < AT_A_TIME.min(asked) || asked < AT_A_TIME {
                return Ok(());
            }
            after = objects.last().copied();
        }
    }

    /// Reads a second time what could not be read. Where another object can, it is the object that is at fault and not the disk.
    async fn try_again(&self, course: &mut Course) -> Result<(), ScrubFault> {
        for object in std::mem::take(&mut course.unread) {
            let Some(fault) = self.look(object, course).await? else { continue };
            let is_disk_well = match course.sound {
                Some(sound) => self.read(sound, &mut course.pace).await?.is_ok(),
                None => false,
            };
            if is_disk_well && !fault.is_out_of_handles() {
                course.pass.objects += 1;
                course.pass.damaged += 1;
                self.damaged(object, &fault, SPOOL_UNREADABLE).await?;
            } else {
                tracing::error!(%object, %fault, "an object in the spool cannot be read, nor can others");
            }
        }
        Ok(())
    }

    /// Reads one object through, and does what is to be done about it; gives the fault when it cannot be read.
    async fn look(
        &self,
        object: ObjectId,
        course: &mut Course,
    ) -> Result<Option<ReadFault>, ScrubFault> {
        let read = self.read(object, &mut course.pace).await?;
        let pass = &mut course.pass;
        match read {
            Ok(bytes) => {
                course.sound = Some(object);
                pass.objects += 1;
                pass.bytes += bytes;
            }
            Err(ReadFault::Missing(_)) => {
                // It may have been removed since it was listed: the ledger knows.
                for object in self.ledger.gone(vec![object]).await? {
                    pass.lost += 1;
                    tracing::error!(%object, "LOST: an object in custody has no file in the spool any more");
                }
            }
            Err(fault @ ReadFault::Damaged { .. }) => {
                pass.objects += 1;
                pass.damaged += 1;
                self.damaged(object, &fault, SPOOL_DAMAGED).await?;
            }
            Err(fault @ ReadFault::Io { .. }) => return Ok(Some(fault)),
        }
        Ok(None)
    }

    async fn read(
        &self,
        object: ObjectId,
        pace: &mut Pace,
    ) -> Result<Result<u64, ReadFault>, ScrubFault> {
        let spool = self.spool.clone();
        let opened = blocking(move || Ok::<_, ReadFault>(spool.object(object)?.verification()));
        pace.read(OPENING).await;
        let mut verification = match opened.await? {
            Ok(verification) => verification,
            Err(fault) => return Ok(Err(fault)),
        };
        loop {
            let (back, read) = blocking(move || {
                let read = verification.read(STEP);
                (verification, read)
            })
            .await?;
            verification = back;
            match read {
                Ok(Some(bytes)) => pace.read(bytes).await,
                Ok(None) => return Ok(Ok(verification.length())),
                Err(fault) => return Ok(Err(fault)),
            }
        }
    }

    /// Holds what is damaged, if its custody has not ended, and gives the alarm.
    async fn damaged(
        &self,
        object: ObjectId,
        fault: &ReadFault,
        code: &'static str,
    ) -> Result<(), ScrubFault> {
        self.metrics.damaged.inc();
        let ledger = self.ledger.clone();
        let filter = Filter { ids: vec![object], ..Filter::default() };
        let found = blocking(move || ledger.explain(&filter, 1)).await??;
        let Some(found) = found.into_iter().next() else {
            tracing::error!(%object, %fault, "an object in the spool is damaged and unknown to the ledger");
            return Ok(());
        };
        match found.state {
            ObjectState::Delivered | ObjectState::Rejected | ObjectState::Suppressed => {
                tracing::error!(
                    %object, %fault, state = found.state.as_str(),
                    "a kept original is damaged; its custody had ended before"
                );
                return Ok(());
            }
            ObjectState::Received
            | ObjectState::Forwarding
            | ObjectState::Held
            | ObjectState::Lost => {}
        }
        tracing::error!(%object, %fault, "an object in the spool is damaged: it is held");
        // What it was held for before still holds.
        let mut reasons = if found.state == ObjectState::Held { found.reasons } else { Vec::new() };
        if reasons.iter().any(|reason| reason == code) {
            return Ok(());
        }
        reasons.push(code.to_owned());
        let held = Event { object, at: now(), what: What::Held { reasons, by: None } };
        match self.ledger.record(held).await {
            // Delivered or rejected a moment ago.
            Ok(()) | Err(LedgerFault::Refused(_)) => Ok(()),
            Err(fault) => Err(fault.into()),
        }
    }
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, ScrubFault> {
    tokio::task::spawn_blocking(work).await.map_err(|_| ScrubFault::CutOff)
}

/// How fast is read: as slowly as the time of a pass allows, within limits.
struct Pace {
    rate: u64,
    begun: Instant,
    read: u64,
}

impl Pace {
    fn new(work: u64, every: Duration) -> Self {
        let rate = rate(work, every);
        if rate == FASTEST && work / FASTEST > every.as_secs() {
            tracing::warn!(
                seconds = work / FASTEST,
                "reading the spool through takes longer than [spool] scrub, so as not to disturb receiving"
            );
        }
        Self { rate, begun: Instant::now(), read: 0 }
    }

    fn is_old(&self) -> bool {
        self.begun.elapsed() > LOOKED_UP
    }

    fn adjust(&mut self, work: u64, every: Duration) {
        *self = Self { rate: rate(work, every), begun: Instant::now(), read: 0 };
    }

    /// So many bytes have been read: waits until they may have been.
    async fn read(&mut self, bytes: u64) {
        self.read = self.read.saturating_add(bytes);
        let due = Duration::from_secs_f64(self.read as f64 / self.rate as f64);
        tokio::time::sleep_until(self.begun + due).await;
    }
}

/// Bytes a second.
fn rate(work: u64, every: Duration) -> u64 {
    // A tenth is left for what comes meanwhile.
    let even = work as f64 * 1.1 / every.as_secs_f64().max(0.001);
    (even as u64).clamp(SLOWEST, FASTEST)
}

#[cfg(test)]
mod tests;
