//! What stands around a printed image: whose it is, of what and when, its scale and its sides.

use crate::dicom::attribute::{AttributePath, Step};
use crate::dicom::{Tag, tags};
use crate::object::HeaderView;

/// The text around an image.
#[derive(Clone, PartialEq, Default)]
pub(super) struct Caption {
    /// Lines at the upper left: institution, patient.
    pub left: Vec<String>,
    /// Lines at the upper right: examination.
    pub right: Vec<String>,
    /// What is at the left and at the right of the image: letters as of Patient Orientation, or nothing.
    pub sides: (String, String),
    /// How large things are.
    pub scale: Option<Scale>,
    /// The height of a pixel divided by its width.
    pub aspect: f64,
}

/// Millimetres a column.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Scale {
    millimetres: f64,
    /// The attribute that says so.
    from: &'static str,
}

/// A bar that shows a length.
pub(super) struct Bar {
    /// Its length on the page.
    pub pixels: u32,
    /// What length that is, and on whose word.
    pub words: String,
}

/// Lengths that a bar may have, in millimetres.
const LENGTHS: [u32; 8] = [200, 100, 50, 20, 10, 5, 2, 1];

impl Scale {
    /// The longest bar that takes at most a third of an image `width` pixels wide on the page, `zoom` for each column of it.
    pub(super) fn bar(&self, width: u32, zoom: f64) -> Option<Bar> {
        let pixels = |length: u32| f64::from(length) / self.millimetres * zoom;
        let length =
            LENGTHS.into_iter().find(|length| pixels(*length) <= f64::from(width) / 3.0)?;
        let words = format!("{length} mm ({})", self.from);
        Some(Bar { pixels: pixels(length).round() as u32, words })
    }
}

impl Caption {
    /// Of an image. `institution` is its institution's name, with the mark where it has one; `day` that of the examination.
    pub(super) fn of(view: &HeaderView, institution: Option<String>, day: Option<String>) -> Self {
        let text = |tag| text(view, tag);
        let spacing = spacing(view);
        let labelled = |label: &str, tag| text(tag).map(|value| format!("{label} {value}"));
        let join = |parts: [Option<String>; 3]| {
            let line = parts.into_iter().flatten().collect::<Vec<_>>().join("  ");
            (!line.is_empty()).then_some(line)
        };
        let about =
            [text(tags::PATIENT_SEX), text(tags::PATIENT_AGE), text(tags::PATIENT_BIRTH_DATE)];
        let left = [
            institution,
            text(tags::PATIENT_NAME).map(|name| person(&name)),
            labelled("ID", tags::PATIENT_ID),
            join(about),
        ];
        let numbers =
            [labelled("Se", tags::SERIES_NUMBER), labelled("Im", tags::INSTANCE_NUMBER), None];
        let right = [
            day,
            join([text(tags::MODALITY), text(tags::BODY_PART_EXAMINED), None]),
            join(numbers),
        ];
        Self {
            left: left.into_iter().flatten().collect(),
            right: right.into_iter().flatten().collect(),
            sides: sides(view),
            scale: spacing.map(|(_, column, from)| Scale { millimetres: column, from }),
            aspect: spacing.map_or_else(|| ratio(view), |(row, column, _)| row / column),
        }
    }
}

fn text(view: &HeaderView, tag: Tag) -> Option<String> {
    let element = view.find(tag)?;
    let text = view.text(element, &view.charset())?;
    text.first().map(|value| value.trim().to_owned()).filter(|value| !value.is_empty())
}

/// A name as it is read: each way of writing it, without the marks between its parts.
fn person(name: &str) -> String {
    let ways = name.split('=').map(|way| way.replace('^', " ").trim().to_owned());
    ways.filter(|way| !way.is_empty()).collect::<Vec<_>>().join("  ")
}

