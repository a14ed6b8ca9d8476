//! The gate's look at its own output, before anything is sent: does the plan do what was decided, and nothing else?
//!
//! The elements that a plan is about are put together as they will go out and read again, by the reader that reads what
//! modalities send. Nothing is asked of those who made the plan. It costs microseconds: what a plan does not touch is passed
//! on byte for byte by whoever sends it, and pixels are told apart by where they stand.
//!
//! A promise that would not be kept costs the mark, never the object.

use std::io::Read as _;

use crate::base::limits::Limits;
use crate::dicom::attribute::number_of;
use crate::dicom::charset::CharacterSet;
use crate::dicom::transfer_syntax::TransferSyntax;
use crate::dicom::{Tag, VR, tags};
use crate::object::edit::EditPlan;
use crate::object::{Element, End, HeaderView, scan_reader};
use crate::recognition::{Names, Outcome, ScopeCode, Treatment};
use crate::standard::{Authority, Finding, Principle, Severity};

use super::extent::stay_within;
use super::name::lines;
use super::private_block::{Block, Field};
use super::raster::Raster;
use super::wording::Wording;
use super::{Job, Stamp, StampMode, UidPolicy};

/// A promise that what would go out does not keep.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Broken {
    /// Institution Name does not end with the mark that was decided on, or bears one where none is due.
    Name,
    /// The mark is none that is in use here, or not the one that was decided on.
    Scope,
    /// The ways in which the mark is shown do not say the same.
    Wording,
    /// The change is not recorded in full.
    Record,
    /// An element is changed that is none of those promised.
    Element(Tag),
    /// What is said of lossy compression is changed.
    Lossy,
    /// The UIDs are not those that the site asks for.
    Instance,
    /// What would go out cannot be read.
    Unreadable,
}

impl Broken {
    /// The rule that it breaks.
    #[must_use]
    pub fn rule(self) -> &'static str {
        match self {
            Self::Name => "MRK-001",
            Self::Scope => "MRK-002",
            Self::Wording => "MRK-003",
            Self::Record => "MRK-011",
            Self::Element(_) | Self::Unreadable => "STP-003",
            Self::Lossy => "IMG-CMPR-004",
            Self::Instance => "STP-006",
        }
    }

    /// What is found on an object whose mark it costs.
    #[must_use]
    pub fn finding(self) -> Finding {
        let (principle, authority, zh, en) = match self {
            Self::Name => (
                Principle::Standardization,
                Authority::Standard,
                "加盖后的机构名称 (0008,0080) 与决定不符：应恰好以一个应有的互认标识结尾，或不含标识".to_owned(),
                "Institution Name (0008,0080) would not end with the one mark that is due, or would bear one that is not".to_owned(),
            ),
            Self::Scope => (
                Principle::Accuracy,
                Authority::Standard,
                "互认标识不是本院启用的范围，或与判定结果不同".to_owned(),
                "the mark is of no scope in use here, or not the one that was decided on".to_owned(),
            ),
            Self::Wording => (
                Principle::Consistency,
                Authority::Judgement,
                "机构名称、私有记录与图像内文字中的互认标识不一致，应相同".to_owned(),
                "name, private record and drawn text would not bear the same mark; one is expected".to_owned(),
            ),
            Self::Record => (
                Principle::Accuracy,
                Authority::Judgement,
                "加盖记录不完整：应有规则版本、资格、检查日期与原值".to_owned(),
                "the change would not be recorded in full: rules, accreditation, examination date and the value before are expected".to_owned(),
            ),
            Self::Element(tag) => (
                Principle::Accuracy,
                Authority::Judgement,
                format!("将改动约定之外的元素 {}，应逐字节不变", number_of(tag)),
                format!("{} would be changed, which was not promised; its bytes are expected to stay", number_of(tag)),
            ),
            Self::Unreadable => (
                Principle::Accuracy,
                Authority::Judgement,
                "加盖结果无法读回".to_owned(),
                "what would go out cannot be read back".to_owned(),
            ),
            Self::Lossy => (
                Principle::Consistency,
                Authority::Dicom,
                "将改动有损压缩属性 (0028,2110)、(0028,2112) 或 (0028,2114)，应保持不变".to_owned(),
                "what is said of lossy compression (0028,2110), (0028,2112), (0028,2114) would be changed; it is expected to stay".to_owned(),
            ),
            Self::Instance => (
                Principle::Standardization,
                Authority::Dicom,
                "SOP 实例 UID (0008,0018)、序列 UID (0020,000E) 或来源图像引用与本院设置不符".to_owned(),
                "SOP Instance UID (0008,0018), Series Instance UID (0020,000E) or the reference to the source would not be as this site asks".to_owned(),
            ),
        };
        Finding {
            rule: self.rule().to_owned(),
            principle,
            severity: Severity::SelfCheck,
            authority,
            attribute: None,
            value: None,
            message_zh: zh,
            message_en: en,
        }
    }
}

