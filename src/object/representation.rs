//! What the bytes of a value representation look like: letters, length field, size of a number, padding.

use dicom_core::dictionary::VirtualVr;

use crate::dicom::attribute::vr_of;
use crate::dicom::{Tag, VR};

/// Begins an item, or a fragment of encapsulated pixel data (PS3.5 §7.5).
pub(super) const ITEM: Tag = Tag(DELIMITERS, 0xE000);
/// Ends an item of undefined length.
pub(super) const ITEM_END: Tag = Tag(DELIMITERS, 0xE00D);
/// Ends a sequence of undefined length.
pub(super) const SEQUENCE_END: Tag = Tag(DELIMITERS, 0xE0DD);
/// The group of these three; no element stands in it.
pub(super) const DELIMITERS: u16 = 0xFFFE;
/// The length that stands for "until the delimiter".
pub(super) const UNDEFINED: u32 = 0xFFFF_FFFF;

/// The VR that two letters stand for (PS3.5 table 6.2-1).
pub(super) fn from_letters(letters: [u8; 2]) -> Option<VR> {
    Some(match &letters {
        b"AE" => VR::AE,
        b"AS" => VR::AS,
        b"AT" => VR::AT,
        b"CS" => VR::CS,
        b"DA" => VR::DA,
        b"DS" => VR::DS,
        b"DT" => VR::DT,
        b"FD" => VR::FD,
        b"FL" => VR::FL,
        b"IS" => VR::IS,
        b"LO" => VR::LO,
        b"LT" => VR::LT,
        b"OB" => VR::OB,
        b"OD" => VR::OD,
        b"OF" => VR::OF,
        b"OL" => VR::OL,
        b"OV" => VR::OV,
        b"OW" => VR::OW,
        b"PN" => VR::PN,
        b"SH" => VR::SH,
        b"SL" => VR::SL,
        b"SQ" => VR::SQ,
        b"SS" => VR::SS,
        b"ST" => VR::ST,
        b"SV" => VR::SV,
        b"TM" => VR::TM,
        b"UC" => VR::UC,
        b"UI" => VR::UI,
        b"UL" => VR::UL,
        b"UN" => VR::UN,
        b"UR" => VR::UR,
        b"US" => VR::US,
        b"UT" => VR::UT,
        b"UV" => VR::UV,
        _ => return None,
    })
}

/// Whether the explicit header of a VR has two reserved bytes and a length of 32 bits (PS3.5 §7.1.2).
pub(super) fn has_long_header(vr: VR) -> bool {
    matches!(
        vr,
        VR::OB
            | VR::OD
            | VR::OF
            | VR::OL
            | VR::OV
            | VR::OW
            | VR::SQ
            | VR::SV
            | VR::UC
            | VR::UN
            | VR::UR
            | VR::UT
            | VR::UV
    )
}

/// Bytes of the unit that byte order turns round (PS3.5 §7.3); 1 where order does not matter. AT is a pair of
/// 16-bit numbers; OW is a string of 16-bit words, however many of them a sample takes.
pub(super) fn unit_size(vr: VR) -> usize {
    match vr {
        VR::US | VR::SS | VR::OW | VR::AT => 2,
        VR::UL | VR::SL | VR::FL | VR::OF | VR::OL => 4,
        VR::FD | VR::OD | VR::SV | VR::UV | VR::OV => 8,
        VR::AE
        | VR::AS
        | VR::CS
        | VR::DA
        | VR::DS
        | VR::DT
        | VR::IS
        | VR::LO
        | VR::LT
        | VR::OB
        | VR::PN
        | VR::SH
        | VR::SQ
        | VR::ST
        | VR::TM
        | VR::UC
        | VR::UI
        | VR::UN
        | VR::UR
        | VR::UT => 1,
    }
}

/// The byte that makes a value of odd length even (PS3.5 §6.2): NUL for UIDs and bytes, a space for text.
pub(super) fn padding(vr: VR) -> u8 {
    match vr {
        VR::AE
        | VR::AS
        | VR::CS
        | VR::DA
        | VR::DS
        | VR::DT
        | VR::IS
        | VR::LO
        | VR::LT
        | VR::PN
        | VR::SH
        | VR::ST
        | VR::TM
        | VR::UC
        | VR::UR
        | VR::UT => b' ',
        VR::AT
        | VR::FD
        | VR::FL
        | VR::OB
        | VR::OD
        | VR::OF
        | VR::OL
        | VR::OV
        | VR::OW
        | VR::SL
        | VR::SQ
        | VR::SS
        | VR::SV
        | VR::UI
        | VR::UL
        | VR::UN
        | VR::US
        | VR::UV => 0,
    }
}

/// Turns the bytes of each whole unit round. A remainder shorter than a unit stays as it is.
pub(super) fn swap_units(bytes: &mut [u8], unit: usize) {
    // Units of a size known at compile time are turned many at once.
    fn swap<const UNIT: usize>(bytes: &mut [u8]) {
        let (units, _) = bytes.as_chunks_mut::<UNIT>();
        units.iter_mut().for_each(|unit| unit.reverse());
    }
    match unit {
        2 => swap::<2>(bytes),
        4 => swap::<4>(bytes),
        8 => swap::<8>(bytes),
        _ => {}
    }
}

/// Whether the dictionary calls a tag a sequence.
pub(super) fn is_sequence(tag: Tag) -> bool {
    vr_of(tag) == Some(VirtualVr::Exact(VR::SQ))
}

/// A tag as one number that orders as tags do.
pub(super) fn rank(tag: Tag) -> u32 {
    u32::from(tag.group()) << 16 | u32::from(tag.element())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_vr_is_known_by_its_own_letters() {
        for letters in ["AE", "OV", "UN", "SQ", "UV", "UR", "UC"] {
            let bytes = letters.as_bytes();
            let vr = from_letters([bytes[0], bytes[1]]).expect(letters);
            assert_eq!(vr.to_string(), letters);
        }
        assert_eq!(from_letters(*b"ZZ"), None);
        assert_eq!(from_letters(*b"ob"), None);
    }

    #[test]
    fn units_are_turned_round_and_a_remainder_is_left() {
        let mut bytes = [1, 2, 3, 4, 5];
        swap_units(&mut bytes, 2);
        assert_eq!(bytes, [2, 1, 4, 3, 5]);
        swap_units(&mut bytes, 4);
        assert_eq!(bytes, [3, 4, 1, 2, 5]);
        swap_units(&mut bytes, 1);
        assert_eq!(bytes, [3, 4, 1, 2, 5]);
    }
}
