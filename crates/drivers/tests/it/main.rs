//! The drivers as `server` opens them.
#![allow(clippy::unwrap_used, reason = "tests may unwrap")]

use std::collections::BTreeSet;
use std::sync::Arc;

use ostler_backup::driver::Driver;
use ostler_backup::testing::MemoryNode;
use ostler_backup::testing::driver::{Subject, conforms};
use ostler_drivers::{Wanted, open};
use ostler_vocabulary::{Classified as _, ErrorKind};

#[derive(Clone)]
struct Files;

impl Subject for Files {
    fn over(_: &[Arc<MemoryNode>]) -> Self {
        Self
    }

    fn driver(&self) -> Arc<dyn Driver> {
        open("files", Wanted::default()).unwrap()
    }

    fn held(&self) -> Vec<String> {
        Vec::new()
    }

    fn kept(&self) -> BTreeSet<String> {
        BTreeSet::new()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_driver_of_files_conforms() {
    conforms::<Files>().await;
}

#[test]
fn what_no_driver_understands_is_refused() {
    let error = open("oracle", Wanted::default()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Invalid);
    assert!(error.hint().unwrap().contains("cassandra"));
    for driver in ["files", "cassandra"] {
        let wanted = Wanted {
            options: [("colour".to_owned(), "red".to_owned())].into(),
            ..Wanted::default()
        };
        let error = open(driver, wanted).unwrap_err();
        assert!(error.to_string().contains("`colour`"), "{error}");
    }
}
