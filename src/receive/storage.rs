//! One C-STORE: from the first fragment of its data set to its answer.
//!
//! Bytes are gathered into one block while another is hashed, looked at and written on a blocking thread, so that an object of any
//! size costs the same memory and a small one a single hop between threads.

use std::sync::Arc;
use std::time::Instant;

use tokio::sync::mpsc::error::TrySendError;
use tokio::task::JoinHandle;

use super::association::Conversation;
use super::case::Case;
use super::judge::{Fresh, Work};
use super::memory::{Memory, Room};
use super::relayed::Turn;
use crate::base::time::now;
use crate::dicom::status::Status;
use crate::dicom::{Tag, tags};
use crate::dimse::Stream;
use crate::dimse::acceptor::{Association, Message};
use crate::dimse::fault::Fault;
use crate::dimse::message::{Answer, Priority, StoreRequest};
use crate::object::{End, Scan, Scanner};
use crate::spool::{self, Draft, Envelope, ObjectId, StoreFault};

/// What an association keeps from one object to the next.
#[derive(Default)]
pub(super) struct Buffers {
    /// The block that is not being filled.
    spare: Option<Vec<u8>>,
    /// What its buffers are charged to, and how long its blocks are.
    room: Option<Room>,
    /// An object in custody for which there was no room where objects wait to be judged.
    pub(super) unjudged: Option<Work>,
}

impl Buffers {
    /// Sees to it that there may be buffers. Returns the length of a block; `None` when there is no memory for them.
    pub(super) fn ready(&mut self, memory: &Memory) -> Option<usize> {
        if self.room.is_none() {
            self.room = memory.room();
        }
        self.room.as_ref().map(|room| room.block)
    }

    /// Whether there are any.
    pub(super) fn are_held(&self) -> bool {
        self.room.is_some()
    }

    /// Gives their memory back.
    pub(super) fn give_back(&mut self) {
        self.spare = None;
        self.room = None;
    }

    fn take(&mut self, length: usize) -> Vec<u8> {
        self.spare.take().unwrap_or_else(|| Vec::with_capacity(length))
    }

    fn give(&mut self, mut block: Vec<u8>) {
        block.clear();
        self.spare = Some(block);
    }
}

/// What became of a request.
pub(super) enum Done {
    /// In custody, and answered.
    Answered,
    /// Not taken: the answer is still to be given.
    Refused(Answer),
    /// Not taken by the destination: its answer is still to be passed on.
    Passed(Answer),
}

/// An object on its way in.
pub(super) struct Incoming {
    draft: Draft,
    scanner: Scanner,
}

/// An object whose bytes are being written: a block is filled while the one before is away.
pub(super) struct Taking {
    incoming: Option<Box<Incoming>>,
    block: Vec<u8>,
    /// How long a block may be.
    length: usize,
    busy: Option<Writing>,
}

/// A block on its way into the draft; both come back.
type Writing = JoinHandle<Result<(Box<Incoming>, Vec<u8>), Refused>>;

