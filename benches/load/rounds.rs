//! Rounds: everything that is compared is measured alternately in several rounds, and the median counts.

use std::time::Duration;

/// How many rounds, and how long each takes.
#[derive(Clone, Copy)]
pub struct Rounds {
    /// The number of rounds.
    pub count: usize,
    /// The duration of each measurement.
    pub each: Duration,
}

/// One side of a comparison: the result of its measurement in a round.
pub type Side<'a> = Box<dyn FnMut(usize) -> f64 + 'a>;

/// The results of all rounds.
#[derive(Clone, Debug)]
pub struct Samples(pub Vec<f64>);

impl Samples {
    /// The median.
    pub fn median(&self) -> f64 {
        let mut sorted = self.0.clone();
        sorted.sort_by(f64::total_cmp);
        let middle = sorted.len() / 2;
        if sorted.len() % 2 == 1 { sorted[middle] } else { (sorted[middle - 1] + sorted[middle]) / 2.0 }
    }

    /// The smallest and the largest ratio to the other side in the same round.
    fn spread(&self, other: &Self) -> (f64, f64) {
        let ratios = self.0.iter().zip(&other.0).map(|(own, other)| own / other);
        ratios.fold((f64::INFINITY, 0.0), |(smallest, largest), ratio| (smallest.min(ratio), largest.max(ratio)))
    }
}

/// Measures every side in every round. The order is reversed after every round, so that no side is always first.
pub fn alternate(rounds: Rounds, mut sides: Vec<Side<'_>>) -> Vec<Samples> {
    let mut samples = vec![Samples(Vec::new()); sides.len()];
    for round in 0..rounds.count {
        let mut order: Vec<usize> = (0..sides.len()).collect();
        if round % 2 == 1 {
            order.reverse();
        }
        for side in order {
            samples[side].0.push(sides[side](round));
        }
    }
    samples
}

/// The target of a measure.
#[derive(Clone, Copy)]
pub enum Target {
    /// At least this ratio to the baseline.
    AtLeast(f64),
    /// At most this ratio to the baseline or, without a baseline, this figure.
    AtMost(f64),
    /// No target; only for information.
    None,
}

/// A row of the table.
pub struct Row {
    measure: String,
    baseline: String,
    measured: String,
    ratio: String,
    target: String,
    met: &'static str,
}

impl Row {
    /// Rates or durations, compared with those of a baseline.
    pub fn compared(measure: &str, unit: &str, own: &Samples, baseline: (&str, &Samples), target: Target) -> Self {
        let (name, other) = baseline;
        let ratio = own.median() / other.median();
        let (smallest, largest) = own.spread(other);
        let ratios = format!("{ratio:.2} ({smallest:.2}–{largest:.2})");
        let baseline = format!("{name}: {} {unit}", figure(other.median()));
        Self::new(measure, baseline, format!("{} {unit}", figure(own.median())), ratios, ratio, target)
    }

    /// A figure without a baseline.
    pub fn absolute(measure: &str, unit: &str, own: f64, target: Target) -> Self {
        Self::new(measure, String::new(), format!("{} {unit}", figure(own)), String::new(), own, target)
    }

    fn new(measure: &str, baseline: String, measured: String, ratio: String, figure: f64, target: Target) -> Self {
        let (target, met) = match target {
            Target::AtLeast(least) => (format!("≥ {least:.2}"), Some(figure >= least)),
            Target::AtMost(most) if baseline.is_empty() => (format!("≤ {most:.0}"), Some(figure <= most)),
            Target::AtMost(most) => (format!("≤ {most:.2}"), Some(figure <= most)),
            Target::None => (String::new(), None),
        };
        let met = met.map_or("", |met| if met { "yes" } else { "no" });
        Self { measure: measure.to_owned(), baseline, measured, ratio, target, met }
    }

    /// The row in Markdown.
    pub fn markdown(&self) -> String {
        let Self { measure, baseline, measured, ratio, target, met } = self;
        format!("| {measure} | {baseline} | {measured} | {ratio} | {target} | {met} |")
    }
}

/// The head of the table.
pub const HEAD: &str = "| measurement | baseline | Rotakey | ratio (lowest–highest of a round) | target | met |\n\
                        | --- | --- | --- | --- | --- | --- |";

/// A number with its significant digits.
fn figure(number: f64) -> String {
    if number < 100.0 {
        return format!("{number:.1}");
    }
    let digits = format!("{number:.0}");
    let mut grouped = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}
