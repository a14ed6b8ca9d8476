//! Text in the pixels: what is painted, and that nothing else changes.

use std::cell::RefCell;
use std::io::{self, Read};

use super::*;
use crate::codec::{Decoded, FrameShape, Frames, InProcess};
use crate::object::edit::{Made, Patch, Run, RunKind};
use crate::object::splice::{MadeBytes, output};
use crate::phantom::{Kind, Specimen};
use crate::recognition::{Outcome, Reason, ScopeCode, UsedAccreditation};
use crate::stamp::raster::Raster;

/// A bench in memory.
pub(super) struct Memory<'o> {
    object: &'o [u8],
    frames: &'o dyn Frames,
    made: RefCell<Vec<u8>>,
}

impl<'o> Memory<'o> {
    /// `object`: the data set, inflated.
    pub(super) fn of(object: &'o [u8]) -> Self {
        Self::with(object, &InProcess)
    }

    /// The same with a codec of one's own.
    pub(super) fn with(object: &'o [u8], frames: &'o dyn Frames) -> Self {
        Self { object, frames, made: RefCell::default() }
    }

    pub(super) fn bytes(&self) -> MadeBytes {
        MadeBytes::new(io::Cursor::new(self.made.borrow().clone()))
    }
}

impl Workshop for Memory<'_> {
    fn original(&self, at: u64) -> io::Result<Box<dyn Read + '_>> {
        Ok(Box::new(&self.object[at as usize..]))
    }

    fn frames(&self) -> &dyn Frames {
        self.frames
    }

    fn keep(&self, bytes: &[u8]) -> io::Result<()> {
        self.made.borrow_mut().extend(bytes);
        Ok(())
    }

    fn made(&self) -> Made {
        let made = self.made.borrow();
        Made { length: made.len() as u64, hash: *blake3::hash(&made).as_bytes() }
    }

    fn discard(&self) {
        self.made.borrow_mut().clear();
    }
}

/// How an image is drawn on.
pub(super) struct Drawing {
    pub modes: Vec<StampMode>,
    pub policy: StampPolicy,
    pub other_version: bool,
    /// The institution.
    pub name: &'static str,
}

impl Drawing {
    /// Of the pixels of any modality.
    pub(super) fn of(modes: &[StampMode]) -> Self {
        let mut policy = StampPolicy::default();
        policy.pixels.kept.clear();
        Self { modes: modes.to_vec(), policy, other_version: false, name: NAME }
    }

    /// What stamping an object comes to, and the object once stamped.
    pub(super) fn stamped(&self, object: &Object, syntax: &str) -> (Stamp, Object) {
        self.tried(object, syntax, &InProcess).expect("no obstacle")
    }

    /// The same with a codec of one's own, where even the weakest mode may not be had.
    pub(super) fn tried(
        &self,
        object: &Object,
        syntax: &str,
        frames: &dyn Frames,
    ) -> Result<(Stamp, Object), Obstacle> {
        self.with_job(object, syntax, frames, |job, bench| {
            let stamped = stamp(&self.modes, job)?;
            let kept = self_check(job, &stamped, &[ScopeCode::new("JJJHR")]);
            assert_eq!(kept, Ok(()), "what is drawn keeps what is promised");
            let mut bytes = Vec::new();
            output(&object.bytes[..], object.syntax, stamped.plan.clone(), bench.bytes())
                .and_then(|mut changed| changed.read_to_end(&mut bytes))
                .expect("the plan fits");
            Ok((stamped, Object { syntax: object.syntax, bytes }))
        })
    }

    /// What is found on a stamp of an object once it is no more what it was.
    fn found(
        &self,
        object: &Object,
        syntax: &str,
        tamper: impl FnOnce(&mut Stamp),
    ) -> Result<(), Broken> {
        self.with_job(object, syntax, &InProcess, |job, _| {
            let mut stamped = stamp(&self.modes, job).expect("no obstacle");
            tamper(&mut stamped);
            self_check(job, &stamped, &[ScopeCode::new("JJJHR")])
        })
    }

