//! Puts the rows together: the registry is built, conditions are compiled, names are looked up.
//!
//! The modules that own the rows say what is wrong with them by a row's place; this gives it the line it was written on.

use std::collections::BTreeMap;
use std::path::Path;

use super::burn_in::Drawing;
use super::decode::{Place, unknown_name};
use super::exceptions::Exceptions;
use super::mistake::{Fault, Mistake, quoted};
use super::model::{Mark, PackSource, Rules};
use super::source::{TOML_LIMIT, read};
use super::tls::Tls;
use crate::expression::CompileError;
use crate::policy::route::Routes;
use crate::recognition::{
    AccreditationRow, Cell, InstitutionRow, ItemRow, NAME_LIMIT, Problem, Registry, RegistryFault,
    RegistryWarning, Rows, ScopeRow, Table,
};
use crate::stamp::{StampRow, StampRows};
use crate::standard::{
    BUILT_IN, OperatorRow, Pack, PackFault, Personnel, PersonnelFault, PersonnelProblem,
    RuleSetFault, RuleSets, declarations,
};

/// What was made of a configuration's rows.
#[derive(Debug, Clone)]
pub struct Compiled {
    /// Who may bear which mark, for what, when.
    pub registry: Registry,
    /// Who operates the equipment; `None` where no operator is listed.
    pub personnel: Option<Personnel>,
    /// Which destinations an object goes to. They are numbered as in
    /// [`Configuration::destinations`](super::Configuration::destinations).
    pub routes: Routes,
    /// Which modes an object gets.
    pub stamps: StampRows,
    /// How a mark is drawn.
    pub burn_in: Drawing,
    /// The rules in force, by the way in which objects come.
    pub rules: RuleSets,
    /// The packs that they are from.
    pub packs: Vec<Pack>,
    /// What came of the certificates, keys and lists.
    pub tls: Tls,
}

/// Rows, and where each was written.
pub(super) struct Placed<'t, T> {
    pub rows: Vec<T>,
    places: Vec<Place<'t>>,
    /// Names of rows that are there and cannot be read: those who refer to them are not wrong for it.
    spoiled: Vec<String>,
}

impl<T> Default for Placed<'_, T> {
    fn default() -> Self {
        Self { rows: Vec::new(), places: Vec::new(), spoiled: Vec::new() }
    }
}

impl<'t, T> Placed<'t, T> {
    pub(super) fn push(&mut self, row: T, place: Place<'t>) {
        self.rows.push(row);
        self.places.push(place);
    }

    /// Remembers a row that cannot be read.
    pub(super) fn spoil(&mut self, name: Option<String>) {
        self.spoiled.extend(name);
    }

    /// All names, those of rows that cannot be read included.
    pub(super) fn names(&self, name: impl Fn(&T) -> &String) -> Vec<String> {
        self.rows.iter().map(name).chain(&self.spoiled).cloned().collect()
    }

    pub(super) fn mistake(&self, row: usize, key: &str, fault: Fault, into: &mut Vec<Mistake>) {
        // A fault names a row that was handed over, so it has a place.
        into.extend(self.places.get(row).map(|place| place.mistake(key, fault)));
    }
}

/// The rows of the registry.
#[derive(Default)]
pub(super) struct RegistryTables<'t> {
    pub scopes: Placed<'t, ScopeRow>,
    pub institutions: Placed<'t, InstitutionRow>,
    pub items: Placed<'t, ItemRow>,
    pub accreditations: Placed<'t, AccreditationRow>,
}

