//! From a request to the end of its operation: plan, approval, start, progress, interrupts.

use std::time::Duration;

use ostler_api::client::Event;
use ostler_api::document::{OperationDetail, OperationState};
use ostler_api::request::Work;
use ostler_api::{Client, Plan, Request};
use ostler_vocabulary::{ErrorKind, Failure, OperationId};

use crate::arguments::ApprovalArguments;
use crate::error::CommandError;
use crate::interrupt::Interrupt;
use crate::output::{Page, schema};
use crate::progress::View;
use crate::report;
use crate::session::Session;

/// How often progress is drawn when nothing happens.
const TICK: Duration = Duration::from_millis(100);

/// How long a second Ctrl-C waits for the operation to stop where it can be resumed. It can be at any moment; waiting
/// only saves work.
const LEAVE_WITHIN: Duration = Duration::from_secs(5);

/// Digits of a digest in tables and commands.
const SHOWN_DIGITS: usize = 16;

/// Whether somebody has to agree to the plan, and has.
#[derive(Debug)]
pub(crate) struct Approval {
    /// What needs the approval; `None` when nothing does.
    needed_by: Option<&'static str>,
    given: ApprovalArguments,
}

impl Approval {
    /// For verbs that destroy nothing and have no plan to look at.
    pub fn none() -> Self {
        Self::offered(ApprovalArguments::default())
    }

    /// For verbs whose plan can be looked at.
    pub fn offered(given: ApprovalArguments) -> Self {
        Self {
            needed_by: None,
            given,
        }
    }

    /// For verbs that destroy nothing, and whose plan can be looked at.
    pub fn looked_at(dry_run: bool) -> Self {
        Self::offered(ApprovalArguments {
            dry_run,
            ..ApprovalArguments::default()
        })
    }

    /// Whether only the plan is wanted, or one plan only: nothing that could be done again.
    pub fn is_about_one_plan(&self) -> bool {
        self.given.dry_run || self.given.apply.is_some()
    }

    /// For verbs that destroy something.
    pub fn needed(action: &'static str, given: ApprovalArguments) -> Self {
        Self {
            needed_by: Some(action),
            given,
        }
    }
}

/// Plans, asks, runs and reports.
pub(crate) async fn carry_out(
    session: &Session,
    request: Request,
    approval: Approval,
) -> Result<(), Failure> {
    let client = session.client().await?;
    let plan = client.plan(request).await?;
    if approval.given.dry_run {
        print_plan(session, &plan)?;
        return doubts(&plan).map_or(Ok(()), Err);
    }
    if let Some(approved) = &approval.given.apply {
        if !plan.digest.starts_with(approved.as_str()) {
            return Err(CommandError::PlanChanged {
                found: shown_digest(&plan).to_owned(),
                approved: approved.clone(),
            }
            .into());
        }
    } else if let Some(action) = approval.needed_by
        && !approval.given.yes
        && destroys(&plan)
    {
        print_plan(session, &plan)?;
        let command = session.command_to_apply(shown_digest(&plan), cutoff(&plan));
        return Err(CommandError::NotApproved { action, command }.into());
    }
    if changes_nothing(&plan) {
        print_plan(session, &plan)?;
        return doubts(&plan).map_or(Ok(()), Err);
    }
    let id = client.start(plan).await?;
    let detail = follow(session, id).await?;
    report::outcome(session, &detail).await
}

fn print_plan(session: &Session, plan: &Plan) -> Result<(), Failure> {
    let now = session.now();
    session.output.document(schema::PLAN, plan, |page: &mut Page| {
        report::plan::print(page, plan, now)
    })?;
    let asked_for_a_plan = session.words.iter().any(|word| word == "plan");
    if asked_for_a_plan && !changes_nothing(plan) {
        let command = session.command_to_apply(shown_digest(plan), cutoff(plan));
        session.output.note(&format!("`{command}` runs this plan"));
    }
    Ok(())
}

/// Why a plan that was made is no success as a whole.
fn doubts(plan: &Plan) -> Option<Failure> {
    match &plan.work {
        Work::Retention(work) => report::retention::doubts(work),
        _ => None,
    }
}

/// The moment that a plan was made for, where another would make another plan.
fn cutoff(plan: &Plan) -> Option<String> {
    match &plan.work {
        Work::Retention(work) => Some(work.cutoff.to_string()),
        _ => None,
    }
}

/// The digest as it is shown and typed; an approval may give more digits.
pub(crate) fn shown_digest(plan: &Plan) -> &str {
    plan.digest.get(..SHOWN_DIGITS).unwrap_or(&plan.digest)
}

fn destroys(plan: &Plan) -> bool {
    match &plan.work {
        Work::Restore(work) => {
            !work.delete.is_empty() || work.load.as_ref().is_some_and(|load| !load.empties.is_empty())
        }
        Work::Prune(_) | Work::Repair(_) => !changes_nothing(plan),
        Work::QueueSchema(work) => !work.drops.is_empty() || !work.steps.is_empty(),
        Work::Retention(_) => !changes_nothing(plan),
        _ => true,
    }
}

