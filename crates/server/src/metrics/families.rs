//! Numbers from what is recorded: a pure function. Every metric is in [`TABLE`].

mod table;

use std::collections::BTreeMap;

use ostler_api::document::{FiringState, ScheduleList};
use ostler_api::metrics::{Family, Metrics, Sample};
use ostler_vocabulary::Timestamp;

use super::observation::{Observation, Seen, SeenDatabase, SeenVault};
use super::record::Total;
use crate::webhook::outbox::Counts;

pub(crate) use table::TABLE;

/// What is known.
#[derive(Debug, Default)]
pub(crate) struct Facts {
    pub now: Timestamp,
    pub observations: Vec<Observation>,
    pub totals: Vec<Total>,
    pub schedules: Option<ScheduleList>,
    /// Operations that are not over: kind, state, how many.
    pub unfinished: BTreeMap<(String, String), u64>,
    pub webhooks: BTreeMap<String, Counts>,
}

/// Samples by the name of their metric.
#[derive(Default)]
struct Samples(BTreeMap<&'static str, Vec<Sample>>);

impl Samples {
    fn add(&mut self, name: &'static str, labels: &[(&str, &str)], value: Option<f64>) {
        let labels = labels
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect();
        self.0.entry(name).or_default().push(Sample { labels, value });
    }

    fn number(&mut self, name: &'static str, labels: &[(&str, &str)], value: f64) {
        self.add(name, labels, Some(value));
    }

    fn count(&mut self, name: &'static str, labels: &[(&str, &str)], value: u64) {
        self.number(name, labels, value as f64);
    }

    fn truth(&mut self, name: &'static str, labels: &[(&str, &str)], value: bool) {
        self.number(name, labels, f64::from(u8::from(value)));
    }

    /// How long ago; never is infinitely long.
    fn age(&mut self, name: &'static str, labels: &[(&str, &str)], now: Timestamp, then: Option<Timestamp>) {
        let age = then.map(|then| now.duration_since(then).as_secs_f64().max(0.0));
        self.add(name, labels, age);
    }
}

/// All metrics. Those without values are there too, so that their names can be seen.
pub(crate) fn metrics(facts: &Facts) -> Metrics {
    let mut samples = Samples::default();
    samples.number(
        "ostler_build_info",
        &[("version", env!("CARGO_PKG_VERSION"))],
        1.0,
    );
    for observation in &facts.observations {
        looked(&mut samples, observation, facts.now);
    }
    if let Some(list) = &facts.schedules {
        schedules(&mut samples, list, facts.now);
    }
    for ((kind, state), count) in &facts.unfinished {
        samples.count(
            "ostler_operations_unfinished",
            &[("kind", kind), ("state", state)],
            *count,
        );
    }
    for counts in facts.webhooks.values() {
        let labels = [("webhook", counts.webhook.as_str())];
        samples.count("ostler_webhook_pending", &labels, counts.pending);
        samples.count("ostler_webhook_given_up", &labels, counts.given_up);
        let waiting = counts
            .oldest
            .map_or(0.0, |then| facts.now.duration_since(then).as_secs_f64().max(0.0));
        samples.number("ostler_webhook_oldest_pending_seconds", &labels, waiting);
    }
    let families = TABLE.iter().map(|(name, kind, help)| {
        let mut found = samples.0.remove(name).unwrap_or_default();
        let totals = facts.totals.iter().filter(|total| total.name == *name);
        found.extend(totals.map(|total| Sample {
            labels: total.labels.clone(),
            value: Some(total.value),
        }));
        Family {
            name: (*name).to_owned(),
            kind: *kind,
            help: (*help).to_owned(),
            samples: found,
        }
    });
    Metrics {
        at: facts.now,
        families: families.collect(),
    }
}

fn looked(samples: &mut Samples, observation: &Observation, now: Timestamp) {
    let labels = [
        ("kind", observation.kind.as_str()),
        ("name", observation.name.as_str()),
    ];
    samples.truth("ostler_refresh_success", &labels, observation.failure.is_none());
    samples.age("ostler_refresh_age_seconds", &labels, now, observation.seen_at);
    samples.number(
        "ostler_refresh_duration_seconds",
        &labels,
        observation.took_ms as f64 / 1000.0,
    );
    match &observation.seen {
        Some(Seen::Vault(vault)) => seen_vault(samples, &observation.name, vault, now),
        Some(Seen::Database(database)) => seen_database(samples, &observation.name, database),
        None => {}
    }
}

fn seen_vault(samples: &mut Samples, name: &str, vault: &SeenVault, now: Timestamp) {
    let labels = [("vault", name)];
    samples.count("ostler_vault_stored_bytes", &labels, vault.stored_bytes);
    samples.count("ostler_vault_packs", &labels, vault.packs);
    samples.count("ostler_vault_chunks", &labels, vault.chunks);
    samples.age("ostler_vault_read_age_seconds", &labels, now, vault.read_since);
    for state in STATES {
        let count = vault.backups.get(*state).copied().unwrap_or(0);
        samples.count(
            "ostler_vault_backups",
            &[("vault", name), ("state", state)],
            count,
        );
    }
    for source in &vault.sources {
        let labels = [
            ("vault", name),
            ("host", source.host.as_str()),
            ("source", source.paths.as_str()),
        ];
        samples.age(
            "ostler_backup_complete_age_seconds",
            &labels,
            now,
            source.newest_good,
        );
        samples.age(
            "ostler_backup_verified_age_seconds",
            &labels,
            now,
            source.verified,
        );
        let window = match (source.oldest_good, source.newest_good) {
            (Some(oldest), Some(newest)) => newest.duration_since(oldest).as_secs_f64(),
            _ => 0.0,
        };
        samples.number("ostler_backup_restorable_window_seconds", &labels, window);
        samples.count("ostler_backup_restorable", &labels, source.good);
        samples.count("ostler_backup_files", &labels, source.files);
        samples.count("ostler_backup_logical_bytes", &labels, source.bytes);
        samples.count("ostler_backup_added_bytes", &labels, source.added_bytes);
        samples.number(
            "ostler_backup_duration_seconds",
            &labels,
            source.duration_ms as f64 / 1000.0,
        );
    }
}

/// All states of backups, so that none is missing when there is none in it.
const STATES: &[&str] = &[
    "running",
    "incomplete",
    "partial",
    "complete",
    "verified",
    "damaged",
];

fn seen_database(samples: &mut Samples, name: &str, database: &SeenDatabase) {
    let labels = [("database", name)];
    samples.number("ostler_queue_queues", &labels, database.queues as f64);
    samples.number("ostler_queue_waiting_events", &labels, database.waiting as f64);
    samples.number("ostler_queue_dead_letters", &labels, database.dead_letters as f64);
    samples.truth("ostler_queue_has_ticker", &labels, database.has_ticker);
    for consumer in &database.consumers {
        let labels = [
            ("database", name),
            ("queue", consumer.queue.as_str()),
            ("consumer", consumer.consumer.as_str()),
        ];
        samples.number(
            "ostler_queue_pending_events",
            &labels,
            consumer.pending.unwrap_or(0) as f64,
        );
        let lag = consumer.lag_ms.map(|lag| lag as f64 / 1000.0);
        samples.add("ostler_queue_lag_seconds", &labels, lag);
    }
}

fn schedules(samples: &mut Samples, list: &ScheduleList, now: Timestamp) {
    samples.truth("ostler_scheduler_alive", &[], list.scheduler.alive);
    samples.age(
        "ostler_scheduler_beat_age_seconds",
        &[],
        now,
        list.scheduler.last_beat,
    );
    samples.count("ostler_schedules", &[], list.schedules.len() as u64);
    for one in &list.schedules {
        let labels = [("schedule", one.schedule.name.as_str())];
        samples.truth("ostler_schedule_paused", &labels, one.schedule.pause.is_some());
        let late = one
            .overdue
            .map_or(0.0, |since| now.duration_since(since).as_secs_f64().max(0.0));
        samples.number("ostler_schedule_overdue_seconds", &labels, late);
        samples.age("ostler_schedule_good_age_seconds", &labels, now, one.last_good);
        let last = one.last.as_ref().map(|last| last.state);
        let well = !matches!(
            last,
            Some(FiringState::Failed | FiringState::Partial | FiringState::Missed | FiringState::Cancelled)
        );
        samples.truth("ostler_schedule_last_ended_well", &labels, well);
    }
}

#[cfg(test)]
mod tests;
