use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

use super::*;
use crate::dimse::fault::Stranger;
use certificates::{Authority, Issued, Order};

#[path = "../../tests/it/support/certificates.rs"]
mod certificates;

const SOON: Duration = Duration::from_secs(30);

fn anchors(authority: &Authority) -> Vec<Certificate> {
    material::anchors(authority.certificate.as_bytes()).expect("an anchor")
}

fn identity(issued: &Issued) -> Identity {
    let chain = material::certificates(issued.certificate.as_bytes()).expect("a certificate");
    Identity::new(&chain, issued.key.as_bytes()).expect("a pair")
}

fn gate(authority: &Authority) -> Issued {
    authority.issue(Order { common_name: "gate", names: &["127.0.0.1"], ..Order::default() })
}

fn modality(authority: &Authority) -> Issued {
    authority.issue(Order { common_name: "CT01", ..Order::default() })
}

fn server(authority: &Authority, revoked: &[&Issued], clients: Clients) -> Server {
    let revoked = match revoked {
        [] => Vec::new(),
        some => material::revocation_lists(authority.revoke(some).as_bytes()).expect("a list"),
    };
    let side = ServerSide::new(&identity(&gate(authority)), &anchors(authority), &revoked, clients);
    Server::new(side.expect("a side"))
}

fn client(name: &str, shown: Option<&Issued>, trust: &Authority) -> Client {
    let shown = shown.map(identity);
    Client::new(ClientSide::new(name, shown.as_ref(), &anchors(trust), &[]).expect("a side"))
}

/// Both ends of one connection: what the server makes of it, and what the client does once it has said and heard a byte.
async fn meet(server: &Server, client: &Client) -> (Result<Stream, Fault>, Result<u8, Fault>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("bound");
    let until = Instant::now() + SOON;
    let accepting = async {
        let (tcp, _) = listener.accept().await.expect("a connection");
        let mut stream = server.accept(tcp, until).await?;
        let byte = stream.read_u8().await.expect("a byte");
        stream.write_u8(byte + 1).await.expect("written");
        stream.flush().await.expect("flushed");
        Ok(stream)
    };
    let calling = async {
        let tcp = TcpStream::connect(address).await.expect("a connection");
        let mut stream = client.connect(tcp, until).await?;
        stream.write_u8(6).await.map_err(Fault::of_io)?;
        stream.flush().await.map_err(Fault::of_io)?;
        stream.read_u8().await.map_err(Fault::of_io)
    };
    tokio::join!(accepting, calling)
}

async fn check_refused(server: &Server, client: &Client, want: &TlsFault) {
    let (accepted, answered) = meet(server, client).await;
    match accepted {
        Err(Fault::Tls(found)) => assert_eq!(found, *want),
        other => panic!("{other:?} in place of {want:?}"),
    }
    assert!(answered.is_err(), "{answered:?}");
}

#[tokio::test]
async fn a_modality_with_a_good_certificate_is_let_in_and_known_by_its_names() {
    let authority = Authority::new("hospital");
    let names = ["CT01.Hospital.example", "10.1.2.3", "urn:ct:01"];
    let shown = authority.issue(Order { common_name: "CT01", names: &names, expired: false });
    let (accepted, answered) = meet(
        &server(&authority, &[], Clients::Required),
        &client("127.0.0.1", Some(&shown), &authority),
    )
    .await;
    assert_eq!(answered.expect("an answer"), 7);
    let accepted = accepted.expect("a stream");
    assert_eq!(accepted.version(), Some("TLS 1.3"));
    let certificate = accepted.certificate().expect("a certificate");
    let (fingerprint, names) = certificate.names.split_last().expect("names");
    assert_eq!(names, ["ct01.hospital.example", "10.1.2.3", "urn:ct:01"], "not the Common Name");
    assert!(fingerprint.len() == 71 && fingerprint.starts_with("sha256:"), "{fingerprint}");
}

