//! `[burn_in]`: its keys, its font, and glyphs that are missing.

use std::path::Path;

use super::*;
use crate::stamp::layout::LayoutPolicy;
use crate::stamp::{BurnedInAnnotation, PixelPolicy, UidPolicy};

const LEAST: &str =
    "[[destination]]\nname = \"pacs\"\naet = \"PACS\"\nhost = \"10.0.0.5\"\nport = 104\n";

/// A font of the project's own, as a site would name one.
const TYPEFACE: &[u8] = include_bytes!("../stamp/typeface/markgate-sans-sc.ttf");

fn read(rows: &str, folder: &Path) -> Result<Loaded, Mistakes> {
    parse(&format!("{LEAST}{rows}"), Path::new("gate.toml"), folder)
}

#[track_caller]
fn check_mistakes(rows: &str, want: &[&str]) {
    let found = read(rows, Path::new("/etc/markgate")).expect_err("mistakes");
    let found: Vec<String> = found.as_slice().iter().map(ToString::to_string).collect();
    assert_eq!(found, want);
}

#[test]
fn nothing_said_is_what_the_stamp_does_by_itself() {
    let loaded = read("[burn_in]\n", Path::new("/")).expect("a configuration");
    let (policy, default) = (loaded.compiled.burn_in.policy, PixelPolicy::default());
    assert!(policy.typeface.is_some() && default.typeface.is_some());
    let plain = |policy: PixelPolicy| format!("{:?}", PixelPolicy { typeface: None, ..policy });
    assert_eq!(plain(policy), plain(default));
}

#[test]
fn every_key_comes_to_the_stamp() {
    let rows = "[burn_in]\nmin_height = 20\nmin_height_share = \"1.5%\"\nmax_area = \"2.5%\"\n\
                max_width = \"50%\"\nframes = \"first\"\nno_corner = \"next\"\nexcept = \"CT\"\n\
                for_processing = true\nbehind_shutter = true\nuid = \"derive\"\n\
                burned_in_annotation = \"yes\"\n";
    let policy = read(rows, Path::new("/")).expect("a configuration").compiled.burn_in.policy;
    let layout = LayoutPolicy {
        min_px: 20,
        min_share: 0.015,
        max_area: 0.025,
        max_width: 0.5,
        behind_shutter: true,
    };
    assert_eq!((policy.layout, policy.kept), (layout, vec!["CT".to_owned()]));
    assert_eq!((policy.every_frame, policy.strip, policy.for_processing), (false, false, true));
    assert_eq!((policy.uid, policy.annotation), (UidPolicy::Derive, BurnedInAnnotation::Yes));
}

#[test]
fn what_cannot_be_meant_is_a_mistake() {
    check_mistakes(
        "[burn_in]\nmin_height = 7\nmin_height_share = 0.01\nmax_area = \"26%\"\nmax_width = \"101%\"\n\
         frames = \"every\"\nexcept = [\"ct\"]\nuid = \"new\"\n",
        &[
            "gate.toml:7: burn_in.min_height: 7; give a whole number from 8 to 256",
            "gate.toml:8: burn_in.min_height_share: 0.01; give a share from \"0%\" to \"5%\"",
            "gate.toml:9: burn_in.max_area: \"26%\"; give a share from \"0%\" to \"25%\"",
            "gate.toml:10: burn_in.max_width: \"101%\"; give a share from \"0%\" to \"100%\"",
            "gate.toml:11: burn_in.frames: \"every\"; allowed: all, first",
            "gate.toml:12: burn_in.except: \"ct\"; give a modality as (0008,0060) has it, such as \"CT\": 1 to 16 capital letters, digits, underscores",
            "gate.toml:13: burn_in.uid: \"new\"; allowed: keep, derive",
        ],
    );
}

#[test]
fn a_font_is_read_from_the_folder_of_the_file() {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join("own.ttf"), TYPEFACE).expect("a file written");
    let loaded = read("[burn_in]\nfont = \"own.ttf\"\n", folder.path()).expect("a configuration");
    let file = folder.path().join("own.ttf");
    assert_eq!(loaded.configuration.burn_in.font, Some(file));
    assert_eq!(loaded.compiled.burn_in.font, Some(blake3::hash(TYPEFACE)));
    let shown = show(&loaded.configuration);
    let again = parse(&shown, Path::new("gate.toml"), Path::new("/")).expect("itself");
    assert_eq!(again.configuration, loaded.configuration, "{shown}");
}

#[test]
fn a_font_that_cannot_be_used_is_a_mistake_on_its_line() {
    let folder = tempfile::tempdir().expect("a folder");
    let write = |name: &str, bytes: &[u8]| {
        std::fs::write(folder.path().join(name), bytes).expect("a file written");
    };
    write("own.ttf", TYPEFACE);
    write("no.ttf", b"no font");
    let check = |rows: &str, line: u32, key: &str, said: &str| {
        let found = read(rows, folder.path()).expect_err("a mistake");
        let [mistake] = found.as_slice() else { panic!("one mistake, not {found}") };
        assert_eq!((mistake.line, mistake.key.as_str()), (Some(line), key), "{mistake}");
        assert!(mistake.to_string().contains(said), "{mistake}");
    };
    check("[burn_in]\nfont = \"absent.ttf\"\n", 7, "burn_in.font", "No such file");
    check("[burn_in]\nfont = \"no.ttf\"\n", 7, "burn_in.font", "not a TrueType or OpenType font");
    let second = "[burn_in]\nfont = \"own.ttf\"\nfont_index = 1\n";
    check(second, 8, "burn_in.font_index", "has no font 1");
    check("[burn_in]\nfont_index = 1\n", 6, "burn_in.font", "missing");
}

/// Characters that no typeface has: of the private use area.
const NAMES: &str = "[[institution]]\nid = \"bfh\"\nname = \"北京\u{E000}友谊\u{E001}医院\u{E000}\"\n\
                     short_name = \"友谊\u{E002}\"\n\
                     aliases = [\"\u{E003}\", { name = \"\u{E004}\", valid_to = 2020-12-31 }]\n\
                     [mark]\nseparator = \"\u{E005}\"\n";

#[test]
fn glyphs_that_are_missing_are_told_where_letters_are_drawn() {
    let remedy = "give a [burn_in] font that has all characters, or modes that draw none";
    let line = |line: u32, key: &str, characters: &str| {
        format!(
            "gate.toml:{line}: {key}: the typeface that marks are drawn in has no {characters}; {remedy}"
        )
    };
    let want = [
        line(8, "institution.name", "'\\u{e000}' (U+E000), '\\u{e001}' (U+E001)"),
        line(9, "institution.short_name", "'\\u{e002}' (U+E002)"),
        line(10, "institution.aliases", "'\\u{e004}' (U+E004)"),
        line(12, "mark.separator", "'\\u{e005}' (U+E005)"),
    ];
    let want: Vec<&str> = want.iter().map(String::as_str).collect();
    for mode in ["burn-in", "strip", "overlay"] {
        check_mistakes(&format!("{NAMES}modes = [\"tag\", \"{mode}\"]\n"), &want);
        check_mistakes(&format!("{NAMES}[[stamp]]\nmodes = [\"{mode}\"]\n"), &want);
    }
    let undrawn = format!("{NAMES}modes = [\"tag\", \"presentation-state\"]\n");
    assert!(read(&undrawn, Path::new("/")).is_ok());
}
