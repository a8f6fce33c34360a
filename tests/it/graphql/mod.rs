//! The GraphQL language: what is read, refused, executed and answered.

mod answer_size;
mod execution;
mod hostile;
mod lenient;
mod lexical;
mod limits;
mod schema;
mod validation;
