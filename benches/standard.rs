//! What the rules cost: `cargo bench --bench standard`. Figures are printed, not asserted.
//!
//! Every row is the median of many rounds on one thread: the built-in pack over the header of one object, facts included, each
//! time as new. `--trace` as an argument lists the dearest rules and facts of each object too.

#![allow(
    clippy::print_stdout,
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "a bench prints, and stops at the first thing that is not as it should be"
)]

mod timing;

use std::hint::black_box;
use std::time::Duration;

use markgate::base::limits::Limits;
use markgate::base::time::parse_offset;
use markgate::dicom::transfer_syntax::TransferSyntax;
use markgate::object::{Scan, scan_reader};
use markgate::phantom::{Fault, Kind, Specimen};
use markgate::standard::facts::FACTS;
use markgate::standard::{Announced, Arrival, Changes, Pack, RuleSet, Subject};
use timing::median;

const ROUNDS: usize = 2_000;

fn main() {
    let rules = rules();
    println!("{} rules, {} facts\n", rules.rules().len(), FACTS.len());
    println!("{:32} {:>8} {:>10}", "object", "elements", "the pack");
    for kind in Kind::ALL {
        row(&rules, &format!("{kind:?}"), &Specimen::new(kind, 1).size(64, 64));
    }
    let private = Specimen::new(Kind::Ct, 1).size(64, 64).fault(Fault::PrivateElements);
    row(&rules, "Ct with private elements", &private);
    row(
        &rules,
        "EnhancedCt of 500 frames",
        &Specimen::new(Kind::EnhancedCt, 1).size(8, 8).frames(500),
    );
    println!();
    reading();
    if std::env::args().any(|argument| argument == "--trace") {
        for kind in [Kind::Ct, Kind::Mr, Kind::Dx] {
            dearest(&rules, &Specimen::new(kind, 1).size(64, 64));
        }
    }
}

fn rules() -> RuleSet {
    let pack = Pack::built_in("db11t2505-2025").unwrap();
    RuleSet::build(&[pack], &Changes::default()).unwrap()
}

fn row(rules: &RuleSet, name: &str, specimen: &Specimen) {
    let scan = scan(specimen);
    let cost = median(ROUNDS, || {
        black_box(rules.assess(&subject(&scan)));
    });
    let elements = scan.header.elements().len();
    println!("{name:32} {elements:>8} {:>7.1} µs", micros(cost));
}

/// What a configuration costs when it is read.
fn reading() {
    let parsed = median(20, || {
        black_box(Pack::built_in("db11t2505-2025"));
    });
    let pack = [Pack::built_in("db11t2505-2025").unwrap()];
    let built = median(20, || {
        black_box(RuleSet::build(&pack, &Changes::default())).unwrap();
    });
    println!(
        "the pack is read and checked in {:.1} ms, compiled in {:.1} ms",
        millis(parsed),
        millis(built)
    );
}

/// Rules and facts by what they cost on a subject that has seen nothing yet.
fn dearest(rules: &RuleSet, specimen: &Specimen) {
    let scan = scan(specimen);
    let empty = median(ROUNDS, || {
        black_box(subject(&scan));
    });
    let mut costs: Vec<(Duration, String)> = Vec::new();
    for fact in FACTS {
        let cost = median(ROUNDS / 10, || {
            black_box(subject(&scan).fact(fact.name));
        });
        costs.push((cost.saturating_sub(empty), format!("fact.{}", fact.name)));
    }
    for rule in rules.rules() {
        let cost = median(ROUNDS / 10, || {
            black_box(rules.trace(&rule.id, &subject(&scan)));
        });
        costs.push((cost.saturating_sub(empty), rule.id.clone()));
    }
    costs.sort_unstable();
    println!(
        "\n{:?}: a subject costs {:.1} µs; the dearest on their own",
        specimen.kind(),
        micros(empty)
    );
    for (cost, name) in costs.iter().rev().take(24) {
        println!("{:>8.1} µs  {name}", micros(*cost));
    }
}

fn scan(specimen: &Specimen) -> Scan {
    let syntax = specimen.transfer_syntax();
    let bytes = specimen.data_set();
    scan_reader(bytes.as_slice(), TransferSyntax::of(syntax.as_str()), Limits::default()).unwrap()
}

fn subject(scan: &Scan) -> Subject<'_> {
    let arrival = Arrival {
        calling_aet: "CT01",
        called_aet: "MARKGATE",
        peer: "127.0.0.1",
        transfer_syntax: markgate::phantom::EXPLICIT_VR_LITTLE_ENDIAN,
        charset: None,
        end: Some(scan.end),
        announced: Announced::default(),
        institution: None,
        personnel: None,
        now: "2026-06-01T06:00:00Z".parse().unwrap(),
        offset: parse_offset("+08:00").unwrap(),
    };
    Subject::new(&scan.header, arrival)
}

fn micros(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1e6
}

fn millis(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1e3
}
