//! The judgement of an object while its modality and its destination wait for it.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

use super::copies::Copies;
use super::onward::Onward;
use super::turns::Turns;
use crate::base::time::{Timestamp, now};
use crate::codec::Frames;
use crate::object::edit::EditPlan;
use crate::object::{End, Scan};
use crate::pipeline::{self, Image, Site, Verdict};
use crate::policy::disposition::Disposition;
use crate::receive::association::Conversation;
use crate::receive::bench::Bench;
use crate::receive::case::Case;
use crate::receive::corners::Corners;
use crate::receive::drawing::{Versions, with_pixels};
use crate::receive::judge::{Judge, POISON};
use crate::receive::studies::Studies;
use crate::receive::written::{is_alike, written};
use crate::relay::Relays;
use crate::spool::{Beginning, Envelope, StoredObject};

/// How long a judgement may take while others wait for it. One takes milliseconds; what takes longer is judged in custody.
const PATIENCE: Duration = Duration::from_secs(5);

/// Judgements at a time, with those that nobody waits for any more: each has a thread.
const ROOM: usize = 16;

/// What relaying needs beside what receiving does.
pub struct Relaying {
    /// Associations with destinations.
    pub relays: Relays,
    /// Where copies of what was relayed go.
    pub copies: Copies,
    /// How objects are judged.
    pub judge: Judge,
    /// Who decodes and repaints frames.
    pub codecs: Arc<dyn Frames>,
    /// Who is told of objects for the sake of their studies.
    pub studies: Studies,
    pub(super) turns: Turns,
    corners: Arc<Corners>,
    room: Arc<Semaphore>,
}

impl Relaying {
    /// With these parts.
    #[must_use]
    pub fn new(
        relays: Relays,
        copies: Copies,
        judge: Judge,
        codecs: Arc<dyn Frames>,
        studies: Studies,
    ) -> Self {
        let (corners, room) = (Arc::default(), Arc::new(Semaphore::new(ROOM)));
        Self { relays, copies, judge, codecs, studies, turns: Turns::default(), corners, room }
    }

    async fn room(&self) -> Option<OwnedSemaphorePermit> {
        timeout(PATIENCE, Arc::clone(&self.room).acquire_owned()).await.ok()?.ok()
    }
}

/// What an object is relayed by.
pub(super) struct Judged {
    pub(super) verdict: Box<Verdict>,
    pub(super) site: Arc<Site>,
    pub(super) at: Timestamp,
    /// Whether its pixels, where it has some, were looked at.
    pub(super) is_whole: bool,
}

/// How an object goes on whose header has come.
pub(super) enum Course {
    /// At once.
    At(Judged),
    /// Once it is judged with its pixels.
    Whole,
    /// Into custody.
    Custody,
}

/// Judges an object by its header.
pub(super) async fn header(
    with: &Conversation<'_>,
    onward: &Onward,
    envelope: &Envelope,
    scan: Scan,
    beginning: &Beginning,
) -> Course {
    let (site, at) = (with.receiver.site.load_full(), beginning.at());
    let bypass = with.receiver.spool.bypass().is_on();
    let case = Case::new(envelope.clone(), with.admitted.source.clone(), scan);
    if !onward.is_wanted(&site, &with.sender) {
        return Course::Custody;
    }
    let Some(room) = with.receiver.relaying.room().await else { return Course::Custody };
    beginning.judging();
    let (judge, looked_at) = (Arc::clone(&with.receiver.relaying.judge), Arc::clone(&site));
    let ledger = with.receiver.ledger.clone();
    let judging = tokio::task::spawn_blocking(move || {
        // What came before binds what goes out now.
        let is_known = ledger.knows(&case.envelope.sop_instance).unwrap_or_else(|fault| {
            tracing::warn!(%fault, "earlier objects cannot be looked up: an object is taken in whole");
            true
        });
        let image = case.image();
        let verdict = match (is_known, bypass) {
            (true, _) => return None,
            (false, true) => pipeline::bypassed(&looked_at, &image, at),
            (false, false) => judge(&looked_at, &image, at),
        };
        let is_final = bypass || pipeline::is_final(&looked_at, &image, &verdict, at);
        drop(room);
        is_final.then(|| Box::new(verdict))
    });
    // A judgement that takes too long has its object found in custody by the next that judges.
    let judged = timeout(PATIENCE, judging).await;
    beginning.judged();
    match judged {
        Ok(Ok(Some(verdict))) => Course::At(Judged { verdict, site, at, is_whole: false }),
        Ok(Ok(None)) => Course::Whole,
        Ok(Err(_)) | Err(_) => Course::Custody,
    }
}

