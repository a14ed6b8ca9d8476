//! A page about the quality of studies: what was checked, what was found, and what did not apply.
//!
//! It tells of an object what `check --json` tells, and no more: it is for people who may see patients' data.

mod page;
mod study;

use jiff::tz::Offset;

use super::rules::Book;
use crate::base::time::Timestamp;
use crate::web::model::{Checked, Explanation};

/// The judgement of a file with what joins it to others.
#[derive(Debug, Clone, PartialEq)]
pub struct Appraisal {
    /// Study Instance UID; `None` when it has none.
    pub study: Option<String>,
    /// What was found, and how each rule fared.
    pub explanation: Explanation,
}

/// All that stands on a page.
#[derive(Debug, Clone, Copy)]
pub struct Sheet<'a> {
    /// The rules that files were judged by.
    pub book: &'a Book,
    /// What came of each file and study.
    pub checked: &'a Checked<Appraisal>,
    /// When.
    pub made: Timestamp,
    /// The site's offset from UTC.
    pub offset: Offset,
}

impl Sheet<'_> {
    /// How every page begins, by which one is known from other files.
    pub const BEGINNING: &'static str =
        "<!DOCTYPE html>\n<!-- markgate: image quality report -->\n";

    /// The page: one HTML document without scripts, with nothing from elsewhere.
    #[must_use]
    pub fn html(&self) -> String {
        page::html(self)
    }
}
