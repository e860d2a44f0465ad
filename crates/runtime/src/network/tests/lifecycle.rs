//! What outlives the agent, and what does not.

use std::collections::BTreeSet;
use std::fs;
use std::net::{Ipv4Addr, TcpListener};

use domain::served_network::Exit;

use super::lab::{Lab, ask, eni, is_silent, on_a_host, serve, tcp};
use super::networks::open_to_all;
use crate::network::records::{Attachment, Kind, Records, Stage};
use crate::network::{Network, NetworkConfig, NetworkError, links, netns, rules};

#[test]
fn attaching_again_answers_the_same() {
    on_a_host(async |lab| {
        let network = lab.network().await;
        let one = network.attach_task(&eni("vpc-1", 5), "task1").await.unwrap();
        assert_eq!(network.attach_task(&eni("vpc-1", 5), "task1").await.unwrap(), one);
        let other = network.attach_task(&eni("vpc-1", 6), "task1").await;
        assert!(matches!(other, Err(NetworkError::AttachedOtherwise(_))));
        let web = network
            .attach_bridge_container("task2/web", &[tcp(80, 0)])
            .await
            .unwrap();
        assert_eq!(
            network
                .attach_bridge_container("task2/web", &[tcp(80, 0)])
                .await
                .unwrap(),
            web
        );
    });
}

#[test]
fn a_detached_task_is_gone_and_its_address_free() {
    on_a_host(async |lab| {
        let network = lab.network().await;
        let one = network.attach_task(&eni("vpc-1", 5), "task1").await.unwrap();
        let two = network.attach_task(&eni("vpc-1", 6), "task2").await.unwrap();
        network.detach("task1").await.unwrap();
        network.detach("task1").await.unwrap();
        network.detach("never-there").await.unwrap();
        assert!(!one.exists());
        // At once, while the kernel still takes the first link down; by the same task and by another.
        for task in ["task1", "task3"] {
            let again = network.attach_task(&eni("vpc-1", 5), task).await.unwrap();
            serve(Some(&again), 80, "again").await;
            assert_eq!(
                ask(Some(&two), eni("vpc-1", 5).address, 80).await,
                "again to 172.31.0.6"
            );
            network.detach(task).await.unwrap();
        }
    });
}

#[test]
fn detaching_a_task_takes_its_containers_along() {
    on_a_host(async |lab| {
        let network = lab.network().await;
        let web = network
            .attach_bridge_container("task1/web", &[tcp(80, 8080)])
            .await
            .unwrap();
        let side = network.attach_bridge_container("task1/side", &[]).await.unwrap();
        let other = network.isolated("task10/web").await.unwrap();
        serve(Some(&web.netns), 80, "web").await;
        network.detach("task1").await.unwrap();
        assert!(!web.netns.exists() && !side.netns.exists());
        assert!(netns::is_bound(&other));
        assert!(is_silent(None, Ipv4Addr::LOCALHOST, 8080).await);
        TcpListener::bind((Ipv4Addr::UNSPECIFIED, 8080)).expect("the port is free");
    });
}

#[test]
fn an_isolated_container_has_loopback_only() {
    on_a_host(async |lab| {
        let network = lab.network().await;
        let path = network.isolated("task1/web").await.unwrap();
        serve(Some(&path), 80, "web").await;
        assert_eq!(
            ask(Some(&path), Ipv4Addr::LOCALHOST, 80).await,
            "web to 127.0.0.1"
        );
        let namespace = netns::open(path.clone()).await.unwrap();
        assert_eq!(
            links::addresses(&namespace.handle).await.unwrap(),
            [Ipv4Addr::LOCALHOST]
        );
        assert_eq!(links::index_of(&namespace.handle, "eth0").await.unwrap(), None);
    });
}

