//! The API as clients speak it.

use serde_json::{Value, json};

use crate::fixture::{Fixture, code, text};

const EFS: &str = "elasticfilesystem";
const FOREIGN: &str = "fs-0123456789abcdef0";

struct World {
    fixture: Fixture,
    subnet: String,
    group: String,
}

impl World {
    async fn new() -> Self {
        let fixture = Fixture::new().await;
        let (vpc, subnet) = fixture
            .store()
            .transact(|tx| -> Result<_, std::convert::Infallible> {
                let scope = domain::Scope::new("123456789012", "us-east-1");
                let cidr = "10.0.0.0/16".parse().expect("a range");
                let subnets = [("us-east-1a", "10.0.0.0/24"), ("us-east-1b", "10.0.1.0/24")];
                let vpc = tx.put(domain::vpc::Vpc {
                    is_default: true,
                    ..domain::vpc::Vpc::new(tx.ids().ec2("vpc"), scope.clone(), cidr, tx.ids().ec2("sg"))
                });
                orchestrator::transitions::furnish_vpc(tx, &vpc);
                let made = subnets.map(|(zone, cidr)| {
                    tx.put(domain::vpc::Subnet {
                        id: tx.ids().ec2("subnet"),
                        scope: scope.clone(),
                        vpc_id: vpc.id.clone(),
                        cidr: cidr.parse().expect("a range"),
                        availability_zone: zone.to_owned(),
                        is_default: true,
                        maps_public_ip_on_launch: true,
                        tags: Vec::new(),
                    })
                });
                Ok((vpc, made[0].clone()))
            })
            .await
            .expect("is stored");
        Self {
            fixture,
            subnet: subnet.id.clone(),
            group: vpc.default_security_group.clone(),
        }
    }

    async fn ask(&self, operation: &str, input: Value) -> Value {
        self.fixture.ask_of(EFS, operation, input).await
    }

    async fn refused(&self, operation: &str, input: Value) -> (String, String) {
        self.fixture.refused_of(EFS, operation, input).await
    }

    /// A file system: its id.
    async fn file_system(&self, token: &str) -> String {
        let made = self
            .ask("CreateFileSystem", json!({ "CreationToken": token }))
            .await;
        text(&made["FileSystemId"])
    }

    async fn mount_target(&self, id: &str) -> Value {
        let input = json!({ "FileSystemId": id, "SubnetId": self.subnet });
        self.ask("CreateMountTarget", input).await
    }
}

#[tokio::test]
async fn a_file_system_is_made_described_and_deleted() {
    let world = World::new().await;
    let input = json!({
        "CreationToken": "shop", "ThroughputMode": "elastic", "Tags": [{ "Key": "Name", "Value": "shop" }],
    });
    let made = world.ask("CreateFileSystem", input.clone()).await;
    assert_eq!(
        (&made["LifeCycleState"], &made["NumberOfMountTargets"]),
        (&json!("creating"), &json!(0))
    );
    let id = text(&made["FileSystemId"]);
    assert_eq!(id.len(), "fs-".len() + 17);
    let (again, message) = world.refused("CreateFileSystem", input).await;
    assert_eq!(again, "FileSystemAlreadyExists");
    assert_eq!(
        message,
        format!("File system '{id}' already exists with creation token 'shop'")
    );

    let arn = format!("arn:aws:elasticfilesystem:us-east-1:123456789012:file-system/{id}");
    for by in [
        json!({ "FileSystemId": id }),
        json!({ "FileSystemId": arn }),
        json!({ "CreationToken": "shop" }),
    ] {
        let found = &world.ask("DescribeFileSystems", by).await["FileSystems"][0];
        assert_eq!(found["LifeCycleState"], "available");
        assert_eq!(
            (&found["Name"], &found["FileSystemArn"]),
            (&json!("shop"), &json!(arn))
        );
        assert_eq!(
            (&found["ThroughputMode"], &found["PerformanceMode"]),
            (&json!("elastic"), &json!("generalPurpose"))
        );
        assert!(
            found["SizeInBytes"]["Value"].as_i64().expect("a number") > 0,
            "a directory has a size"
        );
    }
    world.ask("DeleteFileSystem", json!({ "FileSystemId": id })).await;
    let gone = world
        .refused("DescribeFileSystems", json!({ "FileSystemId": id }))
        .await;
    assert_eq!(
        gone,
        (
            "FileSystemNotFound".to_owned(),
            format!("File system '{id}' does not exist.")
        )
    );
}

