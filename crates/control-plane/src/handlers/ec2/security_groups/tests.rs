//! Security groups as clients make and change them; rules merged and taken apart.

use domain::Scope;
use domain::ids::Ids;
use domain::network_traffic::{Direction, IcmpKind, PortRange, Traffic};
use domain::security_group::{Peer, SecurityGroup, SecurityGroupRule};
use proptest::prelude::*;
use serde_json::{Value, json};
use store::State;

use super::change::{authorize, revoke};
use super::permissions::{Permission, Reader, render};
use super::traffic;
use crate::fixture::text;
use crate::handlers::ec2::tests::world::World;

fn web(cidr: &str) -> Value {
    json!([{ "IpProtocol": "tcp", "FromPort": 80, "ToPort": 80, "IpRanges": [{ "CidrIp": cidr }] }])
}

#[tokio::test]
async fn a_new_group_lets_everything_out() {
    let world = World::new().await;
    let group = world.group("web").await;
    let found = world
        .ask("DescribeSecurityGroups", json!({ "GroupIds": [group] }))
        .await;
    let found = &found["SecurityGroups"][0];
    assert_eq!(found["IpPermissions"], json!([]));
    let egress = json!([{
        "IpProtocol": "-1",
        "IpRanges": [{ "CidrIp": "0.0.0.0/0" }],
        "Ipv6Ranges": [],
        "PrefixListIds": [],
        "UserIdGroupPairs": [],
    }]);
    assert_eq!(found["IpPermissionsEgress"], egress);
    let again = json!({ "GroupName": "web", "Description": "x", "VpcId": world.vpc });
    let (code, message) = world.refused("CreateSecurityGroup", again).await;
    assert_eq!(code, "InvalidGroup.Duplicate");
    assert_eq!(
        message,
        format!("The security group 'web' already exists for VPC '{}'", world.vpc)
    );
    // Of the same name in another VPC: the default one.
    let elsewhere = json!({ "GroupName": "web", "Description": "x" });
    world.ask("CreateSecurityGroup", elsewhere).await;
}

#[tokio::test]
async fn groups_that_may_not_be_are_refused() {
    let world = World::new().await;
    for (name, description, code) in [
        ("default", "x", "InvalidParameterValue"),
        ("sg-web", "x", "InvalidParameterValue"),
        ("", "x", "MissingParameter"),
        ("web", "", "MissingParameter"),
        ("wéb", "x", "InvalidParameterValue"),
        ("web\"", "x", "InvalidParameterValue"),
    ] {
        let input = json!({ "GroupName": name, "Description": description, "VpcId": world.vpc });
        assert_eq!(world.code("CreateSecurityGroup", input).await, code, "{name}");
    }
    let input = json!({ "GroupName": "web", "Description": "x", "VpcId": "vpc-0" });
    assert_eq!(
        world.code("CreateSecurityGroup", input).await,
        "InvalidVpcID.NotFound"
    );
}

#[tokio::test]
async fn names_are_the_same_in_any_case_and_end_without_spaces() {
    let world = World::new().await;
    let made = json!({ "GroupName": "Web  ", "Description": "x" });
    let group = text(&world.ask("CreateSecurityGroup", made).await["GroupId"]);
    for name in ["web", "WEB ", "Web"] {
        let again = json!({ "GroupName": name, "Description": "x" });
        let code = world.code("CreateSecurityGroup", again).await;
        assert_eq!(code, "InvalidGroup.Duplicate", "{name}");
        let shown = world
            .ask("DescribeSecurityGroups", json!({ "GroupNames": [name] }))
            .await;
        assert_eq!(shown["SecurityGroups"][0]["GroupId"], group.as_str(), "{name}");
        assert_eq!(shown["SecurityGroups"][0]["GroupName"], "Web");
    }
    let spaces = json!({ "GroupName": "  ", "Description": "x" });
    assert_eq!(
        world.code("CreateSecurityGroup", spaces).await,
        "MissingParameter"
    );
    world
        .ask("DeleteSecurityGroup", json!({ "GroupName": "wEB" }))
        .await;
}

