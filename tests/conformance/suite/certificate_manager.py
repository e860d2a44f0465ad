"""Certificates that are imported, as boto3 sends them: whole answers and refusals, compared with golden files."""

from . import certificates, subject
from .recorder import Recorder

MISSING = "arn:aws:acm:us-east-1:123456789012:certificate/00000000-0000-0000-0000-000000000000"


def main():
    faults, recorder = subject.Faults(), Recorder("acm")
    arn = imports(recorder)
    reading(recorder, arn)
    tags(recorder, arn)
    listing(recorder, arn, faults)
    deletion(recorder, arn)
    cases = recorder.compare("acm/", faults)
    faults.finish(f"{cases} whole answers of {len(recorder.of_operation)} operations on certificates")


def imports(it):
    tag = [{"Key": "team", "Value": "blue"}]
    arn = it.call("ImportCertificate", "that signs itself", Tags=tag, **certificates.GOLDEN)["CertificateArn"]
    it.call("ImportCertificate", "anew", CertificateArn=arn, **certificates.GOLDEN)
    crossed = {**certificates.GOLDEN, "PrivateKey": certificates.OTHER["PrivateKey"]}
    it.refused("ValidationException", "ImportCertificate", "with another's key", **crossed)
    nonsense = {**certificates.GOLDEN, "Certificate": b"nonsense"}
    it.refused("ValidationException", "ImportCertificate", "that is none", **nonsense)
    it.refused("ValidationException", "ImportCertificate", "anew, with tags", CertificateArn=arn, Tags=tag, **certificates.GOLDEN)
    it.refused("ResourceNotFoundException", "ImportCertificate", "in place of none", CertificateArn=MISSING, **certificates.GOLDEN)
    return arn


def reading(it, arn):
    it.call("DescribeCertificate", "imported", CertificateArn=arn)
    it.call("GetCertificate", "imported", CertificateArn=arn)
    for operation in ("DescribeCertificate", "GetCertificate"):
        it.refused("ResourceNotFoundException", operation, "that is not there", CertificateArn=MISSING)
    it.refused("ValidationException", "DescribeCertificate", "by no ARN", CertificateArn="nothing-that-is-an-arn")


def tags(it, arn):
    of = {"CertificateArn": arn}
    two = [{"Key": "a", "Value": "1"}, {"Key": "b"}]
    it.call("AddTagsToCertificate", "two", Tags=two, **of)
    it.call("RemoveTagsFromCertificate", "one", Tags=[{"Key": "a"}], **of)
    it.call("ListTagsForCertificate", "what is left", **of)
    reserved = [{"Key": "aws:mine", "Value": ""}]
    it.refused("InvalidTagException", "AddTagsToCertificate", "Amazon's", Tags=reserved, **of)
    many = [{"Key": f"key-{number}", "Value": ""} for number in range(50)]
    it.refused("TooManyTagsException", "AddTagsToCertificate", "too many", Tags=many, **of)
    missing = {"CertificateArn": MISSING}
    it.refused("ResourceNotFoundException", "AddTagsToCertificate", "of none", Tags=two, **missing)
    it.refused("ResourceNotFoundException", "RemoveTagsFromCertificate", "of none", Tags=two, **missing)
    it.refused("ResourceNotFoundException", "ListTagsForCertificate", "of none", **missing)
    resource = {"ResourceArn": arn}
    it.call("TagResource", "one", Tags=[{"Key": "c", "Value": "3"}], **resource)
    it.call("UntagResource", "one", TagKeys=["b"], **resource)
    it.call("ListTagsForResource", "what is left", **resource)


def listing(it, arn, faults):
    it.call_own("ListCertificates", "of a kind of key", Includes={"keyTypes": ["EC_prime256v1"]})
    it.call_own("ListCertificates", "of no such kind", CertificateStatuses=["REVOKED"])
    it.refused("ValidationException", "ListCertificates", "of no size", MaxItems=0)
    other = it.quietly("ImportCertificate", **certificates.OTHER)["CertificateArn"]
    for size in (1, 2, 100):
        pages = it.client.get_paginator("list_certificates").paginate(
            Includes={"keyTypes": ["EC_prime256v1"]}, PaginationConfig={"PageSize": size}
        )
        found = [one["CertificateArn"] for page in pages for one in page["CertificateSummaryList"]]
        is_whole = {arn, other} <= set(found) and len(set(found)) == len(found)
        faults.check(is_whole, f"pages of {size} give {found}")
    it.quietly("DeleteCertificate", CertificateArn=other)


def deletion(it, arn):
    it.call("DeleteCertificate", "unused", CertificateArn=arn)
    it.refused("ResourceNotFoundException", "DeleteCertificate", "that is gone", CertificateArn=arn)


if __name__ == "__main__":
    main()
