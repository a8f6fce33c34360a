//! An outbox with a sender of its own, by a clock that stands still.

use std::sync::Arc;

use rotakey::clock::Clock;
use rotakey::domain::delivery::AllowedNetworks;
use rotakey::domain::id::{NoticeId, TokenId, WebhookId};
use rotakey::domain::notice::{
    Delivery, DeliveryStatus, Notice, NoticeKind, Subject, Webhook, WebhookChange, WebhookSecret,
};
use rotakey::domain::timestamp::Timestamp;
use rotakey::domain::token::{Actor, TokenKind};
use rotakey::notice::{Settings, run};
use rotakey::service::{Policy, Service};
use rotakey::store::Store;
use sea_orm::{ConnectionTrait, Statement};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::support::clock::ManualClock;
use crate::support::database::TestDatabase;
use crate::support::deadline::{soon, until};
use crate::support::entropy::SeededEntropy;
use crate::support::server::Server;

/// What every webhook is signed with.
pub fn secret() -> WebhookSecret {
    WebhookSecret::from_entropy(&std::array::from_fn(|at| u8::try_from(at).unwrap()))
}

pub fn token(number: u8) -> TokenId {
    TokenId::new(Timestamp::MIN, [number; 10])
}

/// One replica, over a store that the test can look into.
pub struct Outbox {
    pub store: Store,
    pub service: Service,
    pub clock: Arc<ManualClock>,
    pub database: Arc<TestDatabase>,
}

/// A sender that runs.
pub struct Sender {
    task: JoinHandle<()>,
    stop: CancellationToken,
}

impl Sender {
    /// Stops it, and waits until it has.
    pub async fn stop(self) {
        self.stop.cancel();
        soon(self.task).await.unwrap();
    }

    /// Ends it wherever it is, as a crash does.
    pub async fn kill(self) {
        self.task.abort();
        assert!(soon(self.task).await.unwrap_err().is_cancelled());
    }
}

impl Outbox {
    pub async fn new() -> Self {
        Self::on(Arc::new(TestDatabase::new().await), Arc::new(ManualClock::new()), 1).await
    }

    /// A replica of this server.
    pub async fn beside(server: &Server) -> Self {
        Self::on(server.database.clone(), server.clock.clone(), 2).await
    }

    /// Another replica on the same database and clock.
    pub async fn replica(&self, seed: u64) -> Self {
        Self::on(self.database.clone(), self.clock.clone(), seed).await
    }

    async fn on(database: Arc<TestDatabase>, clock: Arc<ManualClock>, seed: u64) -> Self {
        let store = Store::connect(&database.url).await.unwrap();
        store.migrate().await.unwrap();
        let entropy = Arc::new(SeededEntropy::new(seed));
        let service = Service::open(store.clone(), clock.clone(), entropy, Policy::default()).await.unwrap();
        Self { store, service, clock, database }
    }

    pub fn now(&self) -> Timestamp {
        Timestamp::from_unix_millis(self.clock.now_unix_millis())
    }

    /// Moves the clock, and has the sender look what is due.
    pub fn advance(&self, millis: i64) {
        self.clock.advance(millis);
        self.service.notices_written().notify_one();
    }

    /// A sender that may connect to this machine.
    pub fn send(&self) -> Sender {
        self.send_into("127.0.0.0/8")
    }

    pub fn send_into(&self, networks: &str) -> Sender {
        let stop = CancellationToken::new();
        let settings = Settings { networks: AllowedNetworks::parse(networks).unwrap(), ..Settings::default() };
        let task = tokio::spawn(run(settings, self.service.clone(), stop.clone()));
        Sender { task, stop }
    }

    /// A webhook with this URL, which gets all notices.
    pub async fn webhook(&self, number: u8, url: &str) -> WebhookId {
        let change = WebhookChange { url: Some(url.to_owned()), ..WebhookChange::default() };
        let id = WebhookId::new(self.now(), [number; 10]);
        let webhook = Webhook::new(id, change.apply(None).unwrap(), self.now(), Actor::System);
        let transaction = self.store.begin().await.unwrap();
        transaction.insert_webhook(&webhook, &secret()).await.unwrap();
        transaction.commit().await.unwrap();
        id
    }

    /// A notice about this token.
    pub fn notice(&self, number: u8, about: u8) -> Notice {
        let id = NoticeId::new(self.now(), [number; 10]);
        let subject = Subject { id: token(about), name: "n".into(), owner: None, kind: TokenKind::Private };
        let test = Notice::test(WebhookId::new(self.now(), [0; 10]), id, self.now());
        Notice { kind: NoticeKind::Revoked, subject: Some(subject), webhook: None, ..test }
    }

    /// Writes notices, each about a token of this number.
    pub async fn write(&self, notices: &[(u8, u8)]) {
        let notices: Vec<Notice> = notices.iter().map(|(number, about)| self.notice(*number, *about)).collect();
        let transaction = self.store.begin().await.unwrap();
        transaction.enqueue(&notices).await.unwrap();
        transaction.commit().await.unwrap();
    }

    /// All deliveries to a webhook, oldest first.
    pub async fn deliveries(&self, webhook: WebhookId) -> Vec<Delivery> {
        let mut deliveries = self.store.deliveries(webhook, None, 1_000).await.unwrap().deliveries;
        deliveries.reverse();
        deliveries
    }

    pub async fn statuses(&self, webhook: WebhookId) -> Vec<DeliveryStatus> {
        self.deliveries(webhook).await.iter().map(Delivery::status).collect()
    }

    /// Waits until the deliveries to a webhook have these statuses.
    pub async fn until_statuses(&self, webhook: WebhookId, statuses: &[DeliveryStatus]) {
        let what = format!("{statuses:?}");
        until(&what, async || self.statuses(webhook).await == statuses).await;
    }

    /// Waits until this many attempts of the oldest delivery were noted, the last one as a failure; returns it.
    pub async fn until_failed(&self, webhook: WebhookId, attempts: u32) -> Delivery {
        until("a failed attempt", async || {
            let delivery = &self.deliveries(webhook).await[0];
            delivery.attempts == attempts && delivery.last_error.is_some() && !self.is_claimed(webhook).await
        })
        .await;
        self.deliveries(webhook).await.swap_remove(0)
    }

    /// Whether a delivery to this webhook is on its way.
    async fn is_claimed(&self, webhook: WebhookId) -> bool {
        self.count(&format!("webhook_delivery WHERE claim IS NOT NULL AND webhook_id = '{webhook}'")).await > 0
    }

    /// How often the audit log says that this webhook was disabled.
    pub async fn disabled_events(&self, webhook: WebhookId) -> i64 {
        self.count(&format!("audit_event WHERE action = 'WEBHOOK_DISABLED' AND webhook_id = '{webhook}'")).await
    }

    /// Changes the database behind the server's back.
    pub async fn execute(&self, sql: &str) {
        let connection = self.database.connect().await;
        connection.execute_unprepared(sql).await.unwrap();
        connection.close().await.unwrap();
    }

    /// How many rows these are.
    pub async fn count(&self, rows: &str) -> i64 {
        let connection = self.database.connect().await;
        let sql = format!("SELECT count(*) FROM {rows}");
        let statement = Statement::from_string(connection.get_database_backend(), sql);
        let row = connection.query_one_raw(statement).await.unwrap().unwrap();
        connection.close().await.unwrap();
        row.try_get_by_index(0).unwrap()
    }

    pub async fn facts(&self, webhook: WebhookId) -> Webhook {
        self.store.webhook(webhook).await.unwrap().unwrap()
    }
}
