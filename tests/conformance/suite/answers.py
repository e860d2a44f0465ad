"""The happy path of every operation that is built, and some refusals: the whole answer, as boto3 reads it, compared with a golden file."""

from botocore.exceptions import ClientError

from . import deployments, error_reasons, subject
from .recorder import IMAGE, UNBUILT, Recorder

def main():
    faults, recorder = subject.Faults(), Recorder()
    flows = (capacity_providers, clusters, task_definitions, tasks, services, task_sets, container_instances, tags)
    for flow in (*flows, settings, agents, *deployments.FLOWS):
        flow(recorder)
    cases = recorder.compare("", faults)
    _missing(recorder, faults)
    faults.finish(f"{cases} whole answers of {len(recorder.of_operation)} operations")


def capacity_providers(it):
    group = "arn:aws:autoscaling:us-east-1:123456789012:autoScalingGroup:1a2b:autoScalingGroupName/golden"
    it.call(
        "CreateCapacityProvider",
        "of a group",
        name="golden",
        autoScalingGroupProvider={
            "autoScalingGroupArn": group,
            "managedScaling": {"status": "ENABLED", "targetCapacity": 80},
        },
        tags=[{"key": "team", "value": "blue"}],
    )
    names = ["golden", "FARGATE", "missing"]
    it.call("DescribeCapacityProviders", "with tags, and one that never was", capacityProviders=names, include=["TAGS"])
    scaling = {"managedScaling": {"status": "ENABLED", "targetCapacity": 100}}
    it.call("UpdateCapacityProvider", "its target", name="golden", autoScalingGroupProvider=scaling)
    it.call("DeleteCapacityProvider", "unused", capacityProvider="golden")
    it.call("DescribeCapacityProviders", "deleted", capacityProviders=["golden"])


def clusters(it):
    it.call("CreateCluster", "the least", clusterName="golden")
    it.call("CreateCluster", "again", clusterName="golden")
    it.call(
        "CreateCluster",
        "tags and settings",
        clusterName="golden-more",
        tags=[{"key": "team", "value": "blue"}, {"key": "empty", "value": ""}],
        settings=[{"name": "containerInsights", "value": "disabled"}],
    )
    fields = ["ATTACHMENTS", "CONFIGURATIONS", "SETTINGS", "STATISTICS", "TAGS"]
    it.call("DescribeClusters", "all of it", clusters=["golden-more"], include=fields)
    it.call("DescribeClusters", "by default", clusters=["golden", "missing"])
    it.call_own("ListClusters", "a page", maxResults=100)
    insights = [{"name": "containerInsights", "value": "disabled"}]
    it.call("UpdateClusterSettings", "back to the default", cluster="golden-more", settings=insights)
    it.call("UpdateCluster", "settings", cluster="golden-more", settings=insights)
    strategy = [{"capacityProvider": "FARGATE", "weight": 1, "base": 2}]
    it.call(
        "PutClusterCapacityProviders",
        "Fargate",
        cluster="golden-more",
        capacityProviders=["FARGATE", "FARGATE_SPOT"],
        defaultCapacityProviderStrategy=strategy,
    )
    it.call("DeleteCluster", "an empty one", cluster="golden-more")
    it.call("DescribeClusters", "deleted", clusters=["golden-more"])


def task_definitions(it):
    it.call(
        "RegisterTaskDefinition",
        "the least",
        family="golden-least",
        containerDefinitions=[{"name": "web", "image": "nginx", "memory": 64}],
    )
    it.call(
        "RegisterTaskDefinition",
        "much of it",
        family="golden-more",
        networkMode="awsvpc",
        requiresCompatibilities=["FARGATE"],
        cpu="256",
        memory="512",
        taskRoleArn="arn:aws:iam::123456789012:role/task",
        executionRoleArn="arn:aws:iam::123456789012:role/execution",
        runtimePlatform={"cpuArchitecture": "X86_64", "operatingSystemFamily": "LINUX"},
        tags=[{"key": "team", "value": "blue"}],
        containerDefinitions=[
            {
                "name": "web",
                "image": "nginx:1.27",
                "cpu": 128,
                "memory": 256,
                "memoryReservation": 128,
                "portMappings": [{"containerPort": 80}],
                "entryPoint": ["/bin/sh", "-c"],
                "command": ["serve"],
                "environment": [{"name": "B", "value": "2"}, {"name": "A", "value": "1"}],
                "user": "1000",
                "workingDirectory": "/srv",
                "readonlyRootFilesystem": True,
                "dockerLabels": {"label": "value"},
                "ulimits": [{"name": "nofile", "softLimit": 1024, "hardLimit": 4096}],
                "stopTimeout": 30,
                "logConfiguration": {
                    "logDriver": "awslogs",
                    "options": {
                        "awslogs-group": "golden",
                        "awslogs-region": "us-east-1",
                        "awslogs-stream-prefix": "web",
                    },
                },
            },
            {"name": "side", "image": "busybox", "essential": False},
        ],
    )
    it.call("DescribeTaskDefinition", "with tags", taskDefinition="golden-more", include=["TAGS"])
    it.call("DescribeTaskDefinition", "by revision", taskDefinition="golden-least:1")
    it.call("ListTaskDefinitions", "of a family", familyPrefix="golden-more")
    it.call("ListTaskDefinitionFamilies", "by prefix", familyPrefix="golden-")
    it.call("DeregisterTaskDefinition", "the only one", taskDefinition="golden-more:1")
    it.call("DescribeTaskDefinition", "inactive", taskDefinition="golden-more:1")
    it.call("DeleteTaskDefinitions", "an inactive and an active one", taskDefinitions=["golden-more:1", "golden-least:1"])


