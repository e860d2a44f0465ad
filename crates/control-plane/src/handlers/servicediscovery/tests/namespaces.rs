//! Namespaces, operations and tags.

use super::*;

#[tokio::test]
async fn a_private_namespace_has_a_vpc_and_a_hosted_zone() {
    let world = World::new().await;
    let vpc = world.vpc().await;
    let id = world
        .made(
            "CreatePrivateDnsNamespace",
            json!({
                "Name": "shop.internal.", "Vpc": vpc, "Description": "of the shop",
                "Properties": { "DnsProperties": { "SOA": { "TTL": 60 } } },
                "Tags": [{ "Key": "team", "Value": "web" }],
            }),
        )
        .await;
    assert!(id.starts_with("ns-") && id.len() == 19, "{id}");
    let shown = world.ask("GetNamespace", json!({ "Id": id })).await["Namespace"].clone();
    assert_eq!(shown["Name"], "shop.internal");
    assert_eq!(shown["Type"], "DNS_PRIVATE");
    assert_eq!(shown["ServiceCount"], 0);
    let dns = &shown["Properties"]["DnsProperties"];
    assert!(text(&dns["HostedZoneId"]).starts_with('Z'));
    assert_eq!(dns["SOA"]["TTL"], 60);
    let arn = format!("arn:aws:servicediscovery:us-east-1:123456789012:namespace/{id}");
    assert_eq!(shown["Arn"], json!(arn));
    world
        .ask(
            "UpdatePrivateDnsNamespace",
            json!({ "Id": id, "Namespace": { "Properties": { "DnsProperties": { "SOA": { "TTL": 30 } } } } }),
        )
        .await;
    let shown = world.ask("GetNamespace", json!({ "Id": arn })).await["Namespace"].clone();
    assert_eq!(shown["Properties"]["DnsProperties"]["SOA"]["TTL"], 30);
    assert_eq!(shown["Description"], "of the shop");
    let (code, _) = world
        .refused(
            "UpdateHttpNamespace",
            json!({ "Id": id, "Namespace": { "Description": "" } }),
        )
        .await;
    assert_eq!(code, "InvalidInput");
    world.ask("DeleteNamespace", json!({ "Id": id })).await;
    let (code, message) = world.refused("GetNamespace", json!({ "Id": id })).await;
    assert_eq!(
        (code.as_str(), message.as_str()),
        ("NamespaceNotFound", "Namespace not found")
    );
}

#[tokio::test]
async fn names_are_unique_and_a_repeated_request_is_the_same_one() {
    let world = World::new().await;
    world.http_namespace("shop.test").await;
    let input = json!({ "Name": "shop", "CreatorRequestId": "first" });
    let made = world.ask("CreateHttpNamespace", input.clone()).await;
    assert_eq!(world.ask("CreateHttpNamespace", input).await, made);
    let cases = [
        (
            "CreateHttpNamespace",
            json!({ "Name": "shop", "CreatorRequestId": "second" }),
        ),
        (
            "CreatePublicDnsNamespace",
            json!({ "Name": "shop.test", "CreatorRequestId": "first" }),
        ),
        ("CreateHttpNamespace", json!({ "Name": "SHOP" })),
    ];
    for (operation, input) in cases {
        let (code, _) = world.refused(operation, input.clone()).await;
        assert_eq!(code, "NamespaceAlreadyExists", "{input}");
    }
    let cases = [
        ("CreateHttpNamespace", json!({ "Name": "" })),
        ("CreateHttpNamespace", json!({ "Name": "a b" })),
        ("CreatePublicDnsNamespace", json!({ "Name": "-a.test" })),
        ("CreatePublicDnsNamespace", json!({ "Name": "a..test" })),
        ("CreatePublicDnsNamespace", json!({ "Name": "test" })),
        ("CreatePublicDnsNamespace", json!({ "Name": "test." })),
        ("CreatePublicDnsNamespace", json!({})),
        ("CreatePrivateDnsNamespace", json!({ "Name": "a.test" })),
        ("GetNamespace", json!({})),
        ("DiscoverInstances", json!({ "NamespaceName": "shop" })),
        (
            "CreatePrivateDnsNamespace",
            json!({ "Name": "a.test", "Vpc": "vpc-0" }),
        ),
    ];
    for (operation, input) in cases {
        let (code, message) = world.refused(operation, input.clone()).await;
        assert_eq!(code, "InvalidInput", "{input}: {message}");
    }
}

