//! Reads the rows of the recognition registry, from the configuration itself and from CSV files.
//!
//! A CSV file has a header row with the names of the keys; its order is free. Cells of lists (`aliases`, `items`,
//! `scopes`) hold their parts apart by `|` or `;`. An empty cell is an absent value. Lines that begin with `#` are
//! skipped. The file is UTF-8, with or without a byte order mark.

use std::collections::HashSet;
use std::path::Path;

use super::decode::{Origin, Table};
use super::mistake::{Fault, Mistake};
use super::model::{Accreditation, Institution, Item, Scope};
use super::sections::own_name;
use super::source::{CSV_LIMIT, read};

/// Codes of the scopes that are built in.
const BUILT_IN_SCOPES: [&str; 2] = ["BJHR", "JJJHR"];

/// A CSV file that was read.
pub(super) struct Sheet {
    origin: Origin,
    header: Vec<String>,
    rows: Vec<(u32, csv::StringRecord)>,
}

impl Sheet {
    /// Reads a CSV file; what is wrong with it goes to `mistakes`.
    pub(super) fn read(file: &Path, mistakes: &mut Vec<Mistake>) -> Option<Self> {
        let text = match read(file, CSV_LIMIT) {
            Ok(text) => text,
            Err(fault) => {
                mistakes.push(Mistake {
                    file: file.to_owned(),
                    line: None,
                    key: String::new(),
                    fault,
                });
                return None;
            }
        };
        Some(Self::parse(file, text.trim_start_matches('\u{feff}'), mistakes))
    }

    fn parse(file: &Path, text: &str, mistakes: &mut Vec<Mistake>) -> Self {
        let origin = Origin::new(file.to_owned(), text);
        let mut reader = csv::ReaderBuilder::new()
            .flexible(true)
            .comment(Some(b'#'))
            .has_headers(false)
            .from_reader(text.as_bytes());
        let mut header: Vec<String> = Vec::new();
        let mut rows = Vec::new();
        for record in reader.records() {
            // The text is UTF-8 and lines may differ in length, so the parser has nothing left to refuse.
            let Ok(record) = record else { continue };
            let line = record.position().map_or(1, csv::Position::line);
            let line = u32::try_from(line).unwrap_or(u32::MAX);
            if header.is_empty() {
                header = record.iter().map(|column| column.trim().to_owned()).collect();
                let mut seen = HashSet::new();
                for column in header.iter().filter(|column| !seen.insert(column.as_str())) {
                    let fault = Fault::Repeated { found: column.clone() };
                    mistakes.push(origin.mistake_on(line, "", fault));
                }
                rows.push((line, csv::StringRecord::new()));
                continue;
            }
            if record.iter().skip(header.len()).any(|cell| !cell.trim().is_empty()) {
                let found = format!("{} cells", record.len());
                let wanted = format!("as many as the header has: {}", header.len());
                mistakes.push(origin.mistake_on(line, "", Fault::Unusable { found, wanted }));
            }
            if record.iter().any(|cell| !cell.trim().is_empty()) {
                rows.push((line, record));
            }
        }
        Self { origin, header, rows }
    }

    /// The rows as tables called `name`.
    pub(super) fn tables<'s>(&'s self, name: &'s str) -> impl Iterator<Item = Table<'s>> {
        let header_line = self.rows.first().map_or(1, |(line, _)| *line);
        self.rows.iter().skip(1).map(move |(line, record)| {
            let cells = self.header.iter().map(String::as_str).zip(record.iter());
            Table::row(&self.origin, name, header_line, *line, cells)
        })
    }
}

pub(super) fn scopes(
    rows: Vec<Table<'_>>,
    codes: &mut Vec<String>,
    mistakes: &mut Vec<Mistake>,
) -> Vec<Scope> {
    codes.extend(BUILT_IN_SCOPES.map(str::to_owned));
    let mut scopes = Vec::with_capacity(rows.len());
    for mut table in rows {
        let wanted = "a mark: two to eight capital letters, then HR";
        let code = table.parsed("code", wanted, |text| {
            let stem = text.strip_suffix("HR")?;
            let good =
                (2..=8).contains(&stem.len()) && stem.bytes().all(|b| b.is_ascii_uppercase());
            good.then(|| text.to_owned())
        });
        let code = table.required("code", code, wanted);
        if let Some(code) = &code {
            if codes.contains(code) {
                table.fault("code", Fault::Repeated { found: code.clone() });
            } else {
                codes.push(code.clone());
            }
        }
        let rank = table.whole("rank", 0..=1000);
        let rank = table.required("rank", rank, "a rank; BJHR has 20 and JJJHR 30");
        let valid_from = table.date("valid_from");
        table.finish(mistakes);
        if let (Some(code), Some(rank)) = (code, rank) {
            scopes.push(Scope { code, rank, valid_from });
        }
    }
    scopes
}

