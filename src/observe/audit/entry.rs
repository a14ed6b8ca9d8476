//! What is written down, one variant an event, and how it is called in PS3.15 A.5 and PS3.16 CID 400 and 401.

use std::net::{IpAddr, SocketAddr};

use jiff::Timestamp;
use serde::Serialize;
use serde_json::{Map, Value, json};

use crate::base::object_id::ObjectId;
use crate::base::visible::visible;
use crate::dicom::uid::Uid;

/// An object in custody, as the trail names it: never by anything of the patient's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Object {
    /// Its name in the gate.
    pub id: ObjectId,
    /// SOP Instance UID.
    pub sop_instance: Uid,
    /// Study Instance UID; empty when not known.
    pub study: Uid,
    /// The AE title that sent it; empty when not known.
    pub calling: String,
    /// The address that it came from; empty when not known.
    pub peer: String,
}

impl Object {
    /// An object of which nothing but its name is known.
    #[must_use]
    pub fn named(id: ObjectId) -> Self {
        let (calling, peer) = (String::new(), String::new());
        Self { id, sop_instance: Uid::default(), study: Uid::default(), calling, peer }
    }
}

/// A person, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Person {
    /// The name of the account.
    pub by: String,
    /// The reason that was given.
    pub reason: String,
}

/// What a person does to objects or deliveries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Deed {
    /// A held object goes out as it came.
    Release,
    /// A held object goes nowhere.
    Reject,
    /// A held object is judged again.
    Recheck,
    /// A person stops an object.
    Hold,
    /// A delivery is not tried until released.
    HoldDelivery,
    /// A deferred or held delivery is due at once.
    Requeue,
}

impl Deed {
    fn as_str(self) -> &'static str {
        match self {
            Self::Release => "released",
            Self::Reject => "rejected",
            Self::Recheck => "judged-again",
            Self::Hold => "held-by-person",
            Self::HoldDelivery => "delivery-held-by-person",
            Self::Requeue => "delivery-requeued",
        }
    }
}

/// One event. Texts are codes, titles, addresses, UIDs and what a person gave as a reason; never patient data, and so never an error
/// comment or a value of an attribute.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Entry {
    /// The gate has started.
    Started {
        /// Its version.
        version: &'static str,
        /// The hash of its configuration.
        configuration: String,
        /// Where it listens.
        listen: SocketAddr,
    },
    /// The gate stops.
    Stopped,
    /// Another configuration is in force.
    Reloaded {
        /// Its hash.
        configuration: String,
    },
    /// A configuration was refused.
    NotReloaded {
        /// What was wrong, without values.
        why: String,
    },
    /// An association was not let in.
    Rejected {
        /// Whence it came.
        peer: IpAddr,
        /// As whom.
        calling: String,
        /// To whom.
        called: String,
        /// The kind of refusal.
        why: String,
    },
    /// A TLS handshake with a caller, or its certificate, was no good.
    TlsFailed {
        /// Whence it came.
        peer: IpAddr,
        /// What was wrong.
        why: String,
    },
    /// A destination could not show who it is.
    DestinationUntrusted {
        /// Its configured name.
        destination: String,
        /// What was wrong.
        why: String,
    },
    /// An object has come from its source through the gate to a destination.
    Delivered {
        /// The object.
        object: Object,
        /// The destination's configured name.
        destination: String,
        /// Its answer.
        status: u16,
        /// BLAKE3 of the data set that went out.
        sent: blake3::Hash,
    },
    /// An object waits for a person.
    Held {
        /// The object.
        object: Object,
        /// Rule ids or codes.
        reasons: Vec<String>,
    },
    /// A delivery is not tried again until a person says so.
    DeliveryHeld {
        /// The object.
        object: Object,
        /// The destination's configured name.
        destination: String,
        /// The code of the reason.
        code: String,
    },
    /// A person decided.
    Decided {
        /// What.
        deed: Deed,
        /// On which object.
        object: Object,
        /// On its delivery to this destination.
        destination: Option<String>,
        /// Who, and why.
        person: Person,
    },
    /// A person has seen what is in an object.
    Explained {
        /// Which.
        sop_instance: String,
        /// Versions that were shown.
        versions: usize,
    },
    /// A person has looked at the picture of an object.
    Previewed {
        /// Which.
        sop_instance: String,
        /// Whether as it came or as it is marked.
        marked: bool,
    },
    /// From now on objects pass without being judged.
    BypassOn {
        /// Who, and why.
        person: Person,
        /// Until when.
        until: Timestamp,
    },
    /// Objects are judged again.
    BypassOff {
        /// Who, and why; `None` when its time had come.
        person: Option<Person>,
    },
    /// An object in custody has no file any more.
    Lost {
        /// The object.
        object: Object,
    },
    /// An object's file is damaged.
    Damaged {
        /// The object.
        object: Object,
        /// What is wrong with it.
        what: String,
    },
    /// A destination has not taken anything for so long that a person must know, or takes again.
    DeliveryAlarm {
        /// Its configured name.
        destination: String,
        /// Whether it has begun or ended.
        raised: bool,
        /// Its kind.
        what: String,
    },
    /// Events of which only a part was written down, since whoever causes them could fill the disk.
    LeftOut {
        /// Of which kind.
        event: &'static str,
        /// How many were not.
        count: u64,
    },
    /// Writing begins, or goes on after a failure.
    TrailOpened {
        /// The id of the system's boot.
        boot: String,
        /// Bytes of a line that was never finished, cut off.
        torn: u64,
    },
    /// A file begins.
    SegmentOpened {
        /// The hash of the line before, which is the last of another file.
        previous: blake3::Hash,
    },
    /// Lines that should be there are not.
    LinesMissing {
        /// The sequence after which the trail ended.
        after: u64,
        /// The sequence up to which it had been written.
        upto: u64,
    },
    /// Events that could not be written down.
    NotWritten {
        /// How many.
        count: u64,
    },
    /// Files were removed, since their time was over.
    Expired {
        /// How many files.
        segments: usize,
        /// The sequence of their last line.
        through: u64,
        /// Its hash.
        hash: blake3::Hash,
    },
}

