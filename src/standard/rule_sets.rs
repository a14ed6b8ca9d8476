//! The rules that hold for what comes one way or another: a site's rules, and its exceptions from them.
//!
//! Few sets are made, all of them when the configuration is read: one for each combination of exceptions that applies to something,
//! with the rules that they leave alone in common. Which set an object is judged by is looked up by its [`Way`].
//!
//! What has come several ways at once, as the members of a study may, is judged by the strictest of the rules that hold for any of it:
//! an exception that makes a rule milder counts for a whole only where it counts for each of its members.

use std::borrow::Cow;
use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use super::pack::Pack;
use super::pixels::Looking;
use super::rule::Rule;
use super::rule_set::{Change, Changes, RuleSet, RuleSetFault};

/// How an object came.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Way {
    /// The name of the source that sent it; `None` where none is listed.
    pub source: Option<Arc<str>>,
    /// The name of the route that it takes, where that has one.
    pub route: Option<Arc<str>>,
}

/// A site's changes to some rules for what comes some ways.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Exception {
    /// Which rules: an id, or the beginning of ids with `*` behind it.
    pub rules: Vec<String>,
    /// From which sources, by name; none: from any.
    pub sources: Vec<String>,
    /// By which routes, by name; none: by any.
    pub routes: Vec<String>,
    /// What it changes. The last word counts.
    pub change: Change,
}

impl Exception {
    /// Whether it is for a rule.
    #[must_use]
    pub fn is_for(&self, rule: &str) -> bool {
        self.rules.iter().any(|pattern| names(pattern, rule))
    }

    fn meets(&self, source: Option<&str>, route: Option<&str>) -> bool {
        let is_one = |names: &[String], name: Option<&str>| {
            names.is_empty() || name.is_some_and(|name| names.iter().any(|one| one == name))
        };
        is_one(&self.sources, source) && is_one(&self.routes, route)
    }
}

/// Whether a pattern, an id or the beginning of one with `*` behind it, names a rule.
#[must_use]
pub fn names(pattern: &str, rule: &str) -> bool {
    match pattern.strip_suffix('*') {
        Some(beginning) => rule.starts_with(beginning),
        None => rule == pattern,
    }
}

/// Sources and routes that exceptions may name, one number times the other. A site has some dozens of either.
const MOST_WAYS: usize = 1 << 16;

/// The rules of a site with its exceptions.
#[derive(Debug, Clone)]
pub struct RuleSets {
    /// That of the site first.
    sets: Vec<Arc<RuleSet>>,
    exceptions: Vec<Exception>,
    /// Sources and routes that exceptions name, numbered from 1; 0 is every other.
    sources: HashMap<String, usize>,
    routes: HashMap<String, usize>,
    /// The set of each source, and within that of each route.
    by_way: Vec<Vec<usize>>,
}

impl RuleSets {
    /// Puts packs, changes and exceptions together.
    ///
    /// # Errors
    /// Every mistake.
    pub fn build(packs: &[Pack], changes: &Changes) -> Result<Self, Vec<RuleSetFault>> {
        let base = RuleSet::build(packs, changes)?;
        let exceptions = changes.exceptions.clone();
        let named = |names: fn(&Exception) -> &Vec<String>| -> Vec<String> {
            let all: BTreeSet<&String> = exceptions.iter().flat_map(names).collect();
            all.into_iter().cloned().collect()
        };
        let (sources, routes) = (named(|row| &row.sources), named(|row| &row.routes));
        let ways = (sources.len() + 1).saturating_mul(routes.len() + 1);
        if ways > MOST_WAYS {
            return Err(vec![RuleSetFault::TooManyWays { ways, most: MOST_WAYS }]);
        }
        let mut making = Making { sets: vec![Arc::new(base)], ..Making::default() };
        let with_none = |names: &[String]| -> Vec<Option<String>> {
            std::iter::once(None).chain(names.iter().cloned().map(Some)).collect()
        };
        let (of_sources, by_routes) = (with_none(&sources), with_none(&routes));
        let by_way = of_sources.iter().map(|source| {
            let set = |route: &Option<String>| {
                making.set(&exceptions, source.as_deref(), route.as_deref())
            };
            by_routes.iter().map(set).collect()
        });
        let by_way = by_way.collect();
        let numbered = |names: Vec<String>| names.into_iter().zip(1..).collect();
        let sets = making.sets;
        Ok(Self { sets, exceptions, sources: numbered(sources), routes: numbered(routes), by_way })
    }

    /// A set without exceptions from it.
    #[must_use]
    pub fn without_exceptions(set: RuleSet) -> Self {
        Self {
            sets: vec![Arc::new(set)],
            exceptions: Vec::new(),
            sources: HashMap::new(),
            routes: HashMap::new(),
            by_way: Vec::new(),
        }
    }

