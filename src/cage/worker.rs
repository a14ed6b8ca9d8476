//! The worker: the same program, started again, that gives everything up and then works on frames until the gate hangs up.

use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};

use memmap2::MmapMut;
use rustix::fd::BorrowedFd;
use rustix::net::{RecvFlags, SendFlags, SocketType, recv, send, sockopt};
use rustix::stdio::{stdin, stdout};

use super::confine::{confine, tie};
use super::protocol::{Answer, Operation, Outcome, PACKET, Request, SHARED, Terms, tile};
use super::shared::{close_from, map};
use crate::codec::{CodecFault, Coded, Colour, Frames};

/// Why a worker does not start, or ends before the gate hangs up.
#[derive(Debug, thiserror::Error)]
pub enum WorkerFault {
    /// Nobody is there who would send frames.
    #[error(
        "a gate starts this by itself, with a socket and memory: there is nothing to be done by hand"
    )]
    NotStartedByGate,
    /// What came is no request.
    #[error("the gate and this worker do not understand each other")]
    NotUnderstood,
    /// The machine refuses something.
    #[error("the codec worker: {0}")]
    System(#[from] io::Error),
}

/// Has `frames` work until the gate hangs up. Standard input is the socket to the gate, standard output the memory that is
/// shared with it.
///
/// # Errors
/// See [`WorkerFault`].
pub fn run(frames: &dyn Frames) -> Result<(), WorkerFault> {
    let gate = stdin();
    if sockopt::socket_type(gate) != Ok(SocketType::SEQPACKET) {
        return Err(WorkerFault::NotStartedByGate);
    }
    close_from(3)?;
    tie()?;
    // A panic is told in the answer; nobody reads what it would write.
    std::panic::set_hook(Box::new(|_| {}));
    let mut packet = [0; PACKET];
    let Some(terms) = receive(gate, &mut packet)? else {
        return Ok(());
    };
    let terms = Terms::read(terms).ok_or(WorkerFault::NotUnderstood)?;
    let mut memory = map(stdout(), SHARED)?;
    let bars = confine(terms)?;
    say(gate, &bars.packet())?;
    while let Some(request) = receive(gate, &mut packet)? {
        let request = Request::read(request).ok_or(WorkerFault::NotUnderstood)?;
        let outcome = work(frames, &request, &mut memory);
        say(gate, &Answer { sequence: request.sequence, outcome }.packet())?;
    }
    Ok(())
}

/// The next packet; `None` when the gate has hung up.
fn receive<'p>(gate: BorrowedFd<'_>, packet: &'p mut [u8; PACKET]) -> io::Result<Option<&'p [u8]>> {
    loop {
        match recv(gate, packet.as_mut_slice(), RecvFlags::empty()) {
            Ok((0, _)) => return Ok(None),
            Ok((length, _)) => return Ok(packet.get(..length)),
            Err(rustix::io::Errno::INTR) => {}
            Err(fault) => return Err(fault.into()),
        }
    }
}

fn say(gate: BorrowedFd<'_>, packet: &[u8]) -> io::Result<()> {
    send(gate, packet, SendFlags::NOSIGNAL)?;
    Ok(())
}

/// Does what is asked for; the bytes that come of it are in the shared memory then.
fn work(frames: &dyn Frames, request: &Request, memory: &mut MmapMut) -> Outcome {
    let worked = {
        let memory: &[u8] = memory;
        catch_unwind(AssertUnwindSafe(|| worked(frames, request, memory)))
    };
    let (bytes, decoded) = match worked {
        Ok(Ok(worked)) => worked,
        Ok(Err(fault)) => return Outcome::Refused(fault),
        Err(_panic) => return Outcome::Panicked,
    };
    match memory.get_mut(..bytes.len()) {
        Some(room) => {
            room.copy_from_slice(&bytes);
            Outcome::Done { bytes: bytes.len() as u64, decoded }
        }
        None => Outcome::Refused(CodecFault::TooLarge),
    }
}

/// The bytes, and what the samples of a decoded frame are.
type Worked = (Vec<u8>, Option<(Colour, u8)>);

fn worked(frames: &dyn Frames, request: &Request, memory: &[u8]) -> Result<Worked, CodecFault> {
    // Both lie in the memory, as the request has been found possible.
    let (bytes, rest) =
        memory.split_at_checked(request.frame as usize).ok_or(CodecFault::TooLarge)?;
    let coded = Coded { syntax: request.syntax, shape: request.shape, bytes };
    let tile = || {
        let shades = rest.get(..request.shades()).ok_or(CodecFault::TooLarge)?;
        tile(request, shades).ok_or(CodecFault::BadTile)
    };
    match request.operation {
        Operation::Decode => {
            let decoded = frames.decode(&coded)?;
            Ok((decoded.samples, Some((decoded.colour, decoded.sample_bytes))))
        }
        Operation::Repaint => Ok((frames.repaint(&coded, &tile()?)?, None)),
        Operation::Extend => Ok((frames.extend(&coded, &tile()?)?, None)),
    }
}
