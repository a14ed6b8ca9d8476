use super::*;
use jiff::ToSpan as _;

const CT: &str = "1.2.840.10008.5.1.4.1.1.2";
const ULTRASOUND: &str = "1.2.840.10008.5.1.4.1.1.6.1";
const SECONDARY_CAPTURE: &str = "1.2.840.10008.5.1.4.1.1.7";
const NAME: &str = "北京友谊医院";

/// One case: the registry, the policy and the facts, at first those of an object that is entitled to JJJHR.
struct Case {
    rows: Rows,
    policy: MarkPolicy,
    sop_class: &'static str,
    exam_date: Option<Date>,
    today: Date,
    institution: Option<&'static str>,
    name: &'static str,
    imported: bool,
    clinical: bool,
    quality_blocked: bool,
    object: Object,
}

fn case() -> Case {
    Case {
        rows: rows(),
        policy: MarkPolicy::default(),
        sop_class: CT,
        exam_date: Some(date(2026, 5, 1)),
        today: date(2026, 5, 2),
        institution: Some("bfh"),
        name: NAME,
        imported: false,
        clinical: true,
        quality_blocked: false,
        object: Object { modality: "CT", body_part: "CHEST" },
    }
}

impl Case {
    fn decide(&self) -> Decision {
        let registry = build(self.rows.clone());
        let institution = self.institution.map(InstitutionId::new);
        let exam = Exam {
            sop_class: self.sop_class,
            exam_date: self.exam_date,
            institution: institution.as_ref(),
            institution_name: Some(self.name),
            imported: self.imported,
            clinical: self.clinical,
            quality_blocked: self.quality_blocked,
            environment: &self.object,
        };
        decide(&registry, &self.policy, &exam, self.today)
    }
}

/// What becomes of the case once `change` has been made: the mark, or the reason's code.
#[track_caller]
fn check(want: &str, change: impl FnOnce(&mut Case)) -> Decision {
    let mut case = case();
    change(&mut case);
    let decision = case.decide();
    let told = match &decision.outcome {
        Outcome::Mark(scope) => scope.as_str(),
        Outcome::NoMark(reason) => reason.as_code(),
    };
    assert_eq!(told, want, "{decision:?}");
    decision
}

#[test]
fn the_widest_scope_wins() {
    let decision = check("JJJHR", |_| {});
    let codes: Vec<&str> = decision.scopes.iter().map(ScopeCode::as_str).collect();
    assert_eq!(codes, ["JJJHR", "BJHR"]);
    assert_eq!(decision.items, [ItemCode::new("CT")]);
    assert_eq!(decision.institution, Some(InstitutionId::new("bfh")));
    let used = decision.accreditation.expect("an accreditation");
    assert_eq!((used.row, used.label.as_str()), (0, "bfh/JJJHR/2026-04-01"));
    check("BJHR", |case| {
        case.rows.accreditations.remove(0);
    });
    // Beijing is no stepping stone to the region.
    check("JJJHR", |case| {
        case.rows.accreditations.remove(1);
    });
}

#[test]
fn a_site_s_own_scope_takes_part_by_rank_and_from_its_day() {
    let wider = |first: Date| {
        move |case: &mut Case| {
            let code = "SDJJJHR".to_owned();
            case.rows.scopes = vec![ScopeRow { code, rank: 40, valid_from: Some(first) }];
            case.rows.items[0].scopes.push("SDJJJHR".to_owned());
            let mut row = case.rows.accreditations[0].clone();
            row.scope = "SDJJJHR".to_owned();
            case.rows.accreditations.push(row);
        }
    };
    check("SDJJJHR", wider(date(2026, 5, 1)));
    check("JJJHR", wider(date(2026, 5, 2)));
}

#[test]
fn only_examination_images_of_patients_are_marked() {
    let decision = check("UNSUPPORTED_SOP", |case| case.sop_class = SECONDARY_CAPTURE);
    assert_eq!(decision.items, []);
    check("UNSUPPORTED_SOP", |case| case.sop_class = "1.2.3");
    check("NOT_CLINICAL", |case| case.clinical = false);
}

