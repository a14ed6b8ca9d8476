//! `[burn_in]`: its keys, the font that it names, and whether that has a glyph for all that marks may say.
//!
//! The font is read with the configuration, so that it is taken with it or not at all, and reading it again reads the font
//! again.

use std::path::Path;
use std::sync::Arc;

use super::compile::{Placed, RegistryTables};
use super::credentials::{about, shown};
use super::decode::{Place, Table};
use super::mistake::{Fault, Mistake};
use super::model::{BurnIn, Mark, MarkedFrames, NoCorner};
use super::sections::path;
use super::source::{FONT_LIMIT, read_bytes};
use crate::base::units::parse_share;
use crate::recognition::{Alias, InstitutionRow, ScopeCode};
use crate::stamp::glyphs::{BadTypeface, Typeface};
use crate::stamp::layout::LayoutPolicy;
use crate::stamp::{PixelPolicy, StampMode, StampRow};

const FONT: &str =
    "the path of a TrueType or OpenType font (.ttf, .otf), or of a collection of them (.ttc)";
const MODALITY: &str = "a modality as (0008,0060) has it, such as \"CT\": 1 to 16 capital letters, digits, underscores";

/// How a mark is drawn, with the font that it is drawn in.
#[derive(Debug, Clone)]
pub struct Drawing {
    /// How.
    pub policy: PixelPolicy,
    /// The BLAKE3 hash of the file with the font; `None` for the typeface that the program brings along.
    pub font: Option<blake3::Hash>,
}

/// Reads `[burn_in]`; the place is for what its font lacks.
pub(super) fn section<'t>(
    mut table: Table<'t>,
    base: &Path,
    mistakes: &mut Vec<Mistake>,
) -> (BurnIn, Place<'t>) {
    let default = BurnIn::default();
    let font = table.parsed("font", FONT, |text| path(base, text));
    let font_index = table.whole("font_index", 0..=1023);
    if table.has("font_index") && !table.has("font") {
        table.fault("font", Fault::Missing { wanted: FONT });
    }
    let layout = LayoutPolicy {
        min_px: table.whole("min_height", 8..=256).unwrap_or(default.layout.min_px),
        min_share: share(&mut table, "min_height_share", (0, 5), default.layout.min_share),
        max_area: share(&mut table, "max_area", (0, 25), default.layout.max_area),
        max_width: share(&mut table, "max_width", (0, 100), default.layout.max_width),
        behind_shutter: table.flag("behind_shutter").unwrap_or(default.layout.behind_shutter),
    };
    let burn_in = BurnIn {
        font,
        font_index: font_index.unwrap_or(default.font_index),
        layout,
        frames: table.word("frames").unwrap_or(default.frames),
        no_corner: table.word("no_corner").unwrap_or(default.no_corner),
        except: table.list("except", true, MODALITY, modality).unwrap_or(default.except),
        for_processing: table.flag("for_processing").unwrap_or(default.for_processing),
        uid: table.word("uid").unwrap_or(default.uid),
        burned_in_annotation: table
            .word("burned_in_annotation")
            .unwrap_or(default.burned_in_annotation),
    };
    (burn_in, table.finish(mistakes))
}

/// A share of an image, within bounds in per cent.
fn share(table: &mut Table<'_>, key: &'static str, (least, most): (u8, u8), default: f64) -> f64 {
    let wanted = format!("a share from \"{least}%\" to \"{most}%\"");
    let lawful = f64::from(least) / 100.0..=f64::from(most) / 100.0;
    let parse = |text: &str| parse_share(text).filter(|share| lawful.contains(share));
    table.parsed(key, &wanted, parse).unwrap_or(default)
}

/// A Code String (PS3.5 §6.2), as modalities are written.
fn modality(text: &str) -> Option<String> {
    let good = |byte: u8| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'_';
    ((1..=16).contains(&text.len()) && text.bytes().all(good)).then(|| text.to_owned())
}

/// Reads the font, and puts it together with the rest. `None` when it cannot be used: that is a mistake.
pub(super) fn drawing(
    burn_in: &BurnIn,
    place: &Place<'_>,
    mistakes: &mut Vec<Mistake>,
) -> Option<Drawing> {
    let default = PixelPolicy::default();
    let (typeface, font) = match &burn_in.font {
        None => (default.typeface, None),
        Some(file) => {
            let (typeface, hash) = font(file, burn_in.font_index)
                .map_err(|(key, fault)| mistakes.push(place.mistake(key, fault)))
                .ok()?;
            (Some(Arc::new(typeface)), Some(hash))
        }
    };
    let policy = PixelPolicy {
        typeface,
        layout: burn_in.layout,
        every_frame: burn_in.frames == MarkedFrames::All,
        strip: burn_in.no_corner == NoCorner::Strip,
        kept: burn_in.except.clone(),
        for_processing: burn_in.for_processing,
        uid: burn_in.uid,
        annotation: burn_in.burned_in_annotation,
    };
    Some(Drawing { policy, font })
}

