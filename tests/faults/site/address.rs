//! Where a client sends its calls.

use std::sync::Arc;

use tokio::time::Instant;

use super::Replica;

#[derive(Clone)]
pub enum Address {
    /// One server, which may be down.
    Replica(Arc<Replica>),
    /// A load balancer, by its URL. Which server answers is not known.
    Balancer(String),
}

impl Address {
    /// Each of these servers.
    pub fn of(replicas: &[Arc<Replica>]) -> Vec<Self> {
        replicas.iter().cloned().map(Self::Replica).collect()
    }

    pub fn url(&self) -> &str {
        match self {
            Self::Replica(replica) => &replica.url,
            Self::Balancer(url) => url,
        }
    }

    /// The name of the server in a history.
    pub fn replica(&self) -> Option<&str> {
        match self {
            Self::Replica(replica) => Some(&replica.name),
            Self::Balancer(_) => None,
        }
    }

    pub fn is_up(&self) -> bool {
        match self {
            Self::Replica(replica) => replica.is_up(),
            Self::Balancer(_) => true,
        }
    }

    /// Waits until it is up; false if that is not before the deadline.
    pub async fn wait_until_up(&self, deadline: Instant) -> bool {
        match self {
            Self::Replica(replica) => replica.wait_until_up(deadline).await,
            Self::Balancer(_) => true,
        }
    }
}
