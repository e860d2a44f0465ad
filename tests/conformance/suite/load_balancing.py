"""Load balancers, as boto3 makes, describes and deletes them: whole answers and refusals, compared with golden files."""

from . import load_balancing_settings as more
from . import subject
from .recorder import Recorder

NAME = "golden"
FIXED = {"Type": "fixed-response", "FixedResponseConfig": {"StatusCode": "404", "ContentType": "text/plain"}}


def main():
    faults = subject.Faults()
    recorder = Recorder("elbv2", faults)
    load_balancer = load_balancers(recorder)
    blue, green = target_groups(recorder)
    listeners(recorder, load_balancer, blue, green)
    targets(recorder, blue)
    tags(recorder, load_balancer)
    settings(recorder, load_balancer, (blue, green))
    network(recorder)
    limits(recorder)
    deletion(recorder, load_balancer, blue)
    cases = recorder.compare("elbv2/", faults)
    faults.finish(f"{cases} whole answers of {len(recorder.of_operation)} operations of load balancing")


def subnets():
    """Two subnets of the default VPC, in two zones."""
    found = subject.client("ec2").describe_subnets()["Subnets"]
    found.sort(key=lambda it: it["AvailabilityZone"])
    return [it["SubnetId"] for it in found[:2]], found[0]["VpcId"], found[0]["CidrBlock"].rsplit(".", 1)[0]


def load_balancers(it):
    two, _, _ = subnets()
    made = it.call("CreateLoadBalancer", "in two zones", Name=NAME, Subnets=two, Tags=[{"Key": "team", "Value": "a"}])
    arn = made["LoadBalancers"][0]["LoadBalancerArn"]
    it.refused("DuplicateLoadBalancerName", "CreateLoadBalancer", "otherwise", Name=NAME, Subnets=two, Scheme="internal")
    it.refused("ValidationError", "CreateLoadBalancer", "in one zone", Name="one", Subnets=two[:1])
    it.refused("SubnetNotFound", "CreateLoadBalancer", "nowhere", Name="none", Subnets=["subnet-0123456789abcdef0"] * 2)
    it.refused("ValidationError", "CreateLoadBalancer", "of a bad name", Name="-bad-", Subnets=two)
    described = {"Names": [NAME]}
    subject.until("active", lambda: _state(it) == "active")
    it.call("DescribeLoadBalancers", "by name", **described)
    it.refused("LoadBalancerNotFound", "DescribeLoadBalancers", "that is not there", Names=["nothing"])
    it.call("DescribeLoadBalancerAttributes", "as they are made", LoadBalancerArn=arn)
    idle = [{"Key": "idle_timeout.timeout_seconds", "Value": "30"}]
    it.call("ModifyLoadBalancerAttributes", "one", LoadBalancerArn=arn, Attributes=idle)
    wrong = [{"Key": "idle_timeout.timeout_seconds", "Value": "0"}]
    it.refused("ValidationError", "ModifyLoadBalancerAttributes", "out of bounds", LoadBalancerArn=arn, Attributes=wrong)
    return arn


def _state(it):
    return it.quietly("DescribeLoadBalancers", Names=[NAME])["LoadBalancers"][0]["State"]["Code"]


def target_groups(it):
    _, vpc, _ = subnets()
    group = {"Protocol": "HTTP", "Port": 80, "VpcId": vpc, "TargetType": "ip"}
    blue = it.call("CreateTargetGroup", "by address", Name="golden-blue", **group)["TargetGroups"][0]["TargetGroupArn"]
    green = it.quietly("CreateTargetGroup", Name="golden-green", **group)["TargetGroups"][0]["TargetGroupArn"]
    it.refused("DuplicateTargetGroupName", "CreateTargetGroup", "otherwise", Name="golden-blue", **{**group, "Port": 81})
    it.refused("ValidationError", "CreateTargetGroup", "without a port", Name="none", Protocol="HTTP", VpcId=vpc)
    it.call("DescribeTargetGroups", "by name", Names=["golden-blue"])
    it.refused("TargetGroupNotFound", "DescribeTargetGroups", "that is not there", Names=["nothing"])
    check = {"HealthCheckPath": "/health", "Matcher": {"HttpCode": "200-299"}, "HealthyThresholdCount": 2}
    it.call("ModifyTargetGroup", "its health check", TargetGroupArn=blue, **check)
    it.call("DescribeTargetGroupAttributes", "as they are made", TargetGroupArn=blue)
    delay = [{"Key": "deregistration_delay.timeout_seconds", "Value": "0"}]
    it.call("ModifyTargetGroupAttributes", "the delay", TargetGroupArn=blue, Attributes=delay)
    return blue, green


