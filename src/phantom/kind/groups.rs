//! Functional groups (PS3.3 C.7.6.16) that every multi-frame class writes the same way.

use super::super::data_set::{Code, DataSet, Value};
use super::super::identity::uid;
use super::super::specimen::Specimen;
use crate::dicom::{Tag, VR, tags};

/// An item with what `fill` puts in.
pub(super) fn item(fill: impl FnOnce(&mut DataSet)) -> DataSet {
    let mut item = DataSet::default();
    fill(&mut item);
    item
}

/// Parallel slices of one region, in what all of them share.
pub(super) struct Stack<'a> {
    /// Millimetres of a pixel.
    pub(super) spacing: &'a str,
    /// Millimetres.
    pub(super) thickness: &'a str,
    /// Millimetres from slice to slice, where that is said.
    pub(super) apart: Option<&'a str>,
    /// Image Orientation (Patient).
    pub(super) orientation: &'a str,
    /// Frame Laterality, and what is seen.
    pub(super) anatomy: (&'a str, Code),
    /// Rescale Intercept and Rescale Type; the slope is 1.
    pub(super) rescale: (&'a str, &'a str),
    /// Window Center and Width.
    pub(super) window: (&'a str, &'a str),
    /// What the window shows, where that is said.
    pub(super) shows: Option<&'a str>,
}

impl Stack<'_> {
    /// Puts it into the shared groups.
    pub(super) fn share(&self, groups: &mut DataSet) {
        let measures = item(|group| {
            group
                .text(tags::PIXEL_SPACING, format!("{0}\\{0}", self.spacing))
                .text(tags::SLICE_THICKNESS, self.thickness);
            if let Some(apart) = self.apart {
                group.text(tags::SPACING_BETWEEN_SLICES, apart);
            }
        });
        let orientation = item(|group| {
            group.text(tags::IMAGE_ORIENTATION_PATIENT, self.orientation);
        });
        let (laterality, region) = self.anatomy;
        let anatomy = item(|group| {
            group
                .text(tags::FRAME_LATERALITY, laterality)
                .code(tags::ANATOMIC_REGION_SEQUENCE, region);
        });
        let (intercept, measured) = self.rescale;
        let rescale = item(|group| {
            group
                .text(tags::RESCALE_INTERCEPT, intercept)
                .text(tags::RESCALE_SLOPE, "1")
                .text(tags::RESCALE_TYPE, measured);
        });
        let (center, width) = self.window;
        let window = item(|group| {
            group.text(tags::WINDOW_CENTER, center).text(tags::WINDOW_WIDTH, width);
            if let Some(shows) = self.shows {
                group.text(tags::WINDOW_CENTER_WIDTH_EXPLANATION, shows);
            }
        });
        groups
            .item(tags::PIXEL_MEASURES_SEQUENCE, measures)
            .item(tags::PLANE_ORIENTATION_SEQUENCE, orientation)
            .item(tags::FRAME_ANATOMY_SEQUENCE, anatomy)
            .item(tags::PIXEL_VALUE_TRANSFORMATION_SEQUENCE, rescale)
            .item(tags::FRAME_VOILUT_SEQUENCE, window);
    }
}

/// The groups of one frame of a stack, from 0: its place there and in space. `acquired` is a date of the acquisition and how
/// many milliseconds that took, where it is said of each frame.
pub(super) fn in_stack(index: u32, position: &str, acquired: Option<(&str, f64)>) -> DataSet {
    let number = Value::Longs(vec![index + 1]);
    let content = item(|group| {
        group
            .number(tags::FRAME_ACQUISITION_NUMBER, 1)
            .text(tags::STACK_ID, "1")
            .set(tags::IN_STACK_POSITION_NUMBER, VR::UL, number.clone())
            .set(tags::DIMENSION_INDEX_VALUES, VR::UL, number);
        if let Some((date, duration)) = acquired {
            let at = format!("{date}093300.000000+0800");
            group
                .text(tags::FRAME_REFERENCE_DATE_TIME, at.as_str())
                .text(tags::FRAME_ACQUISITION_DATE_TIME, at.as_str())
                .double(tags::FRAME_ACQUISITION_DURATION, duration);
        }
    });
    let place = item(|group| {
        group.text(tags::IMAGE_POSITION_PATIENT, position);
    });
    item(|groups| {
        groups
            .item(tags::FRAME_CONTENT_SEQUENCE, content)
            .item(tags::PLANE_POSITION_SEQUENCE, place);
    })
}

/// PS3.3 C.7.6.17: frames are ordered by their place in the stack. `organization` tells that of one class from that of another.
pub(super) fn dimensions(specimen: &Specimen, organization: &str, set: &mut DataSet) {
    let organization = uid(specimen.seed, organization);
    let own = item(|own| {
        own.text(tags::DIMENSION_ORGANIZATION_UID, organization.as_str());
    });
    let pointer = |tag: Tag| Value::Shorts(vec![tag.group(), tag.element()]);
    let mut index = own.clone();
    index.set(tags::DIMENSION_INDEX_POINTER, VR::AT, pointer(tags::IN_STACK_POSITION_NUMBER)).set(
        tags::FUNCTIONAL_GROUP_POINTER,
        VR::AT,
        pointer(tags::FRAME_CONTENT_SEQUENCE),
    );
    set.item(tags::DIMENSION_ORGANIZATION_SEQUENCE, own)
        .item(tags::DIMENSION_INDEX_SEQUENCE, index);
}
