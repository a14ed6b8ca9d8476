//! What the data set says of display: at the top level, or in the functional groups of an enhanced object.

use crate::codec::FrameShape;
use crate::dicom::photometric::Photometric;
use crate::dicom::{Tag, tags};
use crate::object::{HeaderView, Item};

use super::DisplayFault;
use super::grey::{Grey, Modality, Voi};
use super::palette::Palette;
use super::table::Table;
use super::window::{Curve, Window};

/// The pipeline of a monochrome image.
pub(super) fn grey(
    view: &HeaderView,
    shape: &FrameShape,
    frame: u32,
) -> Result<Grey, DisplayFault> {
    let modality = modality(view, shape, frame)?;
    let (low, high) = shape.range();
    let grey = Grey { modality, voi: Voi::Whole(0.0, 0.0), inverse: is_inverse(view, shape) };
    let voi = match voi(view, frame, &grey, low < 0)? {
        Some(voi) => voi,
        None => {
            let (one, other) = match &grey.modality {
                Modality::Rescale { .. } => (grey.value(low), grey.value(high)),
                Modality::Table(table) => (0.0, f64::from(table.max)),
            };
            Voi::Whole(one.min(other), one.max(other))
        }
    };
    Ok(Grey { voi, ..grey })
}

/// Presentation LUT Shape (2050,0020) is the last word where there is one (PS3.3 C.8.11.3.1.2, C.11.6); without it
/// the lowest value of MONOCHROME1 is white.
fn is_inverse(view: &HeaderView, shape: &FrameShape) -> bool {
    match view.string(tags::PRESENTATION_LUT_SHAPE).as_deref() {
        Some("INVERSE") => true,
        Some("IDENTITY") => false,
        Some(_) | None => shape.photometric == Photometric::Monochrome1,
    }
}

fn modality(view: &HeaderView, shape: &FrameShape, frame: u32) -> Result<Modality, DisplayFault> {
    if let Some(item) = first_item(view, tags::MODALITY_LUT_SEQUENCE) {
        return Ok(Modality::Table(table(view, &item, shape.signed)?));
    }
    let groups = view.functional_group(frame, tags::PIXEL_VALUE_TRANSFORMATION_SEQUENCE);
    let number = |tag: Tag| -> Result<Option<f64>, DisplayFault> {
        let found = groups.as_ref().and_then(|item| item.find(tag)).or_else(|| view.find(tag));
        let Some(element) = found.filter(|element| element.length() > 0) else { return Ok(None) };
        view.numbers(element).first().copied().map(Some).ok_or(DisplayFault::Rescale)
    };
    let slope = number(tags::RESCALE_SLOPE)?.unwrap_or(1.0);
    let intercept = number(tags::RESCALE_INTERCEPT)?.unwrap_or(0.0);
    if slope == 0.0 {
        return Err(DisplayFault::Rescale);
    }
    Ok(Modality::Rescale { slope, intercept })
}

/// The first window, else the first VOI LUT, else nothing.
fn voi(
    view: &HeaderView,
    frame: u32,
    grey: &Grey,
    signed: bool,
) -> Result<Option<Voi>, DisplayFault> {
    let groups = view.functional_group(frame, tags::FRAME_VOILUT_SEQUENCE);
    let first = |tag: Tag| {
        let found = groups.as_ref().and_then(|item| item.find(tag)).or_else(|| view.find(tag));
        view.numbers(found?).first().copied()
    };
    if let (Some(center), Some(width)) = (first(tags::WINDOW_CENTER), first(tags::WINDOW_WIDTH))
        && width > 0.0
    {
        let function = groups.as_ref().and_then(|item| item.string(tags::VOILUT_FUNCTION));
        let curve = match function.or_else(|| view.string(tags::VOILUT_FUNCTION)).as_deref() {
            Some("SIGMOID") => Curve::Sigmoid,
            Some("LINEAR_EXACT") => Curve::LinearExact,
            Some(_) | None => Curve::Linear,
        };
        return Ok(Some(Voi::Window(Window { center, width, curve })));
    }
    let Some(item) = first_item(view, tags::VOILUT_SEQUENCE) else { return Ok(None) };
    // PS3.3 C.11.2.1.1: inputs are signed where what the Modality LUT gives can be.
    let signed = match grey.modality {
        Modality::Rescale { intercept, .. } => signed || intercept < 0.0,
        Modality::Table(_) => false,
    };
    table(view, &item, signed).map(|table| Some(Voi::Table(table)))
}

fn table(view: &HeaderView, item: &Item<'_>, signed: bool) -> Result<Table, DisplayFault> {
    let descriptor = item.find(tags::LUT_DESCRIPTOR).ok_or(DisplayFault::Table)?;
    let data = item.find(tags::LUT_DATA).ok_or(DisplayFault::Table)?;
    Table::read(view, descriptor, data, signed)
}

/// The tables of a palette; segmented ones are not read.
pub(super) fn palette(view: &HeaderView) -> Result<Palette, DisplayFault> {
    let table = |descriptor: Tag, data: Tag| {
        let descriptor = view.find(descriptor).ok_or(DisplayFault::Palette)?;
        let data = view.find(data).ok_or(DisplayFault::Palette)?;
        Table::read(view, descriptor, data, false)
    };
    Ok(Palette {
        red: table(
            tags::RED_PALETTE_COLOR_LOOKUP_TABLE_DESCRIPTOR,
            tags::RED_PALETTE_COLOR_LOOKUP_TABLE_DATA,
        )?,
        green: table(
            tags::GREEN_PALETTE_COLOR_LOOKUP_TABLE_DESCRIPTOR,
            tags::GREEN_PALETTE_COLOR_LOOKUP_TABLE_DATA,
        )?,
        blue: table(
            tags::BLUE_PALETTE_COLOR_LOOKUP_TABLE_DESCRIPTOR,
            tags::BLUE_PALETTE_COLOR_LOOKUP_TABLE_DATA,
        )?,
    })
}

fn first_item(view: &HeaderView, sequence: Tag) -> Option<Item<'_>> {
    view.items(view.find(sequence)?).next()
}
