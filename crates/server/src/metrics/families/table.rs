//! Every metric: its name, whether it only grows, what it says.

use ostler_api::metrics::FamilyKind::{self, Counter, Gauge};

use crate::metrics::totals;

/// Name, kind and help of every metric, in the order in which they are shown.
#[rustfmt::skip]
pub(crate) const TABLE: &[(&str, FamilyKind, &str)] = &[
    ("ostler_build_info", Gauge, "1; the version that answers is its label."),
    ("ostler_refresh_age_seconds", Gauge, "Time since a vault or database was last looked at with success; +Inf when it never was. What is said of it is as old as this."),
    ("ostler_refresh_success", Gauge, "Whether the last look at a vault or database saw it."),
    ("ostler_refresh_duration_seconds", Gauge, "How long the last look took."),

    ("ostler_backup_complete_age_seconds", Gauge, "Time since the newest backup of a source was begun that can be restored; +Inf when there never was one."),
    ("ostler_backup_verified_age_seconds", Gauge, "Time since data of a source was last read back without a fault; +Inf when it never was."),
    ("ostler_backup_restorable_window_seconds", Gauge, "Time between the oldest and the newest backup of a source that can be restored; 0 when there are not two."),
    ("ostler_backup_restorable", Gauge, "Backups of a source that can be restored."),
    ("ostler_backup_files", Gauge, "Files of the newest of them."),
    ("ostler_backup_logical_bytes", Gauge, "Bytes of all files of the newest of them."),
    ("ostler_backup_added_bytes", Gauge, "Bytes that the newest of them added to the store."),
    ("ostler_backup_duration_seconds", Gauge, "How long the newest of them took."),

    ("ostler_vault_backups", Gauge, "Backups of a vault by state."),
    ("ostler_vault_stored_bytes", Gauge, "Bytes of all packs of a vault."),
    ("ostler_vault_packs", Gauge, "Packs of a vault."),
    ("ostler_vault_chunks", Gauge, "Chunks of a vault."),
    ("ostler_vault_read_age_seconds", Gauge, "Every byte of a vault's backups was read back within this time; +Inf while some never was."),

    ("ostler_scheduler_alive", Gauge, "Whether somebody runs what is due."),
    ("ostler_scheduler_beat_age_seconds", Gauge, "Time since somebody last said so; +Inf when nobody ever did."),
    ("ostler_schedules", Gauge, "Schedules."),
    ("ostler_schedule_paused", Gauge, "Whether a schedule is paused."),
    ("ostler_schedule_overdue_seconds", Gauge, "Time since a run of a schedule should have begun that has not; 0 when none should."),
    ("ostler_schedule_good_age_seconds", Gauge, "Time since the last good run of a schedule; +Inf when there never was one."),
    ("ostler_schedule_last_ended_well", Gauge, "0 when the last run of a schedule failed, was missed or cancelled, or did a part only."),

    ("ostler_operations_unfinished", Gauge, "Operations that are not over, by kind and state."),
    (totals::OPERATIONS, Counter, "Operations that ended, by kind, cluster and outcome."),
    (totals::SECONDS, Counter, "Time that operations took that came to a result."),
    (totals::PHASE_SECONDS, Counter, "Time that their steps took, by kind, phase, cluster and node."),
    (totals::PHASE_BYTES, Counter, "Bytes that their steps went through."),
    (totals::PHASE_FILES, Counter, "Files that their steps went through."),

    ("ostler_queue_queues", Gauge, "Queues of a database."),
    ("ostler_queue_pending_events", Gauge, "Events that a consumer has not got yet, by the ticks."),
    ("ostler_queue_lag_seconds", Gauge, "Age of the last tick that a consumer finished; +Inf when there is none."),
    ("ostler_queue_waiting_events", Gauge, "Events of a database that wait for their time."),
    ("ostler_queue_dead_letters", Gauge, "Events of a database that consumers gave up."),
    ("ostler_queue_has_ticker", Gauge, "Whether somebody ticks the queues of a database."),

    ("ostler_webhook_pending", Gauge, "Messages that wait to be taken; of outcomes that somebody asked for, without a name."),
    ("ostler_webhook_given_up", Gauge, "Messages that were given up."),
    ("ostler_webhook_oldest_pending_seconds", Gauge, "Age of the oldest message that waits; 0 when none does."),
];
