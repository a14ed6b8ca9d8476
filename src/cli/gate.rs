//! Verbs that ask the running gate.

use std::io::Read;
use std::net::SocketAddr;
use std::path::PathBuf;

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::arguments::{ConfigFile, Form, Gate, Peer, Quarantine, Queue, Which, Why};
use super::table::{pairs, plain, table};
use super::{Exit, Failure, Outcome, Terminal, later, load, print, print_json, report};
use crate::config::Configuration;
use crate::web::client::{Client, ClientFault, Place, segment};
use crate::web::control_socket;
use crate::web::model::{
    Changed, Codecs, Context, Counts, Day, Deed, Echo, Expiry, Explanation, Ledger,
    Peer as Destination, PeerState, PeerTest, QuarantineEntry, QuarantineState, QueueEntry,
    QueueState, Rule, System,
};

/// Entries that a list is asked for: as many as the gate gives.
const ENTRIES: usize = 100_000;
/// Bytes of ids that are read from standard input.
const IDS_LIMIT: u64 = 64 << 20;

/// Where the gate is: as typed, else as the configuration says, else where the console is by default.
fn place(console: Option<&str>, file: &ConfigFile) -> Result<Place, Failure> {
    if let Some(typed) = console {
        let address = typed.strip_prefix("http://").unwrap_or(typed).trim_end_matches('/');
        return match address.parse() {
            Ok(address) => Ok(Place::Console(address)),
            Err(_) if typed.contains('/') => Ok(Place::Socket(PathBuf::from(typed))),
            Err(_) => Err(Failure::Usage(format!(
                "--console {typed:?} is neither an address such as 127.0.0.1:8080 nor the path of a socket"
            ))),
        };
    }
    Ok(match load(file)? {
        Some(loaded) => configured(&loaded.configuration),
        None => Place::Console(default_console()),
    })
}

fn configured(configuration: &Configuration) -> Place {
    match &configuration.console {
        Some(console) => Place::Console(console.listen),
        None => Place::Socket(control_socket(&configuration.spool.dir)),
    }
}

fn default_console() -> SocketAddr {
    crate::config::Console::default().listen
}

/// The rules of the gate of a configuration, if it runs and can be asked.
pub(super) fn rules_of_gate(file: &ConfigFile) -> Option<Vec<Rule>> {
    let client = Client::new(place(None, file).ok()?);
    wait(async { Ok(client.get("/api/v1/rules").await?) }).ok()
}

/// Runs what asks the gate to its end.
pub(super) fn wait<T>(asking: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(asking)
}

pub(super) fn client(gate: &Gate) -> Result<Client, Failure> {
    Ok(Client::new(place(gate.console.as_deref(), &gate.file)?))
}

pub(super) fn get<T: DeserializeOwned>(gate: &Gate, page: &str) -> Result<T, Failure> {
    let client = client(gate)?;
    wait(async { Ok(client.get(page).await?) })
}

/// The entries of a list. That there are more is said on standard error.
fn list<T: DeserializeOwned>(
    gate: &Gate,
    page: &str,
    terminal: &mut Terminal<'_>,
) -> Result<Vec<T>, Failure> {
    let client = client(gate)?;
    let listed = wait(async { Ok(client.list(page).await?) })?;
    let given = listed.entries.len() as u64;
    if listed.total > given {
        writeln!(terminal.err, "markgate: the first {given} of {} entries", listed.total)?;
    }
    Ok(listed.entries)
}

pub(super) fn print_list<T: Serialize, const N: usize>(
    entries: &[T],
    form: &Form,
    heading: [&str; N],
    row: impl Fn(&T) -> [String; N],
    terminal: &mut Terminal<'_>,
) -> Outcome {
    if form.json {
        print_json(&entries, terminal)?;
    } else {
        let rows: Vec<_> = entries.iter().map(row).collect();
        print(&table(heading, &rows), terminal)?;
    }
    Ok(Exit::Done)
}

/// The ids that were typed, with `-` replaced by those on standard input.
fn ids(which: &Which, terminal: &mut Terminal<'_>) -> Result<Vec<String>, Failure> {
    let mut ids = Vec::with_capacity(which.ids.len());
    for typed in &which.ids {
        if typed != "-" {
            ids.push(typed.clone());
            continue;
        }
        let mut text = String::new();
        (&mut *terminal.input).take(IDS_LIMIT).read_to_string(&mut text)?;
        ids.extend(text.split_whitespace().map(str::to_owned));
    }
    if ids.len() > 1 && ids.iter().any(|id| id == "ALL") {
        return Err(Failure::Usage("ALL stands alone".to_owned()));
    }
    Ok(ids)
}

