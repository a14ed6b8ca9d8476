//! Whole files in, whole configurations or lists of mistakes out.

use std::path::{Path, PathBuf};
use std::time::Duration;

use jiff::civil::date;

use super::*;
use crate::commitment::Counts;
use crate::dicom::ae_title::{AeTitle, CallAs};
use crate::recognition::{
    AccreditationRow, AccreditationStatus, Alias, InstitutionRow, ItemCode, ScopeCode,
};
use crate::stamp::{StampMode, StampRow};
use crate::standard::Severity;

/// The least that a configuration needs.
pub(super) const LEAST: &str =
    "[[destination]]\nname = \"pacs\"\naet = \"PACS\"\nhost = \"10.0.0.5\"\nport = 104\n";

pub(super) fn read(text: &str) -> Result<Loaded, Mistakes> {
    parse(text, Path::new("gate.toml"), Path::new("/etc/markgate"))
}

#[track_caller]
pub(super) fn check_mistakes(text: &str, want: &[&str]) {
    let found = read(text).expect_err("mistakes");
    let found: Vec<String> = found.as_slice().iter().map(ToString::to_string).collect();
    assert_eq!(found, want);
}

#[track_caller]
pub(super) fn check_mistake(rows: &str, want: &str) {
    check_mistakes(&format!("{LEAST}{rows}"), &[want]);
}

#[test]
fn a_destination_is_all_that_is_needed() {
    let loaded = read(LEAST).expect("a configuration");
    let pacs = Destination {
        name: "pacs".to_owned(),
        target: Target::Peer {
            aet: AeTitle::parse("PACS").expect("a title"),
            host: "10.0.0.5".to_owned(),
            port: 104,
            call_as: CallAs::fixed(AeTitle::parse("MARKGATE").expect("a title")),
            tls: None,
        },
        commitment: Counts::Offered,
        verify: false,
    };
    let spool = Spool { dir: "/etc/markgate/spool".into(), ..Spool::default() };
    let want = Configuration { spool, destinations: vec![pacs], ..Configuration::default() };
    assert_eq!((loaded.configuration, loaded.warnings), (want, Vec::new()));
}

#[test]
fn ballast_and_scrub_may_be_switched_off() {
    let spool =
        |rows: &str| read(&format!("{LEAST}[spool]\n{rows}")).map(|it| it.configuration.spool);
    let off = spool("ballast = \"0\"\nscrub = \"off\"\n").expect("a configuration");
    assert_eq!((off.ballast, off.scrub), (0, None));
    let often = spool("scrub = \"12h\"\n").expect("a configuration");
    assert_eq!((often.ballast, often.scrub), (64 << 20, Some(Duration::from_secs(12 * 3_600))));
    for found in ["never", "0s"] {
        let mistakes = spool(&format!("scrub = \"{found}\"\n")).expect_err("a mistake");
        let told = mistakes.as_slice().first().expect("one").to_string();
        let want = format!("spool.scrub: \"{found}\"; give a duration such as \"7d\", or \"off\"");
        assert!(told.ends_with(&want), "{told}");
    }
}

#[test]
fn every_mistake_is_told_at_once_with_its_line() {
    check_mistakes(
        r#"[gate]
aet = "MORE THAN SIXTEEN CHARACTERS"
lisen = "127.0.0.1:11112"
unparsable = "holt"
[spool]
reserve = "2 parsecs"
retention = 72
[[destination]]
name = "pacs"
aet = "PACS"
port = 70000
[[destination]]
name = "pacs"
folder = "received"
host = "pacs"
[[route]]
to = ["pacs", "archiv"]
[database]
"#,
        &[
            "gate.toml:2: gate.aet: \"MORE THAN SIXTEEN CHARACTERS\"; give an AE title: 1 to 16 ASCII characters, no backslash",
            "gate.toml:3: gate.lisen: unknown key; did you mean \"listen\"? keys: aet, listen, tls, unparsable, coerced_status, timers",
            "gate.toml:4: gate.unparsable: \"holt\"; did you mean \"hold\"? allowed: hold, forward, refuse",
            "gate.toml:6: spool.reserve: \"2 parsecs\"; give a size such as \"2GiB\"",
            "gate.toml:7: spool.retention: 72; give a duration such as \"30s\" or \"72h\"",
            "gate.toml:8: destination.host: missing; give a host name or address (or, for a folder, `folder` alone)",
            "gate.toml:11: destination.port: 70000; give a whole number from 1 to 65535",
            "gate.toml:13: destination.name: \"pacs\" a second time; give each row its own",
            "gate.toml:15: destination.host: stands beside `folder`; keep one of them: this, or `folder`",
            "gate.toml:17: route.to: \"archiv\", which is no destination; there are: pacs",
            "gate.toml:18: database: unknown key; keys: gate, limits, codec, spool, audit, console, destination, registry, scope, institution, item, accreditation, operator, source, route, mark, …",
        ],
    );
}

