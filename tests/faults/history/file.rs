//! A history as a file: a header line, then one line for each call, in any order.

use std::fs::File;
use std::io::{BufWriter, Write};
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
