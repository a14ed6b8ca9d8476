//! The head of a JPEG or JPEG-LS codestream (ISO/IEC 10918-1 annex B, 14495-1 annex C): marker segments up to the first scan.

use super::{CodecFault, FrameShape};

/// A component of the frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Component {
    pub(super) id: u8,
    /// Horizontal and vertical sampling factor, one in each half.
    pub(super) sampling: u8,
}

/// A marker segment.
#[derive(Debug, Clone, Copy)]
pub(super) struct Segment<'a> {
    /// The second byte of the marker.
    pub(super) marker: u8,
    /// What follows the length.
    pub(super) body: &'a [u8],
    /// All of it, marker and length included.
    pub(super) whole: &'a [u8],
}

/// What stands before the entropy-coded data.
#[derive(Debug, Clone)]
pub(super) struct Head<'a> {
    /// The second byte of the SOF marker: C0, C1, C2 and C3 of JPEG, F7 of JPEG-LS.
    pub(super) process: u8,
    pub(super) precision: u8,
    pub(super) rows: u16,
    pub(super) columns: u16,
    pub(super) components: Vec<Component>,
    /// Restart interval; 0 if there is none.
    pub(super) restart: u16,
    /// Of the first scan: predictor of lossless JPEG, NEAR of JPEG-LS.
    pub(super) first: u8,
    /// Of the first scan: interleave mode of JPEG-LS.
    pub(super) second: u8,
    /// Of the first scan: point transform, in the lower half.
    pub(super) transform: u8,
    /// Segments from SOI to the first SOS, which is the last of them.
    pub(super) segments: Vec<Segment<'a>>,
    /// What follows the SOS segment.
    pub(super) rest: &'a [u8],
}

pub(super) const SOI: [u8; 2] = [0xFF, 0xD8];
pub(super) const EOI: [u8; 2] = [0xFF, 0xD9];
const SOS: u8 = 0xDA;
const DRI: u8 = 0xDD;
/// More marker segments than any encoder writes before a scan.
const MOST_SEGMENTS: usize = 1000;

/// Reads the head.
pub(super) fn read(bytes: &[u8]) -> Result<Head<'_>, CodecFault> {
    let mut rest = bytes.strip_prefix(&SOI).ok_or(CodecFault::Malformed("no SOI marker"))?;
    let mut segments = Vec::new();
    let mut frame = None;
    let mut restart = 0;
    loop {
        let segment = next(&mut rest)?;
        segments.push(segment);
        match segment.marker {
            // DHT, JPG and DAC stand among the SOF markers.
            0xC4 | 0xC8 | 0xCC => {}
            0xC0..=0xCF | 0xF7 => {
                let another = frame.replace(sof(&segment)?);
                if another.is_some() {
                    return Err(CodecFault::Malformed("two SOF markers"));
                }
            }
            DRI => {
                if let [high, low] = segment.body {
                    restart = u16::from_be_bytes([*high, *low]);
                }
            }
            SOS => break,
            _ => {}
        }
        if segments.len() > MOST_SEGMENTS {
            return Err(CodecFault::Malformed("too many marker segments"));
        }
    }
    let scan = segments.last().map(|segment| segment.body).unwrap_or_default();
    let [.., first, second, transform] = *scan else {
        return Err(CodecFault::Malformed("the SOS segment is too short"));
    };
    let (process, precision, rows, columns, components) =
        frame.ok_or(CodecFault::Malformed("no SOF marker before the scan"))?;
    Ok(Head {
        process,
        precision,
        rows,
        columns,
        components,
        restart,
        first,
        second,
        transform: transform & 0x0F,
        segments,
        rest,
    })
}

fn next<'a>(rest: &mut &'a [u8]) -> Result<Segment<'a>, CodecFault> {
    const SHORT: CodecFault = CodecFault::Malformed("cut short within its head");
    // B.1.1.2: any number of fill bytes FF may precede a marker.
    let at = rest.iter().position(|byte| *byte != 0xFF).filter(|at| *at > 0).ok_or(SHORT)?;
    let start = rest.get(at - 1..).ok_or(SHORT)?;
    let [_, marker, high, low, ..] = *start else { return Err(SHORT) };
    if marker == 0 || (0xD0..=0xD9).contains(&marker) {
        return Err(CodecFault::Malformed("a marker out of place"));
    }
    let length = usize::from(u16::from_be_bytes([high, low]));
    let body = start.get(4..2 + length).ok_or(SHORT)?;
    let (whole, after) = start.split_at_checked(2 + length).ok_or(SHORT)?;
    *rest = after;
    Ok(Segment { marker, body, whole })
}

