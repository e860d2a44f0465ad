"""The endpoint that is tested, and the ways to talk to it."""

import os
import re
import sys
import time
import uuid

import boto3
import botocore.session
from botocore.config import Config

# Names of a run are its own: the subject may have seen others.
RUN = uuid.uuid4().hex[:8]
# A cluster without a container instance: nothing that is asked of it can start a container.
VOID_CLUSTER = f"conformance-void-{RUN}"
# A task of it fits on no host, wherever a variant may send it.
VOID_TASK_DEFINITION = f"conformance-void-{RUN}"
# A service in the empty cluster.
VOID_SERVICE = "conformance-void"
# Another one, whose task sets are managed from outside.
VOID_EXTERNAL_SERVICE = "conformance-void-external"
# A namespace that nothing is in.
VOID_NAMESPACE = f"conformance-void-{RUN}"
# Counted in MiB: more than any host has.
VOID_MEMORY = 1_000_000_000
# A state that is waited for comes within that.
DEADLINE_SECONDS = 60

# Whether the subject is a Gantry of the test's own, of which more is known than of any endpoint.
IS_OWN = "GANTRY_CONFORMANCE_ENDPOINT" not in os.environ
ENDPOINT = os.environ["AWS_ENDPOINT_URL"]
REGION = os.environ["AWS_DEFAULT_REGION"]
ACCESS_KEY_ID = os.environ["AWS_ACCESS_KEY_ID"]
SECRET_ACCESS_KEY = os.environ["AWS_SECRET_ACCESS_KEY"]


OWN_NAMES = re.compile(r"\b(golden|errors)\b")


def own(value):
    """Arguments with the run's own names, of whatever is called golden or errors: the subject may have seen other runs."""
    if isinstance(value, dict):
        return {name: own(item) for name, item in value.items()}
    if isinstance(value, list):
        return [own(item) for item in value]
    # What the subject itself said has its names already.
    if not isinstance(value, str) or RUN in value:
        return value
    return OWN_NAMES.sub(rf"\1-{RUN}", value)


def model():
    """botocore's own model of ECS."""
    return botocore.session.get_session().get_service_model("ecs")


def client(service="ecs", key=(None, None), **config):
    """A boto3 client that does not try twice; its key is that of the environment unless told."""
    return boto3.client(
        service,
        aws_access_key_id=key[0],
        aws_secret_access_key=key[1],
        config=Config(retries={"total_max_attempts": 1}, **config),
    )


def prepare():
    """Makes the empty cluster a task definition that fits nowhere, and a service of the two."""
    ecs = client()
    ecs.create_cluster(clusterName=VOID_CLUSTER)
    ecs.register_task_definition(
        family=VOID_TASK_DEFINITION,
        containerDefinitions=[
            {
                "name": "web",
                "image": "conformance/none:1",
                "memory": VOID_MEMORY,
                "portMappings": [{"containerPort": 80, "name": "web", "appProtocol": "http"}],
            }
        ],
    )
    ecs.create_service(
        cluster=VOID_CLUSTER, serviceName=VOID_SERVICE, taskDefinition=VOID_TASK_DEFINITION, desiredCount=0
    )
    ecs.create_service(
        cluster=VOID_CLUSTER,
        serviceName=VOID_EXTERNAL_SERVICE,
        desiredCount=0,
        deploymentController={"type": "EXTERNAL"},
    )
    return ecs


def until(what, look):
    """Waits for a condition, and gives what it found."""
    deadline = time.monotonic() + DEADLINE_SECONDS
    while not (found := look()):
        if time.monotonic() > deadline:
            raise TimeoutError(what)
        time.sleep(0.05)
    return found


def connected_instance(ecs):
    """An instance of the default cluster whose agent is connected, if there is one already."""
    arns = ecs.list_container_instances()["containerInstanceArns"]
    found = ecs.describe_container_instances(containerInstances=arns)["containerInstances"] if arns else []
    return next((it["containerInstanceArn"] for it in found if it["agentConnected"]), None)


class Faults:
    """What went wrong; the piece fails at its end, with all of it."""

    SHOWN_MAX = 60

    def __init__(self):
        self.all = []

    def add(self, text):
        self.all.append(text)

    def check(self, is_right, text):
        if not is_right:
            self.add(text)

    def finish(self, summary):
        """Prints the summary, and ends the piece."""
        for fault in self.all[: self.SHOWN_MAX]:
            print(f"FAULT {fault}")
        if len(self.all) > self.SHOWN_MAX:
            print(f"FAULT and {len(self.all) - self.SHOWN_MAX} more")
        print(f"{summary}, {len(self.all)} faults")
        sys.exit(1 if self.all else 0)
