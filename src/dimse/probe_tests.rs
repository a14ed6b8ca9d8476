use tokio::net::TcpListener;

use super::*;
use crate::dimse::acceptor::Requested;
use crate::dimse::negotiate::{ContextAnswer, Terms, negotiate};
use crate::dimse::testing::{EXPLICIT, proposed, title};

/// Answers `associations` associations, accepting Verification and the classes whose last component is even.
async fn serve(listener: TcpListener, associations: usize) -> Vec<usize> {
    let mut sizes = Vec::new();
    for _ in 0..associations {
        let (stream, _) = listener.accept().await.expect("a connection");
        let requested = Requested::receive(stream, Timers::default()).await.expect("a request");
        sizes.push(requested.rq().presentation_contexts.len());
        let terms = Terms::new(vec![title("PACS")]);
        let even = |_, class: &str, syntaxes: &[String]| match syntaxes.first() {
            Some(syntax) if class == VERIFICATION || class.ends_with(['0', '2', '4', '6', '8']) => {
                ContextAnswer::Accept(syntax.clone())
            }
            _ => ContextAnswer::AbstractSyntaxNotSupported,
        };
        let (negotiated, ()) =
            negotiate(requested.rq(), &terms, &|_, _| Ok(()), &even).expect("agreed");
        let mut association = requested.accept(negotiated).await.expect("an association");
        while let Some(message) = association.next().await.expect("a message") {
            association.respond(&message, &Status::SUCCESS.into()).await.expect("taken");
        }
    }
    sizes
}

#[tokio::test]
async fn what_a_peer_takes_is_found_in_as_many_associations_as_it_needs() {
    for (count, batches) in [(0, vec![1]), (127, vec![128]), (300, vec![128, 128, 47])] {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let (called, calling) = (title("PACS"), title("MARKGATE"));
        let peer = Peer { host: "127.0.0.1".into(), port, called, calling, tls: None };
        let asked: Vec<_> = (0..count).map(|n| proposed(&format!("1.2.3.{n}"), EXPLICIT)).collect();
        let timers = Timers::default();
        let (sizes, findings) =
            tokio::join!(serve(listener, batches.len()), probe(&peer, &asked, &timers));
        let findings = findings.expect("findings");
        assert_eq!(sizes, batches);
        assert_eq!(findings.echo, Some(Status::SUCCESS));
        assert_eq!(findings.max_pdu, crate::dimse::DEFAULT_MAX_PDU);
        let want: BTreeSet<_> = asked.into_iter().step_by(2).collect();
        assert_eq!(findings.taken, want);
    }
}

#[tokio::test]
async fn a_peer_that_is_not_there_is_a_fault() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let port = listener.local_addr().expect("an address").port();
    drop(listener);
    let (called, calling) = (title("PACS"), title("MARKGATE"));
    let peer = Peer { host: "127.0.0.1".into(), port, called, calling, tls: None };
    let fault = probe(&peer, &[], &Timers::default()).await.expect_err("nobody there");
    assert!(matches!(fault, Fault::Connect(_)), "{fault:?}");
}
