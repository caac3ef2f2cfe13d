//! Limits that a coordinator told this agent, until they lapse.

use std::convert::Infallible;
use std::time::Duration;

use ostler_api::client::LimitChange;
use tokio::sync::watch;
use tokio::time::Instant;

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

    /// Says what to keep to whenever that changes: what is told, or nothing, when its configuration holds.
    pub(super) async fn obey(&self, keep_to: impl Fn(LimitChange)) -> Infallible {
        let mut news = self.last.subscribe();
        loop {
            let told = *news.borrow_and_update();
            let until = told
                .map(|(_, at)| at + LAPSE)
                .filter(|until| *until > Instant::now());
            let change = told.filter(|_| until.is_some());
            keep_to(change.map_or_else(LimitChange::default, |(change, _)| change));
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

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test's way to fail")]
mod tests {
    use std::sync::{Arc, Mutex};
    use std::time::Duration;

    use ostler_api::client::LimitChange;

    use super::{LAPSE, Told};

    #[tokio::test(start_paused = true)]
    async fn limits_hold_while_they_are_repeated_and_lapse_when_they_are_not() {
        let (told, kept) = (Arc::new(Told::default()), Arc::new(Mutex::new(Vec::new())));
        let (of_task, seen) = (Arc::clone(&told), Arc::clone(&kept));
        let task =
            tokio::spawn(async move { of_task.obey(|change| seen.lock().unwrap().push(change)).await });
        let now = || kept.lock().unwrap().last().copied();
        let change = LimitChange {
            parallel: Some(2),
            ..LimitChange::default()
        };
        let second = Duration::from_secs(1);
        tokio::time::sleep(second).await;
        assert_eq!(now(), Some(LimitChange::default()));
        for _ in 0..3 {
            told.tell(change);
            tokio::time::sleep(LAPSE - second).await;
            assert_eq!(now(), Some(change));
        }
        tokio::time::sleep(second + second).await;
        assert_eq!(now(), Some(LimitChange::default()), "nobody repeated them");
        task.abort();
    }
}
