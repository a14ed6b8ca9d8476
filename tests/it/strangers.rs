//! Who is not let in: by title, address, certificate and user identity, and what strangers learn from it.

use crate::support::certificates::{Authority, Issued, Order};
use crate::support::eventually::until;
use crate::support::figure::figure;
use crate::support::gate::{Configuration, Gate};
use crate::support::sender::{Refusal, Sender};
use crate::support::sink::Sink;
use crate::support::tunnel::Tunnel;
use crate::support::wire::{self, Associate, Context, IMPLICIT_LE, VERIFICATION};
use crate::support::{peers, ports};
use rustls::version::TLS13;
use socket2::{Domain, Socket, Type};
use std::net::{Ipv4Addr, SocketAddr, TcpStream, UdpSocket};
use std::os::unix::fs::PermissionsExt;
use std::time::{Duration, Instant};

/// Somebody who asks for an association.
#[derive(Clone, Copy)]
struct Caller<'c> {
    what: &'c str,
    from: u8,
    port: u16,
    calling: &'c str,
    called: &'c str,
    /// The body of a user identity sub-item (PS3.7 Table D.3-14).
    identity: Option<&'c [u8]>,
}

/// What a caller hears.
#[derive(Debug, PartialEq, Eq)]
enum Heard {
    /// Accepted, with or without a response to its user identity.
    Accepted {
        identified: bool,
    },
    Rejected(u8, u8, u8),
    Nothing,
}

/// A connection to the gate from `127.0.0.from`.
fn dial(from: u8, port: u16) -> TcpStream {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).expect("a socket");
    let local = SocketAddr::from((Ipv4Addr::new(127, 0, 0, from), 0));
    socket.bind(&local.into()).expect("an address of this machine");
    socket.connect(&SocketAddr::from((Ipv4Addr::LOCALHOST, port)).into()).expect("a connection");
    let stream = TcpStream::from(socket);
    stream.set_read_timeout(Some(Duration::from_secs(60))).expect("a duration above zero");
    stream
}

/// Puts a sub-item at the end of the user information, which is the last item of a request.
fn with_identity(mut body: Vec<u8>, identity: &[u8]) -> Vec<u8> {
    let mut at = 68;
    let length = |body: &[u8], at: usize| u16::from_be_bytes([body[at + 2], body[at + 3]]);
    while body[at] != 0x50 {
        at += 4 + usize::from(length(&body, at));
    }
    let size = u16::try_from(identity.len()).expect("a short identity");
    let longer = length(&body, at) + 4 + size;
    body[at + 2..at + 4].copy_from_slice(&longer.to_be_bytes());
    body.extend([0x58, 0]);
    body.extend(size.to_be_bytes());
    body.extend(identity);
    body
}

impl Caller<'_> {
    fn ask(&self) -> Heard {
        let request = Associate {
            called: self.called.to_owned(),
            calling: self.calling.to_owned(),
            contexts: vec![Context::proposed(1, VERIFICATION, &[IMPLICIT_LE])],
            max_pdu: 16 << 10,
        };
        let body = request.encode(wire::ASSOCIATE_RQ);
        let body = match self.identity {
            Some(identity) => with_identity(body, identity),
            None => body,
        };
        let mut stream = dial(self.from, self.port);
        if wire::write_pdu(&mut stream, wire::ASSOCIATE_RQ, &body).is_err() {
            return Heard::Nothing;
        }
        match wire::read_pdu(&mut stream) {
            Ok(pdu) if pdu.kind == wire::ASSOCIATE_AC => {
                let response = [0x59, 0, 0, 2, 0, 0];
                let identified = pdu.body.windows(response.len()).any(|part| part == response);
                Heard::Accepted { identified }
            }
            Ok(pdu) if pdu.kind == wire::ASSOCIATE_RJ => {
                Heard::Rejected(pdu.body[1], pdu.body[2], pdu.body[3])
            }
            Ok(_) | Err(_) => Heard::Nothing,
        }
    }
}

