//! Plain files have nothing to say.

use ostler_api::document::SystemStatus;

use super::NAME;

pub(super) fn of() -> SystemStatus {
    SystemStatus {
        driver: NAME.to_owned(),
        ..SystemStatus::default()
    }
}
