//! Every rule of the built-in pack with objects that pass, fail and are none of its business.
//!
//! An [`Example`] is a phantom changed in one thing, or a data set by its bytes. A [`Case`] is a rule with its examples, one for
//! each of its severities at least; the cases of an area are in the file of that area. One test evaluates them all, shows the matrix (`--nocapture`) and
//! fails on an example that comes out otherwise than it says and on a cell without examples.

mod ct;
mod encoding;
mod mr;
mod other;
mod patient;
mod personnel;
mod pixels;
mod projection;
mod study;

use std::collections::BTreeMap;
use std::fmt;

use super::in_memory::InMemory;
use super::*;
use crate::expression::Value as Setting;
use crate::phantom::{Kind, Specimen};
use crate::stamp::ImagePixels;

/// A rule with its examples.
pub(super) struct Case {
    rule: &'static str,
    passes: Vec<Example>,
    fails: Vec<(Severity, Example)>,
    not_applicable: Vec<Example>,
    for_a_person: Vec<Example>,
}

impl Case {
    fn of(rule: &'static str) -> Self {
        let (passes, fails) = (Vec::new(), Vec::new());
        Self { rule, passes, fails, not_applicable: Vec::new(), for_a_person: Vec::new() }
    }

    /// The rule applies and is met.
    fn passes(mut self, example: impl Into<Example>) -> Self {
        self.passes.push(example.into());
        self
    }

    /// The rule applies and is not met: the finding has this severity.
    fn fails(mut self, severity: Severity, example: impl Into<Example>) -> Self {
        self.fails.push((severity, example.into()));
        self
    }

    /// The rule applies, and nothing that is looked at decides it: it neither passes nor fails, ever.
    fn for_a_person(mut self, example: impl Into<Example>) -> Self {
        self.for_a_person.push(example.into());
        self
    }

    /// The rule does not apply. What its `applies` leaves out need not be listed: the phantoms of every kind are tried.
    fn not_applicable(mut self, example: impl Into<Example>) -> Self {
        self.not_applicable.push(example.into());
        self
    }
}

/// One object, and how it came.
#[derive(Clone)]
pub(super) struct Example {
    name: String,
    bytes: Vec<u8>,
    /// The transfer syntax that the bytes are in.
    written_in: String,
    arrival: Arrival<'static>,
    /// What the site changed.
    parameters: BTreeMap<String, Setting>,
}

impl Example {
    /// A data set by its bytes, in Explicit VR Little Endian.
    fn bytes(name: &str, bytes: Vec<u8>) -> Self {
        let (name, written_in) = (name.to_owned(), EXPLICIT.to_owned());
        Self { name, bytes, written_in, arrival: arrival(), parameters: BTreeMap::new() }
    }

    /// Says what is special about it.
    fn named(mut self, name: &str) -> Self {
        self.name = name.to_owned();
        self
    }

    /// Came in another transfer syntax than its bytes are in: for rules that only look at headers.
    fn in_syntax(mut self, uid: &'static str) -> Self {
        self.arrival.transfer_syntax = uid;
        self
    }

    /// The source's setting has its text read in this character set.
    fn read_as(mut self, charset: &str) -> Self {
        self.arrival.charset = CharacterSet::named(charset);
        self
    }

    /// Looked at at this instant instead of on 2026-06-01.
    fn at(mut self, now: &str) -> Self {
        self.arrival.now = now.parse().expect("a timestamp");
        self
    }

    /// Came otherwise than over the association of [`arrival`].
    fn arriving(mut self, change: impl FnOnce(&mut Arrival<'static>)) -> Self {
        change(&mut self.arrival);
        self
    }

    /// Where the site has given a parameter another value.
    fn where_parameter(mut self, name: &str, value: impl Into<Setting>) -> Self {
        self.parameters.insert(name.to_owned(), value.into());
        self
    }

    /// What became of a rule.
    fn outcome(&self, rule: &str) -> Outcome {
        let changed = (!self.parameters.is_empty()).then(|| {
            let pack = Pack::built_in("db11t2505-2025").expect("the built-in pack");
            let parameters = self.parameters.clone();
            let changes = Changes { parameters, ..Changes::default() };
            RuleSet::build(&[pack], &changes).expect("rules that compile")
        });
        let rules = changed.as_ref().unwrap_or(built_in());
        let trace = self.look_by(rules, |subject| rules.trace(rule, subject));
        trace.expect("a rule of the pack").outcome
    }

    fn look<T>(&self, look: impl FnOnce(&Subject<'_>) -> T) -> T {
        self.look_by(built_in(), look)
    }

    /// Looks at it, and at its pixels as far as these rules do.
    fn look_by<T>(&self, rules: &RuleSet, look: impl FnOnce(&Subject<'_>) -> T) -> T {
        let syntax = TransferSyntax::of(&self.written_in);
        let scan = scan_reader(self.bytes.as_slice(), syntax, Limits::default());
        let scan: Scan = scan.expect("memory can be read");
        let arrival = Arrival { end: Some(scan.end), ..self.arrival.clone() };
        let memory = InMemory(&self.bytes);
        let pixels = ImagePixels::new(&scan.header, &self.written_in, &memory);
        look(&Subject::new(&scan.header, arrival).with_pixels(&pixels, rules.looking()))
    }
}

impl From<Specimen> for Example {
    fn from(specimen: Specimen) -> Self {
        let name = format!("{:?}", specimen.kind());
        let written_in = specimen.transfer_syntax().as_str().to_owned();
        Self { written_in, ..Self::bytes(&name, specimen.data_set()) }
    }
}

impl From<Image> for Example {
    fn from(image: Image) -> Self {
        Self::bytes("by hand", image.bytes()).in_syntax(image.syntax)
    }
}

impl fmt::Debug for Example {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)
    }
}

/// The conformant phantom of a kind, small: most rules do not look at its size.
fn phantom(kind: Kind) -> Specimen {
    Specimen::new(kind, 1).size(32, 32)
}

/// The same as its modality would make it.
fn life_size(kind: Kind) -> Specimen {
    Specimen::new(kind, 1)
}

fn cases() -> BTreeMap<&'static str, Case> {
    let areas = [
        encoding::cases(),
        patient::cases(),
        study::cases(),
        projection::cases(),
        ct::cases(),
        mr::cases(),
        other::cases(),
        pixels::cases(),
        personnel::cases(),
    ];
    let mut all = BTreeMap::new();
    for case in areas.into_iter().flatten() {
        let known: &mut Case = all.entry(case.rule).or_insert_with(|| Case::of(case.rule));
        known.passes.extend(case.passes);
        known.fails.extend(case.fails);
        known.not_applicable.extend(case.not_applicable);
        known.for_a_person.extend(case.for_a_person);
    }
    all
}

