//! What can be said of a study and of each of its series. Rules of these levels read a fact as `study.NAME` or `series.NAME`.
//!
//! As everywhere, a fact judges nothing, and what cannot be told is unknown: what is missing in a study of which not everything was
//! looked at is not missing.

use crate::dicom::Tag;
use crate::expression::{Declarations, Environment, Kind, Value};
use crate::standard::facts::lexicon::{Reading, Regions};
use crate::standard::geometry::{Stack, distinct};

use super::part::Rendition;
use super::view::{Look, SeriesLook};
use super::words::Words;

/// A fact about a study or a series.
#[derive(Debug, Clone, Copy)]
pub struct StudyFact {
    /// Its name, after `study.` or `series.`.
    pub name: &'static str,
    /// What it is.
    pub kind: Kind,
    /// What it says, in a line for the manual.
    pub about: &'static str,
    of: Of,
}

#[derive(Debug, Clone, Copy)]
enum Of {
    Study(fn(&Look<'_>) -> Value),
    Series(fn(&Look<'_>, &SeriesLook<'_>) -> Value),
}

const fn study(
    name: &'static str,
    kind: Kind,
    about: &'static str,
    of: fn(&Look<'_>) -> Value,
) -> StudyFact {
    StudyFact { name, kind, about, of: Of::Study(of) }
}

const fn series(
    name: &'static str,
    kind: Kind,
    about: &'static str,
    of: fn(&Look<'_>, &SeriesLook<'_>) -> Value,
) -> StudyFact {
    StudyFact { name, kind, about, of: Of::Series(of) }
}

/// Facts about a study.
pub const STUDY_FACTS: &[StudyFact] = &[
    study("images", Kind::Number, "images, localizers and rejected ones left out", |s| {
        count(s.kept().map(|series| series.images).sum())
    }),
    study("localizers", Kind::Number, "localizers", |s| {
        count(s.kept().map(|series| series.localizers).sum())
    }),
    study(
        "dose_told",
        Kind::Bool,
        "whether an image gives CTDIvol, or a dose report is there",
        |s| s.study.dose.into(),
    ),
    study("series", Kind::Number, "series with images", |s| count(s.study.series.len())),
    study("localizer_series", Kind::Number, "series of localizers alone", |s| {
        count(s.kept().filter(|series| series.images == 0 && series.localizers > 0).count())
    }),
    study(
        "rejected",
        Kind::Number,
        "images that a Key Object Selection of the study rejects",
        |s| count(s.rejected),
    ),
    study(
        "whole",
        Kind::Bool,
        "whether everything of it that is in custody was looked at and it was quiet when it was settled",
        |s| (s.is_whole() && !s.beside.early).into(),
    ),
    study("modalities", Kind::Texts, "values of Modality among its images", |s| {
        texts(s.study.modalities.iter())
    }),
    study("regions", Kind::Texts, "body regions of its images, in capitals", |s| {
        texts(s.study.regions.iter())
    }),
    study(
        "views",
        Kind::Texts,
        "views of its projections: `PA`, or side and view of the breast: `R CC`",
        |s| {
            let views = s.study.views.iter();
            let kept = views.filter(|(instance, _)| !s.study.rejects.has(instance));
            let mut views: Vec<&Box<str>> = kept.map(|(_, view)| view).collect();
            views.sort_unstable();
            views.dedup();
            texts(views.into_iter())
        },
    ),
    study("age", Kind::Number, "the patient's age in whole years", |s| s.study.age.into()),
    // Whose it is.
    study("patient_ids", Kind::Number, "different Patient IDs, with their issuers", |s| {
        count(s.study.ids.count())
    }),
    study(
        "patient_names",
        Kind::Number,
        "persons that the names are of: names that share a group of characters are one person's",
        |s| count(s.names()),
    ),
    study("birth_dates", Kind::Number, "different birth dates", |s| count(s.study.births.count())),
    study("sexes", Kind::Number, "different values of Patient's Sex", |s| {
        count(s.study.sexes.count())
    }),
    study(
        "known_otherwise",
        Kind::Bool,
        "whether the Patient ID came in another study with another name, birth date or sex",
        |s| s.beside.known_otherwise.into(),
    ),
    study(
        "pixels_elsewhere",
        Kind::Number,
        "images whose pixels came with another Patient ID, blank ones left out; unknown while the studies of earlier runs are still being recalled",
        |s| s.beside.pixels_elsewhere.map(count).into(),
    ),
    study(
        "minutes_to_other",
        Kind::Number,
        "minutes between its begin and that of the nearest other study of the same patient, modality and region",
        |s| s.beside.minutes_to_other.into(),
    ),
    // Where it comes from.
    study("institutions", Kind::Number, "institutions that its senders are configured with", |s| {
        count(s.study.institutions.count())
    }),
    study("institution_names", Kind::Number, "different Institution Names, marks left out", |s| {
        count(s.study.institution_names.count())
    }),
    study("accession_numbers", Kind::Number, "different Accession Numbers", |s| {
        count(s.study.accessions.count())
    }),
    study("descriptions", Kind::Number, "different Study Descriptions", |s| {
        count(s.study.descriptions.count())
    }),
    study("procedures", Kind::Number, "different procedure codes", |s| {
        count(s.study.procedures.count())
    }),
    study(
        "changed_instances",
        Kind::Number,
        "SOP Instance UIDs that came more than once, with different pixels",
        |s| count(s.changed()),
    ),
    study("marks", Kind::Number, "different marks that its images were given", |s| {
        count(s.study.marks.count())
    }),
    // Time.
    study("hours", Kind::Number, "hours from its first image to its last, by acquisition", |s| {
        s.study.acquired.map(|(first, last)| (last - first) as f64 / 3600.0).into()
    }),
    study(
        "report_hours",
        Kind::Number,
        "hours from its last image to its first report; unknown without a report in the study",
        |s| {
            let last = s.study.acquired.map(|(_, last)| last);
            let hours = s.study.reported.zip(last);
            hours.map(|(reported, last)| (reported - last) as f64 / 3600.0).into()
        },
    ),
    // What is there.
    study(
        "short_of_promised",
        Kind::Number,
        "images fewer than Images in Acquisition promises; unknown where nothing promises",
        |s| if_whole(s, s.short_of_promised().map(count)),
    ),
    study(
        "coverage",
        Kind::Number,
        "millimetres that the longest stack across the body covers",
        |s| if_whole(s, s.across().map(|(covered, _)| covered)),
    ),
    study(
        "thinnest",
        Kind::Number,
        "thickness in millimetres of the thinnest slices across the body that cover nine tenths of that",
        |s| s.across().and_then(|(_, thinnest)| thinnest).into(),
    ),
    study("lung_window", Kind::Bool, "whether a window or kernel shows lung", |s| {
        renders(s, Rendition::LUNG)
    }),
    study("soft_window", Kind::Bool, "whether a window shows soft parts", |s| {
        renders(s, Rendition::SOFT)
    }),
    study("bone_window", Kind::Bool, "whether a window or kernel shows bone", |s| {
        renders(s, Rendition::BONE)
    }),
    study(
        "contrast_asked",
        Kind::Bool,
        "whether its descriptions speak of contrast; unknown where they speak of neither contrast nor plain images",
        |s| {
            let spoken = s.study.spoken;
            let said = spoken.have(Words::CONTRAST) || spoken.have(Words::PLAIN);
            said.then(|| spoken.have(Words::CONTRAST)).into()
        },
    ),
    study(
        "contrast_given",
        Kind::Bool,
        "whether a series names a contrast agent or its phase",
        |s| contrast_given(s).into(),
    ),
    study("vessels_asked", Kind::Bool, "whether its descriptions speak of vessels", |s| {
        s.study.spoken.have(Words::VESSELS).into()
    }),
    study("trauma", Kind::Bool, "whether its descriptions speak of an injury", |s| {
        s.study.spoken.have(Words::TRAUMA).into()
    }),
    study("one_side", Kind::Bool, "whether its descriptions speak of one side alone", |s| {
        s.study.spoken.have(Words::ONE_SIDE).into()
    }),
    study(
        "phases",
        Kind::Texts,
        "phases that its series name: plain, arterial, venous, delayed; those without an agent are plain",
        |s| texts(phases(s).into_iter()),
    ),
    study(
        "regions_asked",
        Kind::Texts,
        "body regions that Requested Procedure Description names; unknown where it names none",
        |s| {
            let asked: Vec<&str> = s.study.regions_asked.names().collect();
            if asked.is_empty() { Value::Unknown } else { texts(asked.into_iter()) }
        },
    ),
    study("regions_missing", Kind::Texts, "those of them that no image is of", |s| {
        let images = s.study.regions.iter().map(|region| Reading::of_body_part(region).regions);
        let seen: Vec<&str> = images.flat_map(Regions::names).collect();
        texts(s.study.regions_asked.names().filter(|region| !seen.contains(region)))
    }),
    study(
        "b_values",
        Kind::Number,
        "different diffusion b-values of its series of diffusion; images that say none have 0",
        |s| {
            let diffusion = |series: &&SeriesLook<'_>| shows_diffusion(series);
            let all: Vec<f64> =
                s.kept().filter(diffusion).flat_map(|series| series.b_values.clone()).collect();
            count(distinct(&all))
        },
    ),
    study(
        "phases_asked",
        Kind::Number,
        "phases that its descriptions promise, where they say a number",
        |s| s.study.spoken.phases_promised().into(),
    ),
    study("sequences", Kind::Texts, "weightings of its MR series: T1, T2, PD, FLAIR, DWI", |s| {
        let mut all: Vec<&str> = weightings(s).map(|(weighting, _)| weighting).collect();
        all.sort_unstable();
        all.dedup();
        texts(all.into_iter())
    }),
    study("planes", Kind::Texts, "planes of its stacks: axial, coronal, sagittal, oblique", |s| {
        let stacks = s.kept().flat_map(|series| &series.stacks);
        let mut all: Vec<&str> = stacks.map(|stack| stack.plane.as_str()).collect();
        all.sort_unstable();
        all.dedup();
        texts(all.into_iter())
    }),
    study(
        "sequence_planes",
        Kind::Texts,
        "weightings of its MR series with their planes: `T2 sagittal`",
        |s| {
            let pairs = weightings(s).flat_map(|(weighting, series)| {
                let planes = series.stacks.iter().map(|stack| stack.plane.as_str());
                planes.map(move |plane| format!("{weighting} {plane}"))
            });
            let mut all: Vec<String> = pairs.collect();
            all.sort_unstable();
            all.dedup();
            texts(all.iter())
        },
    ),
];

/// Facts about a series.
pub const SERIES_FACTS: &[StudyFact] = &[
    series("modality", Kind::Text, "Modality, where all its images have the same", |_, s| {
        let modalities = &s.series.modalities;
        let one = modalities.first().filter(|_| modalities.count() == 1);
        one.map_or(Value::Unknown, |modality| Value::present(modality))
    }),
    series("modalities", Kind::Number, "different values of Modality", |_, s| {
        count(s.series.modalities.count())
    }),
    series("patients", Kind::Number, "different Patient IDs", |_, s| {
        count(s.series.patients.count())
    }),
    series("elsewhere", Kind::Bool, "whether its UID came in another study", |all, s| {
        all.beside.series_elsewhere.contains(&s.key).into()
    }),
    series("frames_of_reference", Kind::Number, "different frames of reference", |_, s| {
        count(s.series.frames_of_reference.count())
    }),
    series(
        "rejected",
        Kind::Bool,
        "whether these are the images of a series that a Key Object Selection rejects; the others are looked at apart",
        |_, s| s.rejected.into(),
    ),
    series("images", Kind::Number, "images, localizers left out", |_, s| count(s.images)),
    series("localizers", Kind::Number, "localizers", |_, s| count(s.localizers)),
    series("plane", Kind::Text, "the plane of the stack with most images", |_, s| {
        s.main().map(|stack| stack.plane.as_str()).into()
    }),
    series(
        "orientations",
        Kind::Number,
        "orientations among images that are otherwise of one stack",
        |_, s| if_told(s, || count(s.orientations)),
    ),
    series(
        "missing_slices",
        Kind::Number,
        "slices missing between others: neighbours are one and a half intervals apart or more",
        |all, s| if_whole(all, if_told(s, || sum(s, |stack| stack.missing))),
    ),
    series(
        "irregular_intervals",
        Kind::Number,
        "intervals between slices that differ from the usual one",
        |_, s| if_told(s, || sum(s, |stack| stack.irregular)),
    ),
    series(
        "duplicate_positions",
        Kind::Number,
        "images beyond the usual number at their position in their stack",
        |_, s| if_told(s, || count(s.stacks.iter().map(|stack| stack.stack.surplus).sum())),
    ),
    series(
        "lost_slices",
        Kind::Number,
        "slices missing by their position and by their Instance Number",
        |all, s| if_whole(all, if_told(s, || count(s.lost))),
    ),
    series(
        "interval",
        Kind::Number,
        "millimetres between slices of the stack with most images",
        |_, s| s.main().and_then(|stack| stack.stack.interval).into(),
    ),
    series("thickness", Kind::Number, "thickness of these slices in millimetres", |_, s| {
        s.main().map(|stack| stack.thickness).filter(|thickness| *thickness > 0.0).into()
    }),
    series("open", Kind::Bool, "whether slices lie further apart than they are thick", |_, s| {
        s.is_open().into()
    }),
    series(
        "gap_share",
        Kind::Number,
        "the gap between slices as a part of their thickness",
        |_, s| s.gap_share().into(),
    ),
    series("missing_numbers", Kind::Number, "Instance Numbers missing between others", |all, s| {
        let missing = s.numbering.map(|numbering| i64::from(numbering.missing));
        // Of images that are set apart, the numbers of the others are missing.
        let told = all.is_whole() && all.rejected == 0;
        missing.filter(|_| told).into()
    }),
    series("repeated_numbers", Kind::Number, "images whose Instance Number another has", |_, s| {
        s.numbering.map(|numbering| i64::from(numbering.repeated)).into()
    }),
    series(
        "equal_pixels",
        Kind::Number,
        "images whose pixels are those of an image at another position",
        |_, s| s.equal_pixels.map_or(Value::Unknown, count),
    ),
    series("two_dimensional", Kind::Bool, "whether MR Acquisition Type says 2D", |_, s| {
        s.series.two_dimensional.into()
    }),
    series("diffusion", Kind::Bool, "whether it shows diffusion", |_, s| shows_diffusion(s).into()),
    series("b_values", Kind::Number, "different diffusion b-values", |_, s| {
        count(distinct(&s.b_values))
    }),
    series("contrast", Kind::Bool, "whether a contrast agent is named", |_, s| {
        s.series.contrast.into()
    }),
];

/// What a condition on a study may name.
#[must_use]
pub fn study_declarations() -> Declarations {
    STUDY_FACTS.iter().fold(Declarations::default(), |all, fact| {
        all.with_variable(&format!("study.{}", fact.name), fact.kind)
    })
}

/// What a condition on a series may name: what is known of it and of its study.
#[must_use]
pub fn series_declarations() -> Declarations {
    SERIES_FACTS.iter().fold(study_declarations(), |all, fact| {
        all.with_variable(&format!("series.{}", fact.name), fact.kind)
    })
}

/// A study, or one series of it, as conditions see it.
pub(in crate::standard) struct Seen<'l, 'a> {
    pub(in crate::standard) look: &'l Look<'a>,
    pub(in crate::standard) series: Option<&'l SeriesLook<'a>>,
}

impl Environment for Seen<'_, '_> {
    fn attribute(&self, _: Tag) -> Value {
        Value::Unknown
    }

    fn variable(&self, name: &str) -> Value {
        let (table, name) = match name.split_once('.') {
            Some(("study", name)) => (STUDY_FACTS, name),
            Some(("series", name)) => (SERIES_FACTS, name),
            Some(_) | None => return Value::Unknown,
        };
        let fact = table.iter().find(|fact| fact.name == name);
        match fact.map(|fact| fact.of) {
            Some(Of::Study(of)) => of(self.look),
            Some(Of::Series(of)) => {
                self.series.map_or(Value::Unknown, |series| of(self.look, series))
            }
            None => Value::Unknown,
        }
    }
}

fn count(number: usize) -> Value {
    Value::Int(i64::try_from(number).unwrap_or(i64::MAX))
}

fn texts<T: AsRef<str>>(texts: impl Iterator<Item = T>) -> Value {
    texts.map(|text| Value::from(text.as_ref())).collect::<Vec<Value>>().into()
}

/// What may be said only where nothing is out of sight.
fn if_whole(look: &Look<'_>, value: impl Into<Value>) -> Value {
    if look.is_whole() { value.into() } else { Value::Unknown }
}

/// What may be said only where stacks could be kept apart, and there are some.
fn if_told(series: &SeriesLook<'_>, value: impl FnOnce() -> Value) -> Value {
    let told = !series.series.cut && !series.rejected && !series.stacks.is_empty();
    if told { value() } else { Value::Unknown }
}

fn sum(series: &SeriesLook<'_>, part: impl Fn(&Stack) -> usize) -> Value {
    count(series.volumes().map(|stack| part(&stack.stack)).sum())
}

fn renders(look: &Look<'_>, flag: u8) -> Value {
    look.kept().any(|series| series.series.rendition.0 & flag != 0).into()
}

fn contrast_given(look: &Look<'_>) -> bool {
    let told = |words: Words| {
        [Words::CONTRAST, Words::ARTERIAL, Words::VENOUS].into_iter().any(|flag| words.have(flag))
    };
    look.kept().any(|series| series.series.contrast || told(series.series.words))
}

fn phases(look: &Look<'_>) -> Vec<&'static str> {
    let mut all: Vec<&str> = Vec::new();
    for series in look.kept().filter(|series| series.images > 0) {
        all.extend(series.series.words.phases());
        let told = series.series.words.phases().next().is_some();
        if !told && !series.series.contrast && !series.series.words.have(Words::CONTRAST) {
            all.push("plain");
        }
    }
    all.sort_unstable();
    all.dedup();
    all
}

fn shows_diffusion(series: &SeriesLook<'_>) -> bool {
    series.series.weightings.iter().any(|weighting| weighting.as_str() == "DWI")
}

fn weightings<'l, 'a>(
    look: &'l Look<'a>,
) -> impl Iterator<Item = (&'static str, &'l SeriesLook<'a>)> {
    look.kept().flat_map(|series| {
        series.series.weightings.iter().map(move |weighting| (weighting.as_str(), series))
    })
}
