//! Tests of webhooks and notices that are sent again: each is in the audit log, and there are not many at once.

use serde_json::{Value, json};

use crate::notice::senders::Outbox;
use crate::support::server::Server;

#[tokio::test]
async fn tests_and_notices_sent_again_are_in_the_audit_log_and_only_ten_tests_wait() {
    let server = Server::start().await;
    let outbox = Outbox::beside(&server).await;
    let webhook = outbox.webhook(1, "https://example.com/").await;
    outbox.webhook(2, "https://example.com/").await;
    let test = format!("mutation {{ testWebhook(input: {{ id: \"{webhook}\" }}) {{ delivery {{ id }} }} }}");
    // Notices that wait are no tests.
    outbox.write(&[(1, 1)]).await;
    let mut last = Value::Null;
    for _ in 0..10 {
        let tested = server.admin.ask(&test).await;
        assert_eq!(tested.code(), None);
        last = tested.body["data"]["testWebhook"]["delivery"]["id"].clone();
    }
    let refused = server.admin.ask(&test).await;
    assert_eq!((refused.code(), refused.field()), (Some("BAD_USER_INPUT"), Some("id")));
    let resend = format!("mutation {{ resendWebhookDelivery(input: {{ id: {last} }}) {{ delivery {{ id }} }} }}");
    assert_eq!(server.admin.ask(&resend).await.code(), None);

    let query = "query($filter: AuditEventFilter) { auditEvents(first: 200, filter: $filter) { nodes { action webhookId actor { id } } } }";
    let filter = json!({ "actions": ["WEBHOOK_TESTED", "WEBHOOK_DELIVERY_RESENT"] });
    let events = server.admin.graphql(query, json!({ "filter": filter })).await;
    let me = server.admin.my_id().await;
    let event = |action: &str| json!({ "action": action, "webhookId": webhook.to_string(), "actor": { "id": me } });
    let mut expected = vec![event("WEBHOOK_DELIVERY_RESENT")];
    expected.extend((0..10).map(|_| event("WEBHOOK_TESTED")));
    assert_eq!(events.body["data"]["auditEvents"]["nodes"], json!(expected));
}