impl RegistryTables<'_> {
    pub(super) fn rows(&self) -> Rows {
        Rows {
            scopes: self.scopes.rows.clone(),
            institutions: self.institutions.rows.clone(),
            items: self.items.rows.clone(),
            accreditations: self.accreditations.rows.clone(),
        }
    }

    /// Builds the registry; what is wrong with it goes to `mistakes`.
    pub(super) fn compile(
        &self,
        mark: &Mark,
        mistakes: &mut Vec<Mistake>,
        warnings: &mut Vec<Mistake>,
    ) -> Option<Registry> {
        let separator = &mark.policy.separator;
        match Registry::build(self.rows(), &declarations(), separator) {
            Ok((registry, remarks)) => {
                for RegistryWarning::NeedsShortName { cell, characters } in remarks {
                    let found =
                        format!("with its mark {characters} characters, at most {NAME_LIMIT} fit");
                    let wanted = "a short_name; without one its images get no mark (NAME_TOO_LONG)"
                        .to_owned();
                    self.mistake(cell, Fault::Unusable { found, wanted }, warnings);
                }
                Some(registry)
            }
            Err(faults) => {
                for RegistryFault { cell, problem } in faults {
                    if let Some(fault) = self.fault(cell, problem) {
                        self.mistake(cell, fault, mistakes);
                    }
                }
                None
            }
        }
    }

    fn mistake(&self, cell: Cell, fault: Fault, into: &mut Vec<Mistake>) {
        let Cell { table, row, key } = cell;
        match table {
            Table::Scope => self.scopes.mistake(row, key, fault, into),
            Table::Institution => self.institutions.mistake(row, key, fault, into),
            Table::Item => self.items.mistake(row, key, fault, into),
            Table::Accreditation => self.accreditations.mistake(row, key, fault, into),
        }
    }

    fn names(&self, table: Table) -> Vec<String> {
        match table {
            Table::Scope => {
                let built_in = Registry::build(Rows::default(), &declarations(), "");
                let built_in = built_in.map(|(registry, _)| registry.scope_codes().to_vec());
                let built_in =
                    built_in.unwrap_or_default().into_iter().map(|code| code.to_string());
                built_in.chain(self.scopes.names(|row| &row.code)).collect()
            }
            Table::Institution => self.institutions.names(|row| &row.id),
            Table::Item => self.items.names(|row| &row.code),
            Table::Accreditation => Vec::new(),
        }
    }

    /// `None` when the fault is another's: a name that is there, on a row that cannot be read.
    fn fault(&self, cell: Cell, problem: Problem) -> Option<Fault> {
        let unusable = |found: String, wanted: &str| {
            Some(Fault::Unusable { found, wanted: wanted.to_owned() })
        };
        match problem {
            Problem::Empty => Some(Fault::Missing { wanted: "something" }),
            Problem::Taken { found } => Some(Fault::Repeated { found }),
            Problem::NoMark { found } => {
                unusable(quoted(&found), "a mark: two to eight capital letters, then HR")
            }
            Problem::Unknown { table, found } => {
                let known = self.names(table);
                (!known.contains(&found)).then(|| unknown_name(table.as_str(), &found, &known))
            }
            Problem::EndsBeforeItBegins { from, to } => {
                unusable(to.to_string(), &format!("a day not before {from}"))
            }
            Problem::SharedName { name, other } => unusable(
                quoted(&name),
                &format!(
                    "names that the institution {} does not bear at the same time",
                    quoted(&other)
                ),
            ),
            Problem::NameTooLong { characters } => unusable(
                format!("{characters} characters"),
                &format!("a name of at most {NAME_LIMIT} characters"),
            ),
            Problem::BadCharacter => unusable(
                "a backslash or a control character".to_owned(),
                "a name without such characters",
            ),
            Problem::NotLatin => unusable(
                "characters beyond ASCII".to_owned(),
                "a name of ASCII letters, digits and signs",
            ),
            Problem::Condition(error) => {
                let when = self.items.rows.get(cell.row).map(|item| item.when.as_str());
                Some(condition(when, &error))
            }
        }
    }
}

/// The registry of operators.
pub(super) fn personnel(
    operators: &Placed<'_, OperatorRow>,
    mistakes: &mut Vec<Mistake>,
) -> Option<Personnel> {
    match Personnel::build(operators.rows.clone()) {
        Ok(personnel) => Some(personnel),
        Err(faults) => {
            for PersonnelFault { row, problem } in faults {
                let (key, found, wanted) = match problem {
                    PersonnelProblem::NoCode => ("code", "\"\"".to_owned(), "a staff code"),
                    PersonnelProblem::Overlaps { .. } => (
                        "code",
                        "a second row for the same days".to_owned(),
                        "days that no other row of this person has",
                    ),
                    PersonnelProblem::EndsBeforeItBegins => (
                        "valid_to",
                        "a day before valid_from".to_owned(),
                        "a day not before valid_from",
                    ),
                };
                let fault = Fault::Unusable { found, wanted: wanted.to_owned() };
                operators.mistake(row, key, fault, mistakes);
            }
            None
        }
    }
}

pub(super) fn condition(when: Option<&str>, error: &CompileError) -> Fault {
    Fault::Condition {
        found: when.unwrap_or_default().to_owned(),
        line: error.line,
        column: error.column,
        problem: error.fault.to_string(),
    }
}

/// Compiles the conditions of stamp rows.
pub(super) fn stamps(
    rows: &Placed<'_, StampRow>,
    mark: &Mark,
    mistakes: &mut Vec<Mistake>,
) -> Option<StampRows> {
    let (given, otherwise) = (rows.rows.clone(), mark.modes.clone());
    let faults = match StampRows::build(given, otherwise, &declarations()) {
        Ok(stamps) => return Some(stamps),
        Err(faults) => faults,
    };
    for fault in faults {
        let when = rows.rows.get(fault.row).and_then(|row| row.when.as_deref());
        rows.mistake(fault.row, "when", condition(when, &fault.error), mistakes);
    }
    None
}

