//! Enters what a lane does in the ledger, in order and several at a time, without keeping the lane waiting.
//!
//! What is entered together costs one transaction and one sync of the journal. Until an outcome is entered the ledger says that the
//! attempt is under way or still to be made; the lane keeps such objects to itself.

use std::collections::HashSet;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout_at};
use tokio_util::sync::CancellationToken;

use crate::base::caught::{Panicked, caught};
use crate::ledger::{Event, Ledger, LedgerFault, Refused, What, insist};
use crate::spool::ObjectId;

/// Outcomes that may be on their way into the ledger.
const UNRECORDED: usize = 64;

/// Outcomes that are entered together.
const TOGETHER: usize = 32;

/// How long the first of them waits for others; what failed waits for none.
const GATHERED: Duration = Duration::from_millis(10);

/// What happened to one object in a lane.
#[derive(Debug)]
struct Note {
    object: ObjectId,
    events: Vec<Event>,
    stage: Stage,
    /// Until when it may wait for others.
    gathers_until: Instant,
}

/// How far an attempt has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    Begun,
    Delivered,
    /// It came to anything else, which the lane goes by.
    Failed,
}

impl Note {
    fn is_outcome(&self) -> bool {
        self.stage != Stage::Begun
    }
}

/// The lane's end of its recording.
pub(super) struct Recording {
    /// `None` once the lane is ending.
    notes: Option<mpsc::Sender<Note>>,
    entered: mpsc::Receiver<ObjectId>,
    busy: HashSet<ObjectId>,
    gathers_until: Instant,
    task: JoinHandle<()>,
}

impl Recording {
    /// Starts to enter what is noted, until [`Recording::end`].
    pub(super) fn start(ledger: Ledger, stop: CancellationToken) -> Self {
        let (notes, inbox) = mpsc::channel(UNRECORDED);
        // Never full: there are no more objects on their way.
        let (done, entered) = mpsc::channel(UNRECORDED);
        let task = tokio::spawn(run(ledger, inbox, done, stop));
        let (notes, gathers_until) = (Some(notes), Instant::now());
        Self { notes, entered, busy: HashSet::new(), gathers_until, task }
    }

    /// Objects whose outcome is not yet in the ledger: not to be taken from it again.
    pub(super) fn busy(&self) -> &HashSet<ObjectId> {
        &self.busy
    }

    /// When what has been noted is entered at the latest, but for the time that the ledger takes.
    pub(super) fn gathers_until(&self) -> Instant {
        self.gathers_until
    }

    /// Notes that an attempt begins. Waits while too much is on its way.
    pub(super) async fn begins(&mut self, object: ObjectId, event: Event) {
        self.note(object, vec![event], Stage::Begun).await;
    }

    /// Notes an outcome. Waits while too many are on their way.
    pub(super) async fn ends(&mut self, object: ObjectId, events: Vec<Event>) {
        while self.busy.len() >= UNRECORDED && self.entered().await {}
        self.busy.insert(object);
        let is_delivery = |event: &Event| matches!(event.what, What::Delivered { .. });
        let stage = match events.iter().all(is_delivery) {
            true => Stage::Delivered,
            false => Stage::Failed,
        };
        self.note(object, events, stage).await;
    }

    async fn note(&mut self, object: ObjectId, events: Vec<Event>, stage: Stage) {
        let gathers_until = Instant::now() + GATHERED;
        self.gathers_until = gathers_until;
        let note = Note { object, events, stage, gathers_until };
        let is_noted = match &self.notes {
            Some(notes) => notes.send(note).await.is_ok(),
            None => false,
        };
        if !is_noted {
            tracing::error!(%object, "what a lane did is not recorded: recording has ended");
        }
    }

    /// Takes note of what has been entered meanwhile.
    pub(super) fn look(&mut self) {
        while let Ok(object) = self.entered.try_recv() {
            self.busy.remove(&object);
        }
    }

    /// Waits until another outcome has been entered. Returns false when there is none to wait for. Nothing is lost when it is
    /// dropped before.
    pub(super) async fn entered(&mut self) -> bool {
        if self.busy.is_empty() {
            return false;
        }
        match self.entered.recv().await {
            Some(object) => self.busy.remove(&object),
            None => {
                self.busy.clear();
                false
            }
        }
    }

    /// Waits until everything has been entered.
    pub(super) async fn end(mut self) {
        self.notes = None;
        if let Err(fault) = (&mut self.task).await {
            tracing::error!(%fault, "recording what a lane did has ended abnormally");
        }
    }
}

