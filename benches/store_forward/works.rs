//! What is sent: three works, each also at a quarter and at four times its amount.

use markgate::dicom::tags;
use markgate::phantom::{Kind, Specimen};

/// The institution whose images they are.
pub const INSTITUTION: &str = "北京友谊医院";

/// So many objects of one kind.
pub struct Work {
    pub name: &'static str,
    pub objects: usize,
    pub kind: Kind,
    /// Rows and columns, 16 bits a pixel.
    pub size: (u16, u16),
    /// Objects of one study.
    pub of_a_study: usize,
    /// Whether there is room for the mark in the pixels.
    pub drawable: bool,
}

pub const WORKS: [Work; 3] = [
    Work {
        name: "W1: CT of 0.5 MB",
        objects: 400,
        kind: Kind::Ct,
        size: (512, 512),
        of_a_study: 400,
        drawable: true,
    },
    Work {
        name: "W2: DX of 15 MB",
        objects: 40,
        kind: Kind::Dx,
        size: (3000, 2500),
        of_a_study: 2,
        drawable: true,
    },
    Work {
        name: "W3: MR of 10 kB",
        objects: 2_000,
        kind: Kind::Mr,
        size: (64, 64),
        of_a_study: 10,
        drawable: false,
    },
];

/// One object, which can become any other of its work: they differ in their UIDs alone, so that none has to be painted anew.
#[derive(Clone)]
pub struct Object {
    pub class: String,
    pub instance: String,
    pub data_set: Vec<u8>,
    of_a_study: usize,
    /// Where UIDs of instance, series and study stand.
    places: [Vec<usize>; 3],
}

/// Digits of a UID that tell it from others.
const DIGITS: usize = 9;

impl Work {
    /// The object that all others are made of. A gate that is configured as here marks them.
    pub fn object(&self) -> Object {
        let first = |what: usize| format!("2.25.{}{:0DIGITS$}", what + 1, 0);
        let uids = [tags::SOP_INSTANCE_UID, tags::SERIES_INSTANCE_UID, tags::STUDY_INSTANCE_UID];
        let (rows, columns) = self.size;
        let specimen = Specimen::new(self.kind, 7).size(rows, columns).institution(INSTITUTION);
        let specimen =
            (0..3).fold(specimen, |specimen, what| specimen.text(uids[what], &first(what)));
        let data_set = specimen.data_set();
        let places = [0, 1, 2].map(|what| {
            let uid = first(what).into_bytes();
            let starts = data_set.windows(uid.len()).enumerate().filter(|(_, text)| *text == uid);
            starts.map(|(start, _)| start + uid.len() - DIGITS).collect()
        });
        Object {
            class: specimen.sop_class().to_string(),
            instance: first(0),
            data_set,
            of_a_study: self.of_a_study,
            places,
        }
    }
}

impl Object {
    /// Makes this object the one of a number.
    pub fn become_number(&mut self, number: usize) {
        let study = number / self.of_a_study;
        for (places, number) in self.places.iter().zip([number, study, study]) {
            for place in places {
                let digits = format!("{number:0DIGITS$}");
                self.data_set[*place..place + DIGITS].copy_from_slice(digits.as_bytes());
            }
        }
        self.instance = instance(number);
    }

    /// The same, each object a study of its own.
    pub fn of_own_studies(self) -> Self {
        Self { of_a_study: 1, ..self }
    }
}

/// The SOP Instance UID of an object.
pub fn instance(number: usize) -> String {
    format!("2.25.1{number:0DIGITS$}")
}