pub(super) fn institutions<'t>(
    rows: impl Iterator<Item = Table<'t>>,
    ids: &mut Vec<String>,
    mistakes: &mut Vec<Mistake>,
) -> Vec<Institution> {
    let mut institutions = Vec::new();
    for mut table in rows {
        let id = own_name(&mut table, "id", "an id such as \"bfh\"", ids);
        let name = institution_name(&mut table, "name");
        let name = table.required("name", name, "the institution's name");
        let short_name = institution_name(&mut table, "short_name");
        let latin_name = table.parsed("latin_name", "a name in ASCII letters", |text| {
            let good = (1..=64).contains(&text.trim().len())
                && text.bytes().all(|byte| (0x20..0x7F).contains(&byte) && byte != b'\\');
            good.then(|| text.trim().to_owned())
        });
        let wanted = "names that are not empty";
        let aliases = table.list("aliases", true, wanted, |text| {
            (!text.trim().is_empty()).then(|| text.trim().to_owned())
        });
        let aliases = aliases.unwrap_or_default();
        table.finish(mistakes);
        if let (Some(id), Some(name)) = (id, name) {
            institutions.push(Institution { id, name, short_name, latin_name, aliases });
        }
    }
    institutions
}

/// A name that may stand in Institution Name (0008,0080), VR LO.
fn institution_name(table: &mut Table<'_>, key: &'static str) -> Option<String> {
    table.parsed(key, "a name of 1 to 64 characters, no backslash or control character", |text| {
        let text = text.trim();
        let good = (1..=64).contains(&text.chars().count())
            && !text.contains(|c: char| c.is_control() || c == '\\');
        good.then(|| text.to_owned())
    })
}

pub(super) fn items<'t>(
    rows: impl Iterator<Item = Table<'t>>,
    scopes: &[String],
    codes: &mut Vec<String>,
    mistakes: &mut Vec<Mistake>,
) -> Vec<Item> {
    let mut items = Vec::new();
    for mut table in rows {
        let code = own_name(&mut table, "code", "a code such as \"CT-CHEST\"", codes);
        let name = table.text("name");
        let name = table.required("name", name, "the item's name");
        let when = table.text("when");
        let when = table.required("when", when, "a condition such as \"dcm.Modality == 'CT'\"");
        let of = table.names("scopes", "scope", scopes);
        let of = table.required("scopes", of, "a list of scopes such as [\"BJHR\", \"JJJHR\"]");
        table.finish(mistakes);
        if let (Some(code), Some(name), Some(when), Some(scopes)) = (code, name, when, of) {
            items.push(Item { code, name, when, scopes });
        }
    }
    items
}

pub(super) fn accreditations<'t>(
    rows: impl Iterator<Item = Table<'t>>,
    institutions: &[String],
    items: &[String],
    scopes: &[String],
    mistakes: &mut Vec<Mistake>,
) -> Vec<Accreditation> {
    let mut known = items.to_vec();
    known.push(EVERY_ITEM.to_owned());
    let mut accreditations = Vec::new();
    for mut table in rows {
        let institution = table.name("institution", "institution", institutions);
        let institution = table.required("institution", institution, "an institution's id");
        let listed = table.names("items", "item", &known);
        let listed =
            table.required("items", listed, "a list of items' codes, or \"*\" for every item");
        let scope = table.name("scope", "scope", scopes);
        let scope = table.required("scope", scope, "a scope's code such as \"JJJHR\"");
        let valid_from = table.date("valid_from");
        let valid_from =
            table.required("valid_from", valid_from, "the first day, such as 2026-04-01");
        let valid_to = table.date("valid_to");
        if let (Some(first), Some(last)) = (valid_from, valid_to)
            && last < first
        {
            let wanted = format!("a day not before valid_from, {first}");
            table.fault("valid_to", Fault::Unusable { found: last.to_string(), wanted });
        }
        let status = table.word("status").unwrap_or(super::model::AccreditationStatus::Active);
        table.finish(mistakes);
        if let (Some(institution), Some(listed), Some(scope), Some(valid_from)) =
            (institution, listed, scope, valid_from)
        {
            let every = listed.iter().any(|item| item == EVERY_ITEM);
            let items = (!every).then_some(listed);
            accreditations.push(Accreditation {
                institution,
                items,
                scope,
                valid_from,
                valid_to,
                status,
            });
        }
    }
    accreditations
}

/// Stands for every item in `items`.
pub(super) const EVERY_ITEM: &str = "*";
