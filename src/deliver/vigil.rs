//! Watches that deliveries are made: a destination that answers and takes nothing is told to a person, and so is one that takes
//! all but some object that it puts off again and again, and a lane that has come to a standstill. Nothing looks as well as a
//! delivery engine that has died quietly.
//!
//! Time is the monotonic clock's: setting the clock raises no alarm and clears none.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::{Fared, Shared};
use crate::ledger::LedgerFault;
use crate::observe::audit::Entry;
use crate::observe::metrics::Lane as Label;
use crate::policy::outcome::Cause;
use crate::policy::retry::{Alarm, alarm};

/// How often is looked. An alarm for a wrong configuration is to come at once.
const LOOK: Duration = Duration::from_secs(2);

/// How long the ledger may take to answer. Beyond, there is taken to be work: a disk that hangs must not silence the watch.
const ANSWER: Duration = Duration::from_secs(5);

/// How far a lane may be behind what it said of itself before it counts as hanging: a machine under load is slow.
const LENIENCE: Duration = Duration::from_secs(60);

/// Why a person is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trouble {
    /// There is work, and no delivery comes to its end, or some delivery never does.
    Stalled(Alarm),
    /// The lane itself has died or hangs: a fault of the gate's.
    Dead,
}

impl Trouble {
    /// The word for it in lists.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Stalled(Alarm::Raised) => "stalled",
            Self::Stalled(Alarm::Pressing) => "stalled-1h",
            Self::Stalled(Alarm::Critical) => "stalled-24h",
            Self::Dead => "dead",
        }
    }

    /// From 1, for a gauge.
    #[must_use]
    pub fn grade(self) -> i64 {
        match self {
            Self::Stalled(Alarm::Raised) => 1,
            Self::Stalled(Alarm::Pressing) => 2,
            Self::Stalled(Alarm::Critical) => 3,
            Self::Dead => 4,
        }
    }
}

/// What the watch says of a destination.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Watched {
    /// Since when there has been work and no delivery, or a delivery has failed again and again, by the monotonic clock and by the
    /// wall clock of then.
    pub waiting: Option<(Instant, jiff::Timestamp)>,
    /// Why a person is told.
    pub trouble: Option<Trouble>,
}

impl Watched {
    /// For how long.
    #[must_use]
    pub fn stalled(&self) -> Duration {
        self.waiting.map_or(Duration::ZERO, |(since, _)| since.elapsed())
    }
}

/// By when a lane will be heard of again. Set by the lane at each step, read by the watch.
#[derive(Debug, Clone)]
pub(super) struct Pulse(Arc<Mutex<Beat>>);

#[derive(Debug, Clone, Copy)]
struct Beat {
    by: Instant,
    /// Whether the lane does nothing until then but wait.
    #[cfg_attr(not(test), expect(dead_code, reason = "a test lets time pass by it"))]
    rests: bool,
}

impl Pulse {
    pub(super) fn new() -> Self {
        Self(Arc::new(Mutex::new(Beat { by: Instant::now(), rests: false })))
    }

    fn beat(&self) -> MutexGuard<'_, Beat> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The next step comes within this time.
    pub(super) fn within(&self, time: Duration) {
        *self.beat() = Beat { by: Instant::now() + time, rests: false };
    }

    /// Nothing is done until then.
    pub(super) fn rests(&self, until: Instant) {
        *self.beat() = Beat { by: until, rests: true };
    }

    /// Until when nothing is done.
    #[cfg(test)]
    pub(super) fn rests_until(&self) -> Option<Instant> {
        let beat = *self.beat();
        beat.rests.then_some(beat.by)
    }

    fn is_missed(&self, now: Instant) -> bool {
        now.saturating_duration_since(self.beat().by) > LENIENCE
    }
}

/// A lane as the watch sees it.
pub(super) struct Watching {
    pub(super) name: String,
    pub(super) pulse: Pulse,
    pub(super) fared: watch::Receiver<Fared>,
    pub(super) says: watch::Sender<Watched>,
}

/// What is seen of a lane at one look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Seen {
    has_work: bool,
    delivered: u64,
    /// Since when some delivery has failed again and again.
    failing: Option<Instant>,
    is_misconfigured: bool,
    is_missed: bool,
}

/// What is remembered between looks.
#[derive(Debug, Default)]
struct Vigil {
    delivered: u64,
    waiting: Option<Instant>,
    /// The earlier of that and of what fails again and again.
    since: Option<Instant>,
    trouble: Option<Trouble>,
}

