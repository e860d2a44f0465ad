//! A thousand tasks come and go: the host is as before.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use agent::host::Eni;
use domain::network_traffic::Traffic;
use domain::served_network::{InterfaceKey, NetworksMessage, ServedInterface};
use tokio::io::AsyncWriteExt;
use tokio::task::JoinSet;

use super::lab::{Lab, ask, eni, from, on_a_host};
use super::networks::{all_out, allow_in, from_group, group, interface, vpc, whole};
use crate::network::conntrack::Connections;
use crate::network::{Network, NetworkError};

/// Tasks at one time, and how often so many come and go.
const AT_ONCE: u16 = 50;
const WAVES: u16 = 20;
/// One in so many is asked something.
const ASKED: u16 = 10;
/// How long the kernel may take links down that nobody needs any more.
const DEADLINE: Duration = Duration::from_secs(60);

/// What the host has, by what it is.
type Held = BTreeMap<&'static str, Vec<String>>;

/// What each command shows of a namespace.
const COMMANDS: [(&str, &[&str]); 4] = [
    ("links", &["ip", "-o", "link"]),
    ("addresses", &["ip", "-4", "-o", "address"]),
    ("routes", &["ip", "-4", "route", "show", "table", "all"]),
    ("rules", &["nft", "list", "ruleset"]),
];

async fn shown(place: Option<&Path>) -> Vec<(&'static str, Vec<String>)> {
    let look = || {
        let mut found = Vec::new();
        for (what, command) in COMMANDS {
            let output = Command::new(command[0]).args(&command[1..]).output().unwrap();
            assert!(output.status.success(), "{command:?}");
            let text = String::from_utf8(output.stdout).unwrap();
            // Elements of sets come in any order.
            let words = text.split([',', '\n']).map(|it| it.trim().to_owned());
            found.push((what, words.collect()));
        }
        let tracked = Connections::open().and_then(|it| it.all());
        let tracked = tracked.map_err(NetworkError::netlink_io("list connections"))?;
        let tracked = tracked
            .iter()
            .map(|it| format!("{:?} {:?}", it.original, it.reply));
        found.push(("connections", tracked.collect()));
        Ok(found)
    };
    from(place, look).await
}

fn files(directory: &Path, found: &mut Vec<String>) {
    for entry in std::fs::read_dir(directory).unwrap().flatten() {
        match entry.file_type().unwrap().is_dir() {
            true => files(&entry.path(), found),
            false => found.push(entry.path().display().to_string()),
        }
    }
}

async fn held(lab: &Lab) -> Held {
    let mut held = Held::new();
    for place in [None, Some(lab.vpc_namespace("vpc-1"))] {
        for (what, lines) in shown(place.as_deref()).await {
            held.entry(what).or_default().extend(lines);
        }
    }
    let mut found = Vec::new();
    files(&lab.state_dir(), &mut found);
    held.insert("files", found);
    let mounts = std::fs::read_to_string("/proc/thread-self/mountinfo").unwrap();
    let state = lab.state_dir().display().to_string();
    let mounts = mounts.lines().filter_map(|it| it.split(' ').nth(4));
    let ours = mounts.filter(|it| it.starts_with(&state)).map(str::to_owned);
    held.insert("mounts", ours.collect());
    for lines in held.values_mut() {
        lines.sort();
    }
    // Sockets and namespaces that somebody has forgotten to close.
    let open = std::fs::read_dir("/proc/self/fd").unwrap().count();
    held.insert("open files", vec![open.to_string()]);
    held
}

/// Answers one client at port 80, and lets go of the namespace.
async fn serve_once(namespace: &Path) {
    let listen = || {
        let listener = TcpListener::bind((Ipv4Addr::UNSPECIFIED, 80)).unwrap();
        listener.set_nonblocking(true).unwrap();
        Ok(tokio::net::TcpListener::from_std(listener).unwrap())
    };
    let listener = from(Some(namespace), listen).await;
    tokio::spawn(async move {
        let (mut client, peer) = listener.accept().await.unwrap();
        let text = format!("task to {}", peer.ip());
        client.write_all(text.as_bytes()).await.unwrap();
    });
}

