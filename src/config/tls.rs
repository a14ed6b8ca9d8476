//! `[gate.tls]` and `[destination.tls]`: their keys, and what the files that they name hold.
//!
//! The files are read with the configuration, so that it is taken with them or not at all, and reading it again reads them
//! again.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::credentials::{about, open_to_others, shown};
use super::decode::{Place, Table};
use super::mistake::{Fault, Mistake};
use super::model::{DestinationTls, GateTls};
use super::sections::{ADDRESS, address, path};
use super::source::{CRL_LIMIT, PEM_LIMIT, openness, read_bytes};
use crate::base::time::Timestamp;
use crate::dimse::tls::material::{anchors, certificates, revocation_lists};
use crate::dimse::tls::{
    BadMaterial, Certificate, ClientSide, Clients, Identity, RevocationList, ServerSide,
};

/// The port that PS3.8 §9.1.1 names for DICOM with TLS.
const TLS_PORT: u16 = 2762;

/// How long before the end of a certificate a person is told: a hospital's authority needs some weeks.
pub const EXPIRES_SOON: Duration = Duration::from_hours(30 * 24);

const CERTIFICATE: &str = "a PEM file with the gate's certificate";
const KEY: &str = "a PEM file with the private key of that certificate, not encrypted";
const TRUST: &str =
    "a PEM file, or a list of them, with the certificates of the issuers to be trusted";
const CRL: &str = "a PEM file, or a list of them, with revocation lists";

fn files(table: &mut Table<'_>, key: &'static str, wanted: &str, base: &Path) -> Vec<PathBuf> {
    table.list(key, true, wanted, |text| path(base, text)).unwrap_or_default()
}

/// Reads `[gate.tls]`; the place is for what its files hold.
pub(super) fn gate<'t>(
    mut table: Table<'t>,
    base: &Path,
    plain: SocketAddr,
    mistakes: &mut Vec<Mistake>,
) -> (Option<GateTls>, Option<Place<'t>>) {
    let listen = table.parsed("listen", ADDRESS, address);
    let listen = listen.unwrap_or(SocketAddr::new(plain.ip(), TLS_PORT));
    if listen == plain {
        let found = format!("{listen}, which is the port without TLS");
        let wanted = "a port of its own, such as 2762".to_owned();
        table.fault("listen", Fault::Unusable { found, wanted });
    }
    let certificate = table.parsed("certificate", CERTIFICATE, |text| path(base, text));
    let certificate = table.required("certificate", certificate, CERTIFICATE);
    let key = table.parsed("key", KEY, |text| path(base, text));
    let key = table.required("key", key, KEY);
    let client = table.word("client").unwrap_or_default();
    let trust = files(&mut table, "trust", TRUST, base);
    if trust.is_empty() && client != Clients::None {
        table.required::<()>("trust", None, TRUST);
    }
    let crl = files(&mut table, "crl", CRL, base);
    let place = table.finish(mistakes);
    let tls = certificate.zip(key).map(|(certificate, key)| GateTls {
        listen,
        certificate,
        key,
        trust,
        crl,
        client,
    });
    (tls, Some(place))
}

/// Reads a `[destination.tls]`.
pub(super) fn destination<'t>(
    mut table: Table<'t>,
    base: &Path,
    host: Option<&str>,
    mistakes: &mut Vec<Mistake>,
) -> (Option<DestinationTls>, Option<Place<'t>>) {
    let server_name = table.text("server_name");
    let trust = files(&mut table, "trust", TRUST, base);
    if trust.is_empty() {
        table.required::<()>("trust", None, TRUST);
    }
    let crl = files(&mut table, "crl", CRL, base);
    let certificate = table.parsed("certificate", CERTIFICATE, |text| path(base, text));
    let key = table.parsed("key", KEY, |text| path(base, text));
    match (table.has("certificate"), table.has("key")) {
        (true, false) => drop(table.required::<()>("key", None, KEY)),
        (false, true) => drop(table.required::<()>("certificate", None, CERTIFICATE)),
        (true, true) | (false, false) => {}
    }
    let place = table.finish(mistakes);
    let server_name = server_name.or_else(|| host.map(str::to_owned));
    let tls = server_name.map(|server_name| DestinationTls {
        server_name,
        trust,
        crl,
        identity: certificate.zip(key),
    });
    (tls, Some(place))
}

