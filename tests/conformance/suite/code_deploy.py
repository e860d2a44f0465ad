"""Deployments by CodeDeploy to a service of ECS: whole answers and refusals, compared with golden files."""

import json

from . import subject
from .load_balancing import subnets
from .recorder import IMAGE, Recorder

APPLICATION = {"applicationName": "golden"}
GROUP = {**APPLICATION, "deploymentGroupName": "golden"}
NO_APPLICATION, NO_GROUP = "ApplicationDoesNotExistException", "DeploymentGroupDoesNotExistException"
NO_DEPLOYMENT = "DeploymentDoesNotExistException"
MISSING = "d-000000000"


def main():
    faults = subject.Faults()
    it = Recorder("codedeploy", faults)
    applications(it)
    configs(it)
    service = serve()
    group = groups(it, service)
    revisions(it)
    deployments(it)
    hooks(it)
    missing(it, group)
    tags(it)
    pages(it)
    deletion(it)
    cases = it.compare("codedeploy/", faults)
    faults.finish(f"{cases} whole answers of {len(it.of_operation)} operations of CodeDeploy")


def applications(it):
    it.call("CreateApplication", "for ECS", computePlatform="ECS", tags=[{"Key": "team", "Value": "blue"}], **APPLICATION)
    it.refused("ApplicationAlreadyExistsException", "CreateApplication", "again", computePlatform="ECS", **APPLICATION)
    it.refused("InvalidComputePlatformException", "CreateApplication", "for nothing", computePlatform="Moon", applicationName="x")
    it.refused("InvalidApplicationNameException", "CreateApplication", "of a bad name", applicationName="no name", computePlatform="ECS")
    it.call("GetApplication", "for ECS", **APPLICATION)
    it.call("BatchGetApplications", "one", applicationNames=["golden"])
    it.call("UpdateApplication", "another name", newApplicationName="golden-renamed", **APPLICATION)
    it.quietly("UpdateApplication", applicationName="golden-renamed", newApplicationName="golden")
    it.call_own("ListApplications", "all")


def configs(it):
    canary = {"type": "TimeBasedCanary", "timeBasedCanary": {"canaryPercentage": 10, "canaryInterval": 1}}
    config = {"deploymentConfigName": "golden", "computePlatform": "ECS", "trafficRoutingConfig": canary}
    it.call("CreateDeploymentConfig", "a canary", **config)
    it.refused("DeploymentConfigAlreadyExistsException", "CreateDeploymentConfig", "again", **config)
    it.call("GetDeploymentConfig", "a canary", deploymentConfigName="golden")
    it.call("GetDeploymentConfig", "Amazon's", deploymentConfigName="CodeDeployDefault.ECSAllAtOnce")
    it.refused("DeploymentConfigDoesNotExistException", "GetDeploymentConfig", "that is not there", deploymentConfigName="x")
    it.call("DeleteDeploymentConfig", "a canary", deploymentConfigName="golden")
    amazons = {"deploymentConfigName": "CodeDeployDefault.ECSAllAtOnce"}
    it.refused("InvalidOperationException", "DeleteDeploymentConfig", "Amazon's", **amazons)
    it.call_own("ListDeploymentConfigs", "Amazon's")


def serve():
    """A service without tasks behind one of two target groups: what a deployment group needs."""
    ecs, elb = subject.client(), subject.client("elbv2")
    two, vpc, _ = subnets()
    group = {"Protocol": "HTTP", "Port": 80, "VpcId": vpc, "TargetType": "ip"}
    names = [subject.own(f"golden-{color}") for color in ("blue", "green")]
    blue, _ = (elb.create_target_group(Name=name, **group)["TargetGroups"][0]["TargetGroupArn"] for name in names)
    load_balancer = elb.create_load_balancer(Name=subject.own("golden-deploy"), Subnets=two)["LoadBalancers"][0]
    forward = [{"Type": "forward", "TargetGroupArn": blue}]
    of = {"LoadBalancerArn": load_balancer["LoadBalancerArn"], "Protocol": "HTTP", "DefaultActions": forward}
    production, test = (elb.create_listener(Port=port, **of)["Listeners"][0]["ListenerArn"] for port in (80, 8080))
    container = {"name": "web", "image": IMAGE, "memory": 32, "portMappings": [{"containerPort": 80}]}
    family = subject.own("golden-deploy")
    for _ in range(2):
        ecs.register_task_definition(family=family, networkMode="awsvpc", containerDefinitions=[container])
    ecs.create_service(
        serviceName=family,
        taskDefinition=f"{family}:1",
        desiredCount=0,
        deploymentController={"type": "CODE_DEPLOY"},
        networkConfiguration={"awsvpcConfiguration": {"subnets": two}},
        loadBalancers=[{"targetGroupArn": blue, "containerName": "web", "containerPort": 80}],
    )
    return {"names": names, "production": production, "test": test, "service": family}


