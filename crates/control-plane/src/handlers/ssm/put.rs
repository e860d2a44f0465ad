//! PutParameter.

use api::ssm;
use domain::parameter::{Parameter, ParameterKind, ParameterTier, ParameterVersion};
use domain::sealed::Sealed;
use domain::tags::Pair;
use domain::{Scope, Timestamp};
use store::Tx;

use super::errors::{constraint, from_store, validation};
use super::{names, tags, value};
use crate::call::Call;

/// Versions that a parameter keeps.
const VERSIONS_MAX: usize = 100;
/// Longest value of each tier, in bytes.
const STANDARD_MAX: usize = 4096;
const ADVANCED_MAX: usize = 8192;
/// Longest compiled pattern, in bytes: patterns come from callers.
const PATTERN_BYTES_MAX: usize = 1024 * 1024;

/// What is to be put, checked as far as that goes without the state.
struct New {
    scope: Scope,
    name: String,
    kind: Option<ParameterKind>,
    sealed: Sealed,
    value_bytes: usize,
    tier: Option<TierWish>,
    description: Option<String>,
    allowed_pattern: Option<String>,
    tags: Vec<Pair>,
    exists: IfExists,
    modified_by: String,
}

/// What happens to a parameter that is there.
#[derive(Clone, Copy, PartialEq, Eq)]
enum IfExists {
    Refuse,
    Overwrite,
}

/// The tier that is asked for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum TierWish {
    Standard,
    Advanced,
    /// Standard while the value fits.
    Intelligent,
}

/// `PutParameter`.
///
/// # Errors
/// ValidationException and the modelled exceptions, in Amazon's words.
pub async fn put_parameter(call: Call<ssm::PutParameter>) -> Result<ssm::PutParameterOutput, ssm::Error> {
    let new = checked(&call)?;
    let store = call.access().store();
    let value = call.input().value.clone();
    let put = store.transact(move |tx| put(tx, new, &value)).await;
    let (version, tier) = put.map_err(from_store)?;
    Ok(ssm::PutParameterOutput {
        tier: Some(tier.as_str().into()),
        version: i64::try_from(version).ok(),
    })
}

fn checked(call: &Call<ssm::PutParameter>) -> Result<New, ssm::Error> {
    let input = call.input();
    names::check_new(&input.name)?;
    if input.value.is_empty() {
        return Err(constraint(
            "",
            "value",
            "Member must have length greater than or equal to 1",
        ));
    }
    let kind = input.r#type.as_ref().map(kind).transpose()?;
    let tier = input.tier.as_ref().map(tier).transpose()?;
    let tags = tags::parse(input.tags.as_deref().unwrap_or_default())?;
    let exists = match input.overwrite {
        Some(true) => IfExists::Overwrite,
        Some(false) | None => IfExists::Refuse,
    };
    if exists == IfExists::Overwrite && !tags.is_empty() {
        return Err(validation(
            "Invalid request: tags and overwrite can't be used together. To create a parameter with tags, please remove \
             overwrite flag. To update tags for an existing parameter, please use AddTagsToResource or \
             RemoveTagsFromResource.",
        ));
    }
    refuse_unbuilt(input, kind)?;
    Ok(New {
        sealed: value::seal(call.access().values(), call.scope(), &input.name, &input.value)?,
        value_bytes: input.value.len(),
        scope: call.scope().clone(),
        name: input.name.clone(),
        kind,
        tier,
        description: input.description.clone(),
        allowed_pattern: input.allowed_pattern.clone().filter(|it| !it.is_empty()),
        tags,
        exists,
        modified_by: call.caller().arn(),
    })
}

fn kind(given: &ssm::ParameterType) -> Result<ParameterKind, ssm::Error> {
    match given {
        ssm::ParameterType::String => Ok(ParameterKind::String),
        ssm::ParameterType::StringList => Ok(ParameterKind::StringList),
        ssm::ParameterType::SecureString => Ok(ParameterKind::SecureString),
        ssm::ParameterType::Unmodelled(word) => Err(constraint(
            word,
            "type",
            "Member must satisfy enum value set: [SecureString, StringList, String]",
        )),
    }
}

