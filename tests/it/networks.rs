//! Addresses of both families, and of more than one network: a source is known by where it calls from.

use crate::support::figure::figure;
use crate::support::gate::{Configuration, Gate};
use crate::support::siege::{Heard, listen, request};
use crate::support::sink::Sink;
use crate::support::wire;
use socket2::{Domain, Socket, Type};
use std::net::{IpAddr, SocketAddr, TcpStream};

/// What a caller from `from` hears when it asks `to` for an association.
#[track_caller]
fn call(from: &str, to: &str, port: u16) -> Heard {
    let [from, to] = [from, to].map(|text| text.parse::<IpAddr>().expect("an address"));
    let domain = if to.is_ipv6() { Domain::IPV6 } else { Domain::IPV4 };
    let socket = Socket::new(domain, Type::STREAM, None).expect("a socket");
    socket.bind(&SocketAddr::new(from, 0).into()).expect("an address of this machine");
    socket.connect(&SocketAddr::new(to, port).into()).expect("the gate listens there");
    let mut stream = TcpStream::from(socket);
    let body = request().encode(wire::ASSOCIATE_RQ);
    wire::write_pdu(&mut stream, wire::ASSOCIATE_RQ, &body).expect("the gate reads");
    listen(&mut stream)
}

#[test]
fn a_source_is_told_by_its_address_in_both_families_and_on_every_network() {
    let rejected = Heard::Rejected(1, 1, 3);
    let mut calls = 0;
    for (listen_at, hosts, cases) in [
        ("[::1]", r#"["::1"]"#, &[("::1", "::1", Heard::Accepted)][..]),
        ("[::1]", r#"["127.0.0.1"]"#, &[("::1", "::1", rejected)]),
        (
            "0.0.0.0",
            r#"["127.0.0.2"]"#,
            &[
                ("127.0.0.2", "127.0.0.1", Heard::Accepted),
                ("127.0.0.2", "127.0.0.3", Heard::Accepted),
                ("127.0.0.4", "127.0.0.1", rejected),
            ],
        ),
        // One socket for both families: an IPv4 caller is known by its IPv4 address.
        (
            "[::]",
            r#"["127.0.0.2", "::1"]"#,
            &[
                ("::1", "::1", Heard::Accepted),
                ("127.0.0.2", "127.0.0.1", Heard::Accepted),
                ("127.0.0.4", "127.0.0.1", rejected),
            ],
        ),
    ] {
        let sink = Sink::up();
        let source = format!("[[source]]\naet = \"CT01\"\nhosts = {hosts}\n");
        let configuration = Configuration::new().listen(listen_at).section(&source);
        let gate = Gate::start(&configuration.pacs(&sink));
        for (from, to, want) in cases {
            let heard = call(from, to, gate.port());
            assert_eq!(heard, *want, "listening at {listen_at} for {hosts}: {from} to {to}");
            calls += 1;
        }
    }
    figure(
        "R13",
        "ipv6_and_two_nics",
        format_args!(
            "{calls}/{calls} callers told apart by address: IPv6, IPv4, both on one socket, several networks"
        ),
    );
}
