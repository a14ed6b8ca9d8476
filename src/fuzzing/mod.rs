//! What must hold for any bytes at all, wherever bytes come in. Each function here takes an input and panics when it does not hold;
//! the tests below run them on good inputs and on damaged ones, and the programs in `fuzz/` on whatever a fuzzer comes upon.
//!
//! It is compiled for these two alone.

#[cfg(test)]
mod tests;

use std::io::Read as _;
use std::path::Path;

pub use crate::dimse::fuzzing::{
    assoc_rq, assoc_rqs, command_set, command_sets, pdu_stream, pdu_streams,
};
pub use crate::ledger::fuzzing::{journal_record, journal_records};
pub use crate::spool::fuzzing::{journal, journals, spool_file, spool_files};
pub use crate::web::fuzzing::{http_api, http_requests};

use crate::app;
use crate::base::limits::Limits;
use crate::base::time::Timestamp;
use crate::codec::{
    Coded, Colour, Decoded, FrameShape, Frames as _, InProcess, Syntax, Tile, encode, jpeg,
};
use crate::config::{self, show};
use crate::dicom::attribute::AttributePath;
use crate::dicom::photometric::Photometric;
use crate::dicom::transfer_syntax::TransferSyntax;
use crate::dicom::{VR, tags};
use crate::object::edit::{Editor, NewElement};
use crate::object::splice::Spliced;
use crate::object::transcode::{Target, Transcoder};
use crate::object::{End, Scan, Scanner, part10};
use crate::phantom::{Characters, Kind, Lengths, Specimen};
use crate::pipeline::{Image, Site, judge};
use crate::policy::admission::Source;
use crate::recognition::InstitutionId;
use crate::standard::Announced;

/// The transfer syntaxes that a data set can be in, one for each way of writing.
const SYNTAXES: [&str; 5] = [
    "1.2.840.10008.1.2",
    "1.2.840.10008.1.2.1",
    "1.2.840.10008.1.2.2",
    "1.2.840.10008.1.2.1.99",
    "1.2.840.10008.1.2.5",
];

/// Small enough that an input cannot take long, large enough that most do not reach it.
const LIMITS: Limits = Limits { elements: 20_000, kept_bytes: 1 << 20, value_bytes: 16 << 10 };

/// Takes the two bytes before a data set that say what it is in and how it is cut.
fn data_set_of(input: &[u8]) -> Option<(&'static str, usize, &[u8])> {
    let [which, cut, data @ ..] = input else { return None };
    let syntax = SYNTAXES.get(usize::from(*which) % SYNTAXES.len())?;
    Some((syntax, usize::from(*cut).max(1), data))
}

fn scan(syntax: TransferSyntax, pieces: impl Iterator<Item = impl AsRef<[u8]>>) -> Scan {
    let mut scanner = Scanner::new(syntax, LIMITS);
    for piece in pieces {
        scanner.push(piece.as_ref());
    }
    scanner.finish()
}

/// A data set. It is seen the same however it is cut; what is changed in it is changed as planned, and nothing else.
pub fn dataset_stream(input: &[u8]) {
    let Some((name, cut, data)) = data_set_of(input) else { return };
    let syntax = TransferSyntax::of(name);
    let whole = scan(syntax, std::iter::once(data));
    let pieces = scan(syntax, data.chunks(cut));
    // What a deflate stream yields before it breaks depends on how it came.
    if !syntax.deflated || whole.end == End::Complete {
        assert_eq!(pieces.end, whole.end, "the same end however it is cut");
        assert_eq!(pieces.header.elements(), whole.header.elements(), "and the same elements");
        assert_eq!(pieces.header.oddities(), whole.header.oddities());
    }
    for element in whole.header.elements() {
        assert!(element.start <= element.value.start && element.value.start <= element.value.end);
        assert!(whole.header.numbers(element).iter().all(|number| number.is_finite()));
        drop(whole.header.strings(element));
        assert_eq!(pieces.header.bytes(element).is_some(), whole.header.bytes(element).is_some());
    }
    change(syntax, data, &whole);
    for target in [Target::ImplicitLittle, Target::ExplicitLittle] {
        let mut out = Vec::new();
        drop(Transcoder::new(data, syntax.encoding, target).read_to_end(&mut out));
    }
}

