//! One attempt at one object: from the spool, changed as recorded, to the destination's answer.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

use tokio_util::sync::CancellationToken;

use super::Shared;
use super::body::{Body, BodyFault, Change, Form, Outgoing, Sent, Watch};
use super::peer::{Line, PeerFault};
use super::standing::Against;
use crate::base::caught::{Panicked, caught};
use crate::dicom::status::Status;
use crate::dicom::uid::Uid;
use crate::ledger::{Departure, Due, LedgerFault, Treatment};
use crate::object::edit::EditPlan;
use crate::object::part10::FileMeta;
use crate::object::splice::MadeBytes;
use crate::observe::audit::Entry;
use crate::policy::outcome::{Attempt, Cause, Failure, Outcome, outcome};
use crate::spool::{MadeFault, ObjectId, ReadFault, StoredObject, folder};

/// Bytes of an object of which the system drops its copy in microseconds.
const AT_ONCE: u64 = 1 << 20;

/// The way to a destination.
pub(super) enum Way {
    /// A DICOM peer.
    Peer(Box<Line>),
    /// A folder.
    Folder(PathBuf),
}

/// What came of an attempt.
pub(super) enum Attempted {
    /// The destination has it.
    Stored {
        /// What it said.
        status: Status,
        /// Whether that was a remark.
        warning: Option<Status>,
        /// The hash of what went out.
        sent: blake3::Hash,
    },
    /// The destination has it not.
    Failed { cause: Cause, against: Against, error: String },
    /// The object's own file is at fault.
    Damaged(ReadFault),
    /// The gate cannot make out of the object what was to be sent; with or without a plan.
    Unmade { planned: bool, error: String },
    /// It may not leave any more: a person has decided, or it was judged anew.
    Withdrawn,
    /// The gate stops, and nothing had been sent.
    Stopped,
    /// The disk does not give the object's file back.
    Unreadable(String),
    /// The ledger cannot be asked at the moment, or nothing can be opened.
    Unclear(String),
}

impl Attempted {
    fn of(attempt: Attempt, against: Against, error: String) -> Self {
        let cause = match outcome(attempt) {
            Outcome::NotStored(cause) => cause,
            // Not reached: a failure is no success.
            Outcome::Stored { .. } => Cause::Transient,
        };
        let against = if cause == Cause::Content { Against::Content } else { against };
        Self::Failed { cause, against, error }
    }

    /// By the status alone: archives write names and ids of patients into the Error Comment (0000,0902), so it is written nowhere.
    fn answered(status: Status, sent: blake3::Hash) -> Self {
        match outcome(Attempt::Answered(status)) {
            Outcome::Stored { warning } => Self::Stored { status, warning, sent },
            Outcome::NotStored(_) => {
                Self::of(Attempt::Answered(status), Against::PutOff, format!("answered {status}"))
            }
        }
    }
}

/// Tries once to hand an object on. A panic on the way is a fault of the gate at this object and ends nothing else.
pub(super) async fn attempt(
    way: &mut Way,
    name: &str,
    shared: &Shared,
    due: &Due,
    watch: Watch,
    stop: &CancellationToken,
) -> Attempted {
    // Boxed: on its way through a codec it is large, and a lane holds it for good.
    let tried = caught(Box::pin(async {
        match way {
            Way::Folder(folder) => into_folder(folder.clone(), name, shared, due, watch).await,
            Way::Peer(line) => to_peer(line, name, shared, due, watch, stop).await,
        }
    }))
    .await;
    tried.unwrap_or_else(|Panicked| {
        if let Way::Peer(line) = way {
            line.abandon();
        }
        Attempted::Unmade { planned: false, error: "an attempt has panicked".to_owned() }
    })
}

/// What is to be sent, and out of what.
struct Opened {
    stored: StoredObject,
    change: Change,
    /// See [`Departure`].
    is_last: bool,
}

/// Opens an object as recorded for a destination. Blocks.
fn open(name: &str, shared: &Shared, id: ObjectId) -> Result<Opened, Attempted> {
    let (spool, ledger) = (&shared.spool, &shared.ledger);
    let Departure { treatment, is_last } = match ledger.departure(id, name) {
        Ok(Some(departure)) => departure,
        Ok(None) => return Err(Attempted::Withdrawn),
        Err(fault) => return Err(unclear(&fault)),
    };
    let plan = match treatment {
        Treatment::AsReceived => EditPlan::default(),
        Treatment::Planned(bytes) => EditPlan::from_bytes(&bytes)
            .map_err(|fault| Attempted::Unmade { planned: true, error: fault.to_string() })?,
    };
    let stored = spool.object(id).map_err(unread)?;
    let made = match plan.made() {
        Some(made) => spool.made(id, &made).map_err(unmade_of)?,
        None => MadeBytes::none(),
    };
    Ok(Opened { stored, change: Change { plan, made }, is_last })
}

