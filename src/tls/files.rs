//! The files of TLS, and their contents at one moment.

use std::fs::File;
use std::io::Read;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

use sha2::{Digest, Sha256};

use super::error::{Error, Named};

/// The largest file that is read.
const MAX_BYTES: u64 = 1024 * 1024;

/// The files that the operator named, in PEM format.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Files {
    /// The certificate of the server, followed by intermediate certificates.
    pub certificate: PathBuf,
    /// Its private key.
    pub key: PathBuf,
    /// The authorities whose certificates clients must have. Without it, clients need none.
    pub client_ca: Option<PathBuf>,
}

/// What the files contain.
pub(super) struct Contents {
    pub(super) certificate: (Named, Vec<u8>),
    pub(super) key: (Named, Vec<u8>),
    pub(super) client_ca: Option<(Named, Vec<u8>)>,
    /// Whether every user of this machine may read the key.
    pub(super) key_is_public: bool,
}

impl Files {
    pub(super) fn read(&self) -> Result<Contents, Error> {
        let named = |flag, path: &PathBuf| Named { flag, path: path.clone() };
        let (certificate, _) = read(named("--tls-certificate", &self.certificate))?;
        let (key, mode) = read(named("--tls-key", &self.key))?;
        let client_ca = self.client_ca.as_ref().map(|path| read(named("--tls-client-ca", path))).transpose()?;
        let client_ca = client_ca.map(|(contents, _)| contents);
        Ok(Contents { certificate, key, client_ca, key_is_public: mode & 0o004 != 0 })
    }
}

impl Contents {
    /// Identifies the contents, so that a change is noticed however the files were replaced: in place, by renaming, or by changing a
    /// link, with any modification time.
    pub(super) fn fingerprint(&self) -> [u8; 32] {
        let mut hash = Sha256::new();
        for (_, bytes) in [Some(&self.certificate), Some(&self.key), self.client_ca.as_ref()].into_iter().flatten() {
            hash.update((bytes.len() as u64).to_be_bytes());
            hash.update(bytes);
        }
        hash.finalize().into()
    }
}

/// The contents of the file that this flag names.
pub(super) fn read_named(flag: &'static str, path: PathBuf) -> Result<(Named, Vec<u8>), Error> {
    Ok(read(Named { flag, path })?.0)
}

/// The contents of a file and its mode.
fn read(named: Named) -> Result<((Named, Vec<u8>), u32), Error> {
    let mut bytes = Vec::new();
    let read = File::open(&named.path).and_then(|file| {
        let mode = file.metadata()?.permissions().mode();
        file.take(MAX_BYTES + 1).read_to_end(&mut bytes)?;
        Ok(mode)
    });
    match read {
        Err(cause) => Err(Error::Read(named, cause)),
        Ok(_) if bytes.len() as u64 > MAX_BYTES => Err(Error::TooLarge(named)),
        Ok(mode) => Ok(((named, bytes), mode)),
    }
}
