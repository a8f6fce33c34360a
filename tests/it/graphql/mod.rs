//! The GraphQL language: what is read, refused, executed and answered.

mod answer_size;
mod async_graphql_axum;
mod execution;
mod hostile;
mod lenient;
mod lexical;
mod limits;
mod schema;
mod validation;
