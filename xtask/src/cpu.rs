//! How much CPU time other processes have taken.

use nix::unistd::SysconfVar;
use std::time::Duration;

/// The most processes that are looked at: a guest has a few, a run that forks without end has no claim to exactness.
const MOST: usize = 256;

/// The CPU time of a process and of those that its first thread, and theirs, have started and that still are: `of` tells that of one.
pub(crate) fn of_tree(pid: u32, of: fn(u32) -> Option<Duration>) -> Duration {
    let mut sum = Duration::ZERO;
    let mut waiting = vec![pid];
    let mut seen = 0;
    while let Some(pid) = waiting.pop().filter(|_| seen < MOST) {
        seen += 1;
        sum += of(pid).unwrap_or_default();
        let children = std::fs::read_to_string(format!("/proc/{pid}/task/{pid}/children"));
        waiting.extend(
            children.unwrap_or_default().split_ascii_whitespace().filter_map(|n| n.parse::<u32>().ok()),
        );
    }
    sum
}

/// User and system time of all threads of a process, in the kernel's ticks.
pub(crate) fn ticks(pid: u32) -> Option<Duration> {
    cpu_of(&std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?)
}

/// The time of a process's first thread, in nanoseconds.
pub(crate) fn first_thread(pid: u32) -> Option<Duration> {
    let text = std::fs::read_to_string(format!("/proc/{pid}/schedstat")).ok()?;
    Some(Duration::from_nanos(text.split_ascii_whitespace().next()?.parse().ok()?))
}

/// `utime` and `stime` of /proc/PID/stat (proc(5)), fields 14 and 15; the second field may contain anything.
fn cpu_of(stat: &str) -> Option<Duration> {
    let rest = &stat[stat.rfind(')')? + 1..];
    let mut fields = rest.split_ascii_whitespace().skip(11);
    let mut ticks = || fields.next()?.parse::<u64>().ok();
    let sum = ticks()? + ticks()?;
    let per_second = nix::unistd::sysconf(SysconfVar::CLK_TCK).ok().flatten().unwrap_or(100);
    let nanoseconds = 1_000_000_000 / u64::try_from(per_second).ok().filter(|n| *n > 0)?;
    Some(Duration::from_nanos(sum.saturating_mul(nanoseconds)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cpu_time_is_read_behind_any_name() {
        let stat = "7 (a ) 9 (b) S 1 7 7 0 -1 4194560 100 0 0 0 250 50 0 0 20 0 1 0 5 0 0";
        assert_eq!(cpu_of(stat), Some(Duration::from_secs(3)));
        assert_eq!(cpu_of(""), None);
        assert_eq!(cpu_of("7 (a) S 1"), None);
    }
}
