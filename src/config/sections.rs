//! Reads each section of the file: its keys, their defaults and what they may refer to.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::time::Duration;

use ipnet::IpNet;

use super::commitment;
use super::compile::{Placed, RulePlaces};
use super::credentials;
use super::decode::{Place, Table};
use super::exceptions::{Exceptions, Ways, severity};
use super::mistake::{Fault, Mistake};
use super::model::{
    Audit, Console, Destination, Gate, Limits, Mark, PackSource, RegistryFiles, Rules, Spool,
    Target, loopback, own_title,
};
use super::tls;
use crate::base::time::parse_offset;
use crate::base::units::{format_duration, parse_duration, parse_size};
use crate::cage;
use crate::dicom::ae_title::{AeTitle, CallAs};
use crate::dicom::charset::CharacterSet;
use crate::dimse::Timers;
use crate::policy::admission::{Source, SourceRow};
use crate::policy::study::{self, Patience};
use crate::receive::StudySettings;
use crate::recognition::{InstitutionId, MarkPolicy};
use crate::stamp::{StampMode, StampRow};
use crate::standard::{Change, Changes};

const AE_TITLE: &str = "an AE title: 1 to 16 ASCII characters, no backslash";
pub(super) const ADDRESS: &str = "an IP address and port such as \"127.0.0.1:11112\"";
const NETWORK: &str = "a network such as \"10.1.0.0/16\", or an IP address";
const SIZE: &str = "a size such as \"2GiB\"";
pub(super) const DURATION: &str = "a duration such as \"30s\" or \"72h\"";
const NAME: &str =
    "1 to 64 letters, digits, dots, hyphens or underscores, the first a letter or digit, not ALL";

fn ae_title(text: &str) -> Option<AeTitle> {
    AeTitle::parse(text).ok()
}

pub(super) fn address(text: &str) -> Option<SocketAddr> {
    text.parse().ok()
}

fn network(text: &str) -> Option<IpNet> {
    text.parse().ok().or_else(|| Some(IpNet::from(text.parse::<IpAddr>().ok()?)))
}

pub(super) const HOST: &str = "a host name or address";

pub(super) fn host(text: &str) -> Option<String> {
    let good = !text.is_empty() && !text.contains(|c: char| c.is_whitespace() || c == '/');
    good.then(|| text.to_owned())
}

/// A name for rows that verbs, routes and other rows refer to. `ALL` stands for all of them on the command line.
fn name(text: &str) -> Option<String> {
    let first = text.chars().next()?;
    let good = |c: char| c.is_alphanumeric() || matches!(c, '-' | '_' | '.');
    let short = text.chars().count() <= 64;
    (first.is_alphanumeric() && text.chars().all(good) && short && text != "ALL")
        .then(|| text.to_owned())
}

/// Reads the name of a destination, which must be its own, and adds it to `taken`.
///
/// The name counts as taken even where the rest of its row is wrong, so that rows which refer to it are not said
/// to be wrong as well.
fn own_name(table: &mut Table<'_>, taken: &mut Vec<String>) -> Option<String> {
    let found = table.parsed("name", NAME, name);
    let found = table.required("name", found, "a name such as \"pacs\"")?;
    if taken.contains(&found) {
        table.fault("name", Fault::Repeated { found: found.clone() });
    } else {
        taken.push(found.clone());
    }
    Some(found)
}

/// A name that a row may have, which no other row bears.
pub(super) fn optional_name(table: &mut Table<'_>, taken: &[String]) -> Option<String> {
    let found = table.parsed("name", NAME, name)?;
    if taken.contains(&found) {
        table.fault("name", Fault::Repeated { found: found.clone() });
    }
    Some(found)
}

/// Turns a path of the file into one that does not depend on the folder the program runs in.
pub(super) fn path(base: &Path, text: &str) -> Option<PathBuf> {
    (!text.trim().is_empty() && !text.contains('\0')).then(|| base.join(text))
}

