//! One end of an association on one transport: the state table, the decoder and the timers put to work.
//!
//! # Invariants
//! - A fault is final. [`Link::settle`] tells the peer what is due (A-ABORT) and waits under ARTIM for it to close; after
//!   that every call gives [`Fault::Broken`]. So does every call after a cancelled write.
//! - Reading can be cancelled at any wait: what has come is in the decoder or in `command`, not in a future.

use std::future::poll_fn;
use std::io;
use std::ops::Range;
use std::pin::Pin;
use std::task::Poll;
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, ReadBuf};
use tokio::time::{Instant, timeout};

use crate::dimse::command::MAX_COMMAND;
use crate::dimse::fault::{Abort, Breach, Fault};
use crate::dimse::negotiate::Context;
use crate::dimse::pdata::{Decoder, Fragment, Unit};
use crate::dimse::pdu::{PduType, RELEASE_RP, RELEASE_RQ, encode_abort, parse_abort};
use crate::dimse::state::{Action, Event, Role, State, step};
use crate::dimse::timers::{Pace, Timer, Timers};
use crate::dimse::transport::Transport;

/// How long the peer's last PDU is looked for after a write failed: it has come before the failure or not at all.
const LAST_WORDS: Duration = Duration::from_millis(200);

/// After so long without a word an association gives its read buffer back.
const REST: Duration = Duration::from_secs(1);

/// What a read may wait for.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Wait {
    /// A fixed instant, whatever comes in between.
    Until(Instant, Timer),
    /// The next message, or more of the one that has begun.
    Message,
}

/// What has come where a command set may come.
#[derive(Debug)]
pub(crate) enum Heard {
    /// A whole command set.
    Command {
        /// Presentation context.
        context: u8,
        /// Its bytes.
        set: Vec<u8>,
    },
    /// A-RELEASE-RQ; the state is Sta8.
    Release,
}

#[derive(Debug)]
pub(crate) struct Link<S> {
    stream: S,
    decoder: Decoder,
    state: State,
    role: Role,
    timers: Timers,
    pace: Pace,
    /// When something last came from the peer or an answer went out.
    quiet_since: Instant,
    /// Accepted presentation contexts, by identifier.
    accepted: [u64; 4],
    /// The command set that is coming in: its context and what has come of it.
    command: Option<(u8, Vec<u8>)>,
    /// A write has begun and not ended: the peer may have half a PDU.
    writing: bool,
    /// The incoming stream cannot be followed any more.
    lost_step: bool,
    broken: bool,
}

impl<S: Transport> Link<S> {
    /// An open connection on which nothing has been said.
    pub(crate) fn new(stream: S, role: Role, timers: Timers) -> Result<Self, Fault> {
        stream.prepare().map_err(Fault::Io)?;
        let mut link = Self {
            stream,
            decoder: Decoder::new(),
            state: State::Sta1,
            role,
            timers,
            pace: Pace::default(),
            quiet_since: Instant::now(),
            accepted: [0; 4],
            command: None,
            writing: false,
            lost_step: false,
            broken: false,
        };
        match role {
            Role::Acceptor => link.ours(Event::TransportIndicated)?,
            Role::Requestor => {
                link.ours(Event::AssociateRequest)?;
                link.ours(Event::TransportConfirmed)?;
            }
        }
        Ok(link)
    }

    pub(crate) fn timers(&self) -> &Timers {
        &self.timers
    }

    /// The first bytes that came and could not be taken for a PDU.
    pub(crate) fn first_bytes(&self) -> &[u8] {
        self.decoder.peek()
    }

    /// The association is agreed on: these contexts, and P-DATA-TF no longer than we offered.
    pub(crate) fn establish(&mut self, contexts: &[Context], our_max_pdu: u32) {
        self.decoder.limit(our_max_pdu);
        for context in contexts {
            if let Some(word) = self.accepted.get_mut(usize::from(context.id / 64)) {
                *word |= 1 << (context.id % 64);
            }
        }
        self.quiet_since = Instant::now();
    }

