"""Public addresses of tasks, as scripts look for them with boto3: from the task to its network interface to the address."""

import os

from botocore.exceptions import ClientError

from . import subject

# The image that the driver of this suite loads; another endpoint may name its own.
IMAGE = os.environ.get("GANTRY_CONFORMANCE_IMAGE", "gantry-sample:latest")
FAMILY = f"conformance-public-{subject.RUN}"


def main():
    faults, ecs, ec2 = subject.Faults(), subject.client(), subject.client("ec2")
    _register(ecs)
    subnet = ec2.describe_subnets()["Subnets"][0]
    task, interface = _run(ecs, ec2, subnet["SubnetId"], "ENABLED")
    association = interface.get("Association", {})
    address = association.get("PublicIp")
    faults.check(address is not None, f"no public address: {interface}")
    faults.check(association.get("IpOwnerId") == "amazon", f"whose is it: {association}")
    faults.check("AllocationId" not in association, f"it is no elastic address: {association}")
    private = interface["PrivateIpAddresses"][0]
    faults.check(private.get("Association") == association, f"of the private address: {private}")
    found = _filtered(ec2, "association.public-ip", address)
    faults.check([it["NetworkInterfaceId"] for it in found] == [interface["NetworkInterfaceId"]], f"found: {found}")
    elastic = ec2.describe_addresses()["Addresses"]
    faults.check(address not in [it["PublicIp"] for it in elastic], f"an elastic address: {elastic}")
    _check_gateway(faults, ec2, subnet["VpcId"])

    other, without = _run(ecs, ec2, subnet["SubnetId"], "DISABLED")
    faults.check("Association" not in without, f"nobody asked for it: {without}")
    for arn in [task, other]:
        ecs.stop_task(task=arn)
    of_tasks = {"WaiterConfig": {"Delay": 1}, "tasks": [task, other]}
    ecs.get_waiter("tasks_stopped").wait(**of_tasks)
    faults.check(not _filtered(ec2, "association.public-ip", address), "it outlives the task")
    faults.finish("public addresses of tasks")


def _register(ecs):
    container = {"name": "web", "image": IMAGE, "command": ["/bin/sleep", "600"], "stopTimeout": 2}
    ecs.register_task_definition(
        family=FAMILY,
        networkMode="awsvpc",
        requiresCompatibilities=["FARGATE"],
        cpu="256",
        memory="512",
        containerDefinitions=[container],
    )


def _run(ecs, ec2, subnet, assign_public_ip):
    """A task, and its network interface."""
    network = {"awsvpcConfiguration": {"subnets": [subnet], "assignPublicIp": assign_public_ip}}
    answer = ecs.run_task(taskDefinition=FAMILY, launchType="FARGATE", networkConfiguration=network)
    arn = answer["tasks"][0]["taskArn"]
    details = ecs.describe_tasks(tasks=[arn])["tasks"][0]["attachments"][0]["details"]
    interface = next(it["value"] for it in details if it["name"] == "networkInterfaceId")
    return arn, ec2.describe_network_interfaces(NetworkInterfaceIds=[interface])["NetworkInterfaces"][0]


def _filtered(ec2, name, value):
    filters = [{"Name": name, "Values": [value]}]
    return ec2.describe_network_interfaces(Filters=filters)["NetworkInterfaces"]


def _check_gateway(faults, ec2, vpc):
    """The internet gateway stays while something has a public address behind it."""
    attached = [{"Name": "attachment.vpc-id", "Values": [vpc]}]
    gateway = ec2.describe_internet_gateways(Filters=attached)["InternetGateways"][0]["InternetGatewayId"]
    try:
        ec2.detach_internet_gateway(InternetGatewayId=gateway, VpcId=vpc)
    except ClientError as refusal:
        code = refusal.response["Error"]["Code"]
        faults.check(code == "DependencyViolation", f"the gateway: {refusal}")
    else:
        faults.add("the gateway went")


if __name__ == "__main__":
    main()