/// Places of `[gate]` and `[gate.tls]` come with it.
pub(super) fn gate<'t>(
    mut table: Table<'t>,
    base: &Path,
    mistakes: &mut Vec<Mistake>,
) -> (Gate, Place<'t>, Option<Place<'t>>) {
    let default = Gate::default();
    let aet = table.list("aet", true, AE_TITLE, ae_title);
    if aet.as_ref().is_some_and(Vec::is_empty) {
        table.fault("aet", Fault::Missing { wanted: "at least one AE title" });
    }
    let listen = table.parsed("listen", ADDRESS, address).unwrap_or(default.listen);
    let (tls, tls_place) = match table.optional_section("tls") {
        Some(section) => tls::gate(section, base, listen, mistakes),
        None => (None, None),
    };
    let gate = Gate {
        aet: aet.unwrap_or(default.aet),
        listen,
        unparsable: table.word("unparsable").unwrap_or(default.unparsable),
        coerced_status: table.word("coerced_status").unwrap_or(default.coerced_status),
        timers: timers(table.section("timers"), mistakes),
        tls,
    };
    (gate, table.finish(mistakes), tls_place)
}

/// The waits of an association that a site may set. Each has to be something: a peer that says nothing is not waited for for ever,
/// nor given up before it can speak.
fn timers(mut table: Table<'_>, mistakes: &mut Vec<Mistake>) -> Timers {
    let default = Timers::default();
    let mut timer = |key, default| {
        let wanted = "a duration from \"50ms\" to \"1h\"";
        let found = table.parsed(key, wanted, |text| {
            let lawful = Duration::from_millis(50)..=Duration::from_hours(1);
            parse_duration(text).filter(|duration| lawful.contains(duration))
        });
        found.unwrap_or(default)
    };
    let timers = Timers {
        connect: timer("connect", default.connect),
        association: timer("association", default.association),
        response: timer("response", default.response),
        release: timer("release", default.release),
        ..default
    };
    table.finish(mistakes);
    timers
}

/// The least memory that serves a few associations with ordinary objects.
const LEAST_MEMORY: u64 = 16 << 20;

pub(super) fn limits(mut table: Table<'_>, mistakes: &mut Vec<Mistake>) -> Limits {
    let default = Limits::default();
    let wait = "a duration above 0 such as \"30s\"";
    let mut time = |key, usual| {
        let positive = |text: &str| parse_duration(text).filter(|time| !time.is_zero());
        table.parsed(key, wait, positive).unwrap_or(usual)
    };
    let (artim, idle) = (time("artim", default.artim), time("idle", default.idle));
    let (stall, grace) = (time("stall", default.stall), time("grace", default.grace));
    let memory = table.parsed("memory", "a size of at least \"16MiB\"", |text| {
        parse_size(text).filter(|size| *size >= LEAST_MEMORY)
    });
    let header = table.parsed("header", "a size up to \"1GiB\"", |text| {
        parse_size(text).filter(|size| *size <= 1 << 30)
    });
    let rate = table.parsed("minimum_rate", "a size for each second such as \"8KiB\"", |text| {
        parse_size(text).and_then(|size| u32::try_from(size).ok())
    });
    let limits = Limits {
        associations: table.whole("associations", 1..=10_000).unwrap_or(default.associations),
        associations_per_peer: table
            .whole("associations_per_peer", 1..=10_000)
            .unwrap_or(default.associations_per_peer),
        memory: memory.unwrap_or(default.memory),
        elements: table.whole("elements", 1..=10_000_000).unwrap_or(default.elements),
        header: header.unwrap_or(default.header),
        artim,
        idle,
        stall,
        grace,
        minimum_rate: rate.unwrap_or(default.minimum_rate),
    };
    table.finish(mistakes);
    limits
}

/// The least memory in which a codec can work on an ordinary image.
const LEAST_CODEC_MEMORY: u64 = 64 << 20;