#[tokio::test]
async fn rules_are_added_once_and_taken_by_permission_or_id() {
    let world = World::new().await;
    let group = world.group("web").await;
    let change = json!({ "GroupId": group, "IpPermissions": web("10.0.0.9/8") });
    let added = world.ask("AuthorizeSecurityGroupIngress", change.clone()).await;
    let rule = &added["SecurityGroupRules"][0];
    assert_eq!(rule["CidrIpv4"], "10.0.0.0/8");
    assert_eq!(rule["IsEgress"], json!(false));
    let refused = world
        .refused("AuthorizeSecurityGroupIngress", change.clone())
        .await;
    let message =
        "the specified rule \"peer: 10.0.0.0/8, TCP, from port: 80, to port: 80, ALLOW\" already exists";
    assert_eq!(
        refused,
        ("InvalidPermission.Duplicate".to_owned(), message.to_owned())
    );
    world.ask("RevokeSecurityGroupIngress", change.clone()).await;
    let code = world.code("RevokeSecurityGroupIngress", change.clone()).await;
    assert_eq!(code, "InvalidPermission.NotFound");
    let added = world.ask("AuthorizeSecurityGroupIngress", change).await;
    let id = &added["SecurityGroupRules"][0]["SecurityGroupRuleId"];
    let by_id = json!({ "GroupId": group, "SecurityGroupRuleIds": [id] });
    assert_eq!(
        world.code("RevokeSecurityGroupEgress", by_id.clone()).await,
        "InvalidSecurityGroupRuleId.NotFound"
    );
    let revoked = world.ask("RevokeSecurityGroupIngress", by_id.clone()).await;
    assert_eq!(
        revoked["RevokedSecurityGroupRules"][0]["SecurityGroupRuleId"],
        *id
    );
    let code = world.code("RevokeSecurityGroupIngress", by_id).await;
    assert_eq!(code, "InvalidSecurityGroupRuleId.NotFound");
    let nothing = json!({ "GroupId": group });
    assert_eq!(
        world.code("RevokeSecurityGroupIngress", nothing).await,
        "MissingParameter"
    );
}

#[tokio::test]
async fn in_the_default_vpc_what_cannot_be_revoked_is_told() {
    let world = World::new().await;
    let change = json!({ "GroupName": "default", "IpPermissions": web("10.0.0.0/8") });
    let revoked = world.ask("RevokeSecurityGroupIngress", change).await;
    assert_eq!(
        revoked["UnknownIpPermissions"][0]["IpRanges"][0]["CidrIp"],
        "10.0.0.0/8"
    );
    let flat = json!({ "GroupName": "default", "IpProtocol": "tcp", "FromPort": 22, "ToPort": 22, "CidrIp": "10.0.0.0/8" });
    world.ask("AuthorizeSecurityGroupIngress", flat.clone()).await;
    let revoked = world.ask("RevokeSecurityGroupIngress", flat).await;
    assert_eq!(revoked["UnknownIpPermissions"], json!([]));
    let by_group = json!({ "GroupName": "default", "SourceSecurityGroupName": "default" });
    let added = world.ask("AuthorizeSecurityGroupIngress", by_group).await;
    assert_eq!(added["SecurityGroupRules"].as_array().map(Vec::len), Some(3));
}

