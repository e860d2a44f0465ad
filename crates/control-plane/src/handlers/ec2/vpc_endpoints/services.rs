//! Services that endpoints lead to: those that Gantry speaks.

use api::ec2;

use crate::call::Call;
use crate::handlers::ec2::check_dry_run;
use crate::handlers::ec2::filters::{Filters, Rule};
use crate::handlers::ec2::refusal;
use crate::handlers::ec2::select::{Wanted, cut};
use crate::handlers::ec2::zones::zone_id;

/// A service of Amazon.
#[derive(Debug)]
pub struct EndpointService {
    /// `ecr.api` of `com.amazonaws.us-east-1.ecr.api`
    short: &'static str,
    /// What its usual name begins with.
    host: &'static str,
    kind: Kind,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Interface,
    /// Of both types.
    GatewayToo,
}

const fn of(short: &'static str, host: &'static str) -> EndpointService {
    EndpointService {
        short,
        host,
        kind: Kind::Interface,
    }
}

/// Services of both types of endpoint.
const fn by_gateway_too(name: &'static str) -> EndpointService {
    EndpointService {
        short: name,
        host: name,
        kind: Kind::GatewayToo,
    }
}

/// Those that Gantry speaks, and those that networks of containers usually name: endpoints carry nothing.
static SERVICES: [EndpointService; 25] = [
    of("acm", "acm"),
    of("codedeploy", "codedeploy"),
    by_gateway_too("dynamodb"),
    of("ec2", "ec2"),
    of("ec2messages", "ec2messages"),
    of("ecr.api", "api.ecr"),
    of("ecr.dkr", "*.dkr.ecr"),
    of("ecs", "ecs"),
    of("ecs-agent", "ecs-a-*"),
    of("ecs-telemetry", "ecs-t-*"),
    of("elasticfilesystem", "elasticfilesystem"),
    of("elasticloadbalancing", "elasticloadbalancing"),
    of("events", "events"),
    of("kms", "kms"),
    of("logs", "logs"),
    of("monitoring", "monitoring"),
    by_gateway_too("s3"),
    of("secretsmanager", "secretsmanager"),
    of("servicediscovery", "servicediscovery"),
    of("sns", "sns"),
    of("sqs", "sqs"),
    of("ssm", "ssm"),
    of("ssmmessages", "ssmmessages"),
    of("sts", "sts"),
    of("xray", "xray"),
];
/// Zones of a region that have a default subnet.
const ZONES: [&str; 3] = ["a", "b", "c"];

impl EndpointService {
    /// `com.amazonaws.us-east-1.ecs`
    pub fn name(&self, region: &str) -> String {
        format!("com.amazonaws.{region}.{}", self.short)
    }

    /// `ecs.us-east-1.amazonaws.com`
    pub fn private_name(&self, region: &str) -> String {
        format!("{}.{region}.amazonaws.com", self.host)
    }

    /// `ecs.us-east-1.vpce.amazonaws.com`
    pub fn base_name(&self, region: &str) -> String {
        format!("{}.{region}.vpce.amazonaws.com", self.short)
    }

    /// Whether names stand before those of its endpoints: those of buckets, of S3.
    pub fn has_wildcard(&self) -> bool {
        self.short == "s3"
    }

    /// Whether gateway endpoints lead to it.
    pub fn has_gateway(&self) -> bool {
        self.kind == Kind::GatewayToo
    }

