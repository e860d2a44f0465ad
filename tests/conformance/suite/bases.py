"""Inputs of ECS that variants are made of: accepted as they are, wherever nothing has to run for that."""

from . import subject
from .inputs import sample

# Stands for a name that no variant before had.
UNIQUE = "conformance-unique"
NOBODY = "0" * 32
NO_TASK_SET = "ecs-svc/1234567890123456789"
PROVIDER = f"conformance-provider-{subject.RUN}"
GROUP = "arn:aws:autoscaling:us-east-1:123456789012:autoScalingGroup:1a2b:autoScalingGroupName/"
TOTALS = [
    {"name": "CPU", "type": "INTEGER", "integerValue": 4096},
    {"name": "MEMORY", "type": "INTEGER", "integerValue": 4096},
    {"name": "PORTS", "type": "STRINGSET", "stringSetValue": ["22"]},
    {"name": "PORTS_UDP", "type": "STRINGSET", "stringSetValue": []},
]

# Small values that are right where they stand, by the last names of a member. Others are made from the model.
SAMPLES = {
    "tags": [{"key": "team", "value": "blue"}],
    "settings": [{"name": "containerInsights", "value": "disabled"}],
    "capacityProviderStrategy": [{"capacityProvider": PROVIDER, "weight": 1}],
    "CreateCluster.capacityProviders": ["FARGATE"],
    "PutClusterCapacityProviders.defaultCapacityProviderStrategy": [{"capacityProvider": "FARGATE", "weight": 1}],
    "placementConstraints": [{"type": "memberOf", "expression": "attribute:rack == r1"}],
    "placementStrategy": [{"type": "spread", "field": "instanceId"}],
    "deploymentConfiguration": {"strategy": "BLUE_GREEN", "bakeTimeInMinutes": 0, "maximumPercent": 200},
    "lifecycleHooks": [{"targetType": "PAUSE", "lifecycleStages": ["POST_SCALE_UP"]}],
    "timeoutConfiguration": {"timeoutInMinutes": 5, "action": "CONTINUE"},
    "deploymentCircuitBreaker": {"enable": False, "rollback": False},
    "deploymentController": {"type": "ECS"},
    "scale": {"value": 50.0, "unit": "PERCENT"},
    "containerOverrides": [{"name": "web"}],
    "environment": [{"name": "A", "value": "1"}],
    "environmentFiles": [{"value": "arn:aws:s3:::bucket/file.env", "type": "s3"}],
    "healthCheck": {"command": ["CMD-SHELL", "true"]},
    "logConfiguration": {"logDriver": "json-file"},
    "portMappings": [{"containerPort": 80, "name": "web"}],
    "ulimits": [{"name": "nofile", "softLimit": 1, "hardLimit": 2}],
    "mountPoints": [{"sourceVolume": "disk", "containerPath": "/data"}],
    "dependsOn": [{"containerName": "side", "condition": "START"}],
    "volumesFrom": [{"sourceContainer": "side"}],
    "extraHosts": [{"hostname": "db", "ipAddress": "10.0.0.1"}],
    "linuxParameters": {"initProcessEnabled": True},
    "capabilities": {"add": ["NET_ADMIN"]},
    "devices": [{"hostPath": "/dev/null"}],
    "tmpfs": [{"containerPath": "/tmp", "size": 16}],
    "restartPolicy": {"enabled": True},
    "systemControls": [{"namespace": "net.core.somaxconn", "value": "128"}],
    "volumes": [{"name": "disk"}],
    "runtimePlatform": {"cpuArchitecture": "X86_64", "operatingSystemFamily": "LINUX"},
    "autoScalingGroupProvider": {"autoScalingGroupArn": GROUP + UNIQUE},
    "UpdateCapacityProvider.autoScalingGroupProvider": {"managedScaling": {"status": "DISABLED"}},
    "managedScaling": {"status": "DISABLED"},
    "totalResources": TOTALS,
    "versionInfo": {"agentVersion": "1.0.0"},
    "serviceConnectConfiguration": {"enabled": True, "namespace": subject.VOID_NAMESPACE},
    "serviceConnectConfiguration.services": [{"portName": "web", "discoveryName": UNIQUE}],
    "accessLogConfiguration": {"format": "TEXT"},
}


# Bases that must be refused: what would be accepted is gone after it, or needs a task that runs.
REFUSED_AS_IT_IS = {
    "ContinueServiceDeployment",
    "DeleteCapacityProvider",
    "DeleteCluster",
    "DeleteService",
    "DeleteTaskSet",
    "DeregisterContainerInstance",
    "DeregisterTaskDefinition",
    "ExecuteCommand",
    "StopServiceDeployment",
    "StopTask",
    "SubmitAttachmentStateChanges",
    "SubmitContainerStateChange",
    "SubmitTaskStateChange",
    "UpdateContainerAgent",
}


def sample_of(path):
    """The value that the table has for a member: the longest ending counts."""
    for first in range(len(path)):
        found = SAMPLES.get(".".join(path[first:]))
        if found is not None:
            return found
    return None


