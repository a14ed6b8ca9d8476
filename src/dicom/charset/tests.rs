//! The examples of PS3.5 annexes H to K, real files, and what no text may do.

use proptest::prelude::*;

use super::*;

#[track_caller]
fn check_read(declaration: &str, vr: VR, bytes: &[u8], want: &[&str], faulty: bool) {
    let text = CharacterSet::declared(declaration).decode(bytes, vr);
    let values = want.iter().map(|value| (*value).to_owned()).collect();
    assert_eq!(text, Text { values, faulty }, "{declaration} {bytes:02X?}");
}

#[track_caller]
fn check_written(declaration: &str, vr: VR, text: &str, want: Result<&[u8], char>) {
    let bytes = CharacterSet::declared(declaration).encode(text, vr);
    let want = want.map(<[u8]>::to_vec).map_err(NotEncodable::at);
    assert_eq!(bytes, want, "{declaration} {text}");
}

/// Reads `bytes` as one value and writes it again.
#[track_caller]
fn check(declaration: &str, vr: VR, bytes: &[u8], want: &str) {
    check_read(declaration, vr, bytes, &[want], false);
    check_written(declaration, vr, want, Ok(bytes));
}

#[test]
fn names_of_annex_h_mix_kana_kanji_and_latin() {
    check(
        "\\ISO 2022 IR 87",
        VR::PN,
        b"Yamada^Tarou=\x1B$B;3ED\x1B(B^\x1B$BB@O:\x1B(B=\x1B$B$d$^$@\x1B(B^\x1B$B$?$m$&\x1B(B",
        "Yamada^Tarou=山田^太郎=やまだ^たろう",
    );
    check(
        "ISO 2022 IR 13\\ISO 2022 IR 87",
        VR::PN,
        b"\xD4\xCF\xC0\xDE^\xC0\xDB\xB3=\x1B$B;3ED\x1B(J^\x1B$BB@O:\x1B(J=\x1B$B$d$^$@\x1B(J^\x1B$B$?$m$&\x1B(J",
        "ﾔﾏﾀﾞ^ﾀﾛｳ=山田^太郎=やまだ^たろう",
    );
    check("\\ISO 2022 IR 159", VR::LO, b"\x1B$(D0!\x1B(B", "丂");
}

#[test]
fn names_of_annex_i_designate_korean_after_each_delimiter() {
    check(
        "\\ISO 2022 IR 149",
        VR::PN,
        b"Hong^Gildong=\x1B$)C\xFB\xF3^\x1B$)C\xD1\xCE\xD4\xD7=\x1B$)C\xC8\xAB^\x1B$)C\xB1\xE6\xB5\xBF",
        "Hong^Gildong=洪^吉洞=홍^길동",
    );
}

#[test]
fn names_and_lines_of_annex_j_need_no_escape_sequences() {
    let utf8 = "Wang^XiaoDong=王^小東";
    check("ISO_IR 192", VR::PN, utf8.as_bytes(), utf8);
    for declaration in ["GB18030", "GBK"] {
        check(
            declaration,
            VR::PN,
            b"Wang^XiaoDong=\xCD\xF5^\xD0\xA1\xB6\xAB",
            "Wang^XiaoDong=王^小东",
        );
        check(
            declaration,
            VR::LT,
            b"The first line includes \xD6\xD0\xCE\xC4.\r\nThe second too: \xD6\xD0\xCE\xC4.",
            "The first line includes 中文.\r\nThe second too: 中文.",
        );
    }
    check("GB18030", VR::LO, b"\x81\x39\xEF\x31\x95\x34\xB2\x35", "㐂𠮷");
}

#[test]
fn names_and_lines_of_annex_k_designate_chinese_after_each_delimiter() {
    check(
        "\\ISO 2022 IR 58",
        VR::PN,
        b"Zhang^XiaoDong=\x1B$)A\xD5\xC5^\x1B$)A\xD0\xA1\xB6\xAB=",
        "Zhang^XiaoDong=张^小东=",
    );
    check(
        "\\ISO 2022 IR 58",
        VR::LT,
        b"The first line includes \x1B$)A\xD6\xD0\xCE\xC4.\r\nThe second \x1B$)A\xD6\xD0\xCE\xC4, too.\r\nThe third.",
        "The first line includes 中文.\r\nThe second 中文, too.\r\nThe third.",
    );
}