/// Where the parts of `[rules]` were written.
pub(super) struct RulePlaces<'t> {
    pub rules: Place<'t>,
    pub overrides: BTreeMap<String, Place<'t>>,
    pub exceptions: Exceptions<'t>,
    pub parameters: Place<'t>,
}

/// Reads the packs and puts them together with the site's changes.
///
/// A change to a rule or a parameter that no pack has is a warning: packs gain and lose rules, and a gate that does not
/// start for that would cost more than a change without effect.
pub(super) fn rules(
    rules: &Rules,
    places: &RulePlaces<'_>,
    mistakes: &mut Vec<Mistake>,
    warnings: &mut Vec<Mistake>,
) -> Option<(RuleSets, Vec<Pack>)> {
    let packs: Vec<Option<Pack>> =
        rules.packs.iter().map(|source| pack(source, &places.rules, mistakes)).collect();
    let packs: Vec<Pack> = packs.into_iter().collect::<Option<_>>()?;
    let mut changes = rules.changes.clone();
    let ids: Vec<String> = packs.iter().flat_map(Pack::rule_ids).map(str::to_owned).collect();
    changes.rules.retain(|rule, _| {
        let known = ids.contains(rule);
        if !known {
            let fault = unknown_name("rule of any pack", rule, &ids);
            warnings.extend(places.overrides.get(rule).map(|place| place.mistake("", fault)));
        }
        known
    });
    let names: Vec<String> =
        packs.iter().flat_map(|pack| pack.parameters().keys().cloned()).collect();
    changes.parameters.retain(|name, _| {
        let known = names.contains(name);
        if !known {
            let fault = unknown_name("parameter of any pack", name, &names);
            warnings.push(places.parameters.mistake(name, fault));
        }
        known
    });
    places.exceptions.warn(&ids, warnings);
    match RuleSets::build(&packs, &changes) {
        Ok(rules) => Some((rules, packs)),
        Err(faults) => {
            rule_faults(faults, places, mistakes);
            None
        }
    }
}

fn pack(source: &PackSource, place: &Place<'_>, mistakes: &mut Vec<Mistake>) -> Option<Pack> {
    match source {
        PackSource::BuiltIn(name) => {
            let pack = Pack::built_in(name);
            if pack.is_none() {
                let known: Vec<String> = BUILT_IN.iter().map(|(name, _)| (*name).into()).collect();
                mistakes.push(place.mistake("packs", unknown_name("built-in pack", name, &known)));
            }
            pack
        }
        PackSource::File(file) => {
            let parsed = read(file, TOML_LIMIT).map(|text| Pack::parse(&text));
            match parsed {
                Ok(Ok(pack)) => Some(pack),
                Ok(Err(faults)) => {
                    mistakes.extend(faults.into_iter().map(|fault| pack_mistake(file, fault)));
                    None
                }
                Err(fault) => {
                    let (file, key) = (file.clone(), String::new());
                    mistakes.push(Mistake { file, line: None, key, fault });
                    None
                }
            }
        }
    }
}

fn pack_mistake(file: &Path, fault: PackFault) -> Mistake {
    let PackFault { line, column, rule, problem } = fault;
    let column = column.map_or_else(String::new, |column| format!("column {column}: "));
    Mistake {
        file: file.to_owned(),
        line: u32::try_from(line).ok(),
        key: rule.unwrap_or_default(),
        fault: Fault::Pack { problem: format!("{column}{problem}") },
    }
}

fn rule_faults(faults: Vec<RuleSetFault>, places: &RulePlaces<'_>, mistakes: &mut Vec<Mistake>) {
    let is_wrong_kind = |fault: &RuleSetFault| matches!(fault, RuleSetFault::WrongKind { .. });
    // Conditions that do not compile with a parameter of the wrong kind are not wrong themselves.
    let wrong_kind = faults.iter().any(is_wrong_kind);
    for fault in faults.into_iter().filter(|fault| !wrong_kind || is_wrong_kind(fault)) {
        let problem = fault.to_string();
        match fault {
            RuleSetFault::Twice { .. } | RuleSetFault::Condition { .. } => {
                mistakes.push(places.rules.mistake("packs", Fault::Pack { problem }));
            }
            RuleSetFault::TooManyWays { most, .. } => {
                let wanted = format!(
                    "sources and routes of which the numbers, each with one added, make {most} at most"
                );
                let fault = Fault::Unusable { found: problem, wanted };
                mistakes.push(places.rules.mistake("exception", fault));
            }
            RuleSetFault::WrongKind { name, wants } => {
                let wanted = format!("{wants}, like its default");
                let found = "a value of another kind".to_owned();
                let fault = Fault::Unusable { found, wanted };
                mistakes.push(places.parameters.mistake(&name, fault));
            }
            // Changes to what no pack has were taken out.
            RuleSetFault::UnknownRule { .. } | RuleSetFault::UnknownParameter { .. } => {}
        }
    }
}
