//! `requiresAttributes`: what a container instance must be able to do for a task definition.

use domain::container_definition::{ContainerDefinition, FirelensType, Secret};
use domain::tags::Pair;
use domain::task_definition::{LaunchType, NetworkMode, VolumeKind};

use super::compatibilities::is_ecr_image;
use super::environment::is_of_secrets_manager;
use super::parse::Draft;

/// Each once, in the order that they are found; names as Amazon's agent sends them.
/// <https://github.com/aws/amazon-ecs-agent/blob/master/agent/app/agent_capability.go>
pub fn attributes(draft: &Draft) -> Vec<Pair> {
    let mut needs = Needs::default();
    for container in &draft.containers {
        of_container(&mut needs, container, draft.execution_role_arn.is_some());
    }
    of_task(&mut needs, draft);
    needs.add("com.amazonaws.ecs.capability.docker-remote-api.1.18");
    let names = needs.names.into_iter();
    names.map(|name| Pair { name, value: None }).collect()
}

#[derive(Default)]
struct Needs {
    names: Vec<String>,
}

impl Needs {
    fn add(&mut self, name: &str) {
        if !self.names.iter().any(|it| it == name) {
            self.names.push(name.to_owned());
        }
    }

    fn add_if(&mut self, is_needed: bool, name: &str) {
        if is_needed {
            self.add(name);
        }
    }

    /// One attribute for each store that secrets come from.
    fn add_secrets(&mut self, secrets: &[Secret], purpose: &str) {
        for secret in secrets {
            let store = match is_of_secrets_manager(&secret.value_from) {
                true => "asm",
                false => "ssm",
            };
            self.add(&format!("ecs.capability.secrets.{store}.{purpose}"));
        }
    }
}

fn of_container(needs: &mut Needs, it: &ContainerDefinition, has_execution_role: bool) {
    if let Some(log) = &it.log_configuration {
        let driver = &log.log_driver;
        needs.add(&format!("com.amazonaws.ecs.capability.logging-driver.{driver}"));
        needs.add_if(
            driver == "awslogs" && has_execution_role,
            "ecs.capability.execution-role-awslogs",
        );
        needs.add_secrets(&log.secret_options, "bootstrap.log-driver");
    }
    if is_ecr_image(&it.image) {
        needs.add("com.amazonaws.ecs.capability.ecr-auth");
        needs.add_if(has_execution_role, "ecs.capability.execution-role-ecr-pull");
    }
    if it.repository_credentials.is_some() {
        needs.add("ecs.capability.private-registry-authentication.secretsmanager");
    }
    needs.add_if(
        it.privileged == Some(true),
        "com.amazonaws.ecs.capability.privileged-container",
    );
    needs.add_if(
        it.memory_reservation.is_some(),
        "com.amazonaws.ecs.capability.docker-remote-api.1.21",
    );
    let linux = it.linux_parameters.as_ref();
    needs.add_if(
        linux.is_some_and(|it| it.init_process_enabled == Some(true)),
        "com.amazonaws.ecs.capability.docker-remote-api.1.25",
    );
    if it.health_check.is_some() {
        needs.add("com.amazonaws.ecs.capability.docker-remote-api.1.24");
        needs.add("ecs.capability.container-health-check");
    }
    needs.add_if(
        it.depends_on.iter().flatten().next().is_some(),
        "ecs.capability.container-ordering",
    );
    needs.add_secrets(it.secrets.as_deref().unwrap_or_default(), "environment-variables");
    needs.add_if(
        it.environment_files.iter().flatten().next().is_some(),
        "ecs.capability.env-files.s3",
    );
    needs.add_if(
        it.restart_policy.as_ref().is_some_and(|it| it.enabled),
        "ecs.capability.container-restart-policy",
    );
    if let Some(router) = &it.firelens_configuration {
        needs.add(match router.kind {
            FirelensType::Fluentd => "ecs.capability.firelens.fluentd",
            FirelensType::Fluentbit => "ecs.capability.firelens.fluentbit",
        });
        let options = router.options.iter().flatten();
        for (_, kind) in options.filter(|(name, _)| *name == "config-file-type") {
            needs.add(&format!("ecs.capability.firelens.options.config.{kind}"));
        }
    }
    for option in it.docker_security_options.iter().flatten() {
        needs.add_if(
            option.starts_with("label:"),
            "com.amazonaws.ecs.capability.selinux",
        );
        needs.add_if(
            option.starts_with("apparmor:"),
            "com.amazonaws.ecs.capability.apparmor",
        );
    }
}

fn of_task(needs: &mut Needs, draft: &Draft) {
    if draft.task_role_arn.is_some() {
        needs.add(match draft.network_mode {
            Some(NetworkMode::Host) => "com.amazonaws.ecs.capability.task-iam-role-network-host",
            _ => "com.amazonaws.ecs.capability.task-iam-role",
        });
    }
    // FARGATE has limits of its own; definitions for it read back without this.
    let required = draft.requires_compatibilities.iter().flatten();
    let is_for_fargate = required.into_iter().any(|it| *it == LaunchType::Fargate);
    needs.add_if(
        !is_for_fargate && (draft.cpu.is_some() || draft.memory.is_some()),
        "ecs.capability.task-cpu-mem-limit",
    );
    needs.add_if(
        draft.network_mode == Some(NetworkMode::Awsvpc),
        "ecs.capability.task-eni",
    );
    needs.add_if(
        draft.pid_mode.is_some() || draft.ipc_mode.is_some(),
        "ecs.capability.pid-ipc-namespace-sharing",
    );
    needs.add_if(draft.proxy_configuration.is_some(), "ecs.capability.aws-appmesh");
    needs.add_if(
        draft.enable_fault_injection == Some(true),
        "ecs.capability.fault-injection",
    );
    for volume in &draft.volumes {
        match &volume.kind {
            VolumeKind::Efs(efs) => {
                needs.add("ecs.capability.efs");
                needs.add_if(efs.authorization.is_some(), "ecs.capability.efsAuth");
            }
            VolumeKind::Docker(docker) => {
                let driver = docker.driver.as_deref().unwrap_or("local");
                needs.add(&format!("ecs.capability.docker-plugin.{driver}"));
            }
            VolumeKind::FsxWindows(_) => needs.add("ecs.capability.fsxWindowsFileServer"),
            VolumeKind::ConfiguredAtLaunch => needs.add("ecs.capability.storage.ebs-task-attach"),
            VolumeKind::Bind | VolumeKind::S3Files(_) => {}
        }
    }
}
