//! Which backups are kept, and why. Pure: the same catalogue, rules and time give the same decisions.
//!
//! Rules look at good backups only (complete or verified), group by group. Partial and damaged ones never take the
//! place of a good one: they go once a newer good one of the group exists. Calendar buckets are in UTC.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use jiff::tz::TimeZone;
use ostler_api::document::BackupState;
use ostler_api::request::{Decision, GroupBy, Keep};
use ostler_vocabulary::Timestamp;

use crate::Error;
use crate::select::group;
use crate::state::Backup;

/// How far ahead of our clock another host's may be before its backups count as dated in the future.
pub const SKEW: Duration = Duration::from_secs(600);

/// Decides on each of `backups`, newest first.
///
/// Floors: the newest `min_keep` good backups of a group stay (1 unless given), never the newest verified one of a group, never a held
/// one, and no plan that deletes more than `max_delete_ratio` of the good backups.
///
/// # Errors
/// [`Error::Rule`] for a rule that makes no sense, [`Error::NoSuchTag`], [`Error::TooMany`].
pub fn decide(
    backups: &[&Backup],
    keep: &Keep,
    group_by: &[GroupBy],
    now: Timestamp,
) -> Result<Vec<Decision>, Error> {
    check(keep)?;
    if let Some((key, value)) = keep
        .tags
        .iter()
        .find(|(key, value)| !backups.iter().any(|b| b.summary.tags.get(*key) == Some(value)))
    {
        return Err(Error::NoSuchTag {
            tag: format!("{key}={value}"),
        });
    }
    let mut groups: BTreeMap<String, Vec<&Backup>> = BTreeMap::new();
    for backup in backups {
        groups
            .entry(group(&backup.summary, group_by))
            .or_default()
            .push(backup);
    }
    let mut decisions = Vec::with_capacity(backups.len());
    for (name, mut members) in groups {
        members.sort_by_key(|b| std::cmp::Reverse((b.summary.started, b.summary.id)));
        decisions.extend(decide_group(&name, &members, keep, now));
    }
    decisions.sort_by_key(|d| std::cmp::Reverse((d.started, d.backup)));
    check_ratio(&decisions, keep)?;
    Ok(decisions)
}

fn check(keep: &Keep) -> Result<(), Error> {
    let wrong = |rule: &str, reason: &str| {
        Err(Error::Rule {
            rule: rule.to_owned(),
            reason: reason.to_owned(),
        })
    };
    if keep.tags.keys().any(String::is_empty) {
        return wrong("tag", "the key of a tag is empty");
    }
    if keep.min_keep == Some(0) {
        return wrong("min_keep", "0 would let the rules delete the last good backup");
    }
    if keep.max_delete_ratio.is_some_and(|r| !(0.0..=1.0).contains(&r)) {
        return wrong("max_delete_ratio", "it is not a number from 0 to 1");
    }
    if !has_rule(keep) && counted(keep).iter().any(|(_, n)| n.is_some()) {
        return wrong("0", "all rules together keep nothing");
    }
    Ok(())
}

