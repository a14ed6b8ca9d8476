use super::*;

/// The faults of a registry, as they are printed.
#[track_caller]
fn check(rows: Rows, want: &[&str]) {
    let faults = Registry::build(rows, &Declarations::object(), "-").expect_err("faults");
    let printed: Vec<String> = faults.iter().map(ToString::to_string).collect();
    assert_eq!(printed, want);
}

fn other_institution(name: &str) -> InstitutionRow {
    InstitutionRow { id: "other".to_owned(), name: name.to_owned(), ..InstitutionRow::default() }
}

#[test]
fn rows_without_fault_make_a_registry() {
    let registry = build(rows());
    let codes: Vec<&str> = registry.scope_codes().iter().map(ScopeCode::as_str).collect();
    assert_eq!(codes, ["JJJHR", "BJHR"]);
    assert_eq!(registry.institutions().len(), 1);
    assert_eq!(registry.items().len(), 3);
    let labels: Vec<String> = registry.accreditations().iter().map(Accreditation::label).collect();
    assert_eq!(labels, ["bfh/JJJHR/2026-04-01", "bfh/BJHR/2026-04-01"]);
}

#[test]
fn every_reference_must_lead_somewhere() {
    let mut rows = rows();
    rows.items[1].scopes.push("SDHR".to_owned());
    rows.accreditations[0].institution = "pumch".to_owned();
    rows.accreditations[0].items.push("MR".to_owned());
    rows.accreditations[1].scope = "SDHR".to_owned();
    check(
        rows,
        &[
            "item 2: scopes: there is no scope \"SDHR\"",
            "accreditation 1: institution: there is no institution \"pumch\"",
            "accreditation 1: items: there is no item \"MR\"",
            "accreditation 2: scope: there is no scope \"SDHR\"",
        ],
    );
}

#[test]
fn ids_codes_and_ranks_are_unique() {
    let mut rows = rows();
    let again = rows.institutions[0].clone();
    rows.institutions.push(again);
    let again = rows.items[0].clone();
    rows.items.push(again);
    rows.items.push(item("*", "dcm.Modality == 'MR'", &["BJHR"]));
    let scope = |code: &str, rank| ScopeRow { code: code.to_owned(), rank, valid_from: None };
    rows.scopes = vec![scope("SDHR", 40), scope("SDHR", 41), scope("BJHR", 42), scope("TJHR", 30)];
    check(
        rows,
        &[
            "scope 2: code: \"SDHR\" is taken already",
            "scope 3: code: \"BJHR\" is taken already",
            "scope 4: rank: \"30\" is taken already",
            "institution 2: id: \"bfh\" is taken already",
            "item 4: code: \"CT\" is taken already",
            "item 5: code: \"*\" is taken already",
        ],
    );
}

#[test]
fn nothing_may_be_empty_or_malformed() {
    let mut rows = rows();
    rows.scopes = vec![ScopeRow { code: "京津冀鲁".to_owned(), rank: 40, valid_from: None }];
    rows.institutions.push(InstitutionRow {
        id: " ".to_owned(),
        name: String::new(),
        short_name: Some("A\\B".to_owned()),
        latin_name: Some("Café".to_owned()),
        aliases: vec![Alias::always(&"院".repeat(65))],
    });
    rows.items[0].scopes.clear();
    rows.items[1].when = "Modality ~ CT".to_owned();
    rows.accreditations[0].items.clear();
    let faults = Registry::build(rows, &Declarations::object(), "-").expect_err("faults");
    let found: Vec<String> = faults
        .iter()
        .map(|fault| match &fault.problem {
            Problem::Condition(_) => format!("{}: condition", fault.cell),
            problem => format!("{}: {problem}", fault.cell),
        })
        .collect();
    assert_eq!(
        found,
        [
            "scope 1: code: \"京津冀鲁\" is no mark: two to eight capital letters, then HR",
            "institution 2: id: must not be empty",
            "institution 2: name: must not be empty",
            "institution 2: short_name: a name has neither backslashes nor control characters",
            "institution 2: aliases: 65 characters, at most 64 fit an institution's name",
            "institution 2: latin_name: a Latin name has only letters, digits and signs of ASCII",
            "item 1: scopes: must not be empty",
            "item 2: when: condition",
            "accreditation 1: items: must not be empty",
        ]
    );
}

#[test]
fn an_item_with_a_faulty_condition_is_still_known_to_other_rows() {
    let mut rows = rows();
    rows.items[0].when = "?".to_owned();
    let faults = Registry::build(rows, &Declarations::object(), "-").expect_err("faults");
    let cells: Vec<String> = faults.iter().map(|fault| fault.cell.to_string()).collect();
    assert_eq!(cells, ["item 1: when"]);
}

#[test]
fn an_interval_does_not_end_before_it_begins() {
    let mut rows = rows();
    rows.accreditations[1].valid_to = Some(date(2026, 3, 31));
    rows.institutions[0].aliases.push(Alias {
        name: "旧名".to_owned(),
        valid_from: Some(date(2020, 1, 2)),
        valid_to: Some(date(2020, 1, 1)),
    });
    check(
        rows,
        &[
            "institution 1: aliases: ends on 2020-01-01, before it begins on 2020-01-02",
            "accreditation 2: valid_to: ends on 2026-03-31, before it begins on 2026-04-01",
        ],
    );
}

#[test]
fn two_institutions_never_share_a_name_on_the_same_day() {
    let mut shared = rows();
    shared.institutions.push(other_institution("BEIJING FRIENDSHIP HOSPITAL"));
    let want = "institution 2: aliases: \"beijing friendship hospital\" is also a name of institution \"bfh\"";
    check(shared, &[want]);

    let mut succession = rows();
    let until = |day| Alias { name: "老院".to_owned(), valid_from: None, valid_to: Some(day) };
    let since = |day| Alias { name: "老院".to_owned(), valid_from: Some(day), valid_to: None };
    succession.institutions[0].aliases.push(until(date(2025, 12, 31)));
    succession.institutions.push(other_institution("新院"));
    succession.institutions[1].aliases.push(since(date(2026, 1, 1)));
    build(succession.clone());
    succession.institutions[1].aliases.push(since(date(2025, 12, 31)));
    check(succession, &["institution 2: aliases: \"老院\" is also a name of institution \"bfh\""]);
}

#[test]
fn a_name_that_does_not_fit_with_its_mark_is_a_warning() {
    let mut rows = rows();
    rows.institutions[0].name = "院".repeat(59);
    let (_, warnings) =
        Registry::build(rows.clone(), &Declarations::object(), "-").expect("a registry");
    let cell = Cell { table: Table::Institution, row: 0, key: "name" };
    assert_eq!(warnings, [RegistryWarning::NeedsShortName { cell, characters: 65 }]);

    rows.institutions[0].short_name = Some("友谊医院".to_owned());
    let (_, warnings) = Registry::build(rows, &Declarations::object(), "-").expect("a registry");
    assert_eq!(warnings, []);
}
