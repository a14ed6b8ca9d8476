//! What comes on associations: modalities that ask, and destinations that report.

use std::collections::HashSet;

use super::super::asking::REQUEST;
use super::super::data_set::{Requested, parse_report, parse_request};
use super::super::telling::Back;
use super::super::transaction::{Asked, Progress, Stage, Transaction};
use super::errands::Errand;
use super::{Keeper, Open};
use crate::base::object_id::ObjectId;
use crate::base::time::now;
use crate::dicom::sop_class::STORAGE_COMMITMENT_INSTANCE;
use crate::dicom::status::Status;
use crate::dicom::uid::Uid;
use crate::dimse::Answer;
use crate::dimse::normalized::{Called, Normalized};
use crate::observe::metrics::Outcome;
use crate::spool::StoreFault;

/// Requests that are kept at a time. A modality asks once or a few times a study.
const MOST_REQUESTS: usize = 10_000;

/// References in all of them: some 50 MB.
const MOST_REFERENCES: usize = 300_000;

impl Keeper {
    pub(super) async fn called(&mut self, called: Called) {
        let answer = match &called.what {
            Normalized::Action(action) if action.sop_instance != instance() => {
                Answer::new(Status::NO_SUCH_SOP_INSTANCE)
            }
            Normalized::Event(event) if event.sop_instance != instance() => {
                Answer::new(Status::NO_SUCH_SOP_INSTANCE)
            }
            Normalized::Action(action) if action.action_type != REQUEST => {
                Answer::new(Status::NO_SUCH_ACTION)
            }
            Normalized::Action(_) => self.requested(&called).await,
            Normalized::Event(_) => self.reported(&called).await,
        };
        if answer.status != Status::SUCCESS {
            let comment = answer.error_comment.as_deref().unwrap_or_default();
            tracing::warn!(calling = %called.calling, status = %answer.status, comment, "a request or report about commitment is not taken");
        }
        // The peer may have gone meanwhile: what it asked for is kept all the same.
        drop(called.answer.send(answer));
        self.look_soon();
    }

    /// A modality asks.
    async fn requested(&mut self, called: &Called) -> Answer {
        let counted = |outcome| {
            self.setup.metrics.commitments.requests.get_or_create(&Outcome { outcome }).inc();
        };
        let syntax = &called.context.transfer_syntax;
        let Requested { transaction, items } = match parse_request(&called.data, syntax) {
            Ok(requested) => requested,
            Err(fault) => {
                counted("refused");
                return Answer::with_comment(Status::INVALID_ARGUMENT_VALUE, fault.to_string());
            }
        };
        let back = Back {
            reports: called.reports.clone(),
            context: called.context.id,
            transfer_syntax: syntax.clone(),
        };
        let is_same = |open: &&mut Open| {
            let known = &open.transaction;
            known.calling == called.calling && known.uid == transaction
        };
        if let Some(open) = self.open.values_mut().find(is_same) {
            if open.transaction.items[..] != items[..] {
                counted("refused");
                let comment = "the Transaction UID is in use for other objects";
                return Answer::with_comment(Status::PROCESSING_FAILURE, comment);
            }
            // It asks again, so it is there now.
            open.back = Some(back);
            open.tries.remove(&Errand::Tell);
            counted("repeated");
            return Answer::new(Status::SUCCESS);
        }
        let is_full = self.open.len() >= MOST_REQUESTS;
        if is_full || self.references.saturating_add(items.len()) > MOST_REFERENCES {
            counted("refused");
            let comment = "too many requests for commitment are waiting";
            return Answer::with_comment(Status::RESOURCE_LIMITATION, comment);
        }
        let transaction = Transaction {
            uid: transaction,
            calling: called.calling.clone(),
            called: called.called.clone(),
            peer: called.peer,
            received: now(),
            items: items.into(),
            stage: Stage::Waiting,
        };
        let id = ObjectId::from_u128(uuid::Uuid::new_v4().as_u128());
        if let Err(fault) = self.keep(id, &transaction).await {
            counted("refused");
            tracing::error!(calling = %called.calling, %fault, "a request for commitment could not be kept");
            return Answer::new(match fault {
                StoreFault::Full { .. } => Status::RESOURCE_LIMITATION,
                StoreFault::Sync { .. }
                | StoreFault::Io { .. }
                | StoreFault::Sick { .. }
                | StoreFault::GivenUp
                | StoreFault::Interrupted => Status::PROCESSING_FAILURE,
            });
        }
        counted("taken");
        tracing::info!(
            calling = %called.calling,
            transaction = %transaction.uid,
            objects = transaction.items.len(),
            "commitment is asked for"
        );
        self.add(id, Open::new(transaction, Some(back)));
        Answer::new(Status::SUCCESS)
    }

    /// A destination reports.
    async fn reported(&mut self, called: &Called) -> Answer {
        let names: HashSet<String> = self
            .setup
            .destinations
            .iter()
            .filter(|it| it.peer.as_ref().is_some_and(|peer| peer.called == called.calling))
            .map(|destination| destination.name.clone())
            .collect();
        if names.is_empty() {
            return Answer::new(Status::NOT_AUTHORIZED);
        }
        let reported = match parse_report(&called.data, &called.context.transfer_syntax) {
            Ok(reported) => reported,
            Err(fault) => {
                return Answer::with_comment(Status::INVALID_ARGUMENT_VALUE, fault.to_string());
            }
        };
        if self.checks.reported(&self.setup, &names, &reported).await {
            return Answer::new(Status::SUCCESS);
        }
        let is_meant = |asked: &Asked| {
            asked.uid == reported.transaction && names.contains(asked.destination.as_str())
        };
        let found = self.open.iter_mut().find_map(|(id, open)| match &mut open.transaction.stage {
            Stage::Asking { failed, asked } => {
                Some((*id, failed, asked.iter_mut().find(|asked| is_meant(asked))?))
            }
            Stage::Waiting | Stage::Reporting { .. } => None,
        });
        let Some((id, failed, asked)) = found else {
            // It may have reported before and not got its answer.
            tracing::info!(calling = %called.calling, transaction = %reported.transaction, "a report on a commitment that nobody waits for");
            return Answer::new(Status::SUCCESS);
        };
        tracing::info!(
            destination = asked.destination,
            transaction = %reported.transaction,
            committed = reported.committed.len(),
            failed = reported.failed.len(),
            "a destination has reported"
        );
        failed.extend(asked.failed(&reported));
        asked.progress = Progress::Done;
        match self.advance(id).await {
            Ok(()) => Answer::new(Status::SUCCESS),
            Err(_) => Answer::new(Status::PROCESSING_FAILURE),
        }
    }
}

fn instance() -> Uid {
    STORAGE_COMMITMENT_INSTANCE.into()
}
