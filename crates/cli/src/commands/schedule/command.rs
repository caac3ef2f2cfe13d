//! The command that a schedule runs, read by the parser that reads every command.

use std::ffi::OsString;

use clap::Parser;
use ostler_api::Request;
use ostler_api::client::LimitChange;
use ostler_vocabulary::{ErrorKind, Failure};

use crate::arguments::Arguments;
use crate::error::CommandError;
use crate::output::ParseFailure;
use crate::session::Session;

/// What the words ask for, without the program's name.
pub(super) fn request(words: &[String], session: &Session) -> Result<Request, Failure> {
    let invalid = |message: &str, hint: &str| Failure::new(ErrorKind::Invalid, message).with_hint(hint);
    let program = std::iter::once(OsString::from("ostler"));
    let arguments =
        Arguments::try_parse_from(program.chain(words.iter().map(OsString::from))).map_err(|error| {
            let ParseFailure { message, hint } = ParseFailure::of(&error);
            Failure::from(CommandError::Usage { message, hint }).context("the command cannot be read")
        })?;
    let options = arguments.global.options();
    if options.config.is_some()
        || options.state_directory.is_some()
        || options.limits != LimitChange::default()
    {
        return Err(invalid(
            "a scheduled command has no configuration, state directory or limits of its own",
            "limits of a vault are in the configuration: [vault.NAME.limits]",
        ));
    }
    let (request, approval) = arguments.command.wish(session)?;
    if approval.is_about_one_plan() {
        return Err(invalid(
            "a scheduled command makes a plan each time and runs it: --dry-run and --apply are about one plan",
            "leave them out; floors such as --max-delete-ratio hold what is deleted at a time",
        ));
    }
    Ok(request)
}
