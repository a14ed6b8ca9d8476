//! The part of an image that display shutter and collimator leave: PS3.3 C.7.6.11, C.8.7.3.

use crate::dicom::{Tag, tags};
use crate::expression::Kind;
use crate::standard::subject::Subject;

use super::exposure::number;
use super::projection::pair;
use super::{Fact, about, fact, rounded};

/// Shutter and collimator.
pub(super) const FACTS: &[Fact] = &[
    fact(
        "field_inside",
        Kind::Bool,
        about(
            "所给的显示遮光器和准直器是否位于图像之内",
            "whether display shutter and collimator, as far as given, lie inside the image",
        ),
        |s| is_field_inside(s).into(),
    ),
    fact(
        "field_share",
        Kind::Number,
        about(
            "显示遮光器和准直器所留面积占图像的百分比，取较小者",
            "percent of the image's area that display shutter and collimator leave, the smaller of the two",
        ),
        |s| rounded(field_share(s)),
    ),
];

/// A shape that leaves part of an image, in pixels counted from 1 (PS3.3 C.7.6.11, C.8.7.3).
#[derive(Debug, Clone, PartialEq)]
enum Shape {
    /// Columns of the left and right edge, rows of the upper and lower one; what lies between them is left.
    Rectangle { left: f64, right: f64, upper: f64, lower: f64 },
    /// Row and column of the centre, and the radius.
    Circle { row: f64, column: f64, radius: f64 },
    /// Rows and columns of the corners.
    Polygon(Vec<(f64, f64)>),
    /// Named, and its numbers are missing or of no use.
    Unusable,
}

/// Where a module keeps its shapes.
struct Place {
    shape: Tag,
    /// Left, right, upper, lower.
    edges: [Tag; 4],
    centre: Tag,
    radius: Tag,
    vertices: Tag,
}

const SHUTTER: Place = Place {
    shape: tags::SHUTTER_SHAPE,
    edges: [
        tags::SHUTTER_LEFT_VERTICAL_EDGE,
        tags::SHUTTER_RIGHT_VERTICAL_EDGE,
        tags::SHUTTER_UPPER_HORIZONTAL_EDGE,
        tags::SHUTTER_LOWER_HORIZONTAL_EDGE,
    ],
    centre: tags::CENTER_OF_CIRCULAR_SHUTTER,
    radius: tags::RADIUS_OF_CIRCULAR_SHUTTER,
    vertices: tags::VERTICES_OF_THE_POLYGONAL_SHUTTER,
};

const COLLIMATOR: Place = Place {
    shape: tags::COLLIMATOR_SHAPE,
    edges: [
        tags::COLLIMATOR_LEFT_VERTICAL_EDGE,
        tags::COLLIMATOR_RIGHT_VERTICAL_EDGE,
        tags::COLLIMATOR_UPPER_HORIZONTAL_EDGE,
        tags::COLLIMATOR_LOWER_HORIZONTAL_EDGE,
    ],
    centre: tags::CENTER_OF_CIRCULAR_COLLIMATOR,
    radius: tags::RADIUS_OF_CIRCULAR_COLLIMATOR,
    vertices: tags::VERTICES_OF_THE_POLYGONAL_COLLIMATOR,
};

/// The shapes that an object names. Those of bitmaps are in overlays, and left out.
fn shapes(subject: &Subject<'_>) -> Vec<Shape> {
    let of = |place: &Place| {
        let named = subject.view().find(place.shape);
        let named = named.map(|element| subject.view().strings(element)).unwrap_or_default();
        let shape = |name: &String| match name.as_str() {
            "RECTANGULAR" => Some(rectangle(subject, place).unwrap_or(Shape::Unusable)),
            "CIRCULAR" => Some(circle(subject, place).unwrap_or(Shape::Unusable)),
            "POLYGONAL" => Some(polygon(subject, place).unwrap_or(Shape::Unusable)),
            _ => None,
        };
        named.iter().filter_map(shape).collect::<Vec<Shape>>()
    };
    [&SHUTTER, &COLLIMATOR].into_iter().flat_map(of).collect()
}

