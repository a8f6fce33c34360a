//! The use cases of a replica without its endpoints, for what no endpoint shows: what is cached, and what is written.

use std::sync::Arc;

use rotakey::clock::Clock;
use rotakey::domain::id::TokenId;
use rotakey::domain::rule::verification::RequiredScopes;
use rotakey::domain::timestamp::Timestamp;
use rotakey::domain::token::SettingsDraft;
use rotakey::service::{Caller, CreateRequest, Policy, RequestContext, Service, Verification};
use rotakey::store::{ChangeListener, Store};
use sea_orm::ConnectionTrait;

use crate::support::clock::{ManualClock, SECOND, START};
use crate::support::database::TestDatabase;
use crate::support::deadline::until;
use crate::support::entropy::SeededEntropy;

/// The use cases of one replica over a store that the test can look into.
pub struct Replica {
    pub store: Store,
    pub service: Service,
    pub clock: Arc<ManualClock>,
}

/// A token, and a value of it that has been used.
pub struct Used {
    pub id: TokenId,
    pub value: String,
}

impl Replica {
    pub async fn on(database: &TestDatabase, seed: u64) -> Self {
        Self::with(database, seed, Policy::default()).await
    }

    pub async fn with(database: &TestDatabase, seed: u64, policy: Policy) -> Self {
        Self::at(&database.url, seed, policy).await
    }

    /// On the database at this URL.
    pub async fn at(url: &str, seed: u64, policy: Policy) -> Self {
        let store = Store::connect(url).await.unwrap();
        store.migrate().await.unwrap();
        let (clock, entropy) = (Arc::new(ManualClock::new()), Arc::new(SeededEntropy::new(seed)));
        let service = Service::open(store.clone(), clock.clone(), entropy, policy).await.unwrap();
        Self { store, service, clock }
    }

    /// Gets into contact as of the present moment of its clock. Only the listener polls for what is committed later.
    pub async fn contact(&self) -> ChangeListener {
        let mut listener = self.store.listen().await.unwrap();
        listener.wait_and_poll().await.unwrap();
        let behind = self.clock.now_unix_millis() - START;
        // Contact of before must not be taken for the new one.
        self.clock.advance(20 * SECOND);
        let keeping = tokio::spawn(self.service.clone().keep_contact());
        let in_contact = async || {
            self.clock.set(behind);
            listener.wait_and_poll().await.unwrap();
            self.service.in_contact(self.now())
        };
        until("contact", in_contact).await;
        keeping.abort();
        assert!(keeping.await.unwrap_err().is_cancelled());
        listener.wait_and_poll().await.unwrap();
        listener
    }

    pub fn now(&self) -> Timestamp {
        Timestamp::from_unix_millis(self.clock.now_unix_millis())
    }

    pub async fn caller(&self, value: &str) -> Caller {
        self.service.authenticate(value, RequestContext::default()).await.unwrap()
    }

    /// Verifies as the endpoints do: at once where that can be.
    pub async fn verify(&self, value: &str) -> Result<Verification, rotakey::service::Error> {
        let at_once = self.service.try_verify(value, &RequiredScopes::default(), &RequestContext::default());
        if let Some(verification) = at_once {
            return Ok(verification);
        }
        self.service.verify(value, &RequiredScopes::default(), &RequestContext::default()).await
    }

    /// What comes of presenting this: the code of the verification, or of the error.
    pub async fn code_of(&self, value: &str) -> &'static str {
        match self.verify(value).await {
            Ok(verification) => verification.code.as_str(),
            Err(err) => err.code().as_str(),
        }
    }

    /// A token whose value has been used.
    pub async fn used(&self, admin: &Caller, draft: SettingsDraft) -> Used {
        let issued = self.service.create(admin, CreateRequest { draft, ..CreateRequest::default() }).await.unwrap();
        let value = issued.value.expose().to_owned();
        assert_eq!(self.code_of(&value).await, "VALID");
        Used { id: issued.view.token.id, value }
    }

    pub async fn last_use(&self, id: TokenId) -> Option<i64> {
        let token = self.store.find_token(id).await.unwrap().unwrap();
        token.last_used_at.map(|at| at.unix_millis() - START)
    }
}

/// A replica with its admin's value, in contact.
pub async fn start(database: &TestDatabase) -> (Replica, String, ChangeListener) {
    let here = Replica::on(database, 1).await;
    let admin = here.service.bootstrap().await.unwrap().value.expose().to_owned();
    let listener = here.contact().await;
    (here, admin, listener)
}

pub fn named(name: &str) -> SettingsDraft {
    SettingsDraft::new(name)
}

/// Makes every look-up of a value fail, or succeed again.
pub async fn hide(database: &TestDatabase, hidden: bool) {
    let (from, to) = if hidden { ("api_token_value", "away") } else { ("away", "api_token_value") };
    let rename = format!("ALTER TABLE {from} RENAME TO {to}");
    let connection = database.connect().await;
    connection.execute_unprepared(&rename).await.unwrap();
    connection.close().await.unwrap();
}
