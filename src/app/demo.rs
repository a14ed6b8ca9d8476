//! The demonstration: a gate with a folder as its PACS, and synthetic studies sent to it over real associations.

use std::fmt::Write as _;
use std::io::{self, Write};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use tokio::signal::unix::{SignalKind, signal};

use super::serve::{Gate, StartFault};
use super::state::State;
use crate::base::time::{date_at, now};
use crate::config;
use crate::dicom::ae_title::{AeTitle, BadAeTitle};
use crate::dimse::fault::Fault;
use crate::dimse::message::Priority;
use crate::dimse::requestor::{self, Peer, Proposed, StoreFault, StoreOrder};
use crate::ledger::{Explained, Filter, LedgerFault, ObjectState};
use crate::phantom::{
    DEMO_ITEMS, DemoStudy, Expected, INSTITUTION, Specimen, demo_accreditations, demo_studies,
};

/// How long everything may take to arrive.
const PATIENCE: Duration = Duration::from_secs(60);

/// How the demonstration runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DemoOptions {
    /// Where the gate listens.
    pub listen: SocketAddr,
    /// Where the console listens.
    pub console: SocketAddr,
    /// The folder for everything; `None` is a fresh one among the temporary files.
    pub dir: Option<PathBuf>,
    /// Whether to stop when everything has been sent and judged.
    pub once: bool,
}

