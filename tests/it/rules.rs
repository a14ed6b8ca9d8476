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
    assert!(en.contains("fact.is_image: "), "{en}");
    assert_eq!(gate.run(&["rules", "show", "NO-SUCH"]).status.code(), Some(1));
}

#[test]
fn packs_are_listed_without_a_configuration() {
    let example = example();
    let pack = example.to_str().unwrap();
    let (exit, listed) = said(&markgate(&["rules", "ls", "--pack", pack]));
    assert_eq!(exit, Some(0));
    assert!(listed.starts_with("RULE "), "{listed}");
    assert_eq!(listed.lines().count(), 4, "{listed}");
    let rules = json(&markgate(&["rules", "ls", "--json", "--pack", pack]));
    assert_eq!(rules.as_array().unwrap().len(), 3);
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
        table.starts_with("7 DICOM files, 1 other files, 0 that cannot be read\nRULE "),
        "{table}"
    );
    // The same within a configuration, with the site's own severity.
    let report = laid().json(&["check", &format!("{data}/elsewhere.dcm")]);
    let findings = report[0]["findings"].as_array().unwrap();
    let site: Vec<_> = findings.iter().filter(|one| one["rule"] == "SITE-001").collect();
    assert!(matches!(site.as_slice(), [one] if one["severity"] == "warn"), "{findings:?}");
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
    assert_eq!(shown, findings);
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
