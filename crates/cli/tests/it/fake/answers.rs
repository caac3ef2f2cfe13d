//! What the fake says of schedules and webhooks.

use ostler::reference::samples;
use ostler_api::document::FiringList;
use ostler_api::schedule::{ScheduleAnswer, ScheduleCall};
use ostler_api::webhook::{WebhookAnswer, WebhookCall};

pub fn schedule(call: &ScheduleCall) -> ScheduleAnswer {
    let change = |action: &str| ScheduleAnswer::Changed(Box::new(samples::schedule_change(action)));
    match call {
        ScheduleCall::List => ScheduleAnswer::List(samples::schedule_list()),
        ScheduleCall::Show { .. } => ScheduleAnswer::Detail(Box::new(samples::schedule_detail())),
        ScheduleCall::Preview { .. } => ScheduleAnswer::Preview(samples::schedule_preview()),
        ScheduleCall::Run { .. } | ScheduleCall::Finish { .. } => ScheduleAnswer::Firing(samples::firing()),
        ScheduleCall::RunDue => ScheduleAnswer::Firings(FiringList {
            firings: vec![samples::firing()],
        }),
        ScheduleCall::Add { .. } => change("added"),
        ScheduleCall::Edit { .. } => change("changed"),
        ScheduleCall::Pause { .. } => change("paused"),
        ScheduleCall::Resume { .. } => change("resumed"),
        ScheduleCall::Remove { .. } => change("removed"),
    }
}

pub fn webhook(call: &WebhookCall) -> WebhookAnswer {
    match call {
        WebhookCall::List => WebhookAnswer::List(samples::webhook_list()),
        WebhookCall::Show { .. } => WebhookAnswer::Detail(samples::webhook_detail()),
        WebhookCall::Add { .. } => WebhookAnswer::Changed(samples::webhook_change("added")),
        WebhookCall::Remove { .. } => WebhookAnswer::Changed(samples::webhook_change("removed")),
        WebhookCall::Test { .. } => WebhookAnswer::Tested(samples::tested()),
    }
}
