//! Operations that work in part: what of each is refused, or kept without an effect yet.

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

/// Operation and what is missing, in the order of their names.
const PARTIAL: [(&str, &str); 10] = [
    (
        "CreateCapacityProvider",
        "managed instances are refused; Auto Scaling groups are kept by name, and have no container instances",
    ),
    (
        "CreateCluster",
        "Service Connect is refused; Container Insights is kept, nothing is measured",
    ),
    ("DescribeContainerInstances", "health is INSUFFICIENT_DATA"),
    ("ListServicesByNamespace", "there are no namespaces yet"),
    (
        "PutAccountSetting",
        "`containerInsights` is what new clusters begin with; others are kept without an effect",
    ),
    ("PutAccountSettingDefault", "as PutAccountSetting"),
    (
        "UpdateCapacityProvider",
        "kept; there are no Auto Scaling groups that follow",
    ),
    (
        "UpdateCluster",
        "Service Connect is refused; Container Insights is kept, nothing is measured",
    ),
    (
        "UpdateClusterSettings",
        "Container Insights is kept, nothing is measured; also takes Gantry's `instanceRebalancing`",
    ),
    ("UpdateContainerAgent", "there is never an update"),
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

/// Said of operations that need certificates.
const CERTIFICATES: &str =
    "there are no certificates yet, so that HTTPS and TLS are refused; so are authentication and mutual TLS";
/// Said of operations on rules.
const RULES: &str = "regular expressions, transforms and authentication are refused";

/// The same of Elastic Load Balancing.
const PARTIAL_ELBV2: [(&str, &str); 11] = [
    ("AddListenerCertificates", "there are no certificates yet"),
    ("CreateListener", CERTIFICATES),
    (
        "CreateLoadBalancer",
        "gateway load balancers, IPv6 and elastic addresses are refused; nothing is published on the host",
    ),
    ("CreateRule", RULES),
    (
        "CreateTargetGroup",
        "Lambda functions, GENEVE, QUIC and IPv6 are refused",
    ),
    ("ModifyListener", CERTIFICATES),
    (
        "ModifyLoadBalancerAttributes",
        "kept; logs are not written yet, zonal shifts do not come",
    ),
    ("ModifyRule", RULES),
    (
        "RegisterTargets",
        "instances stay `initial`, as their addresses are not known yet; addresses are checked and served",
    ),
    ("SetIpAddressType", "IPv4 only"),
    (
        "SetSecurityGroups",
        "there are no security groups but the default ones of VPCs",
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

/// What an operation lacks, if it works in part.
pub fn lacks(service: &str, operation: &str) -> Option<&'static str> {
    if OF_POLICIES.contains(&(service, operation)) {
        return Some(POLICIES);
    }
    let table: &[(&str, &'static str)] = match service {
        "ecr" => &PARTIAL_ECR,
        "ecs" => &PARTIAL,
        "elasticfilesystem" => &PARTIAL_EFS,
        "elasticloadbalancing" => &PARTIAL_ELBV2,
        "s3" => &PARTIAL_S3,
        _ => &[],
    };
    let found = table.iter().find(|(name, _)| *name == operation);
    found.map(|(_, what)| *what)
}