pub(super) fn codec(mut table: Table<'_>, mistakes: &mut Vec<Mistake>) -> cage::Limits {
    let default = cage::Limits::default();
    let wanted = "a duration from \"1s\" to \"10m\"";
    let deadline = table.parsed("deadline", wanted, |text| {
        let lawful = Duration::from_secs(1)..=Duration::from_mins(10);
        parse_duration(text).filter(|duration| lawful.contains(duration))
    });
    let memory = table.parsed("memory", "a size of at least \"64MiB\"", |text| {
        parse_size(text).filter(|size| *size >= LEAST_CODEC_MEMORY)
    });
    let limits = cage::Limits {
        workers: table.whole("workers", 1..=256).unwrap_or(default.workers),
        deadline: deadline.unwrap_or(default.deadline),
        memory: memory.unwrap_or(default.memory),
        seccomp: table.word("seccomp").unwrap_or(default.seccomp),
    };
    table.finish(mistakes);
    limits
}

/// What `[spool] scrub` takes.
const SCRUB: &str = "a duration such as \"7d\", or \"off\"";

fn scrub_time(text: &str) -> Option<Option<Duration>> {
    match text {
        "off" => Some(None),
        text => parse_duration(text).filter(|every| !every.is_zero()).map(Some),
    }
}

pub(super) fn spool(mut table: Table<'_>, base: &Path, mistakes: &mut Vec<Mistake>) -> Spool {
    let default = Spool::default();
    let dir = table.parsed("dir", "a folder", |text| path(base, text));
    let spool = Spool {
        dir: dir.unwrap_or_else(|| base.join(default.dir)),
        reserve: table.parsed("reserve", SIZE, parse_size).unwrap_or(default.reserve),
        retention: table.parsed("retention", DURATION, parse_duration).unwrap_or(default.retention),
        ballast: table.parsed("ballast", SIZE, parse_size).unwrap_or(default.ballast),
        scrub: table.parsed("scrub", SCRUB, scrub_time).unwrap_or(default.scrub),
    };
    table.finish(mistakes);
    spool
}

pub(super) fn audit(mut table: Table<'_>, mistakes: &mut Vec<Mistake>) -> Audit {
    let wanted = "a duration of at least 180 days, such as \"1095d\"";
    let retention = table.parsed("retention", wanted, parse_duration);
    if let Some(short) = retention.filter(|retention| *retention < Audit::LEAST) {
        let found = format!("{:?}, which is less than 180 days", format_duration(short));
        table.fault("retention", Fault::Unusable { found, wanted: wanted.to_owned() });
    }
    table.finish(mistakes);
    Audit { retention: retention.unwrap_or(Audit::default().retention) }
}

pub(super) fn console(mut table: Table<'_>, mistakes: &mut Vec<Mistake>) -> Console {
    let listen = table.parsed("listen", ADDRESS, address).unwrap_or(Console::default().listen);
    if !listen.ip().is_loopback() {
        let found = format!("{listen} is open to others, and users who log in are");
        let instead = "listen on loopback, such as \"127.0.0.1:8080\"; users come later";
        table.fault("listen", Fault::NotInThisVersion { found, instead });
    }
    table.finish(mistakes);
    Console { listen }
}

