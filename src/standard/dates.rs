//! Dates and times as attributes write them.

use jiff::civil::{Date, DateTime, Time};
use jiff::tz::Offset;

use crate::base::time::{Timestamp, date_at, parse_da, parse_offset};

/// Reads a TM value: `HH`, `HHMM`, `HHMMSS` or `HHMMSS.F` with up to six digits, or the `HH:MM:SS` of the standard's first
/// edition (PS3.5 §6.2). A leap second is taken for the second before it.
pub(super) fn parse_tm(text: &str) -> Option<Time> {
    let text = text.trim_matches([' ', '\0']);
    let text = match text.as_bytes() {
        [_, _, b':', ..] => text.replace(':', ""),
        _ => text.to_owned(),
    };
    let (whole, fraction) = text.split_once('.').unwrap_or((&text, ""));
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    let complete = matches!(whole.len(), 2 | 4 | 6) && (fraction.is_empty() || whole.len() == 6);
    if !complete || fraction.len() > 6 || !digits(whole) || !digits(fraction) {
        return None;
    }
    let part = |at: usize| whole.get(at..at + 2).map_or(Some(0), |part| part.parse::<i8>().ok());
    Time::new(part(0)?, part(2)?, part(4)?.min(if part(4)? == 60 { 59 } else { 60 }), 0).ok()
}

/// The instant of a date and, where there is one, a time. A date alone stands for its first moment.
pub(super) fn instant(date: &str, time: Option<&str>, offset: Offset) -> Option<Timestamp> {
    let date = parse_da(date).filter(|_| date.trim().len() <= 10)?;
    let time = time.and_then(parse_tm).unwrap_or(Time::midnight());
    offset.to_timestamp(DateTime::from_parts(date, time)).ok()
}

/// Reads a DT value that has at least a whole date. One without an offset from UTC is meant in the site's.
pub(super) fn parse_dt(text: &str, offset: Offset) -> Option<Timestamp> {
    let text = text.trim_matches([' ', '\0']);
    let (local, offset) = match text.rfind(['+', '-']) {
        Some(at) => {
            let (local, own) = text.split_at_checked(at)?;
            (local, parse_offset(own)?)
        }
        None => (text, offset),
    };
    let (date, time) = local.split_at_checked(8)?;
    instant(date, (!time.is_empty()).then_some(time), offset)
}

/// The site's calendar date of a DT value.
pub(super) fn date_of_dt(text: &str, offset: Offset) -> Option<Date> {
    parse_dt(text, offset).map(|instant| date_at(instant, offset))
}

/// A date as DA writes it.
pub(super) fn format_da(date: Date) -> String {
    format!("{:04}{:02}{:02}", date.year(), date.month(), date.day())
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::civil::time;

    #[track_caller]
    fn check_tm(raw: &str, want: Option<Time>) {
        assert_eq!(parse_tm(raw), want, "{raw:?}");
    }

    #[test]
    fn times_are_read_in_every_spelling() {
        check_tm("14", Some(time(14, 0, 0, 0)));
        check_tm("1430", Some(time(14, 30, 0, 0)));
        check_tm("143015", Some(time(14, 30, 15, 0)));
        check_tm("143015.123456 ", Some(time(14, 30, 15, 0)));
        check_tm("14:30:15", Some(time(14, 30, 15, 0)));
        check_tm("235960", Some(time(23, 59, 59, 0)));
    }

    #[test]
    fn what_is_no_time_is_refused() {
        for raw in
            ["", "1", "143", "2400", "1460", "143061", "14.5", "1430.5", "上午", "143015.1234567"]
        {
            check_tm(raw, None);
        }
    }

    #[test]
    fn a_date_time_with_an_offset_is_turned_to_the_site_s_date() {
        let site = parse_offset("+08:00").expect("an offset");
        let date = |raw: &str| date_of_dt(raw, site).map(format_da);
        assert_eq!(date("20260331200000+0000").as_deref(), Some("20260401"));
        assert_eq!(date("20260331200000").as_deref(), Some("20260331"));
        assert_eq!(date("20260331").as_deref(), Some("20260331"));
        assert_eq!(date("202603311200-0500").as_deref(), Some("20260401"));
        for raw in ["", "2026", "202603", "20260230", "20260331200000+99", "garbage!"] {
            assert_eq!(date(raw), None, "{raw:?}");
        }
    }
}