#[tokio::test]
async fn what_is_not_obeyed_or_wrong_is_refused() {
    let world = World::new().await;
    for (input, expected) in [
        (json!({ "Encrypted": true }), "BadRequest"),
        (json!({ "Backup": true }), "BadRequest"),
        (json!({ "ThroughputMode": "provisioned" }), "BadRequest"),
        (
            json!({ "ThroughputMode": "bursting", "ProvisionedThroughputInMibps": 5.0 }),
            "BadRequest",
        ),
        (json!({ "ThroughputMode": "fast" }), "ValidationException"),
        (json!({ "PerformanceMode": "fast" }), "ValidationException"),
        (json!({ "CreationToken": "" }), "ValidationException"),
        (
            json!({ "AvailabilityZoneName": "mars-1a" }),
            "UnsupportedAvailabilityZone",
        ),
        (json!({ "Tags": [{ "Key": "aws:x", "Value": "" }] }), "BadRequest"),
    ] {
        let mut all = json!({ "CreationToken": "t" });
        for (name, value) in input.as_object().expect("members") {
            all[name] = value.clone();
        }
        assert_eq!(
            code(world.refused("CreateFileSystem", all).await),
            expected,
            "{input}"
        );
    }
    assert_eq!(
        code(
            world
                .refused("DeleteFileSystem", json!({ "FileSystemId": FOREIGN }))
                .await
        ),
        "FileSystemNotFound"
    );
    assert_eq!(
        code(
            world
                .refused("DeleteFileSystem", json!({ "FileSystemId": "../x" }))
                .await
        ),
        "BadRequest"
    );
}

#[tokio::test]
async fn a_mount_target_takes_an_address_and_holds_the_file_system() {
    let world = World::new().await;
    let id = world.file_system("t").await;
    let target = world.mount_target(&id).await;
    assert_eq!(
        (&target["LifeCycleState"], &target["SubnetId"]),
        (&json!("available"), &json!(world.subnet))
    );
    let address = text(&target["IpAddress"]);
    let taken = world
        .fixture
        .store()
        .read(|state| state.addresses_in_use(&world.subnet).len());
    assert_eq!(taken, 1);
    let again = json!({ "FileSystemId": id, "SubnetId": world.subnet });
    let (conflict, message) = world.refused("CreateMountTarget", again).await;
    assert_eq!(
        (conflict.as_str(), message.as_str()),
        ("MountTargetConflict", "mount target already exists in this AZ")
    );
    let other = world.file_system("other").await;
    for (member, value, expected) in [
        ("IpAddress", json!(address), "IpAddressInUse"),
        ("IpAddress", json!("192.168.0.9"), "BadRequest"),
        ("SubnetId", json!("subnet-1"), "SubnetNotFound"),
        ("SecurityGroups", json!(["sg-1"]), "SecurityGroupNotFound"),
        ("IpAddressType", json!("DUAL_STACK"), "BadRequest"),
    ] {
        let mut input = json!({ "FileSystemId": other, "SubnetId": world.subnet });
        input[member] = value;
        assert_eq!(
            code(world.refused("CreateMountTarget", input).await),
            expected,
            "{member}"
        );
    }
    let in_use = world
        .refused("DeleteFileSystem", json!({ "FileSystemId": id }))
        .await;
    assert_eq!(code(in_use), "FileSystemInUse");

    let mount_target = json!({ "MountTargetId": target["MountTargetId"] });
    let groups = world
        .ask("DescribeMountTargetSecurityGroups", mount_target.clone())
        .await;
    assert_eq!(groups["SecurityGroups"], json!([world.group]));
    let found = world
        .ask("DescribeMountTargets", json!({ "FileSystemId": id }))
        .await;
    assert_eq!(found["MountTargets"], json!([target]));
    world.ask("DeleteMountTarget", mount_target.clone()).await;
    assert_eq!(
        code(world.refused("DeleteMountTarget", mount_target).await),
        "MountTargetNotFound"
    );
    let taken = world
        .fixture
        .store()
        .read(|state| state.addresses_in_use(&world.subnet).len());
    assert_eq!(taken, 0);
    world.ask("DeleteFileSystem", json!({ "FileSystemId": id })).await;
}

#[tokio::test]
async fn an_access_point_is_made_once_for_its_token() {
    let world = World::new().await;
    let id = world.file_system("t").await;
    let input = json!({
        "ClientToken": "a", "FileSystemId": id, "PosixUser": { "Uid": 1000, "Gid": 1001 },
        "RootDirectory": {
            "Path": "/web", "CreationInfo": { "OwnerUid": 1000, "OwnerGid": 1001, "Permissions": "0750" },
        },
        "Tags": [{ "Key": "Name", "Value": "web" }],
    });
    let made = world.ask("CreateAccessPoint", input.clone()).await;
    assert_eq!(
        (&made["RootDirectory"], &made["PosixUser"]),
        (&input["RootDirectory"], &input["PosixUser"])
    );
    assert_eq!(
        (&made["Name"], &made["LifeCycleState"]),
        (&json!("web"), &json!("available"))
    );
    assert_eq!(
        world.ask("CreateAccessPoint", input.clone()).await,
        made,
        "repeated, it is the same"
    );
    let mut changed = input.clone();
    changed["PosixUser"]["Uid"] = json!(7);
    assert_eq!(
        code(world.refused("CreateAccessPoint", changed).await),
        "AccessPointAlreadyExists"
    );
    let found = world
        .ask("DescribeAccessPoints", json!({ "FileSystemId": id }))
        .await;
    assert_eq!(found["AccessPoints"], json!([made]));

    for (path, expected) in [
        ("web", "ValidationException"),
        ("/a/b/c/d/e", "ValidationException"),
        ("/a/../b", "ValidationException"),
        ("/a//b", "ValidationException"),
        ("/a$b", "ValidationException"),
    ] {
        let input = json!({ "ClientToken": "b", "FileSystemId": id, "RootDirectory": { "Path": path } });
        let (refused, message) = world.refused("CreateAccessPoint", input).await;
        assert_eq!(refused, expected, "{path}");
        assert!(
            message.contains("'rootDirectory.path' failed to satisfy constraint"),
            "{message}"
        );
    }
    let groups = json!({ "ClientToken": "b", "FileSystemId": id, "PosixUser": { "Uid": 1, "Gid": 1, "SecondaryGids": [2] } });
    assert_eq!(
        code(world.refused("CreateAccessPoint", groups).await),
        "BadRequest"
    );

    let point = json!({ "AccessPointId": made["AccessPointId"] });
    world.ask("DeleteAccessPoint", point.clone()).await;
    assert_eq!(
        code(world.refused("DescribeAccessPoints", point).await),
        "AccessPointNotFound"
    );
}

