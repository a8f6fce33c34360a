//! The mutations.

use async_graphql::{Context, ID, MergedObject, Object, Result};

use super::types::campaign::input::{CancelRotationCampaignInput, CreateRotationCampaignInput};
use super::types::campaign::rotation_campaign::{
    CancelRotationCampaignOutput, CreateRotationCampaignOutput, RotationCampaign,
};
use super::types::import::{ImportApiTokensInput, ImportApiTokensOutput};
use super::types::leak::{ReportLeakedValueInput, ReportLeakedValueOutput};
use super::types::many::revocation::{RevokeApiTokensInput, RevokeApiTokensOutput};
use super::types::many::rotations::{RotateApiTokensInput, RotateApiTokensOutput};
use super::types::token::api_token::ApiToken;
use super::types::token::input::{
    EndApiTokenOverlapInput, ResumeApiTokenInput, ReviveApiTokenInput, RevokeApiTokenInput, RotateApiTokenInput,
    SuspendApiTokenInput,
};
use super::types::token::output::{
    CreateApiTokenOutput, EndApiTokenOverlapOutput, ResumeApiTokenOutput, ReviveApiTokenOutput, RevokeApiTokenOutput,
    RotateApiTokenOutput, SuspendApiTokenOutput, UpdateApiTokenOutput,
};
use super::types::token::settings_input::{CreateApiTokenInput, UpdateApiTokenInput};
use super::types::webhook::delivery::WebhookDelivery;
use super::types::webhook::input::{
    CreateWebhookInput, DeleteWebhookInput, EnableWebhookInput, ResendWebhookDeliveryInput, RotateWebhookSecretInput,
    TestWebhookInput, UpdateWebhookInput,
};
use super::types::webhook::object::Webhook;
use super::types::webhook::output::{
    CreateWebhookOutput, DeleteWebhookOutput, EnableWebhookOutput, ResendWebhookDeliveryOutput,
    RotateWebhookSecretOutput, TestWebhookOutput, UpdateWebhookOutput,
};
use crate::domain::reason::ReasonDraft;
use crate::graphql::engine::ready::Ready;
use crate::graphql::engine::written::Written;
use crate::graphql::error::refuse;
use crate::service::{ReviveRequest, RotateRequest};

use super::context::{caller, header_key, service};
use super::mail_mutation::MailMutation;

/// The mutations. Those of one document run one after the other.
#[derive(Default, MergedObject)]
pub(crate) struct Mutation(TokenMutation, MailMutation);

/// The mutations of API tokens, campaigns and webhooks.
#[derive(Default)]
pub(crate) struct TokenMutation;

/// The mutations of API tokens, campaigns and webhooks.
#[Object]
impl TokenMutation {
    /// Creates an API token and returns its value once. Needs `API_TOKEN_MODIFY` and every permission and scope of
    /// the new token. A token with permissions expires no later than the caller's, and stays within its CIDR blocks
    /// and origins.
    #[graphql(name = "createAPIToken")]
    async fn create_api_token(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The settings of the new API token.")] input: CreateApiTokenInput,
    ) -> Result<Written<CreateApiTokenOutput>> {
        let issued = service(ctx)?.create(caller(ctx)?, input.into()).await.map_err(refuse)?;
        Ok(CreateApiTokenOutput { token: ApiToken::from(issued).into() }.into())
    }

    /// Imports API tokens whose values were issued elsewhere, by the hashes of those values: all of them, or none. Those
    /// that were imported before with the same settings are skipped, so you can repeat a request. Needs
    /// `API_TOKEN_MODIFY` and every permission and scope of each, as for `createAPIToken`. Before you can import
    /// them, the operator must configure the format of the values.
    #[graphql(name = "importAPITokens")]
    async fn import_api_tokens(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which API tokens.")] input: ImportApiTokensInput,
    ) -> Result<Ready<ImportApiTokensOutput>> {
        let imported = service(ctx)?.import(caller(ctx)?, input.into()).await.map_err(refuse)?;
        Ok(ImportApiTokensOutput::from(imported).into())
    }

