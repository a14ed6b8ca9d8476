//! The one reading of a data set's structure, shared by the scanner and the transcoder.
//!
//! A [`Walker`] is pushed bytes as they come and tells a [`Sink`] what opens, what is in it and what closes. It
//! is a loop over a stack that is never deeper than the limit, holds back at most a header's worth of bytes, and
//! has no idea how long the data set will be.

mod oddity;
mod read;

pub use oddity::{Oddities, Oddity};

pub(super) use read::guess_encoding;

use crate::base::limits::MAX_DEPTH;
use crate::dicom::transfer_syntax::Encoding;
use crate::dicom::{Tag, VR, tags};

use super::header::{Form, Kind};
use super::representation::{DELIMITERS, ITEM, ITEM_END, SEQUENCE_END, UNDEFINED, rank};
use super::scan::{End, Fault};
use read::{Unread, actual_encoding, contents, number_in, read_header, tag_in};

/// The longest header (12 bytes) and the item header that may follow it.
const LONGEST_LOOK: usize = 20;

/// The header of an element, item or fragment that has just been read.
#[derive(Debug, Clone, Copy)]
pub(super) struct Opened {
    pub kind: Kind,
    pub tag: Tag,
    pub vr: Option<VR>,
    pub form: Form,
    /// Of the header; the content of VR UN may differ.
    pub encoding: Encoding,
    /// Of what is within: of items and their elements.
    pub inner: Encoding,
    pub start: u64,
    pub value: u64,
    /// `None`: undefined.
    pub length: Option<u64>,
    pub out_of_order: bool,
    /// Sequences around it.
    pub depth: u16,
}

/// What is told of a data set while it is walked.
pub(super) trait Sink {
    /// An element, item or fragment begins.
    fn open(&mut self, opened: &Opened);
    /// The next bytes of the value or fragment opened last.
    fn value(&mut self, bytes: &[u8]);
    /// The value or fragment opened last has been seen whole.
    fn value_end(&mut self);
    /// The sequence, item or run of fragments that is innermost ends; its content reaches to `at`, and an 8-byte
    /// delimiter follows when `delimited`.
    fn close(&mut self, at: u64, delimited: bool);
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Holds {
    Elements,
    Items,
    Fragments,
}

/// Something open: the data set itself, a sequence, an item.
#[derive(Debug, Clone, Copy)]
struct Frame {
    /// What it is, and where its header begins.
    tag: Option<Tag>,
    start: u64,
    holds: Holds,
    encoding: Encoding,
    /// Where it ends at the latest: its own end, or that of what is around it.
    limit: u64,
    explicit_length: bool,
    last: Option<u32>,
}

#[derive(Debug, Clone, Copy)]
enum Step {
    /// This many bytes are done with; may be 0 when something was closed.
    Taken(usize),
    /// Cannot tell before this many bytes are there.
    More(usize),
    Stopped,
}

/// Where a walk ends before the data set does.
#[derive(Debug, Clone, Copy)]
enum Stop {
    Malformed(Fault),
    TooDeep { at: u64, tag: Tag },
    Stray { at: u64 },
}

pub(super) struct Walker {
    at: u64,
    /// Bytes still to come of the value that is open; `None` between values.
    left: Option<u64>,
    current: Frame,
    outer: Vec<Frame>,
    depth: usize,
    carry: [u8; LONGEST_LOOK],
    carried: usize,
    wanted: usize,
    latest: Option<Tag>,
    latest_start: u64,
    latest_odd: bool,
    past_header: bool,
    stop: Option<Stop>,
    pub oddities: Oddities,
}

impl Walker {
    pub fn new(encoding: Encoding) -> Self {
        let current = Frame {
            tag: None,
            start: 0,
            holds: Holds::Elements,
            encoding,
            limit: u64::MAX,
            explicit_length: false,
            last: None,
        };
        Self {
            at: 0,
            left: None,
            current,
            outer: Vec::new(),
            depth: 0,
            carry: [0; LONGEST_LOOK],
            carried: 0,
            wanted: 0,
            latest: None,
            latest_start: 0,
            latest_odd: false,
            past_header: false,
            stop: None,
            oddities: Oddities::default(),
        }
    }

    /// Whether all that stands before the pixels has been walked, or nothing more will be.
    pub fn past_header(&self) -> bool {
        self.past_header || self.stop.is_some()
    }

    /// Bytes walked.
    pub fn position(&self) -> u64 {
        self.at
    }

