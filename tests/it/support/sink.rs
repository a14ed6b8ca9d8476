//! A PACS of our own: it keeps the bytes it is sent, and misbehaves on request.

use super::eventually::{SOON, eventually};
use super::ports;
use super::wire::{self, Associate, Command, Context, Pdv};
use socket2::{Domain, Socket, Type};
use std::collections::BTreeSet;
use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, SyncSender};
use std::sync::{Arc, Mutex, MutexGuard};
use std::thread::JoinHandle;
use std::time::Duration;

/// One object as it arrived.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Received {
    pub calling: String,
    pub called: String,
    pub class: String,
    pub instance: String,
    pub transfer_syntax: String,
    pub length: u64,
    pub hash: blake3::Hash,
    /// The data set; empty when it is longer than [`KEPT`].
    pub data: Vec<u8>,
}

/// Longer data sets are known by length and hash alone.
pub const KEPT: u64 = 64 << 20;

/// How the PACS treats what it is sent.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Manner {
    /// Takes everything.
    #[default]
    Take,
    /// Reads each object, keeps none and answers with this status.
    Answer(u16),
    /// The same, with this Error Comment.
    Comment(u16, String),
    /// Takes everything, and answers each object this late.
    Slow(Duration),
    /// Aborts each association after so many bytes of a data set.
    AbortAfter(u64),
    /// Keeps the object and hangs up without an answer.
    KeepAndHangUp,
    /// Rejects associations: result, source, reason.
    Reject(u8, u8, u8),
    /// Takes the connection and never says a word.
    Silent,
    /// Accepts the association and never says another word, nor keeps anything.
    SilentOnceAccepted,
    /// Keeps the object and never answers.
    KeepAndSayNothing,
    /// Aborts instead of accepting.
    AbortAssociation,
    /// Aborts when the command has come.
    AbortCommand,
    /// Aborts when the whole object has come, and does not keep it.
    AbortAnswer,
    /// Resets the connection when the whole object has come, and does not keep it.
    Reset,
    /// Closes the connection when the whole object has come, and does not keep it.
    HangUp,
    /// Keeps nothing and answers another message.
    WrongMessage,
    /// Keeps nothing and answers for another instance.
    WrongInstance,
    /// Keeps nothing and answers as to a C-ECHO.
    WrongCommand,
    /// Keeps nothing and breaks off in the midst of its answer, the connection open.
    HalfAnswer,
    /// Keeps nothing and answers with bytes that are no PDU.
    Garbage,
    /// Keeps the object and answers twice.
    AnswerTwice,
    /// Accepts every context, in a transfer syntax that was not proposed.
    OtherSyntax,
    /// Takes PDUs of at most this length.
    MaxPdu(u32),
    /// Takes everything, and reads so many bytes at a time with a pause after each.
    Sip(usize, Duration),
    /// Answers this instance with this status and keeps it not, and takes everything else.
    Refuse(String, u16),
}

impl Manner {
    /// Whether what is answered with success is also kept.
    fn keeps(&self) -> bool {
        !matches!(
            self,
            Self::AbortAnswer
                | Self::Reset
                | Self::HangUp
                | Self::WrongMessage
                | Self::WrongInstance
                | Self::WrongCommand
                | Self::HalfAnswer
                | Self::Garbage
        )
    }
}

#[derive(Default)]
struct Shared {
    manner: Mutex<Manner>,
    /// Transfer syntaxes that are accepted; empty is all.
    taken: Mutex<Vec<String>>,
    received: Mutex<Vec<Received>>,
    /// Objects begun, whether kept or not.
    begun: Mutex<u64>,
    associations: Mutex<Vec<TcpStream>>,
}

/// The PACS, which may be up or down.
pub struct Sink {
    /// Bound all its life, so that nobody takes the port while the PACS is down, and listening only while it is up.
    socket: Socket,
    port: u16,
    shared: Arc<Shared>,
    listener: Option<JoinHandle<()>>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().expect("no association of the sink panics")
}

impl Sink {
    /// A PACS that is up.
    pub fn up() -> Self {
        let mut sink = Self::down();
        sink.rise();
        sink
    }

    /// A PACS that has an address and does not answer there.
    pub fn down() -> Self {
        let socket = Socket::new(Domain::IPV4, Type::STREAM, None).expect("a socket");
        // Taken and kept in one step, unlike a port that was merely found to be free.
        let port = std::iter::repeat_with(ports::free)
            .find(|port| {
                socket.bind(&SocketAddr::from((Ipv4Addr::LOCALHOST, *port)).into()).is_ok()
            })
            .expect("an endless row of ports");
        Self { socket, port, shared: Arc::default(), listener: None }
    }

