//! The stored form of a plan. Numbers are of variable length, low seven bits first; bytes are preceded by their number.
//!
//! | version | what follows its byte |
//! |---|---|
//! | 1 | each edit as gap to the one before, bytes removed, bytes inserted |
//! | 2 | the SOP Instance UID, empty where it stays; length and hash of what was made, zero where nothing was; the edits as above behind their number; the fillings as gap, bytes removed, gap and length in what was made, behind their number; the patches as position, stride, frames and runs, behind their number |
//!
//! The CRC-32 of all that comes last, least significant byte first. A plan of edits alone is written in version 1, so that an earlier
//! program can read it.

use super::{Edit, EditPlan, Filling, Made, Patch, Run, RunKind};
use crate::dicom::uid::Uid;

const EDITS_ALONE: u8 = 1;
const WITH_PIXELS: u8 = 2;

/// Why bytes are no plan, or edits make none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadPlan {
    /// An edit begins before the one in front of it ends, or reaches past the last possible position.
    #[error("the edit at byte {at} overlaps another")]
    Overlap {
        /// Where the edit begins.
        at: u64,
    },
    /// A place is to be filled with what was not made.
    #[error("what is to be put at byte {at} was not made")]
    NotMade {
        /// Where.
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
        let is_plain = self.instance.is_none() && self.made.is_none() && self.patches.is_empty();
        let mut out = vec![if is_plain { EDITS_ALONE } else { WITH_PIXELS }];
        if !is_plain {
            put_bytes(&mut out, self.instance.as_ref().map_or("", Uid::as_str).as_bytes());
            let made = self.made.unwrap_or(Made { length: 0, hash: [0; 32] });
            put(&mut out, made.length);
            out.extend(made.hash);
            put(&mut out, self.edits.len() as u64);
        }
        let mut end = 0;
        for edit in &self.edits {
            put(&mut out, edit.at - end);
            put(&mut out, edit.remove);
            put_bytes(&mut out, &edit.insert);
            end = edit.end();
        }
        if !is_plain {
            put_fillings(&mut out, &self.fillings);
            put(&mut out, self.patches.len() as u64);
            for patch in &self.patches {
                put_patch(&mut out, patch);
            }
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
        if !matches!(*version, EDITS_ALONE | WITH_PIXELS) {
            return Err(BadPlan::Version(*version));
        }
        if crc32fast::hash(body) != u32::from_le_bytes(*checksum) {
            return Err(BadPlan::Checksum);
        }
        if *version == WITH_PIXELS {
            return take_with_pixels(rest);
        }
        let mut edits = Vec::new();
        while !rest.is_empty() {
            edits.push(take_edit(&mut rest, edits.last())?);
        }
        Self::new(edits)
    }
}

fn put_fillings(out: &mut Vec<u8>, fillings: &[Filling]) {
    put(out, fillings.len() as u64);
    let (mut end, mut taken) = (0, 0);
    for filling in fillings {
        put(out, filling.at - end);
        put(out, filling.remove);
        put(out, filling.made.start - taken);
        put(out, filling.made.end - filling.made.start);
        (end, taken) = (filling.end(), filling.made.end);
    }
}

fn put_patch(out: &mut Vec<u8>, patch: &Patch) {
    put(out, patch.at);
    put(out, patch.stride);
    put(out, u64::from(patch.frames));
    put(out, patch.runs().len() as u64);
    for run in patch.runs() {
        put(out, run.at);
        put_bytes(out, &run.bytes);
        match &run.kind {
            RunKind::Over => out.push(0),
            RunKind::Masked(mask) => {
                out.push(1);
                out.extend_from_slice(mask);
            }
            RunKind::In => out.push(2),
        }
    }
}

fn take_with_pixels(mut rest: &[u8]) -> Result<EditPlan, BadPlan> {
    let rest = &mut rest;
    let instance = String::from_utf8(take_bytes(rest)?.to_vec()).map_err(|_| BadPlan::Damaged)?;
    let length = take(rest)?;
    let hash = *take_some(rest, 32)?.first_chunk::<32>().ok_or(BadPlan::Damaged)?;
    let mut edits = Vec::new();
    for _ in 0..take(rest)? {
        edits.push(take_edit(rest, edits.last())?);
    }
    let mut fillings: Vec<Filling> = Vec::new();
    for _ in 0..take(rest)? {
        let (end, taken) = fillings.last().map_or((0, 0), |last| (last.end(), last.made.end));
        let sum = |a: u64, b: u64| a.checked_add(b).ok_or(BadPlan::Damaged);
        let at = sum(end, take(rest)?)?;
        let remove = take(rest)?;
        let start = sum(taken, take(rest)?)?;
        fillings.push(Filling { at, remove, made: start..sum(start, take(rest)?)? });
    }
    let mut patches = Vec::new();
    for _ in 0..take(rest)? {
        patches.push(take_patch(rest)?);
    }
    if !rest.is_empty() {
        return Err(BadPlan::Damaged);
    }
    let mut plan = EditPlan::new(edits)?.patched(patches)?;
    if !fillings.is_empty() {
        plan = plan.filled(Made { length, hash }, fillings)?;
    }
    Ok(if instance.is_empty() { plan } else { plan.renamed(Uid::new(&instance)) })
}

fn take_edit(rest: &mut &[u8], before: Option<&Edit>) -> Result<Edit, BadPlan> {
    let end = before.map_or(0, Edit::end);
    let at = end.checked_add(take(rest)?).ok_or(BadPlan::Damaged)?;
    let remove = take(rest)?;
    Ok(Edit { at, remove, insert: take_bytes(rest)?.to_vec() })
}