/// Why the demonstration failed.
#[derive(Debug, thiserror::Error)]
pub enum DemoFault {
    /// The gate does not start.
    #[error(transparent)]
    Start(#[from] StartFault),
    /// The folder cannot be used, or nothing can be told.
    #[error("{0}")]
    Io(#[from] io::Error),
    /// There is a spool already: its objects are none of the demonstration's business.
    #[error("{} is not empty; name a new folder", .0.display())]
    NotFresh(PathBuf),
    /// A sender's title.
    #[error("a demo study has no good AE title: {0}")]
    Title(#[from] BadAeTitle),
    /// No association with the gate.
    #[error("the gate does not answer: {0}")]
    Association(#[from] Fault),
    /// An object was not sent.
    #[error("an object was not sent: {0}")]
    Store(#[from] StoreFault),
    /// An object was not acknowledged.
    #[error("an object was answered {0}")]
    Refused(crate::dicom::status::Status),
    /// The ledger failed.
    #[error(transparent)]
    Ledger(#[from] LedgerFault),
    /// Not everything was done in time.
    #[error("{0} objects were neither delivered nor held within a minute")]
    Late(usize),
    /// Something went otherwise than shown.
    #[error("{0} studies came out otherwise than expected")]
    Unexpected(usize),
}

/// Runs the demonstration and tells about it on `out`; then keeps the gate running until interrupted, unless it is to run
/// once. Blocks.
///
/// # Errors
/// When it cannot start, or something goes otherwise than expected.
pub fn demo(options: &DemoOptions, out: &mut dyn Write) -> Result<(), DemoFault> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(show(options, out))
}

async fn show(options: &DemoOptions, out: &mut dyn Write) -> Result<(), DemoFault> {
    let dir = folder(options.dir.as_deref())?;
    let file = dir.join("markgate.toml");
    std::fs::write(&file, configuration(options))?;
    let loaded = config::load(&file).map_err(StartFault::from)?;
    let offset = loaded.configuration.mark.timezone;
    let studies = demo_studies(date_at(now(), offset));
    let gate = Gate::start(loaded).await?;
    writeln!(out, "The gate listens on {} as MARKGATE.", gate.address())?;
    writeln!(
        out,
        "本演示所用影像均为合成数据，不含任何患者信息。 All images are synthetic: there is no patient.\n"
    )?;
    for study in &studies {
        send(&gate, study).await?;
    }
    let outcomes = settled(gate.state(), &studies).await?;
    let mut unexpected = 0;
    for (study, objects) in studies.iter().zip(&outcomes) {
        unexpected += usize::from(!tell(out, study, objects)?);
    }
    look(out, &gate, &dir, &file, &studies)?;
    let outcome = if unexpected == 0 { Ok(()) } else { Err(DemoFault::Unexpected(unexpected)) };
    if !options.once && outcome.is_ok() {
        let (mut terminate, mut interrupt) =
            (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
        writeln!(out, "\nThe gate keeps running: send it your own studies. Ctrl-C ends it.")?;
        out.flush()?;
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    }
    gate.stop().await;
    outcome
}

/// A folder with nothing in it.
fn folder(wanted: Option<&Path>) -> Result<PathBuf, DemoFault> {
    let dir = match wanted {
        Some(dir) => dir.to_owned(),
        None => {
            let name = format!("markgate-demo-{}", uuid::Uuid::new_v4().simple());
            std::env::temp_dir().join(name)
        }
    };
    std::fs::create_dir_all(&dir)?;
    if std::fs::read_dir(&dir)?.next().is_some() {
        return Err(DemoFault::NotFresh(dir));
    }
    Ok(std::path::absolute(dir)?)
}

/// The demonstration's configuration: what its studies are judged by.
fn configuration(options: &DemoOptions) -> String {
    let mut text = format!(
        r#"[gate]
aet = "MARKGATE"
listen = "{}"

[spool]
dir = "spool"
reserve = "64MiB"

[console]
listen = "{}"

[[destination]]
name = "pacs"
folder = "received"

[[source]]
aet = "*"
institution = "demo"

[[institution]]
id = "demo"
name = "{}"
latin_name = "{}"
"#,
        options.listen, options.console, INSTITUTION.han, INSTITUTION.latin
    );
    let list = |codes: &[&str]| {
        codes.iter().map(|code| format!("\"{code}\"")).collect::<Vec<_>>().join(", ")
    };
    for item in DEMO_ITEMS {
        let _infallible = write!(
            text,
            "\n[[item]]\ncode = \"{}\"\nname = \"{}\"\nwhen = \"{}\"\nscopes = [{}]\n",
            item.code,
            item.name,
            item.when,
            list(item.scopes)
        );
    }
    for row in demo_accreditations(date_at(now(), jiff::tz::Offset::constant(8))) {
        let _infallible = write!(
            text,
            "\n[[accreditation]]\ninstitution = \"demo\"\nitems = [\"{}\"]\nscope = \"{}\"\nvalid_from = {}\n",
            row.item, row.scope, row.valid_from
        );
        if let Some(valid_to) = row.valid_to {
            let _infallible = writeln!(text, "valid_to = {valid_to}");
        }
    }
    text
}

async fn send(gate: &Gate, study: &DemoStudy) -> Result<(), DemoFault> {
    let peer = Peer {
        host: gate.address().ip().to_string(),
        port: gate.address().port(),
        called: AeTitle::parse("MARKGATE")?,
        calling: AeTitle::parse(study.calling_aet)?,
        tls: None,
    };
    let mut proposed: Vec<Proposed> = study
        .specimens
        .iter()
        .map(|specimen| Proposed {
            sop_class: specimen.sop_class(),
            transfer_syntax: specimen.transfer_syntax(),
        })
        .collect();
    proposed.dedup();
    let mut outgoing = requestor::connect(&peer, &proposed, &gate.state().timers).await?;
    for specimen in &study.specimens {
        let order = StoreOrder {
            sop_class: specimen.sop_class(),
            transfer_syntax: specimen.transfer_syntax(),
            sop_instance: specimen.sop_instance(),
            priority: Priority::Medium,
            move_originator: None,
        };
        let data_set = specimen.data_set();
        let answer = outgoing.store(&order, &mut data_set.as_slice()).await?;
        if answer.status != crate::dicom::status::Status::SUCCESS {
            return Err(DemoFault::Refused(answer.status));
        }
    }
    outgoing.release().await?;
    Ok(())
}

/// Waits until every object is delivered or held, and gives what became of each, by study.
async fn settled(state: &State, studies: &[DemoStudy]) -> Result<Vec<Vec<Explained>>, DemoFault> {
    let mut changes = state.ledger.changes();
    let waited = tokio::time::timeout(PATIENCE, async {
        loop {
            changes.borrow_and_update();
            let (found, open) = outcomes(state, studies).await?;
            if open == 0 {
                return Ok(found);
            }
            if changes.changed().await.is_err() {
                return Err(DemoFault::Ledger(LedgerFault::Closed));
            }
        }
    });
    match waited.await {
        Ok(found) => found,
        Err(_) => Err(DemoFault::Late(outcomes(state, studies).await?.1)),
    }
}

async fn outcomes(
    state: &State,
    studies: &[DemoStudy],
) -> Result<(Vec<Vec<Explained>>, usize), DemoFault> {
    let instances: Vec<Vec<_>> = studies
        .iter()
        .map(|study| study.specimens.iter().map(Specimen::sop_instance).collect())
        .collect();
    let ledger = state.ledger.clone();
    let asked = tokio::task::spawn_blocking(move || {
        let (mut all, mut open) = (Vec::new(), 0);
        for study in instances {
            let mut objects = Vec::new();
            for instance in study {
                let filter = Filter { sop_instance: Some(instance), ..Filter::default() };
                let found = ledger.explain(&filter, 1)?.pop();
                let is_settled = |object: &Explained| match object.state {
                    ObjectState::Delivered | ObjectState::Held => true,
                    ObjectState::Received
                    | ObjectState::Forwarding
                    | ObjectState::Rejected
                    | ObjectState::Suppressed
                    | ObjectState::Lost => false,
                };
                open += usize::from(!found.as_ref().is_some_and(is_settled));
                objects.extend(found);
            }
            all.push(objects);
        }
        Ok::<_, LedgerFault>((all, open))
    });
    Ok(asked.await.map_err(io::Error::other)??)
}

/// Tells what became of a study; whether it is what was expected.
fn tell(out: &mut dyn Write, study: &DemoStudy, objects: &[Explained]) -> io::Result<bool> {
    let is_so = |object: &Explained| {
        let verdict = object.verdict.as_ref();
        let (mark, reason) = (
            verdict.and_then(|verdict| verdict.mark.as_deref()),
            verdict.and_then(|verdict| verdict.reason.as_deref()),
        );
        match study.expected {
            Expected::Marked(want) => object.state == ObjectState::Delivered && mark == Some(want),
            Expected::Unmarked(want) => {
                object.state == ObjectState::Delivered && mark.is_none() && reason == Some(want)
            }
            Expected::Held(want) => {
                object.state == ObjectState::Held && object.reasons.iter().any(|rule| rule == want)
            }
        }
    };
    let as_expected = objects.len() == study.specimens.len() && objects.iter().all(is_so);
    let outcome = match objects.first() {
        Some(object) if object.state == ObjectState::Held => {
            format!("held 扣留      {}", object.reasons.join(", "))
        }
        Some(object) => match object.verdict.as_ref() {
            Some(verdict) => match (&verdict.mark, &verdict.reason) {
                (Some(mark), _) => format!("marked 已标识  {mark}"),
                (None, Some(reason)) => format!("unmarked 未标识 {reason}"),
                (None, None) => "unmarked 未标识".to_owned(),
            },
            None => "not judged".to_owned(),
        },
        None => "not found".to_owned(),
    };
    let sign = if as_expected { ' ' } else { '!' };
    writeln!(out, "{sign} {:<6} {:>2} × {outcome}", study.calling_aet, study.specimens.len())?;
    writeln!(out, "           {} — {}", study.title.han, study.title.latin)?;
    Ok(as_expected)
}

fn look(
    out: &mut dyn Write,
    gate: &Gate,
    dir: &Path,
    file: &Path,
    studies: &[DemoStudy],
) -> io::Result<()> {
    writeln!(out, "\nWhere to look:")?;
    writeln!(out, "  the PACS' side   {}", dir.join("received").display())?;
    if let Some(console) = gate.console() {
        writeln!(out, "  console          http://{console}/")?;
    }
    writeln!(out, "  held objects     markgate quarantine ls --config {}", file.display())?;
    if let Some(specimen) = studies.iter().flat_map(|study| &study.specimens).last() {
        let (file, uid) = (file.display(), specimen.sop_instance());
        writeln!(out, "  why, per object  markgate explain --config {file} --uid {uid}")?;
    }
    Ok(())
}
