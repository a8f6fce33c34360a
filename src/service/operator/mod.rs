//! What the operator does straight on the database, at the command line.

mod bootstrap;
mod retire_values;

pub use retire_values::RetiredValues;
