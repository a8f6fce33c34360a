//! TLS for the clients of the API.

use std::path::PathBuf;

use clap::Args;

use crate::tls::Files;

use super::problems::Problems;

/// The flags of TLS.
#[derive(Args, Clone, Debug)]
pub struct TlsFlags {
    /// Serve HTTPS instead of HTTP at --listen, with the certificate in this PEM file, such as /etc/rotakey/fullchain.pem.
    /// Intermediate certificates follow that of the server. It is read again when it changes, and at SIGHUP
    #[arg(long, env = "ROTAKEY_TLS_CERTIFICATE", value_name = "FILE")]
    pub tls_certificate: Option<PathBuf>,
    /// The private key of --tls-certificate, in a PEM file, such as /etc/rotakey/privkey.pem; not encrypted
    #[arg(long, env = "ROTAKEY_TLS_KEY", value_name = "FILE")]
    pub tls_key: Option<PathBuf>,
    /// Require of every client a certificate that an authority in this PEM file, such as /etc/rotakey/client-ca.pem, has signed.
    /// Clients need a token as well
    #[arg(long, env = "ROTAKEY_TLS_CLIENT_CA", value_name = "FILE")]
    pub tls_client_ca: Option<PathBuf>,
}

impl TlsFlags {
    /// The files, if there are any. They are not read here.
    pub(super) fn validate(&self) -> Result<Option<Files>, Problems> {
        let problem = |words: &str| Err(Problems(vec![words.to_owned()]));
        let client_ca = self.tls_client_ca.clone();
        match (self.tls_certificate.clone(), self.tls_key.clone()) {
            (Some(certificate), Some(key)) => Ok(Some(Files { certificate, key, client_ca })),
            (Some(_), None) => problem("--tls-certificate needs --tls-key, the file of its private key."),
            (None, Some(_)) => problem("--tls-key needs --tls-certificate, the file of its certificate."),
            (None, None) if client_ca.is_some() => {
                problem("--tls-client-ca needs --tls-certificate and --tls-key: only TLS has certificates of clients.")
            }
            (None, None) => Ok(None),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_certificate_and_its_key_are_named_together() {
        let files = |certificate: Option<&str>, key: Option<&str>, client_ca: Option<&str>| {
            let path = |name: Option<&str>| name.map(PathBuf::from);
            let flags =
                TlsFlags { tls_certificate: path(certificate), tls_key: path(key), tls_client_ca: path(client_ca) };
            flags.validate().map(|files| files.is_some()).ok()
        };
        assert_eq!(files(None, None, None), Some(false));
        assert_eq!(files(Some("c"), Some("k"), None), Some(true));
        assert_eq!(files(Some("c"), Some("k"), Some("a")), Some(true));
        for (certificate, key, client_ca) in
            [(Some("c"), None, None), (None, Some("k"), None), (None, None, Some("a")), (Some("c"), None, Some("a"))]
        {
            assert_eq!(files(certificate, key, client_ca), None);
        }
    }
}
