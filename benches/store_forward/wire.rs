//! The least DICOM that a sender and a sink need to measure what stands between them: blocking sockets, one thread
//! an association, one write a message, TCP_NODELAY. Independent of the gate's own code.

use std::io::{self, BufReader, IoSlice, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use markgate::base::time::{Timestamp, now};

pub const EXPLICIT_LE: &str = "1.2.840.10008.1.2.1";
const MAX_PDU: usize = 131_072;

fn item(kind: u8, body: &[u8]) -> Vec<u8> {
    let mut bytes = vec![kind, 0];
    bytes.extend(u16::try_from(body.len()).expect("an item is short").to_be_bytes());
    bytes.extend(body);
    bytes
}

fn user_information() -> Vec<u8> {
    let mut body = item(0x51, &u32::try_from(MAX_PDU).expect("fits").to_be_bytes());
    body.extend(item(0x52, b"2.25.1234567890"));
    item(0x50, &body)
}

fn pdu(kind: u8, body: &[u8]) -> Vec<u8> {
    let mut bytes = vec![kind, 0];
    bytes.extend(u32::try_from(body.len()).expect("a PDU is short").to_be_bytes());
    bytes.extend(body);
    bytes
}

fn associate(kind: u8, called: &str, calling: &str, contexts: &[u8]) -> Vec<u8> {
    let mut body = vec![0, 1, 0, 0];
    body.extend(format!("{called:<16}{calling:<16}").bytes());
    body.extend([0; 32]);
    body.extend(item(0x10, b"1.2.840.10008.3.1.1.1"));
    body.extend(contexts);
    body.extend(user_information());
    pdu(kind, &body)
}

fn element(tag: (u16, u16), value: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    bytes.extend(tag.0.to_le_bytes());
    bytes.extend(tag.1.to_le_bytes());
    let padded = value.len() + value.len() % 2;
    bytes.extend(u32::try_from(padded).expect("a command element is short").to_le_bytes());
    bytes.extend(value);
    bytes.resize(8 + padded, 0);
    bytes
}

fn command(elements: &[((u16, u16), Vec<u8>)]) -> Vec<u8> {
    let body: Vec<u8> = elements.iter().flat_map(|(tag, value)| element(*tag, value)).collect();
    let length = u32::try_from(body.len()).expect("a command is short").to_le_bytes();
    let mut bytes = element((0, 0), &length);
    bytes.extend(body);
    bytes
}

fn read_pdu(reader: &mut impl Read, body: &mut Vec<u8>) -> io::Result<u8> {
    let mut header = [0; 6];
    reader.read_exact(&mut header)?;
    let [kind, _, a, b, c, d] = header;
    body.resize(u32::from_be_bytes([a, b, c, d]) as usize, 0);
    reader.read_exact(body)?;
    Ok(kind)
}

fn write_all(stream: &mut TcpStream, parts: &[&[u8]]) -> io::Result<()> {
    let mut slices: Vec<IoSlice<'_>> = parts.iter().map(|part| IoSlice::new(part)).collect();
    let mut rest = slices.as_mut_slice();
    while !rest.is_empty() {
        let written = stream.write_vectored(rest)?;
        IoSlice::advance_slices(&mut rest, written);
    }
    Ok(())
}

fn value_of(command: &[u8], tag: (u16, u16)) -> Option<&[u8]> {
    let mut rest = command;
    while let (Some(head), Some(tail)) = (rest.get(..8), rest.get(8..)) {
        let length = u32::from_le_bytes(head.get(4..8)?.try_into().ok()?) as usize;
        let group = u16::from_le_bytes(head.get(..2)?.try_into().ok()?);
        let number = u16::from_le_bytes(head.get(2..4)?.try_into().ok()?);
        if (group, number) == tag {
            return tail.get(..length);
        }
        rest = tail.get(length..)?;
    }
    None
}

/// An open association that sends objects of one SOP class in Explicit VR Little Endian.
pub struct Sender {
    stream: TcpStream,
    reader: BufReader<TcpStream>,
    class: String,
    message_id: u16,
    body: Vec<u8>,
}

/// When one object was sent, by the clock of the machine.
#[derive(Clone, Copy)]
pub struct Sent {
    pub begun: Timestamp,
    pub last_byte: Timestamp,
    pub answered: Timestamp,
    pub status: u16,
}

impl Sender {
    pub fn connect(to: SocketAddr, called: &str, calling: &str, class: &str) -> io::Result<Self> {
        let mut stream = TcpStream::connect(to)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(Duration::from_secs(60)))?;
        let mut context = vec![1, 0, 0, 0];
        context.extend(item(0x30, class.as_bytes()));
        context.extend(item(0x40, EXPLICIT_LE.as_bytes()));
        stream.write_all(&associate(1, called, calling, &item(0x20, &context)))?;
        let mut reader = BufReader::with_capacity(64 << 10, stream.try_clone()?);
        let mut body = Vec::new();
        match read_pdu(&mut reader, &mut body)? {
            2 => Ok(Self { stream, reader, class: class.to_owned(), message_id: 0, body }),
            kind => {
                Err(io::Error::other(format!("the request was answered by a PDU of type {kind}")))
            }
        }
    }

    /// Sends one data set.
    pub fn store(&mut self, instance: &str, data_set: &[u8]) -> io::Result<Sent> {
        self.message_id = self.message_id.wrapping_add(1);
        let request = command(&[
            ((0, 0x0002), self.class.as_bytes().into()),
            ((0, 0x0100), vec![0x01, 0]),
            ((0, 0x0110), self.message_id.to_le_bytes().into()),
            ((0, 0x0700), vec![0, 0]),
            ((0, 0x0800), vec![0, 1]),
            ((0, 0x1000), instance.into()),
        ]);
        let begun = now();
        let mut first = fragment(1, 3, request.len()).to_vec();
        first.extend(request);
        let payload = MAX_PDU - 6;
        let pieces = data_set.len().div_ceil(payload);
        for (index, piece) in data_set.chunks(payload).enumerate() {
            let control = if index + 1 == pieces { 2 } else { 0 };
            let header = fragment(1, control, piece.len());
            write_all(&mut self.stream, &[&first, &header, piece])?;
            first.clear();
        }
        let last_byte = now();
        let kind = read_pdu(&mut self.reader, &mut self.body)?;
        let answered = now();
        let response = self.body.get(6..).filter(|_| kind == 4);
        let status = response.and_then(|bytes| value_of(bytes, (0, 0x0900)));
        match status {
            Some(&[low, high]) => {
                Ok(Sent { begun, last_byte, answered, status: u16::from_le_bytes([low, high]) })
            }
            _ => Err(io::Error::other(format!("no status in a PDU of type {kind}"))),
        }
    }

    pub fn release(mut self) -> io::Result<()> {
        self.stream.write_all(&pdu(5, &[0; 4]))?;
        read_pdu(&mut self.reader, &mut self.body).map(drop)
    }
}

