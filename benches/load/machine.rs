//! The machine and what is installed on it: named above every table, because a number without its machine says nothing.

use std::fs;
use std::path::Path;
use std::process::Command;

/// The Debian packages of the programs that are needed and missing.
pub fn missing(needed: &[(&str, &'static str)]) -> Vec<&'static str> {
    let found = |program: &str| Command::new("sh").args(["-c", &format!("command -v {program}")]).output();
    let is_missing = |program: &str| !found(program).is_ok_and(|output| output.status.success());
    needed.iter().filter(|(program, _)| is_missing(program)).map(|(_, package)| *package).collect()
}

/// Processor, cores, memory, kernel, and the file system of the folder in which the databases are.
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

/// How many cores may be used.
pub fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

/// The program, held to the first half of the cores for a server and to the others for a load, so that what is measured is
/// the server and not how the two share a core. The same for every server and every load. A single core is shared.
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

/// Which cores.
#[derive(Clone, Copy)]
pub enum CoreSet {
    /// Those of the server.
    Server,
    /// Those of what asks it.
    Load,
}

/// The first value of a `name: value` file under this name.
pub fn field(path: &str, name: &str) -> Option<String> {
    let text = fs::read_to_string(path).ok()?;
    let line = text.lines().find(|line| line.starts_with(name))?;
    Some(line.split_once(':')?.1.trim().to_owned())
}
