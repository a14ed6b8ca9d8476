//! What the tests of pictures share: views and frames of phantoms.

use crate::base::limits::Limits;
use crate::codec::{Colour, Decoded, FrameShape};
use crate::dicom::photometric::Photometric;
use crate::dicom::transfer_syntax::TransferSyntax;
use crate::dicom::{Tag, tags};
use crate::object::{End, HeaderView, Scanner};
use crate::phantom::{EXPLICIT_VR_LITTLE_ENDIAN, Specimen};

/// The header of a phantom.
pub(super) fn view_of(specimen: &Specimen) -> HeaderView {
    scanned(&specimen.data_set())
}

fn scanned(data_set: &[u8]) -> HeaderView {
    let mut scanner =
        Scanner::new(TransferSyntax::of(EXPLICIT_VR_LITTLE_ENDIAN), Limits::default());
    scanner.push(data_set);
    let scan = scanner.finish();
    assert_eq!(scan.end, End::Complete);
    scan.header
}

/// What the Image Pixel Module of a view says.
pub(super) fn shape_of(view: &HeaderView) -> FrameShape {
    let number = |tag: Tag| {
        let element = view.find(tag).expect("an image");
        view.numbers(element).first().copied().expect("a number") as u16
    };
    let term = view.string(tags::PHOTOMETRIC_INTERPRETATION).expect("an image");
    FrameShape {
        rows: number(tags::ROWS),
        columns: number(tags::COLUMNS),
        photometric: Photometric::parse(&term).expect("a known one"),
        allocated: number(tags::BITS_ALLOCATED) as u8,
        stored: number(tags::BITS_STORED) as u8,
        high_bit: number(tags::HIGH_BIT) as u8,
        signed: number(tags::PIXEL_REPRESENTATION) == 1,
        planar: false,
    }
}

/// The header and the frames of a phantom in Explicit VR Little Endian.
pub(super) fn picture_of(specimen: &Specimen) -> (HeaderView, Vec<Decoded>) {
    let bytes = specimen.data_set();
    let view = scanned(&bytes);
    let shape = shape_of(&view);
    let pixels = view.find(tags::PIXEL_DATA).expect("an image");
    let pixels = &bytes[pixels.value.start as usize..pixels.value.end as usize];
    let frames = pixels.chunks_exact(shape.decoded_bytes().expect("small"));
    let colour = if shape.samples() == 1 { Colour::Single } else { Colour::Rgb };
    let sample_bytes = shape.sample_bytes() as u8;
    let decoded = |frame: &[u8]| Decoded { colour, sample_bytes, samples: frame.to_vec() };
    let frames = frames.map(decoded).collect();
    (view, frames)
}

/// A frame of one sample a pixel with these stored values.
pub(super) fn frame_with(shape: &FrameShape, values: impl IntoIterator<Item = i64>) -> Decoded {
    let size = shape.sample_bytes();
    let samples = values.into_iter().flat_map(|value| {
        let bytes = value.to_le_bytes();
        bytes.into_iter().take(size)
    });
    Decoded { colour: Colour::Single, sample_bytes: size as u8, samples: samples.collect() }
}
