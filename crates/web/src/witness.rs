//! Who came in, who did not, and what was refused to whom: told to whoever keeps the audit log, never a secret, and in
//! amounts that fill no disk.

mod ration;

use std::net::IpAddr;

use async_trait::async_trait;
use axum::response::Response;
use ostler_api::audit::{Actor, By};
use ostler_vocabulary::{ErrorKind, Failure, Secret};

use crate::access::Identity;
use crate::serve::Web;
pub(crate) use ration::Rations;

/// Characters of what was asked for that are told.
const LONGEST: usize = 200;
/// Who is not known.
const UNKNOWN: &str = "unknown";

/// Something that is no change, and is to be found in the audit log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sighting {
    /// Who it was, as far as that is known.
    pub by: Actor,
    /// What they did: `sign in`, or `request` for what was refused.
    pub action: &'static str,
    /// To what.
    pub object: String,
    /// Why they could not; nothing when they could.
    pub failure: Option<String>,
}

/// Who keeps what was seen.
#[async_trait]
pub trait Witness: Send + Sync {
    /// Writes it down. What was seen has happened, whatever becomes of that.
    async fn saw(&self, sighting: Sighting);
}

/// Where somebody wanted in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Door {
    Dashboard,
    Api,
}

impl Door {
    fn as_str(self) -> &'static str {
        match self {
            Self::Dashboard => "dashboard",
            Self::Api => "api",
        }
    }
}

/// Why an answer is a refusal of ours, beside the answer.
#[derive(Debug, Clone)]
pub(crate) struct Why(pub String);

impl Web {
    /// Somebody came in, and has this session now.
    pub async fn came_in(&self, session: &Secret, from: IpAddr) {
        let session = session.reveal().to_owned();
        let Ok(Some(identity)) = self.access(move |access| access.by_session(&session)).await else {
            return;
        };
        let by = Actor {
            address: Some(from),
            ..identity.actor()
        };
        if self
            .rations()
            .comings
            .take(&identity.owner(), self.clock().monotonic())
            .is_some()
        {
            self.tell(by, "sign in", Door::Dashboard.as_str().to_owned(), None)
                .await;
        }
    }

    /// Somebody did not come in. Names that nobody has are not told: people type passwords into the wrong field.
    pub async fn stayed_out(&self, by: By, name: Option<&str>, from: IpAddr, door: Door, why: &Failure) {
        if why.kind() == ErrorKind::Unavailable {
            // The state was not asked, and takes no note either.
            return;
        }
        let taken = self
            .rations()
            .failures
            .take(&from.to_string(), self.clock().monotonic());
        let Some(left_out) = taken else {
            return;
        };
        let name = name.unwrap_or_default().to_owned();
        let known = self.access(move |access| {
            let users = access.users()?;
            Ok(users.into_iter().find(|user| user.name == name))
        });
        let who = known.await.ok().flatten().map(|user| user.name);
        let by = Actor {
            who: who.unwrap_or_else(|| UNKNOWN.to_owned()),
            by,
            address: Some(from),
        };
        self.tell(
            by,
            "sign in",
            door.as_str().to_owned(),
            Some(reason(&why.messages().join(": "), left_out)),
        )
        .await;
    }

    /// Something was refused to somebody who is known.
    pub async fn refused(&self, identity: &Identity, asked: &str, why: &str) {
        let taken = self
            .rations()
            .failures
            .take(&identity.owner(), self.clock().monotonic());
        if let Some(left_out) = taken {
            let object = asked.chars().take(LONGEST).collect();
            self.tell(identity.actor(), "request", object, Some(reason(why, left_out)))
                .await;
        }
    }

    async fn tell(&self, by: Actor, action: &'static str, object: String, failure: Option<String>) {
        let sighting = Sighting {
            by,
            action,
            object,
            failure,
        };
        self.witness().saw(sighting).await;
    }
}

/// Why an answer refuses something, if it does.
pub(crate) fn refusal(answer: &Response) -> Option<String> {
    answer.extensions().get::<Why>().map(|why| why.0.clone())
}

fn reason(why: &str, left_out: u64) -> String {
    match left_out {
        0 => why.to_owned(),
        left_out => format!("{why} ({left_out} more before it were not written down)"),
    }
}
