//! Deleting and writing down what follows from the time.

mod changes;
mod retired_values;
mod salts;
mod statuses;
