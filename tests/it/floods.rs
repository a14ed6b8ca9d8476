//! Many peers at once, slow ones, and a process that has run out of handles: those who behave are served all the same.

use crate::support::dataset::Object;
use crate::support::eventually::{SOON, eventually, until};
use crate::support::figure::{figure, scale};
use crate::support::gate::{Configuration, Gate};
use crate::support::sender::{Refusal, Sender, dial};
use crate::support::siege::{Siege, contexts, echo, peak_memory};
use crate::support::sink::Sink;
use crate::support::wire::{self, CT_IMAGE, EXPLICIT_LE, VERIFICATION};
use rustix::process::{Pid, Resource, Rlimit, getrlimit, prlimit, setrlimit};
use std::io::{Read, Write};
use std::net::{Shutdown, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Barrier};
use std::time::{Duration, Instant};

/// Twice what an association waits before it gives its buffers back.
const REST: Duration = Duration::from_secs(2);

/// Lets this process, and the gates it starts, have as many files as the system allows it.
fn allow_many_files() {
    let Rlimit { maximum, .. } = getrlimit(Resource::Nofile);
    setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum }).expect("up to the maximum");
}

/// Calls C-ECHO until told to stop; the slowest answer and how many there were.
fn keep_echoing(port: u16, stop: &AtomicBool) -> (Duration, usize) {
    let (mut slowest, mut count) = (Duration::ZERO, 0);
    while !stop.load(Ordering::Relaxed) {
        let begun = Instant::now();
        assert_eq!(echo(port), Some(0), "a lawful C-ECHO, after {count}");
        slowest = slowest.max(begun.elapsed());
        count += 1;
        std::thread::park_timeout(Duration::from_millis(20));
    }
    (slowest, count)
}

/// The peers of the slow attack.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Slow {
    /// Connects and says nothing.
    Silent,
    /// Sends its request at a byte a second.
    Dripping,
    /// Claims a PDU of a mebibyte, and sends the beginning of it.
    Claiming,
    /// Has an association and does nothing.
    Idle,
    /// Has an association and sends its data set at a byte a second.
    Trickling,
}

const SLOW: [Slow; 5] = [Slow::Silent, Slow::Dripping, Slow::Claiming, Slow::Idle, Slow::Trickling];

/// Opens the connection of such a peer; `None` when the gate has no place for its association.
fn open(port: u16, kind: Slow) -> Option<TcpStream> {
    Some(match kind {
        Slow::Silent | Slow::Dripping => dial(port).ok()?,
        Slow::Claiming => {
            let mut stream = dial(port).ok()?;
            stream.write_all(&[1, 0, 0, 1, 0xFF, 0xFF, 0, 1]).ok()?;
            stream
        }
        Slow::Idle => Sender::connect(port, "CT01", "MARKGATE", &contexts()).ok()?.stream,
        Slow::Trickling => {
            let mut sender = Sender::connect(port, "CT01", "MARKGATE", &contexts()).ok()?;
            sender.begin(CT_IMAGE, "1.2.3.4.5").ok()?;
            sender.stream.write_all(&[4, 0, 0, 1, 0, 0, 0, 0, 0xFF, 0xFA, 1, 0]).ok()?;
            sender.stream
        }
    })
}

/// Whether the gate has hung up.
fn is_over(stream: &mut TcpStream) -> bool {
    stream.set_nonblocking(true).expect("a socket");
    let mut rest = [0; 64];
    loop {
        match stream.read(&mut rest) {
            Ok(0) => return true,
            Ok(_) => {}
            Err(fault) => return fault.kind() != std::io::ErrorKind::WouldBlock,
        }
    }
}

#[test]
fn a_thousand_slow_peers_starve_nobody_and_are_hung_up_on() {
    allow_many_files();
    // The waits as they are in the long form, a tenth of them in the short one.
    let (artim, idle) = scale((3, 3), (30, 60));
    let grace = scale("2s", "30s");
    let limits = format!(
        "[limits]\nartim = \"{artim}s\"\nidle = \"{idle}s\"\nstall = \"{artim}s\"\ngrace = \"{grace}\"\n"
    );
    let siege = Siege::begin(200, &Configuration::new().section(&limits));
    let port = siege.gate.port();
    let stop = Arc::new(AtomicBool::new(false));
    let lawful = {
        let stop = Arc::clone(&stop);
        std::thread::spawn(move || keep_echoing(port, &stop))
    };
    let mut peers: Vec<(Slow, Instant, TcpStream)> = Vec::new();
    for number in 0..1_000 {
        // An address may have 200 associations: most of these never have one.
        let kind = if number < 180 { SLOW[3 + number % 2] } else { SLOW[number % 3] };
        let stream = open(port, kind).expect("the gate listens");
        peers.push((kind, Instant::now(), stream));
    }
    let mut lasted: Vec<(Slow, Duration)> = Vec::new();
    let most = Duration::from_secs(idle.max(artim)) * 2 + SOON;
    let begun = Instant::now();
    let mut dripped = begun;
    eventually("every slow peer is hung up on", most, || {
        let drips = dripped.elapsed() > Duration::from_secs(1);
        if drips {
            dripped = Instant::now();
        }
        peers.retain_mut(|(kind, since, stream)| {
            if drips && matches!(kind, Slow::Dripping | Slow::Trickling) {
                drop(stream.write_all(&[1]));
            }
            let over = is_over(stream);
            if over {
                drop(stream.shutdown(Shutdown::Both));
                lasted.push((*kind, since.elapsed()));
            }
            !over
        });
        peers.is_empty().then_some(())
    });
    stop.store(true, Ordering::Relaxed);
    let (slowest, echoes) = lawful.join().expect("the lawful peer is served");
    assert!(echoes > 0, "nobody lawful was heard while the others held on");
    for kind in SLOW {
        let times = lasted.iter().filter(|(one, _)| *one == kind).map(|(_, time)| *time);
        figure(
            "R12",
            "slowloris",
            format_args!(
                "{} {kind:?} hung up on, the last after {:.1?} (ARTIM {artim} s, idle {idle} s)",
                times.clone().count(),
                times.max().unwrap_or_default()
            ),
        );
    }
    figure(
        "R12",
        "slowloris",
        format_args!(
            "1000 connections; {echoes} lawful C-ECHOs meanwhile, the slowest {slowest:.0?}; anonymous memory {} MiB",
            siege.gate.anonymous_memory() >> 20
        ),
    );
}

