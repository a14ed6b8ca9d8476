//! Workers that decode frames: what becomes of a frame, and of the gate, when one of them crashes, hangs or lies.

use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use markgate::cage::{Bars, Cage, Landlock, Limits, Seccomp, Settings};
use markgate::codec::{
    CodecFault, Coded, Colour, Decoded, FrameShape, Frames, InProcess, Syntax, Tile, encode,
};
use markgate::dicom::photometric::Photometric;
use markgate::observe::Metrics;
use markgate::observe::metrics::Outcome;

use crate::support::eventually::until;

const PROGRAM: &str = env!("CARGO_BIN_EXE_markgate");

const SHAPE: FrameShape = FrameShape {
    rows: 2,
    columns: 4,
    photometric: Photometric::Monochrome2,
    allocated: 16,
    stored: 16,
    high_bit: 15,
    signed: false,
    planar: false,
};

const FRAME: [u8; 16] = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16];

fn coded(bytes: &[u8]) -> Coded<'_> {
    Coded { syntax: Syntax::Native { big_endian: false }, shape: SHAPE, bytes }
}

fn whole() -> Result<Decoded, CodecFault> {
    Ok(Decoded { colour: Colour::Single, sample_bytes: 2, samples: FRAME.to_vec() })
}

/// A cage, and what it has counted.
struct Fixture {
    cage: Cage,
    metrics: Arc<Metrics>,
}

impl Fixture {
    fn new(program: &Path, limits: Limits) -> Self {
        let metrics = Arc::new(Metrics::new());
        let settings = Settings { program: program.to_owned(), limits };
        Self { cage: Cage::new(settings, Arc::clone(&metrics)), metrics }
    }

    fn decode(&self) -> Result<Decoded, CodecFault> {
        self.cage.decode(&coded(&FRAME))
    }

    fn frames(&self, outcome: &'static str) -> u64 {
        self.metrics.codec_frames.get(&Outcome { outcome }).map_or(0, |count| count.get())
    }

    fn ended(&self, outcome: &'static str) -> u64 {
        self.metrics.codec_workers_ended.get(&Outcome { outcome }).map_or(0, |count| count.get())
    }
}

fn quick() -> Limits {
    Limits { deadline: Duration::from_millis(300), ..Limits::default() }
}

#[test]
fn a_worker_of_the_program_itself_decodes_and_repaints() {
    let fixture = Fixture::new(PROGRAM.as_ref(), Limits::default());
    assert_eq!(fixture.cage.bars(), None, "no worker before it is needed");
    for _ in 0..3 {
        assert_eq!(fixture.decode(), whole());
    }
    let tile = Tile { x: 1, y: 1, width: 2, height: 1, shades: vec![Some(0x0102), None] };
    let mut painted = FRAME.to_vec();
    painted[10..12].copy_from_slice(&[2, 1]);
    assert_eq!(fixture.cage.repaint(&coded(&FRAME), &tile), Ok(painted));
    let strip = Tile { x: 0, y: 0, width: 4, height: 1, shades: vec![Some(0x0304); 4] };
    let extended = [&FRAME[..], &[4, 3, 4, 3, 4, 3, 4, 3]].concat();
    assert_eq!(fixture.cage.extend(&coded(&FRAME), &strip), Ok(extended));
    let bars = fixture.cage.bars().expect("a worker was started");
    assert!(bars.seccomp, "{bars:?}");
    let counted = ["decoded", "repainted", "extended", "crashed"].map(|what| fixture.frames(what));
    assert_eq!((counted, fixture.metrics.codec_workers_started.get()), ([3, 1, 1, 0], 1));
}

/// The same from a worker as from this process: what a codec asks of the system for its work is let through.
#[test]
fn every_codec_works_in_its_cage() {
    let fixture = Fixture::new(PROGRAM.as_ref(), Limits::default());
    let syntaxes = [
        Syntax::RleLossless,
        Syntax::JpegBaseline,
        Syntax::JpegExtended,
        Syntax::JpegLossless,
        Syntax::JpegLosslessSv1,
        Syntax::JpegLsLossless,
        Syntax::JpegLsNearLossless,
        Syntax::Jpeg2000Lossless,
        Syntax::Jpeg2000,
        Syntax::Htj2kLossless,
        Syntax::Htj2kLosslessRpcl,
        Syntax::JpegXlLossless,
        Syntax::DeflatedImageFrame,
    ];
    let shapes =
        [(Photometric::Monochrome2, 8), (Photometric::Monochrome2, 16), (Photometric::Rgb, 8)];
    let mut done = Vec::new();
    for (photometric, bits) in shapes {
        let shape = FrameShape {
            rows: 96,
            columns: 120,
            photometric,
            allocated: bits,
            stored: bits,
            high_bit: bits - 1,
            ..SHAPE
        };
        let bytes = shape.checked().expect("a shape");
        let picture = Decoded {
            colour: if shape.samples() == 3 { Colour::Rgb } else { Colour::Single },
            sample_bytes: bits / 8,
            samples: (0..bytes).map(|n| (n * 7 % 251) as u8).collect(),
        };
        for syntax in syntaxes {
            // What nothing can write for this shape is another test's business.
            let Ok(bytes) = encode(syntax, &shape, &picture) else { continue };
            let coded = Coded { syntax, shape, bytes: &bytes };
            let tile = Tile { x: 9, y: 5, width: 3, height: 2, shades: vec![Some(3); 6] };
            let what = format!("{syntax:?} {photometric:?} {bits}");
            assert_eq!(fixture.cage.decode(&coded), InProcess.decode(&coded), "{what}");
            let (caged, free) =
                (fixture.cage.repaint(&coded, &tile), InProcess.repaint(&coded, &tile));
            assert!(caged == free, "{what} is repainted otherwise in a cage");
            done.push(syntax);
        }
    }
    assert!(done.len() >= 12, "{done:?}");
    assert_eq!(fixture.cage.lost(), 0, "{}", fixture.metrics.render());
}

