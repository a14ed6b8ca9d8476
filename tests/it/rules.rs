//! Who writes or reads rules: lists, pages, trials of packs, comparisons, the format for editors, reports of quality.

use crate::support::gate::{Configuration, Gate, PROGRAM};
use crate::support::process;
use markgate::phantom::{Kind, Specimen};
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use tempfile::TempDir;

/// The worked example of a site's own pack.
fn example() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("config/standards/site-example.toml")
}

/// A hospital with a destination, the built-in pack and the example, and a site's changes.
fn laid() -> Gate {
    let packs = format!(
        "[rules]\npacks = [\"db11t2505-2025\", {:?}]\n\
         [rules.override.\"SITE-001\"]\nseverity = \"warn\"\n\
         [rules.parameters]\nsite_chest_thickness_max = 3.0\n",
        example().display().to_string()
    );
    let nobody = "[[destination]]\nname = \"nobody\"\nfolder = \"received\"\n";
    Gate::lay(&Configuration::hospital().section(nobody).section(&packs))
}

fn markgate(words: &[&str]) -> Output {
    let mut command = Command::new(PROGRAM);
    command.args(words).env_remove("LC_ALL").env_remove("LC_MESSAGES").env("LANG", "en_GB.UTF-8");
    process::run(command)
}

/// Exit code and standard output.
fn said(output: &Output) -> (Option<i32>, String) {
    (output.status.code(), String::from_utf8_lossy(&output.stdout).into_owned())
}

#[track_caller]
fn json(output: &Output) -> Value {
    serde_json::from_slice(&output.stdout).unwrap_or_else(|fault| panic!("{fault}: {output:?}"))
}

fn small(kind: Kind, seed: u64) -> Specimen {
    Specimen::new(kind, seed).size(64, 64)
}

fn put(folder: &Path, files: &[(&str, Specimen)]) {
    for (name, specimen) in files {
        std::fs::write(folder.join(name), specimen.part10()).unwrap();
    }
}

#[test]
fn rules_are_listed_and_shown_with_the_site_s_changes() {
    let gate = laid();
    let rules = gate.json(&["rules", "ls"]);
    let rules = rules.as_array().unwrap();
    let of = |id: &str| rules.iter().find(|rule| rule["rule"] == id).unwrap();
    let first = of("SITE-001");
    assert_eq!((&first["severity"], &first["level"]), (&"warn".into(), &"instance".into()));
    assert_eq!(first["applies"], serde_json::json!(["images"]));
    assert_eq!(of("IMG-MG-007")["pack"], "db11t2505-2025");
    let page = gate.json(&["rules", "show", "SITE-002"]);
    let parameter = &page[0]["parameters"][0];
    assert_eq!((&parameter["value"], &parameter["default"]), (&3.0.into(), &1.5.into()));
    assert_eq!(parameter["unit"], "mm");
    let zh = gate.done(&["rules", "show", "SITE-002", "--lang", "zh"]);
    assert!(zh.contains("= 3.0 mm (默认 1.5): 胸部CT薄层重建的最大层厚"), "{zh}");
    let en = gate.done(&["rules", "show", "SITE-003", "--lang", "en"]);
    assert!(en.contains("fact.is_image: whether it is an image"), "{en}");
    let zh = gate.done(&["rules", "show", "SITE-003", "SITE-006", "--lang", "zh"]);
    assert!(zh.contains("fact.is_image: 是否为图像"), "{zh}");
    assert!(zh.contains("study.accession_numbers: 不同检查号的个数"), "{zh}");
    assert_eq!(gate.run(&["rules", "show", "NO-SUCH"]).status.code(), Some(1));
}

#[test]
fn packs_are_listed_without_a_configuration() {
    let example = example();
    let pack = example.to_str().unwrap();
    let (exit, listed) = said(&markgate(&["rules", "ls", "--pack", pack]));
    assert_eq!(exit, Some(0));
    assert!(listed.starts_with("RULE "), "{listed}");
    assert_eq!(listed.lines().count(), 7, "{listed}");
    let rules = json(&markgate(&["rules", "ls", "--json", "--pack", pack]));
    assert_eq!(rules.as_array().unwrap().len(), 6);
}