/// In the VPC; the kernel takes them down when it has time.
async fn links_of_tasks(lab: &Lab) -> usize {
    let list = || Ok(std::fs::read_to_string("/proc/thread-self/net/dev").unwrap());
    let text = from(Some(&lab.vpc_namespace("vpc-1")), list).await;
    let names = text.lines().filter_map(|it| it.split_once(':'));
    let names = names.map(|(name, _)| name.trim());
    names.filter(|it| !matches!(*it, "lo" | "host0")).count()
}

fn task(wave: u16, number: u16) -> (Eni, String) {
    let address = u32::from(Ipv4Addr::new(172, 31, 0, 0)) + 64 + u32::from(number);
    let address = Ipv4Addr::from(address);
    let [.., high, low] = address.octets();
    let eni = Eni {
        address,
        mac_address: format!("02:42:ac:1f:{high:02x}:{low:02x}"),
        ..eni("vpc-1", 0)
    };
    (eni, format!("{wave:08x}{number:08x}"))
}

fn member(eni: &Eni) -> ServedInterface {
    ServedInterface {
        key: InterfaceKey {
            vpc_id: eni.vpc_id.clone(),
            address: eni.address,
        },
        ..interface("vpc-1", 70, &["sg-tasks"])
    }
}

/// Some tasks come, one in ten serves, and all go again.
async fn wave(network: &Network, keeper: &Path, wave: u16) {
    let all: Vec<(Eni, String)> = (0..AT_ONCE).map(|number| task(wave, number)).collect();
    let message = NetworksMessage {
        interfaces: all.iter().map(|(eni, _)| member(eni)).collect(),
        ..NetworksMessage::default()
    };
    network.filter(message).await.unwrap();
    let mut coming = JoinSet::new();
    for (number, (eni, key)) in (0_u16..).zip(all.clone()) {
        let (network, keeper) = (network.clone(), keeper.to_owned());
        coming.spawn(async move {
            let namespace: PathBuf = network.attach_task(&eni, &key).await.unwrap();
            if number % ASKED == 0 {
                serve_once(&namespace).await;
                assert_eq!(ask(Some(&keeper), eni.address, 80).await, "task to 172.31.0.5");
            }
        });
    }
    coming.join_all().await;
    let mut going = JoinSet::new();
    for (_, key) in all.clone() {
        let network = network.clone();
        going.spawn(async move { network.detach(&key).await.unwrap() });
    }
    going.join_all().await;
    let message = NetworksMessage {
        gone: all.iter().map(|(eni, _)| member(eni).key).collect(),
        ..NetworksMessage::default()
    };
    network.filter(message).await.unwrap();
}

#[test]
fn a_thousand_tasks_leave_nothing() {
    on_a_host(async |lab| {
        let network = lab.untold_network().await;
        let rules = [
            all_out(),
            // Connections of members are tracked.
            allow_in(Traffic::All, from_group("sg-tasks")),
        ];
        let keeper = interface("vpc-1", 5, &["sg-tasks"]);
        let message = whole(vec![vpc("vpc-1", vec![group("sg-tasks", &rules)])], vec![keeper]);
        network.filter(message).await.unwrap();
        let keeper = network.attach_task(&eni("vpc-1", 5), "keeper").await.unwrap();
        // What the first tasks leave is there for those that follow: joined groups, sockets, threads.
        wave(&network, &keeper, 0).await;
        let end = Instant::now() + DEADLINE;
        let links = links_of_tasks(&lab).await;
        while links_of_tasks(&lab).await > 1 {
            assert!(Instant::now() < end, "{links} links are left");
        }
        let before = held(&lab).await;
        let begun = Instant::now();
        for number in 1..=WAVES {
            wave(&network, &keeper, number).await;
        }
        println!("{} tasks came and went in {:?}", WAVES * AT_ONCE, begun.elapsed());
        let end = Instant::now() + DEADLINE;
        let mut after = held(&lab).await;
        while after != before && Instant::now() < end {
            after = held(&lab).await;
        }
        for (what, lines) in &before {
            assert_eq!(after[what], *lines, "{what}");
        }
    });
}
