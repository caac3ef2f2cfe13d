//! What would be taken over, and what stands in its way. Pure.

use std::fmt;

use ostler_api::schedule::Trigger;
use serde::Serialize;

use super::{State, TakenSchedule};

/// What something is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// A schedule.
    Schedule,
    /// A user.
    User,
    /// A token.
    Token,
    /// A webhook.
    Webhook,
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Schedule => "schedule",
            Self::User => "user",
            Self::Token => "token",
            Self::Webhook => "webhook",
        })
    }
}

/// What becomes of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// It is added.
    Add,
    /// It is here already, as it is there.
    Same,
    /// Another one of its name is here, or what it needs is not: it is left as it is here.
    Conflict,
}

impl Action {
    /// Its word.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Add => "add",
            Self::Same => "same",
            Self::Conflict => "conflict",
        }
    }
}

/// One thing with what becomes of it, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Item {
    /// What it is.
    pub kind: Kind,
    /// Its name.
    pub name: String,
    /// What becomes of it.
    pub action: Action,
    /// Why.
    pub reason: Option<String>,
}

/// What would be taken over from `there` to `here`, in the order in which it is: a schedule comes after the one that it runs
/// after.
#[must_use]
pub fn plan(here: &State, there: &State) -> Vec<Item> {
    let mut items = schedules(here, there);
    items.extend(there.users.iter().map(|user| {
        let known = here.users.iter().find(|known| known.name == user.name);
        compared(Kind::User, &user.name, known.map(|known| known == user))
    }));
    items.extend(there.tokens.iter().map(|token| {
        let twin = here
            .tokens
            .iter()
            .find(|known| known.hash == token.hash && known.name != token.name);
        let known = here.tokens.iter().find(|known| known.name == token.name);
        match twin {
            Some(twin) => Item {
                kind: Kind::Token,
                name: token.name.clone(),
                action: Action::Conflict,
                reason: Some(format!("it is called `{}` here", twin.name)),
            },
            None => compared(Kind::Token, &token.name, known.map(|known| known == token)),
        }
    }));
    items.extend(there.webhooks.iter().map(|webhook| {
        let known = here.webhooks.iter().find(|known| known.name == webhook.name);
        let hidden = here
            .left_out
            .iter()
            .any(|why| why.starts_with(&format!("webhook `{}`:", webhook.name)));
        let same = known.map(|known| known == webhook).or(hidden.then_some(false));
        compared(Kind::Webhook, &webhook.name, same)
    }));
    items
}

fn compared(kind: Kind, name: &str, same: Option<bool>) -> Item {
    let (action, reason) = match same {
        None => (Action::Add, None),
        Some(true) => (Action::Same, None),
        Some(false) => (
            Action::Conflict,
            Some(format!("there is another {kind} of that name here")),
        ),
    };
    Item {
        kind,
        name: name.to_owned(),
        action,
        reason,
    }
}

fn schedules(here: &State, there: &State) -> Vec<Item> {
    let mut items: Vec<Item> = Vec::new();
    let mut left: Vec<&TakenSchedule> = there.schedules.iter().collect();
    let is_here = |name: &str| here.schedules.iter().any(|known| known.name == name);
    // As long as one of them can come after those that were put in order.
    while let Some(index) = left.iter().position(|one| match parent(one) {
        Some(parent) => is_here(parent) || items.iter().any(|item| item.name == parent),
        None => true,
    }) {
        let one = left.remove(index);
        let known = here.schedules.iter().find(|known| known.name == one.name);
        items.push(compared(
            Kind::Schedule,
            &one.name,
            known.map(|known| is_same(known, one)),
        ));
    }
    items.extend(left.into_iter().map(|one| Item {
        kind: Kind::Schedule,
        name: one.name.clone(),
        action: Action::Conflict,
        reason: parent(one).map(|parent| format!("`{parent}`, after which it runs, is nowhere")),
    }));
    items
}

fn parent(schedule: &TakenSchedule) -> Option<&str> {
    match &schedule.definition.trigger {
        Trigger::After(parent) => Some(parent),
        Trigger::Cron(_) | Trigger::Every(_) => None,
    }
}

/// Whether they do the same at the same times; since when one is paused does not count.
fn is_same(one: &TakenSchedule, other: &TakenSchedule) -> bool {
    one.definition == other.definition && one.pause.is_some() == other.pause.is_some()
}

#[cfg(test)]
mod tests {
    use super::super::State;
    use super::{Action, plan};

    fn sample() -> State {
        State::read(include_str!("../../samples/v1/state.json")).unwrap()
    }

    fn empty() -> State {
        State {
            schedules: Vec::new(),
            users: Vec::new(),
            tokens: Vec::new(),
            webhooks: Vec::new(),
            ..sample()
        }
    }

    #[test]
    fn everything_is_added_to_a_new_server_and_nothing_to_the_same() {
        let all = plan(&empty(), &sample());
        assert!(all.iter().all(|item| item.action == Action::Add), "{all:?}");
        let names: Vec<&str> = all.iter().map(|item| item.name.as_str()).collect();
        // A drill after the backup that it runs after, whatever their names.
        assert_eq!(names, ["nightly", "drill", "ada", "grace", "board", "pager"]);
        let again = plan(&sample(), &sample());
        assert!(again.iter().all(|item| item.action == Action::Same), "{again:?}");
    }

    #[test]
    fn what_is_another_one_here_is_a_conflict() {
        let mut here = sample();
        here.users[0].role = ostler_web::Role::Viewer;
        here.schedules.retain(|schedule| schedule.name != "nightly");
        "board of the team".clone_into(&mut here.tokens[0].name);
        let mut there = sample();
        there.schedules.retain(|schedule| schedule.name != "nightly");
        here.schedules.clear();
        let found: Vec<(String, Option<String>)> = plan(&here, &there)
            .into_iter()
            .filter(|item| item.action == Action::Conflict)
            .map(|item| (item.name, item.reason))
            .collect();
        let reasons = [
            ("drill", "`nightly`, after which it runs, is nowhere"),
            ("ada", "there is another user of that name here"),
            ("board", "it is called `board of the team` here"),
        ];
        let reasons = reasons.map(|(name, reason)| (name.to_owned(), Some(reason.to_owned())));
        assert_eq!(found, reasons);
    }
}
