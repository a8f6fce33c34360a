//! Housekeeping: deleting old rows, erasing salts, and writing statuses that changed because time passed.

mod change_rows;
mod retired_values;
mod salts;
mod silent_values;
mod sort_keys;
pub(super) mod statistics;
mod statuses;
mod value_users;