    /// The encoding of the data set itself, as its first element shows.
    pub fn encoding(&self) -> Encoding {
        self.outer.first().unwrap_or(&self.current).encoding
    }

    /// Whether the walk has come to an end that more bytes cannot change.
    pub fn stopped(&self) -> bool {
        self.stop.is_some()
    }

    pub fn push<S: Sink>(&mut self, mut bytes: &[u8], sink: &mut S) {
        while self.carried > 0 && !bytes.is_empty() {
            let missing = self.wanted.saturating_sub(self.carried);
            let (head, rest) = bytes.split_at_checked(missing).unwrap_or((bytes, &[]));
            self.carry_on(head);
            bytes = rest;
            if self.carried >= self.wanted {
                self.use_carried(false, sink);
            }
        }
        while !bytes.is_empty() {
            let taken = match self.advance(bytes, false, sink) {
                Step::Taken(taken) => taken,
                Step::More(wanted) => {
                    self.wanted = wanted;
                    self.carry_on(bytes);
                    return;
                }
                Step::Stopped => {
                    self.at = self.at.saturating_add(bytes.len() as u64);
                    return;
                }
            };
            bytes = bytes.get(taken..).unwrap_or_default();
        }
    }

    /// Says how it ended, and closes for the sink whatever is still open.
    pub fn finish<S: Sink>(&mut self, sink: &mut S) -> End {
        self.use_carried(true, sink);
        let end = self.end();
        if matches!(end, End::Complete) && !self.outer.is_empty() {
            self.oddities.note(Oddity::MissingDelimiter);
        }
        while let Some(outer) = self.outer.pop() {
            sink.close(self.at, false);
            self.current = outer;
        }
        end
    }

    fn end(&mut self) -> End {
        match self.stop {
            Some(Stop::Malformed(fault)) => return End::Malformed(fault),
            Some(Stop::TooDeep { at, tag }) => return End::TooDeep { at, tag },
            Some(Stop::Stray { at }) => return End::Cut { at, tag: None, missing: 0 },
            None => {}
        }
        if let Some(missing) = self.left {
            return End::Cut { at: self.latest_start, tag: self.latest, missing };
        }
        if self.carried > 0 {
            let pad = matches!(self.carry.first(), Some(0 | b' '));
            if self.carried == 1 && pad && self.outer.is_empty() && self.latest_odd {
                self.oddities.note(Oddity::PadByte);
                return End::Complete;
            }
            return End::Cut { at: self.at, tag: None, missing: 0 };
        }
        // Whatever is open ends by its length or by a delimiter; only a length can be broken.
        let mut open = self.outer.iter().chain([&self.current]);
        match open.rfind(|frame| frame.explicit_length) {
            Some(Frame { tag, start, limit, .. }) => {
                End::Cut { at: *start, tag: *tag, missing: limit.saturating_sub(self.at) }
            }
            None => End::Complete,
        }
    }

    fn carry_on(&mut self, bytes: &[u8]) {
        for (slot, byte) in self.carry.iter_mut().skip(self.carried).zip(bytes) {
            *slot = *byte;
            self.carried += 1;
        }
    }

    fn use_carried<S: Sink>(&mut self, last: bool, sink: &mut S) {
        while self.carried > 0 {
            let carry = self.carry;
            let held = carry.get(..self.carried).unwrap_or_default();
            match self.advance(held, last, sink) {
                Step::Taken(taken) => {
                    self.carry.copy_within(taken.., 0);
                    self.carried -= taken;
                }
                Step::More(wanted) => {
                    self.wanted = wanted;
                    return;
                }
                Step::Stopped => {
                    self.at += self.carried as u64;
                    self.carried = 0;
                }
            }
        }
    }

    #[inline]
    fn advance<S: Sink>(&mut self, bytes: &[u8], last: bool, sink: &mut S) -> Step {
        if self.stop.is_some() {
            return Step::Stopped;
        }
        let Some(left) = self.left else {
            return self.header(bytes, last, sink);
        };
        let taken = usize::try_from(left).map_or(bytes.len(), |left| left.min(bytes.len()));
        sink.value(bytes.get(..taken).unwrap_or_default());
        self.at += taken as u64;
        self.left = Some(left - taken as u64);
        if left == taken as u64 {
            self.value_end(sink);
        }
        Step::Taken(taken)
    }

    fn value_end<S: Sink>(&mut self, sink: &mut S) {
        self.left = None;
        sink.value_end();
        self.close_full(sink);
    }

