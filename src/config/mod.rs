//! Reads the configuration: one TOML file, and the CSV files it names.
//!
//! The outcome is a [`Configuration`] of plain checked values, or every mistake at once, each with its file, line, key,
//! what was found and what would do. A key that is not known is a mistake, so that a slip of the pen never silently
//! means a default. Relative paths start at the configuration file's folder.
//!
//! Never waits, binds or writes, and never asks for the time: whether the spool's disk has room or a port is free is
//! found out at start-up.

mod decode;
mod mistake;
mod model;
mod registry;
#[cfg(test)]
mod sample;
mod sections;
mod show;
mod source;
#[cfg(test)]
mod tests;

use std::path::Path;

use toml::de::DeTable;

pub use decode::Word;
pub use mistake::{Fault, Mistake, Mistakes};
pub use model::{
    Accreditation, AccreditationStatus, CallingAet, CharsetPolicy, Configuration, Console,
    Destination, Gate, Institution, Item, Mark, MultiItem, Pack, RegistryFiles, Route,
    RuleOverride, RuleSeverity, Rules, Scope, Source, Spool, StampMode, StampRow, Target,
    Unparsable,
};
pub use show::show;

use decode::{Origin, Table};
use registry::Sheet;

/// A configuration that can be used, and what its author may want to know about it.
#[derive(Debug, Clone, PartialEq)]
pub struct Loaded {
    /// The configuration.
    pub configuration: Configuration,
    /// What this version does otherwise than the file asks for, by line. No reason not to start.
    pub warnings: Vec<Mistake>,
}

/// Reads a configuration file and the CSV files that it names.
///
/// # Errors
/// Every mistake in them, or that one of them cannot be read.
pub fn load(file: &Path) -> Result<Loaded, Mistakes> {
    let text = match source::read(file, source::TOML_LIMIT) {
        Ok(text) => text,
        Err(fault) => {
            let mistake = Mistake { file: file.to_owned(), line: None, key: String::new(), fault };
            return Err(Mistakes::one(mistake));
        }
    };
    // Absolute, so that the configuration means the same in whatever folder the program runs.
    let folder = file.parent().unwrap_or(Path::new(""));
    let folder = std::path::absolute(folder).unwrap_or_else(|_| folder.to_owned());
    parse(&text, file, &folder)
}

/// Reads a configuration from the text of `file`, whose relative paths start at `folder`.
///
/// # Errors
/// Every mistake in it and in the CSV files that it names.
pub fn parse(text: &str, file: &Path, folder: &Path) -> Result<Loaded, Mistakes> {
    let text = text.trim_start_matches('\u{feff}');
    let origin = Origin::new(file.to_owned(), text);
    let (document, faults) = DeTable::parse_recoverable(text);
    let mut mistakes = Vec::new();
    for fault in &faults {
        let problem = fault.message().replace('\n', ", ");
        mistakes.push(origin.mistake(fault.span(), "", Fault::Syntax { problem }));
    }
    let mut warnings = Vec::new();
    let top = Table::top(&origin, &document);
    let configuration = whole(&origin, top, folder, &mut mistakes, &mut warnings);
    if !faults.is_empty() {
        // What the parser had to skip is not missing.
        mistakes.retain(|mistake| !matches!(mistake.fault, Fault::Missing { .. }));
    }
    match Mistakes::of(mistakes) {
        Some(mistakes) => Err(mistakes),
        None => {
            warnings.sort();
            warnings.dedup();
            Ok(Loaded { configuration, warnings })
        }
    }
}

/// Reads the sections in an order in which each can be checked against those it refers to.
fn whole(
    origin: &Origin,
    mut top: Table<'_>,
    folder: &Path,
    mistakes: &mut Vec<Mistake>,
    warnings: &mut Vec<Mistake>,
) -> Configuration {
    let gate = sections::gate(top.section("gate"), mistakes);
    let spool = sections::spool(top.section("spool"), folder, mistakes);
    let console = top.optional_section("console").map(|table| sections::console(table, mistakes));

    let files = sections::registry_files(top.section("registry"), folder, mistakes);
    let mut sheet =
        |file: &Option<_>| file.as_deref().and_then(|file: &Path| Sheet::read(file, mistakes));
    let institution_sheet = sheet(&files.institutions);
    let item_sheet = sheet(&files.items);
    let accreditation_sheet = sheet(&files.accreditations);

    let mut scope_codes = Vec::new();
    let scopes = registry::scopes(top.rows("scope"), &mut scope_codes, mistakes);
    let mut institution_ids = Vec::new();
    let rows = top.rows("institution").into_iter();
    let rows = rows.chain(institution_sheet.iter().flat_map(|s| s.tables("institution")));
    let institutions = registry::institutions(rows, &mut institution_ids, mistakes);
    let mut item_codes = Vec::new();
    let rows = top.rows("item").into_iter();
    let rows = rows.chain(item_sheet.iter().flat_map(|s| s.tables("item")));
    let items = registry::items(rows, &scope_codes, &mut item_codes, mistakes);
    let rows = top.rows("accreditation").into_iter();
    let rows = rows.chain(accreditation_sheet.iter().flat_map(|s| s.tables("accreditation")));
    let accreditations =
        registry::accreditations(rows, &institution_ids, &item_codes, &scope_codes, mistakes);

    let mut destination_names = Vec::new();
    let rows = top.rows("destination");
    if rows.is_empty() && !top.has("destination") {
        let wanted = "at least one [[destination]], with name, aet, host and port";
        mistakes.push(origin.mistake(None, "destination", Fault::Missing { wanted }));
    }
    let destinations = sections::destinations(rows, folder, &mut destination_names, mistakes);
    let sources = sections::sources(top.rows("source"), &institution_ids, mistakes);
    let routes = sections::routes(top.rows("route"), &destination_names, mistakes);
    let mark = sections::mark(top.section("mark"), mistakes, warnings);
    let stamps = sections::stamps(top.rows("stamp"), mistakes, warnings);
    let rules = sections::rules(top.section("rules"), folder, mistakes);
    top.finish(mistakes);
    Configuration {
        gate,
        spool,
        console,
        destinations,
        sources,
        routes,
        institutions,
        items,
        accreditations,
        scopes,
        registry: files,
        mark,
        stamps,
        rules,
    }
}
