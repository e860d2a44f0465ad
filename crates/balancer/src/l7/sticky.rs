//! How clients stay with groups and targets.

use http::header::{HeaderMap, HeaderValue, SET_COOKIE};

use super::cookies::{self, Kind, Tag};
use crate::plan::Stickiness;
use crate::shared::Shared;

/// Where a request's cookie of a target leads.
pub(crate) fn target_of(
    shared: &Shared,
    stickiness: &Stickiness,
    group: &str,
    headers: &HeaderMap,
) -> Option<Tag> {
    let kind = match stickiness {
        Stickiness::Off | Stickiness::SourceIp => return None,
        Stickiness::Duration(_) => Kind::Duration,
        Stickiness::Application { cookie, .. } if cookies::has(headers, cookie) => Kind::Application,
        Stickiness::Classic { cookie: None, .. } => Kind::Classic,
        Stickiness::Classic {
            cookie: Some(cookie), ..
        } if cookies::has(headers, cookie) => Kind::Classic,
        Stickiness::Application { .. } | Stickiness::Classic { .. } => return None,
    };
    let now = shared.now_seconds();
    cookies::values(headers, kind).find_map(|value| shared.key.open(kind, group, value, now))
}

/// Where a request's cookie of a group leads; `listener` is whose action it is.
pub(crate) fn group_of(shared: &Shared, listener: &str, headers: &HeaderMap) -> Option<Tag> {
    let now = shared.now_seconds();
    cookies::values(headers, Kind::Group).find_map(|value| shared.key.open(Kind::Group, listener, value, now))
}

/// Has an answer keep the client with the target that gave it. `came_by` is the target that the request's cookie led
/// to.
pub(crate) fn keep_with_target(
    shared: &Shared,
    stickiness: &Stickiness,
    group: &str,
    target: &Tag,
    came_by: Option<&Tag>,
    over_tls: bool,
    headers: &mut HeaderMap,
) {
    let moved = came_by.is_some_and(|it| it != target);
    let (kind, duration) = match stickiness {
        Stickiness::Off | Stickiness::SourceIp => return,
        Stickiness::Duration(duration) => (Kind::Duration, Some(*duration)),
        // it begins with the application's own cookie, and is renewed with it
        Stickiness::Application { cookie, duration } => {
            if !cookies::sets(headers, cookie) && !moved {
                return;
            }
            (Kind::Application, Some(*duration))
        }
        // one that leads here stays as it is, with the end it has
        Stickiness::Classic { cookie, duration } => {
            let begins = match cookie {
                Some(cookie) => cookies::sets(headers, cookie),
                None => came_by.is_none(),
            };
            if !begins && !moved {
                return;
            }
            (Kind::Classic, *duration)
        }
    };
    let now = shared.now_seconds();
    let ends = duration.map_or(cookies::NEVER, |it| now.saturating_add(it.as_secs()));
    let value = shared.key.seal(kind, group, target, ends);
    add(headers, cookies::set_cookies(kind, &value, ends, over_tls));
}

/// Has an answer keep the client with the group of the target that gave it.
pub(crate) fn keep_with_group(
    shared: &Shared,
    listener: &str,
    group: &str,
    duration: std::time::Duration,
    over_tls: bool,
    headers: &mut HeaderMap,
) {
    let ends = shared.now_seconds().saturating_add(duration.as_secs());
    let tag = shared.key.tag(group);
    let value = shared.key.seal(Kind::Group, listener, &tag, ends);
    add(headers, cookies::set_cookies(Kind::Group, &value, ends, over_tls));
}

fn add(headers: &mut HeaderMap, lines: Vec<String>) {
    for line in lines {
        if let Ok(value) = HeaderValue::from_str(&line) {
            headers.append(SET_COOKIE, value);
        }
    }
}
