//! Writes a configuration as TOML, with every default filled in.
//!
//! The same configuration always gives the same bytes, and reading them gives the same configuration. Rows that came from CSV
//! files stand in the text itself. Of secrets only the files that hold them are shown.

use std::fmt::Display;
use std::path::PathBuf;

use super::commitment::Verify;
use super::decode::Word;
use super::model::{
    BurnIn, Configuration, Destination, DestinationTls, GateTls, Limits, Mark, PackSource, Rules,
    Target,
};
use crate::base::units::{format_duration, format_share, format_size};
use crate::commitment;
use crate::expression::Value;
use crate::policy::admission::{ReportTo, SourceRow};
use crate::policy::relay::Ack;
use crate::policy::route::RouteRow;
use crate::policy::study::Patience;
use crate::receive::StudySettings;
use crate::recognition::{AccreditationRow, Alias, InstitutionRow, ItemRow, ScopeRow};
use crate::stamp::StampRow;
use crate::standard::{Exception, Grade, OperatorRow, Severity};

/// The effective configuration as TOML.
#[must_use]
pub fn show(configuration: &Configuration) -> String {
    let mut page = Page::default();
    let Configuration {
        gate,
        limits,
        codec,
        spool,
        audit,
        console,
        registry,
        operators,
        registry_files,
        mark,
        burn_in,
        studies,
        commitment,
        rules,
        ..
    } = configuration;
    page.table("gate");
    page.list("aet", gate.aet.iter().map(ToString::to_string));
    page.text("listen", gate.listen);
    page.text("unparsable", gate.unparsable.word());
    page.text("coerced_status", gate.coerced_status.word());
    if let Some(tls) = &gate.tls {
        gate_tls(&mut page, tls);
    }
    page.table("gate.timers");
    let timers = &gate.timers;
    page.text("connect", format_duration(timers.connect));
    page.text("association", format_duration(timers.association));
    page.text("response", format_duration(timers.response));
    page.text("release", format_duration(timers.release));
    self::limits(&mut page, limits);
    self::studies(&mut page, studies);
    self::commitment(&mut page, commitment);
    page.table("codec");
    page.bare("workers", codec.workers);
    page.text("deadline", format_duration(codec.deadline));
    page.text("memory", format_size(codec.memory));
    page.text("seccomp", codec.seccomp.word());
    page.table("spool");
    page.text("dir", spool.dir.display());
    page.text("reserve", format_size(spool.reserve));
    page.text("retention", format_duration(spool.retention));
    page.text("ballast", format_size(spool.ballast));
    page.text("scrub", spool.scrub.map_or_else(|| "off".to_owned(), format_duration));
    page.table("audit");
    page.text("retention", format_duration(audit.retention));
    if let Some(console) = console {
        page.table("console");
        page.text("listen", console.listen);
    }
    configuration.destinations.iter().for_each(|row| destination(&mut page, row));
    configuration.sources.iter().for_each(|row| source(&mut page, row));
    configuration.routes.iter().for_each(|row| route(&mut page, row));
    for (kind, file) in [
        ("institutions", &registry_files.institutions),
        ("items", &registry_files.items),
        ("accreditations", &registry_files.accreditations),
        ("operators", &registry_files.operators),
    ] {
        if let Some(file) = file {
            page.remark(&format!("the {kind} of {:?} stand below", file.display().to_string()));
        }
    }
    registry.scopes.iter().for_each(|row| scope(&mut page, row));
    registry.institutions.iter().for_each(|row| institution(&mut page, row));
    registry.items.iter().for_each(|row| item(&mut page, row));
    registry.accreditations.iter().for_each(|row| accreditation(&mut page, row));
    operators.iter().for_each(|row| operator(&mut page, row));
    self::mark(&mut page, mark);
    self::burn_in(&mut page, burn_in);
    configuration.stamps.iter().for_each(|row| stamp(&mut page, row));
    self::rules(&mut page, rules);
    page.text
}

fn limits(page: &mut Page, limits: &Limits) {
    page.table("limits");
    page.bare("associations", limits.associations);
    page.bare("associations_per_peer", limits.associations_per_peer);
    page.text("memory", format_size(limits.memory));
    page.bare("elements", limits.elements);
    page.text("header", format_size(limits.header));
    page.text("artim", format_duration(limits.artim));
    page.text("idle", format_duration(limits.idle));
    page.text("stall", format_duration(limits.stall));
    page.text("grace", format_duration(limits.grace));
    page.text("minimum_rate", format_size(u64::from(limits.minimum_rate)));
}

