//! Managed prefix lists and sets of DHCP options.

use serde_json::json;

use super::routed_network::{World, all};
use crate::fixture::text;

async fn list(world: &World) -> String {
    let input = json!({
        "PrefixListName": "office", "AddressFamily": "IPv4", "MaxEntries": 2,
        "Entry": [{ "Cidr": "192.0.2.0/24", "Description": "main" }],
    });
    let made = world.ask("CreateManagedPrefixList", input).await;
    assert_eq!(made["prefixList"]["state"], "create-complete");
    text(&made["prefixList"]["prefixListId"])
}

#[tokio::test]
async fn entries_make_versions() {
    let world = World::new().await;
    let id = list(&world).await;
    let modify = |version: i64, members: serde_json::Value| {
        let mut input = members;
        input["PrefixListId"] = json!(id);
        input["CurrentVersion"] = json!(version);
        input
    };
    let add = |range: &str| json!({ "AddEntry": [{ "Cidr": range }] });
    let changed = world
        .ask("ModifyManagedPrefixList", modify(1, add("198.51.100.0/24")))
        .await;
    assert_eq!(changed["prefixList"]["version"], 2);
    assert_eq!(
        world
            .refused("ModifyManagedPrefixList", modify(1, add("10.0.0.0/8")))
            .await,
        (
            "PrefixListVersionMismatch".to_owned(),
            "The prefix list has the incorrect version number.".to_owned()
        )
    );
    for (members, code) in [
        (add("10.0.0.0/8"), "PrefixListMaxEntriesExceeded"),
        (add("::/0"), "InvalidParameterValue"),
        (
            json!({ "RemoveEntry": [{ "Cidr": "10.0.0.0/8" }] }),
            "InvalidPrefixListModification",
        ),
        (json!({ "MaxEntries": 1 }), "PrefixListMaxEntriesExceeded"),
        (
            json!({ "PrefixListName": "com.amazonaws.x" }),
            "InvalidParameterValue",
        ),
    ] {
        let refused = world
            .code("ModifyManagedPrefixList", modify(2, members.clone()))
            .await;
        assert_eq!(refused, code, "{members}");
    }
    let both = json!({ "AddEntry": [{ "Cidr": "10.0.0.0/8" }], "RemoveEntry": [{ "Cidr": "192.0.2.0/24" }] });
    world.ask("ModifyManagedPrefixList", modify(2, both)).await;
    let entries = |version: Option<i64>| {
        let world = &world;
        let input = json!({ "PrefixListId": id, "TargetVersion": version });
        async move {
            all(
                &world.ask("GetManagedPrefixListEntries", input).await["entrySet"],
                "cidr",
            )
        }
    };
    assert_eq!(entries(None).await, ["10.0.0.0/8", "198.51.100.0/24"]);
    assert_eq!(entries(Some(1)).await, ["192.0.2.0/24"]);
    assert_eq!(entries(Some(2)).await, ["192.0.2.0/24", "198.51.100.0/24"]);
    let unknown = json!({ "PrefixListId": id, "TargetVersion": 4 });
    assert_eq!(
        world.code("GetManagedPrefixListEntries", unknown).await,
        "InvalidParameterValue"
    );
}

#[tokio::test]
async fn a_list_tells_what_was_done_to_it_last() {
    let world = World::new().await;
    let id = list(&world).await;
    let told = async || {
        let found = world
            .ask("DescribeManagedPrefixLists", json!({ "PrefixListId": [id] }))
            .await;
        let list = &found["prefixListSet"][0];
        (text(&list["state"]), list["version"].as_i64())
    };
    assert_eq!(told().await, ("create-complete".to_owned(), Some(1)));
    for change in [json!({ "MaxEntries": 3 }), json!({ "PrefixListName": "home" })] {
        let mut input = change;
        input["PrefixListId"] = json!(id);
        let changed = world.ask("ModifyManagedPrefixList", input).await;
        assert_eq!(changed["prefixList"]["state"], "modify-complete");
        // Neither size nor name make a version.
        assert_eq!(told().await, ("modify-complete".to_owned(), Some(1)));
    }
    let add = json!({ "PrefixListId": id, "CurrentVersion": 1, "AddEntry": [{ "Cidr": "10.0.0.0/8" }] });
    world.ask("ModifyManagedPrefixList", add).await;
    assert_eq!(told().await, ("modify-complete".to_owned(), Some(2)));
    let restore = |previous: i64, current: i64| json!({ "PrefixListId": id, "PreviousVersion": previous, "CurrentVersion": current });
    for (input, code) in [
        (restore(1, 1), "PrefixListVersionMismatch"),
        (restore(9, 2), "InvalidParameterValue"),
    ] {
        let refused = world.code("RestoreManagedPrefixListVersion", input).await;
        assert_eq!(refused, code);
    }
    world.ask("RestoreManagedPrefixListVersion", restore(1, 2)).await;
    assert_eq!(told().await, ("restore-complete".to_owned(), Some(3)));
    let found = world
        .ask("GetManagedPrefixListEntries", json!({ "PrefixListId": id }))
        .await;
    assert_eq!(all(&found["entrySet"], "cidr"), ["192.0.2.0/24"]);
}

