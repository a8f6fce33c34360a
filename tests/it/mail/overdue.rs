//! What the metrics say of mail that is not sent.

use rotakey::metrics::{Exposition, Format};
use rotakey::service::MailOutcome;

use super::gathered::{DAY, HOUR, claim, digest, end_period, note};
use crate::notice::senders::Outbox;
use crate::support::server::Server;

/// The seconds for which mail is overdue, as the metrics say after housekeeping.
async fn overdue(outbox: &Outbox) -> Option<i64> {
    outbox.service.sweep().await.unwrap();
    let mut exposition = Exposition::default();
    outbox.service.describe(&mut exposition);
    let text = exposition.encode(Format::Prometheus).unwrap();
    text.lines().find_map(|line| line.strip_prefix("rotakey_mail_overdue_seconds ")?.parse().ok())
}

#[tokio::test]
async fn mail_that_nobody_sends_or_accepts_is_overdue() {
    let server = Server::start().await;
    let outbox = Outbox::beside(&server).await;
    assert_eq!(overdue(&outbox).await, None, "no mail server, and no digest");
    let all = digest(&outbox.store, 1, &[], &[]).await;
    outbox.write(&[(1, 1)]).await;
    assert_eq!(overdue(&outbox).await, Some(0));
    // Nobody looks.
    end_period(&outbox, all).await;
    outbox.clock.advance(HOUR);
    assert_eq!(overdue(&outbox).await, Some(3_600));
    let mail = claim(&outbox.service, all).await.unwrap();
    note(&outbox, &mail, MailOutcome::Failed).await;
    outbox.clock.advance(HOUR);
    assert_eq!(overdue(&outbox).await, Some(7_200));
    let mail = claim(&outbox.service, all).await.unwrap();
    note(&outbox, &mail, MailOutcome::Accepted).await;
    assert_eq!(overdue(&outbox).await, Some(0));
    // Without notices nothing is overdue.
    outbox.clock.advance(DAY);
    assert_eq!(overdue(&outbox).await, Some(0));
    assert!(claim(&outbox.service, all).await.is_none());

    // A test is sent ahead of the end of the period.
    let weekly = format!(
        "mutation {{ updateMailDigest(input: {{ id: \"{all}\", frequency: WEEKLY }}) {{ mailDigest {{ id }} }} }}"
    );
    assert_eq!(server.admin.ask(&weekly).await.code(), None);
    let test = format!("mutation {{ testMailDigest(input: {{ id: \"{all}\" }}) {{ mailDigest {{ id }} }} }}");
    assert_eq!(server.admin.ask(&test).await.code(), None);
    let mail = claim(&outbox.service, all).await.unwrap();
    note(&outbox, &mail, MailOutcome::Failed).await;
    outbox.clock.advance(HOUR);
    assert_eq!(overdue(&outbox).await, Some(3_600));
}