#[test]
fn single_byte_alphabets_read_and_write() {
    check("ISO_IR 100", VR::PN, b"Buc^J\xE9r\xF4me", "Buc^Jérôme");
    check("ISO_IR 101", VR::PN, b"Wa\xB3\xEAsa", "Wałęsa");
    check("ISO_IR 109", VR::LO, b"\xA1amrun", "Ħamrun");
    check("ISO_IR 110", VR::LO, b"R\xBAzekne", "Rēzekne");
    check("ISO_IR 144", VR::PN, b"\xBB\xEE\xDA\x63\x65\xDC\xD1\x79\x70\xD3", "Люкceмбypг");
    check("ISO_IR 127", VR::PN, b"\xE2\xC8\xC7\xE6\xEA^\xE4\xE6\xD2\xC7\xD1", "قباني^لنزار");
    check("ISO_IR 126", VR::PN, b"\xC4\xE9\xEF\xED\xF5\xF3\xE9\xEF\xF2", "Διονυσιος");
    check("ISO_IR 138", VR::PN, b"\xF9\xF8\xE5\xEF^\xE3\xE1\xE5\xF8\xE4", "שרון^דבורה");
    check("ISO_IR 148", VR::PN, b"\xC7avu\xFEo\xF0lu", "Çavuşoğlu");
    check("ISO_IR 166", VR::LO, b"\xA1\xA2\xE0\xB4", "กขเด");
    check("ISO_IR 203", VR::LO, b"\xA4", "€");
    check("ISO_IR 13", VR::PN, b"\xD4\xCF\xC0\xDE^\xC0\xDB\xB3", "ﾔﾏﾀﾞ^ﾀﾛｳ");
}

#[test]
fn the_iso_sets_have_none_of_windows_letters() {
    check_read("ISO_IR 100", VR::LO, b"\x80", &["\u{FFFD}"], true);
    check_read("ISO_IR 148", VR::LO, b"\x9E", &["\u{FFFD}"], true);
    check_read("ISO_IR 166", VR::LO, b"\x85\xA0", &["\u{FFFD}\u{FFFD}"], true);
    for (declaration, character) in
        [("ISO_IR 100", '€'), ("ISO_IR 148", '€'), ("ISO_IR 166", '…'), ("GBK", '\u{80}')]
    {
        check_written(declaration, VR::LO, &character.to_string(), Err(character));
    }
    check_read("GB18030", VR::LO, b"\x80\xFF", &["\u{FFFD}\u{FFFD}"], true);
    check_written("GB18030", VR::LO, "€", Ok(b"\xA2\xE3"));
}

#[test]
fn the_yen_sign_still_delimits() {
    check_read("ISO_IR 13", VR::LO, b"\xB1\\\xB2~", &["ｱ", "ｲ‾"], false);
    check_read("ISO_IR 13", VR::ST, b"100\\", &["100¥"], false);
    check_written("ISO_IR 13", VR::ST, "100¥", Ok(b"100\\"));
    check_written("ISO_IR 13", VR::ST, "a~", Err('~'));
}

#[test]
fn values_are_split_only_after_decoding() {
    check_read("GBK", VR::PN, b"\x81\x5C=\x81\x5C\\\x95\x5C", &["乗=乗", "昞"], false);
    check_read("GB18030", VR::LO, b"a\\\x81\x30\x81\x30\\", &["a", "\u{80}", ""], false);
    check_read("\\ISO 2022 IR 87", VR::LO, b"\x1B$B\\W\x1B(B\\b", &["榕", "b"], false);
    check_read("ISO_IR 192", VR::SH, "一\\二".as_bytes(), &["一", "二"], false);
    check_read("ISO_IR 192", VR::LT, "一\\二".as_bytes(), &["一\\二"], false);
}

#[test]
fn the_116_characters_whose_gbk_form_ends_in_5c_are_whole() {
    let set = CharacterSet::declared("GBK");
    let mut count = 0;
    for character in '\u{4E00}'..='\u{9FA5}' {
        let name = format!("{character}^{character}={character}");
        let bytes = set.encode(&name, VR::PN).expect("GBK has the basic block whole");
        if bytes.get(1) == Some(&0x5C) {
            count += 1;
        }
        check_read("GBK", VR::PN, &bytes, &[&name], false);
        check_read("GB18030", VR::PN, &bytes, &[&name], false);
    }
    assert_eq!(count, 116);
}

