//! The fast path of `currentAPIToken`.

use async_graphql::parser::types::ExecutableDocument;
use async_graphql::{Name, Value};

use crate::domain::rule::lifecycle::due_soon::Warnings;
use crate::graphql::document::cost::cost;
use crate::graphql::document::extensions::end_response;
use crate::graphql::document::plan::root_fields;
use crate::graphql::document::root_fields::CURRENT;
use crate::service::{RequestContext, Service};

use super::fields::{Fields, TokenWriter, fields, object, of_token};

/// A query for the caller's own token, as it is answered directly.
#[derive(Debug)]
pub(crate) struct DirectCurrentToken {
    /// The response key.
    key: Name,
    fields: Fields<TokenWriter>,
    pub(super) cost: u64,
}

impl DirectCurrentToken {
    /// `None` if the planned document cannot be answered directly.
    pub(super) fn of(document: &ExecutableDocument) -> Option<Self> {
        let [field] = root_fields(document)[..] else { return None };
        if field.name.node != CURRENT {
            return None;
        }
        Some(Self {
            key: field.response_key().node.clone(),
            fields: fields(&field.selection_set.node, of_token)?,
            cost: cost(document, &|_| Value::Null),
        })
    }

    /// Answers the caller that presents this value in this request. Returns what the caller should know ahead, and the body of the
    /// response. `None` if the response has errors or needs waiting.
    pub(super) fn try_now(
        &self,
        service: &Service,
        caller: (&str, &RequestContext<'_>),
    ) -> Option<(Warnings, Vec<u8>)> {
        let (warnings, view) = service.try_current(caller)?;
        let mut body = Vec::with_capacity(512);
        for text in [r#"{"data":{""#, self.key.as_str(), r#"":"#] {
            body.extend_from_slice(text.as_bytes());
        }
        object(&self.fields, &mut body, |field, body| field.write(&view, body));
        body.push(b'}');
        end_response(warnings.rotate_soon_by, &mut body);
        Some((warnings, body))
    }
}
