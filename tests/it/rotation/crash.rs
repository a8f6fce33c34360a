//! R13: killing the process at any moment loses no acknowledged rotation and leaves no client without a working value.

use std::sync::Arc;

use nix::sys::signal::Signal;
use serde_json::json;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use crate::support::client::Client;
use crate::support::database::TestDatabase;
use crate::support::deadline::soon;
use crate::support::process::Process;

const CLIENTS: usize = 32;

/// Rotates until the server is gone; keeps the newest value of an answer.
async fn rotate_until_cut_off(mut client: Client, acknowledged: Arc<Semaphore>) -> Client {
    loop {
        let body = json!({ "query": crate::support::client::ROTATE });
        let Ok(response) = client.request("POST", "/graphql").json(&body).send().await else { return client };
        let Ok(text) = response.text().await else { return client };
        let value = crate::support::process::find_value(&text).unwrap_or_else(|| panic!("no new value in: {text}"));
        client = client.with(value);
        acknowledged.add_permits(1);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn r13_a_kill_in_the_middle_of_rotations_loses_nothing_that_was_acknowledged() {
    let database = TestDatabase::new().await;
    let folder = database.folder();
    let mut server = Process::serve(&folder, &database.url);
    let admin = server.client().with(server.first_value());
    let mut holders = Vec::new();
    for number in 0..CLIENTS {
        holders.push(admin.create(json!({ "name": format!("holder {number}") })).await.unwrap().client);
    }
    // Each round is cut off after another number of rotations, so at another instruction.
    for cut_off_after in [1, 33, 70, 150] {
        let acknowledged = Arc::new(Semaphore::new(0));
        let mut running = JoinSet::new();
        for holder in holders.drain(..) {
            running.spawn(rotate_until_cut_off(holder.at(&server.url), acknowledged.clone()));
        }
        drop(soon(acknowledged.acquire_many(cut_off_after)).await.unwrap());
        server.signal(Signal::SIGKILL);
        let (status, _, _) = server.ended();
        assert!(!status.success());

        server = Process::serve(&folder, &database.url);
        while let Some(holder) = soon(running.join_next()).await {
            let holder = holder.unwrap().at(&server.url);
            // The newest acknowledged value works, if only as the previous one of a rotation whose answer was cut off.
            assert!(holder.check().await.is_ok(), "{:?}", holder.check().await);
            holders.push(holder);
        }
        // Clients that were cut off mid-rotation may rotate again after the guard; the others immediately.
        for holder in &mut holders {
            match holder.rotate().await {
                Ok(value) => *holder = holder.with(value),
                Err(code) => assert_eq!(code, "ROTATION_CONFLICT"),
            }
        }
        // Those in conflict would have to wait out the guard; fresh tokens go on in their place.
        for holder in &mut holders {
            let admin = admin.at(&server.url);
            *holder = admin.create(json!({ "name": "next" })).await.unwrap().client;
        }
    }
}
