//! Custody: the objects that markgate has answered for, on disk.
//!
//! The spool is the truth; any index (`ledger`) can be rebuilt from it. It knows nothing of routes, marks or peers, never
//! looks into a data set, and never decides when an object may go: it takes, keeps, gives and removes what it is told to.
//! It alone in markgate renames, removes and syncs files.
//!
//! # Layout
//!
//! ```text
//! <dir>/lock                        locked as long as a gate uses the spool
//! <dir>/version                     the version of all that lies here (see `version`)
//! <dir>/ballast                     room that is given up when the file system is full (see `ballast`)
//! <dir>/tmp/<id>.part               drafts: objects that are still coming
//! <dir>/objects/<shard>/<id>.dcm    objects in custody; the shard is the first 7 digits of the id
//! <dir>/made/<shard>/<id>.<hash>    frames that were coded anew for an object (see `making`); removed with it
//! <dir>/corrupt/<id>.dcm            what was found damaged, for a person
//! <dir>/refused/<id>.dcm            the newest refused objects, cut to 16 MiB, for a person
//! <dir>/journal/<sequence>.log      what cannot be told from an object's own file (see `journal`)
//! <dir>/judging                     objects that are being judged: a process that ends leaves them in it (see `in_hand`)
//! <dir>/relaying                    when objects were first judged for being relayed (see `begun`)
//! <dir>/sending                     likewise, objects that are being made into what is sent
//! <dir>/commitments/<id>            requests for storage commitment that are not done with (see `commitments`)
//! <dir>/bypass.json                 there while objects pass without being judged
//! ```
//!
//! # An object's file
//!
//! A DICOM file (PS3.10) that any tool opens, and that tells its own story:
//!
//! ```text
//! head      preamble, DICM, File Meta Information: UIDs of the command, transfer syntax of the presentation context,
//!           calling AE title, and the envelope as JSON in Private Information (0002,0102)
//! data set  the bytes of the PDVs, not one changed
//! footer    Data Set Trailing Padding (FFFC,FFFC) in the data set's encoding, behind the stream if that is deflated:
//!             8 bytes   length of the data set, little endian
//!            32 bytes   BLAKE3 of the data set
//!             8 bytes   the first of BLAKE3 of the head
//!            16 bytes   end mark
//! ```
//!
//! The footer has a fixed size, so it is found from the end of the file without walking the data set. A file in
//! `objects/` without its end mark is no object.
//!
//! # Durable order
//!
//! 1. The draft is written to `tmp/` as it comes, hashed on the way.
//! 2. The footer is written, and the file is synced (`fdatasync`), on the thread that brought it.
//! 3. The file is renamed into its shard. A shard that this process has not used yet is made first and `objects/` synced.
//! 4. The shard is synced (`fsync` of the directory), once for all that were renamed into it meanwhile.
//! 5. Only now is there a [`Receipt`], and only a receipt lets a C-STORE-RSP say 0000.
//!
//! A sync that fails is final: the object is given up, its sender is told A700, and three in a minute stop the intake until
//! the disk confirms a write again.
//!
//! # Start-up procedure
//!
//! | step | what is done | what a leftover means |
//! |---|---|---|
//! | 1 | take the lock | held: another gate is running; this one must not start |
//! | 1a | read the version, of the journal too | later than this program's: it must not start, and nothing has been touched |
//! | 2 | make the directories and the version's file, sync the root | missing: a new spool, one of version 1, or a gate killed in its first moments |
//! | 3 | delete everything in `tmp/`, count it | never acknowledged: its sender will send it again |
//! | 4 | find the newest id, by name | new ids go above it, even if the clock was set back |
//! | 5 | write, sync and remove a probe file; with no room for it, give the ballast up and try once more | the spool is writable; otherwise the gate must not start |
//! | 6 | open the journal, read its newest segment | a torn tail was never confirmed: it is cut off |
//! | 6a | put the ballast where it is missing and there is room for it above the reserve | given up on a full disk, or killed while making it |
//! | 7 | read `judging` and `sending` | an object at work when the last process ended may have ended it: it is counted, and a third time in a row makes it poison |
//! | 8 | [`Spool::reconcile`]: open each object that the index does not know | complete: committed, perhaps acknowledged: adopt it; no end mark, or damaged: move to `corrupt/`, alarm; of a later version: it must not start |
//! | 9 | [`Spool::reconcile`]: name each object that the index knows and that has no file | custody had ended: killed while removing; otherwise **lost**: alarm |
//! | 10 | replay the [`Journal`] behind what the index has applied | a record of an object that is unknown even now speaks of one that has been removed, or **lost** if it does not tell the end of its custody; damage is an alarm |
//!
//! An empty or unsynced shard directory needs no step: it is made and synced again before it is first used.
//!
//! # Invariants
//!
//! * A [`Receipt`] exists only for an object whose file and name are durable.
//! * No byte that a peer sent is ever part of a path.
//! * Ids ascend in order of arrival, across restarts too.
//! * Memory for one object is bounded, whatever its size.

