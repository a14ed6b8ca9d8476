//! Where in the spool's directory things lie. No byte of a peer is ever part of a path.

use std::path::{Path, PathBuf};

use crate::base::object_id::ObjectId;
use crate::object::edit::Made;

use super::ids;

/// The paths of one spool.
#[derive(Debug, Clone)]
pub(super) struct Places {
    root: PathBuf,
}

impl Places {
    pub(super) fn new(root: PathBuf) -> Self {
        Self { root }
    }

    pub(super) fn root(&self) -> &Path {
        &self.root
    }

    pub(super) fn lock(&self) -> PathBuf {
        self.root.join("lock")
    }

    pub(super) fn version(&self) -> PathBuf {
        self.root.join("version")
    }

    pub(super) fn ballast(&self) -> PathBuf {
        self.root.join("ballast")
    }

    pub(super) fn drafts(&self) -> PathBuf {
        self.root.join("tmp")
    }

    pub(super) fn draft(&self, id: ObjectId) -> PathBuf {
        self.drafts().join(format!("{id}.part"))
    }

    /// A file that tries whether the disk can be written. Swept like a draft.
    pub(super) fn probe(&self) -> PathBuf {
        self.drafts().join("probe")
    }

    pub(super) fn objects(&self) -> PathBuf {
        self.root.join("objects")
    }

    pub(super) fn shard(&self, shard: &str) -> PathBuf {
        self.objects().join(shard)
    }

    pub(super) fn object(&self, id: ObjectId) -> PathBuf {
        self.shard(&ids::shard(id)).join(format!("{id}.dcm"))
    }

    /// What is being made for an object. Swept like a draft.
    pub(super) fn making(&self, id: ObjectId, ordinal: u64) -> PathBuf {
        self.drafts().join(format!("{id}.{ordinal}.made"))
    }

    pub(super) fn all_made(&self) -> PathBuf {
        self.root.join("made")
    }

    pub(super) fn made_shard(&self, shard: &str) -> PathBuf {
        self.all_made().join(shard)
    }

    pub(super) fn made(&self, id: ObjectId, made: &Made) -> PathBuf {
        let hash: String = made.hash.iter().take(8).map(|byte| format!("{byte:02x}")).collect();
        self.made_shard(&ids::shard(id)).join(format!("{id}.{hash}"))
    }

    /// The id of the object for which a file of this name was made.
    pub(super) fn made_for(name: &str) -> Option<ObjectId> {
        ObjectId::parse(name.split_once('.')?.0)
    }

    /// The id of the object whose file has this name.
    pub(super) fn id_of(name: &str) -> Option<ObjectId> {
        ObjectId::parse(name.strip_suffix(".dcm")?)
    }

    pub(super) fn all_corrupt(&self) -> PathBuf {
        self.root.join("corrupt")
    }

    pub(super) fn corrupt(&self, name: &str) -> PathBuf {
        self.all_corrupt().join(name)
    }

    pub(super) fn all_refused(&self) -> PathBuf {
        self.root.join("refused")
    }

    pub(super) fn refused(&self, id: ObjectId) -> PathBuf {
        self.all_refused().join(format!("{id}.dcm"))
    }

    pub(super) fn relaying(&self) -> PathBuf {
        self.root.join("relaying")
    }

    pub(super) fn judging(&self) -> PathBuf {
        self.root.join("judging")
    }

    pub(super) fn sending(&self) -> PathBuf {
        self.root.join("sending")
    }

    pub(super) fn commitments(&self) -> PathBuf {
        self.root.join("commitments")
    }

    pub(super) fn commitment(&self, id: ObjectId) -> PathBuf {
        self.commitments().join(id.to_string())
    }

    pub(super) fn journal(&self) -> PathBuf {
        self.root.join("journal")
    }
}