#[test]
fn delimiters_end_a_designation() {
    // Without a new escape sequence the second line and the second value are read in value 1's set.
    check_read(
        "ISO 2022 IR 100\\ISO 2022 IR 58",
        VR::LO,
        b"\x1B$)A\xD6\xD0\\\xE9",
        &["中", "é"],
        false,
    );
    check_read(
        "ISO 2022 IR 100\\ISO 2022 IR 58",
        VR::LT,
        b"\x1B$)A\xD6\xD0\n\xE9",
        &["中\né"],
        false,
    );
    check_read("ISO 2022 IR 100\\ISO 2022 IR 144", VR::LO, b"\x1B-L\xD6^\xD6", &["ж^ж"], false);
    check(
        "ISO 2022 IR 100\\ISO 2022 IR 58",
        VR::PN,
        b"Andr\xE9=\x1B$)A\xD6\xD0\x1B-A^\xFF",
        "André=中^ÿ",
    );
}

#[test]
fn what_breaks_the_declaration_is_read_and_told() {
    // An escape sequence to a set that is not declared.
    check_read("ISO_IR 100", VR::LO, b"\x1B$)A\xD6\xD0", &["中"], true);
    // One that nobody knows.
    check_read("ISO_IR 100", VR::LO, b"\x1B%Gab", &["\u{FFFD}%Gab"], true);
    check_read("GB18030", VR::LO, b"\x1B$)A\xD6\xD0", &["\u{1B}$)A中"], true);
    // No escape sequence where one is due.
    check_read("\\ISO 2022 IR 58", VR::LO, b"\xD6\xD0", &["中"], true);
    check_read("ISO 2022 IR 58", VR::LO, b"\xD6\xD0", &["中"], false);
    // Halves of characters: a delimiter after one is still a delimiter.
    check_read("ISO 2022 IR 58", VR::LO, b"\xD6\\a", &["\u{FFFD}", "a"], true);
    check_read("GBK", VR::LO, b"a\xD6", &["a\u{FFFD}"], true);
    check_read("GBK", VR::LO, b"\x81\x30\x81\x30", &["\u{80}"], true);
    check_read("ISO_IR 192", VR::LO, b"a\xD6", &["a\u{FFFD}"], true);
    check_read("", VR::LO, b"\xD6\xD0", &["\u{FFFD}\u{FFFD}"], true);
    // The default repertoire governs other VRs, whatever is declared.
    check_read("GB18030", VR::CS, b"\xD6\xD0", &["\u{FFFD}\u{FFFD}"], true);
}

#[test]
fn padding_goes_as_the_vr_says() {
    check_read("", VR::LO, b"  a b  \0", &["a b"], false);
    check_read("", VR::LO, b" a \\ \\b ", &["a", "", "b"], false);
    check_read("", VR::ST, b"  a ", &["  a"], false);
    check_read("", VR::UI, b"1.2.3\0", &["1.2.3"], false);
    check_read("", VR::PN, b"   ", &[], false);
    check_read("", VR::PN, b"", &[], false);
    check_read("", VR::UC, b" a\\b ", &[" a", "b"], false);
}

#[test]
fn control_characters_and_delimiters_do_not_get_into_a_value() {
    check_written("ISO_IR 192", VR::LO, "a\\b", Err('\\'));
    check_written("ISO_IR 192", VR::UT, "a\\b\r\n", Ok(b"a\\b\r\n"));
    check_written("ISO_IR 192", VR::LO, "a\nb", Err('\n'));
    check_written("", VR::UT, "a\u{1B}b", Err('\u{1B}'));
    check_written("GB18030", VR::CS, "中", Err('中'));
    let fault = CharacterSet::default().encode("王", VR::PN).expect_err("no Han in ASCII");
    assert_eq!(
        fault.to_string(),
        "the character U+738B cannot be written in the declared character set and VR"
    );
}

#[track_caller]
fn check_declared(raw: &str, like: &str, unknown: &[&str]) {
    let set = CharacterSet::declared(raw);
    assert_eq!(set.scheme, CharacterSet::declared(like).scheme, "{raw:?}");
    assert_eq!(set.unknown_terms(), unknown, "{raw:?}");
}

#[test]
fn declarations_are_read_leniently() {
    check_declared("iso_ir 100 ", "ISO_IR 100", &[]);
    check_declared("ISO-IR 100", "ISO_IR 100", &[]);
    check_declared("ISO IR 6", "", &[]);
    check_declared("UTF-8", "ISO_IR 192", &[]);
    check_declared("GB2312", "GBK", &[]);
    check_declared("\\GB18030", "GB18030", &[]);
    check_declared("ISO_IR 100\\GB18030", "ISO_IR 100", &[]);
    check_declared("GB18030\\ISO 2022 IR 58", "GB18030", &[]);
    check_declared("ISO_IR 100\\ISO_IR 58", "ISO 2022 IR 100\\ISO 2022 IR 58", &[]);
    check_declared("ISO_IR 999\\KOI8-R", "", &["ISO_IR 999", "KOI8-R"]);
    assert_eq!(CharacterSet::declared("\\ISO 2022 IR 58 ").declaration(), "\\ISO 2022 IR 58");
    let many = "X\\".repeat(10_000);
    assert_eq!(CharacterSet::declared(&many).unknown_terms().len(), MAX_TERMS);
}

