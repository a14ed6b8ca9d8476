//! Certificates, private keys and revocation lists out of PEM text (RFC 7468), and what is made of them.

use std::sync::Arc;

use rustls::client::{Resumption, WebPkiServerVerifier};
use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::{self, PemObject};
use rustls::pki_types::{CertificateDer, CertificateRevocationListDer, PrivateKeyDer, ServerName};
use rustls::server::{NoServerSessionStorage, WebPkiClientVerifier};
use rustls::sign::{CertifiedKey, SingleCertAndKey};
use rustls::{ClientConfig, Error, InconsistentKeys, RootCertStore, ServerConfig, version};

use super::certificate::{Certificate, RevocationList};
use super::{ClientSide, ServerSide};

/// What is wrong with PEM text, or with what it holds.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadMaterial {
    /// Not PEM.
    #[error("not in PEM form: {0}")]
    Pem(String),
    /// It holds nothing of what it should.
    #[error("no {0} in it")]
    Nothing(&'static str),
    /// A section that should be a certificate or a list and cannot be read.
    #[error("a {0} in it cannot be read")]
    Unreadable(&'static str),
    /// A private key that wants a password, which nobody could give at a start.
    #[error("the private key is encrypted")]
    Encrypted,
    /// A private key of a kind that is not taken: RSA from 2048 bits, ECDSA with P-256, P-384 or P-521, and Ed25519 are.
    #[error("the private key cannot be used: {0}")]
    UnusableKey(String),
    /// The private key is another's.
    #[error("the private key does not belong to the certificate")]
    KeyMismatch,
    /// A certificate that cannot be a trust anchor.
    #[error("a certificate in it cannot be a trust anchor: {0}")]
    Anchor(String),
    /// A host name that no certificate can bear.
    #[error("not a host name or an address")]
    ServerName,
    /// What the parts come to together.
    #[error("these do not go together: {0}")]
    Together(String),
}

/// Reads every section of one kind.
fn sections<T: PemObject>(text: &[u8]) -> Result<Vec<T>, BadMaterial> {
    let sections = T::pem_slice_iter(text).collect::<Result<Vec<_>, pem::Error>>();
    sections.map_err(|fault| BadMaterial::Pem(fault.to_string()))
}

/// The certificates of a PEM file, in its order.
///
/// # Errors
/// When there is none, or one that cannot be read.
pub fn certificates(text: &[u8]) -> Result<Vec<Certificate>, BadMaterial> {
    const WHAT: &str = "certificate";
    let sections = sections::<CertificateDer<'_>>(text)?;
    if sections.is_empty() {
        return Err(BadMaterial::Nothing(WHAT));
    }
    let read = sections.iter().map(Certificate::parse);
    read.collect::<Option<_>>().ok_or(BadMaterial::Unreadable(WHAT))
}

/// The trust anchors of a PEM file.
///
/// # Errors
/// As [`certificates`], and when one cannot be a trust anchor.
pub fn anchors(text: &[u8]) -> Result<Vec<Certificate>, BadMaterial> {
    let certificates = certificates(text)?;
    store(&certificates)?;
    Ok(certificates)
}

/// The revocation lists of a PEM file.
///
/// # Errors
/// When there is none, or one that cannot be read.
pub fn revocation_lists(text: &[u8]) -> Result<Vec<RevocationList>, BadMaterial> {
    const WHAT: &str = "revocation list";
    let sections = sections::<CertificateRevocationListDer<'_>>(text)?;
    if sections.is_empty() {
        return Err(BadMaterial::Nothing(WHAT));
    }
    let read = sections.iter().map(RevocationList::parse);
    read.collect::<Option<_>>().ok_or(BadMaterial::Unreadable(WHAT))
}

/// Certificate chain and private key that belong together.
#[derive(Debug, Clone)]
pub struct Identity(Arc<CertifiedKey>);

impl Identity {
    /// Puts a chain, the own certificate first, and the PEM text of a private key together.
    ///
    /// # Errors
    /// Everything that may be wrong with the key.
    pub fn new(chain: &[Certificate], key: &[u8]) -> Result<Self, BadMaterial> {
        let key = match PrivateKeyDer::from_pem_slice(key) {
            Ok(key) => key,
            Err(pem::Error::NoItemsFound) => {
                let encrypted = b"ENCRYPTED PRIVATE KEY";
                let is_encrypted = key.windows(encrypted.len()).any(|part| part == encrypted);
                return Err(if is_encrypted {
                    BadMaterial::Encrypted
                } else {
                    BadMaterial::Nothing("private key")
                });
            }
            // The reader's words may quote what it read.
            Err(_) => return Err(BadMaterial::Pem("a section is damaged".to_owned())),
        };
        let chain = chain.iter().map(|certificate| certificate.der.clone()).collect();
        match CertifiedKey::from_der(chain, key, &provider()) {
            Ok(both) => Ok(Self(Arc::new(both))),
            Err(Error::InconsistentKeys(InconsistentKeys::KeyMismatch)) => {
                Err(BadMaterial::KeyMismatch)
            }
            Err(fault) => Err(BadMaterial::UnusableKey(fault.to_string())),
        }
    }
}

/// Whether callers have to show a certificate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Clients {
    /// Without one there is no connection.
    #[default]
    Required,
    /// One that is shown has to be good.
    Optional,
    /// None is asked for.
    None,
}

