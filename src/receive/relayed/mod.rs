//! Objects that are relayed: the answer to the modality is the destination's own.
//!
//! An object is judged as soon as its header has come, and goes on while the rest of it comes; where its pixels have a say, once
//! all of it has come. Whatever way it goes, its bytes are in a draft of the spool too, without waiting for the disk. When the
//! destination fails, the draft is made durable and answered by the gate (`fallback = "spool"`), or the modality is told that
//! nothing was taken. When it has answered, the draft becomes the copy that is kept as long as any other.
//!
//! What may be held, comes with a SOP Instance UID of which other bytes are known, or cannot be walked, is taken into custody as
//! if it were not relayed.

mod copies;
mod judging;
mod onward;
mod passing;
mod recorded;
mod turns;

use std::io::{self, Read};
use std::sync::{Arc, OnceLock};
use std::time::Instant;

use super::association::Conversation;
use super::case::Case;
use super::judge::{Fresh, Work};
use super::storage::{
    self, Buffers, Done, Incoming, Refused, Taking, envelope, finishing, hand_on, refuse,
};
use crate::base::budget::Share;
use crate::base::time::now;
use crate::dicom::status::Status;
use crate::dimse::Stream;
use crate::dimse::acceptor::{Association, Message};
use crate::dimse::fault::Fault;
use crate::dimse::frames::{Blocking, Source};
use crate::dimse::message::{Answer, StoreRequest};
use crate::dimse::requestor::{Sent, StoreFault, StoreOrder};
use crate::object::splice::{self, MadeBytes, Spliced};
use crate::object::{End, Reach, Scan, Scanner};
use crate::policy::outcome::{Attempt, Outcome, outcome};
use crate::policy::relay::Fallback;
use crate::spool::{Beginning, DataReader, Draft, Envelope, StoredObject};

pub use copies::{Copies, copies};
pub use judging::Relaying;
pub(super) use onward::Onward;
pub(super) use recorded::Relayed;
pub(super) use turns::Turn;

use copies::{Copy, Place};
use judging::{Course, Judged};
use passing::{Broken, Passing};
use recorded::Delivered;

/// Bytes of an object that are held back before it is judged. What has a longer header is taken in whole first.
const MOST_HELD: usize = 1 << 20;

/// One C-STORE that is relayed.
struct Exchange<'c, 'r> {
    with: &'c Conversation<'r>,
    association: &'c mut Association<Stream>,
    message: &'c Message,
    request: &'c StoreRequest,
    envelope: Envelope,
    buffers: &'c mut Buffers,
    onward: &'c mut Onward,
    turn: Turn,
}

/// What is known of an object before a byte of it has come.
struct Prepared {
    taking: Taking,
    beginning: Beginning,
    place: Place,
}

/// The beginning of an object, up to its pixels.
struct Head {
    held: Vec<u8>,
    scan: Scan,
    /// What it is charged to.
    share: Share,
}

/// Reads the data set of `request`, hands it on and answers it.
///
/// # Errors
/// When the association ends. The destination has not got all of the object then, and nothing is kept.
pub(super) async fn store(
    with: &Conversation<'_>,
    association: &mut Association<Stream>,
    asked: (&Message, &StoreRequest),
    buffers: &mut Buffers,
    onward: &mut Onward,
) -> Result<Done, Fault> {
    let (message, request) = asked;
    let is_taken = onward.is_open() && onward.takes(&message.context).await;
    if !is_taken && onward.relay.fallback == Fallback::Refuse {
        return Ok(Done::Refused(not_answered()));
    }
    // It may hold the turn that is waited for.
    if !hand_on(with, buffers).await {
        return Ok(refuse(&Refused::Behind));
    }
    let patience = with.receiver.config.load().patience;
    let turn = with.receiver.relaying.turns.take(&request.sop_instance, patience).await;
    let Some(turn) = turn else { return Ok(refuse(&Refused::Behind)) };
    if !is_taken {
        return storage::store(with, association, asked, buffers, Some(turn)).await;
    }
    let envelope = envelope(with, message, request);
    let exchange =
        Exchange { with, association, message, request, envelope, buffers, onward, turn };
    // Boxed: it is large, and an association holds it for good.
    Box::pin(exchange.carry_out()).await
}