    pub fn port(&self) -> u16 {
        self.port
    }

    pub fn behave(&self, manner: Manner) {
        *lock(&self.shared.manner) = manner;
    }

    /// From now on only these transfer syntaxes are accepted.
    pub fn take_only(&self, syntaxes: &[&str]) {
        *lock(&self.shared.taken) = syntaxes.iter().map(|uid| (*uid).to_owned()).collect();
    }

    /// Starts to listen.
    pub fn rise(&mut self) {
        assert!(self.listener.is_none(), "the sink is up");
        // Connections of an earlier rise that are not forgotten yet do not count; nobody else shares the port.
        self.socket.set_reuse_address(true).expect("a socket");
        self.socket.listen(128).expect("the port is ours");
        let listener = TcpListener::from(self.socket.try_clone().expect("a second handle"));
        let shared = Arc::clone(&self.shared);
        self.listener = Some(std::thread::spawn(move || listen(&listener, &shared)));
    }

    /// Listens, whether it did before or not.
    pub fn rise_again(&mut self) {
        if self.listener.is_none() {
            self.rise();
        }
    }

    /// Stops listening and cuts every association.
    pub fn fall(&mut self) {
        let Some(listener) = self.listener.take() else { return };
        // Linux: the socket stays bound, may listen again, and whoever waits in accept is told.
        self.socket.shutdown(Shutdown::Both).expect("a listening socket");
        self.socket.set_reuse_address(false).expect("a socket");
        listener.join().expect("the listener does not panic");
        for stream in lock(&self.shared.associations).drain(..) {
            // One that the gate has closed by itself cannot be shut down again.
            drop(stream.shutdown(Shutdown::Both));
        }
    }

    /// What has arrived so far, in order.
    pub fn received(&self) -> Vec<Received> {
        lock(&self.shared.received).clone()
    }

    /// The instances that have arrived so far.
    pub fn instances(&self) -> BTreeSet<String> {
        lock(&self.shared.received).iter().map(|received| received.instance.clone()).collect()
    }

    /// What has arrived so far with instances that begin like this.
    pub fn received_of(&self, root: &str) -> Vec<Received> {
        let received = lock(&self.shared.received);
        received.iter().filter(|received| received.instance.starts_with(root)).cloned().collect()
    }

    /// Hands out the bytes that have arrived since it was last asked, and keeps everything else.
    #[allow(dead_code, reason = "tests under fire alone need it")]
    pub fn take_data(&self) -> Vec<Received> {
        let mut received = lock(&self.shared.received);
        let with_bytes = received.iter_mut().filter(|received| !received.data.is_empty());
        let handed = with_bytes.map(|received| {
            let data = std::mem::take(&mut received.data);
            Received { data, ..received.clone() }
        });
        handed.collect()
    }

    /// The newest copy of an instance.
    pub fn find(&self, instance: &str) -> Option<Received> {
        let received = lock(&self.shared.received);
        received.iter().rev().find(|received| received.instance == instance).cloned()
    }

    /// How many objects have arrived or begun to.
    pub fn begun(&self) -> u64 {
        *lock(&self.shared.begun)
    }

    /// Waits until `count` objects have arrived, and yields all.
    #[track_caller]
    pub fn wait_for(&self, count: usize) -> Vec<Received> {
        self.wait_within(count, SOON)
    }

    #[track_caller]
    pub fn wait_within(&self, count: usize, within: Duration) -> Vec<Received> {
        eventually(&format!("{count} objects at the PACS"), within, || {
            let received = self.received();
            (received.len() >= count).then_some(received)
        })
    }
}

impl Drop for Sink {
    fn drop(&mut self) {
        self.fall();
    }
}

fn listen(listener: &TcpListener, shared: &Arc<Shared>) {
    let mut associations: Vec<(SyncSender<()>, JoinHandle<()>)> = Vec::new();
    while let Ok((stream, _)) = listener.accept() {
        let copy = stream.try_clone().expect("a second handle to the socket");
        lock(&shared.associations).push(copy);
        let (stop, stopped) = mpsc::sync_channel(0);
        let shared = Arc::clone(shared);
        let serve = move || {
            // How it ends is the gate's affair: the test looks at what was kept. The list above has a handle to
            // the socket too, so that dropping this one would not close it.
            drop(serve(&stream, &stopped, &shared));
            drop(stream.shutdown(Shutdown::Both));
        };
        associations.push((stop, std::thread::spawn(serve)));
    }
}