#[test]
fn a_restarted_agent_keeps_the_living_and_drops_the_rest() {
    on_a_host(async |lab| {
        let network = lab.network().await;
        let web = network
            .attach_bridge_container("task1/web", &[tcp(80, 8080)])
            .await
            .unwrap();
        let gone = network
            .attach_bridge_container("task2/web", &[tcp(80, 8081)])
            .await
            .unwrap();
        let task = network.attach_task(&eni("vpc-1", 5), "task3").await.unwrap();
        network.attach_task(&eni("vpc-2", 5), "task4").await.unwrap();
        serve(Some(&web.netns), 80, "web").await;
        serve(Some(&task), 80, "task").await;
        drop(network);
        let half = leave_half_made(&lab).await;

        let network = lab.network().await;
        assert!(!half.exists());
        let live = ["task1/web".to_owned(), "task3".to_owned()];
        network.restore(&live).await.unwrap();
        assert!(!gone.netns.exists());
        assert_eq!(ask(None, Ipv4Addr::LOCALHOST, 8080).await, "web to 10.231.0.1");
        assert!(TcpListener::bind((Ipv4Addr::UNSPECIFIED, 8080)).is_err());
        TcpListener::bind((Ipv4Addr::UNSPECIFIED, 8081)).expect("the port is free");
        assert!(!lab.state_dir().join("vpcs/vpc-2.json").exists());
        // The VPC is found again: a new task meets the old one.
        let new = network.attach_task(&eni("vpc-1", 6), "task5").await.unwrap();
        assert_eq!(
            ask(Some(&new), eni("vpc-1", 5).address, 80).await,
            "task to 172.31.0.6"
        );
        let next = network
            .attach_bridge_container("task6/web", &[tcp(80, 0)])
            .await
            .unwrap();
        assert_ne!(next.address, web.address);
        assert_eq!(
            network
                .attach_bridge_container("task1/web", &[tcp(80, 8080)])
                .await
                .unwrap(),
            web
        );
    });
}

/// As if the agent had died while it attached a container.
async fn leave_half_made(lab: &Lab) -> std::path::PathBuf {
    let records = Records::open(&lab.state_dir()).unwrap();
    let key = "task9/half".to_owned();
    let path = records.namespace(&key);
    records
        .save(&Attachment {
            key,
            stage: Stage::Making,
            kind: Kind::Isolated,
        })
        .unwrap();
    netns::create(path.clone(), netns::TASK_SETTINGS).await.unwrap();
    path
}

#[test]
fn after_a_reboot_nothing_is_attached() {
    on_a_host(async |lab| {
        let network = lab.network().await;
        let web = network
            .attach_bridge_container("task1/web", &[tcp(80, 8080)])
            .await
            .unwrap();
        let task = network.attach_task(&eni("vpc-1", 5), "task2").await.unwrap();
        network.clone().remove_all().await.unwrap();
        drop(network);
        // The files are there, the mounts are not.
        let records = Records::open(&lab.state_dir()).unwrap();
        let kind = Kind::Bridge {
            address: web.address,
            ports: vec![(&tcp(80, 8080)).into()],
        };
        records
            .save(&Attachment {
                key: "task1/web".to_owned(),
                stage: Stage::Ready,
                kind,
            })
            .unwrap();
        fs::write(&web.netns, "").unwrap();

        let network = lab.network().await;
        assert!(!web.netns.exists());
        assert_eq!(
            network.attach_task(&eni("vpc-1", 5), "task2").await.unwrap(),
            task
        );
        network
            .attach_bridge_container("task3/web", &[tcp(80, 8080)])
            .await
            .unwrap();
    });
}

#[test]
fn removing_all_leaves_nothing_behind() {
    on_a_host(async |lab| {
        let network = lab.network().await;
        network
            .attach_bridge_container("task1/web", &[tcp(80, 8080)])
            .await
            .unwrap();
        network.attach_task(&eni("vpc-1", 5), "task2").await.unwrap();
        network.remove_all().await.unwrap();
        let host = netns::open_links().unwrap();
        assert_eq!(links::index_of(&host, "gantry0").await.unwrap(), None);
        let missing = rules::load(rules::spawn().unwrap(), "list table ip gantry").await;
        assert!(missing.unwrap_err().to_string().contains("No such file"));
        assert_eq!(fs::read_dir(lab.state_dir().join("netns")).unwrap().count(), 0);
    });
}

