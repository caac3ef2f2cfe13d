//! CrateDB by users who have nothing but what the guide says they need.
//!
//! They have no passwords: the server has to trust who says a name (`auth.host_based.enabled: false`). The `crate.yml` that comes with
//! it has that on, trusts nobody but `crate` from the same machine, asks all others for a password, and answers them with 401.

use crate::cratedb_world::World;

impl World {
    /// A user with these rights and no others. Names of users are the cluster's.
    fn user(&self, name: &str, grants: &[&str]) -> String {
        let user = format!("{name}_{}", self.name);
        self.sql(&format!("DROP USER IF EXISTS {user}"));
        self.sql(&format!("CREATE USER {user}"));
        for grant in grants {
            self.sql(&format!("GRANT {grant} TO {user}"));
        }
        user
    }

    /// What a command of somebody's ends with, and everything that it says.
    fn as_user(&self, user: &str, words: &[&str]) -> (i32, String) {
        // In a recording, what two users ask one after the other is not one question that was repeated.
        self.sql(&format!("SELECT '{user}'"));
        let mut all = vec!["retention".to_owned()];
        all.extend(words.iter().map(|word| (*word).to_owned()));
        all.push(format!("--dsn=crate://{user}@{}", self.crate_db.host()));
        all.push(format!("--schema=ext_{}", self.name));
        let output = self.ostler.run(all);
        (
            output.status.code().unwrap_or(-1),
            ostler_testkit::binary::said(&output),
        )
    }
}

#[test]
fn limited_users_do_what_the_guide_says_and_nothing_else() {
    let world = World::new("rights");
    let table = world.sensor_readings();
    world.json(&["add", &format!("{table}:time_month drop 365d"), "--name=months"]);
    world.json(&["add", &format!("{table}:time delete 365d"), "--name=rows"]);
    let on_table = |words: &str| format!("{words} ON TABLE {table}");
    let nobody = world.user("nobody", &[]);
    let shards = "DQL ON TABLE sys.shards";
    let blind = world.user("blind", &["DQL ON SCHEMA ext_rights", &on_table("DQL")]);
    let looker = world.user("looker", &["DQL ON SCHEMA ext_rights", &on_table("DQL"), shards]);
    let ours = "DQL, DML ON SCHEMA ext_rights";
    let deleter = world.user("deleter", &[ours, &on_table("DQL, DML"), shards]);
    let dropper = world.user("dropper", &[ours, &on_table("DQL, DML, DDL"), shards]);
    let plan = ["plan", "--cutoff=2024-05-15"];
    let (code, said) = world.as_user(&nobody, &plan);
    assert_ne!(code, 0, "{said}");
    let (code, said) = world.as_user(&blind, &plan);
    assert!(
        code != 0 && said.contains("GRANT DQL ON TABLE sys.shards"),
        "{said}"
    );
    let (code, said) = world.as_user(&looker, &plan);
    assert_eq!(code, 0, "{said}");
    let rows = ["run", "--policy=rows", "--cutoff=2024-05-15", "--yes"];
    let (code, said) = world.as_user(&looker, &rows);
    assert!(code != 0 && world.count(&table) == 9, "{code} {said}");
    let (code, said) = world.as_user(&deleter, &rows);
    assert_eq!((code, world.count(&table)), (0, 6), "{said}");
    // Without the right to block writes nothing is dropped.
    let months = ["run", "--policy=months", "--cutoff=2024-06-01", "--yes"];
    let (code, said) = world.as_user(&deleter, &months);
    assert!(code != 0 && world.count(&table) == 6, "{code} {said}");
    let (code, said) = world.as_user(&dropper, &months);
    assert_eq!((code, world.partitions(&table)), (0, 1), "{said}");
    // Who may change policies may write them.
    let remove = ["policy", "remove", "rows"];
    let (code, said) = world.as_user(&looker, &remove);
    assert_ne!(code, 0, "{said}");
    let (code, said) = world.as_user(&deleter, &remove);
    assert_eq!(code, 0, "{said}");
    for user in [nobody, blind, looker, deleter, dropper] {
        world.sql(&format!("DROP USER {user}"));
    }
    world.finish();
}
