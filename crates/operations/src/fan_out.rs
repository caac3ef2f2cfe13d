//! Many steps of one name at the same time.

use std::future::Future;

use futures::StreamExt;
use futures::stream;
use ostler_vocabulary::{Failure, Unit};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::journal::StepAt;
use crate::operation::Operation;
use crate::run::{Call, execute};
use crate::step::Step;

/// What one child's failure does to the others, and how children are run.
#[derive(Debug, Clone, Copy)]
pub struct Policy {
    stop: bool,
    retries: u32,
    unit: Unit,
}

impl Policy {
    /// The first failure stops the others, and is the failure of the whole.
    #[must_use]
    pub fn cancel() -> Self {
        Self {
            stop: true,
            retries: 0,
            unit: Unit::Objects,
        }
    }

    /// Every child is run; each gives its own result.
    #[must_use]
    pub fn collect() -> Self {
        Self {
            stop: false,
            ..Self::cancel()
        }
    }

    /// How often each child is tried again after a transient failure.
    #[must_use]
    pub fn retries(self, times: u32) -> Self {
        Self {
            retries: times,
            ..self
        }
    }

    /// What the children's progress counts; objects unless said.
    #[must_use]
    pub fn unit(self, unit: Unit) -> Self {
        Self { unit, ..self }
    }
}

impl Operation {
    /// Runs one step per item, at most `limit` at a time, each journaled under its item's key; on a resume only those
    /// that did not finish run. Results come in the order of the items.
    ///
    /// # Errors
    /// With [`Policy::cancel`] the first failure; with both, `Cancelled` and `Conflict` as for any step.
    pub async fn fan_out<I, T, F, Fut>(
        &self,
        name: &str,
        items: Vec<(String, I)>,
        limit: usize,
        policy: Policy,
        work: F,
    ) -> Result<Vec<(String, Result<T, Failure>)>, Failure>
    where
        I: Clone + Send + Sync,
        T: Serialize + DeserializeOwned + Send,
        F: Fn(I, Step) -> Fut + Send + Sync,
        Fut: Future<Output = Result<T, Failure>> + Send,
    {
        let keys: Vec<&str> = items.iter().map(|(key, _)| key.as_str()).collect();
        let position = self.run.place(self.item, name, &keys)?;
        let token = self.run.cancel.child_token();
        let mut children = Vec::with_capacity(items.len());
        for (index, (key, item)) in items.into_iter().enumerate() {
            let call = Call {
                at: StepAt {
                    position,
                    name: name.to_owned(),
                    key: key.clone(),
                },
                unit: policy.unit,
                retries: policy.retries,
                commits: false,
                token: token.clone(),
                undo: None,
            };
            let (run, work) = (&self.run, &work);
            children.push(async move {
                let result = execute(run, call, move |step| work(item.clone(), step)).await;
                (index, key, result)
            });
        }
        let mut running = stream::iter(children).buffer_unordered(limit.max(1));
        let mut results = Vec::new();
        let mut first = None;
        while let Some((index, key, result)) = running.next().await {
            match result {
                // The others see the token and come back; none is left behind.
                Err(failure) if policy.stop => {
                    token.cancel();
                    first.get_or_insert(failure);
                }
                result => results.push((index, key, result)),
            }
        }
        if let Some(failure) = first {
            return Err(failure);
        }
        if self.run.cancel.is_cancelled() && results.iter().any(|(_, _, result)| result.is_err()) {
            return Err(self.run.cancelled());
        }
        results.sort_unstable_by_key(|(index, _, _)| *index);
        Ok(results
            .into_iter()
            .map(|(_, key, result)| (key, result))
            .collect())
    }
}