    /// Closes all that ends here by its length.
    fn close_full<S: Sink>(&mut self, sink: &mut S) {
        while self.current.limit == self.at && !self.outer.is_empty() {
            if !self.current.explicit_length {
                self.oddities.note(Oddity::MissingDelimiter);
            }
            self.close(false, sink);
        }
    }

    fn close<S: Sink>(&mut self, delimited: bool, sink: &mut S) {
        let Some(outer) = self.outer.pop() else { return };
        if self.current.holds != Holds::Elements {
            self.depth -= 1;
        }
        self.current = outer;
        sink.close(self.at, delimited);
        if delimited {
            self.at += 8;
        }
    }

    fn fail(&mut self, fault: Fault) -> Step {
        self.stop = Some(Stop::Malformed(fault));
        Step::Stopped
    }

    fn header<S: Sink>(&mut self, head: &[u8], last: bool, sink: &mut S) -> Step {
        let Some(first) = head.first_chunk::<8>() else {
            return Step::More(8);
        };
        let tag = tag_in(first, self.current.encoding);
        if tag.group() == DELIMITERS {
            return self.delimiter(tag, first, sink);
        }
        if self.current.holds != Holds::Elements {
            return self.fail(Fault::NotAnItem { at: self.at, tag });
        }
        if self.current.last.is_none() {
            self.settle_encoding(first);
            let settled = tag_in(first, self.current.encoding);
            return self.element(settled, first, head, last, sink);
        }
        self.element(tag, first, head, last, sink)
    }

    fn delimiter<S: Sink>(&mut self, tag: Tag, first: &[u8; 8], sink: &mut S) -> Step {
        let length = number_in(first, self.current.encoding);
        let open = !self.outer.is_empty() && !self.current.explicit_length;
        match (tag, self.current.holds) {
            (ITEM, Holds::Items) => self.item(tag, length, sink),
            (ITEM, Holds::Fragments) => self.fragment(tag, length, sink),
            (ITEM | SEQUENCE_END, Holds::Elements) if open => {
                // The delimiter of the item that is open is missing.
                self.oddities.note(Oddity::MissingDelimiter);
                self.close(false, sink);
                Step::Taken(0)
            }
            (ITEM, Holds::Elements) => self.fail(Fault::ItemOutside { at: self.at }),
            (ITEM_END, Holds::Elements) | (SEQUENCE_END, Holds::Items | Holds::Fragments)
                if open =>
            {
                if self.at.saturating_add(8) > self.current.limit {
                    return self.fail(Fault::BeyondParent { at: self.at, tag });
                }
                if length != 0 {
                    self.oddities.note(Oddity::DelimiterLength);
                }
                self.close(true, sink);
                self.close_full(sink);
                Step::Taken(8)
            }
            (ITEM_END | SEQUENCE_END, _) => {
                if self.at.saturating_add(8) > self.current.limit {
                    return self.fail(Fault::BeyondParent { at: self.at, tag });
                }
                self.oddities.note(Oddity::StrayDelimiter);
                self.at += 8;
                self.close_full(sink);
                Step::Taken(8)
            }
            _ => self.fail(Fault::NotAnItem { at: self.at, tag }),
        }
    }

    fn item<S: Sink>(&mut self, tag: Tag, length: u32, sink: &mut S) -> Step {
        let value = self.at + 8;
        let length = (length != UNDEFINED).then_some(u64::from(length));
        if value + length.unwrap_or(0) > self.current.limit {
            return self.fail(Fault::BeyondParent { at: self.at, tag });
        }
        let encoding = self.current.encoding;
        self.enter(tag, Kind::Item, Holds::Elements, encoding, length, sink);
        self.close_full(sink);
        Step::Taken(8)
    }

    fn fragment<S: Sink>(&mut self, tag: Tag, length: u32, sink: &mut S) -> Step {
        if length == UNDEFINED {
            return self.fail(Fault::UndefinedFragment { at: self.at });
        }
        let value = self.at + 8;
        if value + u64::from(length) > self.current.limit {
            return self.fail(Fault::BeyondParent { at: self.at, tag });
        }
        let encoding = self.current.encoding;
        sink.open(&Opened {
            kind: Kind::Fragment,
            tag,
            vr: None,
            form: Form::Implicit,
            encoding,
            inner: encoding,
            start: self.at,
            value,
            length: Some(u64::from(length)),
            out_of_order: false,
            depth: self.depth as u16,
        });
        self.begin_value(tag, length, 8, sink);
        Step::Taken(8)
    }