#[test]
fn a_pack_with_mistakes_is_refused_with_the_place_of_each() {
    let folder = TempDir::new().unwrap();
    let pack = folder.path().join("bad.toml");
    let text = std::fs::read_to_string(example()).unwrap();
    let text =
        text.replace("dcm.StationName in", "dcm.StationNam in").replace("\"block\"", "\"stop\"");
    std::fs::write(&pack, &text).unwrap();
    let (pack, data) = (pack.to_str().unwrap(), folder.path().to_str().unwrap());
    let line = |part: &str| text.lines().position(|line| line.contains(part)).unwrap() + 1;
    let output = markgate(&["rules", "test", "--pack", pack, "--data", data, "--json"]);
    assert_eq!(output.status.code(), Some(2));
    let told = json(&output);
    let mistakes = told["mistakes"].as_array().unwrap();
    let find = |rule: &str| mistakes.iter().find(|mistake| mistake["rule"] == rule).unwrap();
    assert_eq!(find("SITE-001")["line"], line("dcm.StationNam in"));
    assert_eq!(find("SITE-001")["column"], 12);
    assert_eq!(find("SITE-002")["line"], line("\"stop\""));
    let (exit, told) = said(&markgate(&["rules", "test", "--pack", pack, "--data", data]));
    assert_eq!(exit, Some(2));
    assert!(
        told.contains(&format!("{pack}:{}:12: SITE-001: ", line("dcm.StationNam in"))),
        "{told}"
    );
    let output = markgate(&["rules", "ls", "--pack", pack]);
    assert_eq!((output.status.code(), output.stdout.as_slice()), (Some(2), &b""[..]));
    assert_eq!(markgate(&["rules", "test", "--pack", pack]).status.code(), Some(64));
}

/// The example is a promise to those who copy it.
#[test]
fn the_example_of_a_site_s_pack_does_what_it_says() {
    use markgate::dicom::tags;
    let folder = TempDir::new().unwrap();
    let ct = || {
        small(Kind::Ct, 1).text(tags::BODY_PART_EXAMINED, "CHEST").text(tags::STATION_NAME, "CT01")
    };
    put(
        folder.path(),
        &[
            ("good.dcm", ct().text(tags::SLICE_THICKNESS, "1.25")),
            ("thick.dcm", ct().text(tags::SLICE_THICKNESS, "5")),
            ("no-thickness.dcm", ct().without(tags::SLICE_THICKNESS)),
            (
                "head.dcm",
                ct().text(tags::BODY_PART_EXAMINED, "HEAD").text(tags::SLICE_THICKNESS, "5"),
            ),
            (
                "elsewhere.dcm",
                ct().text(tags::SLICE_THICKNESS, "1").text(tags::STATION_NAME, "CT99"),
            ),
            (
                "woman.dcm",
                small(Kind::Mg, 2).text(tags::PATIENT_SEX, "F").text(tags::STATION_NAME, "DR01"),
            ),
            (
                "man.dcm",
                small(Kind::Mg, 3).text(tags::PATIENT_SEX, "M").without(tags::STATION_NAME),
            ),
        ],
    );
    std::fs::write(folder.path().join("note.txt"), "no image").unwrap();
    let (pack, data) = (example(), folder.path().to_str().unwrap());
    let told = json(&markgate(&[
        "rules",
        "test",
        "--pack",
        pack.to_str().unwrap(),
        "--data",
        data,
        "--json",
    ]));
    assert_eq!((&told["files"], &told["not_dicom"]), (&7.into(), &1.into()));
    let check = |rule: usize, id: &str, counts: [u64; 4], not_met: &[&str]| {
        let told = &told["rules"][rule];
        assert_eq!(told["rule"], id);
        let counted = ["met", "not_met", "undecided", "not_applicable"]
            .map(|key| told[key].as_u64().unwrap());
        assert_eq!(counted, counts, "{told}");
        let not_met: Vec<String> = not_met.iter().map(|name| format!("{data}/{name}")).collect();
        assert_eq!(told["examples"]["not_met"], serde_json::json!(not_met));
    };
    check(0, "SITE-001", [5, 1, 0, 1], &["elsewhere.dcm"]);
    check(1, "SITE-002", [2, 2, 0, 3], &["no-thickness.dcm", "thick.dcm"]);
    check(2, "SITE-003", [1, 1, 0, 5], &["man.dcm"]);
    let (exit, table) =
        said(&markgate(&["rules", "test", "--pack", pack.to_str().unwrap(), "--data", data]));
    assert_eq!(exit, Some(0));
    assert!(
        table.starts_with("7 DICOM files, 1 other files, 0 that cannot be read; 3 studies\nRULE "),
        "{table}"
    );
    // The same within a configuration, with the site's own severity.
    let report = laid().json(&["check", &format!("{data}/elsewhere.dcm")]);
    let findings = report[0]["findings"].as_array().unwrap();
    let site: Vec<_> = findings.iter().filter(|one| one["rule"] == "SITE-001").collect();
    assert!(matches!(site.as_slice(), [one] if one["severity"] == "warn"), "{findings:?}");
}