/// How an event is called in the standard: its id (CID 400), its type (CID 401), what was done, and how it ended.
struct Kind {
    event: &'static str,
    code: &'static str,
    meaning: &'static str,
    kind: Option<&'static str>,
    action: &'static str,
    outcome: u8,
}

// Ends of an event (EventOutcomeIndicator).
const SUCCESS: u8 = 0;
const MINOR: u8 = 4;
const SERIOUS: u8 = 8;
const MAJOR: u8 = 12;

impl Kind {
    const fn new(event: &'static str, code: (&'static str, &'static str)) -> Self {
        let (code, meaning) = code;
        Self { event, code, meaning, kind: None, action: "E", outcome: SUCCESS }
    }

    const fn kind(mut self, kind: &'static str) -> Self {
        self.kind = Some(kind);
        self
    }

    const fn action(mut self, action: &'static str) -> Self {
        self.action = action;
        self
    }

    const fn outcome(mut self, outcome: u8) -> Self {
        self.outcome = outcome;
        self
    }
}

const ACTIVITY: (&str, &str) = ("110100", "Application Activity");
const AUDIT_LOG: (&str, &str) = ("110101", "Audit Log Used");
const ACCESSED: (&str, &str) = ("110103", "DICOM Instances Accessed");
const TRANSFERRED: (&str, &str) = ("110104", "DICOM Instances Transferred");
const ALERT: (&str, &str) = ("110113", "Security Alert");

/// One line but for its place in the trail.
#[derive(Debug, Serialize)]
pub(super) struct Facts {
    event: &'static str,
    code: &'static str,
    meaning: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    r#type: Option<&'static str>,
    action: &'static str,
    outcome: u8,
    #[serde(skip_serializing_if = "Map::is_empty")]
    who: Map<String, Value>,
    #[serde(skip_serializing_if = "Map::is_empty")]
    what: Map<String, Value>,
    #[serde(skip_serializing_if = "Map::is_empty")]
    detail: Map<String, Value>,
}

/// Longest text that is taken over from elsewhere.
const TEXT_LIMIT: usize = 1024;

fn text(text: &str) -> Value {
    let end = text.char_indices().nth(TEXT_LIMIT).map_or(text.len(), |(at, _)| at);
    Value::String(visible(text.get(..end).unwrap_or_default()).into_owned())
}

impl Facts {
    fn who(mut self, key: &str, value: &str) -> Self {
        if !value.is_empty() {
            self.who.insert(key.to_owned(), text(value));
        }
        self
    }

    fn what(mut self, key: &str, value: &str) -> Self {
        if !value.is_empty() {
            self.what.insert(key.to_owned(), text(value));
        }
        self
    }

