//! Reads `[[rules.exception]]`: changes to rules for what comes from some sources or by some routes.

use super::compile::Placed;
use super::decode::{Table, unknown_name};
use super::mistake::{Fault, Mistake};
use crate::standard::{Change, Exception, Severity, names};

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
const EVERY: &str =
    "names, or leave the key out: then it is for all; a row listed as * can have a name of its own";
const NOTHING: &str = "severity, off or shadow: what the exception changes";
const OUR_OWN: &str = "info, warn, block or quarantine; self_check is the gate's own, for what is wrong with its output";

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
                severity: severity(&mut table),
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

/// What a site makes of a rule: any severity but the gate's own.
pub(super) fn severity(table: &mut Table<'_>) -> Option<Severity> {
    let severity: Severity = table.word("severity")?;
    if severity == Severity::SelfCheck {
        let found = format!("{:?}", severity.as_str());
        table.fault("severity", Fault::Unusable { found, wanted: OUR_OWN.to_owned() });
        return None;
    }
    Some(severity)
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
    if found.iter().any(|name| name == "*") {
        let (found, wanted) = ("\"*\"".to_owned(), EVERY.to_owned());
        table.fault(key, Fault::Unusable { found, wanted });
    }
    for name in found.iter().filter(|name| *name != "*" && !known.contains(name)) {
        table.fault(key, unknown_name(what, name, known));
    }
    found
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::OUR_OWN;
    use crate::config::parse;

    const PACS: &str =
        "[[destination]]\nname = \"pacs\"\naet = \"PACS\"\nhost = \"10.0.0.5\"\nport = 104\n";

    /// Sources in this order, each with its title and its name, if it has one.
    #[track_caller]
    fn check(sources: &[(&str, Option<&str>)], want: Option<&str>) {
        let row = |(aet, name): &(&str, Option<&str>)| {
            let name = name.map(|name| format!("name = \"{name}\"\n")).unwrap_or_default();
            format!("[[source]]\naet = \"{aet}\"\nhosts = [\"10.0.0.0/8\"]\n{name}")
        };
        let rows: String = sources.iter().map(row).collect();
        check_text(&rows, want);
    }

    #[track_caller]
    fn check_text(rows: &str, want: Option<&str>) {
        let read = parse(&format!("{PACS}{rows}"), Path::new("gate.toml"), Path::new("."));
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

    #[test]
    fn the_gate_s_own_severity_is_no_site_s() {
        let change = |severity: &str| format!("severity = \"{severity}\"\n");
        let source = "[[source]]\naet = \"CT01\"\nhosts = [\"10.0.0.0/8\"]\n";
        let ways = [
            "[rules.override.\"IMG-CT-003\"]\n".to_owned(),
            format!(
                "{source}[[rules.exception]]\nrules = [\"IMG-CT-003\"]\nsources = [\"CT01\"]\n"
            ),
        ];
        for way in ways {
            check_text(&format!("{way}{}", change("quarantine")), None);
            let own = format!("severity: \"self_check\"; give {OUR_OWN}");
            check_text(&format!("{way}{}", change("self_check")), Some(&own));
        }
    }

    #[test]
    fn an_exception_for_all_sources_names_none() {
        let check = |name: &str, want| {
            let any = "[[source]]\naet = \"*\"\nhosts = [\"10.0.0.0/16\"]\nname = \"any\"\n";
            let unnamed = "[[source]]\naet = \"*\"\nhosts = [\"10.1.0.0/16\"]\n";
            let row = "[[rules.exception]]\nrules = [\"IMG-CT-003\"]\noff = true\n";
            check_text(&format!("{any}{unnamed}{row}sources = [\"{name}\"]\n"), want);
        };
        check("any", None);
        check("*", Some("sources: \"*\"; give names, or leave the key out"));
    }
}
