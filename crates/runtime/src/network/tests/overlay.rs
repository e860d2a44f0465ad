//! VPCs on several hosts.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpStream};
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use domain::served_network::{Exit, NetworksMessage, ServedHost, ServedInterface};

use super::lab::{Lab, OtherHost, ask, echo, eni, from, is_silent, on_a_host, serve};
use super::networks::{self, all_out, allow_in, from_group, group, interface, tcp_port, vpc, whole};
use crate::network::{Network, NetworkError};

const FIRST: ServedHost = ServedHost {
    number: 1,
    address: Ipv4Addr::new(192, 0, 2, 1),
};
const SECOND: ServedHost = ServedHost {
    number: 2,
    address: Ipv4Addr::new(192, 0, 2, 2),
};

/// What a host is told where everything passes: the VPCs have this number and the next, and of the first those last bytes
/// are on the other host.
fn told(vni: u32, own: ServedHost, other: ServedHost, there: &[u8]) -> NetworksMessage {
    let mut message = networks::open_to_all(Exit::Public);
    message.own = Some(own.number);
    message.hosts = vec![own, other];
    for (vpc, vni) in message.vpcs.iter_mut().zip(vni..) {
        vpc.vni = vni;
    }
    for it in &mut message.interfaces {
        let is_there = there.contains(&it.key.address.octets()[3]);
        it.host = Some(if is_there { other.number } else { own.number });
    }
    message
}

/// A task on the other host, which serves its name at port 80.
async fn task(other: &OtherHost, vpc: &'static str, last: u8, name: &'static str) -> (Network, PathBuf) {
    other
        .run(move |lab| async move {
            let network = lab.network().await;
            let task = network.attach_task(&eni(vpc, last), name).await.unwrap();
            serve(Some(&task), 80, name).await;
            (network, task)
        })
        .await
}

#[test]
fn tasks_reach_each_other_on_other_hosts() {
    on_a_host(async |lab| {
        let other = OtherHost::beside(FIRST.address, SECOND.address).await;
        let (there, far) = task(&other, "vpc-1", 6, "far").await;
        let network = lab.network().await;
        // One of them is told before it has the VPC, the other one after.
        network.filter(told(7, FIRST, SECOND, &[6])).await.unwrap();
        let near = network.attach_task(&eni("vpc-1", 5), "near").await.unwrap();
        serve(Some(&near), 80, "near").await;
        assert!(is_silent(Some(&near), eni("vpc-1", 6).address, 80).await);
        other
            .run(move |_| async move {
                let back = told(7, SECOND, FIRST, &[5]);
                there.filter(back).await.unwrap();
            })
            .await;

        let answer = ask(Some(&near), eni("vpc-1", 6).address, 80).await;
        assert_eq!(answer, "far to 172.31.0.5");
        let answer = other.run(move |_| async move { ask(Some(&far), eni("vpc-1", 5).address, 80).await });
        assert_eq!(answer.await, "near to 172.31.0.6");
        // The host itself too, with its address inside of tunnels.
        let answer = ask(None, eni("vpc-1", 6).address, 80).await;
        assert_eq!(answer, "far to 169.254.192.1");

        network.filter(told(7, FIRST, SECOND, &[])).await.unwrap();
        assert!(
            ask(Some(&near), eni("vpc-1", 6).address, 80)
                .await
                .contains("No route to host")
        );
    });
}

#[test]
fn an_overlay_is_taken_up_after_a_restart_and_follows_what_has_changed() {
    on_a_host(async |lab| {
        let other = OtherHost::beside(FIRST.address, SECOND.address).await;
        let (there, _) = task(&other, "vpc-1", 6, "far").await;
        other
            .run(move |_| async move {
                let back = told(7, SECOND, FIRST, &[5]);
                there.filter(back).await.unwrap();
            })
            .await;
        let network = lab.network().await;
        let near = network.attach_task(&eni("vpc-1", 5), "near").await.unwrap();
        let wanted = told(7, FIRST, SECOND, &[6, 9]);
        network.filter(wanted).await.unwrap();
        drop(network);

        let network = lab.network().await;
        let far = eni("vpc-1", 6).address;
        assert_eq!(ask(Some(&near), far, 80).await, "far to 172.31.0.5");
        // 172.31.0.9 is not there any more.
        let wanted = told(7, FIRST, SECOND, &[6]);
        network.filter(wanted).await.unwrap();
        assert_eq!(ask(Some(&near), far, 80).await, "far to 172.31.0.5");
        let gone = ask(Some(&near), eni("vpc-1", 9).address, 80).await;
        assert!(gone.contains("No route to host"), "{gone}");
    });
}

