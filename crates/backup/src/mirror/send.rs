//! Copying the lists of a backup, stretch by stretch.

use ostler_vault::{ChunkId, Copied as Stretch};
use ostler_vocabulary::{Failure, Unit};
use serde::{Deserialize, Serialize};

use super::copy::Copy;
use super::survey::{NodeSurvey, Survey, is_damage};
use crate::evidence::list_address;

/// How copying a stretch ended.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Sent {
    Copied(Stretch),
    /// The source is damaged.
    Damaged(String),
}

/// Lists that were copied, and what that took.
pub(super) struct Lists {
    pub(super) addresses: Vec<String>,
    pub(super) read_bytes: u64,
    pub(super) new_bytes: u64,
    pub(super) stored_bytes: u64,
}

impl Copy<'_> {
    /// Copies every list; the reason when the source is damaged.
    pub(super) async fn send(&self, survey: &Survey, round: u32) -> Result<Result<Lists, String>, Failure> {
        let mut lists = Lists {
            addresses: Vec::new(),
            read_bytes: 0,
            new_bytes: 0,
            stored_bytes: 0,
        };
        for (number, node) in survey.nodes.iter().enumerate() {
            let mut stretches = Vec::new();
            let mut start = 0;
            for (stretch, end) in node.ends.iter().enumerate() {
                let key = format!("{} {round}.{number}.{stretch}", self.key());
                let sent = match self.stretch(node, start..*end, key, round).await? {
                    Sent::Copied(sent) => sent,
                    Sent::Damaged(reason) => return Ok(Err(reason)),
                };
                lists.read_bytes += sent.read_bytes;
                lists.new_bytes += sent.new_bytes;
                lists.stored_bytes += sent.stored_bytes;
                stretches.push(sent.list);
                start = *end;
            }
            let (address, stored) = match stretches.as_slice() {
                [only] => (only.clone(), 0),
                _ => {
                    self.join(stretches, format!("{} {round}.{number}", self.key()))
                        .await?
                }
            };
            lists.addresses.push(address);
            lists.stored_bytes += stored;
        }
        Ok(Ok(lists))
    }

    async fn stretch(
        &self,
        node: &NodeSurvey,
        blocks: std::ops::Range<usize>,
        key: String,
        round: u32,
    ) -> Result<Sent, Failure> {
        let address = |text: &str| -> Result<ChunkId, Failure> { list_address(text) };
        // What the earlier copy has may be what is missing.
        let twins = match node.twins.as_ref().filter(|_| round == 1) {
            Some((here, there)) => Some((address(here)?, address(there)?)),
            None => None,
        };
        let list = address(&node.list)?;
        self.op
            .step("copy")
            .key(key)
            .unit(Unit::Bytes)
            .retries(3)
            .leaves("stored chunks, which the next mirror uses and `ostler backup prune` frees")
            .run(|step| {
                let blocks = blocks.clone();
                async move {
                    let adopt = !self.writer().await?.is_sole() || round > 1;
                    let mut fresh = false;
                    loop {
                        let mirror = self.mirror(adopt, fresh).await?;
                        let copied = mirror
                            .copy(list, blocks.clone(), twins, &step.progress, &step.cancelled)
                            .await;
                        match copied.map_err(self.reading()) {
                            Ok(copied) => return Ok(Sent::Copied(copied)),
                            // A collection may have moved it since the index was read.
                            Err(failure) if is_damage(&failure) && !fresh => fresh = true,
                            Err(failure) if is_damage(&failure) => {
                                return Ok(Sent::Damaged(failure.messages().join(": ")));
                            }
                            Err(failure) => return Err(failure),
                        }
                    }
                }
            })
            .await
    }

    /// Puts the stretches of a list together.
    async fn join(&self, stretches: Vec<String>, key: String) -> Result<(String, u64), Failure> {
        self.op
            .step("join list")
            .key(key)
            .retries(3)
            .run(|_| async {
                self.writer().await?;
                let stretches = stretches
                    .iter()
                    .map(|text| list_address(text))
                    .collect::<Result<_, _>>()?;
                let joined = self.mirror(true, false).await?.join(stretches).await;
                let (address, stored) = joined.map_err(
                    self.to
                        .attempting(format_args!("store backup {}", self.item.copy.short())),
                )?;
                Ok((address.to_string(), stored))
            })
            .await
    }
}
