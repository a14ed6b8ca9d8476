//! N-ACTION and N-EVENT-REPORT of the requestor's end: sent, and heard on an association that is still open.

use tokio::time::Instant;

use super::Outgoing;
use crate::dicom::uid::Uid;
use crate::dimse::fault::{Breach, Fault};
use crate::dimse::frames::{command_pdus, message_pdus};
use crate::dimse::link::{Heard, Wait};
use crate::dimse::message::{Answer, CommandField, Request, encode_response};
use crate::dimse::normalized::{EventRequest, MOST_DATA, Notice, encode_action, encode_event};
use crate::dimse::timers::Timer;
use crate::dimse::transport::Transport;
use dicom_ul::pdu::UserVariableItem;

/// An event that the peer told of on our own association.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Heralded {
    /// The transfer syntax of its data set.
    pub transfer_syntax: Uid,
    /// What it is.
    pub event: EventRequest,
    /// Its data set.
    pub data: Vec<u8>,
    context: u8,
}

impl<S: Transport> Outgoing<S> {
    /// The transfer syntax and identifier of the first context that was accepted for a SOP class.
    fn context_for(&self, sop_class: &Uid) -> Option<(u8, &Uid)> {
        let context = self.contexts.iter().find(|one| one.abstract_syntax == *sop_class)?;
        Some((context.id, &context.transfer_syntax))
    }

    /// The transfer syntax in which the peer takes a SOP class, if it does.
    pub fn takes(&self, sop_class: &Uid) -> Option<&Uid> {
        self.context_for(sop_class).map(|(_, syntax)| syntax)
    }

    /// Whether the peer has refused us the role of SCP for a SOP class in so many words. One that says nothing of roles may
    /// take reports all the same.
    pub fn denies_scp(&self, sop_class: &Uid) -> bool {
        self.ac.user_variables.iter().any(|item| match item {
            UserVariableItem::ScuScpRoleSelectionSubItem(class, roles) => {
                class == sop_class.as_str() && !roles.scp
            }
            _ => false,
        })
    }

    /// N-ACTION: sends it and waits for the answer.
    ///
    /// # Errors
    /// How the association ended; [`Fault::Broken`] when no context was accepted for the class.
    pub async fn action(&mut self, notice: &Notice) -> Result<Answer, Fault> {
        let id = self.next_id();
        let set = encode_action(id, notice);
        self.notify(CommandField::ACTION, id, &set, notice).await
    }

    /// N-EVENT-REPORT: sends it and waits for the answer.
    ///
    /// # Errors
    /// As [`Outgoing::action`].
    pub async fn report(&mut self, notice: &Notice) -> Result<Answer, Fault> {
        let id = self.next_id();
        let set = encode_event(id, notice);
        self.notify(CommandField::EVENT_REPORT, id, &set, notice).await
    }

    async fn notify(
        &mut self,
        field: CommandField,
        id: u16,
        set: &[u8],
        notice: &Notice,
    ) -> Result<Answer, Fault> {
        let (context, _) = self.context_for(&notice.sop_class).ok_or(Fault::Broken)?;
        self.check().await?;
        let pdus = message_pdus(context, set, &notice.data, self.payload);
        let answered = match self.link.write_data(&pdus).await {
            Ok(()) => self.response(field, id, Some(&notice.sop_instance)).await,
            Err(fault) => Err(fault),
        };
        self.link.settle(answered).await
    }

    /// The next event that the peer tells of; `None` when it releases the association, or when none has come `by` then.
    ///
    /// # Errors
    /// Every other way in which the association can end, and a request that is no event.
    pub async fn event(&mut self, by: Instant) -> Result<Option<Heralded>, Fault> {
        self.link.usable()?;
        let heard = match self.hear_event(by).await {
            // Nothing has begun: the association is as good as before.
            Err(Fault::Timeout(Timer::Response)) => return Ok(None),
            heard => heard,
        };
        self.link.settle(heard).await
    }

    async fn hear_event(&mut self, by: Instant) -> Result<Option<Heralded>, Fault> {
        let (context, set) = match self.link.command(Wait::Until(by, Timer::Response)).await? {
            Heard::Command { context, set } => (context, set),
            Heard::Release => {
                self.link.confirm_release().await?;
                return Ok(None);
            }
        };
        let parsed = Request::parse(&set)?;
        let Request::Event(event) = parsed.message else {
            return Err(Breach::UnexpectedCommand(parsed.message.command_field().0).into());
        };
        let mut data = Vec::new();
        let mut is_whole = !parsed.has_data_set;
        while !is_whole {
            let fragment = self.link.data(context, Wait::Message).await?;
            data.extend_from_slice(self.link.bytes(fragment.bytes));
            if data.len() > MOST_DATA {
                return Err(Breach::Endless { limit: MOST_DATA as u64 }.into());
            }
            is_whole = fragment.last;
        }
        let known = self.contexts.iter().find(|known| known.id == context);
        let transfer_syntax = known.map(|known| known.transfer_syntax.clone()).unwrap_or_default();
        Ok(Some(Heralded { transfer_syntax, event, data, context }))
    }

    /// Answers an event.
    ///
    /// # Errors
    /// When the peer does not take the answer.
    pub async fn answer(&mut self, heralded: &Heralded, answer: &Answer) -> Result<(), Fault> {
        self.link.usable()?;
        let set = encode_response(&Request::Event(heralded.event.clone()), answer);
        let pdus = command_pdus(heralded.context, &set, self.payload);
        let said = self.link.write_data(&pdus).await;
        self.link.settle(said).await
    }
}
