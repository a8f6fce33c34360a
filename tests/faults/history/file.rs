//! A history as a file: a header line, then one line for each call, in any order.

use std::fmt::Display;
use std::fs::File;
use std::io::{BufRead, BufReader, BufWriter, Write};
use std::path::Path;
use std::sync::Mutex;

use serde::{Deserialize, Serialize};

use super::Call;

const VERSION: u32 = 1;

/// The first line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Header {
    /// The version of the format.
    pub rotakey_history: u32,
    /// The wall clock, in milliseconds since 1970, when the recorder's monotonic clock was 0.
    pub epoch_millis: i64,
    /// What was run, in words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scenario: Option<String>,
    /// The seed of its random choices.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seed: Option<u64>,
}

impl Header {
    pub fn new(epoch_millis: i64) -> Self {
        Self { rotakey_history: VERSION, epoch_millis, scenario: None, seed: None }
    }
}

/// All calls of all clients of a run.
#[derive(Clone, Debug)]
pub struct History {
    pub header: Header,
    pub calls: Vec<Call>,
}

impl History {
    /// Reads a file.
    ///
    /// # Errors
    /// What is wrong, and in which line.
    pub fn read(path: &Path) -> Result<Self, String> {
        let wrong = |number: usize, err: &dyn Display| format!("{}:{number}: {err}", path.display());
        let file = File::open(path).map_err(|err| format!("{}: {err}", path.display()))?;
        let mut lines = (1..).zip(BufReader::new(file).lines());
        let (_, first) = lines.next().ok_or_else(|| format!("{} is empty", path.display()))?;
        let first = first.map_err(|err| wrong(1, &err))?;
        let header: Header = serde_json::from_str(&first).map_err(|err| wrong(1, &err))?;
        if header.rotakey_history != VERSION {
            return Err(wrong(1, &format!("only version {VERSION} of the format is known")));
        }
        let mut calls = Vec::new();
        for (number, line) in lines {
            let line = line.map_err(|err| wrong(number, &err))?;
            calls.push(serde_json::from_str(&line).map_err(|err| wrong(number, &err))?);
        }
        Ok(Self { header, calls })
    }
}

/// Appends calls to a file, from any thread.
#[derive(Debug)]
pub struct Writer(Mutex<BufWriter<File>>);

impl Writer {
    pub fn create(path: &Path, header: &Header) -> Self {
        let mut file = BufWriter::new(File::create(path).unwrap());
        serde_json::to_writer(&mut file, header).unwrap();
        file.write_all(b"\n").unwrap();
        Self(Mutex::new(file))
    }

    pub fn append(&self, call: &Call) {
        let mut line = serde_json::to_vec(call).unwrap();
        line.push(b'\n');
        self.0.lock().unwrap().write_all(&line).unwrap();
    }

    pub fn flush(&self) {
        self.0.lock().unwrap().flush().unwrap();
    }
}
