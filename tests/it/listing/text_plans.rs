//! On PostgreSQL, a text is looked up by the part of it that few tokens have: its index has a list for each trigram.

use rotakey::domain::listing::{End, Filter, MAX_EXAMINED, Order, Page};
use sea_orm::ConnectionTrait;

use super::query_plans::{SIZE, filled};

#[tokio::test]
#[ignore = "needs PostgreSQL: run ./tests/with-postgres"]
async fn on_postgres_a_text_is_looked_up_by_the_part_that_few_tokens_have() {
    let (server, store, now) = filled().await;
    let connection = server.database.connect().await;
    let lookups = async |text: &str, in_all: bool| {
        let text = Some(text.to_owned());
        let filter =
            if in_all { Filter { text, ..Filter::default() } } else { Filter { name: text, ..Filter::default() } };
        let (order, max_examined) = (Order::default(), MAX_EXAMINED);
        let page = Page { filter, order, after: None, before: None, size: SIZE, end: End::First, max_examined };
        let lookups = store.explain_list(&page, now).await.unwrap().lookups;
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
    connection.close().await.unwrap();
    store.close().await.unwrap();
}