def listeners(it, load_balancer, blue, green):
    forward = {"Type": "forward", "TargetGroupArn": blue}
    port = {"LoadBalancerArn": load_balancer, "Protocol": "HTTP", "Port": 80}
    made = it.call("CreateListener", "that forwards", DefaultActions=[forward], **port)
    listener = made["Listeners"][0]["ListenerArn"]
    it.refused("DuplicateListener", "CreateListener", "of the same port", DefaultActions=[FIXED], **port)
    missing = {"Type": "forward", "TargetGroupArn": blue.replace("blue", "none")}
    it.refused("TargetGroupNotFound", "CreateListener", "to nowhere", DefaultActions=[missing], **{**port, "Port": 81})
    it.call("DescribeListeners", "of a load balancer", LoadBalancerArn=load_balancer)
    it.call("DescribeListenerAttributes", "as they are made", ListenerArn=listener)
    it.call("ModifyListener", "answers by itself", ListenerArn=listener, DefaultActions=[FIXED])
    weighted = {
        "Type": "forward",
        "ForwardConfig": {
            "TargetGroups": [{"TargetGroupArn": blue, "Weight": 9}, {"TargetGroupArn": green, "Weight": 1}],
            "TargetGroupStickinessConfig": {"Enabled": True, "DurationSeconds": 60},
        },
    }
    path = [{"Field": "path-pattern", "Values": ["/api/*"]}, {"Field": "host-header", "Values": ["*.example.com"]}]
    rule = {"ListenerArn": listener, "Priority": 10, "Conditions": path}
    made = it.call("CreateRule", "of a path and a host", Actions=[weighted], **rule)
    it.refused("PriorityInUse", "CreateRule", "of the same priority", Actions=[FIXED], **rule)
    it.refused("ValidationError", "CreateRule", "without a condition", Actions=[FIXED], **{**rule, "Conditions": [{}]})
    first = made["Rules"][0]["RuleArn"]
    redirect = {"Type": "redirect", "RedirectConfig": {"Protocol": "HTTPS", "Port": "443", "StatusCode": "HTTP_301"}}
    it.call("ModifyRule", "redirects", RuleArn=first, Actions=[redirect])
    it.call("SetRulePriorities", "one", RulePriorities=[{"RuleArn": first, "Priority": 20}])
    it.call("DescribeRules", "of a listener", ListenerArn=listener)
    it.call("DeleteRule", "one", RuleArn=first)
    it.refused("RuleNotFound", "DescribeRules", "that is not there", RuleArns=[first])
    it.quietly("ModifyListener", ListenerArn=listener, DefaultActions=[forward])


def targets(it, blue):
    _, _, network = subnets()
    one = [{"Id": f"{network}.250", "Port": 8080}]
    it.call("RegisterTargets", "an address", TargetGroupArn=blue, Targets=one)
    it.refused("ValidationError", "RegisterTargets", "no address", TargetGroupArn=blue, Targets=[{"Id": "web"}])
    it.call("DescribeTargetHealth", "that is not registered", TargetGroupArn=blue, Targets=[{"Id": f"{network}.251"}])
    it.call("DeregisterTargets", "an address", TargetGroupArn=blue, Targets=one)


def tags(it, load_balancer):
    of = {"ResourceArns": [load_balancer]}
    it.call("AddTags", "two", Tags=[{"Key": "a", "Value": "1"}, {"Key": "b", "Value": ""}], **of)
    it.call("RemoveTags", "one", TagKeys=["a"], **of)
    it.call("DescribeTags", "what is left", **of)


def settings(it, load_balancer, groups):
    two, vpc, network = subnets()
    more.secured_listeners(it, load_balancer)
    more.capacity(it, load_balancer)
    more.places(it, load_balancer, two, vpc)
    listener = it.quietly("DescribeListeners", LoadBalancerArn=load_balancer)["Listeners"][0]["ListenerArn"]
    more.pages(it, load_balancer, listener, groups)
    more.waiters(it, load_balancer, groups[0], {"Id": f"{network}.251", "Port": 8080})


def network(it):
    """A network load balancer for TCP."""
    two, vpc, _ = subnets()
    made = it.call("CreateLoadBalancer", "for connections", Name="golden-net", Type="network", Subnets=two)
    arn = made["LoadBalancers"][0]["LoadBalancerArn"]
    group = {"Name": "golden-tcp", "Protocol": "TCP", "Port": 5432, "VpcId": vpc, "TargetType": "ip"}
    tcp = it.call("CreateTargetGroup", "for connections", **group)["TargetGroups"][0]["TargetGroupArn"]
    forward = [{"Type": "forward", "TargetGroupArn": tcp}]
    it.call("CreateListener", "of TCP", LoadBalancerArn=arn, Protocol="TCP", Port=5432, DefaultActions=forward)
    it.refused("ValidationError", "CreateListener", "of HTTP on a network one", LoadBalancerArn=arn, Protocol="HTTP", Port=80, DefaultActions=forward)
    it.quietly("DeleteLoadBalancer", LoadBalancerArn=arn)


def limits(it):
    it.call("DescribeAccountLimits", "all")
    it.call("DescribeSSLPolicies", "one", Names=["ELBSecurityPolicy-TLS13-1-2-2021-06"])


def deletion(it, load_balancer, blue):
    it.refused("ResourceInUse", "DeleteTargetGroup", "that is used", TargetGroupArn=blue)
    listener = it.quietly("DescribeListeners", LoadBalancerArn=load_balancer)["Listeners"][0]["ListenerArn"]
    it.call("DeleteListener", "one", ListenerArn=listener)
    it.call("DeleteTargetGroup", "one", TargetGroupArn=blue)
    it.call("DeleteLoadBalancer", "one", LoadBalancerArn=load_balancer)
    it.call("DeleteLoadBalancer", "that is gone", LoadBalancerArn=load_balancer)


if __name__ == "__main__":
    main()
