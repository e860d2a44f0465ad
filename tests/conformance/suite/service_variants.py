"""Whatever is asked of the services round ECS: an answer in time, in the service's words, and never a failure of the server.

Refused must be what the model bounds: numbers, lengths, words, and what is required.
"""

import json
import re
import time
import xml.etree.ElementTree
from collections import Counter
from urllib.parse import quote

import botocore.session

from . import raw, subject
from .inputs import REFUSED, Maker, Rules, sample

FORM = "application/x-www-form-urlencoded; charset=utf-8"
# Services of the query protocol and of JSON, with the names that requests are signed for.
QUERY = {"elbv2": "elasticloadbalancing", "elb": "elasticloadbalancing"}
JSON = {"acm": "acm", "codedeploy": "codedeploy"}
# Errors that any call may be answered with, beside those that its operation models.
COMMON_OF_QUERY = {
    "AccessDenied",
    "DuplicateTagKeys",
    "InvalidAction",
    # Of members that are not built.
    "InvalidConfigurationRequest",
    "InvalidParameterValue",
    "MalformedInput",
    "MalformedQueryString",
    "MissingParameter",
    "OperationNotPermitted",
    "RequestEntityTooLarge",
    "SerializationException",
    "Throttling",
    "UnknownOperationException",
    "ValidationError",
}
COMMON_OF_JSON = {
    "AccessDeniedException",
    # Of members and operations that are not built.
    "InvalidParameterException",
    "OperationNotSupportedException",
    "RequestEntityTooLargeException",
    "SerializationException",
    "ThrottlingException",
    "UnknownOperationException",
    "ValidationException",
}


class Modelled(Rules):
    """Bounds of numbers and lengths, as the model has them."""

    def verdict(self, path, what, value, shape):
        least, most = shape.metadata.get("min"), shape.metadata.get("max")
        if isinstance(value, (str, list)) and shape.type_name in ("string", "list"):
            value = len(value)
        elif not isinstance(value, int) or isinstance(value, bool) or shape.type_name not in ("integer", "long"):
            return None
        is_outside = (least is not None and value < least) or (most is not None and value > most)
        return REFUSED if is_outside else None


class Wire:
    """How a service is asked, and how it answers."""

    def __init__(self, service):
        self.model = botocore.session.get_session().get_service_model(service)
        self.is_query = service in QUERY
        self.signed_for = QUERY.get(service) or JSON[service]
        self.connection = raw.Connection()

    def send(self, operation, document):
        if self.is_query:
            fields = [("Action", operation), ("Version", self.model.api_version), *_fields(document, "")]
            body = "&".join(f"{quote(name)}={quote(value)}" for name, value in fields).encode()
            return self.connection.send(None, FORM, body, self.signed_for)
        body = document if isinstance(document, bytes) else json.dumps(document).encode()
        target = f"{self.model.metadata['targetPrefix']}.{operation}"
        return self.connection.send(target, raw.JSON_1_1, body, self.signed_for)

    def can_say(self, variant):
        """A form has no types, and what is empty or null in it is not there; bytes are documents of JSON."""
        return not self.is_query or not isinstance(variant.document, bytes)

    def must_refuse(self, variant):
        of_types = re.search(r" (of type|with) (str|int|bool|list|dict)$| empty$| null$| of many$", variant.label)
        return variant.expected == REFUSED and not (self.is_query and of_types)

    def codes(self, operation):
        modelled = self.model.operation_model(operation).error_shapes
        if self.is_query:
            return COMMON_OF_QUERY | {shape.error_code for shape in modelled}
        return COMMON_OF_JSON | {shape.name for shape in modelled}

    def error(self, answer):
        """Code and message of a refusal. ValueError if it is in another form."""
        if not self.is_query:
            return answer.code(), answer.message()
        try:
            document = xml.etree.ElementTree.fromstring(answer.body)
        except xml.etree.ElementTree.ParseError as error:
            raise ValueError(error) from error
        text = {it.tag.rsplit("}", 1)[-1]: it.text for it in document.iter()}
        return text.get("Code"), text.get("Message")


def main():
    faults, counts = subject.Faults(), Counter()
    started = time.monotonic()
    for service in (*QUERY, *JSON):
        wire = Wire(service)
        for operation in sorted(wire.model.operation_names):
            shape = wire.model.operation_model(operation).input_shape
            if shape is None:
                continue
            for variant in Maker(operation, shape, sample(shape, 0), Modelled()).variants():
                if wire.can_say(variant):
                    counts["all"] += 1
                    counts[_try(wire, service, operation, variant, faults)] += 1
            counts["operations"] += 1
    seconds = time.monotonic() - started
    faults.finish(
        f"{counts['all']} variants of {counts['operations']} operations of the services round ECS in {seconds:.0f} s: "
        f"{counts['accepted']} accepted, {counts['refused']} refused"
    )


def _try(wire, service, operation, variant, faults):
    label = f"{service} {operation}: {variant.label}"
    try:
        answer = wire.send(operation, variant.document)
    except OSError as error:
        faults.add(f"{label}: {error}")
        return "lost"
    if answer.status == 200:
        if wire.must_refuse(variant):
            faults.add(f"{label}: accepted")
        return "accepted"
    try:
        code, message = wire.error(answer)
    except ValueError as error:
        faults.add(f"{label}: {answer.status} in another form ({error}): {answer.body[:200]!r}")
        return "lost"
    shown = f"{label}: {answer.status} {code}: {message!s:.200}"
    faults.check(400 <= answer.status < 500 and bool(message), shown)
    if code not in wire.codes(operation):
        faults.add(f"{shown} (not an error of the operation)")
    return "refused"


def _fields(value, path):
    """A document as the fields of a form. What is not there in a form, such as null, is left out."""
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from _fields(inner, f"{path}.{name}" if path else name)
    elif isinstance(value, list):
        for number, inner in enumerate(value, start=1):
            yield from _fields(inner, f"{path}.member.{number}")
    elif value is not None:
        text = str(value).lower() if isinstance(value, bool) else str(value)
        yield path, text


if __name__ == "__main__":
    main()
