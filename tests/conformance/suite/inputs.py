"""Wrong, odd and extreme inputs of an operation, made from its model."""

import json
import uuid

LONG = "a" * 300
VERY_LONG = "a" * 100_000
MANY = 1000
# Names nothing.
WORD = f"conformance-word-{uuid.uuid4().hex[:8]}"
# Deeper than any modelled input.
DEPTH = 200
# Shapes that contain themselves are followed this far.
DEPTH_OF_SHAPES = 8

# Never accepted, whatever the operation: the answer must be an error.
REFUSED = "refused"
# Accepted, if what the variant is made from is.
ACCEPTED = "accepted"
# The operation decides, and it is not known how.
EITHER = "either"

BASE = "base"


class Variant:
    """One input: what was changed in it, what may be answered, and the variant that it is made from."""

    def __init__(self, label, document, expected, origin=BASE):
        self.label = label
        self.document = document
        self.expected = expected
        self.origin = origin


class Rules:
    """What is known of a service beyond its model. This one knows nothing."""

    def verdict(self, path, what, value, shape):
        """Of a changed member; None where only the model speaks."""
        return None

    def base_verdict(self, operation):
        return EITHER

    def sample(self, path):
        """A right value of a member, or None."""
        return None

    def edges(self, path, shape):
        """Values on both sides of the bounds of a member, named and judged."""
        return ()


class Maker:
    """Makes the variants of one operation."""

    def __init__(self, operation, shape, base, rules, only=None):
        self.operation = operation
        self.shape = shape
        self.base = base
        self.rules = rules
        # The only member that is changed; None: all.
        self.only = only

    def variants(self):
        base, shape = self.base, self.shape
        yield Variant(BASE, base, self.rules.base_verdict(self.operation))
        if self.only is None:
            yield from self._of_document(base, shape)
        yield from self._of_structure(shape, base, lambda value: value, (self.operation,), 0, BASE)

    def _of_document(self, base, shape):
        yield Variant("nothing", {}, REFUSED if shape.required_members else EITHER)
        yield Variant("unknown member", {**base, "unknownMember": [[{"a": None}], 1e3, "x"]}, ACCEPTED)
        # Amazon's bound of the depth is not told.
        yield Variant("deep unknown member", _raw(base, "unknownMember", b"[" * DEPTH + b"]" * DEPTH), EITHER)
        yield Variant("deep and open", _raw(base, "unknownMember", b"[" * 100_000), REFUSED)
        for body in (b"", b"null", b"[]", b'"x"', b"1", b"{", b"{}{}", b'{"a"}', b"\xff\xfe", b'{"a":"\xff"}'):
            # An empty body stands for no members.
            yield Variant(f"body {body!r}", body, EITHER if body == b"" else REFUSED)

    def _of_structure(self, shape, base, embed, path, depth, origin):
        """Variants of each member of a structure. `embed` puts a structure back where it belongs."""
        for name, member in shape.members.items():
            if depth == 0 and self.only not in (None, name):
                continue
            here = (*path, name)
            label = ".".join(here[1:])
            is_required = name in shape.required_members

            def put(value, name=name):
                return embed({**base, name: value})

            if is_required:
                rest = {key: value for key, value in base.items() if key != name}
                yield Variant(f"{label} left out", embed(rest), REFUSED)
            # What is null is not there.
            is_needed = REFUSED if is_required else (self._verdict(here, "null", None, member) or ACCEPTED)
            yield Variant(f"{label} null", put(None), EITHER if name in base and not is_required else is_needed, origin)
            edges = self.rules.edges(here, member)
            for what, value, expected in (*_values(member, self._sample(here, member)), *edges):
                known = self._verdict(here, what, value, member)
                yield Variant(f"{label} {what}", put(value), known or expected, origin)
            inner = self._inside(here, member, base.get(name))
            if inner is not None and depth < DEPTH_OF_SHAPES and name not in path[1:]:
                value, of, wrap = inner
                as_it_is = f"{label} as it is"
                is_known = base.get(name) is not None or self.rules.sample(here) is not None
                known = self._verdict(here, "as it is", value, member) or (ACCEPTED if is_known else EITHER)
                yield Variant(as_it_is, put(wrap(value)), known, origin)
                yield from self._of_structure(
                    of, value, lambda it, put=put, wrap=wrap: put(wrap(it)), here, depth + 1, as_it_is
                )

    def _verdict(self, path, what, value, shape):
        return self.rules.verdict(path, what, value, shape)

    def _sample(self, path, shape):
        known = self.rules.sample(path)
        return sample(shape, 0) if known is None else known

    def _inside(self, path, member, given):
        """The structure in a member: its value, its shape, and the way back."""
        found = given or self._sample(path, member)
        if member.type_name == "structure":
            value = found if isinstance(found, dict) else sample(member, 0)
            return value, member, lambda it: it
        if member.type_name == "list" and member.member.type_name == "structure":
            value = found[0] if found else sample(member.member, 0)
            return value, member.member, lambda it: [it, *found[1:]]
        if member.type_name == "map" and member.value.type_name == "structure":
            return sample(member.value, 0), member.value, lambda it: {"key": it}
        return None


def _values(shape, right):
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
        item = right[0] if right else sample(shape.member, 1)
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
        value = sample(shape.value, 1)
        yield "empty", {}, EITHER
        yield "with an empty key", {"": value}, EITHER
        yield "with null", {"key": None}, EITHER
        yield "of many", {f"key-{number}": value for number in range(MANY)}, EITHER
        for wrong in _wrong_types(shape.value.type_name):
            yield f"with {type(wrong).__name__}", {"key": wrong}, REFUSED
    elif kind == "structure":
        yield "empty", {}, REFUSED if shape.required_members else EITHER
        yield "with an unknown member", {**right, "unknownMember": {}}, EITHER


def _strings(shape):
    if shape.enum:
        for word in shape.enum:
            yield f"{word}", word, EITHER
        yield "unknown word", "NO_SUCH_WORD", REFUSED
        yield "other case", shape.enum[0].swapcase(), EITHER
    # An empty word may stand for none.
    otherwise = REFUSED if shape.enum else EITHER
    for what, text in (
        ("empty", ""),
        ("blank", " "),
        ("a word", WORD),
        ("long", LONG),
        ("very long", VERY_LONG),
        ("with zero", "a\0b"),
        ("not ASCII", "é漢\U0001f600"),
        ("a path", "../../etc/passwd"),
        ("an ARN", "arn:aws:ecs:us-east-1:123456789012:cluster/other"),
        ("a broken ARN", "arn:aws:ecs:::"),
        ("a number", "-1"),
    ):
        yield what, text, otherwise if text else EITHER


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


def sample(shape, depth):
    """A small value of a shape: of structures, the required members."""
    kind = shape.type_name
    if kind == "structure":
        if depth > DEPTH_OF_SHAPES:
            return {}
        return {name: sample(shape.members[name], depth + 1) for name in shape.required_members}
    if kind == "list":
        return [sample(shape.member, depth + 1)]
    if kind == "map":
        return {"key": sample(shape.value, depth + 1)}
    if kind == "string":
        return shape.enum[0] if shape.enum else "conformance"
    return {"integer": 1, "long": 1, "double": 1.0, "float": 1.0, "boolean": True, "timestamp": 0, "blob": "eA=="}[kind]


def _raw(base, name, value):
    """The document with one member more, of any bytes."""
    head = json.dumps(base).encode()[:-1]
    comma = b", " if base else b""
    return head + comma + b'"' + name.encode() + b'": ' + value + b"}"
