//! Rotations on a server whose writes are recorded.

use serde_json::json;
use tokio::task::{JoinSet, block_in_place};

use nix::sys::signal::Signal;

use super::recording::Recorder;
use crate::load::{Answer, Calls, Issued};
use crate::site::Address;
use crate::support::process::{self, Process};

const CLIENTS: usize = 12;
/// Long enough that no overlap ends before the last image of the disk is checked.
const OVERLAP_MINUTES: u32 = 60 * 24 * 7;

/// A value that a client received, and how long the recording was then.
#[derive(Clone, Debug)]
pub struct Acknowledged {
    /// Before the request was sent.
    pub sent: u64,
    /// After the answer was received.
    pub received: u64,
    pub value: String,
    pub generation: u32,
    pub idempotency_key: Option<String>,
}

/// The only holder of a token.
#[derive(Clone, Debug)]
pub struct Client {
    pub name: String,
    pub token: String,
    /// Its values: of the creation, then of each rotation.
    pub acknowledged: Vec<Acknowledged>,
}

/// Starts a server on the database in this folder.
pub fn serve(recorder: Option<&Recorder>, folder: &std::path::Path) -> Process {
    let url = format!("sqlite://{}", folder.join("rotakey.db").display());
    let mut command = process::command(folder.parent().unwrap());
    command.args(["serve", "--listen", "127.0.0.1:0", "--log", "info", "--database-url", &url]);
    command.envs(recorder.map(Recorder::environment).into_iter().flatten());
    block_in_place(|| Process::listening(command))
}

/// Rotates this often, and kills the server in between. The recording ends with the stop of the server.
pub async fn record(recorder: &Recorder, calls: &Calls, rotations: u32, mut random: fastrand::Rng) -> Vec<Client> {
    let server = serve(Some(recorder), &recorder.folder);
    let (address, admin) = (Address::Balancer(server.url.clone()), server.first_value());
    let mut clients = Vec::new();
    for number in 0..CLIENTS {
        let input = json!({ "name": format!("token {number}"), "overlapMinutes": OVERLAP_MINUTES });
        let sent = recorder.length();
        let answer = calls.create(&address, "admin", &admin, input).await;
        let Answer::Done(Issued { id, value, generation }) = answer else { panic!("no token: {answer:?}") };
        let created = Acknowledged { sent, received: recorder.length(), value, generation, idempotency_key: None };
        clients.push(Client { name: format!("client {number}"), token: id, acknowledged: vec![created] });
    }
    let each = (rotations as usize).div_ceil(2 * CLIENTS);
    let clients = rotate(recorder, calls, &address, clients, each, &mut random).await;
    // What SQLite does when it is started after a kill is recorded as well.
    server.signal(Signal::SIGKILL);
    block_in_place(|| server.ended());
    let server = serve(Some(recorder), &recorder.folder);
    let address = Address::Balancer(server.url.clone());
    let clients = rotate(recorder, calls, &address, clients, each, &mut random).await;
    server.signal(Signal::SIGTERM);
    let (status, _, log) = block_in_place(|| server.ended());
    assert!(status.success(), "{log}");
    clients
}

/// Lets each client rotate this often, all at the same time.
async fn rotate(
    recorder: &Recorder,
    calls: &Calls,
    address: &Address,
    clients: Vec<Client>,
    times: usize,
    random: &mut fastrand::Rng,
) -> Vec<Client> {
    let mut running = JoinSet::new();
    for mut client in clients {
        let (recorder, calls, address, mut random) = (recorder.clone(), calls.clone(), address.clone(), random.fork());
        running.spawn(async move {
            for _ in 0..times {
                client.rotate(&recorder, &calls, &address, &mut random).await;
            }
            client
        });
    }
    running.join_all().await
}

impl Client {
    async fn rotate(&mut self, recorder: &Recorder, calls: &Calls, address: &Address, random: &mut fastrand::Rng) {
        let presented = &self.acknowledged.last().unwrap().value;
        let idempotency_key = random.bool().then(|| format!("{} {}", self.name, self.acknowledged.len()));
        let sent = recorder.length();
        let answer = calls.rotate(address, &self.name, &self.token, presented, idempotency_key.as_deref()).await;
        let received = recorder.length();
        let Answer::Done(Issued { value, generation, .. }) = answer else { panic!("no rotation: {answer:?}") };
        // A value whose first use is a verification.
        if random.u8(0..4) == 0 {
            assert_eq!(calls.verify(address, &self.name, &self.token, &value).await, Answer::Done(generation));
        }
        self.acknowledged.push(Acknowledged { sent, received, value, generation, idempotency_key });
    }
}
