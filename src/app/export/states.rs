//! One presentation state for each series of copies that are to have one.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use crate::app::presentation_states::CORNER;
pub(super) use crate::app::presentation_states::KEPT;
use crate::base::limits::Limits;
use crate::base::time::Timestamp;
use crate::dicom::charset::CharacterSet;
use crate::dicom::transfer_syntax::TransferSyntax;
use crate::dicom::uid::Uid;
use crate::dicom::{IMPLEMENTATION_CLASS_UID, tags};
use crate::object::edit::EditFault;
use crate::object::part10::FileMeta;
use crate::object::{HeaderView, Scan, scan_reader};
use crate::pipeline::{Site, Verdict};
pub(super) use crate::stamp::presentation_state::TRANSFER_SYNTAX;
use crate::stamp::presentation_state::{Images, Refusal, StateJob, Words, build};
use crate::stamp::{Obstacle, Provenance, Wording, wording};

/// Series that are to have one, by series and mark.
#[derive(Default)]
pub(super) struct States(BTreeMap<(Uid, String), Due>);

/// The images of one series.
struct Due {
    images: Images,
    /// The hash of the rules that the first image was judged by.
    rules: String,
    read_as: CharacterSet,
    words: Wording,
    /// Of the first image.
    folder: PathBuf,
}

/// A state that was made.
pub(super) struct Made {
    /// The folder that it belongs into.
    pub folder: PathBuf,
    /// The whole file.
    pub file: Vec<u8>,
    /// Its elements.
    pub scan: Scan,
}

/// Why there is none.
#[derive(Debug, thiserror::Error)]
pub(super) enum StateFault {
    /// The text cannot be had.
    #[error("no presentation state: {0}")]
    Words(#[from] Obstacle),
    /// It would not show the images as they are.
    #[error("no presentation state: {0}")]
    Refusal(#[from] Refusal),
    /// It cannot be laid out.
    #[error("no presentation state: {0}")]
    Edit(#[from] EditFault),
    /// It cannot be written.
    #[error("no presentation state: {0}")]
    Copy(String),
}

impl States {
    /// Takes in a copy whose mark is to be shown beside it.
    ///
    /// # Errors
    /// When no state can be made for it.
    pub(super) fn add(
        &mut self,
        site: &Site,
        verdict: &Verdict,
        view: &HeaderView,
        read_as: Option<CharacterSet>,
        below: &Path,
    ) -> Result<(), StateFault> {
        let decision = &verdict.decision;
        let institution =
            decision.institution.as_ref().and_then(|id| site.registry.institution(id));
        let (Some(institution), Some(mark)) = (institution, decision.mark()) else {
            return Ok(());
        };
        let names = institution.names_on(decision.exam_date);
        let words = wording(&names, &site.stamp.separator, mark)?;
        let series = Uid::new(&view.string(tags::SERIES_INSTANCE_UID).unwrap_or_default());
        let due = self.0.entry((series, words.text.clone())).or_insert_with(|| Due {
            images: Images::default(),
            rules: verdict.rules.hash().to_owned(),
            read_as: read_as.unwrap_or_else(|| view.charset()),
            words,
            folder: below.parent().map(Path::to_owned).unwrap_or_default(),
        });
        Ok(due.images.add(view)?)
    }

    /// All of them.
    pub(super) fn make(self, site: &Site, now: Timestamp) -> Vec<Result<Made, StateFault>> {
        let due = self.0.into_values().filter(|due| !due.images.is_empty());
        due.map(|due| due.make(site, now)).collect()
    }
}

impl Due {
    fn make(self, site: &Site, now: Timestamp) -> Result<Made, StateFault> {
        let provenance = Provenance {
            ae: site.ae.clone(),
            source: None,
            version: env!("CARGO_PKG_VERSION").to_owned(),
            rules: self.rules,
        };
        let job = StateJob {
            words: Words { text: &self.words.text, latin: self.words.latin.as_deref() },
            corner: CORNER,
            read_as: &self.read_as,
            charset: site.stamp.charset,
            provenance: &provenance,
            timezone: site.stamp.timezone,
            now,
        };
        let object = build(&self.images, &job)?;
        let meta = FileMeta {
            sop_class: Uid::new(object.sop_class),
            sop_instance: object.sop_instance.clone(),
            transfer_syntax: Uid::new(TRANSFER_SYNTAX),
            implementation_class: Uid::new(IMPLEMENTATION_CLASS_UID),
            ..FileMeta::default()
        };
        let mut file = meta.to_bytes()?;
        file.extend_from_slice(&object.data_set);
        let syntax = TransferSyntax::of(TRANSFER_SYNTAX);
        let limits = Limits { value_bytes: KEPT, ..Limits::default() };
        let scan = scan_reader(object.data_set.as_slice(), syntax, limits);
        let scan = scan.map_err(|fault| StateFault::Copy(fault.to_string()))?;
        Ok(Made { folder: self.folder, file, scan })
    }
}

/// A name for a state in a folder of copies, as media allow (PS3.10 §8.2): that of no file there.
pub(super) fn named(out: &Path, folder: &Path) -> PathBuf {
    let names = (1..1_000_000).map(|number| folder.join(format!("PS{number:06}")));
    let mut free = names.filter(|name| fs::symlink_metadata(out.join(name)).is_err());
    free.next().unwrap_or_else(|| folder.join("PS"))
}
