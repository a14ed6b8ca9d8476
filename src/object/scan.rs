//! The push scanner: remembers where every element of a data set stands while its bytes go by.
//!
//! What it costs is bounded by [`Limits`] whatever the data set claims: past them the walk goes on (so that a cut
//! or a hostile nesting is still found) and nothing more is remembered. A deflated data set is inflated for
//! looking only, and given up when it turns out to be a bomb.

use std::fmt;
use std::io::{self, Read};
use std::sync::Arc;

use crate::base::budget::Share;
use crate::base::limits::Limits;
use crate::dicom::Tag;
use crate::dicom::transfer_syntax::TransferSyntax;

use super::header::{Element, HeaderView, Kind, NOT_KEPT, Reach};
use super::inflate::{Inflated, Inflater};
use super::walk::{Oddity, Opened, Sink, Walker};

/// How a data set ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// Every element was seen whole, and nothing follows the last.
    Complete,
    /// The data set is shorter than it says, or longer: the last element claims more than came, or bytes that
    /// are no element follow it.
    Cut {
        /// Where the element that is not whole begins, or the stray bytes.
        at: u64,
        /// The element; `None` for stray bytes.
        tag: Option<Tag>,
        /// Bytes it claims that did not come; 0 for stray bytes.
        missing: u64,
    },
    /// All of it may be here, but its structure makes no sense.
    Malformed(Fault),
    /// Sequences are nested deeper than [`MAX_DEPTH`](crate::base::limits::MAX_DEPTH).
    TooDeep {
        /// Where the sequence begins that is one too many.
        at: u64,
        /// Its tag.
        tag: Tag,
    },
    /// A limit on looking was passed; what was looked at made sense.
    Unlooked(Limit),
}

/// The limit that ended looking.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Limit {
    /// [`Limits::elements`].
    Elements,
    /// [`Limits::kept_bytes`].
    KeptBytes,
    /// A deflated data set that grows out of all proportion when inflated.
    Inflated,
    /// The memory that elements were to be charged to is used up.
    Memory,
}

/// Why a data set cannot be walked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// Something other than an item or a delimiter in a sequence.
    #[error("byte {at}: ({:04X},{:04X}) stands where an item should", tag.group(), tag.element())]
    NotAnItem {
        /// Position of its header.
        at: u64,
        /// What stands there.
        tag: Tag,
    },
    /// An item outside a sequence.
    #[error("byte {at}: an item outside a sequence")]
    ItemOutside {
        /// Position of its header.
        at: u64,
    },
    /// An element, item or delimiter that ends behind what encloses it.
    #[error("byte {at}: ({:04X},{:04X}) is longer than what encloses it", tag.group(), tag.element())]
    BeyondParent {
        /// Position of its header.
        at: u64,
        /// Its tag.
        tag: Tag,
    },
    /// A fragment of encapsulated pixel data without a length.
    #[error("byte {at}: a fragment of undefined length")]
    UndefinedFragment {
        /// Position of its header.
        at: u64,
    },
    /// Bytes that cannot be a VR, so that the length cannot be found.
    #[error("byte {at}: ({:04X},{:04X}) has no VR but {letters:02X?}", tag.group(), tag.element())]
    UnknownVr {
        /// Position of the element's header.
        at: u64,
        /// Its tag.
        tag: Tag,
        /// What stands in the place of the VR.
        letters: [u8; 2],
    },
    /// The deflate stream is damaged.
    #[error("byte {at}: not a deflate stream")]
    Deflate {
        /// How many bytes of the stream made sense.
        at: u64,
    },
}

/// Where the deflate stream of a deflated data set ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DeflateStream {
    /// Bytes received up to the end of the stream; `None` when its end was not seen.
    pub end: Option<u64>,
    /// Bytes that came out of it.
    pub inflated: u64,
}

/// What is known of a data set once all of it has gone by.
#[derive(Debug, Clone)]
pub struct Scan {
    /// Its elements.
    pub header: HeaderView,
    /// How it ends.
    pub end: End,
    /// Its length in bytes, as received.
    pub length: u64,
    /// For deflated syntaxes only.
    pub deflate: Option<DeflateStream>,
}

/// Scans a data set that is pushed in pieces of any size.
pub struct Scanner {
    syntax: TransferSyntax,
    limits: Limits,
    walker: Walker,
    recorder: Recorder,
    inflater: Option<Inflater>,
    received: u64,
}

impl Scanner {
    /// A scanner for one data set.
    #[must_use]
    pub fn new(syntax: TransferSyntax, limits: Limits) -> Self {
        Self {
            syntax,
            limits,
            walker: Walker::new(syntax.encoding),
            recorder: Recorder::new(limits),
            inflater: syntax.deflated.then(Inflater::new),
            received: 0,
        }
    }

    /// Charges what is remembered, beyond what an ordinary header needs, to `share`: it is held as long as the header is.
    #[must_use]
    pub fn charged_to(mut self, share: Share) -> Self {
        self.recorder.share = Some(Arc::new(share));
        self
    }