/// A thin slice of a chest CT so many millimetres below the first.
fn chest(study: u64, number: u32, mm: f64) -> Specimen {
    use markgate::dicom::tags;
    let position = format!("-32\\-32\\{}", -100.0 - mm * f64::from(number));
    small(Kind::Ct, study)
        .instance(number)
        .text(tags::BODY_PART_EXAMINED, "CHEST")
        .text(tags::IMAGE_POSITION_PATIENT, &position)
}

#[test]
fn the_worked_example_passes_and_fails_at_every_level() {
    use markgate::dicom::tags;
    use markgate::phantom::Retouch;
    let folder = TempDir::new().unwrap();
    let us = |study| Specimen::new(Kind::Us, study).size(256, 256);
    let files: Vec<(String, Specimen)> = (1..=3)
        .flat_map(|number| {
            // Study 2 is too coarse, and its third slice has another order.
            let stray = chest(2, number, 1.25);
            let stray =
                if number == 3 { stray.text(tags::ACCESSION_NUMBER, "OTHER") } else { stray };
            [
                (format!("fine-{number}.dcm"), chest(1, number, 1.0)),
                (format!("stray-{number}.dcm"), stray),
            ]
        })
        .collect();
    let files: Vec<(&str, Specimen)> =
        files.iter().map(|(name, specimen)| (name.as_str(), specimen.clone())).collect();
    put(folder.path(), &files);
    let (bright, flat) = (us(3), us(4).retouch(Retouch::Flat));
    put(folder.path(), &[("bright.dcm", bright), ("flat.dcm", flat)]);
    let (pack, data) = (example(), folder.path().to_str().unwrap());
    let words = ["rules", "test", "--pack", pack.to_str().unwrap(), "--data", data];
    let told = json(&markgate(&[&words[..], &["--json"]].concat()));
    assert_eq!(
        (&told["files"], &told["studies"], &told["series"]),
        (&8.into(), &4.into(), &4.into())
    );
    let check = |id: &str, level: &str, counts: [u64; 3], met: &[String], not_met: &[String]| {
        let rules = told["rules"].as_array().unwrap();
        let rule = rules.iter().find(|rule| rule["rule"] == id).unwrap();
        assert_eq!((&rule["level"], &rule["run"]), (&level.into(), &true.into()));
        let counted = ["met", "not_met", "not_applicable"].map(|key| rule[key].as_u64().unwrap());
        assert_eq!(counted, counts, "{rule}");
        assert_eq!(rule["examples"]["met"], serde_json::json!(met), "{rule}");
        assert_eq!(rule["examples"]["not_met"], serde_json::json!(not_met), "{rule}");
    };
    let file = |name: &str| format!("{data}/{name}");
    let series = |study| chest(study, 1, 1.0).series_instance().to_string();
    let study = |specimen: Specimen| specimen.study_instance().to_string();
    check("SITE-004", "pixel", [1, 1, 6], &[file("bright.dcm")], &[file("flat.dcm")]);
    check("SITE-005", "series", [1, 1, 2], &[series(1)], &[series(2)]);
    let met = [study(us(3)), study(chest(1, 1, 1.0)), study(us(4))];
    check("SITE-006", "study", [3, 1, 0], &met, &[study(chest(2, 1, 1.0))]);
    let (exit, table) = said(&markgate(&words));
    assert_eq!(exit, Some(0));
    let row = |id: &str| table.lines().find(|line| line.starts_with(id)).unwrap().to_owned();
    assert!(
        row("SITE-006").contains("study") && row("SITE-006").ends_with(&study(chest(2, 1, 1.0)))
    );

    // What they say in a check, in both languages.
    let gate = laid();
    let en = gate.done(&["check", "--lang", "en", data]);
    assert!(en.contains("warn SITE-005 [series "), "{en}");
    assert!(en.contains("are 1.25 mm apart; the nodule software takes 1 mm or less"), "{en}");
    let zh = gate.done(&["check", "--lang", "zh", data]);
    assert!(zh.contains("不加标识 SITE-006: 同一检查有 2 个检查号"), "{zh}");
    assert!(zh.contains("警告 SITE-004: 灰阶跨度仅为存储灰阶的"), "{zh}");
}