#[test]
fn an_empty_file_lacks_a_destination() {
    check_mistakes(
        "",
        &[
            "gate.toml: destination: missing; give at least one [[destination]], with name, aet, host and port",
        ],
    );
}

#[test]
fn broken_syntax_is_told_beside_other_mistakes() {
    let found = read("[gate\naet = \"A\"\n[spool]\nreserve = 5\n").expect_err("mistakes");
    let lines: Vec<_> = found.as_slice().iter().map(|mistake| mistake.line).collect();
    assert_eq!(lines, [Some(1), Some(4)], "{found}");
}

#[test]
fn codec_workers_get_what_they_can_work_with() {
    #[track_caller]
    fn check(line: &str, want: &str) {
        check_mistake(&format!("[codec]\n{line}\n"), want);
    }
    check("workers = 0", "gate.toml:7: codec.workers: 0; give a whole number from 1 to 256");
    check(
        "deadline = \"999ms\"",
        "gate.toml:7: codec.deadline: \"999ms\"; give a duration from \"1s\" to \"10m\"",
    );
    check(
        "memory = \"63MiB\"",
        "gate.toml:7: codec.memory: \"63MiB\"; give a size of at least \"64MiB\"",
    );
    check(
        "seccomp = \"option\"",
        "gate.toml:7: codec.seccomp: \"option\"; did you mean \"optional\"? allowed: required, optional",
    );
}

#[test]
fn words_of_a_later_version_are_refused_with_what_there_is() {
    check_mistake(
        "[console]\nlisten = \"0.0.0.0:8080\"\n",
        "gate.toml:7: console.listen: 0.0.0.0:8080 is open to others, and users who log in are, not in this version; listen on loopback, such as \"127.0.0.1:8080\"; users come later",
    );
}

#[test]
fn every_stamp_mode_is_taken_as_it_is_written() {
    let modes: Vec<String> = StampMode::WORDS.iter().map(|(word, _)| format!("{word:?}")).collect();
    let text = format!("{LEAST}[[stamp]]\nmodes = [{}]\n", modes.join(", "));
    let loaded = read(&text).expect("a configuration");
    assert_eq!(loaded.warnings, []);
    let modes = StampMode::WORDS.map(|(_, mode)| mode).to_vec();
    assert_eq!(loaded.configuration.stamps, [StampRow { when: None, modes }]);
}

#[test]
fn registry_rows_come_from_the_file_and_from_csv() {
    let folder = tempfile::tempdir().expect("a folder");
    let write = |name: &str, text: &str| {
        std::fs::write(folder.path().join(name), text).expect("a file written");
    };
    write(
        "institutions.csv",
        "\u{feff}name,id,aliases\n首都医科大学附属北京友谊医院,bfh,北京友谊医院|Beijing Friendship Hospital\n",
    );
    write(
        "accreditations.csv",
        "institution,items,scope,valid_from,valid_to,status\n# the list of 2026\nbfh,CT-CHEST;CT-HEAD,JJJHR,2026/4/1,,\nbfh,*,BJHR,2026-04-01,2027-03-31,suspended\n",
    );
    let text = format!(
        r#"{LEAST}
[registry]
institutions = "institutions.csv"
accreditations = "accreditations.csv"
[[item]]
code = "CT-CHEST"
name = "胸部CT"
when = "dcm.Modality == 'CT'"
scopes = ["BJHR", "JJJHR"]
[[item]]
code = "CT-HEAD"
name = "颅脑CT"
when = "dcm.Modality == 'CT'"
scopes = ["BJHR"]
"#
    );
    let loaded = parse(&text, Path::new("gate.toml"), folder.path()).expect("a configuration");
    let aliases = ["北京友谊医院", "Beijing Friendship Hospital"].map(str::to_owned).to_vec();
    let aliases = aliases.iter().map(|name| Alias::always(name)).collect();
    let hospital = InstitutionRow {
        id: "bfh".to_owned(),
        name: "首都医科大学附属北京友谊医院".to_owned(),
        short_name: None,
        latin_name: None,
        aliases,
    };
    assert_eq!(loaded.configuration.registry.institutions, [hospital]);
    let row = |items: &[&str], scope: &str, valid_to, status| AccreditationRow {
        institution: "bfh".to_owned(),
        items: items.iter().map(|item| (*item).to_owned()).collect(),
        scope: scope.to_owned(),
        valid_from: date(2026, 4, 1),
        valid_to,
        status,
    };
    let last = Some(date(2027, 3, 31));
    assert_eq!(
        loaded.configuration.registry.accreditations,
        [
            row(&["CT-CHEST", "CT-HEAD"], "JJJHR", None, AccreditationStatus::Active),
            row(&["*"], "BJHR", last, AccreditationStatus::Suspended),
        ]
    );
}

