//! Log groups: create, delete, describe, retention, tags.

use std::collections::BTreeMap;
use std::fs;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::logs::group::{Group, GroupState};
use crate::logs::journal::{GroupRecord, Record};
use crate::logs::limits::{self, DESCRIBE_ITEMS_MAX, TAGS_MAX};
use crate::logs::{GroupKey, LogScope, Logs, LogsError};

/// Ending of the directory of a group while it is being removed.
pub(crate) const DELETED_ENDING: &str = ".deleted";

/// The log class of a group; kept and answered, all classes are stored alike.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum LogGroupClass {
    /// `STANDARD`
    #[default]
    Standard,
    /// `INFREQUENT_ACCESS`
    InfrequentAccess,
    /// `DELIVERY`
    Delivery,
    /// `ESSENTIALS`
    Essentials,
}

impl LogGroupClass {
    /// The value on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            LogGroupClass::Standard => "STANDARD",
            LogGroupClass::InfrequentAccess => "INFREQUENT_ACCESS",
            LogGroupClass::Delivery => "DELIVERY",
            LogGroupClass::Essentials => "ESSENTIALS",
        }
    }

    /// Reads the value on the wire.
    pub fn parse(text: &str) -> Option<LogGroupClass> {
        use LogGroupClass::{Delivery, Essentials, InfrequentAccess, Standard};
        [Standard, InfrequentAccess, Delivery, Essentials]
            .into_iter()
            .find(|it| it.as_str() == text)
    }
}

/// What `CreateLogGroup` is given.
#[derive(Debug, Clone, Default)]
pub struct CreateLogGroup {
    /// 1 to 512 of `a-z A-Z 0-9 _ - / . #`.
    pub name: String,
    /// Kept and answered; nothing is encrypted with it.
    pub kms_key_id: Option<String>,
    /// At most 50.
    pub tags: BTreeMap<String, String>,
    /// Standard if not given.
    pub class: LogGroupClass,
}

/// A group as `DescribeLogGroups` shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogGroup {
    /// Its name.
    pub name: String,
    /// Without the `:*` that `arn` (unlike `logGroupArn`) carries on the wire.
    pub arn: String,
    /// Milliseconds since 1970.
    pub created_ms: i64,
    /// `None`: events never expire.
    pub retention_days: Option<u32>,
    /// Message bytes and 26 for each event, over all streams.
    pub stored_bytes: u64,
    /// As given.
    pub kms_key_id: Option<String>,
    /// As given.
    pub class: LogGroupClass,
    /// For `ListTagsForResource`.
    pub tags: BTreeMap<String, String>,
}

/// Which names to list.
#[derive(Debug, Clone, Default)]
pub enum NameFilter {
    /// All.
    #[default]
    All,
    /// Those that start so.
    Prefix(String),
    /// Those that contain this.
    Contains(String),
}

/// What `DescribeLogGroups` is given.
#[derive(Debug, Clone, Default)]
pub struct DescribeLogGroups {
    /// Which names.
    pub filter: NameFilter,
    /// Only groups of this class.
    pub class: Option<LogGroupClass>,
    /// 1 to 50; 50 if absent.
    pub limit: Option<usize>,
    /// Of the previous page.
    pub next_token: Option<String>,
}

/// Groups by name.
#[derive(Debug, Clone)]
pub struct LogGroupPage {
    /// At most `limit`.
    pub groups: Vec<LogGroup>,
    /// Absent on the last page.
    pub next_token: Option<String>,
}

impl Logs {
    /// `CreateLogGroup`.
    pub fn create_group(
        &self,
        scope: &LogScope,
        input: CreateLogGroup,
        now: Timestamp,
    ) -> Result<(), LogsError> {
        limits::check_group_name(&input.name)?;
        check_tag_count(input.tags.len())?;
        let key = GroupKey {
            scope: scope.clone(),
            name: input.name.clone(),
        };
        let mut groups = self.groups.write();
        if groups.by_key.contains_key(&key) {
            return Err(LogsError::GroupAlreadyExists);
        }
        let number = groups.next_number;
        let record = GroupRecord {
            account: scope.account.clone(),
            region: scope.region.clone(),
            name: input.name,
            created_ms: now.as_millisecond(),
            class: input.class,
            kms_key_id: input.kms_key_id,
            retention_days: None,
            tags: input.tags,
            next_stream: 0,
            next_sequence: 0,
        };
        let group = Group::create(self.dir.join(format!("{number:010}")), number, record)?;
        groups.next_number += 1;
        groups.by_key.insert(key, Arc::new(group));
        self.is_dirty.store(true, Ordering::Release);
        Ok(())
    }

    /// `DeleteLogGroup`: with all streams and events.
    pub fn delete_group(&self, scope: &LogScope, name: &str) -> Result<(), LogsError> {
        let key = GroupKey {
            scope: scope.clone(),
            name: name.to_owned(),
        };
        let doomed = {
            let mut groups = self.groups.write();
            let group = groups.by_key.get(&key).cloned().ok_or(LogsError::GroupNotFound)?;
            let mut state = group.state.write();
            let doomed = group.dir.with_extension(&DELETED_ENDING[1..]);
            fs::rename(&group.dir, &doomed).map_err(LogsError::storage("rename", &group.dir))?;
            state.is_deleted = true;
            state.active = None;
            groups.by_key.remove(&key);
            doomed
        };
        self.is_dirty.store(true, Ordering::Release);
        // From here on the group is gone; what cannot be removed now is removed at the next start.
        if let Err(error) = fs::remove_dir_all(&doomed) {
            tracing::warn!(path = %doomed.display(), %error, "cannot remove the files of a deleted log group");
        }
        Ok(())
    }

