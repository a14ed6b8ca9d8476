//! What a lane remembers of failures, and what follows from the next one: when an object is tried again, whether the lane rests,
//! and which objects have to wait behind another of their series.
//!
//! A destination that is away costs no object anything. An object at which the destination falls over, or that it puts off
//! again and again, steps aside with its series; once others were taken all the same it stands alone, and not even its series
//! waits for it. So does one whose file cannot be read. Waits and counts only; no I/O.

use std::collections::HashMap;
use std::time::Duration;

use tokio::time::Instant;

use crate::dicom::uid::Uid;
use crate::ledger::Due;
use crate::policy::outcome::Cause;
use crate::policy::retry::{Next, next};
use crate::spool::{ObjectId, SPOOL_UNREADABLE};

/// Failures at one object in a row for which the whole lane rests, which keeps the order of everything. After them the object
/// steps aside.
const TOGETHER: u32 = 2;

/// How much longer than the lane an object rests that has stepped aside: another goes first then.
const ASIDE: Duration = Duration::from_secs(60);

/// How long after its next attempt is due an object that is not seen any more keeps its series waiting.
const MISSED: Duration = Duration::from_secs(30);

/// Failures to read an object's file after which it is held, if others were taken since the first.
const UNREAD: u32 = 3;

/// An object that has not been tried for so long is not due any more: somebody has decided about it. Longer than any wait.
const FORGOTTEN: Duration = Duration::from_secs(900);

/// Titles whose failures are remembered; no site has as many modalities.
const TITLES: usize = 1024;

/// Objects whose failures are remembered. Beyond, all are forgotten, and tried more often than they should be.
const REMEMBERED: usize = 65_536;

/// Whom a failure speaks against.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Against {
    /// The destination, before it had anything of the object.
    Destination,
    /// Its association ended while it had the object in hand: the one or the other.
    Either,
    /// The destination answered that it cannot take the object for now: the one or the other.
    PutOff,
    /// The destination answered that it will not have the object, or takes nothing of its kind.
    Content,
    /// The title under which the object goes, and under which others may not.
    Title,
    /// The object's own file, which the disk does not give back.
    File,
    /// Nobody: the ledger cannot be asked.
    Nobody,
    /// The gate itself, at this object.
    Gate,
}

/// What follows from a failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fate {
    /// The object is tried again after `wait`; the lane rests meanwhile for `rest`.
    Later { wait: Duration, rest: Option<Duration> },
    /// It is not tried again.
    Hold(&'static str),
}

/// The reason of an object that the gate cannot get out.
pub(super) const UNSENDABLE: &str = "UNSENDABLE";

#[derive(Debug, Clone, Copy, Default)]
struct Record {
    /// Failures in a row that may have been the destination's.
    falls: u32,
    /// Failures that were the object's.
    refusals: u32,
    /// Failures to read its file.
    unread: u32,
    /// What the destination had taken at the last failure.
    taken: u64,
    /// What it had taken at the first failure to read the file.
    taken_unread: u64,
    /// Since when it has failed without being refused, and when it did so last.
    failing: Option<(Instant, Instant)>,
    /// Whether it is known that the others are well: they do not wait for it any more.
    is_alone: bool,
}

/// A title that is not let in: one object of it is tried when it has rested.
#[derive(Debug, Clone, Copy)]
struct Shut {
    failures: u32,
    until: Instant,
}

struct Behind {
    object: ObjectId,
    until: Instant,
}

/// See the module.
#[derive(Default)]
pub(super) struct Standing {
    /// Failures in a row.
    failures: u32,
    /// Objects that were taken.
    taken: u64,
    records: HashMap<ObjectId, Record>,
    behind: HashMap<Uid, Behind>,
    titles: HashMap<String, Shut>,
}

impl Standing {
    /// The destination took an object.
    pub(super) fn took(&mut self, due: &Due) {
        self.failures = 0;
        self.taken += 1;
        self.titles.remove(&due.calling);
        self.done_with(due.object, &due.series);
    }

    /// Whether objects of this title rest, since the destination does not let it in.
    pub(super) fn rests(&self, title: &str, now: Instant) -> bool {
        self.titles.get(title).is_some_and(|shut| shut.until > now)
    }

    /// The titles that rest.
    pub(super) fn resting_titles(&self, now: Instant) -> Vec<String> {
        let resting = self.titles.iter().filter(|(_, shut)| shut.until > now);
        resting.map(|(title, _)| title.clone()).collect()
    }

    /// A person wants every title tried now.
    pub(super) fn try_titles(&mut self, now: Instant) {
        for shut in self.titles.values_mut() {
            shut.until = now;
        }
    }

    /// Whether some title was not let in when it was tried last.
    pub(super) fn is_some_title_shut(&self) -> bool {
        !self.titles.is_empty()
    }

