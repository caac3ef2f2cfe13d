//! What producers do: transactions that begin, insert, go back, are prepared, and end one way or the other.

use super::{Open, Round, said};
use crate::model::oracle::Sent;

impl Round<'_> {
    pub(super) async fn produce(&mut self, who: usize) -> Result<(), String> {
        let choice = self.random.below(100);
        let Some(open) = self.producers[who].open.take() else {
            return self.begin(who, choice).await;
        };
        let done = match choice {
            0..40 => self.insert(who, open).await,
            40..50 if open.savepoint.is_none() && !open.events.is_empty() => self.savepoint(who, open).await,
            40..50 if open.savepoint.is_some() => self.back_to_savepoint(who, open).await,
            50..60 if open.repeatable => self.stale_tick(who, open).await,
            50..80 => self.commit(who, open).await,
            80..88 => self.prepare(who, open).await,
            _ => {
                self.note(format!("{who} rollback {:?}", open.txid));
                self.execute(who, "rollback").await.map(|()| None)
            }
        };
        match done {
            Ok(open) => self.producers[who].open = open,
            Err(why) => {
                self.note(format!("{who} gives up: {why}"));
                self.execute(who, "rollback").await?;
            }
        }
        Ok(())
    }

    async fn begin(&mut self, who: usize, choice: u64) -> Result<(), String> {
        let repeatable = choice < 25;
        if repeatable {
            self.note(format!("{who} begin, repeatable read"));
            self.execute(who, "begin isolation level repeatable read").await?;
            self.execute(who, "select 1").await?;
        } else {
            self.note(format!("{who} begin"));
            self.execute(who, "begin").await?;
        }
        self.producers[who].open = Some(Open {
            repeatable,
            ..Open::default()
        });
        Ok(())
    }

    async fn insert(&mut self, who: usize, mut open: Open) -> Result<Option<Open>, String> {
        let count = 1 + self.random.below(4);
        let direct = self.random.below(4) == 0;
        let first = self.counter;
        self.counter += count;
        let sql = if direct {
            // As bulk producers do: into the table of the moment, by its own default for the id.
            let Some(table) = open.table.clone() else {
                let row = self.producers[who]
                    .client
                    .query_one("select pgq.current_event_table($1)", &[&self.queue])
                    .await
                    .map_err(|error| said(&error))?;
                let table: String = row.get(0);
                self.note(format!("{who} will write to {table}"));
                open.table = Some(table);
                return Ok(Some(open));
            };
            format!(
                "insert into {table} (ev_time, ev_type, ev_data) \
                 select now(), 'direct', 'p' || n from generate_series({first}, {}) n \
                 returning ev_id, ev_txid, ev_data",
                self.counter - 1
            )
        } else {
            format!(
                "select pgq.insert_event('{}', 'call', 'p' || n), txid_current(), 'p' || n \
                 from generate_series({first}, {}) n",
                self.queue,
                self.counter - 1
            )
        };
        let rows = self.producers[who]
            .client
            .query(&sql, &[])
            .await
            .map_err(|error| said(&error))?;
        for row in &rows {
            open.txid = Some(row.get(1));
            open.events.push(Sent {
                ev_id: row.get(0),
                payload: row.get(2),
            });
        }
        let ids: Vec<i64> = rows.iter().map(|row| row.get(0)).collect();
        self.note(format!(
            "{who} inserts {ids:?} in {:?}, direct: {direct}",
            open.txid
        ));
        Ok(Some(open))
    }

    async fn savepoint(&mut self, who: usize, mut open: Open) -> Result<Option<Open>, String> {
        self.execute(who, "savepoint s").await?;
        open.savepoint = Some(open.events.len());
        self.note(format!("{who} savepoint"));
        Ok(Some(open))
    }

    async fn back_to_savepoint(&mut self, who: usize, mut open: Open) -> Result<Option<Open>, String> {
        self.execute(who, "rollback to s").await?;
        let length = open.savepoint.unwrap_or(0);
        open.events.truncate(length);
        self.note(format!("{who} rollback to savepoint: {length} events left"));
        Ok(Some(open))
    }

    /// A ticker whose snapshot is older than ticks that others made meanwhile.
    async fn stale_tick(&mut self, who: usize, mut open: Open) -> Result<Option<Open>, String> {
        let queue = self.queue.clone();
        let row = self.producers[who]
            .client
            .query_one("select pgq.ticker($1)", &[&queue])
            .await
            .map_err(|error| said(&error))?;
        let tick: Option<i64> = row.get(0);
        open.tick = open.tick.or(tick);
        self.note(format!("{who} makes tick {tick:?} with an old snapshot"));
        Ok(Some(open))
    }

    pub(super) async fn commit(&mut self, who: usize, open: Open) -> Result<Option<Open>, String> {
        self.execute(who, "commit").await?;
        self.note(format!("{who} commit {:?}", open.txid));
        self.committed(open).await;
        Ok(None)
    }

    async fn committed(&mut self, open: Open) {
        if let Some(txid) = open.txid {
            self.oracle.commit(txid, open.events);
        }
        if open.tick.is_some() {
            self.look_at_ticks(None).await;
        }
    }

    async fn prepare(&mut self, who: usize, open: Open) -> Result<Option<Open>, String> {
        let gid = format!("{}_{}", self.queue, self.counter);
        self.counter += 1;
        self.execute(who, &format!("prepare transaction '{gid}'")).await?;
        self.note(format!("{who} prepares {:?} as {gid}", open.txid));
        self.prepared.push((gid, open));
        Ok(None)
    }

    pub(super) async fn end_prepared(&mut self) -> Result<(), String> {
        if self.prepared.is_empty() {
            return Ok(());
        }
        let which = self.below(self.prepared.len());
        let (gid, open) = self.prepared.swap_remove(which);
        let commit = self.random.below(3) > 0;
        let verb = if commit { "commit" } else { "rollback" };
        self.admin
            .batch_execute(&format!("{verb} prepared '{gid}'"))
            .await
            .map_err(|error| said(&error))?;
        self.note(format!("{verb} prepared {gid} {:?}", open.txid));
        if commit {
            self.committed(open).await;
        }
        Ok(())
    }
}
