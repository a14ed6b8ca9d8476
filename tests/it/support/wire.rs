//! DICOM's upper layer and command sets by hand, so that a test can say anything to the gate, wrong things too,
//! and shares no code with what it tests (PS3.8 §9.3, PS3.7 §6.3 and Annex E).

use std::collections::BTreeMap;
use std::io::{self, Read, Write};

pub const IMPLICIT_LE: &str = "1.2.840.10008.1.2";
pub const EXPLICIT_LE: &str = "1.2.840.10008.1.2.1";
pub const VERIFICATION: &str = "1.2.840.10008.1.1";
pub const CT_IMAGE: &str = "1.2.840.10008.5.1.4.1.1.2";

/// A protocol data unit: its type and what follows the length.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pdu {
    pub kind: u8,
    pub body: Vec<u8>,
}

pub const ASSOCIATE_RQ: u8 = 1;
pub const ASSOCIATE_AC: u8 = 2;
pub const ASSOCIATE_RJ: u8 = 3;
pub const P_DATA: u8 = 4;
pub const RELEASE_RQ: u8 = 5;
pub const RELEASE_RP: u8 = 6;
pub const ABORT: u8 = 7;

pub fn read_pdu(stream: &mut impl Read) -> io::Result<Pdu> {
    let mut header = [0; 6];
    stream.read_exact(&mut header)?;
    let length = u32::from_be_bytes([header[2], header[3], header[4], header[5]]);
    let mut body = Vec::new();
    stream.take(length.into()).read_to_end(&mut body)?;
    if body.len() != length as usize {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    Ok(Pdu { kind: header[0], body })
}

pub fn pdu(kind: u8, body: &[u8]) -> Vec<u8> {
    let length = u32::try_from(body.len()).expect("a PDU fits 32 bits");
    [&[kind, 0], &length.to_be_bytes()[..], body].concat()
}

pub fn write_pdu(stream: &mut impl Write, kind: u8, body: &[u8]) -> io::Result<()> {
    stream.write_all(&pdu(kind, body))
}

/// A presentation context as proposed or answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Context {
    pub id: u8,
    /// Empty in an answer.
    pub abstract_syntax: String,
    pub transfer_syntaxes: Vec<String>,
    /// 0 in a proposal and when accepted (PS3.8 Table 9-18).
    pub result: u8,
}

impl Context {
    pub fn proposed(id: u8, abstract_syntax: &str, transfer_syntaxes: &[&str]) -> Self {
        let transfer_syntaxes = transfer_syntaxes.iter().map(|uid| (*uid).to_owned()).collect();
        Self { id, abstract_syntax: abstract_syntax.to_owned(), transfer_syntaxes, result: 0 }
    }
}

/// A-ASSOCIATE-RQ or -AC: they are alike but for the context items.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Associate {
    pub called: String,
    pub calling: String,
    pub contexts: Vec<Context>,
    /// Longest P-DATA body its writer takes; 0 is no limit.
    pub max_pdu: u32,
}

fn item(kind: u8, body: &[u8]) -> Vec<u8> {
    let length = u16::try_from(body.len()).expect("an item fits 16 bits");
    [&[kind, 0], &length.to_be_bytes()[..], body].concat()
}

impl Associate {
    /// The body of the PDU; `kind` tells a request from an acceptance.
    pub fn encode(&self, kind: u8) -> Vec<u8> {
        let mut body = vec![0, 1, 0, 0];
        body.extend_from_slice(format!("{:<16}{:<16}", self.called, self.calling).as_bytes());
        body.extend_from_slice(&[0; 32]);
        body.extend(item(0x10, b"1.2.840.10008.3.1.1.1"));
        for context in &self.contexts {
            let mut inner = vec![context.id, 0, context.result, 0];
            if kind == ASSOCIATE_RQ {
                inner.extend(item(0x30, context.abstract_syntax.as_bytes()));
            }
            for syntax in &context.transfer_syntaxes {
                inner.extend(item(0x40, syntax.as_bytes()));
            }
            body.extend(item(if kind == ASSOCIATE_RQ { 0x20 } else { 0x21 }, &inner));
        }
        let user = [
            item(0x51, &self.max_pdu.to_be_bytes()),
            item(0x52, b"1.2.826.0.1.3680043.8.498.77"),
            item(0x55, b"TESTPEER"),
        ];
        body.extend(item(0x50, &user.concat()));
        body
    }