#[tokio::test]
async fn private_namespaces_of_several_vpcs_have_one_name() {
    let world = World::new().await;
    let (one, other) = (world.vpc().await, world.vpc().await);
    let private = |vpc: &str| json!({ "Name": "shop.internal", "Vpc": vpc, "CreatorRequestId": vpc });
    let first = world.made("CreatePrivateDnsNamespace", private(&one)).await;
    let second = world.made("CreatePrivateDnsNamespace", private(&other)).await;
    assert_eq!(
        world.made("CreatePrivateDnsNamespace", private(&other)).await,
        second,
        "it comes again"
    );
    let (code, _) = world
        .refused(
            "CreatePrivateDnsNamespace",
            json!({ "Name": "SHOP.internal", "Vpc": other }),
        )
        .await;
    assert_eq!(code, "NamespaceAlreadyExists");

    let namespaces = |input: Value| async { world.ask("ListNamespaces", input).await["Namespaces"].clone() };
    let listed = namespaces(json!({})).await;
    let http_name = |id: &str| {
        let all = listed.as_array().expect("a list");
        let found = all.iter().find(|it| it["Id"] == id).expect("is listed");
        text(&found["Properties"]["HttpProperties"]["HttpName"])
    };
    assert_eq!(http_name(&first), "shop.internal");
    let other_name = http_name(&second);
    assert!(other_name.starts_with("shop.internal-"), "{other_name}");
    let filter = |name: &str, value: &str| json!({ "Filters": [{ "Name": name, "Values": [value] }] });
    assert_eq!(
        ids(&namespaces(filter("HTTP_NAME", &other_name)).await),
        [second.as_str()]
    );
    assert_eq!(ids(&namespaces(filter("NAME", "shop.internal")).await).len(), 2);
    let mut paged = Vec::new();
    let mut page = world.ask("ListNamespaces", json!({ "MaxResults": 1 })).await;
    paged.extend(ids(&page["Namespaces"]));
    let next = json!({ "MaxResults": 1, "NextToken": page["NextToken"] });
    page = world.ask("ListNamespaces", next).await;
    paged.extend(ids(&page["Namespaces"]));
    paged.sort();
    let mut both = [first.clone(), second.clone()];
    both.sort();
    assert_eq!(paged, both, "none is lost between pages");

    for (namespace, id) in [(&first, "of-first"), (&second, "of-second")] {
        let service = world
            .service(json!({ "Name": "web", "NamespaceId": namespace, "Type": "HTTP" }))
            .await;
        let instance = json!({ "ServiceId": service, "InstanceId": id, "Attributes": { "a": "b" } });
        world.ask("RegisterInstance", instance).await;
    }
    for (name, id) in [("shop.internal", "of-first"), (other_name.as_str(), "of-second")] {
        let asked = json!({ "NamespaceName": name, "ServiceName": "web" });
        let found = world.ask("DiscoverInstances", asked).await;
        assert_eq!(found["Instances"][0]["InstanceId"], id, "{name}");
    }
}

