//! What is known of an object from its association and its command, before a byte of it has come.

use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use crate::base::object_id::ObjectId;
use crate::base::time::Timestamp;
use crate::dicom::ae_title::AeTitle;
use crate::dicom::transfer_syntax::TransferSyntax;
use crate::dicom::uid::Uid;

/// The Priority (0000,0700) of a C-STORE-RQ (PS3.7 §9.3.1.1).
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize,
)]
#[serde(rename_all = "lowercase")]
pub enum Priority {
    /// 0002.
    Low,
    /// 0000, and whatever is no priority.
    #[default]
    Medium,
    /// 0001: the object is urgent.
    High,
}

/// The facts that travel with an object in its own file, so that the spool can be understood without any index.
///
/// No patient data: titles, addresses, UIDs and times only.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Envelope {
    /// Who sent the object.
    pub calling_ae: AeTitle,
    /// As whom the gate was addressed.
    pub called_ae: AeTitle,
    /// Whence the association came.
    pub peer: IpAddr,
    /// The name of the sender's certificate for which it was admitted, where one was asked for.
    pub certificate: Option<String>,
    /// The transfer syntax of the presentation context: how the data set is encoded.
    pub transfer_syntax: Uid,
    /// Affected SOP Class UID (0000,0002) of the command.
    pub sop_class: Uid,
    /// Affected SOP Instance UID (0000,1000) of the command.
    pub sop_instance: Uid,
    /// Message ID (0000,0110) of the command.
    pub message_id: u16,
    /// Priority (0000,0700) of the command.
    pub priority: Priority,
    /// When the command arrived, by the wall clock.
    pub received: Timestamp,
}

impl Envelope {
    /// What is known of the data set's transfer syntax.
    #[must_use]
    pub fn syntax(&self) -> TransferSyntax {
        TransferSyntax::of(self.transfer_syntax.as_str())
    }
}

/// The envelope as it stands in a file. Fields may be added; a reader ignores those it does not know.
#[derive(Serialize, Deserialize)]
struct Written {
    version: u16,
    object: String,
    calling_ae: String,
    called_ae: String,
    peer: IpAddr,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    certificate: Option<String>,
    transfer_syntax: String,
    sop_class: String,
    sop_instance: String,
    message_id: u16,
    priority: Priority,
    received: String,
}

/// The version of [`Written`] that this program writes, and the newest that it reads.
const VERSION: u16 = 1;

/// The envelope as one line of JSON, which names its object.
pub(super) fn to_json(envelope: &Envelope, id: ObjectId) -> Vec<u8> {
    let written = Written {
        version: VERSION,
        object: id.to_string(),
        calling_ae: envelope.calling_ae.to_string(),
        called_ae: envelope.called_ae.to_string(),
        peer: envelope.peer,
        certificate: envelope.certificate.clone(),
        transfer_syntax: envelope.transfer_syntax.to_string(),
        sop_class: envelope.sop_class.to_string(),
        sop_instance: envelope.sop_instance.to_string(),
        message_id: envelope.message_id,
        priority: envelope.priority,
        received: envelope.received.to_string(),
    };
    serde_json::to_vec(&written).expect("plain text and numbers always serialise")
}

/// The version of an envelope, if it is one that only a later program reads.
pub(super) fn later_version(json: &[u8]) -> Option<u16> {
    /// All that every version has in common.
    #[derive(Deserialize)]
    struct Versioned {
        version: u16,
    }
    let read: Versioned = serde_json::from_slice(json).ok()?;
    (read.version > VERSION).then_some(read.version)
}

/// Reads what [`to_json`] wrote. `None` when it is something else, or of a later version.
pub(super) fn from_json(json: &[u8]) -> Option<(Envelope, ObjectId)> {
    let read: Written = serde_json::from_slice(json).ok()?;
    if read.version > VERSION {
        return None;
    }
    let envelope = Envelope {
        calling_ae: AeTitle::parse(&read.calling_ae).ok()?,
        called_ae: AeTitle::parse(&read.called_ae).ok()?,
        peer: read.peer,
        certificate: read.certificate,
        transfer_syntax: Uid::new(&read.transfer_syntax),
        sop_class: Uid::new(&read.sop_class),
        sop_instance: Uid::new(&read.sop_instance),
        message_id: read.message_id,
        priority: read.priority,
        received: read.received.parse().ok()?,
    };
    Some((envelope, ObjectId::parse(&read.object)?))
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    pub(in crate::spool) fn envelope(transfer_syntax: &str) -> Envelope {
        Envelope {
            calling_ae: AeTitle::parse("CT01").expect("a title"),
            called_ae: AeTitle::parse("MARKGATE").expect("a title"),
            peer: "127.0.0.1".parse().expect("an address"),
            certificate: Some("ct01.example".to_owned()),
            transfer_syntax: Uid::new(transfer_syntax),
            sop_class: Uid::new("1.2.840.10008.5.1.4.1.1.2"),
            sop_instance: Uid::new("1.2.3.4"),
            message_id: 7,
            priority: Priority::High,
            received: "2026-11-24T10:00:00.25Z".parse().expect("a timestamp"),
        }
    }

    #[test]
    fn an_envelope_is_read_back_with_its_object() {
        let id = ObjectId::from_u128(42);
        let mut written = envelope("1.2.840.10008.1.2");
        written.sop_instance = Uid::new("no\\\"uid\u{1}");
        assert_eq!(from_json(&to_json(&written, id)), Some((written, id)));
    }

    #[test]
    fn fields_come_and_go_but_a_later_version_is_not_read() {
        let json =
            String::from_utf8(to_json(&envelope("1.2"), ObjectId::from_u128(1))).expect("text");
        let earlier = json.replacen("\"certificate\":\"ct01.example\",", "", 1);
        let (earlier, _) = from_json(earlier.as_bytes()).expect("an envelope");
        assert_eq!(earlier, Envelope { certificate: None, ..envelope("1.2") });
        let more = json.replacen('{', "{\"colour\":\"grey\",", 1);
        assert_eq!(from_json(more.as_bytes()), from_json(json.as_bytes()));
        let later = json.replacen("\"version\":1", "\"version\":2", 1);
        assert_eq!(from_json(later.as_bytes()), None);
        assert_eq!(later_version(later.as_bytes()), Some(2));
        assert_eq!(later_version(json.as_bytes()), None);
        assert_eq!(later_version(b"{}"), None);
    }
}
