//! Who may send, and what is known of an object from its sender alone.
//!
//! A calling AE title is a label that anyone can write on a request, so a source is a title and the networks it may call
//! from. The first source that fits counts.

// `core::net` has addresses and no sockets.
use core::net::IpAddr;

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
    /// What is known of its objects.
    pub source: Source,
}

/// What is known of an object from its sender.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Source {
    /// The institution whose examinations it sends; without one its objects pass unmarked.
    pub institution: Option<InstitutionId>,
    /// Whether its objects are never held by rules.
    pub urgent: bool,
    /// How its wrongly declared text is to be read.
    pub charset: Option<CharacterSet>,
}

/// Why a caller may not send. All strangers are told the same: A-ASSOCIATE-RJ 1/1/3, calling AE title not
/// recognized, whether the title is unknown or calls from elsewhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
pub enum Refusal {
    /// No source has the title.
    #[error("the calling AE title is not listed")]
    UnknownTitle,
    /// A source has the title, but not from this address.
    #[error("the calling AE title is listed, but not from this address")]
    OtherAddress,
    /// No source is listed at all, and the caller is not on this machine.
    #[error("no source is listed, so only callers from this machine are taken")]
    NotLocal,
}

impl Refusal {
    /// Result, source and reason of the A-ASSOCIATE-RJ (PS3.8 table 9-21): permanent, service user, calling AE title not
    /// recognized.
    pub const REJECTION: (u8, u8, u8) = (1, 1, 3);
}

/// Whether and as what a caller is taken. Without any source listed, callers from this machine may send, on nobody's
/// behalf; with one listed, only those that are.
///
/// # Errors
/// When the caller may not send.
pub fn admit(sources: &[SourceRow], calling: &AeTitle, peer: IpAddr) -> Result<Source, Refusal> {
    // An IPv4 caller of a socket that takes both comes as ::ffff:a.b.c.d.
    let peer = peer.to_canonical();
    if sources.is_empty() {
        return if peer.is_loopback() { Ok(Source::default()) } else { Err(Refusal::NotLocal) };
    }
    let titled = sources.iter().filter(|row| row.aet.as_ref().is_none_or(|aet| aet == calling));
    let mut refusal = Refusal::UnknownTitle;
    for row in titled {
        if row.hosts.iter().any(|network| network.contains(&peer)) {
            return Ok(row.source.clone());
        }
        refusal = Refusal::OtherAddress;
    }
    Err(refusal)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(aet: &str, host: &str, institution: &str) -> SourceRow {
        SourceRow {
            aet: (aet != "*").then(|| AeTitle::parse(aet).expect("a title")),
            hosts: vec![host.parse().expect("a network")],
            source: Source {
                institution: Some(InstitutionId::new(institution)),
                urgent: false,
                charset: None,
            },
        }
    }

    #[track_caller]
    fn check(sources: &[SourceRow], aet: &str, peer: &str, want: Result<Option<&str>, Refusal>) {
        let calling = AeTitle::parse(aet).expect("a title");
        let admitted = admit(sources, &calling, peer.parse().expect("an address"));
        let institution = admitted.map(|source| source.institution);
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
}