/// Why an object is not taken.
#[derive(Debug, thiserror::Error)]
pub(super) enum Refused {
    #[error(transparent)]
    Store(#[from] StoreFault),
    #[error("cut off")]
    Cut,
    #[error("bytes after the end")]
    Stray,
    #[error("cannot be walked")]
    Unwalkable,
    #[error("SOP Class UID differs from the command")]
    OtherClass,
    #[error("SOP Instance UID differs from the command")]
    OtherInstance,
    #[error("too many objects wait to be judged")]
    Behind,
    #[error("no memory for another object now")]
    Memory,
    #[error("internal fault")]
    Fault,
}

impl Refused {
    fn answer(&self) -> Answer {
        let status = match self {
            Self::Store(fault) => fault.status(),
            Self::Cut | Self::Stray | Self::Unwalkable => Status::CANNOT_UNDERSTAND,
            Self::OtherClass => Status::SOP_CLASS_MISMATCH,
            Self::OtherInstance => Status::SOP_INSTANCE_MISMATCH,
            Self::Behind | Self::Memory => Status::OUT_OF_RESOURCES,
            Self::Fault => Status::PROCESSING_FAILURE,
        };
        let comment = match self {
            // What the disk says is for the log, not for peers.
            Self::Store(_) => "no room or spool not writable, see the gate's log".to_owned(),
            other => other.to_string(),
        };
        Answer::with_comment(status, comment)
    }
}

/// Reads the data set of `request` into custody and answers it.
///
/// # Errors
/// When the association ends; nothing was acknowledged then, and nothing is kept.
pub(super) async fn store(
    with: &Conversation<'_>,
    association: &mut Association<Stream>,
    (message, request): (&Message, &StoreRequest),
    buffers: &mut Buffers,
    turn: Option<Turn>,
) -> Result<Done, Fault> {
    if !hand_on(with, buffers).await {
        return Ok(refuse(&Refused::Behind));
    }
    let Some(length) = buffers.ready(&with.receiver.memory) else {
        return Ok(refuse(&Refused::Memory));
    };
    let envelope = envelope(with, message, request);
    let taking = match Taking::begin(with, &envelope, length, buffers).await {
        Ok(taking) => taking,
        Err(refused) => return Ok(refuse(&refused)),
    };
    take_in(with, association, message, (envelope, taking, turn), buffers).await
}

/// Reads what has not come yet of a data set into custody, and answers it.
///
/// # Errors
/// As [`store`].
pub(super) async fn take_in(
    with: &Conversation<'_>,
    association: &mut Association<Stream>,
    message: &Message,
    (envelope, mut taking, turn): (Envelope, Taking, Option<Turn>),
    buffers: &mut Buffers,
) -> Result<Done, Fault> {
    while let Some(bytes) = association.data().await? {
        if let Err(refused) = taking.push(bytes, buffers).await {
            return Ok(refuse(&refused));
        }
    }
    let last_byte = Instant::now();
    let check = finishing(with, &envelope);
    let finish = move |incoming: Incoming, last: &[u8]| {
        let (draft, scan) = check(incoming, last)?;
        Ok((draft.commit_blocking()?, scan))
    };
    let (receipt, scan) = match taking.end(buffers, finish).await {
        Ok(done) => done,
        Err(refused) => return Ok(refuse(&refused)),
    };
    let bypass = with.receiver.spool.bypass().is_on();
    let case = Arc::new(Case::new(envelope, with.admitted.source.clone(), scan));
    let status = match bypass {
        true => Status::SUCCESS,
        false => with.receiver.foresight.status(&with.receiver.site.load_full(), &case).await,
    };
    let responded = association.respond(message, &Answer::from(status)).await;
    tell(with, receipt.id(), receipt.length(), last_byte);
    // Whether or not the peer has heard it: the object is in custody.
    judge_later(with, Work::Fresh(Box::new(Fresh { receipt, case, turn })), buffers);
    responded.map(|()| Done::Answered)
}

/// Counts and tells of an object that was answered.
pub(super) fn tell(with: &Conversation<'_>, object: ObjectId, length: u64, last_byte: Instant) {
    let metrics = &with.receiver.metrics;
    metrics.acknowledge_seconds.observe(last_byte.elapsed().as_secs_f64());
    metrics.received.inc();
    metrics.received_bytes.inc_by(length);
    tracing::info!(%object, calling = %with.sender.calling, bytes = length, "received");
}

/// Hands an object in custody on.
pub(super) fn judge_later(with: &Conversation<'_>, work: Work, buffers: &mut Buffers) {
    match with.receiver.judging.try_send(work) {
        Ok(()) => {}
        // Handed on when there is room, and before anything else is taken of this peer.
        Err(TrySendError::Full(work)) => buffers.unjudged = Some(work),
        Err(TrySendError::Closed(_)) => {
            tracing::warn!("an object will be judged at the next start");
        }
    }
}

/// What is done with an object once all of it has come: it is checked against its command.
pub(super) fn finishing(
    with: &Conversation<'_>,
    envelope: &Envelope,
) -> impl FnOnce(Incoming, &[u8]) -> Result<(Draft, Scan), Refused> + Send + use<> {
    let bypass = with.receiver.spool.bypass().is_on();
    let refuse_unparsable = with.receiver.config.load().refuse_unparsable && !bypass;
    let envelope = envelope.clone();
    move |incoming, last| incoming.finish(last, &envelope, refuse_unparsable)
}

/// Hands on what waits since the object before. Returns whether there was room within the time that a peer may be kept waiting:
/// beyond that it is told, and sends again later.
pub(super) async fn hand_on(with: &Conversation<'_>, buffers: &mut Buffers) -> bool {
    let Some(work) = buffers.unjudged.take() else { return true };
    let room = with.receiver.judging.reserve();
    match tokio::time::timeout(with.receiver.config.load().patience, room).await {
        Ok(Ok(room)) => room.send(work),
        Ok(Err(_closed)) => tracing::warn!("an object will be judged at the next start"),
        Err(_elapsed) => {
            buffers.unjudged = Some(work);
            return false;
        }
    }
    true
}

pub(super) fn refuse(refused: &Refused) -> Done {
    match refused {
        Refused::Store(fault) => tracing::error!(%fault, "an object could not be taken"),
        Refused::Cut
        | Refused::Stray
        | Refused::Unwalkable
        | Refused::OtherClass
        | Refused::OtherInstance
        | Refused::Behind
        | Refused::Memory
        | Refused::Fault => {}
    }
    Done::Refused(refused.answer())
}

pub(super) fn envelope(
    with: &Conversation<'_>,
    message: &Message,
    request: &StoreRequest,
) -> Envelope {
    Envelope {
        calling_ae: with.sender.calling.clone(),
        called_ae: with.sender.called.clone(),
        peer: with.sender.peer,
        certificate: with.admitted.certificate.clone(),
        transfer_syntax: message.context.transfer_syntax.clone(),
        sop_class: request.sop_class.clone(),
        sop_instance: request.sop_instance.clone(),
        message_id: request.message_id,
        priority: match request.priority {
            Priority::Low => spool::Priority::Low,
            Priority::Medium => spool::Priority::Medium,
            Priority::High => spool::Priority::High,
        },
        received: now(),
    }
}

impl Taking {
    /// Makes a draft for an object.
    pub(super) async fn begin(
        with: &Conversation<'_>,
        envelope: &Envelope,
        length: usize,
        buffers: &mut Buffers,
    ) -> Result<Self, Refused> {
        let spool = &with.receiver.spool;
        let draft = match spool.draft_at_once(envelope) {
            Some(draft) => draft,
            // Asking for room may block on a sick disk.
            None => {
                let (spool, of) = (spool.clone(), envelope.clone());
                let draft = tokio::task::spawn_blocking(move || spool.draft(&of)).await;
                draft.map_err(|_| Refused::Fault)??
            }
        };
        let share = with.receiver.memory.for_a_header().ok_or(Refused::Memory)?;
        let looking = with.receiver.config.load().looking;
        let scanner = Scanner::new(envelope.syntax(), looking).charged_to(share);
        let incoming = Some(Box::new(Incoming { draft, scanner }));
        Ok(Self { incoming, block: buffers.take(length), length, busy: None })
    }

