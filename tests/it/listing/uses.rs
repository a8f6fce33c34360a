//! `apiTokens`: the filters by how the values of tokens are used.

use rotakey::domain::listing::{Filter, Order, OrderField};
use rotakey::domain::timestamp::Timestamp;
use rotakey::service::{Caller, CreateRequest, PageRequest, RotateRequest};

use crate::support::clock::{MINUTE, START};
use crate::support::database::TestDatabase;
use crate::support::replica::{Replica, named, start};

/// The names of the tokens that this filter finds, in every order.
async fn found(replica: &Replica, admin: &Caller, filter: &Filter) -> Vec<String> {
    let mut all: Option<Vec<String>> = None;
    for field in [OrderField::CreatedAt, OrderField::Name, OrderField::LastUsedAt, OrderField::ExpiresAt] {
        let order = Order { field, descending: false };
        let request = PageRequest { filter: filter.clone(), order, ..PageRequest::default() };
        let page = replica.service.list(admin, request).await.unwrap();
        let mut names: Vec<String> = page.views.iter().map(|view| view.token.settings.name.to_string()).collect();
        names.sort_unstable();
        assert_eq!(all.get_or_insert_with(|| names.clone()), &names, "{field:?}");
    }
    all.unwrap_or_default()
}

#[tokio::test]
async fn a_token_is_unused_since_a_time_if_it_existed_then_and_no_value_was_used_since() {
    for sweep in [false, true] {
        let database = TestDatabase::new().await;
        let (replica, value, _listener) = start(&database).await;
        let admin = replica.caller(&value).await;
        let mut tokens = Vec::new();
        for name in ["early", "late"] {
            tokens.push(replica.used(&admin, named(name)).await);
        }
        let never = CreateRequest { draft: named("never"), ..CreateRequest::default() };
        replica.service.create(&admin, never).await.unwrap();
        let tidy = async || {
            replica.service.write_uses().await.unwrap();
            if sweep {
                replica.service.sweep().await.unwrap();
            }
        };
        tidy().await;
        // Again, long after the first use, and before and after housekeeping.
        replica.clock.set(20 * MINUTE);
        replica.verify(&tokens[1].value).await.unwrap();
        tidy().await;
        replica.clock.set(30 * MINUTE);
        replica.used(&admin, named("new")).await;
        tidy().await;
        let admin = replica.caller(&value).await;
        let since = |millis: i64| Filter {
            unused_since: Some(Timestamp::from_unix_millis(START + millis)),
            ..Filter::default()
        };
        let all = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
        assert_eq!(found(&replica, &admin, &since(0)).await, all(&[]));
        assert_eq!(found(&replica, &admin, &since(1)).await, all(&["admin", "early", "never"]), "{sweep}");
        assert_eq!(found(&replica, &admin, &since(20 * MINUTE)).await, all(&["admin", "early", "never"]));
        let later = all(&["admin", "early", "late", "never"]);
        assert_eq!(found(&replica, &admin, &since(20 * MINUTE + 1)).await, later);
    }
}

#[tokio::test]
async fn the_use_of_a_previous_value_counts_from_the_rotation_until_its_overlap_ends() {
    for sweep in [false, true] {
        let database = TestDatabase::new().await;
        let (replica, value, _listener) = start(&database).await;
        let admin = replica.caller(&value).await;
        let token = replica.used(&admin, named("rotated")).await;
        replica.used(&admin, named("other")).await;
        let tidy = async || {
            replica.service.write_uses().await.unwrap();
            if sweep {
                replica.service.sweep().await.unwrap();
            }
        };
        tidy().await;
        replica.clock.set(MINUTE);
        let holder = replica.caller(&token.value).await;
        replica.clock.set(MINUTE + 1);
        replica.service.rotate(&holder, &RotateRequest::default()).await.unwrap();
        tidy().await;
        let within = |minutes| Filter { previous_value_used_within_minutes: Some(minutes), ..Filter::default() };
        let none: Vec<String> = Vec::new();
        let admin = replica.caller(&value).await;
        assert_eq!(found(&replica, &admin, &within(60)).await, none, "it was used before the rotation only");
        replica.clock.set(2 * MINUTE);
        replica.verify(&token.value).await.unwrap();
        tidy().await;
        for (minute, minutes, is_found) in [(3, 1, true), (4, 1, false), (4, 2, true), (10, 60, true)] {
            replica.clock.set(minute * MINUTE);
            let expected = if is_found { vec!["rotated".to_owned()] } else { none.clone() };
            assert_eq!(found(&replica, &admin, &within(minutes)).await, expected, "{minute} {minutes} {sweep}");
        }
        replica.clock.set(11 * MINUTE + 1);
        assert_eq!(found(&replica, &admin, &within(60)).await, none, "the overlap has ended");
    }
}

#[tokio::test]
async fn the_first_use_of_a_previous_value_is_found_at_once() {
    // Housekeeping comes to the token before the rotation, before the use, after it, or not at all.
    for sweep_at in 0..4 {
        let database = TestDatabase::new().await;
        let (replica, value, _listener) = start(&database).await;
        let admin = replica.caller(&value).await;
        let sweep = async |step| {
            if step == sweep_at {
                replica.service.sweep().await.unwrap();
            }
        };
        let unused = CreateRequest { draft: named("unused"), ..CreateRequest::default() };
        let unused = replica.service.create(&admin, unused).await.unwrap();
        sweep(0).await;
        replica.clock.set(MINUTE);
        let id = Some(unused.view.token.id.to_string());
        replica.service.rotate(&admin, &RotateRequest { id, ..RotateRequest::default() }).await.unwrap();
        sweep(1).await;
        replica.clock.set(2 * MINUTE);
        let within = Filter { previous_value_used_within_minutes: Some(5), ..Filter::default() };
        assert_eq!(found(&replica, &admin, &within).await, Vec::<String>::new(), "{sweep_at}");
        assert_eq!(replica.code_of(unused.value.expose()).await, "VALID");
        sweep(2).await;
        assert_eq!(found(&replica, &admin, &within).await, ["unused"], "{sweep_at}");
    }
}
