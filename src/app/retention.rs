//! Removes what custody has ended for, once it is old enough, and nothing else.
//!
//! Ages are told by the wall clock, which may be wrong: a gate that wakes up in 2046 would find everything old and remove it
//! at once. So the clock is watched, and while it cannot be believed nothing is removed. See [`Watch`].

use std::io;
use std::time::{Duration, Instant};

use tokio_util::sync::CancellationToken;

use crate::base::time::{Timestamp, now};
use crate::commitment::Counts;
use crate::config::{Configuration, Destination};
use crate::ledger::{ClockNote, Ledger, LedgerFault};
use crate::spool::Spool;

/// How often objects are removed.
const SWEEP: Duration = Duration::from_secs(60);

/// Sweeps between two clean-ups of the journal.
const SWEEPS_A_RECLAIM: u32 = 60;

/// Objects removed at a time.
const AT_A_TIME: usize = 1_000;

/// How long a removed object is remembered: longer than the half year for which logs are to be kept.
const REMEMBERED: Duration = Duration::from_secs(200 * 24 * 3_600);

/// How long originals are kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Times {
    /// After custody has ended.
    retention: Duration,
    /// Those that destinations have committed themselves to; `None` where none is asked.
    kept: Option<Kept>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Kept {
    after: Duration,
    /// Destinations whose having an object does not count.
    saying_nothing: Vec<String>,
}

/// What is longer than the longest that anybody here waits for the other images of a study.
const LONGER: Duration = Duration::from_secs(60);

impl Times {
    /// As configured.
    pub(super) fn of(configuration: &Configuration) -> Self {
        let studies = &configuration.studies.times;
        let patience = studies.by_modality.values().chain([&studies.usual]);
        let longest = patience.map(|patience| patience.at_most.max(patience.quiet)).max();
        let states = configuration.mark.presentation_state_after;
        let says_nothing = |destination: &&Destination| destination.commitment == Counts::Never;
        let kept = Kept {
            after: longest.unwrap_or_default().max(states) + LONGER,
            saying_nothing: configuration
                .destinations
                .iter()
                .filter(says_nothing)
                .map(|destination| destination.name.clone())
                .collect(),
        };
        let is_asked = configuration.destinations.iter().any(|destination| destination.verify);
        Self { retention: configuration.spool.retention, kept: is_asked.then_some(kept) }
    }
}

/// Sweeps until told to stop.
pub(super) async fn run(spool: Spool, ledger: Ledger, times: Times, stop: CancellationToken) {
    let retention = times.retention;
    let mut sweeps = 0_u32;
    let mut watch = match noted(&ledger).await {
        Ok(noted) => Watch::new(noted, retention),
        Err(fault) => {
            tracing::error!(%fault, "when the gate last ran is not known");
            Watch::new(None, retention)
        }
    };
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(SWEEP) => {}
        }
        let note = watch.look(now(), Instant::now());
        if let Err(fault) = ledger.note_clock(note).await {
            tracing::error!(%fault, "what the clock says could not be noted; nothing is removed");
            continue;
        }
        if note.rests.is_some() {
            continue;
        }
        if let Err(fault) = sweep(&spool, &ledger, &times).await {
            tracing::error!(%fault, "old objects could not be removed; it is tried again");
        }
        sweeps = sweeps.wrapping_add(1);
        if sweeps.is_multiple_of(SWEEPS_A_RECLAIM)
            && let Err(fault) = reclaim(&spool, &ledger).await
        {
            tracing::error!(%fault, "the journal could not be cleaned up; it is tried again");
        }
    }
}

/// The wall clock may differ so much from the monotonic one between two looks, and no more.
const JUMP: Duration = Duration::from_secs(300);

/// A gate that is started again within this time goes on as if it had not been away; a longer absence, or one that ended before
/// it began, may as well be a clock that was set.
const ABSENCE: Duration = Duration::from_secs(12 * 3_600);

/// Watches the wall clock against the monotonic one.
///
/// After a jump of the wall clock, after an absence of which only the wall clock tells how long it was, and with an index that
/// does not know when the gate last ran, nothing is removed until the clock has gone on for the time of retention without
/// another jump. By then whatever was settled before is old enough by any clock. What was settled under a clock that ran ahead
/// counts from when that is found out ([`Ledger::note_clock`]). All this is remembered over restarts.
///
/// The price is disk space, for at most one more time of retention.
struct Watch {
    retention: Duration,
    /// What the wall clock said at the last look; before the first one, what the ledger remembers.
    last: Option<Timestamp>,
    /// The monotonic clock at the last look.
    looked: Option<Instant>,
    /// Nothing is removed before the wall clock says this.
    rests: Option<Timestamp>,
}

impl Watch {
    fn new(noted: Option<ClockNote>, retention: Duration) -> Self {
        let (last, rests) = (noted.map(|note| note.at), noted.and_then(|note| note.rests));
        Self { retention, last, looked: None, rests }
    }

