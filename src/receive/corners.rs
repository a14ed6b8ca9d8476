//! Which corner the text is in: the same for a whole series, and for what a device makes by one protocol, as long as the corner is free
//! in the image at hand too.
//!
//! Bounded, and kept in memory alone: after a restart the corner is looked for anew, and what was decided before stands in the
//! verdicts.

use std::collections::{HashMap, VecDeque};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::dicom::tags;
use crate::dicom::uid::Uid;
use crate::object::HeaderView;
use crate::stamp::layout::Corner;

/// Series, and pairs of device and protocol, that are remembered.
const REMEMBERED: usize = 4096;

/// How long the images of a series wait for the first of them, whose corner they are to follow.
const FIRST: Duration = Duration::from_secs(1);

/// See the module.
#[derive(Default)]
pub(super) struct Corners {
    known: Mutex<Known>,
    decided: Condvar,
}

#[derive(Default)]
struct Known {
    series: Memory,
    devices: Memory,
    /// Series whose first image is being judged.
    deciding: Vec<String>,
}

/// What is remembered longest goes first.
#[derive(Default)]
struct Memory {
    /// `None`: the text is in no corner.
    corners: HashMap<String, Option<Corner>>,
    order: VecDeque<String>,
}

impl Memory {
    fn set(&mut self, key: &str, corner: Option<Corner>) {
        if self.corners.insert(key.to_owned(), corner).is_none() {
            self.order.push_back(key.to_owned());
        }
        if self.order.len() > REMEMBERED
            && let Some(oldest) = self.order.pop_front()
        {
            self.corners.remove(&oldest);
        }
    }
}

/// The judgement of one image.
pub(super) struct Turn<'c> {
    corners: &'c Corners,
    series: String,
    device: String,
    /// Whether others of its series wait for it.
    is_first: bool,
}

impl Corners {
    /// Begins the judgement of an image. Blocks while the first of its series is judged.
    pub(super) fn turn(&self, view: &HeaderView) -> Turn<'_> {
        let series = view.string(tags::SERIES_INSTANCE_UID).map(|uid| Uid::new(&uid));
        let series = series.unwrap_or_default().to_string();
        let device = device_and_protocol(view);
        let known = self.known();
        let is_undecided = |known: &mut Known| known.deciding.contains(&series);
        let waited = self.decided.wait_timeout_while(known, FIRST, is_undecided);
        let (mut known, _elapsed) = waited.unwrap_or_else(PoisonError::into_inner);
        let is_first = !known.series.corners.contains_key(&series);
        if is_first {
            known.deciding.push(series.clone());
        }
        Turn { corners: self, series, device, is_first }
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Turn<'_> {
    /// The corners to be tried first.
    pub(super) fn preferred(&self) -> Vec<Corner> {
        let known = self.corners.known();
        let corners =
            [known.series.corners.get(&self.series), known.devices.corners.get(&self.device)];
        corners.into_iter().flatten().filter_map(|corner| *corner).collect()
    }

    /// Remembers where the text went, if the series had no corner as yet.
    pub(super) fn decided(&self, corner: Option<Corner>) {
        let mut known = self.corners.known();
        if known.series.corners.get(&self.series).copied().flatten().is_some() {
            return;
        }
        known.series.set(&self.series, corner);
        if corner.is_some() {
            known.devices.set(&self.device, corner);
        }
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        if self.is_first {
            let mut known = self.corners.known();
            if let Some(place) = known.deciding.iter().position(|series| *series == self.series) {
                known.deciding.swap_remove(place);
            }
            drop(known);
            self.corners.decided.notify_all();
        }
    }
}

/// What makes images alike in where they are free: the device, what it was told to do, and the size.
fn device_and_protocol(view: &HeaderView) -> String {
    let parts = [
        tags::MANUFACTURER_MODEL_NAME,
        tags::DEVICE_SERIAL_NUMBER,
        tags::STATION_NAME,
        tags::PROTOCOL_NAME,
        tags::BODY_PART_EXAMINED,
        tags::VIEW_POSITION,
        tags::IMAGE_LATERALITY,
        tags::ROWS,
        tags::COLUMNS,
    ];
    let part = |tag| {
        let bytes = view.find(tag).and_then(|element| view.bytes(element)).unwrap_or_default();
        String::from_utf8_lossy(bytes).into_owned()
    };
    parts.map(part).join("\\")
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use jiff::civil::date;

    use super::*;
    use crate::base::limits::Limits;
    use crate::dicom::transfer_syntax::TransferSyntax;
    use crate::object::scan_reader;
    use crate::phantom::{Kind, Specimen};

    fn view(series: u32, instance: u32) -> HeaderView {
        let specimen = Specimen::new(Kind::Ct, 7).study_date(date(2026, 8, 14));
        let specimen = specimen.series(series).instance(instance);
        let syntax = TransferSyntax::of(specimen.transfer_syntax().as_str());
        let data_set = specimen.data_set();
        scan_reader(data_set.as_slice(), syntax, Limits::default()).expect("memory").header
    }

    #[test]
    fn a_series_keeps_its_corner_and_the_next_follows_the_device() {
        let corners = Corners::default();
        let first = corners.turn(&view(1, 1));
        assert_eq!(first.preferred(), []);
        first.decided(Some(Corner::TopLeft));
        drop(first);
        let second = corners.turn(&view(1, 2));
        assert_eq!(second.preferred(), [Corner::TopLeft, Corner::TopLeft]);
        second.decided(Some(Corner::BottomRight));
        drop(second);
        assert_eq!(corners.turn(&view(1, 3)).preferred().first(), Some(&Corner::TopLeft));
        assert_eq!(corners.turn(&view(2, 1)).preferred(), [Corner::TopLeft]);
    }

    #[test]
    fn images_of_a_series_wait_for_the_first() {
        let corners = Corners::default();
        let (told, order) = mpsc::sync_channel(1);
        std::thread::scope(|scope| {
            let first = corners.turn(&view(1, 1));
            let (corners, told) = (&corners, told);
            scope.spawn(move || {
                let second = corners.turn(&view(1, 2));
                told.send(second.preferred()).expect("somebody listens");
            });
            first.decided(Some(Corner::TopRight));
            drop(first);
        });
        assert_eq!(order.recv().expect("told").first(), Some(&Corner::TopRight));
    }

    #[test]
    fn no_more_is_remembered_than_there_is_room_for() {
        let mut memory = Memory::default();
        for number in 0..=REMEMBERED {
            memory.set(&number.to_string(), Some(Corner::TopLeft));
        }
        assert_eq!((memory.corners.len(), memory.order.len()), (REMEMBERED, REMEMBERED));
        assert!(!memory.corners.contains_key("0"));
    }
}
