//! Reads the configuration: one TOML file, and the CSV files it names.
//!
//! The outcome is a [`Configuration`] of plain checked values, or every mistake at once, each with its file, line, key,
//! what was found and what would do. A key that is not known is a mistake, so that a slip of the pen never silently
//! means a default. Relative paths start at the configuration file's folder.
//!
//! Never waits, binds or writes, and never asks for the time: whether the spool's disk has room or a port is free is
//! found out at start-up, and [`Loaded::expiring`] is given the time.

mod burn_in;
#[cfg(test)]
mod burn_in_tests;
mod commitment;
mod compile;
mod credentials;
mod decode;
mod exceptions;
mod mistake;
mod model;
mod registry;
mod routes;
#[cfg(test)]
mod sample;
mod sections;
mod show;
mod source;
#[cfg(test)]
mod tests;
mod tls;

use std::path::{Path, PathBuf};

use toml::de::DeTable;

use crate::base::time::Timestamp;

pub use burn_in::Drawing;
pub use compile::Compiled;
pub use decode::Word;
pub use mistake::{Fault, Mistake, Mistakes};
pub use model::{
    Audit, BurnIn, Configuration, Console, Destination, DestinationTls, Gate, GateTls, Limits,
    Mark, MarkedFrames, NoCorner, PackSource, RegistryFiles, Rules, Spool, Target,
};
pub use show::show;
pub use tls::{EXPIRES_SOON, Paper, Tls};

use compile::RegistryTables;
use decode::{Origin, Table};
use registry::Sheet;

/// A configuration that can be used, and what its author may want to know about it.
#[derive(Debug, Clone)]
pub struct Loaded {
    /// The configuration as it was written, defaults filled in.
    pub configuration: Configuration,
    /// What was made of its rows.
    pub compiled: Compiled,
    /// What this version does otherwise than the file asks for, by line. No reason not to start.
    pub warnings: Vec<Mistake>,
}

impl Loaded {
    /// Warnings about certificates and the like that are past their end, or soon will be.
    #[must_use]
    pub fn expiring(&self, now: Timestamp) -> Vec<Mistake> {
        self.compiled.tls.papers.iter().filter_map(|paper| paper.warning(now)).collect()
    }
}

/// Reads a configuration file and the CSV files that it names.
///
/// # Errors
/// Every mistake in them, or that one of them cannot be read.
pub fn load(file: &Path) -> Result<Loaded, Mistakes> {
    load_with(file, Secrets::Read)
}

/// As [`load`], without the private keys, certificates and passcodes that it names: for those who may read the configuration
/// and not the gate's secrets. Nothing can be served with what comes of it.
///
/// # Errors
/// As [`load`].
pub fn load_without_secrets(file: &Path) -> Result<Loaded, Mistakes> {
    load_with(file, Secrets::Leave)
}

/// Whether the files with secrets, and those that belong to them, are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Secrets {
    Read,
    Leave,
}

fn load_with(file: &Path, secrets: Secrets) -> Result<Loaded, Mistakes> {
    let text = match source::read(file, source::TOML_LIMIT) {
        Ok(text) => text,
        Err(fault) => {
            let mistake = Mistake { file: file.to_owned(), line: None, key: String::new(), fault };
            return Err(Mistakes::one(mistake));
        }
    };
    read(&text, file, &folder_of(file), true, secrets)
}

/// The folder of a file, absolute, so that the configuration means the same in whatever folder the program runs.
fn folder_of(file: &Path) -> PathBuf {
    let folder = match file.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        Some(_) | None => Path::new("."),
    };
    std::path::absolute(folder).unwrap_or_else(|_| folder.to_owned())
}

/// Reads a configuration from the text of `file`, whose relative paths start at `folder`.
///
/// # Errors
/// Every mistake in it and in the CSV files that it names.
pub fn parse(text: &str, file: &Path, folder: &Path) -> Result<Loaded, Mistakes> {
    read(text, file, folder, true, Secrets::Read)
}

