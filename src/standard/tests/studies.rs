//! Conformant studies of phantoms, to be changed in one thing.

use std::sync::{Arc, LazyLock, OnceLock};

use super::*;
use crate::dicom::tags;
use crate::phantom::Value::{Doubles, Items};
use crate::phantom::{DataSet, Kind, Specimen};
use crate::standard::study::{Beside, Keys, Look, Part, Said, Study, StudyAssessment};

/// What identities are hidden by.
pub(in crate::standard) fn keys() -> Keys {
    Keys::new([9; 32])
}

/// An instance, with what is said of it beside.
#[derive(Clone)]
pub(in crate::standard) struct One {
    specimen: Specimen,
    institution: Option<&'static str>,
    mark: Option<&'static str>,
    pixels: Option<Vec<u8>>,
    /// Of it as it stands; looked at once, for there are many in a study.
    part: Arc<OnceLock<Part>>,
    way: Way,
}

impl One {
    pub(in crate::standard) fn new(specimen: Specimen) -> Self {
        // Each image has pixels of its own.
        let pixels = specimen.sop_instance().as_str().as_bytes().to_vec();
        let (institution, mark) = (Some("here"), Some("BJHR"));
        let (part, way) = (Arc::default(), Way::default());
        Self { specimen, institution, mark, pixels: Some(pixels), part, way }
    }

    /// A small one of a kind.
    pub(in crate::standard) fn small(kind: Kind, series: u32, instance: u32) -> Self {
        Self::new(Specimen::new(kind, 5).size(8, 8).series(series).instance(instance))
    }

    pub(in crate::standard) fn specimen(&self) -> &Specimen {
        &self.specimen
    }

    pub(in crate::standard) fn change(self, how: impl FnOnce(Specimen) -> Specimen) -> Self {
        Self { specimen: how(self.specimen), part: Arc::default(), ..self }
    }

    pub(in crate::standard) fn text(self, tag: Tag, text: &str) -> Self {
        self.change(|specimen| specimen.text(tag, text))
    }

    pub(in crate::standard) fn without(self, tag: Tag) -> Self {
        self.change(|specimen| specimen.without(tag))
    }

    /// From a source that is configured with this institution.
    pub(in crate::standard) fn of_institution(self, institution: &'static str) -> Self {
        Self { institution: Some(institution), part: Arc::default(), ..self }
    }

    /// From this source, by this route.
    pub(in crate::standard) fn by(self, way: Way) -> Self {
        Self { way, part: Arc::default(), ..self }
    }

    pub(in crate::standard) fn marked(self, mark: Option<&'static str>) -> Self {
        Self { mark, part: Arc::default(), ..self }
    }

    /// With the pixels of another, or none that could be looked at.
    pub(in crate::standard) fn showing(self, other: Option<&One>) -> Self {
        let pixels = other.and_then(|other| other.pixels.clone());
        Self { pixels, part: Arc::default(), ..self }
    }

    pub(in crate::standard) fn part(&self) -> Part {
        let looked_at = || {
            let bytes = self.specimen.data_set();
            let syntax = self.specimen.transfer_syntax();
            let read_as = TransferSyntax::of(syntax.as_str());
            let scan = scan_reader(bytes.as_slice(), read_as, Limits::default());
            let scan = scan.expect("memory can be read");
            let arrival =
                Arrival { transfer_syntax: syntax.as_str(), end: Some(scan.end), ..arrival() };
            let said = Said {
                way: self.way.clone(),
                blocked: Vec::new(),
                institution: self.institution,
                mark: self.mark,
                pixels: self.pixels.as_deref(),
            };
            Part::of(&Subject::new(&scan.header, arrival), said, &keys()).expect("a part")
        };
        self.part.get_or_init(looked_at).clone()
    }
}

/// A study and what is known of it beside its instances.
#[derive(Clone)]
pub(in crate::standard) struct Examination {
    pub(in crate::standard) all: Vec<One>,
    beside: Beside,
}

impl Examination {
    pub(in crate::standard) fn of(all: Vec<One>) -> Self {
        Self { all, beside: Beside::default() }
    }

    /// One small image of a kind, or what the kind is instead.
    pub(in crate::standard) fn small(kind: Kind) -> Self {
        Self::of(vec![One::small(kind, 1, 1)])
    }

    /// A chest CT: a localizer and 170 slices of 1.25 mm.
    pub(in crate::standard) fn chest_ct() -> Self {
        static ALL: LazyLock<Vec<One>> = LazyLock::new(|| {
            let localizer = One::small(Kind::Ct, 1, 1)
                .text(tags::IMAGE_TYPE, "ORIGINAL\\PRIMARY\\LOCALIZER")
                .text(tags::IMAGE_ORIENTATION_PATIENT, "1\\0\\0\\0\\0\\-1");
            let slices = (1..=170).map(|number| One::small(Kind::Ct, 2, number));
            [localizer].into_iter().chain(slices).collect()
        });
        Self::of(ALL.clone())
    }

