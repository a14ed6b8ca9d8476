//! The pages over real sockets, with a service of known answers.

use std::os::unix::fs::PermissionsExt;
use std::sync::Arc;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpStream, UnixStream};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use super::client::{Client, ClientFault, Place, segment};
use super::fixture::{Known, entry};
use super::model::*;
use super::*;

struct Running {
    address: std::net::SocketAddr,
    service: Arc<Known>,
    stop: oneshot::Sender<()>,
    task: JoinHandle<()>,
}

async fn stopped(stopping: oneshot::Receiver<()>) {
    stopping.await.unwrap_or_default();
}

async fn run() -> Running {
    let listener = Listener::tcp("127.0.0.1:0".parse().expect("an address")).await;
    let listener = listener.expect("a free port");
    let address = listener.address().expect("a TCP address");
    let service = Arc::new(Known::default());
    let (stop, stopping) = oneshot::channel();
    let task = tokio::spawn(serve(listener, Arc::clone(&service), stopped(stopping)));
    Running { address, service, stop, task }
}

async fn exchange(
    mut stream: impl tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin,
    request: &str,
) -> String {
    stream.write_all(request.as_bytes()).await.expect("the request is sent");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.expect("the answer is text");
    answer
}

/// Status line's code and body of the answer to a request with `Host: localhost`.
async fn ask(running: &Running, method: &str, path: &str, body: &str) -> (String, String) {
    let request = format!(
        "{method} {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    let stream = TcpStream::connect(running.address).await.expect("a connection");
    let answer = exchange(stream, &request).await;
    let (head, body) = answer.split_once("\r\n\r\n").expect("head and body");
    (head.get(9..12).unwrap_or_default().to_owned(), body.to_owned())
}

#[tokio::test]
async fn each_page_answers_in_its_shape() {
    let running = run().await;
    for (path, status, want) in [
        ("/healthz", "200", r#"{"ok":true,"problems":[]}"#),
        ("/readyz", "503", r#"{"ok":false,"problems":["the spool is full"]}"#),
        ("/metrics", "200", "# EOF\n"),
        ("/api/v1/conformance", "200", "# DICOM Conformance Statement\n"),
        ("/api/v1/instances/1.2/preview", "200", "after"),
        ("/api/v1/instances/1.2/preview?state=before", "200", "before"),
        (
            "/api/v1/instances/1.3/preview",
            "404",
            r#"{"error":"NOT_FOUND","message":"there is no instance 1.3"}"#,
        ),
        (
            "/api/v1/queue",
            "200",
            r#"[{"id":"1@pacs","object":"1","sop_instance_uid":"1.2.3","study_instance_uid":null,"destination":"pacs","state":"deferred","attempts":2,"last_error":"connection refused","received":"1970-01-01T00:00:00Z","next_attempt":null}]"#,
        ),
        (
            "/api/v1/quarantine?all=true&limit=5",
            "200",
            r#"[{"id":"2","sop_instance_uid":"1.2.4","sop_class_uid":null,"series_instance_uid":null,"study_instance_uid":"1.2","state":"held","reasons":["PAT-001"],"calling_aet":"CT01","received":"1970-01-01T00:00:00Z","settled":null,"settled_by":null,"settled_reason":null}]"#,
        ),
        (
            "/api/v1/ledger",
            "200",
            r#"{"received":3,"delivered":1,"held":1,"rejected":0,"in_flight":0,"refused":0,"suppressed":0,"balanced":false,"days":[{"day":"2026-05-01","source":"CT01","received":3,"delivered":1,"held":1,"rejected":0,"in_flight":0,"refused":0,"suppressed":0}]}"#,
        ),
        (
            "/api/v1/statistics",
            "200",
            r#"{"marked":{"JJJHR":3},"unmarked":{},"findings":{},"shadow":{"A-1":[{"unit":"object","applied":7,"withheld":2}]}}"#,
        ),
    ] {
        let got = ask(&running, "GET", path, "").await;
        assert_eq!(got, (status.to_owned(), want.to_owned()), "{path}");
    }
    let asked = running.service.asked.lock().expect("a lock").clone();
    assert_eq!(asked, ["queue 10000", "quarantine true 5"]);
}

#[tokio::test]
async fn every_failure_is_json_with_a_code() {
    let running = run().await;
    for (method, path, body, status, want) in [
        (
            "GET",
            "/nowhere",
            "",
            "404",
            r#"{"error":"NOT_FOUND","message":"there is no page /nowhere"}"#,
        ),
        (
            "POST",
            "/api/v1/peers/nobody/echo",
            "",
            "404",
            r#"{"error":"NOT_FOUND","message":"there is no destination nobody"}"#,
        ),
        (
            "GET",
            "/api/v1/system",
            "",
            "503",
            r#"{"error":"UNAVAILABLE","message":"the gate cannot answer now: stopping"}"#,
        ),
        (
            "POST",
            "/api/v1/quarantine/1.2.3/release",
            "",
            "409",
            r#"{"error":"CONFLICT","message":"1.2.3 is already released"}"#,
        ),
        (
            "POST",
            "/api/v1/quarantine/1.2.3/fix",
            "",
            "501",
            r#"{"error":"NOT_IN_THIS_VERSION","message":"not in this version; mend the object at its source and send it again, or release it as it is"}"#,
        ),
        (
            "DELETE",
            "/api/v1/queue",
            "",
            "405",
            r#"{"error":"METHOD_NOT_ALLOWED","message":"this page does not take that method"}"#,
        ),
        (
            "POST",
            "/api/v1/queue/ALL/retry",
            "{\"why\":1}",
            "400",
            r#"{"error":"BAD_REQUEST","message":"the body is JSON with by, reason and destination, all of them optional"}"#,
        ),
        (
            "GET",
            "/api/v1/queue?limit=many",
            "",
            "400",
            r#"{"error":"BAD_REQUEST","message":"a list takes limit=NUMBER and all=true|false"}"#,
        ),
        (
            "POST",
            "/api/v1/queue/ALL/burn",
            "",
            "404",
            r#"{"error":"NOT_FOUND","message":"there is no action burn"}"#,
        ),
    ] {
        let got = ask(&running, method, path, body).await;
        assert_eq!(got, (status.to_owned(), want.to_owned()), "{method} {path}");
    }
    let (status, body) = ask(&running, "GET", "/api/v1/openapi.json", "").await;
    assert_eq!(status, "501");
    assert!(body.contains("NOT_IN_THIS_VERSION"), "{body}");
    assert_eq!(
        ask(&running, "GET", "/api/v1/studies", "").await,
        ("200".to_owned(), "[]".to_owned())
    );
    assert_eq!(ask(&running, "GET", "/api/v1/studies/1.2", "").await.0, "404");
    assert_eq!(ask(&running, "POST", "/api/v1/bypass", "").await.0, "400");
    let order = r#"{"on":true,"for":"2h","by":"lin","reason":"repair"}"#;
    assert_eq!(ask(&running, "POST", "/api/v1/bypass", order).await.0, "200");
}

#[tokio::test]
async fn an_action_reaches_the_service_with_who_and_why() {
    let running = run().await;
    let body = r#"{"by":"li","reason":"seen"}"#;
    let got = ask(&running, "POST", "/api/v1/queue/1%40pacs/hold", body).await;
    assert_eq!(got, ("200".to_owned(), r#"{"changed":1}"#.to_owned()));
    ask(&running, "POST", "/api/v1/queue/ALL/retry", "").await;
    ask(&running, "POST", "/api/v1/queue/flush", r#"{"destination":"pacs"}"#).await;
    let asked = running.service.asked.lock().expect("a lock").clone();
    assert_eq!(
        asked,
        [
            r#"1@pacs Hold Deed { by: Some("li"), reason: Some("seen"), destination: None }"#,
            "ALL Retry Deed { by: None, reason: None, destination: None }",
            r#"flush Some("pacs")"#,
        ]
    );
}

#[tokio::test]
async fn a_page_of_another_site_is_refused_and_health_is_not() {
    let running = run().await;
    for (path, headers, status) in [
        ("/api/v1/queue", "Host: evil.example", "403"),
        ("/", "Host: evil.example", "403"),
        ("/nowhere", "Host: evil.example", "403"),
        ("/api/v1/queue", "Host: localhost\r\nOrigin: http://evil.example", "403"),
        ("/healthz", "Host: evil.example", "200"),
        ("/", "Host: localhost", "200"),
    ] {
        let request = format!("GET {path} HTTP/1.1\r\n{headers}\r\nConnection: close\r\n\r\n");
        let stream = TcpStream::connect(running.address).await.expect("a connection");
        let answer = exchange(stream, &request).await;
        assert!(answer.starts_with(&format!("HTTP/1.1 {status}")), "{path} {headers}: {answer}");
        assert!(answer.contains("x-content-type-options: nosniff"), "{answer}");
    }
}

#[tokio::test]
async fn on_an_open_address_nothing_but_health_answers() {
    let listener = Listener::tcp("0.0.0.0:0".parse().expect("an address")).await;
    let listener = listener.expect("a free port");
    let port = listener.address().expect("a TCP address").port();
    let address = std::net::SocketAddr::from(([127, 0, 0, 1], port));
    let service = Arc::new(Known::default());
    let (stop, stopping) = oneshot::channel();
    let task = tokio::spawn(serve(listener, Arc::clone(&service), stopped(stopping)));
    let running = Running { address, service, stop, task };
    assert_eq!(ask(&running, "GET", "/healthz", "").await.0, "200");
    for path in ["/", "/readyz", "/metrics", "/api/v1/queue"] {
        assert_eq!(ask(&running, "GET", path, "").await.0, "403", "{path}");
    }
}

#[tokio::test]
async fn a_body_without_end_is_cut_off() {
    let running = run().await;
    let body = "x".repeat(1 << 20);
    let got = ask(&running, "POST", "/api/v1/queue/flush", &body).await;
    let want = r#"{"error":"PAYLOAD_TOO_LARGE","message":"Payload Too Large"}"#;
    assert_eq!(got, ("413".to_owned(), want.to_owned()));
}

#[tokio::test]
async fn the_control_socket_is_private_and_replaces_a_dead_gate_s() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = control_socket(folder.path());
    drop(Listener::control(&path).expect("a first socket"));
    let listener = Listener::control(&path).expect("a second socket");
    let mode = std::fs::metadata(&path).expect("the socket").permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let (stop, stopping) = oneshot::channel();
    let task = tokio::spawn(serve(listener, Arc::new(Known::default()), stopped(stopping)));
    let stream = UnixStream::connect(&path).await.expect("a connection");
    let request = "GET /api/v1/queue HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
    let answer = exchange(stream, request).await;
    assert!(answer.contains("x-total-count: 7"), "{answer}");
    stop.send(()).expect("the server runs");
    task.await.expect("the server stops");
}

#[tokio::test]
async fn what_is_no_socket_is_never_replaced() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = control_socket(folder.path());
    std::fs::write(&path, "precious").expect("a file");
    assert!(matches!(Listener::control(&path), Err(ListenFault::Socket { .. })));
    assert_eq!(std::fs::read_to_string(&path).expect("still there"), "precious");
    let long = folder.path().join("x".repeat(100));
    assert!(matches!(Listener::control(&long), Err(ListenFault::PathTooLong { .. })));
}

#[tokio::test]
async fn a_taken_port_is_told() {
    let running = run().await;
    assert!(matches!(
        Listener::tcp(running.address).await,
        Err(ListenFault::Address { address, .. }) if address == running.address
    ));
}

#[tokio::test]
async fn the_server_stops_while_a_connection_is_idle() {
    let running = run().await;
    let _idle = TcpStream::connect(running.address).await.expect("a connection");
    running.stop.send(()).expect("the server runs");
    running.task.await.expect("the server stops");
}

#[tokio::test]
async fn the_client_reads_what_the_server_says() {
    let running = run().await;
    let client = Client::new(Place::Console(running.address));
    let listed: Listed<QueueEntry> = client.list("/api/v1/queue").await.expect("a list");
    assert_eq!(listed, Listed { entries: vec![entry()], total: 7 });
    let page = format!("/api/v1/queue/{}/hold", segment("1@ \u{5317}/pacs"));
    let changed: Changed = client.post(&page, &Deed::default()).await.expect("a change");
    assert_eq!(changed, Changed { changed: 1 });
    assert_eq!(
        running.service.asked.lock().expect("a lock").last().map(String::as_str),
        Some("1@ \u{5317}/pacs Hold Deed { by: None, reason: None, destination: None }")
    );
    let text = client.text("/api/v1/conformance").await.expect("a text");
    assert_eq!(text, "# DICOM Conformance Statement\n");
}

#[tokio::test]
async fn the_client_passes_on_why_the_gate_refuses() {
    let running = run().await;
    let client = Client::new(Place::Console(running.address));
    let refused = client.get::<Vec<Explanation>>("/api/v1/instances/1.2/explain").await;
    let refused = refused.expect_err("a refusal");
    assert!(matches!(&refused, ClientFault::Refused { code, .. } if code == "NOT_FOUND"));
    assert_eq!(refused.to_string(), "there is no object 1.2");
}

#[tokio::test]
async fn the_client_says_where_nobody_answers() {
    let folder = tempfile::tempdir().expect("a folder");
    let client = Client::new(Place::Socket(control_socket(folder.path())));
    let fault = client.get::<System>("/api/v1/system").await.expect_err("nobody");
    assert!(matches!(fault, ClientFault::Unreachable { .. }), "{fault}");
}

#[tokio::test]
async fn the_client_notices_what_is_no_gate() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let place = Place::Console(listener.local_addr().expect("its address"));
    let stranger = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.expect("a connection");
        stream.write_all(b"220 mail.example ESMTP\r\n").await.expect("a greeting");
        stream.shutdown().await.expect("a farewell");
    });
    let fault = Client::new(place).get::<System>("/api/v1/system").await.expect_err("no gate");
    assert!(matches!(fault, ClientFault::Garbled { .. }), "{fault}");
    stranger.await.expect("the stranger leaves");
}
