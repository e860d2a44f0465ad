//! Arguments of `gantry task`.

use clap::{Args, Subcommand};

use super::Place;

/// What to ask about tasks.
#[derive(Subcommand)]
pub enum TaskCommand {
    /// Say why a task stopped, or what it waits for.
    ///
    /// Shows the container that ended first, what its exit code means, the last output of its health check, its last
    /// 20 lines (without a log driver too), who decided that the task stops, and what to try next. Works for as long
    /// as the history of stopped tasks is kept: 30 days, see `gantry up --help`.
    Explain(Explain),
    /// Show as JSON what the host has really made of a task that is there.
    ///
    /// For each container: process, arguments, environment (values from secrets are hidden), user, mounts,
    /// capabilities, limits of its control group, namespaces, addresses, image digest, log driver and restarts.
    Inspect(Inspect),
    /// Carry connections to a port on this machine into a task, until Ctrl-C.
    ///
    /// Works in every network mode, on every host, and for programs that listen on loopback only; nothing has to be in
    /// the image.
    PortForward(PortForward),
    /// Copy files and directories out of a container and into one, as `docker cp` does.
    ///
    /// One side is TASK:/path, the other a path on this machine. Nothing has to be in the image. A directory is copied
    /// whole; with `/.` at its end, what is in it.
    Cp(Copy),
    /// List tasks that have stopped, the last to stop first: those of the last 30 days.
    #[command(alias = "list")]
    Ls(List),
}

/// Which task is meant.
#[derive(Args)]
pub struct TaskName {
    /// Which Gantry is meant.
    #[command(flatten)]
    pub place: Place,
    /// Id of the task, the beginning of one, or its ARN.
    pub task: String,
    /// Name or ARN of its cluster. Without one, all clusters are looked through.
    #[arg(long, value_name = "CLUSTER")]
    pub cluster: Option<String>,
}

/// Arguments of `gantry task explain`.
#[derive(Args)]
pub struct Explain {
    /// The task.
    #[command(flatten)]
    pub name: TaskName,
    /// Print JSON, with times in seconds since 1970.
    #[arg(long)]
    pub json: bool,
}

/// Arguments of `gantry task inspect`.
#[derive(Args)]
pub struct Inspect {
    /// The task.
    #[command(flatten)]
    pub name: TaskName,
}

/// Arguments of `gantry task ls`.
#[derive(Args)]
pub struct List {
    /// Which Gantry is meant.
    #[command(flatten)]
    pub place: Place,
    /// Those that have stopped. For the others there is `aws ecs list-tasks`.
    #[arg(long, required = true)]
    pub stopped: bool,
    /// Name or ARN of a cluster; without one, of all.
    #[arg(long, value_name = "CLUSTER")]
    pub cluster: Option<String>,
    /// Of this family of task definitions.
    #[arg(long, value_name = "FAMILY")]
    pub family: Option<String>,
    /// Of this service; without --cluster, of the cluster `default`.
    #[arg(long, value_name = "SERVICE")]
    pub service: Option<String>,
    /// Show no more than this many.
    #[arg(long, value_name = "COUNT", default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub most: u32,
    /// Print JSON, with times in seconds since 1970.
    #[arg(long)]
    pub json: bool,
}

/// Arguments of `gantry task port-forward`.
#[derive(Args)]
pub struct PortForward {
    /// The task.
    #[command(flatten)]
    pub name: TaskName,
    /// Port in the container, after the one on 127.0.0.1 if that is another; 0 there takes a free one.
    #[arg(value_name = "[LOCAL:]CONTAINER_PORT", value_parser = ports)]
    pub ports: Ports,
    /// The container. Without one: the only one, the one that maps the port, or where all share a network any.
    #[arg(long, value_name = "NAME")]
    pub container: Option<String>,
}

/// A port here and one in a container.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ports {
    /// On 127.0.0.1; 0 is a free one.
    pub local: u16,
    /// In the container.
    pub container: u16,
}

fn ports(text: &str) -> Result<Ports, String> {
    let (local, container) = text.split_once(':').unwrap_or((text, text));
    let read = || {
        Some(Ports {
            local: local.parse().ok()?,
            container: container.parse().ok().filter(|it| *it > 0)?,
        })
    };
    read().ok_or_else(|| "write a port from 1 to 65535, or two, e.g. 8080:80".to_owned())
}

/// Arguments of `gantry task cp`.
#[derive(Args)]
pub struct Copy {
    /// Which Gantry is meant.
    #[command(flatten)]
    pub place: Place,
    /// What is copied: TASK:/path, or a path here.
    #[arg(value_name = "FROM")]
    pub from: String,
    /// Where it goes: TASK:/path, or a path here.
    #[arg(value_name = "TO")]
    pub to: String,
    /// The container. Needed where the task has several.
    #[arg(long, value_name = "NAME")]
    pub container: Option<String>,
    /// Name or ARN of the task's cluster. Without one, all clusters are looked through.
    #[arg(long, value_name = "CLUSTER")]
    pub cluster: Option<String>,
    /// Keep owners. Without it files belong to root in the container, and to you here.
    #[arg(long, short = 'a')]
    pub archive: bool,
    /// If FROM is a symbolic link, copy what it leads to.
    #[arg(long, short = 'L')]
    pub follow_link: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_port_is_both_and_none_is_an_error() {
        for (text, expected) in [
            ("80", Some((80, 80))),
            ("8080:80", Some((8080, 80))),
            ("0:80", Some((0, 80))),
            ("80:0", None),
            ("0", None),
            ("", None),
            (":80", None),
            ("65536", None),
            ("1:2:3", None),
        ] {
            let read = ports(text).ok().map(|it| (it.local, it.container));
            assert_eq!(read, expected, "{text}");
        }
    }
}
