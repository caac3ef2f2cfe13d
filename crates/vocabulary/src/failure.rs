//! An error on its way across a crate boundary: kind, message, causes, hint.

use std::error::Error;
use std::fmt;

use crate::{Classified, ErrorKind};

/// An error with its kind and hint, whatever crate it came from.
///
/// `Display` gives the outermost message only; the causes are its [`Error::source`] chain.
pub struct Failure {
    kind: ErrorKind,
    hint: Option<String>,
    error: Box<dyn Error + Send + Sync + 'static>,
}

impl Failure {
    /// A failure that has no error value behind it.
    #[must_use]
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self {
            kind,
            hint: None,
            error: message.into().into(),
        }
    }

    /// What the failure means.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }

    /// What the user can do about it.
    #[must_use]
    pub fn hint(&self) -> Option<&str> {
        self.hint.as_deref()
    }

    /// The same failure with advice for the user.
    #[must_use]
    pub fn with_hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// The same failure as the cause of a message that says what was attempted.
    #[must_use]
    pub fn context(self, attempted: impl Into<String>) -> Self {
        Self {
            kind: self.kind,
            hint: self.hint.clone(),
            error: Box::new(Attempted {
                message: attempted.into(),
                source: self.error,
            }),
        }
    }

    /// Whether it is, or follows from, an error of that type.
    #[must_use]
    pub fn is<E: Error + 'static>(&self) -> bool {
        let mut cause: Option<&(dyn Error + 'static)> = Some(self.error.as_ref());
        while let Some(error) = cause {
            if error.is::<E>() {
                return true;
            }
            cause = error.source();
        }
        false
    }

    /// The messages from the outermost to the first cause, without those that the one before has in it: libraries like to
    /// repeat their causes.
    #[must_use]
    pub fn messages(&self) -> Vec<String> {
        let mut messages = vec![self.error.to_string()];
        let mut cause = self.error.source();
        while let Some(error) = cause {
            let message = error.to_string();
            if !messages.last().is_some_and(|before| before.contains(&message)) {
                messages.push(message);
            }
            cause = error.source();
        }
        messages
    }
}

impl<E: Classified> From<E> for Failure {
    fn from(error: E) -> Self {
        Self {
            kind: error.kind(),
            hint: error.hint(),
            error: Box::new(error),
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.error.fmt(f)
    }
}

impl fmt::Debug for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.messages().join(": "), self.kind)
    }
}

#[derive(Debug)]
struct Attempted {
    message: String,
    source: Box<dyn Error + Send + Sync + 'static>,
}

impl fmt::Display for Attempted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl Error for Attempted {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(self.source.as_ref())
    }
}

#[cfg(test)]
mod tests {
    use super::{ErrorKind, Failure};

    #[test]
    fn a_cause_that_was_said_already_is_not_said_again() {
        let failure = Failure::new(ErrorKind::Unavailable, "connection refused")
            .context("no host answered: connection refused")
            .context("cannot reach it");
        assert_eq!(
            failure.messages(),
            ["cannot reach it", "no host answered: connection refused"]
        );
    }
}
