//! Names of parameters: what they may be, and how a version of one is named.

use std::borrow::Cow;

use api::ssm;
use domain::Scope;
use domain::parameter::Parameter;
use store::State;

use super::errors::{coded, constraint, validation, version_not_found};

/// Deepest hierarchy.
const LEVELS_MAX: usize = 15;
/// Longest ARN; the rest of it is about as long as this.
const NAME_MAX: usize = 1011;
const PATH_RULES: &str = "Parameter name: can't be prefixed with \"ssm\" (case-insensitive). If formed as a path, it can \
                          consist of sub-paths divided by slash symbol; each sub-path can be formed as a mix of letters, \
                          numbers and the following 3 symbols .-_";

/// A parameter, and perhaps one of its versions, as a caller names them.
#[derive(Debug, PartialEq, Eq)]
pub struct Reference<'a> {
    /// The name; of an ARN, with a slash before it.
    pub name: Cow<'a, str>,
    /// Version number or label.
    pub selector: Option<&'a str>,
    /// It was an ARN, which does not say whether the name begins with a slash.
    is_arn: bool,
}

impl<'a> Reference<'a> {
    /// Reads `name`, `name:selector` or an ARN with or without one.
    ///
    /// # Errors
    /// ValidationException for what cannot be a name; ARNs of other accounts and regions.
    pub fn parse(scope: &Scope, text: &'a str) -> Result<Self, ssm::Error> {
        let (rest, is_arn) = match text.strip_prefix("arn:") {
            None => (text, false),
            Some(_) => (in_arn(scope, text)?, true),
        };
        let (name, selector) = match rest.split_once(':') {
            None => (rest, None),
            Some((name, selector)) => (name, Some(selector)),
        };
        if selector.is_some_and(|it| it.is_empty() || it.contains(':')) || !is_word(name) {
            return Err(validation(PATH_RULES));
        }
        Ok(Self {
            name: name.into(),
            selector,
            is_arn,
        })
    }

    /// The parameter, if there is one.
    pub fn find<'s>(&self, state: &'s State, scope: &Scope) -> Option<&'s Parameter> {
        let get = |name: &str| state.get::<Parameter>(&(scope.clone(), name.to_owned()));
        let found = get(&self.name).or_else(|| match self.is_arn {
            true => get(self.name.strip_prefix('/')?),
            false => None,
        });
        found.map(|it| &**it)
    }

    /// The number of the version that is meant.
    ///
    /// # Errors
    /// ParameterVersionNotFound.
    pub fn version(&self, state: &State, parameter: &Parameter) -> Result<u64, ssm::Error> {
        let Some(selector) = self.selector else {
            return Ok(parameter.latest);
        };
        let mut versions = state.parameter_versions(&parameter.scope, &parameter.name);
        let found = match selector.parse::<u64>() {
            Ok(number) => versions.find(|it| it.version == number),
            Err(_) => versions.find(|it| it.labels.iter().any(|label| label == selector)),
        };
        let found = found.ok_or_else(|| version_not_found(&parameter.name, selector))?;
        Ok(found.version)
    }
}

/// What follows `parameter` in an ARN of this scope.
fn in_arn<'a>(scope: &Scope, arn: &'a str) -> Result<&'a str, ssm::Error> {
    let Scope { account, region } = scope;
    let ours = format!("arn:aws:ssm:{region}:{account}:parameter");
    let name = arn.strip_prefix(&ours).filter(|it| it.starts_with('/'));
    name.ok_or_else(|| {
        validation(format!(
            "Invalid parameter ARN: {arn}. Parameters of other accounts and regions are not shared."
        ))
    })
}

fn is_word(name: &str) -> bool {
    let is_letter = |it: u8| it.is_ascii_alphanumeric() || matches!(it, b'_' | b'.' | b'-' | b'/');
    !name.is_empty() && name.bytes().all(is_letter)
}

/// Checks the name of a new parameter.
///
/// # Errors
/// In Amazon's words.
pub fn check_new(name: &str) -> Result<(), ssm::Error> {
    let lower = name.trim_start_matches('/').to_ascii_lowercase();
    let is_path = name.matches('/').count() > 1;
    if lower.starts_with("aws") || lower.starts_with("ssm") {
        return Err(match (is_path, lower.starts_with("aws")) {
            (true, true) => coded(
                "AccessDeniedException",
                format!("No access to reserved parameter name: {name}."),
            ),
            (true, false) => validation(PATH_RULES),
            (false, _) => {
                validation("Parameter name: can't be prefixed with \"aws\" or \"ssm\" (case-insensitive).")
            }
        });
    }
    if !is_word(name) || name.contains("//") {
        return Err(validation(PATH_RULES));
    }
    if name.len() > NAME_MAX {
        return Err(constraint(
            name,
            "name",
            &format!("Member must have length less than or equal to {NAME_MAX}"),
        ));
    }
    if name.contains('/') && !name.starts_with('/') {
        return Err(validation("Parameter name must be a fully qualified name."));
    }
    if name.ends_with('/') {
        return Err(validation("Parameter name must not end with slash."));
    }
    if name.matches('/').count() > LEVELS_MAX {
        let message = format!(
            "The hierarchy depth exceeds the limit: a hierarchy can have a maximum of {LEVELS_MAX} levels."
        );
        return Err(ssm::Error::HierarchyLevelLimitExceededException(
            ssm::HierarchyLevelLimitExceededException {
                message: Some(message),
            },
        ));
    }
    Ok(())
}

/// How deep the listing of a hierarchy goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Depth {
    /// The level below only.
    OneLevel,
    /// All levels.
    Recursive,
}

/// Whether a parameter lies below a path, which begins with a slash.
pub fn is_below(name: &str, path: &str, depth: Depth) -> bool {
    let path = path.strip_suffix('/').unwrap_or(path);
    let name = name.strip_prefix('/').unwrap_or(name);
    let rest = match path.strip_prefix('/') {
        None => Some(name),
        Some(path) => name.strip_prefix(path).and_then(|it| it.strip_prefix('/')),
    };
    rest.is_some_and(|it| depth == Depth::Recursive || !it.contains('/'))
}

/// Checks the path of a listing.
///
/// # Errors
/// ValidationException in Amazon's words.
pub fn check_path(path: &str) -> Result<(), ssm::Error> {
    if path.starts_with('/') && is_word(path) && !path.contains("//") {
        return Ok(());
    }
    Err(validation(
        "The parameter doesn't meet the parameter name requirements. The parameter name must begin with a forward slash \
         \"/\". It can't be prefixed with \"aws\" or \"ssm\" (case-insensitive). It must use only letters, numbers, or the \
         following symbols: . (period), - (hyphen), _ (underscore). Special characters are not allowed. All sub-paths, if \
         specified, must use the forward slash symbol \"/\". Valid example: /get/parameters2-/by1./path0_.",
    ))
}
