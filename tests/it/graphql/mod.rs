//! The GraphQL language: what is read, refused, executed and answered.

mod answer_size;
mod async_graphql_axum;
mod execution;
mod hostile_requests;
mod lenient_requests;
mod lexical;
mod limits;
mod schema;
mod validation;
mod written_objects;