def groups(it, made):
    group = {
        **GROUP,
        "serviceRoleArn": "arn:aws:iam::123456789012:role/deploy",
        "ecsServices": [{"clusterName": "default", "serviceName": made["service"]}],
        "deploymentStyle": {"deploymentType": "BLUE_GREEN", "deploymentOption": "WITH_TRAFFIC_CONTROL"},
        "loadBalancerInfo": {
            "targetGroupPairInfoList": [
                {
                    "targetGroups": [{"name": name} for name in made["names"]],
                    "prodTrafficRoute": {"listenerArns": [made["production"]]},
                    "testTrafficRoute": {"listenerArns": [made["test"]]},
                }
            ]
        },
        "blueGreenDeploymentConfiguration": {
            "deploymentReadyOption": {"actionOnTimeout": "STOP_DEPLOYMENT", "waitTimeInMinutes": 5},
            "terminateBlueInstancesOnDeploymentSuccess": {"action": "TERMINATE", "terminationWaitTimeInMinutes": 0},
        },
    }
    it.call("CreateDeploymentGroup", "of a service", **group)
    it.refused("DeploymentGroupAlreadyExistsException", "CreateDeploymentGroup", "again", **group)
    it.refused(NO_APPLICATION, "CreateDeploymentGroup", "of no application", **{**group, "applicationName": "x"})
    other = {**group, "deploymentGroupName": "other"}
    it.refused("RoleRequiredException", "CreateDeploymentGroup", "without a role", **{**other, "serviceRoleArn": ""})
    it.refused("ECSServiceMappingLimitExceededException", "CreateDeploymentGroup", "of a service that has one", **other)
    it.call("GetDeploymentGroup", "of a service", **GROUP)
    it.call("BatchGetDeploymentGroups", "one", deploymentGroupNames=["golden"], **APPLICATION)
    it.call("ListDeploymentGroups", "of an application", **APPLICATION)
    rename = {"applicationName": "golden", "currentDeploymentGroupName": "golden"}
    it.call("UpdateDeploymentGroup", "its configuration", deploymentConfigName="CodeDeployDefault.ECSAllAtOnce", **rename)
    it.refused("DeploymentConfigDoesNotExistException", "UpdateDeploymentGroup", "no such", deploymentConfigName="x", **rename)
    return group


def revision(hook=None):
    properties = {
        "TaskDefinition": subject.own("golden-deploy") + ":2",
        "LoadBalancerInfo": {"ContainerName": "web", "ContainerPort": 80},
    }
    spec = {"version": 0.0, "Resources": [{"TargetService": {"Type": "AWS::ECS::Service", "Properties": properties}}]}
    if hook:
        spec["Hooks"] = [hook]
    return {"revisionType": "AppSpecContent", "appSpecContent": {"content": json.dumps(spec)}}


def revisions(it):
    it.call("RegisterApplicationRevision", "of content", revision=revision(), description="first", **APPLICATION)
    listed = it.call("ListApplicationRevisions", "of an application", **APPLICATION)["revisions"][0]
    it.call("GetApplicationRevision", "registered", revision=listed, **APPLICATION)
    it.call("BatchGetApplicationRevisions", "one", revisions=[listed], **APPLICATION)


def deployments(it):
    made = it.call("CreateDeployment", "of content", revision=revision(), description="golden", **GROUP)
    of = {"deploymentId": made["deploymentId"]}
    again = {**GROUP, "revision": revision()}
    it.refused("DeploymentLimitExceededException", "CreateDeployment", "beside another", **again)
    subject.until("it is ready", lambda: _info(it, of)["status"] == "Ready")
    it.call("GetDeployment", "that is ready", **of)
    it.call("BatchGetDeployments", "one", deploymentIds=[made["deploymentId"]])
    target = it.call("ListDeploymentTargets", "of a deployment", **of)["targetIds"][0]
    it.call("GetDeploymentTarget", "the service", targetId=target, **of)
    it.call("BatchGetDeploymentTargets", "one", targetIds=[target], **of)
    it.call("ContinueDeployment", "that is ready", deploymentWaitType="READY_WAIT", **of)
    it.client.get_waiter("deployment_successful").wait(WaiterConfig={"Delay": 1, "MaxAttempts": 60}, **of)
    it.call("GetDeployment", "that has succeeded", **of)
    it.call("ListDeployments", "of a group", **GROUP)
    ended = "DeploymentAlreadyCompletedException"
    it.refused(ended, "StopDeployment", "that has ended", **of)
    it.refused(ended, "ContinueDeployment", "that has ended", deploymentWaitType="READY_WAIT", **of)
    stopped = {"deploymentId": it.quietly("CreateDeployment", revision=revision(), **GROUP)["deploymentId"]}
    subject.until("it is ready", lambda: _info(it, stopped)["status"] == "Ready")
    it.call("StopDeployment", "that is ready", **stopped)
    subject.until("it is stopped", lambda: _info(it, stopped)["status"] == "Stopped")
    it.call("GetDeployment", "that is stopped", **stopped)


