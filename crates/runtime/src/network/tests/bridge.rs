//! `bridge`: published ports.

use std::net::{Ipv4Addr, TcpListener, UdpSocket};
use std::time::Duration;

use agent::host::{PortMapping, TransportProtocol};
use domain::served_network::Exit;

use super::lab::{HOST, OUTSIDE, ask, eni, from, is_silent, on_a_host, serve, tcp};
use crate::network::{Network, NetworkError, netns};

#[test]
fn a_published_port_is_reached_from_everywhere() {
    // With and without the kernel's own hook that passes bridged frames through the rules of routed packets.
    for bridged_frames_pass_rules in ["0", "1"] {
        on_a_host(async move |lab| {
            let hook = std::path::Path::new("/proc/sys/net/bridge/bridge-nf-call-iptables");
            if hook.exists() {
                netns::write_setting("net/bridge/bridge-nf-call-iptables", bridged_frames_pass_rules)
                    .unwrap();
            }
            let network = lab.network().await;
            let web = network
                .attach_bridge_container("task1/web", &[tcp(80, 8080)])
                .await
                .unwrap();
            let other = network.attach_bridge_container("task2/other", &[]).await.unwrap();
            let task = network.attach_task(&eni("vpc-1", 5), "task3").await.unwrap();
            assert_eq!(web.ports, [tcp(80, 8080)]);
            serve(Some(&web.netns), 80, "web").await;
            serve(Some(&lab.outside), 443, "outside").await;
            let (web_ns, other_ns) = (Some(web.netns.as_path()), Some(other.netns.as_path()));

            assert_eq!(ask(None, Ipv4Addr::LOCALHOST, 8080).await, "web to 10.231.0.1");
            assert_eq!(
                ask(None, Ipv4Addr::new(127, 0, 0, 9), 8080).await,
                "web to 10.231.0.1"
            );
            assert_eq!(ask(None, HOST, 8080).await, format!("web to {HOST}"));
            assert_eq!(
                ask(Some(&lab.outside), HOST, 8080).await,
                format!("web to {OUTSIDE}")
            );
            assert_eq!(ask(other_ns, HOST, 8080).await, "web to 10.231.0.1");
            assert_eq!(
                ask(other_ns, Ipv4Addr::new(10, 231, 0, 1), 8080).await,
                "web to 10.231.0.1"
            );
            assert_eq!(
                ask(other_ns, web.address, 80).await,
                format!("web to {}", other.address)
            );
            assert_eq!(ask(web_ns, HOST, 8080).await, "web to 10.231.0.1");
            assert_eq!(ask(Some(&task), HOST, 8080).await, "web to 10.231.0.1");
            assert_eq!(ask(other_ns, OUTSIDE, 443).await, format!("outside to {HOST}"));
            // Not published, so not there: over loopback of the container, and on the host.
            assert!(is_silent(None, Ipv4Addr::LOCALHOST, 80).await);
            assert!(is_silent(other_ns, Ipv4Addr::LOCALHOST, 8080).await);
        });
    }
}

#[test]
fn a_load_balancer_finds_the_ports_of_its_host() {
    on_a_host(async |lab| {
        let network = lab.network_of(Exit::LoadBalancer).await;
        let key = "load-balancer-0123456789abcdef";
        let attach = |network: Network, vpc: &'static str| async move {
            let (key, eni) = (format!("{key}-{vpc}"), eni(vpc, 5));
            network.attach_load_balancer(&key, &eni, &[]).await.unwrap()
        };
        let web = network
            .attach_bridge_container("task1/web", &[tcp(80, 0)])
            .await
            .unwrap();
        let port = web.ports[0].host_port;
        serve(Some(&web.netns), 80, "web").await;
        // As a container in network mode `host` does.
        serve(None, 9000, "host").await;
        for vpc in ["vpc-1", "vpc-2"] {
            let address = attach(network.clone(), vpc).await;
            let balancer = network.attachments.records.namespace(&format!("{key}-{vpc}"));
            let answer = ask(Some(&balancer), address, port).await;
            assert_eq!(answer, "web to 10.231.0.1", "{vpc} by {address}");
            let answer = ask(Some(&balancer), address, 9000).await;
            assert!(answer.starts_with("host to 169.254.172."), "{answer}");
            assert!(is_silent(Some(&balancer), address, 80).await, "not published");
        }
        assert_ne!(
            attach(network.clone(), "vpc-1").await,
            attach(network.clone(), "vpc-2").await
        );
        let before = attach(network.clone(), "vpc-1").await;
        drop(network);
        let network = lab.network_of(Exit::LoadBalancer).await;
        assert_eq!(attach(network, "vpc-1").await, before, "after a restart");
    });
}

