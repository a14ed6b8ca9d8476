//! What can happen to an object in custody, and how it is written to the durable log.

use serde::{Deserialize, Serialize};

use crate::base::object_id::ObjectId;
use crate::base::time::Timestamp;
use crate::dicom::status::Status;
use crate::dicom::uid::Uid;

/// One thing that happened to one object.
#[derive(Debug, Clone, PartialEq)]
pub struct Event {
    /// To whom.
    pub object: ObjectId,
    /// When, by the wall clock.
    pub at: Timestamp,
    /// What.
    pub what: What,
}

/// What happened. Texts are for operators: reasons, names of destinations, error comments; never patient data.
#[derive(Debug, Clone, PartialEq)]
pub enum What {
    /// The object was judged, for the first time or again.
    Judged(Box<Verdict>),
    /// The object was stopped after it had been judged, or without ever having been: its file is damaged, its state
    /// cannot be established, a person wants to look. Its deliveries are held with it.
    Held {
        /// Rule ids or codes.
        reasons: Vec<String>,
        /// Who, if it was a person.
        by: Option<String>,
    },
    /// A person let a held object go. One that was held itself goes out as received and is never judged again; one of
    /// which only deliveries were held has these queued again as they were.
    Released {
        /// Who.
        by: String,
        /// Why.
        reason: String,
        /// Where to, if not where the verdict said.
        to: Vec<String>,
    },
    /// A person refused a held object. Its custody ends.
    Rejected {
        /// Who.
        by: String,
        /// Why.
        reason: String,
    },
    /// An attempt at delivery begins. Not logged durably: after a crash the delivery is queued again.
    Sending {
        /// The destination's name.
        destination: String,
    },
    /// An attempt failed, or was not made; there will be another. Not logged durably.
    Deferred {
        /// The destination's name.
        destination: String,
        /// When to try again.
        due: Timestamp,
        /// What went wrong; empty when nothing did and what was told before stands.
        error: String,
    },
    /// The destination has answered with success or a warning.
    Delivered {
        /// The destination's name.
        destination: String,
        /// Its answer.
        status: Status,
        /// Text of its answer. Lanes leave it empty: an Error Comment (0000,0902) may tell who the patient is.
        comment: String,
        /// BLAKE3 of the data set that went out.
        sent: blake3::Hash,
    },
    /// The delivery is not tried again until a person says so.
    DeliveryHeld {
        /// The destination's name.
        destination: String,
        /// Why, a code first: `pacs_refused …`.
        error: String,
    },
    /// The destination says that it does not have what it has acknowledged: it is sent again.
    Missed {
        /// The destination's name.
        destination: String,
    },
    /// A deferred or held delivery is due at once.
    Requeued {
        /// The destination's name.
        destination: String,
    },
}

/// What was decided on an object, whole enough to derive the same bytes at every attempt and to explain it later.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Verdict {
    /// Study Instance UID; empty when the object has none.
    pub study: Uid,
    /// Series Instance UID; empty when the object has none.
    pub series: Uid,
    /// Whether it is held.
    pub disposition: Disposition,
    /// Where it goes, now or once it is released.
    pub destinations: Vec<String>,
    /// The mark it bears.
    pub mark: Option<String>,
    /// The code of the reason why it bears none.
    pub reason: Option<String>,
    /// Findings and decision as JSON, for `explain`. Opaque to the ledger.
    pub report: String,
    /// The edit plan's bytes; empty when nothing is changed. Opaque to the ledger.
    pub plan: Vec<u8>,
    /// What it was judged by.
    pub versions: Versions,
    /// What came of rules that are only tried out. `None` where none applied, or the object bears no mark that they could withhold.
    pub trial: Option<Trial>,
}

/// What came of rules that are only tried out, on an object that bears a mark.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Trial {
    /// Whether the object shares the fate of its study: then studies are counted.
    pub study: bool,
    /// The rules that applied.
    pub applied: Vec<String>,
    /// Of these, the rules that would have withheld the mark, or held the object.
    pub withheld: Vec<String>,
}

/// What becomes of a judged object.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Disposition {
    /// To its destinations.
    #[default]
    Forward,
    /// To a person, for these reasons (rule ids or codes).
    Hold(Vec<String>),
}

/// The versions of what a verdict rests on.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Versions {
    /// The rule packs.
    pub rules: String,
    /// Institutions, items, accreditations.
    pub registry: String,
    /// The rest of the configuration.
    pub config: String,
}

impl What {
    /// Whether the event must be in the durable log before it takes effect: whatever cannot be told from the object's
    /// file and would do harm if it were forgotten.
    #[must_use]
    pub fn is_durable(&self) -> bool {
        match self {
            Self::Judged(_)
            | Self::Held { .. }
            | Self::Released { .. }
            | Self::Rejected { .. }
            | Self::Delivered { .. }
            | Self::DeliveryHeld { .. }
            | Self::Missed { .. }
            | Self::Requeued { .. } => true,
            Self::Sending { .. } | Self::Deferred { .. } => false,
        }
    }
}

