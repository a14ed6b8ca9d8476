//! What the data set says about where anatomy is.

use crate::dicom::{Tag, tags};
use crate::object::HeaderView;

use super::ground::Region;
use crate::standard::pixels::is_hounsfield;

/// A side of an image, as stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Side {
    /// Column 0.
    Left,
    /// The last column.
    Right,
}

/// The outline of what is exposed or shown; positions are pixels from 0, those of circles may lie outside the image.
#[derive(Debug, Clone, PartialEq)]
pub enum Outline {
    /// First column, first row, last column, last row.
    Rectangle([f64; 4]),
    /// Column and row of the center, radius.
    Circle([f64; 3]),
    /// Column and row of each corner.
    Polygon(Vec<(f64, f64)>),
}

/// What a placement depends on beside the picture.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct LayoutFacts {
    /// Whether it is a projection by X-rays, whose border outside the exposed field may be bright.
    pub is_projection: bool,
    /// Whether air has a known level: Hounsfield units.
    pub is_ct: bool,
    /// Whether air has no level but that of its noise: magnitudes of MR.
    pub is_mr: bool,
    /// Whether frames are shown as differences from one of them, in which whatever is in all of them vanishes (Mask Subtraction,
    /// PS3.3 C.7.6.10).
    pub is_subtracted: bool,
    /// Whether it is a captured picture, which may be flat at any level.
    pub is_capture: bool,
    /// Whether it is a mammogram, which has a chest wall.
    pub is_mammogram: bool,
    /// Where the chest wall of a mammogram is, as the data set says.
    pub chest_wall: Option<Side>,
    /// Display Shutter (PS3.3 C.7.6.11): viewers hide what is outside any of them.
    pub shutter: Vec<Outline>,
    /// Collimator (PS3.3 C.8.7.3.1): nothing was exposed outside any of them.
    pub collimator: Vec<Outline>,
}

impl LayoutFacts {
    /// What a data set says.
    #[must_use]
    pub fn of(view: &HeaderView) -> Self {
        let modality = view.string(tags::MODALITY).unwrap_or_default();
        let modality = modality.as_str();
        let is_mammogram = modality == "MG";
        Self {
            is_projection: matches!(
                modality,
                "CR" | "DX" | "MG" | "PX" | "IO" | "RF" | "XA" | "RG" | "RTIMAGE"
            ),
            is_ct: is_hounsfield(view),
            is_mr: modality == "MR",
            is_subtracted: view.string(tags::RECOMMENDED_VIEWING_MODE).as_deref() == Some("SUB"),
            is_capture: matches!(modality, "OT" | "SC" | "XC" | "ES" | "US" | "DOC" | "GM" | "SM"),
            is_mammogram,
            chest_wall: if is_mammogram { chest_wall(view) } else { None },
            shutter: outlines(view, &SHUTTER),
            collimator: outlines(view, &COLLIMATOR),
        }
    }
}

/// Patient Orientation (0020,0020) says it: rows that lead towards the front of the patient begin at the chest wall. Without
/// it Image Laterality does not tell, because images are stored either way round.
fn chest_wall(view: &HeaderView) -> Option<Side> {
    let rows = view.string(tags::PATIENT_ORIENTATION)?;
    match rows.chars().next()? {
        'A' => Some(Side::Left),
        'P' => Some(Side::Right),
        _ => None,
    }
}

/// The attributes of one kind of outline.
struct Attributes {
    shape: Tag,
    left: Tag,
    right: Tag,
    upper: Tag,
    lower: Tag,
    center: Tag,
    radius: Tag,
    vertices: Tag,
}

const SHUTTER: Attributes = Attributes {
    shape: tags::SHUTTER_SHAPE,
    left: tags::SHUTTER_LEFT_VERTICAL_EDGE,
    right: tags::SHUTTER_RIGHT_VERTICAL_EDGE,
    upper: tags::SHUTTER_UPPER_HORIZONTAL_EDGE,
    lower: tags::SHUTTER_LOWER_HORIZONTAL_EDGE,
    center: tags::CENTER_OF_CIRCULAR_SHUTTER,
    radius: tags::RADIUS_OF_CIRCULAR_SHUTTER,
    vertices: tags::VERTICES_OF_THE_POLYGONAL_SHUTTER,
};

