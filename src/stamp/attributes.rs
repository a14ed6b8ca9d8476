//! Mode `tag`: the mark behind the institution's name; and the record of every change, whatever mode it is of.
//!
//! Institution Name (0008,0080) is a value that a receiving application may coerce without a new SOP Instance UID; what it
//! was before goes to the Original Attributes Sequence (PS3.3 C.12.1.1.9), who changed it to the Contributing Equipment
//! Sequence (PS3.3 C.12.1.1.5).

use crate::base::time::dicom_datetime;
use crate::dicom::attribute::AttributePath;
use crate::dicom::charset::CharacterSet;
use crate::dicom::{Tag, VR, tags};
use crate::object::HeaderView;
use crate::object::edit::{EditFault, EditPlan, Editor, NewElement};
use crate::recognition::{NAME_LIMIT, Outcome, ScopeCode, Treatment};

use super::character_set::widened;
use super::honest;
use super::name::{MarkLine, fitting, latin};
use super::pixels::Drawn;
use super::private_block::{Block, Field};
use super::{Job, Obstacle, StampMode};

/// Who made the device that changed the object, and what it is called.
pub(super) const PRODUCT: &str = "markgate";

/// The new Institution Name, and what it takes to write it.
struct Naming {
    /// The name alone, as bytes.
    clean: Vec<u8>,
    /// The whole value.
    value: Vec<u8>,
    /// The set to declare, where the declared one cannot hold it.
    declaration: Option<String>,
    rewritten: Vec<(AttributePath, NewElement)>,
    /// The set that the data set has in the end.
    set: CharacterSet,
    why: Why,
}

/// Reason for the Attribute Modification (0400,0565).
#[derive(Clone, Copy, PartialEq, Eq)]
enum Why {
    /// A right value was extended.
    Coerce,
    /// The value was wrong or empty.
    Correct,
}

/// The changes: the mark put behind the name where `shown` has [`StampMode::Tag`], what other modes have drawn, and the record of
/// both; or an undue mark taken off; or nothing.
pub(super) fn plan(
    job: &Job<'_>,
    shown: &[StampMode],
    drawn: &mut [Drawn],
) -> Result<EditPlan, Obstacle> {
    let treatment = job.decision.existing_mark.as_ref().map(|mark| mark.treatment);
    let is_named = match (&job.decision.outcome, treatment) {
        (Outcome::Mark(_), Some(Treatment::Keep))
        | (Outcome::NoMark(_), Some(Treatment::Keep | Treatment::Replace) | None) => false,
        (Outcome::Mark(_), Some(Treatment::Replace | Treatment::Strip) | None) => {
            shown.contains(&StampMode::Tag)
        }
        (Outcome::NoMark(_), Some(Treatment::Strip)) => true,
    };
    if !is_named && drawn.is_empty() {
        return Ok(EditPlan::none());
    }
    if is_signed(job.view) {
        return Err(Obstacle::Signed);
    }
    let naming = if is_named { Some(naming(job)?) } else { None };
    record(job, naming, shown, drawn)
}

/// The modes in which an earlier pass has drawn this mark, as its record says.
pub(super) fn drawn_before(job: &Job<'_>, mark: &ScopeCode) -> Vec<StampMode> {
    let Some(block) = Block::existing(job.view) else { return Vec::new() };
    let values = |field| {
        let element = job.view.find(block.tag(field));
        element.map(|element| job.view.strings(element)).unwrap_or_default()
    };
    if values(Field::Mark).first().is_none_or(|written| written != mark.as_str()) {
        return Vec::new();
    }
    let modes = values(Field::Mode);
    let is_written = |mode: &StampMode| modes.contains(&mode.as_code());
    let drawing = [StampMode::BurnIn, StampMode::Strip, StampMode::Overlay];
    drawing.into_iter().filter(is_written).collect()
}

/// Whether any data set or item carries a digital signature: what it covers cannot be told without verifying it.
fn is_signed(view: &HeaderView) -> bool {
    let signatures = [tags::MAC_PARAMETERS_SEQUENCE, tags::DIGITAL_SIGNATURES_SEQUENCE];
    view.elements().iter().any(|element| signatures.contains(&element.tag))
}

