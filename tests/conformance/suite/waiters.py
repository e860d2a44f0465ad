"""All waiters of the AWS CLI end, for services without tasks and for a task that runs and is stopped.

The CLI is the real one; only its pause between two polls is made short, by a copy of botocore's own table of waiters.
"""

import json
import os
import pathlib
import tempfile

import botocore

from . import subject
from .command_line import run

CLUSTER = f"conformance-waiters-{subject.RUN}"
# The image that the driver of this suite loads; another endpoint may name its own.
IMAGE = os.environ.get("GANTRY_CONFORMANCE_IMAGE", "gantry-sample:latest")
DELAY_SECONDS = 1

WELL, BADLY = "well", "badly"
# Said of operations that are refused whole.
REFUSED = "The specified feature is not supported"


def main():
    faults, count, waited = subject.Faults(), 0, set()
    with tempfile.TemporaryDirectory() as folder:
        _short_delays(pathlib.Path(folder))
        os.environ["AWS_DATA_PATH"] = os.pathsep.join([folder, os.environ.get("AWS_DATA_PATH", "")])
        for arguments, end in _waits():
            waited.add(arguments[0])
            count += 1
            status, _, error = run("ecs", "wait", *arguments)
            shown = f"aws ecs wait {' '.join(arguments)}: {status} {error}"
            faults.check((status == 0) == (end is WELL), shown)
            faults.check(end is not REFUSED or REFUSED in error, shown)
    every = {name.replace("_", "-") for name in subject.client().waiter_names}
    faults.check(waited == every, f"not waited for: {sorted(every ^ waited)}")
    faults.finish(f"{count} waits of the AWS CLI")


def _waits():
    ecs = subject.client()
    ecs.create_cluster(clusterName=CLUSTER)
    definition = ecs.register_task_definition(
        family=CLUSTER,
        networkMode="host",
        containerDefinitions=[
            {"name": "web", "image": IMAGE, "memory": 32, "command": ["/bin/sleep", "600"], "stopTimeout": 2}
        ],
    )["taskDefinition"]["taskDefinitionArn"]
    service = {"cluster": CLUSTER, "service": "waited-for"}
    ecs.create_service(cluster=CLUSTER, serviceName="waited-for", taskDefinition=definition, desiredCount=0)
    of_service = ["--cluster", CLUSTER, "--services", "waited-for"]
    yield ["services-stable", *of_service], WELL
    yield ["services-stable", "--cluster", CLUSTER, "--services", "no-such-service"], BADLY
    ecs.delete_service(**service)
    yield ["services-inactive", *of_service], WELL
    yield ["services-stable", *of_service], BADLY
    task = ecs.run_task(taskDefinition=definition)["tasks"][0]["taskArn"]
    yield ["tasks-running", "--tasks", task], WELL
    ecs.stop_task(task=task)
    yield ["tasks-stopped", "--tasks", task], WELL
    yield ["tasks-running", "--tasks", task], BADLY
    yield ["tasks-running", "--tasks", "0" * 32], BADLY
    yield from _of_daemons(definition)


def _of_daemons(arn):
    """What is refused ends each of their waiters at the first poll."""
    daemon, deployment = (arn.split("task-definition/")[0] + rest for rest in ("daemon/none/web", "daemon-deployment/none/web/1"))
    yield ["daemon-active", "--daemon-arn", daemon], REFUSED
    yield ["daemon-deployment-successful", "--daemon-deployment-arns", deployment], REFUSED
    yield ["daemon-deployment-stopped", "--daemon-deployment-arns", deployment], REFUSED
    yield ["daemon-task-definition-active", "--daemon-task-definition", "none:1"], REFUSED
    yield ["daemon-task-definition-deleted", "--daemon-task-definition", "none:1"], REFUSED


def _short_delays(folder):
    """botocore reads its data from AWS_DATA_PATH first."""
    own = pathlib.Path(botocore.__file__).parent / "data" / "ecs"
    version = max(it.name for it in own.iterdir())
    table = json.loads((own / version / "waiters-2.json").read_text())
    for waiter in table["waiters"].values():
        waiter["delay"] = DELAY_SECONDS
    copy = folder / "ecs" / version
    copy.mkdir(parents=True)
    (copy / "waiters-2.json").write_text(json.dumps(table))


if __name__ == "__main__":
    main()