#[test]
fn what_the_codec_refuses_costs_no_worker() {
    let fixture = Fixture::new(PROGRAM.as_ref(), Limits::default());
    let broken = Coded { syntax: Syntax::JpegLsLossless, ..coded(b"no codestream at all") };
    assert!(matches!(fixture.cage.decode(&broken), Err(CodecFault::Malformed(_))));
    let wide = Tile { x: 3, y: 0, width: 2, height: 1, shades: vec![Some(1); 2] };
    assert_eq!(fixture.cage.repaint(&coded(&FRAME), &wide), Err(CodecFault::BadTile));
    let short = Tile { shades: vec![Some(1)], ..wide };
    assert_eq!(fixture.cage.repaint(&coded(&FRAME), &short), Err(CodecFault::BadTile));
    assert_eq!(fixture.decode(), whole());
    assert_eq!((fixture.frames("refused"), fixture.metrics.codec_workers_started.get()), (3, 1));
}

#[test]
fn as_many_workers_are_started_as_work_at_a_time() {
    let fixture = Fixture::new(PROGRAM.as_ref(), Limits { workers: 2, ..Limits::default() });
    std::thread::scope(|scope| {
        let threads: Vec<_> = (0..8)
            .map(|_| scope.spawn(|| (0..20).map(|_| fixture.decode()).all(|one| one == whole())))
            .collect();
        for thread in threads {
            assert!(thread.join().expect("no thread panics"));
        }
    });
    assert_eq!(fixture.frames("decoded"), 160);
    assert!((1..=2).contains(&fixture.metrics.codec_workers_started.get()));
}

#[test]
fn the_verb_is_hidden_and_does_nothing_by_hand() {
    let help = Command::new(PROGRAM).arg("--help").output().expect("runs");
    assert!(help.status.success() && !String::from_utf8_lossy(&help.stdout).contains("codec"));
    let by_hand = Command::new(PROGRAM).arg("codec-worker").stdin(Stdio::null()).output();
    let by_hand = by_hand.expect("runs");
    assert_eq!((by_hand.status.code(), by_hand.stdout), (Some(1), Vec::new()));
    let said = String::from_utf8_lossy(&by_hand.stderr).into_owned();
    assert!(said.contains("a gate starts this by itself"), "{said}");
}

/// A worker that is not ours: it begins as `hello` says, and does `deed` for each frame.
struct Impostor {
    _folder: tempfile::TempDir,
    program: PathBuf,
    notes: PathBuf,
}

/// What a well-behaved worker begins with.
const HELLO: &str = "s.send(b'mgcage01' + bytes([1, 2]))";

impl Impostor {
    fn new(hello: &str, deed: &str) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let (program, notes) = (folder.path().join("worker"), folder.path().join("notes"));
        let text = format!(
            r#"#!/usr/bin/env python3
import os, signal, socket, struct, sys
def note(what):
    with open({notes:?}, 'a') as notes:
        print(what, file=notes)
note(os.getpid())
s = socket.socket(fileno=0)
s.recv(64)
{hello}
while True:
    request = s.recv(64)
    if not request:
        break
    sequence, length = struct.unpack_from('<QQ', request)
    def answer(sequence=sequence, length=length, kind=0xf1, colour=0, sample=2, more=b''):
        s.send(struct.pack('<QQBBB', sequence, length, kind, colour, sample) + more)
    {deed}
"#
        );
        // Written by another process: were it this one, a child that another test starts meanwhile could hold the file open
        // for writing, and it would not run.
        let mut tee = Command::new("tee")
            .arg(&program)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .spawn()
            .expect("tee runs");
        tee.stdin.take().expect("piped").write_all(text.as_bytes()).expect("written");
        assert!(tee.wait().expect("ends").success());
        let mode = std::fs::Permissions::from_mode(0o755);
        std::fs::set_permissions(&program, mode).expect("executable");
        Self { _folder: folder, program, notes }
    }

    /// What it has noted so far, the id of each of its processes first.
    fn notes(&self) -> Vec<String> {
        let text = std::fs::read_to_string(&self.notes).expect("it was started");
        text.lines().map(str::to_owned).collect()
    }
}

