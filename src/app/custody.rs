//! Opens spool and ledger, and brings the second up to what the first knows: the part of the start-up procedure (head of
//! [`crate::spool`]) for which both are needed.

use std::sync::Arc;
use std::sync::mpsc::sync_channel;

use jiff::tz::Offset;

use crate::base::limits::Limits;
use crate::base::time::Timestamp;
use crate::dicom::tags;
use crate::dicom::uid::Uid;
use crate::ledger::{self, DurableLog, Ledger, LedgerFault, LogFault, ObjectRow, Witnessed};
use crate::object::{Scan, scan_reader};
use crate::observe::audit::{self, Entry, Object};
use crate::observe::{Audit, Metrics};
use crate::spool::{
    self, Leftover, ObjectId, Priority, ReadFault, Spool, SpoolFault, StoredObject,
};

/// Rows that may wait between the one who finds objects and the one who enters them.
const FOUND: usize = 256;

/// Why custody could not be taken up again.
#[derive(Debug, thiserror::Error)]
pub enum CustodyFault {
    /// The spool.
    #[error(transparent)]
    Spool(#[from] SpoolFault),
    /// The ledger.
    #[error("ledger: {0}")]
    Ledger(#[from] LedgerFault),
    /// The audit trail.
    #[error("the audit trail has no thread: {0}")]
    Audit(#[source] std::io::Error),
    /// The journal.
    #[error("the journal cannot be read: {0}")]
    Journal(#[source] std::io::Error),
}

/// Spool and ledger, in agreement.
pub(super) struct Custody {
    pub(super) spool: Spool,
    pub(super) ledger: Ledger,
    /// What the trail is told with.
    pub(super) audit: Audit,
    /// Objects whose custody had not ended and whose files are gone.
    pub(super) lost: u64,
}

/// The spool's journal as the ledger's durable log, and the audit trail that hears of what has taken effect.
struct Log(Spool, Audit);

impl DurableLog for Log {
    fn append(&mut self, records: &[Vec<u8>]) -> Result<u64, LogFault> {
        self.0.journal().append(records).map_err(|fault| Arc::new(fault) as LogFault)
    }

    fn make_room(&mut self) -> bool {
        self.0.give_up_ballast()
    }

    fn witnessed(&mut self, events: Vec<Witnessed>) {
        self.1.record_all(events.into_iter().filter_map(super::audit::entry).collect());
    }

    fn lost(&mut self, objects: &[ObjectId]) {
        let lost = |object: &ObjectId| Entry::Lost { object: Object::named(*object) };
        self.1.record_all(objects.iter().map(lost).collect());
    }
}

/// Opens both and reconciles them. Blocks; not to be called on an async thread.
///
/// # Errors
/// When another gate uses the spool, or the disk does not do what it must.
pub(super) fn open(
    config: &spool::Config,
    offset: Offset,
    metrics: &Arc<Metrics>,
    now: Timestamp,
) -> Result<Custody, CustodyFault> {
    let (spool, recovered) = Spool::open(config, now)?;
    // Behind the lock: a second gate on this spool must not write a line.
    let audit = Audit::open(&audit::folder(&config.dir), metrics).map_err(CustodyFault::Audit)?;
    if recovered.drafts > 0 {
        tracing::info!(drafts = recovered.drafts, "objects that were never acknowledged are gone");
    }
    let index = ledger::Config { path: config.dir.join("ledger.sqlite"), offset };
    let ledger = Ledger::open(&index, Box::new(Log(spool.clone(), audit.clone())), now)?;
    if ledger.is_fresh() {
        tracing::info!("the ledger is built from the spool");
    }
    let lost = reconcile(&spool, &ledger, &audit, metrics)?;
    Ok(Custody { spool, ledger, audit, lost })
}

fn reconcile(
    spool: &Spool,
    ledger: &Ledger,
    audit: &Audit,
    metrics: &Metrics,
) -> Result<u64, CustodyFault> {
    let known = ledger.known()?;
    let applied = ledger.applied()?;
    let mut records = spool.journal().replay(applied).map_err(CustodyFault::Journal)?;
    let (found, rows) = sync_channel::<ObjectRow>(FOUND);
    let (compared, rebuilt) = std::thread::scope(|threads| {
        let comparing = threads.spawn(|| {
            let found = found;
            let (mut missing, mut adopted) = (Vec::new(), 0_u64);
            let compared = spool.reconcile(&known, |leftover| match leftover {
                Leftover::Adopted(stored) => {
                    let id = stored.id();
                    match row(&stored) {
                        Ok(row) => {
                            tracing::debug!(object = %id, "an object in the spool is entered in the ledger");
                            adopted += 1;
                            if found.send(row).is_err() {
                                tracing::error!(object = %id, "the ledger has failed");
                            }
                        }
                        Err(fault) => unreadable(id, &fault, audit, metrics),
                    }
                }
                leftover => missing.extend(tell(leftover, audit, metrics)),
            });
            if adopted > 0 {
                tracing::info!(objects = adopted, "entered in the ledger: it did not know them");
            }
            compared.map(|()| missing)
        });
        let rebuilt = ledger.rebuild(rows.iter(), records.by_ref());
        (comparing.join(), rebuilt)
    });
    for damage in records.finish().map_err(CustodyFault::Journal)? {
        tracing::error!(segment = damage.segment, bytes = ?damage.bytes, "the journal is damaged");
    }
    let replayed = rebuilt?;
    if replayed.unreadable > 0 {
        tracing::error!(
            records = replayed.unreadable,
            "the journal holds records that are no events of this program: what they say is not known"
        );
    }
    let missing = match compared {
        Ok(compared) => compared?,
        Err(panic) => std::panic::resume_unwind(panic),
    };
    let mut lost = ledger.missing(missing)?;
    lost.extend(replayed.lost);
    for object in &lost {
        tracing::error!(%object, "LOST: the ledger has this object in custody and the spool has no file of it");
    }
    Ok(lost.len() as u64)
}

/// Tells of what is no object to be adopted; gives the id of one that has no file.
fn tell(leftover: Leftover, audit: &Audit, metrics: &Metrics) -> Option<ObjectId> {
    match leftover {
        Leftover::Lost(id) => return Some(id),
        Leftover::Corrupt { id, damage } => {
            tracing::error!(object = %id, %damage, "a damaged file has been moved to corrupt/");
            let object = Object::named(id);
            audit.record(Entry::Damaged { object, what: damage.to_string() });
        }
        Leftover::Unreadable(ReadFault::Io { id, source }) => {
            unreadable(id, &source, audit, metrics);
        }
        Leftover::Unreadable(fault @ (ReadFault::Missing(_) | ReadFault::Damaged { .. })) => {
            tracing::error!(%fault, "a file cannot be read");
        }
        Leftover::Stray(name) => {
            tracing::warn!(name = name.escape_default().to_string(), "a stray name in objects/");
        }
        Leftover::Adopted(stored) => {
            tracing::debug!(object = %stored.id(), "adopted");
        }
    }
    None
}

/// An object that the ledger does not know, and that the disk does not give back: nobody else will come across it.
fn unreadable(id: ObjectId, fault: &std::io::Error, audit: &Audit, metrics: &Metrics) {
    metrics.damaged.inc();
    tracing::error!(object = %id, %fault, "an object cannot be read, and is not entered in the ledger");
    let what = format!("cannot be read: {fault}");
    audit.record(Entry::Damaged { object: Object::named(id), what });
}

/// The ledger's row of an object that only its file tells of.
fn row(stored: &StoredObject) -> std::io::Result<ObjectRow> {
    let envelope = stored.envelope();
    let scan = scan_reader(stored.reader(), envelope.syntax(), Limits::default())?;
    let uid =
        |scan: &Scan, tag| scan.header.string(tag).map(|uid| Uid::new(&uid)).unwrap_or_default();
    Ok(ObjectRow {
        id: stored.id(),
        received: envelope.received,
        calling_ae: envelope.calling_ae.clone(),
        called_ae: envelope.called_ae.clone(),
        peer: envelope.peer,
        transfer_syntax: envelope.transfer_syntax.clone(),
        sop_class: envelope.sop_class.clone(),
        sop_instance: envelope.sop_instance.clone(),
        study: uid(&scan, tags::STUDY_INSTANCE_UID),
        series: uid(&scan, tags::SERIES_INSTANCE_UID),
        length: stored.length(),
        hash: stored.hash(),
        urgent: envelope.priority == Priority::High,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::fixture;
    use crate::base::time::now;
    use crate::phantom::{Kind, Specimen};
    use crate::spool::rot::make_unreadable;

    #[test]
    fn a_file_that_cannot_be_read_at_the_start_is_counted_and_audited() {
        let dir = tempfile::TempDir::new().expect("a directory");
        let config = spool::Config {
            dir: dir.path().join("spool"),
            reserve: 0,
            ballast: 0,
            ..spool::Config::default()
        };
        let (spool, _) = Spool::open(&config, now()).expect("a spool");
        let specimen = Specimen::new(Kind::Ct, 7).size(16, 16);
        let mut draft = spool.draft(&fixture::envelope(&specimen, now())).expect("admitted");
        draft.write(&specimen.data_set()).expect("written");
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let receipt = runtime.expect("a runtime").block_on(draft.commit()).expect("committed");
        let id = receipt.id();
        make_unreadable(&spool, id);
        drop((spool, receipt));
        let metrics = Arc::new(Metrics::new());
        let custody = open(&config, Offset::UTC, &metrics, now()).expect("opens");
        assert_eq!((custody.lost, metrics.damaged.get()), (0, 1));
        assert!(custody.audit.settle());
        let trail = audit::folder(&config.dir);
        let written = std::fs::read_dir(trail).expect("a trail").flatten();
        let told = written.map(|entry| std::fs::read_to_string(entry.path()).expect("text"));
        let told: Vec<String> = told.filter(|text| text.contains(&id.to_string())).collect();
        assert!(told.iter().any(|text| text.contains("cannot be read")), "{told:?}");
    }
}