    /// How long the next title rests, if one does.
    pub(super) fn until_title(&self, now: Instant) -> Option<Duration> {
        let resting = self.titles.values().filter(|shut| shut.until > now);
        resting.map(|shut| shut.until - now).min()
    }

    /// Since when the object has failed that has failed longest of those that are tried again and again.
    pub(super) fn failing(&self, now: Instant) -> Option<Instant> {
        let failing = self.records.values().filter_map(|record| record.failing);
        let tried = failing.filter(|(_, last)| now.saturating_duration_since(*last) < FORGOTTEN);
        tried.map(|(since, _)| since).min()
    }

    /// Nothing has to wait for an object any longer: it is delivered, held or gone.
    pub(super) fn done_with(&mut self, object: ObjectId, series: &Uid) {
        self.records.remove(&object);
        self.pass(object, series);
    }

    fn pass(&mut self, object: ObjectId, series: &Uid) {
        if self.behind.get(series).is_some_and(|behind| behind.object == object) {
            self.behind.remove(series);
        }
    }

    /// The earlier object of its series that an object has to wait for.
    pub(super) fn waits_for(&self, due: &Due) -> Option<ObjectId> {
        let behind = self.behind.get(&due.series).filter(|behind| behind.object != due.object);
        behind.map(|behind| behind.object)
    }

    /// The series that wait, each with the object that it waits for.
    pub(super) fn waiting_series(&self) -> HashMap<Uid, ObjectId> {
        self.behind.iter().map(|(series, behind)| (series.clone(), behind.object)).collect()
    }

    /// Whether some series waits, once those are forgotten that have waited in vain.
    pub(super) fn is_some_series_waiting(&mut self, now: Instant) -> bool {
        self.behind.retain(|_, behind| behind.until > now);
        !self.behind.is_empty()
    }

    /// What follows from a failure. `chance` is a number in [0, 1).
    pub(super) fn failed(
        &mut self,
        due: &Due,
        against: Against,
        now: Instant,
        chance: f64,
    ) -> Fate {
        let (object, series) = (due.object, &due.series);
        if against == Against::Title {
            return self.shut(&due.calling, now, chance);
        }
        if self.records.len() >= REMEMBERED && !self.records.contains_key(&object) {
            self.records.clear();
        }
        let taken = self.taken;
        let record = self.records.entry(object).or_default();
        let others_were_taken = record.falls > 0 && taken > record.taken;
        record.taken = taken;
        if against == Against::File {
            if record.unread == 0 {
                record.taken_unread = taken;
            }
            record.unread = record.unread.saturating_add(1);
            if record.unread >= UNREAD && taken > record.taken_unread {
                self.done_with(object, series);
                return Fate::Hold(SPOOL_UNREADABLE);
            }
        }
        let content = match against {
            Against::Content | Against::Gate => true,
            // The destination is well but for this object.
            Against::Either if record.falls >= TOGETHER => others_were_taken,
            Against::Destination
            | Against::Either
            | Against::PutOff
            | Against::Title
            | Against::File
            | Against::Nobody => false,
        };
        if content {
            record.refusals += 1;
            // It is tried three times and then held, which is told.
            record.failing = None;
            let refusals = record.refusals;
            if against != Against::Gate {
                self.failures = 0;
            }
            // The others of the series do not wait for what may never go.
            self.pass(object, series);
            return match next(Cause::Content, refusals, chance) {
                Next::After(wait) => Fate::Later { wait, rest: None },
                Next::Hold(code) => {
                    self.records.remove(&object);
                    Fate::Hold(if against == Against::Gate { UNSENDABLE } else { code })
                }
            };
        }
        record.falls = record.falls.saturating_add(1);
        let falls = record.falls;
        record.failing = Some((record.failing.map_or(now, |(since, _)| since), now));
        record.is_alone |= match against {
            Against::File => record.unread > TOGETHER,
            Against::Nobody => falls > TOGETHER,
            Against::Either | Against::PutOff => falls > TOGETHER && others_were_taken,
            Against::Destination | Against::Content | Against::Title | Against::Gate => false,
        };
        let is_alone = record.is_alone;
        let (wait, rest) = match against {
            // Others may go.
            Against::Title | Against::File | Against::Nobody => (backoff(falls, chance), None),
            Against::Destination => {
                self.failures = self.failures.saturating_add(1);
                let wait = backoff(self.failures, chance);
                (wait, Some(wait))
            }
            Against::Either | Against::PutOff | Against::Content | Against::Gate
                if falls > TOGETHER && is_alone =>
            {
                self.failures = 0;
                (backoff(falls, chance).max(ASIDE), None)
            }
            Against::Either | Against::PutOff | Against::Content | Against::Gate => {
                self.failures = self.failures.saturating_add(1);
                let rest = backoff(self.failures, chance);
                let wait = if falls > TOGETHER { rest.saturating_add(ASIDE) } else { rest };
                (wait, Some(rest))
            }
        };
        // Objects of no series have no order to keep.
        if is_alone || series.is_empty() {
            self.pass(object, series);
            return Fate::Later { wait, rest };
        }
        self.behind.insert(series.clone(), Behind { object, until: now + wait + MISSED });
        Fate::Later { wait, rest }
    }

