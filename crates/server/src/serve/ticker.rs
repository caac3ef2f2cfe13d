//! The role `ticker`: the ticker of queues, as `ostler queue ticker` runs it.

use async_trait::async_trait;
use ostler_vocabulary::{ErrorKind, Failure};
use tokio::sync::{mpsc, watch};

use super::role::{Role, Turn};
use crate::Runtime;
use crate::ticker::{self, Control, TickerRequest};

pub(super) struct Ticker {
    runtime: watch::Receiver<Runtime>,
}

impl Ticker {
    pub fn new(runtime: watch::Receiver<Runtime>) -> Self {
        Self { runtime }
    }
}

#[async_trait]
impl Role for Ticker {
    fn name(&self) -> &'static str {
        "ticker"
    }

    async fn run(&self, turn: Turn) -> Result<(), Failure> {
        let (sender, receiver) = mpsc::channel(4);
        let mut runtime = self.runtime.clone();
        let settings = || Ok(self.runtime.borrow().settings().clone());
        let tell = |state: &str| {
            if state == "READY=1" {
                turn.ready();
            }
        };
        let ticking = ticker::tick(TickerRequest::default(), settings, receiver, tell);
        tokio::pin!(ticking);
        loop {
            let told = tokio::select! {
                ended = &mut ticking => return ended,
                () = turn.stop.cancelled() => Control::Stop,
                changed = runtime.changed() => match changed {
                    Ok(()) => Control::Reload,
                    Err(_) => Control::Stop,
                },
            };
            if sender.send(told).await.is_err() || told == Control::Stop {
                break;
            }
        }
        ticking.await.map_err(|failure| match failure.kind() {
            ErrorKind::Internal => failure.context("while stopping"),
            _ => failure,
        })
    }
}