fn naming(job: &Job<'_>) -> Result<Naming, Obstacle> {
    let Job { view, decision, names, policy, read_as, .. } = job;
    let declared = view.charset();
    let Outcome::Mark(mark) = &decision.outcome else {
        return stripped(job, declared);
    };
    let is_right = decision.existing_mark.is_none() && has_name(view);
    let why = if is_right { Why::Coerce } else { Why::Correct };
    let written = |line: &MarkLine, set: &CharacterSet| {
        let encoded = |text: &str| set.encode(text, VR::LO).ok();
        Some((encoded(&line.name)?, encoded(&line.text)?))
    };
    // Where the source's text is read otherwise than declared, both readings must come to the same.
    let agreed = |line: &MarkLine| {
        written(line, &declared).filter(|as_declared| {
            **read_as == declared || written(line, read_as).as_ref() == Some(as_declared)
        })
    };
    let line = fitting(names, &policy.separator, mark)?;
    if let Some((clean, value)) = agreed(&line) {
        let rewritten = Vec::new();
        return Ok(Naming { clean, value, declaration: None, rewritten, set: declared, why });
    }
    let may_widen = **read_as == declared;
    let widened = may_widen.then(|| widened(view, &declared, policy.charset, &line.text)).flatten();
    if let Some(widened) = widened
        && let Some((clean, value)) = written(&line, &widened.set)
    {
        let declaration = Some(widened.set.declaration().to_owned());
        let rewritten = widened.rewritten;
        return Ok(Naming { clean, value, declaration, rewritten, set: widened.set, why });
    }
    let line = latin(names, &policy.separator, mark).ok_or(Obstacle::NotEncodable)?;
    let (clean, value) = agreed(&line).ok_or(Obstacle::NotEncodable)?;
    Ok(Naming { clean, value, declaration: None, rewritten: Vec::new(), set: declared, why })
}

/// The name without the mark that it came with, in the bytes that it came in.
fn stripped(job: &Job<'_>, declared: CharacterSet) -> Result<Naming, Obstacle> {
    let mark = job.decision.existing_mark.as_ref();
    let stem = mark.map(|mark| mark.found.stem.as_str()).unwrap_or_default();
    let clean = job.read_as.encode(stem, VR::LO).map_err(|_| Obstacle::NotEncodable)?;
    Ok(Naming {
        value: clean.clone(),
        clean,
        declaration: None,
        rewritten: Vec::new(),
        set: declared,
        why: Why::Correct,
    })
}

fn has_name(view: &HeaderView) -> bool {
    let bytes = view.find(tags::INSTITUTION_NAME).and_then(|element| view.bytes(element));
    bytes.is_some_and(|bytes| bytes.iter().any(|byte| !matches!(byte, b' ' | 0)))
}

fn record(
    job: &Job<'_>,
    naming: Option<Naming>,
    shown: &[StampMode],
    drawn: &mut [Drawn],
) -> Result<EditPlan, Obstacle> {
    let view = job.view;
    let existing = Block::existing(view);
    let block = existing.map_or_else(|| Block::first_free(view), Ok)?;
    let when = dicom_datetime(job.now, job.policy.timezone);
    let set = naming.as_ref().map_or_else(|| view.charset(), |naming| naming.set.clone());
    let honest = honest::elements(job, &set, drawn, &when)?;

    let mut modified = Vec::new();
    let mut editor = Editor::new(view);
    if let Some(naming) = &naming {
        modified.push(original(view, tags::INSTITUTION_NAME, VR::LO)?);
        if let Some(declaration) = &naming.declaration {
            // An item with a set of its own is read in it, so the old bytes in it mean what they meant.
            modified.push(original(view, tags::SPECIFIC_CHARACTER_SET, VR::CS)?);
            let set = NewElement::new(tags::SPECIFIC_CHARACTER_SET, VR::CS, declaration.as_str());
            editor.set(&AttributePath::top(set.tag), set)?;
        }
        let name = NewElement::new(tags::INSTITUTION_NAME, VR::LO, naming.value.clone());
        editor.set(&AttributePath::top(name.tag), name)?;
    }
    if existing.is_some() {
        modified.extend(block.recorded(view));
    }
    editor.set(&AttributePath::top(block.creator_tag()), block.creator())?;
    for element in private_elements(job, block, &set, shown, &when) {
        editor.set(&AttributePath::top(element.tag), element)?;
    }
    for (path, element) in naming.iter().flat_map(|naming| &naming.rewritten) {
        if path.steps.is_empty() && path.tag == tags::INSTITUTION_NAME {
            continue;
        }
        editor.set(path, element.clone())?;
    }
    let changed = drawn.iter().flat_map(|drawn| &drawn.elements).chain(&honest.elements);
    for element in changed {
        let is_sequence = element.vr == VR::SQ;
        if view.find(element.tag).is_some() && !is_sequence {
            modified.push(original(view, element.tag, element.vr)?);
        }
        editor.set(&AttributePath::top(element.tag), element.clone())?;
    }
    for (sequence, item) in honest.items {
        editor.append_item(&AttributePath::top(sequence), item)?;
    }
    modified.sort_by_key(|element| element.tag);
    modified.dedup_by_key(|element| element.tag);
    if !modified.is_empty() {
        let why = naming.as_ref().map_or(Why::Coerce, |naming| naming.why);
        let sequence = AttributePath::top(tags::ORIGINAL_ATTRIBUTES_SEQUENCE);
        editor.append_item(&sequence, original_attributes(job, why, modified, &when))?;
    }
    let sequence = AttributePath::top(tags::CONTRIBUTING_EQUIPMENT_SEQUENCE);
    let clean = match naming {
        Some(naming) => naming.clean,
        None => original_bytes(view, tags::INSTITUTION_NAME)?.to_vec(),
    };
    editor.append_item(&sequence, equipment(job, clean, shown, &when))?;
    let plan = assembled(view, editor, drawn)?;
    Ok(match honest.instance {
        Some(instance) => plan.renamed(instance),
        None => plan,
    })
}

