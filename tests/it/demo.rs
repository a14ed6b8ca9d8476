//! `make demo` shows the main job on a machine that has nothing but the program.

use crate::support::gate::PROGRAM;
use crate::support::{ports, process};
use std::process::Command;
use tempfile::TempDir;

#[test]
fn the_demo_shows_marked_withheld_and_quarantined_studies_and_ends_well() {
    let folder = TempDir::with_prefix("markgate-demo-").unwrap();
    let mut command = Command::new(PROGRAM);
    command
        .args(["demo", "--once", "--listen", &format!("127.0.0.1:{}", ports::free())])
        .args(["--console", &format!("127.0.0.1:{}", ports::free())])
        .arg("--dir")
        .arg(folder.path());
    let said = process::succeed(command);
    for word in ["JJJHR", "BJHR", "NO_ITEM"] {
        assert!(said.contains(word), "{word} is not in:\n{said}");
    }
}
