//! On PostgreSQL, a text is looked up by the part of it that few tokens have: its index has a list for each trigram.

use rotakey::domain::listing::{End, Filter, MAX_EXAMINED, Order, Page};
use sea_orm::{ConnectionTrait, DbBackend, Statement};

use super::query_plans::{SIZE, filled};

#[tokio::test]
#[ignore = "needs PostgreSQL: run ./tests/with-postgres"]
async fn on_postgres_a_text_is_looked_up_by_the_part_that_few_tokens_have() {
    let (server, store, now) = filled().await;
    let connection = server.database.connect().await;
    connection.execute_unprepared("ALTER TABLE api_token SET (autovacuum_enabled = false)").await.unwrap();
    let page = |text: &str, in_all: bool| {
        let text = Some(text.to_owned());
        let filter =
            if in_all { Filter { text, ..Filter::default() } } else { Filter { name: text, ..Filter::default() } };
        let (order, max_examined) = (Order::default(), MAX_EXAMINED);
        Page { filter, order, after: None, before: None, size: SIZE, end: End::First, max_examined }
    };
    let lookups = async |text: &str, in_all: bool| {
        let lookups = store.explain_list(&page(text, in_all), now).await.unwrap().lookups;
        lookups
            .iter()
            .flat_map(|plan| plan.lines())
            .filter(|line| line.contains("Index Cond: (lower"))
            .collect::<String>()
    };
    let whole = lookups("Token 1999", false).await;
    assert!(whole.contains("%token 1999%"), "few tokens have any part: {whole}");
    // As if the same texts were those of 50 times as many tokens.
    let more = "UPDATE pg_class SET reltuples = 1000000 WHERE oid = 'api_token'::regclass";
    connection.execute_unprepared(more).await.unwrap();
    for in_all in [false, true] {
        let part = lookups("Token 1999", in_all).await;
        assert!(part.contains("1999%") && !part.contains("token"), "{part}");
        for text in ["token", "oken to", "---"] {
            assert_eq!(lookups(text, in_all).await, "", "{text} is not looked up");
        }
    }
    // As if they were those of 500 times as many: a part that is in the sample once is expected in 99,000 tokens.
    let most = "UPDATE pg_class SET reltuples = 10000000 WHERE oid = 'api_token'::regclass";
    connection.execute_unprepared(most).await.unwrap();
    let sampled = "SELECT right((histogram_bounds::text::text[])[50], 4) FROM pg_stats WHERE tablename = 'api_token' AND attname = 'name'";
    let sampled =
        connection.query_one_raw(Statement::from_string(DbBackend::Postgres, sampled)).await.unwrap().unwrap();
    let sampled: String = sampled.try_get_by_index(0).unwrap();
    assert!(!lookups(&sampled, false).await.is_empty(), "{sampled} is in the sample by chance");
    assert_eq!(lookups("token", false).await, "");
    let french = "UPDATE api_token SET name = replace(name, 'token', 'École')";
    for sql in [french, "ANALYZE api_token", more] {
        connection.execute_unprepared(sql).await.unwrap();
    }
    let plans = store.explain_list(&page("École", false), now).await.unwrap();
    assert!(plans.lookups.is_empty(), "a capital that is not in ASCII is as frequent as the small letter: {plans:?}");
    connection.close().await.unwrap();
    store.close().await.unwrap();
}