/// Places of each destination's `[destination.tls]` come with them.
pub(super) fn destinations<'t>(
    rows: Vec<Table<'t>>,
    base: &Path,
    gate: &Gate,
    spool: &Spool,
    names: &mut Vec<String>,
    mistakes: &mut Vec<Mistake>,
) -> (Vec<Destination>, Vec<Option<Place<'t>>>) {
    let mut destinations = Vec::with_capacity(rows.len());
    let mut places = Vec::with_capacity(rows.len());
    for mut table in rows {
        let name = own_name(&mut table, names);
        let is_folder = table.has("folder");
        let commitment = commitment::counts(&mut table, is_folder);
        let verify = commitment::verify(&mut table, is_folder);
        let folder = table.parsed("folder", "a folder", |text| path(base, text));
        let mut place = None;
        let target = if table.has("folder") {
            for key in PEER_KEYS.iter().map(|(key, _)| *key).chain(["tls"]) {
                if table.refuses(key) {
                    table.fault(key, Fault::Excluded { other: "folder" });
                }
            }
            folder.map(Target::Folder)
        } else {
            peer(&mut table, base, &mut place, mistakes)
        };
        match &target {
            Some(Target::Peer { host, port, .. }) if is_own(gate, host, *port) => {
                let found = format!("{host}:{port}, where this gate listens");
                let wanted = "the address of the PACS".to_owned();
                table.fault("host", Fault::Unusable { found, wanted });
            }
            Some(Target::Folder(folder)) if folder.starts_with(&spool.dir) => {
                let found = format!("{:?}, in the spool", folder.display().to_string());
                let wanted = "a folder outside of [spool] dir".to_owned();
                table.fault("folder", Fault::Unusable { found, wanted });
            }
            Some(Target::Peer { .. } | Target::Folder(_)) | None => {}
        }
        table.finish(mistakes);
        if let (Some(name), Some(target)) = (name, target) {
            destinations.push(Destination { name, target, commitment, verify });
            places.push(place);
        }
    }
    (destinations, places)
}

/// Whether the gate itself answers there, as far as that can be told without asking the network. Objects would go round.
fn is_own(gate: &Gate, host: &str, port: u16) -> bool {
    let named =
        if host == "localhost" { Some(Ipv4Addr::LOCALHOST.into()) } else { host.parse().ok() };
    let is_at = |listen: SocketAddr| {
        let here = listen.ip();
        port == listen.port()
            && named.is_some_and(|host: IpAddr| {
                let loops = here.is_unspecified() || here.is_loopback();
                host == here || (host.is_loopback() && loops)
            })
    };
    is_at(gate.listen) || gate.tls.as_ref().is_some_and(|tls| is_at(tls.listen))
}

/// The keys of a DICOM peer, and what each would hold.
const PEER_KEYS: [(&str, &str); 5] = [
    ("aet", AE_TITLE),
    ("host", "a host name or address (or, for a folder, `folder` alone)"),
    ("port", "a TCP port from 1 to 65535"),
    ("calling_aet", "\"keep\", or an AE title"),
    (
        "calling_aets",
        "a list of AE titles of modalities and those that take their place, such as [\"CT01=GATE01\"]",
    ),
];

fn peer<'t>(
    table: &mut Table<'t>,
    base: &Path,
    place: &mut Option<Place<'t>>,
    mistakes: &mut Vec<Mistake>,
) -> Option<Target> {
    let [
        (aet_key, title),
        (host_key, host_name),
        (port_key, tcp_port),
        (calling_key, calling),
        (mapped_key, mapping),
    ] = PEER_KEYS;
    let aet = table.parsed(aet_key, title, ae_title);
    let aet = table.required(aet_key, aet, title);
    let host = table.parsed(host_key, host_name, host);
    let host = table.required(host_key, host, host_name);
    let port = table.whole(port_key, 1..=65_535);
    let port = table.required(port_key, port, tcp_port);
    let otherwise = table.parsed(calling_key, calling, |text| match text {
        "keep" => Some(None),
        title => ae_title(title).map(Some),
    });
    let mapped = table.list(mapped_key, false, mapping, |text| {
        let (modality, title) = text.split_once('=')?;
        Some((ae_title(modality)?, ae_title(title)?))
    });
    let call_as = CallAs {
        mapped: mapped.unwrap_or_default().into_iter().collect(),
        otherwise: otherwise.unwrap_or_else(|| Some(own_title())),
    };
    let mut tls = None;
    if let Some(section) = table.optional_section("tls") {
        (tls, *place) = tls::destination(section, base, host.as_deref(), mistakes);
    }
    Some(Target::Peer { aet: aet?, host: host?, port: port?, call_as, tls })
}

