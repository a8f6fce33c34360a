//! The house itself: its rooms, its pages and what their commands do.

mod architecture;
mod bench_queries;
mod docs;
mod docs_answers;
mod docs_clients;
mod docs_settings;
mod docs_tls;
mod test_names;
