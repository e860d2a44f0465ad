//! More interfaces of tasks than one look at the state may see.

use std::collections::BTreeSet;
use std::net::Ipv4Addr;

use domain::TaskArn;
use domain::task::Task;
use serde_json::{Value, json};

use super::task;
use crate::fixture::text;
use crate::handlers::ec2::interfaces::find::{Narrowing, candidates};
use crate::handlers::ec2::stretches::{PAGE_MAX, STRETCH};
use crate::handlers::ec2::tests::world::World;

/// More than two pages.
const COPIES: u32 = 2_100;

/// As many as one transaction holds.
const BATCH: usize = 700;

/// So many copies of a task, each with an interface of its own; every second one is a member of both groups.
async fn copies(world: &World, arn: &str, count: u32, groups: [String; 2]) {
    let arn = TaskArn::parse(arn).expect("an ARN");
    let numbers: Vec<u32> = (0..count).collect();
    for batch in numbers.chunks(BATCH) {
        let (arn, batch, groups) = (arn.clone(), batch.to_vec(), groups.clone());
        let done = world.fixture.store().transact(move |tx| {
            let task = tx.get::<Task>(&arn).expect("is there");
            for number in batch {
                tx.put(copy(&task, number, &groups));
            }
            Ok::<_, std::convert::Infallible>(())
        });
        done.await.expect("stored");
    }
}

fn copy(task: &Task, number: u32, groups: &[String; 2]) -> Task {
    let mut copy = Task::clone(task);
    copy.arn = TaskArn::new(&task.arn.scope(), &["default", &format!("{number:032x}")]);
    let eni = copy.eni.as_mut().expect("awsvpc");
    eni.network_interface_id = interface_id(number);
    eni.address = Ipv4Addr::from(u32::from(Ipv4Addr::new(10, 0, 64, 0)) + number);
    eni.security_groups = groups[..1 + number as usize % 2].to_vec();
    copy
}

fn interface_id(number: u32) -> String {
    format!("eni-{number:017x}")
}

/// What all pages tell of a member, each of at most `PAGE_MAX`.
async fn pages(world: &World, operation: &str, (list, member): (&str, &str), filters: Value) -> Vec<String> {
    let mut input = json!({ "Filters": filters });
    let mut told = Vec::new();
    loop {
        let answer = world.ask(operation, input.clone()).await;
        let items = answer[list].as_array().cloned().unwrap_or_default();
        assert!(items.len() <= PAGE_MAX, "{}", items.len());
        told.extend(items.iter().map(|it| text(&it[member])));
        match answer.get("NextToken") {
            Some(token) => input["NextToken"] = token.clone(),
            None => return told,
        }
    }
}

#[tokio::test]
async fn many_interfaces_are_told_in_pages_and_looked_at_in_stretches() {
    let world = World::new().await;
    let (web, db) = (world.group("web").await, world.group("db").await);
    let arn = task(&world, &web).await;
    copies(&world, &arn, COPIES, [web.clone(), db.clone()]).await;
    let all = COPIES as usize + 1;
    let interfaces = "DescribeNetworkInterfaces";
    let ids = ("NetworkInterfaces", "NetworkInterfaceId");
    for (filters, count) in [
        (json!([]), all),
        (
            json!([{ "Name": "subnet-id", "Values": [world.subnet, "subnet-0"] }]),
            all,
        ),
        (json!([{ "Name": "group-id", "Values": [web, db] }]), all),
        (
            json!([{ "Name": "group-id", "Values": [db] }]),
            COPIES as usize / 2,
        ),
        (
            json!([{ "Name": "private-ip-address", "Values": ["10.0.64.*"] }]),
            256,
        ),
        (json!([{ "Name": "mac-address", "Values": ["none"] }]), 0),
    ] {
        let told = pages(&world, interfaces, ids, filters.clone()).await;
        let different: BTreeSet<&String> = told.iter().collect();
        assert_eq!((told.len(), different.len()), (count, count), "{filters}");
    }
    let of_kind = json!([{ "Name": "resource-type", "Values": ["network-interface"] }]);
    let tagged = pages(&world, "DescribeTags", ("Tags", "ResourceId"), of_kind).await;
    assert_eq!(tagged.len(), all);

    let scope = TaskArn::parse(&arn).expect("an ARN").scope();
    let groups = [web, db];
    for narrowing in [Narrowing::All, Narrowing::SecurityGroups(&groups)] {
        let (mut position, mut looks) = (None, 0);
        loop {
            let look = |state: &store::State| candidates(state, &scope, narrowing, position.as_deref());
            let stretch = world.fixture.store().read(look);
            assert!(stretch.items.len() <= STRETCH);
            looks += 1;
            match stretch.resume {
                Some(resume) => position = Some(resume),
                None => break,
            }
        }
        assert!(looks > all / STRETCH, "{looks}");
    }
}