def tasks(it):
    instance = subject.until("an agent is connected", lambda: subject.connected_instance(it.client))
    sleeper = {"name": "web", "image": IMAGE, "memory": 32, "command": ["/bin/sleep", "600"], "stopTimeout": 2}
    it.quietly("RegisterTaskDefinition", family="golden-task", networkMode="host", containerDefinitions=[sleeper])
    overrides = {"containerOverrides": [{"name": "web", "environment": [{"name": "A", "value": "1"}]}]}
    ran = it.call(
        "RunTask",
        "one, with all that is told of it",
        taskDefinition="golden-task",
        startedBy="golden",
        group="golden-group",
        overrides=overrides,
        tags=[{"key": "team", "value": "blue"}],
    )
    task = ran["tasks"][0]["taskArn"]
    _until_status(it, task, "RUNNING")
    it.call("DescribeTasks", "running", tasks=[task], include=["TAGS"])
    it.call("ListTasks", "by family", family="golden-task")
    # The agent has said the same before: nothing changes.
    it.call("SubmitTaskStateChange", "running, again", task=task, status="RUNNING")
    it.call("SubmitContainerStateChange", "running, again", task=task, containerName="web", status="RUNNING")
    it.call("UpdateTaskProtection", "of a task alone", cluster="default", tasks=[task], protectionEnabled=False)
    it.call("GetTaskProtection", "of a task alone", cluster="default", tasks=[task])
    it.call("StopTask", "with a reason", task=task, reason="golden reasons")
    _until_status(it, task, "STOPPED")
    it.call("DescribeTasks", "stopped, and one that never was", tasks=[task, "0" * 32])
    it.call("ListTasks", "stopped", family="golden-task", desiredStatus="STOPPED")
    started = it.call("StartTask", "on an instance", taskDefinition="golden-task", containerInstances=[instance])
    it.quietly("StopTask", task=started["tasks"][0]["taskArn"])
    _until_status(it, started["tasks"][0]["taskArn"], "STOPPED")


def services(it):
    least = {"cluster": "golden", "serviceName": "least", "taskDefinition": "golden-task", "desiredCount": 0}
    it.call("CreateService", "the least", **least)
    subject.until("least completes", lambda: _is_complete(it, "least"))
    it.call("CreateService", "again", **least)
    it.call(
        "CreateService",
        "much of it",
        cluster="golden",
        serviceName="more",
        taskDefinition="golden-task",
        desiredCount=0,
        launchType="EC2",
        deploymentConfiguration={
            "maximumPercent": 150,
            "minimumHealthyPercent": 50,
        },
        propagateTags="SERVICE",
        enableECSManagedTags=True,
        tags=[{"key": "team", "value": "blue"}],
    )
    subject.until("more completes", lambda: _is_complete(it, "more"))
    it.call("DescribeServices", "complete, and one that never was", cluster="golden", services=["more", "missing"], include=["TAGS"])
    it.call("ListServices", "of a cluster", cluster="golden")
    _history(it)
    it.call("UpdateService", "the same count", cluster="golden", service="more", desiredCount=0)
    it.call("DeleteService", "without tasks", cluster="golden", service="more")
    subject.until("more is gone", lambda: _service(it, "more")["status"] == "INACTIVE")
    it.call("DescribeServices", "deleted", cluster="golden", services=["more"])