#[test]
fn equal_ranges_do_not_meet_on_other_hosts_either() {
    on_a_host(async |lab| {
        let other = OtherHost::beside(FIRST.address, SECOND.address).await;
        let (there, _) = task(&other, "vpc-2", 6, "stranger").await;
        other
            .run(move |_| async move {
                let back = told(8, SECOND, FIRST, &[5]);
                there.filter(back).await.unwrap();
            })
            .await;
        let network = lab.network().await;
        let near = network.attach_task(&eni("vpc-1", 5), "near").await.unwrap();
        let wanted = told(7, FIRST, SECOND, &[6]);
        network.filter(wanted).await.unwrap();
        assert!(is_silent(Some(&near), eni("vpc-1", 6).address, 80).await);
    });
}

#[test]
fn a_host_number_that_has_no_address_is_refused() {
    on_a_host(async |lab| {
        let network = lab.network().await;
        network.attach_task(&eni("vpc-1", 5), "near").await.unwrap();
        let far = ServedHost {
            number: u16::MAX,
            ..SECOND
        };
        for wanted in [told(7, far, FIRST, &[6]), told(7, FIRST, far, &[6])] {
            let refusal = network.filter(wanted).await;
            assert!(matches!(refusal, Err(NetworkError::InvalidConfig(_))));
        }
    });
}

/// What `bridge fdb` shows of a VPC's link to other hosts.
async fn ways(lab: &Lab) -> String {
    let list = || {
        let output = Command::new("bridge")
            .args(["fdb", "show", "dev", "vx0"])
            .output();
        Ok(String::from_utf8(output.unwrap().stdout).unwrap())
    };
    from(Some(&lab.vpc_namespace("vpc-1")), list).await
}

#[test]
fn a_host_that_went_while_no_agent_ran_is_forgotten() {
    on_a_host(async |lab| {
        let network = lab.network().await;
        network.attach_task(&eni("vpc-1", 5), "near").await.unwrap();
        let third = ServedHost {
            number: 3,
            address: Ipv4Addr::new(192, 0, 2, 3),
        };
        let mut wanted = told(7, FIRST, SECOND, &[6]);
        wanted.hosts.push(third);
        wanted.interfaces[7].host = Some(third.number);
        network.filter(wanted).await.unwrap();
        let before = ways(&lab).await;
        assert!(
            before.contains("192.0.2.2") && before.contains("192.0.2.3"),
            "{before}"
        );
        drop(network);

        let network = lab.network().await;
        // One is gone, the other one has another address.
        let moved = ServedHost {
            address: Ipv4Addr::new(192, 0, 2, 22),
            ..SECOND
        };
        network.filter(told(7, FIRST, moved, &[6])).await.unwrap();
        let after = ways(&lab).await;
        let lines: Vec<&str> = after.lines().filter(|it| it.contains("dst")).collect();
        assert!(lines.len() == 1 && lines[0].contains("192.0.2.22"), "{after}");
    });
}

/// What the host lets in of other hosts' tunnels.
async fn let_in() -> String {
    let list = || {
        let output = Command::new("nft")
            .args(["list", "set", "ip", "gantry", "hosts"])
            .output();
        Ok(String::from_utf8(output.unwrap().stdout).unwrap())
    };
    from(None, list).await
}

#[test]
fn a_host_without_others_has_no_tunnel_and_lets_none_in() {
    on_a_host(async |lab| {
        let network = lab.network().await;
        network.attach_task(&eni("vpc-1", 5), "near").await.unwrap();
        network.filter(told(7, FIRST, SECOND, &[])).await.unwrap();
        assert_eq!(ways(&lab).await, "", "there is no link");
        assert!(!let_in().await.contains("192.0.2"));
        network.filter(told(7, FIRST, SECOND, &[6])).await.unwrap();
        assert!(ways(&lab).await.contains("192.0.2.2"));
        assert!(let_in().await.contains("192.0.2.2"));
        // Its last interface goes, then the host itself.
        let gone = told(7, FIRST, SECOND, &[]);
        network.filter(gone.clone()).await.unwrap();
        assert_eq!(ways(&lab).await, "");
        network
            .filter(NetworksMessage {
                hosts: vec![FIRST],
                ..gone
            })
            .await
            .unwrap();
        assert!(!let_in().await.contains("192.0.2"));
    });
}

#[test]
fn a_host_that_got_another_number_is_found_by_it() {
    on_a_host(async |lab| {
        let other = OtherHost::beside(FIRST.address, SECOND.address).await;
        let (there, far) = task(&other, "vpc-1", 6, "far").await;
        let network = lab.network().await;
        let near = network.attach_task(&eni("vpc-1", 5), "near").await.unwrap();
        serve(Some(&near), 80, "near").await;
        for number in [2, 5] {
            let second = ServedHost { number, ..SECOND };
            network.filter(told(7, FIRST, second, &[6])).await.unwrap();
            let (network, far) = (there.clone(), far.clone());
            let answer = other.run(move |_| async move {
                network.filter(told(7, second, FIRST, &[5])).await.unwrap();
                ask(Some(&far), eni("vpc-1", 5).address, 80).await
            });
            assert_eq!(answer.await, "near to 172.31.0.6");
        }
        // The next agent is told a number that is not that of the link it finds.
        drop(there);
        let third = ServedHost { number: 6, ..SECOND };
        network.filter(told(7, FIRST, third, &[6])).await.unwrap();
        let answer = other.run(move |lab| async move {
            let network = lab.network().await;
            network.filter(told(7, third, FIRST, &[5])).await.unwrap();
            ask(Some(&far), eni("vpc-1", 5).address, 80).await
        });
        assert_eq!(answer.await, "near to 172.31.0.6");
    });
}