/// One cryptography for everything: what this provider has is what RFC 9325 §4.2 recommends, and no more.
fn provider() -> Arc<CryptoProvider> {
    Arc::new(rustls::crypto::ring::default_provider())
}

/// RFC 8996 forbids what is older.
const VERSIONS: &[&rustls::SupportedProtocolVersion] = &[&version::TLS13, &version::TLS12];

fn store(trust: &[Certificate]) -> Result<RootCertStore, BadMaterial> {
    let mut roots = RootCertStore::empty();
    for anchor in trust {
        roots.add(anchor.der.clone()).map_err(|fault| BadMaterial::Anchor(fault.to_string()))?;
    }
    Ok(roots)
}

fn lists(lists: &[RevocationList]) -> Vec<CertificateRevocationListDer<'static>> {
    lists.iter().map(|list| list.der.clone()).collect()
}

fn together(fault: &impl ToString) -> BadMaterial {
    BadMaterial::Together(fault.to_string())
}

impl ServerSide {
    /// Puts the acceptor's side together. A certificate of whose issuer there is no list counts as not revoked.
    ///
    /// # Errors
    /// When the parts do not go together.
    pub fn new(
        identity: &Identity,
        trust: &[Certificate],
        revoked: &[RevocationList],
        clients: Clients,
    ) -> Result<Self, BadMaterial> {
        let verifier = match clients {
            Clients::None => WebPkiClientVerifier::no_client_auth(),
            Clients::Required | Clients::Optional => {
                let roots = Arc::new(store(trust)?);
                let verifier = WebPkiClientVerifier::builder_with_provider(roots, provider())
                    .with_crls(lists(revoked))
                    .allow_unknown_revocation_status()
                    // Whom we trust is nobody's business outside.
                    .clear_root_hint_subjects();
                let verifier = match clients {
                    Clients::Optional => verifier.allow_unauthenticated(),
                    Clients::Required | Clients::None => verifier,
                };
                verifier.build().map_err(|fault| together(&fault))?
            }
        };
        let mut config = ServerConfig::builder_with_provider(provider())
            .with_protocol_versions(VERSIONS)
            .map_err(|fault| together(&fault))?
            .with_client_cert_verifier(verifier)
            .with_cert_resolver(Arc::new(SingleCertAndKey::from(Arc::clone(&identity.0))));
        config.session_storage = Arc::new(NoServerSessionStorage {});
        config.send_tls13_tickets = 0;
        Ok(Self(Arc::new(config)))
    }
}

impl ClientSide {
    /// Puts the requestor's side towards a peer of that name together.
    ///
    /// # Errors
    /// When the parts do not go together.
    pub fn new(
        name: &str,
        identity: Option<&Identity>,
        trust: &[Certificate],
        revoked: &[RevocationList],
    ) -> Result<Self, BadMaterial> {
        let name = ServerName::try_from(name.to_owned()).map_err(|_| BadMaterial::ServerName)?;
        let roots = Arc::new(store(trust)?);
        let verifier = WebPkiServerVerifier::builder_with_provider(roots, provider())
            .with_crls(lists(revoked))
            .allow_unknown_revocation_status()
            .build()
            .map_err(|fault| together(&fault))?;
        let config = ClientConfig::builder_with_provider(provider())
            .with_protocol_versions(VERSIONS)
            .map_err(|fault| together(&fault))?
            .with_webpki_verifier(verifier);
        let mut config = match identity {
            Some(identity) => config.with_client_cert_resolver(Arc::new(SingleCertAndKey::from(
                Arc::clone(&identity.0),
            ))),
            None => config.with_no_client_auth(),
        };
        config.resumption = Resumption::disabled();
        Ok(Self { config: Arc::new(config), name })
    }
}