def of(world):
    """Bases by operation; `world` is what the subject has been prepared with."""
    of_task_sets = {"cluster": world.cluster, "service": world.external_service}
    on_hosts = {"cluster": world.hosts, "taskDefinition": world.task_definition}
    attribute = {"name": "rack", "value": "r1", "targetType": "container-instance", "targetId": world.instance}
    of_cluster = {"resourceArn": world.cluster_arn}
    return {
        "CreateCapacityProvider": {"name": UNIQUE, "autoScalingGroupProvider": {"autoScalingGroupArn": GROUP + UNIQUE}},
        "CreateCluster": {"clusterName": UNIQUE},
        "CreateService": {
            "cluster": world.cluster,
            "serviceName": UNIQUE,
            "taskDefinition": world.task_definition,
            "desiredCount": 0,
        },
        "CreateTaskSet": {**of_task_sets, "taskDefinition": world.task_definition},
        "DeleteAttributes": {"cluster": world.hosts, "attributes": [attribute]},
        "DeleteCapacityProvider": {"capacityProvider": "conformance-nothing"},
        "DeleteCluster": {"cluster": "conformance-nowhere"},
        "DeleteService": {"cluster": world.cluster, "service": "conformance-nothing"},
        "DeleteTaskSet": {**of_task_sets, "taskSet": NO_TASK_SET},
        "DescribeCapacityProviders": {},
        "DescribeServiceDeployments": {"serviceDeploymentArns": [world.deployment]},
        "DescribeServiceRevisions": {"serviceRevisionArns": [world.revision]},
        "DescribeTaskDefinition": {"taskDefinition": world.task_definition},
        "DescribeTaskSets": {**of_task_sets, "taskSets": [world.task_set]},
        "DescribeTasks": {"cluster": world.cluster, "tasks": [NOBODY]},
        "DeregisterTaskDefinition": {"taskDefinition": "conformance-nothing:1"},
        "GetTaskProtection": {"cluster": world.cluster, "tasks": [NOBODY]},
        "ListServicesByNamespace": {"namespace": subject.VOID_NAMESPACE},
        "ListTagsForResource": of_cluster,
        "ListServiceDeployments": {"cluster": world.cluster, "service": world.service},
        "PutAccountSetting": {"name": "containerInsights", "value": "disabled"},
        "PutAccountSettingDefault": {"name": "containerInsights", "value": "disabled"},
        "PutAttributes": {"cluster": world.hosts, "attributes": [attribute]},
        "PutClusterCapacityProviders": {
            "cluster": world.providers_cluster,
            "capacityProviders": ["FARGATE"],
            "defaultCapacityProviderStrategy": [{"capacityProvider": "FARGATE", "weight": 1}],
        },
        "RegisterTaskDefinition": {
            "family": "conformance-variants",
            "containerDefinitions": [
                {"name": "web", "image": "conformance/none:1", "memory": subject.VOID_MEMORY},
                {"name": "side", "image": "conformance/none:1", "memory": subject.VOID_MEMORY},
            ],
            "volumes": [{"name": "disk"}],
        },
        "RegisterContainerInstance": {"cluster": world.hosts, "totalResources": TOTALS},
        # Its only instances have no agent: there the answer is a failure AGENT, and nothing starts.
        "RunTask": on_hosts,
        "StartTask": {**on_hosts, "containerInstances": [world.instance]},
        "TagResource": {**of_cluster, "tags": [{"key": "team", "value": "blue"}]},
        "UntagResource": {**of_cluster, "tagKeys": ["team"]},
        "UpdateCapacityProvider": {
            "name": PROVIDER,
            "autoScalingGroupProvider": {"managedScaling": {"status": "DISABLED"}},
        },
        "UpdateClusterSettings": {
            "cluster": world.cluster,
            "settings": [{"name": "containerInsights", "value": "disabled"}],
        },
        "UpdateContainerInstancesState": {
            "cluster": world.hosts,
            "containerInstances": [world.instance],
            "status": "ACTIVE",
        },
        "UpdateServicePrimaryTaskSet": {**of_task_sets, "primaryTaskSet": world.task_set},
        "UpdateTaskProtection": {"cluster": world.cluster, "tasks": [NOBODY], "protectionEnabled": False},
        "UpdateTaskSet": {**of_task_sets, "taskSet": world.task_set, "scale": {"value": 0.0, "unit": "PERCENT"}},
        "UpdateService": {"cluster": world.cluster, "service": world.service},
    }


def by_model(shape, world):
    """What is required, in the empty cluster."""
    base = sample(shape, 0)
    return {**base, "cluster": world.cluster} if "cluster" in shape.members else base


def with_network(world):
    """Bases of tasks with a network interface of their own: these have members that others may not have."""
    network = {"networkConfiguration": {"awsvpcConfiguration": {"subnets": [world.subnet]}}}
    return {
        "CreateService": {
            "cluster": world.cluster,
            "serviceName": UNIQUE,
            "taskDefinition": world.network_task_definition,
            "desiredCount": 0,
            **network,
        },
        "CreateTaskSet": {
            "cluster": world.cluster,
            "service": world.external_service,
            "taskDefinition": world.network_task_definition,
            **network,
        },
        "RunTask": {"cluster": world.hosts, "taskDefinition": world.network_task_definition, **network},
        "StartTask": {
            "cluster": world.hosts,
            "taskDefinition": world.network_task_definition,
            "containerInstances": [world.instance],
            **network,
        },
        "UpdateService": {"cluster": world.cluster, "service": world.network_service, **network},
    }
