//! Request errors (GraphQL, section 7.1.2): those that are found before execution begins.

use async_graphql::Pos;

use crate::service::ErrorCode;

use super::error::PublicError;

/// An error of a request, and the locations in its document.
#[derive(Clone, Debug)]
pub(crate) struct RequestError {
    pub(crate) public: PublicError,
    pub(crate) locations: Vec<Pos>,
}

impl RequestError {
    /// The same error, with this location.
    pub(crate) fn at(mut self, place: Pos) -> Self {
        self.locations.push(place);
        self
    }
}

/// The error of a document that parses but is invalid.
pub(crate) fn validation_error(message: String) -> RequestError {
    RequestError { public: PublicError::new(ErrorCode::GraphqlValidationFailed, message), locations: Vec::new() }
}
