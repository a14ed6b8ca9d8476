use std::collections::BTreeMap;

use super::*;
use crate::app::fixture::{loaded, loaded_with, noon};
use crate::phantom::{Kind as Phantom, Specimen};
use crate::stamp::UidPolicy;
use crate::stamp::display::Picture;
use crate::web::model::Report;

fn ct(instance: u32) -> Specimen {
    Specimen::new(Phantom::Ct, 1).size(192, 192).instance(instance)
}

/// A folder with chest CTs, an X-ray image that no item is for, and a text.
fn source() -> tempfile::TempDir {
    let dir = tempfile::tempdir().expect("a folder");
    let write = |name: &str, bytes: &[u8]| {
        let path = dir.path().join(name);
        fs::create_dir_all(path.parent().expect("a parent")).expect("folders");
        fs::write(path, bytes).expect("a file");
    };
    write("CT/IM1", &ct(1).part10());
    write("CT/IM2", &ct(2).part10());
    write("DX/IM1.dcm", &Specimen::new(Phantom::Dx, 2).size(64, 64).part10());
    write("README.TXT", b"how to use the viewer");
    dir
}

fn order(source: &Path, out: &Path) -> StampOrder {
    StampOrder {
        paths: vec![source.to_owned()],
        out: out.to_owned(),
        modes: Vec::new(),
        preview: false,
        frame: 0,
        print: None,
        dicom_only: false,
    }
}

/// Lines of what came of it.
fn copied(order: &StampOrder) -> Vec<String> {
    let here = tempfile::tempdir().expect("a folder");
    // What is made of pixels is not to depend on how busy the machine is.
    let patient = "[rules.parameters]\npixel_time_budget = 600000";
    let site = site::build(&loaded_with(here.path(), patient));
    let entries = stamp_at(order, site, &Sender::default(), noon()).expect("copied");
    let line = |entry: &FileReport<Copied>| match &entry.outcome {
        Outcome::Unreadable { error } => format!("{}: {error}", entry.file),
        Outcome::Judged(copied) => {
            let of = |report: &Report| {
                let mark = report.mark.clone().or(report.reason.clone()).unwrap_or_default();
                format!("{mark} {}", report.modes.join("+"))
            };
            let marked = copied.marked.as_ref().map(of).unwrap_or_default();
            format!("{}: {:?} {marked}{}", copied.copy, copied.kind, copied.notes.concat())
        }
    };
    entries.iter().map(line).collect()
}

/// All files of a folder, by path.
fn files(dir: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut found = BTreeMap::new();
    let mut left = vec![dir.to_owned()];
    while let Some(folder) = left.pop() {
        for entry in fs::read_dir(folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                left.push(path);
            } else {
                let name = path.strip_prefix(dir).expect("below").display().to_string();
                found.insert(name, fs::read(path).expect("a file"));
            }
        }
    }
    found
}

#[test]
fn folders_are_copied_with_their_names_and_the_marked_ones_changed() {
    let (source, out) = (source(), tempfile::tempdir().expect("a folder"));
    let lines = copied(&order(source.path(), out.path()));
    let want = [
        "CT/IM1: Object JJJHR tag",
        "CT/IM2: Object JJJHR tag",
        "DX/IM1.dcm: Object NO_ITEM ",
        "README.TXT: File ",
    ];
    assert_eq!(lines, want);
    let (before, after) = (files(source.path()), files(out.path()));
    let names: Vec<&str> = after.keys().map(String::as_str).collect();
    assert_eq!(names, ["CT/IM1", "CT/IM2", "DX/IM1.dcm", "README.TXT", "report.json"]);
    assert_eq!(before["DX/IM1.dcm"], after["DX/IM1.dcm"]);
    assert_eq!(before["README.TXT"], after["README.TXT"]);
    let needle = "北京示范医院-JJJHR";
    let gb = encoding(needle);
    assert!(after["CT/IM1"].windows(gb.len()).any(|window| window == gb), "no mark in the copy");
}

