//! The volumes of a task for its agent.

use api::acs;
use domain::Scope;
use domain::file_system::{AccessPoint, FileSystem, FileSystemState, dns_name};
use domain::task_definition::{DockerVolume, EfsVolume, Volume, VolumeKind};
use store::State;

/// A volume; what no agent can mount has been refused before.
pub fn volume(state: &State, scope: &Scope, it: &Volume) -> acs::Volume {
    let mut volume = acs::Volume {
        name: Some(it.name.clone()),
        ..acs::Volume::default()
    };
    let kind = match &it.kind {
        VolumeKind::Docker(docker) => {
            volume.docker_volume_configuration = Some(of_docker(docker));
            "docker"
        }
        VolumeKind::Efs(efs) => {
            volume.efs_volume_configuration = Some(of_efs(state, scope, efs));
            "efs"
        }
        _ => {
            let source_path = Some(it.source_path.clone().unwrap_or_default());
            volume.host = Some(acs::HostVolume { source_path });
            "host"
        }
    };
    volume.r#type = Some(kind.to_owned());
    volume
}

/// With what a mount helper would learn from the file system: what the access point decides, or why there is nothing to
/// mount.
fn of_efs(state: &State, scope: &Scope, it: &EfsVolume) -> acs::EfsVolumeConfiguration {
    let enabled = |it: bool| if it { "ENABLED" } else { "DISABLED" }.to_owned();
    let authorization = it.authorization.as_ref();
    let (access_point, refusal) = match mounted(state, scope, it) {
        Ok(point) => (point, None),
        Err(refusal) => (None, Some(refusal)),
    };
    acs::EfsVolumeConfiguration {
        file_system_id: Some(it.file_system_id.clone()),
        root_directory: Some(it.root_directory.clone()),
        transit_encryption: it.is_transit_encrypted.map(enabled),
        transit_encryption_port: it.transit_encryption_port.map(i32::from),
        authorization_config: authorization.map(|it| acs::EfsAuthorizationConfig {
            access_point_id: it.access_point_id.clone(),
            iam: it.uses_iam.map(enabled),
        }),
        dns_name: Some(dns_name(&it.file_system_id, &scope.region)),
        refusal,
        access_point,
    }
}

/// What the access point decides, if one is named.
///
/// # Errors
/// What Amazon's mount helper writes, with its exit code.
fn mounted(state: &State, scope: &Scope, it: &EfsVolume) -> Result<Option<acs::EfsAccessPoint>, String> {
    let file_system = state.get::<FileSystem>(&it.file_system_id);
    let is_available =
        file_system.is_some_and(|it| it.scope == *scope && it.state == FileSystemState::Available);
    // Without a mount target the name means nothing.
    if !is_available || state.mount_targets_of(&it.file_system_id).next().is_none() {
        let name = dns_name(&it.file_system_id, &scope.region);
        return Err(format!(
            "stderr: Failed to resolve \"{name}\" - check that your file system ID is correct, and ensure that the VPC \
             has an EFS mount target for this file system ID. See https://docs.aws.amazon.com/console/efs/mount-dns-name \
             for more detail. : unsuccessful EFS utils command execution; code: 1"
        ));
    }
    let Some(wanted) = it
        .authorization
        .as_ref()
        .and_then(|it| it.access_point_id.as_ref())
    else {
        return Ok(None);
    };
    let point = state.get::<AccessPoint>(wanted);
    let point = point.filter(|point| point.scope == *scope && point.file_system_id == it.file_system_id);
    let point = point.ok_or_else(|| {
        format!(
            "stderr: b'mount.nfs4: access denied by server while mounting 127.0.0.1:/' : unsuccessful EFS utils command \
             execution; code: 32 (the file system has no access point {wanted})"
        )
    })?;
    Ok(Some(acs::EfsAccessPoint {
        path: Some(point.path.clone()),
        user: point.user.map(|it| acs::PosixOwner {
            uid: Some(i64::from(it.uid)),
            gid: Some(i64::from(it.gid)),
        }),
        creation: point.creation.map(|it| acs::EfsRootCreation {
            uid: Some(i64::from(it.uid)),
            gid: Some(i64::from(it.gid)),
            permissions: i32::try_from(it.permissions).ok(),
        }),
    }))
}

fn of_docker(it: &DockerVolume) -> acs::DockerVolumeConfiguration {
    acs::DockerVolumeConfiguration {
        scope: Some(it.scope.as_str().to_owned()),
        autoprovision: Some(it.autoprovision.unwrap_or(false)),
        driver: Some(it.driver.clone().unwrap_or_else(|| "local".to_owned())),
        driver_opts: it.driver_opts.clone(),
        labels: it.labels.clone(),
    }
}
