//! What a message says: a pure function of what happened.

use ostler_api::document::{Firing, OperationDetail, Problem, ScheduleSummary};
use ostler_api::webhook::{HookEvent, HookFormat};
use ostler_operations::State;
use ostler_vocabulary::Timestamp;
use ostler_vocabulary::humane::moment;
use serde_json::{Value, json};

/// At most so many failing items are in a message; the number of others is.
const ITEMS: usize = 50;

/// What is told of a change to this state, by the how-manieth owner.
pub(crate) fn event_of(state: State) -> Option<HookEvent> {
    match state {
        State::Running => Some(HookEvent::Started),
        State::Interrupted => Some(HookEvent::Interrupted),
        State::Cancelled => Some(HookEvent::Cancelled),
        State::Failed => Some(HookEvent::Failed),
        State::Partial => Some(HookEvent::Partial),
        State::Succeeded => Some(HookEvent::Succeeded),
        State::Cancelling => None,
    }
}

/// The body that tells of an operation. `host` is where this is said.
pub(crate) fn of_operation(
    format: HookFormat,
    event: HookEvent,
    detail: &OperationDetail,
    at: Timestamp,
    host: &str,
) -> String {
    let summary = &detail.summary;
    let mut text = format!(
        "{}: {} of {} {}",
        host,
        summary.kind.replace('_', " "),
        summary.subject,
        words(event)
    );
    if let Some(reason) = summary.reasons.first() {
        text = format!("{text}: {reason}");
    }
    if let Some(advice) = detail.advice.as_ref().filter(|_| event != HookEvent::Started) {
        text = format!("{text}. {advice}");
    }
    let mut items = failing(detail);
    let more = items.len().saturating_sub(ITEMS);
    items.truncate(ITEMS);
    let data = json!({
        "operation": summary,
        "failure": detail.failure,
        "reasons": summary.reasons,
        "items": items,
        "more_items": more,
        "advice": detail.advice,
    });
    body(format, event, at, host, text, data)
}

/// The body that tells of a run that a schedule let go by.
pub(crate) fn of_missed(format: HookFormat, firing: &Firing, host: &str) -> String {
    let reason = firing.reasons.first().map_or("", String::as_str);
    let text = format!("{host}: schedule {} missed a run: {reason}", firing.schedule);
    body(
        format,
        HookEvent::Missed,
        firing.began,
        host,
        text,
        json!({ "run": firing, "reasons": firing.reasons }),
    )
}

/// The body that tells of a run that is due since then and that nobody has begun.
pub(crate) fn of_overdue(
    format: HookFormat,
    summary: &ScheduleSummary,
    since: Timestamp,
    host: &str,
) -> String {
    let name = &summary.schedule.name;
    let text = format!(
        "{host}: schedule {name} is overdue since {}: nobody has begun what is due",
        moment(since)
    );
    let data = json!({
        "schedule": name,
        "since": since,
        "last_good": summary.last_good,
        "reasons": summary.reasons,
    });
    body(format, HookEvent::Overdue, since, host, text, data)
}

/// The body of a test.
pub(crate) fn of_test(format: HookFormat, name: &str, at: Timestamp, host: &str) -> String {
    let text = format!("{host}: a test of the webhook {name}");
    body(
        format,
        HookEvent::Test,
        at,
        host,
        text,
        json!({ "webhook": name }),
    )
}

fn body(
    format: HookFormat,
    event: HookEvent,
    at: Timestamp,
    host: &str,
    text: String,
    data: Value,
) -> String {
    match format {
        HookFormat::Chat => json!({ "text": text }),
        HookFormat::Full => json!({
            "type": event.full_name(),
            "timestamp": at,
            "host": host,
            "text": text,
            "data": data,
        }),
    }
    .to_string()
}

fn words(event: HookEvent) -> &'static str {
    match event {
        HookEvent::Started => "began",
        HookEvent::Succeeded => "succeeded",
        HookEvent::Partial => "ended with a part not done",
        HookEvent::Failed => "failed",
        HookEvent::Cancelled => "was cancelled",
        HookEvent::Interrupted => "was interrupted",
        HookEvent::Missed => "was missed",
        HookEvent::Overdue => "is overdue",
        HookEvent::Test => "is tested",
    }
}

