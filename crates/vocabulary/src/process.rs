//! Who this process is, and whether another one on this machine is still alive.

use std::fs;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Names one process of one boot of one machine, so that a holder that died can be told from one that is slow.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ProcessIdentity {
    /// The host's name.
    pub host: String,
    /// The kernel's id of this boot (`/proc/sys/kernel/random/boot_id`); empty where there is none.
    pub boot: String,
    /// The process id.
    pub pid: u32,
    /// The process's start time in clock ticks since boot (`/proc/<pid>/stat`, field 22), against reuse of pids.
    pub started: u64,
}

impl ProcessIdentity {
    /// This process.
    #[must_use]
    pub fn current() -> Self {
        let pid = std::process::id();
        Self {
            host: rustix::system::uname().nodename().to_string_lossy().into_owned(),
            boot: boot_id(),
            pid,
            started: start_time(pid).unwrap_or(0),
        }
    }

    /// Whether the process is known to be gone: it ran on this machine, and either the machine was started again
    /// since or no process with this id and start time is there. `false` when it cannot be known.
    #[must_use]
    pub fn is_dead(&self) -> bool {
        let here = Self::current();
        if self.boot.is_empty() || here.boot.is_empty() || self.host != here.host {
            return false;
        }
        self.boot != here.boot || start_time(self.pid) != Some(self.started)
    }
}

fn boot_id() -> String {
    fs::read_to_string("/proc/sys/kernel/random/boot_id")
        .map(|id| id.trim().to_owned())
        .unwrap_or_default()
}

fn start_time(pid: u32) -> Option<u64> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The second field is the command in parentheses and may itself hold spaces and parentheses.
    let (_, rest) = stat.rsplit_once(')')?;
    let mut fields = rest.split_whitespace();
    if fields.next()? == "Z" {
        return None;
    }
    fields.nth(18)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::ProcessIdentity;

    #[test]
    fn this_process_is_alive_and_an_earlier_one_with_its_pid_is_dead() {
        let me = ProcessIdentity::current();
        assert!(!me.is_dead());
        assert!(
            ProcessIdentity {
                started: me.started + 1,
                ..me.clone()
            }
            .is_dead()
        );
        assert!(
            ProcessIdentity {
                boot: "another".into(),
                ..me.clone()
            }
            .is_dead()
        );
        assert!(
            !ProcessIdentity {
                host: "elsewhere".into(),
                ..me
            }
            .is_dead()
        );
    }
}
