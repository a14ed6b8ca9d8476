//! MR and Enhanced MR.

use super::*;

pub(super) fn cases() -> Vec<Case> {
    Vec::new()
}