/// The person, by the name of the account; under sudo that of the account before it.
pub(super) fn person() -> String {
    let named = ["SUDO_USER", "USER", "LOGNAME"].into_iter();
    named
        .filter_map(|name| std::env::var(name).ok())
        .find(|name| !name.trim().is_empty())
        .unwrap_or_else(|| format!("uid {}", rustix::process::getuid().as_raw()))
}

/// What an action does: where it goes, and what is said when it is done.
struct Action {
    kind: &'static str,
    verb: &'static str,
    done: &'static str,
}

/// Has the gate do something to each of the ids. One that fails does not stop the others.
fn act(
    action: &Action,
    gate: &Gate,
    why: &Why,
    which: &Which,
    terminal: &mut Terminal<'_>,
) -> Outcome {
    let client = client(gate)?;
    let ids = ids(which, terminal)?;
    let deed = Deed { by: Some(person()), reason: why.reason.clone(), destination: None };
    let Action { kind, verb, done } = action;
    let err = &mut *terminal.err;
    let (changed, failed) = wait(async {
        let (mut changed, mut failed) = (0_u64, false);
        for id in &ids {
            let page = format!("/api/v1/{kind}/{}/{verb}", segment(id));
            match client.post::<Changed>(&page, &deed).await {
                Ok(answer) => changed = changed.saturating_add(answer.changed),
                // Whoever says no to one id may say yes to the next.
                Err(refused @ ClientFault::Refused { .. }) => {
                    writeln!(err, "markgate: {}: {refused}", plain(id))?;
                    failed = true;
                }
                Err(fault) => return Err(fault.into()),
            }
        }
        Ok((changed, failed))
    })?;
    print(&format!("{changed} {done}\n"), terminal)?;
    Ok(if failed { Exit::Failed } else { Exit::Done })
}

pub(super) fn queue_state(state: QueueState) -> &'static str {
    match state {
        QueueState::Queued => "queued",
        QueueState::Sending => "sending",
        QueueState::Deferred => "deferred",
        QueueState::Held => "held",
    }
}

fn quarantine_state(state: QuarantineState) -> &'static str {
    match state {
        QuarantineState::Held => "held",
        QuarantineState::Released => "released",
        QuarantineState::Rejected => "rejected",
    }
}

pub(super) fn queue(verb: Queue, terminal: &mut Terminal<'_>) -> Outcome {
    let action = |verb, done| Action { kind: "queue", verb, done };
    let page = format!("/api/v1/queue?limit={ENTRIES}");
    match verb {
        Queue::Ls { gate, form } => {
            let entries: Vec<QueueEntry> = list(&gate, &page, terminal)?;
            let heading =
                ["ID", "STATE", "DESTINATION", "TRIES", "RECEIVED", "SOP INSTANCE", "LAST ERROR"];
            print_list(&entries, &form, heading, queue_row, terminal)
        }
        Queue::Show { gate, form, which } => {
            let ids = ids(&which, terminal)?;
            let entries: Vec<QueueEntry> = list(&gate, &page, terminal)?;
            let bears = |entry: &QueueEntry, id: &str| {
                entry.id == id
                    || entry.object == id
                    || entry.sop_instance_uid == id
                    || entry.study_instance_uid.as_deref() == Some(id)
            };
            show(entries, &ids, "delivery", bears, &form, queue_page, terminal)
        }
        Queue::Retry { gate, why, which } => {
            act(&action("retry", "to be tried now"), &gate, &why, &which, terminal)
        }
        Queue::Hold { gate, why, which } => {
            act(&action("hold", "held"), &gate, &why, &which, terminal)
        }
        Queue::Release { gate, why, which } => {
            act(&action("release", "released"), &gate, &why, &which, terminal)
        }
        Queue::Flush { gate, destination } => {
            let client = client(&gate)?;
            let deed = Deed { by: Some(person()), reason: None, destination };
            let Changed { changed } =
                wait(async { Ok(client.post("/api/v1/queue/flush", &deed).await?) })?;
            print(&format!("{changed} to be tried now\n"), terminal)?;
            Ok(Exit::Done)
        }
    }
}

fn queue_row(entry: &QueueEntry) -> [String; 7] {
    [
        entry.id.clone(),
        queue_state(entry.state).to_owned(),
        entry.destination.clone(),
        entry.attempts.to_string(),
        entry.received.to_string(),
        entry.sop_instance_uid.clone(),
        entry.last_error.clone().unwrap_or_default(),
    ]
}

