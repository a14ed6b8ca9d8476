//! Finds files, looks into them, and says who would have sent them, for the verbs that need no gate.
//!
//! One object is in memory at a time, and of it the header and the frames that its mark is to be drawn on: files are read as streams,
//! however long. Nothing is written but unnamed files for a while, and a file that cannot be read spoils no other.

use std::collections::{BTreeSet, HashSet};
use std::fs::{self, File, Metadata};
use std::io::{self, Seek, SeekFrom};
use std::net::{IpAddr, Ipv4Addr};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use dicom_dictionary_std::uids;

use super::export::Bench;
use super::site;
use super::studies::Gathering;
use crate::base::limits::Limits;
use crate::base::time::{Timestamp, now};
use crate::config::{Configuration, Loaded};
use crate::dicom::ae_title::AeTitle;
use crate::dicom::tags;
use crate::object::part10::{Head, HeadFault, read_head};
use crate::object::{Scan, scan_reader};
use crate::pipeline::{Association, Image, SenderNames, Site, part_of, subject};
use crate::policy::admission::{self, Caller, Proof, Refusal, Source, SourceRow};
use crate::recognition::InstitutionId;
use crate::standard::pixels::Looking;
use crate::standard::study::Look;
use crate::standard::{Announced, Subject, facts};

/// From whom files are judged to come; what is not given is guessed from the file.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Sender {
    /// Calling AE title.
    pub calling_aet: Option<AeTitle>,
    /// Address.
    pub peer: Option<IpAddr>,
}

/// Why files were not judged at all.
#[derive(Debug, thiserror::Error)]
pub enum OfflineFault {
    /// The gate would not take objects from the sender that was named.
    #[error("the gate would not take objects from {}: {refusal}", sender.named())]
    Stranger {
        /// Who was named.
        sender: Sender,
        /// Why.
        refusal: Refusal,
    },
    /// Copies would be copied again.
    #[error("{} lies within {}: copies would be copied", out.display(), path.display())]
    WithinItself {
        /// The folder for copies.
        out: PathBuf,
        /// What was to be copied.
        path: PathBuf,
    },
    /// The folder for copies cannot be written to.
    #[error("{} cannot be written to: {error}", folder.display())]
    Unwritable {
        /// The folder.
        folder: PathBuf,
        /// What the system said.
        error: io::Error,
    },
    /// There is nothing to write text on pages with.
    #[error("there is no typeface to print with")]
    NoTypeface,
}

impl Sender {
    fn named(&self) -> String {
        let title = self.calling_aet.as_ref().map(ToString::to_string);
        let peer = self.peer.map(|peer| format!("at {peer}"));
        [title, peer].into_iter().flatten().collect::<Vec<_>>().join(" ")
    }
}

/// The DICOM Conformance Statement of a configuration, as Markdown.
#[must_use]
pub fn conformance(configuration: &Configuration) -> String {
    super::conformance::statement(configuration, &configuration.timers())
}

/// What is shown to who asks how rules see files.
pub(super) enum Looked<'l, 's> {
    /// An object.
    Subject(&'l Subject<'s>),
    /// A study that the objects make. Studies are shown when there are no more files.
    Study(&'l Look<'s>),
    /// A file that nobody takes for an image.
    NoDicom,
    /// A file that could not be read, with the reason.
    Unreadable(String),
}

