"""Every paginator of botocore gives the whole set exactly once, in pages of any size; tampered tokens are refused."""

from botocore.exceptions import ClientError

from . import subject, world
from .bases import TOTALS

PAGE_SIZES = (1, 3, 7, 100)
# Amazon's pages of these are shorter.
LONGEST_PAGE = {"list_account_settings": 10}
COUNT = 12
PREFIX = f"conformance-page-{subject.RUN}-"
NAMES = [f"{PREFIX}{number:02}" for number in range(COUNT)]
STARTED_BY = f"conformance-{subject.RUN}"
CLUSTER = f"conformance-pages-{subject.RUN}"
NAMESPACE = f"conformance-pages-{subject.RUN}"


def main():
    ecs = subject.client()
    faults, counts = subject.Faults(), {"walks": 0, "tokens": 0}
    fill(ecs)
    for operation in sorted(subject.model().operation_names):
        method = _method(ecs, operation)
        if not ecs.can_paginate(method):
            continue
        for arguments, wanted in WALKS.get(operation, [({}, None)]):
            walk(ecs, method, arguments, wanted, faults, counts)
    faults.finish(f"{counts['walks']} walks through pages, {counts['tokens']} tampered tokens")


def fill(ecs):
    """Twelve of what can be listed; no container starts for that."""
    world.namespace(NAMESPACE)
    ecs.create_cluster(clusterName=CLUSTER)
    container = {"name": "web", "image": "conformance/none:1", "memory": 8}
    for name in NAMES:
        ecs.create_cluster(clusterName=name)
        ecs.register_task_definition(family=name, containerDefinitions=[container])
        ecs.create_service(
            cluster=CLUSTER,
            serviceName=name,
            taskDefinition=f"{name}:1",
            desiredCount=0,
            serviceConnectConfiguration={"enabled": True, "namespace": NAMESPACE},
        )
    for _ in range(COUNT - 1):
        ecs.register_task_definition(family=NAMES[0], containerDefinitions=[container])
    instances(ecs)
    tasks(ecs)
    deployments(ecs)


def instances(ecs):
    """Instances without an agent, with an attribute each."""
    for number in range(COUNT):
        made = ecs.register_container_instance(cluster=CLUSTER, totalResources=TOTALS)["containerInstance"]
        rack = {"name": "rack", "value": str(number), "targetId": made["containerInstanceArn"]}
        ecs.put_attributes(cluster=CLUSTER, attributes=[rack])


def tasks(ecs):
    """Tasks whose image is nowhere, so that they end: no listing changes any more."""
    subject.until("an agent is connected", lambda: subject.connected_instance(ecs))
    run = {"taskDefinition": f"{NAMES[0]}:1", "startedBy": STARTED_BY}
    for count in (10, COUNT - 10):
        answer = ecs.run_task(count=count, **run)
        for task in answer["tasks"]:
            ecs.stop_task(task=task["taskArn"])
    stopped = {"startedBy": STARTED_BY, "desiredStatus": "STOPPED"}
    subject.until("all have stopped", lambda: len(ecs.list_tasks(**stopped)["taskArns"]) == COUNT)


def deployments(ecs):
    """Deployments of one service, each of which ends the one before."""
    for _ in range(3):
        ecs.update_service(cluster=CLUSTER, service=NAMES[0], forceNewDeployment=True)


# Arguments, and the names that must be among what comes. None: whatever comes, in pages of all sizes alike.
WALKS = {
    "ListClusters": [({}, NAMES)],
    "ListServices": [({"cluster": CLUSTER}, NAMES), ({"cluster": CLUSTER, "schedulingStrategy": "REPLICA"}, NAMES)],
    "ListTaskDefinitionFamilies": [({"familyPrefix": PREFIX}, NAMES), ({"status": "ACTIVE"}, NAMES)],
    "ListTaskDefinitions": [
        ({"familyPrefix": NAMES[0]}, [f"{NAMES[0]}:{number + 1}" for number in range(COUNT)]),
        ({"sort": "DESC"}, [f"{name}:1" for name in NAMES]),
    ],
    "ListTasks": [({"startedBy": STARTED_BY, "desiredStatus": "STOPPED"}, None)],
    "ListContainerInstances": [({"cluster": CLUSTER}, None), ({"cluster": CLUSTER, "filter": "attribute:rack >= 0"}, None)],
    "ListAccountSettings": [({"effectiveSettings": True}, None)],
    "ListAttributes": [({"cluster": CLUSTER, "targetType": "container-instance", "attributeName": "rack"}, None)],
    "ListServiceDeployments": [({"cluster": CLUSTER, "service": NAMES[0]}, None)],
    "ListServicesByNamespace": [({"namespace": NAMESPACE}, NAMES)],
}


def walk(ecs, method, arguments, wanted, faults, counts):
    paginator = ecs.get_paginator(method)
    key = paginator.result_keys[0].parsed["value"]
    label = f"{method} {arguments}"
    whole = None
    for size in (min(size, LONGEST_PAGE.get(method, size)) for size in PAGE_SIZES):
        pages = list(paginator.paginate(**arguments, PaginationConfig={"PageSize": size}))
        counts["walks"] += 1
        found = [item for page in pages for item in page[key]]
        faults.check(all(len(page[key]) <= size for page in pages), f"{label}: a page is longer than {size}")
        faults.check(len(set(map(str, found))) == len(found), f"{label}: something came twice in pages of {size}")
        faults.check("nextToken" not in pages[-1], f"{label}: the last page has a token")
        faults.check(len(pages) > 1 or size >= len(found) > 1, f"{label}: there is no second page of {size}")
        whole = found if whole is None else whole
        faults.check(found == whole, f"{label}: pages of {size} give another whole")
        if size == 1 and len(pages) > 1:
            tamper(ecs, method, arguments, pages[0]["nextToken"], faults, counts)
    ends = {item.split("/")[-1] for item in map(str, whole)}
    missing = [name for name in wanted or [] if name not in ends]
    faults.check(not missing, f"{label}: {missing} did not come")


def tamper(ecs, method, arguments, token, faults, counts):
    """A token is good as it is, for the same listing, and in no other form."""
    middle = len(token) // 2
    other = "A" if token[middle] != "A" else "B"
    for forged in (token[:-1], token + "A", token[:middle] + other + token[middle + 1 :], token.swapcase(), "", "x"):
        counts["tokens"] += 1
        _refused(ecs, method, {**arguments, "nextToken": forged}, faults)
    for changed in ({"status": "INACTIVE"}, {"desiredStatus": "STOPPED"}, {"cluster": "default"}):
        members = ecs.meta.service_model.operation_model(ecs.meta.method_to_api_mapping[method]).input_shape.members
        if set(changed) <= set(members) and arguments.get(next(iter(changed))) != next(iter(changed.values())):
            if changed == {"cluster": "default"} and "cluster" not in arguments:
                continue
            counts["tokens"] += 1
            _refused(ecs, method, {**arguments, **changed, "nextToken": token}, faults)


def _refused(ecs, method, arguments, faults):
    try:
        getattr(ecs, method)(**arguments)
        faults.add(f"{method} {arguments}: accepted")
    except ClientError as error:
        code = error.response["Error"]["Code"]
        faults.check(code in ("InvalidParameterException", "ClientException"), f"{method} {arguments}: {error}")


def _method(ecs, operation):
    return next(name for name, of in ecs.meta.method_to_api_mapping.items() if of == operation)


if __name__ == "__main__":
    main()