/// Looks at what a stamp would send. `scopes`: those in use here.
///
/// # Errors
/// The first promise that it would break.
pub fn self_check(job: &Job<'_>, stamp: &Stamp, scopes: &[ScopeCode]) -> Result<(), Broken> {
    // Not changed is not ours.
    if stamp.plan.is_empty() {
        return Ok(());
    }
    if let Some(mark) = job.decision.mark()
        && !(job.decision.scopes.first() == Some(mark) && scopes.contains(mark))
    {
        return Err(Broken::Scope);
    }
    let output = Output::of(job, stamp)?;
    output.has_only_what_was_promised()?;
    output.bears_the_mark()?;
    output.says_the_same_everywhere()?;
    output.is_recorded()?;
    output.is_the_instance_it_should_be()
}

/// The elements that a plan is about, as they will go out.
struct Output<'j> {
    job: &'j Job<'j>,
    stamp: &'j Stamp,
    /// Where Pixel Data stands.
    pixels: Option<&'j Element>,
    /// What stood there before.
    before: Vec<&'j Element>,
    /// A view of each run of them.
    after: Vec<HeaderView>,
}

impl<'j> Output<'j> {
    fn of(job: &'j Job<'j>, stamp: &'j Stamp) -> Result<Self, Broken> {
        let (view, plan) = (job.view, &stamp.plan);
        let pixels = view.find(tags::PIXEL_DATA);
        let original = |range: std::ops::Range<u64>| {
            let none = || std::io::Error::from(std::io::ErrorKind::NotFound);
            let source = job.workshop.ok_or_else(none)?.original(range.start)?;
            let mut bytes = Vec::new();
            source.take(range.end - range.start).read_to_end(&mut bytes).map(|_| bytes)
        };
        let touched = plan.touched(view, pixels, original).map_err(|_| Broken::Unreadable)?;
        let syntax = TransferSyntax { deflated: false, ..view.syntax() };
        let mut after = Vec::with_capacity(touched.len());
        let mut before = Vec::new();
        for run in &touched {
            let scan = scan_reader(run.after.as_slice(), syntax, Limits::default());
            match scan {
                Ok(scan) if scan.end == End::Complete => after.push(scan.header),
                Ok(_) | Err(_) => return Err(Broken::Unreadable),
            }
            let stood = |element: &&Element| {
                run.before.start <= element.start && element.end() <= run.before.end
            };
            before.extend(view.top().filter(stood));
        }
        Ok(Self { job, stamp, pixels, before, after })
    }

    /// The element of this tag, if it is one of those changed.
    fn find(&self, tag: Tag) -> Option<(&HeaderView, &Element)> {
        self.after.iter().find_map(|view| Some((view, view.find(tag)?)))
    }

    /// The first value of an element that is changed.
    fn string(&self, tag: Tag) -> Option<String> {
        let (view, element) = self.find(tag)?;
        view.strings(element).into_iter().next()
    }

    /// The first value of an element in the end: one that says already what it is to say is not changed.
    fn value(&self, tag: Tag) -> Option<String> {
        let value = match self.find(tag) {
            Some(_) => self.string(tag),
            None => self.job.view.string(tag),
        };
        value.filter(|value| !value.is_empty())
    }

    /// The character set that the object has in the end.
    fn set(&self) -> CharacterSet {
        match self.find(tags::SPECIFIC_CHARACTER_SET) {
            Some((view, _)) => view.charset(),
            None => self.job.view.charset(),
        }
    }

    fn block(&self) -> Option<Block> {
        let free = || Block::first_free(self.job.view).ok();
        Block::existing(self.job.view).or_else(free)
    }

    fn draws_on_pixels(&self) -> bool {
        [StampMode::BurnIn, StampMode::Strip].iter().any(|mode| self.stamp.modes.contains(mode))
    }