#[test]
fn a_study_with_a_gap_is_told_of_by_check_and_its_page_and_fails_it() {
    let (gate, folder) = (laid(), TempDir::new().unwrap());
    let slices: Vec<(String, Specimen)> =
        [1, 2, 4, 5].map(|number| (format!("{number}.dcm"), chest(1, number, 1.0))).into();
    let files: Vec<(&str, Specimen)> =
        slices.iter().map(|(name, specimen)| (name.as_str(), specimen.clone())).collect();
    put(folder.path(), &files);
    let data = folder.path().to_str().unwrap();
    let (uid, series) = (chest(1, 1, 1.0).study_instance(), chest(1, 1, 1.0).series_instance());
    assert_eq!(gate.run(&["check", "--fail-on", "block", data]).status.code(), Some(2));
    let told = gate.json(&["check", data]);
    let told = told.as_array().unwrap();
    assert_eq!(told.len(), 5, "four files and their study");
    for file in &told[..4] {
        assert_eq!(
            (&file["mark"], &file["study_instance_uid"]),
            (&Value::Null, &uid.as_str().into())
        );
    }
    let study = &told[4];
    assert_eq!(
        (&study["study_instance_uid"], &study["instances"]),
        (&uid.as_str().into(), &4.into())
    );
    assert_eq!((&study["severity"], &study["mark_withheld"]), (&"block".into(), &true.into()));
    let gap = study["findings"].as_array().unwrap().iter().find(|one| one["rule"] == "IMG-CT-011");
    assert_eq!(gap.unwrap()["series_instance_uid"], series.as_str());
    let traces = study["rules"].as_array().unwrap();
    let trace = traces.iter().find(|trace| trace["rule"] == "IMG-CT-011").unwrap();
    assert_eq!((&trace["outcome"], &trace["level"]), (&"failed".into(), &"series".into()));
    let missing = serde_json::json!({ "name": "series.missing_slices", "value": "1" });
    assert!(trace["saw"].as_array().unwrap().contains(&missing), "{trace}");

    let page = folder.path().join("page.html");
    gate.run(&["check", data, "--report", page.to_str().unwrap()]);
    let rows = rows(&std::fs::read_to_string(page).unwrap());
    let of = |class: &'static str| rows.iter().filter(move |row| row.attributes.contains(class));
    let on_study = of("\"on-study\"").find(|row| row.cells[0] == "IMG-CT-011").unwrap();
    assert_eq!(on_study.cells[4], series.as_str());
    let fared = of("\"rule-on-study\"").find(|row| row.cells[0] == "IMG-CT-011").unwrap();
    assert!(
        fared.cells[2].starts_with("不符合") && fared.cells[2].ends_with("failed"),
        "{fared:?}"
    );
    assert!(fared.cells[4].contains("series.missing_slices = 1"), "{fared:?}");
    let not = of("\"rule-on-study\"").find(|row| row.cells[0] == "IMG-MR-018").unwrap();
    assert!(not.cells[2].contains("its condition is not met"), "{not:?}");
}