/// What goes to a peer.
struct LaidOut {
    stored: StoredObject,
    planned: bool,
    is_last: bool,
    form: Form,
    instance: Option<Uid>,
    body: Outgoing,
    sent: Sent,
}

/// Lays out what goes to a peer, and reads its first bytes. Blocks.
fn lay_out(
    opened: Opened,
    form: Form,
    watch: Watch,
    buffer: Vec<u8>,
) -> Result<LaidOut, Attempted> {
    let Opened { stored, change, is_last } = opened;
    let planned = !change.plan.is_empty();
    let instance = change.plan.instance().cloned();
    let (body, sent) = made(planned, || {
        let body = Body::new(&stored, change, form, watch);
        let (body, sent) = body.map_err(|fault| not_laid_out(planned, fault))?;
        match Outgoing::begin(body, buffer) {
            Ok(body) => Ok((body, sent)),
            Err(fault) => Err(match stored.verify() {
                Err(damage) => unread(damage),
                Ok(()) => unmade(planned, &fault),
            }),
        }
    })?;
    Ok(LaidOut { stored, planned, is_last, form, instance, body, sent })
}

/// Makes what is sent. A panic is told from others: a plan may be at fault, and without it the object can go.
fn made<T>(planned: bool, make: impl FnOnce() -> Result<T, Attempted>) -> Result<T, Attempted> {
    let made = catch_unwind(AssertUnwindSafe(make));
    made.unwrap_or_else(|_told_by_the_hook| Err(unmade(planned, &"making what is sent panicked")))
}

/// Runs what blocks on a thread that may.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Attempted> + Send + 'static,
) -> Result<T, Attempted> {
    tokio::task::spawn_blocking(work).await.unwrap_or_else(|fault| Err(unmade(false, &fault)))
}

/// What was made cannot be sent; whether the disk fails at it alone, others will show.
fn unmade_of(fault: MadeFault) -> Attempted {
    match fault {
        MadeFault::Gone(_) | MadeFault::Changed(_) => unmade(true, &fault),
        MadeFault::Io { id, source } => unread(ReadFault::Io { id, source }),
    }
}

fn unclear(fault: &LedgerFault) -> Attempted {
    Attempted::Unclear(fault.to_string())
}

fn unmade(planned: bool, fault: &dyn std::fmt::Display) -> Attempted {
    Attempted::Unmade { planned, error: fault.to_string() }
}

/// Whether the disk fails at this object alone, others will show; it may be well again at the next look.
fn unread(fault: ReadFault) -> Attempted {
    let is_out_of_handles = fault.is_out_of_handles();
    match fault {
        ReadFault::Io { source, .. } => {
            let error = format!("cannot be read: {source}");
            if is_out_of_handles { Attempted::Unclear(error) } else { Attempted::Unreadable(error) }
        }
        ReadFault::Missing(_) | ReadFault::Damaged { .. } => Attempted::Damaged(fault),
    }
}

fn not_laid_out(planned: bool, fault: BodyFault) -> Attempted {
    match fault {
        BodyFault::Read(fault) => unread(fault),
        BodyFault::Unmade(fault) => unmade(planned, &fault),
        BodyFault::Unfit => {
            Attempted::of(Attempt::Failed(Failure::NoContext), Against::Content, fault.to_string())
        }
    }
}

async fn into_folder(
    folder: PathBuf,
    name: &str,
    shared: &Shared,
    due: &Due,
    watch: Watch,
) -> Attempted {
    let (name, shared, object) = (name.to_owned(), shared.clone(), due.object);
    let placed = blocking(move || {
        let opened = open(&name, &shared, object)?;
        made(!opened.change.plan.is_empty(), || place(&folder, opened, watch))
    });
    match placed.await {
        Ok(sent) => Attempted::answered(Status::SUCCESS, sent),
        Err(attempted) => attempted,
    }
}

