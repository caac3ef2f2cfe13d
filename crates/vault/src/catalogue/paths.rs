//! Paths in JSON: a string where the path is UTF-8, else `{"base64": "…"}` with its bytes.

use std::ffi::OsString;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::PathBuf;

use data_encoding::BASE64;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum Written {
    Text(String),
    Bytes { base64: String },
}

pub(super) fn serialize<S: Serializer>(paths: &[PathBuf], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(paths.iter().map(|path| match path.to_str() {
        Some(text) => Written::Text(text.to_owned()),
        None => Written::Bytes {
            base64: BASE64.encode(path.as_os_str().as_bytes()),
        },
    }))
}

pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<PathBuf>, D::Error> {
    Vec::<Written>::deserialize(deserializer)?
        .into_iter()
        .map(|written| match written {
            Written::Text(text) => Ok(PathBuf::from(text)),
            Written::Bytes { base64 } => BASE64
                .decode(base64.as_bytes())
                .map(|bytes| PathBuf::from(OsString::from_vec(bytes)))
                .map_err(serde::de::Error::custom),
        })
        .collect()
}
