//! Schedules of some clusters only.

use ostler_api::document::ScheduleSummary;
use ostler_api::reach::host_of_cluster;
use ostler_api::request::Prune;
use ostler_api::schedule::{ScheduleAnswer, ScheduleCall, Trigger};
use ostler_vocabulary::{ErrorKind, Failure};

use super::Scoped;

/// Runs of each schedule among which one is looked for that is to be finished.
const RUNS: u32 = 100;

impl Scoped {
    pub(super) async fn scheduled(&self, mut call: ScheduleCall) -> Result<ScheduleAnswer, Failure> {
        if let ScheduleCall::Add { definition, .. } = &mut call {
            let clusters = definition.request.clusters();
            narrow(&mut definition.keep, clusters.first());
        }
        match &call {
            ScheduleCall::List => {
                let ScheduleAnswer::List(mut list) = self.inner.schedule(call).await? else {
                    return Err(Failure::new(
                        ErrorKind::Internal,
                        "the list of schedules is something else",
                    ));
                };
                list.schedules.retain(|one| self.runs(one));
                return Ok(ScheduleAnswer::List(list));
            }
            ScheduleCall::RunDue => return self.outside("what all schedules let be due"),
            ScheduleCall::Finish { number } => self.ran(*number).await?,
            ScheduleCall::Add { definition, .. } => {
                self.shape(&definition.request)?;
                if !self.is_mine(&definition.request.clusters()) {
                    return self.outside("this schedule");
                }
                if definition.push.is_some() {
                    return self.outside("an address that the server calls");
                }
                self.follows(Some(&definition.trigger)).await?;
            }
            ScheduleCall::Edit { name, change, .. } => {
                self.named(name).await?;
                if let Some((_, request)) = &change.command {
                    self.shape(request)?;
                    if !self.is_mine(&request.clusters()) {
                        return self.outside("this schedule");
                    }
                }
                if change.keep.is_some() {
                    return self.outside("another rule by which backups are deleted");
                }
                if change.push.is_some() {
                    return self.outside("an address that the server calls");
                }
                self.follows(change.trigger.as_ref()).await?;
            }
            ScheduleCall::Show { name, .. }
            | ScheduleCall::Preview { name, .. }
            | ScheduleCall::Pause { name, .. }
            | ScheduleCall::Resume { name }
            | ScheduleCall::Remove { name }
            | ScheduleCall::Run { name } => self.named(name).await?,
        }
        self.inner.schedule(call).await
    }

    /// Whether all that it does is about these clusters.
    fn runs(&self, one: &ScheduleSummary) -> bool {
        let request = &one.schedule.definition.request;
        self.shape(request).is_ok() && self.is_mine(&request.clusters())
    }

    /// Refuses the name of one that is not there for them.
    async fn named(&self, name: &str) -> Result<(), Failure> {
        let list = self.inner.schedule(ScheduleCall::List).await?;
        let ScheduleAnswer::List(list) = list else {
            return Err(Failure::new(
                ErrorKind::Internal,
                "the list of schedules is something else",
            ));
        };
        let found = list.schedules.iter().find(|one| one.schedule.name == name);
        match found.is_some_and(|one| self.runs(one)) {
            true => Ok(()),
            false => Err(Failure::new(
                ErrorKind::NotFound,
                format!("there is no schedule `{name}`"),
            )),
        }
    }

    async fn follows(&self, trigger: Option<&Trigger>) -> Result<(), Failure> {
        match trigger {
            Some(Trigger::After(other)) => self.named(other).await,
            _ => Ok(()),
        }
    }

    /// Refuses the number of a run of a schedule that is not there for them.
    async fn ran(&self, number: u64) -> Result<(), Failure> {
        let list = self.inner.schedule(ScheduleCall::List).await?;
        if let ScheduleAnswer::List(list) = list {
            for one in list.schedules.iter().filter(|one| self.runs(one)) {
                let show = ScheduleCall::Show {
                    name: one.schedule.name.clone(),
                    limit: RUNS,
                };
                if let ScheduleAnswer::Detail(detail) = self.inner.schedule(show).await?
                    && detail.firings.iter().any(|firing| firing.number == number)
                {
                    return Ok(());
                }
            }
        }
        Err(Failure::new(
            ErrorKind::NotFound,
            format!("there is no run {number} of a schedule"),
        ))
    }
}

/// Lets keep rules see backups of this cluster only, whatever others are tagged with.
fn narrow(keep: &mut Option<Prune>, cluster: Option<&String>) {
    if let (Some(keep), Some(cluster)) = (keep, cluster) {
        keep.filter.host = Some(host_of_cluster(cluster));
    }
}
