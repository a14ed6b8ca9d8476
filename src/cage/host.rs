//! The gate's side of one worker.

use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::net::{
    AddressFamily, RecvFlags, SendFlags, SocketFlags, SocketType, recv, send, socketpair,
};
use rustix::process::Signal;

use super::VERB;
use super::protocol::{Answer, Bars, PACKET, Request, SHARED, Terms};
use super::shared::Shared;

/// How long a worker may take from its start to its first word. It reads its own program from disk and nothing else.
const BEGINS: Duration = Duration::from_secs(10);

/// What stays with the shared memory of an idle worker; what a larger frame took beyond it is given back.
const KEPT: u64 = 16 << 20;

/// Why a worker is of no use any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ending {
    /// It ended by itself.
    Crashed,
    /// It did what it may not do, and was ended by the filter of system calls.
    Violated,
    /// It had not answered in time.
    Late,
    /// What it answered is no answer to what it was asked.
    Garbled,
}

impl Ending {
    pub(super) const ALL: [Self; 4] = [Self::Crashed, Self::Violated, Self::Late, Self::Garbled];

    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Crashed => "crashed",
            Self::Violated => "violated",
            Self::Late => "late",
            Self::Garbled => "garbled",
        }
    }
}

/// Why a worker was not started.
#[derive(Debug, thiserror::Error)]
pub(super) enum StartFault {
    #[error("the program cannot be started: {0}")]
    System(#[from] io::Error),
    #[error("the worker does not answer as one ({})", .0.as_str())]
    Silent(Ending),
    #[error(
        "this machine cannot filter system calls (seccomp), so that a codec could do what it likes: use a \
         kernel with CONFIG_SECCOMP_FILTER, or accept that by `[codec] seccomp = \"optional\"`"
    )]
    Unfiltered,
}

/// A process that works on frames. It is ended when this is dropped.
pub(super) struct Worker {
    child: Child,
    socket: OwnedFd,
    shared: Shared,
    sequence: u64,
    /// Frames it has worked on.
    pub(super) frames: u32,
    /// How long it has worked: never less than its CPU time, as it has one thread.
    pub(super) busy: Duration,
    /// Since when it has had nothing to do.
    pub(super) idle_since: Instant,
}

/// Starts the process. It ends when the thread that calls this does.
pub(super) fn spawn(program: &Path) -> io::Result<Worker> {
    let (socket, theirs) =
        socketpair(AddressFamily::UNIX, SocketType::SEQPACKET, SocketFlags::CLOEXEC, None)?;
    let shared = Shared::new(SHARED)?;
    let child = Command::new(program)
        .arg0("markgate")
        .arg(VERB)
        .env_clear()
        .current_dir("/")
        .stdin(Stdio::from(theirs))
        .stdout(Stdio::from(shared.share()?))
        .stderr(Stdio::null())
        .spawn()?;
    let idle_since = Instant::now();
    Ok(Worker { child, socket, shared, sequence: 0, frames: 0, busy: Duration::ZERO, idle_since })
}

impl Worker {
    /// Tells a new worker its terms and hears what holds it.
    pub(super) fn begin(&mut self, terms: Terms) -> Result<Bars, StartFault> {
        let mut packet = [0; PACKET];
        let heard = self.say(&terms.packet()).and_then(|()| self.hear(BEGINS, &mut packet));
        let bars = heard.and_then(|bars| Bars::read(bars).ok_or(Ending::Garbled));
        bars.map_err(|ending| StartFault::Silent(self.end(ending)))
    }

    pub(super) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Whether it is there, and has said nothing that it was not asked for.
    pub(super) fn is_ready(&self) -> Result<(), Ending> {
        let mut asked = [PollFd::new(&self.socket, PollFlags::IN)];
        match poll(&mut asked, Some(&Timespec::default())) {
            Ok(0) => Ok(()),
            Ok(_) if asked.iter().all(|one| !one.revents().contains(PollFlags::HUP)) => {
                Err(Ending::Garbled)
            }
            Ok(_) | Err(_) => Err(Ending::Crashed),
        }
    }

    /// Puts a frame, and shades behind it, where the worker finds them.
    pub(super) fn lay(&self, frame: &[u8], shades: &[u8]) -> io::Result<()> {
        self.shared.write(frame, 0)?;
        self.shared.write(shades, frame.len() as u64)
    }

    /// Has the worker do what `request` says with what has been laid out.
    pub(super) fn ask(
        &mut self,
        mut request: Request,
        deadline: Duration,
    ) -> Result<Answer, Ending> {
        self.sequence += 1;
        request.sequence = self.sequence;
        let mut packet = [0; PACKET];
        self.say(&request.packet())?;
        let answer = Answer::read(self.hear(deadline, &mut packet)?).ok_or(Ending::Garbled)?;
        if answer.sequence == self.sequence { Ok(answer) } else { Err(Ending::Garbled) }
    }

    /// The first bytes of the shared memory.
    pub(super) fn take(&self, length: usize) -> io::Result<Vec<u8>> {
        self.shared.read(length)
    }

    /// Gives back what a large frame has taken; `used` is how far the shared memory was written to.
    pub(super) fn tidy(&self, used: u64) -> io::Result<()> {
        if used > KEPT { self.shared.forget(used) } else { Ok(()) }
    }

    /// Ends it; says how it came to be of no use, given how it looked from here.
    pub(super) fn end(&mut self, seen: Ending) -> Ending {
        let status = self.reap();
        let filtered = status.and_then(|status| status.signal()) == Some(Signal::SYS.as_raw());
        match seen {
            Ending::Crashed | Ending::Garbled if filtered => Ending::Violated,
            Ending::Crashed | Ending::Violated | Ending::Late | Ending::Garbled => seen,
        }
    }

    /// One that has ended already keeps its own status.
    fn reap(&mut self) -> Option<ExitStatus> {
        if let Err(fault) = self.child.kill() {
            tracing::error!(pid = self.child.id(), %fault, "a codec worker cannot be ended");
        }
        self.child.wait().ok()
    }

    fn say(&self, packet: &[u8]) -> Result<(), Ending> {
        match send(&self.socket, packet, SendFlags::NOSIGNAL | SendFlags::DONTWAIT) {
            Ok(sent) if sent == packet.len() => Ok(()),
            // It does not read what it is sent.
            Ok(_) | Err(rustix::io::Errno::AGAIN) => Err(Ending::Garbled),
            Err(_) => Err(Ending::Crashed),
        }
    }

    fn hear<'p>(
        &self,
        deadline: Duration,
        packet: &'p mut [u8; PACKET],
    ) -> Result<&'p [u8], Ending> {
        let until = Instant::now() + deadline;
        loop {
            let left = until.saturating_duration_since(Instant::now());
            let left = Timespec::try_from(left).map_err(|_| Ending::Late)?;
            let mut asked = [PollFd::new(&self.socket, PollFlags::IN)];
            match poll(&mut asked, Some(&left)) {
                Ok(0) => return Err(Ending::Late),
                Ok(_) => break,
                Err(rustix::io::Errno::INTR) => {}
                Err(_) => return Err(Ending::Crashed),
            }
        }
        match recv(&self.socket, packet.as_mut_slice(), RecvFlags::DONTWAIT) {
            Ok((0, _)) | Err(_) => Err(Ending::Crashed),
            Ok((length, _)) => packet.get(..length).ok_or(Ending::Garbled),
        }
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        // Once more does no harm.
        self.reap();
    }
}