fn commitment(page: &mut Page, settings: &commitment::Settings) {
    page.table("commitment");
    page.bare("offer", settings.offer);
    page.text("wait", format_duration(settings.wait));
    page.text("held", format_duration(settings.held));
    page.text("unknown", format_duration(settings.unknown));
    page.text("answer", format_duration(settings.answer));
    page.text("report", format_duration(settings.report));
}

fn destination(page: &mut Page, row: &Destination) {
    page.row("destination");
    page.text("name", &row.name);
    page.text("commitment", row.commitment.word());
    if matches!(row.target, Target::Peer { .. }) {
        page.text("verify", if row.verify { Verify::Commitment } else { Verify::No }.word());
    }
    match &row.target {
        Target::Peer { aet, host, port, call_as, tls } => {
            page.text("aet", aet);
            page.text("host", host);
            page.bare("port", port);
            match &call_as.otherwise {
                None => page.text("calling_aet", "keep"),
                Some(title) => page.text("calling_aet", title),
            }
            let mapped = call_as.mapped.iter();
            page.list(
                "calling_aets",
                mapped.map(|(modality, title)| format!("{modality}={title}")),
            );
            if let Some(tls) = tls {
                destination_tls(page, tls);
            }
        }
        Target::Folder(folder) => page.text("folder", folder.display()),
    }
}

fn gate_tls(page: &mut Page, tls: &GateTls) {
    page.table("gate.tls");
    page.text("listen", tls.listen);
    page.text("certificate", tls.certificate.display());
    page.text("key", tls.key.display());
    page.list("trust", paths(&tls.trust));
    page.list("crl", paths(&tls.crl));
    page.text("client", tls.client.word());
}

fn destination_tls(page: &mut Page, tls: &DestinationTls) {
    page.table("destination.tls");
    page.text("server_name", &tls.server_name);
    page.list("trust", paths(&tls.trust));
    page.list("crl", paths(&tls.crl));
    if let Some((certificate, key)) = &tls.identity {
        page.text("certificate", certificate.display());
        page.text("key", key.display());
    }
}

fn paths(files: &[PathBuf]) -> impl Iterator<Item = String> {
    files.iter().map(|file| file.display().to_string())
}

fn source(page: &mut Page, row: &SourceRow) {
    page.row("source");
    let title = row.aet.as_ref().map_or("*", |title| title.as_str());
    page.text("aet", title);
    page.optional("name", row.source.name.as_ref().filter(|name| ***name != *title));
    page.list("hosts", row.hosts.iter().map(ToString::to_string));
    if !row.certificates.is_empty() {
        page.list("certificate", &row.certificates);
    }
    if let Some(identity) = &row.identity {
        page.text("user", &identity.user);
        let file = identity.passcode.as_ref().map(|passcode| passcode.file.display());
        page.optional("passcode_file", file);
    }
    page.optional("institution", row.source.institution.as_ref());
    page.bare("urgent", row.source.urgent);
    page.optional("charset", row.source.charset.as_ref().map(|set| set.declaration()));
    if let Some(ReportTo { host, port }) = &row.source.report {
        page.optional("report_host", host.as_ref());
        page.bare("report_port", port);
    }
}

fn route(page: &mut Page, row: &RouteRow) {
    page.row("route");
    page.optional("name", row.name.as_ref());
    page.list("to", &row.to);
    page.optional("when", row.when.as_ref());
    page.bare("urgent", row.urgent);
    page.text("hold", row.hold.word());
    match row.ack {
        Ack::Spooled => page.text("ack", "spooled"),
        Ack::Delivered(relay) => {
            page.text("ack", "delivered");
            page.text("fallback", relay.fallback.word());
            page.text("late_rules", relay.late_rules.word());
            page.text("echo", relay.echo.word());
        }
    }
}

fn studies(page: &mut Page, studies: &StudySettings) {
    let times = &studies.times;
    let patience = |page: &mut Page, patience: &Patience| {
        page.text("quiet", format_duration(patience.quiet));
        page.text("at_most", format_duration(patience.at_most));
    };
    page.table("studies");
    patience(page, &times.usual);
    page.text("late", studies.late.word());
    page.text("memory", format_size(u64::try_from(times.budget).unwrap_or(u64::MAX)));
    for (modality, own) in &times.by_modality {
        page.table(&format!("studies.modality.{modality:?}"));
        patience(page, own);
    }
}

