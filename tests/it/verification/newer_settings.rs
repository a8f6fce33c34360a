//! Settings of a token that only a newer version knows, which writes into the same database during an upgrade. This version must not
//! ignore them, and must fail for no other token.

use sea_orm::ConnectionTrait;
use serde_json::json;

use crate::support::server::Server;

/// A setting as a newer version may write it.
const NEWER: [(&str, &str); 7] = [
    ("kind", "NEWER"),
    ("permissions", "API_TOKEN_READ NEWER"),
    ("overlap_starts", "NEWER"),
    ("on_reuse", "NEWER"),
    ("on_leak", "NEWER"),
    ("allowed_cidr_blocks", "10.0.0.0/8 region:newer"),
    ("allowed_origins", "https://example.com newer:*"),
];

#[tokio::test]
async fn a_token_with_a_setting_that_only_a_newer_version_knows_fails_and_no_other_does() {
    let server = Server::start().await;
    let connection = server.database.connect().await;
    for (column, newer) in NEWER {
        let token = server.admin.create(json!({ "name": "newer" })).await.unwrap();
        let other = server.admin.create(json!({ "name": "other" })).await.unwrap();
        let update = format!("UPDATE api_token SET {column} = '{newer}' WHERE id = '{}'", token.id);
        assert_eq!(connection.execute_unprepared(&update).await.unwrap().rows_affected(), 1);

        // It has cached nothing.
        let replica = server.replica().await;
        let (admin, holder) = (server.admin.at(&replica.url), token.client.at(&replica.url));
        let other = other.client.at(&replica.url);
        // At the same time, so that both can be looked up by one statement.
        let (refused, accepted) = tokio::join!(holder.check(), other.check());
        assert_eq!((refused, accepted), (Err("INTERNAL".to_owned()), Ok(1)), "{column}");
        let verified = holder.request("GET", "/verify").send().await.unwrap();
        assert_eq!(verified.status(), 500, "{column}");
        assert_eq!(holder.rotate().await, Err("INTERNAL".to_owned()), "{column}");
        assert_eq!(admin.revoke(&token.id).await, Err("INTERNAL".to_owned()), "{column}");
        // A page that left the token out would hide what it may do.
        let page = admin.ask("{ apiTokens { edges { node { id } } } }").await;
        assert_eq!(page.code(), Some("INTERNAL"), "{column}");
        replica.service().await.sweep().await.unwrap();
        assert_eq!(admin.events(json!({ "tokenId": token.id })).await.len(), 1, "{column}");

        let delete = format!(
            "DELETE FROM audit_event WHERE token_id = '{0}'; DELETE FROM api_token_value WHERE token_id = '{0}';
             DELETE FROM api_token WHERE id = '{0}'",
            token.id
        );
        connection.execute_unprepared(&delete).await.unwrap();
    }
    connection.close().await.unwrap();
}
