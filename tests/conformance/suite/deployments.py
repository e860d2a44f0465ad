"""Flows of whole answers that need tasks of services: protection, updates, deployments that pause, commands, namespaces."""

import json

from . import subject, world
from .recorder import IMAGE

CLUSTER = "default"
# Ends as soon as it is told to.
WAITS = ["/bin/sh", "-c", "trap 'exit 0' TERM; sleep 600 & wait"]


def register(it, family, network_mode="host", **more):
    container = {"name": "web", "image": IMAGE, "memory": 32, "command": WAITS, "stopTimeout": 2}
    it.quietly(
        "RegisterTaskDefinition", family=family, networkMode=network_mode, containerDefinitions=[container], **more
    )


def services(it):
    """A service with a task that is protected, then changed in each way, then deployed with a pause."""
    of_service = {"cluster": CLUSTER, "service": "golden-live"}
    for _ in range(2):
        register(it, "golden-live")
    it.quietly(
        "CreateService", cluster=CLUSTER, serviceName="golden-live", taskDefinition="golden-live:1", desiredCount=1
    )
    _until_steady(it, of_service)
    _protection(it)
    it.call("UpdateService", "another count", desiredCount=2, **of_service)
    _until_steady(it, of_service)
    it.quietly("UpdateService", desiredCount=1, **of_service)
    _until_steady(it, of_service)
    it.call("UpdateService", "another task definition", taskDefinition="golden-live:2", **of_service)
    _until_steady(it, of_service)
    it.call("UpdateService", "the same, anew", forceNewDeployment=True, **of_service)
    _until_steady(it, of_service)
    _pause(it, of_service)
    it.quietly("DeleteService", force=True, **of_service)


def _protection(it):
    tasks = it.quietly("ListTasks", cluster=CLUSTER, serviceName="golden-live")["taskArns"]
    of_tasks = {"cluster": CLUSTER, "tasks": tasks}
    it.call("GetTaskProtection", "as it starts", **of_tasks)
    it.call("UpdateTaskProtection", "for an hour", protectionEnabled=True, expiresInMinutes=60, **of_tasks)
    it.call("GetTaskProtection", "with its end", **of_tasks)
    it.call("UpdateTaskProtection", "off", protectionEnabled=False, **of_tasks)
    it.call("GetTaskProtection", "off", **of_tasks)


def _pause(it, of_service):
    """A deployment that asks whether it may go on."""
    hook = {"targetType": "PAUSE", "lifecycleStages": ["POST_SCALE_UP"]}
    configuration = {"strategy": "BLUE_GREEN", "bakeTimeInMinutes": 0, "lifecycleHooks": [hook]}
    it.quietly(
        "UpdateService", taskDefinition="golden-live:1", deploymentConfiguration=configuration, **of_service
    )
    paused = subject.until("the deployment waits", lambda: _paused(it, of_service))
    arn = paused["serviceDeploymentArn"]
    it.call("DescribeServiceDeployments", "that waits", serviceDeploymentArns=[arn])
    hook = paused["lifecycleHookDetails"][0]["hookId"]
    it.call("ContinueServiceDeployment", "that waits", serviceDeploymentArn=arn, hookId=hook)
    _until_steady(it, of_service)


def _paused(it, of_service):
    newest = it.quietly("ListServiceDeployments", **of_service)["serviceDeployments"][0]["serviceDeploymentArn"]
    found = it.quietly("DescribeServiceDeployments", serviceDeploymentArns=[newest])["serviceDeployments"][0]
    hooks = found.get("lifecycleHookDetails", [])
    return found if hooks and hooks[0].get("status") == "AWAITING_ACTION" else None


def _until_steady(it, of_service):
    """All tasks run, one deployment is left, it is complete, and the service has said so last."""

    def is_steady():
        found = it.quietly("DescribeServices", cluster=CLUSTER, services=[of_service["service"]])["services"][0]
        said = found["events"][0]["message"] if found["events"] else ""
        states = [deployment.get("rolloutState") for deployment in found["deployments"]]
        is_whole = found["runningCount"] == found["desiredCount"] and found["pendingCount"] == 0
        return is_whole and states == ["COMPLETED"] and said.endswith("has reached a steady state.")

    subject.until(f"{of_service} is steady", is_steady)


def commands(it):
    """A command in a task that was started for that."""
    trust = {"Effect": "Allow", "Principal": {"Service": "ecs-tasks.amazonaws.com"}, "Action": "sts:AssumeRole"}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [trust]})
    role = subject.own("golden-commands")
    subject.client("iam").create_role(RoleName=role, AssumeRolePolicyDocument=policy)
    register(it, "golden-commands", "bridge", taskRoleArn=role)
    ran = it.quietly("RunTask", taskDefinition="golden-commands", enableExecuteCommand=True)
    task = ran["tasks"][0]["taskArn"]
    subject.until("the task runs", lambda: _is_running(it, task))
    command = {"task": task, "interactive": True, "command": "/bin/true"}
    it.call("ExecuteCommand", "in the only container", **command)
    it.call("ExecuteCommand", "in a container by name", container="web", **command)
    it.refused("InvalidParameterException", "ExecuteCommand", "in no such container", container="db", **command)
    it.quietly("StopTask", task=task)
    subject.client("iam").delete_role(RoleName=role)


def _is_running(it, task):
    found = it.quietly("DescribeTasks", tasks=[task])["tasks"][0]
    agents = [agent for container in found["containers"] for agent in container.get("managedAgents", [])]
    return found["lastStatus"] == "RUNNING" and all(agent["lastStatus"] == "RUNNING" for agent in agents)


def namespaces(it):
    """Services in a namespace, a page each."""
    name = subject.own("golden")
    world.namespace(name)
    connect = {"enabled": True, "namespace": name}
    for service in ("golden-a", "golden-b"):
        it.quietly(
            "CreateService",
            cluster="golden",
            serviceName=service,
            taskDefinition="golden-least",
            desiredCount=0,
            serviceConnectConfiguration=connect,
        )
    first = it.call("ListServicesByNamespace", "a page", namespace=name, maxResults=1)
    it.call("ListServicesByNamespace", "the next", namespace=name, maxResults=1, nextToken=first.get("nextToken", ""))
    it.refused("NamespaceNotFoundException", "ListServicesByNamespace", "that never was", namespace="golden-never")
    for service in ("golden-a", "golden-b"):
        it.quietly("DeleteService", cluster="golden", service=service, force=True)


def attachments(it):
    """An agent's report about an attachment that is no task's."""
    report = [{"attachmentArn": "arn:aws:ecs:us-east-1:123456789012:attachment/nothing", "status": "ATTACHED"}]
    it.refused("InvalidParameterException", "SubmitAttachmentStateChanges", "of nothing", attachments=report)


FLOWS = (services, commands, namespaces, attachments)