#[test]
fn a_class_that_must_be_listed_is_only_by_a_condition_that_names_it() {
    let ultrasound = |case: &mut Case| {
        case.sop_class = ULTRASOUND;
        case.object = Object { modality: "US", body_part: "HEAD" };
    };
    let decision = check("BJHR", ultrasound);
    assert_eq!(decision.items, [ItemCode::new("US")]);
    check("NO_ITEM", |case| {
        ultrasound(case);
        case.rows.items.remove(2);
    });
}

#[test]
fn another_institution_s_image_is_foreign_and_keeps_its_mark() {
    check("NO_INSTITUTION", |case| case.institution = None);
    check("NO_INSTITUTION", |case| case.institution = Some("unheard-of"));
    check("FOREIGN", |case| case.name = "上海瑞金医院");
    check("FOREIGN", |case| case.imported = true);
    let decision = check("FOREIGN", |case| case.name = "上海瑞金医院-JJJHR");
    let mark = decision.existing_mark.expect("a mark");
    assert_eq!((mark.own, mark.treatment), (false, Treatment::Keep));
    let decision = check("FOREIGN", |case| {
        case.imported = true;
        case.name = "北京友谊医院-BJHR";
    });
    assert_eq!(decision.existing_mark.map(|mark| mark.treatment), Some(Treatment::Keep));
}

#[test]
fn an_empty_name_from_a_mapped_source_is_the_institution_s_own() {
    check("JJJHR", |case| case.name = "");
    check("JJJHR", |case| case.name = "beijing friendship hospital  ");
}

#[test]
fn the_day_decides() {
    check("NO_EXAM_DATE", |case| case.exam_date = None);
    check("PRE_STANDARD", |case| case.exam_date = Some(date(2026, 3, 31)));
    check("JJJHR", |case| case.exam_date = Some(date(2026, 4, 1)));
    check("JJJHR", |case| {
        case.policy.mark_before_effective = true;
        case.rows.accreditations[0].valid_from = date(2020, 1, 1);
        case.exam_date = Some(date(2026, 3, 31));
    });
}

#[test]
fn what_is_no_listed_item_bears_no_mark() {
    check("NO_ITEM", |case| case.object.modality = "MR");
}

#[test]
fn an_examination_of_several_items_bears_what_all_of_them_have() {
    let head = |case: &mut Case| case.object.body_part = "HEAD";
    let decision = check("BJHR", head);
    assert_eq!(decision.items, [ItemCode::new("CT"), ItemCode::new("HEAD")]);
    let grades: Vec<(&str, &str, Grade)> = decision
        .standings
        .iter()
        .map(|standing| (standing.scope.as_str(), standing.item.as_str(), standing.grade))
        .collect();
    assert_eq!(
        grades,
        [
            ("JJJHR", "CT", Grade::Entitled),
            ("JJJHR", "HEAD", Grade::NotListed),
            ("BJHR", "CT", Grade::Entitled),
            ("BJHR", "HEAD", Grade::Entitled),
        ]
    );
    let decision = check("BJHR", |case| {
        head(case);
        case.rows.accreditations.push(accreditation(
            &["HEAD"],
            "BJHR",
            date(2026, 4, 1),
            date(2026, 12, 31),
        ));
    });
    // The mark rests on what ends first.
    assert_eq!(decision.accreditation.and_then(|row| row.valid_to), Some(date(2026, 12, 31)));
}

/// The case with the accreditation for JJJHR alone.
fn regional(change: impl FnOnce(&mut AccreditationRow)) -> impl FnOnce(&mut Case) {
    move |case| {
        case.rows.accreditations.truncate(1);
        change(&mut case.rows.accreditations[0]);
    }
}

#[test]
fn an_accreditation_counts_only_within_its_days() {
    check("JJJHR", regional(|row| row.valid_to = None));
    check("JJJHR", regional(|row| row.valid_from = date(2026, 5, 1)));
    check("NOT_YET_VALID", regional(|row| row.valid_from = date(2026, 5, 2)));
    let decision = check("EXPIRED", regional(|row| row.valid_to = Some(date(2026, 4, 30))));
    assert_eq!(decision.standings[0].accreditation.as_ref().map(|row| row.row), Some(0));
    check("JJJHR", |case| {
        regional(|row| row.valid_to = Some(date(2026, 4, 30)))(case);
        case.policy.grace_days = 2;
    });
    check("EXPIRED", |case| {
        regional(|row| row.valid_to = Some(date(2026, 4, 28)))(case);
        case.policy.grace_days = 2;
    });
}