def _history(it):
    """Deployments and revisions of a service, and one that is stopped on its way."""
    listed = it.call("ListServiceDeployments", "of a service", cluster="golden", service="more")
    for deployment in listed.get("serviceDeployments", []):
        arn, revision = deployment["serviceDeploymentArn"], deployment["targetServiceRevisionArn"]
        it.call("DescribeServiceDeployments", "complete", serviceDeploymentArns=[arn])
        it.call("DescribeServiceRevisions", "of it", serviceRevisionArns=[revision])
    endless = {"name": "web", "image": "conformance/none:1", "memory": subject.VOID_MEMORY}
    it.quietly("RegisterTaskDefinition", family="golden-endless", containerDefinitions=[endless])
    it.quietly("UpdateService", cluster="golden", service="least", taskDefinition="golden-endless", desiredCount=1)
    newest = it.quietly("ListServiceDeployments", cluster="golden", service="least").get("serviceDeployments", [])
    if newest:
        it.call("StopServiceDeployment", "back to the one before", serviceDeploymentArn=newest[0]["serviceDeploymentArn"])
    it.quietly("DeleteService", cluster="golden", service="least", force=True)


def task_sets(it):
    """Nothing runs: the cluster has no container instance."""
    external = {"cluster": "golden", "serviceName": "external", "deploymentController": {"type": "EXTERNAL"}}
    it.call("CreateService", "with task sets from outside", desiredCount=0, **external)
    invalid, of_service = "InvalidParameterException", {"cluster": "golden", "service": "external"}
    it.refused(invalid, "CreateService", "of both kinds", taskDefinition="golden-task", desiredCount=0, **external)
    blue = it.call(
        "CreateTaskSet",
        "much of it",
        taskDefinition="golden-task",
        externalId="blue",
        launchType="EC2",
        scale={"value": 50, "unit": "PERCENT"},
        clientToken="golden",
        tags=[{"key": "team", "value": "blue"}],
        **of_service,
    )["taskSet"]
    # One after the other: so come their events.
    subject.until("blue is steady", lambda: _stability(it, of_service, [blue]) == {"STEADY_STATE"})
    green = it.call("CreateTaskSet", "the least", taskDefinition="golden-task", **of_service)["taskSet"]
    many = {"taskDefinition": "golden-task", "scale": {"value": 101, "unit": "PERCENT"}}
    it.refused(invalid, "CreateTaskSet", "above the whole", **many, **of_service)
    rolling = {"cluster": "golden", "service": "rolling"}
    it.quietly("CreateService", cluster="golden", serviceName="rolling", taskDefinition="golden-task", desiredCount=0)
    it.refused(invalid, "CreateTaskSet", "of a service that deploys by itself", taskDefinition="golden-task", **rolling)
    it.quietly("DeleteService", force=True, **rolling)
    it.refused("ClusterNotFoundException", "CreateTaskSet", "nowhere", cluster="none", service="none", taskDefinition="a")
    subject.until("both are steady", lambda: _stability(it, of_service, [blue, green]) == {"STEADY_STATE"})
    unknown = "ecs-svc/1234567890123456789"
    sets = [blue["id"], green["taskSetArn"], unknown]
    it.call("DescribeTaskSets", "with tags, and one that never was", taskSets=sets, include=["TAGS"], **of_service)
    it.refused(invalid, "DescribeTaskSets", "none", **of_service)
    it.refused("ServiceNotFoundException", "DescribeTaskSets", "nowhere", cluster="golden", service="none", taskSets=sets)
    it.call("UpdateServicePrimaryTaskSet", "the first", primaryTaskSet=blue["id"], **of_service)
    missing = "TaskSetNotFoundException"
    it.refused(missing, "UpdateServicePrimaryTaskSet", "one that never was", primaryTaskSet=unknown, **of_service)
    it.call("DescribeServices", "with task sets", cluster="golden", services=["external"], include=["TAGS"])
    it.quietly("UpdateService", cluster="golden", service="external", desiredCount=3)
    half = {"scale": {"value": 50, "unit": "PERCENT"}}
    it.call("UpdateTaskSet", "half of three", taskSet=green["id"], **half, **of_service)
    it.refused(missing, "UpdateTaskSet", "one that never was", taskSet=unknown, **half, **of_service)
    it.refused(invalid, "UpdateService", "what task sets say", taskDefinition="golden-task", **of_service)
    it.refused(invalid, "DeleteTaskSet", "the primary one", taskSet=blue["id"], **of_service)
    it.refused(invalid, "DeleteTaskSet", "one that is scaled", taskSet=green["id"], **of_service)
    it.refused(missing, "DeleteTaskSet", "one that never was", taskSet=unknown, **of_service)
    it.call("DeleteTaskSet", "by force", taskSet=green["id"], force=True, **of_service)
    it.quietly("UpdateService", cluster="golden", service="external", desiredCount=0)
    it.refused(invalid, "DeleteService", "with task sets", **of_service)
    it.quietly("DeleteService", force=True, **of_service)


