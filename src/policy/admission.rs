//! Who may send, and what is known of an object from its sender alone.
//!
//! A calling AE title is a label that anyone can write on a request, so a source is a title and the networks it may call
//! from; and where more is asked of it, the certificate it must show and the user it must name. The first source that fits
//! by title, address and certificate counts.

// `core::net` has addresses and no sockets.
use core::net::IpAddr;
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use ipnet::IpNet;

use crate::dicom::ae_title::AeTitle;
use crate::dicom::charset::CharacterSet;
use crate::recognition::InstitutionId;

/// A caller that may send.
#[derive(Debug, Clone, PartialEq)]
pub struct SourceRow {
    /// Its calling AE title; `None` is any.
    pub aet: Option<AeTitle>,
    /// The networks it may call from.
    pub hosts: Vec<IpNet>,
    /// Names of which its verified certificate must bear one; none is no certificate asked for.
    pub certificates: Vec<String>,
    /// The user identity it must give (PS3.7 §D.3.3.7).
    pub identity: Option<RequiredIdentity>,
    /// What is known of its objects.
    pub source: Source,
}

/// The user whom a caller must name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequiredIdentity {
    /// The user name.
    pub user: String,
    /// The passcode; without one the name alone will do.
    pub passcode: Option<Passcode>,
}

/// A passcode, of which only the hash is kept.
#[derive(Clone, PartialEq, Eq)]
pub struct Passcode {
    /// Where it was read.
    pub file: PathBuf,
    hash: blake3::Hash,
}

impl Passcode {
    /// The passcode that `file` holds.
    #[must_use]
    pub fn new(file: PathBuf, secret: &[u8]) -> Self {
        Self { file, hash: blake3::hash(secret) }
    }
}

impl fmt::Debug for Passcode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Passcode({})", self.file.display())
    }
}

impl RequiredIdentity {
    /// Whether a caller has given it. Takes the same time wherever the first difference is.
    fn is(&self, user: &[u8], passcode: Option<&[u8]>) -> bool {
        let user = blake3::hash(user) == blake3::hash(self.user.as_bytes());
        let passcode = match (&self.passcode, passcode) {
            (None, _) => true,
            (Some(wanted), given) => {
                given.is_some() & (blake3::hash(given.unwrap_or_default()) == wanted.hash)
            }
        };
        user & passcode
    }
}

/// What is known of an object from its sender.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Source {
    /// What the site calls it: by a name of its own, else by the AE title that it is listed with.
    pub name: Option<Arc<str>>,
    /// The institution whose examinations it sends; without one its objects pass unmarked.
    pub institution: Option<InstitutionId>,
    /// Whether its objects are never held by rules.
    pub urgent: bool,
    /// How its wrongly declared text is to be read.
    pub charset: Option<CharacterSet>,
    /// Where it takes reports on storage commitment; without it, only on the association on which it asked.
    pub report: Option<ReportTo>,
}

/// Where a source listens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReportTo {
    /// Its host name or address; without one, the address that it called from.
    pub host: Option<String>,
    /// Its TCP port.
    pub port: u16,
}

/// Who calls.
#[derive(Debug, Clone, Copy)]
pub struct Caller<'c> {
    /// Its AE title.
    pub calling: &'c AeTitle,
    /// Whence it calls.
    pub peer: IpAddr,
    /// What it has to show for it.
    pub proof: Proof<'c>,
}

/// What a caller has to show beside title and address.
#[derive(Debug, Clone, Copy)]
pub enum Proof<'c> {
    /// It is calling now.
    Shown {
        /// The names of its verified certificate; none without TLS.
        certificate: &'c [String],
        /// The user identity that it gives.
        identity: Identity<'c>,
    },
    /// It was admitted when it called: by the certificate of this name, or without one.
    Recorded(Option<&'c str>),
    /// It is taken to have everything: somebody asks what would be.
    Assumed,
}

/// A user identity as given with an association request (PS3.7 §D.3.3.7).
#[derive(Clone, Copy)]
pub enum Identity<'c> {
    /// None.
    Absent,
    /// Of types 1 and 2: a user name, and with type 2 a passcode.
    User {
        /// The name.
        name: &'c [u8],
        /// The passcode.
        passcode: Option<&'c [u8]>,
    },
    /// Of another type: Kerberos, SAML, JWT.
    Other,
}

