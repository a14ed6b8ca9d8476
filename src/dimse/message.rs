//! DIMSE messages (PS3.7 §9 and §10): requests as an SCP gets them, responses as an SCU gets them, and how ours are written.

use std::fmt;

use dicom_core::Tag;

use crate::dicom::sop_class::{STORAGE_COMMITMENT, VERIFICATION};
use crate::dicom::status::Status;
use crate::dicom::uid::Uid;
use crate::dimse::command::{Builder, CommandSet, NO_DATA_SET, element, number, text, uid};
use crate::dimse::fault::{BadCommand, Breach};
use crate::dimse::normalized::{ActionRequest, EventRequest};

/// The bit that makes a response of a command field.
const RESPONSE: u16 = 0x8000;

/// A Command Field (0000,0100), PS3.7 §E.1.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct CommandField(pub u16);

impl CommandField {
    /// C-STORE-RQ.
    pub const STORE: Self = Self(0x0001);
    /// C-ECHO-RQ.
    pub const ECHO: Self = Self(0x0030);
    /// N-EVENT-REPORT-RQ.
    pub const EVENT_REPORT: Self = Self(0x0100);
    /// N-ACTION-RQ.
    pub const ACTION: Self = Self(0x0130);
    /// C-CANCEL-RQ, the only request without a response.
    pub const CANCEL: Self = Self(0x0FFF);

    /// The field of the response to this request.
    #[must_use]
    pub fn response(self) -> Self {
        Self(self.0 | RESPONSE)
    }
}

impl fmt::Display for CommandField {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = match self.0 & !RESPONSE {
            0x0001 => "C-STORE",
            0x0010 => "C-GET",
            0x0020 => "C-FIND",
            0x0021 => "C-MOVE",
            0x0030 => "C-ECHO",
            0x0100 => "N-EVENT-REPORT",
            0x0110 => "N-GET",
            0x0120 => "N-SET",
            0x0130 => "N-ACTION",
            0x0140 => "N-CREATE",
            0x0150 => "N-DELETE",
            0x0FFF => "C-CANCEL",
            _ => return write!(f, "command {:#06X}", self.0),
        };
        write!(f, "{name}-{}", if self.0 & RESPONSE == 0 { "RQ" } else { "RSP" })
    }
}

impl fmt::Debug for CommandField {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Priority (0000,0700).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Priority {
    /// 0000, and every value that the standard does not list.
    #[default]
    Medium,
    /// 0001: the source calls it urgent.
    High,
    /// 0002.
    Low,
}

impl Priority {
    fn code(self) -> u16 {
        match self {
            Self::Medium => 0,
            Self::High => 1,
            Self::Low => 2,
        }
    }
}

/// Who moved an object with C-MOVE, when that is why it is being stored (PS3.7 §9.1.1.1).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MoveOriginator {
    /// Move Originator Application Entity Title (0000,1030), without padding.
    pub title: String,
    /// Move Originator Message ID (0000,1031).
    pub message_id: Option<u16>,
}

/// A C-STORE-RQ. A data set follows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoreRequest {
    /// Message ID (0000,0110).
    pub message_id: u16,
    /// Affected SOP Class UID (0000,0002). Not checked against anything.
    pub sop_class: Uid,
    /// Affected SOP Instance UID (0000,1000). Not checked: it may break the rules of UIDs.
    pub sop_instance: Uid,
    /// Priority (0000,0700).
    pub priority: Priority,
    /// Move Originator, where there is one.
    pub move_originator: Option<MoveOriginator>,
}

/// A C-ECHO-RQ.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EchoRequest {
    /// Message ID (0000,0110).
    pub message_id: u16,
}

/// A request for a service that is not offered here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OtherRequest {
    /// Which one.
    pub command_field: CommandField,
    /// Message ID (0000,0110).
    pub message_id: u16,
    /// Affected or Requested SOP Class UID, where given.
    pub sop_class: Option<Uid>,
    /// Affected or Requested SOP Instance UID, where given.
    pub sop_instance: Option<Uid>,
}

