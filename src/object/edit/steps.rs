//! The changes of a plan one after the other, whatever their kind.

use std::iter::Peekable;
use std::ops::Range;
use std::vec;

use super::{Edit, EditPlan, Filling, Patch, RunKind};

/// One change, at its place.
#[derive(Debug)]
pub(in crate::object) struct Step {
    /// Where.
    pub at: u64,
    /// How many bytes of the original it is about.
    pub remove: u64,
    /// What comes in their place.
    pub insert: Insert,
}

/// What comes in the place of bytes.
#[derive(Debug)]
pub(in crate::object) enum Insert {
    /// These.
    Bytes(Vec<u8>),
    /// The original ones, but for the bits that are set in the mask.
    Bits { bytes: Vec<u8>, mask: Vec<u8> },
    /// Some of what was made beside the plan.
    Made(Range<u64>),
}

/// Gives the changes of a plan in order.
#[derive(Debug)]
pub(in crate::object) struct Steps {
    edits: Peekable<vec::IntoIter<Edit>>,
    fillings: Peekable<vec::IntoIter<Filling>>,
    patches: Peekable<vec::IntoIter<Patch>>,
    /// In the first of the patches.
    frame: u32,
    run: usize,
}

impl Steps {
    pub(in crate::object) fn new(plan: EditPlan) -> Self {
        Self {
            edits: plan.edits.into_iter().peekable(),
            fillings: plan.fillings.into_iter().peekable(),
            patches: plan.patches.into_iter().peekable(),
            frame: 0,
            run: 0,
        }
    }

    fn next_run(&mut self) -> Option<Range<u64>> {
        let patch = self.patches.peek()?;
        let run = patch.runs().get(self.run)?;
        let at = patch.at + patch.stride * u64::from(self.frame) + run.at;
        Some(at..at + run.covers())
    }

    fn take_run(&mut self) -> Option<Insert> {
        let patch = self.patches.peek()?;
        let run = patch.runs().get(self.run)?.clone();
        self.run += 1;
        if self.run == patch.runs().len() {
            self.run = 0;
            self.frame += 1;
        }
        if self.frame == patch.frames {
            self.frame = 0;
            self.patches.next();
        }
        Some(match run.kind {
            RunKind::Over | RunKind::In => Insert::Bytes(run.bytes),
            RunKind::Masked(mask) => Insert::Bits { bytes: run.bytes, mask },
        })
    }
}

impl Iterator for Steps {
    type Item = Step;

    fn next(&mut self) -> Option<Step> {
        let edit = self.edits.peek().map(|edit| edit.at..edit.end());
        let filling = self.fillings.peek().map(|filling| filling.at..filling.end());
        let run = self.next_run();
        let order = |range: &Range<u64>| (range.start, range.end);
        let is_first = |one: &Range<u64>| {
            let all = [&edit, &filling, &run].into_iter().flatten();
            all.map(order).min().is_none_or(|least| order(one) == least)
        };
        let step = |range: &Range<u64>, insert| Step {
            at: range.start,
            remove: range.end - range.start,
            insert,
        };
        if let Some(range) = edit.as_ref().filter(|range| is_first(range)) {
            return self.edits.next().map(|edit| step(range, Insert::Bytes(edit.insert)));
        }
        if let Some(range) = filling.as_ref().filter(|range| is_first(range)) {
            return self.fillings.next().map(|filling| step(range, Insert::Made(filling.made)));
        }
        let range = run?;
        self.take_run().map(|insert| step(&range, insert))
    }
}
