//! Listens and serves connections, at most so many, none of them for ever.

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use rustix::fs::Mode;
use socket2::{Domain, SockAddr, Socket, Type};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, UnixListener};
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;

use super::routes::{Door, router};
use super::service::Service;

/// Connections at a time. A console, a scraper and some verbs need a handful; further ones wait in the listen queue.
const CONNECTIONS: usize = 64;
/// A client that takes longer to send its header is gone.
const HEADER_TIME: Duration = Duration::from_secs(10);
/// How long connections that are busy at shutdown may take to finish.
const DRAIN_TIME: Duration = Duration::from_secs(5);
/// Pause after a failed accept, which is mostly a lack of file descriptors that others will give back.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);
/// Connections that may wait to be accepted.
const BACKLOG: i32 = 64;
/// Longest path of a Unix socket on Linux, without its closing NUL (unix(7)).
const SOCKET_PATH: usize = 107;

/// The control socket in the spool folder `dir`.
#[must_use]
pub fn control_socket(dir: &Path) -> PathBuf {
    dir.join("control.sock")
}

/// Where the pages answer.
#[derive(Debug)]
pub enum Listener {
    /// The console's address.
    Tcp(TcpListener),
    /// The control socket.
    Unix(UnixListener),
}

/// Why the pages cannot be served.
#[derive(Debug, thiserror::Error)]
pub enum ListenFault {
    /// The address is taken, or not this machine's.
    #[error("the console cannot listen on {address}: {problem}")]
    Address {
        /// The address.
        address: SocketAddr,
        /// The operating system's words.
        problem: io::Error,
    },
    /// The path of the control socket is too long for the operating system.
    #[error(
        "the path of the control socket {path:?} has {length} bytes, at most {SOCKET_PATH} will do: choose a shorter \
         [spool] dir, or configure [console]"
    )]
    PathTooLong {
        /// The path.
        path: PathBuf,
        /// Its length in bytes.
        length: usize,
    },
    /// The control socket cannot be made.
    #[error("the control socket {path:?} cannot be made: {problem}")]
    Socket {
        /// The path.
        path: PathBuf,
        /// The operating system's words.
        problem: io::Error,
    },
}

impl Listener {
    /// Listens on a TCP address. Needs a tokio runtime.
    ///
    /// # Errors
    /// When the address is taken or not this machine's.
    pub async fn tcp(address: SocketAddr) -> Result<Self, ListenFault> {
        let bound = TcpListener::bind(address).await;
        bound.map(Self::Tcp).map_err(|problem| ListenFault::Address { address, problem })
    }

    /// Listens on the control socket at `path`, which only this user may open. Needs a tokio runtime.
    ///
    /// The caller holds the lock of the spool folder: a socket that is there already is a dead gate's, and is replaced.
    ///
    /// # Errors
    /// When the path is too long or the socket cannot be made there.
    pub fn control(path: &Path) -> Result<Self, ListenFault> {
        let length = path.as_os_str().len();
        if length > SOCKET_PATH {
            return Err(ListenFault::PathTooLong { path: path.to_owned(), length });
        }
        bind_private(path)
            .and_then(UnixListener::from_std)
            .map(Self::Unix)
            .map_err(|problem| ListenFault::Socket { path: path.to_owned(), problem })
    }

    /// The TCP address that was bound: with its real port when port 0 was asked for.
    #[must_use]
    pub fn address(&self) -> Option<SocketAddr> {
        match self {
            Self::Tcp(listener) => listener.local_addr().ok(),
            Self::Unix(_) => None,
        }
    }

    fn door(&self) -> Door {
        match self {
            Self::Unix(_) => Door::Local,
            Self::Tcp(_) if self.address().is_some_and(|at| at.ip().is_loopback()) => Door::Local,
            Self::Tcp(_) => Door::Open,
        }
    }
}

