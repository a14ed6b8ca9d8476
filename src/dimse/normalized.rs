//! The normalized services (PS3.7 §10) that Storage Commitment is made of: N-ACTION and N-EVENT-REPORT, and how both are handed
//! between an association and whoever sees to commitments.

use std::net::IpAddr;

use dicom_core::Tag;
use tokio::sync::{mpsc, oneshot};

use crate::dicom::ae_title::AeTitle;
use crate::dicom::status::Status;
use crate::dicom::uid::Uid;
use crate::dimse::command::{Builder, CommandSet, element, number, uid};
use crate::dimse::message::{Answer, CommandField, MistypedRequest};
use crate::dimse::negotiate::Context;

/// The longest data set of a normalized request that is read, in bytes: references to some 20,000 objects.
pub const MOST_DATA: usize = 4 << 20;

/// An N-ACTION-RQ. A data set follows as a rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ActionRequest {
    /// Message ID (0000,0110).
    pub message_id: u16,
    /// Requested SOP Instance UID (0000,1001).
    pub sop_instance: Uid,
    /// Action Type ID (0000,1008).
    pub action_type: u16,
}

/// An N-EVENT-REPORT-RQ. A data set follows as a rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EventRequest {
    /// Message ID (0000,0110).
    pub message_id: u16,
    /// Affected SOP Instance UID (0000,1000).
    pub sop_instance: Uid,
    /// Event Type ID (0000,1002).
    pub event_type: u16,
}

impl ActionRequest {
    pub(super) fn of(set: &CommandSet<'_>, message_id: u16) -> Result<Self, MistypedRequest> {
        let sop_instance = uid(set.requested_sop_instance);
        let missing = match (&sop_instance, number(set.action_type)) {
            (Some(sop_instance), Some(action_type)) => {
                return Ok(Self { message_id, sop_instance: sop_instance.clone(), action_type });
            }
            (None, _) => element::REQUESTED_SOP_INSTANCE,
            (Some(_), None) => element::ACTION_TYPE,
        };
        Err(MistypedRequest {
            command_field: CommandField::ACTION,
            message_id,
            sop_class: uid(set.requested_sop_class),
            sop_instance,
            element: Tag(0, missing),
        })
    }
}

impl EventRequest {
    pub(super) fn of(set: &CommandSet<'_>, message_id: u16) -> Result<Self, MistypedRequest> {
        let sop_instance = uid(set.affected_sop_instance);
        let missing = match (&sop_instance, number(set.event_type)) {
            (Some(sop_instance), Some(event_type)) => {
                return Ok(Self { message_id, sop_instance: sop_instance.clone(), event_type });
            }
            (None, _) => element::AFFECTED_SOP_INSTANCE,
            (Some(_), None) => element::EVENT_TYPE,
        };
        Err(MistypedRequest {
            command_field: CommandField::EVENT_REPORT,
            message_id,
            sop_class: uid(set.affected_sop_class),
            sop_instance,
            element: Tag(0, missing),
        })
    }
}

/// An action or an event to be sent: of which class and instance, of which type, with which data set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notice {
    /// SOP Class UID.
    pub sop_class: Uid,
    /// SOP Instance UID.
    pub sop_instance: Uid,
    /// Action Type ID or Event Type ID.
    pub kind: u16,
    /// The data set, in the transfer syntax of the context that it is sent in.
    pub data: Vec<u8>,
}

/// Writes an N-ACTION-RQ. A data set has to follow.
pub(crate) fn encode_action(message_id: u16, notice: &Notice) -> Vec<u8> {
    Builder::new()
        .uid(element::REQUESTED_SOP_CLASS, &notice.sop_class)
        .number(element::COMMAND_FIELD, CommandField::ACTION.0)
        .number(element::MESSAGE_ID, message_id)
        .number(element::DATA_SET_TYPE, 0)
        .uid(element::REQUESTED_SOP_INSTANCE, &notice.sop_instance)
        .number(element::ACTION_TYPE, notice.kind)
        .finish()
}

/// Writes an N-EVENT-REPORT-RQ. A data set has to follow.
pub(crate) fn encode_event(message_id: u16, notice: &Notice) -> Vec<u8> {
    Builder::new()
        .uid(element::AFFECTED_SOP_CLASS, &notice.sop_class)
        .number(element::COMMAND_FIELD, CommandField::EVENT_REPORT.0)
        .number(element::MESSAGE_ID, message_id)
        .number(element::DATA_SET_TYPE, 0)
        .uid(element::AFFECTED_SOP_INSTANCE, &notice.sop_instance)
        .number(element::EVENT_TYPE, notice.kind)
        .finish()
}

/// What came on an association for whoever sees to commitments, and the way back.
#[derive(Debug)]
pub struct Called {
    /// Who calls.
    pub calling: AeTitle,
    /// As whom the gate was addressed.
    pub called: AeTitle,
    /// Whence.
    pub peer: IpAddr,
    /// The context of the request.
    pub context: Context,
    /// What is asked or told.
    pub what: Normalized,
    /// Its data set, at most [`MOST_DATA`] bytes; empty when none came.
    pub data: Vec<u8>,
    /// Where reports go that can be sent on the same association, for as long as it is open.
    pub reports: mpsc::Sender<Reporting>,
    /// What it is answered with. Dropped, it is 0110.
    pub answer: oneshot::Sender<Answer>,
}

/// A normalized request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Normalized {
    /// N-ACTION.
    Action(ActionRequest),
    /// N-EVENT-REPORT.
    Event(EventRequest),
}

/// An N-EVENT-REPORT that is to be sent on an open association.
#[derive(Debug)]
pub struct Reporting {
    /// The presentation context.
    pub context: u8,
    /// The event.
    pub notice: Notice,
    /// Told what it was answered; dropped when it was not sent or not answered. Who asked and waits no more has dropped the
    /// other end: then it is not sent.
    pub done: oneshot::Sender<Status>,
}
