//! The way on of one association: the destination whose answers its modality hears.

use std::sync::Arc;

use crate::dicom::sop_class;
use crate::dicom::status::Status;
use crate::dimse::Stream;
use crate::dimse::acceptor::Requested;
use crate::dimse::fault::Fault;
use crate::dimse::message::Answer;
use crate::dimse::mirror::Wish;
use crate::dimse::negotiate::{Context, ContextAnswer, Negotiated};
use crate::dimse::requestor::StoreFault;
use crate::pipeline::{self, Site};
use crate::policy::admission::Admitted;
use crate::policy::relay::{Echo, Fallback, Relay};
use crate::receive::Receiver;
use crate::relay::{OpenFault, Upstream};

/// See the module.
pub(in crate::receive) struct Onward {
    pub(super) relay: Relay,
    pub(super) upstream: Upstream,
    /// What the destination is called.
    pub(super) name: String,
    /// The rest of the association is taken into custody: what has failed once is not tried again with each image, and the
    /// images of a series stay in order.
    fallen: bool,
}

impl Onward {
    /// Opens the way on, where the route of everything that may come over this association is answered by its destination. A
    /// destination that cannot be reached is found so again by each object, or by none, as the route says.
    pub(in crate::receive) async fn open(
        receiver: &Arc<Receiver>,
        requested: &Requested<Stream>,
        negotiated: &Negotiated,
        (sender, admitted): (&pipeline::Association, &Admitted),
    ) -> Option<Self> {
        let site = receiver.site.load_full();
        let chosen = site.routes.foreseen(sender)?;
        let relay = chosen.ack.relay()?;
        let destination = *chosen.destinations.first()?;
        let name = site.destinations.get(destination)?.clone();
        // Who was asked to identify itself here did so to the gate.
        let identity = requested.identity().filter(|_| !admitted.identified);
        let wish = Wish::of(requested.rq(), identity, &|class| is_carried(relay, class));
        if wish.is_empty() {
            return None;
        }
        let mut upstream =
            receiver.relaying.relays.upstream(destination, negotiated.calling(), wish)?;
        let opened = upstream.ready().await.map(|_| ());
        let mut onward = Self { relay, upstream, name, fallen: false };
        if let Err(fault) = opened {
            onward.not_reached(&fault);
        }
        Some(onward)
    }

    /// The answer to a context of the modality's, where it is the destination's to give.
    pub(in crate::receive) fn answer(&self, id: u8, class: &str) -> Option<ContextAnswer> {
        let outgoing = self.upstream.outgoing().filter(|_| is_carried(self.relay, class))?;
        Some(outgoing.answer_to(id))
    }

    /// Answers the modality's other wishes as the destination has.
    pub(in crate::receive) fn grant(&self, negotiated: &mut Negotiated) {
        if let Some(outgoing) = self.upstream.outgoing() {
            negotiated.grant_as(outgoing);
        }
    }

    /// Whether objects are relayed.
    pub(super) fn is_open(&self) -> bool {
        !self.fallen
    }

    /// Whether the rules of the site that are in force now still want its objects relayed there.
    pub(super) fn is_wanted(&self, site: &Site, sender: &pipeline::Association) -> bool {
        let Some(chosen) = site.routes.foreseen(sender) else { return false };
        let first = chosen.destinations.first().and_then(|first| site.destinations.get(*first));
        chosen.ack.relay().is_some() && first == Some(&self.name)
    }

    /// Whether the destination can be sent an object of this context now.
    pub(super) async fn takes(&mut self, context: &Context) -> bool {
        let takes = match self.upstream.ready().await {
            Ok(open) => open.context(&context.abstract_syntax, &context.transfer_syntax).is_some(),
            Err(fault) => {
                self.not_reached(&fault);
                return false;
            }
        };
        if !takes {
            self.fall();
            tracing::warn!(
                destination = self.name,
                sop_class = %context.abstract_syntax,
                transfer_syntax = %context.transfer_syntax,
                "the destination does not take any more what it took when the association was opened"
            );
        }
        takes
    }

    fn not_reached(&mut self, fault: &OpenFault) {
        tracing::warn!(destination = self.name, %fault, "the destination cannot be reached for a modality");
        self.fall();
    }

    /// What could be relayed is not: from here on everything is taken into custody, if the route allows that.
    fn fall(&mut self) {
        self.fallen |= self.relay.fallback == Fallback::Spool;
    }

    /// The destination has failed in the midst of an object, or has no resources.
    pub(super) fn failed(&mut self, fault: Option<&StoreFault>) {
        if let Some(fault) = fault {
            tracing::warn!(destination = self.name, %fault, "the destination failed while an object was relayed");
            if let StoreFault::Association { fault: Fault::Timeout(_), .. } = fault {
                self.upstream.leave_alone();
            }
        }
        self.fall();
    }

    /// Answers a C-ECHO, by asking the destination where the route wants that.
    pub(in crate::receive) async fn echo(&mut self) -> Answer {
        if self.relay.echo == Echo::Local {
            return Answer::from(Status::SUCCESS);
        }
        let not_reached = || {
            Answer::with_comment(
                Status::PROCESSING_FAILURE,
                "the destination is not reached".to_owned(),
            )
        };
        let open = match self.upstream.ready().await {
            Ok(open) => open,
            Err(fault) => {
                tracing::warn!(destination = self.name, %fault, "C-ECHO: the destination cannot be reached");
                return not_reached();
            }
        };
        match open.echo().await {
            Ok(answer) => answer,
            Err(fault) => {
                tracing::warn!(destination = self.name, %fault, "C-ECHO: the destination does not answer");
                if let StoreFault::Association { .. } = fault {
                    self.upstream.abandon();
                }
                not_reached()
            }
        }
    }

    /// The modality has released its association.
    pub(in crate::receive) fn released(self) {
        self.upstream.give_back();
    }

    /// The modality has broken off.
    pub(in crate::receive) async fn broken_off(self) {
        self.upstream.abort().await;
    }
}

/// Whether a SOP class is the destination's business and not the gate's own.
fn is_carried(relay: Relay, class: &str) -> bool {
    match class {
        sop_class::VERIFICATION => relay.echo == Echo::Path,
        class => !sop_class::is_other_service(class),
    }
}
