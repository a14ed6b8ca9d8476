//! A request for commitment that is not done with, and how it is written down so that it outlives a restart.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::base::time::Timestamp;
use crate::dicom::ae_title::AeTitle;
use crate::dicom::uid::Uid;

use super::data_set::{Reported, Requested};
use super::reference::{Reason, Reference};

/// The version of the written form, and the newest that is read.
const VERSION: u16 = 1;

/// Items that are not kept, by their place among [`Transaction::items`], and why.
pub(super) type Failed = BTreeMap<usize, Reason>;

/// A request for commitment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Transaction {
    /// Its Transaction UID, which is unique among those of one AE.
    pub(super) uid: Uid,
    /// Who asked.
    pub(super) calling: AeTitle,
    /// As whom the gate was asked, and so as whom it reports.
    pub(super) called: AeTitle,
    /// Whence.
    pub(super) peer: IpAddr,
    /// When.
    pub(super) received: Timestamp,
    /// What is to be committed to.
    pub(super) items: Arc<[Reference]>,
    /// How far it has come.
    pub(super) stage: Stage,
}

/// How far a request has come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Stage {
    /// Objects are still on their way.
    Waiting,
    /// All have arrived that will, and destinations are asked to commit themselves.
    Asking {
        /// What has not arrived, or is refused by a destination.
        failed: Failed,
        /// What is asked of each destination.
        asked: Vec<Asked>,
    },
    /// What has become of each is known, and the one who asked is to be told.
    Reporting {
        /// What is not kept.
        failed: Failed,
        /// Since when.
        since: Timestamp,
    },
}

/// What one destination is asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Asked {
    /// The destination's name.
    pub(super) destination: String,
    /// The Transaction UID of our own request.
    pub(super) uid: Uid,
    /// Since when.
    pub(super) since: Timestamp,
    /// The items it is asked about, by their place, and the SOP Instance UID under which it has each.
    pub(super) items: Vec<(usize, Uid)>,
    /// What is known of it.
    pub(super) progress: Progress,
}

/// How far a destination that is asked has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Progress {
    /// It has still to be asked.
    Due,
    /// It has taken the request, and will report.
    Taken,
    /// It has reported, or will not.
    Done,
}

impl Transaction {
    /// What the modality is told.
    pub(super) fn report(&self, failed: &Failed) -> Reported {
        let failure =
            |(place, reason): (&usize, &Reason)| Some((self.items.get(*place)?.clone(), *reason));
        let is_kept = |(place, reference): (usize, &Reference)| {
            (!failed.contains_key(&place)).then(|| reference.clone())
        };
        Reported {
            transaction: self.uid.clone(),
            committed: self.items.iter().enumerate().filter_map(is_kept).collect(),
            failed: failed.iter().filter_map(failure).collect(),
        }
    }

    /// The request that a destination gets: the same objects, under the UIDs that it has them by.
    pub(super) fn request(&self, asked: &Asked) -> Requested {
        let reference = |(place, sop_instance): &(usize, Uid)| {
            let sop_class = self.items.get(*place)?.sop_class.clone();
            Some(Reference { sop_class, sop_instance: sop_instance.clone() })
        };
        let items = asked.items.iter().filter_map(reference).collect();
        Requested { transaction: asked.uid.clone(), items }
    }
}

impl Asked {
    /// What a report of the destination says of the items it was asked about. Of what it does not speak it has said nothing
    /// good.
    pub(super) fn failed(&self, reported: &Reported) -> Failed {
        let committed: std::collections::BTreeSet<&Uid> =
            reported.committed.iter().map(|reference| &reference.sop_instance).collect();
        let reasons: BTreeMap<&Uid, Reason> =
            reported.failed.iter().map(|(it, reason)| (&it.sop_instance, *reason)).collect();
        let of = |(place, uid): &(usize, Uid)| match reasons.get(uid) {
            Some(reason) => Some((*place, *reason)),
            None if committed.contains(uid) => None,
            None => Some((*place, Reason::PROCESSING_FAILURE)),
        };
        self.items.iter().filter_map(of).collect()
    }

