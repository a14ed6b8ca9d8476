//! What the statement says of text in pixels and overlays.

use super::{fixed, table};
use crate::codec::{Coding, Syntax};
use crate::config::{BurnIn, Configuration, MarkedFrames, NoCorner};
use crate::dicom::sop_class::{STORAGE_CLASSES, name};
use crate::dicom::transfer_syntax::LISTED;
use crate::stamp::{BurnedInAnnotation, StampMode, UidPolicy, forbids_text, may_have_overlays};

/// Every mode that some object may get, the strongest first.
pub(super) fn modes(configuration: &Configuration) -> Vec<StampMode> {
    let rows = configuration.stamps.iter().flat_map(|row| &row.modes);
    let asked: Vec<&StampMode> = configuration.mark.modes.iter().chain(rows).collect();
    let all = StampMode::WORDS.into_iter().map(|(_, mode)| mode);
    all.filter(|mode| asked.contains(&mode)).collect()
}

/// What holds of pixels.
pub(super) fn pixels(configuration: &Configuration) -> String {
    let draws = |mode: &StampMode| match mode {
        StampMode::BurnIn | StampMode::Strip | StampMode::Overlay => true,
        StampMode::Tag | StampMode::PresentationState => false,
    };
    if !modes(configuration).iter().any(draws) {
        return "UIDs and pixels are never changed.\n".to_owned();
    }
    let burn_in = &configuration.burn_in;
    format!(
        "Where the mark is drawn, these differ beside them:\n\n{changed}\n\
         Outside the letters and their outline no pixel changes. (0008,2111), (0028,0010), (0028,0106/0107) and (0028,0301) are \
         recorded in the Original Attributes Sequence where they were there before. {uid}\n\n\
         {rules}\n{syntaxes}\n\
         A frame that is coded anew keeps what its decoder can tell of how it was coded; where that cannot be kept, or where what \
         comes out is not exactly what was to be drawn, the frame is left, and the object gets the next mode. The order is \
         burn-in, strip, overlay, presentation-state, tag.\n\n\
         The same object gives the same UIDs, times and bytes each time it is sent: UIDs follow from those that came, times are \
         those of the verdict, and frames that were coded anew are kept until the object is removed.\n",
        changed = changed(burn_in),
        uid = uid(burn_in),
        rules = rules(burn_in),
        syntaxes = syntaxes(),
    )
}

fn changed(burn_in: &BurnIn) -> String {
    let annotation = match burn_in.burned_in_annotation {
        BurnedInAnnotation::Definition => {
            "as it was; NO where the class requires it and it was missing: the text identifies no patient (PS3.3 C.7.6.1.1.5)"
        }
        BurnedInAnnotation::Yes => "YES",
    };
    let frames = match burn_in.frames {
        MarkedFrames::All => "of every frame",
        MarkedFrames::First => "of the first frame",
    };
    let samples = format!("the samples {frames} under the letters and their outline");
    fixed(
        ["mode", "attribute", "change"],
        &[
            ["burn-in", "(7FE0,0010) Pixel Data", samples.as_str()],
            [
                "strip",
                "(7FE0,0010) Pixel Data",
                "rows with the text behind the last of every frame",
            ],
            ["strip", "(0028,0010) Rows", "the number of them added"],
            [
                "burn-in, strip",
                "(0028,0106/0107) Smallest, Largest Image Pixel Value",
                "widened where they are there and the letters are beyond",
            ],
            [
                "burn-in, strip",
                "(0088,0200) Icon Image Sequence",
                "removed: it shows the image as it was",
            ],
            [
                "burn-in, strip",
                "(0008,2111) Derivation Description",
                "text, mode, place and program, behind what it says already",
            ],
            ["burn-in, strip", "(0028,0301) Burned In Annotation", annotation],
            [
                "burn-in, strip",
                "Basic Offset Table, (7FE0,0001/0002)",
                "where the frames are, where a table is there; a frame that is coded anew is one fragment",
            ],
            [
                "overlay",
                "(60xx,0010/0011/0022/0040/0045/0050/0100/0102/1500/3000)",
                "a plane of the size of the text in the first free group of 6000 to 601E: type G, subtype AUTOMATED, label MRMARK",
            ],
        ],
    )
}

fn uid(burn_in: &BurnIn) -> &'static str {
    match burn_in.uid {
        UidPolicy::Keep => {
            "The SOP Instance UID stays; an image of which another version went out under it, or may, is not drawn on."
        }
        UidPolicy::Derive => {
            "The image gets a SOP Instance UID (0008,0018) and a Series Instance UID (0020,000E) that follow from those it came \
             with and the mark; Image Type (0008,0008) begins with DERIVED, Instance Creation Date and Time (0008,0012/0013) \
             are those of the verdict, 9000 is added to Series Number (0020,0011), the mark stands behind Series Description \
             (0008,103E), and an item is appended to the Source Image Sequence (0008,2112) that names the image that came."
        }
    }
}