/// Millimetres a row and a column, and the attribute that they are from.
fn spacing(view: &HeaderView) -> Option<(f64, f64, &'static str)> {
    let shared = |tag| {
        let step = |sequence| Step { sequence, item: 0 };
        let steps = [tags::SHARED_FUNCTIONAL_GROUPS_SEQUENCE, tags::PIXEL_MEASURES_SEQUENCE];
        AttributePath { steps: steps.map(step).to_vec(), tag }
    };
    let places = [
        (AttributePath::top(tags::PIXEL_SPACING), "Pixel Spacing"),
        (shared(tags::PIXEL_SPACING), "Pixel Spacing"),
        (AttributePath::top(tags::IMAGER_PIXEL_SPACING), "at the detector: Imager Pixel Spacing"),
    ];
    places.into_iter().find_map(|(path, from)| {
        let numbers = view.at(&path).map(|element| view.numbers(element))?;
        let [row, column] = *numbers.first_chunk::<2>()?;
        (row > 0.0 && column > 0.0).then_some((row, column, from))
    })
}

/// Pixel Aspect Ratio (0028,0034): vertical to horizontal.
fn ratio(view: &HeaderView) -> f64 {
    let element = view.find(tags::PIXEL_ASPECT_RATIO);
    let numbers = element.map(|element| view.numbers(element)).unwrap_or_default();
    match numbers.first_chunk::<2>() {
        Some([down, across]) if *down > 0.0 && *across > 0.0 => down / across,
        Some(_) | None => 1.0,
    }
}

/// The letters of the directions in which the patient lies, each with its opposite (PS3.3 C.7.6.1.1.1).
const OPPOSITES: [(char, char); 3] = [('L', 'R'), ('A', 'P'), ('H', 'F')];

fn sides(view: &HeaderView) -> (String, String) {
    let right = view
        .find(tags::PATIENT_ORIENTATION)
        .and_then(|element| view.strings(element).into_iter().next())
        .filter(|letters| !letters.is_empty())
        .or_else(|| {
            let element = view.find(tags::IMAGE_ORIENTATION_PATIENT)?;
            let numbers = view.numbers(element);
            toward(numbers.first_chunk::<3>()?)
        });
    let Some(right) = right else { return Default::default() };
    let opposite = |letter: char| {
        let pair = OPPOSITES.iter().find(|(a, b)| *a == letter || *b == letter);
        pair.map(|(a, b)| if *a == letter { *b } else { *a })
    };
    match right.chars().map(opposite).collect::<Option<String>>() {
        Some(left) => (left, right),
        // Feet and paws of animals have other letters.
        None => Default::default(),
    }
}

/// The letter of the axis that a direction is nearest to: x to the left, y to the back, z to the head.
fn toward(direction: &[f64; 3]) -> Option<String> {
    let axes = direction.iter().zip([('L', 'R'), ('P', 'A'), ('H', 'F')]);
    let (nearest, (ahead, behind)) = axes.max_by(|(a, _), (b, _)| a.abs().total_cmp(&b.abs()))?;
    (nearest.abs() > 0.0).then(|| if *nearest > 0.0 { ahead } else { behind }.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_without_carets() {
        assert_eq!(person("Wang^XiaoDong=王^小东"), "Wang XiaoDong  王 小东");
        assert_eq!(person("=王^小东="), "王 小东");
    }

    #[test]
    fn a_direction_is_named_by_the_axis_it_is_nearest_to() {
        assert_eq!(toward(&[0.9, 0.1, 0.0]).as_deref(), Some("L"));
        assert_eq!(toward(&[0.1, -0.9, 0.0]).as_deref(), Some("A"));
        assert_eq!(toward(&[0.0; 3]), None);
    }

    #[test]
    fn a_bar_is_as_long_as_its_words_say() {
        let scale = Scale { millimetres: 0.5, from: "Pixel Spacing" };
        let bar = scale.bar(600, 1.0).expect("room");
        assert_eq!((bar.pixels, bar.words.as_str()), (200, "100 mm (Pixel Spacing)"));
        assert!(scale.bar(3, 1.0).is_none());
    }
}
