//! The state of one object in custody, and how events change it: pure, without a database.

use crate::base::time::Timestamp;

use super::event::{Disposition, Event, What};
use super::fault::Refused;

/// Where an object stands. The only type that says so; everything else is derived from it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ObjectState {
    /// In custody, not judged yet.
    Received,
    /// On its way to its destinations.
    Forwarding,
    /// Waiting for a person.
    Held,
    /// Every destination has answered. Custody has ended.
    Delivered,
    /// A person refused it. Custody has ended.
    Rejected,
    /// The same bytes were in custody already. It never counted.
    Suppressed,
    /// Its custody has not ended and its file is gone: an alarm, and the reason why the books do not balance.
    Lost,
}

impl ObjectState {
    /// All states.
    pub const ALL: [Self; 7] = [
        Self::Received,
        Self::Forwarding,
        Self::Held,
        Self::Delivered,
        Self::Rejected,
        Self::Suppressed,
        Self::Lost,
    ];

    /// Its name in the ledger and on the outside.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Received => "received",
            Self::Forwarding => "forwarding",
            Self::Held => "held",
            Self::Delivered => "delivered",
            Self::Rejected => "rejected",
            Self::Suppressed => "suppressed",
            Self::Lost => "lost",
        }
    }

    /// Reads [`ObjectState::as_str`].
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == text)
    }

    /// Whether custody has ended, so that only its retention keeps the object.
    #[must_use]
    pub fn is_settled(self) -> bool {
        match self {
            Self::Delivered | Self::Rejected | Self::Suppressed => true,
            Self::Received | Self::Forwarding | Self::Held | Self::Lost => false,
        }
    }
}

/// Where a delivery stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum DeliveryState {
    /// Due, or waiting for its turn.
    Queued,
    /// An attempt is under way.
    Sending,
    /// An attempt failed; another is due later.
    Deferred,
    /// Not tried again until a person says so.
    Held,
    /// The destination has it.
    Delivered,
}

impl DeliveryState {
    /// All states.
    pub const ALL: [Self; 5] =
        [Self::Queued, Self::Sending, Self::Deferred, Self::Held, Self::Delivered];

    /// Its name in the ledger and on the outside.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Sending => "sending",
            Self::Deferred => "deferred",
            Self::Held => "held",
            Self::Delivered => "delivered",
        }
    }

    /// Reads [`DeliveryState::as_str`].
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == text)
    }

    /// Whether an attempt is under way or to come.
    pub(super) fn is_open(self) -> bool {
        match self {
            Self::Queued | Self::Sending | Self::Deferred => true,
            Self::Held | Self::Delivered => false,
        }
    }
}

/// The way of one object to one destination.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivery {
    /// The destination's name.
    pub destination: String,
    /// Where it stands.
    pub state: DeliveryState,
    /// Attempts begun.
    pub attempts: u32,
    /// Not before this instant.
    pub due: Timestamp,
    /// What went wrong last; empty when nothing did.
    pub last_error: String,
    /// The destination's answer, once it has one.
    pub answer: Option<Answer>,
}

/// A destination's answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// Status (0000,0900).
    pub status: u16,
    /// Text of the answer. Lanes leave it empty: an Error Comment (0000,0902) may tell who the patient is.
    pub comment: String,
    /// BLAKE3 of what was sent.
    pub sent: blake3::Hash,
    /// When it came.
    pub at: Timestamp,
}

/// The reason of an object that no route leads anywhere.
pub const NO_DESTINATION: &str = "NO_DESTINATION";

/// All that events change of one object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Record {
    pub(super) state: ObjectState,
    /// Why it is, or was last, held: rule ids or codes.
    pub(super) reasons: Vec<String>,
    /// The object itself is held, not just some delivery.
    pub(super) on_hold: bool,
    /// Verdicts so far.
    pub(super) verdicts: u32,
    /// A person let it go: it leaves as received.
    pub(super) released: bool,
    /// Where it goes once it may.
    pub(super) destinations: Vec<String>,
    pub(super) deliveries: Vec<Delivery>,
    /// When its custody ended.
    pub(super) settled: Option<Timestamp>,
}

impl Record {
    /// An object that has just come.
    pub(super) fn received() -> Self {
        Self {
            state: ObjectState::Received,
            reasons: Vec::new(),
            on_hold: false,
            verdicts: 0,
            released: false,
            destinations: Vec::new(),
            deliveries: Vec::new(),
            settled: None,
        }
    }

