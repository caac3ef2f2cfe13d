//! Reading what an agent answers, line by line.

use bytes::Bytes;
use http::StatusCode;
use ostler_vocabulary::{Failure, Progress, ProgressValue};
use serde::de::DeserializeOwned;

use super::Target;
use crate::message::{FailureDocument, Line};
use crate::{Error, error};

/// The longest line, which is an answer with its problems or paths.
const LONGEST: usize = 64 << 20;

/// An answer that is being read.
pub(super) struct Answer<'a> {
    target: &'a Target,
    response: reqwest::Response,
    /// What was read and is no whole line yet.
    read: Vec<u8>,
}

impl<'a> Answer<'a> {
    pub(super) fn new(target: &'a Target, response: reqwest::Response) -> Self {
        Self {
            target,
            response,
            read: Vec::new(),
        }
    }

    /// Reads up to the end of the work, and shows how far it is.
    pub(super) async fn read<T: DeserializeOwned>(mut self, progress: &Progress) -> Result<T, Failure> {
        if self.response.status() != StatusCode::OK {
            self.whole().await?;
            return Err(Failure::new(
                ostler_vocabulary::ErrorKind::Internal,
                "an agent that refuses has to say why",
            ));
        }
        let mut told = Told::default();
        while let Some(line) = self.line().await? {
            match serde_json::from_slice(&line).map_err(|e| self.nonsense(&e))? {
                Line::Beat | Line::Unknown => {}
                Line::Progress { progress: value } => told.raise(progress, value),
                Line::Done { answer } => {
                    return serde_json::from_value(answer).map_err(|e| self.nonsense(&e).into());
                }
                Line::Failed { failure } => {
                    let failure = Failure::from(failure);
                    return Err(failure.context(format!("node `{}`", self.target.node)));
                }
            }
        }
        Err(Error::Unreachable {
            node: self.target.node.clone(),
            address: self.target.address.clone(),
            source: "the connection ended before the work did".into(),
        }
        .into())
    }

    /// The whole of a short answer; an answer that refuses is the failure it says.
    pub(super) async fn whole(mut self) -> Result<Vec<u8>, Failure> {
        let status = self.response.status();
        while let Some(piece) = self.piece().await? {
            self.read.extend_from_slice(&piece);
            if self.read.len() > LONGEST {
                return Err(self.too_long().into());
            }
        }
        if status == StatusCode::OK {
            return Ok(self.read);
        }
        match serde_json::from_slice::<FailureDocument>(&self.read) {
            Ok(document) => Err(Failure::from(document).context(format!("node `{}`", self.target.node))),
            Err(_) => Err(Error::Answer {
                node: self.target.node.clone(),
                reason: format!("status {status}"),
            }
            .into()),
        }
    }

    async fn line(&mut self) -> Result<Option<Vec<u8>>, Failure> {
        let mut seen = 0;
        loop {
            if let Some(end) = self.read[seen..].iter().position(|byte| *byte == b'\n') {
                let rest = self.read.split_off(seen + end + 1);
                return Ok(Some(std::mem::replace(&mut self.read, rest)));
            }
            seen = self.read.len();
            if seen > LONGEST {
                return Err(self.too_long().into());
            }
            match self.piece().await? {
                Some(piece) => self.read.extend_from_slice(&piece),
                None => return Ok(None),
            }
        }
    }

    /// The next bytes; an agent that sends none for too long, not even beats, is given up.
    async fn piece(&mut self) -> Result<Option<Bytes>, Failure> {
        match tokio::time::timeout(self.target.patience, self.response.chunk()).await {
            Ok(Ok(piece)) => Ok(piece),
            Ok(Err(error)) => Err(error::lost(&self.target.node, &self.target.address, error).into()),
            Err(_) => Err(Error::Silent {
                node: self.target.node.clone(),
                seconds: self.target.patience.as_secs(),
            }
            .into()),
        }
    }

    fn nonsense(&self, error: &serde_json::Error) -> Error {
        Error::Answer {
            node: self.target.node.clone(),
            reason: error.to_string(),
        }
    }

    fn too_long(&self) -> Error {
        Error::Answer {
            node: self.target.node.clone(),
            reason: "it is too long".to_owned(),
        }
    }
}

/// What was shown already: progress comes as totals, and counters here are only raised.
#[derive(Default)]
struct Told {
    done: u64,
    total: u64,
    items: u64,
}

impl Told {
    fn raise(&mut self, progress: &Progress, value: ProgressValue) {
        progress.add_done(value.done.saturating_sub(self.done));
        progress.add_total(value.total.saturating_sub(self.total));
        for _ in self.items..value.items {
            progress.add_item();
        }
        self.done = self.done.max(value.done);
        self.total = self.total.max(value.total);
        self.items = self.items.max(value.items);
    }
}