/// A request that can be answered, but not done: an element that PS3.7 makes mandatory is missing or of a wrong form. The
/// answer is 0212 with the element named.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MistypedRequest {
    /// Which request.
    pub command_field: CommandField,
    /// Message ID (0000,0110).
    pub message_id: u16,
    /// Affected SOP Class UID, where given.
    pub sop_class: Option<Uid>,
    /// Affected SOP Instance UID, where given.
    pub sop_instance: Option<Uid>,
    /// The element.
    pub element: Tag,
}

/// What a peer asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Request {
    /// Keep the object that follows.
    Store(StoreRequest),
    /// Say that you are there.
    Echo(EchoRequest),
    /// Commit yourself to objects. A data set follows that names them.
    Action(ActionRequest),
    /// This is what became of a commitment. A data set follows that says so.
    Event(EventRequest),
    /// Another service: 0211, or silence for C-CANCEL.
    Other(OtherRequest),
    /// Not to be understood: 0212.
    Mistyped(MistypedRequest),
}

/// A request and whether a data set follows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Parsed<T> {
    pub(crate) message: T,
    pub(crate) has_data_set: bool,
}

impl Request {
    /// Reads a command set that an SCP got.
    pub(crate) fn parse(bytes: &[u8]) -> Result<Parsed<Self>, Breach> {
        let set = CommandSet::parse(bytes)?;
        let field = need(element::COMMAND_FIELD, number(set.command_field))?;
        if field & RESPONSE != 0 {
            return Err(Breach::UnexpectedCommand(field));
        }
        let command_field = CommandField(field);
        let data_set_type = number(set.data_set_type);
        // Without the element nothing says whether fragments follow: were it guessed, the stream could not be trusted.
        let has_data_set = need(element::DATA_SET_TYPE, data_set_type)? != NO_DATA_SET;
        // C-CANCEL-RQ has no ID of its own, only that of the operation to be cancelled.
        let id =
            if command_field == CommandField::CANCEL { set.responded_to } else { set.message_id };
        let message_id = need(element::MESSAGE_ID, number(id))?;
        let message = match command_field {
            CommandField::STORE => Self::store(&set, message_id, has_data_set),
            CommandField::ECHO => Self::Echo(EchoRequest { message_id }),
            CommandField::ACTION if is_about_commitment(set.requested_sop_class) => {
                ActionRequest::of(&set, message_id).map_or_else(Self::Mistyped, Self::Action)
            }
            CommandField::EVENT_REPORT if is_about_commitment(set.affected_sop_class) => {
                EventRequest::of(&set, message_id).map_or_else(Self::Mistyped, Self::Event)
            }
            _ => Self::Other(OtherRequest {
                command_field,
                message_id,
                sop_class: uid(set.affected_sop_class.or(set.requested_sop_class)),
                sop_instance: uid(set.affected_sop_instance.or(set.requested_sop_instance)),
            }),
        };
        Ok(Parsed { message, has_data_set })
    }

    fn store(set: &CommandSet<'_>, message_id: u16, has_data_set: bool) -> Self {
        let sop_class = uid(set.affected_sop_class);
        let sop_instance = uid(set.affected_sop_instance);
        let priority = number(set.priority);
        let (Some(sop_class), Some(sop_instance), Some(priority), true) =
            (&sop_class, &sop_instance, priority, has_data_set)
        else {
            let element = match (&sop_class, &sop_instance, priority) {
                (None, _, _) => element::AFFECTED_SOP_CLASS,
                (_, None, _) => element::AFFECTED_SOP_INSTANCE,
                (_, _, None) => element::PRIORITY,
                (Some(_), Some(_), Some(_)) => element::DATA_SET_TYPE,
            };
            return Self::Mistyped(MistypedRequest {
                command_field: CommandField::STORE,
                message_id,
                sop_class,
                sop_instance,
                element: Tag(0, element),
            });
        };
        Self::Store(StoreRequest {
            message_id,
            sop_class: sop_class.clone(),
            sop_instance: sop_instance.clone(),
            priority: match priority {
                1 => Priority::High,
                2 => Priority::Low,
                _ => Priority::Medium,
            },
            move_originator: set
                .move_originator
                .map(text)
                .filter(|title| !title.is_empty())
                .map(|title| MoveOriginator { title, message_id: number(set.move_message_id) }),
        })
    }

