//! The body of a message, which the domain writes by itself.

use proptest::prelude::*;
use rotakey::domain::id::{NoticeId, TokenId, WebhookId};
use rotakey::domain::notice::{Notice, NoticeKind, Subject};
use rotakey::domain::timestamp::Timestamp;
use rotakey::domain::token::TokenKind;
use serde_json::{Value, json};

use crate::support::clock::START;

proptest! {
    #[test]
    fn a_message_is_json_whatever_a_token_is_called(name in any::<String>(), owner in any::<Option<String>>()) {
        let now = Timestamp::from_unix_millis(START);
        let (id, token) = (NoticeId::new(now, [1; 10]), TokenId::new(now, [2; 10]));
        let (named, owned) = (name.as_str().into(), owner.as_deref().map(Into::into));
        let subject = Subject { id: token, name: named, owner: owned, kind: TokenKind::Public };
        let webhook = WebhookId::new(now, [3; 10]);
        let notice = Notice { subject: Some(subject), kind: NoticeKind::Unused, webhook: None, ..Notice::test(webhook, id, now) };
        let message: Value = serde_json::from_str(&notice.message()).unwrap();
        let token = json!({ "id": token.to_string(), "name": name, "owner": owner, "kind": "PUBLIC" });
        let expected = json!({ "type": "api_token.unused", "timestamp": now.to_string(), "data": { "token": token } });
        prop_assert_eq!(message, expected);
    }
}
