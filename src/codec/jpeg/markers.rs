//! The marker segments of a codestream (ISO/IEC 10918-1 annex B), checked and pointed at.
//!
//! Nothing is copied but the few numbers that editing needs: whatever is not edited goes on as the bytes it was.

use std::ops::Range;

use super::CodecFault;
use super::bits::find_ff;

const SOI: u8 = 0xD8;
const EOI: u8 = 0xD9;

/// How the frame is coded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Process {
    /// Blocks of 8 by 8 samples, one scan after the other (SOF0, SOF1).
    Sequential,
    /// Differences of neighbouring samples (SOF3).
    Lossless,
}

/// A component of the frame header.
#[derive(Debug, Clone, Copy)]
pub(super) struct Component {
    pub id: u8,
    /// Horizontal sampling factor, 1 to 4.
    pub h: usize,
    /// Vertical sampling factor, 1 to 4.
    pub v: usize,
    quantisation: u8,
}

/// The frame header and the scans behind it.
#[derive(Debug)]
pub(super) struct Stream<'a> {
    pub process: Process,
    /// Bits a sample: 8 or 12 of a sequential frame, 2 to 16 of a lossless one.
    pub precision: u8,
    pub rows: usize,
    pub columns: usize,
    /// One or three.
    pub components: Vec<Component>,
    /// What APP14 of Adobe says was done to the colours.
    pub adobe: Option<u8>,
    /// Whether it says that it is a JFIF file.
    pub is_jfif: bool,
    /// Each component is in exactly one of them.
    pub scans: Vec<Scan<'a>>,
}

/// A Huffman table as its segment lists it: how many codes of each length, and what they stand for.
#[derive(Debug, Clone, Copy)]
pub(super) struct Codes<'a> {
    /// 0 to 3.
    pub destination: u8,
    pub counts: &'a [u8],
    pub values: &'a [u8],
}

/// What a scan has to say of a component.
#[derive(Debug, Clone, Copy)]
pub(super) struct Part<'a> {
    /// Which component of the frame.
    pub component: usize,
    pub dc: Codes<'a>,
    /// Absent of a lossless scan.
    pub ac: Option<Codes<'a>>,
    /// In the order of the segment, which is zigzag; ones of a lossless scan.
    pub quantisation: [u16; 64],
}

/// A scan: its header, and where its entropy-coded bytes are.
#[derive(Debug)]
pub(super) struct Scan<'a> {
    pub parts: Vec<Part<'a>>,
    /// Selection value of the predictor of a lossless scan.
    pub predictor: u8,
    /// Point transform of a lossless scan.
    pub point: u8,
    /// MCUs between restart markers; 0 where there are none.
    pub restart: usize,
    /// MCUs in a line, and lines.
    pub mcus: (usize, usize),
    /// Where its header begins.
    pub start: usize,
    /// The entropy-coded bytes between restart markers.
    pub intervals: Vec<Range<usize>>,
}

impl Scan<'_> {
    /// All of its entropy-coded bytes, restart markers among them.
    pub fn data(&self) -> Range<usize> {
        let start = self.intervals.first().map_or(self.start, |first| first.start);
        start..self.intervals.last().map_or(start, |last| last.end)
    }
}

/// The tables that are in force.
#[derive(Default)]
struct Tables<'a> {
    quantisation: [Option<[u16; 64]>; 4],
    dc: [Option<Codes<'a>>; 4],
    ac: [Option<Codes<'a>>; 4],
    restart: usize,
}

/// Reads a segment from its front.
struct Segment<'a>(&'a [u8]);

impl<'a> Segment<'a> {
    fn take(&mut self, length: usize) -> Result<&'a [u8], CodecFault> {
        let (head, rest) = self.0.split_at_checked(length).ok_or(SHORT)?;
        self.0 = rest;
        Ok(head)
    }

    fn byte(&mut self) -> Result<u8, CodecFault> {
        let (&first, rest) = self.0.split_first().ok_or(SHORT)?;
        self.0 = rest;
        Ok(first)
    }

    fn nibbles(&mut self) -> Result<(u8, u8), CodecFault> {
        self.byte().map(|byte| (byte >> 4, byte & 15))
    }

    fn word(&mut self) -> Result<u16, CodecFault> {
        Ok(u16::from_be_bytes([self.byte()?, self.byte()?]))
    }
}

