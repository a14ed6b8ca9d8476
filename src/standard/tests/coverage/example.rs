//! An object or a study that a rule is held against.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;

use super::*;
use crate::expression::Value as Setting;
use crate::phantom::{Kind, Specimen};
use crate::stamp::ImagePixels;
use crate::standard::tests::in_memory::InMemory;
use crate::standard::tests::studies::{Examination, built_in_sets};

/// One object and how it came, or one study.
#[derive(Clone)]
pub(in crate::standard::tests) struct Example {
    name: String,
    what: What,
    /// What the site changed.
    parameters: BTreeMap<String, Setting>,
}

#[derive(Clone)]
enum What {
    Object {
        bytes: Vec<u8>,
        /// The transfer syntax that the bytes are in.
        written_in: String,
        arrival: Box<Arrival<'static>>,
    },
    Study(Box<Examination>),
}

impl Example {
    /// A data set by its bytes, in Explicit VR Little Endian.
    pub(super) fn bytes(name: &str, bytes: Vec<u8>) -> Self {
        Self::written_in(name, bytes, EXPLICIT)
    }

    fn written_in(name: &str, bytes: Vec<u8>, syntax: &str) -> Self {
        let what =
            What::Object { bytes, written_in: syntax.to_owned(), arrival: Box::new(arrival()) };
        Self { name: name.to_owned(), what, parameters: BTreeMap::new() }
    }

    /// Says what is special about it.
    pub(super) fn named(mut self, name: &str) -> Self {
        self.name = name.to_owned();
        self
    }

    /// Came in another transfer syntax than its bytes are in: for rules that only look at headers.
    pub(super) fn in_syntax(self, uid: &'static str) -> Self {
        self.arriving(|arrival| arrival.transfer_syntax = uid)
    }

    /// The source's setting has its text read in this character set.
    pub(super) fn read_as(self, charset: &str) -> Self {
        self.arriving(|arrival| arrival.charset = CharacterSet::named(charset))
    }

    /// Looked at at this instant instead of on 2026-06-01.
    pub(super) fn at(self, now: &str) -> Self {
        self.arriving(|arrival| arrival.now = now.parse().expect("a timestamp"))
    }

    /// Came otherwise than over the association of [`arrival`].
    pub(super) fn arriving(mut self, change: impl FnOnce(&mut Arrival<'static>)) -> Self {
        match &mut self.what {
            What::Object { arrival, .. } => change(arrival),
            What::Study(_) => panic!("a study comes in many ways"),
        }
        self
    }

    /// Where the site has given a parameter another value.
    pub(super) fn where_parameter(mut self, name: &str, value: impl Into<Setting>) -> Self {
        self.parameters.insert(name.to_owned(), value.into());
        self
    }

    /// The built-in rules as its site has them.
    fn rules(&self) -> Cow<'static, RuleSets> {
        if self.parameters.is_empty() {
            return Cow::Borrowed(built_in_sets());
        }
        let pack = Pack::built_in("db11t2505-2025").expect("the built-in pack");
        let parameters = self.parameters.clone();
        let changes = Changes { parameters, ..Changes::default() };
        Cow::Owned(RuleSets::build(&[pack], &changes).expect("rules that compile"))
    }

    /// What became of a rule.
    pub(super) fn outcome(&self, rule: &str) -> Outcome {
        self.judged(rule).0
    }

    /// The same, and which of its requirements is not met.
    pub(super) fn judged(&self, rule: &str) -> (Outcome, Option<usize>) {
        let sets = self.rules();
        let judged = |trace: &RuleTrace| (trace.outcome, trace.unmet);
        match &self.what {
            What::Object { .. } => {
                let rules = sets.site();
                let trace = self.look_by(rules, |subject| rules.trace(rule, subject));
                judged(&trace.expect("a rule of the pack"))
            }
            What::Study(study) => {
                let traces = study.look(|look| sets.explain_study(look));
                let of_rule = traces.iter().filter(|one| one.trace.rule == rule);
                let gravest = of_rule.max_by_key(|one| gravity(one.trace.outcome));
                judged(&gravest.expect("a rule on series or studies").trace)
            }
        }
    }

    /// What the rules on one object say of it.
    pub(in crate::standard::tests) fn assess(&self) -> Assessment {
        let sets = self.rules();
        let rules = sets.site();
        self.look_by(rules, |subject| rules.assess(subject))
    }

    /// Looks at an object, and at its pixels as far as these rules do.
    fn look_by<T>(&self, rules: &RuleSet, look: impl FnOnce(&Subject<'_>) -> T) -> T {
        let What::Object { bytes, written_in, arrival } = &self.what else {
            panic!("{}: no single object", self.name)
        };
        let syntax = TransferSyntax::of(written_in);
        let scan = scan_reader(bytes.as_slice(), syntax, Limits::default());
        let scan: Scan = scan.expect("memory can be read");
        let arrival = Arrival { end: Some(scan.end), ..(**arrival).clone() };
        let memory = InMemory(bytes);
        let pixels = ImagePixels::new(&scan.header, written_in, &memory);
        look(
            &Subject::new(&scan.header, arrival)
                .with_pixels(&pixels, without_hurry(rules.looking())),
        )
    }
}

/// Of a rule on series the gravest outcome on any is told.
fn gravity(outcome: Outcome) -> (u8, Option<Severity>) {
    match outcome {
        Outcome::Off | Outcome::NotApplicable => (0, None),
        Outcome::Met => (1, None),
        Outcome::Undecided => (2, None),
        Outcome::NotMet(severity) => (3, Some(severity)),
    }
}

impl From<Specimen> for Example {
    fn from(specimen: Specimen) -> Self {
        let name = format!("{:?}", specimen.kind());
        Self::written_in(&name, specimen.data_set(), specimen.transfer_syntax().as_str())
    }
}

impl From<Examination> for Example {
    fn from(study: Examination) -> Self {
        let kinds: Vec<Kind> = study.all.iter().map(|one| one.specimen().kind()).collect();
        let name = format!("{} objects, the first {:?}", kinds.len(), kinds[0]);
        Self { name, what: What::Study(Box::new(study)), parameters: BTreeMap::new() }
    }
}

impl fmt::Debug for Example {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)
    }
}
