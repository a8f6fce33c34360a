//! What is counted, each thing once, and what is measured.

use sea_orm::ConnectionTrait;
use serde_json::json;

use crate::support::client::ROTATE;
use crate::support::deadline::DEADLINE;
use crate::support::metrics::Scrape;
use crate::support::process::Process;
use crate::support::server::Server;

/// By how much a sample has grown.
fn growth(before: &Scrape, after: &Scrape, sample: &str) -> f64 {
    after.number(sample) - before.number(sample)
}

#[tokio::test]
async fn a_verification_is_counted_once_by_its_code_whether_it_waited_or_not() {
    let server = Server::start().await;
    let token = server.admin.create(json!({ "name": "n", "scopes": ["read"] })).await.unwrap();
    let before = Scrape::of(&server.admin).await;
    for _ in 0..20 {
        assert_eq!(token.client.rest("GET", "/verify?scope=read", json!(null)).await.status, 200);
    }
    assert_eq!(token.client.rest("GET", "/verify?scope=write", json!(null)).await.status, 403);
    assert_eq!(token.client.with("rk_wrong").rest("GET", "/verify", json!(null)).await.status, 401);
    let query = "query($input: VerifyAPITokenInput!) { verifyAPIToken(input: $input) { code } }";
    for (scope, code) in [("read", "VALID"), ("read", "VALID"), ("write", "SCOPE_MISSING"), ("write", "SCOPE_MISSING")]
    {
        let input = json!({ "value": token.client.value, "requiredScopes": [scope] });
        let answer = server.admin.graphql(query, json!({ "input": input })).await;
        assert_eq!(answer.body["data"]["verifyAPIToken"]["code"], code);
    }
    server.admin.revoke(&token.id).await.unwrap();
    assert_eq!(token.client.rest("GET", "/verify", json!(null)).await.status, 401);
    let after = Scrape::of(&server.admin).await;
    for (code, count) in [("VALID", 22.0), ("SCOPE_MISSING", 3.0), ("UNAUTHENTICATED", 1.0), ("TOKEN_REVOKED", 1.0)] {
        let sample = format!("rotakey_verifications_total{{code=\"{code}\"}}");
        assert_eq!(growth(&before, &after, &sample), count, "{code}");
    }
    // The caller of each verifyAPIToken, of the revocation and of the first scrape. The last counts when it is over.
    assert_eq!(growth(&before, &after, r#"rotakey_authentications_total{code="OK"}"#), 6.0);
    let lookups =
        |result: &str| growth(&before, &after, &format!("rotakey_cache_lookups_total{{result=\"{result}\"}}"));
    // Every value that was judged was in the cache or was not: 22 of /verify, 4 verified for a caller, and 6 callers. What cannot be
    // a value is not looked for.
    assert_eq!(lookups("hit") + lookups("miss"), 32.0);
    assert!(lookups("miss") >= 1.0, "the look at the token after its revocation");
}

#[tokio::test]
async fn rotations_and_refused_callers_are_counted_by_their_code() {
    let server = Server::start().await;
    let token = server.admin.create(json!({ "name": "n" })).await.unwrap();
    let before = Scrape::of(&server.admin).await;
    let second = token.client.rotate().await.unwrap();
    assert_eq!(token.client.rotate().await, Err("ROTATION_CONFLICT".into()));
    server.clock.advance(11_000);
    let third = token.client.rotate().await.unwrap();
    let fourth = token.client.with(&third).rotate().await.unwrap();
    assert_eq!(token.client.with(&second).check().await, Err("VALUE_RETIRED".into()));
    assert_eq!(token.client.with("rk_wrong").check().await, Err("UNAUTHENTICATED".into()));
    assert_eq!(server.anonymous().ask(ROTATE).await.code(), Some("UNAUTHENTICATED"));
    assert_eq!(token.client.with(&fourth).check().await, Ok(4));
    let after = Scrape::of(&server.admin).await;
    for (sample, count) in [
        (r#"rotakey_rotations_total{code="OK"}"#, 2.0),
        (r#"rotakey_rotations_total{code="RECOVERED"}"#, 1.0),
        (r#"rotakey_rotations_total{code="ROTATION_CONFLICT"}"#, 1.0),
        (r#"rotakey_rotations_total{code="INTERNAL"}"#, 0.0),
        (r#"rotakey_authentications_total{code="VALUE_RETIRED"}"#, 1.0),
        // A request without a credential presents no value.
        (r#"rotakey_authentications_total{code="UNAUTHENTICATED"}"#, 1.0),
    ] {
        assert_eq!(growth(&before, &after, sample), count, "{sample}");
    }
}

#[tokio::test]
async fn the_state_of_the_server_and_its_database_is_measured() {
    let server = Server::start().await;
    let scraped = async {
        loop {
            let scrape = Scrape::of(&server.admin).await;
            // Contact begins a moment after the start, and empties the cache. The tokens are counted after the first scrape.
            if scrape.get("rotakey_tokens_counted_timestamp_seconds").is_some()
                && scrape.number(r#"rotakey_ready{check="contact"}"#) == 1.0
                && scrape.number(r#"rotakey_cache_entries{kind="known"}"#) >= 1.0
            {
                return scrape;
            }
            tokio::task::yield_now().await;
        }
    };
    let scrape = tokio::time::timeout(DEADLINE, scraped).await.unwrap();
    assert_eq!(scrape.number(r#"rotakey_tokens{status="ACTIVE",kind="PRIVATE"}"#), 1.0, "the first token");
    assert_eq!(scrape.number(r#"rotakey_tokens{status="REVOKED",kind="PUBLIC"}"#), 0.0);
    assert_eq!(scrape.number(r#"rotakey_tokens_expiring{within="7d"}"#), 0.0);
    assert_eq!(scrape.number(r#"rotakey_tokens_rotation_due{within="1d"}"#), 0.0);
    assert!((0.0..10.0).contains(&scrape.number("rotakey_database_contact_age_seconds")));
    assert_eq!(scrape.number("rotakey_clock_offset_seconds"), 0.0, "the test sets one clock for both");
    assert_eq!(scrape.number("rotakey_serving"), 1.0);
    assert!(scrape.number(r#"rotakey_http_connections{address="api"}"#) >= 1.0);
    assert!(scrape.number("rotakey_database_commits_total") >= 1.0);
    assert!(scrape.number("process_resident_memory_bytes") > 1e6);
    let pool = if server.database.is_sqlite() { "read" } else { "main" };
    let connections =
        |state: &str| scrape.number(&format!("rotakey_database_connections{{pool=\"{pool}\",state=\"{state}\"}}"));
    assert!((1.0..=16.0).contains(&(connections("idle") + connections("used"))));
    if server.database.is_sqlite() {
        assert!(scrape.number("rotakey_sqlite_wal_bytes") > 0.0 && scrape.number("rotakey_sqlite_file_bytes") > 0.0);
        assert!(scrape.number("rotakey_sqlite_disk_available_bytes") > 1e6);
    }
}

#[tokio::test]
async fn tokens_are_counted_by_status_and_by_how_soon_they_end() {
    let server = Server::start().await;
    // The test begins at the start of 2026.
    for input in [
        json!({ "name": "n", "expiresAt": "2026-01-01T00:30:00Z" }),
        json!({ "name": "n", "expiresAt": "2026-01-03T00:00:00Z" }),
        json!({ "name": "n", "expiresAt": "2026-01-31T00:00:00Z" }),
        json!({ "name": "n", "rotationPeriodMinutes": 90 }),
        json!({ "name": "n", "kind": "PUBLIC" }),
    ] {
        server.admin.create(input).await.unwrap();
    }
    let revoked = server.admin.create(json!({ "name": "n" })).await.unwrap();
    server.admin.revoke(&revoked.id).await.unwrap();
    let service = server.service().await;
    service.sweep().await.unwrap();
    let counted = async {
        loop {
            let scrape = Scrape::of(&server.admin).await;
            if scrape.get("rotakey_tokens_counted_timestamp_seconds").is_some() {
                return scrape;
            }
            tokio::task::yield_now().await;
        }
    };
    let scrape = tokio::time::timeout(DEADLINE, counted).await.unwrap();
    for (sample, count) in [
        (r#"rotakey_tokens{status="ACTIVE",kind="PRIVATE"}"#, 5.0),
        (r#"rotakey_tokens{status="ACTIVE",kind="PUBLIC"}"#, 1.0),
        (r#"rotakey_tokens{status="REVOKED",kind="PRIVATE"}"#, 1.0),
        (r#"rotakey_tokens_expiring{within="1h"}"#, 1.0),
        (r#"rotakey_tokens_expiring{within="1d"}"#, 1.0),
        (r#"rotakey_tokens_expiring{within="7d"}"#, 2.0),
        (r#"rotakey_tokens_rotation_due{within="1h"}"#, 0.0),
        (r#"rotakey_tokens_rotation_due{within="1d"}"#, 1.0),
    ] {
        assert_eq!(scrape.number(sample), count, "{sample}");
    }
    service.close().await.unwrap();
}

#[tokio::test]
#[ignore = "needs PostgreSQL: run ./tests/with-postgres"]
async fn on_postgres_how_long_a_change_takes_to_be_known_is_measured() {
    let server = Server::start().await;
    let known = async {
        while Scrape::of(&server.admin).await.number("rotakey_change_lag_seconds_count") < 1.0 {
            // Not one change alone: those that are there when the listener first gets into contact are not measured.
            server.admin.create(json!({ "name": "n" })).await.unwrap();
        }
    };
    tokio::time::timeout(DEADLINE, known).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn on_sqlite_a_number_that_cannot_be_counted_is_logged_and_spoils_no_other() {
    let folder = tempfile::tempdir().unwrap();
    let url = format!("sqlite://{}", folder.path().join("own.db").display());
    let server = Process::serve(folder.path(), &url);
    let admin = server.client().with(server.first_value());
    let database = sea_orm::Database::connect(url.as_str()).await.unwrap();
    database.execute_unprepared("DROP INDEX api_token_value_overdue_at_idx").await.unwrap();
    let counted = async {
        loop {
            let scrape = Scrape::of(&admin).await;
            if scrape.get(r#"rotakey_tokens_expiring{within="7d"}"#).is_some() {
                return scrape;
            }
            tokio::task::yield_now().await;
        }
    };
    let scrape = tokio::time::timeout(DEADLINE, counted).await.unwrap();
    assert_eq!(scrape.number(r#"rotakey_tokens{status="ACTIVE",kind="PRIVATE"}"#), 1.0);
    assert_eq!(scrape.get(r#"rotakey_tokens_rotation_due{within="7d"}"#), None);
    assert_eq!(scrape.get("rotakey_tokens_counted_timestamp_seconds"), None, "not all numbers were counted");
    server.logged("some tokens could not be counted");
    database.close().await.unwrap();
}
