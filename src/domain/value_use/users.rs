//! The users of a value, merged from what several replicas recorded.

use std::collections::BTreeMap;

use crate::domain::id::TokenId;
use crate::domain::timestamp::Timestamp;

/// How many users of a value are shown.
pub const MAX_SHOWN_USERS: usize = 20;
/// How many users of a value are kept, those that were seen last. Clients of a public token may be any number.
pub const MAX_KEPT_USERS: usize = 100;
/// How long a user that is not seen again is remembered, in minutes.
pub const USER_RETENTION_MINUTES: u32 = 24 * 60;

/// A distinct caller that presented a value.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct User {
    /// Its address or its block of addresses; `None` if unknown or not recorded.
    pub address: Option<String>,
    /// The product name of its user agent; `None` if it sent none.
    pub user_agent: Option<String>,
}

/// How a user used a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UserUse {
    /// The first use that is remembered.
    pub first_seen_at: Timestamp,
    /// The last use.
    pub last_seen_at: Timestamp,
    /// How many uses since the first.
    pub count: u64,
}

/// Uses of a value that are yet to be added to what is known of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecordedUse {
    /// Whose value.
    pub token_id: TokenId,
    /// Which value of the token.
    pub generation: u32,
    /// By whom; `None` if the value has more users than are kept.
    pub user: Option<User>,
    /// When and how often.
    pub used: UserUse,
}

/// What is asked for of the use of a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asked {
    /// The last use and the count. Users that are known anyway may be included.
    Totals,
    /// Also the users.
    Users,
}

/// How a value was used: in all, and by each user.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ValueUse {
    /// The last use, by whichever user.
    pub last_used_at: Option<Timestamp>,
    /// How many uses, also by users that are forgotten.
    pub count: u64,
    users: BTreeMap<User, UserUse>,
}

/// By how many minutes the last use of a token may be later than the one that indexes have, which saves writing them for each use.
pub const LAST_USE_LAG_MINUTES: u32 = 10;

/// The use of a value that is not used.
pub static UNUSED: ValueUse = ValueUse { last_used_at: None, count: 0, users: BTreeMap::new() };

impl UserUse {
    /// These uses and those.
    fn and(self, other: Self) -> Self {
        Self {
            first_seen_at: self.first_seen_at.min(other.first_seen_at),
            last_seen_at: self.last_seen_at.max(other.last_seen_at),
            count: self.count.saturating_add(other.count),
        }
    }
}

impl ValueUse {
    /// Adds uses without their users: the last of them, and how many.
    pub fn add(&mut self, last_used_at: Option<Timestamp>, count: u64) {
        self.last_used_at = self.last_used_at.max(last_used_at);
        self.count = self.count.saturating_add(count);
    }

    /// Adds uses by this user, which [`ValueUse::add`] adds to the whole.
    pub fn add_user(&mut self, user: User, more: UserUse) {
        self.users.entry(user).and_modify(|known| *known = known.and(more)).or_insert(more);
    }

    /// Adds what else is known of the use of the same value.
    pub fn add_all(&mut self, more: Self) {
        let Self { last_used_at, count, users } = more;
        self.add(last_used_at, count);
        users.into_iter().for_each(|(user, used)| self.add_user(user, used));
    }

    /// All users that are known.
    pub fn users(&self) -> impl Iterator<Item = (&User, UserUse)> {
        self.users.iter().map(|(user, used)| (user, *used))
    }

    /// The users to show, those that were seen last first, and how many others there are.
    pub fn shown_users(&self) -> (Vec<(&User, UserUse)>, usize) {
        let mut users: Vec<_> = self.users().collect();
        users.sort_by_key(|(user, used)| (std::cmp::Reverse(used.last_seen_at), *user));
        // More may be known for a moment than are kept.
        let others = users.len().min(MAX_KEPT_USERS).saturating_sub(MAX_SHOWN_USERS);
        users.truncate(MAX_SHOWN_USERS);
        (users, others)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn user(number: u8) -> User {
        User { address: Some(format!("203.0.{number}.0/24")), user_agent: None }
    }

    fn used(first: i64, lasts: i64, count: u64) -> UserUse {
        let at = Timestamp::from_unix_millis;
        UserUse { first_seen_at: at(first), last_seen_at: at(first + lasts), count }
    }

    fn recorded() -> impl Strategy<Value = Vec<(u8, UserUse)>> {
        let one = (0_u8..40, 0_i64..1_000, 0_i64..1_000, 1_u64..100);
        proptest::collection::vec(one.prop_map(|(user, first, lasts, count)| (user, used(first, lasts, count))), 0..80)
    }

    fn merged(recorded: &[(u8, UserUse)]) -> ValueUse {
        let mut whole = ValueUse::default();
        for (number, used) in recorded {
            whole.add(Some(used.last_seen_at), used.count);
            whole.add_user(user(*number), *used);
        }
        whole
    }

    proptest! {
        #[test]
        fn merging_keeps_every_use_in_whatever_order(recorded in recorded()) {
            let mut reversed = recorded.clone();
            reversed.reverse();
            let whole = merged(&recorded);
            prop_assert_eq!(&whole, &merged(&reversed));
            prop_assert_eq!(whole.count, recorded.iter().map(|(_, used)| used.count).sum::<u64>());
            prop_assert_eq!(whole.last_used_at, recorded.iter().map(|(_, used)| used.last_seen_at).max());
            for (known, used) in whole.users() {
                let own = || recorded.iter().filter(|(number, _)| user(*number) == *known).map(|(_, used)| used);
                prop_assert_eq!(used.count, own().map(|used| used.count).sum::<u64>());
                prop_assert_eq!(Some(used.first_seen_at), own().map(|used| used.first_seen_at).min());
                prop_assert_eq!(Some(used.last_seen_at), own().map(|used| used.last_seen_at).max());
            }
        }

        #[test]
        fn twenty_users_are_shown_latest_first_and_the_others_are_counted(recorded in recorded()) {
            let whole = merged(&recorded);
            let (shown, others) = whole.shown_users();
            let all = whole.users().count();
            prop_assert_eq!((shown.len(), shown.len() + others), (all.min(20), all));
            prop_assert!(shown.is_sorted_by(|(_, one), (_, next)| one.last_seen_at >= next.last_seen_at));
            let oldest = shown.last().map(|(_, used)| used.last_seen_at);
            let hidden = whole.users().filter(|(user, _)| !shown.iter().any(|(known, _)| known == user));
            prop_assert!(hidden.map(|(_, used)| used.last_seen_at).max() <= oldest);
        }
    }

    #[test]
    fn no_more_others_are_counted_than_are_kept() {
        let mut whole = ValueUse::default();
        for (number, others) in [(19, 0), (20, 0), (21, 1), (100, 80), (101, 80), (150, 80)] {
            (0..number).for_each(|number| whole.add_user(user(number), used(0, 0, 1)));
            assert_eq!(whole.shown_users().1, others, "{number}");
        }
    }
}