pub(super) fn sources(
    rows: Vec<Table<'_>>,
    proof: &credentials::Reader<'_>,
    (institutions, names): (&[String], &mut Vec<String>),
    mistakes: &mut Vec<Mistake>,
    warnings: &mut Vec<Mistake>,
) -> Vec<SourceRow> {
    let mut sources = Vec::with_capacity(rows.len());
    let mut given: Vec<String> = Vec::new();
    for mut table in rows {
        let wanted = "the calling AE title, or \"*\" for any";
        let aet = table.parsed("aet", wanted, |text| match text {
            "*" => Some(None),
            title => ae_title(title).map(Some),
        });
        let aet = table.required("aet", aet, wanted);
        // Without a name of its own it is called as it is listed; of several under one title, each may have one.
        let own = optional_name(&mut table, names);
        let listed = aet.as_ref().map(|aet| aet.as_ref().map_or("*", AeTitle::as_str));
        // What is said of one that was given this name would hold for another.
        if let (None, Some(listed)) = (&own, listed)
            && given.iter().any(|name| name == listed)
        {
            table.fault("name", Fault::Repeated { found: listed.to_owned() });
        }
        given.extend(own.clone());
        let called = own.or_else(|| listed.map(str::to_owned));
        let is_new = called.as_ref().is_some_and(|called| !names.contains(called));
        names.extend(called.clone().filter(|_| is_new));
        let hosts = table.list("hosts", true, NETWORK, network);
        if hosts.as_ref().is_some_and(Vec::is_empty) {
            table.fault("hosts", Fault::Missing { wanted: NETWORK });
        }
        let institution = table.name("institution", "institution", institutions);
        let wanted = "a Defined Term of (0008,0005) such as \"GB18030\", or \"GBK\"";
        let source = Source {
            name: called.map(Into::into),
            institution: institution.map(|id| InstitutionId::new(&id)),
            urgent: table.flag("urgent").unwrap_or(false),
            charset: table.parsed("charset", wanted, CharacterSet::named),
            report: commitment::report_to(&mut table),
        };
        let certificates = proof.certificates(&mut table, warnings);
        let identity = proof.identity(&mut table, warnings);
        table.finish(mistakes);
        if let Some(aet) = aet {
            let hosts = hosts.unwrap_or_else(loopback);
            sources.push(SourceRow { aet, hosts, certificates, identity, source });
        }
    }
    sources
}

pub(super) fn studies(mut table: Table<'_>, mistakes: &mut Vec<Mistake>) -> StudySettings {
    let default = StudySettings::default();
    let usual = patience(&mut table, default.times.usual);
    let late = table.word("late").unwrap_or(default.late);
    let budget = table
        .parsed("memory", SIZE, parse_size)
        .map_or(default.times.budget, |size| usize::try_from(size).unwrap_or(usize::MAX));
    let mut modalities = table.section("modality");
    let mut by_modality = BTreeMap::new();
    for (modality, mut table) in modalities.sections() {
        by_modality.insert(modality.to_owned(), patience(&mut table, usual));
        table.finish(mistakes);
    }
    modalities.finish(mistakes);
    table.finish(mistakes);
    StudySettings { times: study::Settings { usual, by_modality, budget }, late }
}

fn patience(table: &mut Table<'_>, default: Patience) -> Patience {
    let mut time = |key, default| table.parsed(key, DURATION, parse_duration).unwrap_or(default);
    Patience { quiet: time("quiet", default.quiet), at_most: time("at_most", default.at_most) }
}

/// The place of `[mark]` comes with it.
pub(super) fn mark<'t>(mut table: Table<'t>, mistakes: &mut Vec<Mistake>) -> (Mark, Place<'t>) {
    let default = Mark::default();
    let offset = "an offset from UTC such as \"+08:00\"";
    let mark = Mark {
        policy: mark_policy(&mut table),
        modes: modes(&mut table).unwrap_or(default.modes),
        presentation_state_after: table
            .parsed("presentation_state_after", DURATION, parse_duration)
            .unwrap_or(default.presentation_state_after),
        charset: table.word("charset").unwrap_or(default.charset),
        timezone: table.parsed("timezone", offset, parse_offset).unwrap_or(default.timezone),
    };
    (mark, table.finish(mistakes))
}