/// A user identity sub-item.
fn identity(kind: u8, user: &str, passcode: &str) -> Vec<u8> {
    let length = |text: &str| u16::try_from(text.len()).expect("short").to_be_bytes();
    let (first, second) = (length(user), length(passcode));
    [&[kind, 1], &first[..], user.as_bytes(), &second, passcode.as_bytes()].concat()
}

/// The passcode of CT03, which must never be seen.
const PASSCODE: &str = "s3cret-of-room-3";

/// A gate that knows four modalities, each by something else.
struct Site {
    gate: Gate,
    ct04: Issued,
    ct05: Issued,
    authority: Authority,
    port: u16,
}

fn site(sink: &Sink) -> Site {
    let port = ports::free();
    let authority = Authority::new("hospital");
    let issue = |name: &str, san: &str| {
        authority.issue(Order { common_name: name, names: &[san], expired: false })
    };
    let (own, ct04, ct05) =
        (issue("gate", "127.0.0.1"), issue("CT04", "ct04.example"), issue("CT04", "ct05.example"));
    let configuration = Configuration::new().section(&format!(
        "[[source]]\naet = \"CT01\"\nhosts = \"127.0.0.1\"\n\
         [[source]]\naet = \"CT02\"\nhosts = \"127.0.0.2\"\n\
         [[source]]\naet = \"CT03\"\nhosts = \"127.0.0.0/8\"\nuser = \"room3\"\npasscode_file = \"passcode\"\n\
         [[source]]\naet = \"CT04\"\nhosts = \"127.0.0.0/8\"\ncertificate = \"ct04.example\"\n\
         [gate.tls]\nlisten = \"127.0.0.1:{port}\"\ncertificate = \"gate.pem\"\nkey = \"gate.key\"\ntrust = \"ca.pem\"\n"
    ));
    let mut gate = Gate::lay(&configuration.pacs(sink));
    for (name, text) in [
        ("gate.pem", own.certificate.as_str()),
        ("gate.key", &own.key),
        ("ca.pem", &authority.certificate),
        ("passcode", &format!("{PASSCODE}\n")),
    ] {
        let file = gate.folder().join(name);
        std::fs::write(&file, text).expect("a folder of ours");
        std::fs::set_permissions(&file, PermissionsExt::from_mode(0o600)).expect("ours");
    }
    gate.restart();
    Site { gate, ct04, ct05, authority, port }
}