/// The version of the written form, and the newest that is read.
pub(super) const VERSION: u16 = 1;

/// An event as JSON. The two large parts of a verdict follow the JSON raw: its plan is binary, its report JSON already.
#[derive(Serialize, Deserialize)]
struct Written {
    version: u16,
    object: String,
    at: String,
    #[serde(flatten)]
    what: WrittenWhat,
}

#[derive(Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
enum WrittenWhat {
    Judged {
        study: String,
        series: String,
        hold: Option<Vec<String>>,
        destinations: Vec<String>,
        mark: Option<String>,
        reason: Option<String>,
        versions: Versions,
        /// Records of earlier programs have none.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        trial: Option<Trial>,
    },
    Held {
        reasons: Vec<String>,
        by: Option<String>,
    },
    Released {
        by: String,
        reason: String,
        to: Vec<String>,
    },
    Rejected {
        by: String,
        reason: String,
    },
    Sending {
        destination: String,
    },
    Deferred {
        destination: String,
        due: String,
        error: String,
    },
    Delivered {
        destination: String,
        status: u16,
        comment: String,
        sent: String,
    },
    DeliveryHeld {
        destination: String,
        error: String,
    },
    Missed {
        destination: String,
    },
    Requeued {
        destination: String,
    },
}

/// The record of an event in the durable log: length of the JSON, JSON, length of the report, report, plan; lengths are
/// 32 bits, little endian.
pub(super) fn to_record(event: &Event) -> Vec<u8> {
    let written = Written {
        version: VERSION,
        object: event.object.to_string(),
        at: event.at.to_string(),
        what: written(&event.what),
    };
    let json = serde_json::to_vec(&written).expect("plain text and numbers always serialise");
    let (report, plan) = match &event.what {
        What::Judged(verdict) => (verdict.report.as_bytes(), verdict.plan.as_slice()),
        What::Held { .. }
        | What::Released { .. }
        | What::Rejected { .. }
        | What::Sending { .. }
        | What::Deferred { .. }
        | What::Delivered { .. }
        | What::DeliveryHeld { .. }
        | What::Missed { .. }
        | What::Requeued { .. } => (&[][..], &[][..]),
    };
    let mut record = Vec::with_capacity(8 + json.len() + report.len() + plan.len());
    for part in [json.as_slice(), report] {
        record.extend_from_slice(&u32::try_from(part.len()).unwrap_or(u32::MAX).to_le_bytes());
        record.extend_from_slice(part);
    }
    record.extend_from_slice(plan);
    record
}

/// Reads what [`to_record`] wrote. `None` when it is something else, or of a later version.
pub(super) fn from_record(record: &[u8]) -> Option<Event> {
    let (json, rest) = split_part(record)?;
    let (report, plan) = split_part(rest)?;
    let written: Written = serde_json::from_slice(json).ok()?;
    if written.version > VERSION {
        return None;
    }
    let what = match written.what {
        WrittenWhat::Judged {
            study,
            series,
            hold,
            destinations,
            mark,
            reason,
            versions,
            trial,
        } => What::Judged(Box::new(Verdict {
            study: Uid::new(&study),
            series: Uid::new(&series),
            disposition: hold.map_or(Disposition::Forward, Disposition::Hold),
            destinations,
            mark,
            reason,
            report: String::from_utf8(report.to_vec()).ok()?,
            plan: plan.to_vec(),
            versions,
            trial,
        })),
        WrittenWhat::Held { reasons, by } => What::Held { reasons, by },
        WrittenWhat::Released { by, reason, to } => What::Released { by, reason, to },
        WrittenWhat::Rejected { by, reason } => What::Rejected { by, reason },
        WrittenWhat::Sending { destination } => What::Sending { destination },
        WrittenWhat::Deferred { destination, due, error } => {
            What::Deferred { destination, due: due.parse().ok()?, error }
        }
        WrittenWhat::Delivered { destination, status, comment, sent } => What::Delivered {
            destination,
            status: Status(status),
            comment,
            sent: sent.parse().ok()?,
        },
        WrittenWhat::DeliveryHeld { destination, error } => {
            What::DeliveryHeld { destination, error }
        }
        WrittenWhat::Missed { destination } => What::Missed { destination },
        WrittenWhat::Requeued { destination } => What::Requeued { destination },
    };
    Some(Event { object: ObjectId::parse(&written.object)?, at: written.at.parse().ok()?, what })
}

/// The version of a record, if it is one that only a later program reads.
pub(super) fn later_version(record: &[u8]) -> Option<u16> {
    /// All that every version has in common.
    #[derive(Deserialize)]
    struct Versioned {
        version: u16,
    }
    let (json, _) = split_part(record)?;
    let read: Versioned = serde_json::from_slice(json).ok()?;
    (read.version > VERSION).then_some(read.version)
}

