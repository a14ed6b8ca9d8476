//! One attempt at asking a destination to commit itself.

use std::time::Duration;

use tokio::sync::{mpsc, oneshot};
use tokio::time::Instant;

use crate::dicom::sop_class::{STORAGE_COMMITMENT, STORAGE_COMMITMENT_INSTANCE};
use crate::dicom::status::Status;
use crate::dicom::uid::Uid;
use crate::dimse::fault::Fault;
use crate::dimse::negotiate::Context;
use crate::dimse::normalized::{Called, Normalized, Notice};
use crate::dimse::requestor::{Heralded, Outgoing, Peer, Proposed, ServiceRole, connect_in};
use crate::dimse::{Answer, Stream, Timers};

use super::data_set::{Requested, encode_request};

/// How long the association is kept open for a report on it. Most archives report on one of their own.
const LINGER: Duration = Duration::from_secs(5);

/// The action of a request for commitment (PS3.4 §J.3.2).
pub(super) const REQUEST: u16 = 1;

/// Transfer syntaxes for the data sets of requests and reports, the one that every peer has to take last.
pub(super) const SYNTAXES: [&str; 2] = [
    dicom_dictionary_std::uids::EXPLICIT_VR_LITTLE_ENDIAN,
    dicom_dictionary_std::uids::IMPLICIT_VR_LITTLE_ENDIAN,
];

/// What came of asking.
#[derive(Debug)]
pub(super) enum Replied {
    /// It has taken the request.
    Taken,
    /// It does not offer the service.
    NotOffered,
    /// It offers the service, and has not taken this request.
    Refused(Status),
    /// It could not be asked, or gave no answer.
    Failed(Fault),
    /// The request cannot be written.
    Unwritable,
}

/// The contexts that are proposed for commitments.
pub(super) fn proposed() -> [Proposed; 2] {
    SYNTAXES.map(|syntax| Proposed {
        sop_class: STORAGE_COMMITMENT.into(),
        transfer_syntax: syntax.into(),
    })
}

/// Asks, and hands a report that comes on the same association to `reports`.
pub(super) async fn ask(
    peer: Peer,
    requested: Requested,
    timers: Timers,
    reports: mpsc::Sender<Called>,
) -> Replied {
    let role = ServiceRole { sop_class: STORAGE_COMMITMENT.into(), scu: true, scp: false };
    let mut outgoing = match connect_in(&peer, &proposed(), &[role], &timers).await {
        Ok(outgoing) => outgoing,
        Err(fault) => return Replied::Failed(fault),
    };
    let replied = put(&mut outgoing, &requested).await;
    if matches!(replied, Replied::Taken) {
        listen(&mut outgoing, &peer, &reports).await;
    }
    if !matches!(replied, Replied::Failed(_))
        && let Err(fault) = outgoing.release().await
    {
        tracing::debug!(called = %peer.called, %fault, "the release after a request for commitment failed");
    }
    replied
}

async fn put(outgoing: &mut Outgoing<Stream>, requested: &Requested) -> Replied {
    let Some(syntax) = outgoing.takes(&STORAGE_COMMITMENT.into()).cloned() else {
        return Replied::NotOffered;
    };
    let Ok(data) = encode_request(requested, &syntax) else { return Replied::Unwritable };
    let notice = Notice {
        sop_class: STORAGE_COMMITMENT.into(),
        sop_instance: STORAGE_COMMITMENT_INSTANCE.into(),
        kind: REQUEST,
        data,
    };
    match outgoing.action(&notice).await {
        Ok(answer) => of_status(answer.status),
        Err(fault) => Replied::Failed(fault),
    }
}

/// No such class, instance or action, and an operation that is not recognized, are other words for a service that is not
/// offered.
fn of_status(status: Status) -> Replied {
    match status.0 {
        0x0000 | 0x0107 | 0x0116 | 0xB000..=0xBFFF => Replied::Taken,
        0x0112 | 0x0118 | 0x0122 | 0x0123 | 0x0211 => Replied::NotOffered,
        _ => Replied::Refused(status),
    }
}

/// Waits a moment for a report on the association of the request.
async fn listen(outgoing: &mut Outgoing<Stream>, peer: &Peer, reports: &mpsc::Sender<Called>) {
    let by = Instant::now() + LINGER;
    let heralded = match outgoing.event(by).await {
        Ok(Some(heralded)) => heralded,
        Ok(None) => return,
        Err(fault) => {
            tracing::debug!(called = %peer.called, %fault, "no report on the association of the request");
            return;
        }
    };
    let answer = pass_on(&heralded, peer, reports).await;
    if let Err(fault) = outgoing.answer(&heralded, &answer).await {
        tracing::debug!(called = %peer.called, %fault, "a report could not be answered");
    }
}

async fn pass_on(heralded: &Heralded, peer: &Peer, reports: &mpsc::Sender<Called>) -> Answer {
    let (answer, answered) = oneshot::channel();
    // Nobody reports on a report.
    let (back, _) = mpsc::channel(1);
    let called = Called {
        calling: peer.called.clone(),
        called: peer.calling.clone(),
        peer: std::net::Ipv4Addr::UNSPECIFIED.into(),
        context: Context {
            id: 1,
            abstract_syntax: Uid::new(STORAGE_COMMITMENT),
            transfer_syntax: heralded.transfer_syntax.clone(),
            requestor_is_scu: true,
        },
        what: Normalized::Event(heralded.event.clone()),
        data: heralded.data.clone(),
        reports: back,
        answer,
    };
    if reports.send(called).await.is_err() {
        return Answer::new(Status::PROCESSING_FAILURE);
    }
    answered.await.unwrap_or_else(|_| Answer::new(Status::PROCESSING_FAILURE))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_peer_that_knows_nothing_of_commitments_may_say_so_in_many_ways() {
        let is_not_offered = |status| matches!(of_status(Status(status)), Replied::NotOffered);
        for status in [0x0112, 0x0118, 0x0122, 0x0123, 0x0211] {
            assert!(is_not_offered(status), "{status:04X}");
        }
        assert!(matches!(of_status(Status::SUCCESS), Replied::Taken));
        assert!(matches!(of_status(Status(0x0213)), Replied::Refused(Status(0x0213))));
        assert!(matches!(of_status(Status(0x0110)), Replied::Refused(Status(0x0110))));
    }
}
