//! FireLens: a container of the task routes the output of others. It gets its configuration from here, and listens on
//! a socket that the `awsfirelens` driver of the others writes to by the forward protocol.

use std::collections::BTreeMap;
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use api::acs;

use crate::host::{ContainerSpec, Mount, SandboxNetwork};
use crate::log_drivers::LogDriver;
use crate::s3_object::S3Object;
use crate::secrets::ContainerSecrets;
use crate::tasks::payload::Refusal;
use crate::tasks::task::{Condition, Container, Dependency, Task, task_id};

mod config;

#[cfg(test)]
mod tests;

pub use config::RouterKind;

/// Where the socket is in the router.
const SOCKET_FOLDER: &str = "/var/run";
const SOCKET: &str = "fluent.sock";
/// Where the router listens, besides on the socket.
const PORT: &str = "24224";
const HOST_VARIABLE: &str = "FLUENT_HOST";
const PORT_VARIABLE: &str = "FLUENT_PORT";
/// fluentd's image gives up the rights that the socket needs, unless it is told this user.
const FLUENTD_USER: (&str, &str) = ("FLUENT_UID", "0");

/// The log router of a task.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Firelens {
    /// Its index in the task.
    pub router: usize,
    /// What it understands.
    pub kind: RouterKind,
    /// Its configuration, without secrets: those are variables of the router.
    pub config: String,
    /// What its configuration includes, if that is out of S3.
    pub external: Option<S3Object>,
    /// Options of other containers that are secret.
    pub secrets: Vec<SecretVariable>,
}

/// A secret option of a container as a variable of the router.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SecretVariable {
    /// Name of the variable.
    pub variable: String,
    /// Index of the container.
    pub container: usize,
    /// Name of the option.
    pub option: String,
}

/// What of the task the configuration says.
#[derive(Clone, Copy, Debug)]
pub struct TaskNames<'a> {
    /// Long ARN.
    pub arn: &'a str,
    /// Of its task definition.
    pub family: &'a str,
    /// Revision of its task definition.
    pub version: &'a str,
}