mod ballast;
mod begun;
mod bypass;
mod commit;
mod commitments;
mod disk;
mod draft;
mod envelope;
mod fault;
pub mod folder;
mod format;
#[cfg(any(test, fuzzing))]
pub(crate) mod fuzzing;
mod health;
mod ids;
mod in_hand;
mod journal;
mod lock;
mod making;
mod places;
mod recovery;
#[cfg(test)]
pub(crate) mod rot;
mod stored;
#[cfg(test)]
mod tests;
mod version;

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::{Duration, Instant};

use crate::base::time::Timestamp;

pub use crate::base::object_id::{ObjectId, SPOOL_DAMAGED, SPOOL_UNREADABLE};
pub use ballast::BallastState;
pub use begun::{Beginning, Begun};
pub use bypass::{Bypass, BypassOrder, LONGEST as LONGEST_BYPASS};
pub use draft::{Draft, Receipt};
pub use envelope::{Envelope, Priority};
pub use fault::{Damage, ReadFault, SpoolFault, Step, StoreFault};
pub use format::ENVELOPE_CREATOR_UID;
pub use health::Condition;
pub use in_hand::{InHand, Noted};
pub use journal::{Journal, JournalDamage, JournalFault, Reclaimed, Replay};
pub use making::{MadeFault, Making};
pub use recovery::{Leftover, Recovered};
pub use stored::{DataReader, StoredObject, Verification};

use ballast::Ballast;
use commit::{Committer, Permits};
use disk::{Disk, RealDisk};
use health::Health;
use ids::IdSource;
use lock::Lock;
use places::Places;

/// Drafts that are synced at the same time. Beyond this the file system's own journal is the queue.
const SYNCS_AT_A_TIME: usize = 8;

/// `[spool]` of the configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    /// Everything durable lies below it.
    pub dir: PathBuf,
    /// Bytes of the file system that are kept free: objects are refused (A700) below it, while journal and index go on.
    pub reserve: u64,
    /// How long an object is kept after its custody has ended.
    pub retention: Duration,
    /// Bytes that are taken up so that they can be given up on a full disk; 0: none.
    pub ballast: u64,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            dir: PathBuf::from("spool"),
            reserve: 2 << 30,
            retention: Duration::from_secs(72 * 3600),
            ballast: 64 << 20,
        }
    }
}

/// The spool. Cheap to clone; all clones are one spool.
#[derive(Clone)]
pub struct Spool {
    shared: Arc<Shared>,
}

struct Shared {
    places: Places,
    disk: Arc<dyn Disk>,
    ids: IdSource,
    health: Arc<Health>,
    ballast: Arc<Ballast>,
    journal: Journal,
    committer: Committer,
    bypass: Bypass,
    syncing: Permits,
    judging: Arc<InHand>,
    relaying: Arc<Begun>,
    sending: Arc<InHand>,
    /// Counts what is made for objects, so that no two share a name.
    makings: AtomicU64,
    /// Held as long as any clone or draft lives.
    _lock: Arc<Lock>,
}

impl Spool {
    /// Takes the spool over and puts it in order: steps 1 to 7 of the start-up procedure. Blocks.
    ///
    /// # Errors
    /// When another gate uses it, or it cannot be read or written.
    pub fn open(config: &Config, now: Timestamp) -> Result<(Self, Recovered), SpoolFault> {
        recovery::open(config, Arc::new(RealDisk), now)
    }

    /// Whether another object may come: what an association is accepted by, and what [`Spool::draft`] asks. Cheap,
    /// unless the spool is sick: then it tries the disk every 5 seconds, and blocks for that long.
    ///
    /// # Errors
    /// [`StoreFault::Sick`], [`StoreFault::Full`], or [`StoreFault::Io`] when the room cannot be told.
    pub fn admission(&self) -> Result<(), StoreFault> {
        self.shared.health.check_syncs(Instant::now(), || self.shared.probe())?;
        self.shared.check_room()
    }

