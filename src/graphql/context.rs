//! What a resolver finds beside its arguments: the use cases, and in whose name it runs.

use std::sync::Arc;

use async_graphql::Context;

use crate::service::{self, Caller, Service};

use super::error::refuse;
use super::request::Session;

pub(super) fn service<'a>(ctx: &Context<'a>) -> async_graphql::Result<&'a Service> {
    ctx.data::<Service>()
}

pub(super) fn caller<'a>(ctx: &Context<'a>) -> async_graphql::Result<&'a Caller> {
    ctx.data::<Arc<Session>>()?.caller.as_ref().ok_or_else(|| refuse(service::Error::Anonymous))
}

/// The key of the `Idempotency-Key` header, for rotations whose input has none.
pub(super) fn header_key(ctx: &Context<'_>) -> Option<String> {
    ctx.data_opt::<Arc<Session>>().and_then(|session| session.idempotency_key.clone())
}