    /// Looks at both clocks. Ages by the wall clock may be believed when it does not rest.
    fn look(&mut self, wall: Timestamp, monotonic: Instant) -> ClockNote {
        let (last, looked) = (self.last.replace(wall), self.looked.replace(monotonic));
        let passed = looked.map(|looked| monotonic.saturating_duration_since(looked));
        let jumped = match (last, passed) {
            (None, _) => true,
            (Some(noted), None) => {
                let away = wall.duration_since(noted);
                away > signed(ABSENCE) || away < -signed(JUMP)
            }
            (Some(last), Some(passed)) => {
                (wall.duration_since(last) - signed(passed)).abs() > signed(JUMP)
            }
        };
        if jumped {
            self.rests = Some(wall.checked_add(self.retention).unwrap_or(Timestamp::MAX));
            if !self.retention.is_zero() {
                tracing::warn!(
                    hours = self.retention.as_secs() / 3_600,
                    "the wall clock has jumped, or the gate was away or is new: no original is removed for the time of retention"
                );
            }
        }
        self.rests = self.rests.filter(|until| wall < *until);
        ClockNote { at: wall, rests: self.rests }
    }
}

fn signed(duration: Duration) -> jiff::SignedDuration {
    jiff::SignedDuration::try_from(duration).unwrap_or(jiff::SignedDuration::MAX)
}

async fn noted(ledger: &Ledger) -> Result<Option<ClockNote>, SweepFault> {
    let ledger = ledger.clone();
    let noted = tokio::task::spawn_blocking(move || ledger.clock()).await;
    Ok(noted.map_err(|_| SweepFault::CutOff)??)
}

