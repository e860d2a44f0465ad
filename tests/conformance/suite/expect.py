"""Answers compared in whole with files under `golden/`, with what differs from run to run masked.

UPDATE_EXPECT=1 writes the files anew.
"""

import datetime
import difflib
import functools
import json
import os
import pathlib
import re

from . import subject

FOLDER = pathlib.Path(__file__).parent.parent / "golden"
MASKS = [
    (re.compile(f"-{subject.RUN}"), ""),
    (re.compile(r"\becs-pause-[0-9A-Za-z_-]{21}"), "ecs-pause-<id>"),
    (re.compile(r"\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b"), "<uuid>"),
    (re.compile(r"\b[0-9a-f]{32}\b"), "<id>"),
    (re.compile(r"\b[0-9a-f]{64}\b"), "<hex>"),
    (re.compile(r"/[0-9a-f]{16}\b"), "/<hex>"),
    (re.compile(r"-[0-9a-f]{8,16}\.(us-east-1\.elb|elb\.us-east-1)\b"), r"-<hex>.\1"),
    (re.compile(r"\bd-[0-9A-Z]{9}\b"), "d-<id>"),
    (re.compile(r"\becs-svc/[0-9]+"), "ecs-svc/<digits>"),
    (re.compile(r"(service-revision/[^/]+/[^/]+)/[0-9]+"), r"\1/<digits>"),
    (re.compile(r"(service-deployment/[^/]+/[^/]+)/[0-9A-Za-z_-]{21}"), r"\1/<id>"),
    (re.compile(r"\bZ[0-9A-Z]{20}\b"), "<zone>"),
    (re.compile(r"\bns-[0-9a-z]{16}\b"), "ns-<id>"),
    (re.compile(r"\b[0-9a-z]{32}-[0-9a-z]{8}\b"), "<operation>"),
    (re.compile(r"\b(eni|subnet|sg|vpc|i)-[0-9a-f]{8,17}\b"), r"\1-<hex>"),
    (re.compile(r"(?<!:)\b[0-9a-f]{2}(:[0-9a-f]{2}){5}\b(?!:)"), "<mac>"),
    (re.compile(r"\b(?!0\.0\.0\.0)[0-9]{1,3}(\.[0-9]{1,3}){3}(:[0-9]+)?\b"), "<address>"),
    (re.compile(r"sha256:[0-9a-f]{64}"), "sha256:<hex>"),
    (re.compile(r"\bip-[0-9]+-[0-9]+-[0-9]+-[0-9]+\b"), "<host>"),
]
# Members that depend on the machine, on the region, on how often an agent reported, on a key of the subject, or let a session in.
VARYING = {
    "CanonicalHostedZoneId",
    "CanonicalHostedZoneNameID",
    "NextToken",
    "hostPort",
    "nextToken",
    "sessionId",
    "streamUrl",
    "tokenValue",
    "version",
}


@functools.cache
def _where():
    """The account and region of the subject stand in the files as those of a Gantry."""
    account = subject.client("sts").get_caller_identity()["Account"]
    return [(re.compile(rf"\b{account}\b"), "123456789012"), (re.compile(rf"\b{subject.REGION}"), "us-east-1")]


def masked(value, name=""):
    """A value as it is compared."""
    if isinstance(value, dict):
        return {key: masked(item, key) for key, item in value.items() if key != "ResponseMetadata"}
    if isinstance(value, list):
        return [masked(item, name) for item in value]
    if isinstance(value, datetime.datetime):
        return "<time>"
    if name in VARYING and value:
        return f"<{name}>"
    if isinstance(value, bytes):
        value = value.decode()
    if isinstance(value, str):
        for pattern, stands_for in (*_where(), *MASKS):
            value = pattern.sub(stands_for, value)
    return value


def compare(name, cases, faults):
    """Compares the cases of one file; a fault shows what differs."""
    file = FOLDER / f"{name}.json"
    found = json.dumps(masked(cases), indent=1, ensure_ascii=False) + "\n"
    if os.environ.get("UPDATE_EXPECT") == "1":
        file.parent.mkdir(exist_ok=True)
        file.write_text(found)
        return
    wanted = file.read_text() if file.exists() else ""
    if wanted and isinstance(cases, list) and not subject.IS_OWN:
        # Some are only asked of a subject of one's own.
        titles = {case["case"] for case in cases if "case" in case}
        wanted = [case for case in json.loads(wanted) if case.get("case") in titles or "case" not in case]
        wanted = json.dumps(wanted, indent=1, ensure_ascii=False) + "\n"
    if found != wanted:
        lines = difflib.unified_diff(wanted.splitlines(), found.splitlines(), f"golden/{name}.json", "answered", n=4)
        faults.add("not as before (UPDATE_EXPECT=1 takes the answers over)\n" + "\n".join(lines))