fn counted(keep: &Keep) -> [(&'static str, Option<u32>); 6] {
    [
        ("last", keep.last),
        ("hourly", keep.hourly),
        ("daily", keep.daily),
        ("weekly", keep.weekly),
        ("monthly", keep.monthly),
        ("yearly", keep.yearly),
    ]
}

/// Whether any rule could keep anything, so that what none keeps may go.
#[must_use]
pub fn has_rule(keep: &Keep) -> bool {
    counted(keep).iter().any(|(_, n)| n.is_some_and(|n| n > 0))
        || keep.within.is_some()
        || !keep.tags.is_empty()
}

fn check_ratio(decisions: &[Decision], keep: &Keep) -> Result<(), Error> {
    let Some(ratio) = keep.max_delete_ratio else {
        return Ok(());
    };
    let good = decisions.iter().filter(|d| d.state.is_good()).count();
    let delete = decisions.iter().filter(|d| d.state.is_good() && !d.keep).count();
    #[expect(clippy::cast_precision_loss, reason = "counts of backups are far below 2^52")]
    if delete as f64 > ratio * good as f64 {
        return Err(Error::TooMany { delete, good, ratio });
    }
    Ok(())
}

fn decide_group(name: &str, members: &[&Backup], keep: &Keep, now: Timestamp) -> Vec<Decision> {
    let is_future = |b: &Backup| b.summary.started > now + SKEW;
    let good: Vec<&Backup> = members
        .iter()
        .filter(|b| b.state().is_good() && !is_future(b))
        .copied()
        .collect();
    let mut reasons = by_rules(&good, keep);
    let mut add = |backup: &Backup, reason: String| reasons.entry(backup.id()).or_default().push(reason);
    for backup in members {
        if let Some(hold) = &backup.hold {
            let why = hold
                .reason
                .as_deref()
                .map(|r| format!(": {r}"))
                .unwrap_or_default();
            add(backup, format!("held{why}"));
        }
        if backup.state() == BackupState::Running {
            add(backup, "running".to_owned());
        }
        if backup.state() != BackupState::Incomplete {
            for (key, value) in &keep.tags {
                if backup.summary.tags.get(key) == Some(value) {
                    add(backup, format!("tag {key}={value}"));
                }
            }
            if !has_rule(keep) {
                add(backup, "no keep rule is given".to_owned());
            }
            if is_future(backup) {
                add(backup, "its date is in the future".to_owned());
            }
        }
        if !backup.state().is_good() && !good.iter().any(|g| g.summary.started > backup.summary.started) {
            add(backup, "no newer good backup".to_owned());
        }
    }
    if let Some(verified) = good.iter().find(|b| b.state() == BackupState::Verified) {
        let reasons = reasons.entry(verified.id()).or_default();
        if reasons.is_empty() {
            reasons.push("newest verified".to_owned());
        }
    }
    let floor = keep.min_keep.unwrap_or(1) as usize;
    for backup in good.iter().take(floor) {
        let reasons = reasons.entry(backup.id()).or_default();
        if reasons.is_empty() {
            reasons.push(format!("min_keep {floor}"));
        }
    }
    members
        .iter()
        .map(|b| {
            let why = reasons.remove(&b.id()).unwrap_or_default();
            Decision {
                backup: b.id(),
                name: b.summary.name.clone(),
                started: b.summary.started,
                group: name.to_owned(),
                state: b.state(),
                keep: !why.is_empty(),
                reasons: if why.is_empty() {
                    vec![why_removed(b.state()).to_owned()]
                } else {
                    why
                },
            }
        })
        .collect()
}

fn why_removed(state: BackupState) -> &'static str {
    match state {
        BackupState::Incomplete => "interrupted, and a newer good backup exists",
        BackupState::Partial => "partial, and a newer good backup exists",
        BackupState::Damaged => "damaged, and a newer good backup exists",
        BackupState::Running | BackupState::Complete | BackupState::Verified => "no rule keeps it",
    }
}

type Reasons = BTreeMap<ostler_vocabulary::BackupId, Vec<String>>;

/// What the counting rules keep of the good backups of one group, newest first.
fn by_rules(good: &[&Backup], keep: &Keep) -> Reasons {
    let mut reasons = Reasons::new();
    for (rule, count) in counted(keep) {
        let mut seen = BTreeSet::new();
        for (nth, backup) in good.iter().enumerate() {
            if seen.len() >= count.unwrap_or(0) as usize {
                break;
            }
            let bucket = bucket(rule, backup.summary.started, nth + 1);
            if seen.insert(bucket.clone()) {
                reasons
                    .entry(backup.id())
                    .or_default()
                    .push(format!("{rule} {bucket}"));
            }
        }
    }
    if let (Some(within), Some(newest)) = (keep.within, good.first()) {
        for backup in good {
            let age = newest.summary.started.duration_since(backup.summary.started);
            if age.unsigned_abs() <= within.0 {
                reasons
                    .entry(backup.id())
                    .or_default()
                    .push(format!("within {within}"));
            }
        }
    }
    reasons
}

fn bucket(rule: &str, started: Timestamp, nth: usize) -> String {
    let time = started.to_zoned(TimeZone::UTC);
    match rule {
        "hourly" => format!("{} {:02}h", time.date(), time.hour()),
        "daily" => time.date().to_string(),
        "weekly" => {
            let week = time.date().iso_week_date();
            format!("{:04}-W{:02}", week.year(), week.week())
        }
        "monthly" => format!("{:04}-{:02}", time.year(), time.month()),
        "yearly" => format!("{:04}", time.year()),
        _ => nth.to_string(),
    }
}

#[cfg(test)]
mod tests;
