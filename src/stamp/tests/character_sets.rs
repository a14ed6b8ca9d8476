use super::*;

/// What becomes of a name on an object of this set: the set it declares then and the name as declared, or the obstacle.
#[track_caller]
fn check(
    setting: &Setting,
    object: &Object,
    want: Result<(&str, &str), Obstacle>,
) -> Option<Object> {
    let stamp = setting.stamp(object);
    let marked = stamp.map(|stamp| object.changed(stamp.plan));
    let told = marked.as_ref().map(|marked| {
        let declared = marked.view().charset();
        (declared.declaration().to_owned(), name_of(marked))
    });
    let want = want.map(|(set, name)| (set.to_owned(), name.to_owned()));
    assert_eq!(told.map_err(|obstacle| *obstacle), want);
    let marked = marked.ok()?;
    assert!(setting.stamp(&marked).expect("no obstacle").plan.is_empty(), "not idempotent");
    Some(marked)
}

fn with(charset: CharsetPolicy, latin: bool) -> Setting {
    let mut setting = setting();
    setting.policy.charset = charset;
    setting.names.latin_name = latin.then(|| "Friendship Hospital".to_owned());
    setting
}

fn latin_1(name: Option<&[u8]>) -> Object {
    let mut elements = image("ISO_IR 100", name);
    elements.retain(|element| element.tag != tags::PATIENT_NAME);
    elements.push(NewElement::new(tags::PATIENT_NAME, VR::PN, b"M\xFCller^Hans".as_slice()));
    Object::new(EXPLICIT, elements)
}

#[test]
fn a_set_that_holds_the_name_stays() {
    for (term, name) in [
        ("ISO_IR 192", NAME.as_bytes().to_vec()),
        ("GB18030", CharacterSet::declared("GB18030").encode(NAME, VR::LO).expect("encodable")),
        ("GBK", CharacterSet::declared("GBK").encode(NAME, VR::LO).expect("encodable")),
    ] {
        let object = Object::new(EXPLICIT, image(term, Some(&name)));
        let marked =
            check(&with(CharsetPolicy::Extend, false), &object, Ok((term, "北京友谊医院-JJJHR")));
        let differing = differences(&object, &marked.expect("marked"));
        assert!(!differing.contains(&"(0008,0005)".to_owned()), "{term}");
    }
}

#[test]
fn a_latin_set_is_extended_and_all_other_bytes_stay() {
    let object = latin_1(Some(b"Friendship"));
    let want = ("ISO 2022 IR 100\\ISO 2022 IR 58", "北京友谊医院-JJJHR");
    let marked = check(&with(CharsetPolicy::Extend, true), &object, Ok(want)).expect("marked");
    let differing = differences(&object, &marked);
    assert!(differing.contains(&"(0008,0005)".to_owned()));
    assert!(!differing.contains(&"(0010,0010)".to_owned()));
    let lines = outline(&marked, tags::ORIGINAL_ATTRIBUTES_SEQUENCE);
    assert_eq!(lines[2..4], ["..(0008,0005) CS \"ISO_IR 100\"", "..(0008,0080) LO \"Friendship\""]);
}

#[test]
fn an_absent_set_is_extended_and_its_absence_recorded() {
    let object = Object::new(IMPLICIT, image("", None));
    let want = ("ISO 2022 IR 6\\ISO 2022 IR 58", "北京友谊医院-JJJHR");
    let marked = check(&with(CharsetPolicy::Extend, false), &object, Ok(want)).expect("marked");
    let lines = outline(&marked, tags::ORIGINAL_ATTRIBUTES_SEQUENCE);
    assert_eq!(lines[2], "..(0008,0005) CS \"\"");
}

#[test]
fn by_setting_the_latin_name_is_written() {
    let want = Ok(("ISO_IR 100", "Friendship Hospital-JJJHR"));
    check(&with(CharsetPolicy::Latin, true), &latin_1(None), want);
    let want = Err(Obstacle::NotEncodable);
    check(&with(CharsetPolicy::Latin, false), &latin_1(None), want);
}

#[test]
fn what_the_extension_cannot_hold_takes_the_latin_name() {
    // Not in GB 2312.
    for latin in [true, false] {
        let mut setting = with(CharsetPolicy::Extend, latin);
        setting.names.name = "喆医院".to_owned();
        let want = Ok(("ISO_IR 100", "Friendship Hospital-JJJHR"));
        let want = if latin { want } else { Err(Obstacle::NotEncodable) };
        check(&setting, &latin_1(None), want);
    }
}

#[test]
fn a_wrong_declaration_is_never_extended_or_rewritten() {
    let gbk = CharacterSet::declared("GBK").encode("张三^测试病人", VR::PN).expect("encodable");
    let mut elements = image("ISO_IR 100", None);
    elements.retain(|element| element.tag != tags::PATIENT_NAME);
    elements.push(NewElement::new(tags::PATIENT_NAME, VR::PN, gbk));
    let misdeclared = Object::new(EXPLICIT, elements);
    for policy in [CharsetPolicy::Extend, CharsetPolicy::Gb18030, CharsetPolicy::Utf8] {
        let want = Ok(("ISO_IR 100", "Friendship Hospital-JJJHR"));
        check(&with(policy, true), &misdeclared, want);
        check(&with(policy, false), &misdeclared, Err(Obstacle::NotEncodable));
    }
    let unknown = Object::new(EXPLICIT, image("ISO_IR 999", None));
    check(&with(CharsetPolicy::Extend, false), &unknown, Err(Obstacle::NotEncodable));
}

