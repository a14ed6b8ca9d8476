//! Making [`ObjectId`]s, and the directory each belongs to.

use std::sync::{Mutex, PoisonError};

use uuid::{NoContext, Uuid};

use crate::base::object_id::ObjectId;
use crate::base::time::Timestamp;

/// Hexadecimal digits of an id that name its shard: 28 bits of milliseconds, a new directory every 2^20 ms (17.5 minutes).
///
/// Objects that arrive together share a directory, so that one directory sync serves a whole group; and even at 100
/// objects a second a directory stays near 100,000 names. A prefix of the id needs no calendar and no time zone.
const SHARD_DIGITS: usize = 7;

/// The name of the directory that holds `id`.
pub(super) fn shard(id: ObjectId) -> String {
    let mut text = id.to_string();
    text.truncate(SHARD_DIGITS);
    text
}

/// Whether a directory's name can be a shard's.
pub(super) fn is_shard(name: &str) -> bool {
    name.len() == SHARD_DIGITS
        && name.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte))
}

/// Hands out ids that always ascend, whatever the clock does.
pub(super) struct IdSource {
    last: Mutex<ObjectId>,
}

impl IdSource {
    /// A source whose ids are all above `floor`: the newest id on disk, so that arrival order survives a restart with a
    /// clock that was set back.
    ///
    /// After a clock that ran far ahead, ids stay at the time it had reached, in one shard, until the objects of
    /// that time have left the spool: order is worth more than a small directory. Ages are never told from ids.
    pub(super) fn above(floor: ObjectId) -> Self {
        Self { last: Mutex::new(floor) }
    }

    /// The next id.
    pub(super) fn next(&self, now: Timestamp) -> ObjectId {
        let seconds = u64::try_from(now.as_second()).unwrap_or_default();
        let nanos = u32::try_from(now.subsec_nanosecond()).unwrap_or_default();
        let fresh = Uuid::new_v7(uuid::Timestamp::from_unix(NoContext, seconds, nanos));
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        // Within one millisecond, or with the clock set back, the random part counts on from the last id.
        let next = fresh.as_u128().max(last.as_u128().saturating_add(1));
        *last = ObjectId::from_u128(next);
        *last
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().expect("a timestamp")
    }

    #[test]
    fn ids_ascend_even_when_the_clock_is_set_back() {
        let source = IdSource::above(ObjectId::from_u128(0));
        let mut last = source.next(at("2026-11-24T10:00:00Z"));
        for now in ["2026-11-24T10:00:00Z", "2026-11-24T09:00:00Z", "1970-01-01T00:00:00Z"] {
            for _ in 0..1000 {
                let next = source.next(at(now));
                assert!(next > last, "{next} after {last}");
                last = next;
            }
        }
    }

    #[test]
    fn ids_start_above_those_on_disk() {
        let before = IdSource::above(ObjectId::from_u128(0)).next(at("2026-11-24T10:00:00Z"));
        assert!(IdSource::above(before).next(at("2026-11-23T10:00:00Z")) > before);
    }

    #[test]
    fn objects_that_arrive_together_share_a_directory() {
        let source = IdSource::above(ObjectId::from_u128(0));
        let (a, b) =
            (source.next(at("2026-11-24T10:00:00Z")), source.next(at("2026-11-24T10:00:01Z")));
        assert_eq!(shard(a), shard(b));
        assert!(is_shard(&shard(a)));
        assert_ne!(shard(a), shard(source.next(at("2026-11-24T10:40:00Z"))));
    }

    #[test]
    fn other_names_are_no_shards() {
        for name in ["", "0192f0", "0192f00d", "0192F00", "lost+found", "..", "0192f0g"] {
            assert!(!is_shard(name), "{name}");
        }
    }
}