    fn with_job<T>(
        &self,
        object: &Object,
        syntax: &str,
        frames: &dyn Frames,
        act: impl FnOnce(&Job<'_>, &Memory<'_>) -> T,
    ) -> T {
        let view = object.view();
        let set = view.charset();
        let decision = decided("JJJHR");
        let names = Names { full: self.name.to_owned(), short: None, latin: None };
        let provenance = Provenance {
            ae: AeTitle::parse("MARKGATE").expect("a title"),
            source: None,
            version: "0.1.0".to_owned(),
            rules: "b3:0123456789abcdef".to_owned(),
        };
        let class = view.string(tags::SOP_CLASS_UID).unwrap_or_default();
        let plain = object.plain();
        let bench = Memory::with(&plain, frames);
        let job = Job {
            view: &view,
            read_as: &set,
            decision: &decision,
            names: &names,
            policy: &self.policy,
            provenance: &provenance,
            now: "2026-08-14T04:00:00Z".parse().expect("an instant"),
            sop_class: &class,
            transfer_syntax: syntax,
            workshop: Some(&bench),
            preferred: &[],
            other_version: self.other_version,
        };
        act(&job, &bench)
    }
}

/// The decision that an image bears this mark.
fn decided(mark: &str) -> Decision {
    let mark = ScopeCode::new(mark);
    Decision {
        exam_date: Some(date(2026, 5, 1)),
        scopes: vec![mark.clone()],
        accreditation: Some(UsedAccreditation {
            row: 0,
            label: format!("bfh/{mark}/2026-04-01"),
            valid_from: date(2026, 4, 1),
            valid_to: None,
            status: AccreditationStatus::Active,
        }),
        outcome: Outcome::Mark(mark),
        ..Decision::without_judgement(Reason::Unchecked)
    }
}

/// The frames of an object.
pub(super) fn frames_of(object: &Object, syntax: &str) -> (FrameShape, Vec<Decoded>) {
    let plain = object.plain();
    let bench = Memory::of(&plain);
    let raster = Raster::of(&object.view(), syntax, &bench).expect("pixels");
    let frame = |frame| {
        let decoded = raster.decoded(frame, &bench).expect("a frame that can be decoded");
        Decoded::clone(&decoded)
    };
    (raster.shape, (0..raster.frames).map(frame).collect())
}

fn object_of(specimen: &Specimen) -> (Object, String) {
    let syntax = specimen.transfer_syntax().to_string();
    (Object { syntax: TransferSyntax::of(&syntax), bytes: specimen.data_set() }, syntax)
}

/// The pixels that differ between two frames, as the smallest rectangle around them: first column and row, columns and rows.
fn changed_box(shape: &FrameShape, before: &Decoded, after: &Decoded) -> Option<[usize; 4]> {
    let pixel = shape.samples() * shape.sample_bytes();
    let pairs = before.samples.chunks(pixel).zip(after.samples.chunks(pixel));
    let columns = usize::from(shape.columns);
    let changed: Vec<(usize, usize)> = pairs
        .enumerate()
        .filter(|(_, (a, b))| a != b)
        .map(|(index, _)| (index % columns, index / columns))
        .collect();
    let (xs, ys) = (|| changed.iter().map(|(x, _)| *x), || changed.iter().map(|(_, y)| *y));
    let (x, y) = (xs().min()?, ys().min()?);
    Some([x, y, xs().max()? - x + 1, ys().max()? - y + 1])
}

#[test]
fn text_is_painted_in_a_corner_and_nothing_else_changes() {
    for kind in [Kind::Ct, Kind::Dx, Kind::Cr, Kind::Us] {
        let (object, syntax) = object_of(&Specimen::new(kind, 7).study_date(date(2026, 8, 14)));
        let (stamped, changed) = Drawing::of(&[StampMode::BurnIn]).stamped(&object, &syntax);
        assert_eq!(stamped.modes, [StampMode::BurnIn], "{kind:?} {:?}", stamped.fallen_back);
        assert!(stamped.corner.is_some());
        let (shape, before) = frames_of(&object, &syntax);
        let (_, after) = frames_of(&changed, &syntax);
        assert_eq!(before.len(), after.len());
        for (before, after) in before.iter().zip(&after) {
            let place = changed_box(&shape, before, after).expect("something is painted");
            assert!(place[2] < usize::from(shape.columns) && place[3] < 64, "{kind:?} {place:?}");
        }
        let again = Drawing::of(&[StampMode::BurnIn]).stamped(&changed, &syntax);
        assert!(again.0.plan.is_empty(), "{kind:?}");
    }
}

