//! The pages' questions to a gate that runs, with objects that came into custody as if from a modality.

use std::path::Path;

use super::*;
use crate::app::fixture::{envelope, loaded};
use crate::app::serve::Gate;
use crate::ledger::ObjectRow;
use crate::phantom::{Fault as Flaw, Kind, Specimen};
use crate::web::Service as _;

struct Running {
    gate: Gate,
    service: Service,
    dir: tempfile::TempDir,
}

impl Running {
    async fn start() -> Self {
        let dir = tempfile::tempdir().expect("a folder");
        let gate = Gate::start(loaded(dir.path())).await.expect("a gate");
        let service = Service::new(Arc::clone(gate.state()));
        Self { gate, service, dir }
    }

    /// Takes a specimen into custody and waits until `state` is reached.
    async fn take(&self, specimen: &Specimen, state: ObjectState) -> ObjectId {
        let parts = &self.service.state;
        let envelope = envelope(specimen, now());
        let mut draft = parts.spool.draft(&envelope).expect("room");
        draft.write(&specimen.data_set()).expect("written");
        let receipt = draft.commit().await.expect("durable");
        let row = ObjectRow {
            id: receipt.id(),
            received: envelope.received,
            calling_ae: envelope.calling_ae,
            called_ae: envelope.called_ae,
            peer: envelope.peer,
            transfer_syntax: envelope.transfer_syntax,
            sop_class: envelope.sop_class,
            sop_instance: envelope.sop_instance,
            study: specimen.study_instance(),
            series: specimen.series_instance(),
            length: receipt.length(),
            hash: receipt.hash(),
            urgent: false,
        };
        let id = row.id;
        parts.ledger.received(row).await.expect("entered");
        assert!(parts.judging.send(Work::Again(id)).await.is_ok(), "judging runs");
        self.reach(specimen, state).await;
        id
    }

    async fn reach(&self, specimen: &Specimen, state: ObjectState) {
        let ledger = &self.service.state.ledger;
        let mut changes = ledger.changes();
        let filter = Filter { sop_instance: Some(specimen.sop_instance()), ..Filter::default() };
        loop {
            changes.borrow_and_update();
            let found = ledger.explain(&filter, 1).expect("the index");
            if found.first().is_some_and(|entry| entry.state == state) {
                return;
            }
            changes.changed().await.expect("the ledger runs");
        }
    }

    fn received(&self) -> Vec<Vec<u8>> {
        let files = std::fs::read_dir(self.dir.path().join("received")).into_iter().flatten();
        files.map(|file| std::fs::read(file.expect("an entry").path()).expect("a file")).collect()
    }
}

fn named(name: &str) -> Selector {
    Selector::Named(name.to_owned())
}

fn flawed() -> Specimen {
    Specimen::new(Kind::Ct, 5).size(8, 8).fault(Flaw::NoPatientId)
}

#[tokio::test]
async fn a_fresh_gate_is_ready_and_has_nothing() {
    let running = Running::start().await;
    let service = &running.service;
    assert_eq!(service.ready().await, model::Health { ok: true, problems: vec![] });
    let system = service.system().await.expect("an answer");
    assert_eq!((system.held, system.lost, system.queue.deliveries), (0, 0, 0));
    assert_eq!(system.aet, ["MARKGATE"]);
    assert_eq!(system.listen, running.gate.address().to_string());
    let [archive] = system.destinations.as_slice() else { panic!("{system:?}") };
    assert_eq!((archive.kind, archive.state), (model::PeerKind::Folder, model::PeerState::Unknown));
    assert_eq!(service.queue(10).await.expect("a list").total, 0);
    assert!(service.ledger().await.expect("the books").balanced);
    assert!(service.metrics().await.contains("markgate_queued{destination=\"archive\"} 0"));
    assert!(service.conformance().await.expect("a text").contains("| archive | folder |"));
    assert!(!service.rules().await.expect("rules").is_empty());
    running.gate.stop().await;
}