    /// One group, by its exact name.
    pub fn describe_group(&self, scope: &LogScope, name: &str) -> Result<LogGroup, LogsError> {
        let group = self.group(scope, name)?;
        Ok(describe(&group.state.read()))
    }

    /// `DescribeLogGroups`: by name, in pages.
    pub fn describe_groups(
        &self,
        scope: &LogScope,
        input: &DescribeLogGroups,
    ) -> Result<LogGroupPage, LogsError> {
        let limit = limits::check_limit(input.limit, DESCRIBE_ITEMS_MAX)?;
        let prefix = match &input.filter {
            NameFilter::Prefix(prefix) => prefix.as_str(),
            NameFilter::All | NameFilter::Contains(_) => "",
        };
        let after = input.next_token.as_deref().unwrap_or("");
        let start = GroupKey {
            scope: scope.clone(),
            name: prefix.max(after).to_owned(),
        };
        let groups = self.groups.read();
        let mut page = LogGroupPage {
            groups: Vec::new(),
            next_token: None,
        };
        for (key, group) in groups.by_key.range(start..) {
            if key.scope != *scope || !key.name.starts_with(prefix) {
                break;
            }
            let is_named = match &input.filter {
                NameFilter::Contains(part) => key.name.contains(part.as_str()),
                NameFilter::All | NameFilter::Prefix(_) => true,
            };
            // The token is the last name of the previous page.
            if !is_named || key.name == after {
                continue;
            }
            let state = group.state.read();
            if input.class.is_some_and(|it| it != state.record.class) {
                continue;
            }
            if page.groups.len() == limit {
                page.next_token = page.groups.last().map(|it| it.name.clone());
                break;
            }
            page.groups.push(describe(&state));
        }
        Ok(page)
    }

    /// `PutRetentionPolicy`; the values are [`limits::RETENTION_DAYS`].
    pub fn put_retention(&self, scope: &LogScope, name: &str, days: u32) -> Result<(), LogsError> {
        limits::check_retention(days)?;
        self.change_group(scope, name, |record| record.retention_days = Some(days))
    }

    /// `DeleteRetentionPolicy`: events never expire.
    pub fn delete_retention(&self, scope: &LogScope, name: &str) -> Result<(), LogsError> {
        self.change_group(scope, name, |record| record.retention_days = None)
    }

    /// `AssociateKmsKey` and, with `None`, `DisassociateKmsKey`.
    pub fn set_kms_key(&self, scope: &LogScope, name: &str, key: Option<String>) -> Result<(), LogsError> {
        self.change_group(scope, name, |record| record.kms_key_id = key)
    }

    /// `TagResource` of a group: adds and overwrites.
    pub fn tag_group(
        &self,
        scope: &LogScope,
        name: &str,
        tags: BTreeMap<String, String>,
    ) -> Result<(), LogsError> {
        let existing = self.describe_group(scope, name)?.tags;
        let added = tags.keys().filter(|it| !existing.contains_key(*it)).count();
        check_tag_count(existing.len() + added)?;
        self.change_group(scope, name, |record| record.tags.extend(tags))
    }

    /// `UntagResource` of a group; keys it does not have are passed over.
    pub fn untag_group(&self, scope: &LogScope, name: &str, keys: &[String]) -> Result<(), LogsError> {
        self.change_group(scope, name, |record| {
            record.tags.retain(|key, _| !keys.contains(key))
        })
    }

    fn change_group(
        &self,
        scope: &LogScope,
        name: &str,
        change: impl FnOnce(&mut GroupRecord),
    ) -> Result<(), LogsError> {
        let group = self.group(scope, name)?;
        let mut state = group.state.write();
        state.check_exists()?;
        let mut record = state.record.clone();
        change(&mut record);
        state.journal(&[Record::Group(record.clone())])?;
        state.record = record;
        Ok(())
    }
}

fn check_tag_count(count: usize) -> Result<(), LogsError> {
    if count > TAGS_MAX {
        Err(LogsError::LimitExceeded)
    } else {
        Ok(())
    }
}

fn describe(state: &GroupState) -> LogGroup {
    let record = &state.record;
    LogGroup {
        name: record.name.clone(),
        arn: group_arn(record),
        created_ms: record.created_ms,
        retention_days: record.retention_days,
        stored_bytes: state.stored_bytes,
        kms_key_id: record.kms_key_id.clone(),
        class: record.class,
        tags: record.tags.clone(),
    }
}

/// `arn:aws:logs:<region>:<account>:log-group:<name>`.
pub(crate) fn group_arn(record: &GroupRecord) -> String {
    format!(
        "arn:aws:logs:{}:{}:log-group:{}",
        record.region, record.account, record.name
    )
}