impl Drop for Recording {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn run(
    ledger: Ledger,
    mut inbox: mpsc::Receiver<Note>,
    done: mpsc::Sender<ObjectId>,
    stop: CancellationToken,
) {
    while let Some(first) = inbox.recv().await {
        let by = first.gathers_until;
        let mut notes = vec![first];
        while is_gathering(&notes)
            && let Ok(Some(next)) = timeout_at(by, inbox.recv()).await
        {
            notes.push(next);
        }
        let outcomes: Vec<ObjectId> =
            notes.iter().filter(|note| note.is_outcome()).map(|note| note.object).collect();
        if let Err(Panicked) = caught(enter(&ledger, notes, &stop)).await {
            tracing::error!("recording what a lane did has failed; it goes on");
        }
        for object in outcomes {
            if done.send(object).await.is_err() {
                tracing::debug!(%object, "recorded after its lane had ended");
            }
        }
    }
}

/// Whether more may be entered with these.
fn is_gathering(notes: &[Note]) -> bool {
    let outcomes = notes.iter().filter(|note| note.is_outcome());
    outcomes.clone().count() < TOGETHER && !outcomes.clone().any(|note| note.stage == Stage::Failed)
}

async fn enter(ledger: &Ledger, notes: Vec<Note>, stop: &CancellationToken) {
    let objects: Vec<ObjectId> =
        notes.iter().flat_map(|note| note.events.iter().map(|event| event.object)).collect();
    let events: Vec<Event> = notes.iter().flat_map(|note| note.events.iter().cloned()).collect();
    // Only by what failed does the lane go.
    let soon = notes.iter().all(|note| note.stage != Stage::Failed);
    match insist(stop, || record(ledger.clone(), events.clone(), soon)).await {
        Ok(outcomes) => {
            for (object, refused) in objects.iter().zip(outcomes) {
                if let Err(refused) = refused {
                    tracing::info!(%object, %refused, "what became of a delivery came too late");
                }
            }
        }
        // One of them may be at fault: each is tried for itself.
        Err(fault) if notes.len() > 1 => {
            tracing::warn!(%fault, notes = notes.len(), "what a lane did is entered one by one");
            for note in notes {
                Box::pin(enter(ledger, vec![note], stop)).await;
            }
        }
        // Nothing is lost: at the next start the delivery is made again.
        Err(fault) => {
            for object in objects {
                tracing::error!(%object, %fault, "what became of a delivery was not recorded");
            }
        }
    }
}

async fn record(
    ledger: Ledger,
    events: Vec<Event>,
    soon: bool,
) -> Result<Vec<Result<(), Refused>>, LedgerFault> {
    if soon { ledger.record_soon(events).await } else { ledger.record_all(events).await }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{Custody, ct};
    use super::*;
    use crate::base::time::now;
    use crate::dicom::status::Status;
    use crate::ledger::ObjectState;

    fn note(stage: Stage) -> Note {
        let object = ObjectId::parse("000000000000000000000000000000aa").expect("an id");
        Note { object, events: Vec::new(), stage, gathers_until: Instant::now() }
    }

    #[tokio::test]
    async fn outcomes_wait_for_others_and_failures_for_none() {
        let check = |stages: &[Stage], want| {
            let notes: Vec<Note> = stages.iter().copied().map(note).collect();
            assert_eq!(is_gathering(&notes), want, "{stages:?}");
        };
        check(&[Stage::Begun], true);
        check(&[Stage::Begun; 40], true);
        check(&[Stage::Delivered; TOGETHER - 1], true);
        check(&[Stage::Delivered; TOGETHER], false);
        check(&[Stage::Begun, Stage::Delivered, Stage::Failed], false);
    }

    #[tokio::test]
    async fn what_is_noted_together_is_entered_at_once_and_in_order() {
        let custody = Custody::new();
        let mut objects = Vec::new();
        for instance in 0..10 {
            objects.push(custody.take(&ct(instance), Vec::new()).await);
        }
        let changes = custody.ledger.changes();
        let before = *changes.borrow();
        let mut recording = Recording::start(custody.ledger.clone(), CancellationToken::new());
        for &object in &objects {
            let event = |what| Event { object, at: now(), what };
            let destination = "pacs".to_owned();
            recording
                .begins(object, event(What::Sending { destination: destination.clone() }))
                .await;
            let delivered = What::Delivered {
                destination,
                status: Status::SUCCESS,
                comment: String::new(),
                sent: blake3::hash(b"sent"),
            };
            recording.ends(object, vec![event(delivered)]).await;
        }
        assert_eq!(recording.busy().len(), objects.len());
        while recording.entered().await {}
        assert!(recording.busy().is_empty());
        assert_eq!(*changes.borrow() - before, 1, "one batch of the ledger");
        for &object in &objects {
            let found = custody.explained(object);
            assert_eq!(found.state, ObjectState::Delivered);
            assert_eq!(found.deliveries.first().map(|delivery| delivery.attempts), Some(1));
        }
        recording.end().await;
    }
}