    /// Whether looking has ended because there was no memory to remember more.
    #[must_use]
    pub fn is_out_of_memory(&self) -> bool {
        self.recorder.limit == Some(Limit::Memory)
    }

    /// Takes the next bytes of the data set, as received.
    pub fn push(&mut self, bytes: &[u8]) {
        self.received += bytes.len() as u64;
        let (walker, recorder) = (&mut self.walker, &mut self.recorder);
        match &mut self.inflater {
            None => walker.push(bytes, recorder),
            Some(inflater) => inflater.push(bytes, |inflated| {
                walker.push(inflated, recorder);
                !walker.stopped()
            }),
        }
    }

    /// Whether everything before the pixel data has been seen (or nothing more will be): Float, Double Float or
    /// plain Pixel Data at the top level has begun, or an element behind them.
    #[must_use]
    pub fn past_header(&self) -> bool {
        self.walker.past_header() || self.inflater.as_ref().is_some_and(Inflater::has_given_up)
    }

    /// What has been seen so far, for judging an object before all of it has come.
    #[must_use]
    pub fn header_so_far(&self) -> HeaderView {
        let mut recorder = self.recorder.clone();
        recorder.close_all(self.walker.position());
        let reach = if self.walker.stopped() || recorder.limit.is_some() {
            Reach::Abandoned
        } else {
            Reach::SoFar
        };
        self.view(recorder, reach)
    }

    /// Ends the data set.
    #[must_use]
    pub fn finish(mut self) -> Scan {
        let walked = self.walker.finish(&mut self.recorder);
        let mut deflate = None;
        let mut end = walked;
        let outcome = self.inflater.as_ref().map(|it| (it.outcome(), it.has_zlib_header()));
        if let Some(((inflated, stream), zlib)) = outcome {
            end = self.deflated_end(walked, inflated);
            deflate = Some(stream);
            if zlib {
                self.walker.oddities.note(Oddity::ZlibHeader);
            }
        }
        if let (End::Complete, Some(limit)) = (end, self.recorder.limit) {
            end = End::Unlooked(limit);
        }
        let reach = if end == End::Complete { Reach::Whole } else { Reach::Abandoned };
        let recorder = std::mem::replace(&mut self.recorder, Recorder::new(self.limits));
        let length = self.received;
        Scan { header: self.view(recorder, reach), end, length, deflate }
    }

    fn deflated_end(&mut self, walked: End, inflated: Inflated) -> End {
        match (walked, inflated) {
            // What the walk found wrong comes first: it was there before the stream broke.
            (End::Malformed(_) | End::TooDeep { .. }, _) => walked,
            (_, Inflated::Abandoned) => walked,
            (_, Inflated::Damaged { at }) => End::Malformed(Fault::Deflate { at }),
            (_, Inflated::TooMuch) => End::Unlooked(Limit::Inflated),
            (End::Cut { .. }, Inflated::Unfinished | Inflated::Finished { .. }) => walked,
            (End::Complete | End::Unlooked(_), Inflated::Unfinished) => {
                End::Cut { at: self.walker.position(), tag: None, missing: 0 }
            }
            (End::Complete | End::Unlooked(_), Inflated::Finished { trailer }) => {
                if trailer {
                    self.walker.oddities.note(Oddity::DeflateTrailer);
                }
                walked
            }
        }
    }

    fn view(&self, recorder: Recorder, reach: Reach) -> HeaderView {
        HeaderView::new(
            self.syntax,
            self.walker.encoding(),
            recorder.elements,
            recorder.kept,
            recorder.share,
            self.walker.oddities,
            reach,
            self.walker.position(),
        )
    }
}

impl fmt::Debug for Scanner {
    // What is held back and kept is patient data.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Scanner")
            .field("received", &self.received)
            .field("elements", &self.recorder.elements.len())
            .field("past_header", &self.past_header())
            .finish_non_exhaustive()
    }
}