/// The plan of the editor, with what was drawn.
fn assembled(
    view: &HeaderView,
    mut editor: Editor<'_>,
    drawn: &mut [Drawn],
) -> Result<EditPlan, Obstacle> {
    for drawn in drawn.iter() {
        for tag in &drawn.removed {
            editor.remove(&AttributePath::top(*tag))?;
        }
        if let Some((starts, lengths)) = &drawn.extended_offsets {
            let tables = [
                (tags::EXTENDED_OFFSET_TABLE, starts),
                (tags::EXTENDED_OFFSET_TABLE_LENGTHS, lengths),
            ];
            for (tag, value) in tables {
                if view.find(tag).is_some_and(|element| element.length() > 0) {
                    let table = NewElement::new(tag, VR::OV, value.clone());
                    editor.set(&AttributePath::top(tag), table)?;
                }
            }
        }
        if let Some(pixels) = view.find(tags::PIXEL_DATA).filter(|_| drawn.growth != 0) {
            editor.grow(pixels, drawn.growth)?;
        }
    }
    let mut plan = editor.finish()?;
    for drawn in drawn {
        let changed = plan
            .edited(std::mem::take(&mut drawn.edits))
            .and_then(|plan| {
                if drawn.patches.is_empty() {
                    Ok(plan)
                } else {
                    plan.patched(std::mem::take(&mut drawn.patches))
                }
            })
            .and_then(|plan| match drawn.fillings.take() {
                Some((made, fillings)) => plan.filled(made, fillings),
                None => Ok(plan),
            });
        plan = changed.map_err(EditFault::Conflict)?;
    }
    Ok(plan)
}

/// An element as it was before: its bytes as they stood, none where it was absent.
fn original(view: &HeaderView, tag: Tag, vr: VR) -> Result<NewElement, Obstacle> {
    Ok(NewElement::new(tag, vr, original_bytes(view, tag)?))
}

fn original_bytes(view: &HeaderView, tag: Tag) -> Result<&[u8], Obstacle> {
    match view.find(tag) {
        None => Ok(&[]),
        Some(element) if element.length() == 0 => Ok(&[]),
        Some(element) => view.bytes(element).ok_or(Obstacle::NameNotKept),
    }
}

/// An item of the Original Attributes Sequence (PS3.3 table C.12-1).
fn original_attributes(
    job: &Job<'_>,
    why: Why,
    modified: Vec<NewElement>,
    when: &str,
) -> Vec<NewElement> {
    let source = job.provenance.source.as_ref().map(|source| source.as_str());
    let system = format!("{PRODUCT} {} {}", job.provenance.version, job.provenance.ae);
    let reason = match why {
        Why::Coerce => "COERCE",
        Why::Correct => "CORRECT",
    };
    vec![
        NewElement::sequence(tags::MODIFIED_ATTRIBUTES_SEQUENCE, vec![modified]),
        NewElement::new(tags::ATTRIBUTE_MODIFICATION_DATE_TIME, VR::DT, when),
        NewElement::new(tags::MODIFYING_SYSTEM, VR::LO, cut(&system)),
        NewElement::new(tags::SOURCE_OF_PREVIOUS_VALUES, VR::LO, source.unwrap_or_default()),
        NewElement::new(tags::REASON_FOR_THE_ATTRIBUTE_MODIFICATION, VR::CS, reason),
    ]
}

