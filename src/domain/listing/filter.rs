//! Which tokens a listing is about.

use std::collections::BTreeSet;

use crate::domain::id::TokenId;
use crate::domain::invalid_input::InvalidInput;
use crate::domain::rule::lifecycle::Status;
use crate::domain::text::MAX_NAME_LENGTH;
use crate::domain::timestamp::Timestamp;
use crate::domain::token::{Metadata, Permission, Scope, TokenKind};

/// Which tokens. Every condition that is given must hold.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    /// Tokens whose status is one of these.
    pub status: Option<BTreeSet<Status>>,
    /// Tokens whose name contains this text, ASCII letters of either case alike.
    pub name: Option<String>,
    /// Tokens whose name, owner or description contains this text, ASCII letters of either case alike.
    pub text: Option<String>,
    /// Tokens of exactly this owner.
    pub owner: Option<String>,
    /// Tokens of this kind.
    pub kind: Option<TokenKind>,
    /// Tokens that have exactly this scope. The scope that covers all others is a scope like any other.
    pub scope: Option<Scope>,
    /// Tokens that have this permission.
    pub permission: Option<Permission>,
    /// Tokens that were created by the holder of this token.
    pub created_by: Option<TokenId>,
    /// Tokens that have all of these pairs.
    pub metadata: Option<Metadata>,
    /// Tokens that expire at this time or later.
    pub expires_after: Option<Timestamp>,
    /// Tokens that expire before this time.
    pub expires_before: Option<Timestamp>,
    /// Tokens whose rotation period ends before this time.
    pub rotate_by_before: Option<Timestamp>,
    /// Tokens that were created before this time and not used since then.
    pub unused_since: Option<Timestamp>,
    /// Tokens that have, or have not, a previous value whose overlap has not ended.
    pub overlap_running: Option<bool>,
    /// Tokens with a running overlap whose previous value was used since the rotation, and within the last so many minutes.
    pub previous_value_used_within_minutes: Option<u32>,
}

impl Filter {
    /// Checks what the types of the fields do not.
    ///
    /// # Errors
    /// The first field that is invalid.
    pub fn validate(&self) -> Result<(), InvalidInput> {
        // PostgreSQL cannot store U+0000 in a text, so such a filter can match nothing.
        let no_name = |text: &String| text.contains('\0') || text.chars().count() > MAX_NAME_LENGTH;
        for (field, text) in [("name", &self.name), ("text", &self.text), ("owner", &self.owner)] {
            if text.as_ref().is_some_and(no_name) {
                let message = format!("The {field} must have at most {MAX_NAME_LENGTH} characters, without U+0000.");
                return Err(InvalidInput::new(field, message));
            }
        }
        if self.expires_after.zip(self.expires_before).is_some_and(|(after, before)| before <= after) {
            return Err(InvalidInput::new(
                "expiresBefore",
                "No token matches: expiresBefore must be later than expiresAfter.",
            ));
        }
        Ok(())
    }

    /// The same filter, for a change of all tokens that match. Tokens with these statuses are left out, because they cannot be changed so.
    ///
    /// # Errors
    /// When it has no condition, or one that every token meets: a client that sends that meant another, such as a variable of a script that
    /// is not set. Or when it asks only for tokens that are left out.
    pub fn for_change(self, left_out: &[Status]) -> Result<Self, InvalidInput> {
        if self == Self::default() {
            let message = "Give the filter a condition. To mean all API tokens, ask for each status.";
            return Err(InvalidInput::new("filter", message));
        }
        for (field, text) in [("name", &self.name), ("text", &self.text)] {
            if text.as_ref().is_some_and(String::is_empty) {
                let message = "An empty text matches all API tokens. Leave it out, or give one.";
                return Err(InvalidInput::new(field, message));
            }
        }
        let asked = self.status.unwrap_or_else(|| Status::ALL.iter().copied().collect());
        let status: BTreeSet<_> = asked.into_iter().filter(|status| !left_out.contains(status)).collect();
        if status.is_empty() {
            let names: Vec<_> = left_out.iter().map(|status| status.as_str()).collect();
            let message = format!(
                "API tokens with one of these statuses are left out: {}. Ask for another status.",
                names.join(", ")
            );
            return Err(InvalidInput::new("status", message));
        }
        Ok(Self { status: Some(status), ..self })
    }
}

/// Reads the list of a filter. An empty one restricts nothing, as if it were left out.
#[must_use]
pub fn list<T>(list: Option<Vec<T>>) -> Option<Vec<T>> {
    list.filter(|list| !list.is_empty())
}

/// Reads the scope of a filter.
///
/// # Errors
/// When the text is not a scope.
pub fn scope(text: &str) -> Result<Scope, InvalidInput> {
    let message = "A scope has no spaces, quotes or backslashes; filter by one scope, written as the token has it.";
    Scope::parse(text).map_err(|_| InvalidInput::new("scope", message))
}

/// Reads the minutes within which a previous value was used.
///
/// # Errors
/// When there is not at least one.
pub fn minutes(minutes: i32) -> Result<u32, InvalidInput> {
    let message = "The previous value must have been used within the last 1 minute or more.";
    let minutes = u32::try_from(minutes).ok().filter(|minutes| *minutes > 0);
    minutes.ok_or_else(|| InvalidInput::new("previousValueUsedWithinMinutes", message))
}
