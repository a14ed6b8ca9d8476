#![no_main]

use std::sync::LazyLock;

use markgate::fuzzing::Judgement;

/// Compiling the rules takes longer than an input does.
static JUDGEMENT: LazyLock<Judgement> = LazyLock::new(Judgement::default);

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| JUDGEMENT.judge(bytes));