/// .5 is in `sg-web`, which lets the group of the one who asks in at port 80. Of .6 and .7 one `asks`.
fn guarded(asks: u8) -> NetworksMessage {
    let groups = vec![
        group("sg-web", &[allow_in(tcp_port(80), from_group("sg-asks"))]),
        group("sg-asks", &[all_out()]),
        group("sg-none", &[all_out()]),
    ];
    let interfaces = [5, 6, 7].map(|last| {
        let (host, group) = match last {
            5 => (FIRST, "sg-web"),
            _ if last == asks => (SECOND, "sg-asks"),
            _ => (SECOND, "sg-none"),
        };
        ServedInterface {
            host: Some(host.number),
            subnet_id: "subnet-0".to_owned(),
            ..interface("vpc-1", last, &[group])
        }
    });
    let mut message = whole(vec![vpc("vpc-1", groups)], interfaces.into());
    message.vpcs[0].vni = 7;
    message.own = Some(FIRST.number);
    message.hosts = vec![FIRST, SECOND];
    message
}

#[test]
fn security_groups_filter_what_comes_from_other_hosts() {
    on_a_host(async |lab| {
        let other = OtherHost::beside(FIRST.address, SECOND.address).await;
        let network = lab.untold_network().await;
        let near = network.attach_task(&eni("vpc-1", 5), "near").await.unwrap();
        serve(Some(&near), 80, "near").await;
        serve(Some(&near), 81, "closed").await;
        // There everything passes, so it is the host of the one asked that filters.
        let there = other.run(|lab| async move {
            let network = lab.network().await;
            network.filter(told(7, SECOND, FIRST, &[5])).await.unwrap();
            network
        });
        let there = there.await;
        let asks = |last: u8, port: u16| {
            let network = there.clone();
            other.run(move |_| async move {
                let key = format!("task-{last}");
                let task = network.attach_task(&eni("vpc-1", last), &key).await.unwrap();
                match is_silent(Some(&task), eni("vpc-1", 5).address, port).await {
                    true => "silence".to_owned(),
                    false => ask(Some(&task), eni("vpc-1", 5).address, port).await,
                }
            })
        };
        // The second time it is the other one's turn: membership is followed at once.
        for (member, stranger) in [(7, 6), (6, 7)] {
            network.filter(guarded(member)).await.unwrap();
            assert_eq!(asks(member, 80).await, format!("near to 172.31.0.{member}"));
            assert_eq!(asks(member, 81).await, "silence");
            assert_eq!(asks(stranger, 80).await, "silence");
        }
    });
}

/// Packets that the host has had to cut up.
async fn cut_up() -> String {
    let read = || {
        let text = std::fs::read_to_string("/proc/thread-self/net/snmp").unwrap();
        let mut lines = text.lines().filter(|it| it.starts_with("Ip: "));
        let names = lines.next().unwrap().split(' ');
        let mut pairs = names.zip(lines.next().unwrap().split(' '));
        let found = pairs.find(|(name, _)| *name == "FragCreates");
        Ok(found.unwrap().1.to_owned())
    };
    from(None, read).await
}

#[test]
fn what_goes_through_a_tunnel_fits_into_packets_of_the_host() {
    const MANY: usize = 1 << 20;
    on_a_host(async |lab| {
        let other = OtherHost::beside(FIRST.address, SECOND.address).await;
        let (there, far) = task(&other, "vpc-1", 6, "far").await;
        other
            .run(move |_| async move {
                let back = told(7, SECOND, FIRST, &[5]);
                there.filter(back).await.unwrap();
                echo(&far, 81).await;
            })
            .await;
        let network = lab.network().await;
        network.filter(told(7, FIRST, SECOND, &[6])).await.unwrap();
        let near = network.attach_task(&eni("vpc-1", 5), "near").await.unwrap();
        let address = eni("vpc-1", 6).address;
        assert_eq!(ask(Some(&near), address, 80).await, "far to 172.31.0.5");
        let there_and_back = move || {
            let mut stream = TcpStream::connect((address, 81)).unwrap();
            stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
            let mut writer = stream.try_clone().unwrap();
            let writing = std::thread::spawn(move || writer.write_all(&vec![7; MANY]).unwrap());
            let mut back = vec![0; MANY];
            stream.read_exact(&mut back).unwrap();
            writing.join().unwrap();
            Ok(back.iter().all(|it| *it == 7))
        };
        assert!(from(Some(&near), there_and_back).await);
        assert_eq!(cut_up().await, "0");
        assert_eq!(other.run(|_| cut_up()).await, "0");
    });
}
