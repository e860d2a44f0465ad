"""Flows of load balancing beside its main one: certificates, subnets, security groups, attributes of listeners, pages, waiters."""

from . import certificates, subject

FIXED = {"Type": "fixed-response", "FixedResponseConfig": {"StatusCode": "404", "ContentType": "text/plain"}}


def secured_listeners(it, load_balancer):
    """Certificates of a listener, beside the one it has by default."""
    acm = subject.client("acm")
    first, second = (acm.import_certificate(**one)["CertificateArn"] for one in (certificates.GOLDEN, certificates.OTHER))
    default, more = [{"CertificateArn": first}], [{"CertificateArn": second}]
    port = {"LoadBalancerArn": load_balancer, "Protocol": "HTTPS", "Port": 443, "DefaultActions": [FIXED]}
    it.refused("ValidationError", "CreateListener", "without a certificate", **port)
    made = it.call("CreateListener", "of HTTPS", Certificates=default, **port)
    listener = {"ListenerArn": made["Listeners"][0]["ListenerArn"]}
    it.call("AddListenerCertificates", "one more", Certificates=more, **listener)
    it.call("DescribeListenerCertificates", "both", **listener)
    missing = [{"CertificateArn": second[:-12] + "0" * 12}]
    it.refused("CertificateNotFound", "AddListenerCertificates", "that is not there", Certificates=missing, **listener)
    nowhere = {"ListenerArn": listener["ListenerArn"][:-16] + "0" * 16}
    it.refused("ListenerNotFound", "AddListenerCertificates", "to no listener", Certificates=more, **nowhere)
    it.refused("ListenerNotFound", "RemoveListenerCertificates", "of no listener", Certificates=more, **nowhere)
    it.refused("ListenerNotFound", "DescribeListenerCertificates", "of no listener", **nowhere)
    _pages(it, "describe_listener_certificates", "Certificates", "CertificateArn", {first, second}, **listener)
    it.refused("OperationNotPermitted", "RemoveListenerCertificates", "the default one", Certificates=default, **listener)
    it.call("RemoveListenerCertificates", "one", Certificates=more, **listener)
    header = "routing.http.response.server.enabled"
    it.call("ModifyListenerAttributes", "one", Attributes=[{"Key": header, "Value": "false"}], **listener)
    it.call("DescribeListenerAttributes", "one is changed", **listener)
    wrong = [{"Key": header, "Value": "perhaps"}]
    it.refused("ValidationError", "ModifyListenerAttributes", "no such value", Attributes=wrong, **listener)
    unknown = [{"Key": "no.such.attribute", "Value": "true"}]
    it.refused("ValidationError", "ModifyListenerAttributes", "no such key", Attributes=unknown, **listener)
    it.refused("ListenerNotFound", "ModifyListenerAttributes", "of no listener", Attributes=unknown, **nowhere)
    it.refused("ListenerNotFound", "DescribeListenerAttributes", "of no listener", **nowhere)
    it.quietly("DeleteListener", **listener)
    for arn in (first, second):
        acm.delete_certificate(CertificateArn=arn)


def places(it, load_balancer, subnets, vpc):
    of = {"LoadBalancerArn": load_balancer}
    nowhere = {"LoadBalancerArn": load_balancer[:-16] + "0" * 16}
    missing = "LoadBalancerNotFound"
    it.call("SetSubnets", "the same", Subnets=subnets, **of)
    it.refused("SubnetNotFound", "SetSubnets", "nowhere", Subnets=["subnet-0123456789abcdef0", subnets[0]], **of)
    it.refused("ValidationError", "SetSubnets", "in one zone", Subnets=subnets[:1], **of)
    it.refused(missing, "SetSubnets", "of none", Subnets=subnets, **nowhere)
    found = subject.client("ec2").describe_security_groups(Filters=[{"Name": "vpc-id", "Values": [vpc]}])
    group = next(it["GroupId"] for it in found["SecurityGroups"] if it["GroupName"] == "default")
    it.call("SetSecurityGroups", "the default one", SecurityGroups=[group], **of)
    unknown = ["sg-0123456789abcdef0"]
    it.refused("InvalidSecurityGroup", "SetSecurityGroups", "that is not there", SecurityGroups=unknown, **of)
    it.refused(missing, "SetSecurityGroups", "of none", SecurityGroups=[group], **nowhere)
    it.call("SetIpAddressType", "as it is", IpAddressType="ipv4", **of)
    it.refused(missing, "SetIpAddressType", "of none", IpAddressType="ipv4", **nowhere)