#[test]
fn ae_gate() {
    let sink = Sink::up();
    let mut site = site(&sink);
    let tunnel = |shown| Tunnel::to(site.port, &TLS13, &site.authority.certificate, Some(shown));
    let (own, others) = (tunnel(&site.ct04), tunnel(&site.ct05));
    let plain = Caller {
        what: "CT01",
        from: 1,
        port: site.gate.port(),
        calling: "CT01",
        called: "MARKGATE",
        identity: None,
    };
    let right = identity(2, "room3", PASSCODE);
    let ct03 = Caller { calling: "CT03", ..plain };
    let ct04 = Caller { calling: "CT04", ..plain };
    let lawful = [
        (Caller { what: "title and address", ..plain }, false),
        (Caller { what: "padding before the title", calling: " CT01", ..plain }, false),
        (Caller { what: "from its own address", from: 2, calling: "CT02", ..plain }, false),
        (Caller { what: "with its user", identity: Some(&right), ..ct03 }, true),
        (Caller { what: "with its certificate", port: own.port(), ..ct04 }, false),
        (Caller { what: "an identity nobody asks for", identity: Some(&right), ..plain }, false),
    ];
    for (caller, identified) in lawful {
        assert_eq!(caller.ask(), Heard::Accepted { identified }, "{}", caller.what);
    }

    let unknown = Heard::Rejected(1, 1, 3);
    let elsewhere = Heard::Rejected(1, 1, 7);
    let nobody = Heard::Rejected(1, 1, 1);
    let wrong_passcode = identity(2, "room3", "s3cret-of-room-4");
    let shorter = identity(2, "room3", "s3cret-of-room-");
    let no_passcode = identity(1, "room3", "");
    let empty_passcode = identity(2, "room3", "");
    let wrong_user = identity(2, "room4", PASSCODE);
    let other_case = identity(2, "ROOM3", PASSCODE);
    let kerberos = identity(3, "room3", PASSCODE);
    let saml = identity(4, "room3", PASSCODE);
    let jwt = identity(5, "room3", PASSCODE);
    let titled = |what, calling| (Caller { what, calling, ..plain }, &unknown);
    let called = |what, called| (Caller { what, called, ..plain }, &elsewhere);
    let named = |what, identity| (Caller { what, identity: Some(identity), ..ct03 }, &nobody);
    let strangers = [
        titled("an unknown title", "STRANGER"),
        titled("a tool's own title", "ECHOSCU"),
        titled("the gate's own title", "MARKGATE"),
        (
            Caller { what: "the title of a destination", from: 2, calling: "PACS", ..plain },
            &unknown,
        ),
        titled("another case", "ct01"),
        titled("another case in part", "Ct01"),
        titled("a title cut short", "CT0"),
        titled("a longer title", "CT011"),
        titled("a space within", "CT 01"),
        titled("a NUL within", "CT01\0X"),
        titled("a control character", "CT\t01"),
        titled("a backslash", "CT01\\CT02"),
        titled("the sign for any title", "*"),
        titled("no title", ""),
        (Caller { what: "a known title from elsewhere", from: 2, ..plain }, &unknown),
        (Caller { what: "another's title", calling: "CT02", ..plain }, &unknown),
        (Caller { what: "another address", from: 3, calling: "CT02", ..plain }, &unknown),
        called("a wrong called title", "OTHER"),
        called("its other case", "markgate"),
        called("a longer one", "MARKGATE2"),
        called("no called title", ""),
        (Caller { what: "no user", ..ct03 }, &nobody),
        named("a wrong passcode", &wrong_passcode[..]),
        named("a passcode cut short", &shorter),
        named("no passcode", &no_passcode),
        named("an empty passcode", &empty_passcode),
        named("a wrong user", &wrong_user),
        named("the user in another case", &other_case),
        named("Kerberos", &kerberos),
        named("SAML", &saml),
        named("JWT", &jwt),
        named("an identity that does not add up", &right[..9]),
        (Caller { what: "no TLS where a certificate is asked for", ..ct04 }, &unknown),
        (Caller { what: "the certificate of another", port: others.port(), ..ct04 }, &unknown),
        (
            Caller {
                what: "a good certificate, another title",
                port: own.port(),
                calling: "CT05",
                ..plain
            },
            &unknown,
        ),
    ];
    let heard: Vec<(Heard, Duration)> = std::thread::scope(|scope| {
        let asked: Vec<_> = strangers
            .iter()
            .map(|(caller, _)| {
                scope.spawn(|| {
                    let begun = Instant::now();
                    (caller.ask(), begun.elapsed())
                })
            })
            .collect();
        asked.into_iter().map(|asked| asked.join().expect("no caller panics")).collect()
    });
    let mut admitted = 0;
    for ((caller, want), (heard, after)) in strangers.iter().zip(&heard) {
        admitted += usize::from(matches!(heard, Heard::Accepted { .. }));
        assert_eq!(heard, *want, "{}", caller.what);
        assert!(*after >= Duration::from_millis(990), "{} after {after:?}", caller.what);
    }
    let slowest = heard.iter().map(|(_, after)| *after).max().unwrap_or_default();
    figure(
        "R13",
        "ae_gate",
        format_args!(
            "{} strangers, {admitted} admitted; told after 1 s, the last after {slowest:.1?}",
            strangers.len()
        ),
    );
    assert_eq!(plain.ask(), Heard::Accepted { identified: false }, "strangers hold nobody's place");

    site.gate.terminate();
    site.gate.end();
    let log = site.gate.log();
    let lines = log.lines().filter(|line| line.contains("association rejected"));
    let of_one = lines.filter(|line| line.contains("peer=127.0.0.1:")).count();
    assert_eq!(of_one, 5, "{log}");
    assert!(log.contains("left_out="), "{log}");
    assert!(!log.contains("s3cret"), "{log}");
}