fn take_patch(rest: &mut &[u8]) -> Result<Patch, BadPlan> {
    let (at, stride) = (take(rest)?, take(rest)?);
    let frames = u32::try_from(take(rest)?).map_err(|_| BadPlan::Damaged)?;
    let mut runs = Vec::new();
    for _ in 0..take(rest)? {
        let at = take(rest)?;
        let bytes = take_bytes(rest)?.to_vec();
        let kind = match take_some(rest, 1)? {
            [0] => RunKind::Over,
            [1] => RunKind::Masked(take_some(rest, bytes.len())?.to_vec()),
            [2] => RunKind::In,
            _ => return Err(BadPlan::Damaged),
        };
        runs.push(Run { at, bytes, kind });
    }
    Patch::new(at, stride, frames, runs)
}

fn put_bytes(out: &mut Vec<u8>, bytes: &[u8]) {
    put(out, bytes.len() as u64);
    out.extend_from_slice(bytes);
}

fn take_bytes<'a>(rest: &mut &'a [u8]) -> Result<&'a [u8], BadPlan> {
    let length = usize::try_from(take(rest)?).map_err(|_| BadPlan::Damaged)?;
    take_some(rest, length)
}

fn take_some<'a>(rest: &mut &'a [u8], length: usize) -> Result<&'a [u8], BadPlan> {
    let (some, tail) = rest.split_at_checked(length).ok_or(BadPlan::Damaged)?;
    *rest = tail;
    Ok(some)
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
            assert_eq!(plan.to_bytes()[0], EDITS_ALONE);
            assert_eq!(EditPlan::from_bytes(&plan.to_bytes()), Ok(plan));
        }
    }

    /// A plan with a change of each kind.
    fn manifold() -> EditPlan {
        let run = |at, bytes: &str, kind| Run { at, bytes: bytes.into(), kind };
        let runs = vec![
            run(1, "ab", RunKind::Over),
            run(3, "c", RunKind::Masked(vec![0x0F])),
            run(4, "de", RunKind::In),
        ];
        let patch = Patch::new(20, 10, 3, runs).expect("a patch");
        let fillings = vec![
            Filling { at: 60, remove: 4, made: 0..7 },
            Filling { at: 64, remove: 0, made: 9..10 },
        ];
        let made = Made { length: 10, hash: [7; 32] };
        let plan = plan(&[(3, 4, "abc"), (50, 0, "d"), (64, 2, "e")]).expect("a plan");
        let plan = plan.patched(vec![patch]).and_then(|plan| plan.filled(made, fillings));
        plan.expect("a plan").renamed(Uid::new("1.2.3"))
    }

    #[test]
    fn pixels_and_a_new_name_are_stored_too() {
        let plan = manifold();
        assert_eq!(EditPlan::from_bytes(&plan.to_bytes()), Ok(plan));
    }

    #[test]
    fn changes_within_others_are_refused() {
        let run = |at, bytes: &str| Run { at, bytes: bytes.into(), kind: RunKind::Over };
        let patch = |at| Patch::new(at, 10, 2, vec![run(0, "xy")]).expect("a patch");
        let made = Made { length: 4, hash: [0; 32] };
        let fill = |at, part| vec![Filling { at, remove: 3, made: part }];
        let edited = plan(&[(10, 2, "a")]).expect("a plan");
        let overlap = |at| Err(BadPlan::Overlap { at });
        assert_eq!(edited.clone().patched(vec![patch(5)]), overlap(10));
        assert_eq!(edited.clone().patched(vec![patch(12), patch(20)]), overlap(20));
        assert!(edited.clone().patched(vec![patch(12), patch(40)]).is_ok());
        assert_eq!(edited.clone().filled(made, fill(8, 0..1)), overlap(10));
        assert_eq!(edited.clone().filled(made, fill(12, 2..5)), Err(BadPlan::NotMade { at: 12 }));
        assert_eq!(edited.clone().filled(made, fill(12, 2..2)), Err(BadPlan::NotMade { at: 12 }));
        assert!(edited.filled(made, fill(12, 2..4)).is_ok());
        let refused = |stride, frames, runs| Patch::new(3, stride, frames, runs).map(|_| ());
        assert_eq!(refused(1, 2, vec![run(0, "xy")]), Err(BadPlan::Overlap { at: 3 }));
        let runs = vec![run(0, "xy"), run(1, "z")];
        assert_eq!(refused(9, 2, runs), Err(BadPlan::Overlap { at: 4 }));
        assert_eq!(refused(9, 0, vec![run(0, "xy")]), Err(BadPlan::Overlap { at: 3 }));
    }

    #[test]
    fn damage_is_found_whatever_it_hits() {
        let plain = plan(&[(3, 4, "abc"), (1000, 0, "d")]).expect("a plan");
        for good in [plain.to_bytes(), manifold().to_bytes()] {
            for length in 0..good.len() {
                assert!(EditPlan::from_bytes(&good[..length]).is_err(), "{length}");
            }
            for (position, bit) in (0..good.len()).flat_map(|p| (0..8).map(move |b| (p, b))) {
                let mut bad = good.clone();
                bad[position] ^= 1 << bit;
                assert!(EditPlan::from_bytes(&bad).is_err(), "{position} {bit}");
            }
        }
        assert_eq!(EditPlan::from_bytes(&[3, 0, 0, 0, 0]), Err(BadPlan::Version(3)));
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
        assert_eq!(sealed(&[2, 0, 0]), Err(BadPlan::Damaged));
    }
}
