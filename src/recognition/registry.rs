//! The registry: who may bear which mark, for what, when.
//!
//! Built whole from plain rows, or not at all: a registry that exists refers to nothing that is missing.

use std::collections::HashSet;

use jiff::civil::Date;

use crate::expression::{Declarations, Expression};

use super::code::{InstitutionId, ItemCode, ScopeCode};
use super::fault::{Cell, Problem, RegistryFault, RegistryWarning, Table};
use super::institution::Institution;
use super::row::{
    AccreditationRow, AccreditationStatus, EVERY_ITEM, InstitutionRow, ItemRow, Rows, ScopeRow,
};

/// Characters that Institution Name (0008,0080), VR LO, can hold (PS3.5 §6.2).
pub const NAME_LIMIT: usize = 64;

/// A region within which results are recognised.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scope {
    /// Its code and mark.
    pub code: ScopeCode,
    /// The wider scope has the greater rank.
    pub rank: u32,
    /// First examination day on which it may be borne.
    pub valid_from: Option<Date>,
}

/// An examination item of the recognition lists.
#[derive(Debug, Clone)]
pub struct Item {
    /// Its code.
    pub code: ItemCode,
    /// Its name.
    pub name: String,
    /// The condition under which an object belongs to it.
    pub when: Expression,
    /// The scopes whose lists have it.
    pub scopes: Vec<ScopeCode>,
}

/// What a quality assessment entitled an institution to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Accreditation {
    /// Its place among the rows, counted from 0.
    pub row: usize,
    /// Who.
    pub institution: InstitutionId,
    /// For what; `None` is every item.
    pub items: Option<Vec<ItemCode>>,
    /// Within which scope.
    pub scope: ScopeCode,
    /// First day.
    pub valid_from: Date,
    /// Last day; without one it does not end.
    pub valid_to: Option<Date>,
    /// Whether it counts.
    pub status: AccreditationStatus,
}

impl Accreditation {
    /// What it is called where it is recorded: institution, scope and first day, which stay the same when rows are added.
    #[must_use]
    pub fn label(&self) -> String {
        format!("{}/{}/{}", self.institution, self.scope, self.valid_from)
    }
}

/// Institutions, items, scopes and accreditations, checked and joined.
#[derive(Debug, Clone)]
pub struct Registry {
    scopes: Vec<Scope>,
    scope_codes: Vec<ScopeCode>,
    institutions: Vec<Institution>,
    items: Vec<Item>,
    accreditations: Vec<Accreditation>,
}

impl Registry {
    /// Checks rows and joins them; conditions of items are compiled with `declarations`. `separator` is what will stand
    /// between name and mark, which decides whether names with marks fit.
    ///
    /// # Errors
    /// Every fault of every row.
    pub fn build(
        rows: Rows,
        declarations: &Declarations,
        separator: &str,
    ) -> Result<(Self, Vec<RegistryWarning>), Vec<RegistryFault>> {
        let mut faults = Faults::default();
        let scopes = scopes(rows.scopes, &mut faults);
        let scope_codes: Vec<ScopeCode> = scopes.iter().map(|scope| scope.code.clone()).collect();
        let longest = scope_codes.iter().map(|code| code.as_str().chars().count()).max();
        let mark = separator.chars().count() + longest.unwrap_or_default();
        let mut warnings = Vec::new();
        let institutions = institutions(rows.institutions, mark, &mut warnings, &mut faults);
        let mut codes = HashSet::new();
        let items = items(rows.items, &scope_codes, declarations, &mut codes, &mut faults);
        let known = Known { scopes: &scope_codes, institutions: &institutions, items: &codes };
        let accreditations = accreditations(rows.accreditations, &known, &mut faults);
        if faults.0.is_empty() {
            Ok((Self { scopes, scope_codes, institutions, items, accreditations }, warnings))
        } else {
            Err(faults.0)
        }
    }

    /// The scopes, widest first.
    #[must_use]
    pub fn scopes(&self) -> &[Scope] {
        &self.scopes
    }

    /// The scopes' codes, widest first.
    #[must_use]
    pub fn scope_codes(&self) -> &[ScopeCode] {
        &self.scope_codes
    }

    /// The institutions, in the order of their rows.
    #[must_use]
    pub fn institutions(&self) -> &[Institution] {
        &self.institutions
    }

    /// The institution of that id.
    #[must_use]
    pub fn institution(&self, id: &InstitutionId) -> Option<&Institution> {
        self.institutions.iter().find(|institution| institution.id == *id)
    }