fn fragment(context: u8, control: u8, length: usize) -> [u8; 12] {
    let length = u32::try_from(length).expect("a fragment is short");
    let [a, b, c, d] = (length + 6).to_be_bytes();
    let [e, f, g, h] = (length + 2).to_be_bytes();
    [4, 0, a, b, c, d, e, f, g, h, context, control]
}

/// A sink that takes everything, keeps nothing and counts.
pub struct Sink {
    pub address: SocketAddr,
    taken: Arc<Taken>,
}

/// What a sink has taken.
#[derive(Default)]
struct Taken {
    objects: AtomicU64,
    bytes: AtomicU64,
    /// Of each object its SOP Instance UID, when its command came and when its last byte did.
    times: Mutex<Vec<(String, Timestamp, Timestamp)>>,
}

impl Sink {
    pub fn start() -> io::Result<Self> {
        Self::at("127.0.0.1:0".parse().map_err(io::Error::other)?)
    }

    pub fn at(address: SocketAddr) -> io::Result<Self> {
        let listener = TcpListener::bind(address)?;
        let sink = Self { address: listener.local_addr()?, taken: Arc::default() };
        let taken = Arc::clone(&sink.taken);
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let taken = Arc::clone(&taken);
                std::thread::spawn(move || serve(stream, &taken));
            }
        });
        Ok(sink)
    }

    pub fn objects(&self) -> u64 {
        self.taken.objects.load(Ordering::SeqCst)
    }

    pub fn bytes(&self) -> u64 {
        self.taken.bytes.load(Ordering::SeqCst)
    }

    /// Of each object its SOP Instance UID, when its command came and when its last byte did.
    pub fn times(&self) -> Vec<(String, Timestamp, Timestamp)> {
        self.taken.times.lock().unwrap().clone()
    }
}

