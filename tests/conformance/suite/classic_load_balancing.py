"""Classic load balancers, as boto3 makes, describes and deletes them: whole answers and refusals, compared with golden files."""

from . import certificates, subject
from .load_balancing import subnets
from .recorder import Recorder

NAME = {"LoadBalancerName": "golden"}
NOWHERE = {"LoadBalancerName": "golden-never"}
HTTP = {"Protocol": "HTTP", "LoadBalancerPort": 80, "InstanceProtocol": "HTTP", "InstancePort": 8080}
TCP = {"Protocol": "TCP", "LoadBalancerPort": 5432, "InstanceProtocol": "TCP", "InstancePort": 5432}
MISSING = "LoadBalancerNotFound"
INVALID = "InvalidConfigurationRequest"


def main():
    faults, recorder = subject.Faults(), Recorder("elb")
    load_balancers(recorder)
    listeners(recorder)
    policies(recorder)
    places(recorder)
    health(recorder)
    attributes(recorder)
    tags(recorder)
    missing(recorder)
    pages(recorder, faults)
    it = recorder
    it.call("DescribeAccountLimits", "all")
    it.call("DeleteLoadBalancer", "one", **NAME)
    it.call("DeleteLoadBalancer", "that is gone", **NAME)
    cases = recorder.compare("elb/", faults)
    faults.finish(f"{cases} whole answers of {len(recorder.of_operation)} operations of classic load balancing")


def load_balancers(it):
    two, _, _ = subnets()
    tag = [{"Key": "team", "Value": "blue"}]
    it.call("CreateLoadBalancer", "in two zones", Listeners=[HTTP], Subnets=two, Tags=tag, **NAME)
    it.refused("DuplicateLoadBalancerName", "CreateLoadBalancer", "otherwise", Listeners=[TCP], Subnets=two, **NAME)
    bad = {"LoadBalancerName": "-bad-"}
    it.refused("ValidationError", "CreateLoadBalancer", "of a bad name", Listeners=[HTTP], Subnets=two, **bad)
    nowhere = ["subnet-0123456789abcdef0"]
    it.refused("SubnetNotFound", "CreateLoadBalancer", "nowhere", Listeners=[HTTP], Subnets=nowhere, **NOWHERE)
    unsigned = {**HTTP, "Protocol": "HTTPS"}
    it.refused("ValidationError", "CreateLoadBalancer", "without a certificate", Listeners=[unsigned], Subnets=two, **NOWHERE)
    it.call("DescribeLoadBalancers", "by name", LoadBalancerNames=["golden"])


def listeners(it):
    it.call("CreateLoadBalancerListeners", "of TCP", Listeners=[TCP], **NAME)
    other = {**TCP, "InstancePort": 5433}
    it.refused("DuplicateListener", "CreateLoadBalancerListeners", "of the same port", Listeners=[other], **NAME)
    acm = subject.client("acm")
    arns = [acm.import_certificate(**it)["CertificateArn"] for it in (certificates.GOLDEN, certificates.OTHER)]
    secured = {"Protocol": "HTTPS", "LoadBalancerPort": 443, "InstancePort": 8080, "SSLCertificateId": arns[0]}
    it.call("CreateLoadBalancerListeners", "with a certificate", Listeners=[secured], **NAME)
    port = {"LoadBalancerPort": 443, **NAME}
    it.call("SetLoadBalancerListenerSSLCertificate", "another", SSLCertificateId=arns[1], **port)
    none = arns[1][:-4] + "0000"
    it.refused("CertificateNotFound", "SetLoadBalancerListenerSSLCertificate", "that is not there", SSLCertificateId=none, **port)
    nothing = {"LoadBalancerPort": 444, "SSLCertificateId": arns[1], **NAME}
    it.refused("ListenerNotFound", "SetLoadBalancerListenerSSLCertificate", "of no listener", **nothing)
    it.call("DeleteLoadBalancerListeners", "two", LoadBalancerPorts=[443, 5432], **NAME)
    for arn in arns:
        acm.delete_certificate(CertificateArn=arn)


