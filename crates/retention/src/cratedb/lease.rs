//! Who runs: one row with an owner and an epoch. It is read and written again before each statement that removes something, and
//! only if it is as this runner wrote it last; who was asleep too long finds another one's epoch there and stops.

use std::sync::PoisonError;
use std::time::{Duration, Instant};

use ostler_vocabulary::{ErrorKind, Failure};
use serde_json::Value;

use super::CrateDb;
use super::statement::fill;
use crate::Error;

/// How long a lease holds after it was last written, in seconds of the server's clock.
const SECONDS: u64 = 60;
/// How old a lease may be before a step that waits writes it again.
const FRESH: Duration = Duration::from_secs(40);
/// So many generations of buckets are one runner's.
const GENERATIONS: i64 = 1_000_000_000;
/// How often it is tried when others write the row at the same time.
const TRIES: u32 = 5;

/// The row as this runner wrote it last.
#[derive(Debug, Clone)]
pub(super) struct Held {
    owner: String,
    epoch: i64,
    seq_no: i64,
    term: i64,
    /// How many generations of buckets this runner has made.
    made: i64,
    written: Instant,
}

impl CrateDb {
    fn held(&self) -> Option<Held> {
        self.lease.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn hold(&self, held: Option<Held>) {
        *self.lease.lock().unwrap_or_else(PoisonError::into_inner) = held;
    }

    /// Becomes the only runner. Who resumes an operation has the same name and goes on at once.
    pub(super) async fn take_lease(&self, owner: &str) -> Result<(), Failure> {
        self.make_tables().await?;
        for _ in 0..TRIES {
            let answer = self.own(include_str!("queries/lease.sql"), &[]).await?;
            let Some(row) = answer.rows.first() else {
                match self
                    .own(&timed(include_str!("queries/lease_new.sql")), &[owner.into()])
                    .await
                {
                    Ok(answer) => {
                        self.wrote(owner, 1, &answer.rows)?;
                        return Ok(());
                    }
                    Err(error) if error.is_duplicate_key() => continue,
                    Err(error) => return Err(error.into()),
                }
            };
            let [Value::String(by), epoch, valid, seq_no, term] = row.as_slice() else {
                return Err(self
                    .client
                    .unexpected("SELECT of the lease", "another row")
                    .into());
            };
            if by != owner && valid.as_bool() != Some(false) {
                return Err(Error::Busy {
                    database: self.client.name(),
                }
                .into());
            }
            let epoch = epoch.as_i64().unwrap_or(0) + 1;
            let args = [owner.into(), epoch.into(), seq_no.clone(), term.clone()];
            let answer = self
                .own(&timed(include_str!("queries/lease_take.sql")), &args)
                .await?;
            if answer.rowcount == 1 {
                self.wrote(owner, epoch, &answer.rows)?;
                return Ok(());
            }
        }
        Err(Error::Busy {
            database: self.client.name(),
        }
        .into())
    }

    /// Makes sure, just before something is removed, that nobody else runs.
    pub(super) async fn confirm_lease(&self) -> Result<(), Failure> {
        let held = self.held().ok_or_else(|| self.lost())?;
        let args = [
            held.owner.as_str().into(),
            held.epoch.into(),
            held.seq_no.into(),
            held.term.into(),
        ];
        let answer = self
            .own(&timed(include_str!("queries/lease_take.sql")), &args)
            .await?;
        if answer.rowcount == 1 {
            return self.wrote(&held.owner, held.epoch, &answer.rows);
        }
        // Written by us, and the answer was lost?
        let answer = self.own(include_str!("queries/lease.sql"), &[]).await?;
        match answer.rows.first().map(Vec::as_slice) {
            Some([Value::String(by), epoch, _, seq_no, term])
                if *by == held.owner && epoch.as_i64() == Some(held.epoch) =>
            {
                self.wrote(&held.owner, held.epoch, &[vec![seq_no.clone(), term.clone()]])
            }
            _ => {
                self.hold(None);
                Err(self.lost())
            }
        }
    }

    /// Makes sure that nobody else runs, after this runner's own lease was given back.
    pub(super) async fn nobody_else(&self, owner: &str) -> Result<(), Failure> {
        let answer = self.own(include_str!("queries/lease.sql"), &[]).await?;
        match answer.rows.first().map(Vec::as_slice) {
            Some([by, _, valid, ..]) if by != owner && valid.as_bool() != Some(false) => Err(self.lost()),
            _ => Ok(()),
        }
    }

    fn lost(&self) -> Failure {
        Failure::new(
            ErrorKind::Busy,
            format!(
                "somebody else has begun to run policies in {}",
                self.client.name()
            ),
        )
        .with_hint("`ostler operation list` shows what runs here; `ostler operation resume` goes on later")
    }

    /// The same for a step that waits: not more often than needed.
    pub(super) async fn keep_lease(&self) -> Result<(), Failure> {
        match self.held() {
            Some(held) if held.written.elapsed() < FRESH => Ok(()),
            _ => self.confirm_lease().await,
        }
    }

    /// The number of what this runner makes next: greater than all that who had the lease before makes, whenever that is written.
    pub(super) fn next_made(&self) -> Result<i64, Failure> {
        let mut held = self.held().ok_or_else(|| self.lost())?;
        held.made += 1;
        let made = held.epoch.saturating_mul(GENERATIONS).saturating_add(held.made);
        self.hold(Some(held));
        Ok(made)
    }

    /// Lets others run.
    pub(super) async fn give_lease_back(&self) -> Result<(), Failure> {
        let Some(held) = self.held() else {
            return Ok(());
        };
        self.hold(None);
        let args = [held.seq_no.into(), held.term.into()];
        self.own(include_str!("queries/lease_end.sql"), &args).await?;
        Ok(())
    }

    fn wrote(&self, owner: &str, epoch: i64, rows: &[Vec<Value>]) -> Result<(), Failure> {
        let row = rows.first().map(Vec::as_slice);
        let Some([Value::Number(seq_no), Value::Number(term)]) = row else {
            return Err(self.client.unexpected("the lease", "no number of its row").into());
        };
        let before = self.held().filter(|held| held.epoch == epoch);
        self.hold(Some(Held {
            owner: owner.to_owned(),
            epoch,
            made: before.map_or(0, |held| held.made),
            seq_no: seq_no.as_i64().unwrap_or(0),
            term: term.as_i64().unwrap_or(0),
            written: Instant::now(),
        }));
        Ok(())
    }
}

fn timed(template: &str) -> String {
    fill(template, &[("seconds", &SECONDS.to_string())])
}
