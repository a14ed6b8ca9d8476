//! Where each rule of the catalogue is decided: in the pack, by the program itself, or nowhere, with the reason.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use super::*;

/// Rules that the catalogue has.
const RULES: usize = 203;

#[derive(Debug)]
enum Home {
    Pack(Level),
    Code { place: String, file: String, test: String },
    Declared(String),
}

fn catalogue() -> BTreeMap<String, Vec<Home>> {
    let lines = include_str!("catalogue.txt").lines();
    let rows = lines.filter(|line| !line.is_empty() && !line.starts_with('#'));
    let mut all: BTreeMap<String, Vec<Home>> = BTreeMap::new();
    for (id, home) in rows.map(home) {
        all.entry(id).or_default().push(home);
    }
    all
}

fn home(row: &str) -> (String, Home) {
    let (id, rest) = row.split_once(' ').expect("an identifier");
    let (word, rest) = rest.trim_start().split_once(' ').expect("where it is decided");
    let home = match word {
        "pack" => Home::Pack(Level::of_word(rest).expect("a level")),
        "code" => {
            let (place, shown) = rest.split_once(' ').expect("a place and a test");
            let (file, test) = shown.split_once("::").expect("a file and a test");
            Home::Code { place: place.into(), file: file.into(), test: test.into() }
        }
        "declared" => Home::Declared(rest.to_owned()),
        other => panic!("{id}: {other}"),
    };
    (id.to_owned(), home)
}

fn root() -> PathBuf {
    let this = Path::new(env!("CARGO_MANIFEST_DIR")).join(file!());
    this.ancestors().nth(4).expect("src/standard/tests below the root").to_owned()
}

#[test]
fn the_catalogue_is_whole_and_every_rule_has_its_place() {
    let catalogue = catalogue();
    assert_eq!(catalogue.len(), RULES);
    let mut wrong = Vec::new();
    let homes = catalogue.iter().flat_map(|(id, homes)| homes.iter().map(move |home| (id, home)));
    for (id, home) in homes {
        let rule = built_in().rules().iter().find(|rule| rule.id == *id);
        match (home, rule) {
            (Home::Pack(level), Some(rule)) if rule.level != *level => {
                wrong.push(format!("{id}: level {} in the pack", rule.level.as_str()));
            }
            (Home::Pack(_), None) => wrong.push(format!("{id}: not in the pack")),
            (Home::Code { place, .. }, _) if !root().join(place).exists() => {
                wrong.push(format!("{id}: no {place}"));
            }
            (Home::Code { file, test, .. }, _) => {
                let text = fs::read_to_string(root().join(file)).unwrap_or_default();
                if !text.contains(&format!("fn {test}(")) {
                    wrong.push(format!("{id}: no test {test} in {file}"));
                }
            }
            (Home::Declared(reason), _) if reason.len() < 20 => {
                wrong.push(format!("{id}: no reason"));
            }
            (Home::Pack(_) | Home::Declared(_), _) => {}
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_pack_has_no_rule_that_the_catalogue_has_not() {
    let catalogue = catalogue();
    let rules = built_in().rules().iter().map(|rule| rule.id.as_str());
    // What a rule asks of one object and what it asks of the whole study are two rows: `IMG-MR-013` and `IMG-MR-013.study`.
    let of = |id: &str| id.split_once('.').map_or(id, |(id, _)| id).to_owned();
    let strange: Vec<&str> = rules.filter(|id| !catalogue.contains_key(&of(id))).collect();
    assert_eq!(strange, Vec::<&str>::new());
}
