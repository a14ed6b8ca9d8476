//! Requests for storage commitment that are not done with: one small file each, which outlives a restart and says in full how far
//! the request has come. What stands in it is for who wrote it; here it is bytes with their hash in front.

use std::fs;
use std::io;
use std::sync::atomic::Ordering;
use std::time::Instant;

use crate::base::object_id::ObjectId;

use super::fault::{Step, StoreFault};
use super::{Shared, Spool};

/// Bytes of BLAKE3 in front of the content.
const HASH: usize = blake3::OUT_LEN;

impl Spool {
    /// Keeps what is known of a request, in place of what was kept of it before. When this returns it is durable. Blocks.
    ///
    /// # Errors
    /// Every [`StoreFault`] but `GivenUp` and `Interrupted`. What was kept before is still there then.
    pub fn keep_commitment(&self, id: ObjectId, content: &[u8]) -> Result<(), StoreFault> {
        self.shared.keep_commitment(id, content)
    }

    /// Forgets a request; one that is not there counts as forgotten. Blocks.
    ///
    /// # Errors
    /// When the disk fails.
    pub fn forget_commitment(&self, id: ObjectId) -> io::Result<()> {
        let (places, disk) = (&self.shared.places, &self.shared.disk);
        match disk.remove(&places.commitment(id)) {
            Ok(()) => disk.sync_directory(&places.commitments()),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// All requests that are kept, in no order, each with its content; `None` for one that is damaged, which stays for a person to
    /// look at. Blocks.
    ///
    /// # Errors
    /// When they cannot be listed or read.
    pub fn commitments(&self) -> io::Result<Vec<(ObjectId, Option<Vec<u8>>)>> {
        let mut kept = Vec::new();
        for entry in fs::read_dir(self.shared.places.commitments())? {
            let name = entry?.file_name();
            let Some(id) = name.to_str().and_then(ObjectId::parse) else { continue };
            match fs::read(self.shared.places.commitment(id)) {
                Ok(bytes) => kept.push((id, content(&bytes).map(<[u8]>::to_vec))),
                // It was told of, and forgotten, while the others were listed.
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => return Err(error),
            }
        }
        Ok(kept)
    }
}

/// The content of a file, unless it is not what was written.
fn content(bytes: &[u8]) -> Option<&[u8]> {
    let (hash, content) = bytes.split_first_chunk::<HASH>()?;
    (blake3::hash(content) == *hash).then_some(content)
}

impl Shared {
    fn keep_commitment(&self, id: ObjectId, content: &[u8]) -> Result<(), StoreFault> {
        let place = self.places.commitment(id);
        // How far one has come is written down whatever room there is, as the journal is.
        let is_new = !place.exists();
        if is_new {
            self.check_room()?;
        }
        let draft = self.places.making(id, self.makings.fetch_add(1, Ordering::Relaxed));
        let disk = &*self.disk;
        let file = disk.create(&draft).map_err(|error| self.fault(Step::Create, error))?;
        let hash = blake3::hash(content);
        let written = disk
            .write(&file, hash.as_bytes())
            .and_then(|()| disk.write(&file, content))
            .map_err(|error| self.fault(Step::Write, error))
            .and_then(|()| self.sync_file(&file))
            .and_then(|()| {
                let renamed = disk.rename(&draft, &place);
                renamed.map_err(|error| self.fault(Step::Rename, error))
            });
        if let Err(fault) = written {
            if let Err(error) = disk.remove(&draft) {
                tracing::warn!(commitment = %id, %error, "a discarded draft stays until the next start");
            }
            return Err(fault);
        }
        disk.sync_directory(&self.places.commitments()).map_err(|source| {
            self.health.sync_failed(Instant::now());
            // It is refused, and must not come to light at the next start.
            if is_new && let Err(error) = disk.remove(&place) {
                tracing::warn!(commitment = %id, %error, "a request that was refused stays");
            }
            StoreFault::Sync { step: Step::SyncDirectory, source }
        })
    }
}
