//! What a database was asked when it was backed up, and what follows from its answers after a drill has started it again.

use std::collections::BTreeMap;

use ostler_api::document::{DrillAnswer, DrillVerdict};
use serde::{Deserialize, Serialize};

use crate::driver::Look;

/// The document that has them.
const DOCUMENT: &str = "facts.json";

/// Answers, by question.
#[derive(Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Facts {
    /// Right before the files were held still.
    before: BTreeMap<String, String>,
    /// Right after.
    after: BTreeMap<String, String>,
}

impl Facts {
    /// What is kept of two looks, with its file name. `None` where nothing was asked.
    pub fn document(before: &Look, after: &Look) -> Option<(String, String)> {
        let facts = Self {
            before: before.facts.clone(),
            after: after.facts.clone(),
        };
        let text = serde_json::to_string_pretty(&facts).unwrap_or_default();
        (facts != Self::default()).then(|| (DOCUMENT.to_owned(), text + "\n"))
    }

    /// As they were kept with a backup. None were where there is no such document.
    pub fn recorded(documents: &BTreeMap<String, String>) -> Self {
        let text = documents.get(DOCUMENT).map_or("{}", String::as_str);
        serde_json::from_str(text).unwrap_or_default()
    }

    /// What follows from the answers of what was restored.
    pub fn judged(&self, found: &BTreeMap<String, String>) -> Vec<DrillAnswer> {
        let answers = found.iter().map(|(question, found)| {
            let (before, after) = (self.before.get(question), self.after.get(question));
            DrillAnswer {
                question: question.clone(),
                before: before.cloned(),
                after: after.cloned(),
                found: found.clone(),
                verdict: verdict(before, after, found),
            }
        });
        answers.collect()
    }

    /// Questions that had an answer then, and have none now.
    pub fn unanswered(&self, found: &BTreeMap<String, String>) -> Vec<String> {
        let lost = self
            .after
            .keys()
            .filter(|question| !found.contains_key(*question));
        lost.cloned().collect()
    }
}

/// What is restored is of a moment between the two answers. Where they are the same it has to be that; where rows came
/// meanwhile it is between them; of what moved in another way nothing can be said.
fn verdict(before: Option<&String>, after: Option<&String>, found: &str) -> DrillVerdict {
    let number = |text: &str| text.parse::<i128>().ok();
    match (before, after) {
        (Some(before), Some(after)) if before == after => match found == after {
            true => DrillVerdict::Same,
            false => DrillVerdict::Wrong,
        },
        (Some(before), Some(after)) => match (number(before), number(after), number(found)) {
            (Some(before), Some(after), Some(found))
                if before.min(after) <= found && found <= before.max(after) =>
            {
                DrillVerdict::Between
            }
            _ => DrillVerdict::Moved,
        },
        _ => DrillVerdict::Unrecorded,
    }
}

#[cfg(test)]
mod tests {
    use ostler_api::document::DrillVerdict;

    use super::verdict;

    #[test]
    fn what_held_still_has_to_be_the_same_and_what_moved_is_between_or_says_nothing() {
        for (before, after, found, expected) in [
            (Some("7"), Some("7"), "7", DrillVerdict::Same),
            (Some("7"), Some("7"), "6", DrillVerdict::Wrong),
            (Some("a"), Some("a"), "b", DrillVerdict::Wrong),
            (Some("7"), Some("9"), "8", DrillVerdict::Between),
            (Some("9"), Some("7"), "9", DrillVerdict::Between),
            (Some("7"), Some("9"), "10", DrillVerdict::Moved),
            (Some("a"), Some("b"), "a", DrillVerdict::Moved),
            (None, Some("9"), "9", DrillVerdict::Unrecorded),
            (None, None, "9", DrillVerdict::Unrecorded),
        ] {
            let (before, after) = (before.map(str::to_owned), after.map(str::to_owned));
            assert_eq!(
                verdict(before.as_ref(), after.as_ref(), found),
                expected,
                "{before:?} {after:?} {found}"
            );
        }
    }
}
