//! R13: a power cut at any moment loses nothing that was acknowledged. The writes of a server on SQLite are recorded and replayed up
//! to some moment; of what was not synced by then, any part may be missing.

mod check;
mod cut;
mod disk;
mod recording;
mod storm;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use tempfile::TempDir;

use crate::load::Calls;
use crate::report::Report;
use crate::scenario::Run;

use check::Held;
use cut::{Cut, Reached};
use disk::Disk;
use recording::{Record, Recorder, records};
use storm::{Acknowledged, Client};

const CALL_PATIENCE: Duration = Duration::from_secs(30);
/// Enough for several checkpoints of the write-ahead log.
const ROTATIONS: u32 = 600;
/// Of so many images, one is opened by the server, which takes longer.
const OPENED_BY_SERVER: usize = 8;
/// How many wrong images are kept.
const KEPT: usize = 3;
/// How many losses must be found when the disk ignores a sync.
const IGNORED_SYNCS: usize = 3;

pub async fn run(run: &Run) -> Report {
    let mut report = Report::new(run);
    let mut random = fastrand::Rng::with_seed(run.seed);
    let place = TempDir::new().unwrap();
    std::fs::create_dir(place.path().join("database")).unwrap();
    let recorder = Recorder::build(place.path(), place.path().join("database"));
    let calls = Calls::record(&run.record, &run.scenario.name(), run.seed, CALL_PATIENCE);
    let clients = storm::record(&recorder, &calls, ROTATIONS, random.fork()).await;
    calls.flush();
    let recording = recorder.bytes();
    report.expect(is_complete(&recording, &recorder.folder));

    let mut counts = Counts::default();
    let mut disk = Disk::default();
    let mut records = records(&recording).peekable();
    for (number, length) in moments(&recording, &clients, run.times, &mut random).into_iter().enumerate() {
        while let Some((_, record)) = records.next_if(|(end, _)| *end <= length) {
            disk.replay(record, false);
        }
        counts.pending += usize::from(disk.is_pending());
        let cut = Cut::any(random.fork());
        let what = format!("{cut:?} at byte {length} of the recording");
        let held = Held::at(&clients, length);
        let mut image = Image::new(run, number);
        cut.clone().write(&disk, &image.folder("file"));
        image.failures = check::database(&image.folder("file"), &held).await;
        if number % OPENED_BY_SERVER == 0 {
            counts.by_server += 1;
            let stale = cut.stale;
            cut.write(&disk, &image.folder("server"));
            image.failures.extend(check::server(&image.folder("server"), &held, stale).await);
        }
        counts.failed += usize::from(!image.failures.is_empty());
        report.expect(image.outcome(&what, counts.failed <= KEPT));
    }
    let found = ignored_syncs(run, &recording, &clients, &mut random).await;
    report.count("power cuts", run.times);
    report.count("with writes pending", counts.pending);
    report.count("opened by the server", counts.by_server);
    report.count("syncs", syncs(&recording));
    report.count("checkpoints", checkpoints(&recording));
    report.count("rotations acknowledged", clients.iter().map(|client| client.acknowledged.len() - 1).sum::<usize>());
    report.count("cuts with a loss, a lock-out or damage", counts.failed);
    report.count("losses found when the disk ignores syncs", format!("{found} of {IGNORED_SYNCS}"));
    if found != IGNORED_SYNCS {
        report.expect(Err("the check does not find what is lost when the disk ignores a sync".to_owned()));
    }
    report.check_history(run);
    report
}

fn syncs(recording: &[u8]) -> usize {
    records(recording).filter(|(_, record)| matches!(record, Record::SyncEnd(_))).count()
}

/// How often SQLite began its write-ahead log anew, after all of it was in the database: with a header of 32 bytes.
fn checkpoints(recording: &[u8]) -> usize {
    let is_header = |record: &Record<'_>| matches!(record, Record::Write { offset: 0, bytes, .. } if bytes.len() == 32);
    records(recording).filter(|(_, record)| is_header(record)).count() - 1
}

#[derive(Default)]
struct Counts {
    pending: usize,
    by_server: usize,
    failed: usize,
}

