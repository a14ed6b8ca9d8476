//! The program as it is installed: what the verbs ask is passed on to the app.

use std::io::Write;
use std::path::{Path, PathBuf};

use super::program::{DemoOptions, Ended, Program, Sender};
use crate::config::Loaded;
use crate::web::model::{Explanation, FileReport, Report, Rule};

/// The program as it is installed.
#[derive(Debug, Clone, Copy)]
pub(super) struct Installed;

fn absent<T>() -> Result<T, Ended> {
    Err(Ended::Failed("this build does not have that part yet".to_owned()))
}

impl Program for Installed {
    fn serve(&self, _config: &Path) -> Result<(), Ended> {
        absent()
    }
    fn demo(&self, _options: &DemoOptions, _out: &mut dyn Write) -> Result<(), Ended> {
        absent()
    }
    fn check(
        &self,
        _paths: &[PathBuf],
        _loaded: &Loaded,
        _sender: &Sender,
    ) -> Result<Vec<FileReport<Report>>, Ended> {
        absent()
    }
    fn explain(
        &self,
        _paths: &[PathBuf],
        _loaded: &Loaded,
        _sender: &Sender,
    ) -> Result<Vec<FileReport<Explanation>>, Ended> {
        absent()
    }
    fn rules(&self, _loaded: &Loaded) -> Result<Vec<Rule>, Ended> {
        absent()
    }
    fn conformance(&self, _loaded: &Loaded) -> Result<String, Ended> {
        absent()
    }
}
