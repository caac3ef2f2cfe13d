//! How a place comes and goes.

use ostler_postgres::{Parameter, Type};

use super::{Subscription, text};
use crate::consumer::ConsumeError;

const TABLES_WITHOUT_TRUNCATE: &str = include_str!("../sql/tables_without_truncate.sql");

impl Subscription {
    /// Registers the consumer, and the member. It begins at the last tick: what is inserted from now on is given. `false`
    /// when it was registered already.
    ///
    /// # Errors
    /// When there is no such queue, or no right to.
    pub async fn register(&mut self) -> Result<bool, ConsumeError> {
        let (queue, consumer) = (self.queue.clone(), self.consumer.clone());
        let member = self.member.as_ref().map(|member| member.name.clone());
        let connection = self.connected().await?;
        let row = match &member {
            None => {
                let statement = "select pgq.register_consumer($1, $2)";
                connection
                    .one(statement, &[text(&queue), text(&consumer)])
                    .await?
            }
            Some(member) => {
                let statement = "select pgq_coop.register_subconsumer($1, $2, $3)";
                let names = [text(&queue), text(&consumer), text(member)];
                connection.one(statement, &names).await?
            }
        };
        Ok(row.get::<_, i32>(0) == 1)
    }

    /// Registers the consumer at a tick, or moves it there; an open batch is then given up.
    ///
    /// # Errors
    /// When the tick is not there any more.
    pub async fn register_at(&mut self, tick_id: i64) -> Result<bool, ConsumeError> {
        let (queue, consumer) = (self.queue.clone(), self.consumer.clone());
        let connection = self.connected().await?;
        let statement = "select pgq.register_consumer_at($1, $2, $3)";
        let tick: Parameter<'_> = (&tick_id, Type::INT8);
        let row = connection
            .one(statement, &[text(&queue), text(&consumer), tick])
            .await?;
        Ok(row.get::<_, i32>(0) == 1)
    }

    /// Takes the consumer, or only the member, off the queue. An open batch of a member goes back to nobody: its events
    /// are lost to the consumer, so finish it first.
    ///
    /// # Errors
    /// When the member has an open batch.
    pub async fn unregister(&mut self) -> Result<bool, ConsumeError> {
        let (queue, consumer) = (self.queue.clone(), self.consumer.clone());
        let member = self.member.as_ref().map(|member| member.name.clone());
        let connection = self.connected().await?;
        let row = match &member {
            None => {
                let statement = "select pgq.unregister_consumer($1, $2)";
                connection
                    .one(statement, &[text(&queue), text(&consumer)])
                    .await?
            }
            Some(member) => {
                let statement = "select pgq_coop.unregister_subconsumer($1, $2, $3, 0)";
                let names = [text(&queue), text(&consumer), text(member)];
                connection.one(statement, &names).await?
            }
        };
        Ok(row.get::<_, i32>(0) > 0)
    }
    /// Tables whose changes triggers put into the queue, without their TRUNCATE.
    ///
    /// # Errors
    /// The server's.
    pub async fn tables_without_truncate(&mut self) -> Result<Vec<String>, ConsumeError> {
        let queue = self.queue.clone();
        let rows = self
            .connected()
            .await?
            .query(TABLES_WITHOUT_TRUNCATE, &[text(&queue)])
            .await?;
        Ok(rows.iter().map(|row| row.get(0)).collect())
    }
}