/// What a modality hears whose destination does not answer, where the route wants it told.
fn not_answered() -> Answer {
    Answer::with_comment(Status::OUT_OF_RESOURCES, "the destination does not answer".to_owned())
}

impl Exchange<'_, '_> {
    async fn carry_out(mut self) -> Result<Done, Fault> {
        let Prepared { mut taking, beginning, place } = match self.prepare().await {
            Ok(prepared) => prepared,
            Err(refused) => return Ok(refuse(&refused)),
        };
        // Coded frames, and what is deflated, are understood as wholes.
        let is_looked_at = !beginning.is_repeated() && self.envelope.syntax().is_native();
        let head = match self.head(&mut taking, is_looked_at).await? {
            Ok(head) => head,
            Err(refused) => return Ok(refuse(&refused)),
        };
        let Some(Head { held, scan, share }) = head else {
            return Box::pin(self.whole(taking, beginning, place)).await;
        };
        if storage::flaw(&scan, &self.envelope, false).is_some() {
            // It will be refused, and the destination need not hear of it.
            return Box::pin(self.whole(taking, beginning, place)).await;
        }
        let course =
            judging::header(self.with, self.onward, &self.envelope, scan, &beginning).await;
        let ready = match &course {
            Course::At(judged) => spliced(&held, judged),
            Course::Whole | Course::Custody => None,
        };
        drop(held);
        match (course, ready) {
            (Course::Custody, _) => self.custody(taking).await,
            (Course::At(judged), Some(ready)) => {
                let passed = Box::pin(self.pass(taking, ready, judged, place)).await;
                drop(share);
                passed
            }
            // Something behind the pixels is changed, which is not to be had before it has come.
            (Course::Whole | Course::At(_), _) => {
                Box::pin(self.whole(taking, beginning, place)).await
            }
        }
    }

    async fn prepare(&mut self) -> Result<Prepared, Refused> {
        let receiver = self.with.receiver;
        let patience = receiver.config.load().patience;
        let place = receiver.relaying.copies.place(patience).await.ok_or(Refused::Behind)?;
        let length = self.buffers.ready(&receiver.memory).ok_or(Refused::Memory)?;
        let mut taking = Taking::begin(self.with, &self.envelope, length, self.buffers).await?;
        taking.takes_its_time();
        let begun = receiver.spool.relaying();
        let beginning = begun.begin(self.envelope.sop_instance.as_str(), now());
        Ok(Prepared { taking, beginning, place })
    }

    /// Takes in what comes before the pixels. `None` where that is not looked at, or too long.
    async fn head(
        &mut self,
        taking: &mut Taking,
        is_looked_at: bool,
    ) -> Result<Result<Option<Head>, Refused>, Fault> {
        let memory = &self.with.receiver.memory;
        let (Some(header), Some(share)) = (memory.for_a_header(), memory.for_a_header()) else {
            return Ok(Err(Refused::Memory));
        };
        let looking = self.with.receiver.config.load().looking;
        let mut scanner = Scanner::new(self.envelope.syntax(), looking).charged_to(header);
        let mut held = Vec::new();
        while is_looked_at && held.len() < MOST_HELD {
            let Some(bytes) = self.association.data().await? else {
                return Ok(Ok(Some(Head { held, scan: scanner.finish(), share })));
            };
            // As it came, and as it goes out.
            let is_affordable = share.grow(2 * bytes.len() as u64);
            held.extend_from_slice(bytes);
            scanner.push(bytes);
            if let Err(refused) = taking.push(bytes, self.buffers).await {
                return Ok(Err(refused));
            }
            if scanner.past_header() {
                let (header, length) = (scanner.header_so_far(), held.len() as u64);
                let scan = Scan { header, end: End::Complete, length, deflate: None };
                // What was not looked at to its end is not judged before all of it has come.
                let is_clear = is_affordable && scan.header.reach() == Reach::SoFar;
                return Ok(Ok(is_clear.then_some(Head { held, scan, share })));
            }
            if !is_affordable {
                break;
            }
        }
        Ok(Ok(None))
    }