    /// Begins an object. Its id is made from `envelope.received`.
    ///
    /// # Errors
    /// As [`Spool::admission`].
    pub fn draft(&self, envelope: &Envelope) -> Result<Draft, StoreFault> {
        self.admission()?;
        let id = self.shared.ids.next(envelope.received);
        Ok(Draft::new(Arc::clone(&self.shared), id, envelope))
    }

    /// As [`Spool::draft`] where that is possible without touching the disk, so that it never blocks. `None` says nothing.
    #[must_use]
    pub fn draft_at_once(&self, envelope: &Envelope) -> Option<Draft> {
        let is_well = self.shared.health.is_known_well(Instant::now());
        is_well.then(|| {
            let id = self.shared.ids.next(envelope.received);
            Draft::new(Arc::clone(&self.shared), id, envelope)
        })
    }

    /// Opens an object: head and footer are checked, the data set is not (see [`StoredObject::verify`]). Blocks.
    ///
    /// # Errors
    /// When there is no such object, when its file is damaged, or when the disk fails.
    pub fn object(&self, id: ObjectId) -> Result<StoredObject, ReadFault> {
        self.shared.object(id)
    }

    /// As [`StoredObject::put_by`]. Blocks.
    pub fn put_by(&self, id: ObjectId) {
        match File::open(self.shared.places.object(id)) {
            Ok(file) => stored::put_by(&file),
            Err(error) => tracing::debug!(object = %id, %error, "not there to be put by"),
        }
    }

    /// Removes objects, and the directories that this empties; each directory is synced once. Those that are gone
    /// already count as removed. Blocks.
    ///
    /// The caller has established that custody of each has ended and that its retention is over; nothing else is
    /// a reason to call this.
    ///
    /// # Errors
    /// When the disk fails; some may have been removed.
    pub fn remove(&self, objects: &[ObjectId]) -> io::Result<()> {
        self.shared.remove(objects)
    }

    /// The objects that are being judged.
    #[must_use]
    pub fn judging(&self) -> &Arc<InHand> {
        &self.shared.judging
    }

    /// When objects were first judged for being relayed.
    #[must_use]
    pub fn relaying(&self) -> &Arc<Begun> {
        &self.shared.relaying
    }

    /// The objects that are being made into what is sent.
    #[must_use]
    pub fn sending(&self) -> &Arc<InHand> {
        &self.shared.sending
    }

    /// The journal, for what cannot be told from an object's file.
    #[must_use]
    pub fn journal(&self) -> &Journal {
        &self.shared.journal
    }

    /// Whether objects pass without being judged.
    #[must_use]
    pub fn bypass(&self) -> &Bypass {
        &self.shared.bypass
    }

    /// What the spool says of itself. Blocks for a system call at most once a second.
    #[must_use]
    pub fn condition(&self) -> Condition {
        let shared = &*self.shared;
        let ballast = shared.ballast.state();
        shared.health.condition(&*shared.disk, shared.places.root(), ballast, Instant::now())
    }

    /// Gives the ballast up, since something beside the spool could not be written for want of room. Says whether it is gone
    /// now, so that it is worth while to try again. Blocks.
    #[must_use]
    pub fn give_up_ballast(&self) -> bool {
        self.shared.ballast.give_up()
    }

    /// Puts the ballast back, if it is missing and there is room for it above the reserve. To be called now and then. Blocks.
    pub fn put_ballast_back(&self) {
        self.shared.ballast.put_back(Instant::now());
    }

    /// The directory that everything durable lies below.
    #[must_use]
    pub fn directory(&self) -> &Path {
        self.shared.places.root()
    }
}

impl Shared {
    fn check_room(&self) -> Result<(), StoreFault> {
        self.health.check_room(&*self.disk, self.places.root(), Instant::now())
    }

    fn object(&self, id: ObjectId) -> Result<StoredObject, ReadFault> {
        let file = File::open(self.places.object(id)).map_err(|source| match source.kind() {
            io::ErrorKind::NotFound => ReadFault::Missing(id),
            _ => ReadFault::Io { id, source },
        })?;
        let stored = StoredObject::open(file).map_err(|source| ReadFault::Io { id, source })?;
        match stored {
            Ok(stored) if stored.id() == id => Ok(stored),
            Ok(other) => Err(ReadFault::Damaged { id, damage: Damage::OtherObject(other.id()) }),
            Err(damage) => Err(ReadFault::Damaged { id, damage }),
        }
    }
}