fn serve(mut stream: TcpStream, taken: &Taken) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let mut reader = BufReader::with_capacity(256 << 10, stream.try_clone()?);
    let (mut body, mut message) = (Vec::new(), Vec::new());
    let mut begun = now();
    loop {
        match read_pdu(&mut reader, &mut body)? {
            1 => stream.write_all(&accept_all(&body))?,
            4 => {
                let mut rest = body.as_slice();
                while let Some((head, tail)) = rest.split_at_checked(6) {
                    let length =
                        head.get(..4).and_then(|n| n.try_into().ok()).map(u32::from_be_bytes);
                    let length = length.map_or(0, |n| n as usize - 2);
                    let (context, control) = (head[4], head[5]);
                    let (payload, after) = tail
                        .split_at_checked(length)
                        .ok_or_else(|| io::Error::other("a PDV passes its PDU"))?;
                    rest = after;
                    if control & 1 == 1 {
                        message.extend_from_slice(payload);
                        if control & 2 == 0 {
                            continue;
                        }
                        begun = now();
                        if value_of(&message, (0, 0x0100)) == Some(&[0x30, 0]) {
                            stream.write_all(&response(context, &message))?;
                            message.clear();
                        }
                        continue;
                    }
                    taken.bytes.fetch_add(payload.len() as u64, Ordering::SeqCst);
                    if control & 2 == 2 {
                        let instance = value_of(&message, (0, 0x1000)).unwrap_or_default();
                        let instance = String::from_utf8_lossy(instance);
                        let instance = instance.trim_end_matches('\0').to_owned();
                        let times = (instance, begun, now());
                        taken.times.lock().unwrap().push(times);
                        taken.objects.fetch_add(1, Ordering::SeqCst);
                        stream.write_all(&response(context, &message))?;
                        message.clear();
                    }
                }
            }
            5 => return stream.write_all(&pdu(6, &[0; 4])),
            _ => return Ok(()),
        }
    }
}

/// Accepts the first transfer syntax of each proposed context.
fn accept_all(request: &[u8]) -> Vec<u8> {
    let mut contexts = Vec::new();
    let mut rest = request.get(68..).unwrap_or_default();
    while let (Some(head), Some(tail)) = (rest.get(..4), rest.get(4..)) {
        let length = usize::from(u16::from_be_bytes([head[2], head[3]]));
        let Some((content, after)) = tail.split_at_checked(length) else { break };
        if head[0] == 0x20 {
            let mut inner = content.get(4..).unwrap_or_default();
            while let (Some(head), Some(tail)) = (inner.get(..4), inner.get(4..)) {
                let length = usize::from(u16::from_be_bytes([head[2], head[3]]));
                let Some((value, after)) = tail.split_at_checked(length) else { break };
                if head[0] == 0x40 {
                    let mut answer = vec![content[0], 0, 0, 0];
                    answer.extend(item(0x40, value));
                    contexts.extend(item(0x21, &answer));
                    break;
                }
                inner = after;
            }
        }
        rest = after;
    }
    associate(2, "SINK", "GATE", &contexts)
}

fn response(context: u8, request: &[u8]) -> Vec<u8> {
    let get = |number| value_of(request, (0, number)).unwrap_or_default().to_vec();
    let field = match value_of(request, (0, 0x0100)) {
        Some(&[low, high]) => u16::from_le_bytes([low, high]) | 0x8000,
        _ => 0x8001,
    };
    let body = command(&[
        ((0, 0x0002), get(0x0002)),
        ((0, 0x0100), field.to_le_bytes().into()),
        ((0, 0x0120), get(0x0110)),
        ((0, 0x0800), vec![1, 1]),
        ((0, 0x0900), vec![0, 0]),
        ((0, 0x1000), get(0x1000)),
    ]);
    let mut bytes = fragment(context, 3, body.len()).to_vec();
    bytes.extend(body);
    bytes
}
