//! The real files of MARKGATE_TESTDATA; without the folder there is nothing to use.

use super::{Dice, tile};
use crate::base::limits::Limits;
use crate::codec::jpeg::{coefficients, repaint_blocks};
use crate::codec::tests::painted;
use crate::codec::{CodecFault, Coded, FrameShape, Frames as _, InProcess, Syntax};
use crate::dicom::{photometric::Photometric, tags};
use crate::object::part10::read_head;
use crate::object::{End, HeaderView, Kind, scan_reader};
use dicom_core::Tag;

/// The frame of each file that has one, in a JPEG that can be edited.
fn frames() -> Vec<(String, Syntax, FrameShape, Vec<u8>)> {
    let Some(root) = std::env::var_os("MARKGATE_TESTDATA").map(std::path::PathBuf::from) else {
        return Vec::new();
    };
    let mut frames = Vec::new();
    for file in std::fs::read_dir(root.join("files")).expect("MARKGATE_TESTDATA has files") {
        let path = file.expect("an entry").path();
        let bytes = std::fs::read(&path).expect("readable");
        let Ok(head) = read_head(&bytes[..]) else { continue };
        let Some(syntax) = Syntax::of(head.transfer_syntax.as_str()) else { continue };
        if !matches!(
            syntax,
            Syntax::JpegBaseline
                | Syntax::JpegExtended
                | Syntax::JpegLossless
                | Syntax::JpegLosslessSv1
        ) {
            continue;
        }
        let data_set = &bytes[head.data_set as usize..];
        let scan = scan_reader(data_set, head.syntax(), Limits::default()).expect("a slice");
        if scan.end != End::Complete {
            continue;
        }
        let pixels = scan.header.find(tags::PIXEL_DATA);
        let Some(pixels) = pixels.filter(|pixels| pixels.kind == Kind::Fragments) else { continue };
        let fragments = scan.header.fragments(pixels).skip(1);
        let coded = fragments.flat_map(|fragment| {
            &data_set[fragment.value.start as usize..fragment.value.end as usize]
        });
        // Of several frames all but the first are bytes behind the end of its stream, or so are its own later fragments.
        let coded = coded.copied().collect();
        if let Some(shape) = shape_of(&scan.header) {
            frames.push((path.display().to_string(), syntax, shape, coded));
        }
    }
    frames
}

fn shape_of(header: &HeaderView) -> Option<FrameShape> {
    let word = |tag: Tag| {
        let numbers = header.numbers(header.find(tag)?);
        numbers.first().map(|&number| number as u16)
    };
    Some(FrameShape {
        rows: word(tags::ROWS)?,
        columns: word(tags::COLUMNS)?,
        photometric: Photometric::parse(&header.string(tags::PHOTOMETRIC_INTERPRETATION)?)?,
        allocated: word(tags::BITS_ALLOCATED)? as u8,
        stored: word(tags::BITS_STORED)? as u8,
        high_bit: word(tags::HIGH_BIT)? as u8,
        signed: word(tags::PIXEL_REPRESENTATION)? == 1,
        planar: false,
    })
}

#[test]
fn nothing_but_the_paint_changes_in_real_frames() {
    let (mut edited, mut refused) = (0, 0);
    for (file, syntax, shape, bytes) in frames() {
        let (width, height) = (shape.columns.min(120), shape.rows.min(16));
        for (x, y) in [(0, 0), (shape.columns - width, shape.rows - height)] {
            let place = [x, y, width, height].map(usize::from);
            let tile = tile((place[0], place[1], place[2], place[3]), &shape, &mut Dice::new(1));
            let is_lossless = matches!(syntax, Syntax::JpegLossless | Syntax::JpegLosslessSv1);
            let edit = if is_lossless { super::splice } else { repaint_blocks };
            let out = match edit(&shape, &bytes, &tile) {
                // Progressive frames stand under the UID of the baseline here and there.
                Err(CodecFault::Unsupported) => {
                    refused += 1;
                    continue;
                }
                out => out.unwrap_or_else(|fault| panic!("{file}: {fault}")),
            };
            edited += 1;
            let decode = |bytes: &[u8]| InProcess.decode(&Coded { syntax, shape, bytes });
            let (old, new) = (decode(&bytes).expect("decoded"), decode(&out).expect("decoded"));
            if is_lossless {
                assert!(new == painted(&shape, &old, &tile), "{file}");
                continue;
            }
            let (old, new) =
                (coefficients(&bytes).expect("read"), coefficients(&out).expect("read"));
            let mut changes = 0;
            for (old, new) in old.planes.iter().zip(&new.planes) {
                let blocks = old.blocks.iter().zip(&new.blocks);
                let changed = blocks.filter(|(old, new)| old != new).count();
                let most = (place[2] / 8 + 2) * (place[3] / 8 + 2);
                assert!(changed <= most, "{file}: {changed} blocks of {most}");
                changes += changed;
            }
            assert!(changes > 0, "{file}");
        }
    }
    if std::env::var_os("MARKGATE_TESTDATA").is_some() {
        assert!(edited > refused, "{edited} edited, {refused} refused");
    }
}
