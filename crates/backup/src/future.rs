//! Clocks of this machine and of the store that differ: backups of the future, what `latest` means then, and when none is begun.

use ostler_api::request::Filter;
use ostler_vocabulary::{BackupId, ErrorKind, Failure, Timestamp};

use crate::keep::SKEW;
use crate::state::Backup;
use crate::{Context, select};

/// A backup is not begun where the clocks of this machine and of the store differ by more.
const MOST_APART: jiff::SignedDuration = jiff::SignedDuration::from_hours(1);

impl Context {
    fn is_future(&self, backup: &Backup) -> bool {
        backup.summary.started > self.clock.now() + SKEW
    }

    /// Refuses a backup, which was just begun, where this machine's clock differs from the store's by more than an hour.
    ///
    /// # Errors
    /// `Refused`, with the difference; failures of the store.
    pub(crate) async fn refuse_clock(&self, id: BackupId) -> Result<(), Failure> {
        let Some(stored) = self.vault.intent_stored(id).await? else {
            return Ok(());
        };
        let ahead = self.clock.now().duration_since(stored);
        if ahead.abs() <= MOST_APART {
            return Ok(());
        }
        let side = if ahead.is_negative() { "behind" } else { "ahead of" };
        Err(Failure::new(
            ErrorKind::Refused,
            format!(
                "the clock of this machine is {} min {side} the store's",
                ahead.abs().as_mins()
            ),
        )
        .with_hint("set the clock of this machine, or of the store, by NTP, and make the backup again"))
    }

    /// Logs a warning for each backup that is of the future by this machine's clock.
    pub fn warn_of_future<'a>(&self, backups: impl IntoIterator<Item = &'a Backup>) {
        for backup in backups.into_iter().filter(|backup| self.is_future(backup)) {
            tracing::warn!(
                "backup {} is in the future: the clock of the machine that made it was wrong, or the clock of this one is",
                named(backup)
            );
        }
    }

    /// Refuses `latest` where it means a backup of the future by this machine's clock and by the store's. Where only this
    /// machine's clock is behind, it means the newest all the same.
    ///
    /// # Errors
    /// `Refused`, with both backups that could be meant; failures of the store.
    pub async fn refuse_future(
        &self,
        backups: &[Backup],
        (selector, filter): (&str, &Filter),
        meant: &Backup,
    ) -> Result<(), Failure> {
        if !selector.starts_with("latest") || !self.is_future(meant) {
            return Ok(());
        }
        let of_store = self.vault.store_time().await?;
        if of_store.is_some_and(|time| meant.summary.started <= time + SKEW) {
            tracing::warn!(
                "the clock of this machine is behind the store's: backup {} is the newest",
                named(meant)
            );
            return Ok(());
        }
        let others = backups.iter().filter(|other| !self.is_future(other));
        let other = select::resolve(others, "latest", filter).ok();
        let message = match other {
            Some(other) => format!(
                "`{selector}` could mean {}, which is in the future, or {}, the newest that is not",
                named(meant),
                named(other)
            ),
            None => format!("`{selector}` means {}, which is in the future", named(meant)),
        };
        let commands = other.into_iter().chain([meant]);
        let commands: Vec<String> = commands
            .map(|backup| format!("`ostler restore {}`", backup.id().short()))
            .collect();
        Err(Failure::new(ErrorKind::Refused, message).with_hint(format!(
            "look at this machine's clock, then name the backup: {}",
            commands.join(" or ")
        )))
    }
}

fn named(backup: &Backup) -> String {
    let started: Timestamp = backup.summary.started;
    format!(
        "{} of {}",
        backup.id().short(),
        started.strftime("%Y-%m-%d %H:%M UTC")
    )
}
