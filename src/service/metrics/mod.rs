//! Metrics of the use cases, and who may read those of the whole server.

mod authorise;
