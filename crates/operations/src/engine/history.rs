//! What is known of operations.

use std::time::Duration;

use ostler_vocabulary::{ErrorKind, Failure, OperationCursor, OperationId, Timestamp};

use super::Engine;
use crate::error::Error;
use crate::record::{ChangeRecord, OperationRecord};

impl Engine {
    /// By id or unique prefix.
    ///
    /// # Errors
    /// `NotFound`; `Invalid` when it names more than one.
    pub fn find(&self, id: &str) -> Result<OperationId, Failure> {
        let prefix = id.to_ascii_lowercase();
        if prefix.is_empty() {
            return Err(Error::NotFound(prefix).into());
        }
        match self.inner.journal.find(&prefix, 2)?.as_slice() {
            [] => Err(Error::NotFound(prefix).into()),
            [one] => Ok(*one),
            _ => Err(Error::Ambiguous(prefix).into()),
        }
    }

    /// One operation. Waits for the disk, like the queries below: call it on a blocking thread where that matters.
    ///
    /// # Errors
    /// `NotFound`, or when the journal cannot be read.
    pub fn get(&self, id: OperationId) -> Result<OperationRecord, Failure> {
        Ok(self.inner.derived(self.inner.journal.get(id)?)?)
    }

    /// Newest first, at most `limit`, those after `after` where it is given; without steps, audit and messages.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub fn list(
        &self,
        limit: usize,
        after: Option<&OperationCursor>,
    ) -> Result<Vec<OperationRecord>, Failure> {
        let records = self.inner.journal.list(limit, after)?;
        let derived = records.into_iter().map(|record| self.inner.derived(record));
        Ok(derived.collect::<Result<_, Error>>()?)
    }

    /// Changes of state with a higher number, the oldest first, at most `limit`; whichever process made them.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub fn changes(&self, after: u64, limit: usize) -> Result<Vec<ChangeRecord>, Failure> {
        Ok(self.inner.journal.changes(after, limit)?)
    }

    /// The number of the newest change there ever was; 0 when there was none.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub fn newest_change(&self) -> Result<u64, Failure> {
        Ok(self.inner.journal.newest_change()?)
    }

    /// Removes the history of operations that are over and older than `keep`, but at least `minimum` stay.
    ///
    /// # Errors
    /// When the journal cannot be written.
    pub fn prune_history(&self, keep: Duration, minimum: usize) -> Result<usize, Failure> {
        let before = self.inner.clock.now().checked_sub(keep).unwrap_or(Timestamp::MIN);
        Ok(self.inner.journal.prune(before, minimum)?)
    }

    /// Everything, as JSON lines, oldest first: one document per operation, with its steps and audit.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub fn export(&self) -> Result<Vec<serde_json::Value>, Failure> {
        let mut lines = Vec::new();
        for listed in self.list(usize::MAX, None)?.into_iter().rev() {
            let record = match self.get(listed.id) {
                Err(failure) if failure.kind() == ErrorKind::NotFound => continue,
                other => other?,
            };
            lines.push(serde_json::to_value(&record).map_err(|e| Error::Damaged {
                what: format!("operation {} cannot be written as JSON ({e})", record.id),
            })?);
        }
        Ok(lines)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use ostler_vocabulary::{Clock, OperationId, SystemClock};
    use serde_json::json;

    use super::Engine;
    use crate::journal::{Ending, Journal, MemoryJournal, NewOperation};
    use crate::record::State;
    use crate::testing::dead_process;

    /// The owner recorded the end after the record was read, and was gone before it was looked for.
    #[test]
    fn an_operation_that_ended_while_it_was_listed_is_not_interrupted() {
        let journal = Arc::new(MemoryJournal::default());
        let clock = Arc::new(SystemClock::default());
        let engine = Engine::over(journal.clone(), clock.clone(), crate::testing::quick());
        let new = NewOperation {
            id: OperationId::random(),
            kind: "count".into(),
            version: 1,
            subject: "numbers".into(),
            plan: json!(null),
        };
        let by = journal
            .create(&new, &dead_process(0), clock.now())
            .expect("a new operation");
        let read = journal.list(1, None).expect("a list").remove(0);
        let derived = |record| engine.inner.derived(record).expect("a record").state;
        assert_eq!(derived(read.clone()), State::Interrupted);
        let ending = Ending {
            state: State::Succeeded,
            outcome: None,
            reasons: Vec::new(),
            hint: None,
            failure: None,
        };
        journal.end(&by, &ending, 1, clock.now()).expect("an end");
        assert_eq!(derived(read), State::Succeeded);
    }
}
