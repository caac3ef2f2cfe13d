//! Queues of databases: calls that are answered at once, and operations on the schema.

mod answer;
mod change;
mod events;
mod glob;
mod place;
mod rows;
mod schema;

use ostler_api::queue::{DatabaseChoice, QueueAnswer, QueueCall};
use ostler_vocabulary::Failure;

use super::Runtime;
pub(super) use place::names_a_server;
pub(crate) use place::{configured, target};
pub(crate) use schema::{KIND, VERSION};

impl Runtime {
    /// Answers a call, over a session of its own.
    pub(super) async fn queue_call(
        &self,
        database: &DatabaseChoice,
        call: QueueCall,
    ) -> Result<QueueAnswer, Failure> {
        let target = target(self.settings(), database)?;
        let mut session = place::open(&target).await?;
        let answered = answer::answer(&mut session, &target.name(), call).await;
        session.close().await;
        answered
    }
}
