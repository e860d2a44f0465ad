//! What operations of ECS refuse, or keep without an effect yet. Members stand as clients write them: a test has each of
//! them refused.

#[cfg(test)]
mod tests;

/// Said of operations on clusters with a configuration.
const CONFIGURED: &str = "`s3BucketName` of executeCommandConfiguration is refused; Container Insights is kept, nothing is \
                          measured";

/// Operation and what is missing, in the order of their names.
pub(super) const PARTIAL: [(&str, &str); 18] = [
    (
        "CreateCapacityProvider",
        "`managedInstancesProvider` is refused; Auto Scaling groups are kept by name, and have no container instances",
    ),
    ("CreateCluster", CONFIGURED),
    (
        "CreateService",
        "`alarms` that are to be watched, `monitoring`, `volumeConfigurations`, `vpcLatticeConfigurations` and the launch \
         type `MANAGED_INSTANCES` are refused; of Service Connect `accessLogConfiguration`, `tls`, `testTrafficRules`, \
         and the strategies `LINEAR` and `CANARY` for a service that offers something",
    ),
    ("CreateTaskSet", "the launch type `MANAGED_INSTANCES` is refused"),
    ("DescribeContainerInstances", "health is INSUFFICIENT_DATA"),
    ("ListTasks", "`daemonName` is refused: there are no daemons"),
    (
        "PutAccountSetting",
        "`containerInsights` is what new clusters begin with; others are kept without an effect",
    ),
    ("PutAccountSettingDefault", "as PutAccountSetting"),
    (
        "RegisterContainerInstance",
        "`platformDevices` are not counted: no container instance has GPUs, so tasks that need some find no place; identity \
         documents are not looked at",
    ),
    (
        "RegisterTaskDefinition",
        "refused are `proxyConfiguration`, `ephemeralStorage`, `enableFaultInjection`, `operatingSystemFamily` other than \
         LINUX, `MANAGED_INSTANCES` among requiresCompatibilities, `credentialSpecs` and those among \
         `dockerSecurityOptions`, `NeuronDevice` among resourceRequirements, `fsxWindowsFileServerVolumeConfiguration`, \
         `s3filesVolumeConfiguration`, `configuredAtLaunch`, each `logDriver` other than awsfirelens, awslogs, fluentd, \
         json-file and syslog, and of these the `options` that are not built",
    ),
    (
        "RunTask",
        "`volumeConfigurations`, `overrides.ephemeralStorage`, `overrides.inferenceAcceleratorOverrides`, \
         `containerOverrides.resourceRequirements` and the launch type `MANAGED_INSTANCES` are refused",
    ),
    (
        "StartTask",
        "`volumeConfigurations`, `overrides.ephemeralStorage`, `overrides.inferenceAcceleratorOverrides` and \
         `containerOverrides.resourceRequirements` are refused",
    ),
    (
        "SubmitAttachmentStateChanges",
        "`attachments` of container instances are never found: they have none",
    ),
    (
        "UpdateCapacityProvider",
        "`managedInstancesProvider` is refused; the rest is kept, there are no Auto Scaling groups that follow",
    ),
    ("UpdateCluster", CONFIGURED),
    (
        "UpdateClusterSettings",
        "Container Insights is kept, nothing is measured; also takes Gantry's `instanceRebalancing`",
    ),
    ("UpdateContainerAgent", "there is never an update"),
    (
        "UpdateService",
        "as CreateService, and a change of the `deploymentController` is refused",
    ),
];
