//! Codecs in a cage: [`Frames`] by worker processes of the same program that have given up everything but computing.
//!
//! What a peer sent as a codestream meets a decoder here and nowhere else in a running gate. A worker has no file, no network, no
//! other process and no system call beyond those of arithmetic in memory; it has a limit on memory and on CPU time, and the gate
//! ends it when a frame takes too long. A decoder that crashes, hangs, swells or is taken over costs the object in hand its
//! stamp: the fault is told, counted, and the worker is replaced.
//!
//! What a worker that was taken over could still do is to lie about the pixels of frames: this gate's word that nothing changed
//! outside the stamp is the worker's. That is why workers are replaced now and then, and always after a frame that ended badly.
//!
//! - `protocol` says what the two sides say; `shared` is the memory that frames go through; `host` is the gate's side of one
//!   worker, `pool` all of them; `worker` is the other side, and `confine` the bars.
//! - Workers are started at first need, by a thread of their own, and kept warm; idle ones end. They end with the gate, however
//!   it ends: the kernel sees to that, and so does the end of the socket.
//! - The gate copies frames in and out of the shared memory and never maps it; lengths and kinds in an answer are checked against
//!   what the question allows.

mod confine;
mod host;
mod pool;
mod protocol;
mod shared;
#[cfg(test)]
mod tests;
pub mod worker;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::codec::{CodecFault, Coded, Coding, Colour, Decoded, Frames, Tile};
use crate::observe::Metrics;
use crate::observe::metrics;

use host::{Ending, Worker};
use pool::Pool;
pub use protocol::{Bars, Landlock};
use protocol::{Operation, Outcome, Request, shades_to_bytes};

/// The verb by which the program is a worker. Nobody types it.
pub const VERB: &str = "codec-worker";

/// Whether workers may run where system calls cannot be filtered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Seccomp {
    /// No: frames are not decoded there, and nothing is stamped that needs it.
    #[default]
    Required,
    /// Yes: behind the limits, and Landlock where there is one.
    Optional,
}

/// What workers may take.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// Workers at a time, at least 1. Default 4: as many are started as frames are worked on at a time, which there is a
    /// thread for each processor for.
    pub workers: usize,
    /// How long a small frame may take; a second more for each 16 MiB that it has when decoded. Default 10 s.
    pub deadline: Duration,
    /// Bytes of memory of one worker, besides those of the frame. Default 2 GiB: JPEG 2000 takes four bytes and more for each
    /// sample, and the largest frame has 512 MiB.
    pub memory: u64,
    /// Whether system calls have to be filtered. Default: they have to.
    pub seccomp: Seccomp,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            workers: 4,
            deadline: Duration::from_secs(10),
            memory: 2 << 30,
            seccomp: Seccomp::default(),
        }
    }
}

/// What a cage is made of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// The program whose verb [`VERB`] is [`worker::run`].
    pub program: PathBuf,
    /// What workers may take.
    pub limits: Limits,
}

/// Codecs in worker processes.
pub struct Cage {
    pool: Arc<Pool>,
}

impl Cage {
    /// A cage without workers: they are started when there are frames.
    #[must_use]
    pub fn new(settings: Settings, metrics: Arc<Metrics>) -> Self {
        Self { pool: Pool::new(settings, metrics) }
    }

    /// What holds the workers on this machine; `None` before the first was started.
    #[must_use]
    pub fn bars(&self) -> Option<Bars> {
        self.pool.bars()
    }

    /// Workers that were lost since the start: crashed, hung, not understood, or caught at what they may not do.
    #[must_use]
    pub fn lost(&self) -> u64 {
        let ended = &self.pool.metrics().codec_workers_ended;
        let count = |ending: Ending| {
            let outcome = metrics::Outcome { outcome: ending.as_str() };
            ended.get(&outcome).map_or(0, |count| count.get())
        };
        Ending::ALL.into_iter().map(count).sum()
    }

    /// Has a worker do it, and counts what came of it.
    fn ask(
        &self,
        operation: Operation,
        coded: &Coded<'_>,
        tile: Option<&Tile>,
    ) -> Result<Done, CodecFault> {
        let begun = Instant::now();
        let done = self.done(operation, coded, tile);
        let outcome = match (&done, operation) {
            (Ok(_), Operation::Decode) => "decoded",
            (Ok(_), Operation::Repaint) => "repainted",
            (Ok(_), Operation::Extend) => "extended",
            (Err(CodecFault::Crashed), _) => "crashed",
            (Err(CodecFault::TimedOut), _) => "timed-out",
            (Err(CodecFault::Unavailable), _) => "unavailable",
            (
                Err(
                    CodecFault::Unsupported
                    | CodecFault::TooLarge
                    | CodecFault::Malformed(_)
                    | CodecFault::Mismatch
                    | CodecFault::BadTile
                    | CodecFault::NotExact,
                ),
                _,
            ) => "refused",
        };
        let metrics = self.pool.metrics();
        metrics.codec_frames.get_or_create(&metrics::Outcome { outcome }).inc();
        metrics.codec_seconds.observe(begun.elapsed().as_secs_f64());
        done
    }