/// What the files of `[gate.tls]` and `[destination.tls]` hold, put together.
#[derive(Debug, Clone, Default)]
pub struct Tls {
    /// For the gate's port with TLS.
    pub gate: Option<ServerSide>,
    /// For the destinations with TLS, by name.
    pub destinations: BTreeMap<String, ClientSide>,
    /// What comes to an end one day.
    pub papers: Vec<Paper>,
}

/// A certificate, a trust anchor or a revocation list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Paper {
    /// What it is for: `gate`, `gate/trust`, `gate/crl`, and the same with `destination/NAME`.
    pub role: String,
    /// When it ends, or its next issue is due.
    pub ends: Timestamp,
    /// When it begins, if that is told.
    pub begins: Option<Timestamp>,
    file: PathBuf,
    /// Where the configuration names it, without a fault yet.
    place: Mistake,
}

impl Paper {
    /// What its reader wants to know, if that is anything.
    #[must_use]
    pub fn warning(&self, now: Timestamp) -> Option<Mistake> {
        let day = |at: Timestamp| at.strftime("%Y-%m-%d").to_string();
        let file = shown(&self.file);
        let found = if self.ends <= now {
            format!("{file} has expired on {}", day(self.ends))
        } else if self.begins.is_some_and(|begins| begins > now) {
            format!("{file} is valid from {} only", day(self.begins.unwrap_or(now)))
        } else if self.ends.duration_since(now).unsigned_abs() <= EXPIRES_SOON {
            format!("{file} expires on {}", day(self.ends))
        } else {
            return None;
        };
        let wanted = "its successor, and reload: peers refuse what is past its end".to_owned();
        Some(Mistake { fault: Fault::Unusable { found, wanted }, ..self.place.clone() })
    }
}

/// Reads the files.
pub(super) struct Reader<'m> {
    mistakes: &'m mut Vec<Mistake>,
    warnings: &'m mut Vec<Mistake>,
    read: Tls,
}

/// Where something is configured, and what its papers are called.
struct At<'p> {
    place: &'p Place<'p>,
    role: String,
}

impl<'m> Reader<'m> {
    pub(super) fn new(mistakes: &'m mut Vec<Mistake>, warnings: &'m mut Vec<Mistake>) -> Self {
        Self { mistakes, warnings, read: Tls::default() }
    }

    pub(super) fn finish(self) -> Tls {
        self.read
    }

    pub(super) fn gate(&mut self, tls: &GateTls, place: &Place<'_>) {
        let at = At { place, role: "gate".to_owned() };
        let identity = self.identity(&at, &tls.certificate, &tls.key);
        let trust = self.trust(&at, &tls.trust);
        let revoked = self.lists(&at, &tls.crl);
        let (Some(identity), Some(trust), Some(revoked)) = (identity, trust, revoked) else {
            return;
        };
        if trust.is_empty() && tls.client != Clients::None {
            return;
        }
        match ServerSide::new(&identity, &trust, &revoked, tls.client) {
            Ok(side) => self.read.gate = Some(side),
            Err(fault) => self.refuse(&at, "certificate", &tls.certificate, &fault, CERTIFICATE),
        }
    }

    pub(super) fn destination(&mut self, name: &str, tls: &DestinationTls, place: &Place<'_>) {
        let at = At { place, role: format!("destination/{name}") };
        let identity = match &tls.identity {
            Some((certificate, key)) => self.identity(&at, certificate, key).map(Some),
            None => Some(None),
        };
        let trust = self.trust(&at, &tls.trust);
        let revoked = self.lists(&at, &tls.crl);
        let (Some(identity), Some(trust), Some(revoked)) = (identity, trust, revoked) else {
            return;
        };
        if trust.is_empty() {
            return;
        }
        match ClientSide::new(&tls.server_name, identity.as_ref(), &trust, &revoked) {
            Ok(side) => drop(self.read.destinations.insert(name.to_owned(), side)),
            Err(fault) => {
                let found = format!("{:?}: {fault}", tls.server_name);
                let wanted = "the name or address that the destination's certificate bears";
                let fault = Fault::Unusable { found, wanted: wanted.to_owned() };
                self.mistakes.push(place.mistake("server_name", fault));
            }
        }
    }