    /// STP-003: all else stays what it was.
    fn has_only_what_was_promised(&self) -> Result<(), Broken> {
        if self.touches_pixels(&self.stamp.plan) && !self.draws_on_pixels()
            || !self.draws_where_it_says()
        {
            return Err(Broken::Element(tags::PIXEL_DATA));
        }
        let block = self.block();
        let is_widened = self.find(tags::SPECIFIC_CHARACTER_SET).is_some();
        let allowed = |tag: Tag| {
            // A group length (gggg,0000) follows what is in its group.
            tag.element() == 0
                || ALWAYS.contains(&tag)
                || block.is_some_and(|block| block.has(tag))
                || self.draws_on_pixels() && IN_PIXELS.contains(&tag)
                || self.stamp.modes.contains(&StampMode::Overlay)
                    && (0x6000..=0x601E).contains(&tag.group())
                || self.stamp.plan.instance().is_some() && OF_ANOTHER.contains(&tag)
                || is_widened && self.says_what_it_said(tag)
        };
        let after = self.after.iter().flat_map(HeaderView::top);
        for element in self.before.iter().copied().chain(after) {
            if LOSSY.contains(&element.tag) {
                return Err(Broken::Lossy);
            }
            if !allowed(element.tag) {
                return Err(Broken::Element(element.tag));
            }
        }
        Ok(())
    }

    /// Whether anything within Pixel Data changes; or outside it by what is for pixels.
    fn touches_pixels(&self, plan: &EditPlan) -> bool {
        let within = |element: &Element| plan.edits().iter().any(|edit| element.encloses(edit));
        plan.changes_pixels() || self.pixels.is_some_and(within)
    }

    /// Whether native pixels change nowhere but where the text is.
    fn draws_where_it_says(&self) -> bool {
        let Job { view, transfer_syntax, workshop, .. } = *self.job;
        let patches = self.stamp.plan.patches();
        let is_within = || {
            let raster = Raster::of(view, transfer_syntax, workshop?).ok()?;
            Some(stay_within(patches, &raster, self.stamp.place.as_ref()?))
        };
        patches.is_empty() || is_within().unwrap_or(false)
    }

    /// Whether what is written in another character set now reads as before.
    fn says_what_it_said(&self, tag: Tag) -> bool {
        let (Some(old), Some((view, new))) = (self.job.view.find(tag), self.find(tag)) else {
            return false;
        };
        let (was, is) = (self.job.view.charset(), self.set());
        let stays = |element: &Element| {
            let edits = self.stamp.plan.edits();
            !edits.iter().any(|edit| edit.at < element.end() && element.value.start < edit.end())
        };
        let old = Wording { view: self.job.view, element: old, set: &was };
        old.is_that_of(Wording { view, element: new, set: &is }, &stays)
    }

    /// MRK-001: the name is one of the institution's with the mark behind it, or bears none.
    fn bears_the_mark(&self) -> Result<(), Broken> {
        let Job { decision, .. } = self.job;
        let name = self.find(tags::INSTITUTION_NAME).map(|(view, element)| {
            let set = match decision.mark() {
                Some(_) => self.set(),
                // What was left of it stays in the bytes that it came in.
                None => self.job.read_as.clone(),
            };
            let text = set.decode(view.bytes(element).unwrap_or_default(), VR::LO);
            text.values.join("\\")
        });
        let existing = decision.existing_mark.as_ref();
        let keeps = existing.is_some_and(|mark| mark.treatment == Treatment::Keep);
        let is_right = match (&decision.outcome, name) {
            (Outcome::Mark(mark), Some(name)) => {
                self.stamp.modes.contains(&StampMode::Tag) && self.is_wording(&name, mark)
            }
            (Outcome::Mark(_), None) => keeps || !self.stamp.modes.contains(&StampMode::Tag),
            (Outcome::NoMark(_), Some(name)) => {
                existing.is_some_and(|mark| name.trim() == mark.found.stem.trim())
            }
            (Outcome::NoMark(_), None) => true,
        };
        if is_right { Ok(()) } else { Err(Broken::Name) }
    }

    fn is_wording(&self, text: &str, mark: &ScopeCode) -> bool {
        let names: &Names = self.job.names;
        let wordings = lines(names, &self.job.policy.separator, mark);
        wordings.iter().any(|line| line.text == text)
    }

    /// MRK-003: name, record and what is drawn bear one mark.
    fn says_the_same_everywhere(&self) -> Result<(), Broken> {
        let mark = self.job.decision.mark();
        let block = self.block().ok_or(Broken::Record)?;
        let recorded = self.value(block.tag(Field::Mark));
        let drawn = self.stamp.text.as_deref();
        let described = self
            .find(tags::CONTRIBUTING_EQUIPMENT_SEQUENCE)
            .and_then(|(view, all)| view.items(all).last()?.string(tags::CONTRIBUTION_DESCRIPTION));
        let described = described.unwrap_or_default();
        let is_same = mark
            .is_none_or(|mark| described.split(' ').any(|word| word == mark.as_str()))
            && recorded.as_deref() == mark.map(|mark| mark.as_str())
            && drawn.is_none_or(|text| mark.is_some_and(|mark| self.is_wording(text, mark)));
        if is_same { Ok(()) } else { Err(Broken::Wording) }
    }