    /// Applies an event, or says why it does not fit and changes nothing.
    pub(super) fn apply(&mut self, event: &Event) -> Result<(), Refused> {
        match &event.what {
            What::Judged(verdict) => {
                let decided = match self.state {
                    ObjectState::Rejected | ObjectState::Suppressed | ObjectState::Lost => true,
                    ObjectState::Received
                    | ObjectState::Forwarding
                    | ObjectState::Held
                    | ObjectState::Delivered => self.released,
                };
                if decided {
                    return Err(Refused::Decided(self.state));
                }
                self.verdicts += 1;
                self.destinations.clone_from(&verdict.destinations);
                match &verdict.disposition {
                    Disposition::Forward => self.forward(event.at),
                    Disposition::Hold(reasons) => self.hold(reasons),
                }
            }
            What::Held { reasons, by: _ } => {
                if self.state.is_settled() || self.state == ObjectState::Lost {
                    return Err(Refused::Decided(self.state));
                }
                self.hold(reasons);
            }
            What::Released { by: _, reason: _, to } => {
                if self.state != ObjectState::Held {
                    return Err(Refused::NotHeld(self.state));
                }
                self.release(to, event.at)?;
            }
            What::Rejected { by: _, reason: _ } => {
                if self.state != ObjectState::Held {
                    return Err(Refused::NotHeld(self.state));
                }
                self.deliveries.retain(|delivery| delivery.state == DeliveryState::Delivered);
                self.state = ObjectState::Rejected;
                self.settled = Some(event.at);
            }
            What::Sending { destination } => {
                let delivery = self.delivery(destination)?;
                match delivery.state {
                    DeliveryState::Queued | DeliveryState::Deferred => {
                        delivery.state = DeliveryState::Sending;
                        delivery.attempts = delivery.attempts.saturating_add(1);
                    }
                    DeliveryState::Sending | DeliveryState::Held | DeliveryState::Delivered => {
                        return Err(Refused::NotQueued(delivery.state));
                    }
                }
            }
            What::Deferred { destination, due, error } => {
                let on_hold = self.on_hold;
                let delivery = self.open_delivery(destination)?;
                // Held while it was under way: there is no next attempt.
                delivery.state =
                    if on_hold { DeliveryState::Held } else { DeliveryState::Deferred };
                delivery.due = *due;
                if !error.is_empty() {
                    delivery.last_error.clone_from(error);
                }
            }
            What::Delivered { destination, status, comment, sent } => {
                let answer = Answer {
                    status: status.0,
                    comment: comment.clone(),
                    sent: *sent,
                    at: event.at,
                };
                self.delivered(destination, answer);
            }
            What::DeliveryHeld { destination, error } => {
                let delivery = self.open_delivery(destination)?;
                delivery.state = DeliveryState::Held;
                delivery.last_error.clone_from(error);
            }
            What::Missed { destination } => {
                match self.state {
                    ObjectState::Rejected | ObjectState::Suppressed | ObjectState::Lost => {
                        return Err(Refused::Decided(self.state));
                    }
                    ObjectState::Received
                    | ObjectState::Forwarding
                    | ObjectState::Held
                    | ObjectState::Delivered => {}
                }
                let on_hold = self.on_hold;
                let delivery = self.delivery(destination)?;
                if delivery.state != DeliveryState::Delivered {
                    return Err(Refused::NotQueued(delivery.state));
                }
                delivery.state = if on_hold { DeliveryState::Held } else { DeliveryState::Queued };
                delivery.due = event.at;
                delivery.answer = None;
            }
            What::Requeued { destination } => {
                if self.on_hold {
                    return Err(Refused::OnHold);
                }
                let delivery = self.delivery(destination)?;
                match delivery.state {
                    DeliveryState::Queued | DeliveryState::Deferred | DeliveryState::Held => {
                        delivery.state = DeliveryState::Queued;
                        delivery.due = event.at;
                    }
                    DeliveryState::Sending | DeliveryState::Delivered => {
                        return Err(Refused::NotQueued(delivery.state));
                    }
                }
            }
        }
        self.settle(event.at);
        Ok(())
    }

