//! `apiTokens`: the search in all texts of a token.

use serde_json::{Value, json};

use super::conditions::check;
use super::filters_and_pages::{list, names};
use crate::support::server::Server;

#[tokio::test]
async fn a_text_is_found_in_names_owners_and_descriptions_as_they_now_are() {
    let server = Server::start().await;
    let admin = &server.admin;
    for (name, owner, description) in [
        ("Invoices", Some("billing"), None),
        ("b", Some("Invoice team"), Some("nightly")),
        ("c", None, Some("100 % of the invoices: \"all\"")),
        ("d", Some("b"), Some("in")),
    ] {
        admin.create(json!({ "name": name, "owner": owner, "description": description })).await.unwrap();
    }
    let cases: [(Value, &[&str]); 9] = [
        (json!({ "text": "INVOICE" }), &["Invoices", "b", "c"]),
        (json!({ "text": "billing" }), &["Invoices"]),
        (json!({ "text": "0 % of" }), &["c"]),
        (json!({ "text": "s: \"all\"" }), &["c"]),
        (json!({ "text": "b", "kind": "PRIVATE" }), &["Invoices", "admin", "b", "d"]),
        (json!({ "text": "invoicesbilling" }), &[]),
        (json!({ "text": "invoice", "owner": "billing" }), &["Invoices"]),
        (json!({ "text": "invoice", "name": "voices" }), &["Invoices"]),
        (json!({ "name": "billing" }), &[]),
    ];
    check(&server, &cases).await;
    let id = admin.create(json!({ "name": "e", "description": "first words" })).await.unwrap().id;
    for (change, cases) in [
        (json!({ "description": "other words" }), [("first", false), ("other", true), ("words", true)]),
        (json!({ "owner": "somebody else" }), [("other", true), ("body el", true), ("first", false)]),
        (json!({ "description": null }), [("other", false), ("words", false), ("somebody", true)]),
        (json!({ "owner": null, "name": "renamed" }), [("somebody", false), ("rename", true), ("words", false)]),
    ] {
        let mut input = change;
        input["id"] = json!(id);
        admin.update(input.clone()).await.unwrap();
        for (text, is_found) in cases {
            let page = list(&server, json!({ "filter": { "text": text } })).await;
            assert_eq!(names(&page).len(), usize::from(is_found), "{input} {text}");
        }
    }
}
