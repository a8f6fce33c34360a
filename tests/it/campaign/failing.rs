//! A campaign whose steps fail.

use sea_orm::ConnectionTrait;
use serde_json::json;

use super::{create, create_tokens, input, progress};
use crate::support::clock::MINUTE;
use crate::support::server::Server;

/// A newer version may have written it, during an upgrade or before a return to this one.
#[tokio::test]
async fn a_campaign_that_cannot_be_read_keeps_no_other_from_its_deadline() {
    let server = Server::start().await;
    let holders = create_tokens(&server, 2, json!({})).await;
    let unreadable = create(&server, &server.admin, input("REVOKE")).await;
    server.clock.advance(1);
    let id = create(&server, &server.admin, input("REVOKE")).await;
    let sql = format!("UPDATE rotation_campaign SET at_deadline = 'NEWER' WHERE id = '{unreadable}'");
    server.database.connect().await.execute_unprepared(&sql).await.unwrap();
    let service = server.service().await;
    server.clock.advance(60 * MINUTE);
    for _ in 0..10 {
        server.clock.advance(1);
        assert!(service.advance_campaigns().await.is_err(), "the failure is reported");
    }
    let counts = json!({ "total": 2, "revoked": 2 });
    assert_eq!(progress(&server, &id).await, ("DEADLINE_REACHED".to_owned(), counts));
    assert_eq!(holders[0].client.check().await, Err("TOKEN_REVOKED".into()));
}