/// What holds where nobody has configured anything: no destination, no registry. Enough to judge files.
///
/// # Errors
/// None: what is not written is not wrong.
pub fn unconfigured() -> Result<Loaded, Mistakes> {
    read("", Path::new("(no file)"), Path::new(""), false, Secrets::Leave)
}

fn read(
    text: &str,
    file: &Path,
    folder: &Path,
    needs_destination: bool,
    secrets: Secrets,
) -> Result<Loaded, Mistakes> {
    let text = text.trim_start_matches('\u{feff}');
    let origin = Origin::new(file.to_owned(), text);
    let (document, faults) = DeTable::parse_recoverable(text);
    let mut mistakes = Vec::new();
    for fault in &faults {
        let problem = fault.message().replace('\n', ", ");
        mistakes.push(origin.mistake(fault.span(), "", Fault::Syntax { problem }));
    }
    if needs_destination && !document.get_ref().contains_key("destination") {
        let wanted = "at least one [[destination]], with name, aet, host and port";
        mistakes.push(origin.mistake(None, "destination", Fault::Missing { wanted }));
    }
    let mut warnings = Vec::new();
    let top = Table::top(&origin, &document);
    let (configuration, compiled) = whole(top, folder, secrets, &mut mistakes, &mut warnings);
    if !faults.is_empty() {
        // What the parser had to skip is not missing.
        mistakes.retain(|mistake| !matches!(mistake.fault, Fault::Missing { .. }));
    }
    match (Mistakes::of(mistakes), compiled) {
        (None, Some(compiled)) => {
            warnings.sort();
            warnings.dedup();
            Ok(Loaded { configuration, compiled, warnings })
        }
        (Some(mistakes), _) => Err(mistakes),
        // What was not compiled has left a mistake, so this cannot be; it must not pass for a good configuration.
        (None, None) => {
            let problem = "the rows do not go together".to_owned();
            Err(Mistakes::one(origin.mistake(None, "", Fault::Syntax { problem })))
        }
    }
}

