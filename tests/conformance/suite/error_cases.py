"""Calls that must be refused, with what they stand on. Names are those of the golden file, so they do not vary."""

from . import subject
from .recorder import IMAGE

NOBODY = "0" * 32
INVALID, CLIENT, UNSUPPORTED = "InvalidParameterException", "ClientException", "UnsupportedFeatureException"
NO_CLUSTER = "ClusterNotFoundException"


class World:
    """A cluster with a service, one with an instance that never connected, one with a task."""

    CLUSTER, HOSTS, TASKS = "errors", "errors-hosts", "errors-tasks"

    def __init__(self, it):
        for name in (self.CLUSTER, self.HOSTS, self.TASKS):
            created = it.make("CreateCluster", clusterName=name)
        self.scope = created["cluster"]["clusterArn"].rsplit("cluster/", 1)[0]
        container = {"name": "web", "image": "conformance/none:1", "memory": subject.VOID_MEMORY}
        it.make("RegisterTaskDefinition", family="errors", containerDefinitions=[container])
        it.make("RegisterTaskDefinition", family="errors-inactive", containerDefinitions=[container])
        it.make("DeregisterTaskDefinition", taskDefinition="errors-inactive:1")
        sleeper = {"name": "web", "image": IMAGE, "command": ["/bin/sleep", "600"], "stopTimeout": 2}
        fargate = {"networkMode": "awsvpc", "requiresCompatibilities": ["FARGATE"], "cpu": "256", "memory": "512"}
        it.make("RegisterTaskDefinition", family="errors-fargate", containerDefinitions=[sleeper], **fargate)
        subnet = subject.client("ec2").describe_subnets()["Subnets"][0]["SubnetId"]
        self.network = {"awsvpcConfiguration": {"subnets": [subnet]}}
        registered = it.make("RegisterContainerInstance", cluster=self.HOSTS, totalResources=TOTALS)
        self.instance = registered["containerInstance"]["containerInstanceArn"]
        subject.until("an agent is connected", lambda: subject.connected_instance(it.ecs))
        on_fargate = {"launchType": "FARGATE", "networkConfiguration": self.network}
        ran = it.make("RunTask", cluster=self.TASKS, taskDefinition="errors-fargate", **on_fargate)
        self.task = ran["tasks"][0]["taskArn"]

    def arn(self, rest):
        return self.scope + rest


TOTALS = [
    {"name": "CPU", "type": "INTEGER", "integerValue": 1024},
    {"name": "MEMORY", "type": "INTEGER", "integerValue": 1024},
]


def run(it):
    """All cases."""
    world = World(it)
    for cases in (
        no_such_cluster,
        clusters,
        capacity_providers,
        task_definitions,
        tasks,
        services,
        task_sets,
        service_deployments,
        container_instances,
        attributes,
        tags,
        settings,
        refused,
    ):
        cases(it, world)
    it.make("StopTask", cluster=world.TASKS, task=world.task)