#[test]
fn mistakes_in_csv_bear_the_line_of_the_csv_file() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("a.csv");
    std::fs::write(
        &file,
        "institution,items,scope,valid_from,validto\nbfh,*,JJJHR,soon,\nbfh,*,BJR,2026-04-01,,extra\n",
    )
    .expect("a file written");
    let text = format!(
        "{LEAST}[registry]\naccreditations = \"a.csv\"\n[[institution]]\nid = \"bfh\"\nname = \"北京友谊医院\"\n"
    );
    let found = parse(&text, Path::new("gate.toml"), folder.path()).expect_err("mistakes");
    let found: Vec<_> = found
        .as_slice()
        .iter()
        .map(|mistake| {
            assert_eq!(mistake.file, file);
            (mistake.line, mistake.key.as_str(), mistake.fault.found())
        })
        .collect();
    assert_eq!(
        found,
        [
            (Some(1), "accreditation.validto", "unknown key".to_owned()),
            (Some(2), "accreditation.valid_from", "\"soon\"".to_owned()),
            (Some(3), "", "6 cells".to_owned()),
            (Some(3), "accreditation.scope", "\"BJR\", which is no scope".to_owned()),
        ]
    );
}

#[test]
fn a_csv_file_in_gbk_is_told_to_be_saved_as_utf_8() {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join("i.csv"), b"id,name\nbfh,\xD3\xD1\xD2\xEA\n")
        .expect("a file written");
    let text = format!("{LEAST}[registry]\ninstitutions = \"i.csv\"\nitems = \"none.csv\"\n");
    let found = parse(&text, Path::new("gate.toml"), folder.path()).expect_err("mistakes");
    let faults: Vec<_> = found.as_slice().iter().map(|mistake| &mistake.fault).collect();
    assert!(matches!(faults.as_slice(), [Fault::NotUtf8, Fault::Unreadable { .. }]), "{found}");
}

#[test]
fn a_file_that_is_not_there_is_a_mistake_without_a_line() {
    let found = load(Path::new("/nowhere/markgate.toml")).expect_err("mistakes");
    let [mistake] = found.as_slice() else { panic!("one mistake, not {found}") };
    assert_eq!(mistake.line, None);
    assert!(matches!(mistake.fault, Fault::Unreadable { .. }));
}

/// A registry that is right but for what a test adds.
const REGISTRY: &str = r#"[[institution]]
id = "bfh"
name = "首都医科大学附属北京友谊医院"
aliases = ["北京友谊医院", { name = "北京第一医院", valid_to = 2020-12-31 }]
[[item]]
code = "CT-CHEST"
name = "胸部CT"
when = "dcm.Modality == 'CT'"
scopes = ["JJJHR"]
[[accreditation]]
institution = "bfh"
items = ["*"]
scope = "JJJHR"
valid_from = 2026-04-01
"#;

