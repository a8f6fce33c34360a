//! Bytes that count towards the budget for as long as they are held.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use axum::body::Bytes;

use crate::http::server::connection::activity::Activity;

use super::budget::Purpose;

/// Bytes held for a connection, until this is dropped.
#[derive(Debug)]
pub(crate) struct Charge {
    activity: Arc<Activity>,
    purpose: Purpose,
    bytes: usize,
}

impl Charge {
    pub(crate) fn new(activity: Arc<Activity>, purpose: Purpose, bytes: usize) -> Self {
        let mut charge = Self { activity, purpose, bytes: 0 };
        charge.add(bytes);
        charge
    }

    /// Adds bytes that are now held.
    pub(crate) fn add(&mut self, bytes: usize) {
        self.bytes += bytes;
        self.activity.held(self.purpose).fetch_add(bytes, Ordering::Relaxed);
        self.activity.budget().add(bytes);
    }

    /// Ties this charge to these bytes: it ends when the last slice of them is dropped, wherever that is queued.
    pub(crate) fn attach_to(self, bytes: Bytes) -> Bytes {
        Bytes::from_owner(Charged { bytes, _charge: self })
    }
}

impl Drop for Charge {
    fn drop(&mut self) {
        self.activity.budget().remove(self.bytes);
        self.activity.held(self.purpose).fetch_sub(self.bytes, Ordering::Relaxed);
        if self.purpose == Purpose::Answer {
            self.activity.record_sent();
        }
    }
}

struct Charged {
    bytes: Bytes,
    _charge: Charge,
}

impl AsRef<[u8]> for Charged {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}
