//! Puts the rows together: the registry is built, conditions are compiled, names are looked up.
//!
//! The modules that own the rows say what is wrong with them by a row's place; this gives it the line it was written on.

use super::decode::{Place, unknown_name};
use super::mistake::{Fault, Mistake, quoted};
use super::model::Mark;
use crate::expression::{CompileError, Declarations};
use crate::policy::route::{RouteFault, RouteRow, Routes};
use crate::recognition::{
    AccreditationRow, Cell, InstitutionRow, ItemRow, NAME_LIMIT, Problem, Registry, RegistryFault,
    RegistryWarning, Rows, ScopeRow, Table,
};
use crate::stamp::{StampRow, StampRows};

/// What was made of a configuration's rows.
#[derive(Debug, Clone)]
pub struct Compiled {
    /// Who may bear which mark, for what, when.
    pub registry: Registry,
    /// Which destinations an object goes to. They are numbered as in
    /// [`Configuration::destinations`](super::Configuration::destinations).
    pub routes: Routes,
    /// Which modes an object gets.
    pub stamps: StampRows,
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

    fn mistake(&self, row: usize, key: &str, fault: Fault, into: &mut Vec<Mistake>) {
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
        match Registry::build(self.rows(), &Declarations::object(), separator) {
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
                let built_in = Registry::build(Rows::default(), &Declarations::object(), "");
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

fn condition(when: Option<&str>, error: &CompileError) -> Fault {
    Fault::Condition {
        found: when.unwrap_or_default().to_owned(),
        line: error.line,
        column: error.column,
        problem: error.fault.to_string(),
    }
}

/// Compiles the routes to the destinations of those names.
pub(super) fn routes(
    rows: &Placed<'_, RouteRow>,
    destinations: &[String],
    mistakes: &mut Vec<Mistake>,
) -> Option<Routes> {
    let faults = match Routes::build(&rows.rows, destinations, &Declarations::object()) {
        Ok(routes) => return Some(routes),
        Err(faults) => faults,
    };
    for fault in faults {
        match fault {
            RouteFault::UnknownDestination { row, found } => {
                let fault = unknown_name("destination", &found, destinations);
                rows.mistake(row, "to", fault, mistakes);
            }
            RouteFault::Nowhere { row } => {
                rows.mistake(row, "to", Fault::Missing { wanted: "a destination" }, mistakes);
            }
            RouteFault::Condition { row, error } => {
                let when = rows.rows.get(row).and_then(|row| row.when.as_deref());
                rows.mistake(row, "when", condition(when, &error), mistakes);
            }
        }
    }
    None
}

/// Compiles the conditions of stamp rows.
pub(super) fn stamps(
    rows: &Placed<'_, StampRow>,
    mark: &Mark,
    mistakes: &mut Vec<Mistake>,
) -> Option<StampRows> {
    let (given, otherwise) = (rows.rows.clone(), mark.modes.clone());
    let faults = match StampRows::build(given, otherwise, &Declarations::object()) {
        Ok(stamps) => return Some(stamps),
        Err(faults) => faults,
    };
    for fault in faults {
        let when = rows.rows.get(fault.row).and_then(|row| row.when.as_deref());
        rows.mistake(fault.row, "when", condition(when, &fault.error), mistakes);
    }
    None
}