#[test]
fn two_packs_are_compared_by_what_becomes_of_studies() {
    use markgate::dicom::tags;
    let folder = TempDir::new().unwrap();
    let data = folder.path().join("data");
    std::fs::create_dir(&data).unwrap();
    let other = chest(1, 2, 1.0).text(tags::ACCESSION_NUMBER, "OTHER");
    put(&data, &[("1.dcm", chest(1, 1, 1.0)), ("2.dcm", other), ("3.dcm", chest(2, 1, 1.0))]);
    let new = folder.path().join("new.toml");
    let text = std::fs::read_to_string(example()).unwrap();
    let (before, after) = text.split_once("[parameters.site_accessions_max]\nvalue = 1").unwrap();
    let text = format!("{before}[parameters.site_accessions_max]\nvalue = 2{after}");
    std::fs::write(&new, text).unwrap();
    let old = example();
    let [old, new, data] = [&old, &new, &data].map(|path| path.to_str().unwrap());
    let told = json(&markgate(&["rules", "diff", old, new, "--data", data, "--json"]));
    assert_eq!((&told["files"], &told["studies"]), (&3.into(), &2.into()));
    assert_eq!(told["changed"], serde_json::json!([]));
    let want = serde_json::json!([{
        "study_instance_uid": chest(1, 1, 1.0).study_instance().as_str(),
        "old": { "severity": "block", "mark_withheld": true },
        "new": { "severity": null, "mark_withheld": false },
        "rules": [{ "rule": "SITE-006", "old": "block", "new": null }],
    }]);
    assert_eq!(told["changed_studies"], want);
    let (_, text) = said(&markgate(&["rules", "diff", old, new, "--data", data, "--lang", "zh"]));
    assert!(text.contains("判定有变化的检查 1 个\n"), "{text}");
}

#[test]
fn two_packs_are_compared_by_what_becomes_of_files() {
    let folder = TempDir::new().unwrap();
    use markgate::dicom::tags;
    let ct = |mm| {
        small(Kind::Ct, 1).text(tags::BODY_PART_EXAMINED, "CHEST").text(tags::SLICE_THICKNESS, mm)
    };
    let data = folder.path().join("data");
    std::fs::create_dir(&data).unwrap();
    put(&data, &[("thin.dcm", ct("1")), ("thick.dcm", ct("5"))]);
    let new = folder.path().join("new.toml");
    let text = std::fs::read_to_string(example()).unwrap();
    let (before, after) = text.split_once("severity = \"warn\"").unwrap();
    std::fs::write(&new, format!("{before}severity = \"block\"{after}")).unwrap();
    let old = example();
    let [old, new, data] = [&old, &new, &data].map(|path| path.to_str().unwrap());
    let told = json(&markgate(&["rules", "diff", old, new, "--data", data, "--json"]));
    assert_eq!(told["files"], 2);
    let want = serde_json::json!([{
        "file": format!("{data}/thick.dcm"),
        "old": { "severity": "warn", "mark_withheld": false },
        "new": { "severity": "block", "mark_withheld": true },
        "rules": [{ "rule": "SITE-002", "old": "warn", "new": "block" }],
    }]);
    assert_eq!(told["changed"], want);
    let want = serde_json::json!([{ "rule": "SITE-002", "new": 0, "gone": 0, "regraded": 1, "decisions": 1 }]);
    assert_eq!(told["rules"], want);
    let (exit, text) =
        said(&markgate(&["rules", "diff", old, new, "--data", data, "--lang", "zh"]));
    assert_eq!(exit, Some(0));
    assert!(text.contains("thick.dcm: 警告 -> 不加标识，不予标识"), "{text}");
    assert_eq!(
        markgate(&["rules", "diff", old, "absent.toml", "--data", data]).status.code(),
        Some(2)
    );
}

