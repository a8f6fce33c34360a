//! The log of refused credentials: one line a minute per network, with a count. Otherwise, guessing values would flood the log.

use std::collections::HashMap;
use std::fmt;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::body::Body;
use axum::http::{Response, StatusCode};
use ipnet::IpNet;
use tokio::time::{Instant, interval_at};

use crate::service::ErrorCode;

/// The time between two log lines of one network.
const PERIOD: Duration = Duration::from_secs(60);
/// How many networks are counted separately. All others are counted together.
const MAX_NETWORKS: usize = 1_000;
/// The prefix lengths that identify a network: what one subscriber of a provider usually has.
const IPV4_PREFIX: u8 = 24;
const IPV6_PREFIX: u8 = 48;

/// Where refused credentials came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Network {
    Of(IpNet),
    /// The address is unknown.
    Unknown,
    /// Beyond the networks that are counted separately.
    Other,
}

impl Network {
    fn of(address: Option<IpAddr>) -> Self {
        let Some(address) = address.map(|address| address.to_canonical()) else { return Self::Unknown };
        let prefix = if address.is_ipv4() { IPV4_PREFIX } else { IPV6_PREFIX };
        IpNet::new(address, prefix).map_or(Self::Unknown, |network| Self::Of(network.trunc()))
    }
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Of(network) => network.fmt(f),
            Self::Unknown => f.write_str("unknown"),
            Self::Other => f.write_str("other"),
        }
    }
}

/// For each network that was logged within the period, how many refusals followed.
#[derive(Debug, Default)]
pub(crate) struct RefusedCredentials(Mutex<HashMap<Network, u64>>);

impl RefusedCredentials {
    /// Counts a refusal, and logs it if it is the first of its network within the period.
    pub(crate) fn note(self: &Arc<Self>, address: Option<IpAddr>, code: ErrorCode) {
        let Some(network) = self.count(Network::of(address)) else { return };
        let code = code.as_str();
        tracing::info!(name: "credential_refused", %network, code, "credential refused");
        let refused = self.clone();
        tokio::spawn(async move {
            let mut periods = interval_at(Instant::now() + PERIOD, PERIOD);
            loop {
                periods.tick().await;
                let Some(more) = refused.take(network) else { return };
                tracing::info!(name: "credentials_refused", %network, count = more, "credentials refused");
            }
        });
    }

    /// Counts a refusal. Returns the network to log, if it is the first.
    fn count(&self, network: Network) -> Option<Network> {
        let mut counts = self.counts();
        let known = counts.contains_key(&network) || counts.len() < MAX_NETWORKS;
        let network = if known { network } else { Network::Other };
        if let Some(more) = counts.get_mut(&network) {
            *more += 1;
            return None;
        }
        counts.insert(network, 0);
        Some(network)
    }

    /// The refusals since the last line. After `None`, the next one is logged at once.
    fn take(&self, network: Network) -> Option<u64> {
        let mut counts = self.counts();
        let more = counts.get_mut(&network).map(std::mem::take).filter(|more| *more > 0);
        if more.is_none() {
            counts.remove(&network);
        }
        more
    }

    fn counts(&self) -> MutexGuard<'_, HashMap<Network, u64>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The code of a response that refuses a missing or bad credential.
pub(crate) fn refused_credential(response: &Response<Body>) -> Option<ErrorCode> {
    let code = *response.extensions().get::<ErrorCode>()?;
    let elsewhere = matches!(code, ErrorCode::AddressRefused | ErrorCode::OriginRefused);
    (response.status() == StatusCode::UNAUTHORIZED || elsewhere).then_some(code)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn network(address: &str) -> String {
        Network::of(Some(address.parse().unwrap())).to_string()
    }

    #[test]
    fn an_address_is_shown_no_more_precisely_than_its_network() {
        assert_eq!(network("203.0.113.9"), "203.0.113.0/24");
        assert_eq!(network("::ffff:203.0.113.9"), "203.0.113.0/24");
        assert_eq!(network("2001:db8:1:2::3"), "2001:db8:1::/48");
        assert_eq!(Network::of(None).to_string(), "unknown");
    }

    #[test]
    fn a_network_is_logged_once_and_then_counted() {
        let refused = RefusedCredentials::default();
        let one = Network::of(Some(IpAddr::from([203, 0, 113, 9])));
        let other = Network::of(Some(IpAddr::from([198, 51, 100, 1])));
        assert_eq!(refused.count(one), Some(one));
        assert_eq!(refused.count(other), Some(other));
        assert_eq!((refused.count(one), refused.count(one)), (None, None));
        // At the end of each period.
        assert_eq!((refused.take(one), refused.take(other)), (Some(2), None));
        assert_eq!(refused.count(one), None);
        assert_eq!((refused.take(one), refused.take(one)), (Some(1), None));
        assert_eq!(refused.count(one), Some(one), "the next is a first again");
    }

    #[test]
    fn the_number_of_networks_is_bounded() {
        let refused = RefusedCredentials::default();
        let addresses = (0..3_000_u32).map(|number| IpAddr::from((number << 8).to_be_bytes()));
        let logged: Vec<Network> = addresses.filter_map(|address| refused.count(Network::of(Some(address)))).collect();
        assert_eq!((logged.len(), refused.counts().len()), (MAX_NETWORKS + 1, MAX_NETWORKS + 1));
        assert_eq!(refused.take(Network::Other), Some(3_000 - MAX_NETWORKS as u64 - 1));
    }
}