    /// What tells these sets from any others: the hash of the site's own and of the exceptions from it. Recorded with what is found on
    /// a study, whose members may have come several ways.
    #[must_use]
    pub fn hash(&self) -> String {
        let own = self.site().hash();
        if self.exceptions.is_empty() {
            return own.to_owned();
        }
        let text = format!("{own} {:?}", self.exceptions);
        blake3::hash(text.as_bytes()).to_hex().chars().take(32).collect()
    }

    /// The site's own rules, without exceptions.
    #[must_use]
    pub fn site(&self) -> &Arc<RuleSet> {
        self.sets.first().expect("the first set is made before any other")
    }

    /// The rules for what comes a way.
    #[must_use]
    pub fn of(&self, way: &Way) -> &Arc<RuleSet> {
        self.sets.get(self.number(way)).unwrap_or_else(|| self.site())
    }

    fn number(&self, way: &Way) -> usize {
        let place = |names: &HashMap<String, usize>, name: Option<&str>| {
            name.and_then(|name| names.get(name)).copied().unwrap_or(0)
        };
        let source = place(&self.sources, way.source.as_deref());
        let route = place(&self.routes, way.route.as_deref());
        self.by_way.get(source).and_then(|routes| routes.get(route)).copied().unwrap_or(0)
    }

    /// Every set there is, that of the site first.
    #[must_use]
    pub fn sets(&self) -> &[Arc<RuleSet>] {
        &self.sets
    }

    /// The exceptions, in the order in which they count.
    #[must_use]
    pub fn exceptions(&self) -> &[Exception] {
        &self.exceptions
    }

    /// How much of an object's pixels is looked at, whichever way it came.
    #[must_use]
    pub fn looking(&self) -> Looking {
        self.site().looking()
    }

    /// The ids of the rules that are tried out, for whatever comes some way; rising.
    pub fn tried(&self) -> impl Iterator<Item = &str> {
        let rules = self.sets.iter().flat_map(|set| set.rules());
        let tried = rules.filter(|rule| rule.shadow && !rule.off).map(|rule| rule.id.as_str());
        tried.collect::<BTreeSet<&str>>().into_iter()
    }

    /// The rules for a whole whose members came these ways, in the order of the packs; of a whole of which not all ways are known,
    /// those that hold whatever they are.
    #[must_use]
    pub fn strictest<'w>(
        &self,
        ways: impl Iterator<Item = &'w Way>,
        all_known: bool,
    ) -> Cow<'_, [Arc<Rule>]> {
        let numbers: BTreeSet<usize> = if all_known {
            ways.map(|way| self.number(way)).collect()
        } else {
            (0..self.sets.len()).collect()
        };
        let mut sets = numbers.into_iter().filter_map(|number| self.sets.get(number));
        let Some(first) = sets.next() else { return Cow::Borrowed(self.site().rules()) };
        let first = Cow::Borrowed(first.rules());
        sets.fold(first, |rules, other| {
            rules.iter().zip(other.rules()).map(|(one, other)| stricter(one, other)).collect()
        })
    }
}

/// Sets while they are made.
#[derive(Default)]
struct Making {
    sets: Vec<Arc<RuleSet>>,
    /// The set that some exceptions, by their places, make.
    by_exceptions: HashMap<Vec<usize>, usize>,
    /// Different exceptions may come to the same.
    by_hash: HashMap<String, usize>,
}

impl Making {
    /// The number of the set for what comes a way.
    fn set(
        &mut self,
        exceptions: &[Exception],
        source: Option<&str>,
        route: Option<&str>,
    ) -> usize {
        let met = exceptions.iter().enumerate().filter(|(_, row)| row.meets(source, route));
        let places: Vec<usize> = met.map(|(place, _)| place).collect();
        let known =
            if places.is_empty() { Some(0) } else { self.by_exceptions.get(&places).copied() };
        let Some(site) = self.sets.first().filter(|_| known.is_none()) else {
            return known.unwrap_or(0);
        };
        let rows = places.iter().filter_map(|place| exceptions.get(*place));
        let set = site.except(rows);
        let number = if set.hash() == site.hash() {
            0
        } else {
            *self.by_hash.entry(set.hash().to_owned()).or_insert_with(|| {
                self.sets.push(Arc::new(set));
                self.sets.len() - 1
            })
        };
        self.by_exceptions.insert(places, number);
        number
    }
}

/// The stricter of two forms of a rule: in force before tried out before off, and of two in force the graver severities.
fn stricter(one: &Arc<Rule>, other: &Arc<Rule>) -> Arc<Rule> {
    let rank = |rule: &Rule| match (rule.off, rule.shadow) {
        (true, _) => 0,
        (false, true) => 1,
        (false, false) => 2,
    };
    match rank(one).cmp(&rank(other)) {
        std::cmp::Ordering::Greater => Arc::clone(one),
        std::cmp::Ordering::Less => Arc::clone(other),
        std::cmp::Ordering::Equal => {
            let mut rule = Rule::clone(one);
            for (check, other) in rule.checks.iter_mut().zip(&other.checks) {
                check.severity = check.severity.max(other.severity);
            }
            Arc::new(rule)
        }
    }
}
