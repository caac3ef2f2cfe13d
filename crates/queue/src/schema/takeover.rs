//! Taking a database over from the extension: everything in it stays where it is, only the extension goes.

use super::Error;
use super::installed::Installed;
use super::plan::Plan;

/// Extensions whose objects go on to work without being one.
const KNOWN: [&str; 5] = ["pgq", "pgq_ext", "pgq_coop", "pgq_node", "londiste"];

/// Tables whose readers and writers are waited for before anything is changed, in the order that PgQ's own functions lock
/// them.
const LOCKED: &str = "lock table pgq.queue, pgq.consumer, pgq.subscription, pgq.tick, pgq.retry_queue in access exclusive mode;";

/// Adds the steps, if there is an extension.
///
/// # Errors
/// [`Error::Rights`] without the rights of its owner; [`Error::Refused`] for one that we do not know.
pub(super) fn plan(installed: &Installed, plan: &mut Plan) -> Result<(), Error> {
    if installed.version.is_none() && installed.queues.is_some() {
        plan.step("nobody works with queues while this is done", LOCKED);
    }
    for extension in &installed.extensions {
        if !KNOWN.contains(&extension.name.as_str()) {
            return Err(Error::Refused {
                what: format!(
                    "extension {} needs PgQ's extension, and is not known here",
                    extension.name
                ),
                cure: format!(
                    "DROP EXTENSION {}, or ask its makers whether it works without",
                    extension.name
                ),
            });
        }
        if !extension.owned {
            return Err(Error::Rights {
                user: installed.user.clone(),
                what: format!(
                    "change extension {}, which belongs to {}",
                    extension.name, extension.owner
                ),
                cure: format!("connect as {}; ALTER EXTENSION needs its owner", extension.owner),
            });
        }
        let mut sql = String::new();
        for member in &extension.members {
            sql.push_str(&format!("alter extension {} drop {member};\n", extension.name));
        }
        sql.push_str(&format!("drop extension {};\n", extension.name));
        plan.step(
            format!(
                "extension {} {} lets go of its {} objects, and goes; they stay",
                extension.name,
                extension.version,
                extension.members.len()
            ),
            sql,
        );
    }
    if installed.version.is_none() && installed.extensions.is_empty() && installed.queues.is_some() {
        plan.note("the schema pgq that is there belongs to no extension; it is taken over as it is");
    }
    Ok(())
}
