//! The real files of MARKGATE_TESTDATA; without the folder there is nothing to look at.

use super::*;
use crate::base::limits::Limits;
use crate::codec::{Coded, Frames, InProcess, Syntax};
use crate::object::part10::read_head;
use crate::object::{HeaderView, Scanner};
use crate::stamp::glyphs::Typeface;

/// The first frame of a file.
fn first_frame(bytes: &[u8]) -> (HeaderView, Decoded) {
    let head = read_head(bytes).expect("a file");
    let data_set = &bytes[head.data_set as usize..];
    let mut scanner = Scanner::new(head.syntax(), Limits::default());
    scanner.push(data_set);
    let view = scanner.finish().header;
    let shape = shape_of(&view);
    let element = view.find(tags::PIXEL_DATA).expect("pixels");
    let part = |start: u64, end: u64| &data_set[start as usize..end as usize];
    // The first fragment is the offset table; of these files each frame is in one.
    let fragments: Vec<_> =
        view.fragments(element).map(|fragment| fragment.value.clone()).collect();
    let coded = match fragments.get(1) {
        Some(range) => part(range.start, range.end),
        None => {
            &part(element.value.start, element.value.end)[..shape.decoded_bytes().expect("small")]
        }
    };
    let syntax = Syntax::of(head.transfer_syntax.as_str()).expect("known");
    let frame = InProcess.decode(&Coded { syntax, shape, bytes: coded }).expect("decodable");
    (view, frame)
}

/// Where the name goes in a file of which someone has looked at the picture.
#[track_caller]
fn check_file(name: &str, want: Result<Corner, NoPlace>) {
    let Some(root) = std::env::var_os("MARKGATE_TESTDATA").map(std::path::PathBuf::from) else {
        return;
    };
    let bytes = std::fs::read(root.join("files").join(name)).expect("a file of the collection");
    let (view, frame) = first_frame(&bytes);
    let shape = shape_of(&view);
    let display = Display::of(&view, shape, 0).expect("a display").fitted(&frame);
    let policy = LayoutPolicy::default();
    let typeface = Typeface::built_in().expect("a typeface");
    let height = policy.text_height(shape.rows);
    let letters = typeface.lettering("首都医科大学附属北京友谊医院-JJJHR", height);
    let survey = display.survey(&frame).expect("a frame");
    let facts = LayoutFacts::of(&view);
    let size = (letters.width, letters.height);
    let place = choose(&[survey], size, &facts, &policy, &[]);
    assert_eq!(place.map(|place| place.corner), want, "{name}");
}

#[test]
fn real_pictures_are_marked_beside_the_anatomy() {
    // Heads; in one the head rest reaches into the lower corners.
    check_file(
        "imagingdatacommons_libdicom__data__test_files__ct_brain_single.dcm",
        Ok(Corner::TopRight),
    );
    // A panorama of the jaw, in black borders.
    check_file("fo-dicom_fo-dicom__CR-ModalitySequenceLUT.dcm", Ok(Corner::BottomRight));
    // Round fields, the border black.
    check_file(
        "tensorflow_io__tests__test_dicom__XA-MONO2-8-12x-catheter.dcm",
        Ok(Corner::BottomRight),
    );
    // A breast over the whole picture, with markers.
    check_file("fo-dicom_fo-dicom__OutOfBoundsOverlay.dcm", Err(NoPlace::NoSafeCorner));
    // Ultrasound: with text in every corner, with one free, and in a palette.
    check_file("robyoung_dicom-test-files__data__WG04__RLE__US1_RLE", Err(NoPlace::NoSafeCorner));
    check_file("dcm4che_dcm4che__YBR_FULL-RLE.dcm", Ok(Corner::BottomRight));
    check_file("pydicom_pydicom-data__OBXXXX1A_rle_2frame.dcm", Ok(Corner::BottomRight));
    check_file("pydicom_pydicom__test_files__examples_palette.dcm", Ok(Corner::BottomLeft));
    // A chest without a free corner.
    check_file("fo-dicom_fo-dicom__CR-MONO1-10-chest", Err(NoPlace::TooSmall));
}
