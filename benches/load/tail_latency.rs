//! Latencies at a given rate, without coordinated omission: requests are scheduled at fixed times, whether or not earlier responses have
//! arrived, and a latency counts from the scheduled time. So a server that stalls cannot hide it by slowing its clients down.

use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use tokio::sync::mpsc;

use crate::client::Connection;
use crate::machine::{CoreSet, pinned};
use crate::wrk::Requests;

const CONNECTIONS: usize = 32;

/// The argument that starts this program as such a client.
pub const PACED: &str = "--paced";

/// The 99th percentile of the latencies in microseconds at this many requests per second, from a process on the cores of the load.
pub fn p99_micros(host: &str, requests: &Requests, rate: f64, time: Duration) -> f64 {
    let mut command: Command = pinned(CoreSet::Load, &std::env::current_exe().unwrap());
    command.args([PACED, host]).arg(requests.path()).args([rate.to_string(), time.as_secs().to_string()]);
    let output = command.stderr(Stdio::inherit()).output().unwrap();
    String::from_utf8_lossy(&output.stdout).trim().parse().unwrap()
}

/// Runs this program as such a client.
pub fn run(arguments: &[String]) {
    let [host, path, rate, seconds] = arguments else { panic!("{arguments:?}") };
    let (rate, seconds): (f64, f64) = (rate.parse().unwrap(), seconds.parse().unwrap());
    let requests = Arc::new(Requests::all(path.as_ref()));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let mut latencies = runtime.block_on(paced(host, requests, rate, seconds));
    latencies.sort();
    println!("{}", latencies[latencies.len() * 99 / 100].as_secs_f64() * 1e6);
}

async fn paced(host: &str, requests: Arc<Vec<Vec<u8>>>, rate: f64, seconds: f64) -> Vec<Duration> {
    let latencies = Arc::new(Mutex::new(Vec::new()));
    let (mut senders, mut tasks) = (Vec::new(), Vec::new());
    for _ in 0..CONNECTIONS {
        let mut connection = Connection::open(host).await;
        let (sender, mut due) = mpsc::unbounded_channel::<(usize, Instant)>();
        let (requests, latencies) = (requests.clone(), latencies.clone());
        senders.push(sender);
        tasks.push(tokio::spawn(async move {
            while let Some((number, due)) = due.recv().await {
                let (status, _) = connection.exchange(&requests[number % requests.len()]).await;
                assert_eq!(status, 200);
                latencies.lock().unwrap().push(due.elapsed());
            }
        }));
    }
    let started = Instant::now();
    let due = |number: usize| started + Duration::from_secs_f64(number as f64 / rate);
    let last = (rate * seconds) as usize;
    let mut number = 0;
    // Never sleeps, because timers are coarser than the time between two requests.
    while number < last {
        while number < last && due(number) <= Instant::now() {
            senders[number % CONNECTIONS].send((number, due(number))).unwrap();
            number += 1;
        }
        tokio::task::yield_now().await;
    }
    drop(senders);
    for task in tasks {
        task.await.unwrap();
    }
    Arc::into_inner(latencies).unwrap().into_inner().unwrap()
}
