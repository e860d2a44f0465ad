//! Egress-only internet gateways. VPCs have no IPv6 yet: they are kept, and routes may name them.

use api::ec2;
use domain::nat_gateway::EgressOnlyInternetGateway;
use domain::vpc::Vpc;

use super::client_tokens::{client_request, earlier};
use super::filters::Rule;
use super::resources::{Resource, require};
use super::select::{Listing, describe};
use super::{check_dry_run, from_store, tags};
use crate::call::Call;

const RULES: [Rule<ec2::EgressOnlyInternetGateway>; 0] = [];

/// `DescribeEgressOnlyInternetGateways`. As on Amazon, ids that nothing has are no error.
///
/// # Errors
/// InvalidParameterValue, MissingParameter, DryRunOperation.
pub async fn describe_egress_only_internet_gateways(
    call: Call<ec2::DescribeEgressOnlyInternetGateways>,
) -> Result<ec2::DescribeEgressOnlyInternetGatewaysOutput, ec2::Error> {
    let input = call.input();
    let listing = Listing {
        ids: None,
        filters: input.filters.as_ref(),
        dry_run: input.dry_run,
        max_results: input.max_results,
        next_token: input.next_token.as_deref(),
    };
    let ids = input.egress_only_internet_gateway_ids.as_deref();
    let ids = ids.unwrap_or_default();
    let kind = &EgressOnlyInternetGateway::KIND;
    let (gateways, next_token) = describe(&call, kind, &RULES, &listing, |state| {
        let gateways = state.egress_only_internet_gateways(call.scope());
        let named = gateways.filter(|it| ids.is_empty() || ids.contains(&it.id));
        named.map(|it| (it.id.clone(), rendered(it))).collect()
    })?;
    Ok(ec2::DescribeEgressOnlyInternetGatewaysOutput {
        egress_only_internet_gateways: Some(gateways),
        next_token,
    })
}

/// `CreateEgressOnlyInternetGateway`; with a token that was used, the gateway that it made.
///
/// # Errors
/// InvalidVpcID.NotFound, IdempotentParameterMismatch, InvalidParameterValue, TagLimitExceeded, DryRunOperation.
pub async fn create_egress_only_internet_gateway(
    call: Call<ec2::CreateEgressOnlyInternetGateway>,
) -> Result<ec2::CreateEgressOnlyInternetGatewayOutput, ec2::Error> {
    let (scope, input) = (call.scope().clone(), call.input().clone());
    let kind = EgressOnlyInternetGateway::RESOURCE_TYPE;
    let tags = tags::of_new(input.tag_specifications.as_ref(), &kind)?;
    let request = client_request(input.client_token.as_ref(), &input)?;
    check_dry_run(input.dry_run)?;
    let token = input.client_token.clone();
    let created = call.access().store().transact(move |tx| {
        if let Some(earlier) = earlier::<EgressOnlyInternetGateway>(tx.state(), &scope, request.as_ref())? {
            return Ok(rendered(&earlier));
        }
        let vpc = require::<Vpc>(tx.state(), &scope, &input.vpc_id)?;
        let gateway = tx.put(EgressOnlyInternetGateway {
            id: tx.ids().ec2("eigw"),
            scope,
            vpc_id: vpc.id.clone(),
            client_request: request,
            tags,
        });
        Ok(rendered(&gateway))
    });
    Ok(ec2::CreateEgressOnlyInternetGatewayOutput {
        client_token: token,
        egress_only_internet_gateway: Some(created.await.map_err(from_store)?),
    })
}

/// `DeleteEgressOnlyInternetGateway`.
///
/// # Errors
/// InvalidGatewayID.NotFound, DryRunOperation.
pub async fn delete_egress_only_internet_gateway(
    call: Call<ec2::DeleteEgressOnlyInternetGateway>,
) -> Result<ec2::DeleteEgressOnlyInternetGatewayOutput, ec2::Error> {
    let (scope, input) = (call.scope().clone(), call.input().clone());
    check_dry_run(input.dry_run)?;
    let deleted = call.access().store().transact(move |tx| {
        let id = &input.egress_only_internet_gateway_id;
        let gateway = require::<EgressOnlyInternetGateway>(tx.state(), &scope, id)?;
        tx.delete::<EgressOnlyInternetGateway>(&gateway.id);
        Ok(())
    });
    deleted.await.map_err(from_store)?;
    Ok(ec2::DeleteEgressOnlyInternetGatewayOutput {
        return_code: Some(true),
    })
}

fn rendered(it: &EgressOnlyInternetGateway) -> ec2::EgressOnlyInternetGateway {
    ec2::EgressOnlyInternetGateway {
        egress_only_internet_gateway_id: Some(it.id.clone()),
        attachments: Some(vec![ec2::InternetGatewayAttachment {
            state: Some(ec2::AttachmentStatus::Attached),
            vpc_id: Some(it.vpc_id.clone()),
        }]),
        tags: tags::render(&it.tags),
    }
}
