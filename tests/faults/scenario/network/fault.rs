//! What happens to the network between one replica and the database.

use std::time::Duration;

use crate::support::link::{Condition, Link, Lost};

const DELAY: Duration = Duration::from_millis(100);

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Fault {
    /// Nothing passes, in either direction.
    Frozen,
    /// All connections are half-open, and new ones get no answer.
    HalfOpen,
    /// All connections are half-open, and new ones are refused.
    HalfOpenRefusing,
    /// Everything takes 100 ms in each direction.
    Slow,
    /// All connections are half-open, and new ones work.
    Dropped,
    /// Only the connections of the pools are half-open, as when a firewall forgets what was idle. New ones work.
    IdleDropped,
}

impl Fault {
    /// While these last, the database cannot be reached.
    pub const CUTS: [Self; 3] = [Self::Frozen, Self::HalfOpen, Self::HalfOpenRefusing];
    /// While these last, it can.
    pub const IMPAIRMENTS: [Self; 3] = [Self::Slow, Self::Dropped, Self::IdleDropped];
    /// The same of a network with PgBouncer, through which no connection listens.
    pub const POOLED_IMPAIRMENTS: [Self; 2] = [Self::Slow, Self::Dropped];

    pub fn name(self) -> &'static str {
        match self {
            Self::Frozen => "frozen",
            Self::HalfOpen => "half-open, new connections get no answer",
            Self::HalfOpenRefusing => "half-open, new connections are refused",
            Self::Slow => "100 ms in each direction",
            Self::Dropped => "half-open, new connections work",
            Self::IdleDropped => "half-open but for the listener, new connections work",
        }
    }

    pub fn inflict(self, link: &Link) {
        match self {
            Self::Frozen => link.set(Condition::Frozen),
            Self::HalfOpen => {
                link.lose(Lost::All);
                link.set(Condition::Frozen);
            }
            Self::HalfOpenRefusing => {
                link.lose(Lost::All);
                link.set(Condition::Refusing);
            }
            Self::Slow => link.set(Condition::Slow(DELAY)),
            Self::Dropped => link.lose(Lost::All),
            Self::IdleDropped => link.lose(Lost::AllButTheListener),
        }
    }

    pub fn is_cut(self) -> bool {
        Self::CUTS.contains(&self)
    }
}
