"""Each error that the model lists for an operation: provoked, or listed with the reason why nothing provokes it."""

import os

from botocore.exceptions import ClientError

from . import error_cases, error_reasons, expect, subject

UNKNOWN = "UnknownOperationException"


class Provoker:
    """Makes calls that must be refused, and keeps what was said, by operation."""

    def __init__(self, faults):
        self.faults = faults
        self.ecs = subject.client(parameter_validation=False)
        self.denied = _denied()
        self.methods = {of: name for name, of in self.ecs.meta.method_to_api_mapping.items()}
        self.model = subject.model()
        self.told = {}
        self.unknown = set()

    def make(self, operation, **arguments):
        """A call that must succeed: what the cases stand on."""
        return getattr(self.ecs, self.methods[operation])(**subject.own(arguments))

    def expect(self, operation, code, case, **arguments):
        """A call that must be refused with an exception."""
        self._judge(self.ecs, operation, code, case, arguments)

    def everywhere(self):
        """What every operation refuses alike: inputs without what is required, and callers who may not call it."""
        for operation in sorted(self.model.operation_names):
            of_operation = self.model.operation_model(operation)
            if of_operation.input_shape.required_members:
                self.expect(operation, "InvalidParameterException", "nothing that is required")
            if self.denied is not None and operation not in error_reasons.OF_AGENTS:
                self._judge(self.denied, operation, "AccessDeniedException", "a key of an agent", {})

    def _judge(self, client, operation, code, case, arguments):
        try:
            getattr(client, self.methods[operation])(**subject.own(arguments))
        except ClientError as error:
            found = error.response["Error"]
        else:
            self.faults.add(f"{operation}, {case}: accepted, {code} expected")
            return
        if found["Code"] == UNKNOWN:
            self.unknown.add(operation)
            return
        shown = f"{operation}, {case}: {found['Code']}: {found['Message']}"
        self.faults.check(found["Code"] == code, f"{shown} ({code} expected)")
        said = self.told.setdefault(operation, {}).setdefault(code, {})
        self.faults.check(case not in said, f"{operation}: two cases of {code} are called {case!r}")
        said[case] = found["Message"]


def _denied():
    """A client whose key may make the calls of agents only, if the subject has one."""
    key, secret = (os.environ.get(f"GANTRY_CONFORMANCE_AGENT_{part}") for part in ("KEY_ID", "SECRET"))
    if not key:
        return None
    return subject.client(parameter_validation=False, key=(key, secret))


def main():
    faults = subject.Faults()
    it = Provoker(faults)
    it.everywhere()
    error_cases.run(it)
    golden = {operation: dict(sorted(codes.items())) for operation, codes in sorted(it.told.items())}
    expect.compare("errors", golden, faults)
    provoked, listed = _complete(it, faults)
    faults.finish(f"{provoked} errors of operations provoked, {listed} listed with a reason")


def _complete(it, faults):
    """Every pair of operation and error is either provoked or explained, and not both."""
    provoked, listed = 0, 0
    for operation in sorted(it.model.operation_names):
        codes = {shape.name for shape in it.model.operation_model(operation).error_shapes}
        told = set(it.told.get(operation, {}))
        faults.check(told <= codes, f"{operation} does not model {sorted(told - codes)}")
        for code in sorted(codes):
            reason = error_reasons.reason(operation, code, operation in it.unknown, it.denied is not None)
            if code in told:
                provoked += 1
                faults.check(reason is None, f"{operation} {code} is provoked, and said not to be: {reason}")
            else:
                listed += 1
                faults.check(reason is not None, f"{operation} {code} is neither provoked nor explained")
    for operation, code in error_reasons.OF_PAIRS:
        codes = {shape.name for shape in it.model.operation_model(operation).error_shapes}
        faults.check(code in codes, f"{operation} does not model {code}, which is explained")
    return provoked, listed


if __name__ == "__main__":
    main()
