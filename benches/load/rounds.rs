//! Rounds: everything that is compared is measured again and again in turn, and the median counts.

use std::time::Duration;

/// How often and for how long.
#[derive(Clone, Copy)]
pub struct Rounds {
    /// How many rounds.
    pub count: usize,
    /// How long each side takes in each.
    pub each: Duration,
}

/// One of the things that are compared: what it measures in the round of this number.
pub type Side<'a> = Box<dyn FnMut(usize) -> f64 + 'a>;

/// What was measured, round by round.
#[derive(Clone, Debug)]
pub struct Samples(pub Vec<f64>);

impl Samples {
    /// The one in the middle.
    pub fn median(&self) -> f64 {
        let mut sorted = self.0.clone();
        sorted.sort_by(f64::total_cmp);
        let middle = sorted.len() / 2;
        if sorted.len() % 2 == 1 { sorted[middle] } else { (sorted[middle - 1] + sorted[middle]) / 2.0 }
    }

    /// The least and the greatest of each divided by the other's of the same round.
    fn spread(&self, other: &Self) -> (f64, f64) {
        let ratios = self.0.iter().zip(&other.0).map(|(own, other)| own / other);
        ratios.fold((f64::INFINITY, 0.0), |(least, greatest), ratio| (least.min(ratio), greatest.max(ratio)))
    }
}

/// Measures every side in every round. The order turns with every round, so that none always comes first.
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

/// What is asked of a measure.
#[derive(Clone, Copy)]
pub enum Target {
    /// At least so much of the baseline.
    AtLeast(f64),
    /// At most so much of the baseline; of the absolute figure where there is no baseline.
    AtMost(f64),
    /// Nothing: it is told for its own sake.
    None,
}

/// One line of the table.
pub struct Row {
    measure: String,
    baseline: String,
    measured: String,
    ratio: String,
    reach: String,
    met: &'static str,
}

impl Row {
    /// Rates, or durations, beside those of a baseline.
    pub fn compared(measure: &str, unit: &str, own: &Samples, baseline: (&str, &Samples), reach: Target) -> Self {
        let (name, other) = baseline;
        let ratio = own.median() / other.median();
        let (least, greatest) = own.spread(other);
        let told = format!("{ratio:.2} ({least:.2}–{greatest:.2})");
        let baseline = format!("{name}: {} {unit}", figure(other.median()));
        Self::new(measure, baseline, format!("{} {unit}", figure(own.median())), told, ratio, reach)
    }

    /// A figure by itself.
    pub fn absolute(measure: &str, unit: &str, own: f64, reach: Target) -> Self {
        Self::new(measure, String::new(), format!("{} {unit}", figure(own)), String::new(), own, reach)
    }

    fn new(measure: &str, baseline: String, measured: String, ratio: String, figure: f64, reach: Target) -> Self {
        let (reach, met) = match reach {
            Target::AtLeast(least) => (format!("≥ {least:.2}"), Some(figure >= least)),
            Target::AtMost(most) if baseline.is_empty() => (format!("≤ {most:.0}"), Some(figure <= most)),
            Target::AtMost(most) => (format!("≤ {most:.2}"), Some(figure <= most)),
            Target::None => (String::new(), None),
        };
        let met = met.map_or("", |met| if met { "yes" } else { "no" });
        Self { measure: measure.to_owned(), baseline, measured, ratio, reach, met }
    }

    /// The row in Markdown.
    pub fn markdown(&self) -> String {
        let Self { measure, baseline, measured, ratio, reach, met } = self;
        format!("| {measure} | {baseline} | {measured} | {ratio} | {reach} | {met} |")
    }
}

/// The head of the table.
pub const HEAD: &str = "| measure | baseline | Rotakey | ratio (lowest–highest of a round) | reach | met |\n\
                        | --- | --- | --- | --- | --- | --- |";

/// A number with as many digits as mean something.
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
