//! How notices are sent.

use std::fmt::{self, Debug, Formatter};
use std::sync::Arc;

use crate::domain::delivery::AllowedNetworks;
use crate::domain::notice::Deadline;
use crate::mail;
use crate::outgoing::{Resolve, SystemResolver};
use crate::tls::Connector;

/// How notices are sent.
#[derive(Clone)]
pub struct Settings {
    /// The networks of the operator that webhooks may be in.
    pub networks: AllowedNetworks,
    /// The TLS of `https` URLs. Without it, they fail.
    pub tls: Option<Connector>,
    /// Where the addresses of names come from.
    pub resolver: Arc<dyn Resolve>,
    /// What is announced ahead.
    pub deadlines: Vec<Deadline>,
    /// How mails are sent. Without it, there are none.
    pub mail: Option<mail::Client>,
}

impl Default for Settings {
    fn default() -> Self {
        let resolver = Arc::new(SystemResolver::default());
        Self { networks: AllowedNetworks::default(), tls: None, resolver, deadlines: Vec::new(), mail: None }
    }
}

impl Debug for Settings {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str("Settings(…)")
    }
}