def no_such_cluster(it, world):
    attribute = {"name": "rack", "targetType": "container-instance", "targetId": NOBODY}
    task = {"task": NOBODY}
    service = {"service": "web"}
    instance = {"containerInstance": NOBODY}
    settings = {"settings": [{"name": "containerInsights", "value": "disabled"}]}
    for operation, arguments in {
        "CreateService": {"serviceName": "web", "taskDefinition": "errors", "desiredCount": 0},
        "DeleteAttributes": {"attributes": [attribute]},
        "DeleteCluster": {},
        "DeleteService": service,
        "DeregisterContainerInstance": instance,
        "DescribeCapacityProviders": {},
        "DescribeContainerInstances": {"containerInstances": [NOBODY]},
        "DescribeServices": {"services": ["web"]},
        "DescribeTasks": {"tasks": [NOBODY]},
        "ExecuteCommand": {**task, "command": "sh", "interactive": True},
        "GetTaskProtection": {"tasks": [NOBODY]},
        "ListAttributes": {"targetType": "container-instance"},
        "ListContainerInstances": {},
        "ListServiceDeployments": service,
        "ListServices": {},
        "ListTasks": {},
        "PutAttributes": {"attributes": [attribute]},
        "PutClusterCapacityProviders": {"capacityProviders": [], "defaultCapacityProviderStrategy": []},
        "RegisterContainerInstance": {"totalResources": TOTALS},
        "RunTask": {"taskDefinition": "errors"},
        "StartTask": {"taskDefinition": "errors", "containerInstances": [NOBODY]},
        "StopTask": task,
        "SubmitAttachmentStateChanges": {"attachments": [{"attachmentArn": "nothing", "status": "ATTACHED"}]},
        "SubmitContainerStateChange": {"task": world.task, "containerName": "web"},
        "SubmitTaskStateChange": {"task": world.task},
        "UpdateCluster": settings,
        "UpdateClusterSettings": settings,
        "UpdateContainerAgent": instance,
        "UpdateContainerInstancesState": {"containerInstances": [NOBODY], "status": "DRAINING"},
        "UpdateService": service,
        "UpdateTaskProtection": {"tasks": [NOBODY], "protectionEnabled": True},
    }.items():
        it.expect(operation, NO_CLUSTER, "no such cluster", cluster="nowhere", **arguments)
    nowhere = {"resourceArn": world.arn("cluster/nowhere")}
    it.expect("TagResource", NO_CLUSTER, "no such cluster", tags=[{"key": "a", "value": "1"}], **nowhere)
    it.expect("UntagResource", NO_CLUSTER, "no such cluster", tagKeys=["a"], **nowhere)
    it.expect("ListTagsForResource", NO_CLUSTER, "no such cluster", **nowhere)


def clusters(it, world):
    it.expect("CreateCluster", INVALID, "a name with spaces", clusterName="no name")
    nowhere = "arn:aws:servicediscovery:us-east-1:123456789012:namespace/ns-0123456789abcdef"
    nowhere = {"serviceConnectDefaults": {"namespace": nowhere}}
    it.expect("CreateCluster", "NamespaceNotFoundException", "no such namespace", clusterName="connected", **nowhere)
    it.expect("UpdateCluster", "NamespaceNotFoundException", "no such namespace", cluster=world.CLUSTER, **nowhere)
    other = {"clusterName": world.CLUSTER, "capacityProviders": ["FARGATE"]}
    it.expect("CreateCluster", INVALID, "other capacity providers than before", **other)
    it.expect("DescribeClusters", INVALID, "an unknown field", include=["NOTHING"])
    it.expect("ListClusters", INVALID, "a page of no size", maxResults=0)
    it.expect("ListClusters", INVALID, "a token of nobody", nextToken="nobody")
    it.expect("UpdateClusterSettings", INVALID, "an unknown setting", cluster=world.CLUSTER, settings=[{"name": "x", "value": "y"}])
    instances = "ClusterContainsContainerInstancesException"
    it.expect("DeleteCluster", instances, "an instance is in it", cluster=world.HOSTS)
    it.expect("DeleteCluster", "ClusterContainsTasksException", "a task is in it", cluster=world.TASKS)
    it.make("CreateService", cluster=world.CLUSTER, serviceName="web", taskDefinition="errors", desiredCount=0)
    it.expect("DeleteCluster", "ClusterContainsServicesException", "a service is in it", cluster=world.CLUSTER)


