//! From the contents of the files to the configuration of TLS.

use std::sync::Arc;

use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::pem::{self, PemObject};
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::server::WebPkiClientVerifier;
use tokio_rustls::rustls::server::danger::ClientCertVerifier;
use tokio_rustls::rustls::{self, RootCertStore, ServerConfig};
use x509_cert::certificate::{CertificateInner, Raw};
use x509_cert::der::Decode;

use super::error::{Error, Named};
use super::files::Contents;

/// HTTP/2 and HTTP/1.1, in this order of preference.
const PROTOCOLS: [&[u8]; 2] = [b"h2", b"http/1.1"];

/// A configuration of TLS, and when its certificate expires, in Unix seconds.
#[derive(Debug)]
pub(super) struct Certified {
    pub(super) config: Arc<ServerConfig>,
    pub(super) expires_at: u64,
}

impl Certified {
    pub(super) fn parse(contents: &Contents) -> Result<Self, Error> {
        let (certificate, key) = (&contents.certificate, &contents.key);
        let chain = certificates(certificate)?;
        let expires_at = expiry(&certificate.0, chain.first())?;
        let provider = Arc::new(ring::default_provider());
        let config = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
        let config = config.map_err(|err| Error::Setup(err.to_string()))?;
        let config = match &contents.client_ca {
            None => config.with_no_client_auth(),
            Some(authorities) => config.with_client_cert_verifier(client_verifier(authorities)?),
        };
        let mut config = config.with_single_cert(chain, private_key(key)?).map_err(|err| match err {
            rustls::Error::InconsistentKeys(_) => {
                Error::Mismatch { certificate: certificate.0.clone(), key: key.0.clone() }
            }
            rustls::Error::InvalidCertificate(_) => Error::Certificate(certificate.0.clone(), err.to_string()),
            _ => Error::Key(key.0.clone(), err.to_string()),
        })?;
        config.alpn_protocols = PROTOCOLS.map(<[u8]>::to_vec).into();
        // Tickets keep no memory for a client. Early data stays off, because it can be replayed.
        config.ticketer = ring::Ticketer::new().map_err(|err| Error::Setup(err.to_string()))?;
        Ok(Self { config: Arc::new(config), expires_at })
    }
}

/// All certificates of a file, at least one.
fn certificates((named, text): &(Named, Vec<u8>)) -> Result<Vec<CertificateDer<'static>>, Error> {
    let parsed: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(text).collect();
    let certificates = parsed.map_err(|err| Error::Pem(named.clone(), words(&err)))?;
    if certificates.is_empty() { Err(Error::NoCertificate(named.clone())) } else { Ok(certificates) }
}

fn expiry(named: &Named, certificate: Option<&CertificateDer<'_>>) -> Result<u64, Error> {
    let unreadable = |err: x509_cert::der::Error| Error::Certificate(named.clone(), err.to_string());
    // The lenient profile: TLS uses certificates that break a rule of RFC 5280, such as an odd serial number.
    let certificate = CertificateInner::<Raw>::from_der(certificate.map(AsRef::as_ref).unwrap_or_default());
    let certificate = certificate.map_err(unreadable)?;
    Ok(certificate.tbs_certificate().validity().not_after.to_unix_duration().as_secs())
}

fn private_key((named, text): &(Named, Vec<u8>)) -> Result<PrivateKeyDer<'static>, Error> {
    PrivateKeyDer::from_pem_slice(text).map_err(|err| {
        let contains = |words: &[u8]| text.windows(words.len()).any(|part| part == words);
        if contains(b"BEGIN ENCRYPTED PRIVATE KEY") || contains(b"Proc-Type: 4,ENCRYPTED") {
            Error::EncryptedKey(named.clone())
        } else if matches!(err, pem::Error::NoItemsFound) {
            Error::NoKey(named.clone())
        } else {
            Error::Pem(named.clone(), words(&err))
        }
    })
}

/// What is wrong with a PEM file. The library's own words contain bytes of the file as numbers.
fn words(err: &pem::Error) -> &'static str {
    match err {
        pem::Error::MissingSectionEnd { .. } => "a BEGIN line has no END line",
        pem::Error::IllegalSectionStart { .. } => "a BEGIN line is malformed",
        pem::Error::Base64Decode(_) => "what is between BEGIN and END is not base64",
        _ => "it cannot be read",
    }
}

/// Requires a certificate of each client that one of these authorities has signed.
fn client_verifier(authorities: &(Named, Vec<u8>)) -> Result<Arc<dyn ClientCertVerifier>, Error> {
    let roots = self::authorities(authorities)?;
    let provider = Arc::new(ring::default_provider());
    let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider).build();
    verifier.map_err(|err| Error::Authorities(authorities.0.clone(), err.to_string()))
}

/// The authorities whose certificates are in a file.
pub(super) fn authorities(file: &(Named, Vec<u8>)) -> Result<RootCertStore, Error> {
    let mut roots = RootCertStore::empty();
    for authority in certificates(file)? {
        roots.add(authority).map_err(|err| Error::Authorities(file.0.clone(), err.to_string()))?;
    }
    Ok(roots)
}
