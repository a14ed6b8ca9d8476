//! Writes marked copies of files, folders and media: the export function.
//!
//! Each object is judged by the same call that a gate makes, with what was found on its study beforehand, and changed by the same plan;
//! what is not marked is copied byte for byte. Names and folders stay. No file is ever written over, and a DICOMDIR tells what the copies
//! say.

mod bench;
mod caption;
mod directory;
mod pdf;
mod print;
mod states;
#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::fs::{self, File};
use std::io::{self, BufReader, Read as _};
use std::path::{Path, PathBuf};

use super::check::{NotLookedAt, OnStudies};
use super::offline::{self, Found, Known, Links, OfflineFault, Sender};
use super::picture::{PictureFault, Shown};
use super::{report, site};
use crate::base::limits::Limits;
use crate::base::time::{Timestamp, now};
use crate::config::Loaded;
use crate::dicom::attribute::AttributePath;
use crate::dicom::transfer_syntax::TransferSyntax;
use crate::dicom::uid::Uid;
use crate::dicom::{VR, tags};
use crate::object::edit::{EditFault, EditPlan, Editor, NewElement};
use crate::object::part10::Head;
use crate::object::splice::{self, MadeBytes, Spliced};
use crate::object::{End, HeaderView, Kind, Scan, scan_reader};
use crate::pipeline::{Image, Site, Verdict, judge};
use crate::policy::disposition::Disposition;
use crate::spool::folder::place_new;
use crate::stamp::layout::Corner;
use crate::stamp::{StampMode, StampRows, wording};
use crate::standard::declarations;
use crate::web::model::{Copied, CopyKind, FileReport, Outcome};

pub(super) use bench::Bench;
use caption::Caption;
use directory::{Change, Member, NewState, file_id};
use print::{Cell, Printer};
pub use print::{MOST_CELLS, Print, PrintForm};
use states::States;

/// What is to be copied, and how.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StampOrder {
    /// Files, and folders with everything in them.
    pub paths: Vec<PathBuf>,
    /// Where copies go. What is in a folder goes right below.
    pub out: PathBuf,
    /// How marks are shown; none: as the configuration says.
    pub modes: Vec<StampMode>,
    /// Whether each image gets a picture of how it looked, and one of how its copy looks.
    pub preview: bool,
    /// The frame of pictures and pages, from 0.
    pub frame: u32,
    /// Whether pages are printed.
    pub print: Option<Print>,
    /// Whether files that are no DICOM are left out.
    pub dicom_only: bool,
}

/// The list of what was written, in the folder of the copies.
const LIST: &str = "report.json";

/// A longer value is no key of a DICOMDIR.
const LONGEST_KEY: u64 = 1024;

/// Copies files, and marks those that are entitled to it, as of the present instant.
///
/// # Errors
/// When nothing can be copied at all; what is wrong with a file stands in its report.
pub fn stamp(
    order: &StampOrder,
    loaded: &Loaded,
    sender: &Sender,
) -> Result<Vec<FileReport<Copied>>, OfflineFault> {
    stamp_at(order, site::build(loaded), sender, now())
}

fn stamp_at(
    order: &StampOrder,
    mut site: Site,
    sender: &Sender,
    now: Timestamp,
) -> Result<Vec<FileReport<Copied>>, OfflineFault> {
    if !order.modes.is_empty() {
        // Without conditions there is none that could be at fault.
        site.modes = StampRows::build(Vec::new(), order.modes.clone(), &declarations())
            .unwrap_or(site.modes);
    }
    let known = offline::known(&site, sender)?;
    let unwritable = |error| OfflineFault::Unwritable { folder: order.out.clone(), error };
    fs::create_dir_all(&order.out).map_err(unwritable)?;
    let out = order.out.canonicalize().map_err(unwritable)?;
    let within = |path: &&PathBuf| path.canonicalize().is_ok_and(|path| out.starts_with(path));
    if let Some(path) = order.paths.iter().find(within) {
        return Err(OfflineFault::WithinItself { out: order.out.clone(), path: path.clone() });
    }
    let printer = match (order.print, &site.stamp.pixels.typeface) {
        (Some(print), Some(typeface)) => {
            Some(Printer::new(&out, print, typeface.clone()).map_err(unwritable)?)
        }
        (Some(_), None) => return Err(OfflineFault::NoTypeface),
        (None, _) => None,
    };
    let mut export = Export {
        order,
        site: &site,
        known: known.as_ref(),
        now,
        studies: OnStudies::of(&order.paths, &site, sender, now)?,
        out,
        entries: Vec::new(),
        corners: HashMap::new(),
        printer,
    };
    for path in &order.paths {
        export.tree(path);
    }
    export.finish()
}

