//! The wall clock, and the two ways DICOM writes dates.
//!
//! Instants are [`jiff::Timestamp`]s (UTC), calendar dates are [`jiff::civil::Date`]s. What a date means in a
//! hospital depends on its offset from UTC, which is always an argument.

use jiff::civil::Date;
use jiff::tz::Offset;

pub use jiff::Timestamp;

/// The present instant, from the system's clock.
///
/// The only place that reads it: everything else takes `now` as an argument.
#[allow(clippy::disallowed_methods)]
#[must_use]
pub fn now() -> Timestamp {
    Timestamp::now()
}

/// The calendar date at `instant` in the zone that is `offset` from UTC.
#[must_use]
pub fn date_at(instant: Timestamp, offset: Offset) -> Date {
    offset.to_datetime(instant).date()
}

/// A DT value with microseconds and offset, `YYYYMMDDHHMMSS.FFFFFF&ZZXX` (PS3.5 §6.2): always 26 bytes.
#[must_use]
pub fn dicom_datetime(instant: Timestamp, offset: Offset) -> String {
    let local = offset.to_datetime(instant);
    let minutes = offset.seconds() / 60;
    format!(
        "{:04}{:02}{:02}{:02}{:02}{:02}.{:06}{}{:02}{:02}",
        local.year(),
        local.month(),
        local.day(),
        local.hour(),
        local.minute(),
        local.second(),
        local.subsec_nanosecond() / 1000,
        if minutes < 0 { '-' } else { '+' },
        minutes.abs() / 60,
        minutes.abs() % 60,
    )
}

/// Reads a DA value: `YYYYMMDD`, or the `YYYY.MM.DD` of the standard's first edition (PS3.5 §6.2).
///
/// Of a longer text (a DT value) the first eight characters count. `None` when they are not a calendar date.
#[must_use]
pub fn parse_da(text: &str) -> Option<Date> {
    let text = text.trim_matches([' ', '\0']);
    let digits: String = match text.as_bytes() {
        [_, _, _, _, b'.', _, _, b'.', _, _] => text.replace('.', ""),
        _ => text.get(..8)?.to_owned(),
    };
    if !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let number = |range: std::ops::Range<usize>| digits.get(range)?.parse::<i16>().ok();
    let month = i8::try_from(number(4..6)?).ok()?;
    let day = i8::try_from(number(6..8)?).ok()?;
    Date::new(number(0..4)?, month, day).ok()
}

/// Reads an offset from UTC written `+08:00`, `-0330` or `Z`.
#[must_use]
pub fn parse_offset(text: &str) -> Option<Offset> {
    if text == "Z" {
        return Some(Offset::UTC);
    }
    let (sign, rest) = match text.split_at_checked(1)? {
        ("+", rest) => (1, rest),
        ("-", rest) => (-1, rest),
        _ => return None,
    };
    let digits = rest.replacen(':', "", 1);
    if digits.len() != 4 || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let hours: i32 = digits.get(..2)?.parse().ok()?;
    let minutes: i32 = digits.get(2..)?.parse().ok()?;
    if hours > 14 || minutes > 59 {
        return None;
    }
    Offset::from_seconds(sign * (hours * 3600 + minutes * 60)).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::civil::date;

    #[track_caller]
    fn check_da(raw: &str, want: Option<Date>) {
        assert_eq!(parse_da(raw), want, "{raw:?}");
    }

    #[test]
    fn dates_are_read_in_both_spellings() {
        check_da("20260401", Some(date(2026, 4, 1)));
        check_da("2026.04.01", Some(date(2026, 4, 1)));
        check_da("20260401 ", Some(date(2026, 4, 1)));
        check_da("20260401123000.5+0800", Some(date(2026, 4, 1)));
    }

    #[test]
    fn what_is_no_date_is_refused() {
        for raw in ["", "2026", "20260230", "20261301", "2026-4-1", "二〇二六年"] {
            check_da(raw, None);
        }
    }

    #[test]
    fn the_hospital_s_date_may_be_a_day_ahead_of_utc() {
        let instant: Timestamp = "2026-03-31T18:30:00Z".parse().expect("a timestamp");
        let offset = parse_offset("+08:00").expect("an offset");
        assert_eq!(date_at(instant, offset), date(2026, 4, 1));
        assert_eq!(dicom_datetime(instant, offset), "20260401023000.000000+0800");
    }

    #[test]
    fn offsets_are_read_in_three_spellings() {
        assert_eq!(parse_offset("+08:00").map(|o| o.seconds()), Some(28_800));
        assert_eq!(parse_offset("-0330").map(|o| o.seconds()), Some(-12_600));
        assert_eq!(parse_offset("Z").map(|o| o.seconds()), Some(0));
        for raw in ["", "8", "+8", "+25:00", "+08:60", "+aa:bb"] {
            assert_eq!(parse_offset(raw), None, "{raw:?}");
        }
    }
}
