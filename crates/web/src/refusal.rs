//! What this server refuses to whoever asks. What a store refuses to the server itself is of the same kind and has the same
//! status, but nobody asked for what is not theirs then.

use ostler_vocabulary::{Classified, ErrorKind, Failure};

use crate::witness::Why;

/// Somebody asked for what they may not have.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub(crate) struct Refusal {
    message: String,
    cure: &'static str,
}

impl Refusal {
    /// As it is told, with what has to be done instead.
    pub fn failure(message: impl Into<String>, cure: &'static str) -> Failure {
        let message = message.into();
        Self { message, cure }.into()
    }
}

impl Classified for Refusal {
    fn kind(&self) -> ErrorKind {
        ErrorKind::Denied
    }

    fn hint(&self) -> Option<String> {
        Some(self.cure.to_owned())
    }
}

impl Why {
    /// Why the answer that tells of this failure is a refusal, if it is one.
    pub fn of(failure: &Failure) -> Option<Self> {
        let refused = failure.is::<Refusal>();
        refused.then(|| Self(failure.messages().join(": ")))
    }
}

#[cfg(test)]
mod tests {
    use ostler_vocabulary::{ErrorKind, Failure};

    use super::{Refusal, Why};

    #[test]
    fn what_a_store_refuses_to_us_is_no_refusal_of_ours() {
        let ours = Refusal::failure("this is for the role admin", "ask an admin");
        assert_eq!(
            (ours.kind(), ours.hint()),
            (ErrorKind::Denied, Some("ask an admin"))
        );
        let ours = Why::of(&ours.context("cannot look")).map(|why| why.0);
        assert_eq!(ours.as_deref(), Some("cannot look: this is for the role admin"));
        let theirs = Failure::new(ErrorKind::Denied, "the store answered 403").context("cannot list backups");
        assert!(Why::of(&theirs).is_none());
    }
}