#[tokio::test]
async fn policies_are_kept_as_they_were_put() {
    let world = World::new().await;
    let id = world.file_system("t").await;
    let of = |mut input: Value| {
        input["FileSystemId"] = json!(id);
        input
    };
    assert_eq!(
        code(world.refused("DescribeFileSystemPolicy", of(json!({}))).await),
        "PolicyNotFound"
    );
    let policy = r#"{"Version":"2012-10-17","Statement":[]}"#;
    world
        .ask("PutFileSystemPolicy", of(json!({ "Policy": policy })))
        .await;
    assert_eq!(
        world.ask("DescribeFileSystemPolicy", of(json!({}))).await["Policy"],
        policy
    );
    let refused = world
        .refused("PutFileSystemPolicy", of(json!({ "Policy": "no" })))
        .await;
    assert_eq!(code(refused), "InvalidPolicyException");
    world.ask("DeleteFileSystemPolicy", of(json!({}))).await;

    let rules = json!([{ "TransitionToIA": "AFTER_7_DAYS" }, { "TransitionToPrimaryStorageClass": "AFTER_1_ACCESS" }]);
    world
        .ask(
            "PutLifecycleConfiguration",
            of(json!({ "LifecyclePolicies": rules })),
        )
        .await;
    let kept = world.ask("DescribeLifecycleConfiguration", of(json!({}))).await;
    assert_eq!(kept["LifecyclePolicies"], rules);
    for wrong in [
        json!([{}]),
        json!([{ "TransitionToIA": "AFTER_7_DAYS", "TransitionToArchive": "AFTER_90_DAYS" }]),
        json!([{ "TransitionToIA": "SOON" }]),
        json!([{ "TransitionToIA": "AFTER_7_DAYS" }, { "TransitionToIA": "AFTER_1_DAY" }]),
    ] {
        let refused = world
            .refused(
                "PutLifecycleConfiguration",
                of(json!({ "LifecyclePolicies": wrong })),
            )
            .await;
        assert_eq!(code(refused), "BadRequest", "{wrong}");
    }
    assert_eq!(
        code(world.refused("DescribeBackupPolicy", of(json!({}))).await),
        "PolicyNotFound"
    );
    let disabled = json!({ "BackupPolicy": { "Status": "DISABLED" } });
    world.ask("PutBackupPolicy", of(disabled.clone())).await;
    assert_eq!(world.ask("DescribeBackupPolicy", of(json!({}))).await, disabled);
    let enabled = of(json!({ "BackupPolicy": { "Status": "ENABLED" } }));
    assert_eq!(
        code(world.refused("PutBackupPolicy", enabled).await),
        "ValidationException"
    );
}

#[tokio::test]
async fn tags_and_pages() {
    let world = World::new().await;
    let id = world.file_system("a").await;
    world.file_system("b").await;
    let resource = |mut input: Value| {
        input["ResourceId"] = json!(id);
        input
    };
    let tags = json!([{ "Key": "a", "Value": "1" }, { "Key": "b", "Value": "2" }]);
    world.ask("TagResource", resource(json!({ "Tags": tags }))).await;
    world
        .ask("UntagResource", resource(json!({ "TagKeys": ["a", "zz"] })))
        .await;
    let left = world.ask("ListTagsForResource", resource(json!({}))).await;
    assert_eq!(left["Tags"], json!([{ "Key": "b", "Value": "2" }]));

    let first = world.ask("DescribeFileSystems", json!({ "MaxItems": 1 })).await;
    let second = world
        .ask(
            "DescribeFileSystems",
            json!({ "MaxItems": 1, "Marker": first["NextMarker"] }),
        )
        .await;
    assert_eq!(second["NextMarker"], Value::Null);
    assert_ne!(
        first["FileSystems"][0]["FileSystemId"],
        second["FileSystems"][0]["FileSystemId"]
    );
    assert_eq!(
        code(
            world
                .refused("DescribeFileSystems", json!({ "MaxItems": 0 }))
                .await
        ),
        "ValidationException"
    );
    assert_eq!(
        code(
            world
                .refused("DescribeFileSystems", json!({ "Marker": "x" }))
                .await
        ),
        "BadRequest"
    );
}
