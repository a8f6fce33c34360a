//! Housekeeping: deleting what is old, and writing the statuses that follow from the time.

mod change_rows;
mod retired_values;
mod salts;
mod statuses;
