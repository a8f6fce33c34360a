//! Who is calling, what they may do, and from where; and that no value of theirs is repeated.

mod authority;
mod credentials;
mod restrictions;
mod secrecy;
