//! Studies and series: what is kept of their instances, and what can be said once nothing more comes.
//!
//! A [`Part`] is what study rules need of one instance; a [`Study`] is the fold of parts, the same in whatever order they
//! came; a [`Look`] is a study set before the rules, whose conditions read [`STUDY_FACTS`] and [`SERIES_FACTS`].
//!
//! Names, numbers and dates that tell who the patient is are kept as [`Key`]s and nothing else. Of an image 32 bytes are kept, all
//! else in small sets with a bound.

mod assess;
mod facts;
mod few;
mod fold;
mod keys;
mod part;
mod trace;
mod view;
mod words;

#[cfg(test)]
mod tests;

pub use assess::{StudyAssessment, StudyFinding, StudyTrace};
pub use facts::{SERIES_FACTS, STUDY_FACTS, StudyFact};
pub(super) use facts::{series_declarations, study_declarations};
pub use fold::Study;
pub use keys::{Key, Keys};
pub use part::{Class, Part, Said};
pub use trace::{Person, Trace};
pub use view::{Beside, Look, SeriesLook};
