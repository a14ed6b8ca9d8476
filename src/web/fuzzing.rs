//! The console's side of a connection, fed with anything.

use std::sync::Arc;

use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};
use tokio::sync::watch;

use super::fixture::Known;
use super::routes::{Door, router};
use super::server::connection;

/// What a client sends on one connection. Whatever that is, it is answered in HTTP or not at all, and never with a fault of ours.
pub fn http_api(bytes: &[u8]) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build();
    let runtime = runtime.expect("a runtime");
    let answer = runtime.block_on(async {
        let (mut client, server) = duplex(64 << 10);
        let app = router(Arc::new(Known::default()), Door::Local);
        // Dropping it would stop the connection.
        let (_stop, stopping) = watch::channel(());
        let serving = tokio::spawn(connection(server, app, stopping));
        let mut answer = Vec::new();
        let (mut read, mut write) = tokio::io::split(&mut client);
        let asking = async {
            drop(write.write_all(bytes).await);
            drop(write.shutdown().await);
        };
        let (_, heard) = tokio::join!(asking, read.read_to_end(&mut answer));
        drop(heard);
        serving.await.expect("no connection panics");
        answer
    });
    assert!(answer.is_empty() || answer.starts_with(b"HTTP/1."), "something else than HTTP");
    assert!(!answer.starts_with(b"HTTP/1.1 500"), "a fault of ours");
}

/// Good inputs of [`http_api`].
#[must_use]
pub fn http_requests() -> Vec<Vec<u8>> {
    let get = |path: &str| format!("GET {path} HTTP/1.1\r\nHost: 127.0.0.1:8080\r\n\r\n");
    let post = |path: &str, body: &str| {
        format!(
            "POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        )
    };
    [
        get("/healthz"),
        get("/api/v1/queue?limit=3&state=held"),
        get("/api/v1/instances/1.2.3/explain"),
        post("/api/v1/quarantine/2/release", r#"{"reason":"looked at","by":"someone"}"#),
        post("/api/v1/queue/ALL/retry", "{}"),
        "PUT /api/v1/bypass HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n".to_owned(),
    ]
    .map(String::into_bytes)
    .to_vec()
}
