//! Objects that cannot be judged: they go on by policy, and no other waits for them.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Condvar, PoisonError};
use std::time::Instant;

use tokio::task::JoinSet;

use super::*;
use crate::base::figure::{figure, scale};
use crate::object::scan_reader;
use crate::pipeline::{self, Site};
use crate::receive::case::Case;

/// Holds the judgement of objects fast until it is opened.
#[derive(Default)]
struct Trap {
    is_open: StdMutex<bool>,
    opened: Condvar,
}

impl Trap {
    fn open(&self) {
        *self.is_open.lock().expect("not poisoned") = true;
        self.opened.notify_all();
    }

    fn wait(&self) {
        let open = self.is_open.lock().unwrap_or_else(PoisonError::into_inner);
        let _open = self.opened.wait_while(open, |open| !*open).expect("not poisoned");
    }

    /// A judgement that is held fast at every object of `Modality` MR.
    fn judge(self: &Arc<Self>) -> Judge {
        let trap = Arc::clone(self);
        Arc::new(move |site, image, at| {
            if image.scan.header.string(crate::dicom::tags::MODALITY).as_deref() == Some("MR") {
                trap.wait();
            }
            pipeline::judge(site, image, at)
        })
    }
}

impl Drop for Trap {
    fn drop(&mut self) {
        self.open();
    }
}

/// A poisonous object of a study, and thereby series, of its own.
fn poison(seed: u64) -> Specimen {
    Specimen::new(Kind::Mr, seed).size(16, 16).study_date(date(2026, 8, 14))
}

/// A good one of the same series, behind it.
fn behind(seed: u64) -> Specimen {
    let one = Specimen::new(Kind::Mr, seed).instance(2).size(16, 16).study_date(date(2026, 8, 14));
    assert_eq!(one.series_instance(), poison(seed).series_instance());
    one
}

impl Gate {
    /// Waits until an object of that instance has been judged.
    async fn until_one(&self, specimen: &Specimen) -> Explained {
        let filter = Filter { sop_instance: Some(specimen.sop_instance()), ..Filter::default() };
        let mut changes = self.ledger.changes();
        let waited = timeout(PATIENCE, async {
            loop {
                changes.borrow_and_update();
                let known = self.ledger.explain(&filter, 9).expect("asked");
                let judged = known.into_iter().find(|one| one.state != ObjectState::Received);
                if let Some(judged) = judged {
                    return judged;
                }
                changes.changed().await.expect("a ledger");
            }
        });
        waited.await.expect("judged in time")
    }

    fn state_of(&self, specimen: &Specimen) -> Option<ObjectState> {
        let filter = Filter { sop_instance: Some(specimen.sop_instance()), ..Filter::default() };
        self.ledger.explain(&filter, 9).expect("asked").first().map(|one| one.state)
    }

    async fn send_each(&self, specimens: &[Specimen]) {
        let objects: Vec<_> = specimens.iter().map(|one| (one.clone(), one.data_set())).collect();
        let mut outgoing = self.call("CT01", "MARKGATE").await.expect("an association");
        for (specimen, data) in &objects {
            let order = StoreOrder {
                sop_class: specimen.sop_class(),
                transfer_syntax: specimen.transfer_syntax(),
                sop_instance: specimen.sop_instance(),
                priority: crate::dimse::Priority::Medium,
                move_originator: None,
            };
            let answer = outgoing.store(&order, &mut data.as_slice()).await.expect("an answer");
            assert_eq!(answer.status, Status::SUCCESS);
        }
        outgoing.release().await.expect("released");
    }
}

fn reason(one: &Explained) -> Option<&str> {
    one.verdict.as_ref().and_then(|verdict| verdict.reason.as_deref())
}

