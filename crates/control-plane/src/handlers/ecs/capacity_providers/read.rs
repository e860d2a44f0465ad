//! DescribeCapacityProviders.

use api::ecs;
use domain::CapacityProviderArn;
use domain::capacity_provider::{CapacityProvider, CapacityProviderStatus, FARGATE_CAPACITY_PROVIDERS};

use crate::call::Call;
use crate::handlers::ecs::errors::invalid_parameter;
use crate::handlers::ecs::{listing, names, render};

/// Most capacity providers of one call.
const DESCRIBED_MAX: usize = 100;

/// `DescribeCapacityProviders`: those that are named, or all ACTIVE ones.
///
/// # Errors
/// InvalidParameterException for what can name none, a bad token or page size; ClusterNotFoundException.
pub async fn describe_capacity_providers(
    call: Call<ecs::DescribeCapacityProviders>,
) -> Result<ecs::DescribeCapacityProvidersOutput, ecs::Error> {
    let input = call.input();
    let scope = call.scope();
    let given = input.capacity_providers.as_deref().unwrap_or_default();
    if given.len() > DESCRIBED_MAX {
        return Err(invalid_parameter(format!(
            "capacityProviders can have at most {DESCRIBED_MAX} items."
        )));
    }
    // Capacity providers of a cluster alone are those of managed instances: there are none.
    let cluster = input.cluster.as_deref();
    let cluster = cluster.map(|it| names::cluster(scope, Some(it))).transpose()?;
    let named = given.iter().map(|it| names::capacity_provider(scope, it));
    let named: Vec<String> = named.collect::<Result<_, _>>()?;
    let include = input.include.as_deref().unwrap_or_default();
    listing::require_word(
        "include",
        include.iter().map(ecs::CapacityProviderField::as_str),
        &["TAGS"],
    )?;
    let with_tags = include.iter().any(|it| it.as_str() == "TAGS");
    let wanted = listing::Wanted {
        max_results: input.max_results,
        next_token: input.next_token.as_deref(),
    };
    let key = call.access().page_key();
    call.access().store().read(|state| {
        if let Some(cluster) = &cluster {
            crate::handlers::ecs::clusters::require_active(state, cluster)?;
        }
        let built_in = |name: &str| render::fargate_capacity_provider(scope, name);
        let own = |it: &CapacityProvider| render::capacity_provider(it, with_tags);
        if named.is_empty() {
            let fargate = FARGATE_CAPACITY_PROVIDERS.iter();
            let mut all: Vec<_> = fargate
                .map(|it| ((*it).to_owned(), built_in(it)))
                .chain(
                    state
                        .capacity_providers(scope)
                        .filter(|it| it.status == CapacityProviderStatus::Active)
                        .map(|it| (it.arn.name().to_owned(), own(it))),
                )
                .collect();
            all.sort_by(|(left, _), (right, _)| left.cmp(right));
            let listing = format!("capacity-providers {scope:?}");
            let (found, next_token) = listing::list(key, listing::TEN, &wanted, &listing, all.into_iter())?;
            return Ok(ecs::DescribeCapacityProvidersOutput {
                capacity_providers: Some(found),
                failures: Some(Vec::new()),
                next_token,
            });
        }
        let (mut found, mut failures) = (Vec::new(), Vec::new());
        for name in &named {
            let arn = CapacityProviderArn::of(scope, name);
            match state.get::<CapacityProvider>(&arn) {
                _ if domain::capacity_provider::is_fargate(name) => found.push(built_in(name)),
                Some(it) => found.push(own(it)),
                None => failures.push(render::missing(arn.as_str())),
            }
        }
        Ok(ecs::DescribeCapacityProvidersOutput {
            capacity_providers: Some(found),
            failures: Some(failures),
            next_token: None,
        })
    })
}