fn serve(mut stream: &TcpStream, stopped: &Receiver<()>, shared: &Shared) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let request = Associate::decode(&wire::read_pdu(&mut stream)?.body);
    let manner = lock(&shared.manner).clone();
    match manner {
        Manner::Reject(result, source, reason) => {
            return wire::write_pdu(&mut stream, wire::ASSOCIATE_RJ, &[0, result, source, reason]);
        }
        Manner::Silent => return swallow(stream),
        Manner::AbortAssociation => return wire::write_pdu(&mut stream, wire::ABORT, &[0; 4]),
        _ => {}
    }
    let accepted = accept(&request, &lock(&shared.taken), &manner);
    wire::write_pdu(&mut stream, wire::ASSOCIATE_AC, &accepted.encode(wire::ASSOCIATE_AC))?;
    let mut command = Vec::new();
    let mut object = Arriving::default();
    if manner == Manner::SilentOnceAccepted {
        return swallow(stream);
    }
    loop {
        let pdu = match manner {
            Manner::Sip(count, pause) => {
                wire::read_pdu(&mut Sipping { stream, count, pause, stopped })?
            }
            _ => wire::read_pdu(&mut stream)?,
        };
        match pdu.kind {
            wire::P_DATA => {}
            wire::RELEASE_RQ => return wire::write_pdu(&mut stream, wire::RELEASE_RP, &[0; 4]),
            _ => return Ok(()),
        }
        for pdv in wire::pdvs(&pdu.body) {
            if pdv.is_command {
                command.extend_from_slice(pdv.data);
                if pdv.is_last {
                    object = Arriving::begin(&command);
                    command.clear();
                    if object.command.get(0x0100) == Some(wire::C_ECHO_RQ) {
                        answer(&mut stream, pdv.context, &object.command, 0, "")?;
                    } else {
                        *lock(&shared.begun) += 1;
                        if *lock(&shared.manner) == Manner::AbortCommand {
                            return wire::write_pdu(&mut stream, wire::ABORT, &[0; 4]);
                        }
                    }
                }
                continue;
            }
            object.take(pdv.data);
            let manner = lock(&shared.manner).clone();
            if matches!(manner, Manner::AbortAfter(limit) if object.length >= limit) {
                return wire::write_pdu(&mut stream, wire::ABORT, &[0, 0, 0, 0]);
            }
            if !pdv.is_last {
                continue;
            }
            let comment = match &manner {
                Manner::Comment(_, comment) => comment.clone(),
                _ => String::new(),
            };
            let status = match &manner {
                Manner::Answer(status) | Manner::Comment(status, _) => *status,
                Manner::Refuse(instance, status)
                    if object.command.get_text(0x1000) == *instance =>
                {
                    *status
                }
                Manner::Slow(delay) => {
                    if stopped.recv_timeout(*delay) != Err(RecvTimeoutError::Timeout) {
                        return Ok(());
                    }
                    0
                }
                _ => 0,
            };
            let request_of = object.command.clone();
            if status >> 12 == 0xB || status == 0 && manner.keeps() {
                let syntax = syntax_of(&accepted, pdv.context);
                let received = std::mem::take(&mut object).finish(&request, syntax);
                lock(&shared.received).push(received);
            }
            let context = pdv.context;
            match manner {
                Manner::KeepAndHangUp | Manner::HangUp => return Ok(()),
                Manner::KeepAndSayNothing => return swallow(stream),
                Manner::AbortAnswer => return wire::write_pdu(&mut stream, wire::ABORT, &[0; 4]),
                Manner::Reset => {
                    // Without lingering, a close is a reset. The list of associations has a handle too.
                    let socket = socket2::SockRef::from(stream);
                    socket.set_linger(Some(Duration::ZERO))?;
                    return socket.shutdown(Shutdown::Both);
                }
                Manner::WrongMessage => {
                    let id = request_of.get(0x0110).unwrap_or_default();
                    let other = request_of.number(0x0110, id.wrapping_add(1));
                    answer(&mut stream, context, &other, 0, "")?;
                }
                Manner::WrongInstance => {
                    answer(&mut stream, context, &request_of.uid(0x1000, "1.2.3.4"), 0, "")?;
                }
                Manner::WrongCommand => {
                    let other = request_of.number(0x0100, wire::C_ECHO_RQ);
                    answer(&mut stream, context, &other, 0, "")?;
                }
                Manner::HalfAnswer => {
                    let whole = response(context, &request_of, 0, "");
                    stream.write_all(&whole[..whole.len() / 2])?;
                    return swallow(stream);
                }
                Manner::Garbage => {
                    stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n")?;
                    return swallow(stream);
                }
                Manner::AnswerTwice => {
                    answer(&mut stream, context, &request_of, status, &comment)?;
                    answer(&mut stream, context, &request_of, status, &comment)?;
                }
                _ => answer(&mut stream, context, &request_of, status, &comment)?,
            }
        }
    }
}

