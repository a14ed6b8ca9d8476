//! The markers of a JPEG 2000 codestream (ISO/IEC 15444-1 annex A, 15444-15): what it says of itself before it is decoded.

use super::{CodecFault, FrameShape};

const SOC: [u8; 2] = [0xFF, 0x4F];
const CAP: u8 = 0x50;
const SIZ: u8 = 0x51;
const COD: u8 = 0x52;
const COC: u8 = 0x53;
const TLM: u8 = 0x55;
const QCD: u8 = 0x5C;
const QCC: u8 = 0x5D;
const POC: u8 = 0x5F;
const SOT: u8 = 0x90;
const SOD: u8 = 0x93;
const EOC: [u8; 2] = [0xFF, 0xD9];

/// More tiles than any modality makes; each costs the decoder some kilobytes before a pixel is seen.
const MOST_TILES: u64 = 4096;
/// As [`MOST_TILES`]; the decoder has a list of layers for each precinct.
const MOST_LAYERS: u16 = 64;
/// As [`MOST_TILES`]: a codestream can ask for a precinct around each pixel.
const MOST_PRECINCTS: u64 = 1 << 17;

/// The coding style that most of a codestream has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Style {
    /// SOP and EPH markers: bits 1 and 2 of Scod.
    pub(super) markers: u8,
    /// 0 to 4: LRCP, RLCP, RPCL, PCRL, CPRL.
    pub(super) progression: u8,
    /// Whether three components are transformed together.
    pub(super) transformed: bool,
    /// Decompositions, one less than resolutions.
    pub(super) levels: u8,
    /// Width and height of code-blocks, as exponents of 2.
    pub(super) block: (u8, u8),
    /// The style of code-blocks; bit 6 says that they are high-throughput.
    pub(super) blocks: u8,
    /// Width and height of precincts of each resolution, lowest first, as exponents of 2; empty for the greatest.
    pub(super) precincts: Vec<(u8, u8)>,
}

impl Style {
    /// Whether the code-blocks are those of ISO/IEC 15444-15.
    pub(super) fn high_throughput(&self) -> bool {
        self.blocks & 0x40 != 0
    }
}

/// What a codestream says of itself.
#[derive(Debug, Clone)]
pub(super) struct Siz {
    pub(super) columns: u32,
    pub(super) rows: u32,
    /// Of the image on the reference grid, and of the first tile.
    offset: bool,
    pub(super) tile: (u32, u32),
    /// Depth and sign of each component.
    components: Vec<(u8, bool)>,
    pub(super) style: Style,
    /// Whether a component or tile has a style of its own.
    uniform: bool,
    /// Whether wavelets and quantisation are reversible throughout.
    reversible: bool,
    /// Whether the resolutions' places are told in the main header.
    pub(super) lengths: bool,
}

const SHORT: CodecFault = CodecFault::Malformed("cut short within its markers");

/// The codestream within the boxes of a JP2 file, which some senders leave around it; a bare one as it is.
pub(super) fn bare(bytes: &[u8]) -> Result<&[u8], CodecFault> {
    const SIGNATURE: &[u8] = b"\0\0\0\x0CjP  \r\n\x87\n";
    if !bytes.starts_with(SIGNATURE) {
        return Ok(bytes);
    }
    let mut rest = bytes;
    while let Some((head, _)) = rest.split_first_chunk::<8>() {
        let [a, b, c, d, name @ ..] = *head;
        let length = u32::from_be_bytes([a, b, c, d]) as usize;
        let length = if length == 0 { rest.len() } else { length };
        let inside = rest.get(8..length).ok_or(SHORT)?;
        if &name == b"jp2c" {
            return Ok(inside);
        }
        rest = rest.get(length..).unwrap_or_default();
    }
    Err(CodecFault::Malformed("no codestream in the JP2 boxes"))
}

/// Reads all headers of a codestream.
pub(super) fn read(bytes: &[u8]) -> Result<Siz, CodecFault> {
    let mut rest = bytes.strip_prefix(&SOC).ok_or(CodecFault::Malformed("no SOC marker"))?;
    let (marker, body) = next(&mut rest)?;
    if marker != SIZ {
        return Err(CodecFault::Malformed("SIZ does not come first"));
    }
    let mut siz = size(body)?;
    let mut seen = (false, false);
    loop {
        let before = rest;
        let (marker, body) = next(&mut rest)?;
        match marker {
            COD => {
                (siz.style, siz.reversible) = style(body)?;
                seen.0 = true;
            }
            QCD => {
                siz.reversible &= quantised(body.first());
                seen.1 = true;
            }
            SOT => {
                rest = before;
                break;
            }
            TLM => siz.lengths = true,
            CAP => {}
            other => siz.another(other, body),
        }
    }
    if seen != (true, true) {
        return Err(CodecFault::Malformed("no COD or QCD marker"));
    }
    while !rest.is_empty() && !rest.starts_with(&EOC) {
        rest = siz.tile_part(rest)?;
    }
    Ok(siz)
}

