"""Requests that break a rule of the JSON protocols, or are not signed so: each has one exact answer."""

import json
import re

from . import expect, raw, subject

JSON_1_0 = "application/x-amz-json-1.0"
JSON_1_1 = raw.JSON_1_1
LIST = f"{raw.TARGET_PREFIX}.ListClusters"
# Gantry's limit, and far over Amazon's.
BODY_BYTES_MAX = 8 * 1024 * 1024


def json_cases():
    """Name, target, content type, body, status, exception (None: success)."""
    deep = b"[" * 100_000
    nested = b'{"unknown": ' + b'{"a":' * 200 + b"1" + b"}" * 200 + b"}"
    return [
        ("JSON 1.1", LIST, JSON_1_1, b"{}", 200, None),
        ("JSON 1.0", LIST, JSON_1_0, b"{}", 200, None),
        ("a charset", LIST, JSON_1_1 + "; charset=utf-8", b"{}", 200, None),
        ("an empty body", LIST, JSON_1_1, b"", 200, None),
        ("blanks round the body", LIST, JSON_1_1, b" \r\n\t{ } \n", 200, None),
        ("unknown members", LIST, JSON_1_1, b'{"unknown": {"a": [1, null, "x"]}}', 200, None),
        ("null members", LIST, JSON_1_1, b'{"maxResults": null, "nextToken": null}', 200, None),
        ("a whole number with a fraction", LIST, JSON_1_1, b'{"maxResults": 1.0}', 200, None),
        ("another service's target", "AmazonEC2.ListClusters", JSON_1_1, b"{}", 400, "UnknownOperationException"),
        ("an unknown operation", f"{raw.TARGET_PREFIX}.NoSuch", JSON_1_1, b"{}", 400, "UnknownOperationException"),
        ("an operation in other case", LIST.lower(), JSON_1_1, b"{}", 400, "UnknownOperationException"),
        ("a target without operation", raw.TARGET_PREFIX, JSON_1_1, b"{}", 400, "UnknownOperationException"),
        ("no target", None, JSON_1_1, b"{}", 400, "UnknownOperationException"),
        ("application/json", LIST, "application/json", b"{}", 400, "UnknownOperationException"),
        ("no content type", LIST, None, b"{}", 400, "UnknownOperationException"),
        ("a member of another type", LIST, JSON_1_1, b'{"maxResults": "ten"}', 400, "SerializationException"),
        ("a string for a list", f"{raw.TARGET_PREFIX}.DescribeClusters", JSON_1_1, b'{"clusters": "x"}', 400, "SerializationException"),
        ("a list for the document", LIST, JSON_1_1, b"[]", 400, "SerializationException"),
        ("an open document", LIST, JSON_1_1, b'{"maxResults": 1', 400, "SerializationException"),
        ("two documents", LIST, JSON_1_1, b"{}{}", 400, "SerializationException"),
        ("a comma too many", LIST, JSON_1_1, b'{"maxResults": 1,}', 400, "SerializationException"),
        ("no UTF-8 in a value", LIST, JSON_1_1, b'{"nextToken": "\xff\xfe"}', 400, "SerializationException"),
        ("no UTF-8 in an unknown member", LIST, JSON_1_1, b'{"unknown": "\xc3"}', 400, "SerializationException"),
        ("half a surrogate pair", LIST, JSON_1_1, b'{"nextToken": "\\ud800"}', 400, "SerializationException"),
        ("a number over 32 bits", LIST, JSON_1_1, b'{"maxResults": 2147483648}', 400, "SerializationException"),
        ("a number over 64 bits", LIST, JSON_1_1, b'{"maxResults": 99999999999999999999}', 400, "SerializationException"),
        ("a number over all bounds", LIST, JSON_1_1, b'{"maxResults": 1e999}', 400, "SerializationException"),
        ("a number with a fraction", LIST, JSON_1_1, b'{"maxResults": 1.5}', 400, "SerializationException"),
        ("deep nesting", LIST, JSON_1_1, nested, 400, "SerializationException"),
        ("deep nesting, never closed", LIST, JSON_1_1, b'{"unknown":' + deep, 400, "SerializationException"),
        ("an error in JSON 1.0", LIST, JSON_1_0, b"[]", 400, "SerializationException"),
        ("a page too long", LIST, JSON_1_1, b'{"maxResults": 101}', 400, "InvalidParameterException"),
        ("a forged token", LIST, JSON_1_1, b'{"nextToken": "forged"}', 400, "InvalidParameterException"),
    ]


