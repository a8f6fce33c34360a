//! The exposition: metrics as text, in one of the two formats that Prometheus reads. The library writes them.

use std::fmt;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, MetricEncoder, NoLabelSet, prometheus_text, text};
use prometheus_client::metrics::MetricType;
use prometheus_client::registry::Registry;

use super::family::{Family, Kind, Sample};

/// The formats of an exposition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// Prometheus' own text format, version 0.0.4.
    Prometheus,
    /// OpenMetrics 1.0.0.
    OpenMetrics,
}

impl Format {
    /// The media type of the text.
    pub fn content_type(self) -> &'static str {
        match self {
            Self::Prometheus => prometheus_text::CONTENT_TYPE,
            Self::OpenMetrics => "application/openmetrics-text; version=1.0.0; charset=utf-8",
        }
    }
}

/// All metrics at one moment.
#[derive(Debug, Default)]
pub struct Exposition(Vec<Family>);

impl Exposition {
    /// Adds a metric. One without samples is left out.
    pub fn add(&mut self, family: Family) {
        if !family.samples.is_empty() {
            self.0.push(family);
        }
    }

    /// The text in this format.
    ///
    /// # Errors
    /// None that can happen: it is written to memory.
    pub fn encode(self, format: Format) -> Result<String, fmt::Error> {
        let mut registry = Registry::default();
        registry.register_collector(Box::new(self));
        let mut written = String::new();
        match format {
            Format::Prometheus => prometheus_text::encode(&mut written, &registry)?,
            Format::OpenMetrics => text::encode(&mut written, &registry)?,
        }
        Ok(written)
    }
}

impl Collector for Exposition {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        for Family { name, help, kind, samples } in &self.0 {
            let metric_type = match kind {
                Kind::Counter => MetricType::Counter,
                Kind::Gauge => MetricType::Gauge,
                Kind::Histogram => MetricType::Histogram,
            };
            let mut metric = encoder.encode_descriptor(name, help, None, metric_type)?;
            for (labels, sample) in samples {
                write(metric.encode_family(&labels.as_slice())?, *kind, sample)?;
            }
        }
        Ok(())
    }
}

fn write(mut metric: MetricEncoder<'_>, kind: Kind, sample: &Sample) -> fmt::Result {
    match (kind, sample) {
        (Kind::Counter, Sample::Whole(number)) => metric.encode_counter::<NoLabelSet, _, f64>(number, None),
        (Kind::Counter, Sample::Real(number)) => metric.encode_counter::<NoLabelSet, _, f64>(number, None),
        (_, Sample::Whole(number)) => metric.encode_gauge(number),
        (_, Sample::Real(number)) => metric.encode_gauge(number),
        (_, Sample::Distribution(found)) => {
            metric.encode_histogram::<NoLabelSet>(found.sum, found.count, &found.buckets, None)
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use crate::metrics::Histogram;

    use super::*;

    fn families() -> Exposition {
        let histogram = Histogram::new(&[0.5]);
        histogram.observe(Duration::from_millis(250));
        let mut exposition = Exposition::default();
        exposition.add(Family::counter("a", "Counts.").by("code", [("OK", 2_u64), ("GONE", 0)]));
        exposition.add(Family::gauge("b_bytes", "Is.").sample([], 1.5));
        exposition.add(Family::histogram("c_seconds", "Takes.").sample([("endpoint", "/x")], histogram.get()));
        exposition.add(Family::gauge("nothing", "Has no sample."));
        exposition
    }

    #[test]
    fn the_text_is_that_of_prometheus() {
        let text = "# HELP a_total Counts.\n# TYPE a_total counter\na_total{code=\"OK\"} 2\na_total{code=\"GONE\"} 0\n\
                    # HELP b_bytes Is.\n# TYPE b_bytes gauge\nb_bytes 1.5\n\
                    # HELP c_seconds Takes.\n# TYPE c_seconds histogram\n\
                    c_seconds_sum{endpoint=\"/x\"} 0.25\nc_seconds_count{endpoint=\"/x\"} 1\n\
                    c_seconds_bucket{endpoint=\"/x\",le=\"0.5\"} 1\nc_seconds_bucket{endpoint=\"/x\",le=\"+Inf\"} 1\n";
        let sorted = |text: &str| {
            let mut lines: Vec<_> = text.lines().map(str::to_owned).collect();
            lines.sort();
            lines
        };
        assert_eq!(sorted(&families().encode(Format::Prometheus).unwrap()), sorted(text));
    }

    #[test]
    fn the_text_is_that_of_openmetrics() {
        let text = families().encode(Format::OpenMetrics).unwrap();
        assert!(text.contains("# TYPE a counter\na_total{code=\"OK\"} 2\n"), "{text}");
        assert!(text.ends_with("# EOF\n"));
    }
}
