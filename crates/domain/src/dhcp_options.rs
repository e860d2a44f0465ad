//! DHCP options: what the machines of a VPC are told of names and of time.

use serde::{Deserialize, Serialize};

use crate::Scope;
use crate::tags::Pair;

/// Name of the option that lists name servers, or is `AmazonProvidedDNS`.
pub const DOMAIN_NAME_SERVERS: &str = "domain-name-servers";
/// Name of the option that completes names.
pub const DOMAIN_NAME: &str = "domain-name";

/// A set of DHCP options.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DhcpOptions {
    /// `dopt-…`; the record's key.
    pub id: String,
    /// Account and region.
    pub scope: Scope,
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
    /// Values of an option; none if the set does not have it.
    pub fn values(&self, key: &str) -> &[String] {
        let option = self.options.iter().find(|it| it.key == key);
        option.map_or(&[], |it| &it.values)
    }
}