/// A marker segment; the marker alone of those without a body.
fn next<'a>(rest: &mut &'a [u8]) -> Result<(u8, &'a [u8]), CodecFault> {
    let [0xFF, marker, after @ ..] = *rest else {
        return Err(CodecFault::Malformed("a marker is not where it should be"));
    };
    if *marker == SOD {
        *rest = after;
        return Ok((SOD, &[]));
    }
    let [high, low, ..] = *after else { return Err(SHORT) };
    let length = usize::from(u16::from_be_bytes([high, low]));
    let body = after.get(2..length).ok_or(SHORT)?;
    *rest = after.get(length..).ok_or(SHORT)?;
    Ok((*marker, body))
}

fn size(body: &[u8]) -> Result<Siz, CodecFault> {
    let (fixed, specified) = body.split_at_checked(36).ok_or(SHORT)?;
    let words: Vec<u32> = fixed
        .get(2..34)
        .unwrap_or_default()
        .as_chunks::<4>()
        .0
        .iter()
        .map(|word| u32::from_be_bytes(*word))
        .collect();
    let [x1, y1, x0, y0, tile_width, tile_height, tile_x0, tile_y0] = *words.as_slice() else {
        return Err(SHORT);
    };
    let (components, rest) = specified.as_chunks::<3>();
    let count = fixed.get(34..).and_then(|count| count.first_chunk::<2>()).ok_or(SHORT)?;
    if components.len() != usize::from(u16::from_be_bytes(*count)) || !rest.is_empty() {
        return Err(CodecFault::Malformed("SIZ has another length than its components take"));
    }
    if components.iter().any(|[_, dx, dy]| (*dx, *dy) != (1, 1)) {
        return Err(CodecFault::Unsupported);
    }
    let (columns, rows) = (x1.saturating_sub(x0), y1.saturating_sub(y0));
    if columns == 0 || rows == 0 || tile_width == 0 || tile_height == 0 {
        return Err(CodecFault::Malformed("SIZ describes no image"));
    }
    let tiles =
        |end: u32, start: u32, size: u32| u64::from(end.saturating_sub(start).div_ceil(size));
    if tiles(x1, tile_x0, tile_width) * tiles(y1, tile_y0, tile_height) > MOST_TILES {
        return Err(CodecFault::Unsupported);
    }
    Ok(Siz {
        columns,
        rows,
        offset: [x0, y0, tile_x0, tile_y0] != [0; 4],
        tile: (tile_width.min(columns), tile_height.min(rows)),
        components: components
            .iter()
            .map(|[depth, ..]| ((depth & 0x7F) + 1, depth & 0x80 != 0))
            .collect(),
        style: Style {
            markers: 0,
            progression: 0,
            transformed: false,
            levels: 0,
            block: (6, 6),
            blocks: 0,
            precincts: Vec::new(),
        },
        uniform: true,
        reversible: false,
        lengths: false,
    })
}

/// The body of COD, and whether its wavelets are reversible.
fn style(body: &[u8]) -> Result<(Style, bool), CodecFault> {
    let [
        scod,
        progression,
        l1,
        l0,
        transform,
        levels,
        width,
        height,
        blocks,
        wavelet,
        precincts @ ..,
    ] = body
    else {
        return Err(SHORT);
    };
    // A.6.1: code-blocks have at most 1024 samples in a direction and 4096 in all.
    if *levels > 32 || *width > 8 || *height > 8 || width + height > 8 || *transform > 1 {
        return Err(CodecFault::Malformed("COD is out of range"));
    }
    let layers = u16::from_be_bytes([*l1, *l0]);
    if layers == 0 || layers > MOST_LAYERS || *progression > 4 {
        return Err(CodecFault::Unsupported);
    }
    let precincts: Vec<(u8, u8)> = if scod & 1 == 0 {
        Vec::new()
    } else {
        precincts
            .iter()
            .take(usize::from(*levels) + 1)
            .map(|size| (size & 0xF, size >> 4))
            .collect()
    };
    if precincts.iter().skip(1).any(|(width, height)| *width == 0 || *height == 0) {
        return Err(CodecFault::Malformed("COD is out of range"));
    }
    let style = Style {
        markers: scod & 6,
        progression: *progression,
        transformed: *transform != 0,
        levels: *levels,
        block: (width + 2, height + 2),
        blocks: *blocks,
        precincts,
    };
    Ok((style, *wavelet == 1))
}

/// Whether a quantisation style is none.
fn quantised(style: Option<&u8>) -> bool {
    style.is_some_and(|style| style & 0x1F == 0)
}

