//! The rectangle as it is shown, compared with how it always was. `MARKGATE_GOLDEN=1` renews the pictures.

use std::io::{Read as _, Write as _};

use super::image::{captured, grey};
use super::*;
use crate::dicom::photometric::Photometric;

/// The rectangle of the first frame in grey levels, as shown at first.
fn shown(image: &Image) -> (usize, usize, Vec<u8>) {
    let (_, after) = drawing(&[StampMode::BurnIn]).stamped(&image.object(), image.syntax);
    let place = Rectangle::told_by(&after);
    let (shape, frames) = frames_of(&after, image.syntax);
    let display = Display::of(&after.view(), shape, 0).expect("it can be shown").fitted(&frames[0]);
    let luminance = display.luminance(&frames[0]).expect("a frame of the image");
    let rows =
        (place.top..place.bottom).flat_map(|y| (place.left..place.right).map(move |x| (x, y)));
    let levels = rows.map(|(x, y)| luminance.at(x, y)).collect();
    (place.right - place.left, place.bottom - place.top, levels)
}

/// An 8-bit grey PNG (ISO/IEC 15948): rows without filter.
fn png(width: usize, height: usize, levels: &[u8]) -> Vec<u8> {
    let mut file = b"\x89PNG\r\n\x1a\n".to_vec();
    let mut chunk = |name: &[u8; 4], data: &[u8]| {
        let named = [&name[..], data].concat();
        file.extend((data.len() as u32).to_be_bytes());
        file.extend(&named);
        file.extend(crc32fast::hash(&named).to_be_bytes());
    };
    let sizes = [(width as u32).to_be_bytes(), (height as u32).to_be_bytes()].concat();
    chunk(b"IHDR", &[&sizes[..], &[8, 0, 0, 0, 0]].concat());
    let mut zlib = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::best());
    for row in levels.chunks(width) {
        zlib.write_all(&[0]).and_then(|()| zlib.write_all(row)).expect("a vector takes all");
    }
    chunk(b"IDAT", &zlib.finish().expect("a vector takes all"));
    chunk(b"IEND", &[]);
    file
}

/// Size and levels of a PNG as [`png`] writes it, whatever zlib has made of it.
fn read(file: &[u8]) -> (usize, usize, Vec<u8>) {
    let number = |at: usize| u32::from_be_bytes(file[at..at + 4].try_into().expect("four bytes"));
    let (width, height) = (number(16) as usize, number(20) as usize);
    let data = 33 + 8;
    let mut rows = Vec::new();
    flate2::read::ZlibDecoder::new(&file[data..data + number(33) as usize])
        .read_to_end(&mut rows)
        .expect("a picture that was written here");
    let levels = rows.chunks(width + 1).flat_map(|row| &row[1..]).copied().collect();
    (width, height, levels)
}

#[track_caller]
fn check_golden(name: &str, image: &Image) {
    let path = format!("{}/testdata/stamp/{name}.png", env!("CARGO_MANIFEST_DIR"));
    let (width, height, levels) = shown(image);
    if std::env::var_os("MARKGATE_GOLDEN").is_some() {
        std::fs::write(&path, png(width, height, &levels)).expect("testdata can be written");
    }
    let golden = read(&std::fs::read(&path).expect("a golden picture"));
    assert!(golden == (width, height, levels), "{name}: not what {path} shows");
}

#[test]
fn the_rectangle_looks_as_it_always_did() {
    check_golden("grey-12", &grey(EXPLICIT, 16, 12));
    let falling = |image: &mut Image| image.shape.photometric = Photometric::Monochrome1;
    check_golden("grey-12-inverse", &grey(EXPLICIT, 16, 12).with(falling));
    check_golden("grey-1", &grey(EXPLICIT, 1, 1));
    check_golden("palette", &captured(EXPLICIT, Photometric::PaletteColor));
    check_golden("rgb", &captured(EXPLICIT, Photometric::Rgb));
    check_golden("jpeg-baseline-92", &grey("1.2.840.10008.1.2.4.50", 8, 8));
    check_golden("jpeg-422-92", &captured("1.2.840.10008.1.2.4.50", Photometric::YbrFull422));
}