/// Two frames with such a worker: both end as `fault` says, and each costs a worker that ends as `ending` says.
#[track_caller]
fn check(deed: &str, fault: CodecFault, ending: &'static str) {
    let impostor = Impostor::new(HELLO, deed);
    let fixture = Fixture::new(&impostor.program, quick());
    for worker in 1..=2 {
        assert_eq!(fixture.decode(), Err(fault), "{deed}");
        assert_eq!(fixture.ended(ending), worker, "{deed}: {}", fixture.metrics.render());
    }
    let pids = impostor.notes();
    assert_eq!((pids.len(), fixture.cage.lost()), (2, 2), "{deed}");
    for pid in pids {
        assert!(!Path::new("/proc").join(&pid).exists(), "{deed}: {pid} is still there");
    }
}

#[test]
fn a_worker_that_ends_costs_its_frame_and_is_replaced() {
    check("sys.exit(0)", CodecFault::Crashed, "crashed");
    check("os.kill(os.getpid(), signal.SIGKILL)", CodecFault::Crashed, "crashed");
    check("os.kill(os.getpid(), signal.SIGSEGV)", CodecFault::Crashed, "crashed");
    check("s.close(); os.close(0); signal.pause()", CodecFault::Crashed, "crashed");
    check("os.kill(os.getpid(), signal.SIGSYS)", CodecFault::Crashed, "violated");
}

#[test]
fn a_worker_that_hangs_is_ended_at_its_deadline() {
    check("signal.pause()", CodecFault::TimedOut, "late");
    check(
        "signal.signal(signal.SIGTERM, signal.SIG_IGN); signal.pause()",
        CodecFault::TimedOut,
        "late",
    );
}

#[test]
fn a_worker_that_lies_costs_its_frame_and_is_replaced() {
    for deed in [
        "answer(length=15)",
        "answer(length=17)",
        "answer(length=1 << 62)",
        "answer(sequence=sequence + 1)",
        "answer(sequence=0)",
        "answer(kind=0xf0)",
        "answer(kind=0x55)",
        "answer(colour=1)",
        "answer(colour=9)",
        "answer(sample=4)",
        "answer(more=b'x')",
        "answer(more=b'x' * 4096)",
        "s.send(b'x')",
    ] {
        check(deed, CodecFault::Crashed, "garbled");
    }
}

#[test]
fn a_worker_that_speaks_unasked_or_ends_while_idle_costs_no_frame() {
    let twice = "answer(); answer(); note('twice')";
    for (deed, ending) in [(twice, "garbled"), ("answer(); sys.exit(0)", "crashed")] {
        let impostor = Impostor::new(HELLO, deed);
        let fixture = Fixture::new(&impostor.program, quick());
        assert_eq!(fixture.decode(), whole(), "{deed}");
        until("it has done so", || {
            let notes = impostor.notes();
            notes.len() == 2 || is_over(&notes[0])
        });
        assert_eq!(fixture.decode(), whole(), "{deed}");
        assert_eq!(fixture.ended(ending), 1, "{deed}");
    }
}

/// Whether a process has ended, though nobody has asked how.
fn is_over(pid: &str) -> bool {
    let stat = std::fs::read_to_string(Path::new("/proc").join(pid).join("stat"));
    stat.is_ok_and(|stat| stat.contains(") Z "))
}

#[test]
fn without_a_filter_of_system_calls_nothing_is_decoded_unless_the_site_says_so() {
    let bare = Impostor::new("s.send(b'mgcage01' + bytes([0, 0]))", "answer()");
    let required = Fixture::new(&bare.program, quick());
    assert_eq!(required.decode(), Err(CodecFault::Unavailable));
    assert_eq!(required.cage.bars(), None);
    let optional = Fixture::new(&bare.program, Limits { seccomp: Seccomp::Optional, ..quick() });
    assert_eq!(optional.decode(), whole());
    let want = Bars { seccomp: false, landlock: Landlock::Absent };
    assert_eq!(optional.cage.bars(), Some(want));
}

#[test]
fn what_does_not_start_is_not_tried_for_every_frame() {
    let stranger = Impostor::new("sys.exit(0)", "answer()");
    let fixture = Fixture::new(&stranger.program, quick());
    for _ in 0..20 {
        assert_eq!(fixture.decode(), Err(CodecFault::Unavailable));
    }
    assert_eq!(fixture.frames("unavailable"), 20);
    assert!(stranger.notes().len() < 5, "{:?}", stranger.notes());
    let nothing = Fixture::new("/nonexistent/markgate".as_ref(), quick());
    assert_eq!(nothing.decode(), Err(CodecFault::Unavailable));
}

#[test]
fn workers_end_with_their_cage() {
    let good = Impostor::new(HELLO, "answer()");
    let fixture = Fixture::new(&good.program, quick());
    assert_eq!(fixture.decode(), whole());
    let metrics = Arc::clone(&fixture.metrics);
    drop(fixture);
    let stopped = metrics.codec_workers_ended.get(&Outcome { outcome: "stopped" });
    assert_eq!(stopped.map(|count| count.get()), Some(1));
    let pids = good.notes();
    assert!(!Path::new("/proc").join(&pids[0]).exists(), "{pids:?}");
}
