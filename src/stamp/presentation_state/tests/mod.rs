use super::*;
use crate::dicom::ae_title::AeTitle;
use crate::dicom::{Tag, VR};
use crate::object::{End, HeaderView, Scanner};
use crate::phantom::{Characters, DataSet, Fault, Kind, Specimen, Value};

const TEXT: &str = "示范医院-JJJHR";
const LATIN: &str = "Demonstration Hospital-JJJHR";

fn scanned(data: &[u8], syntax: &str) -> HeaderView {
    let mut scanner = Scanner::new(TransferSyntax::of(syntax), Limits::default());
    scanner.push(data);
    let scan = scanner.finish();
    assert_eq!(scan.end, End::Complete);
    scan.header
}

fn view(specimen: &Specimen) -> HeaderView {
    scanned(&specimen.data_set(), specimen.transfer_syntax().as_str())
}

fn small(kind: Kind) -> Specimen {
    Specimen::new(kind, 1).size(16, 16)
}

fn gathered(specimens: &[Specimen]) -> Result<Images, Refusal> {
    let mut images = Images::default();
    for specimen in specimens {
        images.add(&view(specimen))?;
    }
    Ok(images)
}

fn provenance() -> Provenance {
    Provenance {
        ae: AeTitle::parse("MARKGATE").expect("a title"),
        source: None,
        version: "1.0.0".to_owned(),
        rules: String::new(),
    }
}

fn built(images: &Images, corner: Corner, policy: CharsetPolicy) -> Result<NewObject, Refusal> {
    let common = images.common().ok_or(Refusal::NoImages)?;
    let provenance = provenance();
    let job = StateJob {
        words: Words { text: TEXT, latin: Some(LATIN) },
        corner,
        read_as: &common.identity.charset,
        charset: policy,
        provenance: &provenance,
        timezone: Offset::constant(8),
        now: "2026-05-06T08:00:00Z".parse().expect("a time"),
    };
    build(images, &job)
}

/// The state of some images, as it reads.
#[track_caller]
fn state(specimens: &[Specimen]) -> HeaderView {
    let images = gathered(specimens).expect("images that can be shown");
    let state = built(&images, Corner::BottomRight, CharsetPolicy::Extend).expect("a state");
    scanned(&state.data_set, TRANSFER_SYNTAX)
}

fn path(steps: &[(Tag, u32)], tag: Tag) -> AttributePath {
    let steps = steps.iter().map(|(sequence, item)| Step { sequence: *sequence, item: *item });
    AttributePath { steps: steps.collect(), tag }
}

fn strings(view: &HeaderView, steps: &[(Tag, u32)], tag: Tag) -> Vec<String> {
    view.at(&path(steps, tag)).map(|element| view.strings(element)).unwrap_or_default()
}

fn count(view: &HeaderView, steps: &[(Tag, u32)], sequence: Tag) -> usize {
    view.at(&path(steps, sequence)).map_or(0, |found| view.items(found).count())
}

fn ct(instance: u32) -> Specimen {
    small(Kind::Ct).instance(instance)
}

fn windowed(instance: u32, center: &str) -> Specimen {
    ct(instance).text(tags::WINDOW_CENTER, center).text(tags::WINDOW_WIDTH, "400")
}

#[test]
fn a_state_that_would_show_another_mark_is_not_made() {
    let images = gathered(&[ct(1)]).expect("images that can be shown");
    let state = built(&images, Corner::BottomRight, CharsetPolicy::Extend).expect("a state");
    let words = |text, latin| check_text(&state.data_set, Words { text, latin });
    assert_eq!(words(TEXT, None), Ok(()));
    assert_eq!(words("示范医院-BJHR", Some(LATIN)), Err(Refusal::OtherText));
    assert_eq!(check_text(&[], Words { text: TEXT, latin: None }), Err(Refusal::OtherText));
}

