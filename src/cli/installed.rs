//! The program as it is installed: what the verbs ask is passed on to the app.

use std::io::Write;
use std::path::{Path, PathBuf};

use super::program::{DemoOptions, Ended, Program};
use crate::app::{self, Appraisal, Sender, StampOrder, StartFault};
use crate::config::Loaded;
use crate::web::model::{Checked, Copied, Explanation, FileReport, Report};

/// The program as it is installed.
#[derive(Debug, Clone, Copy)]
pub(super) struct Installed;

impl From<StartFault> for Ended {
    fn from(fault: StartFault) -> Self {
        match fault {
            StartFault::Configuration(mistakes) => Self::Configuration(mistakes),
            other => Self::Failed(other.to_string()),
        }
    }
}

fn failed(fault: &impl ToString) -> Ended {
    Ended::Failed(fault.to_string())
}

impl Program for Installed {
    fn serve(&self, config: &Path) -> Result<(), Ended> {
        Ok(app::run(config)?)
    }
    fn demo(&self, options: &DemoOptions, out: &mut dyn Write) -> Result<(), Ended> {
        let options = app::DemoOptions {
            listen: options.listen,
            console: options.console,
            dir: options.dir.clone(),
            once: options.once,
        };
        app::demo(&options, out).map_err(|fault| failed(&fault))
    }
    fn check(
        &self,
        paths: &[PathBuf],
        loaded: &Loaded,
        sender: &Sender,
    ) -> Result<Checked<Report>, Ended> {
        app::check(paths, loaded, sender).map_err(|fault| failed(&fault))
    }
    fn appraise(
        &self,
        paths: &[PathBuf],
        loaded: &Loaded,
        sender: &Sender,
    ) -> Result<Checked<Appraisal>, Ended> {
        app::appraise(paths, loaded, sender).map_err(|fault| failed(&fault))
    }
    fn explain(
        &self,
        paths: &[PathBuf],
        loaded: &Loaded,
        sender: &Sender,
    ) -> Result<Vec<FileReport<Explanation>>, Ended> {
        app::explain(paths, loaded, sender).map_err(|fault| failed(&fault))
    }
    fn stamp(
        &self,
        order: &StampOrder,
        loaded: &Loaded,
        sender: &Sender,
    ) -> Result<Vec<FileReport<Copied>>, Ended> {
        app::stamp(order, loaded, sender).map_err(|fault| failed(&fault))
    }
    fn conformance(&self, loaded: &Loaded) -> Result<String, Ended> {
        Ok(app::conformance(&loaded.configuration))
    }
}
