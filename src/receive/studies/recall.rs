//! Recalls, after a start, the studies that an earlier run has settled, so that later ones are compared with them too.
//!
//! What a study is remembered by is hidden by a secret that no run passes on, so it is looked at again in the spool: of each series a
//! few objects, which tell whose it is and some of its pixels. It is done beside everything else, the oldest study first. Of
//! what has not been recalled yet, nothing is known, and rules are not told otherwise.

use std::collections::HashMap;
use std::sync::Arc;

use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::{Keeping, MOST, look};
use crate::base::limits::Limits;
use crate::codec::Frames;
use crate::dicom::uid::Uid;
use crate::ledger::{Ledger, LedgerFault, StudyObject};
use crate::pipeline::Site;
use crate::receive::bench::Bench;
use crate::spool::Spool;
use crate::standard::study::{Keys, Study, Trace};

/// Studies that are recalled: some days of a large hospital, read within minutes.
const STUDIES: usize = 2_000;

/// Objects of a series that are looked at: a copy of the series has the same.
const OF_A_SERIES: usize = 2;

/// Studies that may wait to be taken in.
const WAITING: usize = 16;

/// Where studies are looked up and looked at.
struct Recalling {
    spool: Spool,
    codecs: Arc<dyn Frames>,
    ledger: Ledger,
    site: Arc<Site>,
    looking: Limits,
    keys: Keys,
}

/// Begins to recall: each study, and `None` once that was all. Without it, it is not known of what has not come that it never was.
pub(super) fn recall(
    with: &Keeping,
    keys: &Keys,
    stop: CancellationToken,
) -> mpsc::Receiver<Option<Trace>> {
    let (recalled, traces) = mpsc::channel(WAITING);
    let recalling = Recalling {
        spool: with.spool.clone(),
        codecs: Arc::clone(&with.codecs),
        ledger: with.ledger.clone(),
        site: with.site.load_full(),
        looking: with.config.load().looking,
        keys: keys.clone(),
    };
    tokio::task::spawn_blocking(move || {
        let settled = recalling.ledger.studies(STUDIES);
        let Ok(settled) = settled.inspect_err(|fault| unknown(None, fault)) else { return };
        let mut is_all = true;
        for row in settled.iter().rev() {
            if stop.is_cancelled() {
                return;
            }
            let study = recalling.study(&row.study);
            let study = study.inspect_err(|fault| unknown(Some(&row.study), fault));
            is_all &= study.is_ok();
            let Ok(Some(study)) = study else { continue };
            if recalled.blocking_send(Some(study.trace())).is_err() {
                return;
            }
        }
        if is_all && recalled.blocking_send(None).is_err() {
            tracing::debug!("studies are recalled and nobody keeps them any more");
        }
    });
    traces
}

fn unknown(study: Option<&Uid>, fault: &LedgerFault) {
    let study = study.map(Uid::as_str);
    tracing::warn!(study, %fault, "studies of an earlier run cannot be recalled: later ones are not compared with them");
}

impl Recalling {
    /// A few objects of each series of a study; `None` when none of them is there any more.
    fn study(&self, uid: &Uid) -> Result<Option<Study>, LedgerFault> {
        let objects = self.ledger.of_study(uid, MOST)?;
        let mut of_series: HashMap<&Uid, usize> = HashMap::new();
        let mut study: Option<Study> = None;
        for object in objects.iter().filter(|object| object.present) {
            let seen = of_series.entry(&object.series).or_default();
            if *seen == OF_A_SERIES {
                continue;
            }
            let Some(part) = self.part(object) else { continue };
            *seen += 1;
            match &mut study {
                Some(study) => study.add(&part),
                None => study = Some(Study::begun_by(&part)),
            }
        }
        Ok(study)
    }

    fn part(&self, object: &StudyObject) -> Option<crate::standard::study::Part> {
        let bench = Bench::new(self.spool.clone(), object.id, Arc::clone(&self.codecs));
        let mark = object.mark.as_deref();
        let looked =
            look(&self.spool, &self.site, self.looking, (object.id, &bench), mark, &self.keys);
        // A study that is recalled in part is compared in part.
        looked.ok().flatten()
    }
}