fn tier(given: &ssm::ParameterTier) -> Result<TierWish, ssm::Error> {
    match given {
        ssm::ParameterTier::Standard => Ok(TierWish::Standard),
        ssm::ParameterTier::Advanced => Ok(TierWish::Advanced),
        ssm::ParameterTier::IntelligentTiering => Ok(TierWish::Intelligent),
        ssm::ParameterTier::Unmodelled(word) => Err(constraint(
            word,
            "tier",
            "Member must satisfy enum value set: [Standard, Intelligent-Tiering, Advanced]",
        )),
    }
}

/// What would be kept and not obeyed: keys of KMS, policies that expire values, types that are looked up elsewhere.
fn refuse_unbuilt(input: &ssm::PutParameterInput, kind: Option<ParameterKind>) -> Result<(), ssm::Error> {
    match input.key_id.as_deref() {
        None | Some(value::KEY_ID) => {}
        Some(_) if kind.is_some_and(|it| it != ParameterKind::SecureString) => {
            return Err(validation(
                "KeyId is only valid for parameters of the type SecureString.",
            ));
        }
        Some(key) => {
            return Err(ssm::Error::InvalidKeyId(ssm::InvalidKeyId {
                message: Some(format!(
                    "Invalid keyId {key}: only {} is supported by Gantry, whose own key encrypts all values.",
                    value::KEY_ID
                )),
            }));
        }
    }
    let policies = input.policies.as_deref().unwrap_or_default().trim();
    if !matches!(policies, "" | "[]" | "{}") {
        return Err(ssm::Error::InvalidPolicyTypeException(
            ssm::InvalidPolicyTypeException {
                message: Some("Policies of parameters are not supported by Gantry yet.".to_owned()),
            },
        ));
    }
    match input.data_type.as_deref() {
        None | Some("text") => Ok(()),
        Some(other) => Err(validation(format!(
            "The data type {other} is not supported by Gantry: use text."
        ))),
    }
}

fn put(tx: &mut Tx<'_>, new: New, value: &str) -> Result<(u64, ParameterTier), ssm::Error> {
    let key = (new.scope.clone(), new.name.clone());
    let before = tx.get::<Parameter>(&key);
    if before.is_some() && new.exists == IfExists::Refuse {
        return Err(ssm::Error::ParameterAlreadyExists(ssm::ParameterAlreadyExists {
            message: Some(
                "The parameter already exists. To overwrite this value, set the overwrite option in the request to true."
                    .to_owned(),
            ),
        }));
    }
    let last = before.as_ref().and_then(|it| {
        let (scope, name) = key.clone();
        tx.get::<ParameterVersion>(&(scope, name, it.latest))
    });
    let last = last.as_deref();
    let kind = new.kind.or(last.map(|it| it.kind));
    let kind = kind.ok_or_else(|| validation("A parameter type is required when you create a parameter."))?;
    let tier = chosen_tier(new.tier, last.map(|it| it.tier), new.value_bytes)?;
    let allowed_pattern = new
        .allowed_pattern
        .or_else(|| last.and_then(|it| it.allowed_pattern.clone()));
    check_pattern(allowed_pattern.as_deref(), value)?;
    let version = before.as_ref().map_or(1, |it| it.latest + 1);
    drop_oldest(tx, &new.scope, &new.name)?;
    tx.put(ParameterVersion {
        scope: new.scope.clone(),
        name: new.name.clone(),
        version,
        kind,
        value: new.sealed,
        tier,
        description: new
            .description
            .or_else(|| last.and_then(|it| it.description.clone())),
        allowed_pattern,
        labels: Vec::new(),
        modified_at: whole_milliseconds(tx.now()),
        modified_by: new.modified_by,
    });
    tx.put(Parameter {
        scope: new.scope,
        name: new.name,
        latest: version,
        tags: before.map_or(new.tags, |it| it.tags.clone()),
    });
    Ok((version, tier))
}

