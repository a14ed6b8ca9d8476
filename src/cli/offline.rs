//! Verbs that need no running gate.

use std::path::PathBuf;

use serde::Serialize;

use super::arguments::{Config, ConfigFile, FailOn, Form, Offline, PrintAs, Rules, Stamp};
use super::program::Program;
use super::table::{pairs, table};
use super::{
    Exit, Failure, Outcome, Terminal, config_path, later, load_or_default, print, print_json,
    report,
};
use crate::app::{Print, PrintForm, Sender, StampOrder};
use crate::base::time::now;
use crate::config::{self, Mistake, show};
use crate::web::model;

pub(super) fn config(verb: Config, terminal: &mut Terminal<'_>) -> Outcome {
    match verb {
        Config::Check { file, form } => check_config(&file, &form, terminal),
        Config::Show { file } => {
            let path = config_path(&file).ok_or(Failure::NoConfiguration)?;
            match config::load(&path) {
                Ok(loaded) => {
                    print(&show(&loaded.configuration), terminal)?;
                    Ok(Exit::Done)
                }
                Err(mistakes) => {
                    writeln!(terminal.err, "{mistakes}")?;
                    Ok(Exit::Found)
                }
            }
        }
    }
}

/// `config check --json`.
#[derive(Serialize)]
struct ConfigReport {
    file: String,
    valid: bool,
    mistakes: Vec<Remark>,
    warnings: Vec<Remark>,
}

#[derive(Serialize)]
struct Remark {
    file: String,
    line: Option<u32>,
    key: String,
    found: String,
    remedy: String,
}

impl From<&Mistake> for Remark {
    fn from(mistake: &Mistake) -> Self {
        Self {
            file: mistake.file.display().to_string(),
            line: mistake.line,
            key: mistake.key.clone(),
            found: mistake.fault.found(),
            remedy: mistake.fault.remedy(),
        }
    }
}

fn check_config(file: &ConfigFile, form: &Form, terminal: &mut Terminal<'_>) -> Outcome {
    let path = config_path(file).ok_or(Failure::NoConfiguration)?;
    let loaded = config::load(&path);
    let (mistakes, warnings) = match &loaded {
        Ok(loaded) => (&[][..], [loaded.warnings.clone(), loaded.expiring(now())].concat()),
        Err(mistakes) => (mistakes.as_slice(), Vec::new()),
    };
    if form.json {
        let report = ConfigReport {
            file: path.display().to_string(),
            valid: loaded.is_ok(),
            mistakes: mistakes.iter().map(Remark::from).collect(),
            warnings: warnings.iter().map(Remark::from).collect(),
        };
        print_json(&report, terminal)?;
    } else {
        for mistake in mistakes {
            writeln!(terminal.out, "{mistake}")?;
        }
        for warning in &warnings {
            writeln!(terminal.out, "{warning} (a warning)")?;
        }
        if loaded.is_ok() {
            writeln!(terminal.out, "{}: good", path.display())?;
        }
    }
    Ok(if loaded.is_ok() { Exit::Done } else { Exit::Found })
}

fn sender(offline: &Offline) -> Sender {
    Sender { calling_aet: offline.calling_aet.clone(), peer: offline.peer }
}

pub(super) fn check(
    offline: &Offline,
    fail_on: Option<FailOn>,
    form: &Form,
    paths: &[PathBuf],
    program: &dyn Program,
    terminal: &mut Terminal<'_>,
) -> Outcome {
    let loaded = load_or_default(&offline.file)?;
    let reports = program.check(paths, &loaded, &sender(offline))?;
    if form.json {
        print_json(&reports, terminal)?;
    } else {
        for file in &reports {
            print(&report::checked(file), terminal)?;
        }
    }
    let threshold = fail_on.map(|severity| match severity {
        FailOn::Warn => model::Severity::Warn,
        FailOn::Block => model::Severity::Block,
        FailOn::Quarantine => model::Severity::Quarantine,
    });
    let grave = |report: &model::Report| {
        let worst = report.findings.iter().map(|finding| finding.severity).max();
        matches!((worst, threshold), (Some(worst), Some(threshold)) if worst >= threshold)
    };
    Ok(exit_of(&reports, grave))
}

/// Findings that were asked for come before files that could not be read.
fn exit_of<R>(reports: &[model::FileReport<R>], grave: impl Fn(&R) -> bool) -> Exit {
    let mut exit = Exit::Done;
    for file in reports {
        match &file.outcome {
            model::Outcome::Judged(report) if grave(report) => return Exit::Found,
            model::Outcome::Judged(_) => {}
            model::Outcome::Unreadable { .. } => exit = Exit::Failed,
        }
    }
    exit
}

