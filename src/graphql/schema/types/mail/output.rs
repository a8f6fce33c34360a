//! The outputs of the mutations of mail digests.

use async_graphql::{ID, SimpleObject};

use super::object::MailDigest;
use crate::graphql::engine::ready::Ready;

/// The answer to `createMailDigest`.
#[derive(SimpleObject)]
#[graphql(serial)]
pub(crate) struct CreateMailDigestOutput {
    /// The new mail digest.
    pub(crate) mail_digest: Ready<MailDigest>,
}

/// The answer to `updateMailDigest`.
#[derive(SimpleObject)]
#[graphql(serial)]
pub(crate) struct UpdateMailDigestOutput {
    /// The changed mail digest.
    pub(crate) mail_digest: Ready<MailDigest>,
}

/// The answer to `deleteMailDigest`.
#[derive(SimpleObject)]
#[graphql(serial)]
pub(crate) struct DeleteMailDigestOutput {
    /// The id of the mail digest that was deleted.
    pub(crate) deleted_id: ID,
}

/// The answer to `testMailDigest`.
#[derive(SimpleObject)]
#[graphql(serial)]
pub(crate) struct TestMailDigestOutput {
    /// The mail digest. Ask for its `lastSuccessAt` and `lastFailure` a little later to see what became of the test.
    pub(crate) mail_digest: Ready<MailDigest>,
}