fn font(file: &Path, index: u32) -> Result<(Typeface, blake3::Hash), (&'static str, Fault)> {
    let bytes =
        read_bytes(file, FONT_LIMIT).map_err(|fault| ("font", about(file, &fault, FONT)))?;
    let hash = blake3::hash(&bytes);
    let refused = |fault: BadTypeface| {
        // Of a font by itself the index is not what is wrong.
        let (found, wanted) = (format!("{}: {fault}", shown(file)), FONT.to_owned());
        let key = if index == 0 { "font" } else { "font_index" };
        (key, Fault::Unusable { found, wanted })
    };
    Ok((Typeface::from_bytes(bytes, index).map_err(refused)?, hash))
}

/// Whether some object may get a mode that draws letters.
pub(super) fn is_drawn(mark: &Mark, stamps: &[StampRow]) -> bool {
    let draws = |mode: &StampMode| match mode {
        StampMode::BurnIn | StampMode::Strip | StampMode::Overlay => true,
        StampMode::Tag | StampMode::PresentationState => false,
    };
    mark.modes.iter().chain(stamps.iter().flat_map(|row| &row.modes)).any(draws)
}

/// Tells every character of a name, a mark or the separator that the typeface has no glyph for. The places are those of
/// `[mark]` and `[burn_in]`.
pub(super) fn check_glyphs(
    drawing: &Drawing,
    tables: &RegistryTables<'_>,
    mark: &Mark,
    (mark_place, place): (&Place<'_>, &Place<'_>),
    mistakes: &mut Vec<Mistake>,
) {
    let Some(typeface) = &drawing.policy.typeface else { return };
    let lacking = |text: &str| lacking(typeface, text);
    let built_in = [ScopeCode::BEIJING, ScopeCode::BEIJING_TIANJIN_HEBEI].concat();
    mistakes.extend(lacking(&built_in).map(|fault| place.mistake("font", fault)));
    let separator = lacking(&mark.policy.separator);
    mistakes.extend(separator.map(|fault| mark_place.mistake("separator", fault)));
    each(&tables.scopes, mistakes, |row| vec![("code", lacking(&row.code))]);
    each(&tables.institutions, mistakes, |row| {
        drawn(row).into_iter().map(|(key, text)| (key, lacking(text))).collect()
    });
}

/// What is drawn of an institution: its names, and the former ones that its older images bear.
fn drawn(row: &InstitutionRow) -> Vec<(&'static str, &str)> {
    let InstitutionRow { id: _, name, short_name, latin_name, aliases } = row;
    let names = [
        ("name", Some(name)),
        ("short_name", short_name.as_ref()),
        ("latin_name", latin_name.as_ref()),
    ];
    let names = names.into_iter().filter_map(|(key, name)| Some((key, name?.as_str())));
    let former = aliases.iter().filter(|alias| alias.is_dated());
    let former = former.map(|alias: &Alias| ("aliases", alias.name.as_str()));
    names.chain(former).collect()
}

fn each<T>(
    rows: &Placed<'_, T>,
    mistakes: &mut Vec<Mistake>,
    faults: impl Fn(&T) -> Vec<(&'static str, Option<Fault>)>,
) {
    for (index, row) in rows.rows.iter().enumerate() {
        for (key, fault) in faults(row) {
            if let Some(fault) = fault {
                rows.mistake(index, key, fault, mistakes);
            }
        }
    }
}

fn lacking(typeface: &Typeface, text: &str) -> Option<Fault> {
    let missing = typeface.missing(text);
    if missing.is_empty() {
        return None;
    }
    let named = |c: &char| format!("{c:?} (U+{:04X})", u32::from(*c));
    let missing: Vec<String> = missing.iter().map(named).collect();
    Some(Fault::Unusable {
        found: format!("the typeface that marks are drawn in has no {}", missing.join(", ")),
        wanted: "a [burn_in] font that has all characters, or modes that draw none".to_owned(),
    })
}
