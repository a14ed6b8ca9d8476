//! Makes the presentation states that show the mark beside the images of a series.
//!
//! A state is due once no object of its series has come for the time that the site sets and all have been delivered or are held: so
//! it comes after its images, and nowhere before them. It is made of what the ledger and the spool say, not of what this process
//! remembers, and its SOP Instance UID follows from the images that it shows: one that has been made is found in the ledger by it
//! and is not made again, whatever happened in between.
//!
//! When images of a series come later, a new state shows all of them, in the same new series: whoever opens the newest sees every
//! image with its text. Earlier ones stay right for the images that they name.
//!
//! What is made is an object in custody like any other; see [`receive`](crate::receive) for where it goes.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

use jiff::civil::Date;
use serde::Deserialize;
use tokio_util::sync::CancellationToken;

use super::state::State;
use crate::base::limits::Limits;
use crate::base::time::{Timestamp, now};
use crate::dicom::uid::Uid;
use crate::ledger::{
    Arrival, DeliveryState, Explained, Filter, Ledger, LedgerFault, ObjectRow, ObjectState,
};
use crate::object::{End, scan_reader};
use crate::pipeline::Site;
use crate::policy::admission::{Caller, Proof, Source, admit};
use crate::receive::{OWN_PEER, Work};
use crate::recognition::{InstitutionId, ScopeCode};
use crate::spool::{Envelope, ObjectId, Priority, ReadFault, Spool, StoreFault};
use crate::stamp::presentation_state::{
    Corner, Images, MOST_IMAGES, NewObject, Refusal, StateJob, TRANSFER_SYNTAX, Words, build,
    instance_uid,
};
use crate::stamp::{Obstacle, Provenance, StampMode, wording};

/// How often it is looked for what is due, at most.
const EVERY: Duration = Duration::from_secs(5);

/// Objects that have come since the last look are asked for so many at a time.
const AT_A_TIME: usize = 10_000;

/// Objects of one series that are looked at: its images, some of them more than once.
const LOOKED_AT: usize = 2 * MOST_IMAGES;

/// A lookup table has at most 65,536 entries of two bytes, more than other values that an object is judged by.
pub(super) const KEPT: usize = 256 << 10;

/// Where the text stands.
pub(super) const CORNER: Corner = Corner::BottomRight;