    /// A title was not let in: all that goes under it rests, so that a destination that knows one modality and not the other is not
    /// asked for each object. Its objects stay due, and so in their order.
    fn shut(&mut self, title: &str, now: Instant, chance: f64) -> Fate {
        if self.titles.len() >= TITLES && !self.titles.contains_key(title) {
            self.titles.clear();
        }
        let shut = self.titles.entry(title.to_owned()).or_insert(Shut { failures: 0, until: now });
        shut.failures = shut.failures.saturating_add(1);
        shut.until = now + backoff(shut.failures, chance);
        Fate::Later { wait: Duration::ZERO, rest: None }
    }
}

fn backoff(failures: u32, chance: f64) -> Duration {
    match next(Cause::Transient, failures, chance) {
        Next::After(wait) => wait,
        // Not reached: a transient cause is tried for ever.
        Next::Hold(_) => ASIDE,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::retry::PACS_REFUSED;

    const AWAY: Against = Against::Destination;

    /// A delivery of an object of a series of its own, or of that of another, under a title.
    fn due(object: u128, series: u128, calling: &str) -> Due {
        Due {
            object: ObjectId::from_u128(object),
            sop_class: Uid::default(),
            sop_instance: Uid::default(),
            series: Uid::new(&format!("1.{series}")),
            transfer_syntax: Uid::default(),
            calling: calling.to_owned(),
            urgent: false,
            attempts: 0,
        }
    }

    /// Plays failures of objects of one series each; `0` stands for an object that is taken. Tells wait and rest in seconds.
    #[track_caller]
    fn check(script: &[(u128, Against)], want: &[&str]) {
        let mut standing = Standing::default();
        let mut told = Vec::new();
        for &(object, against) in script {
            let due = due(object, object, "CT01");
            if object == 0 {
                standing.took(&due);
                continue;
            }
            told.push(match standing.failed(&due, against, Instant::now(), 0.5) {
                Fate::Later { wait, rest: None } => format!("{}", wait.as_secs()),
                Fate::Later { wait, rest: Some(rest) } => {
                    format!("{}/{}", wait.as_secs(), rest.as_secs())
                }
                Fate::Hold(code) => code.to_owned(),
            });
        }
        assert_eq!(told, want);
    }

    #[test]
    fn a_destination_that_is_away_is_tried_less_and_less_often_and_costs_no_object_anything() {
        check(&[(1, AWAY); 4], &["1/1", "2/2", "4/4", "8/8"]);
        check(&[(1, AWAY), (2, AWAY), (0, AWAY), (2, AWAY)], &["1/1", "2/2", "1/1"]);
        let night = [[(1, AWAY); 9].as_slice(), &[(1, Against::Content)]].concat();
        let mut standing = Standing::default();
        let due = due(1, 1, "CT01");
        let last =
            night.iter().map(|(_, against)| standing.failed(&due, *against, Instant::now(), 0.5));
        assert_eq!(
            last.last(),
            Some(Fate::Later { wait: Duration::from_secs(60), rest: None }),
            "a first refusal after a long night is a first refusal"
        );
    }

    #[test]
    fn what_is_refused_three_times_is_held_and_nobody_waits_for_it() {
        check(&[(1, Against::Content); 3], &["60", "600", PACS_REFUSED]);
        check(&[(1, Against::Gate); 3], &["60", "600", UNSENDABLE]);
    }

    #[test]
    fn an_object_at_which_the_destination_falls_over_steps_aside_and_is_held_once_others_were_taken()
     {
        let falls = (1, Against::Either);
        check(&[falls; 4], &["1/1", "2/2", "64/4", "68/8"]);
        let taken = (0, Against::Either);
        check(
            &[falls, falls, falls, taken, falls, taken, falls, taken, falls],
            &["1/1", "2/2", "64/4", "60", "600", PACS_REFUSED],
        );
    }

    #[test]
    fn what_is_put_off_steps_aside_and_is_never_held() {
        let (put_off, taken) = ((1, Against::PutOff), (0, Against::PutOff));
        check(
            &[put_off, put_off, put_off, taken, put_off, taken, put_off],
            &["1/1", "2/2", "64/4", "60", "60"],
        );
    }

    #[test]
    fn what_cannot_be_read_is_held_once_others_were_taken_and_not_before() {
        let (unread, taken) = ((1, Against::File), (0, Against::File));
        check(&[unread; 5], &["1", "2", "4", "8", "16"]);
        check(&[unread, taken, unread, unread], &["1", "2", SPOOL_UNREADABLE]);
        check(&[unread, unread, unread, taken, unread], &["1", "2", "4", SPOOL_UNREADABLE]);
    }

    #[test]
    fn a_series_does_not_wait_for_ever_where_file_or_ledger_fail() {
        for against in [Against::File, Against::Nobody] {
            let (mut standing, now) = (Standing::default(), Instant::now());
            let [first, second] = [1, 2].map(|object| due(object, 2, "CT01"));
            let waits: Vec<bool> = (0..4)
                .map(|_| {
                    standing.failed(&first, against, now, 0.5);
                    standing.waits_for(&second).is_some()
                })
                .collect();
            assert_eq!(waits, [true, true, false, false], "{against:?}");
        }
    }

    #[test]
    fn objects_of_no_series_do_not_wait_for_one_another() {
        let mut standing = Standing::default();
        let [first, second] =
            [1, 2].map(|object| Due { series: Uid::default(), ..due(object, 2, "CT01") });
        standing.failed(&first, Against::PutOff, Instant::now(), 0.5);
        assert_eq!(standing.waits_for(&second), None);
        assert!(!standing.is_some_series_waiting(Instant::now()));
    }

    #[test]
    fn what_alone_is_put_off_keeps_its_series_no_longer() {
        let (mut standing, now) = (Standing::default(), Instant::now());
        let [first, second, other] =
            [(1, 2), (2, 2), (3, 3)].map(|(object, series)| due(object, series, "CT01"));
        let mut put_off = |is_other_taken: bool| {
            if is_other_taken {
                standing.took(&other);
            }
            standing.failed(&first, Against::PutOff, now, 0.5);
            standing.waits_for(&second).is_some()
        };
        assert_eq!(
            [false, false, false, true, false].map(&mut put_off),
            [true, true, true, false, false],
            "until others were taken, and not again after"
        );
        standing.took(&second);
        assert_eq!(standing.failing(now + FORGOTTEN / 2), Some(now));
        assert_eq!(standing.failing(now + FORGOTTEN), None, "it is not tried any more");
        standing.took(&first);
        assert_eq!(standing.failing(now), None);
    }

    #[test]
    fn what_is_refused_is_held_and_does_not_count_as_failing() {
        let (mut standing, now) = (Standing::default(), Instant::now());
        standing.failed(&due(1, 2, "CT01"), Against::PutOff, now, 0.5);
        assert_eq!(standing.failing(now), Some(now));
        standing.failed(&due(1, 2, "CT01"), Against::Content, now, 0.5);
        assert_eq!(standing.failing(now), None);
    }

    #[test]
    fn a_title_that_is_not_let_in_is_tried_once_a_step_and_keeps_no_other_waiting() {
        let mut standing = Standing::default();
        let mut now = Instant::now();
        let mut waits = Vec::new();
        for object in 1..=10 {
            let fate = standing.failed(&due(object, object, "CT01"), Against::Title, now, 0.5);
            assert_eq!(fate, Fate::Later { wait: Duration::ZERO, rest: None });
            assert!(standing.rests("CT01", now) && !standing.rests("MR01", now));
            assert_eq!(standing.resting_titles(now), ["CT01"]);
            let wait = standing.until_title(now).expect("it rests");
            waits.push(wait.as_secs());
            now += wait;
            assert!(!standing.rests("CT01", now));
        }
        assert_eq!(waits, [1, 2, 4, 8, 16, 32, 64, 128, 256, 300]);
        standing.took(&due(11, 11, "CT01"));
        standing.failed(&due(12, 12, "CT01"), Against::Title, now, 0.5);
        assert_eq!(standing.until_title(now), Some(Duration::from_secs(1)));
    }

    #[test]
    fn a_series_waits_for_its_earliest_until_that_has_gone_or_is_not_seen_any_more() {
        let mut standing = Standing::default();
        let now = Instant::now();
        let [first, second] = [1, 2].map(|object| due(object, 2, "CT01"));
        standing.failed(&first, Against::PutOff, now, 0.5);
        assert!(standing.waits_for(&first).is_none() && standing.waits_for(&second).is_some());
        assert!(standing.waits_for(&due(2, 3, "CT01")).is_none());
        assert!(standing.is_some_series_waiting(now));
        standing.took(&first);
        assert!(standing.waits_for(&second).is_none());
        standing.failed(&first, Against::PutOff, now, 0.5);
        standing.failed(&first, Against::Content, now, 0.5);
        assert!(standing.waits_for(&second).is_none(), "refused");
        standing.failed(&first, Against::PutOff, now, 0.5);
        assert!(!standing.is_some_series_waiting(now + Duration::from_secs(1_000)));
        assert!(standing.waits_for(&second).is_none(), "missed");
    }
}
