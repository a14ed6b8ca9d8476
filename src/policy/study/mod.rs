//! When a study is complete: nothing has come of it for a while, or it has been waited for long enough.
//!
//! A study is *open* while its instances come, *quiet* once none has come for the time that its modalities are given, and *settled*
//! once it has been taken out to be judged. What comes of a settled study is late: it is told what was found, and opens the study
//! again, so that what is reported is about the whole.
//!
//! A pure fold with the time as an argument. A clock that is set back stands still until the next step forward; one that is set
//! forward makes studies settle early, which costs nothing but a second report. Invariants: whatever is taken is settled exactly
//! once; which studies settle, and when, does not depend on the order in which their instances came; memory is bounded, and
//! over it the study that has been quiet longest settles early and is said to.

mod known;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use crate::base::time::Timestamp;
use crate::dicom::uid::Uid;
use crate::standard::study::{Key, Part, Study};

pub use known::Known;

/// How long studies are waited for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// Unless their modality says otherwise.
    pub usual: Patience,
    /// By Modality (0008,0060). A study of several has the longest of their times.
    pub by_modality: BTreeMap<String, Patience>,
    /// Bytes that open studies may take in all. Default: 128 MiB, 10,000 studies of 300 images.
    pub budget: usize,
}

/// How long a study is waited for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Patience {
    /// Nothing must have come for so long. Default 90 s: reconstructions of one examination follow each other within it.
    pub quiet: Duration,
    /// It is not waited for longer than this from its first instance on. Default 300 s.
    pub at_most: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self { quiet: Duration::from_secs(90), at_most: Duration::from_secs(300) }
    }
}

impl Default for Settings {
    fn default() -> Self {
        Self { usual: Patience::default(), by_modality: BTreeMap::new(), budget: 128 << 20 }
    }
}

/// A study that is taken out to be judged.
#[derive(Debug)]
pub struct Complete {
    /// What came of it.
    pub study: Study,
    /// Why now.
    pub cause: Cause,
}

/// Why a study is settled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Cause {
    /// Nothing has come for a while.
    Quiet,
    /// It has been waited for as long as it may be.
    AtMost,
    /// There is no room for so many open studies, and it has been quiet longest.
    NoRoom,
}

impl Cause {
    /// Its word in reports and logs.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Quiet => "quiet",
            Self::AtMost => "at_most",
            Self::NoRoom => "no_room",
        }
    }
}

/// Where a study stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// Its instances come.
    Open,
    /// None has come for a while; it is about to be settled.
    Quiet,
    /// It was judged.
    Settled,
}

/// Settled studies that are remembered, for what comes late. A busy hospital makes as many in a week.
const REMEMBERED: usize = 20_000;

/// The studies that are open, and what was found on those that were. `R` is what is found on one.
#[derive(Debug)]
pub struct Studies<R> {
    settings: Settings,
    clock: Clock,
    open: HashMap<Key, Open>,
    /// When each is due, and since when it is quiet.
    due: BTreeSet<(Duration, Key)>,
    idle: BTreeSet<(Duration, Key)>,
    bytes: usize,
    settled: HashMap<Key, Arc<R>>,
    order: VecDeque<Key>,
}

#[derive(Debug)]
struct Open {
    study: Study,
    /// On the fold's own clock.
    begun: Duration,
    last: Duration,
    patience: Patience,
}

impl Open {
    fn due(&self) -> (Duration, Cause) {
        let (quiet, at_most) =
            (self.last + self.patience.quiet, self.begun + self.patience.at_most);
        if at_most < quiet { (at_most, Cause::AtMost) } else { (quiet, Cause::Quiet) }
    }
}

/// Time that only goes forward, made of one that may jump.
#[derive(Debug, Default)]
struct Clock {
    last: Option<Timestamp>,
    elapsed: Duration,
}

impl Clock {
    fn tick(&mut self, now: Timestamp) -> Duration {
        if let Some(last) = self.last.replace(now) {
            // Backwards is no time at all.
            self.elapsed += Duration::try_from(now.duration_since(last)).unwrap_or_default();
        } else {
            // What is rebuilt at a start may have begun before it.
            self.elapsed = BEFORE;
        }
        self.elapsed
    }
}

/// The fold's clock begins here, so that there is a time before it. Longer than any study is waited for.
const BEFORE: Duration = Duration::from_secs(366 * 24 * 3600);

impl<R> Studies<R> {
    /// None as yet.
    #[must_use]
    pub fn new(settings: Settings) -> Self {
        Self {
            settings,
            clock: Clock::default(),
            open: HashMap::new(),
            due: BTreeSet::new(),
            idle: BTreeSet::new(),
            bytes: 0,
            settled: HashMap::new(),
            order: VecDeque::new(),
        }
    }

    /// Other times from now on; studies that are open keep theirs until their next instance.
    pub fn set(&mut self, settings: Settings) {
        self.settings = settings;
    }

