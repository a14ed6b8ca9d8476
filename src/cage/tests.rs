//! What the two sides say, what an answer may be, and what a caged process can do.

use std::fs::File;
use std::net::{TcpListener, TcpStream, UdpSocket};
use std::os::unix::process::ExitStatusExt;
use std::process::{Command, ExitStatus, Stdio};

use rustix::process::{Pid, Signal, test_kill_process};

use super::confine::{confine, landlock};
use super::protocol::{
    Answer, Bars, Landlock, Operation, Outcome, Request, SHARED, Terms, shades_to_bytes, tile,
};
use super::*;
use crate::codec::{FrameShape, Syntax};
use crate::dicom::photometric::Photometric;

fn shape() -> FrameShape {
    FrameShape {
        rows: 4,
        columns: 3,
        photometric: Photometric::Monochrome2,
        allocated: 16,
        stored: 12,
        high_bit: 11,
        signed: true,
        planar: false,
    }
}

fn request(operation: Operation) -> Request {
    Request {
        sequence: 7,
        operation,
        syntax: Syntax::JpegLsLossless,
        shape: shape(),
        frame: 20,
        tile: [1, 2, 2, 1],
    }
}

#[test]
fn what_is_said_is_understood() {
    let terms = Terms { memory: 2 << 30, cpu: 700 };
    assert_eq!(Terms::read(&terms.packet()), Some(terms));
    for landlock in [Landlock::Absent, Landlock::Partial, Landlock::Full] {
        let bars = Bars { seccomp: landlock != Landlock::Absent, landlock };
        assert_eq!(Bars::read(&bars.packet()), Some(bars));
    }
    for operation in [Operation::Decode, Operation::Repaint, Operation::Extend] {
        let request = request(operation);
        assert_eq!(Request::read(&request.packet()), Some(request));
    }
    let outcomes = [
        Outcome::Done { bytes: SHARED, decoded: None },
        Outcome::Done { bytes: 24, decoded: Some((Colour::Ybr, 2)) },
        Outcome::Refused(CodecFault::NotExact),
        Outcome::Panicked,
    ];
    for outcome in outcomes {
        let answer = Answer { sequence: u64::MAX, outcome };
        assert_eq!(Answer::read(&answer.packet()), Some(answer));
    }
}

#[test]
fn every_transfer_syntax_and_photometric_interpretation_has_a_number() {
    let syntaxes = [
        "1.2.840.10008.1.2.1",
        "1.2.840.10008.1.2.2",
        "1.2.840.10008.1.2.5",
        "1.2.840.10008.1.2.4.50",
        "1.2.840.10008.1.2.4.51",
        "1.2.840.10008.1.2.4.57",
        "1.2.840.10008.1.2.4.70",
        "1.2.840.10008.1.2.4.80",
        "1.2.840.10008.1.2.4.81",
        "1.2.840.10008.1.2.4.90",
        "1.2.840.10008.1.2.4.91",
        "1.2.840.10008.1.2.4.201",
        "1.2.840.10008.1.2.4.202",
        "1.2.840.10008.1.2.4.203",
        "1.2.840.10008.1.2.4.110",
        "1.2.840.10008.1.2.4.111",
        "1.2.840.10008.1.2.4.112",
        "1.2.840.10008.1.2.8.1",
    ];
    for uid in syntaxes {
        let syntax = Syntax::of(uid).expect("known");
        let request = Request { syntax, ..request(Operation::Decode) };
        assert_eq!(Request::read(&request.packet()), Some(request), "{uid}");
    }
    let terms = [
        "MONOCHROME1",
        "MONOCHROME2",
        "PALETTE COLOR",
        "RGB",
        "YBR_FULL",
        "YBR_FULL_422",
        "YBR_PARTIAL_420",
        "YBR_ICT",
        "YBR_RCT",
        "XYB",
    ];
    for term in terms {
        let photometric = Photometric::parse(term).expect("known");
        let shape = FrameShape { photometric, ..shape() };
        let request = Request { shape, ..request(Operation::Decode) };
        assert_eq!(Request::read(&request.packet()), Some(request), "{term}");
    }
}