#[test]
fn a_change_of_pixels_beside_the_text_is_found() {
    for (kind, modes) in
        [(Kind::Ct, StampMode::BurnIn), (Kind::Us, StampMode::BurnIn), (Kind::Mr, StampMode::Strip)]
    {
        let (object, syntax) = object_of(&Specimen::new(kind, 7).study_date(date(2026, 8, 14)));
        let (shape, _) = frames_of(&object, &syntax);
        let row = (usize::from(shape.columns) * shape.samples() * shape.sample_bytes()) as u64;
        let drawing = Drawing::of(&[modes]);
        let check = |change: &dyn Fn(&mut Patch, &mut Vec<Run>), want| {
            let found = drawing.found(&object, &syntax, |stamped| {
                assert_eq!(stamped.modes, [modes]);
                let [patch] = stamped.plan.patches() else { panic!("one patch") };
                let (mut patch, mut runs) = (patch.clone(), patch.runs().to_vec());
                change(&mut patch, &mut runs);
                runs.sort_by_key(|run| run.at);
                let patch = Patch::new(patch.at, patch.stride, patch.frames, runs).expect("runs");
                stamped.plan = stamped.plan.clone().patched(vec![patch]).expect("no overlap");
            });
            assert_eq!(found, want, "{kind:?}");
        };
        let beside = Err(Broken::Element(tags::PIXEL_DATA));
        check(&|_, _| {}, Ok(()));
        check(&|_, runs| runs.iter_mut().for_each(|run| run.at -= row), beside);
        let amid = Run { at: u64::from(shape.rows / 2) * row, bytes: vec![1], kind: RunKind::Over };
        check(&|_, runs| runs.push(amid.clone()), beside);
        check(&|patch, _| patch.at += 2, beside);
        let found = drawing.found(&object, &syntax, |stamped| stamped.place = None);
        assert_eq!(found, beside);
    }
}

#[test]
fn an_image_that_is_too_small_gets_rows_below_it() {
    let (object, syntax) = object_of(&Specimen::new(Kind::Mr, 7).study_date(date(2026, 8, 14)));
    let (stamped, changed) = Drawing::of(&[StampMode::BurnIn]).stamped(&object, &syntax);
    assert_eq!(stamped.modes, [StampMode::Strip]);
    assert_eq!(stamped.fallen_back, [(StampMode::BurnIn, Obstacle::TooSmall)]);
    let (shape, before) = frames_of(&object, &syntax);
    let (grown, after) = frames_of(&changed, &syntax);
    assert!(grown.rows > shape.rows && grown.columns == shape.columns);
    assert_eq!(after[0].samples[..before[0].samples.len()], before[0].samples);
}

#[test]
fn another_version_under_its_uid_keeps_the_pixels_as_they_are() {
    let (object, syntax) = object_of(&Specimen::new(Kind::Dx, 7).study_date(date(2026, 8, 14)));
    let kept = Drawing { other_version: true, ..Drawing::of(&[StampMode::BurnIn]) };
    let (stamped, changed) = kept.stamped(&object, &syntax);
    assert_eq!(stamped.modes, [StampMode::Overlay]);
    assert_eq!(frames_of(&object, &syntax), frames_of(&changed, &syntax));
    let mut derived = Drawing { other_version: true, ..Drawing::of(&[StampMode::BurnIn]) };
    derived.policy.pixels.uid = UidPolicy::Derive;
    let (stamped, changed) = derived.stamped(&object, &syntax);
    assert_eq!(stamped.modes, [StampMode::BurnIn]);
    let instance = changed.view().string(tags::SOP_INSTANCE_UID).expect("a UID");
    assert_eq!(stamped.plan.instance().map(|uid| uid.as_str()), Some(instance.as_str()));
    assert_ne!(object.view().string(tags::SOP_INSTANCE_UID), Some(instance));
    assert_eq!(changed.view().string(tags::IMAGE_TYPE).as_deref(), Some("DERIVED"));
}