/// Whether the gate has said something that nobody has read yet.
fn has_word(stream: &TcpStream) -> bool {
    stream.set_nonblocking(true).expect("a socket");
    let found = stream.peek(&mut [0]).is_ok();
    stream.set_nonblocking(false).expect("a socket");
    found
}

#[test]
fn a_peer_below_the_minimum_rate_is_cut_off_and_one_above_is_not() {
    let limits = "[limits]\ngrace = \"1s\"\nminimum_rate = \"4KiB\"\nstall = \"5s\"\n";
    let mut siege = Siege::begin(201, &Configuration::new().section(limits));
    let send = |number: u32, each: usize| {
        let object = Object::chest_ct(202, number);
        let data = object.data();
        let mut sender = siege.associate();
        sender.begin(CT_IMAGE, &object.instance).expect("the gate reads");
        let begun = Instant::now();
        for (at, piece) in data.chunks(each).enumerate() {
            // A tenth of a second for each piece.
            let due = Duration::from_millis(100) * u32::try_from(at).expect("few");
            while begun.elapsed() < due {
                std::thread::park_timeout(due.saturating_sub(begun.elapsed()));
            }
            if has_word(&sender.stream)
                || sender.fragment(piece, (at + 1) * each >= data.len()).is_err()
            {
                break;
            }
        }
        let answer = sender.answer().map(|answer| answer.status);
        (answer, begun.elapsed(), object)
    };
    let (slow, after, _) = send(1, 100);
    assert_eq!(slow, None, "1000 bytes a second are too few");
    let (steady, took, object) = send(2, 600);
    assert_eq!(steady, Some(0), "6000 bytes a second are enough");
    siege.acknowledge(&object.instance, &object.data());
    siege.works("slow peers");
    siege.check_books();
    figure(
        "R12",
        "slow_peer_budget",
        format_args!(
            "1000 B/s cut off after {after:.1?}, 6000 B/s served in {took:.1?} (asked: 4096 B/s after 1 s)"
        ),
    );
}

