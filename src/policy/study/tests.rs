use super::*;
use crate::standard::geometry::Plane;
use crate::standard::study::Keys;

fn at(seconds: i64) -> Timestamp {
    let second = 1_780_000_000 + seconds;
    Timestamp::from_second(second).expect("a time of this century")
}

/// An image of a study and series, at a position of its own.
fn part(study: u64, series: u64, number: i32) -> Part {
    let keys = Keys::new([1; 32]);
    let mut part = Part {
        study_uid: Uid::new(&format!("1.2.{study}")),
        study,
        series,
        instance: keys.of("instance", &format!("{study}/{series}/{number}")),
        class: crate::standard::study::Class::Image,
        modality: "CT".into(),
        ..Part::default()
    };
    let plane = Plane { row: [1.0, 0.0, 0.0], column: [0.0, 1.0, 0.0] };
    part.slice.places = vec![(plane, [0.0, 0.0, number as f32])];
    part.slice.number = Some(number);
    part
}

fn settings() -> Settings {
    let patience = |quiet, at_most| Patience {
        quiet: Duration::from_secs(quiet),
        at_most: Duration::from_secs(at_most),
    };
    Settings {
        usual: patience(10, 60),
        by_modality: BTreeMap::from([("MR".to_owned(), patience(30, 100))]),
        budget: 1 << 20,
    }
}

/// Studies that settle at a time, with why and how many instances they have.
fn settled(studies: &mut Studies<()>, seconds: i64) -> Vec<(u64, Cause, usize)> {
    let complete = studies.settle(at(seconds));
    complete.iter().map(|one| (one.study.key(), one.cause, one.study.instances().len())).collect()
}

fn take(studies: &mut Studies<()>, part: &Part, seconds: i64) {
    assert_eq!(studies.take(part, at(seconds), at(seconds)), None);
}

#[test]
fn a_study_settles_once_nothing_has_come_for_a_while() {
    let mut studies = Studies::new(settings());
    take(&mut studies, &part(1, 1, 1), 0);
    assert_eq!(studies.rest(at(0)), Some(Duration::from_secs(10)));
    take(&mut studies, &part(1, 1, 2), 8);
    assert_eq!(settled(&mut studies, 17), []);
    assert_eq!(studies.stage(1, at(17)), Some(Stage::Open));
    assert_eq!(studies.stage(1, at(18)), Some(Stage::Quiet));
    assert_eq!(settled(&mut studies, 18), [(1, Cause::Quiet, 2)]);
    assert_eq!((settled(&mut studies, 99), studies.rest(at(99))), (vec![], None));
    assert_eq!(studies.stage(1, at(99)), None, "nobody has said what was found");
}

#[test]
fn nobody_waits_longer_than_at_most() {
    let mut studies = Studies::new(settings());
    for second in 0..=7 {
        take(&mut studies, &part(1, 1, second), i64::from(second) * 8);
    }
    assert_eq!(settled(&mut studies, 59), []);
    assert_eq!(settled(&mut studies, 60), [(1, Cause::AtMost, 8)]);
}

#[test]
fn a_modality_may_be_given_longer() {
    let mut studies = Studies::new(settings());
    let mut slow = part(1, 2, 1);
    slow.modality = "MR".into();
    take(&mut studies, &slow, 0);
    take(&mut studies, &part(1, 1, 1), 5);
    take(&mut studies, &part(2, 1, 1), 5);
    assert_eq!(settled(&mut studies, 15), [(2, Cause::Quiet, 1)]);
    assert_eq!(settled(&mut studies, 35), [(1, Cause::Quiet, 2)]);
}

#[test]
fn what_came_before_a_restart_is_not_waited_for_any_longer_and_is_quiet_from_then_on() {
    let mut studies: Studies<()> = Studies::new(settings());
    studies.take(&part(1, 1, 1), at(-55), at(0));
    studies.take(&part(1, 1, 2), at(-2), at(0));
    studies.expect(&Uid::new("1.2.3"), 3, at(-400), at(0));
    studies.take(&part(4, 1, 1), at(-20), at(0));
    assert_eq!(settled(&mut studies, 0), [(3, Cause::AtMost, 0)]);
    assert_eq!(settled(&mut studies, 5), [(1, Cause::AtMost, 2)]);
    assert_eq!(settled(&mut studies, 9), []);
    assert_eq!(settled(&mut studies, 10), [(4, Cause::Quiet, 1)]);
}

#[test]
fn what_is_late_is_told_what_was_found_and_opens_the_study_again() {
    let mut studies = Studies::new(settings());
    let first = part(1, 1, 1);
    assert_eq!(studies.take(&first, at(0), at(0)), None);
    assert_eq!(studies.settle(at(10)).len(), 1);
    studies.remember(1, Arc::new("found"));
    assert_eq!(studies.stage(1, at(11)), Some(Stage::Settled));
    let told = studies.take(&part(1, 1, 2), at(20), at(20));
    assert_eq!(told.as_deref(), Some(&"found"));
    assert_eq!(studies.stage(1, at(20)), Some(Stage::Open));
    let again = studies.settle(at(30));
    assert_eq!(again.iter().map(|one| one.study.instances().len()).collect::<Vec<_>>(), [1]);
}

