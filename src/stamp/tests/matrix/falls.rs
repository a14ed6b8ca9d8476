//! What is not drawn on, and why.

use super::image::{SECONDARY_CAPTURE, captured, grey};
use super::*;
use crate::codec::{CodecFault, Coded, Frames, InProcess, Tile};
use crate::dicom::photometric::Photometric;
use crate::recognition::Reason;

const RLE: &str = "1.2.840.10008.1.2.5";

/// A codec that does so many repaintings, and fails at the next.
struct Failing(std::sync::atomic::AtomicU32, CodecFault);

impl Frames for Failing {
    fn decode(&self, coded: &Coded<'_>) -> Result<Decoded, CodecFault> {
        InProcess.decode(coded)
    }

    fn repaint(&self, coded: &Coded<'_>, tile: &Tile) -> Result<Vec<u8>, CodecFault> {
        let left = self.0.load(std::sync::atomic::Ordering::Relaxed);
        if left == 0 {
            return Err(self.1);
        }
        self.0.store(left - 1, std::sync::atomic::Ordering::Relaxed);
        InProcess.repaint(coded, tile)
    }

    fn extend(&self, coded: &Coded<'_>, tile: &Tile) -> Result<Vec<u8>, CodecFault> {
        self.repaint(coded, tile).and(InProcess.extend(coded, tile))
    }
}

#[test]
fn what_lost_already_is_not_coded_again() {
    for (syntax, obstacle) in [
        ("1.2.840.10008.1.2.4.81", Obstacle::Lossy),
        ("1.2.840.10008.1.2.4.91", Obstacle::Lossy),
        ("1.2.840.10008.1.2.4.203", Obstacle::Lossy),
        ("1.2.840.10008.1.2.4.112", Obstacle::Lossy),
        ("1.2.840.10008.1.2.4.102", Obstacle::NotDecodable),
        ("1.2.840.10008.1.2.4.108", Obstacle::NotDecodable),
    ] {
        let image = grey(syntax, 8, 8);
        let object = image.object();
        let (stamp, after) = drawing(&[StampMode::BurnIn]).stamped(&object, syntax);
        assert_eq!(stamp.modes, [StampMode::Overlay], "{syntax}");
        let want = [(StampMode::BurnIn, obstacle), (StampMode::Strip, obstacle)];
        assert_eq!(stamp.fallen_back, want, "{syntax}");
        assert!(!stamp.plan.changes_pixels());
        assert!(after.bytes.ends_with(&pixel_data(&object)), "{syntax}");
    }
}

/// Pixel Data as it stands, to the end.
fn pixel_data(object: &Object) -> Vec<u8> {
    let view = object.view();
    let start = view.find(tags::PIXEL_DATA).expect("pixels").value.start;
    object.bytes[start as usize - 12..].to_vec()
}

#[test]
fn classes_that_forbid_text_get_a_weaker_mode() {
    for class in ["1.2.840.10008.5.1.4.1.1.2.1", "1.2.840.10008.5.1.4.1.1.4.1"] {
        let image = grey(EXPLICIT, 16, 12).with(|image| image.class = class);
        let object = image.object();
        let modes = [StampMode::BurnIn, StampMode::Tag];
        let (stamp, after) = drawing(&modes).stamped(&object, EXPLICIT);
        let in_pixels = |mode: &StampMode| {
            matches!(mode, StampMode::BurnIn | StampMode::Strip | StampMode::Overlay)
        };
        assert!(!stamp.modes.iter().any(in_pixels), "{class}: {:?}", stamp.modes);
        assert!(stamp.modes.contains(&StampMode::Tag));
        assert_eq!(stamp.fallen_back[0], (StampMode::BurnIn, Obstacle::ClassForbids));
        assert!(after.bytes.ends_with(&pixel_data(&object)));
    }
}

#[test]
fn what_is_signed_is_left_alone() {
    let signatures = NewElement::sequence(tags::DIGITAL_SIGNATURES_SEQUENCE, vec![vec![]]);
    let image = grey(EXPLICIT, 8, 8).with(|image| image.more.push(signatures));
    let tried =
        drawing(&[StampMode::BurnIn, StampMode::Tag]).tried(&image.object(), EXPLICIT, &InProcess);
    let obstacle = tried.expect_err("it is signed");
    assert_eq!((obstacle, obstacle.reason()), (Obstacle::Signed, Reason::Signed));
}