#[test]
fn datagrams_are_published_too() {
    on_a_host(async |lab| {
        let network = lab.network().await;
        let dns = PortMapping {
            container_port: 53,
            host_port: 5353,
            protocol: TransportProtocol::Udp,
            following: 0,
        };
        let server = network
            .attach_bridge_container("task1/dns", &[dns, tcp(53, 5353)])
            .await
            .unwrap();
        let socket = from(Some(&server.netns), || {
            Ok(UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 53)).unwrap())
        })
        .await;
        let answered = tokio::task::spawn_blocking(move || {
            socket.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
            let mut question = [0; 16];
            let (length, peer) = socket.recv_from(&mut question).unwrap();
            socket.send_to(&question[..length], peer).unwrap();
        });
        let answer = from(None, || {
            let client = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
            client.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
            client.send_to(b"hello", (Ipv4Addr::LOCALHOST, 5353)).unwrap();
            let mut answer = [0; 16];
            let length = client.recv(&mut answer).unwrap();
            Ok(answer[..length].to_vec())
        })
        .await;
        assert_eq!(answer, b"hello");
        answered.await.unwrap();
    });
}

#[test]
fn a_port_in_use_is_refused_in_dockers_words() {
    on_a_host(async |lab| {
        let network = lab.network().await;
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 8080)).unwrap();
        let refusal = network
            .attach_bridge_container("task1/web", &[tcp(81, 8081), tcp(80, 8080)])
            .await;
        assert_eq!(
            refusal.unwrap_err().to_string(),
            "driver failed programming external connectivity on endpoint task1/web: \
             Bind for 0.0.0.0:8080 failed: port is already allocated"
        );
        drop(listener);
        // What was taken before the refusal is free again.
        network
            .attach_bridge_container("task1/web", &[tcp(81, 8081), tcp(80, 8080)])
            .await
            .unwrap();
        let refusal = network
            .attach_bridge_container("task2/web", &[tcp(80, 8080)])
            .await;
        assert!(matches!(
            refusal,
            Err(NetworkError::PortAllocated { port: 8080, .. })
        ));
        // And no process of the host gets in between.
        assert!(TcpListener::bind((Ipv4Addr::UNSPECIFIED, 8080)).is_err());
        network.detach("task1/web").await.unwrap();
        network
            .attach_bridge_container("task2/web", &[tcp(80, 8080)])
            .await
            .unwrap();
    });
}

#[test]
fn dynamic_ports_are_free_and_differ() {
    on_a_host(async |lab| {
        let network = lab.network().await;
        let _listener = TcpListener::bind((Ipv4Addr::UNSPECIFIED, 32768)).unwrap();
        let one = network
            .attach_bridge_container("task1/web", &[tcp(80, 0), tcp(81, 0)])
            .await
            .unwrap();
        let two = network
            .attach_bridge_container("task2/web", &[tcp(80, 0)])
            .await
            .unwrap();
        assert_eq!(one.ports, [tcp(80, 32769), tcp(81, 32770)]);
        assert_eq!(two.ports, [tcp(80, 32771)]);
        serve(Some(&one.netns), 80, "one").await;
        serve(Some(&two.netns), 80, "two").await;
        assert_eq!(ask(None, Ipv4Addr::LOCALHOST, 32769).await, "one to 10.231.0.1");
        assert_eq!(ask(None, Ipv4Addr::LOCALHOST, 32771).await, "two to 10.231.0.1");
    });
}
