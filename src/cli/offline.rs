//! Verbs that need no running gate.

use std::fs::File;
use std::io::{self, Read as _, Seek as _, Write as _};
use std::path::{Path, PathBuf};

use serde::Serialize;

use super::arguments::{Config, ConfigFile, FailOn, Form, Offline, PrintAs, Stamp};
use super::program::Program;
use super::{
    Exit, Failure, Outcome, Terminal, config_path, load_or_default, print, print_json, report,
};
use crate::app::rules::Book;
use crate::app::{Print, PrintForm, Sender, Sheet, StampOrder};
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

pub(super) fn sender(offline: &Offline) -> Sender {
    Sender { calling_aet: offline.calling_aet.clone(), peer: offline.peer }
}

/// What `check` is asked to do.
pub(super) struct Check {
    pub offline: Offline,
    pub fail_on: Option<FailOn>,
    pub report: Option<PathBuf>,
    pub form: Form,
    pub paths: Vec<PathBuf>,
}

pub(super) fn check(order: &Check, program: &dyn Program, terminal: &mut Terminal<'_>) -> Outcome {
    let loaded = load_or_default(&order.offline.file)?;
    let sender = sender(&order.offline);
    let checked = match &order.report {
        None => program.check(&order.paths, &loaded, &sender)?,
        Some(path) => {
            let page = Page::at(path)?;
            let checked = program.appraise(&order.paths, &loaded, &sender)?;
            let book = Book::in_force(&loaded);
            let offset = loaded.configuration.mark.timezone;
            page.write(&Sheet { book: &book, checked: &checked, made: now(), offset }.html())?;
            checked.map(|appraisal| appraisal.explanation.report)
        }
    };
    if order.form.json {
        print_json(&checked, terminal)?;
    } else {
        for file in &checked.files {
            print(&report::checked(file, terminal.language), terminal)?;
        }
        for study in &checked.studies {
            print(&report::checked_study(study, terminal.language), terminal)?;
        }
    }
    let threshold = order.fail_on.map(|severity| match severity {
        FailOn::Warn => model::Severity::Warn,
        FailOn::Block => model::Severity::Block,
        FailOn::Quarantine => model::Severity::Quarantine,
    });
    let grave = |worst: Option<model::Severity>| matches!((worst, threshold), (Some(worst), Some(threshold)) if worst >= threshold);
    if checked.studies.iter().any(|study| grave(study.severity)) {
        return Ok(Exit::Found);
    }
    Ok(exit_of(&checked.files, |report| {
        grave(report.findings.iter().map(|finding| finding.severity).max())
    }))
}

/// A page of `check --report`, before files are judged for it.
struct Page(File);

impl Page {
    /// Opens the file, which is new, empty or an older page: a path that was typed wrongly costs nobody an image.
    fn at(path: &Path) -> Result<Self, Failure> {
        let failed = |problem| Failure::Unfit(format!("{}: {problem}", path.display()));
        let file = File::options().read(true).write(true).create(true).truncate(false).open(path);
        let mut file = file.map_err(|problem| failed(problem.to_string()))?;
        let mut beginning = Vec::new();
        let wanted = Sheet::BEGINNING.as_bytes();
        let read = (&mut file).take(wanted.len() as u64).read_to_end(&mut beginning);
        read.map_err(|problem| failed(problem.to_string()))?;
        if !beginning.is_empty() && beginning != wanted {
            return Err(failed("is there already, and no page of this program".to_owned()));
        }
        Ok(Self(file))
    }

    fn write(mut self, page: &str) -> io::Result<()> {
        self.0.set_len(0)?;
        self.0.rewind()?;
        self.0.write_all(page.as_bytes())
    }
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
            print(&report::explained_file(file, terminal.language), terminal)?;
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

pub(super) fn conformance(
    file: &ConfigFile,
    program: &dyn Program,
    terminal: &mut Terminal<'_>,
) -> Outcome {
    print(&program.conformance(&load_or_default(file)?)?, terminal)?;
    Ok(Exit::Done)
}
