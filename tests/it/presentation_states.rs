//! A presentation state shows the images of its series as they are shown without it, and says so in a way that others read.

use crate::support::peers;
use jiff::tz::Offset;
use markgate::base::limits::Limits;
use markgate::base::time::Timestamp;
use markgate::dicom::ae_title::AeTitle;
use markgate::dicom::tags;
use markgate::dicom::transfer_syntax::TransferSyntax;
use markgate::dicom::{VR, uid::Uid};
use markgate::object::part10::FileMeta;
use markgate::object::{HeaderView, scan_reader};
use markgate::phantom::{Characters, DataSet, Fault, Kind, Specimen, Value};
use markgate::stamp::presentation_state::{
    Corner, Images, NewObject, StateJob, TRANSFER_SYNTAX, Words, build,
};
use markgate::stamp::{CharsetPolicy, Provenance};

const TEXT: &str = "示范医院-JJJHR";

fn view(specimen: &Specimen) -> HeaderView {
    let syntax = TransferSyntax::of(specimen.transfer_syntax().as_str());
    let data = specimen.data_set();
    scan_reader(&data[..], syntax, Limits::default()).expect("bytes in memory").header
}

/// The presentation state of some images, as a file.
#[track_caller]
fn state_of(specimens: &[Specimen]) -> Vec<u8> {
    let mut images = Images::default();
    let views: Vec<HeaderView> = specimens.iter().map(view).collect();
    for view in &views {
        images.add(view).expect("an image that can be shown");
    }
    let provenance = Provenance {
        ae: AeTitle::parse("MARKGATE").expect("a title"),
        source: None,
        version: "1.0.0".to_owned(),
        rules: String::new(),
    };
    let job = StateJob {
        words: Words { text: TEXT, latin: Some("Demonstration Hospital-JJJHR") },
        corner: Corner::TopRight,
        read_as: &views[0].charset(),
        charset: CharsetPolicy::Extend,
        provenance: &provenance,
        timezone: Offset::constant(8),
        now: Timestamp::UNIX_EPOCH,
    };
    file(build(&images, &job).expect("a presentation state"))
}

fn file(object: NewObject) -> Vec<u8> {
    let meta = FileMeta {
        sop_class: Uid::new(object.sop_class),
        sop_instance: object.sop_instance,
        transfer_syntax: Uid::new(TRANSFER_SYNTAX),
        implementation_class: Uid::new(markgate::dicom::IMPLEMENTATION_CLASS_UID),
        ..FileMeta::default()
    };
    let mut bytes = meta.to_bytes().expect("short values");
    bytes.extend(object.data_set);
    bytes
}

fn without_window(specimen: Specimen) -> Specimen {
    let taken = [tags::WINDOW_CENTER, tags::WINDOW_WIDTH, tags::WINDOW_CENTER_WIDTH_EXPLANATION];
    taken.into_iter().fold(specimen, Specimen::without)
}

fn window(specimen: Specimen, center: &str, width: &str) -> Specimen {
    let bare = without_window(specimen).without(tags::VOILUT_FUNCTION);
    bare.text(tags::WINDOW_CENTER, center).text(tags::WINDOW_WIDTH, width)
}

/// A table of 4096 entries.
fn table(bits: u16, value: impl Fn(u16) -> u16) -> DataSet {
    let mut table = DataSet::default();
    table.set(tags::LUT_DESCRIPTOR, VR::US, Value::Shorts(vec![4096, 0, bits])).set(
        tags::LUT_DATA,
        VR::OW,
        Value::Shorts((0..4096).map(value).collect()),
    );
    table
}

fn ct() -> Specimen {
    Specimen::new(Kind::Ct, 3).size(64, 64)
}

fn dx() -> Specimen {
    Specimen::new(Kind::Dx, 3).size(64, 48)
}

fn mr() -> Specimen {
    Specimen::new(Kind::Mr, 3).size(64, 64)
}