/// Makes the socket so that there is no moment in which another user could open it.
fn bind_private(path: &Path) -> io::Result<std::os::unix::net::UnixListener> {
    remove_stale(path)?;
    let socket = Socket::new(Domain::UNIX, Type::STREAM, None)?;
    // On Linux the mode of the file is that of the unbound socket (unix(7)): no chmod after the bind.
    rustix::fs::fchmod(&socket, Mode::RUSR | Mode::WUSR)?;
    socket.bind(&SockAddr::unix(path)?)?;
    socket.listen(BACKLOG)?;
    socket.set_nonblocking(true)?;
    Ok(socket.into())
}

#[expect(clippy::disallowed_methods, reason = "a socket is no object: it holds nothing")]
fn remove_stale(path: &Path) -> io::Result<()> {
    use std::os::unix::fs::FileTypeExt;
    match std::fs::symlink_metadata(path) {
        Ok(found) if found.file_type().is_socket() => std::fs::remove_file(path),
        Ok(_) => Err(io::ErrorKind::AlreadyExists.into()),
        Err(problem) if problem.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(problem) => Err(problem),
    }
}

/// Serves the pages until `shutdown` is done; then lets requests that have begun finish, for a few seconds.
pub async fn serve<S: Service>(
    listener: Listener,
    service: Arc<S>,
    shutdown: impl Future<Output = ()> + Send,
) {
    let app = router(service, listener.door());
    let (stop, stopping) = watch::channel(());
    let slots = Arc::new(Semaphore::new(CONNECTIONS));
    let mut tasks = JoinSet::new();
    let mut shutdown = std::pin::pin!(shutdown);
    loop {
        let next = async {
            // The semaphore is never closed.
            let slot = Arc::clone(&slots).acquire_owned().await.ok();
            (slot, accept(&listener).await)
        };
        let (slot, accepted) = tokio::select! {
            () = &mut shutdown => break,
            next = next => next,
        };
        let (app, stopping) = (app.clone(), stopping.clone());
        match accepted {
            Ok(Accepted::Tcp(stream)) => tasks.spawn(async move {
                connection(stream, app, stopping).await;
                drop(slot);
            }),
            Ok(Accepted::Unix(stream)) => tasks.spawn(async move {
                connection(stream, app, stopping).await;
                drop(slot);
            }),
            Err(problem) => {
                tracing::warn!(%problem, "a connection to the console was not accepted");
                tokio::time::sleep(ACCEPT_PAUSE).await;
                continue;
            }
        };
        while tasks.try_join_next().is_some() {}
    }
    drop(listener);
    drop(stop);
    let drained = async { while tasks.join_next().await.is_some() {} };
    if tokio::time::timeout(DRAIN_TIME, drained).await.is_err() {
        tracing::warn!("requests to the console were cut off at shutdown");
    }
    tasks.shutdown().await;
}

enum Accepted {
    Tcp(tokio::net::TcpStream),
    Unix(tokio::net::UnixStream),
}

async fn accept(listener: &Listener) -> io::Result<Accepted> {
    match listener {
        Listener::Tcp(listener) => listener.accept().await.map(|(stream, _)| Accepted::Tcp(stream)),
        Listener::Unix(listener) => {
            listener.accept().await.map(|(stream, _)| Accepted::Unix(stream))
        }
    }
}

pub(super) async fn connection<I>(stream: I, app: Router, mut stopping: watch::Receiver<()>)
where
    I: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let served = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADER_TIME)
        .serve_connection(TokioIo::new(stream), TowerToHyperService::new(app));
    let mut served = std::pin::pin!(served);
    let ended = tokio::select! {
        ended = &mut served => ended,
        // The sender is dropped, never used: an error is the sign to stop.
        _stop = stopping.changed() => {
            served.as_mut().graceful_shutdown();
            served.await
        }
    };
    if let Err(problem) = ended {
        tracing::debug!(%problem, "a connection to the console broke off");
    }
}