impl Vigil {
    /// The trouble there is now. It grows with time, and ends with a delivery or with the work alone.
    fn look(&mut self, seen: Seen, now: Instant) -> Option<Trouble> {
        if !seen.has_work || seen.delivered != self.delivered {
            self.waiting = None;
        }
        self.delivered = seen.delivered;
        self.since = seen.has_work.then(|| {
            let waiting = *self.waiting.get_or_insert(now);
            seen.failing.map_or(waiting, |failing| failing.min(waiting))
        });
        let waited =
            self.since.map_or(Duration::ZERO, |since| now.saturating_duration_since(since));
        let cause = if seen.is_misconfigured { Cause::Configuration } else { Cause::Transient };
        let grown = alarm(cause, waited).filter(|_| seen.has_work);
        let before = match self.trouble {
            Some(Trouble::Stalled(before)) if self.waiting.is_some_and(|since| since < now) => {
                Some(before)
            }
            Some(Trouble::Stalled(_) | Trouble::Dead) | None => None,
        };
        self.trouble = if seen.is_missed {
            Some(Trouble::Dead)
        } else {
            grown.max(before).map(Trouble::Stalled)
        };
        self.trouble
    }
}

/// Watches until told to stop.
pub(super) async fn run(lanes: Vec<Watching>, shared: Shared, stop: CancellationToken) {
    let mut vigils: Vec<Vigil> = lanes.iter().map(|_| Vigil::default()).collect();
    let mut question = Question::default();
    let mut ticks = tokio::time::interval(LOOK);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            _ = ticks.tick() => {}
        }
        let (ledger, names) = (shared.ledger.clone(), names(&lanes));
        let ask = move || names.iter().map(|name| ledger.has_work(name)).collect();
        let work = tokio::select! {
            work = question.answer(lanes.len(), ask) => work,
            () = stop.cancelled() => return,
        };
        let now = Instant::now();
        for ((lane, vigil), has_work) in lanes.iter().zip(&mut vigils).zip(work) {
            let fared = lane.fared.borrow().clone();
            let before = vigil.trouble;
            let seen = Seen {
                has_work,
                delivered: fared.deliveries,
                failing: fared.failing,
                is_misconfigured: fared.misconfigured,
                is_missed: lane.pulse.is_missed(now),
            };
            let trouble = vigil.look(seen, now);
            if before != trouble {
                let waited = vigil.since.map(|since| now - since).unwrap_or_default();
                tell(lane, &fared, trouble, waited);
                attest(&shared, lane, &fared, trouble);
            }
            say(lane, &shared, vigil);
        }
    }
}

/// Where there is work: a question to the ledger, of which one is under way at a time, however long it takes.
#[derive(Default)]
struct Question {
    asked: Option<JoinHandle<Result<Vec<bool>, LedgerFault>>>,
    is_unanswered: bool,
}

impl Question {
    /// Whether there is work in each lane; there is taken to be where that cannot be told.
    async fn answer(
        &mut self,
        lanes: usize,
        ask: impl FnOnce() -> Result<Vec<bool>, LedgerFault> + Send + 'static,
    ) -> Vec<bool> {
        let mut asked = self.asked.take().unwrap_or_else(|| tokio::task::spawn_blocking(ask));
        let fault = match tokio::time::timeout(ANSWER, &mut asked).await {
            Ok(Ok(Ok(work))) => {
                self.is_unanswered = false;
                return work;
            }
            Ok(Ok(Err(fault))) => fault.to_string(),
            Ok(Err(fault)) => fault.to_string(),
            Err(_elapsed) => {
                self.asked = Some(asked);
                "the ledger does not answer".to_owned()
            }
        };
        if !std::mem::replace(&mut self.is_unanswered, true) {
            tracing::error!(
                fault,
                "whether there is something to deliver cannot be told; the watch goes on"
            );
        }
        vec![true; lanes]
    }
}

fn names(lanes: &[Watching]) -> Vec<String> {
    lanes.iter().map(|lane| lane.name.clone()).collect()
}

/// Once for each stage, and once when it is over.
fn tell(lane: &Watching, fared: &Fared, now: Option<Trouble>, waited: Duration) {
    let destination = lane.name.as_str();
    let seconds = waited.as_secs();
    let last_error = fared.last_error.as_deref().unwrap_or("none");
    match now {
        Some(Trouble::Dead) => {
            tracing::error!(destination, "ALARM: the lane has died or hangs; restart the gate");
        }
        Some(Trouble::Stalled(_)) if fared.misconfigured => {
            tracing::error!(
                destination,
                seconds,
                last_error,
                "ALARM: the destination refuses us: its configuration or ours is wrong"
            );
        }
        Some(Trouble::Stalled(_)) => {
            tracing::error!(
                destination,
                seconds,
                last_error,
                "ALARM: there is work and nothing is delivered, or something never is"
            );
        }
        None => tracing::info!(
            destination,
            "the alarm is over: deliveries are made again, or there is no work"
        ),
    }
}

/// As [`tell`], for the audit trail: what the destination said is no part of it.
fn attest(shared: &Shared, lane: &Watching, fared: &Fared, now: Option<Trouble>) {
    let what = match now {
        Some(Trouble::Stalled(_)) if fared.misconfigured => "misconfigured",
        Some(trouble) => trouble.as_str(),
        None => "over",
    };
    let (destination, what) = (lane.name.clone(), what.to_owned());
    shared.audit.record(Entry::DeliveryAlarm { destination, raised: now.is_some(), what });
}

