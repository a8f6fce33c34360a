//! Deleting and writing down what follows from the time.

mod retired_values;
mod statuses;
