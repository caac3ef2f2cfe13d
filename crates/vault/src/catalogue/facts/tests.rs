//! Notes read back, whatever they say.

use super::*;
use proptest::prelude::*;

fn any_facts() -> impl Strategy<Value = Facts> {
    (
        (0i64..1 << 40, any::<u64>(), any::<bool>(), "[a-z.]{0,20}"),
        proptest::collection::vec("(/[a-zä ]{1,20}){1,8}", 0..4),
        proptest::option::of("[a-z]{0,10}"),
        proptest::collection::btree_map("[a-z]{1,8}", "[a-z]{0,8}", 0..4),
        any::<[u64; 7]>(),
    )
        .prop_map(
            |((started, duration_ms, partial, host), paths, name, tags, counts)| {
                let [
                    files,
                    entries,
                    bytes,
                    changed_files,
                    new_bytes,
                    stored_bytes,
                    problems,
                ] = counts;
                Facts {
                    started: Timestamp::from_microsecond(started).unwrap(),
                    duration_ms,
                    partial,
                    host,
                    paths: paths.into_iter().map(PathBuf::from).collect(),
                    name,
                    tags,
                    counts: Counts {
                        files,
                        entries,
                        bytes,
                        changed_files,
                        new_bytes,
                        stored_bytes,
                        problems,
                    },
                }
            },
        )
}

proptest! {
    #[test]
    fn facts_read_back_from_names_that_fit(facts in any_facts()) {
        let mut together = Vec::new();
        let notes = facts_notes(&facts);
        for (at, note) in notes.iter().enumerate() {
            prop_assert!(note.len() <= ROOM);
            match decode(NameKind::Facts, note) {
                Ok(Note::Facts { parts: 0, .. }) => return Ok(()),
                Ok(Note::Facts { part, parts, piece }) => {
                    prop_assert_eq!((usize::from(part), usize::from(parts)), (at, notes.len()));
                    together.extend(piece);
                }
                other => prop_assert!(false, "{:?}", other),
            }
        }
        prop_assert_eq!(decode_facts(&together), Ok(facts));
    }

    #[test]
    fn proofs_read_back(
        seconds in 0i64..1 << 33,
        method in "[a-z_]{1,14}",
        ok: bool,
        part in proptest::option::of((any::<[u8; 32]>(), proptest::option::of(0i64..1 << 33))),
    ) {
        let proof = ProofRecord {
            method,
            at: Timestamp::from_second(seconds).unwrap(),
            ok,
            files: 1,
            bytes: 2,
            problems: Vec::new(),
            operation: None,
            part: part.map(|(folders, since)| PartRead {
                folders: Folders::from_bytes(folders),
                since: since.map(|since| Timestamp::from_second(since).unwrap()),
            }),
        };
        let note = proof_note(&proof, [7; 8]).unwrap();
        prop_assert!(note.len() <= ROOM);
        let ProofRecord { at, method, ok, part, .. } = proof;
        let facts = ProofFacts { at, method, ok, part };
        prop_assert_eq!(decode(NameKind::Proof, &note), Ok(Note::Proof { facts, digest: [7; 8] }));
    }

    #[test]
    fn marks_read_back_or_go_into_the_body(
        seconds in 0i64..1 << 33,
        key in "[a-z]{0,200}",
        value in proptest::option::of("[a-zä]{0,200}"),
        kind in 0u8..3,
    ) {
        let mark = MarkRecord {
            at: Timestamp::from_second(seconds).unwrap(),
            action: match kind {
                0 => MarkAction::Hold(value),
                1 => MarkAction::Release,
                2 => MarkAction::Delete,
                _ => MarkAction::Tag { key, value },
            },
        };
        let (note, long) = mark_note(&mark, [7; 8]);
        prop_assert!(note.len() <= ROOM);
        let expected = if long { Note::LongMark { digest: [7; 8] } } else { Note::Mark(mark) };
        prop_assert_eq!(decode(NameKind::Mark, &note), Ok(expected));
    }

    #[test]
    fn any_bytes_are_read_without_panic(bytes: Vec<u8>) {
        for kind in [NameKind::Facts, NameKind::Proof, NameKind::Mark] {
            let _ = decode(kind, &bytes);
        }
        let _ = decode_facts(&bytes);
    }
}

#[test]
fn facts_of_a_usual_backup_fit_one_name() {
    let facts = Facts {
        started: Timestamp::from_second(1_800_000_000).unwrap(),
        duration_ms: 3_600_000,
        partial: false,
        host: "database-01.example.com".into(),
        paths: vec!["/var/lib/postgresql/18/main".into()],
        name: Some("nightly".into()),
        tags: [("env".to_owned(), "production".to_owned())].into(),
        counts: Counts {
            files: 100_000,
            entries: 110_000,
            bytes: 2 << 40,
            changed_files: 20_000,
            new_bytes: 50 << 30,
            stored_bytes: 20 << 30,
            problems: 0,
        },
    };
    assert_eq!(facts_notes(&facts).len(), 1);
}
