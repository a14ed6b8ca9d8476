//! Reads the rows of the recognition registry, from the configuration itself and from CSV files. What they refer to
//! is looked at when they are [compiled](super::compile).
//!
//! A CSV file has a header row with the names of the keys; its order is free. Cells of lists (`aliases`, `items`,
//! `scopes`) hold their parts apart by `|` or `;`. An empty cell is an absent value. Lines that begin with `#` are
//! skipped. The file is UTF-8, with or without a byte order mark.

use std::collections::HashSet;
use std::path::Path;

use super::compile::Placed;
use super::decode::{Entry, Origin, Table};
use super::mistake::{Fault, Mistake};
use super::source::{CSV_LIMIT, read};
use crate::recognition::{AccreditationRow, Alias, InstitutionRow, ItemRow, ScopeRow};
use crate::standard::{Grade, OperatorRow};

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

pub(super) fn scopes<'t>(
    rows: impl Iterator<Item = Table<'t>>,
    mistakes: &mut Vec<Mistake>,
) -> Placed<'t, ScopeRow> {
    let mut scopes = Placed::default();
    for mut table in rows {
        let code = table.text("code");
        let code = table.required("code", code, "a mark: two to eight capital letters, then HR");
        let rank = table.whole("rank", 0..=1000);
        let rank = table.required("rank", rank, "a rank; BJHR has 20 and JJJHR 30");
        let valid_from = table.date("valid_from");
        let place = table.finish(mistakes);
        match (code, rank) {
            (Some(code), Some(rank)) => scopes.push(ScopeRow { code, rank, valid_from }, place),
            (code, _) => scopes.spoil(code),
        }
    }
    scopes
}

pub(super) fn institutions<'t>(
    rows: impl Iterator<Item = Table<'t>>,
    mistakes: &mut Vec<Mistake>,
) -> Placed<'t, InstitutionRow> {
    let mut institutions = Placed::default();
    for mut table in rows {
        let id = table.text("id");
        let id = table.required("id", id, "an id such as \"bfh\"");
        let name = table.text("name");
        let name = table.required("name", name, "the institution's name");
        let short_name = table.text("short_name");
        let latin_name = table.text("latin_name");
        let entries = table.entries("aliases").unwrap_or_default();
        let aliases = entries.into_iter().filter_map(|entry| alias(entry, mistakes)).collect();
        let place = table.finish(mistakes);
        match (id, name) {
            (Some(id), Some(name)) => institutions
                .push(InstitutionRow { id, name, short_name, latin_name, aliases }, place),
            (id, _) => institutions.spoil(id),
        }
    }
    institutions
}

/// A name, or a table of a name and the days on which it was the official one.
fn alias(entry: Entry<'_>, mistakes: &mut Vec<Mistake>) -> Option<Alias> {
    match entry {
        Entry::Text(name) => Some(Alias::always(name.trim())),
        Entry::Table(mut table) => {
            let name = table.text("name");
            let name = table.required("name", name, "a name");
            let (valid_from, valid_to) = (table.date("valid_from"), table.date("valid_to"));
            table.finish(mistakes);
            name.map(|name| Alias { name, valid_from, valid_to })
        }
    }
}

pub(super) fn items<'t>(
    rows: impl Iterator<Item = Table<'t>>,
    mistakes: &mut Vec<Mistake>,
) -> Placed<'t, ItemRow> {
    let mut items = Placed::default();
    for mut table in rows {
        let code = table.text("code");
        let code = table.required("code", code, "a code such as \"CT-CHEST\"");
        let name = table.text("name");
        let name = table.required("name", name, "the item's name");
        let when = table.text("when");
        let when = table.required("when", when, "a condition such as \"dcm.Modality == 'CT'\"");
        let scopes = table.texts("scopes");
        let wanted = "a list of scopes such as [\"BJHR\", \"JJJHR\"]";
        let scopes = table.required("scopes", scopes, wanted);
        let place = table.finish(mistakes);
        match (code, name, when, scopes) {
            (Some(code), Some(name), Some(when), Some(scopes)) => {
                items.push(ItemRow { code, name, when, scopes }, place);
            }
            (code, _, _, _) => items.spoil(code),
        }
    }
    items
}

pub(super) fn accreditations<'t>(
    rows: impl Iterator<Item = Table<'t>>,
    mistakes: &mut Vec<Mistake>,
) -> Placed<'t, AccreditationRow> {
    let mut accreditations = Placed::default();
    for mut table in rows {
        let institution = table.text("institution");
        let institution = table.required("institution", institution, "an institution's id");
        let items = table.texts("items");
        let wanted = "a list of items' codes, or \"*\" for every item";
        let items = table.required("items", items, wanted);
        let scope = table.text("scope");
        let scope = table.required("scope", scope, "a scope's code such as \"JJJHR\"");
        let valid_from = table.date("valid_from");
        let wanted = "the first day, such as 2026-04-01";
        let valid_from = table.required("valid_from", valid_from, wanted);
        let valid_to = table.date("valid_to");
        let status = table.word("status").unwrap_or_default();
        let place = table.finish(mistakes);
        if let (Some(institution), Some(items), Some(scope), Some(valid_from)) =
            (institution, items, scope, valid_from)
        {
            let row = AccreditationRow { institution, items, scope, valid_from, valid_to, status };
            accreditations.push(row, place);
        }
    }
    accreditations
}

