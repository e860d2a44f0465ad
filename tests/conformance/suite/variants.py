"""Whatever an input is: an answer in time, in ECS's words, and never a failure of the server."""

import json
import time
from collections import Counter

from . import raw, subject
from .inputs import REFUSED, UNIQUE, variants

# Members that are not built are refused by the first; whole operations by the second.
UNBUILT = {"UnsupportedFeatureException", "UnknownOperationException"}
# Errors that any operation may answer beside those that it models.
COMMON = {
    "AccessDeniedException",
    "RequestEntityTooLargeException",
    "SerializationException",
    "ThrottlingException",
    "UnsupportedFeatureException",
    "ValidationException",
}


def main():
    subject.prepare()
    faults, counts, connection = subject.Faults(), Counter(), raw.Connection()
    model = subject.model()
    started = time.monotonic()
    for operation in sorted(model.operation_names):
        of_operation = model.operation_model(operation)
        codes = COMMON | {shape.name for shape in of_operation.error_shapes}
        for variant in variants(operation, of_operation.input_shape):
            counts["all"] += 1
            body = variant.document if isinstance(variant.document, bytes) else json.dumps(variant.document).encode()
            body = body.replace(UNIQUE.encode(), f"{UNIQUE}-{counts['all']}".encode())
            outcome = _try(connection, operation, variant, body, codes, faults)
            counts[outcome] += 1
            if outcome == "lost":
                # Whether the server still lives is asked at once: the next thousand would only say the same.
                raw.Connection().call("ListClusters", {})
    seconds = time.monotonic() - started
    faults.finish(
        f"{counts['all']} variants of {len(model.operation_names)} operations in {seconds:.0f} s: "
        f"{counts['accepted']} accepted, {counts['refused']} refused, {counts['unbuilt']} of what is not built, "
        f"slowest answer {_try.slowest * 1000:.0f} ms"
    )


def _try(connection, operation, variant, body, codes, faults):
    label = f"{operation}: {variant.label}"
    try:
        answer = connection.call(operation, body)
    except TimeoutError:
        # The machine may have been busy: only the same again is a hang.
        try:
            answer = connection.call(operation, body)
        except OSError as error:
            faults.add(f"{label}: no answer within {raw.DEADLINE_SECONDS} s, twice: {error}")
            return "lost"
    except OSError as error:
        faults.add(f"{label}: {error}")
        return "lost"
    _try.slowest = max(_try.slowest, answer.seconds)
    return _judge(label, answer, variant, codes, faults)


_try.slowest = 0.0


def _judge(label, answer, variant, codes, faults):
    try:
        document = answer.json()
    except ValueError:
        faults.add(f"{label}: {answer.status} with a body that is no JSON: {answer.body[:200]!r}")
        return "lost"
    if answer.status == 200:
        faults.check(isinstance(document, dict), f"{label}: answered {document!r:.200}")
        faults.check(variant.expected != REFUSED, f"{label}: accepted")
        return "accepted"
    code, message = answer.code(), answer.message()
    shown = f"{label}: {answer.status} {code}: {message:.200}"
    is_refusal = 400 <= answer.status < 500 and bool(message) and document.get("__type") == code
    faults.check(is_refusal, shown)
    faults.check(code in codes, f"{shown} (not an error of the operation)")
    return "unbuilt" if code in UNBUILT else "refused"


if __name__ == "__main__":
    main()
