//! What follows from what a store can do. Pure.

use serde::{Deserialize, Serialize};

use super::{Ability, Answer, Capabilities};

/// Whether a store will do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// For any number of writers.
    Fit,
    /// For one writer at a time: its conditional writes cannot be trusted.
    SingleWriter,
    /// Not at all.
    Refused,
}

/// What follows, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Decision {
    /// Whether it will do.
    pub verdict: Verdict,
    /// Why not without restriction: one sentence for each, without a full stop. Empty for a store that can do all.
    pub reasons: Vec<String>,
    /// What to know about it all the same.
    pub remarks: Vec<String>,
}

impl Capabilities {
    /// What follows. `locks` says that objects are to be locked against deletion.
    ///
    /// What was not tried is taken for a missing ability, except where only a remark would follow.
    #[must_use]
    pub fn decide(&self, locks: bool) -> Decision {
        let mut decision = Decision {
            verdict: Verdict::Fit,
            reasons: Vec::new(),
            remarks: Vec::new(),
        };
        for (ability, verdict, without) in NEEDED {
            if self.answer(*ability) != Answer::Yes {
                decision.verdict = decision.verdict.max(*verdict);
                decision.reasons.push(self.because(*ability, without));
            }
        }
        for (ability, without) in [
            (Ability::Versions, "locks need a bucket that keeps versions"),
            (Ability::Locks, "locks need a bucket with object lock"),
        ] {
            if locks && self.answer(ability) != Answer::Yes {
                decision.verdict = Verdict::Refused;
                decision.reasons.push(self.because(ability, without));
            }
        }
        for (ability, without) in WELCOME {
            if self.answer(*ability) == Answer::No {
                decision.remarks.push(self.because(*ability, without));
            }
        }
        decision
    }

    fn because(&self, ability: Ability, without: &str) -> String {
        match self.finding(ability) {
            Some(finding) => format!("{without}: {}", finding.evidence),
            None => format!("{without}: it was not tried"),
        }
    }
}

/// What a vault stands on, what a store without it is good for, and what would happen.
const NEEDED: &[(Ability, Verdict, &str)] = &[
    (
        Ability::ReadsBack,
        Verdict::Refused,
        "a backup could not be told to be complete",
    ),
    (
        Ability::Ranges,
        Verdict::Refused,
        "parts of objects would be read wrongly",
    ),
    (
        Ability::ListsAtOnce,
        Verdict::Refused,
        "writers would not see each other",
    ),
    (
        Ability::ListsInOrder,
        Verdict::Refused,
        "listings in pages would miss objects",
    ),
    (
        Ability::RefusesOverwrite,
        Verdict::SingleWriter,
        "writers could replace each other's objects",
    ),
    (
        Ability::OneWinner,
        Verdict::SingleWriter,
        "two writers could both believe that they are alone",
    ),
];

/// What is missed where it is not there.
const WELCOME: &[(Ability, &str)] = &[
    (Ability::Deletes, "space cannot be freed with these credentials"),
    (
        Ability::Checksums,
        "bytes that change on the way up are found by `verify --read-data` only",
    ),
];

#[cfg(test)]
mod tests {
    use super::super::Finding;
    use super::*;

    fn all_but(answer: Answer, missing: &[Ability]) -> Capabilities {
        Capabilities {
            findings: Ability::ALL
                .into_iter()
                .map(|ability| {
                    let answer = if missing.contains(&ability) {
                        answer
                    } else {
                        Answer::Yes
                    };
                    Finding::new(ability, answer, "as was seen")
                })
                .collect(),
        }
    }

    #[test]
    fn each_missing_ability_has_its_consequence() {
        use Ability::*;
        use Verdict::*;
        for (missing, locks, verdict, reasons, remarks) in [
            (&[][..], false, Fit, 0, 0),
            (&[], true, Fit, 0, 0),
            (&[RefusesOverwrite], false, SingleWriter, 1, 0),
            (&[OneWinner], false, SingleWriter, 1, 0),
            (&[RefusesOverwrite, OneWinner], false, SingleWriter, 2, 0),
            (&[ReadsBack, OneWinner], false, Refused, 2, 0),
            (&[Ranges], false, Refused, 1, 0),
            (&[ListsAtOnce], false, Refused, 1, 0),
            (&[ListsInOrder], false, Refused, 1, 0),
            (&[Deletes, Checksums], false, Fit, 0, 2),
            (&[Versions, Locks], false, Fit, 0, 0),
            (&[Locks], true, Refused, 1, 0),
        ] {
            let decision = all_but(Answer::No, missing).decide(locks);
            let seen = (decision.verdict, decision.reasons.len(), decision.remarks.len());
            assert_eq!(seen, (verdict, reasons, remarks), "{missing:?}: {decision:?}");
            let all = decision.reasons.iter().chain(&decision.remarks);
            assert!(all.into_iter().all(|text| text.ends_with(": as was seen")));
        }
    }

    #[test]
    fn what_was_not_tried_is_not_taken_for_granted() {
        let decision = Capabilities::default().decide(false);
        assert_eq!(decision.verdict, Verdict::Refused);
        assert_eq!(decision.remarks, [""; 0]);
        let decision = all_but(Answer::Unknown, &[Ability::OneWinner, Ability::Checksums]).decide(false);
        assert_eq!(decision.verdict, Verdict::SingleWriter);
        assert_eq!(decision.remarks, [""; 0]);
    }
}