def hooks(it):
    """Nothing waits for a hook of that name."""
    of = {"deploymentId": MISSING, "lifecycleEventHookExecutionId": "none", "status": "Succeeded"}
    it.refused(NO_DEPLOYMENT, "PutLifecycleEventHookExecutionStatus", "of no deployment", **of)


def _info(it, of):
    return it.quietly("GetDeployment", **of)["deploymentInfo"]


def missing(it, group):
    nowhere = {"applicationName": "golden-never"}
    of_nothing = {"deploymentId": MISSING}
    for operation, arguments in {
        "GetApplication": {},
        "UpdateApplication": {"newApplicationName": "golden-other"},
        "ListDeploymentGroups": {},
        "ListApplicationRevisions": {},
        "GetDeploymentGroup": {"deploymentGroupName": "golden"},
        "UpdateDeploymentGroup": {"currentDeploymentGroupName": "golden"},
        "CreateDeployment": {"deploymentGroupName": "golden", "revision": revision()},
        "RegisterApplicationRevision": {"revision": revision()},
        "BatchGetDeploymentGroups": {"deploymentGroupNames": ["golden"]},
    }.items():
        it.refused(NO_APPLICATION, operation, "no such application", **arguments, **nowhere)
    no_group = {**APPLICATION, "deploymentGroupName": "golden-never"}
    it.refused(NO_GROUP, "GetDeploymentGroup", "no such group", **no_group)
    it.refused(NO_GROUP, "CreateDeployment", "no such group", revision=revision(), **no_group)
    for operation, arguments in {
        "GetDeployment": {},
        "StopDeployment": {},
        "ContinueDeployment": {"deploymentWaitType": "READY_WAIT"},
        "ListDeploymentTargets": {},
        "GetDeploymentTarget": {"targetId": "default:web"},
        "BatchGetDeploymentTargets": {"targetIds": ["default:web"]},
    }.items():
        it.refused(NO_DEPLOYMENT, operation, "no such deployment", **arguments, **of_nothing)
    it.refused("InvalidDeploymentIdException", "GetDeployment", "no id", deploymentId="nothing")


def tags(it):
    account = subject.client("sts").get_caller_identity()["Account"]
    of = {"ResourceArn": f"arn:aws:codedeploy:{subject.REGION}:{account}:application:{subject.own('golden')}"}
    it.call("TagResource", "one", Tags=[{"Key": "a", "Value": "1"}], **of)
    it.call("UntagResource", "another", TagKeys=["team"], **of)
    it.call("ListTagsForResource", "what is left", **of)


def pages(it):
    """Each paginator that is built gives what there is, once."""
    for method, key, arguments, wanted in [
        ("list_applications", "applications", {}, "golden"),
        ("list_deployment_groups", "deploymentGroups", APPLICATION, "golden"),
        ("list_deployment_configs", "deploymentConfigsList", {}, "CodeDeployDefault.ECSAllAtOnce"),
        ("list_deployments", "deployments", GROUP, None),
    ]:
        found = it.client.get_paginator(method).paginate(**subject.own(arguments)).build_full_result()[key]
        is_there = len(found) > 1 if wanted is None else subject.own(wanted) in found
        it.faults.check(is_there and len(set(found)) == len(found), f"{method}: {found}")
    it.refused("InvalidNextTokenException", "ListDeploymentConfigs", "a token of nobody", nextToken="nobody")


def deletion(it):
    it.call("DeleteDeploymentGroup", "one", **GROUP)
    it.call("DeleteApplication", "one", **APPLICATION)
    it.refused(NO_APPLICATION, "GetApplication", "that is gone", **APPLICATION)
    subject.client().delete_service(service=subject.own("golden-deploy"), force=True)


if __name__ == "__main__":
    main()
