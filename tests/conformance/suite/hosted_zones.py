"""The hosted zones of namespaces, as boto3 reads them: whole answers and refusals, compared with golden files; pages of any size."""

from . import raw, subject, world
from .recorder import Recorder

NOWHERE = "Z0000000000000000000X"
COUNT = 7
PAGE_SIZES = ("1", "2", "5", "100")


def main():
    faults, recorder = subject.Faults(), Recorder("route53")
    cloud_map = subject.client("servicediscovery")
    vpc = subject.client("ec2").describe_vpcs()["Vpcs"][0]["VpcId"]
    namespace, zone = private_zone(cloud_map, vpc, "golden.test")
    instances(cloud_map, namespace)
    zones(recorder, zone, vpc)
    records(recorder, zone)
    tags(recorder, zone)
    changes(recorder, zone)
    names(recorder, cloud_map, vpc)
    walks = pages(recorder.client, cloud_map, zone, vpc, faults)
    envelope(faults)
    cases = recorder.compare("route53/", faults)
    faults.finish(f"{cases} whole answers of {len(recorder.of_operation)} operations on hosted zones, {walks} walks")


def private_zone(cloud_map, vpc, name):
    """Ids of a new namespace and of its zone."""
    operation = cloud_map.create_private_dns_namespace(Name=subject.own(name), Vpc=vpc)["OperationId"]
    namespace = world.awaited_namespace(cloud_map, operation)
    shown = cloud_map.get_namespace(Id=namespace)["Namespace"]
    return namespace, shown["Properties"]["DnsProperties"]["HostedZoneId"]


def instances(cloud_map, namespace):
    """A service of each routing policy, with instances."""
    for name, policy, kind, attributes in [
        ("web", "MULTIVALUE", "A", {"AWS_INSTANCE_IPV4": "10.0.0.9"}),
        ("api", "MULTIVALUE", "SRV", {"AWS_INSTANCE_IPV4": "10.0.0.9", "AWS_INSTANCE_PORT": "8080"}),
        ("docs", "WEIGHTED", "CNAME", {"AWS_INSTANCE_CNAME": "docs.example.com"}),
    ]:
        dns = {"RoutingPolicy": policy, "DnsRecords": [{"Type": kind, "TTL": 10}]}
        service = cloud_map.create_service(Name=name, NamespaceId=namespace, DnsConfig=dns)["Service"]["Id"]
        for number in range(2):
            cloud_map.register_instance(ServiceId=service, InstanceId=f"{name}-{number}", Attributes=attributes)


def zones(it, zone, vpc):
    it.call_own("ListHostedZones", "the only one")
    it.call("GetHostedZone", "of a namespace", Id=zone)
    it.call_own("GetHostedZoneCount", "of the account")
    it.call("GetHostedZoneLimit", "of record sets", HostedZoneId=zone, Type="MAX_RRSETS_BY_ZONE")
    it.call_own("ListHostedZonesByVPC", "of a VPC", VPCId=vpc, VPCRegion=subject.REGION)
    it.refused("NoSuchHostedZone", "GetHostedZone", "that is not there", Id=NOWHERE)
    it.refused("InvalidInput", "ListHostedZones", "of no size", MaxItems="0")
    it.refused("InvalidInput", "ListHostedZonesByVPC", "of none", VPCId="vpc-0", VPCRegion=subject.REGION)


def records(it, zone):
    it.call("ListResourceRecordSets", "of a zone", HostedZoneId=zone)
    start = {"StartRecordName": "web.golden.test", "StartRecordType": "A", "StartRecordIdentifier": "web-1"}
    it.call("ListResourceRecordSets", "from one on", HostedZoneId=zone, **start)
    it.refused("InvalidInput", "ListResourceRecordSets", "of a type", HostedZoneId=zone, StartRecordType="A")
    it.refused("NoSuchHostedZone", "ListResourceRecordSets", "of no zone", HostedZoneId=NOWHERE)


def tags(it, zone):
    it.call("ListTagsForResource", "of a zone", ResourceType="hostedzone", ResourceId=zone)
    it.call("ListTagsForResources", "of zones", ResourceType="hostedzone", ResourceIds=[zone])


def changes(it, zone):
    record = {"Name": "a.golden.test", "Type": "A", "TTL": 1, "ResourceRecords": [{"Value": "10.0.0.1"}]}
    batch = {"Changes": [{"Action": "CREATE", "ResourceRecordSet": record}]}
    it.refused("AccessDenied", "ChangeResourceRecordSets", "of a zone", HostedZoneId=zone, ChangeBatch=batch)
    it.refused("NoSuchHostedZone", "ChangeResourceRecordSets", "of none", HostedZoneId=NOWHERE, ChangeBatch=batch)
    it.refused("AccessDenied", "DeleteHostedZone", "of a namespace", Id=zone)
    it.refused("InvalidInput", "CreateHostedZone", "of one's own", Name="a.test", CallerReference="1")
    it.refused("NoSuchChange", "GetChange", "that nobody made", Id="C0000000000000")


def names(it, cloud_map, vpc):
    private_zone(cloud_map, vpc, "a.golden.test")
    private_zone(cloud_map, vpc, "a-golden.test")
    it.call("ListHostedZonesByName", "from a name on", DNSName="golden.test", MaxItems="1")


def pages(route53, cloud_map, zone, vpc, faults):
    """Pages of any size give the whole, once."""
    for number in range(COUNT):
        private_zone(cloud_map, vpc, f"{number}.pages-{subject.RUN}.test")
    walks = 0
    for method, key, arguments in [
        ("list_hosted_zones", "HostedZones", {}),
        ("list_resource_record_sets", "ResourceRecordSets", {"HostedZoneId": zone}),
    ]:
        whole = None
        for size in PAGE_SIZES:
            found = []
            for page in route53.get_paginator(method).paginate(PaginationConfig={"PageSize": size}, **arguments):
                faults.check(len(page[key]) <= int(size), f"{method}: a page is longer than {size}")
                found += page[key]
            whole = found if whole is None else whole
            walks += 1
            faults.check(found == whole and len(found) > COUNT, f"{method}: pages of {size} give another whole")
    return walks


def envelope(faults):
    """What is refused before an operation is reached is XML too."""
    answer = raw.Connection().send(None, "text/xml", b"", "route53")
    faults.check(answer.status == 400 and b"<ErrorResponse" in answer.body, f"an unknown path: {answer.status} {answer.body!r}")


if __name__ == "__main__":
    main()
