"""Calls whose whole answers are kept, to be compared with golden files."""

import os

from botocore.exceptions import ClientError

from . import expect, subject

IMAGE = os.environ.get("GANTRY_CONFORMANCE_IMAGE", "gantry-sample:latest")
UNBUILT = "UnknownOperationException"


class Recorder:
    """Makes calls of a service and keeps what they answered, by operation."""

    def __init__(self, service="ecs", faults=None):
        # Where flows put what is no matter of a golden file.
        self.faults = faults
        # What the SDK would refuse is for the service to refuse.
        self.client = subject.client(service, parameter_validation=False)
        self.of_operation = {}
        # Exceptions wanted, by operation and case.
        self.wanted = {}
        # Operations that were not asked, as others use the account too.
        self.skipped = set()

    def refused(self, code, operation, title, **arguments):
        """Keeps a refusal by that exception."""
        self.wanted[operation, title] = code
        return self.call(operation, title, **arguments)

    def call(self, operation, title="", **arguments):
        """Calls an operation and keeps the answer for its golden file."""
        answer = self.quietly(operation, **arguments)
        if answer.get("error", {}).get("Code") != UNBUILT:
            case = {"case": title, "input": subject.own(arguments), "output": answer}
            self.of_operation.setdefault(operation, []).append(case)
        return answer

    def call_own(self, operation, title, **arguments):
        """The same of what the whole account has, which is known only if nobody else uses it."""
        if not subject.IS_OWN:
            self.skipped.add(operation)
            return None
        return self.call(operation, title, **arguments)

    def quietly(self, operation, **arguments):
        method = next(name for name, of in self.client.meta.method_to_api_mapping.items() if of == operation)
        try:
            return getattr(self.client, method)(**subject.own(arguments))
        except ClientError as error:
            return {"error": error.response["Error"]}

    def compare(self, folder, faults):
        """Compares all answers with the files of a folder. How many there are."""
        for operation, cases in sorted(self.of_operation.items()):
            for case in cases:
                error = case["output"].get("error")
                wanted = self.wanted.get((operation, case["case"]))
                faults.check((error or {}).get("Code") == wanted, f"{operation} {case['case']}: {error}")
            expect.compare(f"{folder}{operation}", cases, faults)
        return sum(map(len, self.of_operation.values()))