#[tokio::test]
async fn permissions_that_may_not_be_are_refused() {
    let world = World::new().await;
    let group = world.group("web").await;
    let other = json!({ "GroupName": "other", "Description": "x" });
    let elsewhere = text(&world.ask("CreateSecurityGroup", other).await["GroupId"]);
    let ranges = json!([{ "CidrIp": "10.0.0.0/8" }]);
    let tcp = |from: i32, to: i32| json!({ "IpProtocol": "tcp", "FromPort": from, "ToPort": to, "IpRanges": ranges });
    for (permission, code) in [
        (tcp(1, 65536), "InvalidParameterValue"),
        (tcp(80, 79), "InvalidParameterValue"),
        (tcp(-1, -1), "InvalidParameterValue"),
        (
            json!({ "IpProtocol": "tcp", "IpRanges": ranges }),
            "InvalidParameterValue",
        ),
        (
            json!({ "IpProtocol": "foo", "IpRanges": ranges }),
            "InvalidParameterValue",
        ),
        (
            json!({ "IpProtocol": "256", "IpRanges": ranges }),
            "InvalidParameterValue",
        ),
        (json!({ "IpProtocol": "-1" }), "MissingParameter"),
        (json!({ "IpRanges": ranges }), "MissingParameter"),
        (
            json!({ "IpProtocol": "-1", "IpRanges": [{ "CidrIp": "10.0.0.0/33" }] }),
            "InvalidParameterValue",
        ),
        (
            json!({ "IpProtocol": "-1", "IpRanges": [{ "CidrIp": "10.0.0.0/8" }, { "CidrIp": "10.1.0.0/8" }] }),
            "InvalidParameterValue",
        ),
        (
            json!({ "IpProtocol": "-1", "UserIdGroupPairs": [{ "GroupId": "sg-0" }] }),
            "InvalidGroup.NotFound",
        ),
        (
            json!({ "IpProtocol": "-1", "UserIdGroupPairs": [{ "GroupId": elsewhere }] }),
            "InvalidGroup.NotFound",
        ),
        (
            json!({ "IpProtocol": "-1", "PrefixListIds": [{ "PrefixListId": "pl-0" }] }),
            "InvalidPrefixListID.NotFound",
        ),
    ] {
        let input = json!({ "GroupId": group, "IpPermissions": [permission] });
        let refused = world.refused("AuthorizeSecurityGroupIngress", input).await;
        assert_eq!(refused.0, code, "{permission} {}", refused.1);
    }
    let both = json!({ "GroupId": group, "IpProtocol": "tcp", "CidrIp": "10.0.0.0/8", "IpPermissions": web("10.0.0.0/8") });
    let code = world.code("AuthorizeSecurityGroupIngress", both).await;
    assert_eq!(code, "InvalidParameterCombination");
    let many: Vec<Value> = (0..1001_u32)
        .map(|it| json!({ "CidrIp": format!("10.0.{}.{}/32", it / 256, it % 256) }))
        .collect();
    let many = json!({ "GroupId": group, "IpPermissions": [{ "IpProtocol": "-1", "IpRanges": many }] });
    let code = world.code("AuthorizeSecurityGroupIngress", many).await;
    assert_eq!(code, "RulesPerSecurityGroupLimitExceeded");
}

#[tokio::test]
async fn rules_are_changed_and_described() {
    let world = World::new().await;
    let group = world.group("web").await;
    let change = json!({ "GroupId": group, "IpPermissions": web("10.0.0.0/8") });
    let added = world.ask("AuthorizeSecurityGroupIngress", change).await;
    let id = text(&added["SecurityGroupRules"][0]["SecurityGroupRuleId"]);
    let update = |cidr: &str| {
        json!({ "GroupId": group, "SecurityGroupRules": [{
            "SecurityGroupRuleId": id,
            "SecurityGroupRule": { "IpProtocol": "udp", "FromPort": 53, "ToPort": 53, "CidrIpv4": cidr },
        }] })
    };
    world.ask("ModifySecurityGroupRules", update("10.1.0.0/16")).await;
    // Nothing new is no duplicate of itself.
    world.ask("ModifySecurityGroupRules", update("10.1.0.0/16")).await;
    let describe = json!({ "GroupId": group, "SecurityGroupRuleDescriptions": [
        { "SecurityGroupRuleId": id, "Description": "names" },
    ] });
    world
        .ask("UpdateSecurityGroupRuleDescriptionsIngress", describe)
        .await;
    let found = world
        .ask(
            "DescribeSecurityGroupRules",
            json!({ "SecurityGroupRuleIds": [id] }),
        )
        .await;
    let rule = &found["SecurityGroupRules"][0];
    assert_eq!(
        (&rule["IpProtocol"], &rule["CidrIpv4"], &rule["Description"]),
        (&json!("udp"), &json!("10.1.0.0/16"), &json!("names"))
    );
    let own = ("group-id", group.as_str());
    let found = world
        .count("DescribeSecurityGroupRules", "SecurityGroupRules", own)
        .await;
    assert_eq!(found, 2);
    for (filter, count) in [
        (("ip-permission.cidr", "10.1.0.0/16"), 1),
        (("ip-permission.from-port", "53"), 1),
        (("ip-permission.protocol", "tcp"), 0),
        (("egress.ip-permission.cidr", "0.0.0.0/0"), 3),
    ] {
        let found = world
            .count("DescribeSecurityGroups", "SecurityGroups", filter)
            .await;
        assert_eq!(found, count, "{filter:?}");
    }
}

