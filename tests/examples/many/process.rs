//! What a process costs.

use std::time::Duration;

use super::Outcome;

pub(crate) struct Process(u32);

impl Process {
    pub(crate) fn own() -> Self {
        Process(std::process::id())
    }

    /// The memory that it occupies, in bytes.
    pub(crate) fn resident(&self) -> Outcome<f64> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.0))?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).ok_or("no VmRSS")?;
        let kibibytes: f64 = line.trim().trim_end_matches(" kB").parse()?;
        Ok(1024.0 * kibibytes)
    }

    /// The time that it has run on a core, system calls included.
    pub(crate) fn cpu(&self) -> Outcome<Duration> {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.0))?;
        let fields = stat.rsplit_once(')').ok_or("no name in the stat")?.1;
        let ticks: Vec<u64> =
            fields.split_whitespace().skip(11).take(2).map(str::parse).collect::<Result<_, _>>()?;
        // The kernel counts in hundredths of a second, whatever its own tick is.
        Ok(Duration::from_millis(10 * ticks.iter().sum::<u64>()))
    }
}
