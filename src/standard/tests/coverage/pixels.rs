//! Decoded pixels.

use super::*;
use crate::dicom::{VR, tags};
use crate::phantom::{Retouch, Value as Element};
use Severity::{Block, Info, Warn};

const RLE_LOSSLESS: &str = "1.2.840.10008.1.2.5";
/// MPEG-4 AVC/H.264, which nothing here decodes.
const VIDEO: &str = "1.2.840.10008.1.2.4.102";

/// Large enough that there is something to be seen.
fn seen(kind: Kind) -> Specimen {
    phantom(kind).size(256, 256)
}

fn touched(kind: Kind, retouch: Retouch) -> Example {
    Example::from(seen(kind).retouch(retouch)).named(&format!("{kind:?}, {retouch:?}"))
}

pub(super) fn cases() -> Vec<Case> {
    let rle = || seen(Kind::Ct).transfer_syntax_of(RLE_LOSSLESS);
    let clipped = || seen(Kind::Dx).retouch(Retouch::Clipped);
    let padding = |value: u16| {
        let blank = seen(Kind::Ct).retouch(Retouch::Blank(0));
        blank.set(tags::PIXEL_PADDING_VALUE, VR::US, Element::Shorts(vec![value]))
    };
    vec![
        Case::of("IMG-PIX-004")
            .passes(seen(Kind::Ct))
            .passes(rle())
            .fails(Block, rle().retouch(Retouch::Undecodable))
            .not_applicable(seen(Kind::UsMultiFrame).transfer_syntax_of(VIDEO)),
        Case::of("PIX-001")
            .passes(seen(Kind::Ct))
            .passes(seen(Kind::SecondaryCapture))
            .fails(Block, touched(Kind::Ct, Retouch::Blank(7)))
            .fails(Block, touched(Kind::Xa, Retouch::Blank(0))),
        Case::of("PIX-002").passes(seen(Kind::Ct)).passes(padding(1)).fails(Block, padding(0)),
        Case::of("PIX-003")
            .passes(seen(Kind::Mr))
            .fails(Warn, touched(Kind::Mr, Retouch::Flat))
            .not_applicable(touched(Kind::Mr, Retouch::Blank(7))),
        Case::of("PIX-004")
            .passes(seen(Kind::Dx))
            .passes(seen(Kind::Mg))
            .fails(Warn, clipped())
            .fails(Block, clipped().text(tags::DEVIATION_INDEX, "4")),
        Case::of("PIX-005")
            .passes(seen(Kind::Ct))
            .fails(Warn, touched(Kind::Ct, Retouch::StrayBits))
            .not_applicable(rle()),
        Case::of("PIX-006")
            .passes(seen(Kind::Ct))
            .passes(seen(Kind::Mr))
            .passes(seen(Kind::Mg))
            .fails(Block, touched(Kind::Ct, Retouch::LostRows))
            .fails(Block, touched(Kind::Dx, Retouch::LostColumns))
            .fails(Block, touched(Kind::Dx, Retouch::Interrupted))
            .fails(Block, touched(Kind::Ct, Retouch::Interrupted)),
        Case::of("PIX-007")
            .passes(seen(Kind::Ct))
            .passes(seen(Kind::EnhancedCt))
            .fails(Warn, seen(Kind::Ct).text(tags::RESCALE_INTERCEPT, "0"))
            .fails(Warn, seen(Kind::Ct).text(tags::RESCALE_SLOPE, "5"))
            .fails(Warn, touched(Kind::Ct, Retouch::Hard))
            .not_applicable(seen(Kind::Ct).text(tags::RESCALE_TYPE, "US")),
        Case::of("PIX-010")
            .passes(seen(Kind::Ct))
            .fails(
                Warn,
                seen(Kind::Ct).text(tags::WINDOW_CENTER, "9000").text(tags::WINDOW_WIDTH, "10"),
            )
            .not_applicable(seen(Kind::Ct).without(tags::WINDOW_CENTER)),
        Case::of("PIX-011")
            .passes(seen(Kind::Mr))
            .passes(seen(Kind::Us))
            .fails(Warn, touched(Kind::Mr, Retouch::Noise))
            .fails(Warn, touched(Kind::Mr, Retouch::Bare))
            .fails(Warn, touched(Kind::Mr, Retouch::Hard)),
        Case::of("PIX-012")
            .passes(seen(Kind::Dx))
            .passes(seen(Kind::Cr))
            .fails(Warn, touched(Kind::Dx, Retouch::Hard)),
        Case::of("PIX-013")
            .passes(seen(Kind::Mg))
            .passes(seen(Kind::Ct))
            .fails(Warn, touched(Kind::Mg, Retouch::Inverted))
            .fails(Warn, seen(Kind::Mg).text(tags::PRESENTATION_LUT_SHAPE, "INVERSE")),
        Case::of("PIX-014")
            .passes(seen(Kind::Xa).frames(4))
            .fails(Warn, touched(Kind::Xa, Retouch::Still))
            .not_applicable(seen(Kind::Ct)),
        Case::of("PIX-016")
            .passes(seen(Kind::Ct))
            .fails(Info, Example::from(seen(Kind::Ct)).where_parameter("pixel_memory_budget", 0)),
    ]
}
