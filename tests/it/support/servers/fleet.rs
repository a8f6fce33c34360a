//! Replicas as they are deployed: on one database, each on a host whose clock may be wrong.

use std::sync::Arc;

use rotakey::app;
use rotakey::config::DatabaseFlags;
use rotakey::entropy::SystemEntropy;
use rotakey::service::Policy;
use tokio::sync::watch;

use super::server::behind_local_proxy;
use crate::support::client::Client;
use crate::support::clock::WrongClock;
use crate::support::database::TestDatabase;

pub struct Fleet {
    /// The holder of the first token at each replica.
    pub admins: Vec<Client>,
    /// The clock of each replica. On SQLite there is one, because processes that share a file share a host.
    pub clocks: Vec<Arc<WrongClock>>,
    pub database: TestDatabase,
    _stop: watch::Sender<bool>,
}

impl Fleet {
    /// Starts a replica for each of these clocks, which are ahead by so many milliseconds.
    pub async fn start(ahead_millis: &[i64]) -> Self {
        Self::start_on(TestDatabase::new().await, ahead_millis).await
    }

    /// As [`Fleet::start`], on this database.
    pub async fn start_on(database: TestDatabase, ahead_millis: &[i64]) -> Self {
        let clocks: Vec<Arc<WrongClock>> = if database.is_sqlite() {
            let shared = Arc::new(WrongClock::ahead(ahead_millis[0]));
            ahead_millis.iter().map(|_| shared.clone()).collect()
        } else {
            ahead_millis.iter().map(|millis| Arc::new(WrongClock::ahead(*millis))).collect()
        };
        let url = DatabaseFlags { database_url: database.url.clone() }.validate().unwrap();
        let (stop, stopped) = watch::channel(false);
        let (mut admins, mut value) = (Vec::new(), None);
        for clock in &clocks {
            let service = app::open(&url, clock.clone(), Arc::new(SystemEntropy), Policy::default()).await.unwrap();
            if let Some(first) = service.bootstrap_if_empty().await.unwrap() {
                value = Some(first.value.expose().to_owned());
            }
            let listener = app::bind("127.0.0.1:0".parse().unwrap()).await.unwrap();
            let url = format!("http://{}", listener.local_addr().unwrap());
            tokio::spawn(app::serve(listener, service, behind_local_proxy(), stopped.clone()));
            admins.push(Client::anonymous(&url).with(value.as_deref().unwrap()));
        }
        Self { admins, clocks, database, _stop: stop }
    }

    /// The same client at each replica.
    pub fn everywhere<'a>(&'a self, client: &'a Client) -> impl Iterator<Item = Client> + 'a {
        let value = client.value.as_deref().unwrap();
        self.admins.iter().map(move |admin| admin.with(value))
    }
}
