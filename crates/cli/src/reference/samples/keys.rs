//! What opens a vault.

use ostler_api::document::*;
use ostler_api::keys::KeyWork;
use ostler_vocabulary::{Secret, VaultId};

use super::{at, now};
use crate::backend::KeySheet;

/// `vault key list`
#[must_use]
pub fn key_list() -> KeyList {
    let key = |id: &str, kind: &str, about: Option<&str>, in_use| KeyEntry {
        summary: KeySummary {
            id: id.repeat(4),
            kind: kind.into(),
            created: at(8_640_000),
        },
        about: about.map(Into::into),
        epochs: vec![1, 2],
        in_use,
    };
    let epoch = |number, state: &str, bytes| KeyEpoch {
        number,
        made: (number > 1).then(|| at(86_400)),
        state: state.into(),
        bytes,
    };
    KeyList {
        vault: "default".into(),
        epoch: 2,
        bytes: 3_758_096_384,
        old_bytes: 1_073_741_824,
        keys: vec![
            key("c0ffee12", "key file", Some("0123456789abcdef"), true),
            key("5afe5afe", "passphrase", None, false),
        ],
        epochs: vec![
            epoch(1, "leaked", 1_073_741_824),
            epoch(2, "current", 2_684_354_560),
        ],
    }
}

pub(super) fn key_work() -> KeyWork {
    let list = key_list();
    KeyWork {
        key: None,
        keys: list.keys,
        epoch: 1,
        goes_on: false,
        reencrypt_bytes: 3_758_096_384,
        warnings: Vec::new(),
    }
}

/// `vault key add`, `remove` and `rotate`
#[must_use]
pub fn key_report() -> KeyReport {
    KeyReport {
        done: "given up".into(),
        epoch: 2,
        bytes: 3_758_096_384,
        ..KeyReport::default()
    }
}

/// `vault key sheet`
#[must_use]
pub fn key_sheet() -> KeySheet {
    KeySheet {
        vault: "default".into(),
        id: VaultId::from_bytes([7; 16]),
        location: "s3://backups/laptop".into(),
        key: Secret::new("OSTLER-KEY-1:AEBAGBAFAYDQQCIKBMGA2DQPCAIREEYUCULBOGAZDINRYHI6D4QHTA5WIQ"),
        made: now(),
    }
}
