use super::*;
use proptest::prelude::*;

const SYNTAXES: [&str; 4] = [EXPLICIT, IMPLICIT, BIG, DEFLATED];
const NAMES: [&str; 10] = [
    "",
    NAME,
    "Friendship",
    "北京友谊医院-GX",
    "北京友谊医院-BJHR",
    "北京友谊医院（JJJHR）",
    "北京友谊医院-JJJHR",
    "北京友谊医院-BJHR-JJJHR",
    "上海瑞金医院",
    "上海瑞金医院-SHHR",
];

proptest! {
    /// Whatever the object and the decision: stamping again changes nothing, the outcome is the same each time, and
    /// only promised elements differ.
    #[test]
    fn a_stamp_is_deterministic_idempotent_and_confined(
        syntax in 0..SYNTAXES.len(),
        name in 0..NAMES.len(),
        set in prop::sample::select(vec!["", "ISO_IR 100", "ISO_IR 192", "GB18030", "\\ISO 2022 IR 58"]),
        due in prop::sample::select(vec![None, Some("BJHR"), Some("JJJHR")]),
        policy in prop::sample::select(vec![
            CharsetPolicy::Extend,
            CharsetPolicy::Latin,
            CharsetPolicy::Gb18030,
            CharsetPolicy::Utf8,
        ]),
        recorded: bool,
    ) {
        let Ok(bytes) = CharacterSet::declared(set).encode(NAMES[name], VR::LO) else {
            return Ok(());
        };
        let mut elements = image(set, Some(&bytes));
        if recorded {
            let item = vec![NewElement::new(tags::MODIFYING_SYSTEM, VR::LO, "earlier")];
            elements.push(NewElement::sequence(tags::ORIGINAL_ATTRIBUTES_SEQUENCE, vec![item]));
            elements.push(NewElement::new(Tag(0x0008, 0), VR::UL, vec![0, 0, 0, 0]));
        }
        let object = Object::new(SYNTAXES[syntax], elements);
        let mut setting = setting();
        setting.due = due;
        setting.policy.charset = policy;
        setting.names.latin_name = Some("Friendship Hospital".to_owned());
        let stamp = setting.stamp(&object);
        prop_assert_eq!(&stamp, &setting.stamp(&object));
        let Ok(stamp) = stamp else { return Ok(()) };
        let marked = object.changed(stamp.plan);
        prop_assert!(setting.stamp(&marked).expect("no obstacle").plan.is_empty());
        for tag in differences(&object, &marked) {
            let promised = ["(0008,0005)", "(0008,0080)", "(0018,A001)", "(0400,0561)"];
            prop_assert!(promised.contains(&tag.as_str()) || tag.starts_with("(0077,"), "{}", tag);
        }
        if due.is_some() && !NAMES[name].starts_with("上海") {
            let mark = format!("-{}", due.unwrap_or_default());
            prop_assert!(name_of(&marked).ends_with(&mark));
        } else if !NAMES[name].starts_with("上海") {
            prop_assert!(!name_of(&marked).ends_with("HR"));
        }
    }
}