/// What stands there may be a secret, also where the name should be.
impl fmt::Debug for Identity<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Absent => "Absent",
            Self::User { .. } => "User",
            Self::Other => "Other",
        })
    }
}

/// As what a caller is taken.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Admitted {
    /// What is known of its objects.
    pub source: Source,
    /// The name of its certificate for which it was taken.
    pub certificate: Option<String>,
    /// Whether its user identity was asked for, and is right.
    pub identified: bool,
}

/// Why a caller may not send. A stranger is told the same whether title, address or certificate is wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
pub enum Refusal {
    /// No source has the title.
    #[error("the calling AE title is not listed")]
    UnknownTitle,
    /// A source has the title, but not from this address.
    #[error("the calling AE title is listed, but not from this address")]
    OtherAddress,
    /// A source has title and address, but wants a certificate that was not shown.
    #[error("the calling AE title is listed, but with a certificate that was not shown")]
    OtherCertificate,
    /// No source is listed at all, and the caller is not on this machine.
    #[error("no source is listed, so only callers from this machine are taken")]
    NotLocal,
    /// The source wants a user identity, and none of type 1 or 2 was given.
    #[error("the source wants a user name, with a passcode where it has one, and none was given")]
    NoIdentity,
    /// The source wants another user identity.
    #[error("the user identity is wrong")]
    WrongIdentity,
}

impl Refusal {
    /// Result, source and reason of the A-ASSOCIATE-RJ (PS3.8 table 9-21): permanent, by the service user; calling AE title
    /// not recognized, or no reason given.
    #[must_use]
    pub fn rejection(self) -> (u8, u8, u8) {
        match self {
            Self::UnknownTitle | Self::OtherAddress | Self::OtherCertificate | Self::NotLocal => {
                (1, 1, 3)
            }
            Self::NoIdentity | Self::WrongIdentity => (1, 1, 1),
        }
    }
}

/// Whether and as what a caller is taken. Without any source listed, callers from this machine may send, on nobody's
/// behalf; with one listed, only those that are.
///
/// # Errors
/// When the caller may not send.
pub fn admit(sources: &[SourceRow], caller: &Caller<'_>) -> Result<Admitted, Refusal> {
    // An IPv4 caller of a socket that takes both comes as ::ffff:a.b.c.d.
    let peer = caller.peer.to_canonical();
    if sources.is_empty() {
        return if peer.is_loopback() { Ok(Admitted::default()) } else { Err(Refusal::NotLocal) };
    }
    let titled =
        sources.iter().filter(|row| row.aet.as_ref().is_none_or(|aet| aet == caller.calling));
    let mut refusal = Refusal::UnknownTitle;
    for row in titled {
        if !row.hosts.iter().any(|network| network.contains(&peer)) {
            if refusal == Refusal::UnknownTitle {
                refusal = Refusal::OtherAddress;
            }
            continue;
        }
        let Some(certificate) = certificate(row, &caller.proof) else {
            refusal = Refusal::OtherCertificate;
            continue;
        };
        return Ok(Admitted {
            source: row.source.clone(),
            certificate,
            identified: identify(row, &caller.proof)?,
        });
    }
    Err(refusal)
}

/// The name by which a row takes the caller's certificate, if it wants one; `None` when it does not take it.
fn certificate(row: &SourceRow, proof: &Proof<'_>) -> Option<Option<String>> {
    if row.certificates.is_empty() {
        return Some(None);
    }
    let is_wanted = |name: &str| row.certificates.iter().any(|wanted| is_same(wanted, name));
    match proof {
        Proof::Shown { certificate, .. } => {
            certificate.iter().find(|name| is_wanted(name)).cloned().map(Some)
        }
        Proof::Recorded(name) => name.filter(|name| is_wanted(name)).map(str::to_owned).map(Some),
        Proof::Assumed => Some(None),
    }
}

/// Names of hosts (RFC 4343) and Common Names (RFC 4518 §2.2) are the same in upper and lower case. What bears a colon or an `@` (URIs,
/// addresses, fingerprints) is compared as it stands.
fn is_same(wanted: &str, shown: &str) -> bool {
    wanted == shown || (!wanted.contains([':', '@']) && wanted.eq_ignore_ascii_case(shown))
}

