"""What Amazon ECS answers to a changed member, where that is documented: by name of the member.

The sources are the descriptions of botocore's model (bounds, lengths, "up to ...") and the quotas of the developer guide
("Amazon ECS endpoints and quotas"). A table is asked for the longest ending of a member's path that it has.
"""

import re
import unicodedata

from . import bases, error_reasons
from .inputs import ACCEPTED, EITHER, LONG, REFUSED, Rules

NAME = re.compile(r"[A-Za-z0-9_-]{1,255}")
ATTRIBUTE = re.compile(r"[A-Za-z0-9_./-]{1,128}")

# Strings that the documentation bounds by their characters and length.
STRINGS = {
    "CreateCapacityProvider.name": NAME,
    "CreateCluster.clusterName": NAME,
    "CreateService.serviceName": NAME,
    "RegisterTaskDefinition.containerDefinitions.name": NAME,
    "RegisterTaskDefinition.family": NAME,
    "RegisterTaskDefinition.volumes.name": NAME,
    "RunTask.clientToken": re.compile(r"[!-~]{1,64}"),
    "DeleteAttributes.attributes.name": ATTRIBUTE,
    "PutAttributes.attributes.name": ATTRIBUTE,
    "clientToken": re.compile(r"[!-~]{1,36}"),
    "portMappings.name": re.compile(r"[a-z0-9_][a-z0-9_-]{0,63}"),
}
# Any text is right, if it has no NUL, which no process can be given.
TEXTS = {
    "containerDefinitions.command",
    "containerDefinitions.entryPoint",
    "containerOverrides.command",
    "containerOverrides.environment.value",
    "environment.value",
}
# Strings of which only the length is known to be looked at.
LENGTHS = {
    "RunTask.referenceId": 1024,
    "RunTask.startedBy": 128,
    "StartTask.referenceId": 1024,
    "StartTask.startedBy": 36,
    "placementConstraints.expression": 2000,
}
# Of whole documents, by operation: a task definition has 64 KiB at most, and overrides 8192 characters.
DOCUMENT_LENGTHS = {"RegisterTaskDefinition": 64 * 1024}
# Numbers from and to; None: no documented bound.
NUMBERS = {
    "DescribeCapacityProviders.maxResults": (1, 10),
    "ListAccountSettings.maxResults": (1, 10),
    "RunTask.count": (1, 10),
    "bakeTimeInMinutes": (0, 1440),
    "canaryBakeTimeInMinutes": (0, 1440),
    "capacityProviderStrategy.base": (0, 100_000),
    # Alone it must be above 0.
    "capacityProviderStrategy.weight": (1, 1000),
    "clientAliases.port": (1, 65535),
    "containerPort": (1, 65535),
    # The quota of tasks of a service.
    "desiredCount": (0, 5000),
    "ephemeralStorage.sizeInGiB": (21, 200),
    "expiresInMinutes": (1, 2880),
    "healthCheck.interval": (5, 300),
    "healthCheck.retries": (1, 10),
    "healthCheck.startPeriod": (0, 300),
    # Documented as 60; Amazon's refusal names 120.
    "healthCheck.timeout": (2, 120),
    "healthCheckGracePeriodSeconds": (0, None),
    "hostPort": (0, 65535),
    "instanceWarmupPeriod": (0, 10_000),
    "maxResults": (1, 100),
    "maxSwap": (0, 2**31 - 1),
    "maximumScalingStepSize": (1, 10_000),
    "minimumScalingStepSize": (1, 10_000),
    "restartAttemptPeriod": (60, 1800),
    "scale.value": (0, 100),
    "stepBakeTimeInMinutes": (0, 1440),
    "swappiness": (0, 100),
    "targetCapacity": (1, 100),
    "timeoutInMinutes": (1, 20_160),
}
# Numbers below 0 that mean something, or are words of an agent about its host.
NEGATIVE = {"ulimits.hardLimit", "ulimits.softLimit", "totalResources.longValue", "totalResources.doubleValue"}
# How long a list may be.
COUNTS = {
    "DeleteTaskDefinitions.taskDefinitions": 10,
    "DescribeCapacityProviders.capacityProviders": 100,
    "DescribeClusters.clusters": 100,
    "DescribeContainerInstances.containerInstances": 100,
    "DescribeServiceDeployments.serviceDeploymentArns": 20,
    "DescribeServiceRevisions.serviceRevisionArns": 20,
    "DescribeServices.services": 10,
    "DescribeTasks.tasks": 100,
    "GetTaskProtection.tasks": 100,
    "StartTask.containerInstances": 10,
    "UpdateContainerInstancesState.containerInstances": 10,
    "UpdateTaskProtection.tasks": 10,
    "DeleteAttributes.attributes": 10,
    "PutAttributes.attributes": 10,
    "RegisterTaskDefinition.containerDefinitions": 10,
    "RegisterTaskDefinition.placementConstraints": 10,
    "capacityProviderStrategy": 20,
    "defaultCapacityProviderStrategy": 20,
    "placementConstraints": 10,
    "placementStrategy": 5,
    "restartPolicy.ignoredExitCodes": 50,
    "securityGroups": 5,
    "serviceConnectConfiguration.services.clientAliases": 1,
    "subnets": 16,
    "tags": 50,
}
# Lists of which one item at least must be there.
NEEDED = {
    "DeleteTaskDefinitions.taskDefinitions",
    "DescribeContainerInstances.containerInstances",
    "DescribeServices.services",
    "DescribeTasks.tasks",
    "GetTaskProtection.tasks",
    "RegisterTaskDefinition.containerDefinitions",
    "StartTask.containerInstances",
    "UpdateTaskProtection.tasks",
    "subnets",
}
# Members of which no word of the variants can be right: they name what must be there already, or have a grammar.
IDENTIFIERS = {
    "CreateService.role",
    "DeleteAccountSetting.principalArn",
    "DescribeServiceDeployments.serviceDeploymentArns",
    "DescribeServiceRevisions.serviceRevisionArns",
    "DescribeTaskSets.taskSets",
    "DescribeTasks.tasks",
    "GetTaskProtection.tasks",
    "ListAccountSettings.principalArn",
    # Both need the name of what has the value.
    "ListAccountSettings.value",
    "ListAttributes.attributeValue",
    "ListContainerInstances.filter",
    "ListServicesByNamespace.namespace",
    "PutAccountSetting.principalArn",
    "PutAccountSetting.value",
    "PutAccountSettingDefault.value",
    "PutClusterCapacityProviders.capacityProviders",
    "RegisterContainerInstance.containerInstanceArn",
    "RegisterContainerInstance.totalResources.name",
    "RegisterTaskDefinition.cpu",
    "RegisterTaskDefinition.memory",
    "UpdateCapacityProvider.name",
    "UpdateContainerAgent.containerInstance",
    "UpdateTaskProtection.tasks",
    "attributes.targetId",
    "capacityProviderStrategy.capacityProvider",
    "cluster",
    "containerOverrides.name",
    "defaultCapacityProviderStrategy.capacityProvider",
    "dependsOn.containerName",
    "extraHosts.ipAddress",
    "healthCheck.command",
    "lifecycleHooks.hookTargetArn",
    "loadBalancers.advancedConfiguration.alternateTargetGroupArn",
    "loadBalancers.advancedConfiguration.productionListenerRule",
    "loadBalancers.advancedConfiguration.roleArn",
    "loadBalancers.advancedConfiguration.testListenerRule",
    "loadBalancers.containerName",
    "loadBalancers.loadBalancerName",
    "loadBalancers.targetGroupArn",
    "mountPoints.sourceVolume",
    "networkConfiguration.awsvpcConfiguration.securityGroups",
    "networkConfiguration.awsvpcConfiguration.subnets",
    "nextToken",
    "overrides.cpu",
    "overrides.memory",
    "placementConstraints.expression",
    "placementStrategy.field",
    "platformVersion",
    "portMappings.containerPortRange",
    "primaryTaskSet",
    "repositoryCredentials.credentialsParameter",
    "resourceArn",
    "service",
    "serviceName",
    "serviceConnectConfiguration.services.portName",
    "serviceRegistries.containerName",
    "serviceRegistries.registryArn",
    "settings.value",
    "taskDefinition",
    "taskSet",
    "volumesFrom.sourceContainer",
}
# These are made, or looked for and not found, or of any form.
NO_IDENTIFIERS = {
    "CreateService.serviceName",
    "DiscoverPollEndpoint.cluster",
    # Of an agent's report about its instance, nothing is looked up.
    "RegisterContainerInstance.attributes.targetId",
}
# What is right by itself may need, or exclude, another member.
DEPENDENT = {
    "CreateService.schedulingStrategy",
    "CreateService.deploymentController.type",
    "CreateTaskSet.launchType",
    "CreateService.launchType",
    "PutAccountSetting.name",
    "PutAccountSettingDefault.name",
    "RegisterTaskDefinition.containerDefinitions.essential",
    "RegisterTaskDefinition.enableFaultInjection",
    "RegisterTaskDefinition.requiresCompatibilities",
    "RegisterTaskDefinition.runtimePlatform.cpuArchitecture",
    "RegisterTaskDefinition.runtimePlatform.operatingSystemFamily",
    "RegisterTaskDefinition.volumes.configuredAtLaunch",
    "RunTask.capacityProviderStrategy",
    "RunTask.launchType",
    "RunTask.propagateTags",
    "StartTask.propagateTags",
    "UpdateCapacityProvider.autoScalingGroupProvider.managedScaling.maximumScalingStepSize",
    "UpdateCapacityProvider.autoScalingGroupProvider.managedScaling.minimumScalingStepSize",
    "UpdateService.capacityProviderStrategy",
    "appProtocol",
    "assignPublicIp",
    "authorizationConfig.iam",
    "dependsOn.condition",
    "dockerVolumeConfiguration.autoprovision",
    "enableExecuteCommand",
    "executeCommandConfiguration.logging",
    "executeCommandConfiguration.logConfiguration",
    "healthCheckGracePeriodSeconds",
    "ingressPortOverride",
    "lifecycleHooks.lifecycleStages",
    "lifecycleHooks.targetType",
    "logDriver",
    "managedTerminationProtection",
    "placementConstraints.type",
    "placementStrategy.type",
    "totalResources",
}
# Words of an agent about its host: what Amazon does with others than the model's is not told.
WORDS_OF_AGENTS = {"RegisterContainerInstance.attributes.targetType", "RegisterContainerInstance.platformDevices.type"}
# The bases have the other one of two, of which exactly one is to be given.
EXCLUDED = {"CreateCapacityProvider.managedInstancesProvider", "UpdateCapacityProvider.managedInstancesProvider"}
# Words that the model lists, of which the operation takes only these.
WORDS = {
    "UpdateContainerInstancesState.status": {"ACTIVE", "DRAINING"},
}


