//! The stored form of a plan: a version byte, then each edit as gap, bytes removed, bytes inserted (variable
//! length numbers, low seven bits first), then the CRC-32 of all that, least significant byte first.

use super::{Edit, EditPlan};

const VERSION: u8 = 1;

/// Why bytes are no plan, or edits make none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadPlan {
    /// An edit begins before the one in front of it ends, or reaches past the last possible position.
    #[error("the edit at byte {at} overlaps another")]
    Overlap {
        /// Where the edit begins.
        at: u64,
    },
    /// Written by a version of this program that this one does not know.
    #[error("a plan of version {0}, which is not known here")]
    Version(u8),
    /// The bytes end too early, or a number in them is too large.
    #[error("the stored plan is damaged")]
    Damaged,
    /// The bytes are not those that were stored.
    #[error("the stored plan does not match its checksum")]
    Checksum,
}

impl EditPlan {
    /// The plan as bytes for storing.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut out = vec![VERSION];
        let mut end = 0;
        for edit in &self.edits {
            put(&mut out, edit.at - end);
            put(&mut out, edit.remove);
            put(&mut out, edit.insert.len() as u64);
            out.extend_from_slice(&edit.insert);
            end = edit.end();
        }
        let checksum = crc32fast::hash(&out);
        out.extend(checksum.to_le_bytes());
        out
    }

    /// Reads what [`EditPlan::to_bytes`] made.
    ///
    /// # Errors
    /// When the bytes are of another version, are not whole, or are not those that were stored.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, BadPlan> {
        let (body, checksum) = bytes.split_last_chunk::<4>().ok_or(BadPlan::Damaged)?;
        let (version, mut rest) = body.split_first().ok_or(BadPlan::Damaged)?;
        if *version != VERSION {
            return Err(BadPlan::Version(*version));
        }
        if crc32fast::hash(body) != u32::from_le_bytes(*checksum) {
            return Err(BadPlan::Checksum);
        }
        let mut edits = Vec::new();
        let mut end = 0_u64;
        while !rest.is_empty() {
            let at = end.checked_add(take(&mut rest)?).ok_or(BadPlan::Damaged)?;
            let remove = take(&mut rest)?;
            let length = usize::try_from(take(&mut rest)?).map_err(|_| BadPlan::Damaged)?;
            let (insert, tail) = rest.split_at_checked(length).ok_or(BadPlan::Damaged)?;
            rest = tail;
            let edit = Edit { at, remove, insert: insert.to_vec() };
            end = edit.end();
            edits.push(edit);
        }
        Self::new(edits)
    }
}

fn put(out: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        out.push((number & 0x7F) as u8 | 0x80);
        number >>= 7;
    }
    out.push(number as u8);
}

fn take(rest: &mut &[u8]) -> Result<u64, BadPlan> {
    let mut number = 0_u64;
    for shift in (0..64).step_by(7) {
        let (byte, tail) = rest.split_first().ok_or(BadPlan::Damaged)?;
        *rest = tail;
        let bits = u64::from(byte & 0x7F);
        if bits.leading_zeros() < shift {
            return Err(BadPlan::Damaged);
        }
        number |= bits << shift;
        if byte & 0x80 == 0 {
            return Ok(number);
        }
    }
    Err(BadPlan::Damaged)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan(edits: &[(u64, u64, &str)]) -> Result<EditPlan, BadPlan> {
        let edit = |(at, remove, insert): &(u64, u64, &str)| Edit {
            at: *at,
            remove: *remove,
            insert: insert.as_bytes().to_vec(),
        };
        EditPlan::new(edits.iter().map(edit).collect())
    }

    #[test]
    fn edits_that_touch_become_one_and_overlaps_are_refused() {
        let joined = plan(&[(4, 0, "a"), (4, 2, "b"), (6, 0, "c"), (9, 0, ""), (9, 1, "")]);
        assert_eq!(joined, plan(&[(4, 2, "abc"), (9, 1, "")]));
        assert_eq!(plan(&[(4, 2, ""), (5, 0, "a")]), Err(BadPlan::Overlap { at: 5 }));
        assert_eq!(plan(&[(u64::MAX, 1, "")]), Err(BadPlan::Overlap { at: u64::MAX }));
    }

    #[test]
    fn a_plan_is_the_same_after_storing() {
        for edits in
            [&[][..], &[(0, 0, "x")], &[(127, 128, ""), (1 << 40, (1 << 63) - 1, "long enough")]]
        {
            let plan = plan(edits).expect("a plan");
            assert_eq!(EditPlan::from_bytes(&plan.to_bytes()), Ok(plan));
        }
    }

    #[test]
    fn damage_is_found_whatever_it_hits() {
        let good = plan(&[(3, 4, "abc"), (1000, 0, "d")]).expect("a plan").to_bytes();
        for length in 0..good.len() {
            assert!(EditPlan::from_bytes(&good[..length]).is_err(), "{length}");
        }
        for (position, bit) in (0..good.len()).flat_map(|p| (0..8).map(move |b| (p, b))) {
            let mut bad = good.clone();
            bad[position] ^= 1 << bit;
            assert!(EditPlan::from_bytes(&bad).is_err(), "{position} {bit}");
        }
        assert_eq!(EditPlan::from_bytes(&[2, 0, 0, 0, 0]), Err(BadPlan::Version(2)));
    }

    #[test]
    fn numbers_that_make_no_sense_are_damage() {
        let sealed = |body: &[u8]| {
            let mut out = body.to_vec();
            out.extend(crc32fast::hash(body).to_le_bytes());
            EditPlan::from_bytes(&out)
        };
        assert_eq!(sealed(&[1, 0, 0, 200, 1, b'a']), Err(BadPlan::Damaged));
        assert_eq!(sealed(&[&[1][..], &[0xFF; 10]].concat()), Err(BadPlan::Damaged));
        assert_eq!(sealed(&[1]), Ok(EditPlan::none()));
    }
}
