//! The server's side of TLS, with the certificate that the files had when they could last be used.

use std::fmt::{self, Debug, Formatter};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;

use crate::metrics::{Exposition, Family};

use super::certificate::Certified;
use super::error::Error;
use super::files::{Contents, Files};
use super::handshakes::{HandshakeError, Handshakes};

/// A TLS connection.
pub type Stream<S> = tokio_rustls::server::TlsStream<S>;

/// How long a handshake may take. It needs two round trips and a signature, so this allows for a slow network and lost packets.
const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(10);
/// How many bytes of an answer a connection encrypts before the socket takes them. A client that does not read makes the server hold them,
/// outside of the budget for answers. One record has as many.
const MAX_UNSENT: usize = 16_384;
/// The first byte of a TLS record with a handshake message (RFC 8446, section 5.1).
const HANDSHAKE_RECORD: u8 = 0x16;

/// Why the files are read again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reload {
    /// The operator asked for it: what is wrong is logged at once.
    Requested,
    /// It is time to look whether they have changed. What is wrong may be right a moment later, because tools write one file after the
    /// other; so it is only logged the second time.
    Periodic,
}

/// TLS with a certificate from files. Clones share their state.
#[derive(Clone)]
pub struct Tls(Arc<Inner>);

struct Inner {
    files: Files,
    /// For new connections. Others keep the certificate with which they began.
    current: RwLock<Arc<Certified>>,
    /// Held while the files are read, which may take forever on a disk that hangs. So only a reload may wait for it.
    last_look: Mutex<LastLook>,
    /// Whether `last_look` has a failure, readable without its lock.
    fails: AtomicBool,
    handshakes: Handshakes,
}

struct LastLook {
    /// Of the files that are in use.
    fingerprint: [u8; 32],
    failure: Option<Failure>,
}

struct Failure {
    words: String,
    is_logged: bool,
}

impl Debug for Tls {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Tls").field(&self.0.files).finish()
    }
}

impl Tls {
    /// Reads the files.
    ///
    /// # Errors
    /// When they cannot be used.
    pub fn load(files: Files) -> Result<Self, Error> {
        let contents = files.read()?;
        let certified = Certified::parse(&contents)?;
        warn_of_public_key(&files, &contents);
        let last_look = LastLook { fingerprint: contents.fingerprint(), failure: None };
        Ok(Self(Arc::new(Inner {
            files,
            current: RwLock::new(Arc::new(certified)),
            last_look: Mutex::new(last_look),
            fails: AtomicBool::new(false),
            handshakes: Handshakes::default(),
        })))
    }

    /// Reads the files again, and uses them for new connections if they have changed and can be used. This blocks.
    pub fn reload(&self, why: Reload) {
        let mut last_look = self.0.last_look.lock().unwrap_or_else(PoisonError::into_inner);
        match self.0.files.read().and_then(|contents| self.replace(&contents, &mut last_look)) {
            Ok(replaced) => {
                last_look.failure = None;
                if why == Reload::Requested && !replaced {
                    tracing::info!(name: "tls_files_unchanged", "the TLS files have not changed");
                }
            }
            Err(err) => {
                let words = err.to_string();
                let before = last_look.failure.take().filter(|before| before.words == words);
                let is_known = before.as_ref().is_some_and(|before| before.is_logged);
                let logs = why == Reload::Requested || before.is_some() && !is_known;
                if logs {
                    tracing::warn!(name: "tls_files_unusable", cause = words, "cannot use the changed TLS files; keeping the certificate in use");
                }
                last_look.failure = Some(Failure { words, is_logged: logs || is_known });
            }
        }
        self.0.fails.store(last_look.failure.is_some(), Ordering::Relaxed);
    }

    /// Whether the files had changed.
    fn replace(&self, contents: &Contents, last_look: &mut LastLook) -> Result<bool, Error> {
        let fingerprint = contents.fingerprint();
        if fingerprint == last_look.fingerprint {
            return Ok(false);
        }
        let certified = Certified::parse(contents)?;
        warn_of_public_key(&self.0.files, contents);
        let expires_at = certified.expires_at;
        *self.0.current.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(certified);
        last_look.fingerprint = fingerprint;
        tracing::info!(name: "tls_certificate_reloaded", expires_at = utc(expires_at), "TLS certificate reloaded");
        Ok(true)
    }

    /// Logs when the certificate in use expires, for a clock that shows this many Unix seconds.
    pub fn log_expiry(&self, now: u64) {
        let (seconds, certificate) = (self.expires_at(), self.0.files.certificate.display());
        let expires_at = utc(seconds);
        if seconds <= now {
            tracing::warn!(name: "tls_certificate_expired", %certificate, expires_at, "the TLS certificate has expired, so clients refuse it; renew it");
        } else {
            tracing::info!(name: "tls_certificate_read", %certificate, expires_at, "TLS certificate read");
        }
    }

    /// When the certificate in use expires, in Unix seconds.
    pub fn expires_at(&self) -> u64 {
        self.current().expires_at
    }

    fn current(&self) -> Arc<Certified> {
        self.0.current.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Whether a client that begins with this byte does not use TLS, but HTTP without it.
    pub fn is_plain_http(&self, first_byte: u8) -> bool {
        let is_plain_http = first_byte != HANDSHAKE_RECORD && first_byte.is_ascii_alphabetic();
        if is_plain_http {
            self.0.handshakes.plain_http();
        }
        is_plain_http
    }

    /// Performs the handshake with a client.
    ///
    /// # Errors
    /// When it fails, or takes longer than ten seconds.
    pub async fn accept<S>(&self, socket: S) -> Result<Stream<S>, HandshakeError>
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        let acceptor = TlsAcceptor::from(self.current().config.clone());
        let accepted = acceptor.accept_with(socket, |connection| connection.set_buffer_limit(Some(MAX_UNSENT)));
        let outcome = match timeout(HANDSHAKE_TIMEOUT, accepted).await {
            Ok(outcome) => outcome.map_err(HandshakeError::from),
            Err(_) => Err(HandshakeError::TimedOut),
        };
        self.0.handshakes.ended(&outcome);
        outcome
    }

    /// Describes the certificate and the handshakes.
    pub fn describe(&self, exposition: &mut Exposition) {
        exposition.add(
            Family::gauge(
                "rotakey_tls_certificate_expires_timestamp_seconds",
                "When the TLS certificate in use expires, in Unix seconds.",
            )
            .sample([], self.expires_at()),
        );
        let fails = self.0.fails.load(Ordering::Relaxed);
        exposition.add(
            Family::gauge(
                "rotakey_tls_last_reload_successful",
                "1, or 0 if the TLS files have changed and cannot be used. The certificate in use is then an older one.",
            )
            .sample([], !fails),
        );
        exposition.add(self.0.handshakes.describe());
    }
}

fn warn_of_public_key(files: &Files, contents: &Contents) {
    if contents.key_is_public {
        let key = files.key.display();
        tracing::warn!(name: "tls_key_exposed", %key, "every user of this machine can read the private key; remove that permission: chmod o= FILE");
    }
}

/// A time for people.
fn utc(seconds: u64) -> String {
    let time = i64::try_from(seconds).ok().and_then(|seconds| jiff::Timestamp::from_second(seconds).ok());
    time.map_or_else(String::new, |time| time.to_string())
}
