//! The campaigns of a database that was restored from a backup.

use rotakey::service::RetireSince;
use serde_json::{Value, json};

use super::{create, create_tokens, end, input, tokens};
use crate::support::clock::MINUTE;
use crate::support::server::Server;

/// A campaign may have been cancelled after the backup was made. Once its values are retired, no token waits, so none is revoked.
#[tokio::test]
async fn once_the_values_of_a_backup_are_retired_its_campaigns_revoke_nothing() {
    let mut server = Server::start().await;
    let holders = create_tokens(&server, 3, json!({})).await;
    holders[0].client.rotate().await.unwrap();
    let id = create(&server, &server.admin, input("REVOKE")).await;
    holders[1].client.rotate().await.unwrap();
    server.clock.advance(61 * MINUTE);
    let service = server.service().await;
    service.retire_since(RetireSince::Now).await.unwrap();
    server.admin = server.admin.with(service.bootstrap().await.unwrap().value.expose());
    let (status, _) = end(&server, &id).await;
    assert_eq!(status, "DEADLINE_REACHED");
    let states: Vec<_> = tokens(&server, &id, Value::Null).await.into_iter().map(|(_, state, _)| state).collect();
    assert_eq!(states, ["RETIRED"; 3]);
    for holder in &holders {
        assert!(server.admin.rotate_id(&holder.id).await.unwrap().check().await.is_ok());
    }
}