    /// Types of endpoints that lead to it.
    pub fn types(&self) -> Vec<&'static str> {
        match self.kind {
            Kind::Interface => vec!["Interface"],
            Kind::GatewayToo => vec!["Gateway", "Interface"],
        }
    }

    /// Services that are of both types are listed twice, as on Amazon.
    fn rendered(&self, region: &str) -> Vec<ec2::ServiceDetail> {
        self.types()
            .into_iter()
            .map(|it| self.detail(region, it))
            .collect()
    }

    fn detail(&self, region: &str, service_type: &str) -> ec2::ServiceDetail {
        let name = self.private_name(region);
        let is_interface = service_type == "Interface";
        let zones = ZONES.map(|zone| format!("{region}{zone}"));
        ec2::ServiceDetail {
            service_name: Some(self.name(region)),
            service_type: Some(vec![ec2::ServiceTypeDetail {
                service_type: Some(match is_interface {
                    true => ec2::ServiceType::Interface,
                    false => ec2::ServiceType::Gateway,
                }),
            }]),
            service_region: Some(region.to_owned()),
            availability_zone_ids: Some(zones.iter().map(|it| zone_id(it)).collect()),
            availability_zones: Some(zones.to_vec()),
            owner: Some("amazon".to_owned()),
            base_endpoint_dns_names: Some(vec![match is_interface {
                true => self.base_name(region),
                false => name.clone(),
            }]),
            private_dns_name: is_interface.then(|| name.clone()),
            private_dns_names: is_interface.then(|| {
                vec![ec2::PrivateDnsDetails {
                    private_dns_name: Some(name.clone()),
                }]
            }),
            private_dns_name_verification_state: is_interface.then_some(ec2::DnsNameState::Verified),
            vpc_endpoint_policy_supported: Some(true),
            acceptance_required: Some(false),
            manages_vpc_endpoints: Some(false),
            supported_ip_address_types: Some(vec![ec2::ServiceConnectivityType::Ipv4]),
            tags: Some(Vec::new()),
            ..ec2::ServiceDetail::default()
        }
    }
}

/// The service of that name.
///
/// # Errors
/// InvalidServiceName.
pub fn of_name(region: &str, name: &str) -> Result<&'static EndpointService, ec2::Error> {
    SERVICES.iter().find(|it| it.name(region) == name).ok_or_else(|| {
        refusal(
            "InvalidServiceName",
            format!("The Vpc Endpoint Service '{name}' does not exist"),
        )
    })
}

const RULES: [Rule<ec2::ServiceDetail>; 5] = [
    Rule {
        names: &["service-name"],
        values: |it| it.service_name.iter().cloned().collect(),
    },
    Rule {
        names: &["service-type"],
        values: |it| {
            let types = it.service_type.iter().flatten();
            types
                .filter_map(|it| Some(it.service_type.as_ref()?.as_str().to_owned()))
                .collect()
        },
    },
    Rule {
        names: &["service-region"],
        values: |it| it.service_region.iter().cloned().collect(),
    },
    Rule {
        names: &["owner"],
        values: |it| it.owner.iter().cloned().collect(),
    },
    Rule {
        names: &["supported-ip-address-types"],
        values: |it| {
            let types = it.supported_ip_address_types.iter().flatten();
            types.map(|it| it.as_str().to_owned()).collect()
        },
    },
];

/// `DescribeVpcEndpointServices`.
///
/// # Errors
/// InvalidServiceName, InvalidParameterValue, MissingParameter, DryRunOperation.
pub async fn describe_vpc_endpoint_services(
    call: Call<ec2::DescribeVpcEndpointServices>,
) -> Result<ec2::DescribeVpcEndpointServicesOutput, ec2::Error> {
    let (region, input) = (&call.scope().region, call.input());
    let filters = Filters::of(&RULES, input.filters.as_ref())?;
    check_dry_run(input.dry_run)?;
    let named = input.service_names.as_deref().unwrap_or_default();
    for name in named {
        of_name(region, name)?;
    }
    let regions = input.service_regions.as_deref().unwrap_or_default();
    let is_served = regions.is_empty() || regions.contains(region);
    let all = SERVICES
        .iter()
        .filter(|it| is_served && (named.is_empty() || named.contains(&it.name(region))));
    let details = all
        .flat_map(|it| it.rendered(region))
        .filter(|it| filters.match_all(it));
    let keyed = details.map(|it| {
        let service_type = it.service_type.iter().flatten().next();
        let service_type = service_type.and_then(|it| it.service_type.as_ref());
        let word = service_type.map_or("", ec2::ServiceType::as_str);
        (
            format!("{} {word}", it.service_name.as_deref().unwrap_or_default()),
            it,
        )
    });
    let wanted = Wanted {
        max_results: input.max_results,
        next_token: input.next_token.as_deref(),
    };
    let chosen_by = format!(
        "{region} {:?} {:?} {:?}",
        input.service_regions, input.service_names, input.filters
    );
    let (details, next_token) = cut::<ec2::DescribeVpcEndpointServices, _>(
        call.access().page_key(),
        &wanted,
        &chosen_by,
        keyed.collect(),
    )?;
    let mut names: Vec<String> = details.iter().filter_map(|it| it.service_name.clone()).collect();
    names.dedup();
    Ok(ec2::DescribeVpcEndpointServicesOutput {
        service_names: Some(names),
        service_details: Some(details),
        next_token,
    })
}