/// Reads the sections in an order in which each can be checked against those it refers to.
fn whole(
    mut top: Table<'_>,
    folder: &Path,
    secrets: Secrets,
    mistakes: &mut Vec<Mistake>,
    warnings: &mut Vec<Mistake>,
) -> (Configuration, Option<Compiled>) {
    let (gate, gate_place, gate_tls_place) = sections::gate(top.section("gate"), folder, mistakes);
    let limits = sections::limits(top.section("limits"), mistakes);
    let codec = sections::codec(top.section("codec"), mistakes);
    let spool = sections::spool(top.section("spool"), folder, mistakes);
    let audit = sections::audit(top.section("audit"), mistakes);
    let console = top.optional_section("console").map(|table| sections::console(table, mistakes));

    let mut destination_names = Vec::new();
    let rows = top.rows("destination");
    let (destinations, destination_places) =
        sections::destinations(rows, folder, &gate, &spool, &mut destination_names, mistakes);

    let files = sections::registry_files(top.section("registry"), folder, mistakes);
    let mut sheet =
        |file: &Option<_>| file.as_deref().and_then(|file: &Path| Sheet::read(file, mistakes));
    let institutions = sheet(&files.institutions);
    let items = sheet(&files.items);
    let accreditations = sheet(&files.accreditations);
    let operators = sheet(&files.operators);
    let mut rows = |name, sheet| top.rows(name).into_iter().chain(further(name, sheet));
    let tables = RegistryTables {
        scopes: registry::scopes(rows("scope", &None), mistakes),
        institutions: registry::institutions(rows("institution", &institutions), mistakes),
        items: registry::items(rows("item", &items), mistakes),
        accreditations: registry::accreditations(rows("accreditation", &accreditations), mistakes),
    };
    let operators = registry::operators(rows("operator", &operators), mistakes);
    let institution_ids = tables.institutions.names(|row| &row.id);
    let rows = top.rows("source");
    let proof = credentials::Reader { base: folder, gate: &gate, secrets };
    let mut source_names = Vec::new();
    let names = (institution_ids.as_slice(), &mut source_names);
    let sources = sections::sources(rows, &proof, names, mistakes, warnings);
    if sources.is_empty() && !top.has("source") && !gate.listen.ip().is_loopback() {
        let found = format!("{} is open to others, and no [[source]] is listed", gate.listen);
        let wanted =
            "a [[source]] for each modality; until then only callers from this machine are taken";
        let fault = Fault::Unusable { found, wanted: wanted.to_owned() };
        warnings.push(gate_place.mistake("listen", fault));
    }
    let mut route_names = Vec::new();
    let route_rows = routes::rows(top.rows("route"), &mut route_names, mistakes);
    let (mark, mark_place) = sections::mark(top.section("mark"), mistakes);
    let stamps = sections::stamps(top.rows("stamp"), mistakes);
    let (burn_in, burn_in_place) = burn_in::section(top.section("burn_in"), folder, mistakes);
    let commitment = commitment::section(top.section("commitment"), mistakes);
    let studies = sections::studies(top.section("studies"), mistakes);
    let ways = exceptions::Ways { sources: &source_names, routes: &route_names };
    let (rules, rule_places) = sections::rules(top.section("rules"), folder, &ways, mistakes);
    top.finish(mistakes);

    let compiled_registry = tables.compile(&mark, mistakes, warnings);
    let personnel = compile::personnel(&operators, mistakes);
    let compiled_routes =
        routes::compile(&route_rows, &destination_names, &destinations, mistakes, warnings);
    let compiled_stamps = compile::stamps(&stamps, &mark, mistakes);
    let drawing = burn_in::drawing(&burn_in, &burn_in_place, mistakes);
    if let Some(drawing) = drawing.as_ref().filter(|_| burn_in::is_drawn(&mark, &stamps.rows)) {
        let places = (&mark_place, &burn_in_place);
        burn_in::check_glyphs(drawing, &tables, &mark, places, mistakes);
    }
    let compiled_rules = compile::rules(&rules, &rule_places, mistakes, warnings);
    let mut reader = tls::Reader::new(mistakes, warnings);
    if secrets == Secrets::Read {
        if let (Some(tls), Some(place)) = (&gate.tls, &gate_tls_place) {
            reader.gate(tls, place);
        }
        for (destination, place) in destinations.iter().zip(&destination_places) {
            if let (Target::Peer { tls: Some(tls), .. }, Some(place)) = (&destination.target, place)
            {
                reader.destination(&destination.name, tls, place);
            }
        }
    }
    let tls = reader.finish();
    let compiled = compiled_registry.zip(compiled_routes).zip(compiled_stamps).zip(compiled_rules);
    let compiled = compiled.zip(drawing).zip(personnel);
    let compiled =
        compiled.map(|(((((registry, routes), stamps), rules), burn_in), personnel)| Compiled {
            registry,
            personnel: (!personnel.is_empty()).then_some(personnel),
            routes,
            stamps,
            burn_in,
            rules: rules.0,
            packs: rules.1,
            tls,
        });
    let configuration = Configuration {
        gate,
        limits,
        codec,
        spool,
        audit,
        console,
        destinations,
        sources,
        routes: route_rows.rows,
        registry: tables.rows(),
        operators: operators.rows,
        registry_files: files,
        mark,
        burn_in,
        studies,
        commitment,
        stamps: stamps.rows,
        rules,
    };
    (configuration, compiled)
}

/// The rows of a CSV file, if there is one.
fn further<'s>(name: &'s str, sheet: &'s Option<Sheet>) -> impl Iterator<Item = Table<'s>> {
    sheet.iter().flat_map(move |sheet| sheet.tables(name))
}