/// What came out otherwise than the case says.
fn surprises(case: &Case) -> Vec<String> {
    let passes = case.passes.iter().map(|example| (example, Outcome::Met));
    let fails = case.fails.iter().map(|(severity, example)| (example, Outcome::NotMet(*severity)));
    let others = case.not_applicable.iter().map(|example| (example, Outcome::NotApplicable));
    let open = case.for_a_person.iter().map(|example| (example, Outcome::Undecided));
    let numbered = passes.enumerate().chain(fails.enumerate()).chain(others.enumerate());
    let numbered = numbered.chain(open.enumerate());
    let surprise = |(index, (example, want)): (usize, (&Example, Outcome))| {
        let found = example.outcome(case.rule);
        let text =
            || format!("{}, {example:?} ({}): {found:?}, not {want:?}", case.rule, index + 1);
        (found != want).then(text)
    };
    numbered.filter_map(surprise).collect()
}

#[test]
fn every_rule_has_objects_that_pass_and_fail() {
    let cases = cases();
    let phantoms: Vec<Example> = Kind::ALL.into_iter().map(|kind| phantom(kind).into()).collect();
    let mut wrong: Vec<String> = Vec::new();
    let mut without_row: Vec<&str> = Vec::new();
    // Rules on series and studies have studies to be held against them, beside the code that folds these.
    let of_one = |rule: &&Rule| matches!(rule.level, Level::Instance | Level::Pixel);
    for rule in built_in().rules().iter().map(|rule| &**rule).filter(of_one) {
        let id = rule.id.as_str();
        let Some(case) = cases.get(id) else {
            without_row.push(id);
            continue;
        };
        wrong.extend(surprises(case));
        let others =
            phantoms.iter().filter(|phantom| phantom.outcome(id) == Outcome::NotApplicable).count();
        let always = rule.applies.is_none() && rule.when.is_none();
        let elsewhere = match case.not_applicable.len() + others {
            _ if always => "always applies".to_owned(),
            0 => {
                wrong.push(format!("{id}: no object to which it does not apply"));
                "-".to_owned()
            }
            count => count.to_string(),
        };
        if !case.for_a_person.is_empty() {
            if !case.passes.is_empty() || !case.fails.is_empty() {
                wrong.push(format!("{id}: is for a person, and decided all the same"));
            }
            println!("{id:14} is for a person to decide  not applicable {elsewhere}");
            continue;
        }
        let graded = |check: &Check| case.fails.iter().any(|(grave, _)| *grave == check.severity);
        let missed = rule.checks.iter().filter(|check| !graded(check));
        wrong.extend(
            missed
                .map(|check| format!("{id}: nothing that fails with {}", check.severity.as_str())),
        );
        if case.passes.is_empty() || case.fails.is_empty() {
            wrong.push(format!("{id}: no object that passes, or none that fails"));
        }
        let severities: Vec<&str> =
            case.fails.iter().map(|(severity, _)| severity.as_str()).collect();
        println!(
            "{id:14} passes {:2}  fails {:2} ({})  not applicable {elsewhere}",
            case.passes.len(),
            case.fails.len(),
            severities.join(", "),
        );
    }
    let known = |id: &str| built_in().rules().iter().any(|rule| rule.id == id);
    wrong.extend(cases.keys().filter(|id| !known(id)).map(|id| format!("{id}: no such rule")));
    wrong.extend(without_row.iter().map(|id| format!("{id}: no row")));
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn a_conformant_phantom_of_any_kind_yields_nothing_above_info() {
    // What such an object is, is what the rule is about.
    const BY_NATURE: &[(Kind, &str)] = &[
        (Kind::DxForProcessing, "IMG-DR-003"),
        (Kind::Us, "IMG-US-001"),
        (Kind::UsMultiFrame, "IMG-US-001"),
        (Kind::Xa, "IMG-XA-003"),
        (Kind::Rf, "IMG-XA-003"),
        (Kind::Nm, "IMG-NMPT-002"),
        (Kind::Pt, "IMG-NMPT-002"),
        (Kind::SecondaryCapture, "IMG-SC-001"),
    ];
    let mut found = Vec::new();
    for kind in Kind::ALL {
        let assessment = Example::from(life_size(kind)).look(|subject| built_in().assess(subject));
        for finding in assessment.findings {
            let by_nature = BY_NATURE.contains(&(kind, finding.rule.as_str()));
            if finding.severity > Severity::Info && !by_nature {
                found.push(format!("{kind:?}: {} {}", finding.rule, finding.message_en));
            }
        }
    }
    assert!(found.is_empty(), "{}", found.join("\n"));
}
