//! A picture of an object in custody: as it came, or as it goes out.

use std::io::{self, Read};
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::super::picture::{PictureFault, Shown};
use crate::base::limits::Limits;
use crate::codec::Frames;
use crate::dicom::transfer_syntax::TransferSyntax;
use crate::ledger::Explained;
use crate::object::edit::{BadPlan, EditPlan, Made};
use crate::object::scan_reader;
use crate::object::splice::{Inflating, MadeBytes, Spliced};
use crate::spool::{Envelope, ReadFault, Spool, StoredObject};
use crate::stamp::{FirstFrame, Workshop};

/// Why there is no picture.
#[derive(Debug, thiserror::Error)]
pub(super) enum PreviewFault {
    /// The object's file cannot be read.
    #[error(transparent)]
    Object(#[from] ReadFault),
    /// What was recorded of how it goes out cannot be read.
    #[error(transparent)]
    Plan(#[from] BadPlan),
    /// The bytes cannot be read.
    #[error("the object cannot be read: {0}")]
    Io(#[from] io::Error),
    /// The first frame cannot be shown.
    #[error(transparent)]
    Picture(#[from] PictureFault),
}

/// The first frame of an object as PNG, at its default window; `changed`: as it goes out. Blocks.
pub(super) fn preview(
    spool: &Spool,
    entry: &Explained,
    changed: bool,
    frames: Arc<dyn Frames>,
) -> Result<Vec<u8>, PreviewFault> {
    let stored = spool.object(entry.id)?;
    let plan = match entry.verdict.as_ref().filter(|verdict| changed && !verdict.plan.is_empty()) {
        Some(verdict) => EditPlan::from_bytes(&verdict.plan)?,
        None => EditPlan::none(),
    };
    let envelope = stored.envelope();
    let syntax = TransferSyntax { deflated: false, ..envelope.syntax() };
    let name = envelope.transfer_syntax.to_string();
    let viewed = Viewed { plan, ..Viewed::new(spool, stored, frames) };
    let scan = scan_reader(viewed.open()?, syntax, Limits::default())?;
    Ok(Shown::of(&scan.header, &name, &viewed, 0)?.png()?)
}

/// An object as it is looked at: inflated, and changed as planned.
pub(super) struct Viewed {
    spool: Spool,
    stored: StoredObject,
    plan: EditPlan,
    frames: Arc<dyn Frames>,
    first: FirstFrame,
    since: Instant,
}

impl Viewed {
    /// An object as it came.
    pub(super) fn new(spool: &Spool, stored: StoredObject, frames: Arc<dyn Frames>) -> Self {
        Self {
            spool: spool.clone(),
            stored,
            plan: EditPlan::none(),
            frames,
            first: FirstFrame::default(),
            since: Instant::now(),
        }
    }

    /// What is known of how it came.
    pub(super) fn envelope(&self) -> &Envelope {
        self.stored.envelope()
    }

    fn open(&self) -> io::Result<Spliced<Box<dyn Read>>> {
        let reader = self.stored.reader();
        let source: Box<dyn Read> = if self.stored.envelope().syntax().deflated {
            Box::new(Inflating::new(reader)?)
        } else {
            Box::new(reader)
        };
        let made = match self.plan.made() {
            Some(made) => self.spool.made(self.stored.id(), &made).map_err(io::Error::other)?,
            None => MadeBytes::none(),
        };
        Ok(Spliced::new(source, self.plan.clone()).filled_from(made))
    }
}

impl Workshop for Viewed {
    fn original(&self, at: u64) -> io::Result<Box<dyn Read + '_>> {
        let mut changed = self.open()?;
        io::copy(&mut changed.by_ref().take(at), &mut io::sink())?;
        Ok(Box::new(changed))
    }

    fn frames(&self) -> &dyn Frames {
        &*self.frames
    }

    fn keep(&self, _bytes: &[u8]) -> io::Result<()> {
        Err(io::Error::new(io::ErrorKind::Unsupported, "who looks changes nothing"))
    }

    fn made(&self) -> Made {
        Made { length: 0, hash: *blake3::hash(&[]).as_bytes() }
    }

    fn discard(&self) {}

    fn first(&self) -> Option<&FirstFrame> {
        Some(&self.first)
    }

    fn spent(&self) -> Duration {
        self.since.elapsed()
    }
}