fn change(syntax: TransferSyntax, data: &[u8], scan: &Scan) {
    let path = AttributePath::top(tags::INSTITUTION_NAME);
    let mut editor = Editor::new(&scan.header);
    let set = editor.set(&path, NewElement::new(path.tag, VR::LO, "NAME"));
    let Ok(plan) = set.and_then(|()| editor.finish()) else { return };
    if syntax.deflated {
        return;
    }
    let (length, mut out) = (plan.length_after(data.len() as u64), Vec::new());
    Spliced::new(data, plan).read_to_end(&mut out).expect("the plan fits its object");
    assert_eq!(out.len() as u64, length, "as long as was planned");
    if scan.end == End::Complete {
        let after = self::scan(syntax, std::iter::once(&out));
        assert_eq!(after.end, End::Complete, "what is changed is as whole as before");
    }
}

/// A data set from a source that may mark: judging it never fails.
pub struct Judgement {
    site: Site,
    source: Source,
}

impl Default for Judgement {
    fn default() -> Self {
        let text = r#"
            [[destination]]
            name = "pacs"
            folder = "received"
            [[institution]]
            id = "here"
            name = "示范医院"
            latin_name = "Demonstration Hospital"
            [[item]]
            code = "ALL"
            name = "检查"
            when = "dcm.Modality != '' || dcm.Rows > 0 || dcm.StudyDescription.contains('A')"
            scopes = ["BJHR"]
            [[accreditation]]
            institution = "here"
            items = ["*"]
            scope = "BJHR"
            valid_from = 2000-01-01
            [mark]
            mark_before_effective = true
        "#;
        let loaded = config::parse(text, Path::new("fuzzing.toml"), Path::new("/"));
        let site = app::site::build(&loaded.expect("a configuration"));
        let source = Source { institution: Some(InstitutionId::new("here")), ..Source::default() };
        Self { site, source }
    }
}

impl Judgement {
    /// Judges the data set of an input for [`dataset_stream`].
    pub fn judge(&self, input: &[u8]) {
        let Some((name, _, data)) = data_set_of(input) else { return };
        let scan = scan(TransferSyntax::of(name), std::iter::once(data));
        let image = Image {
            scan: &scan,
            sender: None,
            source: &self.source,
            sop_class: "1.2.840.10008.5.1.4.1.1.2",
            transfer_syntax: name,
            announced: Announced::default(),
            urgent: false,
            workshop: None,
            preferred: &[],
            other_version: false,
            study: None,
            keys: None,
            decided: None,
        };
        let verdict = judge(&self.site, &image, Timestamp::UNIX_EPOCH);
        assert!(!verdict.unchecked, "judging has failed");
        assert!(
            verdict.plan.is_empty() || scan.end == End::Complete,
            "only what is whole is marked"
        );
    }
}

/// The head of a file that someone gives to `check` or `stamp`. What can be read can be written, and is written alike when it is
/// read again.
pub fn part10_head(bytes: &[u8]) {
    let Ok(Some(head)) = part10::parse_head(bytes, true) else { return };
    assert!(head.data_set <= bytes.len() as u64);
    // Without a transfer syntax it takes a data set to guess it from.
    if head.meta.transfer_syntax.is_empty() {
        return;
    }
    let Ok(written) = head.meta.to_bytes() else { return };
    let again = part10::parse_head(&written, true).expect("our own head").expect("all of it");
    assert_eq!(again.meta.to_bytes().expect("as before"), written);
}

/// A configuration. What is taken can be shown, and what is shown is the same configuration.
pub fn configuration(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    if names_files(text) {
        return;
    }
    let read = |text: &str| config::parse(text, Path::new("fuzzing.toml"), Path::new("/"));
    match read(text) {
        Ok(loaded) => {
            let shown = show(&loaded.configuration);
            // The packs' names and the remark on CSV files are the program's own.
            let again = read(&shown).unwrap_or_else(|mistakes| refused(&mistakes.to_string()));
            assert_eq!(again.configuration, loaded.configuration);
        }
        Err(mistakes) => assert!(!mistakes.to_string().is_empty()),
    }
}

