//! Rotation campaigns and their tokens. The state of a token is derived, in SQL as in `domain`, until its campaign ends.

mod delete;
mod filter;
mod members;
mod row;
mod state;
mod write;

pub use filter::{filter_of_text, text_of_filter};
pub use members::{Member, MemberCount};