fn queue_page(entry: &QueueEntry) -> String {
    let rows = [
        ("object", Some(entry.object.clone())),
        ("SOP instance", Some(entry.sop_instance_uid.clone())),
        ("study", entry.study_instance_uid.clone()),
        ("destination", Some(entry.destination.clone())),
        ("state", Some(queue_state(entry.state).to_owned())),
        ("attempts", Some(entry.attempts.to_string())),
        ("last error", entry.last_error.clone()),
        ("received", Some(entry.received.to_string())),
        ("next attempt", entry.next_attempt.map(|at| at.to_string())),
    ];
    format!("{}\n{}", plain(&entry.id), pairs("  ", &rows))
}

/// Shows the entries that bear one of the ids. An id that no entry bears is a failure, after the others are shown.
fn show<T: Serialize>(
    mut entries: Vec<T>,
    ids: &[String],
    what: &str,
    bears: impl Fn(&T, &str) -> bool,
    form: &Form,
    page: impl Fn(&T) -> String,
    terminal: &mut Terminal<'_>,
) -> Outcome {
    let mut exit = Exit::Done;
    if !ids.iter().any(|id| id == "ALL") {
        for id in ids.iter().filter(|id| !entries.iter().any(|entry| bears(entry, id))) {
            writeln!(terminal.err, "markgate: there is no {what} {}", plain(id))?;
            exit = Exit::Failed;
        }
        entries.retain(|entry| ids.iter().any(|id| bears(entry, id)));
    }
    if form.json {
        print_json(&entries, terminal)?;
    } else {
        for entry in &entries {
            print(&page(entry), terminal)?;
        }
    }
    Ok(exit)
}

pub(super) fn quarantine(verb: Quarantine, terminal: &mut Terminal<'_>) -> Outcome {
    let action = |verb, done| Action { kind: "quarantine", verb, done };
    match verb {
        Quarantine::Ls { gate, form, all } => {
            let page = format!("/api/v1/quarantine?limit={ENTRIES}&all={all}");
            let entries: Vec<QuarantineEntry> = list(&gate, &page, terminal)?;
            let heading = ["ID", "STATE", "RECEIVED", "FROM", "SOP INSTANCE", "REASONS"];
            print_list(&entries, &form, heading, quarantine_row, terminal)
        }
        Quarantine::Show { gate, form, which } => {
            let ids = ids(&which, terminal)?;
            let page = format!("/api/v1/quarantine?limit={ENTRIES}&all=true");
            let entries: Vec<QuarantineEntry> = list(&gate, &page, terminal)?;
            let bears = |entry: &QuarantineEntry, id: &str| {
                entry.id == id
                    || entry.sop_instance_uid == id
                    || entry.series_instance_uid.as_deref() == Some(id)
                    || entry.study_instance_uid.as_deref() == Some(id)
            };
            show(entries, &ids, "object in quarantine", bears, &form, quarantine_page, terminal)
        }
        Quarantine::Release { gate, why, which } => {
            act(&action("release", "released"), &gate, &why, &which, terminal)
        }
        Quarantine::Reject { gate, why, which } => {
            act(&action("reject", "rejected"), &gate, &why, &which, terminal)
        }
        Quarantine::Replay { gate, why, which } => {
            act(&action("recheck", "judged again"), &gate, &why, &which, terminal)
        }
        Quarantine::Fix(_) => later(
            "quarantine fix",
            "mend the object at its source and send it again, or `quarantine release` it as it is",
        ),
        Quarantine::Purge(_) => later(
            "quarantine purge",
            "`quarantine reject` it: it is removed when its retention ends",
        ),
    }
}

fn quarantine_row(entry: &QuarantineEntry) -> [String; 6] {
    [
        entry.id.clone(),
        quarantine_state(entry.state).to_owned(),
        entry.received.to_string(),
        entry.calling_aet.clone(),
        entry.sop_instance_uid.clone(),
        entry.reasons.join(", "),
    ]
}

fn quarantine_page(entry: &QuarantineEntry) -> String {
    let rows = [
        ("SOP instance", Some(entry.sop_instance_uid.clone())),
        ("SOP class", entry.sop_class_uid.clone()),
        ("series", entry.series_instance_uid.clone()),
        ("study", entry.study_instance_uid.clone()),
        ("state", Some(quarantine_state(entry.state).to_owned())),
        ("reasons", Some(entry.reasons.join(", "))),
        ("from", Some(entry.calling_aet.clone())),
        ("received", Some(entry.received.to_string())),
        ("settled", entry.settled.map(|at| at.to_string())),
        ("settled by", entry.settled_by.clone()),
        ("reason given", entry.settled_reason.clone()),
        ("why", Some(format!("markgate explain --uid {}", entry.sop_instance_uid))),
    ];
    format!("{}\n{}", plain(&entry.id), pairs("  ", &rows))
}

