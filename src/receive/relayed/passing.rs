//! The bytes of one object on their way through: from the modality, into the draft, to the destination.

use std::io;

use crate::dicom::{Tag, tags};
use crate::dimse::Stream;
use crate::dimse::acceptor::Association;
use crate::dimse::fault::Fault;
use crate::dimse::frames::{Frames, Source};
use crate::object::{End, Scan};
use crate::receive::storage::{Buffers, Incoming, Refused, Taking};
use crate::spool::Draft;

/// What ends the header.
const PIXELS: [Tag; 3] = [tags::FLOAT_PIXEL_DATA, tags::DOUBLE_FLOAT_PIXEL_DATA, tags::PIXEL_DATA];

/// Why an object is not passed on to its end.
pub(super) enum Broken {
    /// The modality's association has ended.
    Modality(Fault),
    /// The object is not taken.
    Refused(Refused),
    /// All of it has come, and it is not what was to be expected of its beginning.
    Other,
}

/// An object on its way. The destination hears its end only once all of it has come, is in the draft, and was looked at.
pub(super) struct Passing<'c> {
    association: &'c mut Association<Stream>,
    buffers: &'c mut Buffers,
    taking: Option<Taking>,
    finish: Option<Finish>,
    /// The whole, once it has come.
    arrived: Option<(Draft, Scan)>,
    /// Bytes that go out before what comes next, and how many of them have.
    ready: Vec<u8>,
    gone: usize,
    /// Of what goes out, where that is not what comes.
    hasher: Option<blake3::Hasher>,
    broken: Option<Broken>,
}

/// What is done with an object once all of it has come. It touches no disk where the object lies in memory.
pub(super) type Finish = Box<dyn FnOnce(Incoming, &[u8]) -> Result<(Draft, Scan), Refused> + Send>;

impl<'c> Passing<'c> {
    /// Of what has come and goes out as `ready`, changed or not, and of what comes.
    pub(super) fn new(
        association: &'c mut Association<Stream>,
        buffers: &'c mut Buffers,
        (taking, finish): (Taking, Finish),
        ready: Vec<u8>,
        is_changed: bool,
    ) -> Self {
        let mut hasher = is_changed.then(blake3::Hasher::new);
        if let Some(hasher) = &mut hasher {
            hasher.update(&ready);
        }
        Self {
            association,
            buffers,
            taking: Some(taking),
            finish: Some(finish),
            arrived: None,
            ready,
            gone: 0,
            hasher,
            broken: None,
        }
    }

    /// What came of it: the object, if all of it has come, and why it was not passed on to its end, if that was not for the
    /// destination. What has not come yet is taken in first.
    pub(super) async fn ended(mut self) -> (Option<(Draft, Scan)>, Option<Broken>) {
        while self.broken.is_none() && self.arrived.is_none() {
            match self.association.data().await {
                Err(fault) => self.broken = Some(Broken::Modality(fault)),
                Ok(None) => self.end().await,
                Ok(Some(bytes)) => {
                    if let Some(taking) = &mut self.taking
                        && let Err(refused) = taking.push(bytes, self.buffers).await
                    {
                        self.broken = Some(Broken::Refused(refused));
                    }
                }
            }
        }
        (self.arrived, self.broken)
    }

    /// BLAKE3 of what has gone out; `None` where that is what has come.
    pub(super) fn hash(&self) -> Option<blake3::Hash> {
        self.hasher.as_ref().map(blake3::Hasher::finalize)
    }

    /// All of it has come.
    async fn end(&mut self) {
        let (Some(taking), Some(finish)) = (self.taking.take(), self.finish.take()) else { return };
        let ended = match taking.is_small() {
            true => taking.end_here(self.buffers, finish),
            false => taking.end(self.buffers, finish).await,
        };
        match ended {
            Ok(arrived) => self.arrived = Some(arrived),
            Err(refused) => self.broken = Some(Broken::Refused(refused)),
        }
    }

    /// Takes in what comes next and puts it into the block. Nothing where the end has come.
    async fn pass(&mut self, frames: &mut Frames) -> Result<bool, Broken> {
        let Some(bytes) = self.association.data().await.map_err(Broken::Modality)? else {
            return Ok(false);
        };
        if let Some(taking) = &mut self.taking {
            taking.push(bytes, self.buffers).await.map_err(Broken::Refused)?;
        }
        if let Some(hasher) = &mut self.hasher {
            hasher.update(bytes);
        }
        let rest = put(bytes, frames);
        self.ready.clear();
        self.ready.extend_from_slice(rest);
        self.gone = 0;
        Ok(true)
    }

    /// Whether nothing has come behind the header that was not known when that went out: something that cannot be walked, or,
    /// of an object that is marked, elements that the mark may depend on.
    fn is_as_expected(&self) -> bool {
        let Some((_, scan)) = &self.arrived else { return false };
        let is_pixels = |tag: Tag| PIXELS.contains(&tag);
        let mut behind = scan.header.top().map(|element| element.tag);
        let mut has_more = || {
            behind.by_ref().any(is_pixels);
            behind.any(|tag| tag != tags::DATA_SET_TRAILING_PADDING)
        };
        scan.end == End::Complete && (self.hasher.is_none() || !has_more())
    }

    async fn fill_in(&mut self, frames: &mut Frames) -> Result<(), Broken> {
        while !frames.is_full() {
            let waiting = self.ready.get(self.gone..).unwrap_or_default();
            if !waiting.is_empty() {
                self.gone = self.ready.len() - put(waiting, frames).len();
            } else if !self.pass(frames).await? {
                self.end().await;
                if let Some(broken) = self.broken.take() {
                    return Err(broken);
                }
                if !self.is_as_expected() {
                    return Err(Broken::Other);
                }
                frames.end();
                break;
            }
        }
        Ok(())
    }
}

/// Puts bytes into the block, as many as there is room for; gives back the others.
fn put<'b>(mut bytes: &'b [u8], frames: &mut Frames) -> &'b [u8] {
    while !bytes.is_empty() {
        let space = frames.space();
        let count = space.len().min(bytes.len());
        if count == 0 {
            break;
        }
        let (now, later) = bytes.split_at(count);
        if let Some(place) = space.get_mut(..count) {
            place.copy_from_slice(now);
        }
        frames.advance(count);
        bytes = later;
    }
    bytes
}

impl Source for Passing<'_> {
    async fn fill(&mut self, mut frames: Frames) -> io::Result<Frames> {
        match self.fill_in(&mut frames).await {
            Ok(()) => Ok(frames),
            Err(broken) => {
                self.broken = Some(broken);
                Err(io::Error::other("the object is not passed on to its end"))
            }
        }
    }
}