#[test]
fn a_person_s_declaration_is_read_strictly() {
    for term in [
        "GBK",
        "GB2312",
        "GB18030",
        "ISO_IR 192",
        "ISO_IR 6",
        "ISO_IR 100",
        "\\ISO 2022 IR 58",
        "ISO 2022 IR 100\\ISO 2022 IR 58",
    ] {
        assert_eq!(CharacterSet::named(term), Some(CharacterSet::declared(term)), "{term:?}");
    }
    for term in [
        "",
        "\\",
        "gbk",
        "UTF-8",
        "ISO_IR 58",
        "ISO 2022 IR 58",
        "ISO 2022 IR 58\\ISO 2022 IR 100",
        "ISO_IR 100\\ISO_IR 58",
        "GB18030\\GBK",
        "KOI8-R",
        "ISO_IR 100 ",
    ] {
        assert_eq!(CharacterSet::named(term), None, "{term:?}");
    }
}

#[track_caller]
fn check_extended(declaration: &str, text: &str, want: Option<&str>) {
    let extended = CharacterSet::declared(declaration).extended_for(text);
    assert_eq!(extended.as_ref().map(|extended| extended.declaration.as_str()), want);
    if let Some(extended) = extended {
        let bytes = extended.set.encode(text, VR::LO).expect("it was extended for this text");
        check_read(&extended.declaration, VR::LO, &bytes, &[text], false);
    }
}

#[test]
fn a_set_without_chinese_gets_an_extension() {
    let name = "首都医科大学附属北京友谊医院-JJJHR";
    check_extended("", name, Some("ISO 2022 IR 6\\ISO 2022 IR 58"));
    check_extended("ISO_IR 6", name, Some("ISO 2022 IR 6\\ISO 2022 IR 58"));
    check_extended("ISO_IR 100", name, Some("ISO 2022 IR 100\\ISO 2022 IR 58"));
    check_extended("ISO_IR 101", name, Some("ISO 2022 IR 101\\ISO 2022 IR 58"));
    check_extended("ISO_IR 13", name, Some("ISO 2022 IR 13\\ISO 2022 IR 58"));
    check_extended("\\ISO 2022 IR 87", name, Some("ISO 2022 IR 6\\ISO 2022 IR 87\\ISO 2022 IR 58"));
    // Nothing to do, nothing that helps, and nothing that may be done.
    check_extended("", "Beijing Friendship Hospital", None);
    check_extended("\\ISO 2022 IR 58", name, None);
    check_extended("ISO_IR 192", name, None);
    check_extended("GBK", "𠮷", None);
    check_extended("ISO_IR 100", "朱镕基 瞭 㐁", None);
    check_extended("KOI8-R", name, None);
}

#[track_caller]
fn check_misdeclared(bytes: &[u8], want: Option<Misdeclared>) {
    assert_eq!(misdeclared(bytes), want, "{bytes:02X?}");
}

#[test]
fn chinese_under_a_latin_declaration_is_noticed() {
    let gbk = CharacterSet::declared("GBK");
    for text in
        ["王小明", "Wang^Xiaoming=王^小明", "北京友谊医院CT室", "李", "胸部正侧位（站立）", "王·乗"]
    {
        let bytes = gbk.encode(text, VR::PN).expect("GBK has it");
        check_misdeclared(&bytes, Some(Misdeclared::Gb18030));
        check_misdeclared(text.as_bytes(), Some(Misdeclared::Utf8));
    }
    assert_eq!(Misdeclared::Gb18030.term(), "GB18030");
}

#[test]
fn european_names_are_not_taken_for_chinese() {
    let latin = CharacterSet::declared("ISO_IR 100");
    for text in
        ["Müller^Jürgen", "Buc^Jérôme", "Ångström", "Señor Núñez", "Radiología", "Hôpital", "ç"]
    {
        let bytes = latin.encode(text, VR::PN).expect("Latin-1 has it");
        check_misdeclared(&bytes, None);
    }
    check_misdeclared("Müller".as_bytes(), None);
    check_misdeclared(b"Wang", None);
    check_misdeclared(b"", None);
    let cyrillic = CharacterSet::declared("ISO_IR 144");
    let bytes = cyrillic.encode("Иванов", VR::PN).expect("it is Cyrillic");
    assert_eq!(cyrillic.misdeclared(&bytes), None);
    assert_eq!(latin.misdeclared(&bytes), Some(Misdeclared::Gb18030));
}

