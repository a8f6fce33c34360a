//! The SQL of the states is that of the rule.

use std::collections::BTreeMap;

use rotakey::domain::id::CampaignId;
use rotakey::domain::rule::campaign::{Counts, State, state};
use rotakey::domain::timestamp::Timestamp;
use rotakey::store::Store;
use sea_orm::{ConnectionTrait, Statement};
use serde_json::json;

use super::{create, create_tokens, input};
use crate::support::clock::{MINUTE, START};
use crate::support::server::Server;

/// Tokens with every kind of fact are compared at the boundaries of all of them.
#[tokio::test]
async fn the_sql_of_the_states_agrees_with_the_rule_at_every_boundary() {
    let server = Server::start().await;
    // Until 10:00 they are as they were; then each is rotated, used or ended.
    let settings = [
        json!({}),
        json!({ "overlapMinutes": 30, "silentMinutes": 0 }),
        json!({ "overlapMinutes": 30, "silentMinutes": 7 }),
        json!({ "overlapStarts": "FIRST_USE", "overlapMinutes": 3, "silentMinutes": 3 }),
        json!({ "overlapMinutes": 0, "silentMinutes": 0 }),
        json!({ "rotationPeriodMinutes": 20, "overlapMinutes": 15, "silentMinutes": 2 }),
        json!({ "expiresAt": super::at(25 * MINUTE), "overlapMinutes": 30 }),
    ];
    let mut groups = Vec::new();
    for setting in &settings {
        groups.push(create_tokens(&server, 7, setting.clone()).await);
    }
    let id = create(&server, &server.admin, input("NOTHING")).await;
    server.clock.set(10 * MINUTE);
    for group in &groups {
        let [waiting, rotated, used, both, revoked, suspended, twice] = group.as_slice() else { panic!("seven each") };
        assert_eq!(waiting.client.check().await, Ok(1));
        rotated.client.rotate().await.unwrap();
        let new = used.client.with(used.client.rotate().await.unwrap());
        assert_eq!(new.check().await, Ok(2));
        assert_eq!(both.client.check().await, Ok(1));
        let new = both.client.with(both.client.rotate().await.unwrap());
        assert_eq!(new.check().await, Ok(2));
        server.admin.revoke(&revoked.id).await.unwrap();
        suspended.client.rotate().await.unwrap();
        server.admin.suspend(&suspended.id).await.unwrap();
        let new = twice.client.with(twice.client.rotate().await.unwrap());
        new.rotate().await.unwrap();
    }
    // A use of an old value after the rotation, and a token that is gone.
    let connection = server.database.connect().await;
    let backend = connection.get_database_backend();
    let used_at = START + 12 * MINUTE;
    for group in &groups {
        let sql = format!(
            "UPDATE api_token_value SET last_used_at = {used_at} WHERE token_id = '{}' AND generation = 1",
            group[3].id
        );
        connection.execute_raw(Statement::from_string(backend, sql)).await.unwrap();
    }
    let gone = format!(
        "INSERT INTO rotation_campaign_token (campaign_id, token_id, generation) VALUES ('{id}', 'tok_01KDVDNA000W3GE1R70W3GE1R7', 1)"
    );
    connection.execute_raw(Statement::from_string(backend, gone)).await.unwrap();
    let store = Store::connect(&server.database.url).await.unwrap();
    let campaign = CampaignId::parse(&id).unwrap();
    let mut seen: BTreeMap<State, u32> = BTreeMap::new();
    for minute in 0..45 {
        for offset in [-1, 0, 1, 5, 15, 60] {
            let now = Timestamp::from_unix_millis(START + minute * MINUTE + offset);
            let members = store.campaign_members(campaign, None, 1_000, now).await.unwrap();
            assert_eq!(members.len(), 50);
            let mut counts = Counts::default();
            for member in members {
                let token = store.find_token(member.token_id).await.unwrap();
                let expected = state(token.as_ref(), member.old_generation, now);
                assert_eq!(member.state, expected, "{minute} {offset} {token:?}");
                counts.add(expected, false, 1);
                *seen.entry(expected).or_default() += 1;
            }
            let counted = store.count_campaign_members(campaign, None, 1_000, now).await.unwrap();
            let mut by_sql = Counts::default();
            counted.counts.into_iter().for_each(|(state, is_refused, count)| by_sql.add(state, is_refused, count));
            assert_eq!(by_sql, counts);
        }
    }
    assert!(State::ALL.iter().all(|state| seen.contains_key(state)), "{seen:?}");
}