#[test]
fn hundreds_of_associations_at_once_are_served_or_told_to_come_again() {
    const IMAGES: u32 = 4;
    allow_many_files();
    let count = scale(200, 500);
    let limits = format!("[limits]\nassociations_per_peer = {}\n", count - count / 10);
    let sink = Sink::up();
    let gate = Gate::start(&Configuration::new().pacs(&sink).section(&limits));
    let port = gate.port();
    // Opened before the crowd comes, and at work while it is there.
    let mut lawful = Sender::for_one(port, VERIFICATION, wire::IMPLICIT_LE);
    let begin = Arc::new(Barrier::new(count + 1));
    let (served, told) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let done = Arc::new(AtomicUsize::new(0));
    let release = Arc::new(Barrier::new(count + 1));
    let crowd: Vec<_> = (0..count)
        .map(|number| {
            let (begin, release) = (Arc::clone(&begin), Arc::clone(&release));
            let (served, told, done) = (Arc::clone(&served), Arc::clone(&told), Arc::clone(&done));
            std::thread::spawn(move || {
                begin.wait();
                let sender = Sender::connect(port, "CT01", "MARKGATE", &contexts());
                match sender {
                    Ok(mut sender) => {
                        for image in 0..IMAGES {
                            let number = u32::try_from(number).expect("few") * IMAGES + image;
                            let object = Object::chest_ct(203, number + 1);
                            let answer = sender.store(CT_IMAGE, &object.instance, &object.data());
                            assert_eq!(answer.map(|answer| answer.status), Some(0));
                        }
                        served.fetch_add(1, Ordering::Relaxed);
                        done.fetch_add(1, Ordering::Relaxed);
                        release.wait();
                        assert!(sender.release());
                    }
                    Err(refusal) => {
                        let local = Refusal::Rejected { result: 2, source: 3, reason: 2 };
                        assert_eq!(refusal, local);
                        told.fetch_add(1, Ordering::Relaxed);
                        done.fetch_add(1, Ordering::Relaxed);
                        release.wait();
                    }
                }
            })
        })
        .collect();
    begin.wait();
    let (mut slowest, mut height) = (Duration::ZERO, 0);
    eventually("everybody has an answer", SOON * 4, || {
        let begun = Instant::now();
        assert_eq!(lawful.echo(), Some(0));
        slowest = slowest.max(begun.elapsed());
        height = height.max(gate.anonymous_memory());
        (done.load(Ordering::Relaxed) == count || crowd.iter().any(|one| one.is_finished()))
            .then_some(())
    });
    let busy = served.load(Ordering::Relaxed);
    // All of them still have their association, and nothing to say.
    let quiet = Instant::now();
    let idle = eventually("idle associations hold little", SOON, || {
        let now = gate.anonymous_memory();
        (now < 100 << 20 && quiet.elapsed() > REST).then_some(now)
    });
    release.wait();
    for one in crowd {
        one.join().expect("served or told");
    }
    assert!(lawful.release());
    let told = told.load(Ordering::Relaxed);
    assert_eq!(busy + told, count);
    let images = busy * IMAGES as usize;
    sink.wait_within(images, SOON * 4);
    gate.settle();
    assert_eq!(sink.received().len(), images);
    figure(
        "R11",
        "assoc_500_rss",
        format_args!(
            "{count} associations at once x {IMAGES} images: {busy} served, {told} rejected 2/3/2, 0 lost; C-ECHO meanwhile \
             within {slowest:.0?}; anonymous memory {} MiB at its height, {} MiB with all of them idle; peak RSS {} MiB",
            height >> 20,
            idle >> 20,
            peak_memory(&gate) >> 20
        ),
    );
}

#[test]
fn without_file_descriptors_nothing_is_lost_and_with_them_all_goes_on() {
    let mut siege = Siege::begin(204, &Configuration::new());
    siege.works("the start");
    let pid = i32::try_from(siege.gate.id()).ok().and_then(Pid::from_raw).expect("a process");
    let open = || {
        std::fs::read_dir(format!("/proc/{}/fd", siege.gate.id())).expect("it runs").count() as u64
    };
    let mut sender = siege.associate();
    let before = prlimit(
        Some(pid),
        Resource::Nofile,
        Rlimit { current: Some(open() + 4), maximum: getrlimit(Resource::Nofile).maximum },
    )
    .expect("a child of ours");
    // More connections than there are descriptors for; those that are not accepted wait in the kernel.
    let port = siege.gate.port();
    let crowd: Vec<TcpStream> = (0..40).map(|_| dial(port).expect("the kernel listens")).collect();
    until("the gate says that it is short", || siege.gate.log().contains("could not be accepted"));
    // An association that is open is answered, with A700 where no file can be had.
    let object = Object::chest_ct(205, 1);
    let short = sender.store(CT_IMAGE, &object.instance, &object.data()).map(|a| a.status);
    assert!(matches!(short, Some(0 | 0xA700)), "{short:04X?}");
    if short == Some(0) {
        siege.acknowledge(&object.instance, &object.data());
    }
    drop(crowd);
    let begun = Instant::now();
    prlimit(Some(pid), Resource::Nofile, before).expect("a child of ours");
    eventually("a lawful peer is served again", Duration::from_secs(10), || {
        (echo(port) == Some(0)).then_some(())
    });
    let recovered = begun.elapsed();
    let object = Object::chest_ct(205, 2);
    let answer = sender.store(CT_IMAGE, &object.instance, &object.data()).map(|a| a.status);
    assert_eq!(answer, Some(0), "the same association goes on");
    siege.acknowledge(&object.instance, &object.data());
    assert!(sender.release());
    siege.works("the shortage");
    siege.check_books();
    figure(
        "R5",
        "fd_exhaustion_recovers",
        format_args!(
            "40 connections without descriptors for them: an open association was answered {:04X}, the gate at work again \
             {recovered:.1?} after there were some, 0 lost",
            short.unwrap_or_default()
        ),
    );
}

#[test]
fn limits_are_changed_while_the_gate_runs() {
    let sink = Sink::up();
    let configuration = Configuration::new().pacs(&sink);
    let gate = Gate::start(&configuration);
    let connect = || Sender::connect(gate.port(), "CT01", "MARKGATE", &contexts()).map(drop);
    let first = Sender::for_one(gate.port(), CT_IMAGE, EXPLICIT_LE);
    assert_eq!(connect(), Ok(()));
    gate.configure(&configuration.clone().section("[limits]\nassociations = 1\n"));
    gate.reload();
    until("one association is enough", || {
        connect() == Err(Refusal::Rejected { result: 2, source: 3, reason: 2 })
    });
    gate.configure(&configuration);
    gate.reload();
    until("more are let in again", || connect() == Ok(()));
    assert!(first.release(), "an association that was open goes on");
}