def known(table, path):
    """What a table has for the longest ending of a path."""
    return next((table[key] for first in range(len(path)) if (key := ".".join(path[first:])) in table), None)


def named(names, path):
    return any(".".join(path[first:]) in names for first in range(len(path)))


def bounds_of(path, shape):
    """The least and the greatest number: as documented, or else as the model has it."""
    modelled = (shape.metadata.get("min"), shape.metadata.get("max"))
    return known(NUMBERS, path) or (modelled if modelled != (None, None) else None)


def is_of_wrong_item(value, shape):
    """Whether a list has an item of another JSON type than its own."""
    is_text = shape.member.type_name == "string"
    return any(it is not None and isinstance(it, str) != is_text for it in value)


def is_tag(text, longest):
    """Letters, numbers and spaces of any script, and a few signs."""
    return len(text) <= longest and all(it in "_.:/=+-@" or unicodedata.category(it)[0] in "LZN" for it in text)


class Ecs(Rules):
    """The tables, asked in the order of what they know best."""

    def __init__(self, world):
        self.world = world

    def sample(self, path):
        return bases.sample_of(path)

    def base_verdict(self, operation):
        if error_reasons.is_refused(operation):
            return EITHER
        return REFUSED if operation in bases.REFUSED_AS_IT_IS else ACCEPTED

    def verdict(self, path, what, value, shape):
        if path[0] in bases.REFUSED_AS_IT_IS or (named(EXCLUDED, path[:2]) and value is not None):
            return REFUSED
        if what in ("null", "with an unknown member", "as it is"):
            return EITHER if named(DEPENDENT, path) else None
        if "of type " in what or (shape.type_name == "list" and is_of_wrong_item(value, shape)):
            return None
        if shape.type_name == "list":
            return self._of_list(path, what, value, shape)
        return self._of_value(path, what, value, shape)

    def _of_list(self, path, what, value, shape):
        longest = known(COUNTS, path)
        if longest is not None and len(value) > longest:
            return REFUSED
        if what == "empty" and named(NEEDED, path):
            return REFUSED
        if what == "twice the same" and path[-1] == "tags":
            return REFUSED
        if what.startswith("with ") and value[0] is not None:
            return self._of_value(path, what, value[0], shape.member)
        return None

    def _of_value(self, path, what, value, shape):
        kind = shape.type_name
        if kind == "string":
            return self._of_string(path, value, shape)
        if kind in ("integer", "long", "double", "float"):
            return self._of_number(path, value, shape)
        if kind == "boolean":
            return EITHER if named(DEPENDENT, path) else ACCEPTED
        return None

    def _of_string(self, path, value, shape):
        if shape.enum and value not in shape.enum:
            # Words of the model are exact. An empty one may stand for none.
            return EITHER if named(WORDS_OF_AGENTS, path) or not value else REFUSED
        if len(value) > DOCUMENT_LENGTHS.get(path[0], len(value)) or ("overrides" in path and len(value) > 8192):
            return REFUSED
        pattern = known(STRINGS, path)
        if pattern is not None and value:
            return ACCEPTED if pattern.fullmatch(value) else REFUSED
        if path[-2:] == ("tags", "key"):
            is_right = value and is_tag(value, 128)
            return ACCEPTED if is_right else REFUSED
        if path[-2:] == ("tags", "value"):
            return ACCEPTED if is_tag(value, 256) else REFUSED
        longest = known(LENGTHS, path)
        if longest is not None and len(value) > longest:
            return REFUSED
        if shape.enum and value in shape.enum:
            if value not in (known(WORDS, path) or shape.enum):
                return REFUSED
            return EITHER if named(DEPENDENT, path) else ACCEPTED
        if named(TEXTS, path) and value and len(value) <= len(LONG) and "\0" not in value:
            return ACCEPTED
        if not shape.enum and value and named(IDENTIFIERS, path) and not named(NO_IDENTIFIERS, path):
            return REFUSED
        return None

    def _of_number(self, path, value, shape):
        if not isinstance(value, (int, float)):
            return None
        bounds = bounds_of(path, shape)
        if bounds is None and value < 0 and not named(NEGATIVE, path):
            return REFUSED
        if bounds is None or isinstance(value, float) != (shape.type_name in ("double", "float")):
            return None
        least, most = bounds
        if (least is not None and value < least) or (most is not None and value > most):
            return REFUSED
        return EITHER if named(DEPENDENT, path) else ACCEPTED

    def edges(self, path, shape):
        """The last value inside each bound, and the first outside."""
        if shape.type_name in ("integer", "long"):
            for bound in bounds_of(path, shape) or ():
                for value in () if bound is None else (bound - 1, bound, bound + 1):
                    yield f"at the edge, {value}", value, EITHER
        if shape.type_name == "string" and (pattern := known(STRINGS, path)) is not None:
            longest = next(length for length in (255, 128, 64, 36) if pattern.fullmatch("a" * length))
            yield from _lengths(longest)
        if shape.type_name == "string" and (longest := known(LENGTHS, path)) is not None:
            yield from _lengths(longest)
        if path[-2:] in (("tags", "key"), ("tags", "value")):
            yield from _lengths(128 if path[-1] == "key" else 256)


def _lengths(longest):
    for length in (longest, longest + 1):
        yield f"of {length} characters", "a" * length, EITHER
