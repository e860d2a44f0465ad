//! Samples of file systems, mount targets and access points.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;

use domain::file_system::{AccessPoint, FileSystem, FileSystemState, MountTarget, PosixUser, RootCreation};
use domain::tags::Pair;
use domain::{Scope, Timestamp};

fn scope() -> Scope {
    Scope::new("123456789012", "us-east-1")
}

pub fn file_system() -> FileSystem {
    FileSystem {
        id: "fs-0123456789abcdef0".into(),
        scope: scope(),
        creation_token: "shop".into(),
        state: FileSystemState::Available,
        performance_mode: "generalPurpose".into(),
        throughput_mode: "provisioned".into(),
        provisioned_throughput_mibps: Some(1.5),
        availability_zone: Some("us-east-1a".into()),
        policy: Some("{}".into()),
        lifecycle_policies: vec![BTreeMap::from([("TransitionToIA".into(), "AFTER_7_DAYS".into())])],
        has_backups: Some(true),
        tags: vec![Pair::new("team", "web")],
        created_at: Timestamp::from_second(1_700_000_000).expect("in range"),
    }
}

pub fn mount_target() -> MountTarget {
    MountTarget {
        id: "fsmt-0123456789abcdef0".into(),
        scope: scope(),
        file_system_id: "fs-0123456789abcdef0".into(),
        subnet_id: "subnet-0123456789abcdef0".into(),
        vpc_id: "vpc-0123456789abcdef0".into(),
        availability_zone: "us-east-1a".into(),
        address: Ipv4Addr::new(172, 31, 0, 9),
        network_interface_id: "eni-0123456789abcdef0".into(),
        security_groups: vec!["sg-0123456789abcdef0".into()],
    }
}

pub fn access_point() -> AccessPoint {
    AccessPoint {
        id: "fsap-0123456789abcdef0".into(),
        scope: scope(),
        client_token: "shop".into(),
        file_system_id: "fs-0123456789abcdef0".into(),
        user: Some(PosixUser { uid: 1000, gid: 1001 }),
        path: "/shop".into(),
        creation: Some(RootCreation {
            uid: 1000,
            gid: 1001,
            permissions: 0o750,
        }),
        tags: vec![Pair::new("Name", "shop")],
    }
}