    fn refuse(&mut self, at: &At<'_>, key: &str, file: &Path, fault: &BadMaterial, wanted: &str) {
        let found = format!("{}: {fault}", shown(file));
        let fault = Fault::Unusable { found, wanted: wanted.to_owned() };
        self.mistakes.push(at.place.mistake(key, fault));
    }

    /// Reads a file and what is in it.
    fn file<T>(
        &mut self,
        at: &At<'_>,
        (key, wanted): (&str, &str),
        (file, limit): (&Path, u64),
        parse: impl FnOnce(&[u8]) -> Result<T, BadMaterial>,
    ) -> Option<T> {
        match read_bytes(file, limit) {
            Ok(bytes) => match parse(&bytes) {
                Ok(parsed) => Some(parsed),
                Err(fault) => {
                    self.refuse(at, key, file, &fault, wanted);
                    None
                }
            },
            Err(fault) => {
                self.mistakes.push(at.place.mistake(key, about(file, &fault, wanted)));
                None
            }
        }
    }

    fn note(
        &mut self,
        at: &At<'_>,
        part: &str,
        key: &str,
        file: &Path,
        ends: &[(Option<Timestamp>, Option<Timestamp>)],
    ) {
        let earliest = ends.iter().filter_map(|(begins, ends)| Some(((*ends)?, *begins))).min();
        let Some((ends, begins)) = earliest else { return };
        let place = at.place.mistake(key, Fault::Missing { wanted: "" });
        let role = format!("{}{part}", at.role);
        self.read.papers.push(Paper { role, ends, begins, file: file.to_owned(), place });
    }

    fn identity(&mut self, at: &At<'_>, certificate: &Path, key: &Path) -> Option<Identity> {
        let what = ("certificate", CERTIFICATE);
        let chain = self.file(at, what, (certificate, PEM_LIMIT), certificates);
        if let Some(chain) = &chain {
            self.note(at, "", "certificate", certificate, &dates(chain));
        }
        if let Some(mode) = openness(key) {
            self.warnings.push(at.place.mistake("key", open_to_others(key, mode)));
        }
        // Without a chain the key is looked at all the same: both mistakes are told at once.
        let missing = chain.is_none();
        let chain = chain.unwrap_or_default();
        let identity = self.file(at, ("key", KEY), (key, PEM_LIMIT), |text| {
            match Identity::new(&chain, text) {
                Err(BadMaterial::UnusableKey(_) | BadMaterial::KeyMismatch) if missing => Ok(None),
                other => other.map(Some),
            }
        });
        identity.flatten().filter(|_| !missing)
    }

    fn trust(&mut self, at: &At<'_>, files: &[PathBuf]) -> Option<Vec<Certificate>> {
        let mut all = Some(Vec::new());
        for file in files {
            let read = self.file(at, ("trust", TRUST), (file, PEM_LIMIT), anchors);
            if let Some(read) = &read {
                self.note(at, "/trust", "trust", file, &dates(read));
            }
            all = all.zip(read).map(|(all, read)| [all, read].concat());
        }
        all
    }

    fn lists(&mut self, at: &At<'_>, files: &[PathBuf]) -> Option<Vec<RevocationList>> {
        let mut all = Some(Vec::new());
        for file in files {
            let read = self.file(at, ("crl", CRL), (file, CRL_LIMIT), revocation_lists);
            if let Some(read) = &read {
                let ends: Vec<_> = read.iter().map(|list| (None, list.next_update)).collect();
                self.note(at, "/crl", "crl", file, &ends);
            }
            all = all.zip(read).map(|(all, read)| [all, read].concat());
        }
        all
    }
}

fn dates(certificates: &[Certificate]) -> Vec<(Option<Timestamp>, Option<Timestamp>)> {
    certificates.iter().map(|one| (one.not_before, one.not_after)).collect()
}