#[test]
fn a_source_whose_text_is_read_otherwise_than_declared_gets_what_both_readings_have() {
    let gbk = CharacterSet::declared("GBK").encode(NAME, VR::LO).expect("encodable");
    let object = Object::new(EXPLICIT, image("ISO_IR 100", Some(&gbk)));
    for policy in [CharsetPolicy::Extend, CharsetPolicy::Utf8] {
        let mut setting = with(policy, true);
        setting.read_as = Some("GBK");
        let want = Ok(("ISO_IR 100", "Friendship Hospital-JJJHR"));
        let marked = check(&setting, &object, want).expect("marked");
        let view = marked.view();
        let item = view.find(tags::ORIGINAL_ATTRIBUTES_SEQUENCE).expect("a sequence");
        let within = view.elements().iter().skip(item.index() as usize);
        let kept = within.filter(|e| e.tag == tags::INSTITUTION_NAME).find_map(|e| view.bytes(e));
        assert_eq!(kept, Some(&gbk[..]));
    }
}

#[test]
fn an_undue_mark_on_text_that_is_read_otherwise_leaves_its_bytes() {
    let set = CharacterSet::declared("GBK");
    let name = set.encode("北京友谊医院-JJJHR", VR::LO).expect("encodable");
    let mut setting = with(CharsetPolicy::Extend, false);
    (setting.read_as, setting.due) = (Some("GBK"), None);
    let clean = setting.stamped(&Object::new(EXPLICIT, image("ISO_IR 100", Some(&name))));
    let view = clean.view();
    let kept = view.find(tags::INSTITUTION_NAME).and_then(|element| view.bytes(element));
    assert_eq!(kept, set.encode(NAME, VR::LO).ok().as_deref());
}

#[test]
fn by_setting_all_text_is_written_anew() {
    let own_set = vec![
        NewElement::new(tags::SPECIFIC_CHARACTER_SET, VR::CS, "ISO_IR 144"),
        NewElement::new(tags::CODE_MEANING, VR::LO, b"\xBF\xE0".as_slice()),
    ];
    let inherits = vec![NewElement::new(tags::CODE_MEANING, VR::LO, b"caf\xE9".as_slice())];
    let object = latin_1(Some(b"Friendship"));
    let mut elements = image("ISO_IR 100", Some(b"Friendship"));
    elements.retain(|element| element.tag != tags::PATIENT_NAME);
    elements.extend([
        NewElement::new(tags::PATIENT_NAME, VR::PN, b"M\xFCller^Hans".as_slice()),
        NewElement::new(tags::OTHER_PATIENT_NAMES, VR::PN, b"A\xE4^B\\C^D\xD6".as_slice()),
        NewElement::sequence(tags::PROCEDURE_CODE_SEQUENCE, vec![own_set, vec![], inherits]),
    ]);
    let rich = Object::new(IMPLICIT, elements);
    for (policy, term) in [(CharsetPolicy::Gb18030, "GB18030"), (CharsetPolicy::Utf8, "ISO_IR 192")]
    {
        let setting = with(policy, false);
        check(&setting, &object, Ok((term, "北京友谊医院-JJJHR")));
        let marked = check(&setting, &rich, Ok((term, "北京友谊医院-JJJHR"))).expect("marked");
        assert_eq!(outline(&marked, tags::PATIENT_NAME), ["(0010,0010) PN \"Müller^Hans\""]);
        let names = ["(0010,1001) PN \"Aä^B\\\\C^DÖ\""];
        assert_eq!(outline(&marked, tags::OTHER_PATIENT_NAMES), names);
        let view = marked.view();
        let sequence = view.find(tags::PROCEDURE_CODE_SEQUENCE).expect("a sequence");
        let meanings: Vec<Vec<u8>> = view
            .items(sequence)
            .filter_map(|item| view.bytes(item.find(tags::CODE_MEANING)?).map(<[u8]>::to_vec))
            .collect();
        let mut anew = CharacterSet::declared(term).encode("café", VR::LO).expect("encodable");
        if anew.len() % 2 == 1 {
            anew.push(b' ');
        }
        assert_eq!(meanings, [b"\xBF\xE0".to_vec(), anew]);
    }
}

#[test]
fn text_that_cannot_be_looked_at_is_not_written_anew() {
    let mut elements = image("ISO_IR 100", None);
    elements.push(NewElement::new(tags::TEXT_VALUE, VR::UT, vec![b'x'; 100_000]));
    let object = Object::new(EXPLICIT, elements);
    check(&with(CharsetPolicy::Utf8, false), &object, Err(Obstacle::NotEncodable));
    let want = Ok(("ISO_IR 100", "Friendship Hospital-JJJHR"));
    check(&with(CharsetPolicy::Utf8, true), &object, want);
}
