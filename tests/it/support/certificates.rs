//! Certificates as a hospital's own authority issues them.

use rcgen::{
    BasicConstraints, CertificateParams, CertificateRevocationListParams, DnType,
    ExtendedKeyUsagePurpose, IsCa, Issuer, KeyIdMethod, KeyPair, KeyUsagePurpose,
    RevokedCertParams, SanType, SerialNumber, date_time_ymd,
};

/// What is asked of an authority. Names and times are those of the test.
#[derive(Debug, Clone, Copy, Default)]
pub struct Order<'o> {
    /// The Common Name of the subject.
    pub common_name: &'o str,
    /// DNS names, addresses (`10.0.0.1`) and URIs (`urn:…`) of the Subject Alternative Name; none is no such extension.
    pub names: &'o [&'o str],
    /// Past its end.
    pub expired: bool,
}

/// Certificate, chain and key in PEM form.
#[derive(Debug, Clone)]
pub struct Issued {
    pub certificate: String,
    pub key: String,
    serial: SerialNumber,
}

/// An authority that issues and revokes.
pub struct Authority {
    params: CertificateParams,
    key: KeyPair,
    /// Its own certificate in PEM form.
    pub certificate: String,
}

fn key() -> KeyPair {
    KeyPair::generate().expect("random numbers")
}

impl Authority {
    pub fn new(name: &str) -> Self {
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let key = key();
        let certificate = params.self_signed(&key).expect("a certificate").pem();
        Self { params, key, certificate }
    }

    pub fn issue(&self, order: Order<'_>) -> Issued {
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, order.common_name);
        params.subject_alt_names = order.names.iter().map(|name| alternative(name)).collect();
        params.extended_key_usages =
            vec![ExtendedKeyUsagePurpose::ClientAuth, ExtendedKeyUsagePurpose::ServerAuth];
        if order.expired {
            params.not_before = date_time_ymd(2020, 1, 1);
            params.not_after = date_time_ymd(2021, 1, 1);
        }
        let key = key();
        let serial = SerialNumber::from(key.public_key_raw()[1..9].to_vec());
        params.serial_number = Some(serial.clone());
        let issuer = Issuer::from_params(&self.params, &self.key);
        let certificate = params.signed_by(&key, &issuer).expect("a certificate").pem();
        Issued { certificate, key: key.serialize_pem(), serial }
    }

    /// A revocation list that names these.
    pub fn revoke(&self, revoked: &[&Issued]) -> String {
        let revoked_certs = revoked.iter().map(|issued| RevokedCertParams {
            serial_number: issued.serial.clone(),
            revocation_time: date_time_ymd(2026, 1, 1),
            reason_code: None,
            invalidity_date: None,
        });
        let params = CertificateRevocationListParams {
            this_update: date_time_ymd(2026, 1, 1),
            next_update: date_time_ymd(2096, 1, 1),
            crl_number: SerialNumber::from(1_u64),
            issuing_distribution_point: None,
            revoked_certs: revoked_certs.collect(),
            key_identifier_method: KeyIdMethod::Sha256,
        };
        let issuer = Issuer::from_params(&self.params, &self.key);
        params.signed_by(&issuer).and_then(|list| list.pem()).expect("a list")
    }
}

fn alternative(name: &str) -> SanType {
    if let Ok(address) = name.parse() {
        return SanType::IpAddress(address);
    }
    let text = name.try_into().expect("ASCII");
    if name.contains(':') { SanType::URI(text) } else { SanType::DnsName(text) }
}