/// The value of the first element with this tag in an explicit little endian file.
fn element<'f>(file: &'f [u8], header: &[u8]) -> Option<&'f [u8]> {
    let at = file.windows(header.len()).position(|window| window == header)? + header.len();
    let length = u16::from_le_bytes(file.get(at..at + 2)?.try_into().ok()?);
    file.get(at + 2..at + 2 + usize::from(length))
}

#[test]
fn real_files_read_as_their_makers_meant() {
    let Some(data) = std::env::var_os("MARKGATE_TESTDATA") else { return };
    for (file, want) in [
        ("pydicom_pydicom__charset_files__chrH32.dcm", "ﾔﾏﾀﾞ^ﾀﾛｳ=山田^太郎=やまだ^たろう"),
        ("pydicom_pydicom__charset_files__chrX1.dcm", "Wang^XiaoDong=王^小東="),
        ("orthanc-mirrors_orthanc-tests__Database__Encodings__Lena-greek.dcm", "Test-Θ"),
    ] {
        let path = std::path::Path::new(&data).join("files").join(file);
        let file = std::fs::read(&path).expect("the file of the index");
        let declared = element(&file, b"\x08\x00\x05\x00CS").expect("a declaration");
        let set = CharacterSet::declared(&String::from_utf8_lossy(declared));
        let name = element(&file, b"\x10\x00\x10\x00PN").expect("a name");
        let text = set.decode(name, VR::PN);
        assert_eq!((text.first(), text.faulty), (Some(want), false), "{}", path.display());
    }
}

const DECLARATIONS: [&str; 12] = [
    "",
    "ISO_IR 100",
    "ISO_IR 13",
    "ISO_IR 166",
    "ISO_IR 192",
    "GB18030",
    "GBK",
    "\\ISO 2022 IR 58",
    "ISO 2022 IR 100\\ISO 2022 IR 58",
    "ISO 2022 IR 13\\ISO 2022 IR 87\\ISO 2022 IR 159",
    "\\ISO 2022 IR 149\\ISO 2022 IR 144",
    "\\GBK\\nonsense",
];

proptest! {
    #[test]
    fn what_can_be_written_is_read_again(
        text in "[a-zA-Z^=éЖα가-힣あ-ん｡-ﾟ一-龥𠀀-𠀐]{0,12}",
        declaration in prop::sample::select(&DECLARATIONS),
    ) {
        let set = CharacterSet::declared(declaration);
        if let Ok(bytes) = set.encode(&text, VR::PN) {
            let want = if text.is_empty() { vec![] } else { vec![text] };
            prop_assert_eq!(set.decode(&bytes, VR::PN), Text { values: want, faulty: false });
        }
    }

    #[test]
    fn lines_that_can_be_written_are_read_again(
        text in "[ -~\r\n\tü东南西北中发白]{0,24}",
        declaration in prop::sample::select(&DECLARATIONS),
    ) {
        let set = CharacterSet::declared(declaration);
        if let Ok(bytes) = set.encode(&text, VR::UT) {
            let want = text.trim_end_matches(' ').to_owned();
            let want = if want.is_empty() { vec![] } else { vec![want] };
            prop_assert_eq!(set.decode(&bytes, VR::UT), Text { values: want, faulty: false });
        }
    }

    #[test]
    fn any_bytes_read_as_something(
        bytes in prop::collection::vec(prop_oneof![any::<u8>(), Just(0x1B), Just(b'$'), Just(b')'), Just(b'A')], 0..64),
        declaration in prop::sample::select(&DECLARATIONS),
    ) {
        for vr in [VR::PN, VR::LO, VR::UT, VR::UN, VR::CS] {
            let text = CharacterSet::declared(declaration).decode(&bytes, vr);
            prop_assert!(text.values.iter().map(String::len).sum::<usize>() <= bytes.len() * 4);
        }
        let odd = CharacterSet::declared(&String::from_utf8_lossy(&bytes));
        prop_assert!(odd.unknown_terms().len() <= MAX_TERMS);
        prop_assert!(misdeclared(&bytes).is_none() || !bytes.is_ascii());
    }
}