#[test]
fn an_accreditation_must_still_be_valid_today_unless_the_site_says_otherwise() {
    let lapsed = |required: bool| {
        move |case: &mut Case| {
            regional(|row| row.valid_to = Some(date(2026, 5, 31)))(case);
            case.today = date(2026, 6, 1);
            case.policy.require_active_at_stamp = required;
        }
    };
    check("EXPIRED", lapsed(true));
    check("JJJHR", lapsed(false));
}

#[test]
fn only_an_active_accreditation_counts() {
    check("SUSPENDED", regional(|row| row.status = AccreditationStatus::Suspended));
    check("SUSPENDED", regional(|row| row.status = AccreditationStatus::Revoked));
    check("NOT_YET_VALID", regional(|row| row.status = AccreditationStatus::Pending));
    check("NO_SCOPE", |case| case.rows.accreditations.clear());
}

#[test]
fn the_reason_is_that_of_what_came_nearest() {
    // Suspended for the region, expired for Beijing; then expired for the region alone.
    check("SUSPENDED", |case| {
        case.rows.accreditations[0].status = AccreditationStatus::Suspended;
        case.rows.accreditations[1].valid_to = Some(date(2026, 4, 30));
    });
    check("EXPIRED", |case| {
        case.rows.accreditations[0].valid_to = Some(date(2026, 4, 30));
        case.rows.accreditations[1].valid_from = date(2026, 6, 1);
    });
    check("EXPIRED", regional(|row| row.valid_to = Some(date(2026, 4, 30))));
    check("NOT_YET_VALID", |case| {
        case.rows.accreditations.remove(0);
        case.rows.accreditations[0].valid_from = date(2026, 6, 1);
    });
}

#[test]
fn a_renewal_counts_beside_the_row_it_renews() {
    check("JJJHR", |case| {
        let mut old = case.rows.accreditations[0].clone();
        old.status = AccreditationStatus::Revoked;
        case.rows.accreditations.insert(0, old);
    });
}

#[test]
fn a_row_that_names_the_item_stands_above_one_for_every_item() {
    let named = |status| {
        move |case: &mut Case| {
            case.rows.accreditations.remove(0);
            let mut row = accreditation(&["CT"], "BJHR", date(2026, 4, 1), date(2026, 5, 31));
            row.status = status;
            case.rows.accreditations.push(row);
        }
    };
    check("SUSPENDED", named(AccreditationStatus::Suspended));
    check("BJHR", named(AccreditationStatus::Active));
    // On a day that it does not cover the general row counts.
    check("BJHR", |case| {
        named(AccreditationStatus::Suspended)(case);
        case.exam_date = Some(date(2026, 6, 1));
        case.today = date(2026, 6, 1);
    });
}

#[test]
fn findings_that_block_stand_last() {
    let decision = check("QUALITY_BLOCK", |case| case.quality_blocked = true);
    assert_eq!(decision.scopes.len(), 2);
    assert_eq!(decision.accreditation, None);
    check("NO_ITEM", |case| {
        case.quality_blocked = true;
        case.object.modality = "MR";
    });
}

/// What becomes of the mark that the object came with.
#[track_caller]
fn check_mark(name: &'static str, relation: Relation, treatment: Treatment) {
    let decision = check("JJJHR", |case| case.name = name);
    let mark = decision.existing_mark.expect("a mark");
    assert_eq!((mark.relation, mark.treatment), (relation, treatment), "{name}");
}

#[test]
fn the_mark_that_is_there_is_compared_with_the_one_that_is_due() {
    check_mark("北京友谊医院-JJJHR", Relation::Same, Treatment::Keep);
    check_mark("北京友谊医院（JJJHR）", Relation::OtherForm, Treatment::Replace);
    check_mark("北京友谊医院-BJHR", Relation::Narrower, Treatment::Replace);
    check_mark("北京友谊医院-GX", Relation::Legacy, Treatment::Replace);
    check_mark("北京友谊医院-SDHR", Relation::Unknown, Treatment::Replace);
    check_mark("北京友谊医院-BJHR-JJJHR", Relation::Unknown, Treatment::Replace);
    let decision = check("BJHR", |case| {
        case.rows.accreditations.remove(0);
        case.name = "北京友谊医院-JJJHR";
    });
    let mark = decision.existing_mark.expect("a mark");
    assert_eq!((mark.relation, mark.treatment), (Relation::Wider, Treatment::Replace));
    assert_eq!(check("JJJHR", |_| {}).existing_mark, None);
}

