//! Amazon's published quotas: which operations share a bucket, what it holds and how fast it fills.
//!
//! The table of <https://docs.aws.amazon.com/AmazonECS/latest/APIReference/request-throttling.html>, in its order.

/// A kind of operations that share a bucket.
pub struct Quota {
    /// By name.
    pub operations: &'static [&'static str],
    /// Tokens that the bucket holds: the burst.
    pub capacity: u64,
    /// Tokens that come back each second: the sustained rate.
    pub refill_per_second: u64,
}

const fn quota(capacity: u64, refill_per_second: u64, operations: &'static [&'static str]) -> Quota {
    Quota {
        operations,
        capacity,
        refill_per_second,
    }
}

/// All of them.
pub static QUOTAS: [Quota; 20] = [
    // cluster modify actions
    quota(
        20,
        1,
        &[
            "CreateCluster",
            "DeleteCluster",
            "PutClusterCapacityProviders",
            "UpdateCluster",
            "UpdateClusterSettings",
        ],
    ),
    // cluster read actions
    quota(50, 20, &["DescribeClusters", "ListClusters"]),
    // task definition modify actions
    quota(20, 1, &["DeregisterTaskDefinition", "RegisterTaskDefinition"]),
    // task definition read actions
    quota(
        50,
        20,
        &[
            "DescribeTaskDefinition",
            "ListTaskDefinitions",
            "ListTaskDefinitionFamilies",
        ],
    ),
    // task definition deletion actions
    quota(5, 1, &["DeleteTaskDefinitions"]),
    // capacity provider modify actions
    quota(
        10,
        1,
        &[
            "CreateCapacityProvider",
            "DeleteCapacityProvider",
            "UpdateCapacityProvider",
        ],
    ),
    // capacity provider read actions
    quota(50, 20, &["DescribeCapacityProviders"]),
    // tag modify actions
    quota(20, 10, &["TagResource", "UntagResource"]),
    // tag read actions
    quota(50, 20, &["ListTagsForResource"]),
    // setting modify actions
    quota(
        10,
        1,
        &[
            "DeleteAccountSetting",
            "PutAccountSetting",
            "PutAccountSettingDefault",
        ],
    ),
    // setting read actions
    quota(50, 20, &["ListAccountSettings"]),
    // cluster resource modify actions
    quota(
        100,
        40,
        &[
            "DeleteAttributes",
            "DeregisterContainerInstance",
            "ExecuteCommand",
            "PutAttributes",
            "RunTask",
            "StartTask",
            "StopTask",
            "UpdateContainerAgent",
            "UpdateContainerInstancesState",
        ],
    ),
    // cluster resource read actions
    quota(
        100,
        20,
        &[
            "DescribeContainerInstances",
            "DescribeTasks",
            "ListAttributes",
            "ListContainerInstances",
            "ListTasks",
        ],
    ),
    // agent modify actions
    quota(
        200,
        120,
        &[
            "RegisterContainerInstance",
            "SubmitAttachmentStateChanges",
            "SubmitContainerStateChange",
            "SubmitTaskStateChange",
        ],
    ),
    // service modify actions
    quota(50, 5, &["CreateService", "DeleteService", "UpdateService"]),
    // service read actions
    quota(100, 20, &["DescribeServices", "ListServices"]),
    // service deployment actions
    quota(50, 20, &["DescribeServiceDeployments", "ListServiceDeployments"]),
    // service revision actions
    quota(50, 20, &["DescribeServiceRevisions"]),
    // task protection actions
    quota(200, 80, &["UpdateTaskProtection", "GetTaskProtection"]),
    // cluster service resource read actions
    quota(10, 1, &["ListServicesByNamespace"]),
];