/// Whether a text of a configuration may name files, which are not part of the input.
fn names_files(text: &str) -> bool {
    let text = text.replace(NO_PACKS, "");
    ["registry", "packs", "\\u"].iter().any(|word| text.contains(word))
}

/// Compiling the built-in rules takes longer than all the rest.
const NO_PACKS: &str = "packs = []";

fn refused(mistakes: &str) -> ! {
    unreachable!("what was shown is refused: {mistakes}")
}

/// Good inputs of [`dataset_stream`] and [`Judgement::judge`].
#[must_use]
pub fn data_sets() -> Vec<Vec<u8>> {
    let small = |kind| Specimen::new(kind, 7).size(4, 4);
    let specimens = [
        small(Kind::Ct),
        small(Kind::Ct).characters(Characters::Gb18030).lengths(Lengths::Undefined),
        small(Kind::EnhancedCt).frames(3).lengths(Lengths::Undefined),
        small(Kind::Dx).group_lengths(true),
        small(Kind::Mr),
    ];
    let mut inputs = Vec::new();
    for specimen in specimens {
        let data = specimen.data_set();
        let mut implicit = Vec::new();
        let explicit = TransferSyntax::of("1.2.840.10008.1.2.1").encoding;
        Transcoder::new(&data[..], explicit, Target::ImplicitLittle)
            .read_to_end(&mut implicit)
            .expect("a good data set");
        let mut deflated = Vec::new();
        flate2::read::DeflateEncoder::new(&data[..], flate2::Compression::fast())
            .read_to_end(&mut deflated)
            .expect("memory");
        inputs.push([&[1, 13][..], &data].concat());
        inputs.push([&[0, 1][..], &implicit].concat());
        inputs.push([&[3, 100][..], &deflated].concat());
    }
    let big = b"\0\x08\0\x16UI\0\x041.2\0\0\x08\x11\x40SQ\0\0\0\0\0\x14\xFF\xFE\xE0\0\0\0\0\x0C\0\x08\0\x60CS\0\x04CT\0\0";
    inputs.push([&[2, 3][..], big].concat());
    let fragments = b"\xE0\x7F\x10\0OB\0\0\xFF\xFF\xFF\xFF\xFE\xFF\0\xE0\0\0\0\0\xFE\xFF\0\xE0\x04\0\0\0abcd\xFE\xFF\xDD\xE0\0\0\0\0";
    inputs.push([&[4, 3][..], fragments].concat());
    inputs
}

/// Good inputs of [`part10_head`].
#[must_use]
pub fn part10_files() -> Vec<Vec<u8>> {
    vec![Specimen::new(Kind::Ct, 7).size(4, 4).part10()]
}

/// Good inputs of [`configuration`].
#[must_use]
pub fn configurations() -> Vec<Vec<u8>> {
    let sample = include_str!("../../config/markgate.toml");
    let sample: String = sample.split_inclusive('\n').filter(|line| !names_files(line)).collect();
    let bare = sample.replace("[rules]\n", &format!("[rules]\n{NO_PACKS}\n"));
    let rows = r##"
[gate]
aet = ["MARKGATE", "GATE2"]
listen = "0.0.0.0:11112"
[limits]
memory = "64MiB"
idle = "90s"
[spool]
reserve = "1GiB"
[[destination]]
name = "pacs"
aet = "PACS"
host = "pacs.example"
port = 104
calling_aet = "keep"
[[source]]
aet = "CT01"
hosts = ["10.1.0.0/16", "::1"]
institution = "here"
[[route]]
to = ["pacs"]
when = "dcm.Modality == 'CT' && calling_aet in ['CT01']"
[[institution]]
id = "here"
name = "示范医院"
aliases = [{ name = "旧名", valid_to = 2025-12-31 }]
[[item]]
code = "CT"
name = "胸部CT"
when = "dcm.Modality == 'CT'"
scopes = ["BJHR"]
[[accreditation]]
institution = "here"
items = ["*"]
scope = "BJHR"
valid_from = 2026-04-01
"##;
    let rows_bare = format!("{rows}[rules]\n{NO_PACKS}\n");
    [sample, bare, rows.to_owned(), rows_bare].map(String::into_bytes).to_vec()
}