    /// The items, in the order of their rows.
    #[must_use]
    pub fn items(&self) -> &[Item] {
        &self.items
    }

    /// The accreditations, in the order of their rows.
    #[must_use]
    pub fn accreditations(&self) -> &[Accreditation] {
        &self.accreditations
    }
}

/// The rows that others may refer to.
struct Known<'k> {
    scopes: &'k [ScopeCode],
    institutions: &'k [Institution],
    /// Codes, those of items whose condition is at fault included.
    items: &'k HashSet<String>,
}

#[derive(Default)]
struct Faults(Vec<RegistryFault>);

impl Faults {
    fn add(&mut self, table: Table, row: usize, key: &'static str, problem: Problem) {
        self.0.push(RegistryFault { cell: Cell { table, row, key }, problem });
    }

    /// Checks that a value is neither empty nor taken.
    fn unique(&mut self, taken: &mut HashSet<String>, cell: Cell, value: &str) {
        let Cell { table, row, key } = cell;
        if value.is_empty() {
            self.add(table, row, key, Problem::Empty);
        } else if !taken.insert(value.to_owned()) {
            self.add(table, row, key, Problem::Taken { found: value.to_owned() });
        }
    }
}

/// The built-in scopes and those of rows, widest first.
fn scopes(rows: Vec<ScopeRow>, faults: &mut Faults) -> Vec<Scope> {
    let table = Table::Scope;
    let built_in = [(ScopeCode::BEIJING, 20), (ScopeCode::BEIJING_TIANJIN_HEBEI, 30)];
    let mut scopes: Vec<Scope> = Vec::with_capacity(rows.len() + built_in.len());
    for (code, rank) in built_in {
        scopes.push(Scope { code: ScopeCode::new(code), rank, valid_from: None });
    }
    for (row, ScopeRow { code, rank, valid_from }) in rows.into_iter().enumerate() {
        let code = ScopeCode::new(&code);
        if !ScopeCode::is_well_formed(code.as_str()) {
            faults.add(table, row, "code", Problem::NoMark { found: code.to_string() });
        }
        if scopes.iter().any(|scope| scope.code == code) {
            faults.add(table, row, "code", Problem::Taken { found: code.to_string() });
        }
        if scopes.iter().any(|scope| scope.rank == rank) {
            faults.add(table, row, "rank", Problem::Taken { found: rank.to_string() });
        }
        scopes.push(Scope { code, rank, valid_from });
    }
    scopes.sort_by_key(|scope| std::cmp::Reverse(scope.rank));
    scopes
}

/// `mark` is how many characters separator and longest mark have.
fn institutions(
    rows: Vec<InstitutionRow>,
    mark: usize,
    warnings: &mut Vec<RegistryWarning>,
    faults: &mut Faults,
) -> Vec<Institution> {
    let table = Table::Institution;
    let mut ids = HashSet::new();
    let mut institutions: Vec<Institution> = Vec::with_capacity(rows.len());
    for (row, columns) in rows.into_iter().enumerate() {
        faults.unique(&mut ids, Cell { table, row, key: "id" }, columns.id.trim());
        let named = [
            ("name", Some(&columns.name)),
            ("short_name", columns.short_name.as_ref()),
            ("latin_name", columns.latin_name.as_ref()),
        ];
        let aliases = columns.aliases.iter().map(|alias| ("aliases", Some(&alias.name)));
        for (key, name) in named.into_iter().chain(aliases) {
            if let Some(problem) = name.and_then(|name| name_problem(name)) {
                faults.add(table, row, key, problem);
            }
        }
        if columns.latin_name.as_ref().is_some_and(|name| !name.is_ascii()) {
            faults.add(table, row, "latin_name", Problem::NotLatin);
        }
        for alias in &columns.aliases {
            if let (Some(from), Some(to)) = (alias.valid_from, alias.valid_to)
                && to < from
            {
                faults.add(table, row, "aliases", Problem::EndsBeforeItBegins { from, to });
            }
        }
        let shortest = [Some(&columns.name), columns.short_name.as_ref()].into_iter().flatten();
        let shortest = shortest.map(|name| name.chars().count() + mark).min().unwrap_or_default();
        if shortest > NAME_LIMIT {
            let cell = Cell { table, row, key: "name" };
            warnings.push(RegistryWarning::NeedsShortName { cell, characters: shortest });
        }
        let institution = Institution::new(columns);
        for other in institutions.iter().filter(|other| other.id != institution.id) {
            for name in shared_names(&institution, other) {
                let other = other.id.to_string();
                faults.add(table, row, "aliases", Problem::SharedName { name, other });
            }
        }
        institutions.push(institution);
    }
    institutions
}

