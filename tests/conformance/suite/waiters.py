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


def main():
    faults, count = subject.Faults(), 0
    with tempfile.TemporaryDirectory() as folder:
        _short_delays(pathlib.Path(folder))
        os.environ["AWS_DATA_PATH"] = os.pathsep.join([folder, os.environ.get("AWS_DATA_PATH", "")])
        for arguments, is_expected_to_end_well in _waits():
            count += 1
            status, _, error = run("ecs", "wait", *arguments)
            ended_well = status == 0
            faults.check(ended_well == is_expected_to_end_well, f"aws ecs wait {' '.join(arguments)}: {status} {error}")
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
    yield ["services-stable", *of_service], True
    yield ["services-stable", "--cluster", CLUSTER, "--services", "no-such-service"], False
    ecs.delete_service(**service)
    yield ["services-inactive", *of_service], True
    yield ["services-stable", *of_service], False
    task = ecs.run_task(taskDefinition=definition)["tasks"][0]["taskArn"]
    yield ["tasks-running", "--tasks", task], True
    ecs.stop_task(task=task)
    yield ["tasks-stopped", "--tasks", task], True
    yield ["tasks-running", "--tasks", task], False
    yield ["tasks-running", "--tasks", "0" * 32], False


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