#[test]
fn the_images_of_a_series_are_named_and_belong_to_the_same_study() {
    let slices = [ct(2), ct(1)];
    let state = state(&slices);
    assert_eq!(state.string(tags::SOP_CLASS_UID).as_deref(), Some("1.2.840.10008.5.1.4.1.1.11.1"));
    assert_eq!(state.string(tags::MODALITY).as_deref(), Some("PR"));
    let study = slices[0].study_instance();
    assert_eq!(state.string(tags::STUDY_INSTANCE_UID).as_deref(), Some(study.as_str()));
    let series = [(tags::REFERENCED_SERIES_SEQUENCE, 0)];
    let referenced = strings(&state, &series, tags::SERIES_INSTANCE_UID);
    assert_eq!(referenced, [slices[0].series_instance().as_str()]);
    let mut want: Vec<String> =
        slices.iter().map(|slice| slice.sop_instance().to_string()).collect();
    want.sort();
    let named: Vec<String> = (0..2)
        .flat_map(|image| {
            let image = [series[0], (tags::REFERENCED_IMAGE_SEQUENCE, image)];
            strings(&state, &image, tags::REFERENCED_SOP_INSTANCE_UID)
        })
        .collect();
    assert_eq!(named, want);
    assert_eq!(count(&state, &series, tags::REFERENCED_IMAGE_SEQUENCE), 2);
    let image = view(&slices[0]);
    for tag in [tags::PATIENT_NAME, tags::PATIENT_ID, tags::STUDY_DATE, tags::ACCESSION_NUMBER] {
        let bytes = |view: &HeaderView| {
            let element = view.find(tag).expect("an element of the patient or study");
            view.bytes(element).map(<[u8]>::to_vec)
        };
        assert_eq!(bytes(&state), bytes(&image), "{tag}");
    }
}

#[test]
fn the_same_images_in_any_order_give_the_same_bytes() {
    let make = |slices: &[Specimen]| {
        let images = gathered(slices).expect("images that can be shown");
        built(&images, Corner::TopLeft, CharsetPolicy::Extend).expect("a state")
    };
    let one = make(&[windowed(1, "40"), windowed(2, "50"), windowed(3, "40")]);
    let other = make(&[windowed(3, "40"), windowed(1, "40"), windowed(2, "50"), windowed(1, "40")]);
    assert_eq!(one, other);
    let fewer = make(&[windowed(1, "40"), windowed(2, "50")]);
    assert_eq!(fewer.series, one.series);
    assert_ne!(fewer.sop_instance, one.sop_instance);
    for uid in [&one.series, &one.sop_instance] {
        assert_eq!(uid.fault(), None);
    }
}

#[test]
fn a_state_is_the_same_on_every_machine() {
    let images = gathered(&[windowed(1, "40")]).expect("an image that can be shown");
    let state = built(&images, Corner::TopLeft, CharsetPolicy::Extend).expect("a state");
    let golden = (
        "2.25.78299349274133864010247629744562258338",
        "2.25.10851225574015870686783679366374957491",
        "5bd387568ff1251e74ab1e34c1b1ba0a71e08d120716b793f6e1b84276a09001",
    );
    let hash = blake3::hash(&state.data_set).to_hex();
    assert_eq!((state.sop_instance.as_str(), state.series.as_str(), hash.as_str()), golden);
}

#[test]
fn each_window_names_its_images_and_a_common_one_names_none() {
    let one = state(&[windowed(1, "40"), windowed(2, "40")]);
    assert_eq!(count(&one, &[], tags::SOFTCOPY_VOILUT_SEQUENCE), 1);
    let first = [(tags::SOFTCOPY_VOILUT_SEQUENCE, 0)];
    assert_eq!(count(&one, &first, tags::REFERENCED_IMAGE_SEQUENCE), 0);
    assert_eq!(strings(&one, &first, tags::WINDOW_CENTER), ["40"]);

    let bare = ct(3).without(tags::WINDOW_CENTER).without(tags::WINDOW_WIDTH);
    let two = state(&[windowed(1, r"40\300"), windowed(2, "50"), bare]);
    assert_eq!(count(&two, &[], tags::SOFTCOPY_VOILUT_SEQUENCE), 2);
    let named: usize = (0..2)
        .map(|item| {
            let item = [(tags::SOFTCOPY_VOILUT_SEQUENCE, item)];
            assert_eq!(strings(&two, &item, tags::WINDOW_CENTER).len(), 1);
            count(&two, &item, tags::REFERENCED_IMAGE_SEQUENCE)
        })
        .sum();
    assert_eq!(named, 2);
}

