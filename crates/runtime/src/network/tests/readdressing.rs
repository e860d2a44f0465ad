//! Load balancers that get other addresses while they run.

use std::net::{Ipv4Addr, SocketAddr};

use super::lab::{Held, ask, echo, eni, is_silent, on_a_host, relay, serve, tcp};
use crate::network::{Network, NetworkError, netns};

const KEY: &str = "load-balancer-50dc6c495c0c9188";
const CLIENT: u8 = 20;
const TARGET: u8 = 21;

fn address(last: u8) -> Ipv4Addr {
    eni("vpc-1", last).address
}

/// Gives the load balancer these addresses and no others.
async fn attach(network: &Network, addresses: &[u8]) {
    let others: Vec<Ipv4Addr> = addresses[1..].iter().map(|it| address(*it)).collect();
    let eni = eni("vpc-1", addresses[0]);
    network.attach_load_balancer(KEY, &eni, &others).await.unwrap();
}

#[test]
fn connections_to_addresses_that_stay_go_on() {
    on_a_host(async |lab| {
        let network = lab.network().await;
        attach(&network, &[5]).await;
        let balancer = network.attachments.records.namespace(KEY);
        serve(Some(&balancer), 80, "web").await;
        echo(&balancer, 81).await;
        let client = network
            .attach_task(&eni("vpc-1", CLIENT), "client")
            .await
            .unwrap();
        let mut first = Held::open(&client, address(5), 81).await;

        // One that comes before it, as a zone does whose name comes first.
        attach(&network, &[4, 5]).await;
        assert!(first.answers());
        let seen = format!("web to {}", address(CLIENT));
        assert_eq!(ask(Some(&client), address(4), 80).await, seen);
        let mut second = Held::open(&client, address(4), 81).await;

        // The address that it had first goes.
        attach(&network, &[4, 6]).await;
        assert!(second.answers());
        assert!(!first.answers());
        assert_eq!(ask(Some(&client), address(6), 80).await, seen);
        assert!(is_silent(Some(&client), address(5), 80).await);

        // It is free for others at once.
        let next = network.attach_task(&eni("vpc-1", 5), "next").await.unwrap();
        serve(Some(&next), 80, "next").await;
        let seen = format!("next to {}", address(CLIENT));
        assert_eq!(ask(Some(&client), address(5), 80).await, seen);
        assert!(second.answers());

        network.detach(KEY).await.unwrap();
        assert!(!balancer.exists());
        for last in [4, 6] {
            assert!(is_silent(Some(&client), address(last), 80).await);
        }
    });
}

#[test]
fn ports_and_clients_addresses_follow() {
    on_a_host(async |lab| {
        let network = lab.network().await;
        attach(&network, &[5]).await;
        let balancer = network.attachments.records.namespace(KEY);
        let client = network
            .attach_task(&eni("vpc-1", CLIENT), "client")
            .await
            .unwrap();
        let target = network
            .attach_task(&eni("vpc-1", TARGET), "target")
            .await
            .unwrap();
        serve(Some(&target), 80, "web").await;
        let listens: SocketAddr = (address(TARGET), 80).into();
        relay(&balancer, 80, listens).await;
        let seen = format!("web to {}", address(CLIENT));
        for addresses in [[5, 6], [4, 6], [7, 8]] {
            attach(&network, &addresses).await;
            let refused = network.publish_load_balancer(KEY, &[tcp(80, 80)]).await.unwrap();
            assert!(refused.is_empty(), "{refused:?}");
            network.preserve_clients(KEY).await.unwrap();
            for last in addresses {
                assert_eq!(
                    ask(Some(&client), address(last), 80).await,
                    seen,
                    "{last} of {addresses:?}"
                );
            }
            assert_eq!(ask(None, Ipv4Addr::LOCALHOST, 80).await, "web to 169.254.172.0");
        }
        network.detach(KEY).await.unwrap();
        assert!(is_silent(None, Ipv4Addr::LOCALHOST, 80).await);
    });
}

#[test]
fn addresses_that_changed_outlive_the_agent() {
    on_a_host(async |lab| {
        let network = lab.network().await;
        attach(&network, &[5]).await;
        attach(&network, &[4, 5]).await;
        let balancer = network.attachments.records.namespace(KEY);
        echo(&balancer, 81).await;
        let client = network
            .attach_task(&eni("vpc-1", CLIENT), "client")
            .await
            .unwrap();
        let mut held = Held::open(&client, address(5), 81).await;
        drop(network);
        let network = lab.network().await;
        network
            .restore(&[KEY.to_owned(), "client".to_owned()])
            .await
            .unwrap();
        attach(&network, &[4, 5]).await;
        assert!(held.answers());
        attach(&network, &[5]).await;
        assert!(held.answers());
        assert!(is_silent(Some(&client), address(4), 81).await);
    });
}

#[test]
fn another_vpc_is_another_place() {
    on_a_host(async |lab| {
        let network = lab.network().await;
        attach(&network, &[5]).await;
        let moved = network.attach_load_balancer(KEY, &eni("vpc-2", 5), &[]).await;
        assert!(
            matches!(moved, Err(NetworkError::AttachedOtherwise(_))),
            "{moved:?}"
        );
        assert!(netns::is_bound(&network.attachments.records.namespace(KEY)));
    });
}