#[tokio::test]
async fn the_common_name_counts_where_there_is_no_other() {
    let authority = Authority::new("hospital");
    let shown = modality(&authority);
    let (accepted, _) = meet(
        &server(&authority, &[], Clients::Optional),
        &client("127.0.0.1", Some(&shown), &authority),
    )
    .await;
    let certificate = accepted.expect("a stream").certificate().expect("a certificate");
    assert_eq!(certificate.names[0], "CT01");
}

#[tokio::test]
async fn a_name_that_looks_like_a_fingerprint_is_none() {
    let authority = Authority::new("hospital");
    let others = format!("sha256:{}", "ab".repeat(32));
    let disguised = others.replace("sha", "SHA");
    let names = [others.as_str(), disguised.as_str(), "ct01.hospital.example"];
    let alternative = Order { common_name: "CT01", names: &names, ..Order::default() };
    let common = Order { common_name: &others, ..Order::default() };
    for (order, want) in [(alternative, &["ct01.hospital.example"][..]), (common, &[])] {
        let shown = authority.issue(order);
        let server = server(&authority, &[], Clients::Required);
        let (accepted, _) = meet(&server, &client("127.0.0.1", Some(&shown), &authority)).await;
        let certificate = accepted.expect("a stream").certificate().expect("a certificate");
        let (fingerprint, names) = certificate.names.split_last().expect("names");
        assert_eq!(names, want);
        assert!(fingerprint.starts_with("sha256:") && *fingerprint != others, "{fingerprint}");
    }
}

#[tokio::test]
async fn a_certificate_is_refused_by_its_cause() {
    let (authority, other) = (Authority::new("hospital"), Authority::new("elsewhere"));
    let required = server(&authority, &[], Clients::Required);
    let (foreign, good) = (modality(&other), modality(&authority));
    let expired = authority.issue(Order { common_name: "CT01", expired: true, ..Order::default() });
    let showing = |shown: Option<&Issued>| client("127.0.0.1", shown, &authority);
    check_refused(&required, &showing(None), &TlsFault::NoCertificate).await;
    check_refused(&required, &showing(Some(&foreign)), &TlsFault::UnknownIssuer).await;
    check_refused(&required, &showing(Some(&expired)), &TlsFault::Expired).await;
    let revoking = server(&authority, &[&good], Clients::Required);
    check_refused(&revoking, &showing(Some(&good)), &TlsFault::Revoked).await;
    let (accepted, _) = meet(&revoking, &showing(Some(&modality(&authority)))).await;
    assert!(accepted.is_ok(), "another of the same issuer is good: {accepted:?}");
}

#[tokio::test]
async fn without_a_certificate_nobody_is_known_where_none_is_required() {
    let authority = Authority::new("hospital");
    for clients in [Clients::Optional, Clients::None] {
        let server = server(&authority, &[], clients);
        let (accepted, answered) = meet(&server, &client("127.0.0.1", None, &authority)).await;
        assert_eq!(answered.expect("an answer"), 7);
        assert_eq!(accepted.expect("a stream").certificate(), None);
    }
}

#[tokio::test]
async fn a_destination_must_bear_the_name_it_is_called_by_and_a_known_issuer() {
    let (authority, other) = (Authority::new("hospital"), Authority::new("elsewhere"));
    let server = server(&authority, &[], Clients::None);
    let (_, answered) = meet(&server, &client("pacs.example", None, &authority)).await;
    let wrong = TlsFault::WrongName {
        wanted: "pacs.example".to_owned(),
        presented: "IpAddress(127.0.0.1)".to_owned(),
    };
    assert!(matches!(answered, Err(Fault::Tls(found)) if found == wrong), "{wrong:?}");
    let (_, answered) = meet(&server, &client("127.0.0.1", None, &other)).await;
    assert!(matches!(answered, Err(Fault::Tls(TlsFault::UnknownIssuer))), "{answered:?}");
}

