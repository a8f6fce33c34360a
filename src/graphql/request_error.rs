//! What is wrong with a request before anything of it is run, and where in its document.

use async_graphql::Pos;

use crate::service::ErrorCode;

use super::error::Failure;

/// What is wrong with a document, and where.
#[derive(Clone, Debug)]
pub(crate) struct Fault {
    pub(crate) failure: Failure,
    pub(crate) locations: Vec<Pos>,
}

impl Fault {
    /// The same, said of this place.
    pub(crate) fn at(mut self, place: Pos) -> Self {
        self.locations.push(place);
        self
    }
}

/// A fault of a document that fits its grammar.
pub(crate) fn invalid(message: String) -> Fault {
    Fault { failure: Failure::new(ErrorCode::GraphqlValidationFailed, message), locations: Vec::new() }
}
