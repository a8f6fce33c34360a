//! `/rotation-campaigns`: creating, listing, reading and cancelling rotation campaigns over REST.

mod input;
mod output;
mod progress;

use axum::extract::{Path, RawQuery, State};
use axum::http::HeaderMap;
use axum::{Extension, Json};

use crate::domain::reason::ReasonDraft;
use crate::domain::rule::campaign::Campaign;
use crate::http::body::json::{self, Body};
use crate::http::state::AppState;
use crate::service::{Caller, Error};

use super::authentication::Authenticated;
use super::input::{Fields, query_fields};
use super::rejection::{BodyErrors, CampaignErrors, CommonErrors, RestRejection};

use input::{CampaignTokensInput, CancelInput, CreateCampaignInput, ListCampaignsInput};
use output::{CampaignPage, CampaignTokenPage, RotationCampaign};

type Answer<T> = Result<Json<T>, RestRejection>;

/// The id in the path. A path segment that is not UTF-8 is the id of no campaign.
type CampaignId = Result<Path<String>, axum::extract::rejection::PathRejection>;

fn id(path: CampaignId) -> Result<String, Error> {
    path.map(|Path(id)| id).map_err(|_| Error::NoSuchCampaign)
}

async fn with_progress(state: &AppState, caller: &Caller, campaign: Campaign) -> Answer<RotationCampaign> {
    let progress = state.service.campaign_progress(caller, &campaign).await?;
    Ok(Json(RotationCampaign::new(campaign, Some(progress))))
}

/// Creates a rotation campaign
///
/// All API tokens that match are to be rotated by a deadline. A large campaign is `PREPARING` until they are collected. Needs
/// `API_TOKEN_READ` and `API_TOKEN_MODIFY`. With `REVOKE`, each API token is revoked by your permissions, as they are at the deadline.
#[utoipa::path(
    post, path = "/rotation-campaigns", operation_id = "createRotationCampaign", tag = "Rotation campaigns",
    request_body = CreateCampaignInput,
    responses((status = 200, description = "The new rotation campaign.", body = RotationCampaign), CommonErrors, BodyErrors, CampaignErrors)
)]
pub(super) async fn create(
    State(state): State<AppState>,
    Extension(caller): Authenticated,
    headers: HeaderMap,
    body: Body,
) -> Answer<RotationCampaign> {
    let hides_names = state.hides_names();
    let input: CreateCampaignInput = Fields::read(json::object(&headers, body)?, hides_names)?;
    let campaign = state.service.create_campaign(&caller, input.read(hides_names)?).await?;
    with_progress(&state, &caller, campaign).await
}

/// Lists rotation campaigns
///
/// Newest first, 25 per page by default, 200 at most. Needs `API_TOKEN_READ`.
#[utoipa::path(
    get, path = "/rotation-campaigns", operation_id = "listRotationCampaigns", tag = "Rotation campaigns",
    params(ListCampaignsInput),
    responses((status = 200, description = "The page.", body = CampaignPage), CommonErrors)
)]
pub(super) async fn list(
    State(state): State<AppState>,
    Extension(caller): Authenticated,
    RawQuery(query): RawQuery,
) -> Answer<CampaignPage> {
    let ListCampaignsInput { first, after } =
        Fields::read(query_fields(&query.unwrap_or_default())?, state.hides_names())?;
    Ok(Json(state.service.campaigns(&caller, first, after).await?.into()))
}

/// Reads a rotation campaign with its progress
///
/// The API tokens are counted for each request; after the end, the counts are those of the report. Needs `API_TOKEN_READ`.
#[utoipa::path(
    get, path = "/rotation-campaigns/{id}", operation_id = "getRotationCampaign", tag = "Rotation campaigns",
    params(("id" = String, Path, description = "The id of the rotation campaign.")),
    responses((status = 200, description = "The rotation campaign.", body = RotationCampaign), CommonErrors, CampaignErrors)
)]
pub(super) async fn read(
    State(state): State<AppState>,
    Extension(caller): Authenticated,
    path: CampaignId,
) -> Answer<RotationCampaign> {
    let campaign = state.service.campaign(&caller, &id(path)?).await?;
    with_progress(&state, &caller, campaign).await
}

/// Lists the API tokens of a rotation campaign
///
/// Oldest first, 25 per page by default, 200 at most: each with what has become of it, by now or by the end of the campaign. Needs
/// `API_TOKEN_READ`.
#[utoipa::path(
    get, path = "/rotation-campaigns/{id}/tokens", operation_id = "listRotationCampaignTokens", tag = "Rotation campaigns",
    params(("id" = String, Path, description = "The id of the rotation campaign."), CampaignTokensInput),
    responses((status = 200, description = "The page.", body = CampaignTokenPage), CommonErrors, CampaignErrors)
)]
pub(super) async fn tokens(
    State(state): State<AppState>,
    Extension(caller): Authenticated,
    path: CampaignId,
    RawQuery(query): RawQuery,
) -> Answer<CampaignTokenPage> {
    let input: CampaignTokensInput = Fields::read(query_fields(&query.unwrap_or_default())?, state.hides_names())?;
    Ok(Json(state.service.campaign_tokens(&caller, &id(path)?, input.into()).await?.into()))
}

/// Cancels a rotation campaign
///
/// Nothing more is revoked by it, and its report is written. Cancelling twice has no further effect. Needs `API_TOKEN_MODIFY` and, for one
/// that another API token has created, every permission of that.
#[utoipa::path(
    post, path = "/rotation-campaigns/{id}/cancel", operation_id = "cancelRotationCampaign", tag = "Rotation campaigns",
    request_body = Option<CancelInput>,
    params(("id" = String, Path, description = "The id of the rotation campaign.")),
    responses((status = 200, description = "The cancelled rotation campaign.", body = RotationCampaign), CommonErrors, BodyErrors, CampaignErrors)
)]
pub(super) async fn cancel(
    State(state): State<AppState>,
    Extension(caller): Authenticated,
    path: CampaignId,
    headers: HeaderMap,
    body: Body,
) -> Answer<RotationCampaign> {
    let CancelInput { reason, evidence_url } = Fields::read(json::object_if_any(&headers, body)?, state.hides_names())?;
    let reason = ReasonDraft { text: reason, evidence_url };
    let campaign = state.service.cancel_campaign(&caller, &id(path)?, reason).await?;
    Ok(Json(RotationCampaign::new(campaign, None)))
}