    /// Takes in the rest, and leaves everything to those who judge what is in custody.
    async fn custody(self, taking: Taking) -> Result<Done, Fault> {
        let Self { with, association, message, envelope, buffers, turn, .. } = self;
        storage::take_in(with, association, message, (envelope, taking, Some(turn)), buffers).await
    }

    /// Hands on what has come, and the rest while it comes.
    async fn pass(
        self,
        taking: Taking,
        ready: Vec<u8>,
        judged: Judged,
        place: Place,
    ) -> Result<Done, Fault> {
        let Self { with, association, message, request, envelope, buffers, onward, turn } = self;
        let order = order(&judged, request, &envelope);
        let check = finishing(with, &envelope);
        let finish = move |incoming: Incoming, last: &[u8]| {
            let (mut draft, scan) = check(incoming, last)?;
            if !draft.is_in_memory() {
                draft.close()?;
            }
            Ok((draft, scan))
        };
        let is_changed = !judged.verdict.plan.is_empty();
        let mut passing =
            Passing::new(association, buffers, (taking, Box::new(finish)), ready, is_changed);
        let answered = send(onward, &order, &mut passing).await;
        let sent = passing.hash();
        let (arrived, broken) = Box::pin(passing.ended()).await;
        let over = Over { with, association, message, envelope, buffers, onward, turn, place };
        match (broken, arrived) {
            (Some(Broken::Modality(fault)), _) => Err(fault),
            (Some(Broken::Refused(refused)), _) => Ok(refuse(&refused)),
            (Some(Broken::Other), Some(arrived)) => over.keep(arrived, None).await,
            (None, Some(arrived)) => over.settle(answered, arrived, (judged, sent)).await,
            // Not reached: what is not broken has come to its end.
            (_, None) => Ok(refuse(&Refused::Fault)),
        }
    }

    /// Takes all of it in, judges it with its pixels, and hands it on.
    async fn whole(
        self,
        mut taking: Taking,
        beginning: Beginning,
        place: Place,
    ) -> Result<Done, Fault> {
        while let Some(bytes) = self.association.data().await? {
            if let Err(refused) = taking.push(bytes, self.buffers).await {
                return Ok(refuse(&refused));
            }
        }
        let check = finishing(self.with, &self.envelope);
        let finish = move |incoming: Incoming, last: &[u8]| {
            let (mut draft, scan) = check(incoming, last)?;
            let stored = draft.seal()?;
            Ok((draft, scan, stored))
        };
        let (draft, scan, stored) = match taking.end(self.buffers, finish).await {
            Ok(arrived) => arrived,
            Err(refused) => return Ok(refuse(&refused)),
        };
        let Self { with, association, message, request, envelope, buffers, onward, turn } = self;
        let judged =
            judging::whole((with, onward), &envelope, scan.clone(), &stored, &beginning).await;
        let over = Over { with, association, message, envelope, buffers, onward, turn, place };
        let Some(judged) = judged else { return over.keep((draft, scan), None).await };
        let body = match body(over.with, &stored, &judged) {
            Ok(body) => body,
            Err(fault) => {
                tracing::error!(object = %stored.id(), %fault, "what was to be relayed cannot be made");
                return over.keep((draft, scan), None).await;
            }
        };
        let order = order(&judged, request, &over.envelope);
        let (body, sent) = Hashing::new(body, !judged.verdict.plan.is_empty());
        let answered = send(over.onward, &order, &mut Blocking::new(body)).await;
        over.settle(answered, (draft, scan), (judged, sent.get().copied())).await
    }
}

