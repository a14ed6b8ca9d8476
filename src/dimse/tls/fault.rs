//! Why there is no secure connection, one variant a cause: what a person does about each is different.

use std::io;

use rustls::{AlertDescription, CertificateError, Error, InvalidMessage, PeerIncompatible};

/// Why TLS was not agreed on, or ended.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TlsFault {
    /// The other side has shown no certificate and had to.
    #[error("the peer shows no certificate")]
    NoCertificate,
    /// Its certificate leads to none of the trust anchors.
    #[error("the peer's certificate was issued by nobody in `trust`")]
    UnknownIssuer,
    /// Its certificate, or one on the way to the trust anchor, is past its end.
    #[error("the peer's certificate has expired")]
    Expired,
    /// It has not begun: often a clock is wrong.
    #[error("the peer's certificate is not valid yet (a wrong clock?)")]
    NotYetValid,
    /// A revocation list names it.
    #[error("the peer's certificate is revoked")]
    Revoked,
    /// It bears other names than the one under which the peer was called.
    #[error("the peer's certificate is for {presented}, not for {wanted}")]
    WrongName {
        /// The name called.
        wanted: String,
        /// The names it bears.
        presented: String,
    },
    /// It is no certificate for this purpose, is signed wrongly, or cannot be read.
    #[error("the peer's certificate cannot be used: {0}")]
    BadCertificate(String),
    /// It speaks only what is older than TLS 1.2.
    #[error("the peer offers nothing newer than TLS 1.1")]
    Version,
    /// It offers no cipher suite, group or signature of the profile.
    #[error("no cipher suite, group or signature in common: {0}")]
    NothingInCommon(String),
    /// It has refused: our certificate, or what else its alert says.
    #[error("the peer refuses: {0}")]
    Refused(&'static str),
    /// What it says is no TLS.
    #[error("the peer does not speak TLS")]
    NotTls,
    /// Anything else.
    #[error("{0}")]
    Broken(String),
}

impl TlsFault {
    /// The cause in a word, for counters.
    #[must_use]
    pub fn word(&self) -> &'static str {
        match self {
            Self::NoCertificate => "no_certificate",
            Self::UnknownIssuer => "unknown_issuer",
            Self::Expired => "expired",
            Self::NotYetValid => "not_yet_valid",
            Self::Revoked => "revoked",
            Self::WrongName { .. } => "wrong_name",
            Self::BadCertificate(_) => "bad_certificate",
            Self::Version => "version",
            Self::NothingInCommon(_) => "nothing_in_common",
            Self::Refused(_) => "refused",
            Self::NotTls => "not_tls",
            Self::Broken(_) => "broken",
        }
    }

    /// The TLS fault in an I/O error, if it is one.
    #[must_use]
    pub fn within(error: &io::Error) -> Option<Self> {
        error.get_ref()?.downcast_ref::<Error>().map(Self::of)
    }

    fn of(error: &Error) -> Self {
        match error {
            Error::NoCertificatesPresented => Self::NoCertificate,
            Error::InvalidCertificate(fault) => Self::of_certificate(fault),
            Error::PeerIncompatible(fault) => match fault {
                PeerIncompatible::ServerDoesNotSupportTls12Or13
                | PeerIncompatible::ServerTlsVersionIsDisabledByOurConfig
                | PeerIncompatible::SignatureAlgorithmsExtensionRequired
                | PeerIncompatible::SupportedVersionsExtensionRequired
                | PeerIncompatible::Tls12NotOffered
                | PeerIncompatible::Tls12NotOfferedOrEnabled => Self::Version,
                other => Self::NothingInCommon(format!("{other:?}")),
            },
            Error::AlertReceived(alert) => Self::of_alert(*alert),
            Error::InvalidMessage(
                InvalidMessage::InvalidContentType | InvalidMessage::UnknownProtocolVersion,
            ) => Self::NotTls,
            other => Self::Broken(other.to_string()),
        }
    }

    fn of_certificate(fault: &CertificateError) -> Self {
        match fault {
            CertificateError::Expired | CertificateError::ExpiredContext { .. } => Self::Expired,
            CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
                Self::NotYetValid
            }
            CertificateError::Revoked => Self::Revoked,
            CertificateError::UnknownIssuer => Self::UnknownIssuer,
            CertificateError::NotValidForNameContext { expected, presented } => {
                let presented = match presented.as_slice() {
                    [] => "no name (it has no Subject Alternative Name)".to_owned(),
                    names => names.join(", "),
                };
                Self::WrongName { wanted: expected.to_str().into_owned(), presented }
            }
            other => Self::BadCertificate(format!("{other:?}")),
        }
    }

    fn of_alert(alert: AlertDescription) -> Self {
        Self::Refused(match alert {
            AlertDescription::ProtocolVersion => return Self::Version,
            AlertDescription::CertificateRequired => "it wants a certificate of ours",
            AlertDescription::UnknownCA => "it does not know the issuer of our certificate",
            AlertDescription::CertificateExpired => "our certificate has expired",
            AlertDescription::CertificateRevoked => "our certificate is revoked",
            AlertDescription::BadCertificate
            | AlertDescription::CertificateUnknown
            | AlertDescription::UnsupportedCertificate => "it cannot use our certificate",
            AlertDescription::AccessDenied => "access denied",
            AlertDescription::HandshakeFailure | AlertDescription::InsufficientSecurity => {
                "nothing in common, or it wants a certificate of ours"
            }
            AlertDescription::UnrecognisedName => "it does not know the name it was called",
            _ => "by an alert that tells no more",
        })
    }
}
