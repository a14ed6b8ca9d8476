//! Pixels of data sets that are at hand as bytes.

use std::io::{self, Read};

use crate::codec::{Frames, InProcess};
use crate::object::edit::Made;
use crate::stamp::Workshop;

/// The bytes of a data set, not deflated. Nothing is kept: rules only look.
pub(super) struct InMemory<'a>(pub &'a [u8]);

impl Workshop for InMemory<'_> {
    fn original(&self, at: u64) -> io::Result<Box<dyn Read + '_>> {
        Ok(Box::new(self.0.get(at as usize..).unwrap_or_default()))
    }

    fn frames(&self) -> &dyn Frames {
        &InProcess
    }

    fn keep(&self, _bytes: &[u8]) -> io::Result<()> {
        Err(io::Error::from(io::ErrorKind::Unsupported))
    }

    fn made(&self) -> Made {
        Made { length: 0, hash: *blake3::hash(&[]).as_bytes() }
    }

    fn discard(&self) {}
}
