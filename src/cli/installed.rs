//! The program as it is installed: what the verbs ask is passed on to the app.

use std::io::Write;
use std::path::{Path, PathBuf};

use super::program::{DemoOptions, Ended, Program};
use crate::app::{self, Sender, StartFault};
use crate::config::Loaded;
use crate::web::model::{Explanation, FileReport, Report, Rule};

/// The program as it is installed.
#[derive(Debug, Clone, Copy)]
pub(super) struct Installed;

fn absent<T>() -> Result<T, Ended> {
    Err(Ended::Failed("this build does not have that part yet".to_owned()))
}

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
    fn demo(&self, _options: &DemoOptions, _out: &mut dyn Write) -> Result<(), Ended> {
        absent()
    }
    fn check(
        &self,
        paths: &[PathBuf],
        loaded: &Loaded,
        sender: &Sender,
    ) -> Result<Vec<FileReport<Report>>, Ended> {
        app::check(paths, loaded, sender).map_err(|fault| failed(&fault))
    }
    fn explain(
        &self,
        paths: &[PathBuf],
        loaded: &Loaded,
        sender: &Sender,
    ) -> Result<Vec<FileReport<Explanation>>, Ended> {
        app::explain(paths, loaded, sender).map_err(|fault| failed(&fault))
    }
    fn rules(&self, loaded: &Loaded) -> Result<Vec<Rule>, Ended> {
        Ok(app::rules(loaded))
    }
    fn conformance(&self, loaded: &Loaded) -> Result<String, Ended> {
        Ok(app::conformance(&loaded.configuration))
    }
}
