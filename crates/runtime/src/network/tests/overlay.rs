//! VPCs on several hosts.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpStream};
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use super::lab::{Lab, OtherHost, ask, echo, eni, from, is_silent, on_a_host, serve};
use crate::network::{Network, NetworkError, Overlay, OverlayHost};

const FIRST: OverlayHost = OverlayHost {
    number: 1,
    address: Ipv4Addr::new(192, 0, 2, 1),
};
const SECOND: OverlayHost = OverlayHost {
    number: 2,
    address: Ipv4Addr::new(192, 0, 2, 2),
};

fn overlay(vni: u32, own: OverlayHost, other: OverlayHost, there: &[u8]) -> Overlay {
    let addresses: BTreeSet<Ipv4Addr> = there.iter().map(|it| eni("vpc-1", *it).address).collect();
    Overlay {
        vni,
        own,
        others: BTreeMap::from([(other, addresses)]),
    }
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
        network
            .set_overlay("vpc-1", overlay(7, FIRST, SECOND, &[6]))
            .await
            .unwrap();
        let near = network.attach_task(&eni("vpc-1", 5), "near").await.unwrap();
        serve(Some(&near), 80, "near").await;
        assert!(is_silent(Some(&near), eni("vpc-1", 6).address, 80).await);
        other
            .run(move |_| async move {
                let back = overlay(7, SECOND, FIRST, &[5]);
                there.set_overlay("vpc-1", back).await.unwrap();
            })
            .await;

        let answer = ask(Some(&near), eni("vpc-1", 6).address, 80).await;
        assert_eq!(answer, "far to 172.31.0.5");
        let answer = other.run(move |_| async move { ask(Some(&far), eni("vpc-1", 5).address, 80).await });
        assert_eq!(answer.await, "near to 172.31.0.6");
        // The host itself too, with its address inside of tunnels.
        let answer = ask(None, eni("vpc-1", 6).address, 80).await;
        assert_eq!(answer, "far to 169.254.192.1");

        network
            .set_overlay("vpc-1", overlay(7, FIRST, SECOND, &[]))
            .await
            .unwrap();
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
                let back = overlay(7, SECOND, FIRST, &[5]);
                there.set_overlay("vpc-1", back).await.unwrap();
            })
            .await;
        let network = lab.network().await;
        let near = network.attach_task(&eni("vpc-1", 5), "near").await.unwrap();
        let wanted = overlay(7, FIRST, SECOND, &[6, 9]);
        network.set_overlay("vpc-1", wanted).await.unwrap();
        drop(network);

        let network = lab.network().await;
        let far = eni("vpc-1", 6).address;
        assert_eq!(ask(Some(&near), far, 80).await, "far to 172.31.0.5");
        // 172.31.0.9 is not there any more.
        let wanted = overlay(7, FIRST, SECOND, &[6]);
        network.set_overlay("vpc-1", wanted).await.unwrap();
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
                let back = overlay(8, SECOND, FIRST, &[5]);
                there.set_overlay("vpc-2", back).await.unwrap();
            })
            .await;
        let network = lab.network().await;
        let near = network.attach_task(&eni("vpc-1", 5), "near").await.unwrap();
        let wanted = overlay(7, FIRST, SECOND, &[6]);
        network.set_overlay("vpc-1", wanted).await.unwrap();
        assert!(is_silent(Some(&near), eni("vpc-1", 6).address, 80).await);
    });
}

#[test]
fn a_host_number_that_has_no_address_is_refused() {
    on_a_host(async |lab| {
        let network = lab.network().await;
        network.attach_task(&eni("vpc-1", 5), "near").await.unwrap();
        let far = OverlayHost {
            number: u16::MAX,
            ..SECOND
        };
        for wanted in [overlay(7, far, FIRST, &[6]), overlay(7, FIRST, far, &[6])] {
            let refusal = network.set_overlay("vpc-1", wanted).await;
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
        let third = OverlayHost {
            number: 3,
            address: Ipv4Addr::new(192, 0, 2, 3),
        };
        let mut wanted = overlay(7, FIRST, SECOND, &[6]);
        wanted.others.insert(third, BTreeSet::new());
        network.set_overlay("vpc-1", wanted).await.unwrap();
        let before = ways(&lab).await;
        assert!(
            before.contains("192.0.2.2") && before.contains("192.0.2.3"),
            "{before}"
        );
        drop(network);

        let network = lab.network().await;
        // One is gone, the other one has another address.
        let moved = OverlayHost {
            address: Ipv4Addr::new(192, 0, 2, 22),
            ..SECOND
        };
        network
            .set_overlay("vpc-1", overlay(7, FIRST, moved, &[6]))
            .await
            .unwrap();
        let after = ways(&lab).await;
        let lines: Vec<&str> = after.lines().filter(|it| it.contains("dst")).collect();
        assert!(lines.len() == 1 && lines[0].contains("192.0.2.22"), "{after}");
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
                let back = overlay(7, SECOND, FIRST, &[5]);
                there.set_overlay("vpc-1", back).await.unwrap();
                echo(&far, 81).await;
            })
            .await;
        let network = lab.network().await;
        network
            .set_overlay("vpc-1", overlay(7, FIRST, SECOND, &[6]))
            .await
            .unwrap();
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
