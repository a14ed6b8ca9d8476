//! Where a referenced object stands, and what is said of it: a function of what the ledger knows, of the site's settings and of
//! how long the request has waited.

use std::time::Duration;

use crate::base::object_id::ObjectId;
use crate::dicom::sop_class::is_other_service;
use crate::ledger::{DeliveryState, ObjectState, Version};

use super::reference::{Reason, Reference};
use super::settings::Settings;

/// What is known of a referenced object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Standing {
    /// Nothing of this SOP Instance UID is known, or not yet.
    Unknown,
    /// It is known under another SOP class.
    OtherClass,
    /// Some version of it is not judged, or not delivered yet.
    OnItsWay,
    /// Some version of it waits for a person.
    Held,
    /// It will not get there: a person has refused it, its file is gone, or no destination counts.
    Nowhere,
    /// Every destination that counts has it.
    There {
        /// The newest version.
        object: ObjectId,
        /// Those destinations.
        at: Vec<String>,
    },
}

/// Where one version stands. What went out counts whatever became of the object since.
fn stands(version: &Version, counts: &impl Fn(&str) -> bool) -> Standing {
    let counting = || version.deliveries.iter().filter(|(name, _)| counts(name));
    let is_there = counting().all(|(_, state)| *state == DeliveryState::Delivered);
    let at: Vec<String> = counting().map(|(name, _)| name.clone()).collect();
    match version.state {
        ObjectState::Received => Standing::OnItsWay,
        ObjectState::Forwarding | ObjectState::Held | ObjectState::Delivered
            if is_there && !at.is_empty() =>
        {
            Standing::There { object: version.object, at }
        }
        ObjectState::Held => Standing::Held,
        ObjectState::Forwarding if !at.is_empty() => Standing::OnItsWay,
        ObjectState::Forwarding
        | ObjectState::Delivered
        | ObjectState::Rejected
        | ObjectState::Suppressed
        | ObjectState::Lost => Standing::Nowhere,
    }
}

/// Where a referenced object stands, by the versions of it that came, newest first: the newest counts, and none may still be on
/// its way or be held.
pub(super) fn standing(
    reference: &Reference,
    versions: &[Version],
    counts: &impl Fn(&str) -> bool,
) -> Standing {
    let Some(newest) = versions.first() else { return Standing::Unknown };
    if newest.sop_class != reference.sop_class {
        return Standing::OtherClass;
    }
    let all: Vec<Standing> = versions.iter().map(|version| stands(version, counts)).collect();
    for waits in [Standing::OnItsWay, Standing::Held] {
        if all.contains(&waits) {
            return waits;
        }
    }
    all.into_iter().next().unwrap_or(Standing::Unknown)
}

/// What is said of a referenced object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Word {
    /// Nothing yet.
    Wait,
    /// It is not kept.
    Failed(Reason),
    /// These destinations have it.
    There {
        /// The newest version.
        object: ObjectId,
        /// Those destinations.
        at: Vec<String>,
    },
}

