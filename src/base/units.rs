//! Sizes, durations and shares as a person writes them in a configuration: `"2GiB"`, `"30s"`, `"60%"`.

use std::time::Duration;

/// Reads a size in bytes: a whole number followed by nothing, `B`, `KiB`, `MiB`, `GiB` or `TiB` (powers of 1024) or `kB`,
/// `MB`, `GB`, `TB` (powers of 1000).
#[must_use]
pub fn parse_size(text: &str) -> Option<u64> {
    let (number, unit) = split_number(text)?;
    let factor: u64 = match unit {
        "" | "B" => 1,
        "kB" => 1_000,
        "MB" => 1_000_000,
        "GB" => 1_000_000_000,
        "TB" => 1_000_000_000_000,
        "KiB" => 1 << 10,
        "MiB" => 1 << 20,
        "GiB" => 1 << 30,
        "TiB" => 1 << 40,
        _ => return None,
    };
    number.checked_mul(factor)
}

/// Writes a size so that [`parse_size`] reads the same number back.
#[must_use]
pub fn format_size(bytes: u64) -> String {
    for (unit, shift) in [("TiB", 40), ("GiB", 30), ("MiB", 20), ("KiB", 10)] {
        if bytes != 0 && bytes.trailing_zeros() >= shift {
            return format!("{}{unit}", bytes >> shift);
        }
    }
    format!("{bytes}B")
}

/// Reads a duration: a whole number followed by `ms`, `s`, `m`, `h` or `d`.
#[must_use]
pub fn parse_duration(text: &str) -> Option<Duration> {
    let (number, unit) = split_number(text)?;
    let seconds = match unit {
        "ms" => return Some(Duration::from_millis(number)),
        "s" => 1,
        "m" => 60,
        "h" => 3_600,
        "d" => 86_400,
        _ => return None,
    };
    number.checked_mul(seconds).map(Duration::from_secs)
}

/// Writes a duration so that [`parse_duration`] reads the same one back (to the millisecond).
#[must_use]
pub fn format_duration(duration: Duration) -> String {
    let millis = duration.as_millis();
    if millis == 0 || !millis.is_multiple_of(1_000) {
        return format!("{millis}ms");
    }
    let seconds = duration.as_secs();
    for (unit, size) in [("h", 3_600), ("m", 60)] {
        if seconds.is_multiple_of(size) {
            return format!("{}{unit}", seconds / size);
        }
    }
    format!("{seconds}s")
}

/// Reads a share of a whole, from 0 to 1, as per cent: `"60%"`, with at most four decimals.
#[must_use]
pub fn parse_share(text: &str) -> Option<f64> {
    let number = text.trim().strip_suffix('%')?.trim_end();
    let (whole, decimals) = number.split_once('.').unwrap_or((number, "0"));
    let good = |digits: &str, most: usize| {
        (1..=most).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit())
    };
    if !good(whole, 3) || !good(decimals, 4) {
        return None;
    }
    let percent: f64 = number.parse().ok()?;
    (percent <= 100.0).then_some(percent / 100.0)
}

/// Writes a share so that [`parse_share`] reads the same one back (to four decimals of a per cent).
#[must_use]
pub fn format_share(share: f64) -> String {
    format!("{}%", (share * 1e6).round() / 1e4)
}

fn split_number(text: &str) -> Option<(u64, &str)> {
    let text = text.trim();
    let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(end);
    Some((number.parse().ok()?, unit.trim_start()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_read_and_written_back() {
        for (text, want) in
            [("0", 0), ("512", 512), ("4GiB", 4 << 30), ("64 KiB", 64 << 10), ("3MB", 3_000_000)]
        {
            let bytes = parse_size(text).expect(text);
            assert_eq!(bytes, want, "{text}");
            assert_eq!(parse_size(&format_size(bytes)), Some(want), "{text}");
        }
    }

    #[test]
    fn shares_are_read_and_written_back() {
        for (text, want) in [("1%", 0.01), ("60 %", 0.6), ("0%", 0.0), ("100%", 1.0)] {
            assert_eq!(parse_share(text), Some(want), "{text}");
        }
        for percent in ["0.0001", "0.7", "3", "12.3457", "33.3333", "99.9999"] {
            let text = format!("{percent}%");
            let share = parse_share(&text).expect(percent);
            assert_eq!((format_share(share), parse_share(&text)), (text, Some(share)));
        }
        for bad in ["1", "%", "-1%", "100.1%", "1.%", ".5%", "1.23456%", "1e1%", "NaN%"] {
            assert_eq!(parse_share(bad), None, "{bad}");
        }
    }

    #[test]
    fn durations_are_read_and_written_back() {
        for (text, want) in
            [("250ms", 250), ("30s", 30_000), ("15m", 900_000), ("72h", 259_200_000)]
        {
            let duration = parse_duration(text).expect(text);
            assert_eq!(duration.as_millis(), want, "{text}");
            assert_eq!(format_duration(duration), text);
        }
        assert_eq!(parse_duration("2d").map(format_duration).as_deref(), Some("48h"));
    }

    #[test]
    fn what_is_neither_is_refused() {
        for text in ["", "GiB", "-1s", "1.5h", "3 parsecs", "99999999999TiB"] {
            assert_eq!(parse_size(text), None, "{text:?}");
            assert_eq!(parse_duration(text), None, "{text:?}");
        }
    }
}
