//! The `markgate` program.

fn main() {}