/// An object that has come, and is to be answered.
struct Over<'c, 'r> {
    with: &'c Conversation<'r>,
    association: &'c mut Association<Stream>,
    message: &'c Message,
    envelope: Envelope,
    buffers: &'c mut Buffers,
    onward: &'c mut Onward,
    turn: Turn,
    place: Place,
}

impl Over<'_, '_> {
    /// Takes an object into custody: with the verdict by which it may have gone out, or to be judged there.
    async fn keep(self, arrived: (Draft, Scan), judged: Option<Judged>) -> Result<Done, Fault> {
        let Self { with, association, message, envelope, buffers, turn, .. } = self;
        let (draft, scan) = arrived;
        let last_byte = Instant::now();
        let receipt = match draft.commit().await {
            Ok(receipt) => receipt,
            Err(fault) => return Ok(refuse(&fault.into())),
        };
        let responded = association.respond(message, &Answer::from(Status::SUCCESS)).await;
        storage::tell(with, receipt.id(), receipt.length(), last_byte);
        let case = Arc::new(Case::new(envelope, with.admitted.source.clone(), scan));
        let work = match judged {
            None => Work::Fresh(Box::new(Fresh { receipt, case, turn: Some(turn) })),
            Some(judged) => {
                Work::Relayed(Box::new(Relayed { receipt, case, judged, delivered: None, turn }))
            }
        };
        storage::judge_later(with, work, buffers);
        responded.map(|()| Done::Answered)
    }

    /// Answers an object as its destination has, or in its stead.
    async fn settle(
        self,
        answered: Result<Answer, StoreFault>,
        arrived: (Draft, Scan),
        (judged, sent): (Judged, Option<blake3::Hash>),
    ) -> Result<Done, Fault> {
        let in_its_stead = match answered {
            Ok(answer) if has_no_resources(answer.status) => {
                self.onward.failed(None);
                Done::Passed(answer)
            }
            Err(fault) => {
                self.onward.failed(Some(&fault));
                Done::Refused(not_answered())
            }
            Ok(answer) => match outcome(Attempt::Answered(answer.status)) {
                Outcome::Stored { .. } => {
                    return self.stored(answer, arrived, (judged, sent)).await;
                }
                // It is the destination's, and the modality's, to deal with.
                Outcome::NotStored(_) => {
                    self.forget(&arrived.0, &judged);
                    return Ok(Done::Passed(answer));
                }
            },
        };
        match self.onward.relay.fallback {
            Fallback::Spool => self.keep(arrived, Some(judged)).await,
            Fallback::Refuse => {
                self.forget(&arrived.0, &judged);
                Ok(in_its_stead)
            }
        }
    }

    /// Removes the frames that were made for an object that is not kept.
    fn forget(&self, draft: &Draft, judged: &Judged) {
        if judged.verdict.plan.made().is_none() {
            return;
        }
        let (spool, object) = (self.with.receiver.spool.clone(), draft.id());
        tokio::task::spawn_blocking(move || {
            if let Err(fault) = spool.remove(&[object]) {
                tracing::warn!(%object, %fault, "frames that were made for a refused object stay");
            }
        });
    }