/// What is said of a referenced object when the request is of this age.
pub(super) fn word(
    reference: &Reference,
    standing: Standing,
    age: Duration,
    settings: &Settings,
) -> Word {
    let until = |patience: Duration, reason| {
        if age < patience { Word::Wait } else { Word::Failed(reason) }
    };
    match standing {
        Standing::There { object, at } => Word::There { object, at },
        Standing::OtherClass => Word::Failed(Reason::CLASS_INSTANCE_CONFLICT),
        Standing::Nowhere => Word::Failed(Reason::PROCESSING_FAILURE),
        Standing::Unknown if is_other_service(reference.sop_class.as_str()) => {
            Word::Failed(Reason::CLASS_NOT_SUPPORTED)
        }
        Standing::Unknown => until(settings.unknown, Reason::NO_SUCH_OBJECT),
        Standing::Held => until(settings.held, Reason::PROCESSING_FAILURE),
        Standing::OnItsWay => until(settings.wait, Reason::PROCESSING_FAILURE),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dicom::uid::Uid;

    const CT: &str = "1.2.840.10008.5.1.4.1.1.2";
    const HOUR: Duration = Duration::from_secs(3_600);

    fn reference(class: &str) -> Reference {
        Reference { sop_class: class.into(), sop_instance: "1.2.3".into() }
    }

    fn version(number: u128, state: ObjectState, to: &[(&str, DeliveryState)]) -> Version {
        let deliveries = to.iter().map(|(name, state)| ((*name).to_owned(), *state)).collect();
        let sop_class = Uid::new(CT);
        Version { object: ObjectId::from_u128(number), sop_class, state, deliveries }
    }

    fn there(number: u128, at: &[&str]) -> Standing {
        let at = at.iter().map(|name| (*name).to_owned()).collect();
        Standing::There { object: ObjectId::from_u128(number), at }
    }

    #[track_caller]
    fn check(versions: &[Version], want: &Standing) {
        let counts = |name: &str| name != "research";
        assert_eq!(standing(&reference(CT), versions, &counts), *want);
    }

    #[test]
    fn every_destination_that_counts_has_to_have_it() {
        use DeliveryState::{Deferred, Delivered, Held, Queued};
        use ObjectState as Object;
        check(&[], &Standing::Unknown);
        check(&[version(1, Object::Received, &[])], &Standing::OnItsWay);
        check(
            &[version(1, Object::Delivered, &[("pacs", Delivered), ("vna", Delivered)])],
            &there(1, &["pacs", "vna"]),
        );
        check(
            &[version(1, Object::Forwarding, &[("pacs", Delivered), ("vna", Deferred)])],
            &Standing::OnItsWay,
        );
        check(&[version(1, Object::Held, &[("pacs", Delivered), ("vna", Held)])], &Standing::Held);
        // What does not count neither keeps it waiting nor is enough.
        check(
            &[version(1, Object::Forwarding, &[("pacs", Delivered), ("research", Queued)])],
            &there(1, &["pacs"]),
        );
        check(
            &[version(1, Object::Held, &[("pacs", Delivered), ("research", Held)])],
            &there(1, &["pacs"]),
        );
        check(&[version(1, Object::Delivered, &[("research", Delivered)])], &Standing::Nowhere);
        check(&[version(1, Object::Forwarding, &[("research", Queued)])], &Standing::Nowhere);
        check(&[version(1, Object::Held, &[])], &Standing::Held);
        check(&[version(1, Object::Rejected, &[])], &Standing::Nowhere);
        check(&[version(1, Object::Lost, &[("pacs", Queued)])], &Standing::Nowhere);
    }

    #[test]
    fn of_several_versions_none_may_be_on_its_way() {
        use DeliveryState::{Delivered, Queued};
        use ObjectState as Object;
        let delivered = |number| version(number, Object::Delivered, &[("pacs", Delivered)]);
        let queued = |number| version(number, Object::Forwarding, &[("pacs", Queued)]);
        check(&[delivered(2), delivered(1)], &there(2, &["pacs"]));
        check(&[delivered(2), queued(1)], &Standing::OnItsWay);
        check(&[queued(2), delivered(1)], &Standing::OnItsWay);
        check(&[delivered(2), version(1, Object::Held, &[])], &Standing::Held);
        check(&[delivered(2), version(1, Object::Rejected, &[])], &there(2, &["pacs"]));
        check(&[version(2, Object::Rejected, &[]), delivered(1)], &Standing::Nowhere);
        check(&[delivered(2), version(1, Object::Lost, &[])], &there(2, &["pacs"]));
    }

    #[test]
    fn the_class_is_compared() {
        let versions = [version(1, ObjectState::Delivered, &[("pacs", DeliveryState::Delivered)])];
        let other = reference("1.2.840.10008.5.1.4.1.1.4");
        assert_eq!(standing(&other, &versions, &|_| true), Standing::OtherClass);
    }

    #[test]
    fn each_standing_is_waited_for_as_long_as_the_site_says() {
        #[track_caller]
        fn check(standing: Standing, age: Duration, want: &Word) {
            let settings = Settings {
                unknown: Duration::from_secs(60),
                held: HOUR,
                wait: 24 * HOUR,
                ..Settings::default()
            };
            assert_eq!(word(&reference(CT), standing, age, &settings), *want);
        }
        let failed = Word::Failed;
        let second = Duration::from_secs(1);
        let at = vec!["pacs".to_owned()];
        let object = ObjectId::from_u128(1);
        check(there(1, &["pacs"]), HOUR, &Word::There { object, at });
        check(Standing::Unknown, second, &Word::Wait);
        check(Standing::Unknown, 60 * second, &failed(Reason::NO_SUCH_OBJECT));
        check(Standing::Held, 60 * second, &Word::Wait);
        check(Standing::Held, HOUR, &failed(Reason::PROCESSING_FAILURE));
        check(Standing::OnItsWay, 23 * HOUR, &Word::Wait);
        check(Standing::OnItsWay, 24 * HOUR, &failed(Reason::PROCESSING_FAILURE));
        check(Standing::OtherClass, second, &failed(Reason::CLASS_INSTANCE_CONFLICT));
        check(Standing::Nowhere, second, &failed(Reason::PROCESSING_FAILURE));
    }

    #[test]
    fn what_is_no_object_for_storage_is_not_waited_for() {
        let query = reference("1.2.840.10008.5.1.4.1.2.2.1");
        let said = word(&query, Standing::Unknown, Duration::ZERO, &Settings::default());
        assert_eq!(said, Word::Failed(Reason::CLASS_NOT_SUPPORTED));
    }
}
