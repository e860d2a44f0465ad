//! Members of a task definition that Gantry does not obey yet: refused, since a task that runs without its secrets
//! or health check would only pretend.

use api::ecs;

/// The first member that is not obeyed yet, by its path.
pub fn in_task_definition(input: &ecs::RegisterTaskDefinitionInput) -> Option<&'static str> {
    first(&[
        ("pidMode", input.pid_mode.is_some()),
        (
            "ipcMode",
            input.ipc_mode.as_ref().is_some_and(|it| it.as_str() != "none"),
        ),
        ("proxyConfiguration", input.proxy_configuration.is_some()),
        (
            "inferenceAccelerators",
            is_filled(input.inference_accelerators.as_ref()),
        ),
        ("ephemeralStorage", input.ephemeral_storage.is_some()),
        ("enableFaultInjection", input.enable_fault_injection == Some(true)),
    ])
}

/// The same of a container definition.
pub fn in_container(it: &ecs::ContainerDefinition) -> Option<&'static str> {
    first(&[
        ("repositoryCredentials", it.repository_credentials.is_some()),
        ("links", is_filled(it.links.as_ref())),
        (
            "restartPolicy",
            it.restart_policy.as_ref().is_some_and(|policy| policy.enabled),
        ),
        ("environmentFiles", is_filled(it.environment_files.as_ref())),
        ("volumesFrom", is_filled(it.volumes_from.as_ref())),
        ("secrets", is_filled(it.secrets.as_ref())),
        ("dependsOn", is_filled(it.depends_on.as_ref())),
        ("startTimeout", it.start_timeout.is_some()),
        ("disableNetworking", it.disable_networking == Some(true)),
        ("dnsServers", is_filled(it.dns_servers.as_ref())),
        ("dnsSearchDomains", is_filled(it.dns_search_domains.as_ref())),
        ("extraHosts", is_filled(it.extra_hosts.as_ref())),
        (
            "dockerSecurityOptions",
            is_filled(it.docker_security_options.as_ref()),
        ),
        ("interactive", it.interactive == Some(true)),
        ("pseudoTerminal", it.pseudo_terminal == Some(true)),
        ("healthCheck", it.health_check.is_some()),
        ("systemControls", is_filled(it.system_controls.as_ref())),
        (
            "resourceRequirements",
            is_filled(it.resource_requirements.as_ref()),
        ),
        ("firelensConfiguration", it.firelens_configuration.is_some()),
        ("credentialSpecs", is_filled(it.credential_specs.as_ref())),
    ])
    .or_else(|| it.linux_parameters.as_ref().and_then(in_linux_parameters))
}

fn in_linux_parameters(it: &ecs::LinuxParameters) -> Option<&'static str> {
    first(&[
        ("linuxParameters.devices", is_filled(it.devices.as_ref())),
        (
            "linuxParameters.sharedMemorySize",
            it.shared_memory_size.is_some(),
        ),
        ("linuxParameters.tmpfs", is_filled(it.tmpfs.as_ref())),
        ("linuxParameters.maxSwap", it.max_swap.is_some()),
        ("linuxParameters.swappiness", it.swappiness.is_some()),
    ])
}

/// The same of a volume.
pub fn in_volume(it: &ecs::Volume) -> Option<&'static str> {
    first(&[
        (
            "dockerVolumeConfiguration",
            it.docker_volume_configuration.is_some(),
        ),
        ("efsVolumeConfiguration", it.efs_volume_configuration.is_some()),
        (
            "fsxWindowsFileServerVolumeConfiguration",
            it.fsx_windows_file_server_volume_configuration.is_some(),
        ),
        (
            "s3filesVolumeConfiguration",
            it.s3files_volume_configuration.is_some(),
        ),
        ("configuredAtLaunch", it.configured_at_launch == Some(true)),
    ])
}

fn is_filled<T>(list: Option<&Vec<T>>) -> bool {
    list.is_some_and(|it| !it.is_empty())
}

fn first(members: &[(&'static str, bool)]) -> Option<&'static str> {
    members
        .iter()
        .find(|(_, is_given)| *is_given)
        .map(|(name, _)| *name)
}