fn rectangle(subject: &Subject<'_>, place: &Place) -> Option<Shape> {
    let [left, right, upper, lower] = place.edges.map(|edge| number(subject, edge));
    Some(Shape::Rectangle { left: left?, right: right?, upper: upper?, lower: lower? })
}

fn circle(subject: &Subject<'_>, place: &Place) -> Option<Shape> {
    let [row, column] = pair(subject, place.centre)?;
    Some(Shape::Circle { row, column, radius: number(subject, place.radius)? })
}

fn polygon(subject: &Subject<'_>, place: &Place) -> Option<Shape> {
    let numbers = subject.numbers(place.vertices);
    let corner = |pair: &[f64]| Some((*pair.first()?, *pair.get(1)?));
    let corners: Option<Vec<(f64, f64)>> = numbers.chunks(2).map(corner).collect();
    corners.filter(|corners| corners.len() >= 3).map(Shape::Polygon)
}

/// Rows and columns, if there are any.
fn size(subject: &Subject<'_>) -> Option<(f64, f64)> {
    let (rows, columns) = (number(subject, tags::ROWS)?, number(subject, tags::COLUMNS)?);
    (rows > 0.0 && columns > 0.0).then_some((rows, columns))
}

/// Whether every shape lies inside the image: edges may stand one pixel outside, a circle may reach over the borders as long as
/// its centre does not. `None` without any shape.
#[must_use]
pub fn is_field_inside(subject: &Subject<'_>) -> Option<bool> {
    let (rows, columns) = size(subject)?;
    let within = |place: f64, count: f64| (0.0..=count + 1.0).contains(&place);
    let is_inside = |shape: &Shape| match shape {
        Shape::Rectangle { left, right, upper, lower } => {
            let in_columns = within(*left, columns) && within(*right, columns) && left < right;
            in_columns && within(*upper, rows) && within(*lower, rows) && upper < lower
        }
        Shape::Circle { row, column, radius } => {
            within(*row, rows) && within(*column, columns) && *radius > 0.0
        }
        Shape::Polygon(corners) => {
            corners.iter().all(|(row, column)| within(*row, rows) && within(*column, columns))
        }
        Shape::Unusable => false,
    };
    let shapes = shapes(subject);
    (!shapes.is_empty()).then(|| shapes.iter().all(is_inside))
}

/// The part of the image's area that the smallest shape leaves, in percent. `None` without any shape that is of use.
#[must_use]
pub fn field_share(subject: &Subject<'_>) -> Option<f64> {
    let (rows, columns) = size(subject)?;
    let area = |shape: &Shape| match shape {
        Shape::Rectangle { left, right, upper, lower } => {
            let length = |from: f64, to: f64, count: f64| {
                (to.min(count + 1.0) - from.max(0.0) - 1.0).max(0.0)
            };
            Some(length(*left, *right, columns) * length(*upper, *lower, rows))
        }
        Shape::Circle { row, column, radius } => {
            Some(circle_area(*row, *column, *radius, rows, columns))
        }
        Shape::Polygon(corners) => Some(polygon_area(corners, rows, columns)),
        Shape::Unusable => None,
    };
    let areas = shapes(subject).iter().filter_map(area).min_by(f64::total_cmp);
    areas.map(|area| area / (rows * columns) * 100.0)
}

/// Pixels of a circle inside the image, row by row.
fn circle_area(row: f64, column: f64, radius: f64, rows: f64, columns: f64) -> f64 {
    let chord = |y: f64| {
        let half = (radius * radius - (y - row) * (y - row)).max(0.0).sqrt();
        ((column + half).min(columns) - (column - half).max(0.0)).max(0.0)
    };
    // Rows are at most 65535: (0028,0010) is of VR US.
    (1..=rows as u32).map(|y| chord(f64::from(y))).sum()
}

/// The area of a polygon whose corners outside the image are moved to its border.
fn polygon_area(corners: &[(f64, f64)], rows: f64, columns: f64) -> f64 {
    let corner = |(row, column): &(f64, f64)| (row.clamp(0.0, rows), column.clamp(0.0, columns));
    let next = corners.iter().cycle().skip(1).map(corner);
    let twice: f64 = corners.iter().map(corner).zip(next).map(|(a, b)| a.1 * b.0 - b.1 * a.0).sum();
    twice.abs() / 2.0
}