#[test]
fn without_a_window_there_is_none_in_the_state() {
    let bare = ct(1).without(tags::WINDOW_CENTER).without(tags::WINDOW_WIDTH);
    let state = state(&[bare]);
    assert!(state.find(tags::SOFTCOPY_VOILUT_SEQUENCE).is_none());
    assert!(state.find(tags::RESCALE_SLOPE).is_some());
}

#[test]
fn polarity_takes_the_place_of_photometric_interpretation() {
    let check = |photometric: &str, want: &str| {
        let image = small(Kind::Mr).text(tags::PHOTOMETRIC_INTERPRETATION, photometric);
        let state = state(&[image]);
        assert_eq!(state.string(tags::PRESENTATION_LUT_SHAPE).as_deref(), Some(want));
    };
    check("MONOCHROME1", "INVERSE");
    check("MONOCHROME2", "IDENTITY");
}

#[test]
fn rescaling_has_a_type_in_the_state() {
    let plain = |kind| small(kind).without(tags::RESCALE_TYPE);
    let check = |specimen: Specimen, want: &str| {
        let specimen =
            specimen.text(tags::RESCALE_INTERCEPT, "-1024").text(tags::RESCALE_SLOPE, "2");
        let state = state(&[specimen]);
        assert_eq!(strings(&state, &[], tags::RESCALE_INTERCEPT), ["-1024"]);
        assert_eq!(strings(&state, &[], tags::RESCALE_SLOPE), ["2"]);
        assert_eq!(strings(&state, &[], tags::RESCALE_TYPE), [want]);
    };
    check(plain(Kind::Ct), "HU");
    check(plain(Kind::Mr), "US");
    check(plain(Kind::Mr).text(tags::RESCALE_TYPE, "PCT"), "PCT");
}

#[test]
fn overlays_of_the_images_stay_visible() {
    let plain = state(&[ct(1)]);
    assert_eq!(count(&plain, &[], tags::GRAPHIC_LAYER_SEQUENCE), 1);
    let state = state(&[ct(1), ct(2).fault(Fault::Overlay)]);
    assert_eq!(strings(&state, &[], Tag(0x6000, 0x1001)), ["OVERLAYS"]);
    let layers: Vec<_> = (0..2)
        .flat_map(|layer| {
            let layer = [(tags::GRAPHIC_LAYER_SEQUENCE, layer)];
            strings(&state, &layer, tags::GRAPHIC_LAYER)
        })
        .collect();
    assert_eq!(layers, ["OVERLAYS", "MRMARK"]);
}

#[test]
fn a_shutter_is_repeated_and_filled_with_black() {
    let shut = ct(1)
        .text(tags::SHUTTER_SHAPE, "CIRCULAR")
        .text(tags::CENTER_OF_CIRCULAR_SHUTTER, r"8\8")
        .text(tags::RADIUS_OF_CIRCULAR_SHUTTER, "5");
    let state = state(&[shut]);
    assert_eq!(strings(&state, &[], tags::CENTER_OF_CIRCULAR_SHUTTER), ["8", "8"]);
    let value = state.find(tags::SHUTTER_PRESENTATION_VALUE).expect("a value");
    assert_eq!(state.numbers(value), [0.0]);
}

#[test]
fn the_whole_image_is_displayed_with_the_shape_of_its_pixels() {
    let check = |specimen: Specimen, tag: Tag, want: [&str; 2]| {
        let state = state(&[specimen]);
        let area = [(tags::DISPLAYED_AREA_SELECTION_SEQUENCE, 0)];
        let corner = state.at(&path(&area, tags::DISPLAYED_AREA_BOTTOM_RIGHT_HAND_CORNER));
        assert_eq!(corner.map(|corner| state.numbers(corner)), Some(vec![24.0, 16.0]));
        assert_eq!(strings(&state, &area, tag), want);
    };
    let image = || small(Kind::Mr).size(16, 24);
    let ratio = tags::PRESENTATION_PIXEL_ASPECT_RATIO;
    check(image().text(tags::PIXEL_SPACING, r"0.5\0.50"), ratio, ["1", "1"]);
    check(
        image().text(tags::PIXEL_SPACING, r"0.5\0.25"),
        tags::PRESENTATION_PIXEL_SPACING,
        ["0.5", "0.25"],
    );
    let bare = image().without(tags::PIXEL_SPACING);
    check(bare.text(tags::PIXEL_ASPECT_RATIO, r"4\3"), ratio, ["4", "3"]);
}

