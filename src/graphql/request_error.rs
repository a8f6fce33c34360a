//! What is wrong with a request before anything of it is run, and where in its document.

use async_graphql::Pos;

use crate::service::ErrorCode;

use super::error::PublicError;

/// What is wrong with a document, and where.
#[derive(Clone, Debug)]
pub(crate) struct RequestError {
    pub(crate) public: PublicError,
    pub(crate) locations: Vec<Pos>,
}

impl RequestError {
    /// The same, said of this place.
    pub(crate) fn at(mut self, place: Pos) -> Self {
        self.locations.push(place);
        self
    }
}

/// An error of a document that parses but is invalid.
pub(crate) fn validation_error(message: String) -> RequestError {
    RequestError { public: PublicError::new(ErrorCode::GraphqlValidationFailed, message), locations: Vec::new() }
}