    pub fn decode(body: &[u8]) -> Self {
        let title = |range: std::ops::Range<usize>| {
            String::from_utf8_lossy(&body[range]).trim_matches([' ', '\0']).to_owned()
        };
        let mut found =
            Self { called: title(4..20), calling: title(20..36), contexts: Vec::new(), max_pdu: 0 };
        for (kind, value) in items(&body[68..]) {
            match kind {
                0x20 | 0x21 => {
                    let mut context =
                        Context { result: value[2], ..Context::proposed(value[0], "", &[]) };
                    for (kind, uid) in items(&value[4..]) {
                        let uid = String::from_utf8_lossy(uid).trim_end_matches('\0').to_owned();
                        match kind {
                            0x30 => context.abstract_syntax = uid,
                            _ => context.transfer_syntaxes.push(uid),
                        }
                    }
                    found.contexts.push(context);
                }
                0x50 => {
                    for (_, value) in items(value).into_iter().filter(|(kind, _)| *kind == 0x51) {
                        found.max_pdu = u32::from_be_bytes(value.try_into().expect("four bytes"));
                    }
                }
                _ => {}
            }
        }
        found
    }
}

fn items(mut bytes: &[u8]) -> Vec<(u8, &[u8])> {
    let mut found = Vec::new();
    while let [kind, _, high, low, rest @ ..] = bytes {
        let (value, after) = rest.split_at(usize::from(u16::from_be_bytes([*high, *low])));
        found.push((*kind, value));
        bytes = after;
    }
    found
}

/// One presentation data value of a P-DATA PDU.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pdv<'a> {
    pub context: u8,
    pub is_command: bool,
    pub is_last: bool,
    pub data: &'a [u8],
}

pub fn pdvs(mut body: &[u8]) -> Vec<Pdv<'_>> {
    let mut found = Vec::new();
    while let [a, b, c, d, rest @ ..] = body {
        let (pdv, after) = rest.split_at(u32::from_be_bytes([*a, *b, *c, *d]) as usize);
        found.push(Pdv {
            context: pdv[0],
            is_command: pdv[1] & 1 != 0,
            is_last: pdv[1] & 2 != 0,
            data: &pdv[2..],
        });
        body = after;
    }
    found
}

impl Pdv<'_> {
    /// The body of a P-DATA PDU that holds this value alone.
    pub fn encode(&self) -> Vec<u8> {
        let length = u32::try_from(self.data.len() + 2).expect("a PDV fits 32 bits");
        let control = u8::from(self.is_command) | u8::from(self.is_last) << 1;
        [&length.to_be_bytes()[..], &[self.context, control], self.data].concat()
    }
}

/// A command set: group 0000 by element number (PS3.7 Annex E), values as written.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Command(pub BTreeMap<u16, Vec<u8>>);

pub const C_STORE_RQ: u16 = 0x0001;
pub const C_ECHO_RQ: u16 = 0x0030;
pub const NO_DATA_SET: u16 = 0x0101;

impl Command {
    #[must_use]
    pub fn number(mut self, element: u16, value: u16) -> Self {
        self.0.insert(element, value.to_le_bytes().to_vec());
        self
    }

    #[must_use]
    pub fn uid(self, element: u16, value: &str) -> Self {
        self.padded(element, value, 0)
    }

    fn padded(mut self, element: u16, value: &str, pad: u8) -> Self {
        let mut value = value.as_bytes().to_vec();
        if value.len() % 2 == 1 {
            value.push(pad);
        }
        self.0.insert(element, value);
        self
    }

    pub fn store(message_id: u16, class: &str, instance: &str) -> Self {
        Self::default()
            .uid(0x0002, class)
            .number(0x0100, C_STORE_RQ)
            .number(0x0110, message_id)
            .number(0x0700, 0)
            .number(0x0800, 0)
            .uid(0x1000, instance)
    }

    pub fn get(&self, element: u16) -> Option<u16> {
        let value = self.0.get(&element)?;
        Some(u16::from_le_bytes([*value.first()?, *value.get(1)?]))
    }

    pub fn get_text(&self, element: u16) -> String {
        let value = self.0.get(&element).map(Vec::as_slice).unwrap_or_default();
        String::from_utf8_lossy(value).trim_matches([' ', '\0']).to_owned()
    }

    pub fn encode(&self) -> Vec<u8> {
        let mut body = Vec::new();
        for (element, value) in &self.0 {
            body.extend(command_element(*element, value));
        }
        let length = u32::try_from(body.len()).expect("a command fits 32 bits");
        [command_element(0, &length.to_le_bytes()), body].concat()
    }

    pub fn decode(mut bytes: &[u8]) -> Self {
        let mut found = BTreeMap::new();
        while let [0, 0, low, high, a, b, c, d, rest @ ..] = bytes {
            let (value, after) = rest.split_at(u32::from_le_bytes([*a, *b, *c, *d]) as usize);
            found.insert(u16::from_le_bytes([*low, *high]), value.to_vec());
            bytes = after;
        }
        Self(found)
    }
}

fn command_element(element: u16, value: &[u8]) -> Vec<u8> {
    let length = u32::try_from(value.len()).expect("a value fits 32 bits");
    [&[0, 0], &element.to_le_bytes()[..], &length.to_le_bytes(), value].concat()
}
