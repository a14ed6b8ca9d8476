//! The scrub on a real spool and ledger, with bits turned and files taken away.

use jiff::tz::Offset;
use tempfile::TempDir;

use super::super::{custody, fixture};
use super::*;
use crate::base::figure::{figure, scale};
use crate::dicom::status::Status;
use crate::ledger::{Arrival, Disposition, Explained, ObjectRow, Verdict};
use crate::phantom::{Kind, Specimen};
use crate::spool::{
    self,
    rot::{make_unreadable, turn_a_bit},
};

struct Fixture {
    _dir: TempDir,
    scrub: Scrub,
}

impl Fixture {
    fn new() -> Self {
        let dir = TempDir::new().expect("a directory");
        let config = spool::Config {
            dir: dir.path().join("spool"),
            reserve: 0,
            ballast: 0,
            ..spool::Config::default()
        };
        let open = || custody::open(&config, Offset::UTC, &Arc::default(), now());
        let opened = std::thread::scope(|threads| threads.spawn(open).join());
        let custody = opened.expect("no panic").expect("opens");
        let scrub = Scrub {
            spool: custody.spool,
            ledger: custody.ledger,
            metrics: Arc::default(),
            every: Duration::from_secs(1),
        };
        Self { _dir: dir, scrub }
    }

    /// Takes an object in and sends it on its way.
    async fn take(&self, number: u32) -> ObjectId {
        let specimen = Specimen::new(Kind::Ct, 7).instance(number).size(16, 16);
        let envelope = fixture::envelope(&specimen, now());
        let mut draft = self.scrub.spool.draft(&envelope).expect("admitted");
        draft.write(&specimen.data_set()).expect("written");
        let receipt = draft.commit().await.expect("committed");
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
        assert_eq!(self.scrub.ledger.received(row).await.expect("entered"), Arrival::New);
        let verdict = Verdict {
            disposition: Disposition::Forward,
            destinations: vec!["pacs".to_owned()],
            report: "{}".to_owned(),
            ..Verdict::default()
        };
        self.event(receipt.id(), What::Judged(Box::new(verdict))).await;
        receipt.id()
    }

    async fn event(&self, object: ObjectId, what: What) {
        self.scrub.ledger.record(Event { object, at: now(), what }).await.expect("recorded");
    }

    fn explained(&self, object: ObjectId) -> Explained {
        let filter = Filter { ids: vec![object], ..Filter::default() };
        self.scrub.ledger.explain(&filter, 1).expect("asked").remove(0)
    }
}

#[tokio::test]
async fn every_turned_bit_is_found_and_its_object_held() {
    let count = scale(60, 1_000);
    let fixture = Fixture::new();
    let sound = fixture.take(0).await;
    let mut damaged = Vec::new();
    for n in 1..=count {
        let object = fixture.take(n).await;
        turn_a_bit(&fixture.scrub.spool, object, u64::from(n));
        damaged.push(object);
    }
    let pass = fixture.scrub.pass(None).await.expect("passed");
    let (all, found) = (u64::from(count) + 1, u64::from(count));
    assert_eq!((pass.objects, pass.damaged, pass.lost), (all, found, 0));
    for object in damaged {
        let explained = fixture.explained(object);
        assert_eq!(explained.state, ObjectState::Held);
        assert_eq!(explained.reasons, [SPOOL_DAMAGED]);
    }
    assert_eq!(fixture.explained(sound).state, ObjectState::Forwarding);
    assert_eq!(fixture.scrub.metrics.damaged.get(), found);
    figure(
        "R17",
        "bitrot_1000",
        format_args!(
            "by the scrub alone: {found} bits turned in head, data set or footer, {found} found and held"
        ),
    );
}

#[tokio::test]
async fn a_pass_begins_anywhere_and_reads_everything_once() {
    let fixture = Fixture::new();
    let mut objects = Vec::new();
    for n in 0..5 {
        objects.push(fixture.take(n).await);
    }
    for from in [None, objects.first(), objects.get(2), objects.last()] {
        let pass = fixture.scrub.pass(from.copied()).await.expect("passed");
        assert_eq!((pass.objects, pass.damaged, pass.lost), (5, 0, 0), "from {from:?}");
    }
}

#[tokio::test]
async fn a_missing_file_of_an_object_in_custody_is_lost_and_not_damaged() {
    let fixture = Fixture::new();
    let (lost, delivered) = (fixture.take(1).await, fixture.take(2).await);
    let answer = What::Delivered {
        destination: "pacs".to_owned(),
        status: Status::SUCCESS,
        comment: String::new(),
        sent: blake3::hash(b"sent"),
    };
    fixture.event(delivered, answer).await;
    fixture.scrub.spool.remove(&[lost, delivered]).expect("removed");
    let pass = fixture.scrub.pass(None).await.expect("passed");
    assert_eq!((pass.objects, pass.damaged, pass.lost), (0, 0, 1));
    assert_eq!(fixture.explained(lost).state, ObjectState::Lost);
    assert_eq!(fixture.explained(delivered).state, ObjectState::Delivered);
    let again = fixture.scrub.pass(None).await.expect("passed");
    assert_eq!(again, Pass::default(), "told once");
}

#[tokio::test]
async fn what_the_disk_does_not_give_back_is_held_if_it_gives_back_others() {
    let fixture = Fixture::new();
    let first = fixture.take(1).await;
    make_unreadable(&fixture.scrub.spool, first);
    let pass = fixture.scrub.pass(None).await.expect("passed");
    assert_eq!(pass, Pass::default(), "the disk itself may be at fault");
    assert_eq!(fixture.explained(first).state, ObjectState::Forwarding);
    let sound = fixture.take(2).await;
    let pass = fixture.scrub.pass(None).await.expect("passed");
    assert_eq!((pass.objects, pass.damaged, pass.lost), (2, 1, 0));
    assert_eq!(fixture.explained(first).state, ObjectState::Held);
    assert_eq!(fixture.explained(first).reasons, [SPOOL_UNREADABLE]);
    assert_eq!(fixture.explained(sound).state, ObjectState::Forwarding);
    assert_eq!(fixture.scrub.metrics.damaged.get(), 1);
}

#[tokio::test]
async fn what_is_held_already_keeps_its_reasons_and_what_is_delivered_its_state() {
    let fixture = Fixture::new();
    let (held, delivered) = (fixture.take(1).await, fixture.take(2).await);
    fixture.event(held, What::Held { reasons: vec!["PAT-001".to_owned()], by: None }).await;
    let answer = What::Delivered {
        destination: "pacs".to_owned(),
        status: Status::SUCCESS,
        comment: String::new(),
        sent: blake3::hash(b"sent"),
    };
    fixture.event(delivered, answer).await;
    turn_a_bit(&fixture.scrub.spool, held, 1);
    turn_a_bit(&fixture.scrub.spool, delivered, 2);
    for _ in 0..2 {
        let pass = fixture.scrub.pass(None).await.expect("passed");
        assert_eq!(pass.damaged, 2);
        assert_eq!(fixture.explained(held).reasons, ["PAT-001", SPOOL_DAMAGED]);
        assert_eq!(fixture.explained(delivered).state, ObjectState::Delivered);
    }
}

#[test]
fn a_pass_is_spread_over_its_time_within_limits() {
    let day = Duration::from_secs(86_400);
    assert_eq!(rate(0, day), SLOWEST);
    assert_eq!(rate(86_400 << 20, day), (f64::from(1 << 20) * 1.1) as u64);
    assert_eq!(rate(u64::MAX, day), FASTEST);
    assert_eq!(rate(1 << 30, Duration::ZERO), FASTEST);
}