#[test]
fn the_text_stands_in_its_corner() {
    let images = gathered(&[ct(1)]).expect("an image that can be shown");
    let check = |corner, is_right: bool, is_bottom: bool| {
        let state = built(&images, corner, CharsetPolicy::Extend).expect("a state");
        let state = scanned(&state.data_set, TRANSFER_SYNTAX);
        let text = [(tags::GRAPHIC_ANNOTATION_SEQUENCE, 0), (tags::TEXT_OBJECT_SEQUENCE, 0)];
        let point = |tag| {
            let element = state.at(&path(&text, tag)).expect("a point");
            state.numbers(element)
        };
        let from = point(tags::BOUNDING_BOX_TOP_LEFT_HAND_CORNER);
        let to = point(tags::BOUNDING_BOX_BOTTOM_RIGHT_HAND_CORNER);
        let inside = |value: &f64| (0.0..=1.0).contains(value);
        assert!(from.iter().chain(&to).all(inside), "{from:?} {to:?}");
        assert!(from[0] < to[0] && from[1] < to[1], "{from:?} {to:?}");
        assert_eq!((to[0] > 0.9, to[1] > 0.9), (is_right, is_bottom), "{corner:?}");
        let element = state.at(&path(&text, tags::UNFORMATTED_TEXT_VALUE)).expect("a text");
        let read = state.text(element, &state.charset()).expect("kept");
        assert_eq!(read.values, [TEXT]);
    };
    check(Corner::TopLeft, false, false);
    check(Corner::TopRight, true, false);
    check(Corner::BottomLeft, false, true);
    check(Corner::BottomRight, true, true);
}

