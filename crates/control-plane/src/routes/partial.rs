//! Operations that work in part: what of each is refused, or kept without an effect yet.

mod ecs;

/// Said of the operations of IAM that have to do with policies, and of AssumeRole.
const POLICIES: &str = "policies are kept; they decide nothing yet";
/// These.
const OF_POLICIES: [(&str, &str); 6] = [
    ("iam", "AttachRolePolicy"),
    ("iam", "CreateRole"),
    ("iam", "PutRolePolicy"),
    ("iam", "UpdateAssumeRolePolicy"),
    ("sts", "AssumeRole"),
    ("iam", "DetachRolePolicy"),
];

/// Of the operations of EC2 on VPCs, subnets and network interfaces, in the order of their names.
const OF_NETWORKS: [(&str, &str); 11] = [
    (
        "AssignPrivateIpAddresses",
        "of interfaces that stand for themselves",
    ),
    ("AssociateVpcCidrBlock", "refused: a VPC has one range"),
    (
        "AttachNetworkInterface",
        "refused: hosts are no instances of Amazon",
    ),
    (
        "CreateNetworkInterface",
        "IPv4 only; nothing can be attached to it",
    ),
    ("CreateSubnet", "IPv4 only, without IPAM"),
    ("CreateVpc", "IPv4 only, without IPAM and tenancy"),
    (
        "DetachNetworkInterface",
        "refused: what is attached belongs to a service",
    ),
    ("DisassociateVpcCidrBlock", "refused: a VPC keeps its only range"),
    (
        "ModifyNetworkInterfaceAttribute",
        "groups of tasks' interfaces; of those that stand for themselves description and source/destination check too",
    ),
    (
        "ModifySubnetAttribute",
        "`MapPublicIpOnLaunch`; the others can only be turned off",
    ),
    (
        "ModifyVpcAttribute",
        "`EnableNetworkAddressUsageMetrics` is kept, nothing is measured",
    ),
];

/// Said of the operations on deployment groups of CodeDeploy.
const GROUPS: &str = "alarms and triggers are refused; the role is kept, nothing is done in its name";

/// Operations of CodeDeploy and what is missing.
const PARTIAL_CODEDEPLOY: [(&str, &str); 5] = [
    ("CreateApplication", "the compute platform is ECS"),
    (
        "CreateDeployment",
        "AppSpecs in S3 and GitHub are refused, and hooks that are Lambda functions",
    ),
    ("CreateDeploymentConfig", "the compute platform is ECS"),
    ("CreateDeploymentGroup", GROUPS),
    ("UpdateDeploymentGroup", GROUPS),
];

/// Said of operations on elastic addresses.
const ADDRESSES: &str = "out of the range of `--elastic-addresses`; kept and shown, not routed yet";
/// Said of operations on VPC endpoints.
const ENDPOINTS: &str = "kept and shown: tasks reach the services that are spoken here with or without one; nobody answers their DNS names";
/// Said of operations on entries of network ACLs.
const ENTRIES: &str = "those of IPv6 are kept: no interface has IPv6";
/// Said of operations on routes.
const ROUTES: &str =
    "those to internet gateways and public NAT gateways are followed; others are kept, and lead nowhere";

/// Said of DHCP options.
const DHCP: &str = "tasks are told of name servers and domain names; the others are kept";

/// The same of EC2.
const PARTIAL_EC2: [(&str, &str); 16] = [
    ("AllocateAddress", ADDRESSES),
    ("AssociateAddress", ADDRESSES),
    ("AssociateDhcpOptions", DHCP),
    ("AssociateRouteTable", "subnets only"),
    ("CreateDhcpOptions", DHCP),
    ("CreateEgressOnlyInternetGateway", "kept; VPCs have no IPv6 yet"),
    (
        "CreateNatGateway",
        "one address, in one zone; available at once; what it lets out has the addresses of the host",
    ),
    ("CreateNetworkAclEntry", ENTRIES),
    ("CreateRoute", ROUTES),
    (
        "CreateTags",
        "not of the network interfaces of load balancers and mount targets",
    ),
    ("CreateVpcEndpoint", ENDPOINTS),
    (
        "DescribePrefixLists",
        "that of S3 is the address of this server, that of DynamoDB is empty",
    ),
    ("DescribeVpcEndpointServices", "the services that are spoken here"),
    ("ModifyVpcEndpoint", ENDPOINTS),
    ("ReplaceNetworkAclEntry", ENTRIES),
    ("ReplaceRoute", ROUTES),
];

/// The same of ECR.
const PARTIAL_ECR: [(&str, &str); 6] = [
    (
        "CreateRepository",
        "a KMS key is kept, nothing is encrypted with it",
    ),
    (
        "DescribeImageScanFindings",
        "the packages of the image, INFORMATIONAL: no vulnerability database is consulted",
    ),
    ("GetLifecyclePolicyPreview", "`imageIds` is refused"),
    (
        "GetRegistryScanningConfiguration",
        "always BASIC without rules: each repository decides for itself",
    ),
    ("SetRepositoryPolicy", "kept without an effect"),
    (
        "StartImageScan",
        "packages of dpkg and apk are listed; no vulnerability database is consulted",
    ),
];