def capacity_providers(it, world):
    group = {"autoScalingGroupArn": "errors-group"}
    it.make("CreateCapacityProvider", name="errors", autoScalingGroupProvider=group)
    create = {"operation": "CreateCapacityProvider", "name": "errors"}
    it.expect(code=CLIENT, case="the name is taken", autoScalingGroupProvider={"autoScalingGroupArn": "other"}, **create)
    it.expect(code=CLIENT, case="neither of the two kinds", **create)
    instances = {
        "infrastructureRoleArn": "arn:aws:iam::123456789012:role/infrastructure",
        "instanceLaunchTemplate": {
            "ec2InstanceProfileArn": "arn:aws:iam::123456789012:instance-profile/instance",
            "networkConfiguration": {"subnets": ["subnet-1"]},
        },
    }
    it.expect(code=UNSUPPORTED, case="managed instances", managedInstancesProvider=instances, **create)
    it.expect("UpdateCapacityProvider", UNSUPPORTED, "managed instances", name="errors", managedInstancesProvider=instances)
    scaling = {"managedScaling": {"targetCapacity": 0}}
    it.expect("UpdateCapacityProvider", CLIENT, "no such", name="missing", autoScalingGroupProvider={})
    it.expect("UpdateCapacityProvider", CLIENT, "a target of nothing", name="errors", autoScalingGroupProvider=scaling)
    it.expect("DescribeCapacityProviders", INVALID, "a page of no size", maxResults=0)
    it.expect("DeleteCapacityProvider", CLIENT, "no such", capacityProvider="missing")
    it.expect("DeleteCapacityProvider", CLIENT, "one of Amazon's own", capacityProvider="FARGATE")
    put = {"operation": "PutClusterCapacityProviders", "cluster": world.CLUSTER}
    strategy = [{"capacityProvider": "errors", "weight": 1}]
    it.expect(code=INVALID, case="a strategy of others", capacityProviders=[], defaultCapacityProviderStrategy=strategy, **put)
    both = {"capacityProviders": ["errors"], "defaultCapacityProviderStrategy": []}
    it.make(put["operation"], cluster=world.CLUSTER, **both)
    it.expect("DeleteCapacityProvider", CLIENT, "a cluster has it", capacityProvider="errors")
    of_service = {"serviceName": "provided", "taskDefinition": "errors", "desiredCount": 0}
    it.make("CreateService", cluster=world.CLUSTER, capacityProviderStrategy=strategy, **of_service)
    none = {"capacityProviders": [], "defaultCapacityProviderStrategy": []}
    it.expect(code="ResourceInUseException", case="a service needs it", **none, **put)


def task_definitions(it, world):
    container = {"name": "web", "image": "nginx", "memory": 64}
    register = {"operation": "RegisterTaskDefinition", "code": CLIENT, "family": "errors-never"}
    for case, containers in {
        "no container": [],
        "no image": [{"name": "web", "memory": 64}],
        "no memory": [{"name": "web", "image": "nginx"}],
        "two of a name": [container, container],
        "nothing essential": [{**container, "essential": False}],
    }.items():
        it.expect(case=case, containerDefinitions=containers, **register)
    fargate = {"requiresCompatibilities": ["FARGATE"], "containerDefinitions": [container]}
    it.expect(case="another network mode on Fargate", networkMode="bridge", cpu="256", memory="512", **fargate, **register)
    it.expect(case="no such size of Fargate", networkMode="awsvpc", cpu="256", memory="513", **fargate, **register)
    tags = [{"key": "aws:mine", "value": ""}]
    it.expect("RegisterTaskDefinition", INVALID, "a tag of Amazon's", family="x", containerDefinitions=[container], tags=tags)
    it.expect("DescribeTaskDefinition", CLIENT, "no such", taskDefinition="errors-never")
    it.expect("DeregisterTaskDefinition", CLIENT, "no such", taskDefinition="errors-never:1")
    it.expect("DeregisterTaskDefinition", CLIENT, "a family alone", taskDefinition="errors")
    it.expect("DeleteTaskDefinitions", INVALID, "none", taskDefinitions=[])
    it.expect("ListTaskDefinitions", INVALID, "an unknown status", status="GONE")
    it.expect("ListTaskDefinitionFamilies", INVALID, "too large a page", maxResults=101)