#[test]
fn one_character_set_holds_the_patient_and_the_text() {
    let check = |characters, policy, declared: &str, text: &str| {
        let image = ct(1).characters(characters);
        let images = gathered(std::slice::from_ref(&image)).expect("an image that can be shown");
        let state = built(&images, Corner::TopLeft, policy).expect("a state");
        let state = scanned(&state.data_set, TRANSFER_SYNTAX);
        assert_eq!(strings(&state, &[], tags::SPECIFIC_CHARACTER_SET).join(r"\"), declared);
        let steps = [(tags::GRAPHIC_ANNOTATION_SEQUENCE, 0), (tags::TEXT_OBJECT_SEQUENCE, 0)];
        let element = state.at(&path(&steps, tags::UNFORMATTED_TEXT_VALUE)).expect("a text");
        assert_eq!(state.text(element, &state.charset()).expect("kept").values, [text]);
        let name = |view: &HeaderView| {
            let element = view.find(tags::PATIENT_NAME).expect("a name");
            view.text(element, &view.charset()).expect("kept").values
        };
        assert_eq!(name(&state), name(&view(&image)));
    };
    check(Characters::Gb18030, CharsetPolicy::Extend, "GB18030", TEXT);
    check(Characters::Utf8, CharsetPolicy::Latin, "ISO_IR 192", TEXT);
    check(Characters::Latin1, CharsetPolicy::Extend, r"ISO 2022 IR 100\ISO 2022 IR 58", TEXT);
    check(Characters::Latin1, CharsetPolicy::Latin, "ISO_IR 100", LATIN);
    check(Characters::Latin1, CharsetPolicy::Utf8, "ISO_IR 192", TEXT);
}

#[test]
fn colour_images_get_a_colour_state_with_a_profile() {
    let state = state(&[small(Kind::SecondaryCapture)]);
    assert_eq!(state.string(tags::SOP_CLASS_UID).as_deref(), Some("1.2.840.10008.5.1.4.1.1.11.2"));
    assert!(state.find(tags::PRESENTATION_LUT_SHAPE).is_none());
    let profile = state.find(tags::ICC_PROFILE).and_then(|profile| state.bytes(profile));
    assert_eq!(profile, Some(&profile::srgb()[..]));

    let own = Value::Bytes(vec![7; 200]);
    let image = small(Kind::SecondaryCapture).set(tags::ICC_PROFILE, VR::OB, own);
    let state = self::state(&[image]);
    let profile = state.find(tags::ICC_PROFILE).and_then(|profile| state.bytes(profile));
    assert_eq!(profile, Some(&[7; 200][..]));
}

#[test]
fn the_profile_says_how_long_it_and_each_of_its_tags_is() {
    let profile = profile::srgb();
    let long = |at: usize| {
        let bytes = profile[at..at + 4].try_into().expect("four bytes");
        u32::from_be_bytes(bytes) as usize
    };
    assert_eq!(long(0), profile.len());
    assert_eq!(&profile[12..24], b"scnrRGB XYZ ");
    assert_eq!(&profile[36..40], b"acsp");
    for entry in (0..long(128)).map(|entry| 132 + 12 * entry) {
        let (start, length) = (long(entry + 4), long(entry + 8));
        assert!(start % 4 == 0 && start + length <= profile.len());
        let kind = &profile[start..start + 4];
        assert!([b"mluc", b"XYZ ", b"sf32", b"para"].iter().any(|known| kind == *known));
    }
}

fn table(values: u16) -> DataSet {
    let mut table = DataSet::default();
    table.set(tags::LUT_DESCRIPTOR, VR::US, Value::Shorts(vec![values, 0, 16])).set(
        tags::LUT_DATA,
        VR::OW,
        Value::Shorts((0..values).collect()),
    );
    table
}

#[test]
fn a_lookup_table_is_copied_from_either_byte_order() {
    for syntax in ["1.2.840.10008.1.2", "1.2.840.10008.1.2.1", "1.2.840.10008.1.2.2"] {
        let image = ct(1)
            .without(tags::WINDOW_CENTER)
            .without(tags::WINDOW_WIDTH)
            .set(tags::VOILUT_SEQUENCE, VR::SQ, Value::Items(vec![table(300)]))
            .transfer_syntax_of(syntax);
        let state = state(&[image]);
        let steps = [(tags::SOFTCOPY_VOILUT_SEQUENCE, 0), (tags::VOILUT_SEQUENCE, 0)];
        let numbers = |tag| {
            let element = state.at(&path(&steps, tag)).expect("a part of the table");
            state.numbers(element)
        };
        assert_eq!(numbers(tags::LUT_DESCRIPTOR), [300.0, 0.0, 16.0], "{syntax}");
        let want: Vec<f64> = (0..300).map(f64::from).collect();
        assert_eq!(numbers(tags::LUT_DATA), want, "{syntax}");
    }
}

#[track_caller]
fn check_refused(specimens: &[Specimen], want: Refusal) {
    assert_eq!(gathered(specimens).map(|images| images.len()), Err(want));
}

#[test]
fn what_cannot_be_shown_as_without_is_refused() {
    let sequence = || Value::Items(vec![DataSet::default()]);
    check_refused(&[small(Kind::EnhancedCt)], Refusal::FunctionalGroups);
    check_refused(&[ct(1).set(tags::MASK_SUBTRACTION_SEQUENCE, VR::SQ, sequence())], Refusal::Mask);
    check_refused(
        &[ct(1).set(Tag(0x5002, 0x0005), VR::US, Value::Shorts(vec![2]))],
        Refusal::Curves,
    );
    check_refused(&[ct(1).text(tags::PHOTOMETRIC_INTERPRETATION, "ARGB")], Refusal::Photometric);
    let palette = Value::Shorts(vec![16, 0, 16]);
    let tag = tags::RED_PALETTE_COLOR_LOOKUP_TABLE_DESCRIPTOR;
    check_refused(&[ct(1).set(tag, VR::US, palette)], Refusal::SupplementalPalette);
    check_refused(
        &[ct(1).text(tags::PRESENTATION_LUT_SHAPE, "INVERSE")],
        Refusal::Ambiguous(tags::PRESENTATION_LUT_SHAPE),
    );
    check_refused(
        &[ct(1).set(tags::PRESENTATION_LUT_SEQUENCE, VR::SQ, sequence())],
        Refusal::Ambiguous(tags::PRESENTATION_LUT_SEQUENCE),
    );
    let tables = || Value::Items(vec![table(300)]);
    check_refused(
        &[windowed(1, "40").set(tags::VOILUT_SEQUENCE, VR::SQ, tables())],
        Refusal::Ambiguous(tags::VOILUT_SEQUENCE),
    );
    check_refused(
        &[ct(1).set(tags::MODALITY_LUT_SEQUENCE, VR::SQ, tables())],
        Refusal::Ambiguous(tags::MODALITY_LUT_SEQUENCE),
    );
    let bare = || ct(1).without(tags::RESCALE_INTERCEPT).without(tags::RESCALE_SLOPE);
    check_refused(
        &[bare().text(tags::SOP_CLASS_UID, facts::FOR_SUBTRACTION[0]).set(
            tags::MODALITY_LUT_SEQUENCE,
            VR::SQ,
            tables(),
        )],
        Refusal::Ambiguous(tags::MODALITY_LUT_SEQUENCE),
    );
    let large = Value::Items(vec![table(40_000)]);
    check_refused(
        &[bare().set(tags::MODALITY_LUT_SEQUENCE, VR::SQ, large)],
        Refusal::NotKept(tags::LUT_DATA),
    );
    check_refused(&[ct(1).text(tags::SHUTTER_SHAPE, "BITMAP")], Refusal::BitmapShutter);
    check_refused(&[ct(1).without(tags::ROWS)], Refusal::Unreadable(tags::ROWS));
    check_refused(&[ct(1).without(tags::RESCALE_SLOPE)], Refusal::Unreadable(tags::RESCALE_SLOPE));
    check_refused(&[windowed(1, "wide")], Refusal::Unreadable(tags::WINDOW_CENTER));
    assert_eq!(
        built(&Images::default(), Corner::TopLeft, CharsetPolicy::Extend),
        Err(Refusal::NoImages)
    );
}

#[test]
fn images_that_differ_in_what_a_state_has_once_are_refused() {
    let differ = |first: Specimen, second: Specimen, aspect| {
        check_refused(&[first, second], Refusal::Differ(aspect));
    };
    differ(ct(1), small(Kind::Ct).series(2), Aspect::Origin);
    differ(ct(1), ct(2).text(tags::PATIENT_ID, "another"), Aspect::Origin);
    differ(ct(1), ct(2).text(tags::PHOTOMETRIC_INTERPRETATION, "MONOCHROME1"), Aspect::Photometric);
    differ(ct(1), ct(2).text(tags::RESCALE_INTERCEPT, "-1000"), Aspect::ModalityLut);
    differ(
        ct(1),
        ct(2).text(tags::SHUTTER_SHAPE, "CIRCULAR").text(tags::RADIUS_OF_CIRCULAR_SHUTTER, "5"),
        Aspect::Shutter,
    );
    let screen = small(Kind::SecondaryCapture);
    let profile = Value::Bytes(vec![7; 200]);
    let other = screen.clone().instance(2).set(tags::ICC_PROFILE, VR::OB, profile);
    differ(screen, other, Aspect::Profile);
}

#[test]
fn two_versions_of_one_image_are_refused() {
    check_refused(&[windowed(1, "40"), windowed(1, "50")], Refusal::TwoVersions);
}

#[test]
fn a_refused_image_leaves_no_trace() {
    let mut images = gathered(&[windowed(2, "40")]).expect("an image that can be shown");
    let before = built(&images, Corner::TopLeft, CharsetPolicy::Extend);
    let other = ct(1).text(tags::RESCALE_INTERCEPT, "-1000");
    images.add(&view(&other)).expect_err("another Modality LUT");
    assert_eq!(built(&images, Corner::TopLeft, CharsetPolicy::Extend), before);
}