#[test]
fn rows_are_put_together() {
    let text = format!("{LEAST}{REGISTRY}[[route]]\nto = [\"pacs\"]\nwhen = \"peer == '::1'\"\n");
    let loaded = read(&text).expect("a configuration");
    let registry = &loaded.compiled.registry;
    let codes: Vec<&ItemCode> = registry.items().iter().map(|item| &item.code).collect();
    assert_eq!(codes, [&ItemCode::new("CT-CHEST")]);
    assert_eq!(registry.scope_codes(), ["JJJHR", "BJHR"].map(ScopeCode::new));
    let former = Alias {
        name: "北京第一医院".to_owned(),
        valid_from: None,
        valid_to: Some(date(2020, 12, 31)),
    };
    let aliases = &loaded.configuration.registry.institutions[0].aliases;
    assert_eq!(*aliases, [Alias::always("北京友谊医院"), former]);
    assert_eq!(show(&loaded.configuration).matches("valid_to = 2020-12-31 }").count(), 1);
}

#[test]
fn what_rows_refer_to_must_be_there() {
    check_mistakes(
        &format!(
            r#"{LEAST}{REGISTRY}[[accreditation]]
institution = "bhf"
items = ["CT-CHST"]
scope = "JJHR"
valid_from = 2026-04-01
valid_to = 2026-03-31
[[source]]
aet = "CT01"
institution = "other"
charset = "BIG5"
[[route]]
to = ["archive"]
"#
        ),
        &[
            "gate.toml:21: accreditation.institution: \"bhf\", which is no institution; did you mean \"bfh\"? there are: bfh",
            "gate.toml:22: accreditation.items: \"CT-CHST\", which is no item; did you mean \"CT-CHEST\"? there are: CT-CHEST",
            "gate.toml:23: accreditation.scope: \"JJHR\", which is no scope; did you mean \"JJJHR\"? there are: JJJHR, BJHR",
            "gate.toml:25: accreditation.valid_to: 2026-03-31; give a day not before 2026-04-01",
            "gate.toml:28: source.institution: \"other\", which is no institution; there are: bfh",
            "gate.toml:29: source.charset: \"BIG5\"; give a Defined Term of (0008,0005) such as \"GB18030\", or \"GBK\"",
            "gate.toml:31: route.to: \"archive\", which is no destination; there are: pacs",
        ],
    );
}

#[test]
fn a_row_that_cannot_be_read_makes_no_other_row_wrong() {
    let text =
        format!("{LEAST}{}", REGISTRY.replace("name = \"首都医科大学附属北京友谊医院\"\n", ""));
    check_mistakes(&text, &["gate.toml:6: institution.name: missing; give the institution's name"]);
}

#[test]
fn conditions_are_compiled_and_their_faults_placed() {
    let text = format!(
        "{LEAST}[[route]]\nto = [\"pacs\"]\nwhen = \"dcm.Modalty == 'CT'\"\n[[stamp]]\nwhen = \"\"\nmodes = [\"tag\"]\n"
    );
    let found = read(&text).expect_err("mistakes");
    let [route, stamp] = found.as_slice() else { panic!("two mistakes, not {found}") };
    assert_eq!((route.line, route.key.as_str()), (Some(8), "route.when"));
    let Fault::Condition { found, line: 1, column: 1, problem } = &route.fault else {
        panic!("a condition: {route}")
    };
    assert_eq!(found, "dcm.Modalty == 'CT'");
    assert!(problem.contains("`Modalty`") && problem.contains("Modality"), "{problem}");
    assert_eq!((stamp.line, stamp.key.as_str()), (Some(10), "stamp.when"));
}

#[test]
fn a_name_that_leaves_no_room_for_the_mark_is_a_warning() {
    let name = "友".repeat(60);
    let text = format!("{LEAST}[[institution]]\nid = \"bfh\"\nname = \"{name}\"\n");
    let loaded = read(&text).expect("a configuration");
    let warnings: Vec<String> = loaded.warnings.iter().map(ToString::to_string).collect();
    assert_eq!(
        warnings,
        [
            "gate.toml:8: institution.name: with its mark 66 characters, at most 64 fit; give a short_name; without one its images get no mark (NAME_TOO_LONG)"
        ]
    );
}

#[test]
fn nothing_configured_is_the_default() {
    let loaded = unconfigured().expect("no mistakes");
    assert_eq!(loaded.configuration, Configuration::default());
}