def tasks(it, world):
    in_cluster = {"cluster": world.CLUSTER}
    run = {"operation": "RunTask", **in_cluster}
    it.expect(code=CLIENT, case="no such task definition", taskDefinition="errors-never", **run)
    it.expect(code=CLIENT, case="an inactive task definition", taskDefinition="errors-inactive:1", **run)
    it.expect(code=INVALID, case="no instances", taskDefinition="errors", **run)
    it.expect(code=INVALID, case="too many", taskDefinition="errors", count=11, **run)
    it.expect(code=INVALID, case="another network mode", taskDefinition="errors", networkConfiguration=world.network, **run)
    overrides = {"containerOverrides": [{"name": "db"}]}
    it.expect(code=INVALID, case="an override of nothing", taskDefinition="errors", overrides=overrides, **run)
    fargate = {"launchType": "FARGATE", "networkConfiguration": world.network}
    it.expect(code=INVALID, case="both ways to a launch type", taskDefinition="errors", **fargate, **run, **STRATEGY)
    unknown = {"taskDefinition": "errors-fargate", "platformVersion": "9.9.9"}
    it.expect(code="PlatformUnknownException", case="no such platform", **unknown, **fargate, **run)
    it.expect(code=UNSUPPORTED, case="volumes at launch", taskDefinition="errors", **VOLUMES, **run)
    token = {"cluster": world.TASKS, "taskDefinition": "errors-fargate", "clientToken": "errors", **fargate}
    again = it.make("RunTask", **token)["tasks"]
    it.expect("RunTask", "ConflictException", "the token of another call", **{**token, "count": 2})
    for task in again:
        it.make("StopTask", cluster=world.TASKS, task=task["taskArn"])
    start = {"operation": "StartTask", **in_cluster, "containerInstances": [NOBODY]}
    it.expect(code=CLIENT, case="no such task definition", taskDefinition="errors-never", **start)
    it.expect(code=UNSUPPORTED, case="volumes at launch", taskDefinition="errors", **VOLUMES, **start)
    it.expect("StopTask", INVALID, "no such task", task=NOBODY, **in_cluster)
    it.expect("StopTask", INVALID, "a task of another cluster", task=world.task, **in_cluster)
    it.expect("DescribeTasks", INVALID, "none", tasks=[], **in_cluster)
    it.expect("ListTasks", INVALID, "an unknown status", desiredStatus="GONE", **in_cluster)
    it.expect("ListTasks", INVALID, "startedBy and another filter", startedBy="me", family="errors", **in_cluster)
    it.expect("ListTasks", "ServiceNotFoundException", "no such service", serviceName="missing", **in_cluster)
    command = {"operation": "ExecuteCommand", "code": INVALID, "cluster": world.TASKS, "command": "sh"}
    it.expect(case="not enabled", task=world.task, interactive=True, **command)
    it.expect(case="not interactive", task=world.task, interactive=False, **command)
    it.expect(case="no such task", task=NOBODY, interactive=True, **command)
    protect = {"cluster": world.TASKS, "tasks": [world.task], "protectionEnabled": True}
    it.expect("UpdateTaskProtection", INVALID, "for too long", expiresInMinutes=2881, **protect)
    it.expect("GetTaskProtection", INVALID, "none", cluster=world.TASKS, tasks=[])
    reports = {"operation": "SubmitTaskStateChange", "code": INVALID, "status": "RUNNING"}
    it.expect(case="no such task", task=f"{world.task[:-32]}{NOBODY}", **reports)
    it.expect("SubmitContainerStateChange", INVALID, "no such task", task=f"{world.task[:-32]}{NOBODY}")
    attachments = [{"attachmentArn": "nothing", "status": "ATTACHED"}]
    it.expect("SubmitAttachmentStateChanges", INVALID, "no such attachment", attachments=attachments)


STRATEGY = {"capacityProviderStrategy": [{"capacityProvider": "FARGATE"}]}
VOLUMES = {"volumeConfigurations": [{"name": "disk", "managedEBSVolume": {"roleArn": "arn:aws:iam::123456789012:role/ebs"}}]}