const SHORT: CodecFault = CodecFault::Malformed("a segment is too short");
const CUT: CodecFault = CodecFault::Malformed("it ends before its end marker");

/// Reads everything but the entropy-coded bytes.
pub(super) fn parse(bytes: &[u8]) -> Result<Stream<'_>, CodecFault> {
    if !bytes.starts_with(&[0xFF, SOI]) {
        return Err(CodecFault::Malformed("it does not begin with a start marker"));
    }
    let mut tables = Tables::default();
    let mut frame: Option<Stream<'_>> = None;
    let mut adobe = None;
    let mut is_jfif = false;
    let mut at = 2;
    loop {
        let start = at;
        let marker = marker(bytes, &mut at)?;
        if marker == EOI {
            break;
        }
        let mut segment = segment(bytes, &mut at)?;
        match marker {
            0xC0 | 0xC1 | 0xC3 => {
                if frame.is_some() {
                    return Err(CodecFault::Malformed("it has two frame headers"));
                }
                frame = Some(frame_header(marker, &mut segment)?);
            }
            0xC4 => huffman(&mut segment, &mut tables)?,
            0xDB => quantisation(&mut segment, &mut tables)?,
            0xDD => tables.restart = usize::from(segment.word()?),
            0xDA => {
                let frame =
                    frame.as_mut().ok_or(CodecFault::Malformed("it has no frame header"))?;
                let mut scan = scan_header(frame, &tables, &mut segment)?;
                scan.start = start;
                at = entropy_coded(bytes, at, &mut scan)?;
                frame.scans.push(scan);
            }
            0xEE if segment.0.starts_with(b"Adobe") => adobe = segment.0.get(11).copied(),
            0xE0 if segment.0.starts_with(b"JFIF\0") => is_jfif = true,
            0xE0..=0xEF | 0xFE => {}
            // Progressive, hierarchical and arithmetic frames, their tables, a height told afterwards, and JPEG-LS.
            0xC0..=0xCF | 0xDC | 0xDE | 0xDF | 0xF7 | 0xF8 => return Err(CodecFault::Unsupported),
            _ => return Err(CodecFault::Malformed("it has a marker that has no place there")),
        }
    }
    let mut frame = frame.ok_or(CodecFault::Malformed("it has no frame header"))?;
    let scanned: usize = frame.scans.iter().map(|scan| scan.parts.len()).sum();
    if scanned != frame.components.len() {
        return Err(CodecFault::Malformed("a component is in no scan"));
    }
    (frame.adobe, frame.is_jfif) = (adobe, is_jfif);
    Ok(frame)
}

/// The marker at `at`, which moves behind it.
fn marker(bytes: &[u8], at: &mut usize) -> Result<u8, CodecFault> {
    if *bytes.get(*at).ok_or(CUT)? != 0xFF {
        return Err(CodecFault::Malformed("a marker is missing"));
    }
    // Any number of bytes of ones may stand before a marker (B.1.1.2).
    loop {
        *at += 1;
        match *bytes.get(*at).ok_or(CUT)? {
            0xFF => {}
            code => {
                *at += 1;
                return Ok(code);
            }
        }
    }
}

/// What a segment holds behind its length; `at` moves behind it.
fn segment<'a>(bytes: &'a [u8], at: &mut usize) -> Result<Segment<'a>, CodecFault> {
    let mut rest = Segment(bytes.get(*at..).ok_or(CUT)?);
    let length = usize::from(rest.word().map_err(|_| CUT)?);
    let body = rest.take(length.checked_sub(2).ok_or(SHORT)?).map_err(|_| CUT)?;
    *at += length;
    Ok(Segment(body))
}

