//! What containers use is what they do, and who asks for it is told apart.

use std::time::Instant;

use agent::host::{Caller, ContainerUsage, Host, SandboxNetwork};

use crate::world::{DEADLINE, TASK, World};

const MIB: u64 = 1 << 20;
/// Takes some 16 MiB, then all the time there is.
const BUSY: &str =
    "x=0123456789abcdef; i=0; while [ $i -lt 20 ]; do x=$x$x; i=$((i+1)); done; while :; do :; done";

impl World {
    /// Reads the usage of `app` until it is as wanted.
    async fn usage_until(&self, what: &str, is_so: impl Fn(&ContainerUsage) -> bool) -> ContainerUsage {
        let deadline = Instant::now() + DEADLINE;
        loop {
            let usage = self.host.container_usage(TASK, "app").await.expect("it runs");
            if is_so(&usage) {
                return usage;
            }
            assert!(Instant::now() < deadline, "not in time: {what}: {usage:#?}");
            tokio::task::yield_now().await;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_container_uses_is_counted() {
    let mut world = World::new().await;
    world.sandbox(SandboxNetwork::Bridge).await;
    let mut app = world.script("app", BUSY);
    app.memory_mib = Some(64);
    world.start(&app).await;
    let first = world
        .usage_until("memory is taken", |it| it.memory.usage > 16 * MIB)
        .await;
    assert_eq!(first.memory.limit, 64 * MIB);
    assert!(!first.memory.details.is_empty() && first.processes > 0 && first.cpu.processors > 0);
    assert!(first.processes_limit.is_none() || first.processes_limit > Some(first.processes));
    assert_eq!(first.interfaces.keys().collect::<Vec<_>>(), ["eth0"]);
    let busy = |it: &ContainerUsage| it.cpu.total > first.cpu.total + 20_000_000;
    let later = world.usage_until("time is spent", busy).await;
    let of_host = later.cpu.of_host - first.cpu.of_host;
    let by_container = later.cpu.total - first.cpu.total;
    assert!(
        by_container <= of_host + 100_000_000,
        "{by_container} of {of_host}"
    );
    assert!(later.read_at > first.read_at);

    let facts = world
        .host
        .container_facts(TASK, "app")
        .await
        .expect("it was started");
    assert!(facts.created_at.is_some() && facts.bridge_address.is_some());
    assert!(world.host.container_usage(TASK, "other").await.is_err());
    assert!(world.host.container_facts(TASK, "other").await.is_err());
    world
        .host
        .signal_container(TASK, "app", libc::SIGKILL)
        .await
        .expect("it is killed");
    world.exit("app").await;
    assert!(
        world.host.container_usage(TASK, "app").await.is_err(),
        "it has ended"
    );
    world.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_hosts_network_is_told_from_containers() {
    let mut world = World::new().await;
    let mut connections = world.host.take_task_connections();
    world.sandbox(SandboxNetwork::Bridge).await;
    let address = world
        .host
        .endpoint_in_host_network()
        .await
        .expect("there is an address");
    let _client = tokio::net::TcpStream::connect(address)
        .await
        .expect("the host gets there");
    let next = tokio::time::timeout(DEADLINE, connections.recv());
    assert_eq!(
        next.await.expect("in time").expect("open").caller,
        Caller::HostNetwork
    );
    for (name, target) in [
        ("link", "169.254.170.2 80".to_owned()),
        ("bridge", format!("{} {}", address.ip(), address.port())),
    ] {
        world
            .start(&world.script(name, &format!("nc {target} < /dev/null")))
            .await;
        let next = tokio::time::timeout(DEADLINE, connections.recv());
        let Ok(connection) = next.await else {
            panic!("{name} did not connect: {:?}", world.lines(name).await);
        };
        let connection = connection.expect("open");
        assert_eq!(connection.caller, Caller::Task(TASK.to_owned()), "{name}");
        drop(connection);
        world.exit(name).await;
    }
    world.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn containers_that_start_together_all_learn_of_the_endpoint() {
    let world = World::new().await;
    let asking = (0..16).map(|_| {
        let host = world.host.clone();
        tokio::spawn(async move { host.endpoint_in_host_network().await })
    });
    for answer in asking.collect::<Vec<_>>() {
        assert!(answer.await.expect("no panic").is_some());
    }
    world.close().await;
}