/// What did not go well, one by one: steps that failed, and what the outcome names.
fn failing(detail: &OperationDetail) -> Vec<Problem> {
    // One that was undone since says why as well.
    let steps = detail
        .steps
        .iter()
        .filter(|step| step.state != "done" && !step.reasons.is_empty());
    let mut items: Vec<Problem> = steps
        .map(|step| Problem {
            path: step.name.clone(),
            reason: step.reasons.join(": "),
        })
        .collect();
    let outcome = detail
        .outcome
        .as_ref()
        .and_then(|outcome| serde_json::to_value(outcome).ok())
        .unwrap_or_default();
    for place in ["/problems", "/proof/problems"] {
        let found = outcome.pointer(place).cloned().unwrap_or_default();
        items.extend(serde_json::from_value::<Vec<Problem>>(found).unwrap_or_default());
    }
    items
}

#[cfg(test)]
mod tests {
    use ostler_api::document::{OperationDetail, OperationState, OperationSummary, StepSummary};
    use ostler_api::webhook::{HookEvent, HookFormat};
    use ostler_vocabulary::{ErrorKind, OperationId, Timestamp};
    use serde_json::{Value, json};

    use super::{ITEMS, of_operation};

    fn failed(steps: usize) -> OperationDetail {
        let at = Timestamp::from_second(1_800_000_000).unwrap();
        let step = |number: usize| StepSummary {
            name: format!("upload node-{number}/data"),
            state: "failed".to_owned(),
            started: at,
            ended: Some(at),
            attempts: 3,
            progress: None,
            reasons: vec!["cannot upload".to_owned(), "disk full".to_owned()],
        };
        OperationDetail {
            summary: OperationSummary {
                id: OperationId::random(),
                kind: "create_backup".to_owned(),
                subject: "cluster shop".to_owned(),
                state: OperationState::Failed,
                started: at,
                ended: Some(at),
                duration_ms: 1,
                bytes: 2,
                reasons: vec!["cannot back up node-0/data".to_owned(), "disk full".to_owned()],
                clusters: ["shop".to_owned()].into(),
            },
            owner: None,
            epoch: 1,
            steps: (0..steps).map(step).collect(),
            audit: Vec::new(),
            messages: Vec::new(),
            outcome: None,
            traffic: None,
            advice: Some("`ostler operation resume 1234` tries again".to_owned()),
            failure: Some(ErrorKind::Unavailable),
        }
    }

    fn told(format: HookFormat, detail: &OperationDetail) -> Value {
        let text = of_operation(
            format,
            HookEvent::Failed,
            detail,
            detail.summary.started,
            "backup1",
        );
        serde_json::from_str(&text).unwrap()
    }

    #[test]
    fn a_failure_is_told_with_reasons_items_and_what_to_do() {
        let told = told(HookFormat::Full, &failed(2));
        assert_eq!(told["type"], "operation.failed");
        assert_eq!(told["data"]["operation"]["subject"], "cluster shop");
        assert_eq!(told["data"]["failure"], "unavailable");
        assert_eq!(
            told["data"]["items"][1],
            json!({"path": "upload node-1/data", "reason": "cannot upload: disk full"})
        );
        assert_eq!(
            told["text"],
            "backup1: create backup of cluster shop failed: cannot back up node-0/data. \
             `ostler operation resume 1234` tries again"
        );
    }

    #[test]
    fn a_message_is_bounded_and_says_how_much_it_lacks() {
        let told = told(HookFormat::Full, &failed(ITEMS + 7));
        assert_eq!(told["data"]["items"].as_array().unwrap().len(), ITEMS);
        assert_eq!(told["data"]["more_items"], 7);
    }

    #[test]
    fn chats_get_their_text_and_nothing_else() {
        let told = told(HookFormat::Chat, &failed(1));
        let keys: Vec<_> = told.as_object().unwrap().keys().collect();
        assert_eq!(keys, ["text"]);
    }
}