/// Writes an object into a folder. Blocks.
fn place(folder: &Path, opened: Opened, watch: Watch) -> Result<blake3::Hash, Attempted> {
    let Opened { stored, change, is_last } = opened;
    let planned = !change.plan.is_empty();
    let envelope = stored.envelope();
    let renamed = change.plan.instance().cloned();
    let (body, sent) = Body::new(&stored, change, Form::AsItCame, watch)
        .map_err(|fault| not_laid_out(planned, fault))?;
    let meta = FileMeta {
        sop_class: envelope.sop_class.clone(),
        sop_instance: renamed.unwrap_or_else(|| envelope.sop_instance.clone()),
        transfer_syntax: envelope.transfer_syntax.clone(),
        source_ae: Some(envelope.calling_ae.clone()),
        ..FileMeta::default()
    };
    let head = meta.to_bytes().map_err(|fault| unmade(planned, &fault))?;
    let placed = folder::place(folder, stored.id(), &head, body);
    if placed.is_ok() && is_last {
        stored.put_by();
    }
    placed.map_err(|fault| {
        // The folder, or the object? Only the second is final.
        if let Some(own) = own_fault(&stored, planned, &sent, &fault) {
            return own;
        }
        let failure = Attempt::Failed(Failure::FolderUnwritable);
        Attempted::of(failure, Against::Destination, fault.to_string())
    })
}

/// Whether it was reading the object, or making what is sent out of it, that failed. Blocks.
fn own_fault(
    stored: &StoredObject,
    planned: bool,
    sent: &Sent,
    fault: &std::io::Error,
) -> Option<Attempted> {
    if !sent.has_failed() {
        return None;
    }
    Some(match stored.verify() {
        Err(damage) => unread(damage),
        Ok(()) => unmade(planned, fault),
    })
}

async fn to_peer(
    line: &mut Line,
    name: &str,
    shared: &Shared,
    due: &Due,
    watch: Watch,
    stop: &CancellationToken,
) -> Attempted {
    let ready = tokio::select! {
        ready = line.ready(due) => ready,
        () = stop.cancelled() => return Attempted::Stopped,
    };
    let laid_out = match ready {
        Some(form) => {
            let (name, shared, object) = (name.to_owned(), shared.clone(), due.object);
            let buffer = line.buffer();
            blocking(move || lay_out(open(&name, &shared, object)?, form, watch, buffer)).await
        }
        None => prepared(line, name, shared, due, watch, stop).await,
    };
    let LaidOut { stored, planned, is_last, form, instance, body, sent } = match laid_out {
        Ok(laid_out) => laid_out,
        Err(attempted) => return attempted,
    };
    let instance = instance.unwrap_or_else(|| due.sop_instance.clone());
    let fault = match line.store(due, instance, stored.envelope(), form, body, &sent).await {
        Ok((answer, sent)) => {
            let answered = Attempted::answered(answer.status, sent);
            if let Attempted::Stored { .. } = &answered
                && is_last
            {
                put_by(stored);
            }
            return answered;
        }
        Err(fault) => fault,
    };
    match fault.of_the_object() {
        Some(source) => {
            let source = source.to_string();
            let verified = tokio::task::spawn_blocking(move || stored.verify());
            match verified.await {
                Ok(Err(damage)) => unread(damage),
                Ok(Ok(())) | Err(_) => unmade(planned, &source),
            }
        }
        None => unsent(line, name, shared, &fault),
    }
}

/// Puts an object by that has gone everywhere: a small one at once, which takes less than to have another thread do it.
fn put_by(stored: StoredObject) {
    if stored.length() <= AT_ONCE {
        stored.put_by();
    } else {
        tokio::task::spawn_blocking(move || stored.put_by());
    }
}

/// Lays out what goes to a peer with which an association has to be opened first.
async fn prepared(
    line: &mut Line,
    name: &str,
    shared: &Shared,
    due: &Due,
    watch: Watch,
    stop: &CancellationToken,
) -> Result<LaidOut, Attempted> {
    let opened = {
        let (name, shared, object) = (name.to_owned(), shared.clone(), due.object);
        blocking(move || open(&name, &shared, object)).await?
    };
    let form = tokio::select! {
        prepared = line.prepare(due, opened.stored.envelope()) => prepared,
        () = stop.cancelled() => return Err(Attempted::Stopped),
    };
    let form = form.map_err(|fault| unsent(line, name, shared, &fault))?;
    let buffer = line.buffer();
    blocking(move || lay_out(opened, form, watch, buffer)).await
}

fn unsent(line: &Line, name: &str, shared: &Shared, fault: &PeerFault) -> Attempted {
    if let Some(why) = fault.distrust() {
        let (destination, why) = (name.to_owned(), why.to_owned());
        shared.audit.record(Entry::DestinationUntrusted { destination, why });
    }
    let failure = fault.failure();
    let against = match failure {
        // No reason given, or the calling title not recognized (PS3.8 table 9-21): another title may be let in.
        Failure::Rejected { result: 1, source: 1, reason: 1 | 3 } if line.keeps_titles() => {
            Against::Title
        }
        _ if fault.is_in_the_midst() => Against::Either,
        _ => Against::Destination,
    };
    Attempted::of(Attempt::Failed(failure), against, fault.to_string())
}
