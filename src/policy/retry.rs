//! When an object that was not stored is tried again, and when a person is told.
//!
//! A transient cause is tried for ever, at most five minutes apart: the object is safe and the destination will come
//! back. So is a wrong configuration, with an alarm at once. A cause in the object is tried three times within
//! a quarter of an hour and the object then held. Pure functions: ages and chance are arguments.

use std::time::Duration;

use super::outcome::Cause;

/// The wait after the first failure.
const FIRST: Duration = Duration::from_secs(1);
/// The longest wait: a destination that is back is found within five minutes.
const LONGEST: Duration = Duration::from_secs(300);
/// The waits after the first and the second refusal of an object, 11 minutes in all and under 14 with jitter, so that
/// three attempts fall within a quarter of an hour.
const AFTER_REFUSAL: [Duration; 2] = [Duration::from_secs(60), Duration::from_secs(600)];
/// How far jitter moves a wait either way, so that lanes that failed together do not come back together.
const JITTER: f64 = 0.2;

/// What comes after a failed attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next {
    /// Another attempt, after this long.
    After(Duration),
    /// None: the object is held for a person, for this reason.
    Hold(&'static str),
}

/// The reason for which an object is held that a destination will not have.
pub const PACS_REFUSED: &str = "pacs_refused";

/// What comes after the `attempts`-th failure in a row for this cause (1 is the first). `chance` is a number in [0, 1)
/// that moves the wait by up to a fifth either way.
#[must_use]
pub fn next(cause: Cause, attempts: u32, chance: f64) -> Next {
    let before = attempts.saturating_sub(1);
    match cause {
        Cause::Transient | Cause::Configuration => Next::After(jittered(backoff(before), chance)),
        Cause::Content => match AFTER_REFUSAL.get(before as usize) {
            Some(wait) => Next::After(jittered(*wait, chance)),
            None => Next::Hold(PACS_REFUSED),
        },
    }
}

/// One second, doubled with each failure, at most five minutes.
fn backoff(doublings: u32) -> Duration {
    let factor = 1_u32.checked_shl(doublings).filter(|factor| *factor != 0).unwrap_or(u32::MAX);
    FIRST.saturating_mul(factor).min(LONGEST)
}

fn jittered(wait: Duration, chance: f64) -> Duration {
    // Outside [0, 1) chance would make a wait negative or endless.
    let chance = if (0.0..1.0).contains(&chance) { chance } else { 0.5 };
    wait.mul_f64(1.0 - JITTER + 2.0 * JITTER * chance)
}

/// How urgently a person is told that a destination takes nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Alarm {
    /// After five minutes, or at once where the configuration is wrong.
    Raised,
    /// After an hour.
    Pressing,
    /// After a day.
    Critical,
}

/// The alarm that is due when a destination has failed without a break for this long, for this cause.
#[must_use]
pub fn alarm(cause: Cause, failing: Duration) -> Option<Alarm> {
    match cause {
        // The object is held and shows in the quarantine; the destination is well.
        Cause::Content => None,
        Cause::Transient | Cause::Configuration if failing >= Duration::from_hours(24) => {
            Some(Alarm::Critical)
        }
        Cause::Transient | Cause::Configuration if failing >= Duration::from_hours(1) => {
            Some(Alarm::Pressing)
        }
        Cause::Configuration => Some(Alarm::Raised),
        Cause::Transient => (failing >= Duration::from_mins(5)).then_some(Alarm::Raised),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The whole schedule of a cause without jitter, in seconds; `H` is held.
    fn schedule(cause: Cause, attempts: u32) -> String {
        let told = |attempt| match next(cause, attempt, 0.5) {
            Next::After(wait) => wait.as_secs().to_string(),
            Next::Hold(reason) => format!("H:{reason}"),
        };
        (1..=attempts).map(told).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn transient_causes_are_tried_for_ever_at_most_five_minutes_apart() {
        let whole = schedule(Cause::Transient, 12);
        assert_eq!(whole, "1 2 4 8 16 32 64 128 256 300 300 300");
        crate::base::figure::figure(
            "R7",
            "retry_schedule",
            format_args!("waits in seconds, each moved by up to a fifth: {whole} …"),
        );
        assert_eq!(next(Cause::Transient, u32::MAX, 0.5), Next::After(LONGEST));
        assert_eq!(next(Cause::Transient, 0, 0.5), Next::After(FIRST));
    }

    #[test]
    fn a_wrong_configuration_backs_off_likewise() {
        assert_eq!(schedule(Cause::Configuration, 10), "1 2 4 8 16 32 64 128 256 300");
    }

    #[test]
    fn a_refused_object_is_tried_three_times_within_a_quarter_of_an_hour_and_held() {
        assert_eq!(schedule(Cause::Content, 4), "60 600 H:pacs_refused H:pacs_refused");
        let latest: Duration = (1..=2)
            .map(|attempt| match next(Cause::Content, attempt, 0.999_999) {
                Next::After(wait) => wait,
                Next::Hold(_) => Duration::MAX,
            })
            .sum();
        assert!(latest < Duration::from_mins(15), "{latest:?}");
    }

    #[test]
    fn jitter_moves_a_wait_by_a_fifth_at_most() {
        let wait = |chance| next(Cause::Transient, 20, chance);
        assert_eq!(wait(0.0), Next::After(Duration::from_secs(240)));
        assert_eq!(wait(0.25), Next::After(Duration::from_secs(270)));
        for nonsense in [1.0, -1.0, f64::NAN, f64::INFINITY] {
            assert_eq!(wait(nonsense), Next::After(LONGEST));
        }
    }

    #[test]
    fn a_person_is_told_after_five_minutes_an_hour_and_a_day() {
        let told = |cause, seconds| alarm(cause, Duration::from_secs(seconds));
        assert_eq!(told(Cause::Transient, 299), None);
        assert_eq!(told(Cause::Transient, 300), Some(Alarm::Raised));
        assert_eq!(told(Cause::Transient, 3_600), Some(Alarm::Pressing));
        assert_eq!(told(Cause::Transient, 86_400), Some(Alarm::Critical));
        assert_eq!(told(Cause::Configuration, 0), Some(Alarm::Raised));
        assert_eq!(told(Cause::Configuration, 86_400), Some(Alarm::Critical));
        assert_eq!(told(Cause::Content, 86_400), None);
    }
}