fn frame_header<'a>(marker: u8, segment: &mut Segment<'_>) -> Result<Stream<'a>, CodecFault> {
    let process = if marker == 0xC3 { Process::Lossless } else { Process::Sequential };
    let precision = segment.byte()?;
    let fits = match process {
        Process::Sequential => precision == 8 || (precision == 12 && marker == 0xC1),
        Process::Lossless => (2..=16).contains(&precision),
    };
    if !fits {
        return Err(CodecFault::Malformed("samples cannot have that many bits"));
    }
    let (rows, columns) = (usize::from(segment.word()?), usize::from(segment.word()?));
    if rows == 0 {
        return Err(CodecFault::Unsupported); // the height is told behind the first scan
    }
    if columns == 0 {
        return Err(CodecFault::Malformed("it has no columns"));
    }
    let count = segment.byte()?;
    if count != 1 && count != 3 {
        return Err(CodecFault::Unsupported);
    }
    let mut components: Vec<Component> = Vec::new();
    for _ in 0..count {
        let id = segment.byte()?;
        let (h, v) = segment.nibbles()?;
        let quantisation = segment.byte()?;
        let is_new = components.iter().all(|component| component.id != id);
        if !(1..=4).contains(&h) || !(1..=4).contains(&v) || quantisation > 3 || !is_new {
            return Err(CodecFault::Malformed("a component is not possible"));
        }
        components.push(Component { id, h: h.into(), v: v.into(), quantisation });
    }
    Ok(Stream {
        process,
        precision,
        rows,
        columns,
        components,
        adobe: None,
        is_jfif: false,
        scans: Vec::new(),
    })
}

fn huffman<'a>(segment: &mut Segment<'a>, tables: &mut Tables<'a>) -> Result<(), CodecFault> {
    while !segment.0.is_empty() {
        let (class, destination) = segment.nibbles()?;
        let counts = segment.take(16)?;
        let values = segment.take(counts.iter().map(|&count| usize::from(count)).sum())?;
        let slots = match class {
            0 => &mut tables.dc,
            1 => &mut tables.ac,
            _ => return Err(CodecFault::Malformed("a Huffman table has no such class")),
        };
        let slot = slots
            .get_mut(usize::from(destination))
            .ok_or(CodecFault::Malformed("a Huffman table has no such place"))?;
        *slot = Some(Codes { destination, counts, values });
    }
    Ok(())
}

fn quantisation(segment: &mut Segment<'_>, tables: &mut Tables<'_>) -> Result<(), CodecFault> {
    while !segment.0.is_empty() {
        let (wide, destination) = segment.nibbles()?;
        let mut steps = [0; 64];
        for step in &mut steps {
            *step = if wide == 0 { segment.byte()?.into() } else { segment.word()? };
        }
        if wide > 1 || steps.contains(&0) {
            return Err(CodecFault::Malformed("a quantisation table is not possible"));
        }
        let slot = tables
            .quantisation
            .get_mut(usize::from(destination))
            .ok_or(CodecFault::Malformed("a quantisation table has no such place"))?;
        *slot = Some(steps);
    }
    Ok(())
}

