"""Wrong, odd and extreme inputs of an operation, made from its model."""

from . import subject

LONG = "a" * 300
VERY_LONG = "a" * 100_000
MANY = 1000
# Deeper than any modelled input.
DEPTH = 200
# Shapes that contain themselves are followed this far.
DEPTH_OF_SHAPES = 8

# Stands for a name that no variant before had.
UNIQUE = "conformance-unique"

# The service of task sets, and one that it never had.
OF_TASK_SETS = {"cluster": subject.VOID_CLUSTER, "service": subject.VOID_EXTERNAL_SERVICE}
NO_TASK_SET = "ecs-svc/1234567890123456789"

# Inputs that lead past the first check, so that members further in are looked at.
BASES = {
    "CreateCluster": {"clusterName": "conformance-variants"},
    "CreateService": {
        "cluster": subject.VOID_CLUSTER,
        "serviceName": UNIQUE,
        "taskDefinition": subject.VOID_TASK_DEFINITION,
        "desiredCount": 0,
    },
    "CreateTaskSet": {**OF_TASK_SETS, "taskDefinition": subject.VOID_TASK_DEFINITION},
    "DeleteCluster": {"cluster": "conformance-nowhere"},
    "DeleteService": {"cluster": subject.VOID_CLUSTER, "service": "conformance-nothing"},
    "DeleteTaskSet": {**OF_TASK_SETS, "taskSet": NO_TASK_SET},
    "DescribeTaskSets": {**OF_TASK_SETS, "taskSets": [NO_TASK_SET]},
    "DeregisterTaskDefinition": {"taskDefinition": "conformance-nothing:1"},
    "RegisterTaskDefinition": {
        "family": "conformance-variants",
        "containerDefinitions": [{"name": "web", "image": "conformance/none:1", "memory": subject.VOID_MEMORY}],
    },
    "RegisterContainerInstance": {"cluster": "conformance-hosts"},
    "RunTask": {"cluster": subject.VOID_CLUSTER, "taskDefinition": subject.VOID_TASK_DEFINITION},
    "StartTask": {
        "cluster": subject.VOID_CLUSTER,
        "taskDefinition": subject.VOID_TASK_DEFINITION,
        "containerInstances": ["0" * 32],
    },
    "UpdateServicePrimaryTaskSet": {**OF_TASK_SETS, "primaryTaskSet": NO_TASK_SET},
    "UpdateTaskSet": {**OF_TASK_SETS, "taskSet": NO_TASK_SET, "scale": {"value": 0.0, "unit": "PERCENT"}},
    "UpdateService": {"cluster": subject.VOID_CLUSTER, "service": subject.VOID_SERVICE},
}

# Never accepted, whatever the operation: the answer must be an error.
REFUSED = "refused"
# The operation decides.
EITHER = "either"


class Variant:
    """One input: what was changed in it, and what may be answered."""

    def __init__(self, label, document, expected):
        self.label = label
        self.document = document
        self.expected = expected


def variants(operation, shape):
    """All variants of an operation with an input shape."""
    base = {**_sample(shape, 0), **BASES.get(operation, {})}
    if "cluster" in shape.members:
        base.setdefault("cluster", subject.VOID_CLUSTER)
    yield Variant("base", base, EITHER)
    yield Variant("nothing", {}, REFUSED if shape.required_members else EITHER)
    yield Variant("unknown member", {**base, "unknownMember": [[{"a": None}], 1e3, "x"]}, EITHER)
    yield Variant("deep unknown member", _raw(base, "unknownMember", b"[" * DEPTH + b"]" * DEPTH), EITHER)
    yield Variant("deep and open", _raw(base, "unknownMember", b"[" * 100_000), REFUSED)
    for body in (b"", b"null", b"[]", b'"x"', b"1", b"{", b"{}{}", b'{"a"}', b"\xff\xfe", b'{"a":"\xff"}'):
        # An empty body stands for no members.
        yield Variant(f"body {body!r}", body, EITHER if body == b"" else REFUSED)
    yield from _of_structure(shape, base, lambda value: value, (), 0)


def _of_structure(shape, base, embed, path, depth):
    """Variants of each member of a structure. `embed` puts a structure back where it belongs."""
    for name, member in shape.members.items():
        here = (*path, name)
        label = ".".join(here)
        is_required = name in shape.required_members

        def put(value, name=name):
            return embed({**base, name: value})

        if is_required:
            rest = {key: value for key, value in base.items() if key != name}
            yield Variant(f"{label} left out", embed(rest), REFUSED)
        yield Variant(f"{label} null", put(None), REFUSED if is_required else EITHER)
        for what, value, expected in _values(member):
            yield Variant(f"{label} {what}", put(value), expected)
        inner, wrap = _inside(member, base.get(name))
        if inner is not None and depth < DEPTH_OF_SHAPES and _count(path, name) == 0:
            value = inner[0]
            yield from _of_structure(
                inner[1], value, lambda it, put=put, wrap=wrap: put(wrap(it)), here, depth + 1
            )


def _count(path, name):
    return sum(it == name for it in path)