#[tokio::test]
async fn rules_take_each_others_place() {
    let world = World::new().await;
    let group = world.group("web").await;
    let change = json!({ "GroupId": group, "IpPermissions": [
        { "IpProtocol": "tcp", "FromPort": 80, "ToPort": 80, "IpRanges": [{ "CidrIp": "10.0.0.0/8" }] },
        { "IpProtocol": "tcp", "FromPort": 443, "ToPort": 443, "IpRanges": [{ "CidrIp": "10.0.0.0/8" }] },
    ] });
    let added = world.ask("AuthorizeSecurityGroupIngress", change).await;
    let id = |at: usize| text(&added["SecurityGroupRules"][at]["SecurityGroupRuleId"]);
    let (http, https) = (id(0), id(1));
    let rule = |id: &str, port: u16| {
        json!({
            "SecurityGroupRuleId": id,
            "SecurityGroupRule": {
                "IpProtocol": "tcp", "FromPort": port, "ToPort": port, "CidrIpv4": "10.0.0.0/8",
            },
        })
    };
    let modify = |rules: Vec<Value>| json!({ "GroupId": group, "SecurityGroupRules": rules });
    world
        .ask(
            "ModifySecurityGroupRules",
            modify(vec![rule(&http, 443), rule(&https, 80)]),
        )
        .await;
    let port = async |id: &str| {
        let input = json!({ "SecurityGroupRuleIds": [id] });
        let found = world.ask("DescribeSecurityGroupRules", input).await;
        found["SecurityGroupRules"][0]["FromPort"].as_u64()
    };
    assert_eq!((port(&http).await, port(&https).await), (Some(443), Some(80)));
    for rules in [
        vec![rule(&http, 80)],
        vec![rule(&http, 22), rule(&https, 22)],
        vec![rule(&https, 22), rule(&http, 22)],
    ] {
        let code = world.code("ModifySecurityGroupRules", modify(rules)).await;
        assert_eq!(code, "InvalidPermission.Duplicate");
    }
    assert_eq!((port(&http).await, port(&https).await), (Some(443), Some(80)));
}

#[tokio::test]
async fn rules_may_name_prefix_lists_of_amazon() {
    let world = World::new().await;
    let group = world.group("web").await;
    let to_s3 = |id: &str| {
        json!({ "GroupId": group, "IpPermissions": [
            { "IpProtocol": "tcp", "FromPort": 443, "ToPort": 443, "PrefixListIds": [{ "PrefixListId": id }] },
        ] })
    };
    let added = world
        .ask("AuthorizeSecurityGroupEgress", to_s3("pl-63a5400a"))
        .await;
    assert_eq!(added["SecurityGroupRules"][0]["PrefixListId"], "pl-63a5400a");
    let users = world
        .ask(
            "GetManagedPrefixListAssociations",
            json!({ "PrefixListId": "pl-63a5400a" }),
        )
        .await;
    assert_eq!(users["PrefixListAssociationSet"][0]["ResourceId"], json!(group));
    let code = world.code("AuthorizeSecurityGroupEgress", to_s3("pl-0")).await;
    assert_eq!(code, "InvalidPrefixListID.NotFound");
    world.ask("RevokeSecurityGroupEgress", to_s3("pl-63a5400a")).await;
}

#[tokio::test]
async fn a_group_in_use_is_not_deleted() {
    let world = World::new().await;
    let (web, db) = (world.group("web").await, world.group("db").await);
    let pair = json!([{ "GroupId": web }]);
    let change =
        json!({ "GroupId": db, "IpPermissions": [{ "IpProtocol": "-1", "UserIdGroupPairs": pair }] });
    world.ask("AuthorizeSecurityGroupIngress", change.clone()).await;
    let refused = world
        .refused("DeleteSecurityGroup", json!({ "GroupId": web }))
        .await;
    let message = format!("resource {web} has a dependent object");
    assert_eq!(refused, ("DependencyViolation".to_owned(), message));
    world.ask("RevokeSecurityGroupIngress", change).await;
    let interface = json!({ "SubnetId": world.subnet, "Groups": [web] });
    let made = world.ask("CreateNetworkInterface", interface).await;
    let code = world.code("DeleteSecurityGroup", json!({ "GroupId": web })).await;
    assert_eq!(code, "DependencyViolation");
    let id = &made["NetworkInterface"]["NetworkInterfaceId"];
    world
        .ask("DeleteNetworkInterface", json!({ "NetworkInterfaceId": id }))
        .await;
    world.ask("DeleteSecurityGroup", json!({ "GroupId": web })).await;
    let code = world.code("DeleteSecurityGroup", json!({ "GroupId": web })).await;
    assert_eq!(code, "InvalidGroup.NotFound");
    let code = world
        .code("DeleteSecurityGroup", json!({ "GroupName": "default" }))
        .await;
    assert_eq!(code, "CannotDelete");
}