#[tokio::test]
async fn listings_are_filtered_and_paged() {
    let world = World::new().await;
    let (b, a) = (world.http_namespace("b").await, world.http_namespace("a").await);
    let dns = world.dns_namespace("c.test").await;
    let list = |input: Value| async { ids(&world.ask("ListNamespaces", input).await["Namespaces"]) };
    let filter = |name: &str, condition: &str, values: &[&str]| json!({ "Filters": [{ "Name": name, "Condition": condition, "Values": values }] });
    assert_eq!(list(json!({})).await, [a.clone(), b.clone(), dns.clone()]);
    assert_eq!(
        list(filter("TYPE", "EQ", &["DNS_PUBLIC"])).await,
        std::slice::from_ref(&dns)
    );
    assert_eq!(
        list(filter("NAME", "BEGINS_WITH", &["c."])).await,
        std::slice::from_ref(&dns)
    );
    assert_eq!(
        list(filter("TYPE", "IN", &["HTTP", "DNS_PRIVATE"])).await,
        [a.clone(), b.clone()]
    );
    let first = world.ask("ListNamespaces", json!({ "MaxResults": 2 })).await;
    assert_eq!(ids(&first["Namespaces"]), [a, b]);
    let rest = json!({ "MaxResults": 2, "NextToken": first["NextToken"] });
    assert_eq!(list(rest).await, std::slice::from_ref(&dns));
    for input in [
        filter("TYPE", "EQ", &[]),
        filter("NAME", "LIKE", &["a"]),
        filter("COLOUR", "EQ", &["red"]),
        filter("TYPE", "EQ", &["DNS"]),
        filter("TYPE", "IN", &["HTTP", "http"]),
        json!({ "MaxResults": 0 }),
    ] {
        let (code, _) = world.refused("ListNamespaces", input.clone()).await;
        assert_eq!(code, "InvalidInput", "{input}");
    }
    let all = world.ask("ListOperations", json!({})).await;
    assert_eq!(all["Operations"].as_array().map(Vec::len), Some(3));
    let of_dns = world
        .ask("ListOperations", filter("NAMESPACE_ID", "EQ", &[&dns]))
        .await;
    assert_eq!(of_dns["Operations"].as_array().map(Vec::len), Some(1));
    let failed = world
        .ask("ListOperations", filter("STATUS", "EQ", &["FAIL"]))
        .await;
    assert_eq!(failed["Operations"], json!([]));
    for (operation, input) in [
        ("ListOperations", filter("COLOUR", "EQ", &["red"])),
        ("ListOperations", filter("TYPE", "EQ", &["CREATE"])),
        ("ListOperations", filter("STATUS", "IN", &["SUCCESS", "DONE"])),
        ("ListServices", filter("NAME", "EQ", &["web"])),
    ] {
        let (code, _) = world.refused(operation, input.clone()).await;
        assert_eq!(code, "InvalidInput", "{operation} {input}");
    }
    let early = world
        .ask("ListOperations", filter("UPDATE_DATE", "BETWEEN", &["0", "1"]))
        .await;
    assert_eq!(early["Operations"], json!([]));
    let (code, _) = world
        .refused("GetOperation", json!({ "OperationId": "none" }))
        .await;
    assert_eq!(code, "OperationNotFound");
}

#[tokio::test]
async fn namespaces_and_services_have_tags() {
    let world = World::new().await;
    let namespace = world.http_namespace("shop").await;
    let service = world
        .service(json!({ "Name": "web", "NamespaceId": namespace }))
        .await;
    let head = "arn:aws:servicediscovery:us-east-1:123456789012";
    for arn in [
        format!("{head}:namespace/{namespace}"),
        format!("{head}:service/{service}"),
    ] {
        let tags = json!([{ "Key": "team", "Value": "web" }, { "Key": "stage", "Value": "test" }]);
        let input = json!({ "ResourceARN": arn, "Tags": tags });
        world.ask("TagResource", input).await;
        world
            .ask(
                "UntagResource",
                json!({ "ResourceARN": arn, "TagKeys": ["team"] }),
            )
            .await;
        let listed = world
            .ask("ListTagsForResource", json!({ "ResourceARN": arn }))
            .await;
        assert_eq!(listed["Tags"], json!([{ "Key": "stage", "Value": "test" }]));
        let many: Vec<_> = (0..50)
            .map(|it| json!({ "Key": format!("k{it}"), "Value": "" }))
            .collect();
        let (code, _) = world
            .refused("TagResource", json!({ "ResourceARN": arn, "Tags": many }))
            .await;
        assert_eq!(code, "TooManyTagsException");
    }
    let (code, _) = world
        .refused(
            "ListTagsForResource",
            json!({ "ResourceARN": format!("{head}:service/srv-0") }),
        )
        .await;
    assert_eq!(code, "ResourceNotFoundException");
}
