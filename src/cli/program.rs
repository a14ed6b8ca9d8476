//! What the verbs ask of the rest of the program.

use std::io::Write;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use crate::app::{Appraisal, Sender, StampOrder};
use crate::config::{Loaded, Mistakes};
use crate::web::model::{Checked, Copied, Explanation, FileReport, Report};

/// Why something ended otherwise than it should.
#[derive(Debug, thiserror::Error)]
pub enum Ended {
    /// The configuration has mistakes.
    #[error("{0}")]
    Configuration(#[from] Mistakes),
    /// Something else, in words for people.
    #[error("{0}")]
    Failed(String),
}

/// How the demonstration runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DemoOptions {
    /// Where the gate listens.
    pub listen: SocketAddr,
    /// Where the console listens.
    pub console: SocketAddr,
    /// The folder for everything; `None` is a fresh temporary one.
    pub dir: Option<PathBuf>,
    /// Whether to stop when everything has been sent and judged.
    pub once: bool,
}

/// What the verbs ask of the rest of the program. Tests put one with known answers in its place.
pub trait Program {
    /// Runs the gate until it is told to stop.
    ///
    /// # Errors
    /// When the configuration has mistakes, or the gate cannot start.
    fn serve(&self, config: &Path) -> Result<(), Ended>;
    /// Runs the demonstration and tells about it on `out`.
    ///
    /// # Errors
    /// When it cannot start, or something went otherwise than shown.
    fn demo(&self, options: &DemoOptions, out: &mut dyn Write) -> Result<(), Ended>;
    /// Judges files, and folders with everything in them, and the studies that they make.
    ///
    /// # Errors
    /// When the rules cannot be used; what is wrong with a file stands in its report.
    fn check(
        &self,
        paths: &[PathBuf],
        loaded: &Loaded,
        sender: &Sender,
    ) -> Result<Checked<Report>, Ended>;
    /// As [`Program::check`], with what a page about studies tells.
    ///
    /// # Errors
    /// As [`Program::check`].
    fn appraise(
        &self,
        paths: &[PathBuf],
        loaded: &Loaded,
        sender: &Sender,
    ) -> Result<Checked<Appraisal>, Ended>;
    /// Tells why files are judged as they are.
    ///
    /// # Errors
    /// When the rules cannot be used; what is wrong with a file stands in its report.
    fn explain(
        &self,
        paths: &[PathBuf],
        loaded: &Loaded,
        sender: &Sender,
    ) -> Result<Vec<FileReport<Explanation>>, Ended>;
    /// Copies files, and marks those that are entitled to it.
    ///
    /// # Errors
    /// When nothing can be copied at all; what is wrong with a file stands in its report.
    fn stamp(
        &self,
        order: &StampOrder,
        loaded: &Loaded,
        sender: &Sender,
    ) -> Result<Vec<FileReport<Copied>>, Ended>;
    /// The DICOM Conformance Statement of a configuration, as Markdown.
    ///
    /// # Errors
    /// When it cannot be told.
    fn conformance(&self, loaded: &Loaded) -> Result<String, Ended>;
}