/// Why there is no copy of a file.
#[derive(Debug, thiserror::Error)]
enum CopyFault {
    #[error("{} exists already and is not written over", .0.display())]
    Exists(PathBuf),
    #[error("the copy cannot be written: {0}")]
    Io(#[from] io::Error),
    #[error("the file meta information cannot be changed: {0}")]
    Meta(#[from] EditFault),
    #[error(transparent)]
    NotLookedAt(#[from] NotLookedAt),
}

struct Export<'a> {
    order: &'a StampOrder,
    site: &'a Site,
    known: Option<&'a Known>,
    now: Timestamp,
    studies: OnStudies,
    out: PathBuf,
    entries: Vec<FileReport<Copied>>,
    /// Where the text is, by series.
    corners: HashMap<Uid, Corner>,
    printer: Option<Printer>,
}

/// What was found below one path.
#[derive(Default)]
struct Tree {
    /// Objects, by their path below it.
    members: Vec<(PathBuf, Member)>,
    /// DICOMDIRs: where they are, and where their copies go.
    directories: Vec<(PathBuf, PathBuf)>,
    states: States,
}

impl Export<'_> {
    fn tree(&mut self, root: &Path) {
        let mut tree = Tree::default();
        offline::walk(std::slice::from_ref(&root.to_owned()), Links::Within, |found| match found {
            Found::Unreadable { path, error } => self.failed(&path, &error),
            Found::File { path, named } => {
                let below = if named { path.file_name().map(Path::new) } else { None };
                let below = below.or_else(|| path.strip_prefix(root).ok());
                let Some(below) = below.map(Path::to_owned) else {
                    return self.failed(&path, &"it has no name");
                };
                self.file(&path, below, &mut tree);
            }
        });
        let made = self.make_states(root, &mut tree);
        for (path, below) in std::mem::take(&mut tree.directories) {
            self.directory(&path, &below, &tree, &made);
        }
    }

    fn failed(&mut self, path: &Path, error: &dyn ToString) {
        let outcome = Outcome::Unreadable { error: error.to_string() };
        self.entries.push(FileReport { file: path.display().to_string(), outcome });
    }

    fn done(&mut self, path: &Path, copied: Copied) {
        let outcome = Outcome::Judged(copied);
        self.entries.push(FileReport { file: path.display().to_string(), outcome });
    }

    fn file(&mut self, path: &Path, below: PathBuf, tree: &mut Tree) {
        let (site, known, now) = (self.site, self.known, self.now);
        let copied = offline::one(path, site, known, now, |image, head| {
            self.object(path, &below, image, head, tree)
        });
        match copied {
            Ok(Ok(copied)) => self.done(path, copied),
            Ok(Err(fault)) => self.failed(path, &fault),
            Err(fault) if fault.is_directory() => tree.directories.push((path.to_owned(), below)),
            Err(fault) if fault.is_no_image() => {
                if self.order.dicom_only {
                    return;
                }
                match self.copy(path, &below) {
                    Ok(()) => self.done(path, Copied::new(CopyKind::File, &below)),
                    Err(fault) => self.failed(path, &fault),
                }
            }
            Err(fault) => self.failed(path, &fault),
        }
    }

    /// Copies a file as it is.
    fn copy(&self, path: &Path, below: &Path) -> Result<(), CopyFault> {
        self.place(below, File::open(path)?)
    }

    fn place(&self, below: &Path, data: impl io::Read) -> Result<(), CopyFault> {
        let place = self.out.join(below);
        place_new(&place, data).map_err(|fault| match fault.kind() {
            io::ErrorKind::AlreadyExists => CopyFault::Exists(self.order.out.join(below)),
            _ => CopyFault::Io(fault),
        })
    }

    /// Judges one object and writes its copy.
    fn object(
        &mut self,
        path: &Path,
        below: &Path,
        image: &Image<'_>,
        head: &Head,
        tree: &mut Tree,
    ) -> Result<Copied, CopyFault> {
        let bench = Bench::new(path, head, &self.out);
        let view = &image.scan.header;
        let series = Uid::new(&view.string(tags::SERIES_INSTANCE_UID).unwrap_or_default());
        let preferred: Vec<Corner> = self.corners.get(&series).copied().into_iter().collect();
        let workshop = Some(&bench as &dyn crate::stamp::Workshop);
        let study = self.studies.bearing_on(path)?;
        let image = Image { workshop, preferred: &preferred, study: study.as_ref(), ..*image };
        let verdict = judge(self.site, &image, self.now);
        if let Some(corner) = verdict.corner {
            self.corners.entry(series).or_insert(corner);
        }
        let read_as = image.source.charset.clone();
        let mut copied = Copied::new(CopyKind::Object, below);
        copied.marked = Some(report::report_of(&verdict, &image));
        let is_image = image.scan.end == End::Complete && view.find(tags::PIXEL_DATA).is_some();
        let before = (self.order.preview && is_image)
            .then(|| Shown::of(view, image.transfer_syntax, &bench, self.order.frame));
        let is_held = !matches!(verdict.disposition, Disposition::Forward);
        if is_held {
            copied.notes.push("held by the gate: copied as it is".to_owned());
        }
        let plan = if is_held { EditPlan::none() } else { verdict.plan.clone() };
        let is_changed = !plan.is_empty();
        if is_changed {
            let meta = renamed(bench.head()?, head, &plan)?;
            let data_set = BufReader::new(bench.data_set()?);
            let made = match plan.made() {
                Some(_) => bench.into_made()?,
                None => MadeBytes::none(),
            };
            let data_set = splice::output(data_set, head.syntax(), plan, made)?;
            self.place(below, meta.chain(data_set))?;
        } else {
            self.copy(path, below)?;
        }
        let mut member = Member {
            instance: Uid::new(&view.string(tags::SOP_INSTANCE_UID).unwrap_or_default()),
            ..Member::default()
        };
        let by_state = verdict.modes.contains(&StampMode::PresentationState) && !is_held;
        if is_changed || by_state || (is_image && (self.order.preview || self.printer.is_some())) {
            let place = self.out.join(below);
            let copy = Copy::open(&place, &self.out)?;
            if is_changed {
                member.changes = changes(view, &copy.scan.header);
            }
            if by_state {
                let added = tree.states.add(self.site, &verdict, &copy.scan.header, read_as, below);
                copied.notes.extend(added.err().map(|refusal| refusal.to_string()));
            }
            if let Some(before) = before {
                self.preview(below, before, &copy, &mut copied)?;
            }
            if is_image && self.printer.is_some() {
                self.print(&verdict, &copy, &mut copied)?;
            }
        }
        tree.members.push((below.to_owned(), member));
        Ok(copied)
    }

    fn preview(
        &self,
        below: &Path,
        before: Result<Shown, PictureFault>,
        copy: &Copy,
        copied: &mut Copied,
    ) -> Result<(), CopyFault> {
        for (state, shown) in [("before", before), ("after", copy.shown(self.order.frame))] {
            let png = match shown.and_then(|shown| shown.png()) {
                Ok(png) => png,
                Err(fault) => {
                    copied.notes.push(format!("no picture of how it looks ({state}): {fault}"));
                    break;
                }
            };
            let mut name = below.as_os_str().to_owned();
            name.push(format!(".{state}.png"));
            self.place(Path::new(&name), png.as_slice())?;
            copied.beside.push(Path::new(&name).display().to_string());
        }
        Ok(())
    }

    fn print(
        &mut self,
        verdict: &Verdict,
        copy: &Copy,
        copied: &mut Copied,
    ) -> Result<(), CopyFault> {
        let shown = match copy.shown(self.order.frame) {
            Ok(shown) => shown,
            Err(fault) => {
                copied.notes.push(format!("not printed: {fault}"));
                return Ok(());
            }
        };
        let view = &copy.scan.header;
        let day = verdict.decision.exam_date.map(|day| day.to_string());
        let name = worded(self.site, verdict).or_else(|| {
            let element = view.find(tags::INSTITUTION_NAME)?;
            view.text(element, &view.charset())?.first().map(str::to_owned)
        });
        let caption = Caption::of(view, name, day);
        match &mut self.printer {
            Some(printer) => Ok(printer.add(Cell { shown, caption })?),
            None => Ok(()),
        }
    }

    /// Writes the presentation states of a tree, and tells where.
    fn make_states(&mut self, root: &Path, tree: &mut Tree) -> Vec<(PathBuf, Scan)> {
        let mut made = Vec::new();
        for state in std::mem::take(&mut tree.states).make(self.site, self.now) {
            let written = state.and_then(|state| {
                let place = |name: &Path| self.place(name, state.file.as_slice());
                let below = states::named(&self.out, &state.folder);
                place(&below).map_err(|fault| states::StateFault::Copy(fault.to_string()))?;
                Ok((below, state.scan))
            });
            match written {
                Ok((below, scan)) => {
                    self.done(&below, Copied::new(CopyKind::PresentationState, &below));
                    made.push((below, scan));
                }
                Err(fault) => self.failed(root, &fault),
            }
        }
        made
    }

    /// Writes a DICOMDIR that tells what the copies say.
    fn directory(&mut self, path: &Path, below: &Path, tree: &Tree, made: &[(PathBuf, Scan)]) {
        let folder = below.parent().unwrap_or(Path::new(""));
        let components = |path: &Path| -> Option<Vec<String>> {
            let inside = path.strip_prefix(folder).ok()?;
            inside.iter().map(|part| part.to_str().map(str::to_owned)).collect()
        };
        let members: HashMap<String, Member> = tree
            .members
            .iter()
            .filter_map(|(path, member)| {
                let parts = components(path)?;
                Some((file_id(parts.iter().map(String::as_str)), member.clone()))
            })
            .collect();
        let states: Vec<NewState<'_>> = made
            .iter()
            .filter_map(|(path, scan)| {
                let file_id = components(path)?;
                Some(NewState { file_id, view: &scan.header, syntax: states::TRANSFER_SYNTAX })
            })
            .collect();
        let written = fs::read(path).map_err(|fault| fault.to_string()).and_then(|bytes| {
            let updated = directory::updated(&bytes, &members, &states);
            let (bytes, listed) = updated.map_err(|fault| fault.to_string())?;
            self.place(below, bytes.as_slice()).map_err(|fault| fault.to_string())?;
            Ok(listed)
        });
        match written {
            Ok(listed) => {
                let mut copied = Copied::new(CopyKind::Directory, below);
                let left_out =
                    states.iter().enumerate().filter(|(place, _)| !listed.contains(place));
                copied.notes.extend(left_out.map(|(_, state)| {
                    format!("{} is not listed: its study is not", state.file_id.join("/"))
                }));
                self.done(path, copied);
            }
            Err(fault) => self.failed(
                path,
                &format!("the DICOMDIR is left out, make it anew from the copies: {fault}"),
            ),
        }
    }

    fn finish(mut self) -> Result<Vec<FileReport<Copied>>, OfflineFault> {
        match self.printer.take().map(Printer::finish) {
            Some(Ok(pages)) => {
                for page in pages {
                    self.done(&page, Copied::new(CopyKind::Page, &page));
                }
            }
            Some(Err(fault)) => {
                let out = self.order.out.clone();
                self.failed(&out, &format!("pages cannot be written: {fault}"));
            }
            None => {}
        }
        // Shapes of our own can always be written.
        let mut list = serde_json::to_string_pretty(&self.entries).unwrap_or_default();
        list.push('\n');
        if let Err(fault) = self.place(Path::new(LIST), list.as_bytes()) {
            let out = self.order.out.join(LIST);
            self.failed(&out, &fault);
        }
        Ok(self.entries)
    }
}

/// A copy, read again.
struct Copy {
    head: Head,
    scan: Scan,
    bench: Bench,
}

impl Copy {
    fn open(path: &Path, room: &Path) -> Result<Self, CopyFault> {
        let limits = Limits { value_bytes: states::KEPT, ..Limits::default() };
        let read = offline::read(path, limits);
        let (head, scan) = read.map_err(|fault| CopyFault::Io(io::Error::other(fault)))?;
        let bench = Bench::new(path, &head, room);
        Ok(Self { head, scan, bench })
    }

