//! A metric with its samples, as data: what a room says of itself at one moment.

use super::histogram::Distribution;

/// One metric: a name, what it means, and a number for each combination of labels.
#[derive(Clone, Debug)]
pub struct Family {
    pub(super) name: &'static str,
    pub(super) help: &'static str,
    pub(super) kind: Kind,
    pub(super) samples: Vec<(Labels, Sample)>,
}

/// Names and values of labels.
pub(super) type Labels = Vec<(&'static str, &'static str)>;

/// What kind of number it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// It only grows, until the process ends.
    Counter,
    /// It is what it is now.
    Gauge,
    /// How values are distributed.
    Histogram,
}

/// One number, or one distribution.
#[derive(Clone, Debug, PartialEq)]
pub enum Sample {
    /// A whole number.
    Whole(u64),
    /// Any number.
    Real(f64),
    /// A histogram.
    Distribution(Distribution),
}

impl From<u64> for Sample {
    fn from(number: u64) -> Self {
        Self::Whole(number)
    }
}

impl From<usize> for Sample {
    fn from(number: usize) -> Self {
        Self::Whole(number as u64)
    }
}

impl From<u32> for Sample {
    fn from(number: u32) -> Self {
        Self::Whole(number.into())
    }
}

impl From<bool> for Sample {
    fn from(holds: bool) -> Self {
        Self::Whole(holds.into())
    }
}

impl From<f64> for Sample {
    fn from(number: f64) -> Self {
        Self::Real(number)
    }
}

impl From<Distribution> for Sample {
    fn from(distribution: Distribution) -> Self {
        Self::Distribution(distribution)
    }
}

impl Family {
    /// A number that only grows. Its name does not end in `_total`: that is added.
    pub fn counter(name: &'static str, help: &'static str) -> Self {
        Self { name, help, kind: Kind::Counter, samples: Vec::new() }
    }

    /// A number that is what it is now.
    pub fn gauge(name: &'static str, help: &'static str) -> Self {
        Self { name, help, kind: Kind::Gauge, samples: Vec::new() }
    }

    /// A distribution.
    pub fn histogram(name: &'static str, help: &'static str) -> Self {
        Self { name, help, kind: Kind::Histogram, samples: Vec::new() }
    }

    /// The same with one more sample.
    #[must_use]
    pub fn sample<const N: usize>(
        mut self,
        labels: [(&'static str, &'static str); N],
        sample: impl Into<Sample>,
    ) -> Self {
        self.samples.push((labels.into(), sample.into()));
        self
    }

    /// The same with a sample for each name of a list, as this label.
    #[must_use]
    pub fn by<S: Into<Sample>>(
        mut self,
        label: &'static str,
        samples: impl IntoIterator<Item = (&'static str, S)>,
    ) -> Self {
        self.samples.extend(samples.into_iter().map(|(name, sample)| (vec![(label, name)], sample.into())));
        self
    }
}
