//! Which queries are answered directly, and how.

use async_graphql::parser::types::ExecutableDocument;

use crate::domain::rule::lifecycle::due_soon::Warnings;
use crate::service::{RequestContext, Service};

use super::current_token::DirectCurrentToken;
use super::fields::MAX_FIELD_BYTES;
use super::verification::DirectVerification;

/// A query as it is answered directly.
#[derive(Debug)]
pub(crate) enum DirectQuery {
    Verification(DirectVerification),
    CurrentToken(DirectCurrentToken),
}

impl DirectQuery {
    /// `None` if the planned document cannot be answered directly.
    pub(crate) fn of(document: &ExecutableDocument) -> Option<Self> {
        let current = || DirectCurrentToken::of(document).map(Self::CurrentToken);
        DirectVerification::of(document).map(Self::Verification).or_else(current)
    }

    /// The cost, which does not depend on variables.
    pub(crate) fn cost(&self) -> u64 {
        match self {
            Self::Verification(verification) => verification.cost,
            Self::CurrentToken(current) => current.cost,
        }
    }

    /// The longest answer, in bytes.
    pub(crate) fn max_bytes(&self) -> u64 {
        // Every field costs 1. What a root field costs more is enough for the response keys, because only short bodies are read
        // before authentication.
        self.cost().saturating_mul(MAX_FIELD_BYTES)
    }

    /// Answers the caller that presents this value in this request, with these variables (a JSON object). Returns what the
    /// caller should know ahead, and the body of the response. `None` if the response has errors or needs waiting.
    pub(crate) fn try_now(
        &self,
        service: &Service,
        caller: (&str, &RequestContext<'_>),
        variables: Option<&str>,
    ) -> Option<(Warnings, Vec<u8>)> {
        match (self, variables) {
            (Self::Verification(verification), Some(variables)) => verification.try_now(service, caller, variables),
            (Self::CurrentToken(current), None | Some("{}")) => current.try_now(service, caller),
            _ => None,
        }
    }
}