    fn shown(&self, frame: u32) -> Result<Shown, PictureFault> {
        Shown::of(&self.scan.header, self.head.transfer_syntax.as_str(), &self.bench, frame)
    }
}

/// The institution's name with the mark, where the object bears one.
fn worded(site: &Site, verdict: &Verdict) -> Option<String> {
    let decision = &verdict.decision;
    let institution = site.registry.institution(decision.institution.as_ref()?)?;
    let names = institution.names_on(decision.exam_date);
    Some(wording(&names, &site.stamp.separator, decision.mark()?).ok()?.text)
}

/// What stands before the data set, with the SOP Instance UID that the object has once changed.
fn renamed(bytes: Vec<u8>, head: &Head, plan: &EditPlan) -> Result<Vec<u8>, CopyFault> {
    let Some(instance) = plan.instance().filter(|_| !head.meta.sop_instance.is_empty()) else {
        return Ok(bytes);
    };
    let preamble = if head.oddities.no_preamble { 0 } else { 128 };
    let magic = bytes.get(preamble..).is_some_and(|rest| rest.starts_with(b"DICM"));
    let (before, meta) = bytes.split_at(preamble + if magic { 4 } else { 0 });
    // File meta information is a data set of its own; in implicit VR that shows in its first element.
    let syntax = TransferSyntax::of(states::TRANSFER_SYNTAX);
    let scan = scan_reader(meta, syntax, Limits::default())?;
    let mut editor = Editor::new(&scan.header);
    let tag = tags::MEDIA_STORAGE_SOP_INSTANCE_UID;
    editor.set(&AttributePath::top(tag), NewElement::new(tag, VR::UI, instance.as_str()))?;
    let mut out = before.to_vec();
    Spliced::new(meta, editor.finish()?).read_to_end(&mut out)?;
    Ok(out)
}

/// Short elements of a file whose values are others in its copy.
fn changes(
    before: &HeaderView,
    after: &HeaderView,
) -> std::collections::BTreeMap<crate::dicom::Tag, Change> {
    let now: HashMap<_, _> = after.top().map(|element| (element.tag, element)).collect();
    let mut changes = std::collections::BTreeMap::new();
    for element in before.top() {
        if element.kind != Kind::Value || element.length() > LONGEST_KEY {
            continue;
        }
        let Some(value) = before.bytes(element).map(directory::trimmed) else { continue };
        let new = now.get(&element.tag);
        if new.and_then(|new| after.bytes(new)).map(directory::trimmed) != Some(value) {
            let new = new.and_then(|new| NewElement::copied(after, new));
            changes.insert(element.tag, Change { before: value.to_vec(), after: new });
        }
    }
    let charset = tags::SPECIFIC_CHARACTER_SET;
    if let (None, Some(new)) = (before.find(charset), now.get(&charset)) {
        let new = NewElement::copied(after, new);
        changes.insert(charset, Change { before: Vec::new(), after: new });
    }
    changes
}
