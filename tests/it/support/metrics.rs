//! The metrics of a server, as Prometheus reads them.

use super::client::Client;

/// One scrape.
#[derive(Debug)]
pub struct Scrape(pub String);

impl Scrape {
    /// Reads them as this client.
    pub async fn of(client: &Client) -> Self {
        let answer = client.request("GET", "/metrics").send().await.unwrap();
        assert_eq!(answer.status().as_u16(), 200);
        Self(answer.text().await.unwrap())
    }

    /// The sample of this name and these labels, as the text has them: `name{label="value"}`.
    pub fn get(&self, sample: &str) -> Option<f64> {
        let line = self.0.lines().find_map(|line| line.strip_prefix(sample)?.strip_prefix(' '))?;
        Some(line.parse().unwrap())
    }

    /// As [`Scrape::get`], of a sample that is there.
    pub fn number(&self, sample: &str) -> f64 {
        self.get(sample).unwrap_or_else(|| panic!("no {sample} in {}", self.0))
    }

    /// The values of this label of this sample.
    pub fn labels(&self, name: &str, label: &str) -> Vec<&str> {
        let of_name = self.0.lines().filter(|line| line.starts_with(&format!("{name}{{")));
        of_name.filter_map(|line| line.split(&format!("{label}=\"")).nth(1)?.split('"').next()).collect()
    }
}