/// A frame of any syntax that is read by code of this program: no frame makes it fail, and what is painted stays within the tile.
pub fn frame(input: &[u8]) {
    let Some((coded, tile)) = frame_of(input) else { return };
    let painted = match coded.syntax {
        Syntax::JpegBaseline => jpeg::repaint_blocks(&coded.shape, coded.bytes, &tile),
        Syntax::JpegLossless => {
            jpeg::splice_rows(&coded.shape, coded.bytes, &tile).map(|spliced| spliced.bytes)
        }
        _ => InProcess.repaint(&coded, &tile),
    };
    let Ok(painted) = painted else { return };
    if coded.syntax == Syntax::RleLossless {
        let frame = |bytes| InProcess.decode(&Coded { bytes, ..coded });
        let (before, after) = (frame(coded.bytes), frame(&painted));
        let (before, after) = (before.expect("it was read"), after.expect("as it was"));
        let columns = usize::from(coded.shape.columns);
        let pixel = coded.shape.samples() * coded.shape.sample_bytes();
        let pairs = before.samples.chunks(pixel).zip(after.samples.chunks(pixel));
        for (index, (before, after)) in pairs.enumerate() {
            let (x, y) = (index % columns, index / columns);
            let within = |at: usize, from: u16, long: u16| {
                (usize::from(from)..usize::from(from) + usize::from(long)).contains(&at)
            };
            let is_tile = within(x, tile.x, tile.width) && within(y, tile.y, tile.height);
            assert!(is_tile || before == after, "a pixel beside the tile has changed");
        }
    }
}

/// Frames of [`frame`] that can be read.
#[cfg(test)]
#[must_use]
pub fn frames() -> Vec<Vec<u8>> {
    let mut all = Vec::new();
    for (which, syntax) in FRAME_SYNTAXES.iter().enumerate() {
        let head = [which as u8, 16, 16, 3];
        let Some((coded, _)) = frame_of(&head) else { continue };
        let samples: Vec<u8> = (0..coded.shape.decoded_bytes().expect("small"))
            .map(|at| (at * at / 7) as u8)
            .collect();
        let sample_bytes = coded.shape.sample_bytes() as u8;
        let picture = Decoded { colour: Colour::Single, sample_bytes, samples };
        let bytes = encode(*syntax, &coded.shape, &picture).expect("an image of this kind");
        all.push([&head[..], &bytes].concat());
    }
    all
}

const FRAME_SYNTAXES: [Syntax; 3] =
    [Syntax::RleLossless, Syntax::JpegBaseline, Syntax::JpegLossless];

/// Four bytes say what the frame is and where the tile lies; the rest is the codestream.
fn frame_of(input: &[u8]) -> Option<(Coded<'_>, Tile)> {
    let [which, rows, columns, at, bytes @ ..] = input else { return None };
    let syntax = *FRAME_SYNTAXES.get(usize::from(*which) % FRAME_SYNTAXES.len())?;
    let shape = FrameShape {
        rows: u16::from(*rows).max(4),
        columns: u16::from(*columns).max(4),
        photometric: Photometric::Monochrome2,
        allocated: 8,
        stored: 8,
        high_bit: 7,
        signed: false,
        planar: false,
    };
    let (x, y) = (u16::from(*at) % (shape.columns - 2), u16::from(*at) % (shape.rows - 2));
    let tile = Tile { x, y, width: 2, height: 2, shades: vec![Some(255), None, Some(0), Some(9)] };
    Some((Coded { syntax, shape, bytes }, tile))
}