/// The lengths of the recording at which the power is cut, in order: half of them when an answer was received, so before anything
/// else was written; one in four while the database was being created; the others anywhere.
fn moments(recording: &[u8], clients: &[Client], times: u32, random: &mut fastrand::Rng) -> Vec<u64> {
    let ends: Vec<u64> = records(recording).map(|(end, _)| end).collect();
    let received: Vec<u64> =
        clients.iter().flat_map(|client| &client.acknowledged).map(|value| value.received).collect();
    let first = received.iter().copied().min().unwrap();
    let created = ends.partition_point(|end| *end <= first);
    let mut moments: Vec<u64> = (0..times)
        .map(|number| match number % 4 {
            0 | 1 => received[random.usize(0..received.len())],
            2 => ends[random.usize(0..created)],
            _ => ends[random.usize(0..ends.len())],
        })
        .collect();
    moments.sort_unstable();
    moments
}

/// Checks the recorder: when everything is replayed, the folder is what it really is.
fn is_complete(recording: &[u8], folder: &Path) -> Result<(), String> {
    let mut disk = Disk::default();
    records(recording).for_each(|(_, record)| disk.replay(record, false));
    let mut real = BTreeMap::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let entry = entry.unwrap();
        real.insert(entry.file_name().into_string().unwrap(), std::fs::read(entry.path()).unwrap());
    }
    real.retain(|name, _| !name.ends_with("-shm"));
    let replayed: BTreeMap<String, Vec<u8>> =
        disk.seen().into_iter().map(|(name, contents)| (name.to_owned(), contents)).collect();
    if replayed == real {
        return Ok(());
    }
    let [replayed, real] = [replayed, real]
        .map(|files| files.into_iter().map(|(name, contents)| (name, contents.len())).collect::<Vec<_>>());
    Err(format!("the recording is incomplete: {replayed:?} were replayed, {real:?} are there"))
}

/// Checks the check: if the disk ignores the syncs between a request and its answer, the rotation must be missing. Returns how often
/// it was found to be.
async fn ignored_syncs(run: &Run, recording: &[u8], clients: &[Client], random: &mut fastrand::Rng) -> usize {
    let mut found = 0;
    for number in 0..IGNORED_SYNCS {
        let client = &clients[random.usize(0..clients.len())];
        let Acknowledged { sent, received, .. } = client.acknowledged[random.usize(1..client.acknowledged.len())];
        let mut disk = Disk::default();
        for (end, record) in records(recording).take_while(|(end, _)| *end <= received) {
            disk.replay(record, end > sent);
        }
        let image = Image::new(run, run.times as usize + number);
        let cut = Cut { reached: Reached::Nothing, ..Cut::any(random.fork()) };
        cut.write(&disk, &image.folder("file"));
        let failures = check::database(&image.folder("file"), &Held::at(std::slice::from_ref(client), received)).await;
        found += usize::from(failures.iter().any(|failure| failure.starts_with("lost")));
        // What is found is what must be found.
        let _ = image.outcome("", false);
    }
    found
}

/// What was on the disk. It is kept if it is wrong.
struct Image {
    place: TempDir,
    failures: Vec<String>,
}

impl Image {
    fn new(run: &Run, number: usize) -> Self {
        let mut place = TempDir::with_prefix(format!("rotakey-power-cut-{}-{number}-", run.seed)).unwrap();
        // Also if the server does not start, which panics.
        place.disable_cleanup(true);
        Self { place, failures: Vec::new() }
    }

    /// A folder of it, which is created at its first use.
    fn folder(&self, name: &str) -> PathBuf {
        let folder = self.place.path().join(name);
        std::fs::create_dir_all(&folder).unwrap();
        folder
    }

    fn outcome(mut self, what: &str, keep: bool) -> Result<(), String> {
        let place = self.place.path().display().to_string();
        self.place.disable_cleanup(keep && !self.failures.is_empty());
        match self.failures.as_slice() {
            [] => Ok(()),
            failures if keep => Err(format!("{what}: {}; the disk is kept in {place}", failures.join("; "))),
            failures => Err(format!("{what}: {}", failures.join("; "))),
        }
    }
}
