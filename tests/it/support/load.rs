//! Load on a gate that may be killed, cut off or starved meanwhile: modalities that send one slice after the other and
//! remember what was acknowledged, and the reckoning when all is over.

#![allow(dead_code, reason = "what the behaviour tests do not use, the tests under fire do")]

use super::dataset::{self, Object};
use super::eventually::eventually;
use super::sender::Sender;
use super::sink::{Received, Sink};
use super::wire::{CT_IMAGE, Context, EXPLICIT_LE};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Mutex, MutexGuard};
use std::time::Duration;

/// A gate that lets nobody in for this long has failed.
const LET_IN: Duration = Duration::from_secs(120);

/// Every so many slices one is large: it fills many PDUs, and many blocks on the disk.
const LARGE_EVERY: u32 = 16;

/// The side of a large one.
const SIDE: u16 = 512;

/// A moment under load, for something to happen in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Moment {
    /// Right after the slice that makes it so many acknowledged.
    Acknowledged(usize),
    /// When so many slices have begun, as a rule in the midst of others.
    Begun(u32),
}

type Act = Box<dyn FnOnce() + Send>;

#[derive(Default)]
struct State {
    acknowledged: BTreeSet<u32>,
    /// Those of which a copy has been held against what was sent.
    compared: BTreeSet<u32>,
    /// How many were answered with something else than success.
    refused: u32,
    /// How many got no answer.
    unanswered: u32,
    due: Option<(Moment, Act)>,
}

/// The slices of one study, sent by any number of senders.
pub struct Load {
    study: u32,
    /// How many slices there are to each large one; none when `None`.
    large_every: Option<u32>,
    next: AtomicU32,
    stopped: AtomicBool,
    state: Mutex<State>,
}

/// What became of a load.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reckoning {
    pub acknowledged: usize,
    /// Acknowledged and not at the PACS.
    pub lost: Vec<u32>,
    /// Copies beyond the first.
    pub duplicates: usize,
}

/// See [`Load::until_dropped`].
pub struct Stop<'a>(&'a Load);

impl Drop for Stop<'_> {
    fn drop(&mut self) {
        self.0.stop();
    }
}

impl Load {
    /// Slices of 8 KiB.
    pub fn small(study: u32) -> Self {
        Self {
            study,
            large_every: None,
            next: AtomicU32::new(0),
            stopped: AtomicBool::new(false),
            state: Mutex::default(),
        }
    }

    /// Slices of 8 KiB, with one of 512 KiB among them now and then.
    pub fn mixed(study: u32) -> Self {
        Self { large_every: Some(LARGE_EVERY), ..Self::small(study) }
    }

    /// A slice of this load.
    pub fn slice(&self, number: u32) -> Object {
        let slice = Object::chest_ct(self.study, number);
        if self.large_every.is_none_or(|every| number % every != every - 1) {
            return slice;
        }
        let pixels = (0..u32::from(SIDE) * u32::from(SIDE))
            .flat_map(|at| u16::try_from((at + number) % 2000).expect("small").to_le_bytes())
            .collect();
        slice.with_pixels(SIDE, SIDE, pixels)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("no sender panics")
    }

    /// Has something done once, by the sender that brings the moment about.
    pub fn at(&self, moment: Moment, act: impl FnOnce() + Send + 'static) {
        self.state().due = Some((moment, Box::new(act)));
        self.happened();
    }

    fn happened(&self) {
        let mut state = self.state();
        let come = match state.due.as_ref() {
            Some((Moment::Acknowledged(count), _)) => state.acknowledged.len() >= *count,
            Some((Moment::Begun(count), _)) => self.begun() >= *count,
            None => false,
        };
        let due = if come { state.due.take() } else { None };
        drop(state);
        if let Some((_, act)) = due {
            act();
        }
    }

    /// How many slices have begun.
    pub fn begun(&self) -> u32 {
        self.next.load(Ordering::Relaxed)
    }

    /// How many have been acknowledged.
    pub fn acknowledged(&self) -> usize {
        self.state().acknowledged.len()
    }

    /// How many have been refused.
    pub fn refused(&self) -> u32 {
        self.state().refused
    }

    /// How many have had no answer.
    pub fn unanswered(&self) -> u32 {
        self.state().unanswered
    }

    /// The instances that have been acknowledged.
    pub fn instances(&self) -> BTreeSet<String> {
        self.state().acknowledged.iter().map(|number| self.instance(*number)).collect()
    }

