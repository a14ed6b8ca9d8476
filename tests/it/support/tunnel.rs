//! TLS for peers that speak none: a tunnel beside them, as stunnel is in hospitals.

use super::certificates::Issued;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::server::WebPkiClientVerifier;
use rustls::{ClientConfig, RootCertStore, ServerConfig, SupportedProtocolVersion};
use std::sync::Arc;
use tokio::io::{AsyncRead, AsyncWrite, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Runtime;
use tokio_rustls::{TlsAcceptor, TlsConnector};

/// A running tunnel; it ends with its connections when dropped.
pub struct Tunnel {
    port: u16,
    _runtime: Runtime,
}

fn provider() -> Arc<rustls::crypto::CryptoProvider> {
    Arc::new(rustls::crypto::ring::default_provider())
}

fn roots(authority: &str) -> Arc<RootCertStore> {
    let mut roots = RootCertStore::empty();
    let anchor = CertificateDer::from_pem_slice(authority.as_bytes()).expect("a certificate");
    roots.add(anchor).expect("an anchor");
    Arc::new(roots)
}

fn pair(issued: &Issued) -> (Vec<CertificateDer<'static>>, PrivateKeyDer<'static>) {
    let certificate = CertificateDer::from_pem_slice(issued.certificate.as_bytes());
    let key = PrivateKeyDer::from_pem_slice(issued.key.as_bytes());
    (vec![certificate.expect("a certificate")], key.expect("a key"))
}

impl Tunnel {
    /// Whatever connects here is carried to `port` over TLS of this version: trusts `authority`, shows `shown`.
    pub fn to(
        port: u16,
        version: &'static SupportedProtocolVersion,
        authority: &str,
        shown: Option<&Issued>,
    ) -> Self {
        let config = ClientConfig::builder_with_provider(provider())
            .with_protocol_versions(&[version])
            .expect("a version")
            .with_root_certificates(roots(authority));
        let config = match shown.map(pair) {
            Some((chain, key)) => config.with_client_auth_cert(chain, key).expect("a pair"),
            None => config.with_no_client_auth(),
        };
        let connector = TlsConnector::from(Arc::new(config));
        Self::start(move |plain| {
            let connector = connector.clone();
            async move {
                let tcp = TcpStream::connect(("127.0.0.1", port)).await?;
                let name = ServerName::try_from("127.0.0.1").expect("an address");
                carry(plain, connector.connect(name, tcp).await?).await
            }
        })
    }

    /// Whoever connects here has to speak TLS, showing a certificate of `authority`, and is carried to `port`.
    pub fn before(port: u16, shown: &Issued, authority: &str) -> Self {
        let verifier = WebPkiClientVerifier::builder_with_provider(roots(authority), provider());
        let (chain, key) = pair(shown);
        let config = ServerConfig::builder_with_provider(provider())
            .with_safe_default_protocol_versions()
            .expect("versions")
            .with_client_cert_verifier(verifier.build().expect("a verifier"))
            .with_single_cert(chain, key)
            .expect("a pair");
        let acceptor = TlsAcceptor::from(Arc::new(config));
        Self::start(move |tcp| {
            let acceptor = acceptor.clone();
            async move {
                let secure = acceptor.accept(tcp).await?;
                carry(TcpStream::connect(("127.0.0.1", port)).await?, secure).await
            }
        })
    }

    fn start<C, F>(mut carry: C) -> Self
    where
        C: FnMut(TcpStream) -> F + Send + 'static,
        F: Future<Output = std::io::Result<()>> + Send + 'static,
    {
        let runtime = Runtime::new().expect("threads");
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).expect("a port");
        let port = listener.local_addr().expect("bound").port();
        runtime.spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                // How it ends is seen at both ends.
                tokio::spawn(carry(stream));
            }
        });
        Self { port, _runtime: runtime }
    }

    pub fn port(&self) -> u16 {
        self.port
    }
}

async fn carry(
    mut plain: TcpStream,
    mut secure: impl AsyncRead + AsyncWrite + Unpin,
) -> std::io::Result<()> {
    plain.set_nodelay(true)?;
    copy_bidirectional(&mut plain, &mut secure).await.map(|_| ())
}