#[test]
fn a_destination_that_is_the_gate_itself_is_a_mistake() {
    let own = |listen: &str, host: &str| {
        let destination = LEAST.replace("10.0.0.5", host).replace("104", "11112");
        let found = read(&format!("[gate]\nlisten = \"{listen}\"\n{destination}"));
        found.err().map(|found| found.to_string()).unwrap_or_default()
    };
    for (listen, host) in [
        ("127.0.0.1:11112", "localhost"),
        ("127.0.0.1:11112", "127.0.0.1"),
        ("0.0.0.0:11112", "127.0.0.1"),
        ("[::]:11112", "::1"),
        ("10.0.0.1:11112", "10.0.0.1"),
    ] {
        assert!(own(listen, host).contains("where this gate listens"), "{listen} {host}");
    }
    assert_eq!(own("127.0.0.1:11113", "127.0.0.1"), "");
    assert_eq!(own("10.0.0.1:11112", "10.0.0.2"), "");
}

#[test]
fn a_folder_in_the_spool_is_a_mistake() {
    check_mistake(
        "[[destination]]\nname = \"archive\"\nfolder = \"spool/out\"\n",
        "gate.toml:8: destination.folder: \"/etc/markgate/spool/out\", in the spool; give a folder outside of [spool] dir",
    );
}

#[test]
fn an_open_gate_without_a_source_is_a_warning() {
    let loaded =
        read(&format!("[gate]\nlisten = \"0.0.0.0:104\"\n{LEAST}")).expect("a configuration");
    let warnings: Vec<String> = loaded.warnings.iter().map(ToString::to_string).collect();
    assert_eq!(
        warnings,
        [
            "gate.toml:2: gate.listen: 0.0.0.0:104 is open to others, and no [[source]] is listed; give a [[source]] for each modality; until then only callers from this machine are taken"
        ]
    );
}

/// The first rule of the built-in pack, and a pack of one own rule.
const PACKS: &str = r#"[rules]
packs = ["db11t2505-2025", "own.toml"]
[rules.override."OWN-1"]
severity = "block"
[rules.override."OWN-2"]
off = true
[rules.parameters]
thin = 2
thick = 3.0
"#;

const OWN: &str = r#"format = 1
id = "own"
version = "1"
title.zh = "本院"
title.en = "Our own"
[parameters]
thin = 1.25
[[rule]]
id = "OWN-1"
principle = "completeness"
authority = "judgement"
source = "us"
severity = "warn"
require = "dcm.SliceThickness <= param.thin"
zh = "层厚过大"
en = "too thick"
"#;

#[test]
fn packs_are_put_together_with_the_site_s_changes() {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join("own.toml"), OWN).expect("a file written");
    let text = format!("{LEAST}{PACKS}");
    let loaded = parse(&text, Path::new("gate.toml"), folder.path()).expect("a configuration");
    let own = loaded.compiled.rules.site().rules().iter().find(|rule| rule.id == "OWN-1");
    let severities: Vec<_> = own.expect("the rule").checks.iter().map(|c| c.severity).collect();
    assert_eq!(severities, [Severity::Block]);
    let warnings: Vec<String> = loaded.warnings.iter().map(ToString::to_string).collect();
    let [rule, parameter] = warnings.as_slice() else { panic!("two warnings: {warnings:?}") };
    let start = "gate.toml:10: rules.override.\"OWN-2\": \"OWN-2\", which is no rule of any pack; did you mean \"OWN-1\"?";
    assert!(rule.starts_with(start), "{rule}");
    let start =
        "gate.toml:14: rules.parameters.thick: \"thick\", which is no parameter of any pack;";
    assert!(parameter.starts_with(start), "{parameter}");
    assert_eq!(
        read(&show(&loaded.configuration)).expect("itself").configuration,
        loaded.configuration
    );
}

#[test]
fn mistakes_in_a_pack_bear_the_line_of_the_pack() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("own.toml");
    std::fs::write(&file, OWN.replace("dcm.SliceThickness", "dcm.SliceThicknes")).expect("written");
    let text = format!("{LEAST}{PACKS}");
    let found = parse(&text, Path::new("gate.toml"), folder.path()).expect_err("mistakes");
    let [mistake] = found.as_slice() else { panic!("one mistake, not {found}") };
    assert_eq!((&mistake.file, mistake.line, mistake.key.as_str()), (&file, Some(14), "OWN-1"));
    assert!(matches!(mistake.fault, Fault::Pack { .. }), "{mistake}");
}