/// An item of the Contributing Equipment Sequence (PS3.3 table C.12-1). `name` is the institution's, without mark.
fn equipment(job: &Job<'_>, name: Vec<u8>, shown: &[StampMode], when: &str) -> Vec<NewElement> {
    let drawn: Vec<&str> = shown.iter().map(|mode| mode.as_str()).collect();
    let text = match &job.decision.outcome {
        Outcome::Mark(scope) if drawn == ["tag"] => {
            format!("Mutual recognition mark {scope} put to Institution Name")
        }
        Outcome::Mark(scope) => {
            format!("Mutual recognition mark {scope} shown as {}", drawn.join(", "))
        }
        Outcome::NoMark(reason) => {
            format!("Mutual recognition mark taken off Institution Name: {reason}")
        }
    };
    // PS3.16 CID 7005: 109103 is Modifying Equipment.
    let purpose = vec![
        NewElement::new(tags::CODE_VALUE, VR::SH, "109103"),
        NewElement::new(tags::CODING_SCHEME_DESIGNATOR, VR::SH, "DCM"),
        NewElement::new(tags::CODE_MEANING, VR::LO, "Modifying Equipment"),
    ];
    vec![
        NewElement::sequence(tags::PURPOSE_OF_REFERENCE_CODE_SEQUENCE, vec![purpose]),
        NewElement::new(tags::MANUFACTURER, VR::LO, PRODUCT),
        NewElement::new(tags::INSTITUTION_NAME, VR::LO, name),
        NewElement::new(tags::STATION_NAME, VR::SH, job.provenance.ae.as_str()),
        NewElement::new(tags::MANUFACTURER_MODEL_NAME, VR::LO, PRODUCT),
        NewElement::new(tags::SOFTWARE_VERSIONS, VR::LO, cut(&job.provenance.version)),
        NewElement::new(tags::CONTRIBUTION_DATE_TIME, VR::DT, when),
        NewElement::new(tags::CONTRIBUTION_DESCRIPTION, VR::ST, text),
    ]
}

/// The elements of the private block. `set` is the character set of the data set.
fn private_elements(
    job: &Job<'_>,
    block: Block,
    set: &CharacterSet,
    shown: &[StampMode],
    when: &str,
) -> Vec<NewElement> {
    let decision = job.decision;
    let mark = decision.mark().map(|mark| mark.as_str()).unwrap_or_default();
    let used = decision.accreditation.as_ref();
    let label = used.map(|row| row.label.as_str()).unwrap_or_default();
    let valid_to = used.and_then(|row| row.valid_to);
    let valid_to = valid_to.map(|day| day.strftime("%Y%m%d").to_string()).unwrap_or_default();
    let (outcome, mode) = match &decision.outcome {
        Outcome::Mark(_) => {
            let codes: Vec<String> = shown.iter().map(|mode| mode.as_code()).collect();
            ("MARK", codes.join("\\"))
        }
        Outcome::NoMark(_) => ("NONE", String::new()),
    };
    let items: Vec<&str> = decision.items.iter().map(|item| item.as_str()).collect();
    let text = |values: &[&str]| long_strings(values, set);
    vec![
        block.element(Field::Mark, mark),
        block.element(Field::Scope, mark),
        block.element(Field::Items, text(&items)),
        block.element(Field::Accreditation, text(&[label])),
        block.element(Field::ValidTo, valid_to),
        block.element(Field::Decision, outcome),
        block.element(Field::Rules, text(&[&job.provenance.rules])),
        block.element(Field::Decided, when),
        block.element(Field::Mode, mode),
    ]
}

/// Values of VR LO, one behind the other. A value that the set cannot hold is left empty: the ledger has it, and a mark
/// is not refused for the sake of a note.
fn long_strings(values: &[&str], set: &CharacterSet) -> Vec<u8> {
    let encoded = values.iter().map(|value| set.encode(&cut(value), VR::LO).unwrap_or_default());
    encoded.collect::<Vec<_>>().join(&b'\\')
}

/// At most as many characters as VR LO holds.
pub(super) fn cut(text: &str) -> String {
    text.chars().take(NAME_LIMIT).collect()
}