    fn detail(mut self, key: &str, value: Value) -> Self {
        self.detail.insert(key.to_owned(), value);
        self
    }

    fn told(self, key: &str, value: &str) -> Self {
        self.detail(key, text(value))
    }

    fn object(self, object: &Object) -> Self {
        self.who("calling", &object.calling)
            .who("peer", &object.peer)
            .what("object", &object.id.to_string())
            .what("sop_instance_uid", object.sop_instance.as_str())
            .what("study_instance_uid", object.study.as_str())
    }

    fn person(self, person: &Person) -> Self {
        self.who("by", &person.by).told("reason", &person.reason)
    }
}

impl Entry {
    fn kind(&self) -> Kind {
        match self {
            Self::Started { .. } => Kind::new("started", ACTIVITY).kind("110120"),
            Self::Stopped => Kind::new("stopped", ACTIVITY).kind("110121"),
            Self::Reloaded { .. } => {
                Kind::new("configuration-reloaded", ALERT).kind("110131").action("U")
            }
            Self::NotReloaded { .. } => Kind::new("configuration-refused", ALERT)
                .kind("110131")
                .action("U")
                .outcome(SERIOUS),
            Self::Rejected { .. } => {
                Kind::new("association-rejected", ALERT).kind("110126").outcome(MINOR)
            }
            Self::TlsFailed { .. } => Kind::new("tls-failed", ALERT).kind("110126").outcome(MINOR),
            Self::DestinationUntrusted { .. } => {
                Kind::new("destination-untrusted", ALERT).kind("110126").outcome(SERIOUS)
            }
            Self::Delivered { .. } => Kind::new("delivered", TRANSFERRED),
            Self::Held { .. } => Kind::new("held", ACCESSED).action("U"),
            Self::DeliveryHeld { .. } => Kind::new("delivery-held", TRANSFERRED).outcome(SERIOUS),
            Self::Decided { deed, .. } => Kind::new(deed.as_str(), ACCESSED).action("U"),
            Self::Explained { .. } => Kind::new("explained", ACCESSED).action("R"),
            Self::Previewed { .. } => Kind::new("previewed", ACCESSED).action("R"),
            Self::BypassOn { .. } => Kind::new("bypass-on", ALERT).kind("110127"),
            Self::BypassOff { .. } => Kind::new("bypass-off", ALERT).kind("110138"),
            Self::Lost { .. } => Kind::new("lost", ALERT).outcome(MAJOR),
            Self::Damaged { .. } => Kind::new("damaged", ALERT).outcome(MAJOR),
            Self::DeliveryAlarm { raised, .. } => {
                Kind::new("delivery-alarm", ALERT).outcome(if *raised { SERIOUS } else { SUCCESS })
            }
            Self::LeftOut { .. } => Kind::new("left-out", ALERT).outcome(MINOR),
            Self::TrailOpened { .. } => Kind::new("trail-opened", ALERT).kind("110134"),
            Self::SegmentOpened { .. } => Kind::new("segment-opened", AUDIT_LOG).action("C"),
            Self::LinesMissing { .. } => {
                Kind::new("lines-missing", ALERT).kind("110133").outcome(MAJOR)
            }
            Self::NotWritten { .. } => {
                Kind::new("not-written", ALERT).kind("110133").outcome(MAJOR)
            }
            Self::Expired { .. } => Kind::new("expired", AUDIT_LOG).action("D"),
        }
    }