    /// Message ID (0000,0110).
    #[must_use]
    pub fn message_id(&self) -> u16 {
        match self {
            Self::Store(request) => request.message_id,
            Self::Echo(request) => request.message_id,
            Self::Action(request) => request.message_id,
            Self::Event(request) => request.message_id,
            Self::Other(request) => request.message_id,
            Self::Mistyped(request) => request.message_id,
        }
    }

    /// Command Field (0000,0100).
    #[must_use]
    pub fn command_field(&self) -> CommandField {
        match self {
            Self::Store(_) => CommandField::STORE,
            Self::Echo(_) => CommandField::ECHO,
            Self::Action(_) => CommandField::ACTION,
            Self::Event(_) => CommandField::EVENT_REPORT,
            Self::Other(request) => request.command_field,
            Self::Mistyped(request) => request.command_field,
        }
    }

    fn sop_class(&self) -> Option<Uid> {
        match self {
            Self::Store(request) => Some(request.sop_class.clone()),
            Self::Echo(_) => Some(Uid::new(VERIFICATION)),
            Self::Action(_) | Self::Event(_) => Some(Uid::new(STORAGE_COMMITMENT)),
            Self::Other(request) => request.sop_class.clone(),
            Self::Mistyped(request) => request.sop_class.clone(),
        }
    }

    fn sop_instance(&self) -> Option<&Uid> {
        match self {
            Self::Store(request) => Some(&request.sop_instance),
            Self::Echo(_) => None,
            Self::Action(request) => Some(&request.sop_instance),
            Self::Event(request) => Some(&request.sop_instance),
            Self::Other(request) => request.sop_instance.as_ref(),
            Self::Mistyped(request) => request.sop_instance.as_ref(),
        }
    }

    /// The answer that is due without anyone deciding anything: 0211 for a service that is not offered, 0212 for a request
    /// that is mistyped. `None` for what the caller has to do first, and for C-CANCEL, which has no response.
    #[must_use]
    pub fn refusal(&self) -> Option<Answer> {
        match self {
            Self::Store(_) | Self::Echo(_) | Self::Action(_) | Self::Event(_) => None,
            Self::Other(request) => (request.command_field != CommandField::CANCEL)
                .then(|| Answer::new(Status::UNRECOGNIZED_OPERATION)),
            Self::Mistyped(request) => Some(Answer {
                offending: vec![request.element],
                ..Answer::new(Status::MISTYPED_ARGUMENT)
            }),
        }
    }
}

/// Whether a normalized request is one of the services that are offered here.
fn is_about_commitment(class: Option<&[u8]>) -> bool {
    uid(class).is_some_and(|class| class.as_str() == STORAGE_COMMITMENT)
}

fn need(element: u16, value: Option<u16>) -> Result<u16, BadCommand> {
    value.ok_or(BadCommand::Missing(element))
}

/// What a response says beside repeating the request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// Status (0000,0900).
    pub status: Status,
    /// Error Comment (0000,0902): cut at 64 characters; what is not printable ASCII is written as `?`. Nothing of a
    /// patient may stand in it.
    pub error_comment: Option<String>,
    /// Offending Element (0000,0901).
    pub offending: Vec<Tag>,
}

impl Answer {
    /// A bare status.
    #[must_use]
    pub fn new(status: Status) -> Self {
        Self { status, error_comment: None, offending: Vec::new() }
    }

    /// A status and a comment.
    #[must_use]
    pub fn with_comment(status: Status, comment: impl Into<String>) -> Self {
        Self { error_comment: Some(comment.into()), ..Self::new(status) }
    }
}

impl From<Status> for Answer {
    fn from(status: Status) -> Self {
        Self::new(status)
    }
}