    /// Gives an API token a new value and returns it once. The old value keeps working until the overlap ends.
    /// Without input, the caller's own token is rotated. A document may rotate a given API token only once.
    #[graphql(name = "rotateAPIToken")]
    async fn rotate_api_token(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The API token and how to rotate it; the caller's own if left out.")] input: Option<
            RotateApiTokenInput,
        >,
    ) -> Result<Written<RotateApiTokenOutput>> {
        let mut request = input.map(RotateRequest::from).unwrap_or_default();
        let has_key_field = request.idempotency_key.is_some();
        request.idempotency_key = request.idempotency_key.or_else(|| header_key(ctx));
        let issued = service(ctx)?.rotate(caller(ctx)?, &request).await;
        let issued = issued.map_err(|err| refuse(if has_key_field { err } else { err.of_header_key() }))?;
        let cancelled_generation = issued.cancelled_generation;
        Ok(RotateApiTokenOutput { token: ApiToken::from(issued).into(), cancelled_generation }.into())
    }

    /// Rotates all API tokens that match a filter, a page at a time, and returns each new value once. Each is rotated as
    /// `rotateAPIToken` does by its id; one that may not be rotated is named with the reason. Your own API token is not rotated.
    /// Needs `API_TOKEN_READ`, `API_TOKEN_MODIFY` and, for each API token, every permission and scope that it has.
    #[graphql(name = "rotateAPITokens")]
    async fn rotate_api_tokens(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which API tokens, and how to rotate them.")] input: RotateApiTokensInput,
    ) -> Result<Ready<RotateApiTokensOutput>> {
        let mut request = input.read().map_err(refuse)?;
        let has_key_field = request.idempotency_key.is_some();
        request.idempotency_key = request.idempotency_key.or_else(|| header_key(ctx));
        let rotations = service(ctx)?.rotate_many(caller(ctx)?, request).await;
        let rotations = rotations.map_err(|err| refuse(if has_key_field { err } else { err.of_header_key() }))?;
        Ok(RotateApiTokensOutput::from(rotations).into())
    }

    /// Gives an API token that was not rotated within its rotation period a new value, and returns it once. This is possible for
    /// as long as the server's `--revival-window` says; by default, never. All older values stay retired, a new rotation period
    /// begins, and the expiry does not move. A revoked, expired or suspended API token cannot be revived.
    #[graphql(name = "reviveAPIToken")]
    async fn revive_api_token(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which API token, and why.")] input: ReviveApiTokenInput,
    ) -> Result<Ready<ReviveApiTokenOutput>> {
        let mut request = ReviveRequest::from(input);
        let has_key_field = request.idempotency_key.is_some();
        request.idempotency_key = request.idempotency_key.or_else(|| header_key(ctx));
        let issued = service(ctx)?.revive(caller(ctx)?, &request).await;
        let issued = issued.map_err(|err| refuse(if has_key_field { err } else { err.of_header_key() }))?;
        Ok(ReviveApiTokenOutput { token: ApiToken::from(issued).into() }.into())
    }

    /// Changes the settings of an API token, but never its kind, expiry, rotation period or overlap. Needs
    /// `API_TOKEN_MODIFY` and every permission and scope that the token has before and after. A token with
    /// permissions stays within the caller's own expiry, CIDR blocks and origins. No token can widen its own
    /// restrictions.
    #[graphql(name = "updateAPIToken")]
    async fn update_api_token(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The API token, and what to change.")] input: UpdateApiTokenInput,
    ) -> Result<Ready<UpdateApiTokenOutput>> {
        let id = input.id.to_string();
        let view = service(ctx)?.update(caller(ctx)?, &id, input.into()).await.map_err(refuse)?;
        Ok(UpdateApiTokenOutput { token: ApiToken::from(view).into() }.into())
    }

    /// Ends the running overlap of an API token: its previous value is retired now. If that was used within the
    /// token's `silentMinutes`, this is refused with `STILL_IN_USE`, unless it is forced. Without a running overlap,
    /// nothing changes.
    #[graphql(name = "endAPITokenOverlap")]
    async fn end_api_token_overlap(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which API token, and whether to force it.")] input: EndApiTokenOverlapInput,
    ) -> Result<Ready<EndApiTokenOverlapOutput>> {
        let force = input.force.unwrap_or_default();
        let view = service(ctx)?.end_overlap(caller(ctx)?, &input.id, force).await.map_err(refuse)?;
        Ok(EndApiTokenOverlapOutput { token: ApiToken::from(view).into() }.into())
    }

