//! What a caller learns whose request would have retired a value that is in use (R15).

use std::fmt;

use crate::domain::rule::lifecycle::silence::InUse;
use crate::domain::value_use::{User, UserUse};

/// A value that is in use, and so was not retired.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StillInUse {
    /// Its use, and when it may be retired.
    pub in_use: InUse,
    /// After how many seconds that is.
    pub retry_after_seconds: u32,
    /// A few of its users, those that were seen last first. `None` if the caller may not know them.
    pub users: Option<NamedUsers>,
}

/// A few users of a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NamedUsers {
    /// Who they are, and how each used the value.
    pub users: Vec<(User, UserUse)>,
    /// How many others there are.
    pub other_user_count: usize,
}

impl fmt::Display for StillInUse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let InUse { generation, last_used_at, silent_at } = self.in_use;
        write!(f, "The value of generation {generation} is still in use: last at {last_used_at}")?;
        if let Some(users) = self.users.as_ref().filter(|users| !users.users.is_empty()) {
            write!(f, ", in the last 24 hours {users}")?;
        }
        write!(
            f,
            ". Switch its clients to the newest value, and retry at {silent_at} or later, once this one is no longer used. \
             If the value leaked, set force to true."
        )
    }
}

impl fmt::Display for NamedUsers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (number, (User { address, user_agent }, _)) in self.users.iter().enumerate() {
            let and = if number == 0 { "by" } else { "," };
            let client = user_agent.as_deref().unwrap_or("a client");
            write!(f, "{and} {client}")?;
            if let Some(address) = address {
                write!(f, " at {address}")?;
            }
        }
        match self.other_user_count {
            0 => Ok(()),
            others => write!(f, " and {others} more"),
        }
    }
}
