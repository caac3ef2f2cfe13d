//! Limits that a coordinator told this agent, until they lapse.

use std::convert::Infallible;
use std::time::Duration;

use ostler_api::client::LimitChange;
use tokio::sync::watch;
use tokio::time::Instant;

use crate::Runtime;

/// How long they hold after they were told last: coordinators repeat them, and one that died does not.
const LAPSE: Duration = Duration::from_secs(60);

/// What was told last, and when.
#[derive(Debug, Default)]
pub(crate) struct Told {
    last: watch::Sender<Option<(LimitChange, Instant)>>,
}

impl Told {
    /// These hold from now on.
    pub(crate) fn tell(&self, change: LimitChange) {
        self.last.send_replace(Some((change, Instant::now())));
    }

    /// Has this process keep to what is told, and to its configuration otherwise.
    pub(super) async fn obey(&self, runtime: &Runtime, vault: &str) -> Infallible {
        let mut news = self.last.subscribe();
        loop {
            let told = *news.borrow_and_update();
            let until = told
                .map(|(_, at)| at + LAPSE)
                .filter(|until| *until > Instant::now());
            let change = told.filter(|_| until.is_some());
            runtime.keep_to(
                vault,
                change.map_or_else(LimitChange::default, |(change, _)| change),
            );
            let lapse = async {
                match until {
                    Some(until) => tokio::time::sleep_until(until).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                () = lapse => {}
                // Cannot fail: the sender is ours.
                _ = news.changed() => {}
            }
        }
    }
}
