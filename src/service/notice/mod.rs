//! Notices of what happens to tokens.

mod announce;
