//! How the servers answered while something was broken: in what time, and whether an answer that must be waited out says for how long.

use std::collections::HashMap;
use std::sync::Mutex;
use std::time::Duration;

/// What one server answered since the last look.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Answers {
    /// The longest time that a call took.
    pub longest: Duration,
    /// Answers with `UNAVAILABLE`.
    pub unavailable: u32,
    /// Those of them that do not say when to ask again.
    pub without_time: u32,
    /// Answers with `INTERNAL`.
    pub internal: u32,
    /// Calls that got no answer.
    pub lost: u32,
}

/// What all servers answered, by their names.
#[derive(Debug, Default)]
pub struct Observed(Mutex<HashMap<String, Answers>>);

/// The end of one call.
#[derive(Clone, Copy, Debug)]
pub struct Observation<'a> {
    pub took: Duration,
    pub code: Option<&'a str>,
    pub has_time: bool,
    pub is_lost: bool,
}

impl Observed {
    pub fn add(&self, replica: &str, call: Observation<'_>) {
        let mut observed = self.0.lock().unwrap();
        let answers = observed.entry(replica.to_owned()).or_default();
        answers.longest = answers.longest.max(call.took);
        answers.lost += u32::from(call.is_lost);
        match call.code {
            Some("UNAVAILABLE") => {
                answers.unavailable += 1;
                answers.without_time += u32::from(!call.has_time);
            }
            Some("INTERNAL") => answers.internal += 1,
            _ => {}
        }
    }

    /// Forgets everything.
    pub fn clear(&self) {
        self.0.lock().unwrap().clear();
    }

    pub fn of(&self, replica: &str) -> Answers {
        self.0.lock().unwrap().get(replica).copied().unwrap_or_default()
    }

    /// Of all servers together.
    pub fn of_all(&self) -> Answers {
        self.0.lock().unwrap().values().copied().fold(Answers::default(), Answers::and)
    }
}

impl Answers {
    pub fn and(self, other: Self) -> Self {
        Self {
            longest: self.longest.max(other.longest),
            unavailable: self.unavailable + other.unavailable,
            without_time: self.without_time + other.without_time,
            internal: self.internal + other.internal,
            lost: self.lost + other.lost,
        }
    }

    /// That every call was answered within this time, and nothing but what a client can wait out.
    ///
    /// # Errors
    /// What is wrong.
    pub fn require(self, limit: Duration) -> Result<(), String> {
        let Self { longest, unavailable: _, without_time, internal, lost } = self;
        if lost > 0 || longest > limit {
            return Err(format!(
                "{lost} calls without an answer; the longest one took {longest:?}, not {limit:?} at most"
            ));
        }
        if without_time > 0 || internal > 0 {
            return Err(format!(
                "{without_time} answers with UNAVAILABLE have no Retry-After, and {internal} are INTERNAL"
            ));
        }
        Ok(())
    }
}
