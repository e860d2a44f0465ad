"""Whatever a query of Elastic Load Balancing is: an answer in time, in its words, and never a failure of the server."""

import time
import xml.etree.ElementTree
from collections import Counter
from urllib.parse import quote

import botocore.session

from . import raw, subject
from .inputs import REFUSED, Maker, Rules, sample

FORM = "application/x-www-form-urlencoded; charset=utf-8"
# Errors that any query may be answered with, beside those that its operation models.
COMMON = {
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


def main():
    faults, counts, connection = subject.Faults(), Counter(), raw.Connection()
    model = botocore.session.get_session().get_service_model("elbv2")
    started = time.monotonic()
    for operation in sorted(model.operation_names):
        of_operation = model.operation_model(operation)
        if of_operation.input_shape is None:
            continue
        codes = COMMON | {shape.error_code for shape in of_operation.error_shapes}
        shape = of_operation.input_shape
        for variant in Maker(operation, shape, sample(shape, 0), Rules()).variants():
            # Bytes are documents of JSON: a query has no such.
            if isinstance(variant.document, bytes):
                continue
            counts["all"] += 1
            fields = [("Action", operation), ("Version", model.api_version), *_fields(variant.document, "")]
            body = "&".join(f"{quote(name)}={quote(value)}" for name, value in fields).encode()
            label = f"{operation}: {variant.label}"
            try:
                answer = connection.send(None, FORM, body, "elasticloadbalancing")
            except OSError as error:
                faults.add(f"{label}: {error}")
                continue
            counts[_judge(label, answer, variant, codes, faults)] += 1
    seconds = time.monotonic() - started
    faults.finish(
        f"{counts['all']} variants of {len(model.operation_names)} operations of load balancing in {seconds:.0f} s: "
        f"{counts['accepted']} accepted, {counts['refused']} refused"
    )


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


def _judge(label, answer, variant, codes, faults):
    try:
        document = xml.etree.ElementTree.fromstring(answer.body)
    except xml.etree.ElementTree.ParseError as error:
        faults.add(f"{label}: {answer.status} with a body that is no XML ({error}): {answer.body[:200]!r}")
        return "lost"
    if answer.status == 200:
        # A form has no types: of a wrong one is what cannot be read, and an empty list is none at all.
        is_left_out = variant.expected == REFUSED and variant.label.endswith("left out")
        faults.check(not is_left_out, f"{label}: accepted")
        return "accepted"
    text = {it.tag.rsplit("}", 1)[-1]: it.text for it in document.iter()}
    code, message = text.get("Code"), text.get("Message")
    shown = f"{label}: {answer.status} {code}: {message!s:.200}"
    faults.check(400 <= answer.status < 500 and bool(message), shown)
    faults.check(code in codes, f"{shown} (not an error of the operation)")
    return "refused"


if __name__ == "__main__":
    main()
