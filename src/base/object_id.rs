//! The name of one received object inside markgate.

use std::fmt;

use jiff::Timestamp;

/// The code under which an object is held whose file is not what arrived.
pub const SPOOL_DAMAGED: &str = "SPOOL_DAMAGED";

/// The code under which an object is held whose file the disk does not give back, while it gives back others.
pub const SPOOL_UNREADABLE: &str = "SPOOL_UNREADABLE";

/// Whether what is held for this reason has no bytes that could go out.
#[must_use]
pub fn is_without_bytes(reason: &str) -> bool {
    [SPOOL_DAMAGED, SPOOL_UNREADABLE].contains(&reason)
}

/// The name that custody gives to each object it receives: a UUID of version 7 (RFC 9562 §5.7), so that names sort by arrival.
///
/// Nothing a peer sent is part of it, which is why it may become a file name. As text it is always 32 lower-case
/// hexadecimal digits. New ones are made by `spool` alone.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ObjectId(u128);

impl ObjectId {
    /// The id with these 128 bits, most significant first in its text.
    #[must_use]
    pub const fn from_u128(bits: u128) -> Self {
        Self(bits)
    }

    /// The 128 bits.
    #[must_use]
    pub const fn as_u128(self) -> u128 {
        self.0
    }

    /// Reads what [`fmt::Display`] writes: exactly 32 lower-case hexadecimal digits.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let digit = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
        if text.len() != 32 || !text.bytes().all(digit) {
            return None;
        }
        u128::from_str_radix(text, 16).ok().map(Self)
    }

    /// The instant of arrival that the id was made from, to the millisecond. A clock that was set back shows here as
    /// ids that share one instant.
    #[must_use]
    pub fn time(self) -> Timestamp {
        let millis = i64::try_from(self.0 >> 80).unwrap_or_default();
        Timestamp::from_millisecond(millis).unwrap_or(Timestamp::MAX)
    }
}

impl fmt::Display for ObjectId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

impl fmt::Debug for ObjectId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_read_back_from_its_text() {
        let id = ObjectId::from_u128(0x0192_f00d_0000_7000_8000_0000_0000_002a);
        assert_eq!(id.to_string(), "0192f00d00007000800000000000002a");
        assert_eq!(ObjectId::parse(&id.to_string()), Some(id));
    }

    #[test]
    fn what_is_no_id_is_refused() {
        for text in [
            "",
            "2a",
            "0192F00D00007000800000000000002A",
            "+192f00d00007000800000000000002a",
            "../../etc/passwd0000000000000000",
            "0192f00d-0000-7000-8000-00000000",
        ] {
            assert_eq!(ObjectId::parse(text), None, "{text:?}");
        }
    }

    #[test]
    fn the_time_of_arrival_is_in_the_id() {
        let id = ObjectId::from_u128(0x0192_f00d_0000_7000_8000_0000_0000_002a);
        assert_eq!(id.time().as_millisecond(), 0x0192_f00d_0000);
    }
}
