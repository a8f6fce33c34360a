//! The description of the machine above every table, without which the numbers mean nothing; and pinning processes to cores.

use std::fs;
use std::path::Path;
use std::process::Command;

/// The Debian packages of the required programs that are missing.
pub fn missing(needed: &[(&str, &'static str)]) -> Vec<&'static str> {
    let found = |program: &str| Command::new("sh").args(["-c", &format!("command -v {program}")]).output();
    let is_missing = |program: &str| !found(program).is_ok_and(|output| output.status.success());
    needed.iter().filter(|(program, _)| is_missing(program)).map(|(_, package)| *package).collect()
}

/// Processor, cores, memory, kernel, and the file system of the databases.
pub fn describe(folder: &Path) -> String {
    let cpu = field("/proc/cpuinfo", "model name").unwrap_or_else(|| "unknown processor".into());
    let memory = field("/proc/meminfo", "MemTotal").unwrap_or_default();
    let memory_kib: u64 = memory.split_whitespace().next().and_then(|number| number.parse().ok()).unwrap_or_default();
    let kernel = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    let system = Command::new("df").arg("--output=fstype").arg(folder).output();
    let system = system.map(|output| String::from_utf8_lossy(&output.stdout).into_owned()).unwrap_or_default();
    let system = system.lines().last().unwrap_or_default();
    format!(
        "{cpu}, {} cores, {} GiB of memory, Linux {}, databases on {system}",
        cores(),
        (memory_kib + 512 * 1024) / (1024 * 1024),
        kernel.trim(),
    )
}

/// The number of usable cores.
pub fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

/// A program pinned to the first half of the cores for a server, or to the second half for a load generator, so that they do not compete
/// for a core. A single core is shared.
pub fn pinned(half: CoreSet, program: &Path) -> Command {
    let cores = cores();
    if cores == 1 {
        return Command::new(program);
    }
    let list = match half {
        CoreSet::Server => format!("0-{}", cores / 2 - 1),
        CoreSet::Load => format!("{}-{}", cores / 2, cores - 1),
    };
    let mut command = Command::new("taskset");
    command.args(["-c", &list]).arg(program);
    command
}

/// A half of the cores.
#[derive(Clone, Copy)]
pub enum CoreSet {
    /// For the server.
    Server,
    /// For the load generator.
    Load,
}

/// The first value with this name in a file of `name: value` lines.
pub fn field(path: &str, name: &str) -> Option<String> {
    let text = fs::read_to_string(path).ok()?;
    let line = text.lines().find(|line| line.starts_with(name))?;
    Some(line.split_once(':')?.1.trim().to_owned())
}
