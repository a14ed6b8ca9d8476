//! A modality that stops, aborts or vanishes, at every point of an exchange: nothing half is kept, nothing whole is lost, and its
//! connection does not stay.

use crate::support::dataset::Object;
use crate::support::figure::figure;
use crate::support::gate::Configuration;
use crate::support::siege::{Heard, Siege, listen, request};
use crate::support::wire::{self, CT_IMAGE, Command, Pdv};
use socket2::SockRef;
use std::io::{Read, Write};
use std::net::{Shutdown, TcpStream};
use std::time::{Duration, Instant};

/// How a modality leaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Leaving {
    /// Its program ends: FIN.
    Closes,
    /// Its machine restarts: RST.
    Resets,
    /// It says A-ABORT and waits.
    Aborts,
    /// It closes its side only and waits.
    HalfCloses,
    /// It says nothing more, and waits.
    Stops,
}

const LEAVINGS: [Leaving; 5] =
    [Leaving::Closes, Leaving::Resets, Leaving::Aborts, Leaving::HalfCloses, Leaving::Stops];

/// A piece of an exchange: bytes to send, or an answer to wait for.
enum Piece {
    Say(Vec<u8>),
    Hear(Heard),
}

/// The exchange of one image, cut into its regions: a modality can leave after each.
fn exchange(object: &Object) -> Vec<(&'static str, Piece)> {
    use Piece::{Hear, Say};
    let rq = wire::pdu(wire::ASSOCIATE_RQ, &request().encode(wire::ASSOCIATE_RQ));
    let set = Command::store(1, CT_IMAGE, &object.instance).encode();
    let pdv = |is_command, is_last, data: &[u8]| {
        wire::pdu(wire::P_DATA, &Pdv { context: 1, is_command, is_last, data }.encode())
    };
    let command = pdv(true, true, &set);
    let data = object.data();
    let (first, second) = (pdv(false, false, &data[..4000]), pdv(false, true, &data[4000..]));
    let release = wire::pdu(wire::RELEASE_RQ, &[0; 4]);
    let cut = |bytes: &[u8], from: usize, to: usize| Say(bytes[from..to].to_vec());
    vec![
        ("connected", Say(Vec::new())),
        ("one byte of the request", cut(&rq, 0, 1)),
        ("the header of the request", cut(&rq, 1, 6)),
        ("half of the request", cut(&rq, 6, rq.len() / 2)),
        ("the request but its last byte", cut(&rq, rq.len() / 2, rq.len() - 1)),
        ("the request", cut(&rq, rq.len() - 1, rq.len())),
        ("the acceptance", Hear(Heard::Accepted)),
        ("half a header of the command", cut(&command, 0, 3)),
        ("half of the command", cut(&command, 3, command.len() / 2)),
        ("the command", cut(&command, command.len() / 2, command.len())),
        ("half a header of the data set", cut(&first, 0, 8)),
        ("half of a fragment", cut(&first, 8, 2000)),
        ("a fragment", cut(&first, 2000, first.len())),
        ("the data set but its last byte", cut(&second, 0, second.len() - 1)),
        ("the data set", cut(&second, second.len() - 1, second.len())),
        ("the answer", Hear(Heard::Status(0))),
        ("half of the release", cut(&release, 0, 5)),
        ("the release", cut(&release, 5, release.len())),
        ("its answer", Hear(Heard::Released)),
    ]
}

/// Goes through the exchange up to and with `region`; the connection, and whether the image was acknowledged.
fn go(stream: &mut TcpStream, pieces: &[(&'static str, Piece)], region: usize) {
    for (name, piece) in &pieces[..=region] {
        match piece {
            Piece::Say(bytes) => stream.write_all(bytes).expect("the gate reads"),
            Piece::Hear(due) => assert_eq!(listen(stream), *due, "{name}"),
        }
    }
}

/// Leaves, and sees to it that the gate leaves too. How long it took.
fn leave(mut stream: TcpStream, leaving: Leaving) -> Duration {
    let begun = Instant::now();
    match leaving {
        Leaving::Closes => return begun.elapsed(),
        Leaving::Resets => {
            SockRef::from(&stream).set_linger(Some(Duration::ZERO)).expect("a socket");
            return begun.elapsed();
        }
        Leaving::Aborts => stream.write_all(&wire::pdu(wire::ABORT, &[0; 4])).expect("a socket"),
        Leaving::HalfCloses => stream.shutdown(Shutdown::Write).expect("a socket"),
        Leaving::Stops => {}
    }
    // Whatever the gate still says, its end has to come.
    let mut rest = Vec::new();
    drop(stream.read_to_end(&mut rest));
    begun.elapsed()
}

/// All waits of the gate's are this long here.
const WAIT: Duration = Duration::from_secs(1);

/// What a stop may cost at most: a wait for the peer and one for its close, and a slow machine.
const SOON: Duration = Duration::from_secs(30);

#[test]
fn a_modality_that_leaves_anywhere_leaves_nothing_half_behind() {
    let limits = "[limits]\nartim = \"1s\"\nidle = \"1s\"\nstall = \"1s\"\n";
    let mut siege = Siege::begin(190, &Configuration::new().section(limits));
    let mut stops = Vec::new();
    let (mut number, mut kept) = (0, 0);
    let regions = exchange(&Object::chest_ct(191, 1)).len();
    for region in 0..regions {
        for leaving in LEAVINGS {
            number += 1;
            let object = Object::chest_ct(191, number);
            let pieces = exchange(&object);
            let case = format!("{leaving:?} after {}", pieces[region].0);
            let mut stream = siege.dial();
            go(&mut stream, &pieces, region);
            let has_sent_all = pieces[..=region].iter().any(|(name, _)| *name == "the data set");
            if leaving == Leaving::Aborts && pieces[region].0 == "the data set but its last byte" {
                // The first byte of the A-ABORT is the last of the data set: nothing can tell.
                let mut data = object.data();
                *data.last_mut().expect("not empty") = wire::ABORT;
                siege.expect(&object.instance, &data);
            }
            if has_sent_all {
                // It may have been taken before the gate knew that nobody waits for the answer.
                siege.expect(&object.instance, &object.data());
                kept += 1;
            }
            if leaving == Leaving::Stops {
                stops.push(std::thread::spawn(move || leave(stream, leaving)));
            } else {
                let took = leave(stream, leaving);
                assert!(took < SOON, "{case}: {took:?}");
            }
            siege.done(&case);
        }
    }
    let slowest = stops.into_iter().map(|stop| stop.join().expect("hung up on")).max();
    let slowest = slowest.expect("some stop");
    assert!(slowest < SOON, "a silent modality was waited for {slowest:?}");
    figure(
        "R12",
        "midway_stops",
        format_args!(
            "{regions} silences, each ended by the gate within {slowest:.1?} (waits of {WAIT:?})"
        ),
    );
    assert!(kept >= 25, "{kept} objects came whole");
    siege.end("R10", "midway", 65);
}
