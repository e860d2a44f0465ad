//! DescribeServices and ListServices.

use api::ecs;
use domain::service::{Service, ServiceStatus};

use crate::call::Call;
use crate::handlers::ecs::clusters::require_active;
use crate::handlers::ecs::errors::invalid_parameter;
use crate::handlers::ecs::{listing, names, render};

/// Most services of one DescribeServices.
const DESCRIBED_MAX: usize = 10;

/// `DescribeServices`: deleted ones are INACTIVE.
///
/// # Errors
/// ClusterNotFoundException; InvalidParameterException for none or too many.
pub async fn describe_services(
    call: Call<ecs::DescribeServices>,
) -> Result<ecs::DescribeServicesOutput, ecs::Error> {
    let input = call.input();
    if input.services.is_empty() {
        return Err(invalid_parameter("Services cannot be empty."));
    }
    if input.services.len() > DESCRIBED_MAX {
        return Err(invalid_parameter(format!(
            "services can have at most {DESCRIBED_MAX} items."
        )));
    }
    let cluster = names::cluster(call.scope(), input.cluster.as_deref())?;
    let arns = input
        .services
        .iter()
        .map(|it| names::service(&cluster, it))
        .collect::<Result<Vec<_>, _>>()?;
    let include = input.include.iter().flatten().map(|it| it.as_str());
    listing::require_word("include", include.clone(), &["TAGS"])?;
    let shows_tags = include.count() > 0;
    call.access().store().read(|state| {
        require_active(state, &cluster)?;
        let (found, failures) = listing::found::<Service>(state, &arns);
        let services = found.into_iter().map(|it| render::service(state, it, shows_tags));
        Ok(ecs::DescribeServicesOutput {
            services: Some(services.collect()),
            failures: Some(failures),
        })
    })
}

/// `ListServices`: ACTIVE ones. A DRAINING one is no longer visible here, says Amazon's model of DeleteService. Where a capacity provider strategy decides, `launchType` finds the launch
/// type that its capacity providers come to, as the statistics of the cluster count it: Amazon documents neither way.
///
/// # Errors
/// ClusterNotFoundException; InvalidParameterException for a bad token or page size.
pub async fn list_services(call: Call<ecs::ListServices>) -> Result<ecs::ListServicesOutput, ecs::Error> {
    let input = call.input();
    let cluster = names::cluster(call.scope(), input.cluster.as_deref())?;
    require_words(input)?;
    let strategy = input.scheduling_strategy.as_ref().map(|it| it.as_str());
    let is_customers = input
        .resource_management_type
        .as_ref()
        .is_none_or(|it| it.as_str() == "CUSTOMER");
    let matches = |it: &Service| {
        it.status == ServiceStatus::Active
            && strategy.is_none_or(|wanted| wanted == it.scheduling_strategy.as_str())
            && is_customers
            && input
                .launch_type
                .as_ref()
                .is_none_or(|wanted| wanted.as_str() == it.launch_type.as_str())
    };
    let wanted = listing::Wanted {
        max_results: input.max_results,
        next_token: input.next_token.as_deref(),
    };
    let listing_name = format!(
        "services {cluster} {:?} {:?} {:?}",
        input.launch_type, input.scheduling_strategy, input.resource_management_type
    );
    let key = call.access().page_key();
    let (arns, next_token) = call.access().store().read(|state| {
        require_active(state, &cluster)?;
        let found = state.services_of_cluster(&cluster).filter(|it| matches(it));
        let items = found.map(|it| (it.arn.to_string(), it.arn.to_string()));
        listing::list(key, listing::SERVICES, &wanted, &listing_name, items)
    })?;
    Ok(ecs::ListServicesOutput {
        service_arns: Some(arns),
        next_token,
    })
}

fn require_words(input: &ecs::ListServicesInput) -> Result<(), ecs::Error> {
    let launch_type = input.launch_type.as_ref().map(|it| it.as_str());
    listing::require_word("launchType", launch_type, &listing::LAUNCH_TYPES)?;
    let strategy = input.scheduling_strategy.as_ref().map(|it| it.as_str());
    listing::require_word("schedulingStrategy", strategy, &["REPLICA", "DAEMON"])?;
    let management = input.resource_management_type.as_ref().map(|it| it.as_str());
    listing::require_word("resourceManagementType", management, &["CUSTOMER", "ECS"])
}
