//! The data of a resolver beside its arguments: the use cases, and the caller.

use std::sync::Arc;

use async_graphql::Context;

use crate::graphql::error::refuse;
use crate::graphql::session::Session;
use crate::service::{self, Caller, Service};

pub(crate) fn service<'a>(ctx: &Context<'a>) -> async_graphql::Result<&'a Service> {
    ctx.data::<Service>()
}

pub(crate) fn caller<'a>(ctx: &Context<'a>) -> async_graphql::Result<&'a Caller> {
    ctx.data::<Arc<Session>>()?.caller.as_ref().ok_or_else(|| refuse(service::Error::Anonymous))
}

/// The key of the `Idempotency-Key` header, for rotations whose input has none.
pub(crate) fn header_key(ctx: &Context<'_>) -> Option<String> {
    ctx.data_opt::<Arc<Session>>().and_then(|session| session.idempotency_key.clone())
}
