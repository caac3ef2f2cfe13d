//! The side of a run that keeps in touch with the journal: heartbeat, requests of others, progress.

use std::time::Duration;

use ostler_vocabulary::ProgressValue;
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;

use super::Run;
use crate::journal::StepAt;
use crate::record::{Event, label};

/// How much later than asked a timer fires whose process was stopped, or whose machine slept.
const STOPPED: Duration = Duration::from_secs(10);

/// Until told to stop, or until another owner took the operation over.
pub(super) async fn keep(run: &Run, stop: &CancellationToken) {
    tokio::select! {
        () = beat(run, stop) => {}
        () = notice_stops(run) => {}
    }
}

/// Says for how long this process did not run. Never ends.
async fn notice_stops(run: &Run) {
    loop {
        let before = Instant::now();
        sleep(run.engine.settings.look).await;
        let late = before.elapsed().saturating_sub(run.engine.settings.look);
        if late >= STOPPED {
            let seconds = late.as_secs();
            run.tell(Event::Message {
                text: format!(
                    "this process did not run for {seconds} s: it was stopped, or its machine slept"
                ),
            });
        }
    }
}

async fn beat(run: &Run, stop: &CancellationToken) {
    let settings = &run.engine.settings;
    let (mut beaten, mut journaled) = (Instant::now(), Instant::now());
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            () = run.lost.cancelled() => return,
            () = sleep(settings.look) => {}
        }
        for event in run.changed() {
            run.tell(event);
        }
        // What cannot be written now is written with the next beat, or at the end.
        let _ = run.journal_messages().await;
        let values = if due(&mut journaled, settings.journal_progress) {
            run.unjournaled()
        } else {
            Vec::new()
        };
        let worked = due(&mut beaten, settings.heartbeat).then(|| run.worked_ms());
        let now = run.engine.clock.now();
        match run
            .journal(move |journal, by| journal.look(by, &values, worked, now))
            .await
        {
            Ok(requests) if requests.leave => {
                run.left.cancel();
                run.cancel.cancel();
            }
            Ok(requests) if requests.cancel && !run.undo_only => run.cancel.cancel(),
            Ok(_) => {}
            // Another owner has it, or this run recorded its end while the beat was on its way: neither is a fault here.
            Err(_) if run.lost.is_cancelled() => return,
            // Anything else may pass before others take this one for dead.
            Err(failure) => tracing::warn!(operation = %run.id(), ?failure, "cannot reach the journal"),
        }
    }
}

fn due(last: &mut Instant, every: Duration) -> bool {
    let now = Instant::now();
    let due = now.duration_since(*last) >= every;
    if due {
        *last = now;
    }
    due
}

impl Run {
    /// What watchers have not been told.
    fn changed(&self) -> Vec<Event> {
        let mut events = Vec::new();
        for active in &mut self.lock().active {
            let value = active.progress.read();
            if active.told != Some(value) {
                active.told = Some(value);
                events.push(Event::Progress {
                    step: label(&active.at.name, &active.at.key),
                    progress: value,
                });
            }
        }
        events
    }

    fn unjournaled(&self) -> Vec<(StepAt, ProgressValue)> {
        let mut values = Vec::new();
        for active in &mut self.lock().active {
            let value = active.progress.read();
            if active.journaled != Some(value) {
                active.journaled = Some(value);
                values.push((active.at.clone(), value));
            }
        }
        values
    }
}