/// Shows files, and all files in folders, as rules see them, and then the studies that they make. Of pixels as much is looked at as
/// `looking` says.
pub(super) fn each_subject(
    paths: &[PathBuf],
    loaded: &Loaded,
    sender: &Sender,
    looking: Looking,
    mut visit: impl FnMut(&Path, Looked<'_, '_>),
) -> Result<(), OfflineFault> {
    let (site, now) = (site::build(loaded), now());
    let known = known(&site, sender)?;
    let mut gathering = Gathering::new(now);
    walk(paths, Links::Followed, |found| match found {
        Found::Unreadable { path, error } => {
            gathering.unread(&path);
            visit(&path, Looked::Unreadable(error));
        }
        Found::File { path, named } => {
            let shown = one(&path, &site, known.as_ref(), now, |image, head| {
                let peer = image.sender.map(|sender| sender.peer.to_string()).unwrap_or_default();
                let names = SenderNames::of(&site, image);
                let bench = Bench::new(&path, head, &std::env::temp_dir());
                let image = Image { workshop: Some(&bench), ..*image };
                let pixels = image.pixels();
                let subject = subject(&site, &image, &peer, names.as_ref(), now);
                let subject = match &pixels {
                    Some(pixels) => subject.with_pixels(pixels, looking),
                    None => subject,
                };
                visit(&path, Looked::Subject(&subject));
                let (chosen, said) = (site.routes.choose(&subject), (None, Vec::new()));
                match part_of(&image, &subject, &chosen, said, gathering.keys()) {
                    Some(part) => drop(gathering.take(&path, named, &part)),
                    None => {
                        let study = image.scan.header.string(tags::STUDY_INSTANCE_UID);
                        gathering.unlooked(&study.unwrap_or_default());
                    }
                }
            });
            match shown {
                Ok(()) => {}
                Err(fault) if fault.is_no_image() => visit(&path, Looked::NoDicom),
                Err(fault) => {
                    gathering.unread(&path);
                    visit(&path, Looked::Unreadable(fault.to_string()));
                }
            }
        }
    });
    for study in gathering.settle() {
        visit(Path::new(study.uid().as_str()), Looked::Study(&study.look()));
    }
    Ok(())
}

/// Who sends, where it was said.
pub(super) struct Known {
    association: Option<Association>,
    source: Source,
}

/// What a gate would know of objects from this sender. An address that was not given is the first that the source may call
/// from; so is a title.
pub(super) fn known(site: &Site, sender: &Sender) -> Result<Option<Known>, OfflineFault> {
    let stranger = |refusal| OfflineFault::Stranger { sender: sender.clone(), refusal };
    let rows = &site.sources;
    let titled =
        |row: &&SourceRow, title: &AeTitle| row.aet.as_ref().is_none_or(|aet| aet == title);
    let (calling, peer) = match (&sender.calling_aet, sender.peer) {
        (None, None) => return Ok(None),
        (Some(title), Some(peer)) => (Some(title.clone()), peer),
        (Some(title), None) => {
            let row = rows.iter().find(|row| titled(row, title));
            let first = row.and_then(|row| row.hosts.first()).map(|network| network.addr());
            (Some(title.clone()), first.unwrap_or(IpAddr::V4(Ipv4Addr::LOCALHOST)))
        }
        (None, Some(peer)) => {
            let calls = |row: &&SourceRow| row.hosts.iter().any(|network| network.contains(&peer));
            let row = rows.iter().find(calls);
            match row {
                None if rows.is_empty() && peer.is_loopback() => (None, peer),
                None if rows.is_empty() => return Err(stranger(Refusal::NotLocal)),
                None => return Err(stranger(Refusal::OtherAddress)),
                Some(SourceRow { aet: Some(title), .. }) => (Some(title.clone()), peer),
                Some(SourceRow { aet: None, source, .. }) => {
                    return Ok(Some(Known { association: None, source: source.clone() }));
                }
            }
        }
    };
    let Some(calling) = calling else {
        return Ok(Some(Known { association: None, source: Source::default() }));
    };
    let caller = Caller { calling: &calling, peer, proof: Proof::Assumed };
    let source = admission::admit(rows, &caller).map_err(stranger)?.source;
    let association = Association { calling, called: site.ae.clone(), peer };
    Ok(Some(Known { association: Some(association), source }))
}

