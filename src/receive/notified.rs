//! N-ACTION and N-EVENT-REPORT: read, bounded, and handed to whoever sees to commitments.

use std::net::IpAddr;
use std::time::Duration;

use tokio::sync::{mpsc, oneshot};
use tokio::time::timeout;

use super::association::Conversation;
use crate::dicom::ae_title::AeTitle;
use crate::dicom::status::Status;
use crate::dimse::Stream;
use crate::dimse::acceptor::{Association, Message};
use crate::dimse::fault::Fault;
use crate::dimse::message::Answer;
use crate::dimse::normalized::{Called, MOST_DATA, Normalized, Reporting};

/// How long an answer may take: it waits for the disk.
const ANSWERED: Duration = Duration::from_secs(60);

/// How long a name may take to be looked up.
const LOOKED_UP: Duration = Duration::from_secs(2);

/// A destination that may call to report on a commitment, though it is no source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reporter {
    /// Its AE title.
    pub aet: AeTitle,
    /// Its host name or address.
    pub host: String,
    /// The title under which it is asked, and so calls back.
    pub asked_by: AeTitle,
}

/// All of them.
#[derive(Debug, Clone, Default)]
pub struct Reporters(pub Vec<Reporter>);

impl Reporters {
    /// The titles under which a caller may report to the gate; none when it is no such destination.
    pub(super) async fn titles(&self, calling: &str, peer: IpAddr) -> Vec<AeTitle> {
        let mut titles = Vec::new();
        for reporter in self.0.iter().filter(|reporter| reporter.aet.as_str() == calling) {
            if is_at(&reporter.host, peer.to_canonical()).await {
                titles.push(reporter.asked_by.clone());
            }
        }
        titles
    }
}

/// Whether a host has an address.
async fn is_at(host: &str, peer: IpAddr) -> bool {
    if let Ok(address) = host.parse::<IpAddr>() {
        return address.to_canonical() == peer;
    }
    match timeout(LOOKED_UP, tokio::net::lookup_host((host, 0))).await {
        Ok(Ok(mut found)) => found.any(|address| address.ip().to_canonical() == peer),
        Ok(Err(_)) | Err(_) => false,
    }
}

/// Reads what belongs to a request and has it answered.
///
/// # Errors
/// As [`Association::data`].
pub(super) async fn called(
    conversation: &Conversation<'_>,
    association: &mut Association<Stream>,
    message: &Message,
    what: Normalized,
    reports: &mpsc::Sender<Reporting>,
) -> Result<Answer, Fault> {
    let Some(_room) = conversation.receiver.memory.for_a_request() else {
        return Ok(Answer::new(Status::RESOURCE_LIMITATION));
    };
    let mut data = Vec::new();
    while let Some(piece) = association.data().await? {
        if data.len() + piece.len() > MOST_DATA {
            let comment = "the data set is too long";
            return Ok(Answer::with_comment(Status::RESOURCE_LIMITATION, comment));
        }
        data.extend_from_slice(piece);
    }
    let (answer, answered) = oneshot::channel();
    let called = Called {
        calling: conversation.sender.calling.clone(),
        called: conversation.sender.called.clone(),
        peer: conversation.sender.peer,
        context: message.context.clone(),
        what,
        data,
        reports: reports.clone(),
        answer,
    };
    let told = async {
        conversation.receiver.commitments.send(called).await.ok()?;
        answered.await.ok()
    };
    let answer = timeout(ANSWERED, told).await.ok().flatten();
    Ok(answer.unwrap_or_else(|| Answer::new(Status::PROCESSING_FAILURE)))
}