#[test]
fn a_clock_that_is_set_back_stands_still_and_loses_nothing() {
    let mut studies = Studies::new(settings());
    take(&mut studies, &part(1, 1, 1), 0);
    assert_eq!(settled(&mut studies, 6), []);
    // An hour back: the study has waited 6 s by then, and waits 4 s more.
    assert_eq!(settled(&mut studies, -3600), []);
    assert_eq!(studies.rest(at(-3600)), Some(Duration::from_secs(4)));
    take(&mut studies, &part(2, 1, 1), -3599);
    assert_eq!(settled(&mut studies, -3596), [(1, Cause::Quiet, 1)]);
    assert_eq!(settled(&mut studies, -3589), [(2, Cause::Quiet, 1)]);
}

#[test]
fn a_clock_that_is_set_forward_settles_early_and_once() {
    let mut studies = Studies::new(settings());
    take(&mut studies, &part(1, 1, 1), 0);
    assert_eq!(settled(&mut studies, 86_400), [(1, Cause::Quiet, 1)]);
    assert_eq!(settled(&mut studies, 1), []);
}

#[test]
fn over_the_budget_the_study_that_is_quiet_longest_settles_and_says_so() {
    let mut studies = Studies::new(Settings { budget: 16 << 10, ..settings() });
    let mut gone = Vec::new();
    for study in 1..=20 {
        take(&mut studies, &part(study, 1, 1), i64::try_from(study).expect("small") / 4);
        gone.extend(settled(&mut studies, i64::try_from(study).expect("small") / 4));
        assert!(studies.bytes() <= 16 << 10, "{} bytes", studies.bytes());
    }
    assert!(gone.len() > 5, "{gone:?}");
    let order: Vec<u64> = gone.iter().map(|(study, _, _)| *study).collect();
    assert_eq!(order, (1..=order.len() as u64).collect::<Vec<_>>());
    assert!(gone.iter().all(|(_, cause, _)| *cause == Cause::NoRoom));
    assert_eq!(studies.open() + gone.len(), 20);
}

/// A generator of numbers for orders, the same in every run.
struct Order(u64);

impl Order {
    fn next(&mut self, below: usize) -> usize {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).expect("31 bits") % below
    }

    fn shuffle<T>(&mut self, all: &mut [T]) {
        for last in (1..all.len()).rev() {
            all.swap(last, self.next(last + 1));
        }
    }
}

#[test]
fn the_order_of_arrival_changes_nothing() {
    let parts: Vec<Part> = (1..=3)
        .flat_map(|study| (1..=3).map(move |series| (study, series)))
        .flat_map(|(study, series)| (1..=7).map(move |number| part(study, series, number)))
        .collect();
    let outcome = |order: &[&Part]| {
        let mut studies: Studies<()> = Studies::new(settings());
        for (second, part) in (0..).zip(order) {
            let came = at(i64::from(second % 5));
            studies.take(part, came, at(5));
        }
        let mut seen: Vec<_> = studies
            .settle(at(60))
            .into_iter()
            .map(|one| {
                let trace = one.study.trace();
                (one.study.key(), one.study.instances(), trace.series, one.study.bytes() > 0)
            })
            .collect();
        seen.sort();
        seen
    };
    let mut order: Vec<&Part> = parts.iter().collect();
    let first = outcome(&order);
    assert_eq!(first.len(), 3);
    let mut dice = Order(11);
    for _ in 0..50 {
        dice.shuffle(&mut order);
        // Some come twice.
        let mut twice = order.clone();
        twice.extend(order.iter().take(dice.next(20)));
        assert_eq!(outcome(&twice), first);
    }
}

#[test]
fn ten_thousand_open_studies_fit_the_budget() {
    const STUDIES: u64 = 10_000;
    const IMAGES: i32 = 60;
    let mut studies: Studies<()> = Studies::new(Settings::default());
    for study in 0..STUDIES {
        for number in 0..IMAGES {
            let mut one =
                part(study, study * 2 + u64::try_from(number % 2).expect("0 or 1"), number);
            one.instance = study * 1000 + u64::try_from(number).expect("small");
            assert_eq!(studies.take(&one, at(0), at(0)), None);
        }
    }
    let of_one = studies.bytes() / usize::try_from(STUDIES).expect("small");
    println!("figure: {of_one} bytes of an open study of {IMAGES} images");
    assert_eq!(studies.open(), 10_000);
    assert!(studies.settle(at(1)).is_empty(), "none had to go");
    assert!(studies.bytes() <= Settings::default().budget);
}
