"""What was acknowledged before a crash is there, and nothing is half there.

`python3 -m suite.crash_check <folder of journals>`
"""

import json
import pathlib
import sys

from . import subject
from .crash_load import LATER_TAG, REASON, definition, tags, task

ACTIVE, INACTIVE, ABSENT = "ACTIVE", "INACTIVE", None


class Expected:
    """What one connection may find: for each thing, all states that would be right."""

    def __init__(self):
        self.clusters, self.definitions, self.services = {}, {}, {}
        # Whether each cluster has its later tag.
        self.later = {}
        # By the token of their call: the tasks that were answered, or None if no answer came; and which of them were
        # asked to stop.
        self.tasks, self.stopped = {}, {}
        self.acknowledged = 0

    def read(self, journal, faults):
        in_doubt = None
        for line in journal.read_text().splitlines():
            what, operation, document = json.loads(line)
            if what == "refused":
                faults.add(f"{journal.name}: {operation} was refused: {document}")
            if what == "sent":
                in_doubt = operation, document
            if what == "declined":
                in_doubt = None
            if what == "ran":
                self.tasks[operation] = document
            if what == "acknowledged":
                self.acknowledged += 1
                self.apply(operation, document, is_certain=True)
                in_doubt = None
        if in_doubt:
            self.apply(*in_doubt, is_certain=False)

    def apply(self, operation, document, is_certain):
        table, key, state = self._change(operation, document)
        if table is self.tasks:
            # What it has started stands in the answer, if one came.
            table[key] = None
            return
        before = set() if is_certain else table.get(key, {ABSENT})
        table[key] = before | {state}

    def _change(self, operation, document):
        if operation == "TagResource":
            return self.later, document["resourceArn"].split("/")[-1], True
        if operation == "RunTask":
            return self.tasks, document["clientToken"], None
        if operation == "StopTask":
            return self.stopped, document["task"], True
        if operation == "DeleteCluster":
            return self.clusters, document["cluster"], INACTIVE
        if operation == "CreateCluster":
            return self.clusters, document["clusterName"], ACTIVE
        if operation == "RegisterTaskDefinition":
            number = len(self.definitions) + 1
            return self.definitions, f"{document['family']}:{number}", ACTIVE
        if operation == "DeregisterTaskDefinition":
            return self.definitions, document["taskDefinition"], INACTIVE
        if operation == "CreateService":
            return self.services, document["cluster"], (ACTIVE, document["desiredCount"])
        if operation == "UpdateService":
            return self.services, document["cluster"], (ACTIVE, document["desiredCount"])
        return self.services, document["cluster"], (INACTIVE, 0)


def main():
    faults, acknowledged, things = subject.Faults(), 0, 0
    ecs = subject.client()
    for journal in sorted(pathlib.Path(sys.argv[1]).rglob("*.journal")):
        expected = Expected()
        expected.read(journal, faults)
        acknowledged += expected.acknowledged
        kinds = (expected.clusters, expected.definitions, expected.services, expected.tasks)
        things += sum(map(len, kinds))
        _clusters(ecs, expected, faults)
        _definitions(ecs, expected.definitions, faults)
        _services(ecs, expected, faults)
        _tasks(ecs, expected, faults)
    faults.finish(f"{acknowledged} acknowledged writes to {things} things looked up after a crash")


def _clusters(ecs, expectation, faults):
    expected = expectation.clusters
    names = list(expected)
    for start in range(0, len(names), 100):
        part = names[start : start + 100]
        answer = ecs.describe_clusters(clusters=part, include=["TAGS"])
        found = {it["clusterName"]: it for it in answer["clusters"]}
        for name in part:
            state = found[name]["status"] if name in found else ABSENT
            faults.check(state in expected[name], f"cluster {name}: {state}, not {expected[name]}")
            if state == ACTIVE:
                _tagged(found[name], name, expectation.later.get(name, {ABSENT}), faults)


def _tagged(cluster, name, later, faults):
    """Its first tags are there with it, and the later one when that was acknowledged."""
    has_later = LATER_TAG in cluster["tags"]
    faults.check((True if has_later else ABSENT) in later, f"cluster {name}: {cluster['tags']}, not {later}")
    first = [it for it in cluster["tags"] if it != LATER_TAG]
    faults.check(first == tags(_number(name)), f"cluster {name}: {cluster['tags']}")


