//! Every property on good inputs, on inputs that once broke one, on real files where there are some, and on damaged ones.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use super::*;
use crate::base::figure::{figure, scale};

/// Numbers that look random and are the same in every run.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, bound: usize) -> usize {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % bound.max(1)
    }
}

/// Bytes that mean something somewhere: ends of ranges, delimiters, letters of VRs.
const TELLING: [u8; 24] = [
    0, 1, 2, 3, 4, 7, 8, 0x0D, 0x10, 0x1B, b' ', b'"', b'=', b'[', b'\\', b'S', b'Q', b'U', 0x7F,
    0x80, 0xDD, 0xE0, 0xFE, 0xFF,
];

/// Damages an input in one to six places.
fn damage(numbers: &mut Numbers, input: &mut Vec<u8>, other: &[u8]) {
    for _ in 0..=numbers.below(6) {
        let place = numbers.below(input.len());
        let end = (place + 1 + numbers.below(64)).min(input.len());
        match numbers.below(8) {
            0 => input.truncate(place),
            1 => {
                let piece = input.get(place..end).unwrap_or_default().to_vec();
                input.splice(place..place, piece);
            }
            2 => drop(input.drain(place..end)),
            3 => {
                let from = numbers.below(other.len());
                let to = (from + numbers.below(64)).min(other.len());
                input.splice(place..place, other[from..to].iter().copied());
            }
            4 => {
                let value = [0, 1, 0x7FFF_FFFF, 0x8000_0000, u32::MAX][numbers.below(5)];
                let bytes =
                    if numbers.below(2) == 0 { value.to_le_bytes() } else { value.to_be_bytes() };
                input.iter_mut().skip(place).zip(bytes).for_each(|(old, new)| *old = new);
            }
            5 => input.iter_mut().skip(place).take(1).for_each(|b| *b = numbers.below(256) as u8),
            6 => input.iter_mut().skip(place).take(1).for_each(|b| *b ^= 1 << numbers.below(8)),
            _ => {
                let telling = TELLING[numbers.below(TELLING.len())];
                input.iter_mut().skip(place).take(1).for_each(|b| *b = telling);
            }
        }
    }
}

/// An input that takes longer hangs, on however busy a machine.
const LONGEST: Duration = Duration::from_secs(10);

/// Inputs that once broke a property.
fn remembered(target: &str) -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/fuzz").join(target);
    files_of(&folder).into_iter().map(|file| std::fs::read(file).expect("a file")).collect()
}

fn files_of(folder: &Path) -> Vec<PathBuf> {
    let Ok(entries) = std::fs::read_dir(folder) else { return Vec::new() };
    let mut files: Vec<PathBuf> = entries.map(|entry| entry.expect("an entry").path()).collect();
    files.sort();
    files
}

/// Writes good inputs where a fuzzer is to begin with them.
fn give(target: &str, seeds: &[Vec<u8>]) {
    let Some(folder) = std::env::var_os("MARKGATE_FUZZ_CORPUS") else { return };
    let folder = Path::new(&folder).join(target);
    std::fs::create_dir_all(&folder).expect("a folder");
    for (number, seed) in seeds.iter().enumerate() {
        std::fs::write(folder.join(format!("seed-{number}")), seed).expect("a folder");
    }
}

/// Runs a property on the seeds, and on as many damaged ones.
#[track_caller]
fn replay(target: &str, seeds: Vec<Vec<u8>>, short: u64, property: impl Fn(&[u8])) {
    give(target, &seeds);
    let seeds = [seeds, remembered(target)].concat();
    let mut numbers = Numbers(20_260_401);
    let mut slowest = Duration::ZERO;
    let run = |input: &[u8]| {
        let begun = Instant::now();
        property(input);
        begun.elapsed()
    };
    for seed in &seeds {
        run(seed);
    }
    let count = scale(short, 1_000_000);
    for round in 0..count {
        let mut input = seeds[numbers.below(seeds.len())].clone();
        let other = &seeds[numbers.below(seeds.len())];
        damage(&mut numbers, &mut input, other);
        let took = run(&input);
        assert!(took < LONGEST, "{target}: input {round} takes {took:?}");
        slowest = slowest.max(took);
    }
    figure(
        "R9",
        "fuzz_replay",
        format_args!(
            "{target}: {count} damaged inputs of {} seeds, 0 failures, the slowest {slowest:.1?}",
            seeds.len()
        ),
    );
}

/// Data sets of real files, where there are some that are small.
fn real() -> Vec<Vec<u8>> {
    let Some(folder) = std::env::var_os("MARKGATE_TESTDATA") else { return Vec::new() };
    let small =
        |file: &PathBuf| file.metadata().is_ok_and(|meta| meta.is_file() && meta.len() < 30_000);
    let files = files_of(Path::new(&folder)).into_iter().filter(small);
    files
        .filter_map(|file| {
            let bytes = std::fs::read(file).ok()?;
            let head = part10::parse_head(&bytes, true).ok()??;
            let syntax = head.syntax();
            let same = |name: &&str| TransferSyntax::of(name) == syntax;
            let which = SYNTAXES.iter().position(same).unwrap_or(1);
            let data = bytes.get(usize::try_from(head.data_set).ok()?..)?;
            Some([&[u8::try_from(which).ok()?, 17][..], data].concat())
        })
        .collect()
}

#[test]
fn a_stream_of_pdus_is_the_same_however_it_is_cut() {
    replay("pdu_stream", pdu_streams(), 20_000, pdu_stream);
}

#[test]
fn any_association_request_is_read_or_refused() {
    replay("assoc_rq", assoc_rqs(), 20_000, assoc_rq);
}

#[test]
fn any_command_set_is_read_or_refused() {
    replay("command_set", command_sets(), 20_000, command_set);
}

#[test]
fn any_data_set_is_seen_the_same_however_it_is_cut_and_changed_as_planned() {
    replay("dataset_stream", [data_sets(), real()].concat(), 10_000, dataset_stream);
}

#[test]
fn judging_any_data_set_does_not_fail() {
    let judgement = Judgement::default();
    replay("judgement", [data_sets(), real()].concat(), 2_000, |input| judgement.judge(input));
}

#[test]
fn any_file_in_the_spool_is_an_object_or_is_not() {
    replay("spool_file", spool_files(), 10_000, spool_file);
}

#[test]
fn any_head_of_a_file_is_read_or_refused() {
    replay("part10_head", part10_files(), 20_000, part10_head);
}

#[test]
fn any_segment_of_the_journal_is_records_and_holes() {
    replay("journal", journals(), 20_000, journal);
}

#[test]
fn any_record_of_the_journal_is_an_event_or_is_not() {
    replay("journal_record", journal_records(), 20_000, journal_record);
}

#[test]
fn any_configuration_is_taken_whole_or_refused() {
    replay("configuration", configurations(), 1_500, configuration);
}

#[test]
fn any_request_to_the_console_is_answered_in_http_or_not_at_all() {
    replay("http_api", http_requests(), 2_000, http_api);
}

#[test]
fn any_frame_is_painted_within_its_tile_or_refused() {
    replay("frame", frames(), 10_000, frame);
}
