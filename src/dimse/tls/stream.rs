//! A connection with or without TLS.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio_rustls::TlsStream;

use crate::dimse::tls::certificate::Certificate;
use crate::dimse::transport::Transport;

/// What an association runs over.
#[derive(Debug)]
pub enum Stream {
    /// TCP alone.
    Plain(TcpStream),
    /// TLS over TCP.
    Tls(Box<TlsStream<TcpStream>>),
}

impl Stream {
    /// The certificate that the other side has shown and that was verified; `None` without TLS, and where none was asked for.
    #[must_use]
    pub fn certificate(&self) -> Option<Certificate> {
        match self {
            Self::Plain(_) => None,
            Self::Tls(stream) => {
                let (_, session) = stream.get_ref();
                let first = session.peer_certificates()?.first()?;
                Some(Certificate::verified(first))
            }
        }
    }

    /// `TLS 1.3` or `TLS 1.2`; `None` without TLS.
    #[must_use]
    pub fn version(&self) -> Option<&'static str> {
        match self {
            Self::Plain(_) => None,
            Self::Tls(stream) => match stream.get_ref().1.protocol_version() {
                Some(rustls::ProtocolVersion::TLSv1_2) => Some("TLS 1.2"),
                // There is no other that is agreed on.
                Some(_) | None => Some("TLS 1.3"),
            },
        }
    }

    fn tcp(&self) -> &TcpStream {
        match self {
            Self::Plain(tcp) => tcp,
            Self::Tls(stream) => stream.get_ref().0,
        }
    }
}

impl Transport for Stream {
    fn prepare(&self) -> io::Result<()> {
        self.tcp().prepare()
    }

    fn before_read(&self) -> io::Result<()> {
        self.tcp().before_read()
    }
}

impl AsyncRead for Stream {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(tcp) => Pin::new(tcp).poll_read(context, buffer),
            Self::Tls(stream) => match Pin::new(stream.as_mut()).poll_read(context, buffer) {
                // Closed without close_notify, as many peers do. Nothing can be cut off by it unseen: a message has its own end.
                Poll::Ready(Err(fault)) if fault.kind() == io::ErrorKind::UnexpectedEof => {
                    Poll::Ready(Ok(()))
                }
                polled => polled,
            },
        }
    }
}

impl AsyncWrite for Stream {
    fn poll_write(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Plain(tcp) => Pin::new(tcp).poll_write(context, bytes),
            Self::Tls(stream) => Pin::new(stream.as_mut()).poll_write(context, bytes),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(tcp) => Pin::new(tcp).poll_flush(context),
            Self::Tls(stream) => Pin::new(stream.as_mut()).poll_flush(context),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(tcp) => Pin::new(tcp).poll_shutdown(context),
            Self::Tls(stream) => Pin::new(stream.as_mut()).poll_shutdown(context),
        }
    }
}
