//! Templates of paths: `/2015-02-01/tags/{ResourceId}`, `/{Bucket}/{Key+}?acl`.

use http::Uri;
use percent_encoding::percent_decode_str;

/// Path and fixed parameters of a template.
fn halves(template: &str) -> (&str, &str) {
    template.split_once('?').unwrap_or((template, ""))
}

fn segments(path: &str) -> Vec<&str> {
    let path = path.strip_prefix('/').unwrap_or(path);
    path.split('/').collect()
}

/// The name in `{name}` or `{name+}`, and whether it takes all that follows.
fn label(segment: &str) -> Option<(&str, bool)> {
    let name = segment.strip_prefix('{')?.strip_suffix('}')?;
    Some(match name.strip_suffix('+') {
        Some(name) => (name, true),
        None => (name, false),
    })
}

/// What each label of a template stands for, decoded; `None` where the path is of another form.
pub fn labels<'t>(template: &'t str, path: &str) -> Option<Vec<(&'t str, String)>> {
    let (wanted, found) = (segments(halves(template).0), segments(path));
    let mut labels = Vec::new();
    let mut at = 0;
    for (index, segment) in wanted.iter().enumerate() {
        let follow = wanted.len() - index - 1;
        let take = match label(segment) {
            Some((_, true)) => found.len().checked_sub(at + follow)?,
            _ => 1,
        };
        let taken = found.get(at..at + take).filter(|it| !it.is_empty())?;
        at += take;
        match label(segment) {
            None if taken == [*segment] => {}
            None => return None,
            Some((name, _)) => {
                let text = decoded(&taken.join("/"))?;
                if text.is_empty() {
                    return None;
                }
                labels.push((name, text));
            }
        }
    }
    (at == found.len()).then_some(labels)
}

fn decoded(text: &str) -> Option<String> {
    let decoded = percent_decode_str(text).decode_utf8().ok()?;
    Some(decoded.into_owned())
}

/// Parameters of a query, decoded, in their order. A plus is a space.
pub fn parameters(query: &str) -> Vec<(String, String)> {
    let decode = |text: &str| {
        percent_decode_str(&text.replace('+', " "))
            .decode_utf8_lossy()
            .into_owned()
    };
    let pairs = query.split('&').filter(|it| !it.is_empty());
    pairs
        .map(|it| it.split_once('=').unwrap_or((it, "")))
        .map(|(name, value)| (decode(name), decode(value)))
        .collect()
}

/// How much fixed text of a template an address has; `None` where it does not fit.
pub fn rank(template: &str, uri: &Uri) -> Option<(usize, usize)> {
    labels(template, uri.path())?;
    let (path, fixed) = halves(template);
    let (fixed, found) = (parameters(fixed), parameters(uri.query().unwrap_or_default()));
    if !fixed.iter().all(|it| found.contains(it)) {
        return None;
    }
    let literals = segments(path).into_iter().filter(|it| label(it).is_none());
    Some((literals.count(), fixed.len()))
}
