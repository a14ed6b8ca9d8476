//! The bypass: for a limited time objects pass without being judged. Kept in a small file, so that a restart does not end it, and
//! here, since what it needs is what the spool knows: to write a file that is there or not.
//!
//! Its end is measured by the monotonic clock. Over a restart the wall clock may only make it shorter: what is left is written down
//! as it goes by.

use std::fs;
use std::io;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};
use tokio::sync::watch;

use super::disk::Disk;
use super::places::Places;
use crate::base::time::Timestamp;

/// The longest time for which it can be switched on.
pub const LONGEST: Duration = Duration::from_secs(24 * 3_600);

/// Who has switched it on, why, and until when.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BypassOrder {
    /// Who.
    pub by: String,
    /// Why.
    pub reason: String,
    /// When, by the wall clock.
    pub since: Timestamp,
    /// When it ends, by the wall clock.
    pub until: Timestamp,
}

#[derive(Serialize, Deserialize)]
struct Written {
    by: String,
    reason: String,
    since: String,
    until: String,
    left_ms: u64,
}

struct On {
    order: BypassOrder,
    ends: Instant,
}

/// The bypass of one spool.
pub struct Bypass {
    path: PathBuf,
    part: PathBuf,
    root: PathBuf,
    disk: Arc<dyn Disk>,
    /// Every object asks for it: never held over anything that the disk does.
    on: Mutex<Option<On>>,
    /// Held by whoever changes the file.
    writing: Mutex<()>,
    /// One that ended while no gate was running.
    ended: Mutex<Option<BypassOrder>>,
    changed: watch::Sender<u64>,
}

impl Bypass {
    /// As the last run left it. What cannot be read is off: objects are judged unless somebody said otherwise.
    pub(super) fn read(places: &Places, disk: Arc<dyn Disk>, now: Timestamp) -> Self {
        let path = places.root().join("bypass.json");
        let mut bypass = Self {
            part: places.drafts().join("bypass.part"),
            root: places.root().to_owned(),
            path,
            disk,
            on: Mutex::default(),
            writing: Mutex::default(),
            ended: Mutex::default(),
            changed: watch::Sender::new(0),
        };
        let text = match fs::read(&bypass.path) {
            Ok(text) => text,
            Err(fault) if fault.kind() == io::ErrorKind::NotFound => return bypass,
            Err(fault) => {
                tracing::error!(%fault, "whether the bypass is on cannot be read: it is off");
                return bypass;
            }
        };
        let Some((order, left)) = parse(&text) else {
            tracing::error!("whether the bypass is on cannot be understood: it is off");
            return bypass;
        };
        // A clock that was set back makes it no longer, one that was set forward ends it.
        let by_clock = Duration::try_from(order.until.duration_since(now)).unwrap_or_default();
        let left = left.min(by_clock);
        if left.is_zero() {
            bypass.ended = Mutex::new(Some(order));
        } else {
            bypass.on = Mutex::new(Some(On { order, ends: Instant::now() + left }));
        }
        bypass
    }

    fn on(&self) -> MutexGuard<'_, Option<On>> {
        self.on.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn writing(&self) -> MutexGuard<'_, ()> {
        self.writing.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn tell(&self) {
        self.changed.send_modify(|changes| *changes = changes.wrapping_add(1));
    }

    /// Whether objects pass without being judged.
    #[must_use]
    pub fn is_on(&self) -> bool {
        self.left().is_some()
    }

    /// How long it is still on; `None` when it is off.
    #[must_use]
    pub fn left(&self) -> Option<Duration> {
        let on = self.on();
        let left = on.as_ref()?.ends.saturating_duration_since(Instant::now());
        (!left.is_zero()).then_some(left)
    }

    /// The order by which it is on.
    #[must_use]
    pub fn order(&self) -> Option<BypassOrder> {
        self.left()?;
        self.on().as_ref().map(|on| on.order.clone())
    }