#[tokio::test]
async fn what_is_not_there_is_said_to_be_missing() {
    let running = Running::start().await;
    let service = &running.service;
    let missing = |what, name: &str| Refusal::NotFound { what, name: name.to_owned() };
    let deed = model::Deed::default;
    let acted = service.act_on_queue(named("1.2"), QueueAction::Retry, deed()).await;
    assert_eq!(acted, Err(missing("delivery", "1.2")));
    let acted = service.act_on_quarantine(named("1.2"), QuarantineAction::Release, deed()).await;
    assert_eq!(acted, Err(missing("held object", "1.2")));
    let flush = model::Deed { destination: Some("moon".to_owned()), ..deed() };
    assert_eq!(service.flush(flush).await, Err(missing("destination", "moon")));
    assert_eq!(service.explain("1.2".to_owned()).await, Err(missing("instance", "1.2")));
    assert_eq!(service.test("moon".to_owned()).await, Err(missing("destination", "moon")));
    let all = service.act_on_queue(Selector::All, QueueAction::Retry, deed()).await;
    assert_eq!(all, Ok(model::Changed { changed: 0 }));
    running.gate.stop().await;
}

#[tokio::test]
async fn a_held_object_is_explained_and_goes_out_as_it_came_when_released() {
    let running = Running::start().await;
    let service = &running.service;
    let specimen = flawed();
    let uid = specimen.sop_instance().to_string();
    let id = running.take(&specimen, ObjectState::Held).await;
    let held = service.quarantine(false, 10).await.expect("a list");
    assert_eq!((held.total, held.entries[0].id.clone()), (1, id.to_string()));
    assert_eq!(held.entries[0].reasons, ["IMG-PAT-003"]);
    let explained = service.explain(uid.clone()).await.expect("an explanation");
    assert_eq!(explained[0].report.findings[0].rule, "IMG-PAT-003");
    assert_eq!(explained[0].report.modality.as_deref(), Some("CT"));
    assert!(!explained[0].rules.is_empty());
    for changed in [false, true] {
        let picture = service.preview(uid.clone(), changed).await.expect("a picture");
        let reader = png::Decoder::new(std::io::Cursor::new(picture)).read_info().expect("a PNG");
        assert_eq!(reader.info().size(), (8, 8));
    }
    let unknown = Refusal::NotFound { what: "instance", name: "1.2".to_owned() };
    assert_eq!(service.preview("1.2".to_owned(), true).await, Err(unknown));

    let release = QuarantineAction::Release;
    let released = service.act_on_quarantine(named(&uid), release, model::Deed::default()).await;
    assert_eq!(released, Ok(model::Changed { changed: 1 }));
    running.reach(&specimen, ObjectState::Delivered).await;
    let [file] = running.received().try_into().expect("one file");
    assert!(file.ends_with(&specimen.data_set()), "the data set as it came");
    let again = service.act_on_quarantine(named(&uid), release, model::Deed::default()).await;
    let state = "already released".to_owned();
    assert_eq!(again, Err(Refusal::Conflict { name: uid, state }));
    let all = service.quarantine(true, 10).await.expect("a list");
    assert_eq!(all.entries[0].state, model::QuarantineState::Released);
    let books = service.ledger().await.expect("the books");
    assert_eq!((books.counts.delivered, books.balanced), (1, true));
    running.gate.stop().await;
}

#[tokio::test]
async fn a_rejected_object_is_settled_and_one_judged_again_stays_held() {
    let running = Running::start().await;
    let service = &running.service;
    let specimen = flawed();
    let id = running.take(&specimen, ObjectState::Held).await.to_string();
    let act =
        async |action| service.act_on_quarantine(named(&id), action, model::Deed::default()).await;
    assert_eq!(act(QuarantineAction::Recheck).await, Ok(model::Changed { changed: 1 }));
    assert_eq!(act(QuarantineAction::Reject).await, Ok(model::Changed { changed: 1 }));
    let state = "already rejected".to_owned();
    let again = act(QuarantineAction::Release).await;
    assert_eq!(again, Err(Refusal::Conflict { name: id.clone(), state }));
    assert_eq!(running.received(), Vec::<Vec<u8>>::new());
    running.gate.stop().await;
}

#[tokio::test]
async fn what_was_marked_is_counted() {
    let running = Running::start().await;
    let today = crate::base::time::date_at(now(), jiff::tz::Offset::constant(8));
    let specimen = Specimen::new(Kind::Dx, 9).size(8, 8).study_date(today);
    running.take(&specimen, ObjectState::Delivered).await;
    let statistics = running.service.statistics().await.expect("counts");
    assert_eq!(statistics.unmarked.values().sum::<u64>(), 1, "{statistics:?}");
    let peers = running.service.peers().await.expect("peers");
    assert_eq!((peers[0].state, peers[0].delivered), (model::PeerState::Up, 1));
    let echo = running.service.echo("archive".to_owned()).await.expect("an answer");
    assert!(echo.ok, "{echo:?}");
    assert!(Path::new(&peers[0].address).ends_with("received"));
    running.gate.stop().await;
}
