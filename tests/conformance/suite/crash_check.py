"""What was acknowledged before a crash is there, and nothing is half there.

`python3 -m suite.crash_check <folder of journals>`
"""

import json
import pathlib
import sys

from . import subject
from .crash_load import definition, tags

ACTIVE, INACTIVE, ABSENT = "ACTIVE", "INACTIVE", None


class Expected:
    """What one connection may find: for each thing, all states that would be right."""

    def __init__(self):
        self.clusters, self.definitions, self.services = {}, {}, {}
        self.acknowledged = 0

    def read(self, journal, faults):
        in_doubt = None
        for line in journal.read_text().splitlines():
            what, operation, document = json.loads(line)
            if what == "refused":
                faults.add(f"{journal.name}: {operation} was refused: {document}")
            if what == "sent":
                in_doubt = operation, document
            if what == "acknowledged":
                self.acknowledged += 1
                self.apply(operation, document, is_certain=True)
                in_doubt = None
        if in_doubt:
            self.apply(*in_doubt, is_certain=False)

    def apply(self, operation, document, is_certain):
        table, key, state = self._change(operation, document)
        before = set() if is_certain else table.get(key, {ABSENT})
        table[key] = before | {state}

    def _change(self, operation, document):
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
        things += len(expected.clusters) + len(expected.definitions) + len(expected.services)
        _clusters(ecs, expected.clusters, faults)
        _definitions(ecs, expected.definitions, faults)
        _services(ecs, expected.services, faults)
    faults.finish(f"{acknowledged} acknowledged writes to {things} things looked up after a crash")


def _clusters(ecs, expected, faults):
    names = list(expected)
    for start in range(0, len(names), 100):
        part = names[start : start + 100]
        answer = ecs.describe_clusters(clusters=part, include=["TAGS"])
        found = {it["clusterName"]: it for it in answer["clusters"]}
        for name in part:
            state = found[name]["status"] if name in found else ABSENT
            faults.check(state in expected[name], f"cluster {name}: {state}, not {expected[name]}")
            if name in found:
                faults.check(found[name]["tags"] == tags(_number(name)), f"cluster {name}: {found[name]['tags']}")


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


def _services(ecs, expected, faults):
    for cluster, states in expected.items():
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


def _number(name):
    return int(name.rsplit("-", 1)[1])


if __name__ == "__main__":
    main()
