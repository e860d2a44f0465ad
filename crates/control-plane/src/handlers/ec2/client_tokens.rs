//! Client tokens of EC2: <https://docs.aws.amazon.com/ec2/latest/devguide/ec2-api-idempotency.html>.

use std::sync::Arc;

use api::ec2;
use domain::Scope;
use domain::client_request::ClientRequest;
use domain::nat_gateway::{EgressOnlyInternetGateway, NatGateway};
use domain::network_acl::NetworkAcl;
use domain::network_interface::NetworkInterface;
use domain::prefix_list::PrefixList;
use domain::route_table::RouteTable;
use domain::vpc_endpoint::VpcEndpoint;
use store::State;
use wire::Value;

use super::resources::Resource;
use super::{invalid_value, refusal};
use crate::handlers::client_tokens;

/// A call with a token, by all its parameters; none without a token.
///
/// # Errors
/// InvalidParameterValue for a token that may not be.
pub fn client_request<I: Value>(
    token: Option<&String>,
    input: &I,
) -> Result<Option<ClientRequest>, ec2::Error> {
    // An empty one is what some clients send for none.
    let Some(token) = token.filter(|it| !it.is_empty()) else {
        return Ok(None);
    };
    if !client_tokens::is_token(token) {
        return Err(invalid_value(format!(
            "Value ({token}) for parameter clientToken is invalid. A token has up to {} ASCII characters.",
            client_tokens::LENGTH_MAX
        )));
    }
    // The token is in the input too: it is the same in all calls that are compared.
    Ok(Some(client_tokens::client_request(token.clone(), input)))
}

/// A kind of resource that is made once by calls with a token.
pub trait Repeatable: Resource {
    /// The call that made it, if that had a token.
    fn client_request(&self) -> Option<&ClientRequest>;
}

/// What the same call made earlier.
///
/// # Errors
/// IdempotentParameterMismatch for a token that was used for something else.
pub fn earlier<R: Repeatable>(
    state: &State,
    scope: &Scope,
    request: Option<&ClientRequest>,
) -> Result<Option<Arc<R>>, ec2::Error> {
    let Some(request) = request else { return Ok(None) };
    let mut own = state.all::<R>().filter(|it| it.scope() == scope);
    let found = own.find(|it| it.client_request().is_some_and(|it| it.token == request.token));
    match found {
        Some(it) if it.client_request() != Some(request) => Err(refusal(
            "IdempotentParameterMismatch",
            "The request uses the same client token as a previous, but non-identical request.",
        )),
        found => Ok(found.cloned()),
    }
}

impl Repeatable for RouteTable {
    fn client_request(&self) -> Option<&ClientRequest> {
        self.client_request.as_ref()
    }
}

impl Repeatable for NetworkAcl {
    fn client_request(&self) -> Option<&ClientRequest> {
        self.client_request.as_ref()
    }
}

impl Repeatable for PrefixList {
    fn client_request(&self) -> Option<&ClientRequest> {
        self.client_request.as_ref()
    }
}

impl Repeatable for NetworkInterface {
    fn client_request(&self) -> Option<&ClientRequest> {
        self.client_request.as_ref()
    }
}

impl Repeatable for NatGateway {
    fn client_request(&self) -> Option<&ClientRequest> {
        self.client_request.as_ref()
    }
}

impl Repeatable for EgressOnlyInternetGateway {
    fn client_request(&self) -> Option<&ClientRequest> {
        self.client_request.as_ref()
    }
}

impl Repeatable for VpcEndpoint {
    fn client_request(&self) -> Option<&ClientRequest> {
        self.client_request.as_ref()
    }
}
