//! What is deployed: servers that a scenario kills and starts again at the same address, a load balancer, and the database.

mod address;
mod balancer;
mod etcd;
pub mod patroni;
mod replica;

pub use address::Address;
pub use balancer::Balancer;
pub use replica::Replica;

use std::path::Path;
use std::sync::Arc;

use crate::support::process::binary;

/// Three replicas on one PostgreSQL database, whose connections bear their names.
pub fn three_replicas(database_url: &str, flags: &[&str]) -> [Arc<Replica>; 3] {
    three_replicas_of(Path::new(binary()), database_url, flags)
}

/// As [`three_replicas`], by this binary.
pub fn three_replicas_of(binary: &Path, database_url: &str, flags: &[&str]) -> [Arc<Replica>; 3] {
    let url = |name: &str| format!("{database_url}?application_name={name}");
    let start = |name| Replica::start_binary(binary.to_owned(), name, &url(name), flags, Vec::new());
    ["a", "b", "c"].map(|name| Arc::new(start(name)))
}
