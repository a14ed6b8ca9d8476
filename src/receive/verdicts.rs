//! Records verdicts in the order in which their objects came, so that the order within a series is kept. An object whose verdict
//! does not come lets others pass after a moment, though none of its own series.

use std::collections::{HashSet, VecDeque};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use tokio::sync::oneshot::error::TryRecvError;
use tokio::sync::{Notify, mpsc, oneshot};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::dicom::uid::Uid;
use crate::ledger::{Event, Ledger, LedgerFault, Refused, insist};
use crate::spool::ObjectId;

/// How long everybody waits for one verdict. A verdict takes milliseconds, and nobody is to wait for a second.
pub(super) const PROMPT: Duration = Duration::from_millis(500);

/// Verdicts that may be on their way here.
pub(super) const UNRECORDED: usize = 64;

/// Verdicts that may wait behind others of their series, some KiB each. Beyond, the first that has not come is given up.
const WAITING: usize = 1024;

/// Verdicts that are recorded together cost one sync of the journal: up to so many.
const TOGETHER: usize = 32;

/// How long the first of them waits for others, which have come to be judged together with it.
const GATHERED: Duration = Duration::from_millis(3);

/// A verdict that will come.
pub(super) struct Expected {
    /// What will be recorded, together; nothing where there is nothing to record.
    pub(super) events: oneshot::Receiver<Vec<Event>>,
    /// It, once it has come.
    pub(super) come: Option<Vec<Event>>,
    /// The series of its object, once it is known.
    pub(super) series: Arc<OnceLock<Uid>>,
    /// Whether it was left by an earlier run: as long as its series is not known, those behind it may be of the same.
    pub(super) again: bool,
    /// Since when it is awaited.
    pub(super) since: Instant,
    /// Told when no more time is to be spent on it.
    pub(super) hurry: Arc<Notify>,
}

/// How a verdict stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stands {
    Ready,
    /// Not ready, and others wait for it.
    Awaited,
    /// Not ready for so long that others need not wait.
    Overdue,
}

/// The promise of a verdict. When it is gone, kept or broken by a panic, whoever records is told.
pub(super) struct Promise {
    events: Option<oneshot::Sender<Vec<Event>>>,
    done: Arc<Notify>,
}

impl Promise {
    pub(super) fn new(done: &Arc<Notify>) -> (Self, oneshot::Receiver<Vec<Event>>) {
        let (events, expected) = oneshot::channel();
        (Self { events: Some(events), done: Arc::clone(done) }, expected)
    }

    pub(super) fn keep(mut self, events: Vec<Event>) {
        if let Some(promised) = self.events.take()
            && promised.send(events).is_err()
        {
            tracing::error!("a verdict is not recorded: recording has ended");
        }
    }
}

impl Drop for Promise {
    fn drop(&mut self) {
        // First the end of the channel, so that whoever is told finds it.
        self.events = None;
        self.done.notify_one();
    }
}

impl Expected {
    /// Looks whether it has come.
    fn look(&mut self) {
        if self.come.is_some() {
            return;
        }
        match self.events.try_recv() {
            Ok(events) => self.come = Some(events),
            Err(TryRecvError::Empty) => {}
            Err(TryRecvError::Closed) => {
                tracing::error!("judging an object has failed; it is judged at the next start");
                self.come = Some(Vec::new());
            }
        }
    }

    fn stands(&self, now: Instant) -> Stands {
        if self.come.is_some() {
            Stands::Ready
        } else if now.saturating_duration_since(self.since) < PROMPT {
            Stands::Awaited
        } else {
            Stands::Overdue
        }
    }
}

/// Which of the verdicts that are awaited may be recorded now: for each, in order of arrival, how it stands, its series if that is
/// known, and whether an earlier run left it.
fn recordable<'a>(line: impl Iterator<Item = (Stands, Option<&'a Uid>, bool)>) -> Vec<usize> {
    let mut ready = Vec::new();
    let mut waiting: HashSet<&Uid> = HashSet::new();
    let mut backlog_waits = false;
    for (place, (stands, series, again)) in line.enumerate() {
        // Without a UID there is no series, and no order to keep.
        let series = series.filter(|series| !series.is_empty());
        let may_pass =
            series.is_none_or(|series| !waiting.contains(series)) && !(again && backlog_waits);
        match stands {
            Stands::Awaited => break,
            Stands::Ready if may_pass => ready.push(place),
            Stands::Ready | Stands::Overdue => {
                waiting.extend(series);
                backlog_waits |= series.is_none() && again && stands == Stands::Overdue;
            }
        }
    }
    ready
}

