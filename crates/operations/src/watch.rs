//! Events of an operation: from its run where that is in this process, else from what the journal says.

use std::collections::HashMap;
use std::sync::Arc;

use ostler_vocabulary::{Failure, OperationId};
use tokio::sync::{broadcast, mpsc};

use crate::engine::Inner;
use crate::record::{Event, MessageRecord, OperationRecord, State, StepRecord};

/// Events that wait for a slow watcher; beyond that it misses some, but never the last.
const WAITING: usize = 256;

pub(crate) async fn watch(engine: &Arc<Inner>, id: OperationId) -> Result<mpsc::Receiver<Event>, Failure> {
    // Subscribed before the journal is read: nothing falls between.
    let local = engine.run(id).map(|run| run.listen());
    let record = read(engine, id).await?;
    let (sender, receiver) = mpsc::channel(WAITING);
    let engine = Arc::clone(engine);
    // Ends with the operation, or when the receiver is dropped.
    drop(tokio::spawn(async move {
        tokio::select! {
            () = sender.closed() => {}
            _ = follow(&engine, record, local, &sender) => {}
        }
    }));
    Ok(receiver)
}

async fn read(engine: &Arc<Inner>, id: OperationId) -> Result<OperationRecord, Failure> {
    Ok(engine.read(id).await?)
}

/// `None` when nobody listens any more.
async fn follow(
    engine: &Arc<Inner>,
    mut record: OperationRecord,
    local: Option<(Vec<MessageRecord>, broadcast::Receiver<Event>)>,
    sender: &mpsc::Sender<Event>,
) -> Option<()> {
    let mut seen = Seen::default();
    let local = local.filter(|_| !at_rest(record.state));
    // The run knows what it said sooner than the journal does.
    let said = local.as_ref().map_or(&record.messages, |(said, _)| said).clone();
    for event in seen.said(&said).into_iter().chain(seen.running(&record)) {
        sender.send(event).await.ok()?;
    }
    if let Some((_, mut events)) = local {
        loop {
            match events.recv().await {
                Ok(event) => {
                    let last = matches!(event, Event::Ended { .. });
                    sender.send(event).await.ok()?;
                    if last {
                        return Some(());
                    }
                }
                Err(broadcast::error::RecvError::Lagged(_)) => {}
                // It lost the operation to another owner, or could not record its end: the journal knows.
                Err(broadcast::error::RecvError::Closed) => break,
            }
        }
    }
    loop {
        if at_rest(record.state) {
            sender.send(Event::Ended { state: record.state }).await.ok()?;
            return Some(());
        }
        tokio::time::sleep(engine.settings.look).await;
        // A journal that cannot be read now may be readable soon.
        if let Ok(now) = read(engine, record.id).await {
            for event in seen.changes(&now) {
                sender.send(event).await.ok()?;
            }
            record = now;
        }
    }
}

fn at_rest(state: State) -> bool {
    state.is_over() || state == State::Interrupted
}

/// What was told of each step, by its place and key.
#[derive(Default)]
struct Seen {
    steps: HashMap<(u64, Option<String>), StepRecord>,
    messages: usize,
}

impl Seen {
    /// The messages that were not told yet.
    fn said(&mut self, messages: &[MessageRecord]) -> Vec<Event> {
        let new = messages.iter().skip(self.messages);
        self.messages = self.messages.max(messages.len());
        new.map(|message| Event::Message {
            text: message.text.clone(),
        })
        .collect()
    }

    /// The steps that are running now, as if they had just begun.
    fn running(&mut self, record: &OperationRecord) -> Vec<Event> {
        let mut events = Vec::new();
        for step in &record.steps {
            if step.state == "running" && record.state != State::Interrupted {
                events.push(Event::StepStarted { step: step.label() });
                events.extend(progress(step));
            }
            self.steps.insert((step.position, step.key.clone()), step.clone());
        }
        events
    }

    fn changes(&mut self, record: &OperationRecord) -> Vec<Event> {
        let mut events = self.said(&record.messages);
        for step in &record.steps {
            let known = self.steps.insert((step.position, step.key.clone()), step.clone());
            if known.as_ref() == Some(step) {
                continue;
            }
            let began = known
                .as_ref()
                .is_none_or(|known| known.name != step.name || known.attempts != step.attempts);
            if began {
                events.push(Event::StepStarted { step: step.label() });
            }
            if known.as_ref().and_then(|known| known.progress) != step.progress {
                events.extend(progress(step));
            }
            if step.state == "done" || step.state == "failed" {
                let again = known.is_some_and(|known| !began && known.state == step.state);
                if !again {
                    events.push(Event::StepEnded {
                        step: step.label(),
                        ok: step.state == "done",
                    });
                }
            }
        }
        events
    }
}

fn progress(step: &StepRecord) -> Option<Event> {
    step.progress.map(|progress| Event::Progress {
        step: step.label(),
        progress,
    })
}