fn changes_nothing(plan: &Plan) -> bool {
    match &plan.work {
        Work::Prune(work) => {
            work.decisions.iter().all(|decision| decision.keep)
                && work.incomplete.is_empty()
                && work.free_packs == 0
                && work.repack_packs == 0
                && work.small_objects == 0
        }
        Work::Repair(work) => {
            let reads = matches!(&plan.request, Request::RepairVault(request) if request.read_data);
            work.problems.is_empty() && !reads
        }
        Work::Mirror(work) => work.items.is_empty() && work.marked.is_empty() && work.refused.is_empty(),
        Work::Retention(work) => work.items.is_empty(),
        _ => false,
    }
}

/// What an interrupt means to somebody who follows an operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum OnInterrupt {
    /// The operation is ours: the first Ctrl-C cancels it, the second leaves it.
    Cancel,
    /// It is another's.
    StopWatching,
}

/// Shows the progress of an operation of ours until it is over, then gives its record.
pub(crate) async fn follow(session: &Session, id: OperationId) -> Result<OperationDetail, Failure> {
    let view = View::new(&session.output, session.clock.clone(), id);
    follow_in(view, session, id, OnInterrupt::Cancel).await
}

/// Shows the progress of an operation of somebody else.
pub(crate) async fn watch(session: &Session, detail: &OperationDetail) -> Result<OperationDetail, Failure> {
    let view = View::watching(&session.output, session.clock.clone(), detail);
    follow_in(view, session, detail.summary.id, OnInterrupt::StopWatching).await
}

async fn follow_in(
    mut view: View<'_>,
    session: &Session,
    id: OperationId,
    on_interrupt: OnInterrupt,
) -> Result<OperationDetail, Failure> {
    let client = session.client().await?;
    let mut events = client.watch(id).await?;
    let mut interrupts = session.interrupts.lock().await;
    let mut ticks = tokio::time::interval(TICK);
    let mut asked = 0;
    let mut deaf = false;
    let deadline = tokio::time::sleep(Duration::MAX);
    tokio::pin!(deadline);
    loop {
        tokio::select! {
            // In this order: no flood of events keeps an interrupt from being seen.
            biased;
            interrupt = interrupts.recv(), if !deaf => match interrupt {
                None => deaf = true,
                Some(_) if on_interrupt == OnInterrupt::StopWatching => {
                    view.finish();
                    return Err(Failure::new(ErrorKind::Cancelled, "the watching was interrupted, the operation was not")
                        .with_hint(format!("`ostler operation watch {}` watches again", id.short())));
                }
                Some(interrupt) => {
                    asked += 1;
                    if interrupt != Interrupt::Keyboard {
                        asked = asked.max(2);
                    }
                    if asked > 2 {
                        break;
                    }
                    stop(client.as_ref(), id, asked == 2, &mut view).await?;
                    if asked == 2 {
                        deadline.as_mut().reset(tokio::time::Instant::now() + LEAVE_WITHIN);
                    }
                }
            },
            () = &mut deadline, if asked >= 2 => break,
            event = events.recv() => match event {
                Some(Event::Ended { .. }) | None => break,
                Some(event) => view.event(&event),
            },
            _ = ticks.tick() => view.tick(),
        }
    }
    view.finish();
    let detail = client.operation(&id.to_string()).await?;
    if asked >= 2 && !detail.summary.state.is_over() {
        return Err(left(id));
    }
    Ok(detail)
}

async fn stop(client: &dyn Client, id: OperationId, leave: bool, view: &mut View<'_>) -> Result<(), Failure> {
    if leave {
        view.message("leaving it as it is, to be resumed");
    } else {
        view.message("cancelling: what was done is undone; Ctrl-C again leaves it as it is, to be resumed");
    }
    match client.cancel(id, leave).await {
        // It ended in the same moment; its record tells how.
        Err(failure) if failure.kind() == ErrorKind::Conflict => Ok(()),
        other => other,
    }
}

fn left(id: OperationId) -> Failure {
    Failure::new(
        ErrorKind::Cancelled,
        format!("operation {} was left as it is", id.short()),
    )
    .with_hint(format!("`ostler operation resume {}` resumes it", id.short()))
}

/// Why an operation is not a success, with the kind from which the exit code follows.
pub(crate) fn failure_of(detail: &OperationDetail) -> Option<Failure> {
    let summary = &detail.summary;
    let id = summary.id.short();
    let (kind, otherwise) = match summary.state {
        OperationState::Succeeded => return None,
        OperationState::Partial => (ErrorKind::Partial, format!("part of operation {id} was not done")),
        OperationState::Failed => (ErrorKind::Internal, format!("operation {id} failed")),
        OperationState::Cancelled => (ErrorKind::Cancelled, format!("operation {id} was cancelled")),
        OperationState::Cancelling => (
            ErrorKind::Cancelled,
            format!("operation {id} is still being undone"),
        ),
        OperationState::Interrupted => return Some(left(summary.id)),
        OperationState::Running => (ErrorKind::Busy, format!("operation {id} still runs")),
    };
    let kind = match summary.state {
        OperationState::Cancelled | OperationState::Cancelling => kind,
        _ => detail.failure.unwrap_or(kind),
    };
    let mut reasons = summary.reasons.iter().rev();
    let mut failure = Failure::new(kind, reasons.next().unwrap_or(&otherwise).as_str());
    for reason in reasons {
        failure = failure.context(reason.as_str());
    }
    Some(match &detail.advice {
        Some(advice) => failure.with_hint(advice.as_str()),
        None => failure,
    })
}
