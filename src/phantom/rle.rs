//! RLE Lossless, PS3.5 annex G: each byte plane of a frame packed row by row.

/// One frame: `planes` byte planes of `rows` rows each, as a fragment of even length.
///
/// `plane` gives the bytes of a plane, most significant first; at most 15 of them.
pub(super) fn encode(planes: &[Vec<u8>], row: usize) -> Vec<u8> {
    let segments: Vec<Vec<u8>> = planes.iter().map(|plane| segment(plane, row)).collect();
    let mut header = Vec::with_capacity(64);
    header.extend(u32::try_from(segments.len()).unwrap_or_default().to_le_bytes());
    let mut offset = 64;
    for segment in &segments {
        header.extend(u32::try_from(offset).unwrap_or_default().to_le_bytes());
        offset += segment.len();
    }
    header.resize(64, 0);
    header.extend(segments.into_iter().flatten());
    header
}

fn segment(plane: &[u8], row: usize) -> Vec<u8> {
    let mut out = Vec::with_capacity(plane.len() / 2);
    for row in plane.chunks(row.max(1)) {
        pack(row, &mut out);
    }
    if out.len() % 2 == 1 {
        out.push(0);
    }
    out
}

/// Runs of at least three equal bytes, and what lies between them.
fn pack(row: &[u8], out: &mut Vec<u8>) {
    let mut literal: &[u8] = &[];
    let mut rest = row;
    while let Some(first) = rest.first() {
        let run = rest.iter().take(128).take_while(|byte| *byte == first).count();
        if run >= 3 {
            flush(literal, out);
            // 257 - n as the standard's signed byte: -(n - 1).
            out.push(u8::try_from(257 - run).unwrap_or_default());
            out.push(*first);
            rest = rest.get(run..).unwrap_or_default();
            literal = &[];
            continue;
        }
        let start = row.len() - rest.len() - literal.len();
        literal = row.get(start..start + literal.len() + 1).unwrap_or_default();
        rest = rest.get(1..).unwrap_or_default();
    }
    flush(literal, out);
}

fn flush(literal: &[u8], out: &mut Vec<u8>) {
    for part in literal.chunks(128) {
        out.push(u8::try_from(part.len() - 1).unwrap_or_default());
        out.extend_from_slice(part);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn unpack(packed: &[u8], length: usize) -> Vec<u8> {
        let mut out = Vec::new();
        let mut rest = packed;
        while out.len() < length {
            let (head, tail) = rest.split_first().expect("the segment is whole");
            if *head < 128 {
                let count = usize::from(*head) + 1;
                out.extend_from_slice(&tail[..count]);
                rest = &tail[count..];
            } else {
                out.extend(std::iter::repeat_n(tail[0], 257 - usize::from(*head)));
                rest = &tail[1..];
            }
        }
        out
    }

    proptest! {
        #[test]
        fn packed_planes_unpack(plane in prop::collection::vec(0_u8..3, 1..600), row in 1_usize..300) {
            let packed = segment(&plane, row);
            prop_assert_eq!(packed.len() % 2, 0);
            prop_assert_eq!(unpack(&packed, plane.len()), plane);
        }
    }

    #[test]
    fn the_header_counts_segments_and_their_offsets() {
        let frame = encode(&[vec![0; 8], vec![1, 2, 3, 4, 5, 6, 7, 8]], 4);
        assert_eq!(frame[..12], [2, 0, 0, 0, 64, 0, 0, 0, 68, 0, 0, 0]);
        assert_eq!(frame[64..68], [253, 0, 253, 0]);
        assert_eq!(frame[68..], [3, 1, 2, 3, 4, 3, 5, 6, 7, 8]);
    }
}