fn scan_header<'a>(
    frame: &Stream<'_>,
    tables: &Tables<'a>,
    segment: &mut Segment<'_>,
) -> Result<Scan<'a>, CodecFault> {
    let count = segment.byte()?;
    let mut parts: Vec<Part<'a>> = Vec::new();
    for _ in 0..count {
        let id = segment.byte()?;
        let (dc, ac) = segment.nibbles()?;
        let component = frame.components.iter().position(|component| component.id == id);
        let component = component.ok_or(CodecFault::Malformed("a scan has a strange component"))?;
        let earlier = frame.scans.iter().flat_map(|scan| &scan.parts).chain(&parts);
        if earlier.into_iter().any(|part| part.component == component) {
            return Err(CodecFault::Malformed("a component is scanned twice"));
        }
        const NONE: CodecFault = CodecFault::Malformed("a scan names a table that is not there");
        let table = |slots: &[Option<Codes<'a>>; 4], slot: u8| {
            slots.get(usize::from(slot)).copied().flatten().ok_or(NONE)
        };
        let steps = frame.components.get(component).map_or(0, |component| component.quantisation);
        let steps = tables.quantisation.get(usize::from(steps)).copied().flatten();
        let (ac, quantisation) = match frame.process {
            Process::Sequential => (Some(table(&tables.ac, ac)?), steps.ok_or(NONE)?),
            Process::Lossless => (None, [1; 64]),
        };
        parts.push(Part { component, dc: table(&tables.dc, dc)?, ac, quantisation });
    }
    let (predictor, _, (_, point)) = (segment.byte()?, segment.byte()?, segment.nibbles()?);
    if parts.is_empty() {
        return Err(CodecFault::Malformed("a scan has no components"));
    }
    let mcus = mcus(frame, &parts)?;
    Ok(Scan {
        parts,
        predictor,
        point,
        restart: tables.restart,
        mcus,
        start: 0,
        intervals: Vec::new(),
    })
}

/// MCUs in a line of a scan, and lines (A.2).
fn mcus(frame: &Stream<'_>, parts: &[Part<'_>]) -> Result<(usize, usize), CodecFault> {
    let unit = match frame.process {
        Process::Sequential => 8,
        Process::Lossless => 1,
    };
    let of = |part: &Part<'_>| frame.components.get(part.component).copied();
    if let [part] = parts {
        // Alone in its scan, a component has one block an MCU whatever its sampling.
        let (wide, high) = of(part).map_or((1, 1), |component| frame.size(&component));
        return Ok((wide.div_ceil(unit), high.div_ceil(unit)));
    }
    if parts.iter().filter_map(of).map(|component| component.h * component.v).sum::<usize>() > 10 {
        return Err(CodecFault::Malformed("an MCU has more than ten blocks"));
    }
    let (h, v) = frame.sampling();
    Ok((frame.columns.div_ceil(unit * h), frame.rows.div_ceil(unit * v)))
}

impl Stream<'_> {
    /// The greatest sampling factors, horizontal and vertical.
    pub fn sampling(&self) -> (usize, usize) {
        let of =
            |side: fn(&Component) -> usize| self.components.iter().map(side).max().unwrap_or(1);
        (of(|component| component.h), of(|component| component.v))
    }

    /// Columns and rows of a component's samples.
    pub fn size(&self, component: &Component) -> (usize, usize) {
        let (h, v) = self.sampling();
        ((self.columns * component.h).div_ceil(h), (self.rows * component.v).div_ceil(v))
    }
}

/// Finds where the entropy-coded bytes from `at` on, and the intervals of them, end.
fn entropy_coded(bytes: &[u8], at: usize, scan: &mut Scan<'_>) -> Result<usize, CodecFault> {
    let mcus = scan.mcus.0 * scan.mcus.1;
    let want = if scan.restart == 0 { 1 } else { mcus.div_ceil(scan.restart) };
    let mut start = at;
    let mut from = at;
    loop {
        let found = bytes.get(from..).and_then(find_ff).ok_or(CUT)?;
        let end = from + found;
        let mut behind = end;
        match bytes.get(end + 1) {
            Some(0) => from = end + 2,
            _ => match marker(bytes, &mut behind)? {
                0 => return Err(CodecFault::Malformed("bytes of ones stand before no marker")),
                code @ 0xD0..=0xD7 => {
                    let place = scan.intervals.len();
                    if usize::from(code & 7) != place % 8 || place + 1 >= want {
                        return Err(CodecFault::Malformed("a restart marker is out of place"));
                    }
                    scan.intervals.push(start..end);
                    (start, from) = (behind, behind);
                }
                _ => {
                    scan.intervals.push(start..end);
                    if scan.intervals.len() != want {
                        return Err(CodecFault::Malformed("restart markers are missing"));
                    }
                    return Ok(end);
                }
            },
        }
    }
}