fn ports() -> impl Strategy<Value = PortRange> {
    (0_u16..4, 0_u16..4).prop_map(|(first, more)| PortRange {
        first,
        last: first + more,
    })
}

fn kinds() -> impl Strategy<Value = IcmpKind> {
    (proptest::option::of(0_u8..3), proptest::option::of(0_u8..3)).prop_map(|(icmp_type, code)| IcmpKind {
        icmp_type,
        code: code.filter(|_| icmp_type.is_some()),
    })
}

fn traffics() -> impl Strategy<Value = Traffic> {
    prop_oneof![
        Just(Traffic::All),
        ports().prop_map(Traffic::Tcp),
        ports().prop_map(Traffic::Udp),
        kinds().prop_map(Traffic::Icmp),
        kinds().prop_map(Traffic::Icmpv6),
        (50_u8..53).prop_map(Traffic::Other),
    ]
}

fn peers() -> impl Strategy<Value = Peer> {
    prop_oneof![
        (0_u8..4).prop_map(|it| Peer::Ipv4(format!("10.{it}.0.0/16").parse().expect("a range"))),
        (0_u8..4).prop_map(|it| Peer::Ipv6(format!("fd0{it}::/16").parse().expect("a range"))),
        Just(Peer::SecurityGroup("sg-1".to_owned())),
    ]
}

fn permissions() -> impl Strategy<Value = Vec<Permission>> {
    let one = (traffics(), peers()).prop_map(|(traffic, peer)| Permission {
        traffic,
        peer,
        description: None,
    });
    proptest::collection::vec(one, 0..30)
}

fn group(rules: Vec<SecurityGroupRule>) -> SecurityGroup {
    SecurityGroup {
        id: "sg-1".to_owned(),
        scope: Scope::new("123456789012", "us-east-1"),
        vpc_id: "vpc-1".to_owned(),
        name: "web".to_owned(),
        description: "x".to_owned(),
        rules,
        tags: Vec::new(),
    }
}

proptest! {
    /// What is shown merged is what was given, and revokes all of it.
    #[test]
    fn merged_rules_are_the_rules(given in permissions()) {
        let ids = Ids::seeded([7; 32]);
        let mut wanted: Vec<Permission> = Vec::new();
        for it in given {
            if !wanted.contains(&it) {
                wanted.push(it);
            }
        }
        let mut it = group(Vec::new());
        authorize(&mut it, Direction::Ingress, wanted.clone(), &[], &ids).expect("nothing twice");
        // A rule that says the same of what goes is another.
        authorize(&mut it, Direction::Egress, wanted.clone(), &[], &ids).expect("nothing twice");
        let rules: Vec<&SecurityGroupRule> =
            it.rules.iter().filter(|it| it.direction == Direction::Ingress).collect();
        let merged = render(&rules, "123456789012");
        for (at, one) in merged.iter().enumerate() {
            for other in &merged[at + 1..] {
                let key = |it: &api::ec2::IpPermission| (it.ip_protocol.clone(), it.from_port, it.to_port);
                prop_assert_ne!(key(one), key(other));
            }
        }
        let state = State::default();
        let reader = Reader { state: &state, scope: &it.scope, group: &it };
        let read = reader.read(&merged).expect("what is shown can be given");
        prop_assert_eq!(read.len(), wanted.len());
        for one in &wanted {
            prop_assert!(read.contains(one));
        }
        let again = authorize(&mut it.clone(), Direction::Ingress, read.clone(), &[], &ids);
        prop_assert_eq!(again.is_err(), !wanted.is_empty());
        let (revoked, unknown) = revoke(&mut it, Direction::Ingress, read);
        prop_assert_eq!((revoked.len(), unknown.len()), (wanted.len(), 0));
        prop_assert!(it.rules.iter().all(|it| it.direction == Direction::Egress));
    }

    #[test]
    fn traffic_is_read_as_it_is_shown(it in traffics()) {
        let ports = traffic::port_range(it);
        let (from, to) = (ports.map(|it| it.0), ports.map(|it| it.1));
        prop_assert_eq!(traffic::parse(Some(&traffic::protocol(it)), from, to), Ok(it));
    }

    #[test]
    fn no_permission_panics(protocol in ".{0,6}", from in proptest::option::of(any::<i32>()), to in proptest::option::of(any::<i32>())) {
        let _ = traffic::parse(Some(&protocol), from, to);
    }
}