pub(super) fn explain(
    offline: &Offline,
    form: &Form,
    paths: &[PathBuf],
    program: &dyn Program,
    terminal: &mut Terminal<'_>,
) -> Outcome {
    let loaded = load_or_default(&offline.file)?;
    let reports = program.explain(paths, &loaded, &sender(offline))?;
    if form.json {
        print_json(&reports, terminal)?;
    } else {
        for file in &reports {
            print(&report::explained_file(file), terminal)?;
        }
    }
    Ok(exit_of(&reports, |_| false))
}

pub(super) fn stamp(stamp: Stamp, program: &dyn Program, terminal: &mut Terminal<'_>) -> Outcome {
    let loaded = load_or_default(&stamp.offline.file)?;
    let sender = sender(&stamp.offline);
    let form = |print| match print {
        PrintAs::Pdf => PrintForm::Pdf,
        PrintAs::Png => PrintForm::Png,
    };
    let order = StampOrder {
        paths: stamp.paths,
        out: stamp.out,
        modes: stamp.mode,
        preview: stamp.preview,
        frame: stamp.frame.saturating_sub(1),
        print: stamp.print.map(|print| Print { form: form(print), grid: stamp.grid }),
        dicom_only: stamp.dicom_only,
    };
    let reports = program.stamp(&order, &loaded, &sender)?;
    if stamp.form.json {
        print_json(&reports, terminal)?;
    } else {
        print(&report::copied(&reports), terminal)?;
    }
    Ok(exit_of(&reports, |_| false))
}

pub(super) fn rules(verb: Rules, program: &dyn Program, terminal: &mut Terminal<'_>) -> Outcome {
    match verb {
        Rules::Ls { file, form } => {
            let rules = program.rules(&load_or_default(&file)?)?;
            if form.json {
                print_json(&rules, terminal)?;
            } else {
                let rows: Vec<_> = rules.iter().map(rule_row).collect();
                let heading = ["RULE", "SEVERITY", "PRINCIPLE", "AUTHORITY", "", "MESSAGE"];
                print(&table(heading, &rows), terminal)?;
            }
            Ok(Exit::Done)
        }
        Rules::Show { file, form, rules: wanted } => {
            let mut rules = program.rules(&load_or_default(&file)?)?;
            let missing = wanted.iter().find(|id| !rules.iter().any(|rule| rule.rule == **id));
            if let Some(id) = missing {
                return Err(Failure::Unfit(format!(
                    "there is no rule {id}; `markgate rules ls` lists them"
                )));
            }
            rules.retain(|rule| wanted.contains(&rule.rule));
            if form.json {
                print_json(&rules, terminal)?;
            } else {
                for rule in &rules {
                    print(&rule_page(rule), terminal)?;
                }
            }
            Ok(Exit::Done)
        }
        Rules::Test(_) => later(
            "rules test",
            "run `markgate check` on files that should pass and files that should not",
        ),
        Rules::Schema(_) => {
            later("rules schema", "`markgate rules show RULE` shows every part of a rule")
        }
        Rules::Diff(_) => later(
            "rules diff",
            "compare the output of `markgate rules ls --json` for both configurations",
        ),
    }
}

fn rule_state(rule: &model::Rule) -> &'static str {
    match (rule.enabled, rule.shadow) {
        (false, _) => "off",
        (true, true) => "shadow",
        (true, false) => "",
    }
}

fn rule_row(rule: &model::Rule) -> [String; 6] {
    [
        rule.rule.clone(),
        report::severity(rule.severity).to_owned(),
        report::principle(rule.principle).to_owned(),
        rule.authority.clone(),
        rule_state(rule).to_owned(),
        format!("{} {}", rule.message.en, rule.message.zh),
    ]
}

fn rule_page(rule: &model::Rule) -> String {
    let state = rule_state(rule);
    let rows = [
        ("pack", Some(rule.pack.clone())),
        ("severity", Some(report::severity(rule.severity).to_owned())),
        ("principle", Some(report::principle(rule.principle).to_owned())),
        ("authority", Some(rule.authority.clone())),
        ("clause", rule.clause.clone()),
        ("state", (!state.is_empty()).then(|| state.to_owned())),
        ("level", Some(rule.level.clone())),
        ("applies to", (!rule.applies.is_empty()).then(|| rule.applies.join(", "))),
        ("when", rule.when.clone()),
        ("require", Some(rule.require.clone())),
        ("English", Some(rule.message.en.clone())),
        ("中文", Some(rule.message.zh.clone())),
    ];
    format!("{}\n{}", rule.rule, pairs("  ", &rows))
}

pub(super) fn conformance(
    file: &ConfigFile,
    program: &dyn Program,
    terminal: &mut Terminal<'_>,
) -> Outcome {
    print(&program.conformance(&load_or_default(file)?)?, terminal)?;
    Ok(Exit::Done)
}
