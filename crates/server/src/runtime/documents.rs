//! Records of the journal as documents.

use std::collections::BTreeSet;

use ostler_api::document::{
    AuditEntry, Message, OperationDetail, OperationState, OperationSummary, Outcome, StepSummary,
};
use ostler_api::{Event, Plan, Request};
use ostler_operations::{Event as Happened, OperationRecord, State, StepRecord};
use serde::Deserialize as _;
use serde_json::Value;
use tokio::sync::mpsc;

pub(super) fn state(state: State) -> OperationState {
    match state {
        State::Running => OperationState::Running,
        State::Interrupted => OperationState::Interrupted,
        State::Cancelling => OperationState::Cancelling,
        State::Cancelled => OperationState::Cancelled,
        State::Failed => OperationState::Failed,
        State::Partial => OperationState::Partial,
        State::Succeeded => OperationState::Succeeded,
    }
}

pub(super) fn summary(record: &OperationRecord) -> OperationSummary {
    OperationSummary {
        id: record.id,
        kind: record.kind.clone(),
        subject: record.subject.clone(),
        state: state(record.state),
        started: record.started,
        ended: record.ended,
        duration_ms: record.worked_ms,
        bytes: record.bytes,
        reasons: record.reasons.clone(),
        clusters: clusters(&record.plan),
    }
}

/// The clusters that a plan is about. Plans of older programs may not say.
fn clusters(plan: &Value) -> BTreeSet<String> {
    match plan.get("request").map(Request::deserialize) {
        // What it deletes is only known from all of it.
        Some(Ok(Request::Delete(_))) => Plan::deserialize(plan)
            .map(|plan| plan.clusters())
            .unwrap_or_default(),
        Some(Ok(request)) => request.clusters(),
        _ => BTreeSet::new(),
    }
}

pub(super) fn detail(record: OperationRecord) -> OperationDetail {
    OperationDetail {
        summary: summary(&record),
        owner: record
            .owner
            .as_ref()
            .map(|owner| format!("{} (process {})", owner.host, owner.pid)),
        epoch: record.epoch,
        advice: advice(&record),
        failure: record.failure,
        steps: record.steps.into_iter().map(step).collect(),
        audit: record
            .audit
            .into_iter()
            .map(|entry| AuditEntry {
                at: entry.at,
                action: entry.action,
                item: entry.item,
                bytes: entry.bytes,
                reason: entry.reason,
            })
            .collect(),
        messages: record
            .messages
            .into_iter()
            .map(|message| Message {
                at: message.at,
                text: message.text,
            })
            .collect(),
        traffic: record
            .outcome
            .as_ref()
            .and_then(|outcome| serde_json::from_value(outcome.get("traffic")?.clone()).ok()),
        outcome: record
            .outcome
            .and_then(|value| serde_json::from_value::<Outcome>(value).ok()),
    }
}

fn step(record: StepRecord) -> StepSummary {
    StepSummary {
        name: match record.key.as_deref() {
            None | Some("") => record.name,
            Some(key) => format!("{} {key}", record.name),
        },
        state: record.state,
        started: record.started,
        ended: record.ended,
        attempts: record.attempts,
        progress: record.progress,
        reasons: record.reasons,
    }
}

/// What to do next with an operation that did not end well.
fn advice(record: &OperationRecord) -> Option<String> {
    let resume = || format!("`ostler operation resume {}`", record.id.short());
    match record.state {
        State::Interrupted => Some(format!("it stopped before its end; {} goes on", resume())),
        State::Failed => Some(match (&record.hint, record.committed) {
            (Some(hint), _) => hint.clone(),
            (None, true) => format!("what it changed stays; {} tries the rest again", resume()),
            (None, false) => format!("nothing was committed; {} tries again", resume()),
        }),
        _ => record.hint.clone(),
    }
}

/// Events of the engine as events of the client. Ends when the engine's do or nobody listens.
pub(super) fn events(mut from: mpsc::Receiver<Happened>) -> mpsc::Receiver<Event> {
    let (sender, receiver) = mpsc::channel(64);
    // Ends with its source, which the engine ends with the operation, or with its reader.
    drop(tokio::spawn(async move {
        while let Some(event) = from.recv().await {
            let event = match event {
                Happened::StepStarted { step } => Event::StepStarted { step },
                Happened::Progress { step, progress } => Event::Progress { step, progress },
                Happened::StepEnded { step, ok } => Event::StepEnded { step, ok },
                Happened::Message { text } => Event::Message { text },
                Happened::Ended { state: ended } => Event::Ended { state: state(ended) },
            };
            if sender.send(event).await.is_err() {
                return;
            }
        }
    }));
    receiver
}