/// Why a file was not judged.
#[derive(Debug, thiserror::Error)]
pub(super) enum FileFault {
    #[error(transparent)]
    Head(#[from] HeadFault),
    #[error("a DICOMDIR is an index of files, no object")]
    Directory,
    #[error("the file cannot be read: {0}")]
    Io(#[from] io::Error),
}

impl FileFault {
    /// Whether it is a file that nobody takes for an image.
    pub(super) fn is_no_image(&self) -> bool {
        match self {
            Self::Head(HeadFault::NotDicom) | Self::Directory => true,
            Self::Head(HeadFault::Cut | HeadFault::TooLong | HeadFault::Io(_)) | Self::Io(_) => {
                false
            }
        }
    }

    /// Whether it is the index of a medium.
    pub(super) fn is_directory(&self) -> bool {
        matches!(self, Self::Directory)
    }
}

/// Looks through a file, and has `judge` see it as its sender's.
pub(super) fn one<R>(
    path: &Path,
    site: &Site,
    known: Option<&Known>,
    now: Timestamp,
    judge: impl FnOnce(&Image<'_>, &Head) -> R,
) -> Result<R, FileFault> {
    let (head, scan) = read(path, Limits::default())?;
    let in_data_set = scan.header.string(tags::SOP_CLASS_UID);
    let sop_class = in_data_set.as_deref().unwrap_or(head.meta.sop_class.as_str());
    let nobody = Source::default();
    let image = Image {
        scan: &scan,
        sender: known.and_then(|known| known.association.as_ref()),
        source: known.map_or(&nobody, |known| &known.source),
        sop_class,
        transfer_syntax: head.transfer_syntax.as_str(),
        announced: Announced {
            sop_class: head.meta.sop_class.as_str(),
            sop_instance: head.meta.sop_instance.as_str(),
        },
        urgent: false,
        workshop: None,
        preferred: &[],
        other_version: false,
        study: None,
        keys: None,
        decided: None,
    };
    if known.is_some() {
        return Ok(judge(&image, &head));
    }
    let source = Source { institution: guessed(site, &image, now), ..Source::default() };
    Ok(judge(&Image { source: &source, ..image }, &head))
}

/// Reads what stands before the data set, and looks through the data set.
pub(super) fn read(path: &Path, limits: Limits) -> Result<(Head, Scan), FileFault> {
    let mut file = File::open(path)?;
    let head = read_head(&file)?;
    if head.meta.sop_class.as_str() == uids::MEDIA_STORAGE_DIRECTORY_STORAGE {
        return Err(FileFault::Directory);
    }
    file.seek(SeekFrom::Start(head.data_set))?;
    let scan = scan_reader(&file, head.syntax(), limits)?;
    Ok((head, scan))
}

/// The institution of a file of which nobody said who sent it: the only one there is, else the one whose name it bears.
fn guessed(site: &Site, image: &Image<'_>, now: Timestamp) -> Option<InstitutionId> {
    let institutions = site.registry.institutions();
    if let [only] = institutions {
        return Some(only.id.clone());
    }
    let subject = subject(site, image, "", None, now);
    let name = facts::identity::institution_name(&subject)?;
    let day = facts::dates::exam_date(&subject);
    let scopes = site.registry.scope_codes();
    let mut bearers = institutions.iter().filter(|one| one.read(&name, scopes, day).own);
    match (bearers.next(), bearers.next()) {
        (Some(bearer), None) => Some(bearer.id.clone()),
        // A bare mark would be anybody's.
        (Some(_), Some(_)) | (None, _) => None,
    }
}

/// What a walk comes by.
pub(super) enum Found {
    File {
        path: PathBuf,
        /// Whether it was named itself, not found in a folder.
        named: bool,
    },
    Unreadable {
        path: PathBuf,
        error: String,
    },
}

/// Which links a walk follows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Links {
    /// All.
    Followed,
    /// Those that stay within what was named; any other is told as unreadable.
    Within,
}

/// Visits files, and all files in folders in the order of their names. A folder that several links lead to is visited once.
pub(super) fn walk(paths: &[PathBuf], links: Links, mut visit: impl FnMut(Found)) {
    let roots: Vec<PathBuf> = paths.iter().filter_map(|path| path.canonicalize().ok()).collect();
    let mut seen = HashSet::new();
    let mut left: Vec<(PathBuf, bool)> =
        paths.iter().rev().map(|path| (path.clone(), true)).collect();
    while let Some((path, named)) = left.pop() {
        let unreadable =
            |path, error: &dyn ToString| Found::Unreadable { path, error: error.to_string() };
        let leads_out = || {
            let is_link = fs::symlink_metadata(&path).is_ok_and(|found| found.is_symlink());
            let leads = |to: PathBuf| !roots.iter().any(|root| to.starts_with(root));
            is_link && path.canonicalize().is_ok_and(leads)
        };
        if !named && links == Links::Within && leads_out() {
            visit(unreadable(path, &"a link out of the folder: what it leads to is left out"));
            continue;
        }
        let metadata = match fs::metadata(&path) {
            Ok(metadata) => metadata,
            // A link that leads nowhere, or a file that has just gone.
            Err(fault) if !named && fault.kind() == io::ErrorKind::NotFound => continue,
            Err(fault) => {
                visit(unreadable(path, &fault));
                continue;
            }
        };
        if metadata.is_file() {
            visit(Found::File { path, named });
        } else if metadata.is_dir() {
            if !seen.insert(identity(&metadata)) {
                continue;
            }
            match entries(&path) {
                Ok(entries) => left.extend(entries.into_iter().rev().map(|path| (path, false))),
                Err(fault) => visit(unreadable(path, &fault)),
            }
        } else if named {
            visit(unreadable(path, &"neither a file nor a folder"));
        }
    }
}

/// What tells a folder from all others, whatever path leads to it.
fn identity(metadata: &Metadata) -> (u64, u64) {
    (metadata.dev(), metadata.ino())
}

fn entries(folder: &Path) -> io::Result<BTreeSet<PathBuf>> {
    fs::read_dir(folder)?.map(|entry| Ok(entry?.path())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::check::{check, check_at};
    use crate::app::fixture::{loaded, noon};
    use crate::phantom::{FOREIGN_INSTITUTION, Fault, Kind, Specimen};
    use crate::web::model::{Disposition, FileReport, Outcome, Report};

    fn small(kind: Kind, seed: u64) -> Specimen {
        Specimen::new(kind, seed).size(8, 8)
    }

    fn site(dir: &Path) -> Site {
        site::build(&loaded(dir))
    }

    /// A line for each file: its name, and the mark, the reason for none, or the error.
    fn judged(site: &Site, dir: &Path, paths: &[&str], sender: &Sender) -> Vec<String> {
        let paths: Vec<PathBuf> = paths.iter().map(|path| dir.join(path)).collect();
        let reports = check_at(&paths, site, sender, noon()).expect("judged").files;
        let line = |file: &FileReport<Report>| {
            let name = Path::new(&file.file).strip_prefix(dir).expect("below the folder");
            let outcome = match &file.outcome {
                Outcome::Unreadable { error } => error.clone(),
                Outcome::Judged(report) => {
                    report.mark.clone().or(report.reason.clone()).unwrap_or_default()
                }
            };
            format!("{}: {outcome}", name.display())
        };
        reports.iter().map(line).collect()
    }

    fn sender(title: Option<&str>, peer: Option<&str>) -> Sender {
        Sender {
            calling_aet: title.map(|title| AeTitle::parse(title).expect("a title")),
            peer: peer.map(|peer| peer.parse().expect("an address")),
        }
    }

    #[test]
    fn folders_are_searched_in_order_and_what_is_not_dicom_is_skipped() {
        let dir = tempfile::tempdir().expect("a folder");
        let path = dir.path();
        fs::create_dir_all(path.join("in/b")).expect("folders");
        fs::write(path.join("in/c.dcm"), small(Kind::Ct, 1).part10()).expect("a file");
        fs::write(path.join("in/b/x"), small(Kind::Dx, 2).part10()).expect("a file");
        fs::write(path.join("in/a.txt"), "no image").expect("a file");
        fs::write(path.join("in/cut.dcm"), &small(Kind::Ct, 1).part10()[..150]).expect("a file");
        std::os::unix::fs::symlink("..", path.join("in/b/up")).expect("a link");
        std::os::unix::fs::symlink("nowhere", path.join("in/b/gone")).expect("a link");
        let site = site(path);
        let nobody = Sender::default();
        let cut = "in/cut.dcm: the file ends within its file meta information, or is empty";
        let found = ["in/b/x: NO_ITEM", "in/c.dcm: JJJHR", cut];
        assert_eq!(judged(&site, path, &["in"], &nobody), found);
        let named = judged(&site, path, &["in/a.txt", "in/absent", "in/c.dcm"], &nobody);
        let want = [
            "in/a.txt: not a DICOM file",
            "in/absent: No such file or directory (os error 2)",
            "in/c.dcm: JJJHR",
        ];
        assert_eq!(named, want);
    }

    #[test]
    fn the_institution_is_that_of_the_sender_or_the_name() {
        let dir = tempfile::tempdir().expect("a folder");
        let path = dir.path();
        let own = small(Kind::Ct, 1).part10();
        fs::write(path.join("own"), own).expect("a file");
        let foreign = small(Kind::Ct, 2).institution(FOREIGN_INSTITUTION.han).part10();
        fs::write(path.join("foreign"), foreign).expect("a file");
        fs::write(path.join("none"), small(Kind::Ct, 3).institution("").part10()).expect("a file");
        let site = site(path);
        let check = |title, peer, want: [&str; 3]| {
            let names = ["own", "foreign", "none"];
            let judged = judged(&site, path, &names, &sender(title, peer));
            assert_eq!(judged, [0, 1, 2].map(|n| format!("{}: {}", names[n], want[n])));
        };
        check(None, None, ["JJJHR", "NO_SCOPE", "NO_INSTITUTION"]);
        check(Some("CT01"), None, ["JJJHR", "FOREIGN", "JJJHR"]);
        check(Some("CT01"), Some("127.0.0.1"), ["JJJHR", "FOREIGN", "JJJHR"]);
        check(Some("MR07"), None, ["FOREIGN", "NO_SCOPE", "NO_SCOPE"]);
        check(None, Some("10.1.2.3"), ["FOREIGN", "NO_SCOPE", "NO_SCOPE"]);
    }

    #[test]
    fn a_sender_that_the_gate_would_not_take_is_told() {
        let dir = tempfile::tempdir().expect("a folder");
        let site = site(dir.path());
        for (title, peer, want) in [
            (Some("CT02"), Some("127.0.0.1"), "objects from CT02 at 127.0.0.1"),
            (None, Some("11.0.0.1"), "objects from at 11.0.0.1"),
        ] {
            let fault = known(&site, &sender(title, peer)).map(|_| ()).expect_err("a stranger");
            assert!(fault.to_string().contains(want), "{fault}");
        }
    }

    #[test]
    fn a_file_that_cannot_be_walked_is_reported_as_held() {
        let dir = tempfile::tempdir().expect("a folder");
        let file = dir.path().join("broken.dcm");
        let broken = small(Kind::Ct, 1).fault(Fault::NotWalkable);
        fs::write(&file, broken.part10()).expect("a file");
        let reports = check(&[file], &loaded(dir.path()), &Sender::default()).expect("judged");
        let [FileReport { outcome: Outcome::Judged(report), .. }] = reports.files.as_slice() else {
            panic!("{reports:?}")
        };
        assert_eq!(report.disposition, Disposition::Quarantine);
        assert_eq!(report.reason.as_deref(), Some("UNCHECKED"));
        assert_eq!(report.sop_class_uid.as_deref(), Some(Kind::Ct.sop_class()));
    }
}
