//! A failure of one policy, which stops no other: told from a database that does not answer any more.

use ostler_api::document::{PolicyFinding, RetentionProblem, RetentionVerdict};
use ostler_api::request::RetentionWork;
use ostler_vocabulary::Failure;

use crate::Database;
use crate::strategy::problem;

/// What is wrong with one policy, if the database still answers.
///
/// # Errors
/// The failure itself when the database does not answer.
pub(crate) async fn of_policy(
    database: &dyn Database,
    failure: Failure,
) -> Result<RetentionProblem, Failure> {
    match database.database().await {
        Ok(_) => {
            let hint = failure.hint().map(|hint| format!("; {hint}")).unwrap_or_default();
            let reason = format!("{}{hint}", failure.messages().join(": "));
            Ok(problem(failure.kind(), reason))
        }
        Err(_) => Err(failure),
    }
}

/// What was found about a policy; that it cannot be looked at is a finding too.
///
/// # Errors
/// The failure itself when the database does not answer.
pub(crate) async fn findings(
    database: &dyn Database,
    policy: &str,
    found: Result<Vec<PolicyFinding>, Failure>,
) -> Result<Vec<PolicyFinding>, Failure> {
    match found {
        Ok(findings) => Ok(findings),
        Err(failure) => Ok(vec![PolicyFinding {
            policy: policy.to_owned(),
            fatal: true,
            text: of_policy(database, failure).await?.reason,
        }]),
    }
}

/// The failure when no policy of the plan can work.
pub(crate) fn nothing_works(work: &RetentionWork) -> Option<Failure> {
    let first = work.policies.first()?;
    let problem = first.problem.as_ref()?;
    let works = |verdict: &RetentionVerdict| verdict.problem.is_none() || verdict.items > 0;
    if work.policies.iter().any(works) {
        return None;
    }
    let failure = Failure::new(
        problem.kind,
        format!("policy {}: {}", first.policy, problem.reason),
    );
    Some(match work.policies.len() {
        1 => failure,
        n => failure.context(format!("none of the {n} policies can work")),
    })
}
