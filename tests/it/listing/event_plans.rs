//! Every filter of the audit log is read from an index.

use std::collections::BTreeSet;

use rotakey::domain::audit::{Action, AuditFilter, EventPage};
use rotakey::domain::id::{EventId, TokenId};
use rotakey::domain::listing::End;
use rotakey::domain::timestamp::Timestamp;

use super::query_plans::{SIZE, Setter, check, combine, filled, names, set};
use crate::support::clock::{MINUTE, START};

fn event_filters(field: &str) -> Vec<Setter<AuditFilter>> {
    let token = |number: u64| TokenId::parse(&format!("tok_01JZZZZZZZ{}", 1_000_000_000_000_000 + number)).unwrap();
    let moment = |offset| Timestamp::from_unix_millis(START + offset);
    match field {
        "actions" => set(
            vec![
                BTreeSet::from([Action::Created]),
                BTreeSet::from([Action::Revoked]),
                BTreeSet::from([Action::Created, Action::Updated, Action::Rotated]),
            ],
            |filter| &mut filter.actions,
        ),
        "tokenId" => set(vec![token(2), token(999_999)], |filter| &mut filter.token_id),
        "actorId" => set(vec![token(1), token(999_999)], |filter| &mut filter.actor_id),
        "since" => set(vec![moment(-MINUTE), moment(MINUTE)], |filter| &mut filter.since),
        "until" => set(vec![moment(-MINUTE), moment(MINUTE)], |filter| &mut filter.until),
        other => panic!("no plan is tested for the filter {other} of events"),
    }
}

#[tokio::test]
async fn every_filter_of_events_is_read_from_an_index() {
    let (server, store, _) = filled().await;
    let fields = names(&server, "AuditEventFilter", "inputFields").await;
    let filters =
        fields.iter().fold(vec![AuditFilter::default()], |filters, field| combine(filters, &event_filters(field)));
    let middle = EventId::parse("evt_01JZZZZZZZ1000000000010000").unwrap();
    for filter in filters.iter().filter(|filter| filter.token_id.is_none() || filter.actor_id.is_none()) {
        for (end, after, before) in [
            (End::First, None, None),
            (End::First, Some(middle), None),
            (End::Last, None, None),
            (End::Last, None, Some(middle)),
        ] {
            let page = EventPage { filter: filter.clone(), after, before, size: SIZE, end };
            let walks = *filter == AuditFilter::default();
            check(&server.database, &store.explain_events(&page).await.unwrap(), walks, &page);
        }
    }
    store.close().await.unwrap();
}