/// The text in the character set of the phantoms.
fn encoding(text: &str) -> Vec<u8> {
    let set = crate::dicom::charset::CharacterSet::declared("GB18030");
    set.encode(text, VR::LO).expect("GB18030 has all characters")
}

#[test]
fn the_same_files_at_the_same_time_give_the_same_copies() {
    let run = |source: &Path| {
        let out = tempfile::tempdir().expect("a folder");
        let print = Some(Print { form: PrintForm::Pdf, grid: (2, 2) });
        let modes = vec![StampMode::Overlay, StampMode::PresentationState];
        copied(&StampOrder { modes, print, preview: true, ..order(source, out.path()) });
        files(out.path())
    };
    for (source, state) in [(source(), "CT/PS000001"), (studies(), "WHOLE/PS000001")] {
        let (one, other) = (run(source.path()), run(source.path()));
        assert!(one.contains_key("print.pdf") && one.contains_key(state), "{:?}", one.keys());
        let differing = one.iter().filter(|(name, bytes)| other.get(*name) != Some(*bytes));
        let differing: Vec<&String> = differing.map(|(name, _)| name).collect();
        assert!(differing.is_empty() && one.len() == other.len(), "{differing:?}");
    }
}

#[test]
fn nothing_is_ever_written_over() {
    let (source, out) = (source(), tempfile::tempdir().expect("a folder"));
    copied(&order(source.path(), out.path()));
    let before = files(out.path());
    let again = copied(&order(source.path(), out.path()));
    assert!(again.iter().all(|line| line.contains("exists already")), "{again:?}");
    assert_eq!(again.len(), before.len());
    assert!(before == files(out.path()), "a file was changed");
}

#[test]
fn copies_are_not_copied_and_links_out_of_the_folder_not_followed() {
    let source = source();
    let within = source.path().join("out");
    let here = tempfile::tempdir().expect("a folder");
    let site = site::build(&loaded(here.path()));
    let fault = stamp_at(&order(source.path(), &within), site, &Sender::default(), noon());
    assert!(matches!(fault, Err(OfflineFault::WithinItself { .. })));

    let (elsewhere, out) = (self::source(), tempfile::tempdir().expect("a folder"));
    std::os::unix::fs::symlink(elsewhere.path(), source.path().join("CT/out")).expect("a link");
    let lines =
        copied(&StampOrder { dicom_only: true, ..order(&source.path().join("CT"), out.path()) });
    let told = |line: &&String| line.contains("a link out of the folder");
    assert_eq!((lines.len(), lines.iter().filter(told).count()), (3, 1), "{lines:?}");
}

#[test]
fn an_image_that_becomes_another_one_is_so_in_its_file_meta_information_too() {
    let (source, out) =
        (tempfile::tempdir().expect("a folder"), tempfile::tempdir().expect("a folder"));
    let specimen = Specimen::new(Phantom::Ct, 1);
    fs::write(source.path().join("IM1"), specimen.part10()).expect("a file");
    let here = tempfile::tempdir().expect("a folder");
    let mut site = site::build(&loaded(here.path()));
    site.stamp.pixels.uid = UidPolicy::Derive;
    site.stamp.pixels.kept.clear();
    let order = StampOrder { modes: vec![StampMode::BurnIn], ..order(source.path(), out.path()) };
    let entries = stamp_at(&order, site, &Sender::default(), noon()).expect("copied");
    let Outcome::Judged(Copied { marked: Some(marked), .. }) = &entries[0].outcome else {
        panic!("{entries:?}")
    };
    assert_eq!(
        (marked.modes.as_slice(), marked.corner.is_some()),
        (&["burn-in".to_owned()][..], true)
    );
    let (head, scan) = offline::read(&out.path().join("IM1"), Limits::default()).expect("a copy");
    let instance = scan.header.string(tags::SOP_INSTANCE_UID).expect("a UID");
    assert_ne!(instance, specimen.sop_instance().as_str());
    assert_eq!(head.meta.sop_instance.as_str(), instance);
    assert!(!head.oddities.group_length);
}

