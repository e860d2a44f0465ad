//! Elastic addresses: public addresses that an account keeps until it releases them.

use std::net::Ipv4Addr;

use serde::{Deserialize, Serialize};

use crate::Scope;
use crate::tags::Pair;

/// An elastic address out of the range that the operator gives to them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ElasticAddress {
    /// `eipalloc-…`; the record's key.
    pub id: String,
    /// Account and region.
    pub scope: Scope,
    /// No other elastic address of any account has it.
    pub address: Ipv4Addr,
    /// Who has it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub association: Option<AddressAssociation>,
    /// In the order given.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<Pair>,
}

/// That somebody has an elastic address.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AddressAssociation {
    /// `eipassoc-…`
    pub id: String,
    /// Who.
    pub holder: AddressHolder,
    /// The address in the subnet that it is translated from and to.
    pub private_address: Ipv4Addr,
}

/// Who may have an elastic address.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum AddressHolder {
    /// `eni-…`
    NetworkInterface(String),
    /// `nat-…`; the gateway keeps it as long as it lives.
    NatGateway(String),
}
