"""Whatever an input is: an answer in time, in ECS's words, Amazon's verdict where it is known, and never a failure of the server."""

import json
import time
from collections import Counter

from . import bases, error_reasons, raw, subject, world
from .inputs import ACCEPTED, EITHER, REFUSED, Maker
from .verdicts import Ecs

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
# Variants of which it is not known what Amazon answers. May only become fewer.
UNDECIDED_MAX = 3_422


class Judge:
    """Sends the variants of operations, and holds the answers against the verdicts."""

    def __init__(self, faults):
        self.faults = faults
        self.counts = Counter()
        self.connection = raw.Connection()
        self.slowest = 0.0
        # What became of the variants of one maker, by label.
        self.outcomes = {}
        self.task_set = None

    def all_of(self, maker, codes):
        self.outcomes = {}
        for variant in maker.variants():
            self.counts["all"] += 1
            outcome = self._try(maker.operation, variant, codes)
            self.outcomes[variant.label] = outcome
            self.counts[outcome] += 1
            is_built = outcome != "unbuilt" and not error_reasons.is_refused(maker.operation)
            if is_built and not self._is_decided(variant):
                self.counts["undecided"] += 1
            if outcome == "accepted" and maker.operation == "CreateTaskSet":
                self._delete_task_set(maker.base)
            if outcome == "lost":
                # Whether the server still lives is asked at once: the next thousand would only say the same.
                raw.Connection().call("ListClusters", {})

    def _delete_task_set(self, base):
        """A service has at most five: each makes room for the next."""
        of_service = {name: base[name] for name in ("cluster", "service")}
        self.connection.call("DeleteTaskSet", {**of_service, "taskSet": self.task_set, "force": True})

    def _try(self, operation, variant, codes):
        label = f"{operation}: {variant.label}"
        body = variant.document if isinstance(variant.document, bytes) else json.dumps(variant.document).encode()
        body = body.replace(bases.UNIQUE.encode(), f"{bases.UNIQUE}-{subject.RUN}-{self.counts['all']}".encode())
        try:
            answer = self.connection.call(operation, body)
        except TimeoutError:
            # The machine may have been busy: only the same again is a hang.
            try:
                answer = self.connection.call(operation, body)
            except OSError as error:
                self.faults.add(f"{label}: no answer within {raw.DEADLINE_SECONDS} s, twice: {error}")
                return "lost"
        except OSError as error:
            self.faults.add(f"{label}: {error}")
            return "lost"
        self.slowest = max(self.slowest, answer.seconds)
        return self._judge(label, answer, variant, codes)

    def _judge(self, label, answer, variant, codes):
        try:
            document = answer.json()
        except ValueError:
            self.faults.add(f"{label}: {answer.status} with a body that is no JSON: {answer.body[:200]!r}")
            return "lost"
        if answer.status == 200:
            self.faults.check(isinstance(document, dict), f"{label}: answered {document!r:.200}")
            self.faults.check(variant.expected != REFUSED, f"{label}: accepted")
            self.task_set = document.get("taskSet", {}).get("id")
            return "accepted"
        code, message = answer.code(), answer.message()
        shown = f"{label}: {answer.status} {code}: {message:.200}"
        is_refusal = 400 <= answer.status < 500 and bool(message) and document.get("__type") == code
        self.faults.check(is_refusal, shown)
        self.faults.check(code in codes, f"{shown} (not an error of the operation)")
        if code in UNBUILT:
            return "unbuilt"
        is_wrong = variant.expected == ACCEPTED and self._is_founded(variant)
        self.faults.check(not is_wrong, f"{shown} (Amazon accepts it)")
        return "refused"

    def _is_decided(self, variant):
        """Whether there was a verdict. What is made from what is not built has none, and is not missed."""
        if variant.expected == ACCEPTED:
            return self._is_founded(variant) or self.outcomes.get(variant.origin) == "unbuilt"
        return variant.expected == REFUSED or self.outcomes.get(variant.origin) == "unbuilt"

    def _is_founded(self, variant):
        """Whether what the variant is made from was accepted; it is itself the base of all."""
        return variant.label == variant.origin or self.outcomes.get(variant.origin) == "accepted"


def main():
    faults, prepared = subject.Faults(), world.prepare()
    judge, rules, model = Judge(faults), Ecs(prepared), subject.model()
    of_operation, of_network = bases.of(prepared), bases.with_network(prepared)
    started = time.monotonic()
    # What is made must not be found by what is asked for.
    for operation in sorted(model.operation_names, key=lambda it: (it == "CreateCluster", it.startswith(("Create", "Register")), it)):
        shape = model.operation_model(operation).input_shape
        codes = COMMON | {it.name for it in model.operation_model(operation).error_shapes}
        base = of_operation.get(operation) or bases.by_model(shape, prepared)
        judge.all_of(Maker(operation, shape, base, rules), codes)
        if operation in of_network:
            judge.all_of(Maker(operation, shape, of_network[operation], rules, "networkConfiguration"), codes)
    seconds, counts = time.monotonic() - started, judge.counts
    # Elsewhere other features may be missing.
    is_few = counts["undecided"] <= UNDECIDED_MAX or not subject.IS_OWN
    faults.check(is_few, f"{counts['undecided']} variants without a verdict")
    faults.finish(
        f"{counts['all']} variants of {len(model.operation_names)} operations in {seconds:.0f} s: "
        f"{counts['accepted']} accepted, {counts['refused']} refused, {counts['unbuilt']} of what is not built, "
        f"{counts['undecided']} without a verdict, slowest answer {judge.slowest * 1000:.0f} ms"
    )


if __name__ == "__main__":
    main()
