"""Writes from several connections until the server is gone; a journal for each says what was sent and what acknowledged.

`python3 -m suite.crash_load <folder> <round>`
"""

import json
import pathlib
import sys
import threading

from . import raw

CONNECTIONS = 6
# Deleted again after so many more.
KEPT = 5
# A task of every so many rounds: a host has room for so many only.
TASK_EVERY = 4
# Added to a cluster after it was made.
LATER_TAG = {"key": "later", "value": "yes"}
# What a cluster is not deleted for as long as its service drains.
STILL_DRAINING = "ClusterContainsServicesException"
# Why tasks are stopped.
REASON = "crash"


class Made:
    """What was answered that later calls name: the ARN of the newest cluster, and those of tasks by their round."""

    def __init__(self):
        self.cluster, self.tasks = None, {}


def main():
    folder, round_name = pathlib.Path(sys.argv[1]), sys.argv[2]
    folder.mkdir(parents=True, exist_ok=True)
    threads = [
        threading.Thread(target=_write, args=(folder / f"{number}.journal", f"crash-{round_name}-{number}"))
        for number in range(CONNECTIONS)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def _write(journal, prefix):
    connection, made = raw.Connection(deadline=30), Made()
    with journal.open("w") as lines:
        try:
            for number in range(1, 1_000_000):
                for operation, document in calls(prefix, number, made):
                    _note(lines, "sent", operation, document)
                    answer = connection.call(operation, document)
                    if answer.status == 400 and answer.code() == STILL_DRAINING:
                        _note(lines, "declined", operation, document)
                        continue
                    if answer.status != 200:
                        _note(lines, "refused", operation, answer.body.decode())
                        return
                    _note(lines, "acknowledged", operation, document)
                    if operation == "CreateCluster":
                        made.cluster = answer.json()["cluster"]["clusterArn"]
                    if operation == "RunTask":
                        made.tasks[number] = [it["taskArn"] for it in answer.json()["tasks"]]
                        _note(lines, "ran", document["clientToken"], made.tasks[number])
        except OSError:
            # The server is gone, as it should be.
            return


def _note(lines, what, operation, document):
    lines.write(json.dumps([what, operation, document]) + "\n")
    lines.flush()


def calls(prefix, number, made):
    """One round of writes: each changes one thing that can be looked up again. `made` is what earlier ones have answered."""
    cluster = f"{prefix}-{number}"
    yield "CreateCluster", {"clusterName": cluster, "tags": tags(number)}
    yield "RegisterTaskDefinition", definition(prefix, number)
    if number % TASK_EVERY == 0:
        yield "RunTask", task(prefix, number)
    service = {"cluster": cluster, "serviceName": "web", "taskDefinition": f"{prefix}:{number}"}
    yield "CreateService", {**service, "desiredCount": 1, "tags": tags(number)}
    yield "UpdateService", {"cluster": cluster, "service": "web", "desiredCount": 2 + number % 5}
    yield "TagResource", {"resourceArn": made.cluster, "tags": [LATER_TAG]}
    if number > KEPT:
        old = number - KEPT
        for arn in made.tasks.get(old, []):
            yield "StopTask", {"task": arn, "reason": REASON}
        yield "DeleteService", {"cluster": f"{prefix}-{old}", "service": "web", "force": True}
        yield "DeregisterTaskDefinition", {"taskDefinition": f"{prefix}:{old}"}
        yield "DeleteCluster", {"cluster": f"{prefix}-{old}"}


def task(prefix, number):
    """One of the default cluster, where there is a host."""
    return {
        "taskDefinition": f"{prefix}:{number}",
        "clientToken": f"{prefix}-{number}",
        "startedBy": f"{prefix}-{number}"[-36:],
        "tags": tags(number),
    }


def tags(number):
    return [{"key": f"key-{it}", "value": f"{number}-{it}"} for it in range(5)]


def definition(prefix, number):
    """Large enough to fill more than a page of a file."""
    return {
        "family": prefix,
        "containerDefinitions": [
            {
                "name": f"container-{it}",
                "image": "conformance/none:1",
                "memory": 64,
                "environment": [{"name": f"NAME_{name}", "value": f"{number}-{it}-{name}" * 10} for name in range(10)],
            }
            for it in range(3)
        ],
    }


if __name__ == "__main__":
    main()