    /// Takes the next bytes of the data set.
    pub(super) async fn push(
        &mut self,
        bytes: &[u8],
        buffers: &mut Buffers,
    ) -> Result<(), Refused> {
        if self.block.len() + bytes.len() > self.length && !self.block.is_empty() {
            // The spare block is away with the piece before: wait for both, then swap.
            self.settle(buffers).await?;
            let full = std::mem::replace(&mut self.block, buffers.take(self.length));
            if let Some(mut away) = self.incoming.take() {
                self.busy = Some(tokio::task::spawn_blocking(move || {
                    away.take(&full)?;
                    Ok((away, full))
                }));
            }
        }
        self.block.extend_from_slice(bytes);
        Ok(())
    }

    /// Waits for the block that is away.
    async fn settle(&mut self, buffers: &mut Buffers) -> Result<(), Refused> {
        if let Some(writing) = self.busy.take() {
            let (back, spare) = joined(writing.await)?;
            self.incoming = Some(back);
            buffers.give(spare);
        }
        Ok(())
    }

    /// Somebody else answers for it.
    pub(super) fn takes_its_time(&mut self) {
        if let Some(incoming) = &mut self.incoming {
            incoming.draft.takes_its_time();
        }
    }

    /// Whether its last bytes can be taken in without the disk.
    pub(super) fn is_small(&self) -> bool {
        let is_small = |incoming: &Incoming| incoming.draft.room() >= self.block.len();
        self.incoming
            .as_ref()
            .is_some_and(|incoming| incoming.draft.is_in_memory() && is_small(incoming))
    }

