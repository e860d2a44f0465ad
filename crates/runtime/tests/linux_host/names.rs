//! Names, addresses and kernel parameters, seen from inside.

use agent::host::{Link, Mount, PortMapping, SandboxNetwork, TransportProtocol};

use crate::world::World;

fn words(all: &[&str]) -> Vec<String> {
    all.iter().map(|it| (*it).to_owned()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn hosts_servers_and_domains_are_as_given() {
    let mut world = World::new().await;
    world.sandbox(SandboxNetwork::Bridge).await;
    let mut spec = world.script("app", "hostname; cat /etc/hosts /etc/resolv.conf");
    spec.hostname = Some("here".to_owned());
    spec.names.extra_hosts = vec![
        ("db".to_owned(), "10.1.2.3".to_owned()),
        ("six".to_owned(), "fd00::1".to_owned()),
    ];
    spec.names.dns_servers = words(&["10.9.8.7", "10.9.8.6"]);
    spec.names.dns_search_domains = words(&["a.test", "b.test"]);
    world.start(&spec).await;
    world.exit("app").await;
    let lines = world.lines("app").await;
    assert_eq!(lines[0], "here");
    for expected in [
        "127.0.0.1\tlocalhost",
        "10.1.2.3\tdb",
        "fd00::1\tsix",
        "search a.test b.test",
    ] {
        assert!(lines.contains(&expected.to_owned()), "{expected}: {lines:?}");
    }
    assert!(lines.iter().any(|it| it.ends_with("\there")), "{lines:?}");
    let servers: Vec<_> = lines.iter().filter(|it| it.starts_with("nameserver")).collect();
    assert_eq!(servers, ["nameserver 10.9.8.7", "nameserver 10.9.8.6"]);
    world.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_container_without_networking_has_loopback_only_in_any_mode() {
    for mode in [SandboxNetwork::Bridge, SandboxNetwork::Host] {
        let mut world = World::new().await;
        world.sandbox(mode).await;
        let mut spec = world.script(
            "app",
            "ls /sys/class/net; echo ready; while :; do sleep 0.01; done",
        );
        spec.networking_disabled = true;
        world.start(&spec).await;
        world.await_line("app", "ready").await;
        assert_eq!(world.lines("app").await, ["lo", "ready"]);
        // Its namespace is not taken for a left-over one.
        let recovered = world.restart().await;
        assert_eq!(recovered[0].containers[0].exit, None);
        world.close().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_linked_container_is_known_by_name_and_by_variables() {
    let mut world = World::new().await;
    world.sandbox(SandboxNetwork::Bridge).await;
    let mut server = world.script("server", "echo ready; while :; do echo hello | nc -l -p 80; done");
    server.port_mappings.push(PortMapping {
        container_port: 80,
        host_port: 0,
        protocol: TransportProtocol::Tcp,
        following: 0,
    });
    let started = world.start(&server).await;
    world.await_line("server", "ready").await;
    let script = "while ! nc $STORE_PORT_80_TCP_ADDR $STORE_PORT_80_TCP_PORT; do sleep 0.01; done; \
                  echo $STORE_NAME $STORE_PORT_80_TCP_PROTO; grep store /etc/hosts";
    let mut client = world.script("client", script);
    client.links.push(Link {
        container: "server".to_owned(),
        alias: "store".to_owned(),
    });
    world.start(&client).await;
    world.exit("client").await;
    let lines = world.lines("client").await;
    assert!(lines.contains(&"hello".to_owned()), "{lines:?}");
    assert!(lines.contains(&"/client/store tcp".to_owned()), "{lines:?}");
    let names = format!("\tstore {} server", &started.runtime_id[..12]);
    assert!(lines.iter().any(|it| it.ends_with(&names)), "{lines:?}");
    world.close().await;
}

/// As a log router is reached, and gets its configuration.
#[tokio::test(flavor = "multi_thread")]
async fn the_address_of_another_container_is_a_variable() {
    let world = World::new().await;
    world.sandbox(SandboxNetwork::Bridge).await;
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("config");
    std::fs::write(&file, "configured\n").expect("a file");
    let mut router = world.script(
        "router",
        // With an end to its own input, it would end the conversation before the other side has spoken.
        "cat /etc/router/router.conf; echo ready; sleep 100 | nc -l -p 24224",
    );
    router.mounts.push(Mount {
        source: Some(file),
        target: "/etc/router/router.conf".into(),
        read_only: true,
        ..Mount::default()
    });
    world.start(&router).await;
    world.await_line("router", "ready").await;
    assert_eq!(world.lines("router").await[0], "configured");
    let mut app = world.script(
        "app",
        "until echo said | nc $FLUENT_HOST 24224; do sleep 0.01; done",
    );
    app.address_variables
        .push(("FLUENT_HOST".to_owned(), "router".to_owned()));
    world.start(&app).await;
    world.await_line("router", "said").await;
    let nobody = {
        let mut spec = world.script("other", "true");
        spec.address_variables
            .push(("FLUENT_HOST".to_owned(), "nobody".to_owned()));
        world.refusal(&spec).await.to_string()
    };
    assert!(nobody.contains("container nobody has no address"), "{nobody}");
    world.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_range_of_ports_is_published_in_a_row() {
    let world = World::new().await;
    world.sandbox(SandboxNetwork::Bridge).await;
    let mut spec = world.script("app", "echo ready; while :; do echo hello | nc -l -p 8002; done");
    spec.port_mappings.push(PortMapping {
        container_port: 8000,
        host_port: 0,
        protocol: TransportProtocol::Tcp,
        following: 4,
    });
    let started = world.start(&spec).await;
    world.await_line("app", "ready").await;
    let [mapping] = started.port_mappings[..] else {
        panic!("{started:?}")
    };
    assert_eq!((mapping.container_port, mapping.following), (8000, 4));
    assert_eq!(crate::network::answer_of(mapping.host_port + 2).await, "hello\n");
    world.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn kernel_parameters_of_its_namespaces_are_set_and_others_refused() {
    let mut world = World::new().await;
    world.sandbox(SandboxNetwork::Bridge).await;
    let script = "cat /proc/sys/net/core/somaxconn /proc/sys/kernel/msgmax";
    let mut spec = world.script("app", script);
    for (name, value) in [("net.core.somaxconn", "1234"), ("kernel.msgmax", "4321")] {
        spec.sysctls.insert(name.to_owned(), value.to_owned());
    }
    world.start(&spec).await;
    world.exit("app").await;
    assert_eq!(world.lines("app").await, ["1234", "4321"]);
    let mut other = world.script("other", "true");
    other
        .sysctls
        .insert("kernel.pid_max".to_owned(), "1000".to_owned());
    let refusal = world.refusal(&other).await.to_string();
    assert!(
        refusal.starts_with("CannotCreateContainerError") && refusal.contains("kernel.pid_max"),
        "{refusal}"
    );
    world.close().await;
}