const COLLIMATOR: Attributes = Attributes {
    shape: tags::COLLIMATOR_SHAPE,
    left: tags::COLLIMATOR_LEFT_VERTICAL_EDGE,
    right: tags::COLLIMATOR_RIGHT_VERTICAL_EDGE,
    upper: tags::COLLIMATOR_UPPER_HORIZONTAL_EDGE,
    lower: tags::COLLIMATOR_LOWER_HORIZONTAL_EDGE,
    center: tags::CENTER_OF_CIRCULAR_COLLIMATOR,
    radius: tags::RADIUS_OF_CIRCULAR_COLLIMATOR,
    vertices: tags::VERTICES_OF_THE_POLYGONAL_COLLIMATOR,
};

/// The outlines that an image has; one that is not whole is left out.
fn outlines(view: &HeaderView, attributes: &Attributes) -> Vec<Outline> {
    let Some(shape) = view.find(attributes.shape) else { return Vec::new() };
    let shapes = view.strings(shape);
    shapes.iter().filter_map(|shape| outline(view, attributes, shape)).collect()
}

fn outline(view: &HeaderView, attributes: &Attributes, shape: &str) -> Option<Outline> {
    let numbers = |tag: Tag| view.find(tag).map(|element| view.numbers(element));
    // Rows and columns are counted from 1.
    let one = |tag: Tag| numbers(tag)?.first().map(|number| number - 1.0);
    match shape {
        "RECTANGULAR" => Some(Outline::Rectangle([
            one(attributes.left)?,
            one(attributes.upper)?,
            one(attributes.right)?,
            one(attributes.lower)?,
        ])),
        "CIRCULAR" => {
            let center = numbers(attributes.center)?;
            let [row, column] = center.as_slice() else { return None };
            let radius = *numbers(attributes.radius)?.first()?;
            Some(Outline::Circle([column - 1.0, row - 1.0, radius]))
        }
        "POLYGONAL" => {
            let numbers = numbers(attributes.vertices)?;
            let pairs = numbers.chunks_exact(2).filter_map(|pair| pair.first_chunk::<2>());
            let corners: Vec<_> = pairs.map(|[row, column]| (column - 1.0, row - 1.0)).collect();
            (corners.len() >= 3).then_some(Outline::Polygon(corners))
        }
        _ => None,
    }
}

impl Outline {
    fn contains(&self, x: f64, y: f64) -> bool {
        match self {
            Self::Rectangle([left, top, right, bottom]) => {
                x >= *left && x <= *right && y >= *top && y <= *bottom
            }
            Self::Circle([column, row, radius]) => (x - column).hypot(y - row) <= *radius,
            Self::Polygon(corners) => {
                // Even-odd: how many edges a ray to the right crosses.
                let next = corners.iter().cycle().skip(1);
                let crossed = corners.iter().zip(next).filter(|((ax, ay), (bx, by))| {
                    (*ay > y) != (*by > y) && x < (bx - ax) * (y - ay) / (by - ay) + ax
                });
                crossed.count() % 2 == 1
            }
        }
    }

    /// Points of a region that are close enough to each other for outlines of fields.
    fn points(region: Region) -> impl Iterator<Item = (f64, f64)> {
        let step = |from: usize, to: usize, at: u32| {
            from as f64 + (to.saturating_sub(from + 1)) as f64 * f64::from(at) / 16.0
        };
        (0..=16).flat_map(move |down| {
            (0..=16).map(move |across| {
                (step(region.left, region.right, across), step(region.top, region.bottom, down))
            })
        })
    }

    /// Whether any of a region is outside, so that a viewer which applies the shutter hides it.
    pub(super) fn hides(&self, region: Region) -> bool {
        Self::points(region).any(|(x, y)| !self.contains(x, y))
    }

    /// Whether all of a region is outside.
    pub(super) fn lies_outside(&self, region: Region) -> bool {
        Self::points(region).all(|(x, y)| !self.contains(x, y))
    }
}
