//! `ostler webhook add`

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use ostler_api::schedule::Push;
use ostler_api::webhook::{HookDefinition, HookEvent, HookFormat, SigningSecret, WebhookAnswer, WebhookCall};
use ostler_vocabulary::{ErrorKind, Failure};
use ostler_web::new_signing_secret;

use super::EventWord;
use crate::arguments::{path, text};
use crate::report;
use crate::session::Session;

/// Tell an address when something changes: by HTTP, signed, until it answers that it knows
///
/// The role `webhooks` of `ostler serve` sends the messages, in the format of Standard Webhooks. The secret that they are
/// signed with is printed now and never again.
#[derive(Debug, Args)]
pub(crate) struct Add {
    /// Its name, by which it is listed, tested and removed
    #[arg(value_name = "NAME", value_parser = text())]
    name: String,

    /// Where it is told: a URL; or env:NAME or file:PATH, where the server finds the URL, when that is a secret
    #[arg(value_name = "URL", value_parser = text())]
    url: String,

    /// What it is told; partial, failed, interrupted, missed and overdue if not given
    #[arg(long, value_enum, value_delimiter = ',', value_name = "EVENT")]
    on: Vec<EventWord>,

    /// How it is told
    #[arg(long, value_enum, default_value_t = FormatWord::Full, value_name = "FORMAT")]
    body: FormatWord,

    /// A file with the secret to sign with; a new one is made and printed if not given
    #[arg(long, value_name = "PATH", value_parser = path())]
    secret_file: Option<PathBuf>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum FormatWord {
    /// Everything, for programs
    Full,
    /// `{"text": …}`, as chats take it
    Chat,
}

impl Add {
    pub async fn run(self, session: &Session) -> Result<(), Failure> {
        let (secret, is_new) = match &self.secret_file {
            Some(path) => {
                let text = std::fs::read_to_string(session.directory.join(path)).map_err(|error| {
                    Failure::new(ErrorKind::Invalid, error.to_string())
                        .context(format!("cannot read the secret in {}", path.display()))
                })?;
                (SigningSecret::new(text.trim()), false)
            }
            None => (new_signing_secret()?, true),
        };
        let mut on: Vec<HookEvent> = self.on.iter().flat_map(|word| word.events()).collect();
        if on.is_empty() {
            on = HookEvent::DEFAULT.to_vec();
        }
        on.sort_unstable();
        on.dedup();
        let call = WebhookCall::Add {
            name: self.name,
            definition: HookDefinition {
                address: Push::of(self.url),
                on,
                format: match self.body {
                    FormatWord::Full => HookFormat::Full,
                    FormatWord::Chat => HookFormat::Chat,
                },
            },
            secret: secret.clone(),
        };
        match session.client().await?.webhook(call).await? {
            WebhookAnswer::Changed(change) => {
                report::webhook::added(session, &change, is_new.then_some(&secret))
            }
            answer => report::webhook::answer(session, &answer),
        }
    }
}