#[tokio::test]
async fn a_list_that_a_route_names_stays() {
    let world = World::new().await;
    let (id, gateway, table) = (list(&world).await, world.gateway().await, world.table().await);
    let route = json!({ "RouteTableId": table, "DestinationPrefixListId": id, "GatewayId": gateway });
    world.ask("CreateRoute", route).await;
    let users = world
        .ask("GetManagedPrefixListAssociations", json!({ "PrefixListId": id }))
        .await;
    assert_eq!(
        all(&users["prefixListAssociationSet"], "resourceId"),
        std::slice::from_ref(&table)
    );
    let delete = json!({ "PrefixListId": id });
    assert_eq!(
        world.code("DeleteManagedPrefixList", delete.clone()).await,
        "DependencyViolation"
    );
    let route = json!({ "RouteTableId": table, "DestinationPrefixListId": id });
    world.ask("DeleteRoute", route).await;
    let deleted = world.ask("DeleteManagedPrefixList", delete.clone()).await;
    assert_eq!(deleted["prefixList"]["state"], "delete-complete");
    assert_eq!(
        world.refused("DeleteManagedPrefixList", delete).await,
        (
            "InvalidPrefixListID.NotFound".to_owned(),
            format!("The prefix list ID '{id}' does not exist")
        )
    );
}

#[tokio::test]
async fn amazons_lists_are_read_only() {
    let world = World::new().await;
    let own = list(&world).await;
    let names = all(
        &world.ask("DescribePrefixLists", json!({})).await["prefixListSet"],
        "prefixListName",
    );
    assert_eq!(
        names,
        ["com.amazonaws.us-east-1.dynamodb", "com.amazonaws.us-east-1.s3"]
    );
    let found = world.ask("DescribeManagedPrefixLists", json!({})).await;
    assert_eq!(found["prefixListSet"].as_array().map(Vec::len), Some(3));
    let filter = json!([{ "Name": "owner-id", "Value": ["123456789012"] }]);
    let found = world
        .ask("DescribeManagedPrefixLists", json!({ "Filter": filter }))
        .await;
    assert_eq!(all(&found["prefixListSet"], "prefixListId"), [own]);
    let (gateway, table) = (world.gateway().await, world.table().await);
    let route =
        |list: &str| json!({ "RouteTableId": table, "DestinationPrefixListId": list, "GatewayId": gateway });
    world.ask("CreateRoute", route("pl-63a5400a")).await;
    let routes = &world.told_table(&table).await["routeSet"];
    assert_eq!(routes[1]["destinationPrefixListId"], "pl-63a5400a");
    let code = world.code("CreateRoute", route("pl-0")).await;
    assert_eq!(code, "InvalidPrefixListID.NotFound");
    let s3 = json!({ "PrefixListId": "pl-63a5400a" });
    assert_eq!(
        world.code("DeleteManagedPrefixList", s3.clone()).await,
        "OperationNotPermitted"
    );
    let entries = world.ask("GetManagedPrefixListEntries", s3).await;
    assert_eq!(all(&entries["entrySet"], "cidr"), ["127.0.0.1/32"]);
}

#[tokio::test]
async fn a_vpc_says_which_dhcp_options_it_uses() {
    let world = World::new().await;
    let used = || async {
        let found = world.ask("DescribeVpcs", json!({ "VpcId": [world.vpc] })).await;
        text(&found["vpcSet"][0]["dhcpOptionsId"])
    };
    let default = used().await;
    let input = json!({ "DhcpOptionsId": [default] });
    let found = world.ask("DescribeDhcpOptions", input).await["dhcpOptionsSet"][0].clone();
    let told = |key: &str, value: &str| json!({ "key": key, "valueSet": [{ "value": value }] });
    assert_eq!(
        found["dhcpConfigurationSet"],
        json!([
            told("domain-name", "ec2.internal"),
            told("domain-name-servers", "AmazonProvidedDNS"),
        ])
    );
    let delete_default = json!({ "DhcpOptionsId": default });
    assert_eq!(
        world.code("DeleteDhcpOptions", delete_default).await,
        "DependencyViolation"
    );
    let other = world.new_vpc("10.1.0.0/16").await;
    let filter = json!([{ "Name": "dhcp-options-id", "Value": [default] }]);
    let sharing = world.ask("DescribeVpcs", json!({ "Filter": filter })).await;
    let sharing = all(&sharing["vpcSet"], "vpcId");
    assert!(
        sharing.contains(&other) && sharing.contains(&world.vpc),
        "{sharing:?}"
    );
    let option = |key: &str, values: &[&str]| json!([{ "Key": key, "Value": values }]);
    for options in [
        option("domain-name-servers", &["x"]),
        option("domain-name", &["a", "b"]),
        option("netbios-node-type", &["3"]),
        option("colour", &["red"]),
    ] {
        let input = json!({ "DhcpConfiguration": options });
        assert_eq!(
            world.code("CreateDhcpOptions", input.clone()).await,
            "InvalidParameterValue",
            "{input}"
        );
    }
    let options = option("domain-name-servers", &["AmazonProvidedDNS", "192.0.2.1"]);
    let made = world
        .ask("CreateDhcpOptions", json!({ "DhcpConfiguration": options }))
        .await;
    let id = text(&made["dhcpOptions"]["dhcpOptionsId"]);
    let with = |id: &str| json!({ "DhcpOptionsId": id, "VpcId": world.vpc });
    world.ask("AssociateDhcpOptions", with(&id)).await;
    assert_eq!(used().await, id);
    let delete = json!({ "DhcpOptionsId": id });
    assert_eq!(
        world.code("DeleteDhcpOptions", delete.clone()).await,
        "DependencyViolation"
    );
    world.ask("AssociateDhcpOptions", with("default")).await;
    assert_eq!(used().await, "default");
    world.ask("DeleteDhcpOptions", delete).await;
    assert_eq!(
        world.code("AssociateDhcpOptions", with(&id)).await,
        "InvalidDhcpOptionID.NotFound"
    );
}
