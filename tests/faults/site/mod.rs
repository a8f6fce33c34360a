//! What is deployed: servers that a scenario kills and starts again at the same address, and the database under them.

mod replica;

pub use replica::Replica;
