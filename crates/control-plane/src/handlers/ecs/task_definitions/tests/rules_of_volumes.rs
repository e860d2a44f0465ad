//! Rules of volumes, of what is in each kind of them, and of their places in containers.

use serde_json::{Value, json};

use super::{check, draft, merged, of_container, task};

fn volume(kind: &str, of: Value) -> Value {
    task(&json!({ "volumes": [{ "name": "v", kind: of }] }))
}

#[test]
fn volumes_of_file_systems_have_rules() {
    let efs = |of: Value| {
        volume(
            "efsVolumeConfiguration",
            merged(json!({ "fileSystemId": "fs-1" }), &of),
        )
    };
    let encrypted = |of: Value| efs(merged(json!({ "transitEncryption": "ENABLED" }), &of));
    let access_point = json!({ "accessPointId": "fsap-1" });
    let fsx = json!({ "fileSystemId": "fs-2", "rootDirectory": "share", "authorizationConfig": {
        "domain": "d", "credentialsParameter": "parameter",
    } });
    let files = |arn: &str| json!({ "fileSystemArn": arn, "accessPointArn": "fsap-1" });
    let invalid_files = "Invalid arn syntax. Volume 'v': fileSystemArn and accessPointArn must be ARNs.";
    check(vec![
        (
            efs(json!({ "fileSystemId": "" })),
            "Volume 'v': efsVolumeConfiguration.fileSystemId should not be null or empty.",
        ),
        (
            efs(json!({ "transitEncryption": "ON" })),
            "Volume 'v': transitEncryption must be ENABLED or DISABLED.",
        ),
        (
            efs(json!({ "authorizationConfig": { "iam": "ON" } })),
            "Volume 'v': iam must be ENABLED or DISABLED.",
        ),
        (
            efs(json!({ "authorizationConfig": { "iam": "ENABLED" } })),
            "EFS IAM authorization requires TransitEncryption to be enabled.",
        ),
        (
            efs(json!({ "authorizationConfig": access_point, "transitEncryption": "DISABLED" })),
            "EFS access points require TransitEncryption to be enabled.",
        ),
        (
            efs(json!({ "transitEncryptionPort": 2999 })),
            "TransitEncryptionPort requires that TransitEncryption is enabled.",
        ),
        (
            encrypted(json!({ "transitEncryptionPort": 65_536 })),
            "Volume 'v': transitEncryptionPort must be between 1 and 65535, not 65536.",
        ),
        (
            encrypted(json!({ "authorizationConfig": access_point, "rootDirectory": "/data" })),
            "When using an EFS access point, the root directory must either be set to \"/\" or be omitted.",
        ),
        (
            volume("fsxWindowsFileServerVolumeConfiguration", fsx),
            "Invalid arn syntax. Volume 'v': credentialsParameter must be the ARN of a secret or parameter.",
        ),
        (volume("s3filesVolumeConfiguration", files("fs-1")), invalid_files),
        (
            volume(
                "s3filesVolumeConfiguration",
                files("arn:aws:s3files:us-east-1:1:file-system/1"),
            ),
            invalid_files,
        ),
    ]);
    for of in [
        json!({ "authorizationConfig": access_point, "rootDirectory": "/" }),
        json!({ "authorizationConfig": { "iam": "ENABLED" }, "transitEncryptionPort": 65_535 }),
    ] {
        assert!(draft(&encrypted(of.clone())).is_ok(), "{of}");
    }
}

#[test]
fn volumes_are_of_one_kind_and_have_a_place() {
    let docker = |of: Value| volume("dockerVolumeConfiguration", of);
    let mounted = |mount: Value, volumes: Value| {
        merged(
            of_container(&json!({ "mountPoints": [mount] })),
            &json!({ "volumes": volumes }),
        )
    };
    let at_launch = |name: &str| json!({ "name": name, "configuredAtLaunch": true });
    let external = |kind: &str, of: Value| {
        merged(
            volume(kind, of),
            &json!({ "requiresCompatibilities": ["EXTERNAL"] }),
        )
    };
    check(vec![
        (
            docker(json!({ "scope": "host" })),
            "Volume 'v': the scope must be 'task' or 'shared', not \"host\".",
        ),
        (
            docker(json!({ "scope": "task", "autoprovision": true })),
            "Volume 'v': autoprovision can only be set when the scope is 'shared'.",
        ),
        (
            docker(json!({ "autoprovision": true })),
            "Volume 'v': autoprovision can only be set when the scope is 'shared'.",
        ),
        (
            task(
                &json!({ "volumes": [{ "name": "v", "host": { "sourcePath": "/srv" }, "configuredAtLaunch": true }] }),
            ),
            "Only one volume configuration can be specified for volume 'v'.",
        ),
        (
            task(&json!({ "volumes": [at_launch("a"), at_launch("b")] })),
            "A task definition can have only one volume that is configured at launch.",
        ),
        (
            task(&json!({ "volumes": [at_launch("a")] })),
            "Volumes [a] are not referenced by any of the containers.",
        ),
        (
            mounted(
                json!({ "sourceVolume": "v", "containerPath": "data" }),
                json!([{ "name": "v" }]),
            ),
            "Mount of volume 'v': containerPath must be an absolute path.",
        ),
        (
            mounted(json!({ "sourceVolume": "v" }), json!([{ "name": "v" }])),
            "Mount of volume 'v': containerPath must be an absolute path.",
        ),
        (
            mounted(json!({ "containerPath": "/data" }), json!([{ "name": "v" }])),
            "Unknown volume ''.",
        ),
        (
            external("efsVolumeConfiguration", json!({ "fileSystemId": "fs-1" })),
            "The EXTERNAL launch type only supports bind mounts and Docker volumes (volume 'v').",
        ),
    ]);
    assert!(
        draft(&external(
            "dockerVolumeConfiguration",
            json!({ "scope": "shared" })
        ))
        .is_ok()
    );
}