/// The same of EFS.
const PARTIAL_EFS: [(&str, &str); 7] = [
    ("CreateAccessPoint", "secondary groups are refused"),
    (
        "CreateFileSystem",
        "encryption and backups are refused; performance and throughput modes are kept without an effect",
    ),
    (
        "CreateMountTarget",
        "IPv6 is refused; nothing listens at its address",
    ),
    ("PutBackupPolicy", "`ENABLED` is refused"),
    ("PutFileSystemPolicy", POLICIES),
    (
        "PutLifecycleConfiguration",
        "kept; there is one storage class, so nothing moves",
    ),
    ("UpdateFileSystem", "kept without an effect"),
];

/// Said of operations on listeners.
const LISTENERS: &str = "authentication, mutual TLS, and security policies of FIPS and post-quantum key exchange are refused; TLS is 1.2 and 1.3";
/// Said of operations on rules.
const RULES: &str = "regular expressions, transforms and authentication are refused";

/// The same of Elastic Load Balancing.
const PARTIAL_ELBV2: [(&str, &str); 11] = [
    ("CreateListener", LISTENERS),
    (
        "CreateLoadBalancer",
        "gateway load balancers, IPv6 and elastic addresses are refused; on the host only `gantry up --publish` listens",
    ),
    ("CreateRule", RULES),
    (
        "CreateTargetGroup",
        "Lambda functions, GENEVE, QUIC and IPv6 are refused",
    ),
    (
        "ModifyCapacityReservation",
        "a load balancer has the capacity of its host: none can be reserved, so there is only none to reset",
    ),
    ("ModifyListener", LISTENERS),
    (
        "ModifyLoadBalancerAttributes",
        "access logs of application load balancers are written, other logs are refused; zonal shifts do not come",
    ),
    ("ModifyRule", RULES),
    (
        "ModifyTargetGroupAttributes",
        "instances see the load balancer whatever preserve_client_ip.enabled says",
    ),
    (
        "RegisterTargets",
        "instances are container instances; those of other hosts than the load balancer's get no traffic yet",
    ),
    ("SetIpAddressType", "IPv4 only"),
];

/// The same of Certificate Manager.
const PARTIAL_ACM: [(&str, &str); 1] = [(
    "ImportCertificate",
    "keys that load balancers cannot use are refused: RSA of 1,024 bits, P-521",
)];

/// The same of classic load balancing.
const PARTIAL_ELB: [(&str, &str); 6] = [
    ("ConfigureHealthCheck", "without a listener nothing is checked"),
    (
        "CreateLoadBalancer",
        "certificates are those of Certificate Manager, with the default security policy",
    ),
    (
        "CreateLoadBalancerListeners",
        "certificates are those of Certificate Manager, with the default security policy",
    ),
    (
        "DescribeLoadBalancerPolicies",
        "there are no sample policies, so LoadBalancerName is needed",
    ),
    ("ModifyLoadBalancerAttributes", "AccessLog is refused"),
    (
        "RegisterInstancesWithLoadBalancer",
        "instances are container instances; those of other hosts get no traffic yet",
    ),
];

/// The same of S3.
const PARTIAL_S3: [(&str, &str); 4] = [
    (
        "CreateBucket",
        "ACLs, object lock and tags are refused; all buckets are in one region",
    ),
    (
        "GetObject",
        "versions, parts, and conditions on times are refused",
    ),
    (
        "HeadObject",
        "versions, parts, and conditions on times are refused",
    ),
    (
        "PutObject",
        "64 MiB at most; ACLs, encryption, tags, and storage classes other than STANDARD are refused",
    ),
];

/// Said of operations on services with HealthCheckConfig.
const HEALTH_CHECKERS: &str =
    "HealthCheckConfig is kept: nobody checks from the internet, and instances count as healthy";

/// The same of Cloud Map.
const PARTIAL_SERVICEDISCOVERY: [(&str, &str); 3] = [
    (
        "CreatePublicDnsNamespace",
        "nobody on the internet is told to ask this Gantry for its names",
    ),
    ("CreateService", HEALTH_CHECKERS),
    ("UpdateService", HEALTH_CHECKERS),
];

/// What an operation lacks, if it works in part.
pub fn lacks(service: &str, operation: &str) -> Option<&'static str> {
    if OF_POLICIES.contains(&(service, operation)) {
        return Some(POLICIES);
    }
    let mut networks = OF_NETWORKS.iter().filter(|_| service == "ec2");
    if let Some((_, what)) = networks.find(|(name, _)| *name == operation) {
        return Some(what);
    }
    let table: &[(&str, &'static str)] = match service {
        "acm" => &PARTIAL_ACM,
        "codedeploy" => &PARTIAL_CODEDEPLOY,
        "ec2" => &PARTIAL_EC2,
        "ecr" => &PARTIAL_ECR,
        "ecs" => &ecs::PARTIAL,
        "elasticfilesystem" => &PARTIAL_EFS,
        "elasticloadbalancing" => &PARTIAL_ELBV2,
        super::CLASSIC_LOAD_BALANCING => &PARTIAL_ELB,
        "s3" => &PARTIAL_S3,
        "servicediscovery" => &PARTIAL_SERVICEDISCOVERY,
        _ => &[],
    };
    let found = table.iter().find(|(name, _)| *name == operation);
    found.map(|(_, what)| *what)
}
