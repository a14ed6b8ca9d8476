//! An ICC profile of sRGB: what a colour presentation state must say of images that say nothing of their colours.
//!
//! An input profile of three primaries and a curve (ISO 15076-1 §8.3.3), as PS3.3 C.11.15.1.1 wants it: class `scnr`, from
//! RGB to CIEXYZ. The numbers are those of IEC 61966-2-1, adapted to D50 by Bradford's matrix.

/// Header and tag table entries (ISO 15076-1 §7.2, §7.3).
const HEADER: usize = 128;
const ENTRY: usize = 12;

/// D50, the white of the connection space.
const WHITE: [f64; 3] = [0.9642, 1.0, 0.8249];
const RED: [f64; 3] = [0.43607, 0.22249, 0.01392];
const GREEN: [f64; 3] = [0.38515, 0.71687, 0.09708];
const BLUE: [f64; 3] = [0.14307, 0.06061, 0.71410];
/// From D65, the white of sRGB, to D50; row by row.
const ADAPTATION: [f64; 9] =
    [1.04788, 0.02292, -0.05022, 0.02959, 0.99048, -0.01707, -0.00925, 0.01508, 0.75168];
/// (a x + b)^g from d on, c x below (ISO 15076-1 §10.18, function 3): g, a, b, c, d.
const CURVE: [f64; 5] = [2.4, 1.0 / 1.055, 0.055 / 1.055, 1.0 / 12.92, 0.04045];

/// The profile.
pub(super) fn srgb() -> Vec<u8> {
    let mut curve = typed(b"para");
    curve.extend([0, 3, 0, 0]);
    curve.extend(fixed(&CURVE));
    let numbers = |kind: &[u8; 4], values: &[f64]| [typed(kind), fixed(values)].concat();
    // The three curves are one; tags may share what they point to.
    let values: [(&[&[u8; 4]], Vec<u8>); 8] = [
        (&[b"desc"], text("sRGB")),
        (&[b"cprt"], text("No rights reserved")),
        (&[b"wtpt"], numbers(b"XYZ ", &WHITE)),
        (&[b"chad"], numbers(b"sf32", &ADAPTATION)),
        (&[b"rXYZ"], numbers(b"XYZ ", &RED)),
        (&[b"gXYZ"], numbers(b"XYZ ", &GREEN)),
        (&[b"bXYZ"], numbers(b"XYZ ", &BLUE)),
        (&[b"rTRC", b"gTRC", b"bTRC"], curve),
    ];
    let tags: usize = values.iter().map(|(names, _)| names.len()).sum();
    let start = HEADER + 4 + ENTRY * tags;
    let mut table = long(tags).to_vec();
    let mut data = Vec::new();
    for (names, value) in values {
        for name in names {
            table.extend_from_slice(*name);
            table.extend(long(start + data.len()));
            table.extend(long(value.len()));
        }
        data.extend_from_slice(&value);
        data.resize(data.len().next_multiple_of(4), 0);
    }
    [header(start + data.len()), table, data].concat()
}

fn header(size: usize) -> Vec<u8> {
    let mut header = long(size).to_vec();
    header.extend([0; 4]);
    header.extend([4, 0x20, 0, 0]);
    header.extend(b"scnrRGB XYZ ");
    // When it was made. It is the same for ever.
    for part in [2026u16, 1, 1, 0, 0, 0] {
        header.extend(part.to_be_bytes());
    }
    header.extend(b"acsp");
    // Platform, flags, device, attributes, intent (0, perceptual): none of them says anything.
    header.extend([0; 28]);
    header.extend(fixed(&WHITE));
    header.resize(HEADER, 0);
    header
}

fn typed(kind: &[u8; 4]) -> Vec<u8> {
    [&kind[..], &[0; 4]].concat()
}

/// A text in English (ISO 15076-1 §10.15).
fn text(text: &str) -> Vec<u8> {
    let utf16: Vec<u8> = text.encode_utf16().flat_map(u16::to_be_bytes).collect();
    let mut value = typed(b"mluc");
    value.extend(long(1));
    value.extend(long(12));
    value.extend(b"enUS");
    value.extend(long(utf16.len()));
    value.extend(long(28));
    value.extend(utf16);
    value
}

/// s15Fixed16Numbers (ISO 15076-1 §4.6).
fn fixed(values: &[f64]) -> Vec<u8> {
    let number = |value: &f64| ((value * 65_536.0).round() as i32).to_be_bytes();
    values.iter().flat_map(number).collect()
}

/// No profile of ours comes near 4 GiB.
fn long(number: usize) -> [u8; 4] {
    (number as u32).to_be_bytes()
}