    /// Opens an item; its header is the 8 bytes at the present position.
    fn enter<S: Sink>(
        &mut self,
        tag: Tag,
        kind: Kind,
        holds: Holds,
        encoding: Encoding,
        length: Option<u64>,
        sink: &mut S,
    ) {
        let value = self.at + 8;
        sink.open(&Opened {
            kind,
            tag,
            vr: None,
            form: Form::Implicit,
            encoding,
            inner: encoding,
            start: self.at,
            value,
            length,
            out_of_order: false,
            depth: self.depth as u16,
        });
        self.descend(tag, value, holds, encoding, length);
    }

    fn descend(
        &mut self,
        tag: Tag,
        value: u64,
        holds: Holds,
        encoding: Encoding,
        length: Option<u64>,
    ) {
        let start = self.at;
        self.latest_odd = false;
        self.at = value;
        self.outer.push(self.current);
        self.current = Frame {
            tag: Some(tag),
            start,
            holds,
            encoding,
            limit: length.map_or(self.current.limit, |length| value + length),
            explicit_length: length.is_some(),
            last: None,
        };
    }

    fn begin_value<S: Sink>(&mut self, tag: Tag, length: u32, header: u64, sink: &mut S) {
        self.latest = Some(tag);
        self.latest_start = self.at;
        self.latest_odd = length % 2 == 1;
        self.at += header;
        if self.latest_odd {
            self.oddities.note(Oddity::OddLength);
        }
        if length == 0 {
            self.value_end(sink);
        } else {
            self.left = Some(u64::from(length));
        }
    }

    fn element<S: Sink>(
        &mut self,
        tag: Tag,
        first: &[u8; 8],
        head: &[u8],
        last: bool,
        sink: &mut S,
    ) -> Step {
        let order = rank(tag);
        if order == 0 && *first == [0; 8] && self.current.last.is_some() && self.outer.is_empty() {
            self.stop = Some(Stop::Stray { at: self.at });
            return Step::Stopped;
        }
        let encoding = self.current.encoding;
        let read = read_header(tag, first, head, last, encoding).and_then(|header| {
            let contents = contents(tag, header, head, last, encoding, &mut self.oddities)?;
            Ok((header, contents))
        });
        let (header, (kind, inner)) = match read {
            Ok(read) => read,
            Err(Unread::More(wanted)) => return Step::More(wanted),
            Err(Unread::NoVr(letters)) => {
                return self.fail(Fault::UnknownVr { at: self.at, tag, letters });
            }
        };
        if header.is_strange {
            self.oddities.note(Oddity::UnknownVr);
        }
        let length =
            (kind == Kind::Value || header.length != UNDEFINED).then_some(u64::from(header.length));
        let value = self.at + header.size as u64;
        if value.saturating_add(length.unwrap_or(0)) > self.current.limit {
            return self.fail(Fault::BeyondParent { at: self.at, tag });
        }
        if kind != Kind::Value && self.depth >= MAX_DEPTH {
            self.stop = Some(Stop::TooDeep { at: self.at, tag });
            return Step::Stopped;
        }
        let out_of_order = self.current.last.is_some_and(|last| order <= last);
        if out_of_order {
            self.oddities.note(Oddity::Order);
        }
        self.current.last = Some(order);
        // (7FE0,0008) and (7FE0,0009) are the floating point siblings of Pixel Data.
        if self.outer.is_empty() && order >= rank(tags::FLOAT_PIXEL_DATA) {
            self.past_header = true;
        }
        sink.open(&Opened {
            kind,
            tag,
            vr: header.vr,
            form: header.form,
            encoding,
            inner,
            start: self.at,
            value,
            length,
            out_of_order,
            depth: self.depth as u16,
        });
        match kind {
            Kind::Value | Kind::Item | Kind::Fragment => {
                self.begin_value(tag, header.length, header.size as u64, sink);
            }
            Kind::Sequence | Kind::Fragments => {
                let holds = if kind == Kind::Sequence { Holds::Items } else { Holds::Fragments };
                self.descend(tag, value, holds, inner, length);
                self.depth += 1;
                self.close_full(sink);
            }
        }
        Step::Taken(header.size)
    }

    /// Looks at the first element of a data set or item: some are not in the encoding that is claimed.
    fn settle_encoding(&mut self, first: &[u8; 8]) {
        let claimed = self.current.encoding;
        let found = actual_encoding(claimed, first, self.current.limit, self.at);
        if found == claimed {
            return;
        }
        self.current.encoding = found;
        let oddity = if self.outer.is_empty() { Oddity::Mislabelled } else { Oddity::ForeignItem };
        self.oddities.note(oddity);
    }
}