fn say(lane: &Watching, shared: &Shared, vigil: &Vigil) {
    let trouble = vigil.trouble;
    let label = Label { destination: lane.name.clone() };
    shared.metrics.delivery_alarm.get_or_create(&label).set(trouble.map_or(0, Trouble::grade));
    let wall = (shared.clock)();
    lane.says.send_if_modified(|says| {
        let since = says.waiting.map(|(since, _)| since);
        if since == vigil.since && says.trouble == trouble {
            return false;
        }
        let waiting = match (vigil.since, says.waiting) {
            (Some(now), Some((before, at))) if now == before => Some((now, at)),
            // What fails has failed since before this look.
            (Some(now), _) => Some((now, wall.checked_sub(now.elapsed()).unwrap_or(wall))),
            (None, _) => None,
        };
        *says = Watched { waiting, trouble };
        true
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Looks at these seconds, each with what is seen: `w` work, `d` one more delivery, `m` misconfigured, `x` missed, `f` an object
    /// that has failed since the beginning.
    #[track_caller]
    fn check(looks: &[(u64, &str)], want: &[&str]) {
        let (mut vigil, begun, mut delivered) = (Vigil::default(), Instant::now(), 0);
        let told: Vec<&str> = looks
            .iter()
            .map(|(at, letters)| {
                delivered += u64::from(letters.contains('d'));
                let seen = Seen {
                    has_work: letters.contains('w'),
                    delivered,
                    is_misconfigured: letters.contains('m'),
                    is_missed: letters.contains('x'),
                    failing: letters.contains('f').then_some(begun),
                };
                vigil.look(seen, begun + Duration::from_secs(*at)).map_or("", Trouble::as_str)
            })
            .collect();
        assert_eq!(told, want);
    }

    #[test]
    fn work_without_deliveries_is_told_after_five_minutes_an_hour_and_a_day() {
        check(
            &[(0, "w"), (299, "w"), (300, "w"), (3_599, "w"), (3_600, "w"), (86_400, "w")],
            &["", "", "stalled", "stalled", "stalled-1h", "stalled-24h"],
        );
    }

    #[test]
    fn a_delivery_or_the_end_of_work_ends_the_alarm() {
        check(
            &[(0, "w"), (300, "w"), (302, "wd"), (303, "w"), (601, "w"), (602, "w"), (603, "")],
            &["", "stalled", "", "", "", "stalled", ""],
        );
        check(&[(0, ""), (10_000, ""), (10_001, "w")], &["", "", ""]);
    }

    #[test]
    fn an_object_that_is_never_taken_raises_the_alarm_whatever_else_is_delivered() {
        check(
            &[(1, "wdf"), (300, "wdf"), (302, "wdf"), (3_600, "wdf"), (3_602, "wd"), (3_604, "f")],
            &["", "stalled", "stalled", "stalled-1h", "", ""],
        );
    }

    #[test]
    fn a_wrong_configuration_is_told_at_once_and_until_something_is_delivered() {
        check(&[(0, "wm"), (2, "w"), (4, "wd")], &["stalled", "stalled", ""]);
        check(&[(0, "m")], &[""]);
    }

    #[test]
    fn a_lane_that_is_not_heard_of_is_dead() {
        check(&[(0, "x"), (2, "wx"), (4, "w")], &["dead", "dead", ""]);
    }

    #[tokio::test]
    async fn a_ledger_that_does_not_answer_does_not_silence_the_watch() {
        tokio::time::pause();
        let (let_go, hung) = std::sync::mpsc::sync_channel::<()>(0);
        let mut question = Question::default();
        // Ends when the other end has gone.
        let hangs = move || Ok(vec![false, hung.recv().is_err()]);
        // Time does not go on by itself while a thread is at work.
        let (work, ()) = tokio::join!(question.answer(2, hangs), tokio::time::advance(ANSWER * 2));
        assert_eq!((work, question.is_unanswered), (vec![true, true], true));
        drop(let_go);
        tokio::time::resume();
        let not_asked = || -> Result<Vec<bool>, LedgerFault> { panic!("one at a time") };
        let work = question.answer(2, not_asked).await;
        assert_eq!((work, question.is_unanswered), (vec![false, true], false));
        let fails = || Err(LedgerFault::BadRow("a test's"));
        assert_eq!(question.answer(1, fails).await, [true]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_pulse_is_missed_a_minute_after_it_was_due() {
        let pulse = Pulse::new();
        pulse.within(Duration::from_secs(30));
        tokio::time::advance(Duration::from_secs(90)).await;
        assert!(!pulse.is_missed(Instant::now()));
        tokio::time::advance(Duration::from_secs(1)).await;
        assert!(pulse.is_missed(Instant::now()));
    }
}
