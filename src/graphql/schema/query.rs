//! The queries.

use async_graphql::{Context, ID, Object, Result};

use super::types::audit_event::{AuditEventConnection, AuditEventFilter};
use super::types::campaign::enums::RotationCampaignTokenState;
use super::types::campaign::rotation_campaign::{RotationCampaign, RotationCampaignConnection};
use super::types::campaign::tokens::RotationCampaignTokenConnection;
use super::types::mail::connection::MailDigestConnection;
use super::types::mail::object::MailDigest;
use super::types::node::Node;
use super::types::token::api_token::ApiToken;
use super::types::token::connection::ApiTokenConnection;
use super::types::token::input::{ApiTokenFilter, ApiTokenOrder};
use super::types::token::value_use::ApiTokenRetirementRehearsal;
use super::types::token::verification::{ApiTokenVerification, VerifyApiTokenInput};
use super::types::token_counts::ApiTokenCounts;
use super::types::webhook::connection::{WebhookConnection, WebhookDeliveryConnection};
use super::types::webhook::object::Webhook;
use crate::domain::id::{EventId, MailDigestId, WebhookId};
use crate::domain::listing;
use crate::domain::notice::DeliveryId;
use crate::graphql::engine::ready::{Ready, ReadyList};
use crate::graphql::engine::written::Written;
use crate::graphql::error::refuse;
use crate::service::{
    AuditRequest, CampaignTokenRequest, DeliveryPageRequest, MailDigestPageRequest, PageRequest, Service,
    VerifyRequest, WebhookPageRequest,
};

use super::context::{caller, service};

/// The queries.
pub(crate) struct Query;

/// The queries.
#[Object]
impl Query {
    /// The caller's own API token. Needs no permission.
    #[graphql(name = "currentAPIToken")]
    async fn current_api_token(&self, ctx: &Context<'_>) -> Result<Written<ApiToken>> {
        let service: &Service = service(ctx)?;
        service.current(caller(ctx)?).await.map(|view| ApiToken::from(view).into()).map_err(refuse)
    }

    /// The API token with this id; null, with the error `NOT_FOUND`, if there is none. Your own needs no permission; another
    /// one needs `API_TOKEN_READ`.
    async fn api_token(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Its id.")] id: ID,
    ) -> Result<Option<Written<ApiToken>>> {
        service(ctx)?.get(caller(ctx)?, &id).await.map(|view| Some(ApiToken::from(view).into())).map_err(refuse)
    }

    /// The object with this id, for clients that refetch by id; null, with the error `NOT_FOUND`, if there is none. Needs the same
    /// permission as reading the object elsewhere.
    async fn node(&self, ctx: &Context<'_>, #[graphql(desc = "Its id.")] id: ID) -> Result<Option<Node>> {
        let (service, caller) = (service(ctx)?, caller(ctx)?);
        let node = if let Some(event) = EventId::parse(&id) {
            service.event(caller, event).await.map(|event| Node::AuditEvent(event.into()))
        } else if WebhookId::parse(&id).is_some() {
            service.webhook(caller, &id).await.map(|webhook| Node::Webhook(webhook.into()))
        } else if MailDigestId::parse(&id).is_some() {
            service.mail_digest(caller, &id).await.map(|digest| Node::MailDigest(digest.into()))
        } else if let Some(delivery) = DeliveryId::parse(&id) {
            service.delivery(caller, delivery).await.map(|delivery| Node::WebhookDelivery(delivery.into()))
        } else {
            service.get(caller, &id).await.map(|view| Node::ApiToken(view.into()))
        };
        node.map(Some).map_err(refuse)
    }