fn picture(png: &[u8]) -> (u32, u32, Vec<u8>) {
    let mut reader = png::Decoder::new(io::Cursor::new(png)).read_info().expect("a PNG");
    let mut pixels = vec![0; reader.output_buffer_size().expect("a size")];
    reader.next_frame(&mut pixels).expect("pixels");
    (reader.info().width, reader.info().height, pixels)
}

#[test]
fn a_preview_differs_where_the_text_is_and_nowhere_else() {
    let (source, out) = (source(), tempfile::tempdir().expect("a folder"));
    let modes = vec![StampMode::Overlay];
    let order = StampOrder { modes, preview: true, ..order(source.path(), out.path()) };
    let lines = copied(&order);
    assert_eq!(lines[0], "CT/IM1: Object JJJHR overlay");
    let files = files(out.path());
    let (width, height, before) = picture(&files["CT/IM1.before.png"]);
    let (_, _, after) = picture(&files["CT/IM1.after.png"]);
    assert_eq!((width, height, before.len(), after.len()), (192, 192, 192 * 192, 192 * 192));
    let pairs = before.iter().zip(&after).enumerate();
    let changed: Vec<usize> = pairs.filter(|(_, (a, b))| a != b).map(|(at, _)| at).collect();
    let rows = changed.iter().map(|at| at / 192);
    let (first, last) = (rows.clone().min().expect("a text"), rows.max().expect("a text"));
    assert!(last - first < 40 && (first > 96 || last < 96), "{first} {last}");
    assert!(changed.len() > 50, "{}", changed.len());
    // Not marked: the copy looks as the image looked.
    assert_eq!(files["DX/IM1.dcm.before.png"], files["DX/IM1.dcm.after.png"]);
}

#[test]
fn pages_bear_images_and_text_and_are_as_many_as_the_grid_says() {
    let source = source();
    let pages = |grid| {
        let out = tempfile::tempdir().expect("a folder");
        let print = Some(Print { form: PrintForm::Png, grid });
        copied(&StampOrder { print, ..order(source.path(), out.path()) });
        let mut files = files(out.path());
        files.retain(|name, _| name.starts_with("print-"));
        files
    };
    assert_eq!(pages((1, 2)).len(), 2);
    let single = pages((1, 1));
    assert_eq!(single.len(), 3);
    let (width, height, pixels) = picture(&single["print-0001.png"]);
    assert_eq!(pixels.len() as u32, width * height, "a grey page");
    let dark = |rows: std::ops::Range<u32>| {
        let rows = (rows.start * width) as usize..(rows.end * width) as usize;
        pixels[rows].iter().filter(|pixel| **pixel < 128).count()
    };
    assert!(dark(63..250) > 500, "no text at the head of the page");
    assert_eq!(dark(0..60), 0, "the margin is not white");
}

#[test]
fn the_file_meta_information_of_a_renamed_object_names_it() {
    let specimen = ct(1);
    let bytes = specimen.part10();
    let head = crate::object::part10::parse_head(&bytes, true).expect("a head").expect("whole");
    let before = bytes[..head.data_set as usize].to_vec();
    let other = Uid::new("2.25.12345678901234567890123456789012345");
    let plan = EditPlan::none().renamed(other.clone());
    let after = renamed(before.clone(), &head, &plan).expect("renamed");
    let again = crate::object::part10::parse_head(&after, true).expect("a head").expect("whole");
    assert_eq!(again.meta.sop_instance, other);
    assert!(!again.oddities.group_length && again.data_set == after.len() as u64);
    assert_eq!(again.meta.transfer_syntax, head.meta.transfer_syntax);
    assert_eq!(renamed(before.clone(), &head, &EditPlan::none()).expect("kept"), before);
}