#[test]
fn the_format_of_packs_is_printed_for_editors() {
    let schema = json(&markgate(&["rules", "schema"]));
    assert_eq!(schema["$schema"], "https://json-schema.org/draft/2020-12/schema");
    let severities = &schema["$defs"]["rule"]["properties"]["severity"]["enum"];
    assert_eq!(
        *severities,
        serde_json::json!(["info", "warn", "block", "quarantine", "self_check"])
    );
}

#[test]
fn the_manual_is_printed_in_both_languages() {
    for (lang, file) in [("en", "docs/rules.md"), ("zh", "docs/rules.zh-CN.md")] {
        let (exit, manual) = said(&markgate(&["rules", "doc", "--lang", lang]));
        let written =
            std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(file)).unwrap();
        assert_eq!(exit, Some(0));
        assert!(manual == written, "{file} is not fresh: run `make docs`");
    }
}

#[test]
fn tables_are_in_the_language_that_was_asked_for() {
    let (gate, folder) = (laid(), TempDir::new().unwrap());
    put(folder.path(), &[("a.dcm", small(Kind::Mg, 1))]);
    let file = folder.path().join("a.dcm");
    let file = file.to_str().unwrap();
    let zh = gate.done(&["explain", "--lang", "zh", file]);
    assert!(zh.contains("规则 SITE-002 不适用（仅适用于 CT）"), "{zh}");
    let en = gate.done(&["explain", "--lang", "en", file]);
    assert!(en.contains("rule SITE-002 does not apply (it is for CT)"), "{en}");
    let told = gate.json(&["explain", file]);
    let traces = told[0]["rules"].as_array().unwrap();
    let trace = traces.iter().find(|trace| trace["rule"] == "SITE-002").unwrap();
    assert_eq!(
        (&trace["level"], &trace["applies"]),
        (&"instance".into(), &serde_json::json!(["CT"]))
    );
    let environment = |lang: &str| {
        let mut command = Command::new(PROGRAM);
        command.args(["check", file, "--config"]).arg(gate.configuration());
        command.env_remove("LC_ALL").env_remove("LC_MESSAGES").env("LANG", lang);
        said(&process::run(command)).1
    };
    assert!(environment("zh_CN.UTF-8").contains("检查日期"));
    assert!(environment("C").contains("exam date"));
}

/// A row of a table: its attributes, and the text of each cell.
#[derive(Debug)]
struct Row {
    attributes: String,
    cells: Vec<String>,
}

/// The rows of a page, which must be whole: every element is closed in its turn.
#[track_caller]
fn rows(page: &str) -> Vec<Row> {
    let (mut open, mut rows): (Vec<String>, Vec<Row>) = (Vec::new(), Vec::new());
    let mut rest = page;
    while let Some((text, behind)) = rest.split_once('<') {
        let text = text.replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", "\"");
        let text = text.replace("&#39;", "'").replace("&amp;", "&");
        let in_cell = open.iter().any(|name| name == "td" || name == "th");
        if let Some(cell) = rows.last_mut().and_then(|row| row.cells.last_mut()).filter(|_| in_cell)
        {
            cell.push_str(&text);
        }
        let (tag, after) = behind.split_once('>').unwrap();
        rest = after;
        let name = tag.split_whitespace().next().unwrap();
        if let Some(closed) = name.strip_prefix('/') {
            assert_eq!(open.pop().as_deref(), Some(closed), "{tag}");
            continue;
        }
        match name {
            "!DOCTYPE" | "!--" | "meta" | "br" => continue,
            "tr" => rows.push(Row { attributes: tag.to_owned(), cells: Vec::new() }),
            "td" | "th" => rows.last_mut().unwrap().cells.push(String::new()),
            _ => {}
        }
        open.push(name.to_owned());
    }
    assert_eq!(open, [""; 0], "elements that are not closed");
    rows
}

