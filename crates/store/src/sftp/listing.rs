//! Listing a directory tree of the server in the order of its keys, one page at a time.

use russh_sftp::client::error::Error as SftpError;
use russh_sftp::protocol::FileAttributes;

use super::session::Session;
use super::{UNFINISHED, fault, object};
use crate::key::fault as fault_of_key;
use crate::{Key, LONGEST_PAGE, Page};

/// Something that is still to be looked at: an object, or a directory, whose name has a `/` at its end.
struct Entry {
    key: String,
    found: FileAttributes,
}

/// One page of the objects below `root` that start with `prefix` and come after `after`. Asks for each directory that
/// may hold one.
pub(super) async fn page(
    session: &Session,
    root: &str,
    prefix: &str,
    after: Option<&Key>,
) -> Result<Page, SftpError> {
    let after = after.map(Key::as_str);
    let mut page = Page::default();
    // Nothing above the last `/` of the prefix needs to be looked at.
    let base = prefix
        .rsplit_once('/')
        .map_or(String::new(), |(above, _)| format!("{above}/"));
    let mut waiting = directory(session, root, &base, prefix, after).await?;
    while let Some(Entry { key, found }) = waiting.pop() {
        if key.ends_with('/') {
            waiting.append(&mut directory(session, root, &key, prefix, after).await?);
        } else if page.objects.len() == LONGEST_PAGE {
            page.next = page.objects.last().map(|last| last.key.clone());
            break;
        } else if let Ok(key) = Key::new(key) {
            page.objects.push(object(key, &found));
        }
    }
    Ok(page)
}

/// What is wanted of a directory, the first at the end. `base` is the start of the keys in it: empty or with a `/` at
/// its end.
async fn directory(
    session: &Session,
    root: &str,
    base: &str,
    prefix: &str,
    after: Option<&str>,
) -> Result<Vec<Entry>, SftpError> {
    let path = format!("{root}/{base}");
    let entries = match session.entries(path.trim_end_matches('/')).await {
        Ok(entries) => entries,
        // Removed since it was seen, or never there, or an object where a directory was looked for.
        Err(error) if fault::is_not_found(&error) || fault::is_failure(&error) => return Ok(Vec::new()),
        Err(error) => return Err(error),
    };
    let mut wanted = Vec::new();
    for (name, mut found) in entries {
        let mut key = format!("{base}{name}");
        if fault_of_key(&key).is_some() || key == UNFINISHED {
            continue;
        }
        if found.file_type().is_symlink() {
            // A part of the store may lie on another disk.
            match session.attributes(&format!("{root}/{key}")).await {
                Ok(behind) => found = behind,
                Err(_) => continue,
            }
        }
        if found.file_type().is_dir() {
            // In the order of keys a directory's name counts with its `/`: `a-b` comes before `a/b`.
            key.push('/');
            let in_prefix = key.starts_with(prefix) || prefix.starts_with(&key);
            if in_prefix && after.is_none_or(|after| key.as_str() > after || after.starts_with(&key)) {
                wanted.push(Entry { key, found });
            }
        } else if found.file_type().is_file()
            && key.starts_with(prefix)
            && after.is_none_or(|after| key.as_str() > after)
        {
            wanted.push(Entry { key, found });
        }
    }
    wanted.sort_unstable_by(|one, other| other.key.cmp(&one.key));
    Ok(wanted)
}