    /// Suspends an API token: none of its values works, and it cannot be rotated, until it is resumed. Its expiry and its
    /// rotation period go on. If it is already suspended, nothing changes.
    #[graphql(name = "suspendAPIToken")]
    async fn suspend_api_token(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which API token.")] input: SuspendApiTokenInput,
    ) -> Result<Ready<SuspendApiTokenOutput>> {
        let reason = ReasonDraft { text: input.reason, evidence_url: input.evidence_url };
        let view = service(ctx)?.suspend(caller(ctx)?, &input.id, reason).await.map_err(refuse)?;
        Ok(SuspendApiTokenOutput { token: ApiToken::from(view).into() }.into())
    }

    /// Resumes a suspended API token: its values work as before. If it is not suspended, nothing changes.
    #[graphql(name = "resumeAPIToken")]
    async fn resume_api_token(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which API token.")] input: ResumeApiTokenInput,
    ) -> Result<Ready<ResumeApiTokenOutput>> {
        let view = service(ctx)?.resume(caller(ctx)?, &input.id).await.map_err(refuse)?;
        Ok(ResumeApiTokenOutput { token: ApiToken::from(view).into() }.into())
    }

    /// Revokes an API token, which is final: none of its values works any more. If it is already revoked, nothing
    /// changes.
    #[graphql(name = "revokeAPIToken")]
    async fn revoke_api_token(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which API token.")] input: RevokeApiTokenInput,
    ) -> Result<Ready<RevokeApiTokenOutput>> {
        let reason = ReasonDraft { text: input.reason, evidence_url: input.evidence_url };
        let view = service(ctx)?.revoke(caller(ctx)?, &input.id, reason).await.map_err(refuse)?;
        Ok(RevokeApiTokenOutput { token: ApiToken::from(view).into() }.into())
    }

    /// Revokes all API tokens that match a filter, a page at a time: those of an owner, or those that may have leaked. Each
    /// is revoked as `revokeAPIToken` does, with an event of its own in the audit log; one that may not be revoked is named with
    /// the reason. Your own API token is not revoked. Needs `API_TOKEN_READ` and `API_TOKEN_MODIFY`.
    #[graphql(name = "revokeAPITokens")]
    async fn revoke_api_tokens(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which API tokens.")] input: RevokeApiTokensInput,
    ) -> Result<Ready<RevokeApiTokensOutput>> {
        let request = input.read().map_err(refuse)?;
        let revocations = service(ctx)?.revoke_many(caller(ctx)?, request).await.map_err(refuse)?;
        Ok(RevokeApiTokensOutput::from(revocations).into())
    }

    /// Creates a rotation campaign: all API tokens that match a filter are to be rotated by a deadline. Their holders rotate them
    /// by themselves; the campaign shows what has become of each, and ends with a report that leaves none out. Needs
    /// `API_TOKEN_READ` and `API_TOKEN_MODIFY`. With `REVOKE`, each API token is revoked by your permissions, as they are at the
    /// deadline.
    async fn create_rotation_campaign(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which API tokens, by when, and why.")] input: CreateRotationCampaignInput,
    ) -> Result<CreateRotationCampaignOutput> {
        let draft = input.read().map_err(refuse)?;
        let campaign = service(ctx)?.create_campaign(caller(ctx)?, draft).await.map_err(refuse)?;
        Ok(CreateRotationCampaignOutput { campaign: RotationCampaign(campaign) })
    }

    /// Cancels a rotation campaign: nothing more is revoked by it, and its report is written. If it is already cancelled, nothing
    /// changes. Needs `API_TOKEN_MODIFY`.
    async fn cancel_rotation_campaign(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which rotation campaign.")] input: CancelRotationCampaignInput,
    ) -> Result<CancelRotationCampaignOutput> {
        let reason = ReasonDraft { text: input.reason, evidence_url: input.evidence_url };
        let campaign = service(ctx)?.cancel_campaign(caller(ctx)?, &input.id, reason).await.map_err(refuse)?;
        Ok(CancelRotationCampaignOutput { campaign: RotationCampaign(campaign) })
    }

