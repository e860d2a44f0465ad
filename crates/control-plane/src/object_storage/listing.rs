//! Objects of a bucket page by page, in the order of their keys. Directories that hold nothing of the page are not
//! looked into.

use std::ffi::OsString;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use wire::s3::{KEY_BYTES_MAX, ListedObject, ListedPage, ListedQuery};

use super::folders::Folder;
use super::object::Object;
use super::{ObjectError, keys};

/// Where a page begins.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Position {
    /// Keys come after it.
    after: String,
    /// Keys that begin with it were summed up before.
    passed: Option<String>,
}

impl Position {
    fn of(query: &ListedQuery) -> Result<Self, ObjectError> {
        let Some(token) = &query.continuation_token else {
            return Ok(Self {
                after: query.start_after.clone().unwrap_or_default(),
                passed: None,
            });
        };
        let bytes = URL_SAFE_NO_PAD.decode(token).unwrap_or_default();
        let text = String::from_utf8(bytes).map_err(|_| ObjectError::InvalidToken)?;
        match text.split_once(':') {
            Some(("key", key)) => Ok(Self {
                after: key.to_owned(),
                passed: None,
            }),
            Some(("prefix", prefix)) => Ok(Self {
                after: prefix.to_owned(),
                passed: Some(prefix.to_owned()),
            }),
            _ => Err(ObjectError::InvalidToken),
        }
    }

    fn token(&self) -> String {
        URL_SAFE_NO_PAD.encode(match &self.passed {
            Some(prefix) => format!("prefix:{prefix}"),
            None => format!("key:{}", self.after),
        })
    }
}

/// Lists a page.
pub fn list(bucket: &Folder, query: &ListedQuery) -> Result<ListedPage, ObjectError> {
    let mut walk = Walk {
        position: Position::of(query)?,
        query,
        page: ListedPage::default(),
    };
    if query.max_keys > 0 {
        walk.folder(bucket, "")?;
    }
    Ok(walk.page)
}

struct Walk<'a> {
    query: &'a ListedQuery,
    position: Position,
    page: ListedPage,
}

/// Whether a walk goes on.
#[derive(PartialEq, Eq)]
enum Step {
    On,
    Full,
}

impl Walk<'_> {
    /// Keys of a directory, all of which begin with `path`.
    fn folder(&mut self, folder: &Folder, path: &str) -> Result<Step, ObjectError> {
        // Keys in their order, of directories with the slash that follows.
        let mut entries: Vec<(String, OsString, bool)> = Vec::new();
        for entry in folder.entries()? {
            let Some(part) = keys::decode_part(&entry.name, entry.is_folder) else {
                continue;
            };
            let slash = if entry.is_folder { "/" } else { "" };
            let key = format!("{path}{part}{slash}");
            // The file of nothing at the top would have no key.
            if key.len() <= KEY_BYTES_MAX && !key.is_empty() {
                entries.push((key, entry.name, entry.is_folder));
            }
        }
        entries.sort();
        for (key, name, is_folder) in entries {
            let step = if is_folder {
                if !self.may_hold(&key) {
                    continue;
                }
                match folder.open_folder(&name)? {
                    Some(below) => self.folder(&below, &key)?,
                    None => Step::On,
                }
            } else {
                self.file(folder, &name, &key)?
            };
            if step == Step::Full {
                return Ok(Step::Full);
            }
        }
        Ok(Step::On)
    }

    /// Whether a directory may have keys of the page.
    fn may_hold(&self, path: &str) -> bool {
        let prefix = &self.query.prefix;
        let is_meant = path.starts_with(prefix.as_str()) || prefix.starts_with(path);
        let after = &self.position.after;
        let is_past = after.as_str() > path && !after.starts_with(path);
        let is_summed = self
            .position
            .passed
            .as_ref()
            .is_some_and(|it| path.starts_with(it));
        is_meant && !is_past && !is_summed
    }

    fn file(&mut self, folder: &Folder, name: &OsString, key: &str) -> Result<Step, ObjectError> {
        let is_summed = self
            .position
            .passed
            .as_ref()
            .is_some_and(|it| key.starts_with(it));
        let rest = key.strip_prefix(self.query.prefix.as_str());
        let Some(rest) = rest.filter(|_| !is_summed && key > self.position.after.as_str()) else {
            return Ok(Step::On);
        };
        let delimiter = self.query.delimiter.as_deref().filter(|it| !it.is_empty());
        let summed = delimiter.and_then(|it| rest.find(it).map(|at| at + it.len()));
        let summed = summed.map(|end| format!("{}{}", self.query.prefix, &rest[..end]));
        // One that was removed in between is not listed.
        let found = name.to_str().map(|it| folder.open_file(it)).transpose()?;
        let Some(file) = found.flatten() else {
            return Ok(Step::On);
        };
        if self.page.objects.len() + self.page.common_prefixes.len() == self.query.max_keys {
            self.page.next_token = Some(self.position.token());
            return Ok(Step::Full);
        }
        if let Some(prefix) = summed {
            self.page.common_prefixes.push(prefix.clone());
            self.position = Position {
                after: key.to_owned(),
                passed: Some(prefix),
            };
            return Ok(Step::On);
        }
        let object = Object::read(file)?;
        self.position = Position {
            after: key.to_owned(),
            passed: None,
        };
        self.page.objects.push(ListedObject {
            key: key.to_owned(),
            modified_at: object.modified_at,
            etag: object.etag,
            size: object.size,
            checksum: object.kept.checksum.map(|(it, _)| it.as_str()),
        });
        Ok(Step::On)
    }
}
