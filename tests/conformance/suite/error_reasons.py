"""Why an error that the model lists for an operation cannot be provoked."""

# What the key of an agent may call, as the managed policy for container instances has it.
OF_AGENTS = {
    "CreateCluster",
    "DeregisterContainerInstance",
    "DiscoverPollEndpoint",
    "ListTagsForResource",
    "RegisterContainerInstance",
    "SubmitAttachmentStateChanges",
    "SubmitContainerStateChange",
    "SubmitTaskStateChange",
    "UpdateContainerInstancesState",
}

UNBUILT = "the operation is not built"
REFUSED_FIRST = "the operation is refused before it looks for anything"
NAMES_IT = "every refusal of the operation has a more particular exception"
NOTHING_UNSUPPORTED = "nothing that can be asked of it is unsupported"
MISSING = "what is not found is a failure MISSING of the answer"
TOO_MANY = "Amazon answers InvalidParameterException for too many task sets"
AT_ONCE = "nothing takes time that another call could run into"

# Of errors that nothing provokes, whatever the operation.
OF_ERRORS = {
    "ServerException": "the store would have to fail",
    "BlockedException": "accounts are not blocked",
    "UpdateInProgressException": AT_ONCE,
    "TargetNotConnectedException": "the agent of a task that runs would have to lose its connection",
    "PlatformTaskDefinitionIncompatibilityException": "what the platform lacks is refused when a task definition is registered",
    "ClusterContainsCapacityProviderException": "capacity providers of managed instances, which belong to one cluster, are refused",
}

# Of pairs of operation and error.
OF_PAIRS = {
    ("CreateCapacityProvider", "ClusterNotFoundException"): "only managed instances name a cluster, and are refused first",
    ("CreateCapacityProvider", "LimitExceededException"): "there is no quota",
    ("CreateTaskSet", "LimitExceededException"): TOO_MANY,
    ("CreateTaskSet", "NamespaceNotFoundException"): "task sets have no Service Connect",
    ("CreateTaskSet", "UnsupportedFeatureException"): NOTHING_UNSUPPORTED,
    ("DeleteTaskSet", "LimitExceededException"): TOO_MANY,
    ("DeleteTaskSet", "UnsupportedFeatureException"): NOTHING_UNSUPPORTED,
    ("DescribeTaskSets", "UnsupportedFeatureException"): NOTHING_UNSUPPORTED,
    ("UpdateServicePrimaryTaskSet", "UnsupportedFeatureException"): NOTHING_UNSUPPORTED,
    ("UpdateTaskSet", "LimitExceededException"): TOO_MANY,
    ("UpdateTaskSet", "UnsupportedFeatureException"): NOTHING_UNSUPPORTED,
    ("DeleteCapacityProvider", "ClusterNotFoundException"): "only managed instances belong to a cluster",
    ("DeleteCapacityProvider", "UnsupportedFeatureException"): NOTHING_UNSUPPORTED,
    ("DescribeCapacityProviders", "UnsupportedFeatureException"): NOTHING_UNSUPPORTED,
    ("ContinueServiceDeployment", "UnsupportedFeatureException"): NOTHING_UNSUPPORTED,
    ("DescribeServiceDeployments", "ClusterNotFoundException"): MISSING,
    ("DescribeServiceDeployments", "ServiceNotFoundException"): MISSING,
    ("DescribeServiceDeployments", "UnsupportedFeatureException"): NOTHING_UNSUPPORTED,
    ("DescribeServiceRevisions", "ClusterNotFoundException"): MISSING,
    ("DescribeServiceRevisions", "ServiceNotFoundException"): MISSING,
    ("DescribeServiceRevisions", "UnsupportedFeatureException"): NOTHING_UNSUPPORTED,
    ("DiscoverPollEndpoint", "InvalidParameterException"): "every agent gets the same answer",
    ("GetTaskProtection", "ResourceNotFoundException"): MISSING,
    ("GetTaskProtection", "UnsupportedFeatureException"): NOTHING_UNSUPPORTED,
    ("ListServiceDeployments", "UnsupportedFeatureException"): NOTHING_UNSUPPORTED,
    ("RegisterTaskDefinition", "LimitExceededException"): "there is no quota",
    ("StartTask", "NamespaceNotFoundException"): "tasks that are not of a service use no Service Connect",
    ("StopServiceDeployment", "UnsupportedFeatureException"): NOTHING_UNSUPPORTED,
    ("UpdateCapacityProvider", "ClusterNotFoundException"): "only managed instances name a cluster, and are refused first",
    ("UpdateTaskProtection", "ResourceNotFoundException"): MISSING,
    ("UpdateTaskProtection", "UnsupportedFeatureException"): NOTHING_UNSUPPORTED,
}

# Operations whose ClientException is provoked.
CLIENT_EXCEPTION = {
    "CreateCapacityProvider",
    "CreateService",
    "CreateTaskSet",
    "DeleteCapacityProvider",
    "DeleteDaemonTaskDefinition",
    "DeregisterContainerInstance",
    "DeregisterTaskDefinition",
    "DescribeDaemonTaskDefinition",
    "DescribeTaskDefinition",
    "ListDaemonTaskDefinitions",
    "RegisterContainerInstance",
    "RegisterDaemonTaskDefinition",
    "RegisterTaskDefinition",
    "RunTask",
    "StartTask",
    "UpdateCapacityProvider",
    "UpdateContainerAgent",
    "UpdateService",
}


def is_refused(operation):
    """Daemons and Express gateway services."""
    return "Daemon" in operation or "ExpressGateway" in operation


def reason(operation, code, is_unknown, has_denied_key):
    """Why the error is not provoked; None if it must be."""
    if is_unknown:
        return UNBUILT
    if code == "AccessDeniedException" and (operation in OF_AGENTS or not has_denied_key):
        return "the subject has no key that may not make the call"
    if code in OF_ERRORS:
        return OF_ERRORS[code]
    if (operation, code) in OF_PAIRS:
        return OF_PAIRS[(operation, code)]
    if code == "ClientException" and operation not in CLIENT_EXCEPTION:
        return REFUSED_FIRST if is_refused(operation) else NAMES_IT
    answered = ("AccessDeniedException", "InvalidParameterException", "UnsupportedFeatureException", "ClientException")
    if is_refused(operation) and (code not in answered or _takes_nothing(operation, code)):
        return REFUSED_FIRST
    return None


def _takes_nothing(operation, code):
    return code == "InvalidParameterException" and operation in ("ListDaemonTaskDefinitions", "ListDaemons")