    fn is_accepted(&self, context: u8) -> bool {
        let word = self.accepted.get(usize::from(context / 64));
        word.is_some_and(|word| word >> (context % 64) & 1 == 1)
    }

    /// Goes on by an event of our own. A blank in the table is our own mistake: the association is given up.
    pub(crate) fn ours(&mut self, event: Event) -> Result<(), Fault> {
        let (_, next) = step(self.state, event, self.role).ok_or(Fault::Broken)?;
        self.state = next;
        Ok(())
    }

    /// Goes on by an event of the peer's.
    fn theirs(&mut self, event: Event) -> Option<Action> {
        let (action, next) = step(self.state, event, self.role)?;
        self.state = next;
        Some(action)
    }

    /// # Errors
    /// [`Fault::Broken`] after an earlier fault or a cancelled write.
    pub(crate) fn usable(&self) -> Result<(), Fault> {
        if self.broken || self.writing { Err(Fault::Broken) } else { Ok(()) }
    }

    fn patience(&self, wait: Wait) -> (Duration, Timer) {
        match wait {
            Wait::Until(at, timer) => (at.saturating_duration_since(Instant::now()), timer),
            Wait::Message if self.is_idle() => {
                let left = self.timers.idle.saturating_sub(self.quiet_since.elapsed());
                (left, Timer::Idle)
            }
            Wait::Message => (self.pace.patience(&self.timers), Timer::Progress),
        }
    }

    /// Whether nothing of a message has come since the last one.
    fn is_idle(&self) -> bool {
        self.pace == Pace::default() && self.command.is_none() && self.decoder.is_between_pdus()
    }

    /// Reads once, within what `wait` allows. `Ok(0)`: the peer has closed.
    async fn read(&mut self, wait: Wait) -> Result<usize, Fault> {
        let idle = self.is_idle();
        self.stream.before_read().map_err(Fault::of_io)?;
        let begun = Instant::now();
        let count = loop {
            let (patience, timer) = self.patience(wait);
            let rests = idle && patience > REST && self.decoder.can_rest();
            let read = self.stream.read(self.decoder.space());
            match timeout(if rests { REST } else { patience }, read).await {
                Ok(read) => break read.map_err(Fault::of_io)?,
                Err(_) if rests => self.decoder.rest(),
                Err(_) => return Err(Fault::Timeout(timer)),
            }
        };
        self.decoder.filled(count);
        let now = Instant::now();
        // The pause before a message is no part of it.
        self.pace.add(count, if idle { Duration::ZERO } else { now - begun });
        self.quiet_since = now;
        Ok(count)
    }

    /// The next thing that comes.
    pub(crate) async fn unit(&mut self, wait: Wait) -> Result<Unit, Fault> {
        loop {
            match self.decoder.next() {
                Ok(Some(unit)) => return Ok(unit),
                Ok(None) => {}
                Err(breach) => return Err(self.out_of_step(breach)),
            }
            if self.read(wait).await? == 0 {
                return Err(self.closed());
            }
        }
    }

    fn out_of_step(&mut self, breach: Breach) -> Fault {
        self.lost_step = true;
        self.theirs(Event::InvalidPdu);
        breach.into()
    }

    fn closed(&mut self) -> Fault {
        self.theirs(Event::TransportClosed);
        Fault::Closed
    }

    /// What has come already, without waiting; `None` when that is nothing whole.
    pub(crate) async fn poke(&mut self) -> Result<Option<Unit>, Fault> {
        loop {
            match self.decoder.next() {
                Ok(Some(unit)) => return Ok(Some(unit)),
                Ok(None) => {}
                Err(breach) => return Err(self.out_of_step(breach)),
            }
            let Self { stream, decoder, .. } = self;
            let space = decoder.space();
            let polled = poll_fn(|context| {
                let mut buffer = ReadBuf::new(space);
                let polled = Pin::new(&mut *stream).poll_read(context, &mut buffer);
                Poll::Ready(polled.map(|result| result.map(|()| buffer.filled().len())))
            })
            .await;
            match polled {
                Poll::Pending => return Ok(None),
                Poll::Ready(Ok(0)) => return Err(self.closed()),
                Poll::Ready(Ok(count)) => decoder.filled(count),
                Poll::Ready(Err(fault)) => return Err(Fault::of_io(fault)),
            }
        }
    }

