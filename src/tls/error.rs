//! Why TLS files cannot be used: which file, what is wrong, and what to do.

use std::fmt::{self, Display, Formatter};
use std::io;
use std::path::PathBuf;

/// A file and the flag that names it.
#[derive(Clone, Debug)]
pub struct Named {
    pub(super) flag: &'static str,
    pub(super) path: PathBuf,
}

impl Display for Named {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.path.display(), self.flag)
    }
}

/// Why TLS files cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A file cannot be read.
    #[error("Cannot read {0}: {1}.")]
    Read(Named, io::Error),
    /// A file is too large to be what it should be.
    #[error("{0} is larger than 1 MiB. Name a PEM file.")]
    TooLarge(Named),
    /// A file is not PEM.
    #[error("{0} is not a complete PEM file: {1}.")]
    Pem(Named, &'static str),
    /// A file holds no certificate.
    #[error("{0} contains no certificate. It must be a PEM file with at least one BEGIN CERTIFICATE.")]
    NoCertificate(Named),
    /// A certificate cannot be read.
    #[error("{0} contains a certificate that cannot be read: {1}.")]
    Certificate(Named, String),
    /// The file of the key holds no private key.
    #[error(
        "{0} contains no private key. It must be a PEM file with BEGIN PRIVATE KEY, BEGIN RSA PRIVATE KEY or BEGIN EC PRIVATE KEY."
    )]
    NoKey(Named),
    /// The key is encrypted.
    #[error(
        "The private key in {0} is encrypted. Decrypt it, and protect the file by its permissions: openssl pkey -in FILE -out FILE."
    )]
    EncryptedKey(Named),
    /// The key is of a kind that TLS does not support.
    #[error("The private key in {0} cannot be used: {1}. Use an RSA, ECDSA (P-256, P-384) or Ed25519 key.")]
    Key(Named, String),
    /// The key is that of another certificate.
    #[error(
        "The private key in {key} does not belong to the first certificate in {certificate}. The file of the certificate must begin with the \
         certificate of the server, followed by the intermediate ones."
    )]
    Mismatch {
        /// The file of the certificate.
        certificate: Named,
        /// The file of the key.
        key: Named,
    },
    /// Certificates cannot be verified with this file.
    #[error("{0} cannot be used to verify certificates: {1}.")]
    Authorities(Named, String),
    /// The disk is too slow, or hangs.
    #[error("{what} cannot be read within {seconds} seconds. Check the disk.")]
    TooSlow {
        /// The files, by the flags that name them.
        what: &'static str,
        /// How long they may take.
        seconds: u64,
    },
    /// TLS cannot be set up for another reason.
    #[error("TLS cannot be set up: {0}.")]
    Setup(String),
}