def _stability(it, of_service, sets):
    described = it.quietly("DescribeTaskSets", taskSets=[one["id"] for one in sets], **of_service)
    return {one["stabilityStatus"] for one in described["taskSets"]}


def container_instances(it):
    it.quietly("CreateCluster", clusterName="golden-hosts")
    registered = it.call(
        "RegisterContainerInstance",
        "an agent's words",
        cluster="golden-hosts",
        totalResources=[
            {"name": "CPU", "type": "INTEGER", "integerValue": 2048},
            {"name": "MEMORY", "type": "INTEGER", "integerValue": 3884},
            {"name": "PORTS", "type": "STRINGSET", "stringSetValue": ["22", "51678"]},
            {"name": "PORTS_UDP", "type": "STRINGSET", "stringSetValue": []},
        ],
        versionInfo={"agentVersion": "1.0.0", "agentHash": "abc", "dockerVersion": "DockerVersion: 25"},
        attributes=[{"name": "ecs.capability.task-eni"}, {"name": "ecs.os-type", "value": "linux"}],
    )
    instance = registered["containerInstance"]["containerInstanceArn"]
    it.call(
        "DescribeContainerInstances",
        "never connected, and one that never was",
        cluster="golden-hosts",
        containerInstances=[instance, "0" * 32],
        include=["TAGS", "CONTAINER_INSTANCE_HEALTH"],
    )
    it.call("ListContainerInstances", "all", cluster="golden-hosts")
    rack = {"name": "rack", "value": "r1", "targetType": "container-instance", "targetId": instance}
    it.call("PutAttributes", "one", cluster="golden-hosts", attributes=[rack])
    of_hosts = {"cluster": "golden-hosts", "targetType": "container-instance"}
    it.call("ListAttributes", "by name", attributeName="rack", **of_hosts)
    it.call("DeleteAttributes", "one", cluster="golden-hosts", attributes=[rack])
    connected = {"cluster": "default", "containerInstance": subject.connected_instance(it.client)}
    it.refused("NoUpdateAvailableException", "UpdateContainerAgent", "there is no newer one", **connected)
    drained = {"cluster": "golden-hosts", "containerInstances": [instance], "status": "DRAINING"}
    it.call("UpdateContainerInstancesState", "draining", **drained)
    it.call("DeregisterContainerInstance", "by force", cluster="golden-hosts", containerInstance=instance, force=True)
    it.call("ListContainerInstances", "none is left", cluster="golden-hosts")


def tags(it):
    cluster = it.quietly("DescribeClusters", clusters=["golden"])["clusters"][0]["clusterArn"]
    it.call("TagResource", "two", resourceArn=cluster, tags=[{"key": "a", "value": "1"}, {"key": "b", "value": ""}])
    it.call("UntagResource", "one", resourceArn=cluster, tagKeys=["a"])
    it.call("ListTagsForResource", "what is left", resourceArn=cluster)


def settings(it):
    it.call("PutAccountSettingDefault", "insights", name="containerInsights", value="enabled")
    it.call("PutAccountSetting", "insights", name="containerInsights", value="disabled")
    it.call_own("ListAccountSettings", "effective", effectiveSettings=True)
    it.call("DeleteAccountSetting", "insights", name="containerInsights")
    it.quietly("PutAccountSettingDefault", name="containerInsights", value="disabled")


def agents(it):
    it.call("DiscoverPollEndpoint", "of a cluster", cluster="golden")


def _until_status(it, task, status):
    subject.until(
        f"{task} {status}", lambda: it.quietly("DescribeTasks", tasks=[task])["tasks"][0]["lastStatus"] == status
    )


def _service(it, name):
    return it.quietly("DescribeServices", cluster="golden", services=[name])["services"][0]


def _is_complete(it, name):
    return _service(it, name)["deployments"][0].get("rolloutState") == "COMPLETED"


def _missing(it, faults):
    """An operation that is built and has no case."""
    without_case = set(subject.model().operation_names) - set(it.of_operation) - it.skipped
    for operation in sorted(name for name in without_case if not error_reasons.is_refused(name)):
        quiet = subject.client(parameter_validation=False)
        method = next(name for name, of in quiet.meta.method_to_api_mapping.items() if of == operation)
        try:
            getattr(quiet, method)()
            code = "success"
        except ClientError as error:
            code = error.response["Error"]["Code"]
        faults.check(code == UNBUILT, f"{operation} is built ({code}) and has no golden case")


if __name__ == "__main__":
    main()
