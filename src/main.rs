//! The `markgate` program.

use std::process::ExitCode;

fn main() -> ExitCode {
    markgate::cli::main()
}