/// Records until nothing more is expected. `done` is told whenever a verdict has become ready.
pub(super) async fn record(
    ledger: Ledger,
    mut verdicts: mpsc::Receiver<Expected>,
    done: Arc<Notify>,
    stop: CancellationToken,
) {
    let mut line: VecDeque<Expected> = VecDeque::new();
    let mut is_open = true;
    let mut gathered_by: Option<Instant> = None;
    while is_open || !line.is_empty() {
        while line.len() < WAITING
            && let Ok(next) = verdicts.try_recv()
        {
            line.push_back(next);
        }
        line.iter_mut().for_each(Expected::look);
        let now = Instant::now();
        let ready =
            recordable(line.iter().map(|next| (next.stands(now), next.series.get(), next.again)));
        if ready.is_empty() {
            gathered_by = None;
        } else if !is_open
            || ready.len() >= TOGETHER
            || *gathered_by.get_or_insert(now + GATHERED) <= now
        {
            gathered_by = None;
            let mut events = Vec::new();
            // From behind, so that places stay what they are.
            for place in ready.into_iter().rev() {
                if let Some(next) = line.remove(place) {
                    events.splice(0..0, next.come.unwrap_or_default());
                }
            }
            write(&ledger, events, &stop).await;
            continue;
        }
        let is_pending = |next: &&Expected| next.stands(now) != Stands::Ready;
        if line.len() >= WAITING
            && let Some(first) = line.iter().find(is_pending)
        {
            first.hurry.notify_one();
        }
        let awaited = line.iter().filter(|next| next.stands(now) == Stands::Awaited);
        let overdue = awaited.map(|next| next.since + PROMPT).min();
        tokio::select! {
            next = verdicts.recv(), if is_open && line.len() < WAITING => match next {
                Some(next) => line.push_back(next),
                None => is_open = false,
            },
            () = done.notified() => {}
            () = tokio::time::sleep_until(overdue.unwrap_or(now)), if overdue.is_some() => {}
            () = tokio::time::sleep_until(gathered_by.unwrap_or(now)), if gathered_by.is_some() => {}
        }
    }
}

async fn write(ledger: &Ledger, events: Vec<Event>, stop: &CancellationToken) {
    if events.is_empty() {
        return;
    }
    let objects: Vec<ObjectId> = events.iter().map(|event| event.object).collect();
    // What has no verdict goes nowhere, so it does not wait for the next start either.
    match insist(stop, || record_all(ledger.clone(), events.clone())).await {
        Ok(outcomes) => {
            for (object, refused) in objects.iter().zip(outcomes) {
                if let Err(refused) = refused {
                    tracing::info!(%object, %refused, "a verdict came too late");
                }
            }
        }
        // They have no verdict then, and get one at the next start.
        Err(fault) => {
            tracing::error!(%fault, objects = objects.len(), "verdicts were not recorded");
        }
    }
}

async fn record_all(
    ledger: Ledger,
    events: Vec<Event>,
) -> Result<Vec<Result<(), Refused>>, LedgerFault> {
    ledger.record_all(events).await
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A line such as `A+ A? B+ C!`: the series, then `+` ready, `?` awaited, `!` overdue; `-` is no series, lower case a
    /// leftover of an earlier run, and `.` a leftover of which the series is not known.
    #[track_caller]
    fn check(line: &str, want: &[usize]) {
        let words: Vec<(Stands, Option<Uid>, bool)> = line
            .split(' ')
            .map(|word| {
                let mut letters = word.chars();
                let series = letters.next().expect("a letter");
                let stands = match letters.next() {
                    Some('+') => Stands::Ready,
                    Some('?') => Stands::Awaited,
                    _ => Stands::Overdue,
                };
                let uid = match series {
                    '.' => None,
                    '-' => Some(Uid::default()),
                    letter => Some(Uid::new(&letter.to_ascii_uppercase().to_string())),
                };
                (stands, uid, series == '.' || series.is_ascii_lowercase())
            })
            .collect();
        let line = words.iter().map(|(stands, uid, again)| (*stands, uid.as_ref(), *again));
        assert_eq!(recordable(line), want);
    }

    #[test]
    fn verdicts_are_recorded_as_their_objects_came() {
        check("A+ B+ A+", &[0, 1, 2]);
        check("A+ B? A+ C+", &[0]);
        check("A? B+", &[]);
    }

    #[test]
    fn what_does_not_come_keeps_its_series_waiting_and_nobody_else() {
        check("A! B+ A+ B+ C+", &[1, 3, 4]);
        check("A! B+ C? B+", &[1]);
        check("A! B! A+ B+ C+", &[4]);
        check("-! -+ A+", &[1, 2]);
    }

    #[test]
    fn a_leftover_of_unknown_series_keeps_leftovers_waiting() {
        check(".! a+ B+ A+", &[2]);
        check("a! b+ A+", &[1]);
        check(".+ a+", &[0, 1]);
    }
}