/// Times on the wire have milliseconds.
fn whole_milliseconds(at: Timestamp) -> Timestamp {
    Timestamp::from_millisecond(at.as_millisecond()).unwrap_or(at)
}

fn chosen_tier(
    wish: Option<TierWish>,
    last: Option<ParameterTier>,
    bytes: usize,
) -> Result<ParameterTier, ssm::Error> {
    let tier = match (wish, last) {
        (Some(TierWish::Standard), Some(ParameterTier::Advanced)) => {
            return Err(validation(
                "This parameter uses the advanced-parameter tier. You can't downgrade a parameter from the \
                 advanced-parameter tier to the standard-parameter tier. If necessary, you can delete the advanced \
                 parameter and recreate it as a standard parameter.",
            ));
        }
        (Some(TierWish::Advanced), _) | (_, Some(ParameterTier::Advanced)) => ParameterTier::Advanced,
        (Some(TierWish::Intelligent), _) if bytes > STANDARD_MAX => ParameterTier::Advanced,
        _ => ParameterTier::Standard,
    };
    match tier {
        ParameterTier::Standard if bytes > STANDARD_MAX => Err(validation(
            "Standard tier parameters support a maximum parameter value of 4096 characters. To create a larger parameter \
             value, upgrade the parameter to use the advanced-parameter tier. For more information, see \
             https://docs.aws.amazon.com/systems-manager/latest/userguide/parameter-store-advanced-parameters.html",
        )),
        ParameterTier::Advanced if bytes > ADVANCED_MAX => Err(validation(
            "Advanced tier parameters support a maximum parameter value of 8192 characters.",
        )),
        tier => Ok(tier),
    }
}

fn check_pattern(pattern: Option<&str>, value: &str) -> Result<(), ssm::Error> {
    let Some(pattern) = pattern else { return Ok(()) };
    // On bytes, where `\d` needs no tables.
    let regex = regex::bytes::RegexBuilder::new(pattern)
        .unicode(false)
        .size_limit(PATTERN_BYTES_MAX)
        .build();
    let regex = regex.map_err(|_| {
        ssm::Error::InvalidAllowedPatternException(ssm::InvalidAllowedPatternException {
            message: Some(format!(
                "The allowed pattern {pattern} is not a valid regular expression."
            )),
        })
    })?;
    if regex.is_match(value.as_bytes()) {
        return Ok(());
    }
    Err(ssm::Error::ParameterPatternMismatchException(
        ssm::ParameterPatternMismatchException {
            message: Some(format!(
                "Parameter value, cannot be validated against allowedPattern: {pattern}"
            )),
        },
    ))
}

/// Makes room for one more version. One that has a label is never dropped unseen.
fn drop_oldest(tx: &mut Tx<'_>, scope: &Scope, name: &str) -> Result<(), ssm::Error> {
    let mut versions = tx.state().parameter_versions(scope, name);
    let Some(oldest) = versions.next().cloned() else {
        return Ok(());
    };
    if versions.count() + 1 < VERSIONS_MAX {
        return Ok(());
    }
    if !oldest.labels.is_empty() {
        let message = format!(
            "You attempted to create a new version of {name} by calling the PutParameter API with the overwrite flag. \
             Version {}, the oldest version, can't be deleted because it has a label associated with it. Move the label to \
             another version of the parameter, and try again.",
            oldest.version
        );
        return Err(ssm::Error::ParameterMaxVersionLimitExceeded(
            ssm::ParameterMaxVersionLimitExceeded {
                message: Some(message),
            },
        ));
    }
    tx.delete::<ParameterVersion>(&(scope.clone(), name.to_owned(), oldest.version));
    Ok(())
}