#[test]
fn what_is_cut_or_too_long_is_not_understood() {
    let terms = Terms { memory: 1, cpu: 1 }.packet();
    let bars = Bars { seccomp: true, landlock: Landlock::Full }.packet();
    let asked = request(Operation::Repaint).packet();
    let done = Outcome::Done { bytes: 1, decoded: None };
    let answer = Answer { sequence: 1, outcome: done }.packet();
    for length in (0..64).filter(|length| *length != terms.len()) {
        let mut packet = terms.clone();
        packet.resize(length, 0);
        assert_eq!(Terms::read(&packet), None);
    }
    for length in (0..64).filter(|length| *length != bars.len()) {
        let mut packet = bars.clone();
        packet.resize(length, 0);
        assert_eq!(Bars::read(&packet), None);
    }
    for length in (0..64).filter(|length| *length != asked.len()) {
        let mut packet = asked.clone();
        packet.resize(length, 0);
        assert_eq!(Request::read(&packet), None);
    }
    for length in (0..64).filter(|length| *length != answer.len()) {
        let mut packet = answer.clone();
        packet.resize(length, 0);
        assert_eq!(Answer::read(&packet), None);
    }
}

#[test]
fn a_request_for_what_cannot_be_is_no_request() {
    #[track_caller]
    fn check(change: impl Fn(&mut Request), want: Result<(), CodecFault>) {
        let mut changed = request(Operation::Repaint);
        change(&mut changed);
        assert_eq!(changed.is_possible(), want);
        assert_eq!(Request::read(&changed.packet()).is_some(), want.is_ok());
    }
    let (unsupported, large) = (Err(CodecFault::Unsupported), Err(CodecFault::TooLarge));
    check(|_| {}, Ok(()));
    check(|request| request.shape.rows = 0, unsupported);
    check(|request| request.shape.columns = 0, unsupported);
    check(|request| request.shape.allocated = 12, unsupported);
    check(|request| request.shape.stored = 0, unsupported);
    check(|request| request.shape.stored = 17, unsupported);
    check(|request| request.shape.high_bit = 10, unsupported);
    check(|request| request.shape.high_bit = 16, unsupported);
    check(|request| request.shape.high_bit = u8::MAX, unsupported);
    check(|request| request.frame = u64::MAX, large);
    check(|request| request.frame = SHARED, large);
    check(|request| request.tile = [0, 0, u16::MAX, u16::MAX], large);
    check(|request| (request.shape.rows, request.shape.columns) = (u16::MAX, u16::MAX), large);
}

#[test]
fn shades_come_through_as_they_are() {
    let request = request(Operation::Repaint);
    let shades = vec![Some(i32::MIN), None];
    let bytes = shades_to_bytes(&shades);
    let want = Tile { x: 1, y: 2, width: 2, height: 1, shades };
    assert_eq!(tile(&request, &bytes), Some(want));
    assert_eq!(tile(&request, &bytes[1..]), None);
    assert_eq!(tile(&request, &[&bytes[..], &bytes[..]].concat()), None);
}

#[test]
fn an_answer_must_be_one_that_the_request_can_have() {
    #[track_caller]
    fn check(request: &Request, bytes: u64, decoded: Option<(Colour, u8)>, want: bool) {
        assert_eq!(is_plausible(request, bytes, decoded), want, "{request:?} {bytes} {decoded:?}");
    }
    // 4 rows of 3 samples of 2 bytes.
    let decode = request(Operation::Decode);
    check(&decode, 24, Some((Colour::Single, 2)), true);
    check(&decode, 24, None, false);
    check(&decode, 23, Some((Colour::Single, 2)), false);
    check(&decode, 25, Some((Colour::Single, 2)), false);
    check(&decode, 24, Some((Colour::Single, 1)), false);
    check(&decode, 24, Some((Colour::Rgb, 2)), false);
    let native = Syntax::Native { big_endian: false };
    for operation in [Operation::Repaint, Operation::Extend] {
        let request = request(operation);
        check(&request, 0, None, false);
        check(&request, 1, None, true);
        check(&request, 24, Some((Colour::Single, 2)), false);
        check(&request, 2 * (24 + 4) + (64 << 10), None, true);
        check(&request, 2 * (24 + 4) + (64 << 10) + 1, None, false);
    }
    let repaint = Request { syntax: native, ..request(Operation::Repaint) };
    check(&repaint, 20, None, true);
    check(&repaint, 24, None, false);
}

