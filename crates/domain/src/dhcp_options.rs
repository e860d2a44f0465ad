//! DHCP options: what the machines of a VPC are told of names and of time.

use serde::{Deserialize, Serialize};

use crate::Scope;
use crate::tags::Pair;
use crate::vpc::{Vpc, internal_domain};

#[cfg(test)]
mod tests;

/// Name of the option that lists name servers, or is `AmazonProvidedDNS`.
pub const DOMAIN_NAME_SERVERS: &str = "domain-name-servers";
/// Name of the option that completes names.
pub const DOMAIN_NAME: &str = "domain-name";

/// Stands for the resolver of the VPC among name servers.
pub const AMAZON_PROVIDED_DNS: &str = "AmazonProvidedDNS";

/// What the machines of a VPC are told of names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ToldNames {
    /// Addresses of name servers, in the order in which they are asked; at least one.
    pub servers: Vec<String>,
    /// Domains that complete names; none leaves names as they are.
    pub search: Vec<String>,
}

/// What the machines of a VPC are told that uses this set, or none. Without support of DNS they are told of the
/// resolver too, as on Amazon: it does not answer. So they are where a set says nothing of servers: some there must be.
pub fn told_names(vpc: &Vpc, own: Option<&DhcpOptions>) -> ToldNames {
    let resolver = vpc.resolver().to_string();
    let Some(own) = own else {
        return ToldNames {
            servers: vec![resolver],
            search: vec![internal_domain(&vpc.scope.region)],
        };
    };
    let named = own.values(DOMAIN_NAME_SERVERS).iter();
    let mut servers: Vec<String> = named
        .map(|it| match it.as_str() {
            AMAZON_PROVIDED_DNS => resolver.clone(),
            address => address.to_owned(),
        })
        .collect();
    if servers.is_empty() {
        servers.push(resolver);
    }
    // Linux takes several domains from one value.
    let domains = own.values(DOMAIN_NAME).iter();
    let search = domains.flat_map(|it| it.split_whitespace()).map(str::to_owned);
    ToldNames {
        servers,
        search: search.collect(),
    }
}

/// A set of DHCP options.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DhcpOptions {
    /// `dopt-…`; the record's key.
    pub id: String,
    /// Account and region.
    pub scope: Scope,
    /// Every account has one in each region; new VPCs use it.
    #[serde(default, skip_serializing_if = "crate::task::is_false")]
    pub is_default: bool,
    /// In the order given; no two of a key.
    pub options: Vec<DhcpOption>,
    /// VPCs that use it. Those that use none have Amazon's name server.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub vpc_ids: Vec<String>,
    /// In the order given.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<Pair>,
}

/// One option.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DhcpOption {
    /// For example [`DOMAIN_NAME`].
    pub key: String,
    /// At least one.
    pub values: Vec<String>,
}

impl DhcpOptions {
    /// The set that an account has from the beginning. Machines are told by it what they are told without any:
    /// <https://docs.aws.amazon.com/vpc/latest/userguide/DHCPOptionSetConcepts.html>
    pub fn default_of(id: String, scope: Scope, vpc_ids: Vec<String>) -> Self {
        let option = |key: &str, value: String| DhcpOption {
            key: key.to_owned(),
            values: vec![value],
        };
        Self {
            id,
            is_default: true,
            options: vec![
                option(DOMAIN_NAME, internal_domain(&scope.region)),
                option(DOMAIN_NAME_SERVERS, AMAZON_PROVIDED_DNS.to_owned()),
            ],
            scope,
            vpc_ids,
            tags: Vec::new(),
        }
    }

    /// Values of an option; none if the set does not have it.
    pub fn values(&self, key: &str) -> &[String] {
        let option = self.options.iter().find(|it| it.key == key);
        option.map_or(&[], |it| &it.values)
    }
}
