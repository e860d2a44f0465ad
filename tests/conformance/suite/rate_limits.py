"""Amazon's token buckets: the burst passes, the rest gets ThrottlingException, and an SDK that tries again gets through."""

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

from . import raw, subject

# DeleteTaskDefinitions: 5 tokens, 1 a second. DescribeClusters and ListClusters share 50, 20 a second.
DELETIONS = 5
READS = 50


def main():
    faults, connection = subject.Faults(), raw.Connection(deadline=10)
    answers = [connection.call("DeleteTaskDefinitions", {"taskDefinitions": ["none:1"]}) for _ in range(DELETIONS * 3)]
    passed = [it for it in answers if it.status == 200 or it.code() != "ThrottlingException"]
    faults.check(DELETIONS <= len(passed) <= DELETIONS + 2, f"{len(passed)} deletions passed")
    refused = [it for it in answers if it not in passed]
    for answer in refused[:1]:
        found = (answer.status, answer.headers.get("x-amzn-errortype"), answer.json())
        wanted = (400, "ThrottlingException", {"__type": "ThrottlingException", "message": "Rate exceeded"})
        faults.check(found == wanted, f"a refusal: {found}")
    faults.check(bool(refused), "nothing was refused")
    reads = [connection.call(name, {}).status for name in ("ListClusters", "DescribeClusters") * READS]
    faults.check(READS <= reads.count(200) < 2 * READS, f"{reads.count(200)} of {len(reads)} reads passed")
    faults.check(connection.call("ListTasks", {}).status == 200, "another kind of operation was limited too")
    _retries(faults)
    faults.finish(f"{len(answers) + len(reads)} requests against limits, {len(refused)} deletions refused")


def _retries(faults):
    """boto3 as it comes, which tries again after a pause; and told not to."""
    patient = boto3.client("ecs", config=Config(retries={"mode": "standard", "total_max_attempts": 8}))
    for _ in range(3):
        attempts = patient.list_clusters()["ResponseMetadata"]["RetryAttempts"]
        faults.check(attempts < 8, f"{attempts} attempts")
    hasty = subject.client()
    try:
        for _ in range(3 * READS):
            hasty.list_clusters()
        faults.add("150 hasty calls passed")
    except ClientError as error:
        text = str(error)
        wanted = "An error occurred (ThrottlingException) when calling the ListClusters operation"
        faults.check(wanted in text and "Rate exceeded" in text, text)


if __name__ == "__main__":
    main()
