//! The volumes of a task for its agent.

use api::acs;
use domain::task_definition::{DockerVolume, Volume, VolumeKind};

/// A volume; what no agent can mount has been refused before.
pub fn volume(it: &Volume) -> acs::Volume {
    let (kind, host, docker) = match &it.kind {
        VolumeKind::Docker(docker) => ("docker", None, Some(of_docker(docker))),
        _ => {
            let source_path = Some(it.source_path.clone().unwrap_or_default());
            ("host", Some(acs::HostVolume { source_path }), None)
        }
    };
    acs::Volume {
        name: Some(it.name.clone()),
        r#type: Some(kind.to_owned()),
        host,
        docker_volume_configuration: docker,
    }
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