/// Scans all that a reader yields.
///
/// # Errors
/// When the reader fails.
pub fn scan_reader(
    mut reader: impl Read,
    syntax: TransferSyntax,
    limits: Limits,
) -> io::Result<Scan> {
    let mut scanner = Scanner::new(syntax, limits);
    let mut buffer = vec![0; 64 << 10];
    loop {
        match reader.read(&mut buffer) {
            Ok(0) => return Ok(scanner.finish()),
            Ok(count) => scanner.push(buffer.get(..count).unwrap_or_default()),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

/// Elements of a CT slice or radiograph, so that the list rarely has to move.
const USUAL_ELEMENTS: usize = 256;
/// Bytes of their values.
const USUAL_BYTES: usize = 8 << 10;

/// What a scanner takes at once, in bytes. More is asked of its share.
pub const USUAL_MEMORY: usize = USUAL_ELEMENTS * size_of::<Element>() + USUAL_BYTES;

/// Makes elements of what the walker tells.
#[derive(Clone)]
struct Recorder {
    limits: Limits,
    elements: Vec<Element>,
    kept: Vec<u8>,
    /// Indices of what is open, outermost first; as long as nothing is forgotten.
    open: Vec<u32>,
    keeping: bool,
    limit: Option<Limit>,
    /// Things open that were not recorded.
    unrecorded: usize,
    /// What memory is charged to; without one it is bounded by `limits` alone.
    share: Option<Arc<Share>>,
}

impl Recorder {
    fn new(limits: Limits) -> Self {
        Self {
            limits,
            elements: Vec::with_capacity(limits.elements.min(USUAL_ELEMENTS)),
            kept: Vec::with_capacity(limits.kept_bytes.min(USUAL_BYTES)),
            open: Vec::new(),
            keeping: false,
            limit: None,
            unrecorded: 0,
            share: None,
        }
    }

    fn charge(&self, bytes: usize) -> bool {
        self.share.as_ref().is_none_or(|share| share.grow(bytes as u64))
    }

    /// Makes room for an element. It is charged before it is there.
    fn has_room(&mut self) -> bool {
        if self.elements.len() < self.elements.capacity() {
            return true;
        }
        let more = (self.elements.capacity() / 2).max(USUAL_ELEMENTS);
        let more = more.min(self.limits.elements.saturating_sub(self.elements.len())).max(1);
        let fits = self.charge(more * size_of::<Element>());
        if fits {
            self.elements.reserve_exact(more);
        }
        fits
    }

    /// Makes room for so many bytes of a value that have come.
    fn has_room_for(&mut self, bytes: usize) -> bool {
        let missing = (self.kept.len() + bytes).saturating_sub(self.kept.capacity());
        if missing == 0 {
            return true;
        }
        let more = missing.max(self.kept.capacity() / 2);
        let fits = self.charge(more);
        if fits {
            self.kept.reserve_exact(self.kept.capacity() - self.kept.len() + more);
        }
        fits
    }

    fn close_all(&mut self, at: u64) {
        while !self.open.is_empty() {
            self.close_one(at, false);
        }
    }

    fn close_one(&mut self, at: u64, delimited: bool) {
        let next = index_of(self.elements.len());
        let Some(closed) = self.open.pop() else { return };
        if let Some(element) = self.elements.get_mut(closed as usize) {
            element.next = next;
            element.delimited = delimited;
            if element.undefined_length {
                element.value.end = at;
            }
        }
    }

    /// Where the value goes in `kept`.
    fn place(&mut self, opened: &Opened) -> u32 {
        let Some(length) = opened.length.and_then(|length| usize::try_from(length).ok()) else {
            return NOT_KEPT;
        };
        if opened.kind != Kind::Value || length > self.limits.value_bytes {
            return NOT_KEPT;
        }
        let place = self.kept.len();
        let bound = self.limits.kept_bytes.min(NOT_KEPT as usize);
        if place + length > bound {
            self.limit = Some(Limit::KeptBytes);
            return NOT_KEPT;
        }
        self.keeping = true;
        index_of(place)
    }
}

impl Sink for Recorder {
    #[inline]
    fn open(&mut self, opened: &Opened) {
        let container = matches!(opened.kind, Kind::Sequence | Kind::Item | Kind::Fragments);
        if self.limit.is_none() && self.elements.len() >= self.limits.elements {
            self.limit = Some(Limit::Elements);
        }
        if self.limit.is_none() && !self.has_room() {
            self.limit = Some(Limit::Memory);
        }
        if self.limit.is_some() {
            self.unrecorded += usize::from(container);
            return;
        }
        let index = index_of(self.elements.len());
        let kept = self.place(opened);
        self.elements.push(Element {
            tag: opened.tag,
            vr: opened.vr,
            kind: opened.kind,
            form: opened.form,
            start: opened.start,
            value: opened.value..opened.value + opened.length.unwrap_or(0),
            undefined_length: opened.length.is_none(),
            parent: self.open.last().copied(),
            depth: opened.depth,
            encoding: opened.encoding,
            inner: opened.inner,
            delimited: false,
            out_of_order: opened.out_of_order,
            index,
            next: index + 1,
            kept,
        });
        if container {
            self.open.push(index);
        }
    }

    #[inline]
    fn value(&mut self, bytes: &[u8]) {
        if !self.keeping {
            return;
        }
        if self.has_room_for(bytes.len()) {
            self.kept.extend_from_slice(bytes);
        } else {
            // What is kept of this value is not whole; nothing is kept behind it, so it is not taken for whole.
            self.keeping = false;
            self.limit = Some(Limit::Memory);
        }
    }

    #[inline]
    fn value_end(&mut self) {
        self.keeping = false;
    }

    fn close(&mut self, at: u64, delimited: bool) {
        if self.unrecorded > 0 {
            self.unrecorded -= 1;
        } else {
            self.close_one(at, delimited);
        }
    }
}

/// Positions in `elements` and `kept` are below `NOT_KEPT`: both are bounded by it.
fn index_of(position: usize) -> u32 {
    u32::try_from(position).unwrap_or(NOT_KEPT)
}
