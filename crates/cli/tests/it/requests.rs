//! What words become: the requests a client gets.

use crate::run::run;

#[test]
fn words_become_requests() {
    let home = tempfile::tempdir().unwrap();
    let top = home.path().canonicalize().unwrap();
    std::fs::create_dir_all(top.join("a/b")).unwrap();
    std::fs::write(top.join("patterns"), "# comment\n\n*.tmp\n!keep.tmp\n").unwrap();
    let lines = [
        "backup create ./a/b/.. a --vault offsite --name nightly --tag env=prod --tag tier=1 --exclude **/*.log \
         --exclude-file patterns --one-file-system --read-all --before ./stop --after ./start --on-hook-failure partial \
         --dry-run",
        "backup list --vault offsite --host h --path /p --name n --tag a=b",
        "backup show latest~2 --vault offsite --host h --files below/it",
        "backup diff one two --name n",
        "backup verify one --read-data",
        "backup drill one --scratch scratch --check true",
        "backup delete one two --name n --yes",
        "backup prune --keep-last 1 --keep-hourly 2 --keep-daily 3 --keep-weekly 4 --keep-monthly 5 --keep-yearly 6 \
         --keep-within 7d --keep-tag keep=yes --group-by host,paths,host --min-keep 2 --max-delete-ratio 0.5 --yes",
        "backup hold one --reason audit",
        "backup release one",
        "backup tag one a=b c=",
        "restore one --to target --include x --include /y --overwrite different --delete-extra --allow-incomplete --yes",
        "restore one --cluster c --node a=b --nodes a,b --into-used --allow-stale",
        "restore one --cluster c --keyspace shop --table other.t --yes",
        "restore one --cluster c --table shop.t --as shop.back --allow-stale",
        "restore one --stdout x/y --allow-incomplete",
        "vault init ./vault --name local --key key --age age1abc",
        "vault init --unencrypted",
        "vault init s3://b/p --age age1abc --age age1def",
        "vault add ./vault --passphrase-file phrase --name local",
        "vault info offsite",
        "vault check offsite --read-data",
        "vault check offsite --repair --from second --source a --source /y --read-data --yes",
        "vault mirror one two --from offsite --to second --tag a=b --host h --path /p --name n",
        "vault mirror --latest 3 --to second --dry-run",
        "vault mirror --all --to second",
        "vault key list --vault offsite",
        "vault key add --key new.key --vault offsite --dry-run",
        "vault key add --passphrase-file phrase",
        "vault key add --age age1abc --age age1def",
        "vault key remove c0ff --yes",
        "vault key rotate --compromised --vault offsite --yes",
        "vault key sheet --key other.key --vault offsite",
        "schedule add drill --after nightly --jitter 5m --deadline 2h -- backup drill latest --check true",
        "schedule add nightly --every 6h --missed all --overlap wait --keep-last 3 --push env:PING -- backup create a",
        "schedule edit nightly --cron @daily --zone UTC --deadline none --no-push --no-keep -- vault check --read-data",
        "serve --roles scheduler,ticker",
        "operation list --limit 3",
        "operation cancel 8c01 --leave",
    ];
    let mut text = String::new();
    for line in lines {
        let done = run(line).within(&top).done();
        assert_eq!(done.code, 0, "{line}\n{done}");
        text.push_str(&format!("$ ostler {line}\n"));
        for asked in done.asked {
            text.push_str(&format!("  {}\n", asked.replace(top.to_str().unwrap(), "/TOP")));
        }
    }
    insta::assert_snapshot!(text);
}
