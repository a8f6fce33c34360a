//! What is deployed: servers that a scenario kills and starts again at the same address, a load balancer, and the database.

mod address;
mod balancer;
mod etcd;
pub mod patroni;
mod replica;

pub use address::Address;
pub use balancer::Balancer;
pub use replica::Replica;

use std::sync::Arc;

/// Three replicas on one PostgreSQL database, whose connections bear their names.
pub fn three_replicas(database_url: &str, flags: &[&str]) -> [Arc<Replica>; 3] {
    let url = |name: &str| format!("{database_url}?application_name={name}");
    ["a", "b", "c"].map(|name| Arc::new(Replica::start(name, &url(name), flags)))
}