def services(it, world):
    in_cluster = {"cluster": world.CLUSTER}
    create = {"operation": "CreateService", "serviceName": "new", **in_cluster}
    it.expect(code=CLIENT, case="no such task definition", taskDefinition="errors-never", desiredCount=0, **create)
    it.expect(code=INVALID, case="no count", taskDefinition="errors", **create)
    other = {**create, "serviceName": "web", "taskDefinition": "errors", "desiredCount": 1}
    it.expect(code=INVALID, case="not idempotent", **other)
    fargate = {"launchType": "FARGATE", "networkConfiguration": world.network, "desiredCount": 0}
    unknown = {"taskDefinition": "errors-fargate", "platformVersion": "9.9.9"}
    it.expect(code="PlatformUnknownException", case="no such platform", **unknown, **fargate, **create)
    lattice = {"roleArn": "arn:aws:iam::123456789012:role/lattice", "targetGroupArn": "arn:x", "portName": "web"}
    lattice = {"vpcLatticeConfigurations": [lattice]}
    it.expect(code=UNSUPPORTED, case="VPC Lattice", taskDefinition="errors", desiredCount=0, **lattice, **create)
    connect = {"serviceConnectConfiguration": {"enabled": True, "namespace": "missing"}}
    nowhere = {"code": "NamespaceNotFoundException", "case": "no such namespace", **connect}
    it.expect(taskDefinition="errors", desiredCount=0, **nowhere, **create)
    it.make("CreateService", **in_cluster, serviceName="fargate", taskDefinition="errors-fargate", **fargate)
    update = {"operation": "UpdateService", **in_cluster}
    it.expect(service="web", **nowhere, **update)
    platform = {"service": "fargate", "platformVersion": "9.9.9"}
    it.expect(code="PlatformUnknownException", case="no such platform", **platform, **update)
    it.expect(code=UNSUPPORTED, case="VPC Lattice", service="web", **lattice, **update)
    it.expect(code=CLIENT, case="no such task definition", service="web", taskDefinition="errors-never", **update)
    it.expect(code=INVALID, case="a negative count", service="web", desiredCount=-1, **update)
    missing = "ServiceNotFoundException"
    it.expect(code=missing, case="no such service", service="missing", **update)
    it.expect("DeleteService", missing, "no such service", service="missing", **in_cluster)
    it.expect("ListServiceDeployments", missing, "no such service", service="missing", **in_cluster)
    gone = {**in_cluster, "serviceName": "gone", "taskDefinition": "errors"}
    it.make("CreateService", desiredCount=1, **gone)
    it.expect("DeleteService", INVALID, "scaled above 0", service="gone", **in_cluster)
    it.make("DeleteService", service="gone", force=True, **in_cluster)
    it.expect(code="ServiceNotActiveException", case="a deleted service", service="gone", desiredCount=0, **update)
    it.expect("DescribeServices", INVALID, "none", services=[], **in_cluster)
    it.expect("ListServices", INVALID, "an unknown launch type", launchType="MOON", **in_cluster)
    it.expect("ListServicesByNamespace", "NamespaceNotFoundException", "no such namespace", namespace="missing")


def task_sets(it, world):
    """Refusals that need a service with task sets, one without, one that is gone, and none."""
    external = {"serviceName": "external", "desiredCount": 0, "deploymentController": {"type": "EXTERNAL"}}
    it.make("CreateService", cluster=world.CLUSTER, **external)
    unknown = "ecs-svc/1234567890123456789"
    operations = {
        "CreateTaskSet": {"taskDefinition": "errors"},
        "DeleteTaskSet": {"taskSet": unknown},
        "DescribeTaskSets": {"taskSets": [unknown]},
        "UpdateServicePrimaryTaskSet": {"primaryTaskSet": unknown},
        "UpdateTaskSet": {"taskSet": unknown, "scale": {"value": 50, "unit": "PERCENT"}},
    }
    in_cluster = {"cluster": world.CLUSTER}
    for operation, arguments in operations.items():
        it.expect(operation, NO_CLUSTER, "no such cluster", cluster="nowhere", service="external", **arguments)
        it.expect(operation, "ServiceNotFoundException", "no such service", service="missing", **in_cluster, **arguments)
        it.expect(operation, "ServiceNotActiveException", "a deleted service", service="gone", **in_cluster, **arguments)
        it.expect(operation, INVALID, "a service that deploys by itself", service="web", **in_cluster, **arguments)
    of_service = {**in_cluster, "service": "external"}
    for operation in ("DeleteTaskSet", "UpdateServicePrimaryTaskSet", "UpdateTaskSet"):
        it.expect(operation, "TaskSetNotFoundException", "no such task set", **of_service, **operations[operation])
    create = {"operation": "CreateTaskSet", **of_service}
    it.expect(code=CLIENT, case="no such task definition", taskDefinition="errors-never", **create)
    fargate = {"taskDefinition": "errors-fargate", "launchType": "FARGATE", "networkConfiguration": world.network}
    it.expect(code="PlatformUnknownException", case="no such platform", platformVersion="9.9.9", **fargate, **create)
    registries = [{"registryArn": "arn:aws:servicediscovery:us-east-1:123456789012:service/srv-1"}]
    it.expect(code=CLIENT, case="no such service registry", taskDefinition="errors", serviceRegistries=registries, **create)
    it.make("DeleteService", force=True, **of_service)