fn split_part(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (length, rest) = bytes.split_first_chunk::<4>()?;
    rest.split_at_checked(usize::try_from(u32::from_le_bytes(*length)).ok()?)
}

fn written(what: &What) -> WrittenWhat {
    match what.clone() {
        What::Judged(verdict) => WrittenWhat::Judged {
            study: verdict.study.to_string(),
            series: verdict.series.to_string(),
            hold: match verdict.disposition {
                Disposition::Forward => None,
                Disposition::Hold(reasons) => Some(reasons),
            },
            destinations: verdict.destinations,
            mark: verdict.mark,
            reason: verdict.reason,
            versions: verdict.versions,
            trial: verdict.trial,
        },
        What::Held { reasons, by } => WrittenWhat::Held { reasons, by },
        What::Released { by, reason, to } => WrittenWhat::Released { by, reason, to },
        What::Rejected { by, reason } => WrittenWhat::Rejected { by, reason },
        What::Sending { destination } => WrittenWhat::Sending { destination },
        What::Deferred { destination, due, error } => {
            WrittenWhat::Deferred { destination, due: due.to_string(), error }
        }
        What::Delivered { destination, status, comment, sent } => WrittenWhat::Delivered {
            destination,
            status: status.0,
            comment,
            sent: sent.to_string(),
        },
        What::DeliveryHeld { destination, error } => {
            WrittenWhat::DeliveryHeld { destination, error }
        }
        What::Missed { destination } => WrittenWhat::Missed { destination },
        What::Requeued { destination } => WrittenWhat::Requeued { destination },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(what: What) {
        let event = Event {
            object: ObjectId::from_u128(42),
            at: "2026-11-24T10:00:00.000001Z".parse().expect("a timestamp"),
            what,
        };
        assert_eq!(from_record(&to_record(&event)), Some(event));
    }

    #[test]
    fn every_event_is_read_back() {
        let text = String::from;
        check(What::Judged(Box::new(Verdict {
            study: Uid::new("1.2"),
            series: Uid::new("1.3"),
            disposition: Disposition::Hold(vec![text("IMG-ID-001")]),
            destinations: vec![text("pacs"), text("档案")],
            mark: Some(text("JJJHR")),
            reason: None,
            report: text("{\"findings\":[]}"),
            plan: vec![0, 255, 10, 13],
            versions: Versions { rules: text("r1"), registry: text("g2"), config: text("c3") },
            trial: Some(Trial {
                study: true,
                applied: vec![text("A-1"), text("A-2")],
                withheld: vec![text("A-2")],
            }),
        })));
        check(What::Judged(Box::default()));
        check(What::Held { reasons: vec![text("DAMAGED")], by: None });
        check(What::Released { by: text("li"), reason: text("checked"), to: vec![text("pacs")] });
        check(What::Rejected { by: text("li"), reason: text("a test") });
        check(What::Sending { destination: text("pacs") });
        check(What::Deferred {
            destination: text("pacs"),
            due: "2026-11-24T10:05:00Z".parse().expect("a timestamp"),
            error: text("refused"),
        });
        check(What::Delivered {
            destination: text("pacs"),
            status: Status(0xB000),
            comment: text("coerced"),
            sent: blake3::hash(b"data"),
        });
        check(What::DeliveryHeld { destination: text("pacs"), error: text("pacs_refused A900") });
        check(What::Missed { destination: text("pacs") });
        check(What::Requeued { destination: text("pacs") });
    }

    #[test]
    fn a_verdict_of_an_earlier_program_has_no_trial() {
        let event = Event {
            object: ObjectId::from_u128(42),
            at: Timestamp::default(),
            what: What::Judged(Box::default()),
        };
        let record = to_record(&event);
        let text = String::from_utf8_lossy(&record).into_owned();
        assert!(!text.contains("trial"), "{text}");
        assert_eq!(from_record(&record), Some(event));
    }

    #[test]
    fn a_later_version_is_told_from_nonsense() {
        let what = What::Requeued { destination: "pacs".to_owned() };
        let event = Event { object: ObjectId::from_u128(42), at: Timestamp::default(), what };
        let record = to_record(&event);
        assert_eq!(later_version(&record), None);
        let text = String::from_utf8(record).expect("no report and no plan");
        let later = text.replacen("\"version\":1", "\"version\":9", 1);
        assert_eq!(from_record(later.as_bytes()), None);
        assert_eq!(later_version(later.as_bytes()), Some(9));
        assert_eq!(later_version(b"\x02\0\0\0{}\0\0\0\0"), None);
    }

    #[test]
    fn what_is_no_event_is_refused() {
        for record in [&b""[..], b"\x05\0\0\0{}", b"\x02\0\0\0{}\0\0\0\0"] {
            assert_eq!(from_record(record), None, "{record:?}");
        }
    }
}
