//! The process itself, under the names that every Prometheus client uses. On Linux only.

use super::{Exposition, Family};

/// Adds what the operating system says of this process; nothing where it says nothing.
pub fn describe_process(exposition: &mut Exposition) {
    #[cfg(target_os = "linux")]
    linux::describe(exposition);
    #[cfg(not(target_os = "linux"))]
    let _ = exposition;
}

#[cfg(target_os = "linux")]
mod linux {
    use procfs::process::{LimitValue, Process};
    use procfs::{CurrentSI, KernelStats, WithCurrentSystemInfo};

    use super::{Exposition, Family};

    pub(super) fn describe(exposition: &mut Exposition) {
        let Ok(process) = Process::myself() else { return };
        if let Ok(stat) = process.stat() {
            let ticks = procfs::ticks_per_second() as f64;
            let cpu_seconds = (stat.utime + stat.stime) as f64 / ticks;
            exposition.add(
                Family::counter("process_cpu_seconds", "Processor time used, in seconds.").sample([], cpu_seconds),
            );
            exposition.add(
                Family::gauge("process_resident_memory_bytes", "Memory in use, in bytes.")
                    .sample([], stat.rss_bytes().get()),
            );
            exposition
                .add(Family::gauge("process_virtual_memory_bytes", "Virtual memory, in bytes.").sample([], stat.vsize));
            exposition.add(
                Family::gauge("process_threads", "Threads of the process.")
                    .sample([], u64::try_from(stat.num_threads).unwrap_or_default()),
            );
            if let Ok(kernel) = KernelStats::current() {
                let started_at = kernel.btime as f64 + stat.starttime as f64 / ticks;
                exposition.add(
                    Family::gauge("process_start_time_seconds", "When the process started, in Unix seconds.")
                        .sample([], started_at),
                );
            }
        }
        if let Ok(count) = process.fd_count() {
            exposition.add(
                Family::gauge("process_open_fds", "Files and sockets that the process has open.").sample([], count),
            );
        }
        if let Ok(limits) = process.limits()
            && let LimitValue::Value(most) = limits.max_open_files.soft_limit
        {
            exposition.add(
                Family::gauge("process_max_fds", "How many files and sockets the process may open.").sample([], most),
            );
        }
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use crate::metrics::Format;

    use super::*;

    #[test]
    fn this_process_has_memory_and_files() {
        let mut exposition = Exposition::default();
        describe_process(&mut exposition);
        let text = exposition.encode(Format::Prometheus).unwrap();
        for name in [
            "process_cpu_seconds_total",
            "process_resident_memory_bytes",
            "process_virtual_memory_bytes",
            "process_threads",
            "process_start_time_seconds",
            "process_open_fds",
            "process_max_fds",
        ] {
            let line = text.lines().find(|line| line.starts_with(&format!("{name} "))).unwrap_or_default();
            let number: f64 = line.split(' ').next_back().unwrap().parse().unwrap();
            assert!(number > 0.0 || name == "process_cpu_seconds_total", "{line}");
        }
    }
}
