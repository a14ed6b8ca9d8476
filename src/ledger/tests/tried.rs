//! What rules that are only tried out would have withheld.

use super::*;

fn trial(study: bool, applied: &[&str], withheld: &[&str]) -> Trial {
    let names = |all: &[&str]| all.iter().map(|one| (*one).to_owned()).collect();
    Trial { study, applied: names(applied), withheld: names(withheld) }
}

fn judged_with(trial: Trial) -> What {
    let What::Judged(verdict) = judged(Disposition::Forward, &["pacs"]) else {
        panic!("a verdict")
    };
    What::Judged(Box::new(Verdict { trial: Some(trial), ..*verdict }))
}

impl Fixture {
    async fn tries(&self, object: u128, trial: Trial) {
        self.ledger.record(event(object, judged_with(trial))).await.expect("recorded");
    }

    /// Rules with what is counted, of how many, and how many.
    #[track_caller]
    fn check_tried(&self, want: &[(&str, Unit, u64, u64)]) {
        let tried = self.ledger.tried().expect("asked");
        let tried: Vec<(&str, Unit, u64, u64)> = tried
            .iter()
            .map(|one| (one.rule.as_str(), one.unit, one.applied, one.withheld))
            .collect();
        assert_eq!(tried, want);
    }
}

#[tokio::test]
async fn objects_are_counted_once_for_each_rule_and_over_a_restart() {
    let fixture = Fixture::new();
    for object in 1..=3 {
        fixture.receive(object).await;
    }
    fixture.tries(1, trial(false, &["A-1", "A-2"], &["A-2"])).await;
    fixture.tries(2, trial(false, &["A-1"], &[])).await;
    let want = [("A-1", Unit::Object, 2, 0), ("A-2", Unit::Object, 1, 1)];
    fixture.check_tried(&want);
    let fixture = fixture.restart();
    fixture.check_tried(&want);
    // Judged again: what was counted is not counted twice, what is new is.
    fixture.tries(1, trial(false, &["A-1", "A-2", "A-3"], &["A-1", "A-2"])).await;
    fixture.tries(3, trial(false, &["A-1"], &["A-1"])).await;
    let want =
        [("A-1", Unit::Object, 3, 2), ("A-2", Unit::Object, 1, 1), ("A-3", Unit::Object, 1, 0)];
    fixture.check_tried(&want);
}

#[tokio::test]
async fn of_objects_that_share_the_fate_of_their_study_the_study_is_counted() {
    let fixture = Fixture::new();
    for object in 1..=3 {
        fixture.receive(object).await;
    }
    fixture.tries(1, trial(true, &["A-1"], &[])).await;
    fixture.tries(2, trial(true, &["A-1"], &["A-1"])).await;
    fixture.tries(3, trial(true, &["A-1"], &["A-1"])).await;
    fixture.check_tried(&[("A-1", Unit::Study, 1, 1)]);
}

#[tokio::test]
async fn counts_are_built_again_from_the_log() {
    let fixture = Fixture::new();
    fixture.receive(1).await;
    fixture.tries(1, trial(false, &["A-1"], &["A-1"])).await;
    let other = TempDir::new().expect("a folder");
    let rebuilt = open(&other, &fixture.log);
    let rebuild = || rebuilt.rebuild(vec![row(1)], fixture.log.entries()).map(|_| ());
    std::thread::scope(|scope| scope.spawn(rebuild).join()).expect("no panic").expect("rebuilt");
    assert_eq!(rebuilt.tried().expect("asked"), fixture.ledger.tried().expect("asked"));
    assert_eq!(rebuilt.tried().expect("asked").len(), 1);
}
