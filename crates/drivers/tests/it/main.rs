//! The drivers as `server` opens them.
#![allow(clippy::unwrap_used, reason = "tests may unwrap")]

use std::collections::BTreeSet;
use std::sync::Arc;

use ostler_api::node::Hold;
use ostler_backup::driver::Driver;
use ostler_backup::testing::MemoryNode;
use ostler_backup::testing::driver::{Subject, conforms};
use ostler_drivers::{Said, Wanted, open};
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

fn files(key: &str, said: Said) -> Result<Arc<dyn Driver>, ostler_drivers::Error> {
    let wanted = Wanted {
        cluster: "shop".to_owned(),
        options: [(key.to_owned(), said)].into(),
        ..Wanted::default()
    };
    open("files", wanted)
}

#[test]
fn files_are_held_still_as_the_configuration_says() {
    let hold = |key, said| files(key, said).unwrap().take().hold;
    let asked = Hold {
        reflink: true,
        ..Hold::default()
    };
    assert_eq!(hold("reflink", Said::Switch(true)), Some(asked.clone()));
    assert_eq!(hold("reflink", Said::Switch(false)), None);
    let globs = vec!["*.sst".to_owned(), "wal/{a,b}*".to_owned()];
    let immutable = Hold {
        immutable: globs.clone(),
        ..asked.clone()
    };
    assert_eq!(hold("immutable", Said::List(globs.clone())), Some(immutable));
    let append_only = Hold {
        append_only: globs.clone(),
        ..asked
    };
    assert_eq!(hold("append_only", Said::List(globs)), Some(append_only));

    for (key, said, reason) in [
        ("reflink", "yes".into(), "write reflink = true or reflink = false"),
        ("immutable", "*.sst".into(), "write a list"),
        (
            "immutable",
            Said::List(vec!["a[".to_owned()]),
            "`a[` is no pattern",
        ),
        ("append_only", Said::List(vec![String::new()]), "matches no file"),
        (
            "append_only",
            Said::List(vec!["wal/".to_owned()]),
            "matches no file",
        ),
    ] {
        let error = files(key, said).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Invalid);
        let said = error.to_string();
        assert!(
            said.contains("cluster `shop`") && said.contains(&format!("`{key}`")) && said.contains(reason),
            "{said}"
        );
    }
}

#[test]
fn what_no_driver_understands_is_refused() {
    let error = open("oracle", Wanted::default()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Invalid);
    assert!(error.hint().unwrap().contains("cassandra"));
    for driver in ["files", "cassandra"] {
        let wanted = Wanted {
            options: [("colour".to_owned(), "red".into())].into(),
            ..Wanted::default()
        };
        let error = open(driver, wanted).unwrap_err();
        assert!(error.to_string().contains("`colour`"), "{error}");
    }
}