type Sof = (u8, u8, u16, u16, Vec<Component>);

fn sof(segment: &Segment<'_>) -> Result<Sof, CodecFault> {
    let [precision, r1, r0, c1, c0, count, specified @ ..] = segment.body else {
        return Err(CodecFault::Malformed("the SOF segment is too short"));
    };
    let components: Vec<Component> = specified
        .as_chunks::<3>()
        .0
        .iter()
        .map(|[id, sampling, _]| Component { id: *id, sampling: *sampling })
        .collect();
    if components.len() != usize::from(*count) {
        return Err(CodecFault::Malformed("the SOF segment is too short"));
    }
    let size = |high: u8, low: u8| u16::from_be_bytes([high, low]);
    Ok((segment.marker, *precision, size(*r1, *r0), size(*c1, *c0), components))
}

impl Head<'_> {
    /// Whether it describes a frame of that shape.
    pub(super) fn agrees(&self, shape: &FrameShape) -> Result<(), CodecFault> {
        let same = self.rows == shape.rows
            && self.columns == shape.columns
            && self.components.len() == shape.samples()
            && (1..=shape.allocated).contains(&self.precision);
        if same { Ok(()) } else { Err(CodecFault::Mismatch) }
    }

    /// Whether all components have as many samples.
    pub(super) fn unsampled(&self) -> bool {
        match self.components.as_slice() {
            [first, rest @ ..] => rest.iter().all(|other| other.sampling == first.sampling),
            [] => false,
        }
    }

    /// Whether the image ends: decoders make up for what is missing, or look for it for ever.
    pub(super) fn ends(&self) -> bool {
        self.rest.windows(2).any(|pair| pair == EOI)
    }

    /// The body of the first segment with that marker that begins with `name`.
    pub(super) fn application(&self, marker: u8, name: &[u8]) -> Option<&[u8]> {
        self.segments
            .iter()
            .filter(|segment| segment.marker == marker)
            .find_map(|segment| segment.body.strip_prefix(name))
    }
}

/// Another codestream of the same image with the component identifiers of this one and with its application and comment segments.
///
/// Decoders find the colour transform in them.
pub(super) fn dress(encoded: &[u8], like: &Head<'_>) -> Result<Vec<u8>, CodecFault> {
    let head = read(encoded)?;
    let borrowed = |segment: &Segment<'_>| matches!(segment.marker, 0xE0..=0xEF | 0xFE);
    let renamed = |id: u8| {
        let mut pairs = head.components.iter().zip(&like.components);
        pairs.find(|(ours, _)| ours.id == id).map_or(id, |(_, theirs)| theirs.id)
    };
    let mut dressed = Vec::with_capacity(encoded.len());
    dressed.extend(SOI);
    for segment in like.segments.iter().filter(|segment| borrowed(segment)) {
        dressed.extend(segment.whole);
    }
    let mut rest = encoded.get(SOI.len()..).unwrap_or_default();
    while !rest.starts_with(&EOI) {
        let segment = next(&mut rest)?;
        if borrowed(&segment) {
            continue;
        }
        let from = dressed.len();
        dressed.extend(segment.whole);
        let body = dressed.get_mut(from + 4..).unwrap_or_default();
        match segment.marker {
            SOS => {
                let count = usize::from(body.first().copied().unwrap_or(0));
                body.iter_mut().skip(1).step_by(2).take(count).for_each(|id| *id = renamed(*id));
                let (scan, after) = rest.split_at(scan_length(rest));
                dressed.extend(scan);
                rest = after;
            }
            0xC0..=0xC3 | 0xF7 => {
                body.iter_mut().skip(6).step_by(3).for_each(|id| *id = renamed(*id));
            }
            _ => {}
        }
    }
    dressed.extend(EOI);
    Ok(dressed)
}

/// Bytes of entropy-coded data up to the next marker other than RSTn. In JPEG-LS a byte below 80 follows a stuffed FF.
fn scan_length(rest: &[u8]) -> usize {
    rest.windows(2)
        .position(|pair| matches!(pair, [0xFF, second] if *second >= 0x80 && !(0xD0..=0xD7).contains(second)))
        .unwrap_or(rest.len())
}