#[tokio::test]
async fn a_refused_certificate_of_ours_is_told_by_the_peers_alert() {
    let (authority, other) = (Authority::new("hospital"), Authority::new("elsewhere"));
    let required = server(&authority, &[], Clients::Required);
    let (_, answered) =
        meet(&required, &client("127.0.0.1", Some(&modality(&other)), &authority)).await;
    let told = TlsFault::Refused("it does not know the issuer of our certificate");
    assert!(matches!(&answered, Err(Fault::Tls(found)) if *found == told), "{answered:?}");
}

#[tokio::test]
async fn what_is_replaced_counts_for_the_next_connection() {
    let authority = Authority::new("hospital");
    let shown = modality(&authority);
    let held = server(&authority, &[], Clients::Required);
    let calling = client("127.0.0.1", Some(&shown), &authority);
    let (accepted, _) = meet(&held, &calling).await;
    let mut open = accepted.expect("a stream");
    held.replace((*server(&authority, &[&shown], Clients::Required).0.load_full()).clone());
    check_refused(&held, &calling, &TlsFault::Revoked).await;
    open.write_u8(1).await.expect("the open connection goes on");
}

#[tokio::test]
async fn whoever_speaks_something_else_is_named_and_hears_nothing() {
    let authority = Authority::new("hospital");
    let server = server(&authority, &[], Clients::Required);
    let cases: [(&[u8], Fault); 4] = [
        (&[1, 0, 0, 0, 0, 68], Stranger::NoTls.into()),
        (b"GET / HTTP/1.1\r\n", Stranger::Http.into()),
        (b"SSH-2.0-x\r\n", Stranger::Ssh.into()),
        (&[0x80, 0x2E, 1, 0, 2], TlsFault::Version.into()),
    ];
    for (said, want) in cases {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let mut peer =
            TcpStream::connect(listener.local_addr().expect("bound")).await.expect("a connection");
        peer.write_all(said).await.expect("written");
        let (tcp, _) = listener.accept().await.expect("a connection");
        let found = server.accept(tcp, Instant::now() + SOON).await.expect_err("refused");
        assert_eq!(found.to_string(), want.to_string());
        let mut heard = Vec::new();
        // Unread bytes make the close a reset, which is as silent.
        drop(peer.read_to_end(&mut heard).await);
        assert_eq!(heard, b"");
    }
}

#[tokio::test]
async fn a_handshake_has_to_be_done_in_time() {
    let authority = Authority::new("hospital");
    let server = server(&authority, &[], Clients::Required);
    for said in [&b""[..], &[0x16, 3, 1, 2, 0, 1]] {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let mut peer =
            TcpStream::connect(listener.local_addr().expect("bound")).await.expect("a connection");
        peer.write_all(said).await.expect("written");
        let (tcp, _) = listener.accept().await.expect("a connection");
        let until = Instant::now() + Duration::from_millis(50);
        let found = server.accept(tcp, until).await.expect_err("too late");
        assert!(matches!(found, Fault::Timeout(Timer::Artim)), "{found}");
    }
}

#[test]
fn keys_and_certificates_that_will_not_do_are_told_apart() {
    let authority = Authority::new("hospital");
    let (one, other) = (modality(&authority), modality(&authority));
    let chain = material::certificates(one.certificate.as_bytes()).expect("a certificate");
    let check = |key: &str, want: BadMaterial| {
        assert_eq!(Identity::new(&chain, key.as_bytes()).expect_err("bad"), want);
    };
    check(&other.key, BadMaterial::KeyMismatch);
    check("", BadMaterial::Nothing("private key"));
    check(
        "-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----\n",
        BadMaterial::Encrypted,
    );
    assert_eq!(material::certificates(b"nothing"), Err(BadMaterial::Nothing("certificate")));
    let garbage = b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    assert_eq!(material::certificates(garbage), Err(BadMaterial::Unreadable("certificate")));
    assert_eq!(
        material::revocation_lists(one.certificate.as_bytes()),
        Err(BadMaterial::Nothing("revocation list"))
    );
    assert_eq!(
        ClientSide::new("no name", None, &anchors(&authority), &[]).expect_err("bad"),
        BadMaterial::ServerName
    );
}