    /// Every item it was asked about, failed for one reason.
    pub(super) fn all_failed(&self, reason: Reason) -> Failed {
        self.items.iter().map(|(place, _)| (*place, reason)).collect()
    }
}

/// What is written down. UIDs and titles stand as text.
#[derive(Serialize, Deserialize)]
struct Written {
    version: u16,
    uid: String,
    calling: String,
    called: String,
    peer: IpAddr,
    received: String,
    /// Class and instance.
    items: Vec<(String, String)>,
    stage: WrittenStage,
}

#[derive(Serialize, Deserialize)]
#[serde(tag = "stage", rename_all = "snake_case")]
enum WrittenStage {
    Waiting,
    Asking { failed: Vec<(usize, u16)>, asked: Vec<WrittenAsked> },
    Reporting { failed: Vec<(usize, u16)>, since: String },
}

#[derive(Serialize, Deserialize)]
struct WrittenAsked {
    destination: String,
    uid: String,
    since: String,
    items: Vec<(usize, String)>,
    progress: Progress,
}

fn written_failed(failed: &Failed) -> Vec<(usize, u16)> {
    failed.iter().map(|(place, reason)| (*place, reason.0)).collect()
}

fn read_failed(failed: Vec<(usize, u16)>) -> Failed {
    failed.into_iter().map(|(place, reason)| (place, Reason(reason))).collect()
}

/// Writes a transaction down.
///
/// # Errors
/// None that can be named: there are only texts and numbers in it.
pub(super) fn to_bytes(transaction: &Transaction) -> serde_json::Result<Vec<u8>> {
    let asked = |asked: &Asked| WrittenAsked {
        destination: asked.destination.clone(),
        uid: asked.uid.to_string(),
        since: asked.since.to_string(),
        items: asked.items.iter().map(|(place, uid)| (*place, uid.to_string())).collect(),
        progress: asked.progress,
    };
    let text = |one: &Reference| (one.sop_class.to_string(), one.sop_instance.to_string());
    serde_json::to_vec(&Written {
        version: VERSION,
        uid: transaction.uid.to_string(),
        calling: transaction.calling.to_string(),
        called: transaction.called.to_string(),
        peer: transaction.peer,
        received: transaction.received.to_string(),
        items: transaction.items.iter().map(text).collect(),
        stage: match &transaction.stage {
            Stage::Waiting => WrittenStage::Waiting,
            Stage::Asking { failed, asked: all } => WrittenStage::Asking {
                failed: written_failed(failed),
                asked: all.iter().map(asked).collect(),
            },
            Stage::Reporting { failed, since } => {
                WrittenStage::Reporting { failed: written_failed(failed), since: since.to_string() }
            }
        },
    })
}