/// R18: an object that hangs the judgement.
#[tokio::test(flavor = "multi_thread")]
async fn an_object_that_hangs_delays_no_other_and_its_own_series_keeps_its_order() {
    let trap = Arc::new(Trap::default());
    let choices = Choices { judge: Some(trap.judge()), threads: Some(1), ..Choices::default() };
    let gate = Gate::with(choices).await;
    gate.send_each(&[poison(9), behind(9)]).await;
    let mut slowest = Duration::ZERO;
    let others = scale(20, 1_000);
    for number in 1..=others {
        let sent = Instant::now();
        gate.send_each(&[ct(number)]).await;
        gate.until_one(&ct(number)).await;
        slowest = slowest.max(sent.elapsed());
    }
    assert_eq!(gate.state_of(&poison(9)), Some(ObjectState::Received));
    assert_ne!(gate.state_of(&behind(9)), Some(ObjectState::Forwarding), "behind its series");
    figure(
        "R18",
        "poison_bypass",
        format_args!(
            "{others} others behind one that hangs: from sending to verdict {} ms at most",
            slowest.as_millis()
        ),
    );
    trap.open();
    let known = gate.until_judged(others as usize + 2).await;
    let last: Vec<&Explained> =
        known.iter().filter(|one| one.study == poison(9).study_instance()).collect();
    assert_eq!(last.len(), 2);
    assert!(last.iter().all(|one| reason(one) != Some("UNCHECKED")), "judged after all");
    assert!(last.is_sorted_by_key(|one| one.verdict.as_ref().map(|verdict| verdict.at)));
    gate.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_object_that_hangs_too_long_goes_on_unmarked() {
    let trap = Arc::new(Trap::default());
    let patience = Some(Duration::from_secs(1));
    let choices = Choices { judge: Some(trap.judge()), patience, ..Choices::default() };
    let gate = Gate::with(choices).await;
    let sent = Instant::now();
    gate.send_each(&[poison(9)]).await;
    let gone = gate.until_one(&poison(9)).await;
    assert_eq!((gone.state, reason(&gone)), (ObjectState::Forwarding, Some("UNCHECKED")));
    assert!(gone.verdict.is_some_and(|verdict| verdict.plan.is_empty() && verdict.mark.is_none()));
    assert!(sent.elapsed() >= Duration::from_secs(1));
    trap.open();
    gate.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn however_many_hang_the_gate_goes_on() {
    let trap = Arc::new(Trap::default());
    let patience = Some(Duration::from_secs(1));
    let judge = Some(trap.judge());
    let choices = Choices { judge, threads: Some(2), patience, ..Choices::default() };
    let gate = Gate::with(choices).await;
    let many: Vec<Specimen> = (100..112).map(poison).collect();
    gate.send_each(&many).await;
    gate.send_each(&[ct(1)]).await;
    let other = gate.until_one(&ct(1)).await;
    assert_eq!((other.state, reason(&other)), (ObjectState::Forwarding, Some("UNCHECKED")));
    trap.open();
    let known = gate.until_judged(13).await;
    assert!(known.iter().all(|one| reason(one) == Some("UNCHECKED")));
    // Threads come back when what hung on them ends, which may take them a moment.
    let mut mark = None;
    for number in 2..100 {
        gate.send_each(&[ct(number)]).await;
        mark = gate.until_one(&ct(number)).await.verdict.and_then(|verdict| verdict.mark);
        if mark.is_some() {
            break;
        }
    }
    assert_eq!(mark.as_deref(), Some("JJJHR"));
    gate.end().await;
}

pub(super) fn envelope(specimen: &Specimen) -> Envelope {
    Envelope {
        calling_ae: title("CT01"),
        called_ae: title("MARKGATE"),
        peer: "127.0.0.1".parse().expect("an address"),
        certificate: None,
        transfer_syntax: specimen.transfer_syntax(),
        sop_class: specimen.sop_class(),
        sop_instance: specimen.sop_instance(),
        message_id: 1,
        priority: Priority::Medium,
        received: now(),
    }
}

/// Takes an object into custody as a gate does that ends before it has judged it.
async fn leave(gate: &Gate, specimen: &Specimen) -> ObjectId {
    let envelope = envelope(specimen);
    let mut draft = gate.spool.draft(&envelope).expect("admitted");
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
    gate.ledger.received(row).await.expect("entered");
    receipt.id()
}

/// How an object is judged that was in judgement when so many processes ended.
async fn check_found(starts: u32, want: Option<&str>) {
    let mut gate = Gate::with(Choices::default()).await;
    let object = leave(&gate, &ct(1)).await;
    for _ in 0..starts {
        let noted = gate.spool.judging().note(object);
        noted.begin();
        noted.die();
        gate = gate.again().await;
    }
    assert_eq!(gate.spool.judging().found(object), starts);
    assert_eq!(resume(vec![object], gate.judging.clone()).await, 1);
    let judged = gate.until_one(&ct(1)).await;
    assert_eq!((judged.state, reason(&judged)), (ObjectState::Forwarding, want));
    assert_eq!(gate.spool.judging().found(object), 0);
    gate.end().await;
}

#[tokio::test]
async fn what_ended_the_gate_three_times_is_not_judged_a_fourth() {
    check_found(0, None).await;
    check_found(2, None).await;
    check_found(3, Some("UNCHECKED")).await;
}

/// A judgement, and how often it was asked for.
fn counted(judge: Judge) -> (Judge, Arc<AtomicUsize>) {
    let asked = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&asked);
    let judge: Judge = Arc::new(move |site, image, at| {
        count.fetch_add(1, Ordering::Relaxed);
        judge(site, image, at)
    });
    (judge, asked)
}

#[tokio::test]
async fn an_answer_rests_on_a_judgement_only_where_the_site_wants_to_warn() {
    for (coerced, want) in [(None, (0, 0)), (Some(Status::COERCION), (0xB000, 2))] {
        let (judge, asked) = counted(Arc::new(pipeline::judge));
        let gate = Gate::with(Choices { coerced, foreseen: Some(judge), ..Choices::default() });
        let gate = gate.await;
        let marked = gate.send_one(ct(1)).await;
        let unmarked = gate.send("CT02", &[(ct(2), ct(2).data_set())]).await;
        assert_eq!(unmarked, [0], "nothing to warn of");
        assert_eq!((marked, asked.load(Ordering::Relaxed)), want);
        gate.end().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_waits_neither_for_a_judgement_that_hangs_nor_for_one_that_panics() {
    let trap = Arc::new(Trap::default());
    let coerced = Some(Status::COERCION);
    let choices = Choices { coerced, foreseen: Some(trap.judge()), ..Choices::default() };
    let gate = Gate::with(choices).await;
    assert_eq!(gate.send_one(poison(9)).await, 0);
    assert_eq!(gate.send_one(ct(1)).await, 0xB000, "another's answer");
    gate.until_judged(2).await;
    trap.open();
    gate.end().await;

    let broken: Judge = Arc::new(|_, _, _| std::panic::resume_unwind(Box::new("broken")));
    let gate = Gate::with(Choices { coerced, foreseen: Some(broken), ..Choices::default() }).await;
    assert_eq!(gate.send_one(ct(1)).await, 0);
    let judged = gate.until_one(&ct(1)).await;
    assert_eq!(judged.verdict.and_then(|verdict| verdict.mark).as_deref(), Some("JJJHR"));
    gate.end().await;
}

fn case(specimen: &Specimen) -> Arc<Case> {
    let data = specimen.data_set();
    let syntax =
        crate::dicom::transfer_syntax::TransferSyntax::of(specimen.transfer_syntax().as_str());
    let scan = scan_reader(data.as_slice(), syntax, Limits::default()).expect("a data set");
    let source = Source { institution: Some(InstitutionId::new("here")), ..Source::default() };
    Arc::new(Case::new(envelope(specimen), source, scan))
}

#[tokio::test(flavor = "multi_thread")]
async fn judgements_that_no_answer_waits_for_any_more_are_bounded() {
    let trap = Arc::new(Trap::default());
    let (judge, asked) = counted(trap.judge());
    let foresight = Foresight::new(judge);
    let site = Site { coerced_status: Status::COERCION, ..pipeline::tests::site() };
    let site = Arc::new(site);
    let mut hanging = JoinSet::new();
    for seed in 0..100 {
        let (foresight, site, case) = (foresight.clone(), Arc::clone(&site), case(&poison(seed)));
        hanging.spawn(async move { foresight.status(&site, &case).await });
    }
    let answers = timeout(PATIENCE, hanging.join_all()).await.expect("answered");
    assert_eq!(answers, [Status::SUCCESS; 100]);
    let asked = asked.load(Ordering::Relaxed);
    assert!((1..=16).contains(&asked), "{asked} judgements at a time");
    assert_eq!(foresight.status(&site, &case(&ct(1))).await, Status::SUCCESS, "without room");
    trap.open();
    let again = timeout(PATIENCE, async {
        while foresight.status(&site, &case(&ct(1))).await == Status::SUCCESS {
            tokio::task::yield_now().await;
        }
    });
    again.await.expect("there is room again");
}
