//! The mutations of mail digests.

use async_graphql::{Context, ID, Object, Result};

use super::types::mail::input::{
    CreateMailDigestInput, DeleteMailDigestInput, TestMailDigestInput, UpdateMailDigestInput,
};
use super::types::mail::object::MailDigest;
use super::types::mail::output::{
    CreateMailDigestOutput, DeleteMailDigestOutput, TestMailDigestOutput, UpdateMailDigestOutput,
};
use crate::graphql::engine::ready::Ready;
use crate::graphql::error::refuse;

use super::context::{caller, service};

/// The mutations of mail digests.
#[derive(Default)]
pub(crate) struct MailMutation;

/// The mutations of mail digests.
#[Object]
impl MailMutation {
    /// Creates a mail digest. Needs `WEBHOOK_MODIFY` and `API_TOKEN_READ`, and the server's `--smtp-url`. There may be 100.
    async fn create_mail_digest(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The settings of the new mail digest.")] input: CreateMailDigestInput,
    ) -> Result<Ready<CreateMailDigestOutput>> {
        let digest = service(ctx)?.create_mail_digest(caller(ctx)?, input.into()).await.map_err(refuse)?;
        Ok(CreateMailDigestOutput { mail_digest: MailDigest::from(digest).into() }.into())
    }

    /// Changes the settings of a mail digest. With another address, a mail that is being sent is sent there. Needs `WEBHOOK_MODIFY`
    /// and `API_TOKEN_READ`.
    async fn update_mail_digest(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The mail digest, and what to change.")] input: UpdateMailDigestInput,
    ) -> Result<Ready<UpdateMailDigestOutput>> {
        let id = input.id.clone();
        let digest = service(ctx)?.update_mail_digest(caller(ctx)?, &id, input.into()).await.map_err(refuse)?;
        Ok(UpdateMailDigestOutput { mail_digest: MailDigest::from(digest).into() }.into())
    }

    /// Deletes a mail digest with all that is yet to be sent by it. Needs `WEBHOOK_MODIFY` and `API_TOKEN_READ`.
    async fn delete_mail_digest(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which mail digest.")] input: DeleteMailDigestInput,
    ) -> Result<Ready<DeleteMailDigestOutput>> {
        let id = service(ctx)?.delete_mail_digest(caller(ctx)?, &input.id).await.map_err(refuse)?;
        Ok(DeleteMailDigestOutput { deleted_id: ID(id.to_string()) }.into())
    }

    /// Has a mail sent at once, with a test and all that is pending. Needs `WEBHOOK_MODIFY` and `API_TOKEN_READ`.
    async fn test_mail_digest(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which mail digest.")] input: TestMailDigestInput,
    ) -> Result<Ready<TestMailDigestOutput>> {
        let digest = service(ctx)?.test_mail_digest(caller(ctx)?, &input.id).await.map_err(refuse)?;
        Ok(TestMailDigestOutput { mail_digest: MailDigest::from(digest).into() }.into())
    }
}