    /// Reports that a value of an API token has leaked. What happens then is the `onLeak` of its API token. The answer is the
    /// same whether or not it is a value, and whatever happens. Needs no permission, and `POST /leaks/report` not even a
    /// credential.
    async fn report_leaked_value(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The value, and where it was found.")] input: ReportLeakedValueInput,
    ) -> Result<Ready<ReportLeakedValueOutput>> {
        let caller = caller(ctx)?;
        service(ctx)?.report_leak(Some(caller), &caller.request_context(), input.into()).await.map_err(refuse)?;
        Ok(ReportLeakedValueOutput { received: true }.into())
    }

    /// Creates a webhook, and returns its secret once. Needs `WEBHOOK_MODIFY` and `API_TOKEN_READ`. There may be 100.
    async fn create_webhook(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The settings of the new webhook.")] input: CreateWebhookInput,
    ) -> Result<Ready<CreateWebhookOutput>> {
        let issued = service(ctx)?.create_webhook(caller(ctx)?, input.into()).await.map_err(refuse)?;
        Ok(CreateWebhookOutput::from(issued).into())
    }

    /// Changes the settings of a webhook. Needs `WEBHOOK_MODIFY` and `API_TOKEN_READ`.
    async fn update_webhook(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The webhook, and what to change.")] input: UpdateWebhookInput,
    ) -> Result<Ready<UpdateWebhookOutput>> {
        let id = input.id.to_string();
        let webhook = service(ctx)?.update_webhook(caller(ctx)?, &id, input.into()).await.map_err(refuse)?;
        Ok(UpdateWebhookOutput { webhook: Webhook::from(webhook).into() }.into())
    }

    /// Deletes a webhook with all that is yet to be sent to it. Needs `WEBHOOK_MODIFY` and `API_TOKEN_READ`.
    async fn delete_webhook(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which webhook.")] input: DeleteWebhookInput,
    ) -> Result<Ready<DeleteWebhookOutput>> {
        let id = service(ctx)?.delete_webhook(caller(ctx)?, &input.id).await.map_err(refuse)?;
        Ok(DeleteWebhookOutput { deleted_id: ID(id.to_string()) }.into())
    }

    /// Enables a webhook that the server has disabled: what is pending is sent. What was given up stays so. If it is
    /// enabled, nothing changes. Needs `WEBHOOK_MODIFY` and `API_TOKEN_READ`.
    async fn enable_webhook(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which webhook.")] input: EnableWebhookInput,
    ) -> Result<Ready<EnableWebhookOutput>> {
        let webhook = service(ctx)?.enable_webhook(caller(ctx)?, &input.id).await.map_err(refuse)?;
        Ok(EnableWebhookOutput { webhook: Webhook::from(webhook).into() }.into())
    }

    /// Gives a webhook a new secret, and returns it once. Messages are signed with the one before, too, until the overlap
    /// ends. Needs `WEBHOOK_MODIFY` and `API_TOKEN_READ`.
    async fn rotate_webhook_secret(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which webhook, and for how long both secrets are used.")] input: RotateWebhookSecretInput,
    ) -> Result<Ready<RotateWebhookSecretOutput>> {
        let RotateWebhookSecretInput { id, overlap_minutes } = input;
        let issued = service(ctx)?.rotate_webhook_secret(caller(ctx)?, &id, overlap_minutes).await.map_err(refuse)?;
        Ok(RotateWebhookSecretOutput::from(issued).into())
    }

    /// Sends a notice of the kind `TEST` to a webhook. Needs `WEBHOOK_MODIFY` and `API_TOKEN_READ`.
    async fn test_webhook(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which webhook.")] input: TestWebhookInput,
    ) -> Result<Ready<TestWebhookOutput>> {
        let delivery = service(ctx)?.test_webhook(caller(ctx)?, &input.id).await.map_err(refuse)?;
        Ok(TestWebhookOutput { delivery: WebhookDelivery::from(delivery).into() }.into())
    }

    /// Sends a notice to a webhook again, with the same message and the same id, whether or not it was delivered. Needs
    /// `WEBHOOK_MODIFY` and `API_TOKEN_READ`.
    async fn resend_webhook_delivery(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which delivery.")] input: ResendWebhookDeliveryInput,
    ) -> Result<Ready<ResendWebhookDeliveryOutput>> {
        let delivery = service(ctx)?.resend_delivery(caller(ctx)?, &input.id).await.map_err(refuse)?;
        Ok(ResendWebhookDeliveryOutput { delivery: WebhookDelivery::from(delivery).into() }.into())
    }
}