def service_deployments(it, world):
    in_cluster = {"cluster": world.CLUSTER, "service": "web"}
    deployment = subject.until("the deployment of a service without tasks ends", lambda: _ended(it, in_cluster))
    unknown = f"{deployment[:-21]}{'0' * 21}"
    stop = {"operation": "StopServiceDeployment"}
    it.expect(code="ServiceDeploymentNotFoundException", case="no such", serviceDeploymentArn=unknown, **stop)
    it.expect(code="ConflictException", case="one that has ended", serviceDeploymentArn=deployment, **stop)
    it.expect(code=INVALID, case="the stop type ABORT", serviceDeploymentArn=deployment, stopType="ABORT", **stop)
    resume = {"operation": "ContinueServiceDeployment", "hookId": "ecs-pause-errors"}
    it.expect(code="ServiceDeploymentNotFoundException", case="no such", serviceDeploymentArn=unknown, **resume)
    it.expect(code=INVALID, case="no such hook", serviceDeploymentArn=deployment, **resume)
    it.expect("DescribeServiceDeployments", INVALID, "none", serviceDeploymentArns=[])
    it.expect("DescribeServiceRevisions", INVALID, "no ARN", serviceRevisionArns=["web"])
    it.expect("ListServiceDeployments", INVALID, "an unknown status", status=["GONE"], **in_cluster)


def _ended(it, in_cluster):
    """The newest deployment of a service, if it has ended."""
    newest = it.make("ListServiceDeployments", **in_cluster)["serviceDeployments"][0]
    return newest["serviceDeploymentArn"] if newest["status"] == "SUCCESSFUL" else None


def container_instances(it, world):
    hosts = {"cluster": world.HOSTS}
    it.expect("RegisterContainerInstance", INVALID, "no resources", **hosts)
    unknown = {"containerInstanceArn": f"{world.instance[:-32]}{NOBODY}", "totalResources": TOTALS}
    it.expect("RegisterContainerInstance", CLIENT, "an instance of before that never was", **unknown, **hosts)
    it.expect("DeregisterContainerInstance", CLIENT, "no such instance", containerInstance=NOBODY, **hosts)
    it.expect("DescribeContainerInstances", INVALID, "none", containerInstances=[], **hosts)
    it.expect("ListContainerInstances", INVALID, "a filter that is none", filter="((", **hosts)
    update = {"operation": "UpdateContainerInstancesState", "containerInstances": [world.instance], **hosts}
    it.expect(code=INVALID, case="a status that is not for it", status="INACTIVE", **update)
    agent = {"operation": "UpdateContainerAgent", **hosts}
    it.expect(code="MissingVersionException", case="no version", containerInstance=world.instance, **agent)
    it.expect(code=CLIENT, case="no such instance", containerInstance=NOBODY, **agent)
    known = it.make("RegisterContainerInstance", totalResources=TOTALS, versionInfo={"agentVersion": "1.0.0"}, **hosts)
    known = known["containerInstance"]["containerInstanceArn"]
    it.expect(code="NoUpdateAvailableException", case="the newest", containerInstance=known, **agent)


