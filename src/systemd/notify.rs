//! Messages to the service manager: ready, reloading, stopping, alive, and a status line for people.

use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use sd_notify::NotifyState::{self, ExtendTimeoutUsec, Ready, Reloading, Status, Stopping, Watchdog};

/// Whether a message could not be sent. That is logged once in the life of the process.
static FAILED: AtomicBool = AtomicBool::new(false);

/// The service manager that started this process, if one did and wants to be notified (`NOTIFY_SOCKET`).
#[derive(Clone, Copy, Debug)]
pub struct ServiceManager;

impl ServiceManager {
    /// The server still starts or stops, and needs no longer than this for its next step.
    pub fn extend_timeout(self, timeout: Duration, status: &str) {
        self.send(&[ExtendTimeoutUsec(micros(timeout)), Status(status)]);
    }

    /// The server answers requests, for the first time or after [`ServiceManager::reloading`].
    pub fn ready(self, status: &str) {
        self.send(&[Ready, Status(status)]);
    }

    /// The state of the server has changed.
    pub fn status(self, status: &str) {
        self.send(&[Status(status)]);
    }

    /// The server reads its files again. systemd waits for [`ServiceManager::ready`] (`Type=notify-reload`), and ignores a `READY=1` that
    /// it cannot order by the time in this message.
    pub fn reloading(self) {
        match NotifyState::monotonic_usec_now() {
            Ok(now) => self.send(&[Reloading, now, Status("Reloading")]),
            Err(cause) => log_once(&cause),
        }
    }

    /// The server stops, which takes no longer than this.
    pub fn stopping(self, timeout: Duration, status: &str) {
        self.send(&[Stopping, ExtendTimeoutUsec(micros(timeout)), Status(status)]);
    }

    /// The server is alive. It says so more often than [`watchdog_timeout`].
    pub fn alive(self) {
        self.send(&[Watchdog]);
    }

    fn send(self, states: &[NotifyState<'_>]) {
        if let Err(cause) = sd_notify::notify(states) {
            log_once(&cause);
        }
    }
}

fn log_once(cause: &io::Error) {
    if !FAILED.swap(true, Ordering::Relaxed) {
        tracing::warn!(name: "service_manager_unreachable", %cause, "cannot notify the service manager; check NOTIFY_SOCKET and NotifyAccess=");
    }
}

/// How often at least the service manager wants to know that the server is alive (`WatchdogSec=`).
pub fn watchdog_timeout() -> Option<Duration> {
    sd_notify::watchdog_enabled()
}

fn micros(timeout: Duration) -> u32 {
    u32::try_from(timeout.as_micros()).unwrap_or(u32::MAX)
}