    /// The order that ran out while no gate was running, once.
    #[must_use]
    pub fn take_ended(&self) -> Option<BypassOrder> {
        self.ended.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    /// Changes whenever it is switched on or off.
    #[must_use]
    pub fn changes(&self) -> watch::Receiver<u64> {
        self.changed.subscribe()
    }

    /// Switches it on, at most for [`LONGEST`]; one that is on already gets the new end. Blocks.
    ///
    /// # Errors
    /// When it could not be made durable; it stays as it was then.
    pub fn turn_on(
        &self,
        by: String,
        reason: String,
        time: Duration,
        now: Timestamp,
    ) -> io::Result<BypassOrder> {
        let time = time.min(LONGEST);
        let until = now.checked_add(time).unwrap_or(Timestamp::MAX);
        let order = BypassOrder { by, reason, since: now, until };
        let writing = self.writing();
        self.write(&order, time)?;
        *self.on() = Some(On { order: order.clone(), ends: Instant::now() + time });
        drop(writing);
        self.tell();
        Ok(order)
    }

    /// Switches it off; gives the order that was in force. Blocks.
    ///
    /// # Errors
    /// When it is off, and a restart might find it on again.
    pub fn turn_off(&self) -> io::Result<Option<BypassOrder>> {
        // At once, whatever the disk is doing.
        let was = self.on().take();
        self.tell();
        let writing = self.writing();
        // One that was switched on while this one waited loses its file here, and so is over too.
        let meanwhile = self.on().take();
        let removed = self.remove();
        drop(writing);
        self.tell();
        removed?;
        let was = meanwhile.or(was).filter(|on| on.ends > Instant::now());
        Ok(was.map(|on| on.order))
    }

    /// Writes down what is left of it, or ends it when nothing is; gives the order that has ended. Blocks.
    ///
    /// # Errors
    /// When the disk fails; it ends all the same.
    pub fn keep(&self) -> io::Result<Option<BypassOrder>> {
        let _writing = self.writing();
        let now = Instant::now();
        let (order, left) = match &*self.on() {
            None => return Ok(None),
            Some(On { order, ends }) => (order.clone(), ends.saturating_duration_since(now)),
        };
        if !left.is_zero() {
            return self.write(&order, left).map(|()| None);
        }
        let over = self.on().take().map(|on| on.order);
        self.remove()?;
        Ok(over)
    }

    fn write(&self, order: &BypassOrder, left: Duration) -> io::Result<()> {
        let written = Written {
            by: order.by.clone(),
            reason: order.reason.clone(),
            since: order.since.to_string(),
            until: order.until.to_string(),
            left_ms: u64::try_from(left.as_millis()).unwrap_or(u64::MAX),
        };
        let text = serde_json::to_vec(&written)?;
        self.gone(&self.part)?;
        let file = self.disk.create(&self.part)?;
        self.disk.write(&file, &text)?;
        self.disk.sync_file(&file)?;
        self.disk.rename(&self.part, &self.path)?;
        self.disk.sync_directory(&self.root)
    }

    fn remove(&self) -> io::Result<()> {
        self.gone(&self.path)?;
        self.disk.sync_directory(&self.root)
    }

    fn gone(&self, path: &std::path::Path) -> io::Result<()> {
        match self.disk.remove(path) {
            Err(fault) if fault.kind() != io::ErrorKind::NotFound => Err(fault),
            Ok(()) | Err(_) => Ok(()),
        }
    }
}

fn parse(text: &[u8]) -> Option<(BypassOrder, Duration)> {
    let Written { by, reason, since, until, left_ms } = serde_json::from_slice(text).ok()?;
    let order = BypassOrder { by, reason, since: since.parse().ok()?, until: until.parse().ok()? };
    Some((order, Duration::from_millis(left_ms).min(LONGEST)))
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

    use super::super::disk::RealDisk;
    use super::*;
    use crate::base::time::now;

    const HOUR: Duration = Duration::from_secs(3_600);

    fn places() -> (tempfile::TempDir, Places) {
        let root = tempfile::tempdir().expect("a folder");
        let places = Places::new(root.path().to_owned());
        fs::create_dir(places.drafts()).expect("a folder");
        (root, places)
    }

    fn read(places: &Places, now: Timestamp) -> Bypass {
        Bypass::read(places, Arc::new(RealDisk), now)
    }

    #[test]
    fn it_outlives_a_restart_and_not_its_time() {
        let (_root, places) = places();
        let start = now();
        let bypass = read(&places, start);
        assert!(!bypass.is_on());
        let order = bypass.turn_on("lin".into(), "repair".into(), HOUR, start).expect("written");
        assert!(bypass.is_on());
        let again = read(&places, start + Duration::from_secs(1_800));
        assert_eq!(again.order(), Some(order.clone()));
        assert!(again.left().is_some_and(|left| left <= HOUR / 2), "{:?}", again.left());
        let later = read(&places, start + HOUR);
        assert!(!later.is_on());
        assert_eq!(later.take_ended(), Some(order));
        assert_eq!(later.take_ended(), None);
    }

    #[test]
    fn a_clock_that_is_wrong_never_makes_it_longer() {
        let (_root, places) = places();
        let start = now();
        let bypass = read(&places, start);
        bypass.turn_on("lin".into(), "repair".into(), HOUR, start).expect("written");
        for clock in ["1970-01-01T00:00:00Z", "2001-01-01T00:00:00Z"] {
            let set_back = read(&places, clock.parse().expect("an instant"));
            assert!(set_back.left().is_some_and(|left| left <= HOUR), "{clock}");
        }
        assert!(!read(&places, "2146-01-01T00:00:00Z".parse().expect("an instant")).is_on());
    }

    #[test]
    fn it_is_never_on_for_longer_than_a_day_and_off_at_once() {
        let (_root, places) = places();
        let bypass = read(&places, now());
        bypass.turn_on("lin".into(), "repair".into(), HOUR * 1_000, now()).expect("written");
        assert!(bypass.left().is_some_and(|left| left <= LONGEST));
        assert!(bypass.turn_off().expect("removed").is_some());
        assert_eq!((bypass.is_on(), read(&places, now()).is_on()), (false, false));
        assert_eq!(bypass.turn_off().expect("nothing there"), None);
    }

    /// A disk whose syncs of files end when the test says so.
    struct Hanging {
        hangs: SyncSender<()>,
        wake: Mutex<Receiver<()>>,
    }

    impl Disk for Hanging {
        fn sync_file(&self, _: &fs::File) -> io::Result<()> {
            self.hangs.send(()).expect("the test is there");
            self.wake.lock().expect("not poisoned").recv().expect("the test is there");
            Ok(())
        }
    }

    #[test]
    fn a_disk_that_hangs_keeps_nobody_waiting_who_asks_or_switches_it_off() {
        const SOON: Duration = Duration::from_secs(20);
        let (_root, places) = places();
        read(&places, now()).turn_on("lin".into(), "repair".into(), HOUR, now()).expect("written");
        let (hangs, hung) = sync_channel(0);
        let (waker, wake) = sync_channel(0);
        let disk = Hanging { hangs, wake: Mutex::new(wake) };
        let bypass = &Bypass::read(&places, Arc::new(disk), now());
        std::thread::scope(|scope| {
            let keeping = scope.spawn(|| bypass.keep());
            hung.recv_timeout(SOON).expect("it is being written");
            let (tell, told) = sync_channel(1);
            scope.spawn(move || tell.send((bypass.is_on(), bypass.order().is_some())));
            let asked = told.recv_timeout(SOON);
            let changes = bypass.changes();
            let switching = scope.spawn(|| bypass.turn_off());
            let by = Instant::now() + SOON;
            while !changes.has_changed().expect("it is there") && Instant::now() < by {
                std::thread::yield_now();
            }
            let is_off = changes.has_changed().expect("it is there") && !bypass.is_on();
            waker.send(()).expect("it hangs");
            assert_eq!((asked, is_off), (Ok((true, true)), true));
            assert_eq!(keeping.join().expect("no panic").expect("written"), None);
            let was = switching.join().expect("no panic").expect("removed");
            assert_eq!(was.map(|order| order.by), Some("lin".to_owned()));
        });
        assert!(!read(&places, now()).is_on(), "the file is gone too");
    }

    #[test]
    fn what_cannot_be_understood_is_off() {
        let (root, places) = places();
        fs::write(root.path().join("bypass.json"), b"{\"on\":true}").expect("written");
        assert!(!read(&places, now()).is_on());
    }
}