#[test]
fn a_codec_that_fails_costs_the_mode_alone() {
    for (done, fault) in
        [(0, CodecFault::Crashed), (1, CodecFault::TimedOut), (2, CodecFault::NotExact)]
    {
        let image = grey(RLE, 8, 8).with(|image| image.frames = 3);
        let object = image.object();
        let codec = Failing(done.into(), fault);
        let tried = drawing(&[StampMode::BurnIn]).tried(&object, RLE, &codec);
        let (stamp, after) = tried.expect("a weaker mode");
        assert_eq!(stamp.modes, [StampMode::Overlay]);
        assert_eq!(stamp.fallen_back[0], (StampMode::BurnIn, Obstacle::Codec(fault)));
        assert!(after.bytes.ends_with(&pixel_data(&object)));
    }
}

#[test]
fn without_a_free_corner_there_are_rows_below_or_a_weaker_mode() {
    // Something everywhere: a checkerboard as the frame.
    let image = captured(EXPLICIT, Photometric::Rgb);
    let mut object = image.object();
    let start = object.bytes.len() - usize::from(image.shape.rows) * 163 * 3 - 1;
    for (index, byte) in object.bytes[start..].iter_mut().enumerate() {
        *byte = if index / 9 % 2 == 0 { 20 } else { 200 };
    }
    let (stamp, _) = drawing(&[StampMode::BurnIn]).stamped(&object, EXPLICIT);
    assert_eq!(stamp.modes, [StampMode::Strip]);
    assert_eq!(stamp.fallen_back, [(StampMode::BurnIn, Obstacle::NoSafeCorner)]);
    let mut kept = drawing(&[StampMode::BurnIn]);
    kept.policy.pixels.strip = false;
    let (stamp, _) = kept.stamped(&object, EXPLICIT);
    assert!(!stamp.plan.changes_pixels(), "{:?}", stamp.modes);
}

#[test]
fn a_derived_image_names_its_source_and_moves_to_a_series_of_its_own() {
    let image = captured(EXPLICIT, Photometric::Rgb);
    let object = image.object();
    let mut derived = drawing(&[StampMode::BurnIn]);
    derived.policy.pixels.uid = UidPolicy::Derive;
    let (stamp, after) = derived.stamped(&object, EXPLICIT);
    let (was, is) = (object.view(), after.view());
    let changed = |tag| was.string(tag) != is.string(tag);
    assert!(changed(tags::SOP_INSTANCE_UID) && changed(tags::SERIES_INSTANCE_UID));
    assert!(!changed(tags::STUDY_INSTANCE_UID) && !changed(tags::SOP_CLASS_UID));
    assert_eq!(is.string(tags::SERIES_NUMBER).as_deref(), Some("9003"));
    let kinds = is.strings(is.find(tags::IMAGE_TYPE).expect("Image Type"));
    assert_eq!(kinds, ["DERIVED", "PRIMARY"]);
    let source = is.items(is.find(tags::SOURCE_IMAGE_SEQUENCE).expect("a source")).next();
    let source = source.expect("an item");
    assert_eq!(source.string(tags::REFERENCED_SOP_INSTANCE_UID).as_deref(), Some("1.2.3.4"));
    assert_eq!(source.string(tags::REFERENCED_SOP_CLASS_UID).as_deref(), Some(SECONDARY_CAPTURE));
    let instance = is.string(tags::SOP_INSTANCE_UID);
    assert_eq!(stamp.plan.instance().map(|uid| uid.as_str().to_owned()), instance);
    let again = derived.stamped(&object, EXPLICIT).1.view().string(tags::SOP_INSTANCE_UID);
    assert_eq!(again, instance, "the UID follows from the source and the mark");
}

#[test]
fn an_overlay_plane_says_the_same_in_every_order_of_bytes() {
    let plane = |syntax: &'static str| -> Vec<Vec<u16>> {
        let object = grey(syntax, 16, 12).object();
        let (stamp, after) = drawing(&[StampMode::Overlay]).stamped(&object, syntax);
        assert_eq!(stamp.modes, [StampMode::Overlay]);
        let view = after.view();
        let element = |element| view.find(Tag(0x6000, element)).expect("an element of the plane");
        let numbers = |at| view.numbers(element(at)).iter().map(|number| *number as u16).collect();
        let bits = view.bytes(element(0x3000)).expect("the plane");
        let words = bits.as_chunks::<2>().0.iter();
        let word = |bytes: &[u8; 2]| {
            if syntax == BIG { u16::from_be_bytes(*bytes) } else { u16::from_le_bytes(*bytes) }
        };
        vec![numbers(0x0010), numbers(0x0011), numbers(0x0050), words.map(word).collect()]
    };
    let little = plane(EXPLICIT);
    assert!(little[0][0] < 121 && little[1][0] < 163, "{:?}", &little[..3]);
    assert!(little == plane(BIG) && little == plane(IMPLICIT));
}
