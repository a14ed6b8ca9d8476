//! The examples of PS3.5 annexes H to K, real files, and what no text may do.

use super::*;

#[track_caller]
fn check(declaration: &str, vr: VR, bytes: &[u8], want: &[&str]) {
    let text = CharacterSet::declared(declaration).decode(bytes, vr);
    assert_eq!((text.values, text.faulty), (want.iter().map(|s| (*s).to_owned()).collect(), false));
}

/// Reads `bytes` as one value and writes it again.
#[track_caller]
fn check_both_ways(declaration: &str, vr: VR, bytes: &[u8], want: &str) {
    check(declaration, vr, bytes, &[want]);
    let set = CharacterSet::declared(declaration);
    assert_eq!(set.encode(want, vr).as_deref(), Ok(bytes));
}

#[test]
fn chinese_sets_read_and_write() {
    check_both_ways("GB18030", VR::LO, b"\xB1\xB1\xBE\xA9\xD3\xD1\xD2\xEA", "北京友谊");
    check_both_ways(
        "GBK",
        VR::PN,
        b"Wang^XiaoDong=\xCD\xF5^\xD0\xA1\xB6\xAB",
        "Wang^XiaoDong=王^小东",
    );
    check_both_ways("ISO_IR 192", VR::LO, "北京友谊医院".as_bytes(), "北京友谊医院");
    check_both_ways("\\ISO 2022 IR 58", VR::LO, b"\x1B$)A\xB1\xB1\xBE\xA9", "北京");
}
