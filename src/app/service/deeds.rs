//! What persons do, as the audit trail tells it, and the one deed that is done here: the bypass.

use std::io;
use std::time::Duration;

use crate::base::time::now;
use crate::base::units::parse_duration;
use crate::dicom::uid::Uid;
use crate::ledger::{QuarantineEntry, QueueEntry};
use crate::observe::audit::{Deed, Entry, Object, Person};
use crate::quarantine::{self, Done};
use crate::spool::{Bypass, LONGEST_BYPASS, ObjectId};
use crate::web::{Refusal, model};

fn person(deed: &quarantine::Deed) -> Person {
    Person { by: deed.by.clone(), reason: deed.reason.clone() }
}

fn object(id: ObjectId, sop_instance: &Uid, study: &Uid, source: &str) -> Object {
    let (sop_instance, study) = (sop_instance.clone(), study.clone());
    Object { id, sop_instance, study, calling: source.to_owned(), peer: String::new() }
}

/// A deed that was done to deliveries.
pub(super) fn on_deliveries(
    deed: Deed,
    found: &[QueueEntry],
    done: &Done,
    by: &quarantine::Deed,
) -> Vec<Entry> {
    let changed: std::collections::BTreeSet<ObjectId> = done.changed.iter().copied().collect();
    let entries = found.iter().filter(|entry| changed.contains(&entry.id));
    let decided = |entry: &QueueEntry| Entry::Decided {
        deed,
        object: object(entry.id, &entry.sop_instance, &entry.study, &entry.source),
        destination: Some(entry.delivery.destination.clone()),
        person: person(by),
    };
    entries.map(decided).collect()
}

/// A deed that was done to held objects.
pub(super) fn on_objects(
    deed: Deed,
    found: &[QuarantineEntry],
    by: &quarantine::Deed,
) -> Vec<Entry> {
    let decided = |entry: &QuarantineEntry| Entry::Decided {
        deed,
        object: object(entry.id, &entry.sop_instance, &entry.study, &entry.source),
        destination: None,
        person: person(by),
    };
    found.iter().map(decided).collect()
}

/// The bypass as the pages show it.
pub(super) fn shown(bypass: &Bypass) -> model::Bypass {
    match (bypass.order(), bypass.left()) {
        (Some(order), Some(left)) => model::Bypass {
            on: true,
            until: Some(order.until),
            left_seconds: Some(left.as_secs()),
            by: Some(order.by),
            reason: Some(order.reason),
        },
        (_, _) => model::Bypass::default(),
    }
}

/// An order that says what it must.
pub(super) enum Ordered {
    On { person: Person, time: Duration },
    Off { person: Person },
}

/// Reads an order.
pub(super) fn ordered(order: model::BypassOrder) -> Result<Ordered, Refusal> {
    let model::BypassOrder { on, time, by, reason } = order;
    let by = by.unwrap_or_else(|| "unknown".to_owned());
    let reason = reason.unwrap_or_default();
    if !on {
        return Ok(Ordered::Off { person: Person { by, reason } });
    }
    if reason.trim().is_empty() {
        return Err(Refusal::Unusable("bypass wants a reason"));
    }
    let wanted = Refusal::Unusable("bypass wants a time between 1s and 24h, such as 2h");
    let time = time.as_deref().and_then(parse_duration).ok_or_else(|| wanted.clone())?;
    if time < Duration::from_secs(1) || time > LONGEST_BYPASS {
        return Err(wanted);
    }
    Ok(Ordered::On { person: Person { by, reason }, time })
}

/// Does it, and gives what the audit trail is told: nothing when it was off already. Blocks.
pub(super) fn carry_out(bypass: &Bypass, ordered: Ordered) -> io::Result<Option<Entry>> {
    match ordered {
        Ordered::On { person, time } => {
            let Person { by, reason } = person.clone();
            let order = bypass.turn_on(by, reason, time, now())?;
            tracing::warn!(
                by = person.by,
                reason = person.reason,
                until = %order.until,
                "bypass is on: objects pass without being judged"
            );
            Ok(Some(Entry::BypassOn { person, until: order.until }))
        }
        Ordered::Off { person } => Ok(bypass.turn_off()?.map(|_| {
            tracing::warn!(
                by = person.by,
                reason = person.reason,
                "bypass is off: objects are judged"
            );
            Entry::BypassOff { person: Some(person) }
        })),
    }
}