#[test]
fn a_page_about_studies_tells_what_check_tells_and_shows_text_as_text() {
    use markgate::dicom::tags;
    const HOSTILE: &str = "<b>\"'&<i>";
    let (gate, folder) = (laid(), TempDir::new().unwrap());
    let ct = |instance| small(Kind::Ct, 1).instance(instance);
    put(
        folder.path(),
        &[
            ("1.dcm", ct(1).text(tags::STATION_NAME, HOSTILE)),
            ("2.dcm", ct(2).text(tags::STATION_NAME, HOSTILE)),
            ("3.dcm", ct(3).without(tags::PATIENT_ID)),
            ("4.dcm", small(Kind::Mg, 2)),
        ],
    );
    std::fs::write(folder.path().join("<cut>.dcm"), &ct(4).part10()[..150]).unwrap();
    let page = folder.path().join("page.html");
    let words =
        ["check", folder.path().to_str().unwrap(), "--json", "--report", page.to_str().unwrap()];
    let output = gate.run(&words);
    assert_eq!(output.status.code(), Some(1), "a file is cut");
    let told = json(&output);
    let page = std::fs::read_to_string(page).unwrap();
    for loaded in ["<script", "href=", "src=", "url(", "@import", "http:", "https:"] {
        assert!(!page.contains(loaded), "{loaded}");
    }
    assert!(!page.contains(HOSTILE) && !page.contains("<cut>"));
    assert!(page.contains("&lt;b&gt;&quot;&#39;&amp;&lt;i&gt;"));
    let rows = rows(&page);

    // The two tables of counts together are what `check` found.
    let mut found: BTreeMap<(String, String), usize> = BTreeMap::new();
    let mut findings = 0;
    for finding in told
        .as_array()
        .unwrap()
        .iter()
        .flat_map(|file| file["findings"].as_array().into_iter().flatten())
    {
        let word = |key: &str| finding[key].as_str().unwrap().to_owned();
        *found.entry((word("severity"), word("principle"))).or_default() += 1;
        findings += 1;
    }
    assert!(findings > 3);
    let principles =
        ["accuracy", "completeness", "standardization", "timeliness", "readability", "consistency"];
    let mut counted: BTreeMap<(String, String), usize> = BTreeMap::new();
    for row in &rows {
        let Some((_, word)) = row.attributes.split_once("data-severity=\"") else { continue };
        let numbers: Vec<usize> =
            row.cells.iter().skip(1).map(|cell| cell.parse().unwrap()).collect();
        assert_eq!(numbers.len(), 7);
        assert_eq!(numbers[..6].iter().sum::<usize>(), numbers[6]);
        for (principle, number) in principles.iter().zip(&numbers) {
            let key = (word.trim_end_matches('"').to_owned(), (*principle).to_owned());
            *counted.entry(key).or_default() += number;
        }
    }
    counted.retain(|_, number| *number > 0);
    assert_eq!(counted, found);

    let of = |class: &'static str| rows.iter().filter(move |row| row.attributes.contains(class));
    let shown: usize =
        of("\"finding\"").map(|row| row.cells.last().unwrap().parse::<usize>().unwrap()).sum();
    assert_eq!(shown + of("\"on-study\"").count(), findings);
    let hostile = of("\"finding\"").find(|row| row.cells[0] == "SITE-001").unwrap();
    assert_eq!((hostile.cells[5].as_str(), hostile.cells[7].as_str()), (HOSTILE, "2"));
    assert!(hostile.cells[6].contains(&format!("机房名 (0008,1010) 为 {HOSTILE}")), "{hostile:?}");
    assert!(hostile.cells[6].contains(&format!("Station Name (0008,1010) is {HOSTILE}")));
    assert_eq!(of("\"unread\"").count(), 1);
    assert!(
        of("\"left-out\"")
            .any(|row| row.cells[0].contains("仅适用于 CT") && row.cells[1].contains("SITE-002"))
    );
    assert_eq!(page.matches("<section>").count(), 3, "two studies, and what could not be read");
    // A page tells of a patient no more than `check` does.
    assert!(!page.contains("PatientName"), "no finding is about the name");
}