/// Reads and says nothing until the peer has had enough.
fn swallow(mut stream: &TcpStream) -> io::Result<()> {
    let mut bytes = [0; 4096];
    while stream.read(&mut bytes)? > 0 {}
    Ok(())
}

/// A reader that takes a little at a time.
struct Sipping<'a> {
    stream: &'a TcpStream,
    count: usize,
    pause: Duration,
    stopped: &'a Receiver<()>,
}

impl Read for Sipping<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.stopped.recv_timeout(self.pause) != Err(RecvTimeoutError::Timeout) {
            return Ok(0);
        }
        let count = buffer.len().min(self.count);
        let mut stream = self.stream;
        stream.read(&mut buffer[..count])
    }
}

fn accept(request: &Associate, taken: &[String], manner: &Manner) -> Associate {
    let answered = |context: &Context| {
        if *manner == Manner::OtherSyntax {
            return Context::proposed(context.id, "", &["1.2.840.10008.1.2.4.100"]);
        }
        let wanted = |uid: &&String| taken.is_empty() || taken.contains(uid);
        match context.transfer_syntaxes.iter().find(wanted) {
            Some(uid) => Context::proposed(context.id, "", &[uid]),
            // Transfer syntaxes not supported (PS3.8 Table 9-18).
            None => {
                Context { result: 4, ..Context::proposed(context.id, "", &[wire::IMPLICIT_LE]) }
            }
        }
    };
    Associate {
        contexts: request.contexts.iter().map(answered).collect(),
        max_pdu: if let Manner::MaxPdu(longest) = manner { *longest } else { 128 << 10 },
        ..request.clone()
    }
}

fn syntax_of(accepted: &Associate, id: u8) -> String {
    let context = accepted.contexts.iter().find(|context| context.id == id);
    context.expect("a context that was accepted").transfer_syntaxes[0].clone()
}

fn answer(
    stream: &mut &TcpStream,
    context: u8,
    request: &Command,
    status: u16,
    comment: &str,
) -> io::Result<()> {
    stream.write_all(&response(context, request, status, comment))
}

fn response(context: u8, request: &Command, status: u16, comment: &str) -> Vec<u8> {
    let asked = request.get(0x0100).unwrap_or_default();
    let response = Command::default()
        .uid(0x0002, &request.get_text(0x0002))
        .number(0x0100, asked | 0x8000)
        .number(0x0120, request.get(0x0110).unwrap_or_default())
        .number(0x0800, wire::NO_DATA_SET)
        .number(0x0900, status);
    let response = match asked {
        wire::C_STORE_RQ => response.uid(0x1000, &request.get_text(0x1000)),
        _ => response,
    };
    let response = match comment {
        "" => response,
        comment => response.uid(0x0902, comment),
    };
    let data = response.encode();
    let pdv = Pdv { context, is_command: true, is_last: true, data: &data };
    wire::pdu(wire::P_DATA, &pdv.encode())
}

/// An object of which some bytes have come.
#[derive(Default)]
struct Arriving {
    command: Command,
    length: u64,
    hasher: blake3::Hasher,
    data: Vec<u8>,
}

impl Arriving {
    fn begin(command: &[u8]) -> Self {
        Self { command: Command::decode(command), ..Self::default() }
    }

    fn take(&mut self, bytes: &[u8]) {
        self.length += bytes.len() as u64;
        self.hasher.update(bytes);
        if self.length <= KEPT {
            self.data.extend_from_slice(bytes);
        } else {
            self.data = Vec::new();
        }
    }

    fn finish(self, request: &Associate, transfer_syntax: String) -> Received {
        Received {
            calling: request.calling.clone(),
            called: request.called.clone(),
            class: self.command.get_text(0x0002),
            instance: self.command.get_text(0x1000),
            transfer_syntax,
            length: self.length,
            hash: self.hasher.finalize(),
            data: self.data,
        }
    }
}