/// Tells the containers of a task about its router, if it has one: who logs to it starts after it and knows its address.
///
/// # Errors
/// If a container logs to a router that is not there, or its options make no output.
pub fn arrange(
    names: TaskNames<'_>,
    network: &SandboxNetwork,
    configurations: Vec<Option<acs::FirelensConfiguration>>,
    containers: &mut [Container],
) -> Result<Option<Firelens>, Refusal> {
    let mut found = configurations.into_iter().enumerate();
    let found = found.find_map(|(index, it)| Some((index, it?)));
    let logs_to_router = |it: &Container| matches!(it.log_driver, LogDriver::Firelens(_));
    let Some((router, configuration)) = found else {
        return match containers.iter().find(|it| logs_to_router(it)) {
            Some(it) => Err(Refusal::Malformed(format!(
                "container {} logs to a log router, and there is none",
                it.spec.name
            ))),
            None => Ok(None),
        };
    };
    let kind = RouterKind::parse(configuration.r#type.as_deref().unwrap_or_default())?;
    let options = configuration.options.unwrap_or_default();
    let (mut secrets, mut outputs) = (Vec::new(), Vec::new());
    for (index, container) in containers.iter().enumerate() {
        let LogDriver::Firelens(options) = &container.log_driver else {
            continue;
        };
        let mut options = options.clone();
        for secret in &container.log_secrets {
            let variable = variable(&secret.name, index);
            options.insert(secret.name.clone(), kind.reference(&variable));
            secrets.push(SecretVariable {
                variable,
                container: index,
                option: secret.name.clone(),
            });
        }
        outputs.push((container.spec.name.clone(), options));
    }
    let external = external(&options)?;
    let config = config::render(kind, names, network, &options, outputs)?;
    let name = containers[router].spec.name.clone();
    for (index, container) in containers.iter_mut().enumerate() {
        if index != router && logs_to_router(container) {
            introduce(container, router, &name, network);
        }
    }
    if kind == RouterKind::Fluentd {
        let (name, value) = FLUENTD_USER;
        let environment = &mut containers[router].spec.environment;
        environment.insert(name.to_owned(), value.to_owned());
    }
    Ok(Some(Firelens {
        router,
        kind,
        config,
        external,
        secrets,
    }))
}

/// The object that the configuration includes, if it includes one.
fn external(options: &BTreeMap<String, String>) -> Result<Option<S3Object>, Refusal> {
    if options.get("config-file-type").map(String::as_str) != Some("s3") {
        return Ok(None);
    }
    let arn = options.get("config-file-value").map_or("", String::as_str);
    let object = S3Object::parse(arn);
    object.map(Some).ok_or_else(|| {
        Refusal::Initialization(format!(
            "unable to initialize firelens resource: unable to parse bucket and key from s3 arn {arn}"
        ))
    })
}

/// A container starts after the router, ends before it, and has its address.
fn introduce(container: &mut Container, router: usize, name: &str, network: &SandboxNetwork) {
    if !container.depends_on.iter().any(|it| it.on == router) {
        container.depends_on.push(Dependency {
            on: router,
            condition: Condition::Start,
        });
    }
    let spec = &mut container.spec;
    match network {
        SandboxNetwork::Awsvpc(_) => {
            spec.environment
                .insert(HOST_VARIABLE.to_owned(), "127.0.0.1".to_owned());
        }
        SandboxNetwork::Bridge => spec
            .address_variables
            .push((HOST_VARIABLE.to_owned(), name.to_owned())),
        // It does not listen there: the port would be the host's own.
        SandboxNetwork::Host | SandboxNetwork::None => return,
    }
    spec.environment.insert(PORT_VARIABLE.to_owned(), PORT.to_owned());
}

/// Name of the variable that holds a secret option of a container.
fn variable(option: &str, container: usize) -> String {
    let letter = |it: char| if it.is_ascii_alphanumeric() { it } else { '_' };
    let name: String = option.chars().map(letter).collect();
    format!("{name}_{container}")
}

/// The tag of what a container says: `<container>-firelens-<task id>`.
pub fn tag(container: &str, task_id: &str) -> String {
    format!("{container}-firelens-{task_id}")
}

/// Files of a router on the host, below a folder of the task.
#[derive(Clone, Debug)]
pub struct RouterFiles(PathBuf);

impl RouterFiles {
    /// In this folder.
    pub fn new(folder: PathBuf) -> Self {
        Self(folder)
    }

    fn config(&self) -> PathBuf {
        self.0.join("config/fluent.conf")
    }

    fn external(&self) -> PathBuf {
        self.0.join("config/external.conf")
    }

    fn socket_folder(&self) -> PathBuf {
        self.0.join("socket")
    }

    /// Where the router listens.
    pub fn socket(&self) -> PathBuf {
        self.socket_folder().join(SOCKET)
    }

    /// Writes the configuration, with what it includes out of S3, and makes the place of the socket. Blocks.
    ///
    /// # Errors
    /// Any of the file system.
    pub fn write(&self, firelens: &Firelens, external: Option<&[u8]>) -> io::Result<()> {
        let config = self.config();
        let folder = config.parent().unwrap_or(Path::new("/"));
        std::fs::create_dir_all(folder)?;
        let all = [
            (config, Some(firelens.config.as_bytes())),
            (self.external(), external),
        ];
        for (path, content) in all {
            let Some(content) = content else { continue };
            std::fs::write(&path, content)?;
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644))?;
        }
        let socket = self.socket_folder();
        std::fs::create_dir_all(&socket)?;
        // Whatever user the router is; nobody else sees the folder that this one is in.
        std::fs::set_permissions(&socket, std::fs::Permissions::from_mode(0o777))
    }

    /// Gives the router its files, and the secrets of the others.
    pub fn equip(&self, task: &Task, index: usize, secrets: &[ContainerSecrets], spec: &mut ContainerSpec) {
        let Some(firelens) = task.firelens.as_ref().filter(|it| it.router == index) else {
            return;
        };
        let mut mounts = vec![
            (self.config(), firelens.kind.config_path(), true),
            (self.socket_folder(), SOCKET_FOLDER, false),
        ];
        if firelens.external.is_some() {
            mounts.push((self.external(), firelens.kind.external_path(), true));
        }
        for (source, target, read_only) in mounts {
            spec.mounts.push(Mount {
                source: Some(source),
                volume: String::new(),
                target: target.into(),
                read_only,
            });
        }
        for it in &firelens.secrets {
            let options = secrets.get(it.container).map(|of| &of.log_options);
            if let Some(value) = options.and_then(|all| all.get(&it.option)) {
                spec.environment.insert(it.variable.clone(), value.clone());
            }
        }
    }
}

/// Fields of each record, in the order of their names.
fn metadata(names: TaskNames<'_>) -> BTreeMap<&'static str, String> {
    let path = names.arn.rsplit(':').next().unwrap_or_default();
    let cluster = path.split('/').nth(1).unwrap_or_default();
    // Old ARNs name no cluster.
    let cluster = if cluster == task_id(names.arn) {
        ""
    } else {
        cluster
    };
    BTreeMap::from([
        ("ecs_cluster", cluster.to_owned()),
        ("ecs_task_arn", names.arn.to_owned()),
        (
            "ecs_task_definition",
            format!("{}:{}", names.family, names.version),
        ),
    ])
}
