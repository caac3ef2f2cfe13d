//! Backups that were interrupted, and go on although space was freed in between.

use crate::crash::{Moment, Scene, kill_at, resume_all};
use ostler_testkit::tree;

#[test]
fn an_interrupted_backup_goes_on_after_a_prune_freed_what_it_stored() {
    let scene = Scene::new(2);
    scene.change_source(60);
    let mut expected = scene.expected.clone();
    expected.insert("new".into(), tree::read(scene.source.path()));
    let arguments = ["backup", "create", scene.source(), "--name", "new"];
    for point in [
        "after:register intent",
        "before:upload",
        "after:upload",
        "after:check presence",
        "before:write record",
    ] {
        let ostler = scene.ostler.copy();
        assert!(
            kill_at(&ostler, &arguments, &Moment::Step(point.into())),
            "{point}"
        );
        // It frees b0, and rules out the commit of whoever it knows to be dead.
        ostler.ok(["backup", "prune", "--keep-last", "1", "--yes"]);
        resume_all(&ostler, point);
        let names = scene.check_vault(&ostler.vault(), &ostler.key(), &expected, point);
        assert!(names.contains(&"new".to_owned()), "{point}: {names:?}");
        ostler.ok(["vault", "check", "--read-data"]);
        ostler.ok(["backup", "prune", "--keep-last", "1", "--yes"]);
        let names = scene.check_vault(&ostler.vault(), &ostler.key(), &expected, point);
        assert_eq!(names, ["new"], "{point}");
    }
}