    fn instance(&self, number: u32) -> String {
        format!("{}{number}", self.root())
    }

    /// How its instances begin.
    fn root(&self) -> String {
        format!("1.2.826.0.1.3680043.8.498.77.{}.1.", self.study)
    }

    /// Ends all senders after the slice in hand.
    pub fn stop(&self) {
        self.stopped.store(true, Ordering::Relaxed);
    }

    /// Stops the load when it goes out of scope, so that nobody waits for its senders after a failure.
    pub fn until_dropped(&self) -> Stop<'_> {
        Stop(self)
    }

    /// Whether it is to end.
    pub fn has_stopped(&self) -> bool {
        self.stopped.load(Ordering::Relaxed)
    }

    /// Sends until the load is stopped, over a new association whenever one ends.
    pub fn send(&self, port: u16) {
        while !self.has_stopped() {
            let context = [Context::proposed(1, CT_IMAGE, &[EXPLICIT_LE])];
            let sender = eventually("the gate lets a sender in", LET_IN, || {
                if self.has_stopped() {
                    return Some(None);
                }
                Sender::connect(port, "CT01", "MARKGATE", &context).ok().map(Some)
            });
            let Some(mut sender) = sender else { return };
            while !self.has_stopped() && self.store(&mut sender) {}
            if self.has_stopped() {
                sender.release();
            }
        }
    }

    /// Sends the next slice: whether the association is still there.
    pub fn store(&self, sender: &mut Sender) -> bool {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        self.happened();
        let slice = self.slice(number);
        let answer = sender.store(CT_IMAGE, &slice.instance, &slice.data());
        let mut state = self.state();
        match &answer {
            Some(answer) if answer.status == 0 => drop(state.acknowledged.insert(number)),
            Some(_) => state.refused += 1, // so not the gate's to keep
            None => state.unanswered += 1,
        }
        drop(state);
        self.happened();
        answer.is_some()
    }

    /// Those of the acknowledged slices that have not arrived.
    pub fn missing(&self, sink: &Sink) -> Vec<u32> {
        let here = sink.instances();
        let acknowledged = self.state().acknowledged.clone();
        acknowledged.into_iter().filter(|number| !here.contains(&self.instance(*number))).collect()
    }

    /// Holds copies against what was sent, so that their bytes need not be kept until the reckoning.
    ///
    /// # Panics
    /// As [`Load::reckon`].
    #[track_caller]
    pub fn compare(&self, copies: &[Received], marked: bool) {
        for copy in copies {
            let number = copy.instance.strip_prefix(&self.root());
            if let Some(number) = number.and_then(|number| number.parse().ok()) {
                self.compare_one(number, copy, marked);
                self.state().compared.insert(number);
            }
        }
    }

    #[track_caller]
    fn compare_one(&self, number: u32, copy: &Received, marked: bool) {
        let sent = self.slice(number).data();
        let mut changed = dataset::differences(&sent, &copy.data, EXPLICIT_LE);
        changed.retain(|tag| tag.0 != 0x0077);
        if marked {
            assert_eq!(changed, [(0x0008, 0x0080), (0x0018, 0xA001), (0x0400, 0x0561)]);
        } else {
            assert!(sent == copy.data, "{number} differs in {changed:?}");
        }
    }

    /// What has become of it by now. `marked` tells whether the gate was to mark.
    ///
    /// # Panics
    /// When a copy is not what was sent, but for the mark, or differs from another copy.
    #[track_caller]
    pub fn reckon(&self, sink: &Sink, marked: bool) -> Reckoning {
        let mut copies: BTreeMap<String, Vec<Received>> = BTreeMap::new();
        for received in sink.received_of(&self.root()) {
            copies.entry(received.instance.clone()).or_default().push(received);
        }
        let mut duplicates = 0;
        for number in 0..self.begun() {
            let Some(copies) = copies.get(&self.instance(number)) else { continue };
            duplicates += copies.len() - 1;
            let first = &copies[0];
            if !self.state().compared.contains(&number) {
                self.compare_one(number, first, marked);
            }
            let alike = copies.iter().all(|copy| copy.hash == first.hash);
            assert!(alike, "copies of {number} differ");
        }
        Reckoning { acknowledged: self.acknowledged(), lost: self.missing(sink), duplicates }
    }
}
