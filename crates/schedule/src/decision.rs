//! What is to be done now: a pure function of rule, facts and clock.

use jiff::{SignedDuration, Timestamp};
use ostler_api::document::Cause;
use ostler_api::schedule::{Missed, Overlap};
use ostler_vocabulary::Span;

use crate::rule::{NEVER_LATE, Rule};

/// Missed runs are counted so far.
const COUNTED: usize = 1000;

/// What is known of a schedule besides its rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Facts {
    /// Nominal moments up to this one have been decided on.
    pub decided: Timestamp,
    /// The run that is not over.
    pub running: Option<Running>,
    /// When the newest good run of the schedule it runs after ended.
    pub parent: Option<Timestamp>,
}

/// A run that is not over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Running {
    /// When it was due.
    pub due: Timestamp,
    /// When it began.
    pub began: Timestamp,
}

/// A run that is due.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Due {
    /// The moment by the rule: up to it, everything is decided on.
    pub nominal: Timestamp,
    /// The same, moved by the schedule's share of its jitter.
    pub at: Timestamp,
    /// Why it runs.
    pub cause: Cause,
    /// Runs before it that did not happen.
    pub missed: Option<Passed>,
}

/// Runs that do not happen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Passed {
    /// The last of them, by the rule.
    pub nominal: Timestamp,
    /// When that was due.
    pub at: Timestamp,
    /// How many, counted up to a thousand.
    pub count: u64,
    /// Why.
    pub reason: String,
}

/// What is to be done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// Nothing now.
    Nothing,
    /// Something is due and waits for the run before it.
    Hold(Timestamp),
    /// A run begins.
    Fire(Due),
    /// Runs are recorded as missed; then it is to be decided again.
    Pass(Passed),
}

/// What is to be done, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decision {
    /// What.
    pub verdict: Verdict,
    /// When something is due next, jitter included; `None` when that is not known or never.
    pub next: Option<Timestamp>,
    /// Why, for people.
    pub reasons: Vec<String>,
}

/// Decides on one schedule.
#[must_use]
pub fn decide(rule: &Rule, facts: &Facts, now: Timestamp) -> Decision {
    if let Some(reason) = &rule.paused {
        return nothing(None, reason.clone());
    }
    let (candidate, older) = match &rule.parent {
        Some(parent) => match facts
            .parent
            .filter(|ended| *ended > facts.decided && within(rule, *ended))
        {
            Some(ended) if rule.due(ended) <= now => (ended, 0),
            Some(ended) => return nothing(Some(rule.due(ended)), format!("`{parent}` had a good run")),
            None => return nothing(None, format!("waits for a good run of `{parent}`")),
        },
        None => match newest(rule, facts, now) {
            Some(found) => found,
            None => return waiting(rule, facts, now),
        },
    };
    let at = rule.due(candidate);
    let next = rule.after(candidate).map(|(nominal, _)| rule.due(nominal));
    let late = now.duration_since(at);
    let passed = |count: u64, reason: String| Passed {
        nominal: candidate,
        at,
        count,
        reason,
    };
    let pass = |reason: String| Decision {
        reasons: vec![reason.clone()],
        verdict: Verdict::Pass(passed(older + 1, reason)),
        next,
    };
    let limit = rule
        .deadline
        .or((rule.missed == Missed::Skip).then_some(NEVER_LATE));
    if let Some(limit) = limit
        && late > limit
    {
        return pass(format!("nobody began it within {} of {at}", span(limit)));
    }
    if let Some(running) = facts.running {
        let reason = format!("the run that was due at {} still runs", running.due);
        // What was due before that run began did not become due while it runs: nobody could begin it, and it is made up for.
        let is_made_up_for = rule.missed == Missed::All && rule.parent.is_none() && at <= running.began;
        if rule.overlap == Overlap::Skip && !is_made_up_for {
            return pass(reason);
        }
        return Decision {
            verdict: Verdict::Hold(at),
            next: Some(at),
            reasons: vec![reason],
        };
    }
    let cause = match (&rule.parent, late > NEVER_LATE) {
        (Some(_), _) => Cause::After,
        (None, true) => Cause::CatchUp,
        (None, false) => Cause::Due,
    };
    let missed = (older > 0).then(|| Passed {
        count: older,
        ..passed(older, missed_reason(rule.missed).to_owned())
    });
    let reason = match &rule.parent {
        Some(parent) => format!("`{parent}` had a good run that ended at {candidate}"),
        None if cause == Cause::Due => format!("due at {at}"),
        None => format!("was due at {at}, when nobody began it"),
    };
    Decision {
        verdict: Verdict::Fire(Due {
            nominal: candidate,
            at,
            cause,
            missed,
        }),
        next,
        reasons: vec![reason],
    }
}

/// Since when a run is due that nobody has begun, once that is longer ago than a run may be late.
#[must_use]
pub fn overdue(decision: &Decision, now: Timestamp) -> Option<Timestamp> {
    let due = match &decision.verdict {
        Verdict::Fire(due) => due.at,
        Verdict::Pass(passed) => passed.at,
        Verdict::Hold(_) | Verdict::Nothing => return None,
    };
    (now.duration_since(due) > NEVER_LATE).then_some(due)
}

/// The moment to decide on among those that are due, and how many are older and go with it.
fn newest(rule: &Rule, facts: &Facts, now: Timestamp) -> Option<(Timestamp, u64)> {
    let last = rule.last(facts.decided, now)?;
    if rule.missed == Missed::All {
        return rule.after(facts.decided).map(|(first, _)| (first, 0));
    }
    let all = rule.count(facts.decided, last, COUNTED);
    Some((last, all.saturating_sub(1)))
}

fn missed_reason(rule: Missed) -> &'static str {
    match rule {
        Missed::Skip => "nobody began them; missed runs are left out",
        Missed::Once | Missed::All => "nobody began them; the next run makes up for them",
    }
}

fn waiting(rule: &Rule, facts: &Facts, now: Timestamp) -> Decision {
    let from = now.checked_sub(rule.shift).unwrap_or(now).max(facts.decided);
    match rule.after(from) {
        Some((nominal, _)) => nothing(Some(rule.due(nominal)), "not yet due".to_owned()),
        None => match rule.end {
            Some(end) => nothing(None, format!("its end was {end}")),
            None => nothing(None, "it is never due again".to_owned()),
        },
    }
}

fn within(rule: &Rule, moment: Timestamp) -> bool {
    rule.start.is_none_or(|start| moment >= start) && rule.end.is_none_or(|end| moment < end)
}

fn nothing(next: Option<Timestamp>, reason: String) -> Decision {
    Decision {
        verdict: Verdict::Nothing,
        next,
        reasons: vec![reason],
    }
}

fn span(length: SignedDuration) -> Span {
    Span(length.unsigned_abs())
}
