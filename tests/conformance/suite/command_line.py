"""The AWS CLI: skeletons of every operation, and what it makes of them. It runs inside this process, which is fast."""

import contextlib
import io
import json

from awscli.clidriver import create_clidriver
from botocore import xform_name

from . import subject

# The CLI sends this one only where Amazon's session manager plugin is installed.
NEEDS_PLUGIN = "execute-command"


def main():
    faults, count = subject.Faults(), 0
    for operation in sorted(subject.model().operation_names):
        command = xform_name(operation, "-")
        status, text, error = run("ecs", command, "--generate-cli-skeleton")
        count += 1
        try:
            _send(command, json.loads(text), faults)
        except ValueError:
            faults.add(f"aws ecs {command} --generate-cli-skeleton: {status} {text!r:.200} {error:.300}")
    faults.finish(f"{count} skeletons of the AWS CLI read, and sent as they are")


def _send(command, skeleton, faults):
    """A skeleton sent as it is names nothing that exists: it is answered, with success or an error of the service."""
    if command == NEEDS_PLUGIN:
        return
    if "cluster" in skeleton:
        skeleton["cluster"] = subject.VOID_CLUSTER
    status, _, error = run("ecs", command, "--cli-input-json", json.dumps(skeleton))
    is_answer = status == 0 or "An error occurred (" in error or "Parameter validation failed" in error
    is_failure = "ServerException" in error or "(500)" in error or "InternalFailure" in error
    faults.check(is_answer and not is_failure, f"aws ecs {command} with its skeleton: {status} {error.strip():.300}")


def run(*arguments):
    """Exit status, output and errors of `aws`."""
    out, err = Stream(), Stream()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            # A driver keeps what it generated, so each command has its own.
            status = create_clidriver().main(list(arguments))
        except SystemExit as end:
            status = end.code
    return status, out.getvalue(), err.getvalue()


class Stream(io.StringIO):
    """The CLI writes bytes too."""

    @property
    def buffer(self):
        return self

    def write(self, text):
        return super().write(text.decode() if isinstance(text, bytes) else text)


if __name__ == "__main__":
    main()