    /// Queues what is not delivered yet; everything, when a delivered object was judged again.
    fn forward(&mut self, at: Timestamp) {
        let again = self.state == ObjectState::Delivered;
        self.deliveries.retain(|delivery| {
            let wanted = self.destinations.contains(&delivery.destination);
            let done = delivery.state == DeliveryState::Delivered;
            if again {
                !wanted
            } else {
                done || (wanted && delivery.state == DeliveryState::Sending)
            }
        });
        for destination in &self.destinations {
            if !self.deliveries.iter().any(|delivery| delivery.destination == *destination) {
                self.deliveries.push(Delivery {
                    destination: destination.clone(),
                    state: DeliveryState::Queued,
                    attempts: 0,
                    due: at,
                    last_error: String::new(),
                    answer: None,
                });
            }
        }
        self.on_hold = false;
        self.reasons.clear();
        if self.deliveries.is_empty() {
            self.hold(&[NO_DESTINATION.to_owned()]);
        }
    }

    fn hold(&mut self, reasons: &[String]) {
        self.on_hold = true;
        self.reasons = reasons.to_vec();
        for delivery in &mut self.deliveries {
            match delivery.state {
                DeliveryState::Queued | DeliveryState::Deferred => {
                    delivery.state = DeliveryState::Held;
                }
                // What is under way cannot be called back; its outcome will be recorded.
                DeliveryState::Sending | DeliveryState::Held | DeliveryState::Delivered => {}
            }
        }
    }

    fn release(&mut self, to: &[String], at: Timestamp) -> Result<(), Refused> {
        if !to.is_empty() {
            self.destinations = to.to_vec();
        }
        if !self.on_hold {
            for delivery in &mut self.deliveries {
                if delivery.state == DeliveryState::Held {
                    delivery.state = DeliveryState::Queued;
                    delivery.due = at;
                }
            }
            return Ok(());
        }
        if self.destinations.is_empty() {
            return Err(Refused::NoDestination);
        }
        let reasons = std::mem::take(&mut self.reasons);
        self.released = true;
        self.forward(at);
        // Kept, so that a listing still says why it had been held.
        self.reasons = reasons;
        Ok(())
    }

    /// A fact, whatever was thought before: also of a destination that is no longer, or not yet, expected.
    fn delivered(&mut self, destination: &str, answer: Answer) {
        let known = self.deliveries.iter_mut().find(|known| known.destination == destination);
        match known {
            Some(delivery) => {
                delivery.state = DeliveryState::Delivered;
                delivery.answer = Some(answer);
                delivery.last_error.clear();
            }
            None => self.deliveries.push(Delivery {
                destination: destination.to_owned(),
                state: DeliveryState::Delivered,
                attempts: 1,
                due: answer.at,
                last_error: String::new(),
                answer: Some(answer),
            }),
        }
    }

    fn delivery(&mut self, destination: &str) -> Result<&mut Delivery, Refused> {
        self.deliveries
            .iter_mut()
            .find(|delivery| delivery.destination == destination)
            .ok_or(Refused::NoSuchDelivery)
    }

    fn open_delivery(&mut self, destination: &str) -> Result<&mut Delivery, Refused> {
        let delivery = self.delivery(destination)?;
        if delivery.state.is_open() {
            Ok(delivery)
        } else {
            Err(Refused::NotQueued(delivery.state))
        }
    }

    /// Derives the state from all the rest. Ends of custody stand, but for a delivered object that is judged again.
    pub(super) fn settle(&mut self, at: Timestamp) {
        match self.state {
            ObjectState::Rejected | ObjectState::Suppressed | ObjectState::Lost => return,
            ObjectState::Received
            | ObjectState::Forwarding
            | ObjectState::Held
            | ObjectState::Delivered => {}
        }
        let any = |state| self.deliveries.iter().any(|delivery| delivery.state == state);
        self.state = if self.on_hold {
            ObjectState::Held
        } else if self.deliveries.is_empty() {
            ObjectState::Received
        } else if self.deliveries.iter().any(|delivery| delivery.state.is_open()) {
            ObjectState::Forwarding
        } else if any(DeliveryState::Held) {
            ObjectState::Held
        } else {
            ObjectState::Delivered
        };
        self.settled = match (self.state.is_settled(), self.settled) {
            (true, None) => Some(at),
            (true, earlier) => earlier,
            (false, _) => None,
        };
    }
}