fn scope(page: &mut Page, row: &ScopeRow) {
    page.row("scope");
    page.text("code", &row.code);
    page.bare("rank", row.rank);
    if let Some(day) = row.valid_from {
        page.bare("valid_from", day);
    }
}

fn institution(page: &mut Page, row: &InstitutionRow) {
    page.row("institution");
    page.text("id", &row.id);
    page.text("name", &row.name);
    page.optional("short_name", row.short_name.as_ref());
    page.optional("latin_name", row.latin_name.as_ref());
    let aliases: Vec<String> = row.aliases.iter().map(alias).collect();
    page.bare("aliases", format!("[{}]", aliases.join(", ")));
}

/// A name alone, or a table with the days on which it counts.
fn alias(alias: &Alias) -> String {
    if !alias.is_dated() {
        return quote(&alias.name);
    }
    let mut text = format!("{{ name = {}", quote(&alias.name));
    for (key, day) in [("valid_from", alias.valid_from), ("valid_to", alias.valid_to)] {
        if let Some(day) = day {
            text.push_str(&format!(", {key} = {day}"));
        }
    }
    text.push_str(" }");
    text
}

fn item(page: &mut Page, row: &ItemRow) {
    page.row("item");
    page.text("code", &row.code);
    page.text("name", &row.name);
    page.text("when", &row.when);
    page.list("scopes", &row.scopes);
}

fn accreditation(page: &mut Page, row: &AccreditationRow) {
    page.row("accreditation");
    page.text("institution", &row.institution);
    page.list("items", &row.items);
    page.text("scope", &row.scope);
    page.bare("valid_from", row.valid_from);
    if let Some(day) = row.valid_to {
        page.bare("valid_to", day);
    }
    page.text("status", row.status.word());
}

fn operator(page: &mut Page, row: &OperatorRow) {
    page.row("operator");
    page.text("code", &row.code);
    let mut names = row.names.iter();
    if let Some(name) = names.next() {
        page.text("name", name);
    }
    page.list("aliases", names);
    let word = Grade::WORDS.iter().find(|(_, grade)| *grade == row.grade);
    page.text("grade", word.map_or("", |(word, _)| *word));
    for (key, day) in [
        ("valid_from", row.valid_from),
        ("valid_to", row.valid_to),
        ("radiation_protection", row.radiation_protection),
        ("critical_value", row.critical_value),
        ("first_aid", row.first_aid),
    ] {
        if let Some(day) = day {
            page.bare(key, day);
        }
    }
    page.list("devices", &row.devices);
}

fn mark(page: &mut Page, mark: &Mark) {
    let policy = &mark.policy;
    page.table("mark");
    page.text("separator", &policy.separator);
    page.bare("mark_before_effective", policy.mark_before_effective);
    page.list("modes", mark.modes.iter().map(|mode| mode.as_str()));
    page.text("presentation_state_after", format_duration(mark.presentation_state_after));
    page.text("charset", mark.charset.word());
    page.bare("strip_stale", policy.strip_stale);
    page.bare("require_active_at_stamp", policy.require_active_at_stamp);
    page.text("multi_item", policy.multi_item.word());
    page.bare("grace_days", policy.grace_days);
    let minutes = mark.timezone.seconds() / 60;
    let sign = if minutes < 0 { '-' } else { '+' };
    page.text("timezone", format!("{sign}{:02}:{:02}", minutes.abs() / 60, minutes.abs() % 60));
}

fn burn_in(page: &mut Page, burn_in: &BurnIn) {
    let layout = &burn_in.layout;
    page.table("burn_in");
    page.optional("font", burn_in.font.as_ref().map(|file| file.display()));
    if burn_in.font.is_some() {
        page.bare("font_index", burn_in.font_index);
    }
    page.bare("min_height", layout.min_px);
    page.text("min_height_share", format_share(layout.min_share));
    page.text("max_area", format_share(layout.max_area));
    page.text("max_width", format_share(layout.max_width));
    page.text("frames", burn_in.frames.word());
    page.text("no_corner", burn_in.no_corner.word());
    page.list("except", &burn_in.except);
    page.bare("for_processing", burn_in.for_processing);
    page.bare("behind_shutter", layout.behind_shutter);
    page.text("uid", burn_in.uid.word());
    page.text("burned_in_annotation", burn_in.burned_in_annotation.word());
}

