//! What can go wrong in custody, and what the sender is told.

use std::io;
use std::path::PathBuf;

use crate::base::object_id::ObjectId;
use crate::dicom::status::Status;

/// A step on the way into the spool.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// Asking how much room there is.
    Room,
    /// Creating the draft.
    Create,
    /// Writing to the draft.
    Write,
    /// Reading the draft.
    Read,
    /// Giving the object its final name.
    Rename,
    /// Creating the directory for its final name.
    Shard,
    /// Making the draft's bytes durable.
    SyncFile,
    /// Making the final name durable.
    SyncDirectory,
}

/// Why an object was not taken into custody: it has not been acknowledged, and nothing of it is kept.
#[derive(Debug, thiserror::Error)]
pub enum StoreFault {
    /// Less room than the reserve, or the file system said that it is full.
    #[error("the spool has {free} bytes left and keeps {reserve} in reserve")]
    Full {
        /// Bytes left when last asked.
        free: u64,
        /// Bytes that are kept free.
        reserve: u64,
    },
    /// A sync failed. Final: the kernel may have dropped the pages, so trying again would prove nothing.
    #[error("the disk did not confirm a write ({step:?})")]
    Sync {
        /// Which sync.
        step: Step,
        /// What the system said.
        source: io::Error,
    },
    /// Another operation on the disk failed.
    #[error("the spool could not be written ({step:?})")]
    Io {
        /// Which operation.
        step: Step,
        /// What the system said.
        source: io::Error,
    },
    /// Syncs have failed repeatedly; nothing is accepted until the disk confirms a write again.
    #[error("the spool is out of service: the disk has failed to confirm {failures} writes")]
    Sick {
        /// Failed syncs since the start.
        failures: u64,
    },
    /// An earlier write of this draft failed, so it cannot be committed.
    #[error("the draft was given up after an earlier fault")]
    GivenUp,
    /// The thread that was committing ended without an answer.
    #[error("the commit was interrupted")]
    Interrupted,
}

impl StoreFault {
    /// What the C-STORE-RSP says: A700 where sending again can help, 0110 where something is broken.
    #[must_use]
    pub fn status(&self) -> Status {
        match self {
            Self::Full { .. } | Self::Sync { .. } | Self::Sick { .. } => Status::OUT_OF_RESOURCES,
            Self::Io { source, .. } if is_out_of_handles(source) => Status::OUT_OF_RESOURCES,
            Self::Io { .. } | Self::GivenUp | Self::Interrupted => Status::PROCESSING_FAILURE,
        }
    }
}

fn is_out_of_handles(error: &io::Error) -> bool {
    use rustix::io::Errno;
    [Errno::MFILE, Errno::NFILE, Errno::NOMEM]
        .iter()
        .any(|errno| error.raw_os_error() == Some(errno.raw_os_error()))
}

/// Why a spool cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum SpoolFault {
    /// Another gate holds the lock.
    #[error("another gate is using the spool {}", path.display())]
    Locked {
        /// The spool's directory.
        path: PathBuf,
    },
    /// The directory, or one below it, cannot be created or written.
    #[error("the spool {} cannot be written", path.display())]
    NotWritable {
        /// The directory or file that was tried.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The journal cannot be read or put in order.
    #[error("the journal {} cannot be opened", path.display())]
    Journal {
        /// The journal's directory.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A later markgate has written here. Nothing has been changed.
    #[error(
        "{} is of version {found}, this program knows {known}: start the program that wrote it, or see UPGRADING.md",
        path.display()
    )]
    TooNew {
        /// What is of a later version.
        path: PathBuf,
        /// Its version, as it names it.
        found: String,
        /// The newest that this program reads.
        known: u32,
    },
    /// The directory cannot be read.
    #[error("the spool {} cannot be read", path.display())]
    NotReadable {
        /// The directory or file that was tried.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

/// What is wrong with a file that should be a stored object.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Damage {
    /// It does not begin as a DICOM file of ours does, or the envelope in it cannot be read.
    #[error("the head of the file is not one of ours")]
    Head,
    /// It does not end with the end mark.
    #[error("the end mark is missing")]
    NoEndMark,
    /// Its head is not the one that was written.
    #[error("the head of the file has changed")]
    HeadChanged,
    /// Its footer is not the one that was written.
    #[error("the footer of the file has changed")]
    FooterChanged,
    /// The length in its footer is not that of the file.
    #[error("the data set should have {says} bytes and has {has}")]
    Length {
        /// The length that was written.
        says: u64,
        /// The length that is there.
        has: u64,
    },
    /// Its data set is not the one that was written.
    #[error("the data set has changed")]
    DataChanged,
    /// It is of a version that only a later program reads. It has not been touched.
    #[error("the file is of version {0}, which only a later program reads")]
    LaterVersion(u16),
    /// It is the file of another object.
    #[error("the file is that of the object {0}")]
    OtherObject(ObjectId),
}

/// Why a stored object cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum ReadFault {
    /// There is no such file.
    #[error("the object {0} is not in the spool")]
    Missing(ObjectId),
    /// The file is not what was stored. It must not be sent.
    #[error("the object {id} is damaged: {damage}")]
    Damaged {
        /// Whose file.
        id: ObjectId,
        /// What is wrong with it.
        damage: Damage,
    },
    /// The disk failed.
    #[error("the object {id} cannot be read")]
    Io {
        /// Whose file.
        id: ObjectId,
        /// What the system said.
        source: io::Error,
    },
}

impl ReadFault {
    /// Whether the system had no handle or memory left to read with, which says nothing of the object.
    #[must_use]
    pub fn is_out_of_handles(&self) -> bool {
        match self {
            Self::Io { source, .. } => is_out_of_handles(source),
            Self::Missing(_) | Self::Damaged { .. } => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(fault: &StoreFault, want: Status) {
        assert_eq!(fault.status(), want, "{fault}");
    }

    #[test]
    fn the_sender_is_told_whether_sending_again_can_help() {
        let error = io::Error::from_raw_os_error;
        check(&StoreFault::Full { free: 1, reserve: 2 }, Status::OUT_OF_RESOURCES);
        check(
            &StoreFault::Sync { step: Step::SyncFile, source: error(5) },
            Status::OUT_OF_RESOURCES,
        );
        check(&StoreFault::Sick { failures: 3 }, Status::OUT_OF_RESOURCES);
        check(&StoreFault::Io { step: Step::Create, source: error(24) }, Status::OUT_OF_RESOURCES);
        check(&StoreFault::Io { step: Step::Write, source: error(5) }, Status::PROCESSING_FAILURE);
        check(&StoreFault::GivenUp, Status::PROCESSING_FAILURE);
        check(&StoreFault::Interrupted, Status::PROCESSING_FAILURE);
    }
}
