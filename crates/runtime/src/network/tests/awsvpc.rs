//! `awsvpc`: tasks on routed links of a VPC.

use std::net::Ipv4Addr;

use futures_util::TryStreamExt;
use rtnetlink::packet_route::link::LinkAttribute;

use super::lab::{HOST, OUTSIDE, ask, datagram_arrives, eni, is_silent, on_a_host, range, serve};
use crate::network::links::{self, UPLINK_INDEX};
use crate::network::{NetworkError, netns};

#[test]
fn tasks_reach_each_other_the_host_and_beyond() {
    on_a_host(async |lab| {
        let network = lab.network().await;
        let one = network.attach_task(&eni("vpc-1", 5), "task1").await.unwrap();
        let two = network.attach_task(&eni("vpc-1", 6), "task2").await.unwrap();
        serve(Some(&two), 80, "two").await;
        serve(None, 8000, "host").await;
        serve(Some(&lab.outside), 443, "outside").await;

        assert_eq!(
            ask(Some(&one), eni("vpc-1", 6).address, 80).await,
            "two to 172.31.0.5"
        );
        assert_eq!(
            ask(Some(&two), eni("vpc-1", 6).address, 80).await,
            "two to 172.31.0.6"
        );
        assert_eq!(ask(Some(&two), Ipv4Addr::LOCALHOST, 80).await, "two to 127.0.0.1");
        assert_eq!(
            ask(None, eni("vpc-1", 6).address, 80).await,
            "two to 169.254.172.0"
        );
        // What listens on the host is nothing to tasks.
        assert!(is_silent(Some(&one), HOST, 8000).await);
        assert!(is_silent(Some(&one), Ipv4Addr::new(169, 254, 172, 0), 8000).await);
        assert_eq!(ask(Some(&one), OUTSIDE, 443).await, format!("outside to {HOST}"));
        // An address of the VPC that no task has is refused at once instead of going out.
        assert!(
            ask(Some(&one), Ipv4Addr::new(172, 31, 9, 9), 80)
                .await
                .contains("No route to host")
        );
    });
}

#[test]
fn the_interface_is_as_the_eni_says() {
    on_a_host(async |lab| {
        let network = lab.network().await;
        let path = network
            .attach_task(&eni("vpc-1", 0x2a), "0123456789abcdef0123456789abcdef")
            .await
            .unwrap();
        let task = netns::open(path).await.unwrap();
        assert_eq!(
            links::index_of(&task.handle, "eth0").await.unwrap(),
            Some(UPLINK_INDEX)
        );
        let addresses = links::addresses(&task.handle).await.unwrap();
        assert_eq!(addresses, [Ipv4Addr::LOCALHOST, Ipv4Addr::new(172, 31, 0, 0x2a)]);
        let link = task
            .handle
            .link()
            .get()
            .match_index(UPLINK_INDEX)
            .execute()
            .try_next()
            .await
            .unwrap()
            .unwrap();
        assert!(
            link.attributes
                .contains(&LinkAttribute::Address(vec![0x02, 0x42, 0xac, 0x1f, 0x00, 0x2a]))
        );
    });
}

#[test]
fn equal_ranges_of_two_vpcs_do_not_meet() {
    on_a_host(async |lab| {
        let network = lab.network().await;
        let one = network.attach_task(&eni("vpc-1", 5), "task1").await.unwrap();
        let same = network.attach_task(&eni("vpc-2", 5), "task2").await.unwrap();
        let other = network.attach_task(&eni("vpc-2", 6), "task3").await.unwrap();
        serve(Some(&one), 80, "one").await;
        serve(Some(&same), 80, "same").await;
        serve(Some(&lab.outside), 443, "outside").await;
        assert_eq!(
            ask(Some(&other), eni("vpc-2", 5).address, 80).await,
            "same to 172.31.0.6"
        );
        // The host's route leads to the first; both get out.
        assert_eq!(
            ask(None, eni("vpc-1", 5).address, 80).await,
            "one to 169.254.172.0"
        );
        assert_eq!(
            ask(Some(&other), OUTSIDE, 443).await,
            format!("outside to {HOST}")
        );
        assert_eq!(ask(Some(&one), OUTSIDE, 443).await, format!("outside to {HOST}"));
    });
}

#[test]
fn vpcs_of_different_ranges_do_not_meet_either() {
    on_a_host(async |lab| {
        let network = lab.network().await;
        let one = network.attach_task(&eni("vpc-1", 5), "task1").await.unwrap();
        let mut far = eni("vpc-2", 5);
        far.vpc_cidr = (Ipv4Addr::new(172, 30, 0, 0), 16);
        far.address = Ipv4Addr::new(172, 30, 0, 5);
        far.gateway = Ipv4Addr::new(172, 30, 0, 1);
        let two = network.attach_task(&far, "task2").await.unwrap();
        serve(Some(&two), 80, "two").await;
        assert_eq!(ask(None, far.address, 80).await, "two to 169.254.172.2");
        assert!(is_silent(Some(&one), far.address, 80).await);
    });
}

#[test]
fn a_range_that_the_host_uses_gets_no_route() {
    on_a_host(async |lab| {
        let host = netns::open_links().unwrap();
        links::add_range_route(&host, range([172, 16, 0, 0], 12), OUTSIDE, 10)
            .await
            .unwrap();
        let network = lab.network().await;
        let one = network.attach_task(&eni("vpc-1", 5), "task1").await.unwrap();
        let two = network.attach_task(&eni("vpc-1", 6), "task2").await.unwrap();
        serve(Some(&two), 80, "two").await;
        serve(Some(&lab.outside), 443, "outside").await;
        assert!(is_silent(None, eni("vpc-1", 6).address, 80).await);
        assert_eq!(
            ask(Some(&one), eni("vpc-1", 6).address, 80).await,
            "two to 172.31.0.5"
        );
        assert_eq!(ask(Some(&one), OUTSIDE, 443).await, format!("outside to {HOST}"));
    });
}

#[test]
fn a_task_cannot_speak_for_another_address() {
    on_a_host(async |lab| {
        let network = lab.network().await;
        let one = network.attach_task(&eni("vpc-1", 5), "task1").await.unwrap();
        let two = network.attach_task(&eni("vpc-1", 6), "task2").await.unwrap();
        let own = eni("vpc-1", 5).address;
        let stolen = eni("vpc-1", 7).address;
        let thief = netns::open(one.clone()).await.unwrap();
        links::add_address(&thief.handle, UPLINK_INDEX, stolen, 32)
            .await
            .unwrap();
        assert!(datagram_arrives(&one, own, &two, eni("vpc-1", 6).address).await);
        assert!(!datagram_arrives(&one, stolen, &two, eni("vpc-1", 6).address).await);
    });
}

#[test]
fn an_interface_that_makes_no_sense_is_refused() {
    on_a_host(async |lab| {
        let network = lab.network().await;
        let mut outside_of_range = eni("vpc-1", 5);
        outside_of_range.address = Ipv4Addr::new(10, 0, 0, 5);
        let mut bad_mac = eni("vpc-1", 5);
        bad_mac.mac_address = "02:42:zz".to_owned();
        for eni in [outside_of_range, bad_mac, eni("../etc", 5), eni("vpc-1", 1)] {
            let refusal = network.attach_task(&eni, "task1").await;
            assert!(matches!(refusal, Err(NetworkError::InvalidEni(_))), "{eni:?}");
        }
    });
}