fn stamp(page: &mut Page, row: &StampRow) {
    page.row("stamp");
    page.optional("when", row.when.as_ref());
    page.list("modes", row.modes.iter().map(|mode| mode.as_str()));
}

fn rules(page: &mut Page, rules: &Rules) {
    page.table("rules");
    page.list(
        "packs",
        rules.packs.iter().map(|pack| match pack {
            PackSource::BuiltIn(name) => name.clone(),
            PackSource::File(file) => file.display().to_string(),
        }),
    );
    for (rule, change) in &rules.changes.rules {
        page.table(&format!("rules.override.{}", quote(rule)));
        page.optional("severity", change.severity.map(Severity::as_str));
        page.bare("off", change.off == Some(true));
        page.bare("shadow", change.shadow == Some(true));
    }
    rules.changes.exceptions.iter().for_each(|row| exception(page, row));
    if !rules.changes.parameters.is_empty() {
        page.table("rules.parameters");
        for (name, parameter) in &rules.changes.parameters {
            page.bare(&quote(name), value(parameter));
        }
    }
}

fn exception(page: &mut Page, row: &Exception) {
    page.row("rules.exception");
    page.list("rules", &row.rules);
    for (key, names) in [("sources", &row.sources), ("routes", &row.routes)] {
        if !names.is_empty() {
            page.list(key, names);
        }
    }
    page.optional("severity", row.change.severity.map(Severity::as_str));
    for (key, flag) in [("off", row.change.off), ("shadow", row.change.shadow)] {
        if let Some(flag) = flag {
            page.bare(key, flag);
        }
    }
}

/// A parameter as TOML writes it. One that is not known is the empty list, which no rule takes for anything.
fn value(parameter: &Value) -> String {
    match parameter {
        Value::Unknown => "[]".to_owned(),
        Value::Bool(flag) => flag.to_string(),
        Value::Int(number) => number.to_string(),
        // With `{:?}` a whole number keeps its ".0".
        Value::Double(number) => format!("{number:?}"),
        Value::Text(text) => quote(text),
        Value::List(parts) => {
            // One level: what is read has no lists in lists.
            let parts: Vec<String> = parts
                .iter()
                .map(|part| match part {
                    Value::Text(text) => quote(text),
                    Value::Double(number) => format!("{number:?}"),
                    Value::Int(number) => number.to_string(),
                    Value::Bool(flag) => flag.to_string(),
                    Value::Unknown | Value::List(_) => "[]".to_owned(),
                })
                .collect();
            format!("[{}]", parts.join(", "))
        }
    }
}

#[derive(Default)]
struct Page {
    text: String,
}

impl Page {
    fn line(&mut self, line: &str) {
        self.text.push_str(line);
        self.text.push('\n');
    }

    fn heading(&mut self, heading: &str) {
        if !self.text.is_empty() {
            self.text.push('\n');
        }
        self.line(heading);
    }

    fn table(&mut self, name: &str) {
        self.heading(&format!("[{name}]"));
    }

    fn row(&mut self, name: &str) {
        self.heading(&format!("[[{name}]]"));
    }

    fn remark(&mut self, remark: &str) {
        self.heading(&format!("# {remark}"));
    }

    fn bare(&mut self, key: &str, value: impl Display) {
        self.line(&format!("{key} = {value}"));
    }

    fn text(&mut self, key: &str, value: impl Display) {
        self.line(&format!("{key} = {}", quote(&value.to_string())));
    }

    fn optional(&mut self, key: &str, value: Option<impl Display>) {
        if let Some(value) = value {
            self.text(key, value);
        }
    }

    fn list(&mut self, key: &str, values: impl IntoIterator<Item = impl AsRef<str>>) {
        let values: Vec<String> = values.into_iter().map(|value| quote(value.as_ref())).collect();
        self.line(&format!("{key} = [{}]", values.join(", ")));
    }
}

/// A TOML basic string.
fn quote(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('"');
    for c in text.chars() {
        match c {
            '"' | '\\' => quoted.extend(['\\', c]),
            '\n' => quoted.push_str("\\n"),
            '\t' => quoted.push_str("\\t"),
            c if c.is_control() => quoted.push_str(&format!("\\u{:04X}", u32::from(c))),
            c => quoted.push(c),
        }
    }
    quoted.push('"');
    quoted
}
