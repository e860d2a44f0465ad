//! Prefix lists that are Amazon's: those of the services that gateway endpoints lead to.

use std::net::Ipv4Addr;

use api::ec2;
use domain::Scope;
use domain::prefix_list::PrefixList;
use store::State;

use crate::handlers::ec2::refusal;
use crate::handlers::ec2::resources::require;

/// A prefix list of Amazon.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AmazonList {
    /// `pl-…`, in all regions.
    pub id: &'static str,
    service: &'static str,
}

impl AmazonList {
    /// All of them.
    pub const ALL: [Self; 2] = [
        Self {
            id: "pl-63a5400a",
            service: "s3",
        },
        Self {
            id: "pl-02cd2c6b",
            service: "dynamodb",
        },
    ];

    /// `com.amazonaws.us-east-1.s3`
    pub fn name(self, region: &str) -> String {
        format!("com.amazonaws.{region}.{}", self.service)
    }

    /// The list of that id.
    pub fn of_id(id: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|it| it.id == id)
    }

    /// The list of a service that an endpoint leads to.
    pub fn of_service(region: &str, service_name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|it| it.name(region) == service_name)
    }

    /// Where the service is: S3 is at the address of this server, if that is one; nobody speaks DynamoDB here.
    pub fn ranges(self, advertised_endpoint: &str) -> Vec<String> {
        let authority = advertised_endpoint
            .split_once("://")
            .map_or(advertised_endpoint, |(_, authority)| authority);
        let host = authority.rsplit_once(':').map_or(authority, |(host, _)| host);
        let address: Option<Ipv4Addr> = host.parse().ok().filter(|_| self.service == "s3");
        address.iter().map(|it| format!("{it}/32")).collect()
    }

    /// As Amazon tells it.
    pub fn rendered(self, region: &str) -> ec2::ManagedPrefixList {
        ec2::ManagedPrefixList {
            prefix_list_id: Some(self.id.to_owned()),
            prefix_list_name: Some(self.name(region)),
            prefix_list_arn: Some(format!("arn:aws:ec2:{region}:aws:prefix-list/{}", self.id)),
            address_family: Some("IPv4".to_owned()),
            owner_id: Some("AWS".to_owned()),
            state: Some(ec2::PrefixListState::CreateComplete),
            tags: Some(Vec::new()),
            ..ec2::ManagedPrefixList::default()
        }
    }
}

/// Whether rules and routes may name a list: one of the user, or of Amazon. What names one of Amazon's matches nothing.
///
/// # Errors
/// InvalidPrefixListID.NotFound, InvalidPrefixListId.Malformed.
pub fn check_exists(state: &State, scope: &Scope, id: &str) -> Result<(), ec2::Error> {
    match AmazonList::of_id(id) {
        Some(_) => Ok(()),
        None => require::<PrefixList>(state, scope, id).map(drop),
    }
}

/// Nobody changes Amazon's lists.
///
/// # Errors
/// OperationNotPermitted.
pub fn check_unmanaged(id: &str) -> Result<(), ec2::Error> {
    match AmazonList::of_id(id) {
        None => Ok(()),
        Some(_) => Err(refusal(
            "OperationNotPermitted",
            format!("The prefix list ({id}) is managed by AWS and cannot be modified."),
        )),
    }
}
