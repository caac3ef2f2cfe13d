//! `ostler retention run`

use clap::Args;
use ostler_api::request::Request;
use ostler_api::retention::{Pace, Retention, Strategy};
use ostler_vocabulary::{Failure, Span};

use crate::arguments::{
    ApprovalArguments, ChoiceArguments, FloorArguments, PlaceArguments, RuleWord, ratio, span, strategy, text,
};
use crate::operate::{Approval, carry_out};
use crate::session::Session;

/// Remove what policies say is too old
///
/// Without `--yes` or `--apply DIGEST` the plan is printed and nothing is removed (exit code 4). An item that fails stops no other (exit
/// code 3). A run that was killed goes on by `ostler operation resume`.
#[derive(Debug, Args)]
pub(crate) struct Run {
    #[command(flatten)]
    run: RunArguments,

    #[command(flatten)]
    approval: ApprovalArguments,
}

#[derive(Debug, Args)]
pub(crate) struct RunArguments {
    #[command(flatten)]
    choice: ChoiceArguments,

    /// Only policies of this strategy
    #[arg(long, value_name = "STRATEGY", value_parser = strategy(), ignore_case = true)]
    strategy: Option<Strategy>,

    /// The moment from which ages are counted back: a date, a time with its zone, milliseconds since 1970, `today`, `4w`; now if not given
    #[arg(long, visible_alias = "cutoff-day", value_name = "MOMENT", value_parser = text(), allow_hyphen_values = true)]
    cutoff: Option<String>,

    /// The zone of a cutoff that names none; UTC if not given
    #[arg(long, value_name = "ZONE", value_parser = text())]
    time_zone: Option<String>,

    /// Which end of a partition has to be old enough, instead of what policies say
    #[arg(long, value_enum, value_name = "RULE")]
    partition_rule: Option<RuleWord>,

    /// Take rows of partitions from the server's statistics instead of counting them
    #[arg(long)]
    estimate: bool,

    /// How long a batch of deletions may take; 100ms if not given
    #[arg(long, value_name = "SPAN", value_parser = span)]
    batch_time: Option<Span>,

    /// How long to rest after a batch, as a share of what it took; 0.5 if not given
    #[arg(long, value_name = "RATIO", value_parser = ratio)]
    rest: Option<f64>,

    /// How long to go on trying to get a lock, each try taking 300ms at most; 60s if not given
    #[arg(long, value_name = "SPAN", value_parser = span)]
    lock_wait: Option<Span>,

    /// ahead: how long others may have to wait while rows are moved out of a default partition; 300ms if not given
    #[arg(long, value_name = "SPAN", value_parser = span)]
    move_time: Option<Span>,

    #[command(flatten)]
    floors: FloorArguments,

    #[command(flatten)]
    place: PlaceArguments,
}

impl RunArguments {
    pub fn request(self, explain: bool) -> Request {
        let usual = Pace::default();
        let milliseconds = |span: Option<Span>, usual: u64| {
            span.map_or(usual, |span| {
                u64::try_from(span.0.as_millis()).unwrap_or(u64::MAX)
            })
        };
        Request::Retention(Retention {
            choice: self.choice.choice(),
            strategy: self.strategy,
            cutoff: self.cutoff,
            time_zone: self.time_zone,
            partition_rule: self.partition_rule.map(RuleWord::rule),
            floors: self.floors.floors(),
            estimate: self.estimate,
            explain,
            pace: Pace {
                batch_ms: milliseconds(self.batch_time, usual.batch_ms),
                rest: self.rest.unwrap_or(usual.rest),
                lock_wait_ms: milliseconds(self.lock_wait, usual.lock_wait_ms),
                move_ms: milliseconds(self.move_time, usual.move_ms),
            },
            place: self.place.place(),
        })
    }
}

impl Run {
    pub async fn run(self, session: &Session) -> Result<(), Failure> {
        let (request, approval) = self.wish()?;
        carry_out(session, request, approval).await
    }

    /// What the words ask for.
    pub fn wish(self) -> Result<(Request, Approval), Failure> {
        let approval = Approval::needed("retention run", self.approval);
        Ok((self.run.request(false), approval))
    }
}