fn peer_state(state: PeerState) -> &'static str {
    match state {
        PeerState::Unknown => "unknown",
        PeerState::Up => "up",
        PeerState::Down => "down",
        PeerState::Misconfigured => "misconfigured",
    }
}

const PEER_HEADING: [&str; 6] = ["NAME", "ADDRESS", "STATE", "QUEUED", "DELIVERED", "LAST ERROR"];

fn peer_row(peer: &Destination) -> [String; 6] {
    [
        peer.name.clone(),
        peer.address.clone(),
        peer_state(peer.state).to_owned(),
        peer.queued.to_string(),
        peer.delivered.to_string(),
        peer.last_error.clone().unwrap_or_default(),
    ]
}

pub(super) fn peer(verb: Peer, terminal: &mut Terminal<'_>) -> Outcome {
    match verb {
        Peer::Ls { gate, form } => {
            let peers: Vec<Destination> = list(&gate, "/api/v1/peers", terminal)?;
            print_list(&peers, &form, PEER_HEADING, peer_row, terminal)
        }
        Peer::Echo { gate, form, name } => {
            let echo: Echo = ask_peer(&gate, &name, "echo")?;
            if form.json {
                print_json(&echo, terminal)?;
            } else {
                print(&echo_line(&echo), terminal)?;
            }
            Ok(if echo.ok { Exit::Done } else { Exit::Failed })
        }
        Peer::Test { gate, form, name } => {
            let test: PeerTest = ask_peer(&gate, &name, "test")?;
            if form.json {
                print_json(&test, terminal)?;
            } else {
                print(&echo_line(&test.echo), terminal)?;
                let commitment = match test.storage_commitment {
                    Some(true) => "accepted",
                    Some(false) => "not accepted",
                    None => "unknown",
                };
                print(&format!("storage commitment: {commitment}\n"), terminal)?;
                let rows: Vec<_> = test.contexts.iter().map(context_row).collect();
                print(&table(["SOP CLASS", "TRANSFER SYNTAXES"], &rows), terminal)?;
            }
            Ok(if test.echo.ok { Exit::Done } else { Exit::Failed })
        }
    }
}

fn ask_peer<T: DeserializeOwned>(gate: &Gate, name: &str, what: &str) -> Result<T, Failure> {
    let client = client(gate)?;
    let page = format!("/api/v1/peers/{}/{what}", segment(name));
    let deed = Deed { by: Some(person()), ..Deed::default() };
    wait(async { Ok(client.post(&page, &deed).await?) })
}

fn echo_line(echo: &Echo) -> String {
    let name = plain(&echo.name);
    match (&echo.error, echo.ok) {
        (None, true) => format!("{name}: answered in {} ms\n", echo.milliseconds),
        (error, _) => {
            let error = error.as_deref().unwrap_or("no success");
            format!("{name}: {}\n", plain(error))
        }
    }
}

fn context_row(context: &Context) -> [String; 2] {
    let accepted = match context.transfer_syntaxes.as_slice() {
        [] => "refused".to_owned(),
        accepted => accepted.join(", "),
    };
    [context.sop_class.clone(), accepted]
}

pub(super) fn status(gate: &Gate, form: &Form, terminal: &mut Terminal<'_>) -> Outcome {
    let system: System = get(gate, "/api/v1/system")?;
    if form.json {
        print_json(&system, terminal)?;
    } else {
        print(&status_page(&system), terminal)?;
    }
    Ok(Exit::Done)
}

