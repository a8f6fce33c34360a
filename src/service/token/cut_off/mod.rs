//! Taking rights away: what a token could do before, it or one of its values can no longer do.

mod end_overlap;
mod revoke;
