//! Network modes.

use std::net::Ipv4Addr;

use agent::host::{Eni, PortMapping, SandboxNetwork, TransportProtocol};

use crate::world::World;

/// Between two questions.
const PAUSE: std::time::Duration = std::time::Duration::from_millis(10);
/// Serves one caller after the other: the first may lose its connection, and asks again.
const SERVER: &str = "echo ready; while :; do echo hello | nc -l -p 80; done";

#[tokio::test(flavor = "multi_thread")]
async fn without_a_network_there_is_loopback_only() {
    let mut world = World::new().await;
    world.sandbox(SandboxNetwork::None).await;
    let started = world
        .start(&world.script("app", "ls /sys/class/net; hostname; cat /etc/hostname"))
        .await;
    world.exit("app").await;
    let name = &started.runtime_id[..12];
    assert_eq!(world.lines("app").await, ["lo", name, name]);
    world.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_container_on_the_bridge_answers_on_its_host_port() {
    let world = World::new().await;
    world.sandbox(SandboxNetwork::Bridge).await;
    let mut spec = world.script("app", SERVER);
    spec.port_mappings.push(PortMapping {
        container_port: 80,
        host_port: 0,
        protocol: TransportProtocol::Tcp,
        following: 0,
    });
    let started = world.start(&spec).await;
    world.await_line("app", "ready").await;
    let [mapping] = started.port_mappings[..] else {
        panic!("{started:?}")
    };
    assert!(mapping.host_port >= 32768);
    assert_eq!(answer_of(mapping.host_port).await, "hello\n");
    world.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_awsvpc_task_has_one_address_for_all_its_containers() {
    let mut world = World::new().await;
    let eni = Eni {
        vpc_id: "vpc-0a1b2c3d".to_owned(),
        vpc_cidr: (Ipv4Addr::new(172, 31, 0, 0), 16),
        address: Ipv4Addr::new(172, 31, 16, 5),
        gateway: Ipv4Addr::new(172, 31, 16, 1),
        mac_address: "02:42:ac:1f:10:05".to_owned(),
    };
    world.sandbox(SandboxNetwork::Awsvpc(eni)).await;
    world.start(&world.script("server", SERVER)).await;
    world.await_line("server", "ready").await;
    let script = "hostname; grep -c 172.31.16.5 /etc/hosts; ip -o -4 addr show eth0 | grep -c 172.31.16.5; \
                  while ! nc 127.0.0.1 80; do sleep 0.01; done";
    world.start(&world.script("client", script)).await;
    world.await_line("client", "hello").await;
    world.exit("client").await;
    let mut said: Vec<_> = world
        .lines("client")
        .await
        .into_iter()
        .filter(|it| !it.starts_with("nc:"))
        .collect();
    // Said again if the connection was lost after all of it had come.
    said.dedup_by(|again, before| again == before && again == "hello");
    assert_eq!(said, ["ip-172-31-16-5", "1", "1", "hello"]);
    let recovered = world.restart().await;
    assert_eq!(recovered[0].containers.len(), 2);
    world
        .start(&world.script("later", "ip -o -4 addr show eth0 | grep -c 172.31.16.5"))
        .await;
    world.exit("later").await;
    assert_eq!(world.lines("later").await, ["1"]);
    world.close().await;
}

/// What a server answers, once it does.
pub async fn answer_of(port: u16) -> String {
    let deadline = std::time::Instant::now() + crate::world::DEADLINE;
    loop {
        let answer = ask(port).await.unwrap_or_default();
        if !answer.is_empty() || std::time::Instant::now() > deadline {
            return answer;
        }
        tokio::time::sleep(PAUSE).await;
    }
}

async fn ask(port: u16) -> std::io::Result<String> {
    use tokio::io::AsyncReadExt;
    let mut stream = tokio::net::TcpStream::connect(("127.0.0.1", port)).await?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await?;
    Ok(answer)
}