#[test]
fn strangers_beyond_number_get_no_answer_and_take_no_place() {
    let sink = Sink::up();
    let site = site(&sink);
    let caller = Caller {
        what: "one of many",
        from: 1,
        port: site.gate.port(),
        calling: "STRANGER",
        called: "MARKGATE",
        identity: None,
    };
    let heard: Vec<Heard> = std::thread::scope(|scope| {
        let asked: Vec<_> = (0..200).map(|_| scope.spawn(|| caller.ask())).collect();
        let lawful = Caller { calling: "CT01", ..caller };
        assert_eq!(lawful.ask(), Heard::Accepted { identified: false });
        asked.into_iter().map(|asked| asked.join().expect("no caller panics")).collect()
    });
    let answered = heard.iter().filter(|heard| **heard == Heard::Rejected(1, 1, 3)).count();
    let silent = heard.iter().filter(|heard| **heard == Heard::Nothing).count();
    assert_eq!(answered + silent, 200, "{heard:?}");
    assert!(answered >= 64, "{answered}");
    figure(
        "R13",
        "strangers_at_once",
        format_args!("200 at once: {answered} rejected, {silent} without an answer, 0 admitted"),
    );
}

#[test]
fn dcmtk_gives_its_user_and_is_told_that_it_was_taken() {
    let sink = Sink::up();
    let site = site(&sink);
    let object = crate::support::dataset::Object::chest_ct(702, 1);
    let sent = |passcode: &str| {
        let options = ["-usr", "room3", "-pwd", passcode, "-rsp"];
        peers::storescu(site.gate.port(), "CT03", &[object.file()], &options).status.success()
    };
    assert!(!sent("wrong"));
    assert!(sent(PASSCODE));
    sink.wait_for(1);
    let shown = site.gate.done(&["config", "show"]);
    assert!(shown.contains("user = \"room3\"") && !shown.contains(PASSCODE), "{shown}");
}

/// An address of this machine under which others could call, if it has one. Nothing is sent for it.
fn outward() -> Option<Ipv4Addr> {
    let socket = UdpSocket::bind("0.0.0.0:0").ok()?;
    socket.connect("192.0.2.1:9").ok()?;
    match socket.local_addr().ok()?.ip() {
        std::net::IpAddr::V4(address) if !address.is_loopback() => Some(address),
        std::net::IpAddr::V4(_) | std::net::IpAddr::V6(_) => None,
    }
}

#[test]
fn default_config_admits_nobody() {
    let sink = Sink::up();
    let gate = Gate::start(&Configuration::new().pacs(&sink));
    let verification = [Context::proposed(1, VERIFICATION, &[IMPLICIT_LE])];
    let ask = |port| Sender::connect(port, "ANY", "MARKGATE", &verification).map(|_| ());
    assert_eq!(ask(gate.port()), Ok(()), "from this machine");
    let Some(address) = outward() else {
        figure("R13", "default_config_admits_nobody", "not tried: no address but loopback");
        return;
    };
    assert!(TcpStream::connect((address, gate.port())).is_err(), "it listens on loopback alone");

    let open = Gate::start(&Configuration::new().listen("0.0.0.0").pacs(&sink));
    let stranger = |calling: &str| {
        let mut stream = TcpStream::connect((address, open.port())).expect("a connection");
        let request = Associate {
            called: "MARKGATE".to_owned(),
            calling: calling.to_owned(),
            contexts: verification.to_vec(),
            max_pdu: 16 << 10,
        };
        wire::write_pdu(&mut stream, wire::ASSOCIATE_RQ, &request.encode(wire::ASSOCIATE_RQ))
            .expect("written");
        wire::read_pdu(&mut stream).map(|pdu| (pdu.kind, pdu.body)).expect("an answer")
    };
    let titles = ["ANY", "CT01", "PACS"];
    for calling in titles {
        assert_eq!(stranger(calling), (wire::ASSOCIATE_RJ, vec![0, 1, 1, 3]), "{calling}");
    }
    until("the log says why", || open.log().contains("only callers from this machine"));
    assert_ne!(ask(open.port()), Err(Refusal::Closed));
    figure(
        "R13",
        "default_config_admits_nobody",
        format_args!("{} strangers, 0 admitted", titles.len()),
    );
}
