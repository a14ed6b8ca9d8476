//! What an association runs over.

use std::io;

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;

/// A connected byte stream, and the two things that make DICOM fast on TCP.
///
/// DIMSE is request and response in small messages. A peer that writes a message in two pieces under Nagle's algorithm
/// waits with the second for our acknowledgement of the first, which the kernel delays by some 40 ms in the hope of an
/// answer to send it with. Asking for immediate acknowledgements before each read takes that away from peers that cannot be
/// changed.
pub trait Transport: AsyncRead + AsyncWrite + Unpin + Send {
    /// Called once, before the first byte.
    ///
    /// # Errors
    /// When the connection cannot be set up; it is given up then.
    fn prepare(&self) -> io::Result<()> {
        Ok(())
    }

    /// Called before each read that may have to wait.
    ///
    /// # Errors
    /// When the connection is beyond use.
    fn before_read(&self) -> io::Result<()> {
        Ok(())
    }
}

impl Transport for TcpStream {
    fn prepare(&self) -> io::Result<()> {
        self.set_nodelay(true)
    }

    fn before_read(&self) -> io::Result<()> {
        // Not a setting that stays: the kernel falls back to delayed acknowledgements by itself.
        #[cfg(target_os = "linux")]
        socket2::SockRef::from(self).set_tcp_quickack(true)?;
        Ok(())
    }
}

/// A pipe in memory, for tests of both ends in one process.
impl Transport for tokio::io::DuplexStream {}
