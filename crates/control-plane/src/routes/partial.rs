//! Operations that work in part: what of each is refused, or kept without an effect yet.

/// Operation and what is missing, in the order of their names.
const PARTIAL: [(&str, &str); 12] = [
    (
        "ContinueServiceDeployment",
        "no lifecycle hook pauses a deployment yet, so there is none to continue",
    ),
    (
        "CreateCapacityProvider",
        "managed instances are refused; Auto Scaling groups are kept by name, and have no container instances",
    ),
    (
        "CreateCluster",
        "Service Connect is refused; Container Insights is kept, nothing is measured",
    ),
    ("DescribeContainerInstances", "health is INSUFFICIENT_DATA"),
    (
        "ExecuteCommand",
        "refused for every task: none can be started with `enableExecuteCommand` yet",
    ),
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
        "Container Insights is kept, nothing is measured",
    ),
    ("UpdateContainerAgent", "there is never an update"),
];

/// What an operation of ECS lacks, if it works in part.
pub fn lacks(service: &str, operation: &str) -> Option<&'static str> {
    let found = PARTIAL.iter().find(|(name, _)| *name == operation);
    found.filter(|_| service == "ecs").map(|(_, what)| *what)
}