fn rules(burn_in: &BurnIn) -> String {
    let named = |belongs: fn(&str) -> bool| {
        let classes = STORAGE_CLASSES.iter().filter(|uid| belongs(uid));
        classes.map(|uid| name(uid)).collect::<Vec<_>>().join(", ")
    };
    let kept = match burn_in.except.as_slice() {
        [] => "none".to_owned(),
        modalities => modalities.join(", "),
    };
    let processing = if burn_in.for_processing { "" } else { "; images FOR PROCESSING" };
    let shutter = if burn_in.layout.behind_shutter { "" } else { ", within any display shutter" };
    let corner = match burn_in.no_corner {
        NoCorner::Strip => "strip",
        NoCorner::Next => "overlay",
    };
    table(
        ["rule", "value"],
        [
            (
                "text stands",
                format!("in a corner that shows nothing in any frame looked at{shutter}"),
            ),
            ("where no corner is free, burn-in falls to", corner.to_owned()),
            ("pixels stay as they are: modalities", format!("{kept}{processing}")),
            ("pixels stay as they are: classes that forbid text", named(forbids_text)),
            ("overlays are put into", named(may_have_overlays)),
        ]
        .map(|(rule, value)| [rule.to_owned(), value]),
    )
}

fn syntaxes() -> String {
    let row = |uid: &str, name: &str| {
        let (burn_in, strip) = match Syntax::of(uid).map(Syntax::coding) {
            None => ("no: not decoded here", "no"),
            Some(Coding::Native) => ("samples are overwritten where they stand", "rows are put in"),
            Some(Coding::Lossless) => (
                "each frame is decoded, drawn on, coded the same way again, decoded once more and compared; rows of JPEG Lossless that can be coded by themselves are, and all bits around them compared",
                "likewise",
            ),
            Some(Coding::Blocks) => (
                "the 8 by 8 blocks under the text are coded anew, all others keep their coefficients",
                "no: lossy",
            ),
            Some(Coding::Lossy) => ("no: coding it again would lose more", "no"),
        };
        [name.to_owned(), burn_in.to_owned(), strip.to_owned()]
    };
    let drawn = LISTED.iter().filter(|(uid, _, _)| Syntax::of(uid).is_some());
    let rows = drawn.map(|(uid, name, _)| row(uid, name));
    let rest = row("", "all others, video among them");
    table(["transfer syntax", "burn-in", "strip"], rows.chain([rest]))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn drawing(mode: StampMode) -> Configuration {
        let mut configuration = Configuration::default();
        configuration.mark.modes.push(mode);
        configuration
    }

    #[test]
    fn pixels_are_spoken_of_where_they_may_change() {
        let quiet = "UIDs and pixels are never changed.\n";
        assert_eq!(pixels(&Configuration::default()), quiet);
        assert_eq!(pixels(&drawing(StampMode::PresentationState)), quiet);
        for mode in [StampMode::BurnIn, StampMode::Strip, StampMode::Overlay] {
            let text = pixels(&drawing(mode));
            assert!(text.contains("(60xx,0010/"), "{text}");
            assert!(!text.contains(quiet), "{text}");
        }
    }

    #[test]
    fn the_statement_at_large_names_the_same_attributes() {
        let at_large = include_str!("../../../CONFORMANCE.md");
        let changed = changed(&BurnIn::default());
        let attributes: Vec<&str> =
            changed.lines().skip(2).filter_map(|line| line.split('|').nth(2)).collect();
        assert_eq!(attributes.len(), 9, "{changed}");
        for attribute in attributes {
            assert!(at_large.contains(attribute), "{attribute} is not in CONFORMANCE.md");
        }
    }

    #[test]
    fn it_says_how_the_site_draws() {
        let mut configuration = drawing(StampMode::BurnIn);
        let said = |configuration: &Configuration, words: &[&str]| {
            let text = pixels(configuration);
            for words in words {
                assert!(text.contains(words), "{words} in\n{text}");
            }
        };
        said(
            &configuration,
            &[
                "| CT, MR, PT, NM; images FOR PROCESSING |",
                "burn-in falls to | strip |",
                "of every frame",
                "SOP Instance UID stays",
                "within any display shutter",
                "| Enhanced CT Image Storage, ",
                "| JPEG Baseline (Process 1) | the 8 by 8 blocks",
                "| JPEG 2000 Image Compression | no: coding it again",
            ],
        );
        configuration.burn_in = BurnIn {
            frames: MarkedFrames::First,
            no_corner: NoCorner::Next,
            except: Vec::new(),
            for_processing: true,
            uid: UidPolicy::Derive,
            burned_in_annotation: BurnedInAnnotation::Yes,
            ..configuration.burn_in
        };
        said(
            &configuration,
            &[
                "modalities | none |",
                "burn-in falls to | overlay |",
                "of the first frame",
                "begins with DERIVED",
                "(0028,0301) Burned In Annotation | YES |",
            ],
        );
    }
}