/// Why a sweep did not come to its end.
#[derive(Debug, thiserror::Error)]
enum SweepFault {
    #[error(transparent)]
    Ledger(#[from] LedgerFault),
    #[error("the disk failed: {0}")]
    Disk(#[from] io::Error),
    #[error("the sweep was cut off")]
    CutOff,
}

fn before(at: Timestamp, age: Duration) -> Timestamp {
    at.checked_sub(age).unwrap_or(Timestamp::MIN)
}

async fn sweep(spool: &Spool, ledger: &Ledger, times: &Times) -> Result<(), SweepFault> {
    let at = now();
    loop {
        let (spool, of, times) = (spool.clone(), ledger.clone(), times.clone());
        let removed = tokio::task::spawn_blocking(move || {
            let mut objects = of.removable(before(at, times.retention), AT_A_TIME)?;
            if let Some(kept) = &times.kept
                && objects.is_empty()
            {
                let before = before(at, kept.after);
                objects = of.kept_elsewhere(before, &kept.saying_nothing, AT_A_TIME)?;
            }
            spool.remove(&objects)?;
            Ok::<_, SweepFault>(objects)
        });
        let removed = removed.await.map_err(|_| SweepFault::CutOff)??;
        if removed.is_empty() {
            break;
        }
        tracing::info!(objects = removed.len(), "removed after retention");
        let all = removed.len() < AT_A_TIME;
        ledger.removed(removed).await?;
        if all {
            break;
        }
    }
    ledger.forget(before(at, REMEMBERED)).await?;
    Ok(())
}

async fn reclaim(spool: &Spool, ledger: &Ledger) -> Result<(), SweepFault> {
    ledger.checkpoint().await?;
    let (journal, ledger) = (spool.journal().clone(), ledger.clone());
    let reclaimed = tokio::task::spawn_blocking(move || {
        journal.reclaim(|record| ledger.keeps(record).map_err(io::Error::other))
    });
    let reclaimed = reclaimed.await.map_err(|_| SweepFault::CutOff)??;
    if reclaimed.segments > 0 {
        tracing::info!(
            segments = reclaimed.segments,
            bytes = reclaimed.bytes,
            "journal cleaned up"
        );
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::base::figure::figure;

    const RETENTION: Duration = Duration::from_secs(72 * 3_600);
    const MINUTE: Duration = Duration::from_secs(60);

    fn at(text: &str) -> Timestamp {
        text.parse().expect("an instant")
    }

    /// The two clocks, which the test moves.
    struct Clocks {
        wall: Timestamp,
        monotonic: Instant,
    }

    impl Clocks {
        fn new() -> Self {
            Self { wall: at("2026-11-26T12:00:00Z"), monotonic: Instant::now() }
        }

        fn pass(&mut self, time: Duration) {
            self.wall += time;
            self.monotonic += time;
        }

        fn ask(&self, watch: &mut Watch) -> bool {
            watch.look(self.wall, self.monotonic).rests.is_none()
        }
    }

    fn noted(at: Timestamp) -> Option<ClockNote> {
        Some(ClockNote { at, rests: None })
    }

    /// A watch that has come to believe the clock.
    fn settled(clocks: &Clocks) -> Watch {
        let mut watch = Watch::new(noted(clocks.wall), RETENTION);
        assert!(clocks.ask(&mut watch));
        watch
    }

    #[test]
    fn a_clock_that_goes_as_it_should_is_believed_whatever_it_is_corrected_by() {
        let mut clocks = Clocks::new();
        let mut watch = settled(&clocks);
        for _ in 0..10_000 {
            clocks.pass(MINUTE);
            clocks.wall += Duration::from_millis(30);
            assert!(clocks.ask(&mut watch));
        }
    }

    #[test]
    fn after_a_jump_nothing_is_removed_before_all_is_old_enough_by_any_clock() {
        let hour = jiff::SignedDuration::from_hours(1);
        let jumps = [
            ("+1 h", at("2026-11-26T12:00:00Z") + hour),
            ("-1 h", at("2026-11-26T12:00:00Z") - hour),
            ("+1 d", at("2026-11-27T12:00:00Z")),
            ("-1 d", at("2026-11-25T12:00:00Z")),
            ("1970", Timestamp::UNIX_EPOCH),
            ("2046", at("2046-01-01T00:00:00Z")),
            ("+6 min", at("2026-11-26T12:06:00Z")),
            ("the end of time", Timestamp::MAX - 100 * 24 * hour),
        ];
        for (name, to) in jumps {
            let mut clocks = Clocks::new();
            let mut watch = settled(&clocks);
            clocks.wall = to;
            assert!(!clocks.ask(&mut watch), "{name}");
            clocks.pass(RETENTION - MINUTE);
            assert!(!clocks.ask(&mut watch), "{name}");
            clocks.pass(MINUTE);
            assert!(clocks.ask(&mut watch), "{name}: not for ever");
        }
        figure(
            "R15",
            "clock_jumps_retention",
            format_args!("{} jumps, 0 removed early", jumps.len()),
        );
    }

    #[test]
    fn a_second_jump_begins_the_wait_anew() {
        let mut clocks = Clocks::new();
        let mut watch = settled(&clocks);
        clocks.wall = at("2046-01-01T00:00:00Z");
        assert!(!clocks.ask(&mut watch));
        clocks.pass(RETENTION - MINUTE);
        clocks.wall = at("2026-11-29T12:00:00Z");
        assert!(!clocks.ask(&mut watch));
        clocks.pass(2 * MINUTE);
        assert!(!clocks.ask(&mut watch));
    }

    #[test]
    fn a_short_absence_is_believed_and_a_long_or_a_negative_one_is_not() {
        let check = |last: Option<&str>, want| {
            let clocks = Clocks::new();
            let mut watch = Watch::new(last.map(at).and_then(noted), RETENTION);
            assert_eq!(clocks.ask(&mut watch), want, "{last:?}");
        };
        check(Some("2026-11-26T11:58:00Z"), true);
        check(Some("2026-11-26T01:00:00Z"), true);
        check(Some("2026-11-25T23:59:00Z"), false);
        check(Some("2046-01-01T00:00:00Z"), false);
        check(None, false);
    }

    #[test]
    fn what_is_waited_for_goes_on_over_restarts() {
        let mut clocks = Clocks::new();
        let mut watch = settled(&clocks);
        clocks.wall = at("2046-01-01T00:00:00Z");
        let mut note = watch.look(clocks.wall, clocks.monotonic);
        let restarts = 9;
        for _ in 0..restarts {
            assert!(note.rests.is_some());
            let mut watch = Watch::new(Some(note), RETENTION);
            clocks.pass(RETENTION / restarts);
            note = watch.look(clocks.wall, clocks.monotonic);
        }
        assert_eq!(note.rests, None);
    }

    #[test]
    fn without_retention_there_is_nothing_to_wait_for() {
        let clocks = Clocks::new();
        assert!(clocks.ask(&mut Watch::new(None, Duration::ZERO)));
    }

    fn times(verify: &str) -> Times {
        let text = format!(
            "[studies]\nat_most = \"10m\"\n[studies.modality.MR]\nat_most = \"30m\"\n\
             [[destination]]\nname = \"pacs\"\naet = \"PACS\"\nhost = \"10.0.0.5\"\nport = 104\n{verify}\n\
             [[destination]]\nname = \"research\"\nfolder = \"/srv/research\"\ncommitment = \"never\"\n"
        );
        let (file, folder) = (Path::new("test.toml"), Path::new("/"));
        let loaded = crate::config::parse(&text, file, folder);
        Times::of(&loaded.unwrap_or_else(|mistakes| panic!("{mistakes}")).configuration)
    }

    #[test]
    fn what_destinations_keep_stays_for_longer_than_studies_are_waited_for() {
        let kept = Kept { after: 31 * MINUTE, saying_nothing: vec!["research".to_owned()] };
        let want = Times { retention: RETENTION, kept: Some(kept) };
        assert_eq!(times("verify = \"commitment\""), want);
        assert_eq!(times(""), Times { kept: None, ..want });
    }
}
