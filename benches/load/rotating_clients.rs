//! Clients that rotate their own tokens through `/graphql`, each with the value from its last response.

use std::time::{Duration, Instant};

use crate::client::{Connection, graphql};

const ROTATE: &str = "mutation rotateAPIToken { rotateAPIToken { token { value } } }";

/// Holders of one token each, which keep their newest values from round to round.
pub struct Holders {
    values: Vec<String>,
}

impl Holders {
    /// The holders of these values.
    pub fn of(values: impl Iterator<Item = String>) -> Self {
        Self { values: values.collect() }
    }

    /// The rotations per second of all clients together.
    pub async fn rate(&mut self, host: &str, time: Duration) -> f64 {
        let started = Instant::now();
        let rotations = self.rotate(host, time).await;
        f64::from(rotations) / started.elapsed().as_secs_f64()
    }

    /// Rotates for this time; returns how often. Each client sends its next request as soon as it has a response.
    pub async fn rotate(&mut self, host: &str, time: Duration) -> u32 {
        let started = Instant::now();
        let tasks =
            self.values.drain(..).map(|value| tokio::spawn(rotate_until(host.to_owned(), value, started + time)));
        let tasks: Vec<_> = tasks.collect();
        let mut rotations = 0;
        for task in tasks {
            let (value, count) = task.await.unwrap();
            self.values.push(value);
            rotations += count;
        }
        rotations
    }
}

async fn rotate_until(host: String, mut value: String, end: Instant) -> (String, u32) {
    let mut connection = Connection::open(&host).await;
    let mut count = 0;
    while Instant::now() < end {
        let request = graphql(&value, ROTATE, &serde_json::json!({}));
        let (status, body) = connection.exchange(request.as_bytes()).await;
        let issued = body.split(r#""value":""#).nth(1).and_then(|rest| rest.split('"').next());
        assert!(status == 200 && issued.is_some(), "a rotation was answered with {status}");
        value = issued.unwrap().to_owned();
        count += 1;
    }
    (value, count)
}