/// Judges an object that has come, with its pixels. `None` where it is to be taken into custody instead.
pub(super) async fn whole(
    (with, onward): (&Conversation<'_>, &Onward),
    envelope: &Envelope,
    scan: Scan,
    stored: &StoredObject,
    beginning: &Beginning,
) -> Option<Judged> {
    let receiver = with.receiver;
    let (site, at) = (receiver.site.load_full(), beginning.at());
    let bypass = receiver.spool.bypass().is_on();
    if beginning.found() >= POISON {
        tracing::error!(
            starts = beginning.found(),
            "POISON: the gate has ended whenever it judged an object for being relayed; it is taken into custody"
        );
        return None;
    }
    if !onward.is_wanted(&site, &with.sender) || scan.end != End::Complete {
        return None;
    }
    let case = Case::new(envelope.clone(), with.admitted.source.clone(), scan);
    let room = receiver.relaying.room().await?;
    beginning.judging();
    let judging = {
        let (ledger, spool) = (receiver.ledger.clone(), receiver.spool.clone());
        let (stored, site) = (stored.clone(), Arc::clone(&site));
        let judge = Arc::clone(&receiver.relaying.judge);
        let codecs = Arc::clone(&receiver.relaying.codecs);
        let corners = Arc::clone(&receiver.relaying.corners);
        let keys = receiver.relaying.studies.keys().clone();
        let is_repeated = beginning.is_repeated();
        tokio::task::spawn_blocking(move || {
            // What has been told of one version binds the next; where that cannot be had, custody is the place to wait for it.
            let instance = &case.envelope.sop_instance;
            let before = ledger.earlier_verdict(instance, &stored.hash()).ok()?;
            if before.is_none() && ledger.knows(instance).ok()? {
                return None;
            }
            let object = stored.id();
            let image = Image { keys: Some(&keys), ..case.image() };
            let mut verdict = if bypass {
                pipeline::bypassed(&site, &image, at)
            } else {
                in_time(is_repeated, at, |at| {
                    let bench = Bench::of(spool.clone(), stored.clone(), Arc::clone(&codecs));
                    let versions = before.as_ref().map(Versions::after).unwrap_or_default();
                    let with = (&bench, &*corners, versions);
                    with_pixels(object, &judge, &site, &image, with, at)
                })
            };
            if let Some(before) = &before
                && is_alike(before, &written(&verdict, &site))
                && let Ok(plan) = EditPlan::from_bytes(&before.plan)
            {
                verdict.plan = plan;
            }
            drop(room);
            Some(verdict)
        })
    };
    let judged = timeout(PATIENCE, judging).await;
    beginning.judged();
    let verdict = judged.ok()?.ok()??;
    match verdict.disposition {
        Disposition::Hold(_) => None,
        Disposition::Forward => {
            Some(Judged { verdict: Box::new(verdict), site, at, is_whole: true })
        }
    }
}

/// The verdict on an object as of when it was first judged for being relayed, if it is the same as of now: no mark outlives its
/// right.
fn in_time(
    is_repeated: bool,
    at: Timestamp,
    mut as_of: impl FnMut(Timestamp) -> Verdict,
) -> Verdict {
    let first = as_of(at);
    if !is_repeated {
        return first;
    }
    let again = as_of(now());
    if first.report() == again.report() { first } else { again }
}