    /// The word for the event in the trail.
    #[must_use]
    pub fn event(&self) -> &'static str {
        self.kind().event
    }

    /// Whether a stranger causes it at will.
    pub(super) fn is_provoked(&self) -> bool {
        match self {
            Self::Rejected { .. } | Self::TlsFailed { .. } => true,
            Self::Started { .. }
            | Self::Stopped
            | Self::Reloaded { .. }
            | Self::NotReloaded { .. }
            | Self::DestinationUntrusted { .. }
            | Self::Delivered { .. }
            | Self::Held { .. }
            | Self::DeliveryHeld { .. }
            | Self::Decided { .. }
            | Self::Explained { .. }
            | Self::Previewed { .. }
            | Self::BypassOn { .. }
            | Self::BypassOff { .. }
            | Self::Lost { .. }
            | Self::Damaged { .. }
            | Self::DeliveryAlarm { .. }
            | Self::LeftOut { .. }
            | Self::TrailOpened { .. }
            | Self::SegmentOpened { .. }
            | Self::LinesMissing { .. }
            | Self::NotWritten { .. }
            | Self::Expired { .. } => false,
        }
    }

    /// Whether it is made durable at once: what persons do, and what endangers security or custody. Transfers wait for others for
    /// up to a second.
    pub(super) fn is_urgent(&self) -> bool {
        match self {
            Self::Delivered { .. }
            | Self::Held { .. }
            | Self::DeliveryHeld { .. }
            | Self::LeftOut { .. }
            | Self::SegmentOpened { .. } => false,
            Self::Started { .. }
            | Self::Stopped
            | Self::Reloaded { .. }
            | Self::NotReloaded { .. }
            | Self::Rejected { .. }
            | Self::TlsFailed { .. }
            | Self::DestinationUntrusted { .. }
            | Self::Decided { .. }
            | Self::Explained { .. }
            | Self::Previewed { .. }
            | Self::BypassOn { .. }
            | Self::BypassOff { .. }
            | Self::Lost { .. }
            | Self::Damaged { .. }
            | Self::DeliveryAlarm { .. }
            | Self::TrailOpened { .. }
            | Self::LinesMissing { .. }
            | Self::NotWritten { .. }
            | Self::Expired { .. } => true,
        }
    }

    pub(super) fn facts(&self) -> Facts {
        let Kind { event, code, meaning, kind, action, outcome } = self.kind();
        let (who, what, detail) = (Map::new(), Map::new(), Map::new());
        let facts =
            Facts { event, code, meaning, r#type: kind, action, outcome, who, what, detail };
        match self {
            Self::Started { version, configuration, listen } => facts
                .told("version", version)
                .told("configuration", configuration)
                .told("listen", &listen.to_string()),
            Self::Stopped => facts,
            Self::Reloaded { configuration } => facts.told("configuration", configuration),
            Self::NotReloaded { why } => facts.told("why", why),
            Self::Rejected { peer, calling, called, why } => facts
                .who("peer", &peer.to_string())
                .who("calling", calling)
                .who("called", called)
                .told("why", why),
            Self::TlsFailed { peer, why } => facts.who("peer", &peer.to_string()).told("why", why),
            Self::DestinationUntrusted { destination, why } => {
                facts.who("destination", destination).told("why", why)
            }
            Self::Delivered { object, destination, status, sent } => facts
                .object(object)
                .who("destination", destination)
                .told("status", &format!("{status:04X}"))
                .told("sent", sent.to_hex().as_str()),
            Self::Held { object, reasons } => {
                let reasons = reasons.iter().map(|reason| text(reason)).collect();
                facts.object(object).detail("reasons", Value::Array(reasons))
            }
            Self::DeliveryHeld { object, destination, code } => {
                facts.object(object).who("destination", destination).told("code", code)
            }
            Self::Decided { deed: _, object, destination, person } => facts
                .object(object)
                .person(person)
                .what("destination", destination.as_deref().unwrap_or_default()),
            Self::Explained { sop_instance, versions } => {
                facts.what("sop_instance_uid", sop_instance).detail("versions", json!(versions))
            }
            Self::Previewed { sop_instance, marked } => {
                facts.what("sop_instance_uid", sop_instance).detail("marked", json!(marked))
            }
            Self::BypassOn { person, until } => {
                facts.person(person).told("until", &until.to_string())
            }
            Self::BypassOff { person: Some(person) } => facts.person(person),
            Self::BypassOff { person: None } => facts.told("reason", "its time was over"),
            Self::Lost { object } => facts.object(object),
            Self::Damaged { object, what } => facts.object(object).told("what", what),
            Self::DeliveryAlarm { destination, raised, what } => facts
                .who("destination", destination)
                .detail("raised", json!(raised))
                .told("what", what),
            Self::LeftOut { event, count } => {
                facts.told("event", event).detail("count", json!(count))
            }
            Self::TrailOpened { boot, torn } => {
                facts.told("boot", boot).detail("torn_bytes", json!(torn))
            }
            Self::SegmentOpened { previous } => facts.told("previous", previous.to_hex().as_str()),
            Self::LinesMissing { after, upto } => {
                facts.detail("after", json!(after)).detail("upto", json!(upto))
            }
            Self::NotWritten { count } => facts.detail("count", json!(count)),
            Self::Expired { segments, through, hash } => facts
                .detail("segments", json!(segments))
                .detail("through", json!(through))
                .told("hash", hash.to_hex().as_str()),
        }
    }
}