    /// A head MR: four weightings in axial planes, one of them sagittal too; diffusion with two b-values.
    pub(in crate::standard) fn head_mr() -> Self {
        let series = [("T1", 1), ("T2", 2), ("FLAIR", 3), ("DWI", 4), ("T2", 5)];
        let all = series.into_iter().flat_map(|(words, series)| {
            (1..=4).map(move |number| {
                let one = One::small(Kind::Mr, series, number)
                    .text(tags::SERIES_DESCRIPTION, words)
                    .text(tags::PROTOCOL_NAME, words)
                    .text(tags::SEQUENCE_NAME, "se");
                let one = if words == "DWI" {
                    let b_value = Doubles(vec![if number <= 2 { 0.0 } else { 1000.0 }]);
                    one.change(|specimen| specimen.set(tags::DIFFUSION_B_VALUE, VR::FD, b_value))
                } else {
                    one
                };
                if series == 5 {
                    one.text(tags::IMAGE_ORIENTATION_PATIENT, "0\\1\\0\\0\\0\\-1")
                        .text(tags::IMAGE_POSITION_PATIENT, &format!("{}\\-100\\60", 6 * number))
                } else {
                    one
                }
            })
        });
        Self::of(all.collect())
    }

    /// A mammography: two views of either breast.
    pub(in crate::standard) fn breasts() -> Self {
        let views = [("R", "CC"), ("L", "CC"), ("R", "MLO"), ("L", "MLO")];
        let all = (1..).zip(views).map(|(number, (side, view))| {
            One::small(Kind::Mg, 1, number)
                .text(tags::IMAGE_LATERALITY, side)
                .text(tags::VIEW_POSITION, view)
                .without(tags::VIEW_CODE_SEQUENCE)
                .text(tags::STUDY_DESCRIPTION, "双乳摄影")
        });
        Self::of(all.collect())
    }

    /// Two chest radiographs in one series.
    pub(in crate::standard) fn two_radiographs() -> Self {
        Self::of(vec![One::small(Kind::Dx, 1, 1), One::small(Kind::Dx, 1, 2)])
    }

    /// With one instance changed.
    pub(in crate::standard) fn change(
        mut self,
        index: usize,
        how: impl FnOnce(One) -> One,
    ) -> Self {
        let one = self.all.remove(index);
        self.all.insert(index, how(one));
        self
    }

    /// With all of them changed.
    pub(in crate::standard) fn every(self, how: impl FnMut(One) -> One) -> Self {
        Self { all: self.all.into_iter().map(how).collect(), ..self }
    }

    /// Without the instances at these places.
    pub(in crate::standard) fn less(mut self, places: std::ops::Range<usize>) -> Self {
        self.all.drain(places);
        self
    }

    /// With more instances.
    pub(in crate::standard) fn and(mut self, more: impl IntoIterator<Item = One>) -> Self {
        self.all.extend(more);
        self
    }

    /// With something else known beside.
    pub(in crate::standard) fn beside(mut self, know: impl FnOnce(&mut Beside)) -> Self {
        know(&mut self.beside);
        self
    }

    pub(in crate::standard) fn fold(&self) -> Study {
        let mut parts = self.all.iter().map(One::part);
        let mut study = Study::begun_by(&parts.next().expect("an instance"));
        parts.for_each(|part| study.add(&part));
        study
    }

    /// Has something look at it.
    pub(in crate::standard) fn look<T>(&self, look: impl FnOnce(&Look<'_>) -> T) -> T {
        look(&Look::at(&self.fold(), &self.beside))
    }

    /// What the built-in rules say of it.
    pub(in crate::standard) fn assess(&self) -> StudyAssessment {
        self.look(|look| built_in_sets().assess_study(look))
    }
}

/// The built-in pack without changes, for every way of coming.
pub(in crate::standard) fn built_in_sets() -> &'static RuleSets {
    static RULES: LazyLock<RuleSets> = LazyLock::new(|| {
        let pack = Pack::built_in("db11t2505-2025").expect("the built-in pack");
        RuleSets::build(&[pack], &Changes::default()).expect("rules that compile")
    });
    &RULES
}

/// A Key Object Selection with a title, of one image.
pub(in crate::standard) fn selection(title: &str, of: &One) -> One {
    let mut image = DataSet::default();
    image.text(tags::REFERENCED_SOP_INSTANCE_UID, of.specimen.sop_instance().as_str());
    let mut series = DataSet::default();
    series.items(tags::REFERENCED_SOP_SEQUENCE, vec![image]);
    let mut study = DataSet::default();
    study.items(tags::REFERENCED_SERIES_SEQUENCE, vec![series]);
    let evidence = tags::CURRENT_REQUESTED_PROCEDURE_EVIDENCE_SEQUENCE;
    let selecting = Specimen::new(Kind::DoseReport, 5).series(7);
    One::new(key_objects(selecting, title).set(evidence, VR::SQ, Items(vec![study]))).showing(None)
}

/// Makes a report a Key Object Selection Document under a title of CID 7010.
pub(in crate::standard) fn key_objects(report: Specimen, title: &str) -> Specimen {
    let mut code = DataSet::default();
    code.text(tags::CODE_VALUE, title)
        .text(tags::CODING_SCHEME_DESIGNATOR, "DCM")
        .text(tags::CODE_MEANING, "Title");
    report
        .text(tags::SOP_CLASS_UID, "1.2.840.10008.5.1.4.1.1.88.59")
        .text(tags::MODALITY, "KO")
        .set(tags::CONCEPT_NAME_CODE_SEQUENCE, VR::SQ, Items(vec![code]))
}
