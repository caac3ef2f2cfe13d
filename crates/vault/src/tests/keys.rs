//! Opening a vault with the right key, another one, and none.

use std::sync::Arc;

use age::secrecy::ExposeSecret;
use ostler_store::{Key, Memory, Store};
use ostler_vocabulary::{Classified, ErrorKind, Secret};

use super::fixture::{Fixture, SUITES, clock};
use crate::{Error, InitOptions, PassphraseCost, Protect, Unlock, Vault};

fn identity() -> (Secret, String) {
    let identity = age::x25519::Identity::generate();
    let secret = Secret::new(identity.to_string().expose_secret());
    (secret, identity.to_public().to_string())
}

#[tokio::test]
async fn each_of_several_keys_opens_the_vault_and_no_other() {
    let (age_identity, recipient) = identity();
    let (second_identity, second_recipient) = identity();
    let store: Arc<dyn Store> = Arc::new(Memory::new());
    let options = InitOptions {
        protect: vec![
            Protect::KeyFile,
            Protect::PassphraseAt(Secret::new("correct horse"), PassphraseCost::CHEAP),
            Protect::AgeRecipients(vec![recipient, second_recipient]),
        ],
        clock: clock(),
    };
    let made = Vault::init(Arc::clone(&store), options).await.unwrap();
    let key_file = made.key_file.unwrap();
    assert_ne!(made.vault.encryption(), "none");
    let kinds: Vec<_> = made
        .vault
        .wrappers()
        .await
        .unwrap()
        .into_iter()
        .map(|wrapper| wrapper.kind)
        .collect();
    assert_eq!(kinds.len(), 3);
    let commented = Secret::new(format!("# created today\n\n{}\n", second_identity.reveal()));
    for unlock in [
        Unlock::KeyFile(key_file.clone()),
        Unlock::Passphrase(Secret::new("correct horse")),
        Unlock::AgeIdentity(age_identity),
        Unlock::AgeIdentity(commented),
    ] {
        let wrong = Unlock::Passphrase(Secret::new("incorrect horse"));
        let vault = Vault::open(Arc::clone(&store), &[wrong, unlock], clock())
            .await
            .unwrap();
        assert_eq!(
            (vault.id(), vault.created()),
            (made.vault.id(), made.vault.created())
        );
    }

    let none = Vault::open(Arc::clone(&store), &[], clock()).await.unwrap_err();
    assert!(matches!(none, Error::KeyNeeded { .. }));
    assert_eq!(none.kind(), ErrorKind::Denied);
    assert_eq!(
        none.hint().unwrap(),
        "give an age identity, its key file or its passphrase"
    );

    let other = Fixture::new(SUITES[1]).await;
    for unlock in [
        other.unlock().remove(0),
        Unlock::Passphrase(Secret::new("incorrect horse")),
        Unlock::AgeIdentity(identity().0),
    ] {
        let wrong = Vault::open(Arc::clone(&store), &[unlock], clock())
            .await
            .unwrap_err();
        assert!(matches!(wrong, Error::WrongKey { .. }), "{wrong}");
        assert_eq!(wrong.kind(), ErrorKind::Denied);
        assert!(wrong.hint().is_some());
    }
    for unlock in [
        Unlock::KeyFile(Secret::new("not a key")),
        Unlock::AgeIdentity(Secret::new("not a key")),
        Unlock::AgeIdentity(Secret::new("")),
    ] {
        let wrong = Vault::open(Arc::clone(&store), &[unlock], clock())
            .await
            .unwrap_err();
        assert_eq!(wrong.kind(), ErrorKind::Invalid, "{wrong}");
        assert!(
            !wrong.to_string().contains("not a key"),
            "a key's text is never repeated"
        );
    }
}

#[tokio::test]
async fn a_vault_is_made_once_and_only_with_keys_that_work() {
    let fixture = Fixture::new(SUITES[1]).await;
    let options = |protect| InitOptions {
        protect,
        clock: clock(),
    };
    let again = Vault::init(Arc::clone(&fixture.store) as _, options(vec![Protect::KeyFile])).await;
    assert_eq!(again.unwrap_err().kind(), ErrorKind::AlreadyExists);
    let empty: Arc<dyn Store> = Arc::new(Memory::new());
    let none = Vault::open(Arc::clone(&empty), &[], clock()).await.unwrap_err();
    assert_eq!(none.kind(), ErrorKind::NotFound);
    for protect in [
        Protect::AgeRecipients(vec!["age1nobody".to_owned()]),
        Protect::AgeRecipients(vec![]),
        Protect::PassphraseAt(Secret::new(""), PassphraseCost::CHEAP),
    ] {
        let refused = Vault::init(Arc::clone(&empty), options(vec![protect]))
            .await
            .unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::Invalid, "{refused}");
    }
    assert!(empty.list("vault.json", None).await.unwrap().objects.is_empty());
}

#[tokio::test]
async fn an_unencrypted_vault_opens_without_a_key_and_says_what_it_is() {
    let fixture = Fixture::new(SUITES[0]).await;
    let vault = fixture.reopen().await.unwrap();
    assert_eq!(vault.encryption(), "none");
    assert!(vault.wrappers().await.unwrap().is_empty());
    // A user with a key for it expects that it is encrypted.
    for unlock in [
        Unlock::KeyFile(Secret::new("not read")),
        Unlock::Passphrase(Secret::new("correct horse")),
        Unlock::AgeIdentity(identity().0),
    ] {
        let store = Arc::clone(&fixture.store) as _;
        let refused = Vault::open(store, &[unlock], clock()).await.unwrap_err();
        assert!(matches!(refused, Error::NotEncrypted(_)), "{refused}");
        assert_eq!(refused.kind(), ErrorKind::Refused);
    }
    let key = Key::new("vault.json").unwrap();
    let text = String::from_utf8(fixture.body(&key).await).unwrap();
    let downgraded = text.replace("\"none\"", "\"aes-256-gcm\"");
    fixture.store.tamper(&key, downgraded);
    assert_eq!(fixture.reopen().await.unwrap_err().kind(), ErrorKind::Corrupt);
}

#[tokio::test]
async fn a_newer_vault_is_refused_by_its_version() {
    let fixture = Fixture::new(SUITES[1]).await;
    let key = Key::new("vault.json").unwrap();
    let text = String::from_utf8(fixture.body(&key).await).unwrap();
    fixture
        .store
        .tamper(&key, text.replace("\"version\": 1", "\"version\": 2"));
    let error = fixture.reopen().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported);
    assert!(error.hint().unwrap().contains("newer"));
}

#[tokio::test]
async fn secrets_never_show() {
    let fixture = Fixture::new(SUITES[0]).await;
    let shown = format!("{:?}", fixture.vault);
    let text = String::from_utf8(fixture.body(&Key::new("vault.json").unwrap()).await).unwrap();
    for line in text
        .lines()
        .filter(|line| line.contains("\"writer\"") || line.contains("\"secret\""))
    {
        let secret = line.rsplit('"').nth(1).unwrap();
        assert!(secret.len() > 40 && !shown.contains(secret), "{shown}");
    }
}
