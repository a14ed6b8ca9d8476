//! An object of two gigabytes passes through a process that never holds 64 MiB of it.

use crate::support::dataset::Object;
use crate::support::eventually::eventually;
use crate::support::gate::{Configuration, Gate};
use crate::support::sender::Sender;
use crate::support::sink::Sink;
use crate::support::wire::EXPLICIT_LE;
use std::io::{self, Read};
use std::time::Duration;

const PIXELS: u32 = 2 << 30;
/// Rows and columns, of two bytes a pixel.
const SIDE: u16 = 1 << 15;
const MOST: u64 = 64 << 20;

/// Makes the data set as it is read, and looks at the gate's memory now and then.
struct Endless<'g> {
    header: io::Cursor<Vec<u8>>,
    left: u32,
    hasher: blake3::Hasher,
    read: u64,
    gate: &'g Gate,
    peak: u64,
}

impl Read for Endless<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let mut length = self.header.read(buffer)?;
        if length == 0 {
            length = buffer.len().min(self.left as usize);
            self.left -= u32::try_from(length).expect("no more than is left");
            // Neither constant nor costly.
            buffer[..length].fill(u8::try_from(self.read >> 14 & 0xFF).expect("a byte"));
        }
        self.hasher.update(&buffer[..length]);
        let before = self.read;
        self.read += length as u64;
        if before >> 24 != self.read >> 24 {
            self.peak = self.peak.max(self.gate.anonymous_memory());
        }
        Ok(length)
    }
}

#[test]
fn two_gibibytes_pass_in_less_than_64_mebibytes() {
    let sink = Sink::up();
    let gate = Gate::start(&Configuration::new().pacs(&sink));
    let object = Object::chest_ct(80, 1)
        .with_numbers((0x0028, 0x0010), &[SIDE])
        .with_numbers((0x0028, 0x0011), &[SIDE])
        .without((0x7FE0, 0x0010));
    let mut header = object.data();
    header.extend_from_slice(b"\xE0\x7F\x10\x00OW\0\0");
    header.extend_from_slice(&PIXELS.to_le_bytes());
    let mut data = Endless {
        header: io::Cursor::new(header),
        left: PIXELS,
        hasher: blake3::Hasher::new(),
        read: 0,
        gate: &gate,
        peak: 0,
    };
    let mut sender = Sender::for_one(gate.port(), &object.class, EXPLICIT_LE);
    let answer = sender.store_from(&object.class, &object.instance, &mut data);
    assert_eq!(answer.map(|answer| answer.status), Some(0));
    let mut peak = data.peak;
    let arrived = eventually("it is at the PACS", Duration::from_secs(300), || {
        peak = peak.max(gate.anonymous_memory());
        sink.received().pop()
    });
    assert_eq!((arrived.length, arrived.hash), (data.read, data.hasher.finalize()));
    println!("{} bytes, peak of anonymous memory {} KiB", arrived.length, peak >> 10);
    assert!(peak < MOST, "{peak} bytes of anonymous memory");
}
