"""Requests that break a rule of the query protocol, of each service that speaks it: each has one exact answer."""

from urllib.parse import urlencode

from . import expect, raw, subject

FORM = "application/x-www-form-urlencoded"
# Service in the signature, a harmless action, its version.
SERVICES = {
    "sts": ("sts", "GetCallerIdentity", "2011-06-15"),
    "elbv2": ("elasticloadbalancing", "DescribeAccountLimits", "2015-12-01"),
    "elb": ("elasticloadbalancing", "DescribeAccountLimits", "2012-06-01"),
    "ec2": ("ec2", "DescribeVpcs", "2016-11-15"),
    "iam": ("iam", "ListRoles", "2010-05-08"),
}
NO_ACTION = "MissingAction"
# Amazon EC2 has a word of its own.
UNKNOWN_VERSION = {"ec2": "NoSuchVersion"}
# Whatever the golden file says.
ANY = "any"
# Gantry's limit, and far over Amazon's.
BODY_BYTES_MAX = 8 * 1024 * 1024


def cases(service, action, version):
    """Name, content type, body, status, error (None: success)."""
    right = urlencode({"Action": action, "Version": version}).encode()
    return [
        ("right", FORM, right, 200, None),
        ("a charset", f"{FORM}; charset=utf-8", right, 200, None),
        ("the version first", FORM, urlencode({"Version": version, "Action": action}).encode(), 200, None),
        ("an unknown action", FORM, urlencode({"Action": "NoSuch", "Version": version}).encode(), 400, "InvalidAction"),
        ("an action in other case", FORM, urlencode({"Action": action.lower(), "Version": version}).encode(), 400, "InvalidAction"),
        ("no action", FORM, urlencode({"Version": version}).encode(), 400, NO_ACTION),
        ("nothing", FORM, b"", 400, NO_ACTION),
        ("an unknown version", FORM, urlencode({"Action": action, "Version": "1999-01-01"}).encode(), 400, UNKNOWN_VERSION.get(service, "InvalidAction")),
        ("JSON", FORM, b'{"Action": "x"}', 400, NO_ACTION),
        ("no content type", None, right, 400, NO_ACTION),
        ("another content type", "application/json", right, 400, NO_ACTION),
        ("no UTF-8", FORM, right + b"&Marker=\xff\xfe", 400, ANY),
        ("escaped, no UTF-8", FORM, right + b"&Marker=%FF%FE", 400, ANY),
        ("a broken escape", FORM, right + b"&Marker=%zz", ANY, ANY),
        ("the action twice", FORM, right + b"&Action=" + action.encode(), 200, None),
        ("an unknown parameter", FORM, right + b"&Unknown.member.1=x", 200, None),
        ("one byte too many", FORM, right + b"&Marker=" + b"a" * (BODY_BYTES_MAX - len(right) - 7), 413, ANY),
    ]


def main():
    faults, shown = subject.Faults(), {}
    for service, (signed_for, action, version) in SERVICES.items():
        connection = raw.Connection(deadline=10)
        shown[service] = []
        for name, content_type, body, status, code in cases(service, action, version):
            answer = connection.send(None, content_type, body, service=signed_for)
            text = answer.body.decode()
            is_right = answer.status in (200, 400) if status == ANY else answer.status == status
            faults.check(is_right, f"{service}, {name}: {answer.status} {text:.300}")
            faults.check(code in (None, ANY) or f"<Code>{code}</Code>" in text, f"{service}, {name}: {text:.300}")
            if answer.status == 413:
                # The rest of the body was not read.
                connection.close()
            found = answer.headers.get("content-type", "").split(";")[0]
            faults.check(found == "text/xml", f"{service}, {name}: answered as {found}")
            # Amazon EC2 has an envelope of its own.
            envelope = "<Response><Errors>" if service == "ec2" else "<ErrorResponse "
            faults.check(answer.status == 200 or text.startswith(envelope), f"{service}, {name}: {text:.300}")
            case = {"case": name, "status": answer.status}
            shown[service].append(case if answer.status == 200 else {**case, "body": text})
    if subject.IS_OWN:
        expect.compare("query_errors", shown, faults)
    faults.finish(f"{sum(map(len, shown.values()))} queries that break a rule, of {len(shown)} services")


if __name__ == "__main__":
    main()