    /// Goes on by a PDU other than P-DATA-TF.
    ///
    /// # Errors
    /// When the peer aborts, and when the PDU has no place here.
    pub(crate) fn control(&mut self, pdu: PduType, body: Range<usize>) -> Result<Action, Fault> {
        let event = match pdu {
            PduType::AssociateRq => Event::AssociateRq,
            PduType::AssociateAc => Event::AssociateAc,
            PduType::AssociateRj => Event::AssociateRj,
            PduType::PData => Event::PData,
            PduType::ReleaseRq => Event::ReleaseRq,
            PduType::ReleaseRp => Event::ReleaseRp,
            PduType::Abort => Event::Abort,
        };
        match self.theirs(event) {
            Some(Action::Aa2 | Action::Aa3) => {
                Err(Fault::Aborted(parse_abort(self.decoder.bytes(body))))
            }
            Some(Action::Aa1 | Action::Aa7 | Action::Aa8) | None => {
                Err(Breach::UnexpectedPdu(pdu).into())
            }
            Some(action) => Ok(action),
        }
    }

    /// Takes note that a piece of P-DATA-TF has come.
    ///
    /// # Errors
    /// When data has no place here, or its context was not accepted.
    fn fragment(&mut self, fragment: &Fragment) -> Result<(), Fault> {
        self.control(PduType::PData, 0..0)?;
        if self.is_accepted(fragment.context) {
            Ok(())
        } else {
            Err(Breach::UnknownContext(fragment.context).into())
        }
    }

    /// Of the PDUs that are not data, A-RELEASE-RQ alone has a place on an established association.
    fn wish_to_release(&mut self, pdu: PduType, body: Range<usize>) -> Result<(), Fault> {
        match self.control(pdu, body)? == Action::Ar2 {
            true => Ok(()),
            false => Err(Breach::UnexpectedPdu(pdu).into()),
        }
    }

    /// The body of a PDU or a fragment.
    pub(crate) fn bytes(&self, range: Range<usize>) -> &[u8] {
        self.decoder.bytes(range)
    }

    /// The next whole command set, or the peer's wish to release. Cancelling it loses nothing.
    pub(crate) async fn command(&mut self, wait: Wait) -> Result<Heard, Fault> {
        if self.command.is_none() && self.decoder.is_between_pdus() {
            self.pace = Pace::default();
        }
        loop {
            let fragment = match self.unit(wait).await? {
                Unit::Fragment(fragment) => fragment,
                Unit::Pdu(pdu, body) => {
                    self.wish_to_release(pdu, body)?;
                    if self.command.is_some() {
                        return Err(Breach::ReleaseInsideMessage.into());
                    }
                    return Ok(Heard::Release);
                }
            };
            self.fragment(&fragment)?;
            if !fragment.command {
                return Err(Breach::DataWithoutCommand.into());
            }
            let new = self.decoder.bytes(fragment.bytes);
            let (context, set) = self.command.get_or_insert((fragment.context, Vec::new()));
            if *context != fragment.context {
                return Err(Breach::ContextChanged { open: *context, got: fragment.context }.into());
            }
            if set.len() + new.len() > MAX_COMMAND {
                return Err(Breach::CommandTooLong { limit: MAX_COMMAND }.into());
            }
            set.extend_from_slice(new);
            if fragment.last
                && let Some((context, set)) = self.command.take()
            {
                return Ok(Heard::Command { context, set });
            }
        }
    }