    /// API tokens, 25 a page by default, 200 at most. Needs `API_TOKEN_READ`.
    #[expect(clippy::too_many_arguments, reason = "the arguments of the Relay connection specification")]
    async fn api_tokens(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "How many from the start, 1 to 200; not together with `last`.")] first: Option<i32>,
        #[graphql(desc = "Only API tokens after this cursor.")] after: Option<String>,
        #[graphql(desc = "How many from the end, 1 to 200; not together with `first`.")] last: Option<i32>,
        #[graphql(desc = "Only API tokens before this cursor.")] before: Option<String>,
        #[graphql(desc = "Which API tokens; all if left out.")] filter: Option<ApiTokenFilter>,
        #[graphql(desc = "The order; oldest first if left out.")] order_by: Option<ApiTokenOrder>,
    ) -> Result<Written<ApiTokenConnection>> {
        let filter = filter.map(ApiTokenFilter::read).transpose().map_err(refuse)?.unwrap_or_default();
        let order = order_by.map(Into::into).unwrap_or_default();
        let request = PageRequest { first, after, last, before, filter, order };
        service(ctx)?
            .list(caller(ctx)?, request)
            .await
            .map(|page| ApiTokenConnection::from(page).into())
            .map_err(refuse)
    }

    /// What would happen if a value of an API token were retired now: who uses it, and whether that would be refused. Nothing
    /// changes, and the request does not count as a use of a value that it asks about. Your own API token needs no permission; another one needs `API_TOKEN_READ`.
    #[graphql(name = "rehearseAPITokenRetirement")]
    async fn rehearse_api_token_retirement(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The id of the API token.")] id: ID,
        #[graphql(desc = "Which value; the previous one if left out, or the current one if there is no overlap.")]
        generation: Option<i32>,
    ) -> Result<ApiTokenRetirementRehearsal> {
        let rehearsal = service(ctx)?.rehearse(caller(ctx)?, &id, generation).await;
        rehearsal.map(ApiTokenRetirementRehearsal::from).map_err(refuse)
    }

    /// How many API tokens there are, by status, kind and owner. The server counts them in the background at most once a
    /// minute, and for at most a hundredth of the time. Needs `API_TOKEN_READ`.
    async fn token_counts(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Of how many owners, those with the most API tokens: 0 to 100; 10 if left out.")]
        owners: Option<i32>,
    ) -> Result<ApiTokenCounts> {
        service(ctx)?.token_counts(caller(ctx)?, owners).await.map(Into::into).map_err(refuse)
    }

    /// Verifies a value that a client sent you: whether it is valid here and now, and whose it is. A valid value
    /// then counts as used. Needs `API_TOKEN_VERIFY`.
    #[graphql(name = "verifyAPIToken")]
    async fn verify_api_token(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The value, and what it must be valid for.")] input: VerifyApiTokenInput,
    ) -> Result<Ready<ApiTokenVerification>> {
        let VerifyRequest { value, required, source } = input.read().map_err(refuse)?;
        let verified = service(ctx)?.verify_for(caller(ctx)?, &value, &required, source).await;
        verified.map(|verification| ApiTokenVerification::from(verification).into()).map_err(refuse)
    }

    /// As `verifyAPIToken`, for 1 to 100 values: one result for each input, in the order of the inputs. Needs `API_TOKEN_VERIFY`.
    #[graphql(name = "verifyAPITokens")]
    async fn verify_api_tokens(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The values, and what each must be valid for. If one of them is invalid, none is verified.")]
        inputs: Vec<VerifyApiTokenInput>,
    ) -> Result<ReadyList<Ready<ApiTokenVerification>>> {
        let service: &Service = service(ctx)?;
        let requests = inputs.into_iter().map(VerifyApiTokenInput::read);
        let verified = service.verify_many_for(caller(ctx)?, "inputs", requests).await.map_err(refuse)?;
        Ok(verified.into_iter().map(|verification| ApiTokenVerification::from(verification).into()).collect())
    }

    /// The audit log, newest first, 25 events a page by default, 200 at most. Needs `AUDIT_LOG_READ`.
    async fn audit_events(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "How many from the start, which is the newest, 1 to 200; not together with `last`.")]
        first: Option<i32>,
        #[graphql(desc = "Only events after this cursor, which are older.")] after: Option<String>,
        #[graphql(desc = "How many from the end, which is the oldest, 1 to 200; not together with `first`.")]
        last: Option<i32>,
        #[graphql(desc = "Only events before this cursor, which are newer.")] before: Option<String>,
        #[graphql(desc = "Which events; all if left out.")] filter: Option<AuditEventFilter>,
    ) -> Result<Ready<AuditEventConnection>> {
        let filter = filter.map(AuditEventFilter::read).transpose().map_err(refuse)?.unwrap_or_default();
        let request = AuditRequest { first, after, last, before, filter };
        service(ctx)?
            .events(caller(ctx)?, request)
            .await
            .map(|page| AuditEventConnection::from(page).into())
            .map_err(refuse)
    }

    /// The rotation campaign with this id; null, with the error `NOT_FOUND`, if there is none. Needs `API_TOKEN_READ`.
    async fn rotation_campaign(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Its id.")] id: ID,
    ) -> Result<Option<RotationCampaign>> {
        service(ctx)?.campaign(caller(ctx)?, &id).await.map(|it| Some(RotationCampaign(it))).map_err(refuse)
    }

    /// The rotation campaigns, newest first, 25 a page by default, 200 at most. Needs `API_TOKEN_READ`.
    async fn rotation_campaigns(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "How many, 1 to 200; 25 if left out.")] first: Option<i32>,
        #[graphql(desc = "Only rotation campaigns after this cursor, which are older.")] after: Option<String>,
    ) -> Result<RotationCampaignConnection> {
        service(ctx)?.campaigns(caller(ctx)?, first, after).await.map(Into::into).map_err(refuse)
    }

    /// The API tokens of a rotation campaign, oldest first, 25 a page by default, 200 at most: each with what has become of it, by
    /// now or by the end of the campaign. Needs `API_TOKEN_READ`.
    async fn rotation_campaign_tokens(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The id of the rotation campaign.")] id: ID,
        #[graphql(desc = "How many, 1 to 200; 25 if left out.")] first: Option<i32>,
        #[graphql(desc = "Only API tokens after this cursor.")] after: Option<String>,
        #[graphql(desc = "Only API tokens with one of these states; all if left out, or if empty.")] states: Option<
            Vec<RotationCampaignTokenState>,
        >,
    ) -> Result<Ready<RotationCampaignTokenConnection>> {
        let states = listing::list(states).map(|states| states.into_iter().map(Into::into).collect());
        let request = CampaignTokenRequest { first, after, states };
        let page = service(ctx)?.campaign_tokens(caller(ctx)?, &id, request).await.map_err(refuse)?;
        Ok(RotationCampaignTokenConnection::from(page).into())
    }

    /// The webhook with this id; null, with the error `NOT_FOUND`, if there is none. Needs `WEBHOOK_MODIFY` and `API_TOKEN_READ`.
    async fn webhook(&self, ctx: &Context<'_>, #[graphql(desc = "Its id.")] id: ID) -> Result<Option<Ready<Webhook>>> {
        service(ctx)?
            .webhook(caller(ctx)?, &id)
            .await
            .map(|webhook| Some(Webhook::from(webhook).into()))
            .map_err(refuse)
    }

    /// Webhooks, oldest first, 25 a page by default, 200 at most. Needs `WEBHOOK_MODIFY` and `API_TOKEN_READ`.
    async fn webhooks(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "How many, 1 to 200.")] first: Option<i32>,
        #[graphql(desc = "Only webhooks after this cursor.")] after: Option<String>,
    ) -> Result<Ready<WebhookConnection>> {
        let page = service(ctx)?.webhooks(caller(ctx)?, WebhookPageRequest { first, after }).await;
        page.map(|page| WebhookConnection::from(page).into()).map_err(refuse)
    }

    /// What was sent to a webhook in the last days, or is to be sent, newest first, 25 a page by default, 200 at most. Needs
    /// `WEBHOOK_MODIFY` and `API_TOKEN_READ`.
    async fn webhook_deliveries(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The id of the webhook.")] webhook_id: ID,
        #[graphql(desc = "How many, 1 to 200.")] first: Option<i32>,
        #[graphql(desc = "Only deliveries after this cursor, which are older.")] after: Option<String>,
    ) -> Result<Ready<WebhookDeliveryConnection>> {
        let request = DeliveryPageRequest { first, after };
        let page = service(ctx)?.deliveries(caller(ctx)?, ("webhookId", &webhook_id), request).await;
        page.map(|page| WebhookDeliveryConnection::from(page).into()).map_err(refuse)
    }

    /// The mail digest with this id; null, with the error `NOT_FOUND`, if there is none. Needs `WEBHOOK_MODIFY` and `API_TOKEN_READ`.
    async fn mail_digest(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Its id.")] id: ID,
    ) -> Result<Option<Ready<MailDigest>>> {
        let digest = service(ctx)?.mail_digest(caller(ctx)?, &id).await;
        digest.map(|digest| Some(MailDigest::from(digest).into())).map_err(refuse)
    }

    /// Mail digests, oldest first, 25 a page by default, 200 at most. Needs `WEBHOOK_MODIFY` and `API_TOKEN_READ`.
    async fn mail_digests(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "How many, 1 to 200; 25 if left out.")] first: Option<i32>,
        #[graphql(desc = "Only mail digests after this cursor.")] after: Option<String>,
    ) -> Result<Ready<MailDigestConnection>> {
        let page = service(ctx)?.mail_digests(caller(ctx)?, MailDigestPageRequest { first, after }).await;
        page.map(|page| MailDigestConnection::from(page).into()).map_err(refuse)
    }
}