    /// The destination has it.
    async fn stored(
        self,
        answer: Answer,
        (draft, scan): (Draft, Scan),
        (judged, sent): (Judged, Option<blake3::Hash>),
    ) -> Result<Done, Fault> {
        let Self { with, association, message, envelope, buffers, onward, turn, place } = self;
        let last_byte = Instant::now();
        let case = Case::new(envelope, with.admitted.source.clone(), scan);
        let case = Arc::new(case.decided(judged.verdict.decision.clone()));
        let (destination, status) = (onward.name.clone(), answer.status);
        let delivered = Some(Delivered { destination, status, sent });
        let has_others =
            judged.site.names(&judged.verdict.destinations).iter().any(|name| *name != onward.name);
        let (object, length) = (draft.id(), draft.length());
        if has_others {
            // It is to go elsewhere as well, for which the gate alone answers.
            let receipt = match draft.commit().await {
                Ok(receipt) => receipt,
                Err(fault) => return Ok(refuse(&fault.into())),
            };
            let responded = association.respond(message, &answer).await;
            storage::tell(with, object, length, last_byte);
            let relayed = Relayed { receipt, case, judged, delivered, turn };
            storage::judge_later(with, Work::Relayed(Box::new(relayed)), buffers);
            return responded.map(|()| Done::Answered);
        }
        let responded = association.respond(message, &answer).await;
        storage::tell(with, object, length, last_byte);
        place.keep(Copy { draft, case, judged, delivered, turn });
        responded.map(|()| Done::Answered)
    }
}

/// Whether a destination says that it cannot take the object for now (PS3.4 table B.2-1: out of resources, A7xx).
fn has_no_resources(status: Status) -> bool {
    (0xA700..=0xA7FF).contains(&status.0)
}

fn order(judged: &Judged, request: &StoreRequest, envelope: &Envelope) -> StoreOrder {
    StoreOrder {
        sop_class: request.sop_class.clone(),
        transfer_syntax: envelope.transfer_syntax.clone(),
        sop_instance: judged.verdict.plan.instance().unwrap_or(&request.sop_instance).clone(),
        priority: request.priority,
        move_originator: request.move_originator.clone(),
    }
}

/// Sends an object on the association that was found ready for it.
async fn send(
    onward: &mut Onward,
    order: &StoreOrder,
    source: &mut impl Source,
) -> Result<Answer, StoreFault> {
    let Some(open) = onward.upstream.outgoing_mut() else {
        let (fault, sent) = (Fault::Broken, Sent::Incomplete);
        return Err(StoreFault::Association { fault, sent });
    };
    let answered = open.store(order, source).await;
    if matches!(answered, Err(StoreFault::Association { .. })) {
        onward.upstream.abandon();
    }
    answered
}

/// What goes out of the beginning of an object; `None` where the plan changes something behind it.
fn spliced(held: &[u8], judged: &Judged) -> Option<Vec<u8>> {
    let mut ready = Vec::with_capacity(held.len() + 4096);
    let mut spliced = Spliced::new(held, judged.verdict.plan.clone());
    spliced.read_to_end(&mut ready).ok().map(|_| ready)
}

/// What goes out of an object that has come whole.
fn body(
    with: &Conversation<'_>,
    stored: &StoredObject,
    judged: &Judged,
) -> io::Result<splice::Output<DataReader>> {
    let plan = judged.verdict.plan.clone();
    let made = match plan.made() {
        Some(made) => with.receiver.spool.made(stored.id(), &made).map_err(io::Error::other)?,
        None => MadeBytes::none(),
    };
    splice::output(stored.reader(), stored.envelope().syntax(), plan, made)
}

/// The hash of what has gone out, once it has gone to its end.
type SentHash = Arc<OnceLock<blake3::Hash>>;

/// Reads what goes out, and its hash with it where that is not the one on arrival.
struct Hashing<R> {
    body: R,
    hasher: Option<blake3::Hasher>,
    hash: SentHash,
}

impl<R> Hashing<R> {
    fn new(body: R, is_changed: bool) -> (Self, SentHash) {
        let hash = SentHash::default();
        let hasher = is_changed.then(blake3::Hasher::new);
        (Self { body, hasher, hash: Arc::clone(&hash) }, hash)
    }
}

impl<R: Read> Read for Hashing<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.body.read(buffer)?;
        if let Some(hasher) = &mut self.hasher {
            if count == 0 && !buffer.is_empty() {
                self.hash.get_or_init(|| hasher.finalize());
            }
            hasher.update(buffer.get(..count).unwrap_or_default());
        }
        Ok(count)
    }
}