def _definitions(ecs, expected, faults):
    if not expected:
        return
    family = next(iter(expected)).split(":")[0]
    found = {}
    for status in (ACTIVE, INACTIVE):
        pages = ecs.get_paginator("list_task_definitions").paginate(familyPrefix=family, status=status)
        found |= {arn.split("/")[-1]: status for page in pages for arn in page["taskDefinitionArns"]}
    for name, states in expected.items():
        faults.check(found.get(name) in states, f"task definition {name}: {found.get(name)}, not {states}")
    faults.check(set(found) <= set(expected), f"revisions that nobody registered: {set(found) - set(expected)}")
    for name in found:
        described = ecs.describe_task_definition(taskDefinition=name)["taskDefinition"]
        wanted = definition(family, int(name.split(":")[1]))["containerDefinitions"]
        texts = [[it["name"], it["environment"]] for it in described["containerDefinitions"]]
        faults.check(texts == [[it["name"], it["environment"]] for it in wanted], f"task definition {name} is not whole")


def _services(ecs, expectation, faults):
    for cluster, states in expectation.services.items():
        if INACTIVE in expectation.clusters[cluster]:
            # Its services are not asked for any more.
            continue
        answer = ecs.describe_services(cluster=cluster, services=["web"], include=["TAGS"])
        if not answer["services"]:
            faults.check(ABSENT in states, f"service of {cluster} is not there, not {states}")
            continue
        service = answer["services"][0]
        # Without tasks, draining ends as soon as somebody looks.
        status = INACTIVE if service["status"] == "DRAINING" else service["status"]
        state = (status, service["desiredCount"])
        faults.check(state in states, f"service of {cluster}: {state}, not {states}")
        faults.check(service["tags"] == tags(_number(cluster)), f"service of {cluster}: {service['tags']}")
        primary = [it for it in service["deployments"] if it["status"] == "PRIMARY"]
        is_whole = status == INACTIVE or (
            len(primary) == 1 and primary[0]["taskDefinition"] == service["taskDefinition"]
        )
        faults.check(is_whole, f"service of {cluster} is half there: {service['deployments']}")
        listed = ecs.list_services(cluster=cluster)["serviceArns"]
        is_listed = bool(listed) == (service["status"] == ACTIVE)
        faults.check(is_listed, f"service of {cluster} is {status}, and listed: {listed}")


def _tasks(ecs, expected, faults):
    for token, answered in expected.tasks.items():
        arns = [] if answered is None else answered
        if answered is None:
            # Who has no answer asks again.
            prefix, number = token.rsplit("-", 1)
            ecs.run_task(**task(prefix, int(number)))
        started_by = token[-36:]
        listed = [
            arn
            for status in ("RUNNING", "STOPPED")
            for arn in ecs.list_tasks(startedBy=started_by, desiredStatus=status)["taskArns"]
        ]
        faults.check(set(arns) <= set(listed), f"tasks of {token}: {listed}, not {arns}")
        faults.check(len(listed) <= 1, f"{token} has started more than once: {listed}")
        for found in ecs.describe_tasks(tasks=listed, include=["TAGS"])["tasks"] if listed else []:
            _task(found, token, expected.stopped.get(found["taskArn"], {ABSENT}), faults)


def _task(found, token, stopped, faults):
    """It is whole, and as it was asked for. One without an image ends by itself."""
    is_whole = (
        len(found["containers"]) == len(definition("", 0)["containerDefinitions"])
        and found["tags"] == tags(_number(token))
        and found["group"] == f"family:{token.rsplit('-', 1)[0]}"
    )
    faults.check(is_whole, f"task of {token} is half there: {found}")
    if stopped == {True}:
        faults.check(found["desiredStatus"] == "STOPPED", f"task of {token} was stopped: {found['desiredStatus']}")
    if found.get("stopCode") == "UserInitiated":
        faults.check(True in stopped and found["stoppedReason"] == REASON, f"nobody stopped the task of {token}: {found}")


def _number(name):
    return int(name.rsplit("-", 1)[1])


if __name__ == "__main__":
    main()