    /// MRK-011: by which rules and by which accreditation, for an examination of which day, and what stood there before.
    fn is_recorded(&self) -> Result<(), Broken> {
        let Job { decision, provenance, .. } = self.job;
        let block = self.block().ok_or(Broken::Record)?;
        let is_kept = |field: Field| self.value(block.tag(field)).is_some();
        let is_founded = decision.mark().is_none()
            || decision.exam_date.is_some()
                && decision.accreditation.as_ref().is_some_and(|used| !used.label.is_empty());
        let is_dated = is_kept(Field::Rules) && is_kept(Field::Decided) && is_kept(Field::Decision);
        let keeps_the_past = self.find(tags::INSTITUTION_NAME).is_none()
            || self.past_name() == Some(self.old_name());
        if is_founded && is_dated && keeps_the_past && !provenance.rules.is_empty() {
            Ok(())
        } else {
            Err(Broken::Record)
        }
    }

    fn old_name(&self) -> &[u8] {
        let view = self.job.view;
        let name = view.find(tags::INSTITUTION_NAME);
        name.and_then(|element| view.bytes(element)).unwrap_or_default()
    }

    /// Institution Name as the newest item of the Original Attributes Sequence has it.
    fn past_name(&self) -> Option<&[u8]> {
        let (view, sequence) = self.find(tags::ORIGINAL_ATTRIBUTES_SEQUENCE)?;
        let newest = view.items(sequence).last()?;
        let modified = view.items(newest.find(tags::MODIFIED_ATTRIBUTES_SEQUENCE)?).next()?;
        view.bytes(modified.find(tags::INSTITUTION_NAME)?)
    }

    /// STP-006: the UIDs are kept, or all of them are new and the source is named.
    fn is_the_instance_it_should_be(&self) -> Result<(), Broken> {
        let view = self.job.view;
        let old = view.string(tags::SOP_INSTANCE_UID);
        let (new, series) =
            (self.string(tags::SOP_INSTANCE_UID), self.string(tags::SERIES_INSTANCE_UID));
        let derives =
            self.job.policy.pixels.uid == UidPolicy::Derive && self.stamp.plan.changes_pixels();
        let is_right = match self.stamp.plan.instance() {
            None => !derives && new.is_none() && series.is_none(),
            Some(instance) => {
                let source = self.find(tags::SOURCE_IMAGE_SEQUENCE).and_then(|(view, sequence)| {
                    view.items(sequence).last()?.string(tags::REFERENCED_SOP_INSTANCE_UID)
                });
                derives
                    && new.as_deref() == Some(instance.as_str())
                    && new != old
                    && series.is_some()
                    && series != view.string(tags::SERIES_INSTANCE_UID)
                    && source == old
            }
        };
        if is_right { Ok(()) } else { Err(Broken::Instance) }
    }
}

/// What every stamp may set.
const ALWAYS: [Tag; 4] = [
    tags::SPECIFIC_CHARACTER_SET,
    tags::INSTITUTION_NAME,
    tags::CONTRIBUTING_EQUIPMENT_SEQUENCE,
    tags::ORIGINAL_ATTRIBUTES_SEQUENCE,
];

/// What a stamp in the pixels may set beside.
const IN_PIXELS: [Tag; 8] = [
    tags::DERIVATION_DESCRIPTION,
    tags::BURNED_IN_ANNOTATION,
    tags::SMALLEST_IMAGE_PIXEL_VALUE,
    tags::LARGEST_IMAGE_PIXEL_VALUE,
    tags::ICON_IMAGE_SEQUENCE,
    tags::ROWS,
    tags::EXTENDED_OFFSET_TABLE,
    tags::EXTENDED_OFFSET_TABLE_LENGTHS,
];

/// What an image that is another one now says of that.
const OF_ANOTHER: [Tag; 8] = [
    tags::SOP_INSTANCE_UID,
    tags::SERIES_INSTANCE_UID,
    tags::IMAGE_TYPE,
    tags::INSTANCE_CREATION_DATE,
    tags::INSTANCE_CREATION_TIME,
    tags::SERIES_NUMBER,
    tags::SERIES_DESCRIPTION,
    tags::SOURCE_IMAGE_SEQUENCE,
];

/// What was lost has not come back, whatever is done to an image (PS3.3 C.7.6.1.1.5).
const LOSSY: [Tag; 3] = [
    tags::LOSSY_IMAGE_COMPRESSION,
    tags::LOSSY_IMAGE_COMPRESSION_RATIO,
    tags::LOSSY_IMAGE_COMPRESSION_METHOD,
];
