//! What has attributes: how they are told, read and set.

use api::elbv2::{self, Error};
use domain::listener::Listener;
use domain::load_balancer::{LoadBalancer, LoadBalancerKind};
use domain::target_group::TargetGroup;
use store::Record;

use crate::handlers::elbv2::errors::{self, invalid_configuration, validation};

/// Attribute that only load balancers with IPv6 have.
const DENY_IGW: &str = "ipv6.deny_all_igw_traffic";
/// Most attributes of one call.
const ATTRIBUTES_MAX: usize = 20;

/// A record with attributes that callers know by their keys.
pub trait Attributed: Record + Clone {
    /// One on the wire.
    type Shown;
    /// `Load balancer`
    const NOUN: &'static str;

    /// As it is told.
    fn show(key: &str, value: String) -> Self::Shown;
    /// Key and value of one that is given.
    fn read(given: Self::Shown) -> (Option<String>, Option<String>);
    /// All of them.
    fn list(&self) -> Vec<(&'static str, String)>;
    /// Sets one.
    ///
    /// # Errors
    /// InvalidConfigurationRequest, ValidationError.
    fn set(&mut self, key: &str, value: &str) -> Result<(), Error>;

    /// Whether all together may be.
    ///
    /// # Errors
    /// InvalidConfigurationRequest.
    fn check(&self) -> Result<(), Error> {
        Ok(())
    }
}

/// The attributes of a record as they are told.
pub fn shown<R: Attributed>(it: &R) -> Option<Vec<R::Shown>> {
    let all = it.list().into_iter();
    Some(all.map(|(key, value)| R::show(key, value)).collect())
}

/// The record with these attributes set.
///
/// # Errors
/// InvalidConfigurationRequest, ValidationError.
pub fn with<R: Attributed>(record: &R, given: &[(String, String)]) -> Result<R, Error> {
    let mut it = record.clone();
    for (key, value) in given {
        it.set(key, value)?;
    }
    // One that an earlier version took may still change otherwise.
    if record.check().is_ok() {
        it.check()?;
    }
    Ok(it)
}

/// Keys and values of a call.
///
/// # Errors
/// ValidationError.
pub fn pairs<R: Attributed>(given: Vec<R::Shown>) -> Result<Vec<(String, String)>, Error> {
    let mut pairs: Vec<(String, String)> = Vec::new();
    if given.is_empty() || given.len() > ATTRIBUTES_MAX {
        return Err(validation(format!(
            "1 to {ATTRIBUTES_MAX} attributes must be specified"
        )));
    }
    for (key, value) in given.into_iter().map(R::read) {
        let key = key.ok_or_else(|| validation("An attribute key must be specified"))?;
        if pairs.iter().any(|(it, _)| *it == key) {
            return Err(validation(format!(
                "The attribute key '{key}' was specified more than once"
            )));
        }
        pairs.push((key, value.unwrap_or_default()));
    }
    Ok(pairs)
}

impl Attributed for LoadBalancer {
    type Shown = elbv2::LoadBalancerAttribute;
    const NOUN: &'static str = "Load balancer";

    fn show(key: &str, value: String) -> Self::Shown {
        elbv2::LoadBalancerAttribute {
            key: Some(key.to_owned()),
            value: Some(value),
        }
    }

    fn read(given: Self::Shown) -> (Option<String>, Option<String>) {
        (given.key, given.value)
    }

    fn list(&self) -> Vec<(&'static str, String)> {
        self.attributes.list(self.kind)
    }

    fn set(&mut self, key: &str, value: &str) -> Result<(), Error> {
        if key == DENY_IGW {
            return Err(invalid_configuration(format!(
                "Load balancer attribute key '{DENY_IGW}' is not supported on load balancers with IP address type 'ipv4'"
            )));
        }
        let with = format!("load balancers with type '{}'", self.kind.as_str());
        let set = self.attributes.set(self.kind, key, value);
        set.map_err(|refusal| errors::attribute(Self::NOUN, &with, refusal))
    }

    fn check(&self) -> Result<(), Error> {
        check_logs(self)
    }
}

impl Attributed for TargetGroup {
    type Shown = elbv2::TargetGroupAttribute;
    const NOUN: &'static str = "Target group";

    fn show(key: &str, value: String) -> Self::Shown {
        elbv2::TargetGroupAttribute {
            key: Some(key.to_owned()),
            value: Some(value),
        }
    }

    fn read(given: Self::Shown) -> (Option<String>, Option<String>) {
        (given.key, given.value)
    }

    fn list(&self) -> Vec<(&'static str, String)> {
        self.attributes.list(self.protocol)
    }

    fn set(&mut self, key: &str, value: &str) -> Result<(), Error> {
        let with = format!("target groups with protocol '{}'", self.protocol.as_str());
        let set = self.attributes.set(self.protocol, key, value);
        set.map_err(|refusal| errors::attribute(Self::NOUN, &with, refusal))
    }

    fn check(&self) -> Result<(), Error> {
        let checked = self.attributes.check(self.protocol);
        checked.map_err(invalid_configuration)
    }
}

impl Attributed for Listener {
    type Shown = elbv2::ListenerAttribute;
    const NOUN: &'static str = "Listener";

    fn show(key: &str, value: String) -> Self::Shown {
        elbv2::ListenerAttribute {
            key: Some(key.to_owned()),
            value: Some(value),
        }
    }

    fn read(given: Self::Shown) -> (Option<String>, Option<String>) {
        (given.key, given.value)
    }

    fn list(&self) -> Vec<(&'static str, String)> {
        self.attributes.list(self.protocol)
    }

    fn set(&mut self, key: &str, value: &str) -> Result<(), Error> {
        let with = format!("listeners with protocol '{}'", self.protocol.as_str());
        let set = self.attributes.set(self.protocol, key, value);
        set.map_err(|refusal| errors::attribute(Self::NOUN, &with, refusal))
    }
}

/// Logs go to a bucket, and only access logs of application load balancers are written. What their keys begin with is
/// told apart from the rest by `AWSLogs`:
/// <https://docs.aws.amazon.com/elasticloadbalancing/latest/application/enable-access-logging.html>
fn check_logs(it: &LoadBalancer) -> Result<(), Error> {
    let attributes = &it.attributes;
    for (what, logs) in [
        ("access_logs", &attributes.access_logs),
        ("connection_logs", &attributes.connection_logs),
        ("health_check_logs", &attributes.health_check_logs),
    ] {
        if logs.prefix.contains("AWSLogs") {
            return Err(validation(format!(
                "The value of '{what}.s3.prefix' cannot contain 'AWSLogs'"
            )));
        }
        if logs.prefix.starts_with('/') || logs.prefix.ends_with('/') {
            return Err(validation(format!(
                "The value of '{what}.s3.prefix' cannot start or end with '/'"
            )));
        }
        if !logs.is_enabled {
            continue;
        }
        if logs.bucket.is_empty() {
            return Err(invalid_configuration(format!(
                "The value of '{what}.s3.bucket' cannot be empty if '{what}.s3.enabled' is 'true'"
            )));
        }
        if what != "access_logs" || it.kind != LoadBalancerKind::Application {
            let of = it.kind.as_str();
            return Err(errors::unbuilt(&format!(
                "'{what}.s3.enabled' of load balancers with type '{of}'"
            )));
        }
    }
    Ok(())
}