fn status_page(system: &System) -> String {
    let ready = match system.ready.problems.as_slice() {
        [] if system.ready.ok => "yes".to_owned(),
        problems => format!("no: {}", problems.join("; ")),
    };
    let oldest = system.queue.oldest_seconds.map(|age| format!(", the oldest {age} s old"));
    let spool = &system.spool;
    let gib = |bytes: u64| format!("{:.1} GiB", bytes as f64 / f64::from(1 << 30));
    let rows = [
        (
            "gate",
            Some(format!("{} {} on {}", system.aet.join(", "), system.version, system.listen)),
        ),
        ("started", Some(system.started.to_string())),
        ("ready", Some(ready)),
        ("associations", Some(system.associations.to_string())),
        (
            "queue",
            Some(format!("{} deliveries{}", system.queue.deliveries, oldest.unwrap_or_default())),
        ),
        ("quarantine", Some(format!("{} held", system.held))),
        (
            "spool",
            Some(format!(
                "{}: {} free, {} in reserve",
                spool.dir,
                gib(spool.free_bytes),
                gib(spool.reserve_bytes)
            )),
        ),
        ("ballast", (spool.ballast != "aboard").then(|| spool.ballast.replace('_', " "))),
        (
            "damaged",
            (system.damaged > 0)
                .then(|| format!("{} objects found: see quarantine", system.damaged)),
        ),
        ("spool problem", spool.problem.clone()),
        ("lost", (system.lost > 0).then(|| format!("{} objects: a person must act", system.lost))),
        ("audit trail", system.audit_problem.as_ref().map(|why| format!("not written: {why}"))),
        ("codecs", system.codecs.as_ref().map(codecs_line)),
        ("bypass", system.bypass.then(|| "on: nothing is judged".to_owned())),
    ];
    let peers: Vec<_> = system.destinations.iter().map(peer_row).collect();
    let mut page = format!("{}\n{}", pairs("", &rows), table(PEER_HEADING, &peers));
    page.extend(system.destinations.iter().filter_map(alarm_line));
    if !system.certificates.is_empty() {
        let certificates: Vec<_> = system.certificates.iter().map(expiry_row).collect();
        page.push('\n');
        page.push_str(&table(["CERTIFICATE", "ENDS", "DAYS LEFT"], &certificates));
    }
    page
}

fn codecs_line(codecs: &Codecs) -> String {
    let seccomp = if codecs.seccomp { "full" } else { "absent" };
    format!("seccomp {seccomp}, landlock {}, {} processes lost", codecs.landlock, codecs.lost)
}

fn expiry_row(expiry: &Expiry) -> [String; 3] {
    [
        expiry.name.clone(),
        expiry.ends.strftime("%Y-%m-%d").to_string(),
        match expiry.days_left {
            ..0 => format!("{}: expired", expiry.days_left),
            days => days.to_string(),
        },
    ]
}

/// What a person must know of a destination that takes nothing.
fn alarm_line(peer: &Destination) -> Option<String> {
    let alarm = peer.alarm.as_deref()?;
    let since = peer.stalled_since.map(|at| format!(", nothing delivered since {at}"));
    let last = peer.last_error.as_deref().map(|error| format!(", last error: {}", plain(error)));
    Some(format!(
        "ALARM {}: {alarm}{}{}\n",
        plain(&peer.name),
        since.unwrap_or_default(),
        last.unwrap_or_default()
    ))
}

pub(super) fn ledger(gate: &Gate, form: &Form, terminal: &mut Terminal<'_>) -> Outcome {
    let ledger: Ledger = get(gate, "/api/v1/ledger")?;
    if form.json {
        print_json(&ledger, terminal)?;
    } else {
        let heading = [
            "DAY",
            "SOURCE",
            "RECEIVED",
            "DELIVERED",
            "HELD",
            "REJECTED",
            "IN FLIGHT",
            "REFUSED",
            "SUPPRESSED",
            "",
        ];
        let mut rows: Vec<_> = ledger.days.iter().map(day_row).collect();
        rows.push(counts_row("all", "", &ledger.counts));
        print(&table(heading, &rows), terminal)?;
    }
    if ledger.balanced {
        return Ok(Exit::Done);
    }
    writeln!(
        terminal.err,
        "markgate: the ledger does not balance: received is not delivered + held + rejected + in flight"
    )?;
    Ok(Exit::Found)
}

fn day_row(day: &Day) -> [String; 10] {
    counts_row(&day.day.to_string(), &day.source, &day.counts)
}

fn counts_row(day: &str, source: &str, counts: &Counts) -> [String; 10] {
    let remark = if counts.balance() { "" } else { "does not balance" };
    [
        day.to_owned(),
        source.to_owned(),
        counts.received.to_string(),
        counts.delivered.to_string(),
        counts.held.to_string(),
        counts.rejected.to_string(),
        counts.in_flight.to_string(),
        counts.refused.to_string(),
        counts.suppressed.to_string(),
        remark.to_owned(),
    ]
}

pub(super) fn explain(
    file: &ConfigFile,
    console: Option<&str>,
    uid: &str,
    form: &Form,
    terminal: &mut Terminal<'_>,
) -> Outcome {
    let client = Client::new(place(console, file)?);
    let page = format!("/api/v1/instances/{}/explain", segment(uid));
    let explanations: Vec<Explanation> = wait(async { Ok(client.get(&page).await?) })?;
    if form.json {
        print_json(&explanations, terminal)?;
    } else {
        for explanation in &explanations {
            print(&report::explained(&plain(uid), explanation, terminal.language), terminal)?;
        }
    }
    Ok(Exit::Done)
}
