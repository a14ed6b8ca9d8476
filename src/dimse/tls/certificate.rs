//! What a certificate says of whom it was issued to, and for how long.

use std::net::IpAddr;

use jiff::Timestamp;
use ring::digest::{SHA256, digest};
use rustls::pki_types::{CertificateDer, CertificateRevocationListDer};
use x509_cert::certificate::{CertificateInner, Raw};
use x509_cert::crl::CertificateList;
use x509_cert::der::Decode as _;
use x509_cert::ext::pkix::SubjectAltName;
use x509_cert::ext::pkix::name::GeneralName;
use x509_cert::time::Time;

/// A certificate, as far as anybody here looks into it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Certificate {
    pub(super) der: CertificateDer<'static>,
    /// Its Subject Alternative Names: DNS names (in lower case), URIs, addresses of IP and of mail; the Common Name of its
    /// subject when it has none; last its fingerprint, `sha256:` and 64 hexadecimal digits.
    pub names: Vec<String>,
    /// When it begins; `None` when it cannot be read.
    pub not_before: Option<Timestamp>,
    /// When it ends.
    pub not_after: Option<Timestamp>,
}

/// Names of one certificate that are looked at. Real ones have a handful.
const MOST_NAMES: usize = 64;

impl Certificate {
    /// A certificate that must be one.
    pub(super) fn parse(der: &CertificateDer<'_>) -> Option<Self> {
        let read = CertificateInner::<Raw>::from_der(der).ok()?;
        let validity = read.tbs_certificate().validity();
        let mut names = names(&read);
        names.push(fingerprint(der));
        Some(Self {
            names,
            not_before: timestamp(validity.not_before),
            not_after: timestamp(validity.not_after),
            der: der.clone().into_owned(),
        })
    }

    /// A certificate that the handshake has verified. What cannot be read of it all the same has its fingerprint for a name.
    pub(super) fn verified(der: &CertificateDer<'_>) -> Self {
        Self::parse(der).unwrap_or_else(|| Self {
            names: vec![fingerprint(der)],
            not_before: None,
            not_after: None,
            der: der.clone().into_owned(),
        })
    }
}

fn fingerprint(der: &[u8]) -> String {
    let hash = digest(&SHA256, der);
    let digits = hash.as_ref().iter().map(|byte| format!("{byte:02x}"));
    std::iter::once(FINGERPRINT.to_owned()).chain(digits).collect()
}

/// How a fingerprint begins.
const FINGERPRINT: &str = "sha256:";

/// RFC 6125 §6.4.4: the Common Name counts only where there is no Subject Alternative Name. One that cannot be read is there.
fn names(certificate: &CertificateInner<Raw>) -> Vec<String> {
    let subject = certificate.tbs_certificate();
    let mut names: Vec<String> = match subject.get_extension::<SubjectAltName>() {
        Ok(Some((_, names))) => names.0.iter().take(MOST_NAMES).filter_map(name).collect(),
        Ok(None) => {
            let name = subject.subject().common_name().ok().flatten();
            name.map(|name| name.value().into_owned()).into_iter().collect()
        }
        Err(_) => Vec::new(),
    };
    // A fingerprint is computed: a name that looks like one would pass its bearer off as another.
    names.retain(|name| {
        name.get(..FINGERPRINT.len()).is_none_or(|start| !start.eq_ignore_ascii_case(FINGERPRINT))
    });
    names
}

fn name(name: &GeneralName) -> Option<String> {
    match name {
        GeneralName::DnsName(name) => Some(name.as_str().to_ascii_lowercase()),
        GeneralName::Rfc822Name(name) | GeneralName::UniformResourceIdentifier(name) => {
            Some(name.as_str().to_owned())
        }
        GeneralName::IpAddress(bytes) => {
            let bytes = bytes.as_bytes();
            let four = <[u8; 4]>::try_from(bytes).ok().map(IpAddr::from);
            let address = four.or_else(|| <[u8; 16]>::try_from(bytes).ok().map(IpAddr::from));
            address.map(|address| address.to_string())
        }
        GeneralName::OtherName(_)
        | GeneralName::DirectoryName(_)
        | GeneralName::EdiPartyName(_)
        | GeneralName::RegisteredId(_) => None,
    }
}

fn timestamp(time: Time) -> Option<Timestamp> {
    let seconds = i64::try_from(time.to_unix_duration().as_secs()).ok()?;
    Timestamp::from_second(seconds).ok()
}

/// A certificate revocation list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RevocationList {
    pub(super) der: CertificateRevocationListDer<'static>,
    /// When its issuer means to have the next one out.
    pub next_update: Option<Timestamp>,
}

impl RevocationList {
    pub(super) fn parse(der: &CertificateRevocationListDer<'_>) -> Option<Self> {
        let read = CertificateList::<Raw>::from_der(der).ok()?;
        let next_update = read.tbs_cert_list.next_update.and_then(timestamp);
        Some(Self { next_update, der: der.as_ref().to_vec().into() })
    }
}
