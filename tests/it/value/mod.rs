//! What becomes of a value: its first use, its later uses, who uses it, and its end.

mod first_use;
mod last_use;
mod recorded_uses;
mod retired_values;
mod users;
