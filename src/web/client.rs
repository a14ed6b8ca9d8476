//! Asks a running gate, for the verbs.
//!
//! One connection a request, over the console's address or the control socket; nothing is retried.

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;

use axum::http::header::{CONTENT_TYPE, HOST};
use axum::http::{Method, Request, StatusCode};
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Bytes;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpStream, UnixStream};

use super::DEADLINE;
use super::routes::{Failure, TOTAL};
use super::service::Listed;

/// Longest answer that is read: a list of the greatest length.
const ANSWER_LIMIT: usize = 128 << 20;

/// Where a gate answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// The console's address.
    Console(SocketAddr),
    /// The control socket.
    Socket(PathBuf),
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Console(address) => address.fmt(f),
            Self::Socket(path) => path.display().fmt(f),
        }
    }
}

/// Why a gate did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum ClientFault {
    /// Nobody answers there.
    #[error("no gate answers at {place}: {problem}")]
    Unreachable {
        /// Where.
        place: Place,
        /// The operating system's words.
        problem: io::Error,
    },
    /// It did not answer in time.
    #[error("the gate at {place} did not answer within {} s", DEADLINE.as_secs())]
    Late {
        /// Where.
        place: Place,
    },
    /// What answers there is no gate, or one of another version.
    #[error("what answers at {place} does not speak as a gate does: {problem}")]
    Garbled {
        /// Where.
        place: Place,
        /// What is wrong.
        problem: String,
    },
    /// It said no.
    #[error("{message}")]
    Refused {
        /// The word for programs, such as `NOT_FOUND`.
        code: String,
        /// Its sentence.
        message: String,
    },
}

/// Asks one gate.
#[derive(Debug, Clone)]
pub struct Client {
    place: Place,
}

/// An answer with success.
struct Answer {
    total: Option<u64>,
    body: Bytes,
}

impl Client {
    /// Asks the gate at `place`. Nothing is connected yet.
    #[must_use]
    pub fn new(place: Place) -> Self {
        Self { place }
    }

    /// What a page says.
    ///
    /// # Errors
    /// When the gate cannot be reached, or refuses.
    pub async fn get<T: DeserializeOwned>(&self, page: &str) -> Result<T, ClientFault> {
        let answer = self.ask(Method::GET, page, Bytes::new()).await?;
        self.read(&answer)
    }

    /// The entries of a list, and how many there are in all.
    ///
    /// # Errors
    /// When the gate cannot be reached, or refuses.
    pub async fn list<T: DeserializeOwned>(&self, page: &str) -> Result<Listed<T>, ClientFault> {
        let answer = self.ask(Method::GET, page, Bytes::new()).await?;
        let entries: Vec<T> = self.read(&answer)?;
        let total = answer.total.unwrap_or(entries.len() as u64);
        Ok(Listed { entries, total })
    }

    /// The text of a page.
    ///
    /// # Errors
    /// When the gate cannot be reached, or refuses.
    pub async fn text(&self, page: &str) -> Result<String, ClientFault> {
        let answer = self.ask(Method::GET, page, Bytes::new()).await?;
        String::from_utf8(answer.body.into()).map_err(|problem| self.garbled(&problem))
    }

    /// Has the gate do something.
    ///
    /// # Errors
    /// When the gate cannot be reached, or refuses.
    pub async fn post<T: DeserializeOwned>(
        &self,
        page: &str,
        deed: &impl Serialize,
    ) -> Result<T, ClientFault> {
        let body = serde_json::to_vec(deed).map_err(|problem| self.garbled(&problem))?;
        let answer = self.ask(Method::POST, page, Bytes::from(body)).await?;
        self.read(&answer)
    }

    fn read<T: DeserializeOwned>(&self, answer: &Answer) -> Result<T, ClientFault> {
        serde_json::from_slice(&answer.body).map_err(|problem| self.garbled(&problem))
    }

    fn garbled(&self, problem: &impl ToString) -> ClientFault {
        ClientFault::Garbled { place: self.place.clone(), problem: problem.to_string() }
    }

    async fn ask(&self, method: Method, page: &str, body: Bytes) -> Result<Answer, ClientFault> {
        let exchange = async {
            let unreachable =
                |problem| ClientFault::Unreachable { place: self.place.clone(), problem };
            match &self.place {
                Place::Console(address) => {
                    let stream = TcpStream::connect(address).await.map_err(unreachable)?;
                    self.exchange(stream, method, page, body).await
                }
                Place::Socket(path) => {
                    let stream = UnixStream::connect(path).await.map_err(unreachable)?;
                    self.exchange(stream, method, page, body).await
                }
            }
        };
        tokio::time::timeout(DEADLINE, exchange)
            .await
            .unwrap_or_else(|_elapsed| Err(ClientFault::Late { place: self.place.clone() }))
    }

    async fn exchange<I>(
        &self,
        stream: I,
        method: Method,
        page: &str,
        body: Bytes,
    ) -> Result<Answer, ClientFault>
    where
        I: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let (mut sender, connection) =
            http1::handshake(TokioIo::new(stream)).await.map_err(|e| self.garbled(&e))?;
        let request = Request::builder()
            .method(method)
            .uri(page)
            .header(HOST, "localhost")
            .header(CONTENT_TYPE, "application/json")
            .body(Full::new(body))
            .map_err(|problem| self.garbled(&problem))?;
        let answered = async {
            let response = sender.send_request(request).await.map_err(|e| self.garbled(&e))?;
            let status = response.status();
            let total = response.headers().get(TOTAL);
            let total = total.and_then(|total| total.to_str().ok()?.parse().ok());
            let limited = Limited::new(response.into_body(), ANSWER_LIMIT);
            let body = limited.collect().await.map_err(|e| self.garbled(&e))?.to_bytes();
            Ok((status, Answer { total, body }))
        };
        // The connection must be driven for the answer to come; it ends when `sender` is dropped.
        let mut answered = std::pin::pin!(answered);
        let mut connection = std::pin::pin!(connection);
        let (status, answer) = tokio::select! {
            answer = &mut answered => answer?,
            ended = &mut connection => {
                ended.map_err(|problem| self.garbled(&problem))?;
                answered.await?
            }
        };
        if status == StatusCode::OK { Ok(answer) } else { Err(self.refused(status, &answer)) }
    }

    fn refused(&self, status: StatusCode, answer: &Answer) -> ClientFault {
        match serde_json::from_slice(&answer.body) {
            Ok(Failure { error, message }) => ClientFault::Refused { code: error, message },
            Err(_) => self.garbled(&format!("status {status}")),
        }
    }
}

/// A text as one segment of a page's path: everything but letters, digits and `-._~` is escaped.
#[must_use]
pub fn segment(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            escaped.push(char::from(byte));
        } else {
            escaped.push_str(&format!("%{byte:02X}"));
        }
    }
    escaped
}
