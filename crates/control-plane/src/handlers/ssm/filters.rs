//! Filters of the listings: a parameter must pass all of them, each by one of its values.

use api::ssm;
use domain::parameter::{Parameter, ParameterVersion};

use super::errors::constraint;
use super::names::{Depth, check_path, is_below};
use super::value::key_id;

/// Most filters of a listing.
const FILTERS_MAX: usize = 50;

/// All of a listing.
#[derive(Debug)]
pub struct Filters(Vec<Filter>);

#[derive(Debug)]
struct Filter {
    key: Key,
    option: Match,
    values: Vec<String>,
}

#[derive(Debug, PartialEq, Eq)]
enum Key {
    Name,
    Path(Depth),
    Type,
    EncryptedUnder,
    Tier,
    DataType,
    Label,
    Tag(String),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Match {
    Equals,
    BeginsWith,
    Contains,
}

impl Filters {
    /// Those of GetParametersByPath.
    ///
    /// # Errors
    /// InvalidFilterKey, InvalidFilterOption, InvalidFilterValue.
    pub fn of_path(given: &[ssm::ParameterStringFilter]) -> Result<Self, ssm::Error> {
        Self::read(given, |key| {
            matches!(key, Key::Type | Key::EncryptedUnder | Key::Label)
        })
    }

    /// Those of DescribeParameters.
    ///
    /// # Errors
    /// InvalidFilterKey, InvalidFilterOption, InvalidFilterValue.
    pub fn of_description(given: &[ssm::ParameterStringFilter]) -> Result<Self, ssm::Error> {
        Self::read(given, |key| *key != Key::Label)
    }

    /// The older kind, whose names are beginnings.
    ///
    /// # Errors
    /// InvalidFilterKey.
    pub fn of_old(given: &[ssm::ParametersFilter]) -> Result<Self, ssm::Error> {
        let filters = given.iter().map(|it| {
            let (key, option) = match &it.key {
                ssm::ParametersFilterKey::Name => (Key::Name, Match::BeginsWith),
                ssm::ParametersFilterKey::Type => (Key::Type, Match::Equals),
                ssm::ParametersFilterKey::KeyId => (Key::EncryptedUnder, Match::Equals),
                ssm::ParametersFilterKey::Unmodelled(word) => {
                    return Err(constraint(
                        word,
                        "filters.1.member.key",
                        "Member must satisfy enum value set: [KeyId, Type, Name]",
                    ));
                }
            };
            Ok(Filter {
                key,
                option,
                values: it.values.clone(),
            })
        });
        Ok(Self(filters.collect::<Result<_, _>>()?))
    }

    fn read(
        given: &[ssm::ParameterStringFilter],
        is_allowed: impl Fn(&Key) -> bool,
    ) -> Result<Self, ssm::Error> {
        if given.len() > FILTERS_MAX {
            return Err(invalid_value("There are too many filters."));
        }
        let mut filters: Vec<Filter> = Vec::new();
        for it in given {
            let filter = filter(it)?;
            if !is_allowed(&filter.key) {
                return Err(invalid_key(&it.key));
            }
            if filters.iter().any(|other| other.key == filter.key) {
                return Err(invalid_key_text(
                    "The following filters were specified more than once: a filter may be given once.",
                ));
            }
            filters.push(filter);
        }
        Ok(Self(filters))
    }

    /// Whether a parameter passes.
    pub fn accept(&self, parameter: &Parameter, version: &ParameterVersion) -> bool {
        self.0.iter().all(|it| it.accepts(parameter, version))
    }
}

fn filter(given: &ssm::ParameterStringFilter) -> Result<Filter, ssm::Error> {
    let values = given.values.clone().unwrap_or_default();
    let option = given.option.as_deref();
    let invalid_option = || {
        ssm::Error::InvalidFilterOption(ssm::InvalidFilterOption {
            message: Some(format!(
                "The following filter option is not valid: {}.",
                option.unwrap_or_default()
            )),
        })
    };
    let key = match (given.key.as_str(), option) {
        ("Name", _) => Key::Name,
        ("Path", None | Some("OneLevel")) => Key::Path(Depth::OneLevel),
        ("Path", Some("Recursive")) => Key::Path(Depth::Recursive),
        ("Path", Some(_)) => return Err(invalid_option()),
        ("Type", _) => Key::Type,
        ("KeyId", _) => Key::EncryptedUnder,
        ("Tier", _) => Key::Tier,
        ("DataType", _) => Key::DataType,
        ("Label", _) => Key::Label,
        (key, _) => match key.strip_prefix("tag:") {
            Some(tag) => Key::Tag(tag.to_owned()),
            None => return Err(invalid_key(key)),
        },
    };
    if let Key::Path(_) = key {
        values.iter().try_for_each(|it| check_path(it))?;
    }
    let option = match (&key, option) {
        (Key::Path(_), _) | (_, None | Some("Equals")) => Match::Equals,
        (Key::Tag(_), Some(_)) => return Err(invalid_option()),
        (_, Some("BeginsWith")) => Match::BeginsWith,
        (Key::Name, Some("Contains")) => Match::Contains,
        (_, Some(_)) => return Err(invalid_option()),
    };
    if values.is_empty() && !matches!(key, Key::Tag(_)) {
        return Err(invalid_value(&format!(
            "The following filter values are missing : null for filter key {}",
            given.key
        )));
    }
    Ok(Filter { key, option, values })
}

impl Filter {
    fn accepts(&self, parameter: &Parameter, version: &ParameterVersion) -> bool {
        let is_any = |text: &str| self.values.iter().any(|it| self.option.fits(text, it));
        match &self.key {
            // A name is found with and without its slash.
            Key::Name => is_any(&parameter.name) || parameter.name.strip_prefix('/').is_some_and(is_any),
            Key::Path(depth) => self.values.iter().any(|it| is_below(&parameter.name, it, *depth)),
            Key::Type => is_any(version.kind.as_str()),
            Key::EncryptedUnder => key_id(version).is_some_and(|it| is_any(&it)),
            Key::Tier => is_any(version.tier.as_str()),
            Key::DataType => is_any("text"),
            Key::Label => version.labels.iter().any(|it| is_any(it)),
            Key::Tag(name) => parameter.tags.iter().any(|it| {
                it.name == *name
                    && (self.values.is_empty() || is_any(it.value.as_deref().unwrap_or_default()))
            }),
        }
    }
}

impl Match {
    fn fits(self, text: &str, value: &str) -> bool {
        match self {
            Self::Equals => text == value,
            Self::BeginsWith => text.starts_with(value),
            Self::Contains => text.contains(value),
        }
    }
}

fn invalid_key(key: &str) -> ssm::Error {
    invalid_key_text(&format!("The following filter key is not valid: {key}."))
}

fn invalid_key_text(message: &str) -> ssm::Error {
    ssm::Error::InvalidFilterKey(ssm::InvalidFilterKey {
        message: Some(message.to_owned()),
    })
}

fn invalid_value(message: &str) -> ssm::Error {
    ssm::Error::InvalidFilterValue(ssm::InvalidFilterValue {
        message: Some(message.to_owned()),
    })
}
