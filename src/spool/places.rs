//! Where in the spool's directory things lie. No byte of a peer is ever part of a path.

use std::path::{Path, PathBuf};

use crate::base::object_id::ObjectId;

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

    pub(super) fn judging(&self) -> PathBuf {
        self.root.join("judging")
    }

    pub(super) fn sending(&self) -> PathBuf {
        self.root.join("sending")
    }

    pub(super) fn journal(&self) -> PathBuf {
        self.root.join("journal")
    }
}