def attributes(it, world):
    def named(count, target):
        return [{"name": f"name-{it}", "targetType": "container-instance", "targetId": target} for it in range(count)]

    hosts = {"cluster": world.HOSTS}
    nobody = f"{world.instance[:-32]}{NOBODY}"
    for operation in ("PutAttributes", "DeleteAttributes"):
        it.expect(operation, "TargetNotFoundException", "no such instance", attributes=named(1, nobody), **hosts)
        it.expect(operation, INVALID, "none", attributes=[], **hosts)
    it.make("PutAttributes", attributes=named(10, world.instance), **hosts)
    more = [{"name": "more", "targetType": "container-instance", "targetId": world.instance}]
    it.expect("PutAttributes", "AttributeLimitExceededException", "an eleventh", attributes=more, **hosts)
    it.expect("ListAttributes", INVALID, "a value without name", targetType="container-instance", attributeValue="x", **hosts)


def tags(it, world):
    def numbered(first, last):
        return [{"key": f"key-{number}", "value": ""} for number in range(first, last)]

    cluster = {"resourceArn": world.arn(f"cluster/{world.CLUSTER}")}
    never = {"resourceArn": world.arn("task-definition/errors-never:1")}
    one = {"tags": numbered(0, 1)}
    it.expect("TagResource", INVALID, "no ARN", resourceArn="errors", **one)
    it.expect("TagResource", "ResourceNotFoundException", "no such task definition", **one, **never)
    it.expect("UntagResource", "ResourceNotFoundException", "no such task definition", tagKeys=["a"], **never)
    it.expect("UntagResource", INVALID, "a key of Amazon's", tagKeys=["aws:mine"], **cluster)
    it.expect("ListTagsForResource", INVALID, "no such task definition", **never)
    it.make("TagResource", tags=numbered(0, 50), **cluster)
    it.expect("TagResource", "LimitExceededException", "a fifty-first", tags=numbered(50, 51), **cluster)


def settings(it, world):
    for operation in ("PutAccountSetting", "PutAccountSettingDefault"):
        it.expect(operation, INVALID, "no such setting", name="nothing", value="enabled")
        it.expect(operation, INVALID, "no such value", name="containerInsights", value="perhaps")
    it.expect("DeleteAccountSetting", INVALID, "no such setting", name="nothing")
    it.expect("ListAccountSettings", INVALID, "no such setting", name="nothing")


def refused(it, world):
    """Operations that are refused whole."""
    daemon = {"daemonArn": world.arn("daemon/errors/web")}
    definition = {"daemonTaskDefinition": "errors:1"}
    express = {"serviceArn": world.arn("service/errors/web")}
    container = {"name": "web", "image": "nginx"}
    roles = {f"{of}RoleArn": f"arn:aws:iam::123456789012:role/{of}" for of in ("execution", "infrastructure")}
    create = {"daemonName": "web", "daemonTaskDefinitionArn": "errors:1", "capacityProviderArns": ["errors"]}
    of_daemon = {**daemon, "daemonTaskDefinitionArn": "errors:1", "capacityProviderArns": ["errors"]}
    for operation, arguments in {
        "CreateDaemon": create,
        "UpdateDaemon": of_daemon,
        "DeleteDaemon": daemon,
        "DescribeDaemon": daemon,
        "DescribeDaemonDeployments": {"daemonDeploymentArns": [world.arn("daemon-deployment/errors/web/1")]},
        "DescribeDaemonRevisions": {"daemonRevisionArns": [world.arn("daemon-revision/errors/web/1")]},
        "ListDaemonDeployments": daemon,
        "ListDaemons": {},
        "CreateExpressGatewayService": {**roles, "primaryContainer": {"image": "nginx"}},
        "UpdateExpressGatewayService": express,
        "DeleteExpressGatewayService": express,
        "DescribeExpressGatewayService": express,
    }.items():
        it.expect(operation, UNSUPPORTED, "whatever is asked", **arguments)
    for operation, arguments in {
        "RegisterDaemonTaskDefinition": {"family": "errors", "containerDefinitions": [container]},
        "DeleteDaemonTaskDefinition": definition,
        "DescribeDaemonTaskDefinition": definition,
        "ListDaemonTaskDefinitions": {},
    }.items():
        it.expect(operation, CLIENT, "whatever is asked", **arguments)