    /// The next piece of the data set that is coming in the context `open`. Only a last one may be empty. Cancelling it loses
    /// nothing.
    pub(crate) async fn data(&mut self, open: u8, wait: Wait) -> Result<Fragment, Fault> {
        loop {
            let fragment = match self.unit(wait).await? {
                Unit::Fragment(fragment) => fragment,
                Unit::Pdu(pdu, body) => {
                    self.wish_to_release(pdu, body)?;
                    return Err(Breach::ReleaseInsideMessage.into());
                }
            };
            self.fragment(&fragment)?;
            if fragment.command {
                return Err(Breach::CommandInsideDataSet.into());
            }
            if fragment.context != open {
                return Err(Breach::ContextChanged { open, got: fragment.context }.into());
            }
            if fragment.last || !fragment.bytes.is_empty() {
                return Ok(fragment);
            }
        }
    }

    /// Hands all of `bytes`, which are whole PDUs, to the transport.
    async fn put(&mut self, bytes: &[u8]) -> Result<(), Fault> {
        self.writing = true;
        let mut pace = Pace::default();
        let mut rest = bytes;
        while !rest.is_empty() {
            let begun = Instant::now();
            let write = self.stream.write(rest);
            let count = timeout(pace.patience(&self.timers), write)
                .await
                .map_err(|_| Fault::Timeout(Timer::Send))?
                .map_err(Fault::of_io)?;
            if count == 0 {
                return Err(Fault::Io(io::ErrorKind::WriteZero.into()));
            }
            pace.add(count, begun.elapsed());
            rest = rest.get(count..).unwrap_or_default();
        }
        self.writing = false;
        self.quiet_since = Instant::now();
        Ok(())
    }

    /// Has the transport send what it was handed.
    pub(crate) async fn flush(&mut self) -> Result<(), Fault> {
        timeout(self.timers.stall, self.stream.flush())
            .await
            .map_err(|_| Fault::Timeout(Timer::Send))?
            .map_err(Fault::of_io)
    }

    /// Sends all of `bytes`, which are whole PDUs.
    pub(crate) async fn write(&mut self, bytes: &[u8]) -> Result<(), Fault> {
        self.put(bytes).await?;
        self.flush().await
    }

    /// Sends a PDU before there is an association. A peer that has refused TLS in the meantime may say so only now.
    pub(crate) async fn open(&mut self, bytes: &[u8]) -> Result<(), Fault> {
        match self.write(bytes).await {
            Err(Fault::Io(fault)) => Err(self.last_words(fault).await),
            other => other,
        }
    }

    /// Hands data PDUs to the transport, in a state in which there may be data; [`Link::flush`] has to follow.
    pub(crate) async fn put_data(&mut self, bytes: &[u8]) -> Result<(), Fault> {
        self.ours(Event::SendData)?;
        match self.put(bytes).await {
            Err(Fault::Io(fault)) => Err(self.last_words(fault).await),
            other => other,
        }
    }

    /// Sends data PDUs.
    pub(crate) async fn write_data(&mut self, bytes: &[u8]) -> Result<(), Fault> {
        self.put_data(bytes).await?;
        self.flush().await
    }

    /// Why a write failed: often the peer has sent A-ABORT before it closed.
    async fn last_words(&mut self, fault: io::Error) -> Fault {
        let until = Wait::Until(Instant::now() + LAST_WORDS, Timer::Send);
        loop {
            match self.unit(until).await {
                Ok(Unit::Pdu(PduType::Abort, body)) => {
                    return Fault::Aborted(parse_abort(self.decoder.bytes(body)));
                }
                Ok(Unit::Pdu(..) | Unit::Fragment(_)) => {}
                Err(told @ Fault::Tls(_)) => return told,
                Err(_) => return Fault::Io(fault),
            }
        }
    }

    /// Answers the peer's release request and waits for it to close.
    pub(crate) async fn confirm_release(&mut self) -> Result<(), Fault> {
        self.ours(Event::ReleaseResponse)?;
        self.write(&RELEASE_RP).await?;
        self.broken = true;
        self.await_close().await;
        Ok(())
    }