    fn done(
        &self,
        operation: Operation,
        coded: &Coded<'_>,
        tile: Option<&Tile>,
    ) -> Result<Done, CodecFault> {
        let place = tile.map_or([0; 4], |tile| [tile.x, tile.y, tile.width, tile.height]);
        let request = Request {
            sequence: 0,
            operation,
            syntax: coded.syntax,
            shape: coded.shape,
            frame: coded.bytes.len() as u64,
            tile: place,
        };
        request.is_possible()?;
        let shades = tile.map_or_else(Vec::new, |tile| shades_to_bytes(&tile.shades));
        if shades.len() != request.shades() {
            return Err(CodecFault::BadTile);
        }
        let deadline = time_for(&self.pool.settings().limits, coded.shape.checked()? as u64);
        let mut lent = self.pool.lend().ok_or(CodecFault::Unavailable)?;
        let worker = lent.worker().ok_or(CodecFault::Unavailable)?;
        let begun = Instant::now();
        match exchange(worker, request, coded, &shades, deadline) {
            Ok(done) => {
                lent.back(begun.elapsed());
                done
            }
            Err(ending) => Err(match lent.lose(ending) {
                Ending::Late => CodecFault::TimedOut,
                Ending::Crashed | Ending::Violated | Ending::Garbled => CodecFault::Crashed,
            }),
        }
    }
}

/// The time that a frame of so many decoded bytes may take.
fn time_for(limits: &Limits, decoded: u64) -> Duration {
    limits.deadline.saturating_add(Duration::from_secs(decoded / (16 << 20)))
}

/// What a worker has made of a frame.
struct Done {
    bytes: Vec<u8>,
    /// What the samples are, of a decoded one.
    decoded: Option<(Colour, u8)>,
}

/// One frame through one worker. What is an error here has cost the worker.
fn exchange(
    worker: &mut Worker,
    request: Request,
    coded: &Coded<'_>,
    shades: &[u8],
    deadline: Duration,
) -> Result<Result<Done, CodecFault>, Ending> {
    let lost = |fault: std::io::Error| {
        tracing::error!(%fault, "the memory that codec workers share cannot be used");
        Ending::Crashed
    };
    worker.lay(coded.bytes, shades).map_err(lost)?;
    let mut used = request.frame + shades.len() as u64;
    let done = match worker.ask(request, deadline)?.outcome {
        Outcome::Done { bytes, decoded } => {
            if !is_plausible(&request, bytes, decoded) {
                return Err(Ending::Garbled);
            }
            used = used.max(bytes);
            Ok(Done { bytes: worker.take(bytes as usize).map_err(lost)?, decoded })
        }
        Outcome::Refused(fault) => Err(fault),
        Outcome::Panicked => Err(CodecFault::Malformed("the codec gave up on it")),
    };
    worker.tidy(used).map_err(lost)?;
    Ok(done)
}

/// Whether an answer is one that the request can have.
fn is_plausible(request: &Request, bytes: u64, decoded: Option<(Colour, u8)>) -> bool {
    let shape = &request.shape;
    let Ok(whole) = shape.decoded_bytes() else { return false };
    match (request.operation, decoded) {
        (Operation::Decode, Some((colour, sample_bytes))) => {
            let single = colour == Colour::Single;
            bytes == whole as u64
                && usize::from(sample_bytes) == shape.sample_bytes()
                && single == (shape.samples() == 1)
        }
        (Operation::Repaint, None) if request.syntax.coding() == Coding::Native => {
            bytes == request.frame
        }
        (Operation::Repaint | Operation::Extend, None) => {
            // The worst that an encoder makes of noise, with its headers, and room for the rows that are added.
            let [_, _, width, height] = request.tile;
            let added = u64::from(width) * u64::from(height) * (whole / shape.pixels()) as u64;
            let raw = (whole as u64).max(request.frame).saturating_add(added);
            bytes > 0 && bytes <= raw.saturating_mul(2).saturating_add(64 << 10)
        }
        (Operation::Decode, None) | (Operation::Repaint | Operation::Extend, Some(_)) => false,
    }
}

impl Frames for Cage {
    fn decode(&self, coded: &Coded<'_>) -> Result<Decoded, CodecFault> {
        let Done { bytes, decoded } = self.ask(Operation::Decode, coded, None)?;
        // That there is one has been checked, when the answer came.
        let (colour, sample_bytes) = decoded.ok_or(CodecFault::Crashed)?;
        Ok(Decoded { colour, sample_bytes, samples: bytes })
    }

    fn repaint(&self, coded: &Coded<'_>, tile: &Tile) -> Result<Vec<u8>, CodecFault> {
        self.ask(Operation::Repaint, coded, Some(tile)).map(|done| done.bytes)
    }

    fn extend(&self, coded: &Coded<'_>, tile: &Tile) -> Result<Vec<u8>, CodecFault> {
        self.ask(Operation::Extend, coded, Some(tile)).map(|done| done.bytes)
    }
}

impl Drop for Cage {
    fn drop(&mut self) {
        self.pool.close();
    }
}