/// Reads a transaction that was written down; `None` when it is none, or of a later version.
pub(super) fn from_bytes(bytes: &[u8]) -> Option<Transaction> {
    let read: Written = serde_json::from_slice(bytes).ok()?;
    if read.version != VERSION {
        return None;
    }
    let asked = |read: WrittenAsked| {
        Some(Asked {
            destination: read.destination,
            uid: Uid::new(&read.uid),
            since: read.since.parse().ok()?,
            items: read.items.into_iter().map(|(place, uid)| (place, Uid::new(&uid))).collect(),
            progress: read.progress,
        })
    };
    let reference = |(class, instance): &(String, String)| Reference {
        sop_class: Uid::new(class),
        sop_instance: Uid::new(instance),
    };
    Some(Transaction {
        uid: Uid::new(&read.uid),
        calling: AeTitle::parse(&read.calling).ok()?,
        called: AeTitle::parse(&read.called).ok()?,
        peer: read.peer,
        received: read.received.parse().ok()?,
        items: read.items.iter().map(reference).collect(),
        stage: match read.stage {
            WrittenStage::Waiting => Stage::Waiting,
            WrittenStage::Asking { failed, asked: all } => Stage::Asking {
                failed: read_failed(failed),
                asked: all.into_iter().map(asked).collect::<Option<_>>()?,
            },
            WrittenStage::Reporting { failed, since } => {
                Stage::Reporting { failed: read_failed(failed), since: since.parse().ok()? }
            }
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reference(instance: &str) -> Reference {
        Reference { sop_class: "1.2.840.10008.5.1.4.1.1.2".into(), sop_instance: instance.into() }
    }

    fn at(text: &str) -> Timestamp {
        text.parse().expect("an instant")
    }

    fn transaction(stage: Stage) -> Transaction {
        Transaction {
            uid: "1.2.3".into(),
            calling: AeTitle::parse("CT01").expect("a title"),
            called: AeTitle::parse("MARKGATE").expect("a title"),
            peer: IpAddr::from([10, 1, 2, 3]),
            received: at("2026-11-27T10:00:00Z"),
            items: [reference("1.1"), reference("1.2"), reference("1.3")].into(),
            stage,
        }
    }

    fn asked() -> Asked {
        Asked {
            destination: "pacs".to_owned(),
            uid: "2.25.7".into(),
            since: at("2026-11-27T10:00:05Z"),
            items: vec![(0, "1.1".into()), (2, "1.33".into())],
            progress: Progress::Taken,
        }
    }

    #[test]
    fn every_stage_is_read_back() {
        let failed = Failed::from([(1, Reason::NO_SUCH_OBJECT)]);
        for stage in [
            Stage::Waiting,
            Stage::Asking { failed: failed.clone(), asked: vec![asked()] },
            Stage::Reporting { failed, since: at("2026-11-27T11:00:00Z") },
        ] {
            let transaction = transaction(stage);
            let bytes = to_bytes(&transaction).expect("written");
            assert_eq!(from_bytes(&bytes), Some(transaction));
        }
    }

    #[test]
    fn what_is_none_or_of_a_later_version_is_not_read() {
        let bytes = to_bytes(&transaction(Stage::Waiting)).expect("written");
        let text = String::from_utf8(bytes).expect("JSON");
        let later = text.replacen("\"version\":1", "\"version\":2", 1);
        assert_eq!(from_bytes(later.as_bytes()), None);
        assert_eq!(from_bytes(b"{}"), None);
    }

    #[test]
    fn a_report_speaks_of_every_object_under_its_own_uid() {
        let transaction = transaction(Stage::Waiting);
        let failed = Failed::from([(1, Reason::NO_SUCH_OBJECT)]);
        let want = Reported {
            transaction: "1.2.3".into(),
            committed: vec![reference("1.1"), reference("1.3")],
            failed: vec![(reference("1.2"), Reason::NO_SUCH_OBJECT)],
        };
        assert_eq!(transaction.report(&failed), want);
    }

    #[test]
    fn a_destination_is_asked_by_the_uids_that_it_knows_and_answers_by_them() {
        let transaction = transaction(Stage::Waiting);
        let want = Requested {
            transaction: "2.25.7".into(),
            items: vec![reference("1.1"), reference("1.33")],
        };
        assert_eq!(transaction.request(&asked()), want);
        #[track_caller]
        fn check(committed: &[&str], failed: &[(&str, Reason)], want: &[(usize, Reason)]) {
            let reported = Reported {
                transaction: "2.25.7".into(),
                committed: committed.iter().map(|uid| reference(uid)).collect(),
                failed: failed.iter().map(|(uid, reason)| (reference(uid), *reason)).collect(),
            };
            let want: Failed = want.iter().copied().collect();
            assert_eq!(asked().failed(&reported), want);
        }
        check(&["1.1", "1.33"], &[], &[]);
        check(&["1.1"], &[("1.33", Reason(0x0213))], &[(2, Reason(0x0213))]);
        // One that is said to be both, and one of which nothing is said.
        check(
            &["1.1"],
            &[("1.1", Reason::NO_SUCH_OBJECT)],
            &[(0, Reason::NO_SUCH_OBJECT), (2, Reason::PROCESSING_FAILURE)],
        );
    }
}