fn identify(row: &SourceRow, proof: &Proof<'_>) -> Result<bool, Refusal> {
    let (Some(wanted), Proof::Shown { identity, .. }) = (&row.identity, proof) else {
        return Ok(false);
    };
    match identity {
        Identity::User { name, passcode } if wanted.is(name, *passcode) => Ok(true),
        Identity::User { .. } => Err(Refusal::WrongIdentity),
        Identity::Absent | Identity::Other => Err(Refusal::NoIdentity),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(aet: &str, host: &str, institution: &str) -> SourceRow {
        SourceRow {
            aet: (aet != "*").then(|| AeTitle::parse(aet).expect("a title")),
            hosts: vec![host.parse().expect("a network")],
            certificates: Vec::new(),
            identity: None,
            source: Source {
                name: Some(aet.into()),
                institution: Some(InstitutionId::new(institution)),
                urgent: false,
                charset: None,
                report: None,
            },
        }
    }

    fn certified(row: SourceRow, names: &[&str]) -> SourceRow {
        SourceRow { certificates: names.iter().map(|name| (*name).to_owned()).collect(), ..row }
    }

    fn identified(row: SourceRow, user: &str, passcode: Option<&str>) -> SourceRow {
        let passcode = passcode.map(|secret| Passcode::new("passcode".into(), secret.as_bytes()));
        SourceRow { identity: Some(RequiredIdentity { user: user.to_owned(), passcode }), ..row }
    }

    const NOTHING: Proof<'_> = Proof::Shown { certificate: &[], identity: Identity::Absent };

    fn admitted(
        sources: &[SourceRow],
        aet: &str,
        peer: &str,
        proof: Proof<'_>,
    ) -> Result<Admitted, Refusal> {
        let calling = AeTitle::parse(aet).expect("a title");
        let peer = peer.parse().expect("an address");
        admit(sources, &Caller { calling: &calling, peer, proof })
    }

    #[track_caller]
    fn check(sources: &[SourceRow], aet: &str, peer: &str, want: Result<Option<&str>, Refusal>) {
        let institution =
            admitted(sources, aet, peer, NOTHING).map(|admitted| admitted.source.institution);
        assert_eq!(institution, want.map(|id| id.map(InstitutionId::new)), "{aet} from {peer}");
    }

    #[test]
    fn with_no_source_listed_only_this_machine_may_send() {
        for peer in ["127.0.0.1", "127.9.9.9", "::1", "::ffff:127.0.0.1"] {
            check(&[], "ANY", peer, Ok(None));
        }
        for peer in ["10.0.0.1", "192.168.1.1", "fe80::1", "::ffff:10.0.0.1"] {
            check(&[], "ANY", peer, Err(Refusal::NotLocal));
        }
    }

    #[test]
    fn with_one_listed_nobody_else_may() {
        let sources = [row("CT01", "10.1.0.0/16", "bfh")];
        check(&sources, "CT01", "10.1.2.3", Ok(Some("bfh")));
        check(&sources, "CT01", "::ffff:10.1.2.3", Ok(Some("bfh")));
        check(&sources, "CT01", "10.2.2.3", Err(Refusal::OtherAddress));
        check(&sources, "ct01", "10.1.2.3", Err(Refusal::UnknownTitle));
        check(&sources, "CT02", "127.0.0.1", Err(Refusal::UnknownTitle));
    }

    #[test]
    fn the_first_source_that_fits_counts() {
        let sources = [
            row("CT01", "10.1.0.0/16", "east"),
            row("CT01", "10.2.0.0/16", "west"),
            row("*", "10.0.0.0/8", "any"),
        ];
        check(&sources, "CT01", "10.2.0.1", Ok(Some("west")));
        check(&sources, "CT01", "10.3.0.1", Ok(Some("any")));
        check(&sources, "MR01", "10.1.0.1", Ok(Some("any")));
        check(&sources, "MR01", "11.0.0.1", Err(Refusal::OtherAddress));
    }

    #[test]
    fn a_source_with_a_certificate_takes_nobody_without_it() {
        let sources = [
            certified(row("*", "10.0.0.0/8", "east"), &["CT.East", "sha256:aa"]),
            certified(row("*", "10.0.0.0/8", "west"), &["ct.west", "urn:Ct", "Ct@west"]),
        ];
        let check = |names: &[&str], want: Result<(&str, &str), Refusal>| {
            let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
            let proof = Proof::Shown { certificate: &names, identity: Identity::Absent };
            let found = admitted(&sources, "CT01", "10.1.2.3", proof).map(|admitted| {
                let institution = admitted.source.institution.expect("an institution");
                (institution, admitted.certificate.expect("a name"))
            });
            let want = want.map(|(id, name)| (InstitutionId::new(id), name.to_owned()));
            assert_eq!(found, want, "{names:?}");
        };
        check(&["x", "ct.west", "sha256:11"], Ok(("west", "ct.west")));
        check(&["x", "sha256:aa"], Ok(("east", "sha256:aa")));
        check(&["ct.east"], Ok(("east", "ct.east")));
        check(&["CT.WEST"], Ok(("west", "CT.WEST")));
        check(&["urn:Ct"], Ok(("west", "urn:Ct")));
        for other in ["urn:ct", "ct@west", "SHA256:AA"] {
            check(&[other], Err(Refusal::OtherCertificate));
        }
        check(&["ct.north"], Err(Refusal::OtherCertificate));
        check(&[], Err(Refusal::OtherCertificate));
    }

    #[test]
    fn an_object_is_still_its_senders_when_it_is_judged_later() {
        let sources = [
            certified(row("*", "10.0.0.0/8", "east"), &["ct.east"]),
            certified(row("*", "10.0.0.0/8", "west"), &["CT.west"]),
            row("*", "10.0.0.0/8", "any"),
        ];
        let check = |proof: Proof<'_>, want: &str| {
            let found = admitted(&sources, "CT01", "10.1.2.3", proof).expect("a source");
            assert_eq!(found.source.institution, Some(InstitutionId::new(want)), "{proof:?}");
        };
        check(Proof::Recorded(Some("ct.west")), "west");
        check(Proof::Recorded(None), "any");
        check(Proof::Assumed, "east");
    }

    #[test]
    fn a_user_identity_is_asked_for_where_it_is_configured() {
        let sources = [
            identified(row("CT01", "10.0.0.0/8", "a"), "room3", Some("s3cret")),
            identified(row("CT02", "10.0.0.0/8", "a"), "room4", None),
            row("CT03", "10.0.0.0/8", "a"),
        ];
        let user = |name: &'static str, passcode: Option<&'static str>| Identity::User {
            name: name.as_bytes(),
            passcode: passcode.map(str::as_bytes),
        };
        let check = |aet: &str, identity: Identity<'_>, want: Result<bool, Refusal>| {
            let proof = Proof::Shown { certificate: &[], identity };
            let found = admitted(&sources, aet, "10.1.2.3", proof);
            assert_eq!(found.map(|admitted| admitted.identified), want, "{aet} {identity:?}");
        };
        check("CT01", user("room3", Some("s3cret")), Ok(true));
        check("CT01", user("room3", Some("s3cre")), Err(Refusal::WrongIdentity));
        check("CT01", user("room3", Some("")), Err(Refusal::WrongIdentity));
        check("CT01", user("room3", None), Err(Refusal::WrongIdentity));
        check("CT01", user("ROOM3", Some("s3cret")), Err(Refusal::WrongIdentity));
        check("CT01", Identity::Absent, Err(Refusal::NoIdentity));
        check("CT01", Identity::Other, Err(Refusal::NoIdentity));
        check("CT02", user("room4", None), Ok(true));
        check("CT02", user("room4", Some("whatever")), Ok(true));
        check("CT03", Identity::Other, Ok(false));
        check("CT03", user("anybody", None), Ok(false));
    }

    #[test]
    fn a_stranger_is_told_the_same_whatever_is_wrong_with_him() {
        for refusal in [
            Refusal::UnknownTitle,
            Refusal::OtherAddress,
            Refusal::OtherCertificate,
            Refusal::NotLocal,
        ] {
            assert_eq!(refusal.rejection(), (1, 1, 3));
        }
        assert_eq!(Refusal::NoIdentity.rejection(), Refusal::WrongIdentity.rejection());
    }

    #[test]
    fn what_may_be_a_secret_is_not_shown() {
        let row = identified(row("CT01", "10.0.0.0/8", "a"), "room3", Some("s3cret"));
        assert!(!format!("{row:?}").contains("s3cret"));
        let given = Identity::User { name: b"s3cret", passcode: Some(b"s3cret") };
        assert_eq!(format!("{given:?}"), "User");
    }
}