def policies(it):
    it.call("CreateLBCookieStickinessPolicy", "for a minute", PolicyName="minute", CookieExpirationPeriod=60, **NAME)
    it.call("CreateAppCookieStickinessPolicy", "of a session", PolicyName="session", CookieName="sid", **NAME)
    again = {"PolicyName": "minute", "CookieExpirationPeriod": 90, **NAME}
    it.refused("DuplicatePolicyName", "CreateLBCookieStickinessPolicy", "of the same name", **again)
    it.call("SetLoadBalancerPoliciesOfListener", "one", LoadBalancerPort=80, PolicyNames=["minute"], **NAME)
    unknown = {"LoadBalancerPort": 80, "PolicyNames": ["nothing"], **NAME}
    it.refused("PolicyNotFound", "SetLoadBalancerPoliciesOfListener", "that is not there", **unknown)
    it.call("DescribeLoadBalancerPolicies", "all", **NAME)
    it.refused("PolicyNotFound", "DescribeLoadBalancerPolicies", "that is not there", PolicyNames=["nothing"], **NAME)
    it.refused(INVALID, "DeleteLoadBalancerPolicy", "that is used", PolicyName="minute", **NAME)
    it.call("SetLoadBalancerPoliciesOfListener", "none", LoadBalancerPort=80, PolicyNames=[], **NAME)
    it.call("DeleteLoadBalancerPolicy", "one", PolicyName="minute", **NAME)


def places(it):
    """Subnets, zones and security groups."""
    two, vpc, _ = subnets()
    it.call("DetachLoadBalancerFromSubnets", "one", Subnets=two[1:], **NAME)
    it.call("AttachLoadBalancerToSubnets", "again", Subnets=two[1:], **NAME)
    nowhere = {"Subnets": ["subnet-0123456789abcdef0"], **NAME}
    it.refused("SubnetNotFound", "AttachLoadBalancerToSubnets", "nowhere", **nowhere)
    zones = {"AvailabilityZones": [f"{subject.REGION}a"], **NAME}
    it.call("DisableAvailabilityZonesForLoadBalancer", "one of the default VPC", **zones)
    it.call("EnableAvailabilityZonesForLoadBalancer", "again", **zones)
    groups = subject.client("ec2").describe_security_groups(Filters=[{"Name": "vpc-id", "Values": [vpc]}])
    group = next(it["GroupId"] for it in groups["SecurityGroups"] if it["GroupName"] == "default")
    it.call("ApplySecurityGroupsToLoadBalancer", "the default one", SecurityGroups=[group], **NAME)
    missing = {"SecurityGroups": ["sg-0123456789abcdef0"], **NAME}
    it.refused("InvalidSecurityGroup", "ApplySecurityGroupsToLoadBalancer", "that is not there", **missing)


def health(it):
    check = {"Target": "HTTP:8080/health", "Interval": 10, "Timeout": 5, "UnhealthyThreshold": 2, "HealthyThreshold": 3}
    it.call("ConfigureHealthCheck", "of a path", HealthCheck=check, **NAME)
    it.refused("ValidationError", "ConfigureHealthCheck", "of no protocol", HealthCheck={**check, "Target": "x"}, **NAME)
    it.refused("ValidationError", "ConfigureHealthCheck", "too seldom", HealthCheck={**check, "Interval": 301}, **NAME)
    it.call("DescribeInstanceHealth", "of none", **NAME)
    nobody = {"Instances": [{"InstanceId": "i-0123456789abcdef0"}], **NAME}
    it.refused("InvalidInstance", "RegisterInstancesWithLoadBalancer", "that is not there", **nobody)
    it.refused("InvalidInstance", "DeregisterInstancesFromLoadBalancer", "that is not there", **nobody)
    it.refused("InvalidInstance", "DescribeInstanceHealth", "that is not there", **nobody)
    own = {"Instances": [{"InstanceId": _own_instance(it)}], **NAME}
    it.call("RegisterInstancesWithLoadBalancer", "the host", **own)
    it.call("DeregisterInstancesFromLoadBalancer", "the host", **own)


def _own_instance(it):
    """Id of the instance that tasks run on."""
    ecs = subject.client()
    arn = subject.until("an agent is connected", lambda: subject.connected_instance(ecs))
    return ecs.describe_container_instances(containerInstances=[arn])["containerInstances"][0]["ec2InstanceId"]


def attributes(it):
    it.call("DescribeLoadBalancerAttributes", "as they are made", **NAME)
    idle = {"ConnectionSettings": {"IdleTimeout": 30}, "CrossZoneLoadBalancing": {"Enabled": True}}
    it.call("ModifyLoadBalancerAttributes", "two", LoadBalancerAttributes=idle, **NAME)
    wrong = {"ConnectionSettings": {"IdleTimeout": 0}}
    it.refused("ValidationError", "ModifyLoadBalancerAttributes", "out of bounds", LoadBalancerAttributes=wrong, **NAME)