/// Images that are shown each by other means.
fn variety() -> Vec<(&'static str, Specimen)> {
    let inverse = |specimen: Specimen| {
        specimen
            .text(tags::PHOTOMETRIC_INTERPRETATION, "MONOCHROME1")
            .text(tags::PRESENTATION_LUT_SHAPE, "INVERSE")
    };
    let unscaled = |specimen: Specimen| {
        let taken = [tags::RESCALE_INTERCEPT, tags::RESCALE_SLOPE, tags::RESCALE_TYPE];
        taken.into_iter().fold(specimen, Specimen::without)
    };
    let steep = Value::Items(vec![table(16, |value| value.saturating_mul(32))]);
    let mut rescaling = table(16, |value| 65_535 - value * 16);
    rescaling.text(tags::MODALITY_LUT_TYPE, "US");
    let rescaling = Value::Items(vec![rescaling]);
    vec![
        ("rescaled, with a window", window(ct(), "40", "400")),
        ("rescaled by a slope, with a window", {
            window(ct(), "80", "800").text(tags::RESCALE_SLOPE, "2")
        }),
        ("the lowest value white", inverse(window(dx(), "2048", "2000"))),
        ("the lowest value white, without window", inverse(without_window(dx()))),
        ("without window", without_window(mr())),
        ("a VOI LUT", { without_window(dx()).set(tags::VOILUT_SEQUENCE, VR::SQ, steep) }),
        ("a Modality LUT", {
            unscaled(window(dx(), "32768", "50000")).set(
                tags::MODALITY_LUT_SEQUENCE,
                VR::SQ,
                rescaling,
            )
        }),
        ("signed", {
            window(ct(), "40", "400").set(
                tags::PIXEL_REPRESENTATION,
                VR::US,
                Value::Shorts(vec![1]),
            )
        }),
        ("a shutter", {
            window(mr(), "500", "900")
                .text(tags::SHUTTER_SHAPE, r"RECTANGULAR\CIRCULAR")
                .text(tags::SHUTTER_LEFT_VERTICAL_EDGE, "4")
                .text(tags::SHUTTER_RIGHT_VERTICAL_EDGE, "60")
                .text(tags::SHUTTER_UPPER_HORIZONTAL_EDGE, "2")
                .text(tags::SHUTTER_LOWER_HORIZONTAL_EDGE, "62")
                .text(tags::CENTER_OF_CIRCULAR_SHUTTER, r"32\32")
                .text(tags::RADIUS_OF_CIRCULAR_SHUTTER, "29")
        }),
        ("an overlay", window(mr(), "500", "900").fault(Fault::Overlay)),
        ("oblong pixels", window(mr(), "500", "900").text(tags::PIXEL_SPACING, r"0.8\0.4")),
        ("a window with its function", {
            window(ct(), "40", "400").text(tags::VOILUT_FUNCTION, "LINEAR")
        }),
    ]
}

#[test]
fn images_are_rendered_as_without_it() {
    for (what, image) in variety() {
        let (state, image) = (state_of(std::slice::from_ref(&image)), image.part10());
        let without = peers::dcmp2pgm(&image, None);
        let with = peers::dcmp2pgm(&image, Some(&state));
        let shades: std::collections::BTreeSet<u8> =
            without.iter().rev().take(3000).copied().collect();
        assert!(shades.len() > 8, "{what}: the rendering shows nothing");
        assert!(without == with, "{what}: the rendering differs");
    }
}

#[test]
fn the_renderer_follows_what_the_state_says() {
    let image = window(ct(), "40", "400");
    let plain = peers::dcmp2pgm(&image.part10(), None);
    let others = [
        window(ct(), "-600", "1500"),
        image.clone().text(tags::PHOTOMETRIC_INTERPRETATION, "MONOCHROME1"),
        image.clone().text(tags::RESCALE_INTERCEPT, "0"),
    ];
    for (place, other) in others.into_iter().enumerate() {
        let with = peers::dcmp2pgm(&image.part10(), Some(&state_of(&[other])));
        assert!(plain != with, "{place}: another way of showing it changes nothing");
    }
}

#[test]
fn a_validator_finds_nothing_against_it() {
    let mut all = variety();
    all.push(("colour", Specimen::new(Kind::SecondaryCapture, 3)));
    all.push(("an ultrasound", Specimen::new(Kind::Us, 3)));
    all.push(("Latin text", window(ct(), "40", "400").characters(Characters::Latin1)));
    let errors = |(what, image)| (what, peers::dciodvfy(&state_of(&[image])));
    let found: Vec<_> =
        all.into_iter().map(errors).filter(|(_, errors)| !errors.is_empty()).collect();
    assert!(found.is_empty(), "{found:#?}");
}

#[test]
fn images_with_windows_of_their_own_are_told_apart() {
    let slices = [
        window(ct().instance(1), "40", "400"),
        window(ct().instance(2), "-600", "1500"),
        window(ct().instance(3), "40", "400"),
    ];
    let state = state_of(&slices);
    assert!(peers::dciodvfy(&state).is_empty());
    for slice in &slices {
        let without = peers::dcmp2pgm(&slice.part10(), None);
        assert!(without == peers::dcmp2pgm(&slice.part10(), Some(&state)));
    }
}

#[test]
fn a_foreign_reader_finds_the_text_and_the_image() {
    let image = window(ct(), "40", "400");
    let state = state_of(std::slice::from_ref(&image));
    assert!(peers::dcmdump_reads(&state));
    let read = peers::pydicom(&state);
    assert_eq!(read["00080060"][1], "PR");
    let text = &read["00700001"][1][0]["00700008"][1][0];
    assert_eq!(text["00700006"][1], TEXT);
    assert_eq!(text["00700003"][1], "DISPLAY");
    let series = &read["00081115"][1][0];
    assert_eq!(series["0020000E"][1], image.series_instance().as_str());
    assert_eq!(series["00081140"][1][0]["00081155"][1], image.sop_instance().as_str());
    assert_eq!(read["00100010"], peers::pydicom(&image.part10())["00100010"]);
}