#[test]
fn a_pack_that_is_not_there_and_a_parameter_of_another_kind_are_mistakes() {
    check_mistake(
        "[rules]\npacks = [\"db11t2505\"]\n",
        "gate.toml:7: rules.packs: \"db11t2505\", which is no built-in pack; there are: db11t2505-2025",
    );
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join("own.toml"), OWN).expect("a file written");
    let text = format!("{LEAST}{}", PACKS.replace("thin = 2", "thin = \"2\""));
    let found = parse(&text, Path::new("gate.toml"), folder.path()).expect_err("mistakes");
    assert_eq!(
        found.to_string(),
        "gate.toml:13: rules.parameters.thin: a value of another kind; give a number, like its default"
    );
}

/// A configuration of every kind of row, as a site would write it.
#[test]
fn a_configuration_of_every_section_is_read() {
    let loaded = read(
        r#"
[gate]
aet = ["MARKGATE", "GATE2"]
listen = "127.0.0.1:11112"
unparsable = "forward"
coerced_status = "B000"
[spool]
dir = "/var/spool/markgate"
reserve = "4GiB"
retention = "24h"
[console]
listen = "[::1]:8080"
[[destination]]
name = "pacs"
aet = "PACS"
host = "pacs.hospital.example"
port = 104
calling_aet = "keep"
[[destination]]
name = "归档"
folder = "received"
[[source]]
aet = "*"
hosts = ["10.1.0.0/16", "10.2.3.4", "fd00::/8"]
institution = "bfh"
urgent = true
charset = "GBK"
[[route]]
to = ["pacs", "归档"]
when = "calling_aet == 'CT01' && dcm.Modality == 'CT'"
ack = "spooled"
hold = "instance"
[[institution]]
id = "bfh"
name = "首都医科大学附属北京友谊医院"
short_name = "北京友谊医院"
latin_name = "Beijing Friendship Hospital"
aliases = ["北京友谊医院", "Beijing Friendship Hospital"]
[[scope]]
code = "QGHR"
rank = 50
valid_from = 2027-01-01
[[item]]
code = "CT-CHEST"
name = "胸部CT"
when = "dcm.Modality == 'CT' && dcm.BodyPartExamined in ['CHEST', 'THORAX']"
scopes = ["BJHR", "JJJHR"]
[[accreditation]]
institution = "bfh"
items = ["CT-CHEST"]
scope = "JJJHR"
valid_from = 2026-04-01
valid_to = "2027-03-31"
status = "pending"
[mark]
separator = " "
charset = "reencode"
grace_days = 30
timezone = "Z"
[burn_in]
min_height = 20
min_height_share = "1.5%"
max_area = "2.5%"
max_width = "50 %"
frames = "first"
no_corner = "next"
except = ["CT"]
for_processing = true
behind_shutter = true
uid = "derive"
burned_in_annotation = "yes"
[[stamp]]
when = "dcm.Modality in ['DX', 'CR']"
modes = ["tag"]
[rules]
packs = ["db11t2505-2025"]
[rules.override."IMG-XX-999"]
severity = "block"
[rules.parameters]
xx_limit = 3.0
"#,
    )
    .expect("a configuration");
    // Rules that this version's pack does not have are told, and do no harm.
    let keys: Vec<&str> = loaded.warnings.iter().map(|warning| warning.key.as_str()).collect();
    assert_eq!(keys, ["rules.override.\"IMG-XX-999\"", "rules.parameters.xx_limit"]);
    let shown = show(&loaded.configuration);
    assert_eq!(read(&shown).expect("itself").configuration, loaded.configuration, "{shown}");
}

#[test]
fn the_folder_of_a_file_is_absolute_however_the_file_is_named() {
    let here = std::env::current_dir().expect("a folder");
    for (file, folder) in [
        ("gate.toml", here.clone()),
        ("./gate.toml", here.clone()),
        ("config/gate.toml", here.join("config")),
        ("/etc/markgate/gate.toml", PathBuf::from("/etc/markgate")),
    ] {
        assert_eq!(folder_of(Path::new(file)), folder, "{file}");
    }
}