#[test]
fn an_own_mark_that_is_not_due_is_taken_off() {
    let expired = |strip: bool| {
        move |case: &mut Case| {
            case.rows.accreditations.clear();
            case.name = "北京友谊医院-JJJHR";
            case.policy.strip_stale = strip;
        }
    };
    let treatment = |decision: Decision| decision.existing_mark.map(|mark| mark.treatment);
    assert_eq!(treatment(check("NO_SCOPE", expired(true))), Some(Treatment::Strip));
    assert_eq!(treatment(check("NO_SCOPE", expired(false))), Some(Treatment::Keep));
    let unmapped = |case: &mut Case| {
        case.institution = None;
        case.name = "北京友谊医院-JJJHR";
    };
    assert_eq!(treatment(check("NO_INSTITUTION", unmapped)), Some(Treatment::Keep));
}

#[test]
fn a_mark_that_cannot_be_made_leaves_no_stale_one_behind() {
    let mut case = case();
    case.name = "北京友谊医院-BJHR";
    for (reason, want) in [
        (Reason::NameTooLong, Treatment::Strip),
        (Reason::NotEncodable, Treatment::Strip),
        (Reason::Signed, Treatment::Keep),
        (Reason::Unchecked, Treatment::Keep),
    ] {
        let decision = case.decide().withheld(reason, &case.policy);
        assert_eq!(decision.reason(), Some(reason));
        assert_eq!(decision.accreditation, None);
        assert_eq!(decision.existing_mark.map(|mark| mark.treatment), Some(want), "{reason}");
    }
    case.name = "北京友谊医院-JJJHR";
    let decision = case.decide().withheld(Reason::Signed, &case.policy);
    assert_eq!(decision.existing_mark.map(|mark| mark.treatment), Some(Treatment::Keep));
}

#[test]
fn an_object_that_was_not_judged_has_nothing_but_the_reason() {
    let decision = Decision::without_judgement(Reason::Bypass);
    assert_eq!((decision.reason(), decision.mark()), (Some(Reason::Bypass), None));
}

proptest::proptest! {
    /// Whatever the accreditations are, the mark is the widest of the scopes left, and no scope is left that some
    /// item has no active, valid accreditation for.
    #[test]
    fn the_mark_is_always_the_widest_scope_left(
        drawn in proptest::collection::vec((0_usize..3, 0_usize..3, -60_i32..60, 0_i32..90, 0_usize..4), 0..8),
        head: bool,
    ) {
        let mut case = case();
        let code = "ABHR".to_owned();
        case.rows.scopes = vec![ScopeRow { code, rank: 25, valid_from: None }];
        case.rows.items[0].scopes.push("ABHR".to_owned());
        case.rows.items[1].scopes.push("ABHR".to_owned());
        case.object.body_part = if head { "HEAD" } else { "CHEST" };
        let today = case.today;
        case.rows.accreditations = drawn
            .iter()
            .map(|(item, scope, start, length, status)| {
                let from = today + start.days();
                let items = [["CT"], ["HEAD"], ["*"]];
                let scope = ["BJHR", "ABHR", "JJJHR"][*scope];
                let mut row = accreditation(&items[*item], scope, from, from + length.days());
                row.status = AccreditationStatus::WORDS[*status].1;
                row
            })
            .collect();
        let decision = case.decide();
        assert_eq!(decision.mark(), decision.scopes.first());
        let rank = |code: &ScopeCode| match code.as_str() {
            "JJJHR" => 30,
            "ABHR" => 25,
            _ => 20,
        };
        assert!(decision.scopes.is_sorted_by(|wide, narrow| rank(wide) > rank(narrow)));
        for scope in &decision.scopes {
            for item in &decision.items {
                let entitles = |row: &AccreditationRow| {
                    row.scope == scope.as_str()
                        && (row.items[0] == "*" || row.items[0] == item.as_str())
                        && row.status == AccreditationStatus::Active
                        && [case.exam_date, Some(today)].into_iter().flatten().all(|day| {
                            row.valid_from <= day && row.valid_to.is_none_or(|last| day <= last)
                        })
                };
                assert!(case.rows.accreditations.iter().any(entitles));
            }
        }
    }
}
