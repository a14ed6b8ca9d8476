//! TLS below an association: the BCP 195 RFC 8996, 9325 TLS Secure Transport Connection Profile (PS3.15 §B.12).
//!
//! TLS 1.2 and 1.3, nothing older; ephemeral key agreement with AES-GCM or ChaCha20-Poly1305. The other side is known by its
//! certificate, which leads to one of the listed trust anchors, is within its dates and in no revocation list; a destination's
//! bears the name under which it is called as well.
//!
//! | File | Holds | Does I/O |
//! |---|---|---|
//! | [`certificate`] | what a certificate says: names, dates, fingerprint | no |
//! | [`material`] | certificates, keys and revocation lists out of PEM text, and what is made of them | no |
//! | [`fault`] | why there is no secure connection, by cause | no |
//! | [`stream`] | a connection with or without TLS | yes |
//!
//! # Invariants
//! - Each connection is verified anew: sessions are not resumed, so that what expires or is revoked counts at once.
//! - What is configured is replaced as a whole. Open connections keep what they were made with, the next ones get the new.
//! - The other side learns nothing beyond the alert.
//! - It opens no file and asks for no name: PEM text comes in, names come out.

pub mod certificate;
pub mod fault;
pub mod material;
pub mod stream;

use std::fmt;
use std::sync::Arc;

use arc_swap::ArcSwap;
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, ServerConfig};
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout_at};
use tokio_rustls::{TlsAcceptor, TlsConnector};

use crate::dimse::acceptor::stranger;
use crate::dimse::fault::Fault;
use crate::dimse::timers::Timer;
use crate::dimse::transport::Transport as _;

pub use certificate::{Certificate, RevocationList};
pub use fault::TlsFault;
pub use material::{BadMaterial, Clients, Identity};
pub use stream::Stream;

/// The acceptor's side, made of certificates, key and lists that go together.
#[derive(Clone)]
pub struct ServerSide(Arc<ServerConfig>);

/// The requestor's side towards one peer.
#[derive(Clone)]
pub struct ClientSide {
    config: Arc<ClientConfig>,
    name: ServerName<'static>,
}

impl fmt::Debug for ServerSide {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ServerSide")
    }
}

impl fmt::Debug for ClientSide {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ClientSide({})", self.name.to_str())
    }
}

/// What a listener has in force.
#[derive(Debug, Clone)]
pub struct Server(Arc<ArcSwap<ServerSide>>);

impl Server {
    /// With this to begin with.
    #[must_use]
    pub fn new(side: ServerSide) -> Self {
        Self(Arc::new(ArcSwap::from_pointee(side)))
    }

    /// Puts another side in force, for connections from now on.
    pub fn replace(&self, side: ServerSide) {
        self.0.store(Arc::new(side));
    }

    /// Agrees on TLS with whoever has connected.
    ///
    /// # Errors
    /// [`Fault::NotDicom`] when the first byte is none of TLS; the connection is closed without a word then. [`Fault::Tls`] for
    /// what the other side has been told by an alert, and ARTIM when it is not done by `until`.
    pub async fn accept(&self, tcp: TcpStream, until: Instant) -> Result<Stream, Fault> {
        tcp.prepare().map_err(Fault::Io)?;
        let late = |_| Fault::Timeout(Timer::Artim);
        // Looked at, not taken: the handshake needs them too.
        let mut first = [0; 8];
        let peeked = timeout_at(until, tcp.peek(&mut first)).await.map_err(late)?;
        let count = peeked.map_err(Fault::Io)?;
        match first.first() {
            _ if count == 0 => return Err(Fault::Closed),
            Some(&HANDSHAKE) => {}
            // The hello of SSL 2, in which SSL 3 could be asked for too.
            Some(0x80) => return Err(TlsFault::Version.into()),
            Some(&byte) => {
                return Err(stranger(byte, first.get(..count).unwrap_or_default(), true).into());
            }
            None => return Err(Fault::Closed),
        }
        let acceptor = TlsAcceptor::from(Arc::clone(&self.0.load().0));
        let accepted = timeout_at(until, acceptor.accept(tcp)).await.map_err(late)?;
        Ok(Stream::Tls(Box::new(accepted.map_err(Fault::of_io)?.into())))
    }
}

/// The record type of a TLS handshake (RFC 8446 §5.1).
const HANDSHAKE: u8 = 0x16;

/// What is in force towards one peer.
#[derive(Debug, Clone)]
pub struct Client(Arc<ArcSwap<ClientSide>>);

/// Two are the same when replacing the one replaces the other.
impl PartialEq for Client {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl Eq for Client {}

impl Client {
    /// With this to begin with.
    #[must_use]
    pub fn new(side: ClientSide) -> Self {
        Self(Arc::new(ArcSwap::from_pointee(side)))
    }

    /// Puts another side in force, for connections from now on.
    pub fn replace(&self, side: ClientSide) {
        self.0.store(Arc::new(side));
    }

    /// Agrees on TLS with the peer at the other end.
    ///
    /// # Errors
    /// [`Fault::Tls`] by cause, or the association timer when it is not done by `until`.
    pub async fn connect(&self, tcp: TcpStream, until: Instant) -> Result<Stream, Fault> {
        tcp.prepare().map_err(Fault::Io)?;
        let side = self.0.load_full();
        let connector = TlsConnector::from(Arc::clone(&side.config));
        let connected = timeout_at(until, connector.connect(side.name.clone(), tcp)).await;
        let connected = connected.map_err(|_| Fault::Timeout(Timer::Association))?;
        Ok(Stream::Tls(Box::new(connected.map_err(Fault::of_io)?.into())))
    }
}

#[cfg(test)]
#[path = "../tls_tests.rs"]
mod tests;