    /// Takes one instance in that came at `received`: from then on it is not waited for longer than at most, and from now on the study
    /// is quiet, for nothing could come while nobody listened. Returns what was found on its study, if that has been settled: the instance
    /// is late then, and its study open again.
    pub fn take(&mut self, part: &Part, received: Timestamp, now: Timestamp) -> Option<Arc<R>> {
        let wants = self.patience(part.modality());
        self.put(part.study(), received, now, wants, |open| match open {
            Some(study) => {
                study.add(part);
                None
            }
            None => Some(Study::begun_by(part)),
        })
    }

    /// Opens a study of which nothing was seen by this process, but something came at `received`: to be looked at once it is due.
    pub fn expect(&mut self, uid: &Uid, key: Key, received: Timestamp, now: Timestamp) {
        let wants = self.settings.usual;
        self.put(key, received, now, wants, |open| match open {
            Some(_) => None,
            None => Some(Study::new(uid.clone(), key)),
        });
    }

    fn put(
        &mut self,
        key: Key,
        received: Timestamp,
        now: Timestamp,
        wants: Patience,
        add: impl FnOnce(Option<&mut Study>) -> Option<Study>,
    ) -> Option<Arc<R>> {
        let elapsed = self.clock.tick(now);
        // By a clock that was set since, it may have come in the future.
        let age = Duration::try_from(now.duration_since(received)).unwrap_or_default();
        let came = elapsed.saturating_sub(age);
        match self.open.get_mut(&key) {
            Some(open) => {
                self.due.remove(&(open.due().0, key));
                self.idle.remove(&(open.last, key));
                self.bytes -= open.study.bytes();
                add(Some(&mut open.study));
                open.begun = open.begun.min(came);
                open.last = elapsed;
                open.patience.quiet = open.patience.quiet.max(wants.quiet);
                open.patience.at_most = open.patience.at_most.max(wants.at_most);
                self.bytes += open.study.bytes();
                self.due.insert((open.due().0, key));
                self.idle.insert((open.last, key));
            }
            None => {
                let study = add(None)?;
                let open = Open { study, begun: came, last: elapsed, patience: wants };
                self.bytes += open.study.bytes();
                self.due.insert((open.due().0, key));
                self.idle.insert((open.last, key));
                self.open.insert(key, open);
            }
        }
        self.settled.get(&key).cloned()
    }

    fn patience(&self, modality: &str) -> Patience {
        self.settings.by_modality.get(modality).copied().unwrap_or(self.settings.usual)
    }

    /// Takes out the studies that are to be judged now.
    pub fn settle(&mut self, now: Timestamp) -> Vec<Complete> {
        let elapsed = self.clock.tick(now);
        let mut complete = Vec::new();
        while let Some((_, key)) = self.due.first().filter(|(due, _)| *due <= elapsed).copied() {
            complete.extend(self.close(key, None));
        }
        while self.bytes > self.settings.budget
            && let Some((_, key)) = self.idle.first().copied()
        {
            complete.extend(self.close(key, Some(Cause::NoRoom)));
        }
        complete
    }

    fn close(&mut self, key: Key, cause: Option<Cause>) -> Option<Complete> {
        let open = self.open.remove(&key)?;
        let (due, why) = open.due();
        self.due.remove(&(due, key));
        self.idle.remove(&(open.last, key));
        self.bytes -= open.study.bytes();
        Some(Complete { study: open.study, cause: cause.unwrap_or(why) })
    }

    /// How long from `now` on nothing is to be settled; `None` while nothing is open.
    #[must_use]
    pub fn rest(&mut self, now: Timestamp) -> Option<Duration> {
        let elapsed = self.clock.tick(now);
        if self.bytes > self.settings.budget {
            return Some(Duration::ZERO);
        }
        self.due.first().map(|(due, _)| due.saturating_sub(elapsed))
    }

    /// Keeps what was found on a study, for what comes late.
    pub fn remember(&mut self, key: Key, found: Arc<R>) {
        if self.settled.insert(key, found).is_none() {
            self.order.push_back(key);
        }
        while self.order.len() > REMEMBERED
            && let Some(oldest) = self.order.pop_front()
        {
            self.settled.remove(&oldest);
        }
    }

    /// Where a study stands; `None` when nothing is known of it.
    #[must_use]
    pub fn stage(&mut self, key: Key, now: Timestamp) -> Option<Stage> {
        let elapsed = self.clock.tick(now);
        match self.open.get(&key) {
            Some(open) if open.due().0 <= elapsed => Some(Stage::Quiet),
            Some(_) => Some(Stage::Open),
            None => self.settled.contains_key(&key).then_some(Stage::Settled),
        }
    }

    /// Whether something is known of a study, open or settled.
    #[must_use]
    pub fn knows(&self, key: Key) -> bool {
        self.open.contains_key(&key) || self.settled.contains_key(&key)
    }

    /// Studies that are open.
    #[must_use]
    pub fn open(&self) -> usize {
        self.open.len()
    }

    /// Bytes that open studies take, nearly.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.bytes
    }
}