#[tokio::test]
async fn one_that_changes_its_group_between_two_pages_is_told_once() {
    let world = World::new().await;
    let mut groups = [world.group("web").await, world.group("db").await];
    groups.sort();
    let arn = task(&world, &groups[0]).await;
    copies(&world, &arn, 20, groups.clone()).await;
    let change = async |number: u32, group: &String| {
        let input = json!({ "NetworkInterfaceId": interface_id(number), "Groups": [group] });
        world.ask("ModifyNetworkInterfaceAttribute", input).await;
    };
    // The first and the last are of the other group alone: each comes to where it is not looked for any more, or again.
    change(0, &groups[1]).await;
    change(19, &groups[1]).await;
    let mut input = json!({ "MaxResults": 10, "Filters": [{ "Name": "group-id", "Values": groups }] });
    let mut told = Vec::new();
    loop {
        let answer = world.ask("DescribeNetworkInterfaces", input.clone()).await;
        let found = answer["NetworkInterfaces"]
            .as_array()
            .cloned()
            .unwrap_or_default();
        told.extend(found.iter().map(|it| text(&it["NetworkInterfaceId"])));
        let Some(token) = answer.get("NextToken") else {
            break;
        };
        input["NextToken"] = token.clone();
        change(0, &groups[0]).await;
        change(1, &groups[1]).await;
        change(19, &groups[0]).await;
    }
    let different: BTreeSet<&String> = told.iter().collect();
    assert_eq!((told.len(), different.len()), (21, 21), "{told:?}");
}

#[tokio::test]
async fn more_interfaces_than_one_change_holds_are_tagged_in_several_calls() {
    const MANY: u32 = 1_000;
    let world = World::new().await;
    let (web, db) = (world.group("web").await, world.group("db").await);
    let arn = task(&world, &web).await;
    copies(&world, &arn, MANY, [web, db]).await;
    let ids: Vec<String> = (0..MANY).map(interface_id).collect();
    let change = |ids: &[String]| json!({ "Resources": ids, "Tags": [{ "Key": "team", "Value": "a" }] });
    let team = json!([{ "Name": "key", "Values": ["team"] }]);
    let tagged = async || pages(&world, "DescribeTags", ("Tags", "ResourceId"), team.clone()).await;
    let (code, message) = world.refused("CreateTags", change(&ids)).await;
    assert_eq!(code, "ResourceCountExceeded", "{message}");
    assert!(tagged().await.is_empty(), "nothing is half done");
    for part in ids.chunks(250) {
        world.ask("CreateTags", change(part)).await;
    }
    assert_eq!(tagged().await.len(), ids.len());
    let (code, message) = world.refused("DeleteTags", change(&ids)).await;
    assert_eq!(code, "ResourceCountExceeded", "{message}");
    assert_eq!(tagged().await.len(), ids.len());
    let too_many: Vec<String> = (0..=MANY).map(interface_id).collect();
    for operation in ["CreateTags", "DeleteTags"] {
        assert_eq!(
            world.code(operation, change(&too_many)).await,
            "ResourceCountExceeded"
        );
    }
}