def capacity(it, load_balancer):
    """None is reserved, so that there is none to reset."""
    of = {"LoadBalancerArn": load_balancer}
    it.call("DescribeCapacityReservation", "none", **of)
    it.call("ModifyCapacityReservation", "back to none", ResetCapacityReservation=True, **of)
    nowhere = {"LoadBalancerArn": load_balancer[:-16] + "0" * 16}
    it.refused("LoadBalancerNotFound", "DescribeCapacityReservation", "of none", **nowhere)


def pages(it, load_balancer, listener, groups):
    """Each paginator that is built gives the whole, once, in pages of any size; tampered markers are refused."""
    _pages(it, "describe_load_balancers", "LoadBalancers", "LoadBalancerArn", {load_balancer})
    _pages(it, "describe_target_groups", "TargetGroups", "TargetGroupArn", set(groups))
    _pages(it, "describe_listeners", "Listeners", "ListenerArn", {listener}, LoadBalancerArn=load_balancer)
    made = set()
    for priority in range(1, 6):
        condition = [{"Field": "path-pattern", "Values": [f"/{priority}"]}]
        rule = {"ListenerArn": listener, "Priority": priority, "Conditions": condition, "Actions": [FIXED]}
        made.add(it.quietly("CreateRule", **rule)["Rules"][0]["RuleArn"])
    _pages(it, "describe_rules", "Rules", "RuleArn", made, ListenerArn=listener)
    for rule in made:
        it.quietly("DeleteRule", RuleArn=rule)
    _pages(it, "describe_account_limits", "Limits", "Name", {"target-groups"})
    _pages(it, "describe_ssl_policies", "SslPolicies", "Name", {"ELBSecurityPolicy-2016-08"})
    it.refused("ValidationError", "DescribeRules", "a marker of nobody", ListenerArn=listener, Marker="nobody")
    it.refused("ValidationError", "DescribeLoadBalancers", "a page of no size", PageSize=0)
    it.refused("ValidationError", "DescribeTargetGroups", "too large a page", PageSize=401)


def _pages(it, method, key, name, wanted, **arguments):
    for size in (1, 3, 400):
        walked = it.client.get_paginator(method).paginate(PaginationConfig={"PageSize": size}, **arguments)
        shown = [[one[name] for one in page[key]] for page in walked]
        found = sum(shown, [])
        is_whole = wanted <= set(found) and len(found) == len(set(found))
        it.faults.check(is_whole and all(len(page) <= size for page in shown), f"{method}: pages of {size} give {found}")


def waiters(it, load_balancer, group, target):
    """How each waiter of botocore ends."""
    arns = {"LoadBalancerArns": [load_balancer]}
    for name in ("load_balancer_exists", "load_balancer_available"):
        it.client.get_waiter(name).wait(WaiterConfig={"Delay": 1, "MaxAttempts": 60}, **arns)
    gone = {"TargetGroupArn": group, "Targets": [target]}
    it.client.get_waiter("target_deregistered").wait(WaiterConfig={"Delay": 1, "MaxAttempts": 60}, **gone)
    never = {"LoadBalancerArns": [load_balancer[:-16] + "0" * 16]}
    it.client.get_waiter("load_balancers_deleted").wait(WaiterConfig={"Delay": 1, "MaxAttempts": 1}, **never)