/// Why a presentation state is not made.
#[derive(Debug, thiserror::Error)]
enum Fault {
    #[error(transparent)]
    Ledger(#[from] LedgerFault),
    #[error(transparent)]
    Refused(#[from] Refusal),
    #[error(transparent)]
    Read(#[from] ReadFault),
    #[error(transparent)]
    Store(#[from] StoreFault),
    #[error("the institution's name: {0}")]
    Wording(#[from] Obstacle),
    #[error("an image cannot be read: {0}")]
    Io(#[from] std::io::Error),
    #[error("an image cannot be walked to its end")]
    Unwalkable,
    #[error("the institution {0} is not in the registry any more")]
    NoInstitution(String),
    #[error("the images name another study or series than the ledger")]
    OtherSeries,
}

/// An object is entered in the ledger when it is whole, which may be so much later than its id says.
const LATEST: jiff::SignedDuration = jiff::SignedDuration::from_hours(2);

/// What has been seen of the ledger: a cache, empty at the start.
#[derive(Default)]
struct Watch {
    /// Objects that have been seen, as far back as others may still be entered among them.
    seen: BTreeSet<ObjectId>,
    /// Series with something to look at, and since when nothing has happened to them.
    open: BTreeMap<Uid, Instant>,
}

/// Looks for what is due until told to stop.
pub(super) async fn run(state: Arc<State>, stop: CancellationToken) {
    let mut watch = Watch::default();
    loop {
        let quiet = state.configuration.load().mark.presentation_state_after;
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(EVERY.min(quiet / 4).max(EVERY / 50)) => {}
        }
        if !state.site.load().modes.include(StampMode::PresentationState) {
            continue;
        }
        let ledger = state.ledger.clone();
        let looked = tokio::task::spawn_blocking(move || {
            let due = watch.look(&ledger, quiet, Instant::now());
            (watch, due)
        });
        let due = match looked.await {
            Ok((looked, due)) => {
                watch = looked;
                due
            }
            Err(fault) => {
                tracing::error!(%fault, "looking for presentation states that are due failed");
                watch = Watch::default();
                continue;
            }
        };
        match due {
            Ok(due) => {
                for due in due {
                    add(&state, due).await;
                }
            }
            Err(fault) => {
                tracing::error!(%fault, "presentation states that are due cannot be looked up; it is tried again");
            }
        }
    }
}

/// Images of one series that bear the same mark, all of them delivered somewhere.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Due {
    study: Uid,
    series: Uid,
    institution: String,
    mark: String,
    exam_date: Option<Date>,
    /// The hash of the rules that the first of its images was judged by.
    rules: String,
    images: BTreeMap<Uid, ObjectId>,
    /// When the last of them came.
    last: Timestamp,
}

impl Watch {
    fn look(
        &mut self,
        ledger: &Ledger,
        quiet: Duration,
        now: Instant,
    ) -> Result<Vec<Due>, LedgerFault> {
        self.notice(ledger, now)?;
        let is_quiet = |since: &Instant| now.saturating_duration_since(*since) >= quiet;
        let quiet = self.open.iter().filter(|(_, since)| is_quiet(since));
        let quiet: Vec<Uid> = quiet.map(|(series, _)| series.clone()).collect();
        let mut due = Vec::new();
        for series in quiet {
            let filter = Filter { series: Some(series.clone()), ..Filter::default() };
            let (groups, is_over) = groups(&series, &ledger.explain(&filter, LOOKED_AT)?);
            due.extend(groups);
            if is_over {
                self.open.remove(&series);
            } else {
                self.open.insert(series, now);
            }
        }
        Ok(due)
    }

    /// Opens the series of objects that have not been seen.
    fn notice(&mut self, ledger: &Ledger, now: Instant) -> Result<(), LedgerFault> {
        let earliest = self.seen.last().map(|newest| {
            let at = newest.time().checked_sub(LATEST).unwrap_or(Timestamp::MIN);
            ObjectId::from_u128(u128::try_from(at.as_millisecond()).unwrap_or_default() << 80)
        });
        let mut after = earliest;
        loop {
            let page = ledger.series_after(after, AT_A_TIME)?;
            let is_last = page.len() < AT_A_TIME;
            for (object, series) in page {
                after = Some(object);
                if self.seen.insert(object) {
                    self.open.insert(series, now);
                }
            }
            if is_last {
                break;
            }
        }
        if let Some(earliest) = earliest {
            self.seen = self.seen.split_off(&earliest);
        }
        Ok(())
    }
}

/// The part of a verdict's report that is of interest here.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Report {
    modes: Vec<String>,
    institution: Option<String>,
    mark: Option<String>,
    exam_date: Option<String>,
}

/// What is due for a series, of whose objects the newest come first; and whether nothing more can become due without a new object.
fn groups(series: &Uid, objects: &[Explained]) -> (Vec<Due>, bool) {
    let mut is_over = true;
    let mut seen = BTreeSet::new();
    let mut groups: BTreeMap<(String, String), Due> = BTreeMap::new();
    for object in objects {
        // Of several versions the newest is what destinations have.
        if !seen.insert(&object.sop_instance) {
            continue;
        }
        match object.state {
            ObjectState::Received | ObjectState::Forwarding => return (Vec::new(), false),
            ObjectState::Held => is_over = false,
            ObjectState::Delivered => {}
            ObjectState::Rejected | ObjectState::Suppressed | ObjectState::Lost => continue,
        }
        let report = object.verdict.as_ref().map(|verdict| verdict.report.as_str());
        // Written by this program; what cannot be read shows no mode.
        let report: Report =
            report.and_then(|report| serde_json::from_str(report).ok()).unwrap_or_default();
        let is_shown =
            report.modes.iter().any(|mode| mode == StampMode::PresentationState.as_str());
        let is_there = object.deliveries.iter().any(|to| to.state == DeliveryState::Delivered);
        let (true, true, false) = (is_shown, is_there, object.released) else { continue };
        let (Some(institution), Some(mark)) = (report.institution, report.mark) else { continue };
        let exam_date = report.exam_date.and_then(|date| date.parse().ok());
        let group = match groups.entry((institution.clone(), mark.clone())) {
            Entry::Occupied(group) => group.into_mut(),
            Entry::Vacant(none) => none.insert(Due {
                study: object.study.clone(),
                series: series.clone(),
                institution,
                mark,
                exam_date,
                rules: object
                    .verdict
                    .as_ref()
                    .map(|told| told.versions.rules.clone())
                    .unwrap_or_default(),
                images: BTreeMap::new(),
                last: object.received,
            }),
        };
        group.last = group.last.max(object.received);
        group.images.insert(object.sop_instance.clone(), object.id);
    }
    (groups.into_values().collect(), is_over)
}

/// Makes what is due and hands it to whoever sees to objects in custody.
async fn add(state: &Arc<State>, due: Due) {
    let series = due.series.clone();
    let made = {
        let state = Arc::clone(state);
        tokio::task::spawn_blocking(move || {
            make(&state.site.load(), &state.spool, &state.ledger, &due)
        })
    };
    let row = match made.await {
        Ok(Ok(Some(row))) => row,
        Ok(Ok(None)) => return,
        Ok(Err(fault)) => {
            tracing::warn!(%series, %fault, "no presentation state is made of a series");
            return;
        }
        Err(fault) => {
            tracing::error!(%series, %fault, "making a presentation state has failed");
            return;
        }
    };
    let object = row.id;
    tracing::info!(%object, %series, "a presentation state has been made");
    match state.ledger.received(row).await {
        Ok(Arrival::New | Arrival::Again { .. } | Arrival::Conflict { .. }) => {}
        Ok(Arrival::Suppressed { by }) => {
            tracing::info!(%object, %by, "the same bytes are still queued");
            return;
        }
        Err(fault) => {
            // In custody all the same: the next start finds it.
            tracing::error!(%object, %fault, "a presentation state was not entered in the ledger");
            return;
        }
    }
    if state.judging.send(Work::Again(object)).await.is_err() {
        tracing::info!(%object, "a presentation state is sent after the next start");
    }
}

/// Makes a presentation state and takes it into custody; `None` where it has been made before. Blocks.
fn make(
    site: &Site,
    spool: &Spool,
    ledger: &Ledger,
    due: &Due,
) -> Result<Option<ObjectRow>, Fault> {
    let institution = site.registry.institution(&InstitutionId::new(&due.institution));
    let institution = institution.ok_or_else(|| Fault::NoInstitution(due.institution.clone()))?;
    let names = institution.names_on(due.exam_date);
    let wording = wording(&names, &site.stamp.separator, &ScopeCode::new(&due.mark))?;
    let words = Words { text: &wording.text, latin: wording.latin.as_deref() };
    let uid = instance_uid((&due.study, &due.series), (words, CORNER), due.images.keys());
    let made = Filter { sop_instance: Some(uid.clone()), ..Filter::default() };
    if !ledger.explain(&made, 1)?.is_empty() {
        return Ok(None);
    }
    let mut images = Images::default();
    let mut read_as = None;
    for object in due.images.values() {
        let stored = spool.object(*object)?;
        let envelope = stored.envelope();
        let looking = Limits { value_bytes: KEPT, ..Limits::default() };
        let scan = scan_reader(stored.reader(), envelope.syntax(), looking)?;
        if scan.end != End::Complete {
            return Err(Fault::Unwalkable);
        }
        images.add(&scan.header)?;
        read_as.get_or_insert_with(|| {
            source(site, envelope).charset.unwrap_or_else(|| scan.header.charset())
        });
    }
    let read_as = read_as.ok_or(Refusal::NoImages)?;
    let provenance = Provenance {
        ae: site.ae.clone(),
        source: None,
        version: env!("CARGO_PKG_VERSION").to_owned(),
        rules: due.rules.clone(),
    };
    let object = build(
        &images,
        &StateJob {
            words,
            corner: CORNER,
            read_as: &read_as,
            charset: site.stamp.charset,
            provenance: &provenance,
            timezone: site.stamp.timezone,
            now: due.last,
        },
    )?;
    if object.sop_instance != uid {
        return Err(Fault::OtherSeries);
    }
    Ok(Some(keep(site, spool, object)?))
}

fn source(site: &Site, envelope: &Envelope) -> Source {
    let caller = Caller {
        calling: &envelope.calling_ae,
        peer: envelope.peer,
        proof: Proof::Recorded(envelope.certificate.as_deref()),
    };
    admit(&site.sources, &caller).unwrap_or_default().source
}

/// Takes an object of our own making into custody.
fn keep(site: &Site, spool: &Spool, object: NewObject) -> Result<ObjectRow, StoreFault> {
    let envelope = Envelope {
        calling_ae: site.ae.clone(),
        called_ae: site.ae.clone(),
        peer: OWN_PEER,
        certificate: None,
        transfer_syntax: Uid::new(TRANSFER_SYNTAX),
        sop_class: Uid::new(object.sop_class),
        sop_instance: object.sop_instance,
        message_id: 0,
        priority: Priority::Medium,
        received: now(),
    };
    let mut draft = spool.draft(&envelope)?;
    draft.write(&object.data_set)?;
    let receipt = draft.commit_blocking()?;
    Ok(ObjectRow {
        id: receipt.id(),
        received: envelope.received,
        calling_ae: envelope.calling_ae,
        called_ae: envelope.called_ae,
        peer: envelope.peer,
        transfer_syntax: envelope.transfer_syntax,
        sop_class: envelope.sop_class,
        sop_instance: envelope.sop_instance,
        study: object.study,
        series: object.series,
        length: receipt.length(),
        hash: receipt.hash(),
        urgent: false,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ledger::{Answer, Delivery, JudgedAs, Versions};

    const SHOWN: &str =
        r#"{"modes":["presentation-state","tag"],"institution":"here","mark":"BJHR"}"#;
    const TAGGED: &str = r#"{"modes":["tag"],"institution":"here","mark":"BJHR"}"#;

    /// The object that came `nth`.
    fn object(nth: i64, instance: &str, state: ObjectState, report: &str) -> Explained {
        let at = Timestamp::from_second(1_000 + nth).expect("an instant");
        let answer = Answer { status: 0, comment: String::new(), sent: blake3::hash(b""), at };
        let is_delivered = state == ObjectState::Delivered;
        let delivery = Delivery {
            destination: "pacs".to_owned(),
            state: if is_delivered { DeliveryState::Delivered } else { DeliveryState::Queued },
            attempts: 1,
            due: at,
            last_error: String::new(),
            answer: is_delivered.then_some(answer),
        };
        Explained {
            id: ObjectId::parse(&format!("{nth:032x}")).expect("an id"),
            received: at,
            source: "CT01".to_owned(),
            sop_instance: Uid::new(instance),
            study: Uid::new("1.2"),
            hash: String::new(),
            state,
            reasons: Vec::new(),
            released: false,
            verdict: Some(JudgedAs {
                version: 1,
                at,
                mark: None,
                reason: None,
                report: report.to_owned(),
                plan: Vec::new(),
                versions: Versions::default(),
            }),
            deliveries: vec![delivery],
        }
    }

    /// What is due: the instances of each group; and whether nothing more can be.
    #[track_caller]
    fn check(objects: &[Explained], want: &[&[&str]], over: bool) {
        let (due, is_over) = groups(&Uid::new("1.2.3"), objects);
        let found: Vec<Vec<&str>> =
            due.iter().map(|due| due.images.keys().map(Uid::as_str).collect()).collect();
        assert_eq!((found, is_over), (want.iter().map(|group| group.to_vec()).collect(), over));
    }

    #[test]
    fn a_state_is_due_for_what_bears_the_mode_and_has_been_delivered() {
        use ObjectState::{Delivered, Rejected};
        check(&[], &[], true);
        let rest = [object(2, "1.2.3.2", Delivered, SHOWN), object(1, "1.2.3.1", Delivered, SHOWN)];
        check(&rest, &[&["1.2.3.1", "1.2.3.2"]], true);
        check(&[object(1, "1.2.3.1", Delivered, TAGGED)], &[], true);
        check(&[object(1, "1.2.3.1", Rejected, SHOWN)], &[], true);
        let mut released = object(1, "1.2.3.1", Delivered, SHOWN);
        released.released = true;
        check(&[released], &[], true);
    }

    #[test]
    fn nothing_is_due_while_something_is_on_its_way() {
        use ObjectState::{Delivered, Forwarding, Received};
        for state in [Forwarding, Received] {
            let objects =
                [object(2, "1.2.3.2", state, SHOWN), object(1, "1.2.3.1", Delivered, SHOWN)];
            check(&objects, &[], false);
        }
    }

    #[test]
    fn what_is_held_keeps_the_series_open_and_nobody_waiting() {
        use ObjectState::{Delivered, Held};
        let objects = [object(2, "1.2.3.2", Held, SHOWN), object(1, "1.2.3.1", Delivered, SHOWN)];
        check(&objects, &[&["1.2.3.1"]], false);
    }

    #[test]
    fn the_newest_version_of_an_image_counts() {
        use ObjectState::Delivered;
        let objects =
            [object(2, "1.2.3.1", Delivered, TAGGED), object(1, "1.2.3.1", Delivered, SHOWN)];
        check(&objects, &[], true);
    }

    #[test]
    fn each_mark_has_its_own_state() {
        use ObjectState::Delivered;
        let other = SHOWN.replace("BJHR", "JJJHR");
        let objects =
            [object(2, "1.2.3.2", Delivered, &other), object(1, "1.2.3.1", Delivered, SHOWN)];
        check(&objects, &[&["1.2.3.1"], &["1.2.3.2"]], true);
    }
}
