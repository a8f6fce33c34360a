//! `/mail-digests`: mail digests over REST.

mod input;
mod output;

use axum::extract::{FromRequestParts, Path, RawQuery, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode};
use axum::{Extension, Json};

use crate::http::body::json::{self, Body};
use crate::http::state::AppState;
use crate::service::{Error, MailDigestPageRequest};

use super::authentication::Authenticated;
use super::input::{Fields, NoInput, query_fields};
use super::rejection::{BodyErrors, CommonErrors, MailDigestErrors, RestRejection};

use input::{CreateInput, PageInput, UpdateInput};
use output::{MailDigest, MailDigestPage};

type Answer<T> = Result<Json<T>, RestRejection>;

/// The id of a mail digest in the path.
pub(super) struct MailDigestId(String);

impl FromRequestParts<AppState> for MailDigestId {
    type Rejection = RestRejection;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, RestRejection> {
        // A path segment that is not UTF-8 is the id of no mail digest.
        let Ok(Path(id)) = Path::<String>::from_request_parts(parts, state).await else {
            return Err(Error::NoMailDigest { field: "id" }.into());
        };
        Ok(Self(id))
    }
}

/// Lists mail digests
///
/// Oldest first, 25 per page by default, 200 at most. Needs `WEBHOOK_MODIFY` and `API_TOKEN_READ`.
#[utoipa::path(
    get, path = "/mail-digests", operation_id = "listMailDigests", tag = "Mail digests", params(PageInput),
    responses((status = 200, description = "The page.", body = MailDigestPage), CommonErrors)
)]
pub(super) async fn list(
    State(state): State<AppState>,
    Extension(caller): Authenticated,
    RawQuery(query): RawQuery,
) -> Answer<MailDigestPage> {
    let PageInput { first, after } = Fields::read(query_fields(&query.unwrap_or_default())?, state.hides_names())?;
    Ok(Json(state.service.mail_digests(&caller, MailDigestPageRequest { first, after }).await?.into()))
}

/// Creates a mail digest
///
/// There may be 100 mail digests. The server must have a mail server. Needs `WEBHOOK_MODIFY` and `API_TOKEN_READ`.
#[utoipa::path(
    post, path = "/mail-digests", operation_id = "createMailDigest", tag = "Mail digests", request_body = CreateInput,
    responses((status = 200, description = "The new mail digest.", body = MailDigest), CommonErrors, BodyErrors)
)]
pub(super) async fn create(
    State(state): State<AppState>,
    Extension(caller): Authenticated,
    headers: HeaderMap,
    body: Body,
) -> Answer<MailDigest> {
    let input: CreateInput = Fields::read(json::object(&headers, body)?, state.hides_names())?;
    Ok(Json(state.service.create_mail_digest(&caller, input.into()).await?.into()))
}

/// Reads a mail digest
///
/// Needs `WEBHOOK_MODIFY` and `API_TOKEN_READ`.
#[utoipa::path(
    get, path = "/mail-digests/{id}", operation_id = "getMailDigest", tag = "Mail digests",
    params(("id" = String, Path, description = "The id of the mail digest.")),
    responses((status = 200, description = "The mail digest.", body = MailDigest), CommonErrors, MailDigestErrors)
)]
pub(super) async fn read(
    State(state): State<AppState>,
    Extension(caller): Authenticated,
    MailDigestId(id): MailDigestId,
    RawQuery(query): RawQuery,
) -> Answer<MailDigest> {
    let NoInput {} = Fields::read(query_fields(&query.unwrap_or_default())?, state.hides_names())?;
    Ok(Json(state.service.mail_digest(&caller, &id).await?.into()))
}

/// Updates the settings of a mail digest
///
/// What is left out stays as it is. With another address, a mail that is being sent is sent there. Needs `WEBHOOK_MODIFY` and
/// `API_TOKEN_READ`.
#[utoipa::path(
    post, path = "/mail-digests/{id}", operation_id = "updateMailDigest", tag = "Mail digests", request_body = UpdateInput,
    params(("id" = String, Path, description = "The id of the mail digest.")),
    responses(
        (status = 200, description = "The updated mail digest.", body = MailDigest),
        CommonErrors, BodyErrors, MailDigestErrors,
    )
)]
pub(super) async fn update(
    State(state): State<AppState>,
    Extension(caller): Authenticated,
    MailDigestId(id): MailDigestId,
    headers: HeaderMap,
    body: Body,
) -> Answer<MailDigest> {
    let input: UpdateInput = Fields::read(json::object(&headers, body)?, state.hides_names())?;
    Ok(Json(state.service.update_mail_digest(&caller, &id, input.into()).await?.into()))
}

/// Deletes a mail digest
///
/// With all that is yet to be sent by it. Needs `WEBHOOK_MODIFY` and `API_TOKEN_READ`.
#[utoipa::path(
    delete, path = "/mail-digests/{id}", operation_id = "deleteMailDigest", tag = "Mail digests",
    params(("id" = String, Path, description = "The id of the mail digest.")),
    responses((status = 204, description = "The mail digest is deleted."), CommonErrors, MailDigestErrors)
)]
pub(super) async fn delete(
    State(state): State<AppState>,
    Extension(caller): Authenticated,
    MailDigestId(id): MailDigestId,
    RawQuery(query): RawQuery,
) -> Result<StatusCode, RestRejection> {
    let NoInput {} = Fields::read(query_fields(&query.unwrap_or_default())?, state.hides_names())?;
    state.service.delete_mail_digest(&caller, &id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Tests a mail digest
///
/// Has a mail sent at once, with a test and all that is pending. Needs `WEBHOOK_MODIFY` and `API_TOKEN_READ`.
#[utoipa::path(
    post, path = "/mail-digests/{id}/test", operation_id = "testMailDigest", tag = "Mail digests",
    request_body = Option<NoInput>,
    params(("id" = String, Path, description = "The id of the mail digest.")),
    responses(
        (status = 200, description = "The mail digest. Read it a little later to see what became of the test.", body = MailDigest),
        CommonErrors, BodyErrors, MailDigestErrors,
    )
)]
pub(super) async fn test(
    State(state): State<AppState>,
    Extension(caller): Authenticated,
    MailDigestId(id): MailDigestId,
    headers: HeaderMap,
    body: Body,
) -> Answer<MailDigest> {
    let NoInput {} = Fields::read(json::object_if_any(&headers, body)?, state.hides_names())?;
    Ok(Json(state.service.test_mail_digest(&caller, &id).await?.into()))
}