fn mark_policy(table: &mut Table<'_>) -> MarkPolicy {
    let default = MarkPolicy::default();
    let separator = table.parsed("separator", "at most 4 characters, no backslash", |text| {
        let good =
            text.chars().count() <= 4 && !text.contains(|c: char| c.is_control() || c == '\\');
        good.then(|| text.to_owned())
    });
    MarkPolicy {
        separator: separator.unwrap_or(default.separator),
        mark_before_effective: table
            .flag("mark_before_effective")
            .unwrap_or(default.mark_before_effective),
        strip_stale: table.flag("strip_stale").unwrap_or(default.strip_stale),
        require_active_at_stamp: table
            .flag("require_active_at_stamp")
            .unwrap_or(default.require_active_at_stamp),
        multi_item: table.word("multi_item").unwrap_or(default.multi_item),
        grace_days: table.whole("grace_days", 0..=3650).unwrap_or(default.grace_days),
    }
}

fn modes(table: &mut Table<'_>) -> Option<Vec<StampMode>> {
    let modes: Vec<StampMode> = table.words("modes")?;
    if modes.is_empty() {
        table.fault("modes", Fault::Missing { wanted: "at least one mode, such as [\"tag\"]" });
    }
    Some(modes)
}

pub(super) fn stamps<'t>(
    rows: Vec<Table<'t>>,
    mistakes: &mut Vec<Mistake>,
) -> Placed<'t, StampRow> {
    let mut stamps = Placed::default();
    for mut table in rows {
        let when = table.text("when");
        let modes = modes(&mut table);
        let modes = table.required("modes", modes, "a list of modes such as [\"tag\"]");
        let place = table.finish(mistakes);
        if let Some(modes) = modes {
            stamps.push(StampRow { when, modes }, place);
        }
    }
    stamps
}

pub(super) fn rules<'t>(
    mut table: Table<'t>,
    base: &Path,
    ways: &Ways<'_>,
    mistakes: &mut Vec<Mistake>,
) -> (Rules, RulePlaces<'t>) {
    let wanted = "the name of a built-in pack, or the path of a TOML file";
    let packs = table.list("packs", true, wanted, |text| {
        let file = Path::new(text).extension().is_some_and(|ext| ext == "toml");
        if file || text.contains('/') {
            path(base, text).map(PackSource::File)
        } else {
            name(text).map(PackSource::BuiltIn)
        }
    });
    let mut changes = Changes::default();
    let mut overrides = table.section("override");
    let mut changed = BTreeMap::new();
    for (rule, mut table) in overrides.sections() {
        let change = Change {
            severity: severity(&mut table),
            off: Some(table.flag("off").unwrap_or(false)),
            shadow: Some(table.flag("shadow").unwrap_or(false)),
        };
        changed.insert(rule.to_owned(), table.finish(mistakes));
        changes.rules.insert(rule.to_owned(), change);
    }
    overrides.finish(mistakes);
    let exceptions = Exceptions::read(table.rows("exception"), ways, mistakes);
    changes.exceptions = exceptions.rows().to_vec();
    let mut parameters = table.section("parameters");
    changes.parameters = parameters.values();
    let places = RulePlaces {
        overrides: changed,
        exceptions,
        parameters: parameters.finish(mistakes),
        rules: table.finish(mistakes),
    };
    (Rules { packs: packs.unwrap_or_else(|| Rules::default().packs), changes }, places)
}

pub(super) fn registry_files(
    mut table: Table<'_>,
    base: &Path,
    mistakes: &mut Vec<Mistake>,
) -> RegistryFiles {
    let mut file = |key| table.parsed(key, "the path of a CSV file", |text| path(base, text));
    let files = RegistryFiles {
        institutions: file("institutions"),
        items: file("items"),
        accreditations: file("accreditations"),
        operators: file("operators"),
    };
    table.finish(mistakes);
    files
}