#[test]
fn files_of_a_newer_version_are_left_alone() {
    on_a_host(async |lab| {
        let records = Records::open(&lab.state_dir()).unwrap();
        let file = lab.state_dir().join("attachments/new.json");
        fs::write(&file, r#"{"version":2,"what":"unknown"}"#).unwrap();
        let refusal = Network::open(NetworkConfig::new(lab.state_dir()))
            .await
            .err()
            .unwrap();
        assert!(matches!(refusal, NetworkError::NewerState { version: 2, .. }));
        assert!(file.exists());
        // One cut off by a crash of the machine only costs what it described.
        fs::write(&file, "{\"ver").unwrap();
        lab.network().await;
        assert!(!file.exists() && records.attachments().unwrap().is_empty());
    });
}

#[test]
fn two_instances_share_a_host() {
    on_a_host(async |lab| {
        let one = lab.network().await;
        let config = NetworkConfig {
            instance: "second".to_owned(),
            bridge_cidr: (Ipv4Addr::new(10, 232, 0, 0), 16),
            ..NetworkConfig::new(lab.state_dir().join("second"))
        };
        let two = Network::open(config).await.unwrap();
        two.filter(open_to_all(Exit::Public)).await.unwrap();
        let first = one
            .attach_bridge_container("task1/web", &[tcp(80, 8080)])
            .await
            .unwrap();
        let second = two
            .attach_bridge_container("task1/web", &[tcp(80, 8081)])
            .await
            .unwrap();
        assert!(
            two.attach_bridge_container("task2/web", &[tcp(80, 8080)])
                .await
                .is_err()
        );
        one.attach_task(&eni("vpc-1", 5), "task3").await.unwrap();
        let task = two.attach_task(&eni("vpc-1", 6), "task3").await.unwrap();
        serve(Some(&first.netns), 80, "first").await;
        serve(Some(&second.netns), 80, "second").await;
        assert_eq!(ask(None, Ipv4Addr::LOCALHOST, 8080).await, "first to 10.231.0.1");
        assert_eq!(ask(None, Ipv4Addr::LOCALHOST, 8081).await, "second to 10.232.0.1");
        assert_eq!(
            ask(Some(&task), super::lab::HOST, 8080).await,
            "first to 10.231.0.1"
        );
    });
}

#[test]
fn many_attach_at_once() {
    on_a_host(async |lab| {
        let network = lab.network().await;
        let mut work = tokio::task::JoinSet::new();
        for number in 0..20_u8 {
            let network = network.clone();
            work.spawn(async move {
                let key = format!("task{number}");
                network
                    .attach_task(&eni("vpc-1", 100 + number), &key)
                    .await
                    .unwrap();
                let web = format!("bridge{number}/web");
                let web = network
                    .attach_bridge_container(&web, &[tcp(80, 0)])
                    .await
                    .unwrap();
                (web.address, web.ports[0].host_port)
            });
        }
        let got = work.join_all().await;
        let addresses: BTreeSet<_> = got.iter().map(|(address, _)| address).collect();
        let ports: BTreeSet<_> = got.iter().map(|(_, port)| port).collect();
        assert_eq!((addresses.len(), ports.len()), (20, 20));
        let records = Records::open(&lab.state_dir()).unwrap();
        let first = records.namespace("task0");
        for number in 1..20_u8 {
            serve(Some(&records.namespace(&format!("task{number}"))), 80, "task").await;
            assert_eq!(
                ask(Some(&first), eni("vpc-1", 100 + number).address, 80).await,
                "task to 172.31.0.100"
            );
        }
        for number in 0..20 {
            network.detach(&format!("task{number}")).await.unwrap();
        }
    });
}
