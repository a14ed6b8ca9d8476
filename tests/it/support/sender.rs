//! A modality of our own: it sends exactly the bytes it is given, and can stop anywhere.

use super::wire::{self, Associate, Command, Context, Pdu, Pdv};
use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::time::Duration;

/// Why there is no association.
#[derive(Debug, PartialEq, Eq)]
pub enum Refusal {
    /// A-ASSOCIATE-RJ (PS3.8 Table 9-21).
    Rejected {
        result: u8,
        source: u8,
        reason: u8,
    },
    Aborted,
    /// Closed, or nobody there.
    Closed,
}

/// The answer to a C-STORE.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    pub status: u16,
    pub comment: String,
    pub instance: String,
}

/// An open association towards the gate.
pub struct Sender {
    pub stream: TcpStream,
    pub accepted: Associate,
    message_id: u16,
}

/// A peer that says nothing for this long has failed the test.
const PATIENCE: Duration = Duration::from_secs(60);

/// What fits any PDU length that a peer may ask for, with room to cross its borders.
const FRAGMENT: usize = 16 << 10;

pub fn dial(port: u16) -> io::Result<TcpStream> {
    let stream = TcpStream::connect(("127.0.0.1", port))?;
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    Ok(stream)
}

impl Sender {
    /// Asks for an association from `calling` to `called`.
    pub fn connect(
        port: u16,
        calling: &str,
        called: &str,
        contexts: &[Context],
    ) -> Result<Self, Refusal> {
        let mut stream = dial(port).map_err(|_| Refusal::Closed)?;
        let request = Associate {
            called: called.to_owned(),
            calling: calling.to_owned(),
            contexts: contexts.to_vec(),
            max_pdu: 16 << 10,
        };
        let body = request.encode(wire::ASSOCIATE_RQ);
        wire::write_pdu(&mut stream, wire::ASSOCIATE_RQ, &body).map_err(|_| Refusal::Closed)?;
        match wire::read_pdu(&mut stream) {
            Ok(Pdu { kind: wire::ASSOCIATE_AC, body }) => {
                Ok(Self { stream, accepted: Associate::decode(&body), message_id: 0 })
            }
            Ok(Pdu { kind: wire::ASSOCIATE_RJ, body }) => {
                Err(Refusal::Rejected { result: body[1], source: body[2], reason: body[3] })
            }
            Ok(_) => Err(Refusal::Aborted),
            Err(_) => Err(Refusal::Closed),
        }
    }

    /// An association from `CT01` to `MARKGATE` with one context for `class` in `syntax`.
    #[track_caller]
    pub fn for_one(port: u16, class: &str, syntax: &str) -> Self {
        Self::connect(port, "CT01", "MARKGATE", &[Context::proposed(1, class, &[syntax])])
            .unwrap_or_else(|refusal| panic!("no association for {class}: {refusal:?}"))
    }

    /// Takes silence for a hang-up after so long: for peers that simply stop at what they cannot read.
    #[must_use]
    pub fn patient_for(self, patience: Duration) -> Self {
        self.stream.set_read_timeout(Some(patience)).expect("a duration above zero");
        self
    }

    /// Stores `data` on context 1 and waits for the answer; `None` when the gate hangs up instead.
    pub fn store(&mut self, class: &str, instance: &str, data: &[u8]) -> Option<Answer> {
        self.store_from(class, instance, &mut &data[..])
    }

    /// As [`Sender::store`], from a stream of any length.
    pub fn store_from(
        &mut self,
        class: &str,
        instance: &str,
        data: &mut dyn Read,
    ) -> Option<Answer> {
        self.begin(class, instance).ok()?;
        let longest = match self.accepted.max_pdu {
            0 => FRAGMENT,
            limit => (limit as usize - 6).min(FRAGMENT),
        };
        let mut now = vec![0; longest];
        let mut next = vec![0; longest];
        let mut length = fill(data, &mut now);
        loop {
            let following = fill(data, &mut next);
            if self.fragment(&now[..length], following == 0).is_err() {
                // It may have answered before it hung up.
                return self.answer();
            }
            if following == 0 {
                return self.answer();
            }
            (now, next, length) = (next, now, following);
        }
    }

    /// Writes the C-STORE-RQ alone.
    pub fn begin(&mut self, class: &str, instance: &str) -> io::Result<()> {
        self.message_id = self.message_id.wrapping_add(1);
        self.command(&Command::store(self.message_id, class, instance))
    }

    /// Writes any command set on context 1.
    pub fn command(&mut self, command: &Command) -> io::Result<()> {
        let data = command.encode();
        let pdv = Pdv { context: 1, is_command: true, is_last: true, data: &data };
        wire::write_pdu(&mut self.stream, wire::P_DATA, &pdv.encode())
    }

    /// Writes one piece of a data set on context 1.
    pub fn fragment(&mut self, data: &[u8], is_last: bool) -> io::Result<()> {
        let pdv = Pdv { context: 1, is_command: false, is_last, data };
        wire::write_pdu(&mut self.stream, wire::P_DATA, &pdv.encode())
    }

    /// Reads the next answer; `None` when the peer aborts or hangs up.
    pub fn answer(&mut self) -> Option<Answer> {
        let response = self.response()?;
        Some(Answer {
            status: response.get(0x0900)?,
            comment: response.get_text(0x0902),
            instance: response.get_text(0x1000),
        })
    }

    /// Reads the next command set; `None` when the peer aborts or hangs up.
    pub fn response(&mut self) -> Option<Command> {
        let mut command = Vec::new();
        loop {
            let pdu = wire::read_pdu(&mut self.stream).ok()?;
            if pdu.kind != wire::P_DATA {
                return None;
            }
            for pdv in wire::pdvs(&pdu.body) {
                command.extend_from_slice(pdv.data);
                if pdv.is_last {
                    return Some(Command::decode(&command));
                }
            }
        }
    }

    /// C-ECHO: the status.
    pub fn echo(&mut self) -> Option<u16> {
        self.message_id = self.message_id.wrapping_add(1);
        let request = Command::default()
            .uid(0x0002, wire::VERIFICATION)
            .number(0x0100, wire::C_ECHO_RQ)
            .number(0x0110, self.message_id)
            .number(0x0800, wire::NO_DATA_SET);
        self.command(&request).ok()?;
        self.response()?.get(0x0900)
    }

    /// Ends the association in order: whether the peer did too.
    pub fn release(mut self) -> bool {
        wire::write_pdu(&mut self.stream, wire::RELEASE_RQ, &[0; 4]).is_ok()
            && wire::read_pdu(&mut self.stream).is_ok_and(|pdu| pdu.kind == wire::RELEASE_RP)
    }

    /// Says the bytes as they are and reads what comes.
    pub fn say(&mut self, bytes: &[u8]) -> io::Result<Pdu> {
        self.stream.write_all(bytes)?;
        wire::read_pdu(&mut self.stream)
    }
}

fn fill(data: &mut dyn Read, buffer: &mut [u8]) -> usize {
    let mut length = 0;
    while length < buffer.len() {
        match data.read(&mut buffer[length..]).expect("a readable source") {
            0 => break,
            more => length += more,
        }
    }
    length
}