def _inside(member, given):
    """The structure in a member, with its value, and the way back."""
    if member.type_name == "structure":
        value = given if isinstance(given, dict) else _sample(member, 0)
        return (value, member), lambda it: it
    if member.type_name == "list" and member.member.type_name == "structure":
        value = given[0] if isinstance(given, list) and given else _sample(member.member, 0)
        return (value, member.member), lambda it: [it]
    if member.type_name == "map" and member.value.type_name == "structure":
        return (_sample(member.value, 0), member.value), lambda it: {"key": it}
    return None, None


def _values(shape):
    """Odd values of a shape: what they are, the value, what may be answered."""
    kind = shape.type_name
    for wrong in _wrong_types(kind):
        yield f"of type {type(wrong).__name__}", wrong, REFUSED
    if kind == "string":
        yield from _strings(shape)
    elif kind in ("integer", "long"):
        yield from _integers(kind)
    elif kind in ("double", "float"):
        for number in (-1.0, 0.0, 0.1, 100.0, 100.1, 1e300):
            yield f"{number}", number, EITHER
    elif kind == "boolean":
        yield "true", True, EITHER
        yield "false", False, EITHER
    elif kind == "timestamp":
        for number in (-1, 0, 4e9, 1e18):
            yield f"{number}", number, EITHER
    elif kind == "list":
        item = _sample(shape.member, 1)
        yield "empty", [], EITHER
        yield "with null", [None], EITHER
        yield "of one", [item], EITHER
        yield "twice the same", [item, item], EITHER
        yield "of many", [item] * MANY, EITHER
        for wrong in _wrong_types(shape.member.type_name):
            yield f"with {type(wrong).__name__}", [wrong], REFUSED
        if shape.member.type_name == "string":
            for what, text, expected in _strings(shape.member):
                yield f"with {what}", [text], expected
    elif kind == "map":
        value = _sample(shape.value, 1)
        yield "empty", {}, EITHER
        yield "with an empty key", {"": value}, EITHER
        yield "with null", {"key": None}, EITHER
        yield "of many", {f"key-{number}": value for number in range(MANY)}, EITHER
        for wrong in _wrong_types(shape.value.type_name):
            yield f"with {type(wrong).__name__}", {"key": wrong}, REFUSED
    elif kind == "structure":
        yield "empty", {}, REFUSED if shape.required_members else EITHER
        yield "with an unknown member", {**_sample(shape, 1), "unknownMember": {}}, EITHER


def _strings(shape):
    if shape.enum:
        for word in shape.enum:
            yield f"{word}", word, EITHER
        yield "unknown word", "NO_SUCH_WORD", REFUSED
        yield "other case", shape.enum[0].swapcase(), EITHER
    for what, text in (
        ("empty", ""),
        ("blank", " "),
        ("a word", "conformance"),
        ("long", LONG),
        ("very long", VERY_LONG),
        ("with zero", "a\0b"),
        ("not ASCII", "é漢\U0001f600"),
        ("a path", "../../etc/passwd"),
        ("an ARN", "arn:aws:ecs:us-east-1:123456789012:cluster/other"),
        ("a broken ARN", "arn:aws:ecs:::"),
        ("a number", "-1"),
    ):
        yield what, text, EITHER


def _integers(kind):
    outside = [2**63, -(2**63) - 1, 1e300] + ([2**31, -(2**31) - 1] if kind == "integer" else [])
    for number in (-1, 0, 1, 2, 65536, 2**31 - 1, -(2**31)):
        yield f"{number}", number, EITHER
    for number in outside:
        yield f"{number}", number, REFUSED
    yield "1.5", 1.5, REFUSED


def _wrong_types(kind):
    """Values that are of another JSON type than the shape."""
    all_types = {"string": "x", "number": 7, "boolean": True, "list": [], "object": {}}
    own = {
        "string": "string",
        "blob": "string",
        "integer": "number",
        "long": "number",
        "double": "number",
        "float": "number",
        "boolean": "boolean",
        "list": "list",
        "map": "object",
        "structure": "object",
        "timestamp": "number",
    }[kind]
    return [value for name, value in all_types.items() if name != own]


def _sample(shape, depth):
    """A small value of a shape: of structures, the required members."""
    kind = shape.type_name
    if kind == "structure":
        if depth > DEPTH_OF_SHAPES:
            return {}
        return {name: _sample(shape.members[name], depth + 1) for name in shape.required_members}
    if kind == "list":
        return [_sample(shape.member, depth + 1)]
    if kind == "map":
        return {"key": _sample(shape.value, depth + 1)}
    if kind == "string":
        return shape.enum[0] if shape.enum else "conformance"
    return {"integer": 1, "long": 1, "double": 1.0, "float": 1.0, "boolean": True, "timestamp": 0, "blob": "eA=="}[kind]


def _raw(base, name, value):
    """The document with one member more, of any bytes."""
    import json

    head = json.dumps(base).encode()[:-1]
    comma = b", " if base else b""
    return head + comma + b'"' + name.encode() + b'": ' + value + b"}"