def tags(it):
    of = {"LoadBalancerNames": ["golden"]}
    it.call("AddTags", "two", Tags=[{"Key": "a", "Value": "1"}, {"Key": "b"}], **of)
    it.call("RemoveTags", "one", Tags=[{"Key": "a"}], **of)
    it.call("DescribeTags", "what is left", **of)
    twice = [{"Key": "a", "Value": "1"}, {"Key": "a", "Value": "2"}]
    it.refused("DuplicateTagKeys", "AddTags", "twice the same", Tags=twice, **of)
    many = [{"Key": f"key-{number}", "Value": ""} for number in range(51)]
    it.refused("TooManyTags", "AddTags", "too many", Tags=many, **of)


def missing(it):
    """Each operation of a load balancer that is not there."""
    instance, group = [{"InstanceId": "i-0123456789abcdef0"}], ["sg-0123456789abcdef0"]
    zones, subnet = [f"{subject.REGION}a"], ["subnet-0123456789abcdef0"]
    check = {"Target": "TCP:80", "Interval": 10, "Timeout": 5, "UnhealthyThreshold": 2, "HealthyThreshold": 3}
    for operation, arguments in {
        "ApplySecurityGroupsToLoadBalancer": {"SecurityGroups": group},
        "AttachLoadBalancerToSubnets": {"Subnets": subnet},
        "ConfigureHealthCheck": {"HealthCheck": check},
        "CreateAppCookieStickinessPolicy": {"PolicyName": "a", "CookieName": "a"},
        "CreateLBCookieStickinessPolicy": {"PolicyName": "a"},
        "CreateLoadBalancerListeners": {"Listeners": [HTTP]},
        "DeleteLoadBalancerListeners": {"LoadBalancerPorts": [80]},
        "DeleteLoadBalancerPolicy": {"PolicyName": "a"},
        "DeregisterInstancesFromLoadBalancer": {"Instances": instance},
        "DescribeInstanceHealth": {},
        "DescribeLoadBalancerAttributes": {},
        "DescribeLoadBalancerPolicies": {},
        "DetachLoadBalancerFromSubnets": {"Subnets": subnet},
        "DisableAvailabilityZonesForLoadBalancer": {"AvailabilityZones": zones},
        "EnableAvailabilityZonesForLoadBalancer": {"AvailabilityZones": zones},
        "ModifyLoadBalancerAttributes": {"LoadBalancerAttributes": {"ConnectionSettings": {"IdleTimeout": 30}}},
        "RegisterInstancesWithLoadBalancer": {"Instances": instance},
        "SetLoadBalancerListenerSSLCertificate": {"LoadBalancerPort": 1, "SSLCertificateId": "a"},
        "SetLoadBalancerPoliciesOfListener": {"LoadBalancerPort": 1, "PolicyNames": []},
    }.items():
        it.refused(MISSING, operation, "no such load balancer", **arguments, **NOWHERE)
    names = {"LoadBalancerNames": ["golden-never"]}
    it.refused(MISSING, "DescribeLoadBalancers", "no such load balancer", **names)
    it.refused(MISSING, "DescribeTags", "no such load balancer", **names)
    it.refused(MISSING, "AddTags", "no such load balancer", Tags=[{"Key": "a"}], **names)
    it.refused(MISSING, "RemoveTags", "no such load balancer", Tags=[{"Key": "a"}], **names)


def pages(it, faults):
    """Pages of any size give the whole, once."""
    two, _, _ = subnets()
    it.quietly("CreateLoadBalancer", LoadBalancerName="golden-second", Listeners=[TCP], Subnets=two)
    wanted = {subject.own(name) for name in ("golden", "golden-second")}
    for size in (1, 2, 100):
        pages = it.client.get_paginator("describe_load_balancers").paginate(PaginationConfig={"PageSize": size})
        found = [one["LoadBalancerName"] for page in pages for one in page["LoadBalancerDescriptions"]]
        faults.check(wanted <= set(found) and len(set(found)) == len(found), f"pages of {size} give {found}")
    it.quietly("DeleteLoadBalancer", LoadBalancerName="golden-second")


if __name__ == "__main__":
    main()