/// Set for the process that is caged: what it tries.
const TRIES: &str = "MARKGATE_TEST_CAGED_TRIES";

/// Has this very test run again in a process of its own, where it tries something.
fn try_caged(test: &str, what: &str) -> ExitStatus {
    let own = std::env::current_exe().expect("this program");
    Command::new(own)
        // Two threads: one is caged, the other reports.
        .args(["--exact", test, "--test-threads=2"])
        .env_clear()
        .env(TRIES, what)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .expect("this program runs again")
}

fn terms() -> Terms {
    Terms { memory: 256 << 20, cpu: 60 }
}

#[test]
fn a_caged_process_can_compute_and_nothing_else() {
    const TEST: &str = "cage::tests::a_caged_process_can_compute_and_nothing_else";
    if let Ok(what) = std::env::var(TRIES) {
        return try_out(&what);
    }
    for what in ["compute", "panic and go on"] {
        let status = try_caged(TEST, what);
        assert!(status.success(), "{what}: {status}");
    }
    let ends = [
        ("open a file", Signal::SYS),
        ("look at a file", Signal::SYS),
        ("open a socket", Signal::SYS),
        ("connect", Signal::SYS),
        ("start a process", Signal::SYS),
        ("start a thread", Signal::SYS),
        ("ask for another process", Signal::SYS),
        ("make memory executable", Signal::SYS),
        ("swell", Signal::ABORT),
    ];
    for (what, signal) in ends {
        let status = try_caged(TEST, what);
        assert_eq!(status.signal(), Some(signal.as_raw()), "{what}: {status}");
    }
}

fn try_out(what: &str) {
    // As in a worker: telling of a panic looks at files.
    std::panic::set_hook(Box::new(|_| {}));
    let bars = confine(terms()).expect("confined");
    assert!(bars.seccomp);
    match what {
        "compute" => {
            let squares: Vec<u64> = (0..1_000_000).map(|n| n * n).collect();
            assert_eq!(squares.iter().sum::<u64>() % 7, 0);
        }
        "panic and go on" => {
            let caught = std::panic::catch_unwind(|| panic!("on purpose"));
            assert!(caught.is_err());
        }
        "open a file" => drop(File::open("/etc/passwd")),
        "look at a file" => drop(std::fs::metadata("/etc/passwd")),
        "open a socket" => drop(UdpSocket::bind("127.0.0.1:0")),
        "connect" => drop(TcpStream::connect("127.0.0.1:1")),
        "start a process" => drop(Command::new("/bin/true").spawn()),
        "start a thread" => drop(std::thread::Builder::new().spawn(|| ())),
        "ask for another process" => drop(test_kill_process(Pid::INIT)),
        "make memory executable" => {
            drop(memmap2::MmapMut::map_anon(4096).expect("memory").make_exec());
        }
        "swell" => drop(vec![1u8; 1 << 30]),
        other => unreachable!("{other}"),
    }
}

#[test]
fn landlock_alone_keeps_files_and_connections_out_of_reach() {
    const TEST: &str = "cage::tests::landlock_alone_keeps_files_and_connections_out_of_reach";
    let Ok(port) = std::env::var(TRIES) else {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let port = listener.local_addr().expect("bound").port();
        let status = try_caged(TEST, &port.to_string());
        assert!(status.success(), "{status}");
        return;
    };
    let in_force = landlock();
    let opened = File::open("/etc/passwd").map_err(|fault| fault.kind());
    let connected = TcpStream::connect(format!("127.0.0.1:{port}")).map_err(|fault| fault.kind());
    let denied = Some(std::io::ErrorKind::PermissionDenied);
    // What the kernel does not have cannot hold; that is told, and seccomp is in front of it.
    match in_force {
        Landlock::Full => assert_eq!((opened.err(), connected.err()), (denied, denied)),
        Landlock::Partial => assert_eq!(opened.err(), denied),
        Landlock::Absent => assert!(opened.is_ok() && connected.is_ok()),
    }
}