def main():
    faults, cases = subject.Faults(), []
    connection = raw.Connection(deadline=10)
    for name, target, content_type, body, status, code in json_cases():
        answer = connection.send(target, content_type, body)
        check(faults, name, answer, status, code)
        if status == 200:
            faults.check("clusterArns" in answer.json(), f"{name}: {answer.body!r:.200}")
        wanted = JSON_1_0 if content_type == JSON_1_0 else JSON_1_1
        found = answer.headers.get("content-type")
        faults.check(found == wanted, f"{name}: answered as {found}")
        cases.append(shown(name, answer))
    signatures(connection, faults, cases)
    too_long(faults)
    expect.compare("wire_errors", cases, faults)
    faults.finish(f"{len(cases) + 1} requests that break a rule")


def check(faults, name, answer, status, code):
    found = answer.code() if answer.status != 200 else None
    faults.check((answer.status, found) == (status, code), f"{name}: {answer.status} {answer.body!r:.300}")
    request_id = answer.headers.get("x-amzn-requestid", "")
    faults.check(re.fullmatch(r"[0-9a-f-]{36}", request_id), f"{name}: request id {request_id!r}")
    faults.check(code is None or answer.json()["__type"] == code, f"{name}: {answer.body!r:.300}")


def signatures(connection, faults, cases):
    """Requests that are not signed, or not so."""
    headers = [("host", connection.host), ("x-amz-target", LIST), ("content-type", JSON_1_1)]
    answer = connection.exchange("POST", headers, b"{}")
    check(faults, "unsigned", answer, 400, "MissingAuthenticationTokenException")
    cases.append(shown("unsigned", answer))
    answer = connection.exchange("POST", [*headers, ("authorization", "Bearer x")], b"{}")
    check(faults, "another scheme", answer, 400, "IncompleteSignatureException")
    cases.append(shown("another scheme", answer))
    answer = connection.send(LIST, JSON_1_1, b"{}", service="sqs")
    check(faults, "signed for another service", answer, 400, "InvalidSignatureException")
    cases.append(shown("signed for another service", answer))
    answer = connection.exchange("GET", headers[:1], b"")
    faults.check(answer.status == 404, f"GET /: {answer.status}")
    for method in ("PUT", "DELETE", "PATCH", "OPTIONS"):
        answer = connection.exchange(method, headers, b"{}")
        faults.check(400 <= answer.status < 500, f"{method}: {answer.status} {answer.body!r:.200}")


def too_long(faults):
    """One byte over the limit; one byte less is read, and found to be nonsense."""
    for extra, status, code in ((0, 400, "SerializationException"), (1, 413, "RequestEntityTooLargeException")):
        connection = raw.Connection(deadline=10)
        body = json.dumps({"nextToken": "a" * BODY_BYTES_MAX}).encode()[: BODY_BYTES_MAX + extra]
        try:
            check(faults, f"{len(body)} bytes", connection.send(LIST, JSON_1_1, body), status, code)
        except OSError as error:
            faults.add(f"{len(body)} bytes: {error!r}")


def shown(name, answer):
    """An answer as it stands in the golden file."""
    body = answer.body.decode()
    if answer.status != 200:
        return {"request": name, "status": answer.status, "body": body}
    return {"request": name, "status": answer.status}


if __name__ == "__main__":
    main()