pub(super) fn operators<'t>(
    rows: impl Iterator<Item = Table<'t>>,
    mistakes: &mut Vec<Mistake>,
) -> Placed<'t, OperatorRow> {
    let mut operators = Placed::default();
    for mut table in rows {
        let code = table.text("code");
        let code = table.required("code", code, "a staff code");
        let name = table.text("name");
        let aliases = table.texts("aliases").unwrap_or_default();
        let wanted = "a grade: 技士, 技师, 主管技师, 副主任技师 or 主任技师, or its English word";
        let grade = table.parsed("grade", wanted, |text| {
            Grade::WORDS.iter().find(|(word, _)| *word == text.trim()).map(|(_, grade)| *grade)
        });
        let grade = table.required("grade", grade, wanted);
        let (valid_from, valid_to) = (table.date("valid_from"), table.date("valid_to"));
        let radiation_protection = table.date("radiation_protection");
        let critical_value = table.date("critical_value");
        let first_aid = table.date("first_aid");
        let devices = table.texts("devices").unwrap_or_default();
        let place = table.finish(mistakes);
        if let (Some(code), Some(grade)) = (code, grade) {
            let names = name.into_iter().chain(aliases).collect();
            let row = OperatorRow {
                code,
                names,
                grade,
                valid_from,
                valid_to,
                radiation_protection,
                critical_value,
                first_aid,
                devices,
            };
            operators.push(row, place);
        }
    }
    operators
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use jiff::civil::date;

    use crate::config::parse;
    use crate::standard::{Grade, OperatorRow};

    const GATE: &str = "[[destination]]\nname = \"a\"\nfolder = \"received\"\n";

    #[test]
    fn operators_come_from_the_file_and_from_csv() {
        let folder = tempfile::tempdir().expect("a folder");
        let sheet = "code,name,grade,first_aid,devices\nT2,李四,chief technologist,2027-01-31,Ingenia|Vida\n";
        std::fs::write(folder.path().join("operators.csv"), sheet).expect("written");
        let text = format!(
            "{GATE}[registry]\noperators = \"operators.csv\"\n[[operator]]\ncode = \"T1\"\nname = \"张三\"\n\
             aliases = [\"Zhang San\"]\ngrade = \"技士\"\nvalid_from = 2026-01-01\n"
        );
        let loaded = parse(&text, Path::new("gate.toml"), folder.path()).expect("a configuration");
        let nobody = OperatorRow {
            code: String::new(),
            names: Vec::new(),
            grade: Grade::Technician,
            valid_from: None,
            valid_to: None,
            radiation_protection: None,
            critical_value: None,
            first_aid: None,
            devices: Vec::new(),
        };
        let rows = [
            OperatorRow {
                code: "T1".to_owned(),
                names: vec!["张三".to_owned(), "Zhang San".to_owned()],
                valid_from: Some(date(2026, 1, 1)),
                ..nobody.clone()
            },
            OperatorRow {
                code: "T2".to_owned(),
                names: vec!["李四".to_owned()],
                grade: Grade::Chief,
                first_aid: Some(date(2027, 1, 31)),
                devices: vec!["Ingenia".to_owned(), "Vida".to_owned()],
                ..nobody
            },
        ];
        assert_eq!(loaded.configuration.operators, rows);
        assert!(loaded.compiled.personnel.is_some_and(|known| !known.is_empty()));
        let none = parse(GATE, Path::new("gate.toml"), folder.path()).expect("a configuration");
        assert_eq!(none.compiled.personnel, None);
    }

    #[test]
    fn what_is_wrong_with_an_operator_is_told_with_its_line() {
        let text = format!(
            "{GATE}[[operator]]\ncode = \"T1\"\ngrade = \"护士\"\n[[operator]]\ncode = \"T2\"\ngrade = \"技师\"\n\
             [[operator]]\ncode = \"t2\"\ngrade = \"技师\"\n"
        );
        let told = |text: &str| {
            let faults = parse(text, Path::new("gate.toml"), Path::new("")).expect_err("mistakes");
            faults.to_string()
        };
        assert!(
            told(&text).contains("gate.toml:6: operator.grade: \"护士\"; give a grade"),
            "{}",
            told(&text)
        );
        let twice = text.replace("护士", "技师");
        assert!(
            told(&twice).contains("gate.toml:11: operator.code: a second row for the same days"),
            "{}",
            told(&twice)
        );
    }
}
