//! What becomes of a value: its first use, its later uses, and its end.

mod first_use;
mod last_use;
mod retired_values;
