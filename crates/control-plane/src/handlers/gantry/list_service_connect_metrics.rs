//! ListServiceConnectMetrics.

use api::gantry;
use domain::cloud_map::Namespace;
use domain::service::Service;
use domain::service_connect::{AppProtocol, ClientAlias, ServiceConnectMetrics};
use store::State;

use super::errors::{self, service_not_found};
use super::find::cluster;
use crate::call::Call;
use crate::handlers::ecs::names;
use crate::service_connect_metrics::Total;

/// `ListServiceConnectMetrics`: what proxies have counted of each client alias of the account and region, by namespace,
/// name and port; of those of a cluster or a service, if one is named. A service is of the cluster `default` unless the
/// caller says. An alias to which nothing came has no `metrics`.
///
/// # Errors
/// ServiceNotFoundException; InvalidParameterException for what can name no cluster or service.
pub async fn list_service_connect_metrics(
    call: Call<gantry::ListServiceConnectMetrics>,
) -> Result<gantry::ListServiceConnectMetricsOutput, gantry::Error> {
    let (input, scope) = (call.input(), call.scope());
    let in_cluster = input.cluster.as_deref().filter(|it| !it.is_empty());
    let of_cluster = cluster(scope, in_cluster)?;
    let named = input.service.as_deref().filter(|it| !it.is_empty());
    let of_service = named.map(|name| {
        let cluster = names::cluster(scope, in_cluster)?;
        names::service(&cluster, name)
    });
    let of_service = of_service.transpose().map_err(|error| errors::of_name(&error))?;
    let totals = call.access().counted_by_proxies().totals();
    call.access().store().read(|state| {
        if let Some(arn) = of_service
            .as_ref()
            .filter(|it| state.get::<Service>(it).is_none())
        {
            return Err(service_not_found(format!("Service not found: {arn}.")));
        }
        let is_meant = |it: &&std::sync::Arc<ClientAlias>| match (&of_service, &of_cluster) {
            (Some(service), _) => it.service == *service,
            (None, Some(cluster)) => {
                let service = state.get::<Service>(&it.service);
                service.is_some_and(|it| it.cluster == *cluster)
            }
            (None, None) => true,
        };
        let aliases = state.client_aliases(scope).filter(is_meant);
        let described = aliases.map(|it| described(state, it, totals.get(&it.group())));
        Ok(gantry::ListServiceConnectMetricsOutput {
            client_aliases: Some(described.collect()),
        })
    })
}

fn described(state: &State, alias: &ClientAlias, total: Option<&Total>) -> gantry::ClientAliasMetrics {
    let namespace = state.get::<Namespace>(&alias.key.namespace_id);
    gantry::ClientAliasMetrics {
        service_arn: Some(alias.service.to_string()),
        namespace: namespace.map(|it| it.name.clone()),
        discovery_name: Some(alias.discovery_name.clone()),
        dns_name: Some(alias.key.dns_name.clone()),
        port: Some(alias.key.port.into()),
        app_protocol: Some(alias.protocol.as_str().to_owned()),
        proxies: total.map(|it| i32::try_from(it.proxies).unwrap_or(i32::MAX)),
        since: total.map(|it| it.since),
        metrics: total.map(|it| rendered(&it.metrics, alias.protocol)),
    }
}

/// Amazon has no metrics of requests where connections are balanced.
fn rendered(it: &ServiceConnectMetrics, protocol: AppProtocol) -> gantry::ServiceConnectMetrics {
    let number = |it: u64| i64::try_from(it).unwrap_or(i64::MAX);
    let of_requests = |it: u64| (protocol != AppProtocol::Tcp).then(|| number(it));
    let milliseconds = |microseconds: u64| microseconds as f64 / 1000.0;
    let [of_2xx, of_3xx, of_4xx, of_5xx] = it.target_answers.map(of_requests);
    let response_time = (it.target_responses > 0).then(|| gantry::TargetResponseTime {
        sample_count: Some(number(it.target_responses)),
        sum: Some(milliseconds(it.target_response_microseconds)),
        maximum: Some(milliseconds(it.target_response_microseconds_max)),
    });
    gantry::ServiceConnectMetrics {
        active_connection_count: Some(number(it.active_connections)),
        new_connection_count: Some(number(it.new_connections)),
        processed_bytes: Some(number(it.processed_bytes)),
        request_count: of_requests(it.requests),
        grpc_request_count: (protocol == AppProtocol::Grpc).then(|| number(it.requests)),
        http_code_target2_xx_count: of_2xx,
        http_code_target3_xx_count: of_3xx,
        http_code_target4_xx_count: of_4xx,
        http_code_target5_xx_count: of_5xx,
        target_response_time: response_time,
    }
}
