//! Reads `[[rules.exception]]`: changes to rules for what comes from some sources or by some routes.

use super::compile::Placed;
use super::decode::{Table, unknown_name};
use super::mistake::{Fault, Mistake};
use crate::standard::{Change, Exception, names};

/// What exceptions may name.
pub(super) struct Ways<'a> {
    pub sources: &'a [String],
    pub routes: &'a [String],
}

/// The rows, and where each was written.
pub(super) struct Exceptions<'t>(Placed<'t, Exception>);

const RULES: &str =
    "ids of rules such as \"IMG-CT-003\", or how ids begin with * behind it, such as \"IMG-CT-*\"";
const NOWHERE: &str =
    "sources, routes or both; what is to hold for all that comes stands under [rules.override]";
const NAMELESS: &str = "at least one name, or leave the key out: then it is for all";
const NOTHING: &str = "severity, off or shadow: what the exception changes";

impl<'t> Exceptions<'t> {
    pub(super) fn read(rows: Vec<Table<'t>>, ways: &Ways<'_>, mistakes: &mut Vec<Mistake>) -> Self {
        let mut exceptions = Placed::default();
        for mut table in rows {
            let rules = table.list("rules", true, RULES, pattern);
            let rules = table.required("rules", rules, RULES);
            if rules.as_ref().is_some_and(Vec::is_empty) {
                table.fault("rules", Fault::Missing { wanted: RULES });
            }
            if !table.has("sources") && !table.has("routes") {
                table.fault("sources", Fault::Missing { wanted: NOWHERE });
            }
            let sources = named(&mut table, "sources", "name of a source", ways.sources);
            let routes = named(&mut table, "routes", "name of a route", ways.routes);
            if !["severity", "off", "shadow"].iter().any(|key| table.has(key)) {
                table.fault("severity", Fault::Missing { wanted: NOTHING });
            }
            let change = Change {
                severity: table.word("severity"),
                off: table.flag("off"),
                shadow: table.flag("shadow"),
            };
            let rules = rules.unwrap_or_default();
            let place = table.finish(mistakes);
            exceptions.push(Exception { rules, sources, routes, change }, place);
        }
        Self(exceptions)
    }

    pub(super) fn rows(&self) -> &[Exception] {
        &self.0.rows
    }

    /// Warns of rules that no pack has: as with overrides, packs gain and lose rules.
    pub(super) fn warn(&self, ids: &[String], warnings: &mut Vec<Mistake>) {
        for (row, exception) in self.0.rows.iter().enumerate() {
            let is_known = |pattern: &&String| ids.iter().any(|id| names(pattern, id));
            for pattern in exception.rules.iter().filter(|pattern| !is_known(pattern)) {
                let fault = unknown_name("rule of any pack", pattern, ids);
                self.0.mistake(row, "rules", fault, warnings);
            }
        }
    }
}

/// An id, or how some begin.
fn pattern(text: &str) -> Option<String> {
    let beginning = text.strip_suffix('*').unwrap_or(text);
    let is_good = !text.is_empty() && !beginning.contains(|c: char| c == '*' || c.is_whitespace());
    is_good.then(|| text.to_owned())
}

/// Names of which each must be known.
fn named(
    table: &mut Table<'_>,
    key: &'static str,
    what: &'static str,
    known: &[String],
) -> Vec<String> {
    let Some(found) = table.texts(key) else { return Vec::new() };
    if found.is_empty() {
        table.fault(key, Fault::Missing { wanted: NAMELESS });
    }
    for name in found.iter().filter(|name| !known.contains(name)) {
        table.fault(key, unknown_name(what, name, known));
    }
    found
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use crate::config::parse;

    /// Sources in this order, each with its title and its name, if it has one.
    #[track_caller]
    fn check(sources: &[(&str, Option<&str>)], want: Option<&str>) {
        let pacs =
            "[[destination]]\nname = \"pacs\"\naet = \"PACS\"\nhost = \"10.0.0.5\"\nport = 104\n";
        let row = |(aet, name): &(&str, Option<&str>)| {
            let name = name.map(|name| format!("name = \"{name}\"\n")).unwrap_or_default();
            format!("[[source]]\naet = \"{aet}\"\nhosts = [\"10.0.0.0/8\"]\n{name}")
        };
        let rows: String = sources.iter().map(row).collect();
        let read = parse(&format!("{pacs}{rows}"), Path::new("gate.toml"), Path::new("."));
        let told = read.err().map(|mistakes| mistakes.to_string());
        match (&told, want) {
            (Some(told), Some(want)) => assert!(told.contains(want), "{told}"),
            (told, want) => assert_eq!(told.as_deref(), want),
        }
    }

    #[test]
    fn a_name_that_was_given_is_no_other_sources() {
        check(&[("CT01", None), ("CT01", None)], None);
        check(&[("CT01", Some("room-1")), ("CT01", None)], None);
        let taken = Some("\"CT01\" a second time");
        check(&[("CT01", None), ("CT02", Some("CT01"))], taken);
        check(&[("CT02", Some("CT01")), ("CT01", None)], taken);
    }
}
