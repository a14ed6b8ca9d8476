//! XA, RF, US, NM, PT and secondary captures.

use super::*;

pub(super) fn cases() -> Vec<Case> {
    Vec::new()
}