#[test]
fn a_page_of_colour_stays_in_colour() {
    let shown = Shown { width: 1, height: 2, picture: Picture::Rgb(vec![255, 0, 0, 10, 20, 30]) };
    let (width, height, pixels) = picture(&shown.png().expect("a PNG"));
    assert_eq!((width, height, pixels), (1, 2, vec![255, 0, 0, 10, 20, 30]));
    assert_eq!(shown.at(0, 1), [10, 20, 30]);
}

/// A folder with slices of two studies: of the one, the third is missing.
fn studies() -> tempfile::TempDir {
    let dir = tempfile::tempdir().expect("a folder");
    for (name, seed, numbers) in [("GAP", 1, [1, 2, 4, 5]), ("WHOLE", 2, [1, 2, 3, 4])] {
        fs::create_dir(dir.path().join(name)).expect("a folder");
        for number in numbers {
            let slice = Specimen::new(Phantom::Ct, seed).size(8, 8).instance(number);
            let path = dir.path().join(name).join(format!("IM{number}"));
            fs::write(path, slice.part10()).expect("a file");
        }
    }
    dir
}

#[test]
fn no_copy_bears_a_mark_that_its_study_withholds() {
    let (source, out) = (studies(), tempfile::tempdir().expect("a folder"));
    let modes = vec![StampMode::Tag, StampMode::PresentationState];
    let lines = copied(&StampOrder { modes, ..order(source.path(), out.path()) });
    let want = [
        "GAP/IM1: Object QUALITY_BLOCK ",
        "GAP/IM2: Object QUALITY_BLOCK ",
        "GAP/IM4: Object QUALITY_BLOCK ",
        "GAP/IM5: Object QUALITY_BLOCK ",
        "WHOLE/IM1: Object JJJHR tag+presentation-state",
        "WHOLE/IM2: Object JJJHR tag+presentation-state",
        "WHOLE/IM3: Object JJJHR tag+presentation-state",
        "WHOLE/IM4: Object JJJHR tag+presentation-state",
        "WHOLE/PS000001: PresentationState ",
    ];
    assert_eq!(lines, want);
    let (before, after) = (files(source.path()), files(out.path()));
    for (name, bytes) in before.iter().filter(|(name, _)| name.starts_with("GAP")) {
        assert!(after[name] == *bytes, "{name} was changed");
    }
    let list: Vec<serde_json::Value> =
        serde_json::from_slice(&after["report.json"]).expect("a list");
    for entry in &list[..4] {
        let findings = entry["findings"].as_array().expect("findings");
        let gaps = findings.iter().filter(|found| found["rule"] == "IMG-CT-011");
        assert_eq!(gaps.count(), 1, "{entry}");
    }
}

#[test]
fn a_file_that_came_when_studies_had_been_looked_at_is_not_copied() {
    let (source, out) = (studies(), tempfile::tempdir().expect("a folder"));
    let here = tempfile::tempdir().expect("a folder");
    let site = site::build(&loaded(here.path()));
    let order = order(source.path(), out.path());
    let late = source.path().join("WHOLE/IM5");
    let studies = OnStudies::of(&order.paths, &site, &Sender::default(), noon()).expect("studies");
    fs::copy(source.path().join("WHOLE/IM4"), &late).expect("a file");
    let mut export = Export {
        order: &order,
        site: &site,
        known: None,
        now: noon(),
        studies,
        out: out.path().to_owned(),
        entries: Vec::new(),
        corners: HashMap::new(),
        printer: None,
    };
    export.tree(source.path());
    let failed: Vec<(&str, &str)> = export
        .entries
        .iter()
        .filter_map(|entry| match &entry.outcome {
            Outcome::Unreadable { error } => Some((entry.file.as_str(), error.as_str())),
            Outcome::Judged(_) => None,
        })
        .collect();
    let told = NotLookedAt.to_string();
    assert_eq!(failed, [(late.to_str().expect("text"), told.as_str())]);
    assert!(!out.path().join("WHOLE/IM5").exists() && out.path().join("WHOLE/IM4").exists());
}