fn name_problem(name: &str) -> Option<Problem> {
    let characters = name.chars().count();
    if name.trim().is_empty() {
        Some(Problem::Empty)
    } else if characters > NAME_LIMIT {
        Some(Problem::NameTooLong { characters })
    } else if name.contains(|c: char| c.is_control() || c == '\\') {
        Some(Problem::BadCharacter)
    } else {
        None
    }
}

/// Names that two institutions have on the same day, in the form that names are compared in.
fn shared_names(one: &Institution, other: &Institution) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    for name in one.known() {
        let is_shared = other.known().iter().any(|theirs| {
            let before = |last: Option<Date>, first: Option<Date>| {
                matches!((last, first), (Some(last), Some(first)) if last < first)
            };
            name.name == theirs.name
                && !before(name.valid_to, theirs.valid_from)
                && !before(theirs.valid_to, name.valid_from)
        });
        if is_shared && !names.contains(&name.name) {
            names.push(name.name.clone());
        }
    }
    names
}

fn items(
    rows: Vec<ItemRow>,
    scopes: &[ScopeCode],
    declarations: &Declarations,
    codes: &mut HashSet<String>,
    faults: &mut Faults,
) -> Vec<Item> {
    let table = Table::Item;
    let mut items = Vec::with_capacity(rows.len());
    for (row, columns) in rows.into_iter().enumerate() {
        let code = ItemCode::new(&columns.code);
        faults.unique(codes, Cell { table, row, key: "code" }, code.as_str());
        if code.as_str() == EVERY_ITEM {
            faults.add(table, row, "code", Problem::Taken { found: code.to_string() });
        }
        if columns.scopes.is_empty() {
            faults.add(table, row, "scopes", Problem::Empty);
        }
        let listed: Vec<ScopeCode> =
            columns.scopes.iter().map(|code| ScopeCode::new(code)).collect();
        for unknown in listed.iter().filter(|code| !scopes.contains(code)) {
            let found = unknown.to_string();
            faults.add(table, row, "scopes", Problem::Unknown { table: Table::Scope, found });
        }
        match Expression::compile(&columns.when, declarations) {
            Ok(when) => items.push(Item { code, name: columns.name, when, scopes: listed }),
            Err(error) => faults.add(table, row, "when", Problem::Condition(error)),
        }
    }
    items
}

fn accreditations(
    rows: Vec<AccreditationRow>,
    known: &Known<'_>,
    faults: &mut Faults,
) -> Vec<Accreditation> {
    let table = Table::Accreditation;
    let mut accreditations = Vec::with_capacity(rows.len());
    for (row, columns) in rows.into_iter().enumerate() {
        let institution = InstitutionId::new(&columns.institution);
        if !known.institutions.iter().any(|known| known.id == institution) {
            let found = institution.to_string();
            let problem = Problem::Unknown { table: Table::Institution, found };
            faults.add(table, row, "institution", problem);
        }
        let scope = ScopeCode::new(&columns.scope);
        if !known.scopes.contains(&scope) {
            let found = scope.to_string();
            faults.add(table, row, "scope", Problem::Unknown { table: Table::Scope, found });
        }
        if columns.items.is_empty() {
            faults.add(table, row, "items", Problem::Empty);
        }
        let codes: Vec<ItemCode> = columns.items.iter().map(|code| ItemCode::new(code)).collect();
        let every = codes.iter().any(|code| code.as_str() == EVERY_ITEM);
        for code in codes.iter().filter(|code| code.as_str() != EVERY_ITEM) {
            if !known.items.contains(code.as_str()) {
                let found = code.to_string();
                faults.add(table, row, "items", Problem::Unknown { table: Table::Item, found });
            }
        }
        let AccreditationRow { valid_from, valid_to, status, .. } = columns;
        if let Some(to) = valid_to.filter(|to| *to < valid_from) {
            let problem = Problem::EndsBeforeItBegins { from: valid_from, to };
            faults.add(table, row, "valid_to", problem);
        }
        let items = (!every).then_some(codes);
        let accreditation =
            Accreditation { row, institution, items, scope, valid_from, valid_to, status };
        accreditations.push(accreditation);
    }
    accreditations
}