impl Siz {
    /// A marker that gives some part of the image a style of its own.
    fn another(&mut self, marker: u8, body: &[u8]) {
        match marker {
            COD | COC | POC => {
                self.uniform = false;
                self.reversible &= marker == POC
                    || body.last_chunk::<1>().is_some_and(|_| {
                        // The wavelet stands behind the component's number, one byte or two, and six more.
                        let at = if marker == COD {
                            9
                        } else {
                            6 + usize::from(self.components.len() > 256)
                        };
                        body.get(at) == Some(&1)
                    });
            }
            QCD => self.reversible &= quantised(body.first()),
            QCC => {
                let at = 1 + usize::from(self.components.len() > 256);
                self.reversible &= quantised(body.get(at));
            }
            _ => {}
        }
    }

    /// Reads the header of a tile-part; gives what follows the tile-part.
    fn tile_part<'a>(&mut self, part: &'a [u8]) -> Result<&'a [u8], CodecFault> {
        let mut rest = part;
        let (SOT, [_, _, a, b, c, d, ..]) = next(&mut rest)? else {
            return Err(CodecFault::Malformed("a tile-part does not begin with SOT"));
        };
        let length = u32::from_be_bytes([*a, *b, *c, *d]) as usize;
        let length = if length == 0 { part.len() } else { length };
        loop {
            match next(&mut rest)? {
                (SOD, _) => break,
                (marker, body) => self.another(marker, body),
            }
        }
        if length < part.len() - rest.len() {
            return Err(CodecFault::Malformed("a tile-part is shorter than its header"));
        }
        part.get(length..).ok_or(CodecFault::Malformed("a tile-part is cut short"))
    }

    /// Whether it describes a frame of that shape; depth and sign of all its components.
    pub(super) fn agrees(&self, shape: &FrameShape) -> Result<(u8, bool), CodecFault> {
        let first = self.components.first().copied().ok_or(CodecFault::Mismatch)?;
        let same = self.rows == u32::from(shape.rows)
            && self.columns == u32::from(shape.columns)
            && self.components.len() == shape.samples()
            && first.0 <= shape.allocated;
        if !same {
            return Err(CodecFault::Mismatch);
        }
        if self.style.transformed && self.components.len() != 3 {
            return Err(CodecFault::Malformed("a colour transform without colours"));
        }
        let precincts = |(index, size): (usize, &(u8, u8))| {
            let below =
                (usize::from(self.style.levels) - index.min(usize::from(self.style.levels))) as u32;
            let count =
                |pixels: u32, exponent: u8| (u64::from(pixels) >> below.min(31) >> exponent) + 1;
            count(self.columns, size.0) * count(self.rows, size.1)
        };
        let many = self.style.precincts.iter().enumerate().map(precincts).sum::<u64>();
        if self.components.iter().any(|other| *other != first) || many > MOST_PRECINCTS {
            return Err(CodecFault::Unsupported);
        }
        Ok(first)
    }

    /// Whether wavelets and quantisation lose nothing, and it can be coded so again.
    pub(super) fn repeatable(&self) -> bool {
        self.reversible && self.uniform && !self.offset
    }
}

/// A codestream with the lengths of its tile-parts in its main header, which PS3.5 10.18 asks of HTJ2K Lossless RPCL.
pub(super) fn with_lengths(bytes: &[u8]) -> Result<Vec<u8>, CodecFault> {
    let mut rest = bytes.get(SOC.len()..).ok_or(SHORT)?;
    let mut parts = rest;
    while next(&mut rest)?.0 != SOT {
        parts = rest;
    }
    let header = bytes.len() - parts.len();
    // Ztlm 0; Stlm: tiles in two bytes, lengths in four (A.7.1).
    let mut body = vec![0, 0x60];
    while !parts.is_empty() && !parts.starts_with(&EOC) {
        let (SOT, [t1, t0, length @ ..]) = next(&mut { parts })? else {
            return Err(CodecFault::Malformed("a tile-part does not begin with SOT"));
        };
        let length: [u8; 4] = *length.first_chunk().ok_or(SHORT)?;
        body.extend([*t1, *t0]);
        body.extend(length);
        parts = parts.get((u32::from_be_bytes(length) as usize).max(1)..).ok_or(SHORT)?;
    }
    let segment = u16::try_from(body.len() + 2).map_err(|_| CodecFault::Unsupported)?;
    let mut with = Vec::with_capacity(bytes.len() + body.len() + 4);
    with.extend(bytes.iter().take(header));
    with.extend([0xFF, TLM]);
    with.extend(segment.to_be_bytes());
    with.extend(body);
    with.extend(bytes.iter().skip(header));
    Ok(with)
}
