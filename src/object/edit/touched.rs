//! What a plan makes of the elements that it is about: the bytes that go out in their place, for whoever checks a plan before
//! anything is sent by it.

use std::io;
use std::ops::Range;

use crate::object::{Element, HeaderView};

use super::{Edit, EditPlan};

/// Elements of the top level that stand side by side and are changed, and what comes in their place.
#[derive(Debug, PartialEq, Eq)]
pub struct Touched {
    /// Where they stand, or where something is put between two.
    pub before: Range<u64>,
    /// What stands there once changed: elements again.
    pub after: Vec<u8>,
}

impl EditPlan {
    /// The elements of the top level that the edits of this plan are about. Those strictly within `apart` are left out: what is done
    /// to the fragments of pixel data is no change of elements. Bytes of the object that stay between two edits of one element are
    /// asked for from `original`; mostly there are none.
    ///
    /// # Errors
    /// When they cannot be had.
    pub fn touched(
        &self,
        view: &HeaderView,
        apart: Option<&Element>,
        original: impl Fn(Range<u64>) -> io::Result<Vec<u8>>,
    ) -> io::Result<Vec<Touched>> {
        let mut runs: Vec<(Range<u64>, Vec<&Edit>)> = Vec::new();
        let is_apart = |edit: &&Edit| apart.is_none_or(|apart| !apart.encloses(edit));
        for edit in self.edits.iter().filter(is_apart) {
            let around = around(view, edit);
            match runs.last_mut() {
                Some((last, edits)) if around.start <= last.end => {
                    last.end = last.end.max(around.end);
                    edits.push(edit);
                }
                Some(_) | None => runs.push((around, vec![edit])),
            }
        }
        runs.into_iter().map(|(before, edits)| changed(before, &edits, &original)).collect()
    }
}

impl Element {
    /// Whether an edit is about something within, and not about the element as a whole.
    #[must_use]
    pub fn encloses(&self, edit: &Edit) -> bool {
        self.start < edit.at && edit.at < self.end() && edit.end() <= self.end()
    }
}

/// From the begin of the first element that an edit removes something of, to the end of the last.
fn around(view: &HeaderView, edit: &Edit) -> Range<u64> {
    let removes = |element: &&Element| element.start < edit.end() && element.end() > edit.at;
    let stands_in = |element: &&Element| element.start < edit.at && edit.at < element.end();
    let mut about = view.top().filter(|element| removes(element) || stands_in(element));
    let Some(first) = about.next() else { return edit.at..edit.end() };
    let last = about.last().unwrap_or(first);
    first.start.min(edit.at)..last.end().max(edit.end())
}

fn changed(
    before: Range<u64>,
    edits: &[&Edit],
    original: impl Fn(Range<u64>) -> io::Result<Vec<u8>>,
) -> io::Result<Touched> {
    let mut after = Vec::new();
    let mut at = before.start;
    for edit in edits {
        if at < edit.at {
            after.extend(original(at..edit.at)?);
        }
        after.extend(&edit.insert);
        at = edit.end();
    }
    if at < before.end {
        after.extend(original(at..before.end)?);
    }
    Ok(Touched { before, after })
}