    /// Asks for release and waits until it is done. Data that still comes is passed over.
    pub(crate) async fn release(&mut self) -> Result<(), Fault> {
        self.ours(Event::ReleaseRequest)?;
        let until = Wait::Until(Instant::now() + self.timers.release, Timer::Release);
        self.write(&RELEASE_RQ).await?;
        loop {
            let action = match self.unit(until).await? {
                Unit::Fragment(_) => self.control(PduType::PData, 0..0)?,
                Unit::Pdu(pdu, body) => self.control(pdu, body)?,
            };
            if action == Action::Ar3 {
                self.broken = true;
                // The peer has said its last word and may be gone: whether it hears that we close makes no difference.
                let closing = timeout(self.timers.release, self.stream.shutdown()).await;
                drop(closing);
                return Ok(());
            }
            // A collision: the requestor answers at once, the acceptor when its own request is answered.
            if action == Action::Ar8 && self.role == Role::Requestor {
                self.ours(Event::ReleaseResponse)?;
                self.write(&RELEASE_RP).await?;
            }
            if action == Action::Ar10 {
                return self.confirm_release().await;
            }
        }
    }

    /// Sends A-ABORT and waits under ARTIM for the peer to close. Does nothing where the peer may have half a PDU.
    pub(crate) async fn abort(&mut self, abort: Abort) {
        self.broken = true;
        if self.writing {
            return;
        }
        // Where a breach has led to Sta13, the A-ABORT is what the table's action asks for.
        if self.state != State::Sta13 && self.ours(Event::AbortRequest).is_err() {
            self.state = State::Sta13;
        }
        if self.write(&encode_abort(abort)).await.is_ok() {
            self.await_close().await;
        }
    }

    /// Sta13: passes over what still comes until the peer closes or ARTIM expires.
    pub(crate) async fn await_close(&mut self) {
        let until = Wait::Until(Instant::now() + self.timers.artim, Timer::Artim);
        while !self.lost_step {
            let unexpected = match self.unit(until).await {
                Ok(Unit::Fragment(_)) => self.control(PduType::PData, 0..0).is_err(),
                Ok(Unit::Pdu(pdu, body)) => match self.control(pdu, body) {
                    Ok(_) => false,
                    Err(Fault::Aborted(_)) => return,
                    Err(_) => true,
                },
                Err(Fault::Protocol(_)) => true,
                Err(fault) => return self.end(&fault),
            };
            if unexpected {
                // Once is enough: a peer that goes on is not listening.
                self.lost_step = true;
                if self.write(&encode_abort(Abort::UNEXPECTED_PDU)).await.is_err() {
                    return;
                }
            }
        }
        loop {
            self.decoder.discard();
            match self.read(until).await {
                Ok(0) => return,
                Ok(_) => {}
                Err(fault) => return self.end(&fault),
            }
        }
    }

    /// Sta13 ends by ARTIM or because the connection is gone.
    fn end(&mut self, fault: &Fault) {
        let timer = matches!(fault, Fault::Timeout(_));
        self.theirs(if timer { Event::ArtimExpired } else { Event::TransportClosed });
    }

    /// Lets a result through; after a fault does towards the peer what is due, so that the caller only has to drop the
    /// association.
    pub(crate) async fn settle<T>(&mut self, result: Result<T, Fault>) -> Result<T, Fault> {
        let Err(fault) = &result else { return result };
        if self.broken {
            return result;
        }
        self.broken = true;
        match fault {
            Fault::Protocol(breach) => self.abort(breach.abort()).await,
            Fault::Source(_) => self.abort(Abort::USER).await,
            Fault::Timeout(Timer::Send) => {}
            Fault::Timeout(_) => self.abort(Abort::NOT_SPECIFIED).await,
            // Nobody is left to be told, or nothing was ever said.
            Fault::NotDicom(_)
            | Fault::Connect(_)
            | Fault::Refused(_)
            | Fault::TooManyContexts(_)
            | Fault::Aborted(_)
            | Fault::Released
            | Fault::Closed
            | Fault::Io(_)
            | Fault::Tls(_)
            | Fault::Broken => {}
        }
        result
    }
}
