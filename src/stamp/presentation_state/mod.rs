//! Mode `presentation-state`: a Softcopy Presentation State beside the images of a series, which shows the text in a corner.
//!
//! Grayscale for grey images, Color for others (PS3.3 A.33.1, A.33.2). The images are not touched. Since a presentation state
//! takes the place of all that an image says of how it is shown, it repeats that: Modality LUT, window or VOI LUT, polarity,
//! shutter, shape of the pixels, overlays. Rendering with it equals rendering without, outside the text; where that cannot be had
//! or cannot be known there is a [`Refusal`] and no presentation state.
//!
//! What is by the standard the same and yet may look different: an image without window is shown over the whole range of its
//! values (PS3.3 C.11.6), while without a presentation state many viewers choose a window by what is in the image.
//!
//! A function of its arguments: same images in any order, same words, same time, same bytes.

mod facts;
mod images;
mod modules;
mod profile;
mod refusal;
#[cfg(test)]
mod tests;
mod words;

use jiff::tz::Offset;

use crate::base::limits::Limits;
use crate::base::time::Timestamp;
use crate::dicom::attribute::{AttributePath, Step};
use crate::dicom::charset::CharacterSet;
use crate::dicom::tags;
use crate::dicom::transfer_syntax::TransferSyntax;
use crate::dicom::uid::Uid;
use crate::object::scan_reader;

pub use super::layout::Corner;
use super::{CharsetPolicy, Provenance};

pub use images::{Images, MOST_IMAGES};
pub use refusal::{Aspect, Refusal};

/// Explicit VR Little Endian, in which presentation states are written.
pub const TRANSFER_SYNTAX: &str = "1.2.840.10008.1.2.1";

/// What is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Words<'a> {
    /// The institution's name with the mark.
    pub text: &'a str,
    /// The same in Latin letters, for images whose character set cannot hold it.
    pub latin: Option<&'a str>,
}

/// All that a presentation state depends on beside its images.
#[derive(Debug, Clone, Copy)]
pub struct StateJob<'a> {
    /// What is shown.
    pub words: Words<'a>,
    /// Where.
    pub corner: Corner,
    /// How the images' text is read: as declared, or as the source's override says.
    pub read_as: &'a CharacterSet,
    /// What to do where the declared character set cannot hold the text.
    pub charset: CharsetPolicy,
    /// Who makes it.
    pub provenance: &'a Provenance,
    /// The zone in which times are written.
    pub timezone: Offset,
    /// When it is made. Not the clock's time but one that follows from the images, such as the arrival of the last: the UIDs
    /// do not depend on it, and one UID must not name two contents.
    pub now: Timestamp,
}

/// An object of our own making.
#[derive(Clone, PartialEq, Eq)]
pub struct NewObject {
    /// SOP Class UID.
    pub sop_class: &'static str,
    /// SOP Instance UID: derived from study, series, the set of images, the words and the corner.
    pub sop_instance: Uid,
    /// Study Instance UID: that of the images.
    pub study: Uid,
    /// Series Instance UID: derived from study and series of the images, so that later presentation states for more of the same
    /// series join the first.
    pub series: Uid,
    /// The data set, in [`TRANSFER_SYNTAX`].
    pub data_set: Vec<u8>,
}

impl std::fmt::Debug for NewObject {
    // The data set names the patient.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "{} of class {}, {} bytes",
            self.sop_instance,
            self.sop_class,
            self.data_set.len()
        )
    }
}

/// The presentation state of images that have been gathered.
///
/// # Errors
/// When there are none, when the text cannot be written beside theirs, or when something is too long to be written.
pub fn build(images: &Images, job: &StateJob<'_>) -> Result<NewObject, Refusal> {
    let common = images.common().ok_or(Refusal::NoImages)?;
    let written = words::written(&common.identity, job)?;
    let shared = &common.shared;
    let mut object = NewObject {
        sop_class: modules::sop_class(shared.look),
        sop_instance: instance_uid(
            (&shared.study, &shared.series),
            (job.words, job.corner),
            images.references().map(|(_, instance)| instance),
        ),
        study: shared.study.clone(),
        series: Uid::derived(
            "presentation state series",
            &[shared.study.as_str(), shared.series.as_str()],
        ),
        data_set: Vec::new(),
    };
    let mut elements = written.elements;
    elements.extend(modules::identification(&object, job));
    elements.extend(modules::look(images, common));
    elements.extend(modules::annotation(images, common, job, &written.text));
    elements.sort_by_key(|element| element.tag);
    let encoding = TransferSyntax::of(TRANSFER_SYNTAX).encoding;
    for element in &elements {
        element.encode(encoding, &mut object.data_set)?;
    }
    check_text(&object.data_set, job.words)?;
    Ok(object)
}

/// Reads what was made again: it shows the words that the images' Institution Name has (MRK-003).
fn check_text(data_set: &[u8], words: Words<'_>) -> Result<(), Refusal> {
    let syntax = TransferSyntax::of(TRANSFER_SYNTAX);
    let scan = scan_reader(data_set, syntax, Limits::default()).map_err(|_| Refusal::OtherText)?;
    let view = scan.header;
    let first = |sequence| Step { sequence, item: 0 };
    let steps = vec![first(tags::GRAPHIC_ANNOTATION_SEQUENCE), first(tags::TEXT_OBJECT_SEQUENCE)];
    let text = view.at(&AttributePath { steps, tag: tags::UNFORMATTED_TEXT_VALUE });
    let text = text.and_then(|element| view.text(element, &view.charset()));
    let text = text.map(|text| text.values.join("\\")).unwrap_or_default();
    let is_right = text == words.text || Some(text.as_str()) == words.latin;
    if is_right { Ok(()) } else { Err(Refusal::OtherText) }
}

/// The SOP Instance UID of a presentation state of `instances`, in ascending order, of a study and series: what [`build`] gives it,
/// known before any of the images is read.
pub fn instance_uid<'a>(
    (study, series): (&'a Uid, &'a Uid),
    (words, corner): (Words<'a>, Corner),
    instances: impl Iterator<Item = &'a Uid>,
) -> Uid {
    let corner = match corner {
        Corner::TopLeft => "top left",
        Corner::TopRight => "top right",
        Corner::BottomLeft => "bottom left",
        Corner::BottomRight => "bottom right",
    };
    let latin = words.latin.unwrap_or_default();
    let mut parts = vec![study.as_str(), series.as_str(), words.text, latin, corner];
    parts.extend(instances.map(Uid::as_str));
    Uid::derived("presentation state", &parts)
}
