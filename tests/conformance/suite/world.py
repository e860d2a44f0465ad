"""What variants of ECS stand on: services, an instance and task sets of which nothing ever starts a container."""

from types import SimpleNamespace

from . import subject
from .bases import GROUP, PROVIDER, TOTALS


def namespace(name):
    """Makes an HTTP namespace of Cloud Map, and waits for it."""
    discovery = subject.client("servicediscovery")
    return awaited_namespace(discovery, discovery.create_http_namespace(Name=name)["OperationId"])


def awaited_namespace(discovery, operation):
    """The namespace that an operation makes."""

    def made():
        found = discovery.get_operation(OperationId=operation)["Operation"]
        return found["Targets"]["NAMESPACE"] if found["Status"] == "SUCCESS" else None

    return subject.until("the namespace is made", made)


def prepare():
    """Makes all of it. Tasks fit nowhere, and the instance has no agent."""
    ecs = subject.prepare()
    cluster = subject.VOID_CLUSTER
    namespace(subject.VOID_NAMESPACE)
    hosts = f"conformance-hosts-{subject.RUN}"
    ecs.create_cluster(clusterName=hosts)
    instance = ecs.register_container_instance(cluster=hosts, totalResources=TOTALS)["containerInstance"]
    network = f"conformance-network-{subject.RUN}"
    container = {"name": "web", "image": "conformance/none:1", "memory": subject.VOID_MEMORY}
    ecs.register_task_definition(family=network, networkMode="awsvpc", containerDefinitions=[container])
    subnet = subject.client("ec2").describe_subnets()["Subnets"][0]["SubnetId"]
    ecs.create_service(
        cluster=cluster,
        serviceName=network,
        taskDefinition=network,
        desiredCount=0,
        networkConfiguration={"awsvpcConfiguration": {"subnets": [subnet]}},
    )
    providers_cluster = f"conformance-providers-{subject.RUN}"
    ecs.create_cluster(clusterName=providers_cluster)
    of_group = {"autoScalingGroupArn": GROUP + f"conformance-{subject.RUN}"}
    ecs.create_capacity_provider(name=PROVIDER, autoScalingGroupProvider=of_group)
    ecs.put_cluster_capacity_providers(
        cluster=cluster, capacityProviders=[PROVIDER], defaultCapacityProviderStrategy=[]
    )
    task_set = ecs.create_task_set(
        cluster=cluster, service=subject.VOID_EXTERNAL_SERVICE, taskDefinition=subject.VOID_TASK_DEFINITION
    )["taskSet"]
    of_service = {"cluster": cluster, "service": subject.VOID_SERVICE}
    deployment = ecs.list_service_deployments(**of_service)["serviceDeployments"][0]
    return SimpleNamespace(
        cluster=cluster,
        cluster_arn=ecs.describe_clusters(clusters=[cluster])["clusters"][0]["clusterArn"],
        hosts=hosts,
        instance=instance["containerInstanceArn"],
        service=subject.VOID_SERVICE,
        external_service=subject.VOID_EXTERNAL_SERVICE,
        network_service=network,
        task_definition=subject.VOID_TASK_DEFINITION,
        network_task_definition=network,
        task_set=task_set["id"],
        deployment=deployment["serviceDeploymentArn"],
        revision=deployment["targetServiceRevisionArn"],
        providers_cluster=providers_cluster,
        subnet=subnet,
    )