    /// Has `last`, which does not block, done with the whole and its last bytes.
    pub(super) fn end_here<T>(
        self,
        buffers: &mut Buffers,
        last: impl FnOnce(Incoming, &[u8]) -> Result<T, Refused>,
    ) -> Result<T, Refused> {
        let Self { incoming: Some(incoming), block, .. } = self else {
            return Err(Refused::Fault);
        };
        let ended = last(*incoming, &block);
        buffers.give(block);
        ended
    }

    /// Has `last` done with the whole and its last bytes, on a thread that may block.
    pub(super) async fn end<T: Send + 'static>(
        mut self,
        buffers: &mut Buffers,
        last: impl FnOnce(Incoming, &[u8]) -> Result<T, Refused> + Send + 'static,
    ) -> Result<T, Refused> {
        self.settle(buffers).await?;
        let Self { incoming: Some(incoming), block, .. } = self else {
            return Err(Refused::Fault);
        };
        let ending = tokio::task::spawn_blocking(move || Ok((last(*incoming, &block)?, block)));
        let (ended, block) = joined(ending.await)?;
        buffers.give(block);
        Ok(ended)
    }
}

pub(super) fn joined<T>(
    outcome: Result<Result<T, Refused>, tokio::task::JoinError>,
) -> Result<T, Refused> {
    outcome.unwrap_or_else(|fault| {
        tracing::error!(%fault, "taking an object in failed");
        Err(Refused::Fault)
    })
}

impl Incoming {
    fn take(&mut self, bytes: &[u8]) -> Result<(), Refused> {
        self.scanner.push(bytes);
        if self.scanner.is_out_of_memory() {
            return Err(Refused::Memory);
        }
        self.draft.write(bytes)?;
        Ok(())
    }

    /// Takes the last bytes and checks the whole, which is not durable yet.
    fn finish(
        mut self,
        bytes: &[u8],
        envelope: &Envelope,
        refuse_unparsable: bool,
    ) -> Result<(Draft, Scan), Refused> {
        self.take(bytes)?;
        let scan = self.scanner.finish();
        if let Some(refused) = flaw(&scan, envelope, refuse_unparsable) {
            match refused {
                Refused::OtherClass | Refused::OtherInstance => self.draft.set_aside()?,
                Refused::Store(_)
                | Refused::Cut
                | Refused::Stray
                | Refused::Unwalkable
                | Refused::Behind
                | Refused::Memory
                | Refused::Fault => {}
            }
            return Err(refused);
        }
        Ok((self.draft, scan))
    }
}

/// What keeps a data set from being taken.
pub(super) fn flaw(scan: &Scan, envelope: &Envelope, refuse_unparsable: bool) -> Option<Refused> {
    match scan.end {
        End::Cut { tag: Some(_), .. } => return Some(Refused::Cut),
        End::Cut { tag: None, .. } => return Some(Refused::Stray),
        End::Malformed(_) if refuse_unparsable => return Some(Refused::Unwalkable),
        End::Malformed(_) | End::TooDeep { .. } | End::Unlooked(_) | End::Complete => {}
    }
    let is_whole = scan.end == End::Complete;
    // Of what was not walked to its end, only what was seen can contradict the command.
    let differs = |tag: Tag, command: &str| match scan.header.string(tag) {
        Some(found) => found != command,
        None => is_whole,
    };
    if differs(tags::SOP_CLASS_UID, envelope.sop_class.as_str()) {
        return Some(Refused::OtherClass);
    }
    if differs(tags::SOP_INSTANCE_UID, envelope.sop_instance.as_str()) {
        return Some(Refused::OtherInstance);
    }
    None
}
