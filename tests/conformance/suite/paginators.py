"""Every paginator of botocore gives the whole set exactly once, in pages of any size; tampered tokens are refused."""

from botocore.exceptions import ClientError

from . import subject

PAGE_SIZES = (1, 3, 7, 100)
# Amazon's pages of these are shorter.
LONGEST_PAGE = {"list_account_settings": 10}
COUNT = 12
PREFIX = f"conformance-page-{subject.RUN}-"
NAMES = [f"{PREFIX}{number:02}" for number in range(COUNT)]
CLUSTER = f"conformance-pages-{subject.RUN}"
# There is nothing to page through: the operation is not built, or nothing can be in a namespace.
NOTHING = {"UnknownOperationException", "NamespaceNotFoundException"}


def main():
    ecs = subject.client()
    faults, counts = subject.Faults(), {"walks": 0, "tokens": 0, "nothing": 0}
    fill(ecs)
    for operation in sorted(subject.model().operation_names):
        method = _method(ecs, operation)
        if not ecs.can_paginate(method):
            continue
        try:
            for arguments, wanted in WALKS.get(operation, [({}, None)]):
                walk(ecs, method, arguments, wanted, faults, counts)
        except ClientError as error:
            if error.response["Error"]["Code"] in NOTHING:
                counts["nothing"] += 1
                continue
            faults.add(f"{operation}: {error}")
    faults.finish(
        f"{counts['walks']} walks through pages, {counts['tokens']} tampered tokens, "
        f"{counts['nothing']} paginators without anything to page through"
    )


def fill(ecs):
    """Twelve of what can be listed without starting a task."""
    ecs.create_cluster(clusterName=CLUSTER)
    for name in NAMES:
        ecs.create_cluster(clusterName=name)
        ecs.register_task_definition(
            family=name, containerDefinitions=[{"name": "web", "image": "conformance/none:1", "memory": 64}]
        )
        ecs.create_service(cluster=CLUSTER, serviceName=name, taskDefinition=f"{name}:1", desiredCount=0)
    for _ in range(COUNT - 1):
        ecs.register_task_definition(
            family=NAMES[0], containerDefinitions=[{"name": "web", "image": "conformance/none:1", "memory": 64}]
        )


# Arguments, and the names that must be among what comes. None: whatever comes, in pages of all sizes alike.
WALKS = {
    "ListClusters": [({}, NAMES)],
    "ListServices": [({"cluster": CLUSTER}, NAMES), ({"cluster": CLUSTER, "schedulingStrategy": "REPLICA"}, NAMES)],
    "ListTaskDefinitionFamilies": [({"familyPrefix": PREFIX}, NAMES), ({"status": "ACTIVE"}, NAMES)],
    "ListTaskDefinitions": [
        ({"familyPrefix": NAMES[0]}, [f"{NAMES[0]}:{number + 1}" for number in range(COUNT)]),
        ({"sort": "DESC"}, [f"{name}:1" for name in NAMES]),
    ],
    "ListTasks": [({}, None), ({"cluster": CLUSTER, "desiredStatus": "STOPPED"}, None)],
    "ListContainerInstances": [({}, None)],
    "ListAccountSettings": [({"effectiveSettings": True}, None)],
    "ListAttributes": [({"targetType": "container-instance"}, None)],
    "ListServicesByNamespace": [({"namespace": "conformance"}, None)],
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