/// Writes the response to a request. No data set follows it.
pub(crate) fn encode_response(request: &Request, answer: &Answer) -> Vec<u8> {
    let mut set = Builder::new();
    if let Some(class) = request.sop_class() {
        set.uid(element::AFFECTED_SOP_CLASS, &class);
    }
    set.number(element::COMMAND_FIELD, request.command_field().response().0)
        .number(element::RESPONDED_TO, request.message_id())
        .number(element::DATA_SET_TYPE, NO_DATA_SET)
        .number(element::STATUS, answer.status.0);
    if !answer.offending.is_empty() {
        set.tags(element::OFFENDING_ELEMENT, &answer.offending);
    }
    if let Some(comment) = &answer.error_comment {
        let comment: String = comment
            .chars()
            .take(64)
            .map(|c| if matches!(c, ' '..='~') && c != '\\' { c } else { '?' })
            .collect();
        set.text(element::ERROR_COMMENT, &comment, b' ');
    }
    if let Some(instance) = request.sop_instance() {
        set.uid(element::AFFECTED_SOP_INSTANCE, instance);
    }
    match request {
        Request::Event(event) => {
            set.number(element::EVENT_TYPE, event.event_type);
        }
        Request::Action(action) => {
            set.number(element::ACTION_TYPE, action.action_type);
        }
        Request::Store(_) | Request::Echo(_) | Request::Other(_) | Request::Mistyped(_) => {}
    }
    set.finish()
}

/// Writes a C-STORE-RQ.
pub(crate) fn encode_store(request: &StoreRequest) -> Vec<u8> {
    let mut set = Builder::new();
    set.uid(element::AFFECTED_SOP_CLASS, &request.sop_class)
        .number(element::COMMAND_FIELD, CommandField::STORE.0)
        .number(element::MESSAGE_ID, request.message_id)
        .number(element::PRIORITY, request.priority.code())
        .number(element::DATA_SET_TYPE, 0)
        .uid(element::AFFECTED_SOP_INSTANCE, &request.sop_instance);
    if let Some(originator) = &request.move_originator {
        set.text(element::MOVE_ORIGINATOR, &originator.title, b' ');
        if let Some(id) = originator.message_id {
            set.number(element::MOVE_MESSAGE_ID, id);
        }
    }
    set.finish()
}

/// Writes a C-ECHO-RQ.
pub(crate) fn encode_echo(message_id: u16) -> Vec<u8> {
    Builder::new()
        .uid(element::AFFECTED_SOP_CLASS, &Uid::new(VERIFICATION))
        .number(element::COMMAND_FIELD, CommandField::ECHO.0)
        .number(element::MESSAGE_ID, message_id)
        .number(element::DATA_SET_TYPE, NO_DATA_SET)
        .finish()
}

/// A response as an SCU gets it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Response {
    pub(crate) command_field: CommandField,
    pub(crate) responded_to: u16,
    pub(crate) sop_instance: Option<Uid>,
    pub(crate) answer: Answer,
}

impl Response {
    pub(crate) fn parse(bytes: &[u8]) -> Result<Parsed<Self>, Breach> {
        let set = CommandSet::parse(bytes)?;
        let message = Self {
            command_field: CommandField(need(element::COMMAND_FIELD, number(set.command_field))?),
            responded_to: need(element::RESPONDED_TO, number(set.responded_to))?,
            sop_instance: uid(set.affected_sop_instance),
            answer: Answer {
                status: Status(need(element::STATUS, number(set.status))?),
                error_comment: set.error_comment.map(text).filter(|comment| !comment.is_empty()),
                offending: set.offending_element.map(tags).unwrap_or_default(),
            },
        };
        // Responses to C-STORE and C-ECHO never have one; a peer that leaves the element out means the same.
        let has_data_set = number(set.data_set_type).is_some_and(|kind| kind != NO_DATA_SET);
        Ok(Parsed { message, has_data_set })
    }
}

fn tags(value: &[u8]) -> Vec<Tag> {
    let pair = |bytes: &[u8]| {
        let [a, b, c, d] = *bytes.first_chunk()?;
        Some(Tag(u16::from_le_bytes([a, b]), u16::from_le_bytes([c, d])))
    };
    value.chunks_exact(4).filter_map(pair).collect()
}

#[cfg(test)]
#[path = "message_tests.rs"]
mod tests;
