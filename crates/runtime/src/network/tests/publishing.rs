//! Ports of the host that lead to load balancers.

use std::net::{Ipv4Addr, TcpListener};

use super::lab::{HOST, OUTSIDE, ask, eni, from, is_silent, on_a_host, serve, tcp};
use crate::network::NetworkError;

const KEY: &str = "load-balancer-50dc6c495c0c9188";

#[test]
fn ports_of_a_load_balancer_are_reached_through_the_host() {
    on_a_host(async |lab| {
        let network = lab.network().await;
        let attach = async || network.attach_load_balancer(KEY, &eni("vpc-1", 5), &[]).await;
        attach().await.unwrap();
        let bridged = network.attach_bridge_container("task1/one", &[]).await.unwrap();
        let namespace = network.attachments.records.namespace(KEY);
        serve(Some(&namespace), 80, "web").await;
        serve(Some(&namespace), 81, "more").await;
        let refused = network.publish_load_balancer(KEY, &[tcp(80, 80)]).await.unwrap();
        assert!(refused.is_empty(), "{refused:?}");

        assert_eq!(ask(None, Ipv4Addr::LOCALHOST, 80).await, "web to 169.254.172.0");
        assert_eq!(ask(None, HOST, 80).await, "web to 169.254.172.0");
        assert_eq!(
            ask(Some(&lab.outside), HOST, 80).await,
            format!("web to {OUTSIDE}")
        );
        let answer = ask(Some(&bridged.netns), HOST, 80).await;
        assert!(answer.starts_with("web to "), "{answer}");

        // attached again, as the agent does on every connection: it stays
        attach().await.unwrap();
        network
            .publish_load_balancer(KEY, &[tcp(80, 80), tcp(81, 81)])
            .await
            .unwrap();
        assert_eq!(ask(None, Ipv4Addr::LOCALHOST, 80).await, "web to 169.254.172.0");
        assert_eq!(ask(None, Ipv4Addr::LOCALHOST, 81).await, "more to 169.254.172.0");
        network.publish_load_balancer(KEY, &[tcp(81, 81)]).await.unwrap();
        assert!(is_silent(None, Ipv4Addr::LOCALHOST, 80).await);
        assert_eq!(
            ask(Some(&lab.outside), HOST, 81).await,
            format!("more to {OUTSIDE}")
        );

        network.detach(KEY).await.unwrap();
        assert!(is_silent(Some(&lab.outside), HOST, 81).await);
        from(None, || {
            Ok(TcpListener::bind((HOST, 81)).expect("the port is free again"))
        })
        .await;
    });
}

#[test]
fn a_port_that_is_taken_leaves_the_others() {
    on_a_host(async |lab| {
        let network = lab.network().await;
        let squatter = from(None, || {
            Ok(TcpListener::bind((Ipv4Addr::UNSPECIFIED, 80)).unwrap())
        })
        .await;
        network
            .attach_load_balancer(KEY, &eni("vpc-1", 5), &[])
            .await
            .unwrap();
        let namespace = network.attachments.records.namespace(KEY);
        serve(Some(&namespace), 81, "more").await;
        let wanted = [tcp(80, 80), tcp(81, 81)];
        let refused = network.publish_load_balancer(KEY, &wanted).await.unwrap();
        let [(port, NetworkError::PortAllocated { .. })] = &refused[..] else {
            panic!("{refused:?}");
        };
        assert_eq!(*port, wanted[0]);
        assert_eq!(
            ask(Some(&lab.outside), HOST, 81).await,
            format!("more to {OUTSIDE}")
        );
        drop(squatter);
        assert!(
            network
                .publish_load_balancer(KEY, &wanted)
                .await
                .unwrap()
                .is_empty()
        );
        network.attach_task(&eni("vpc-1", 6), "task2").await.unwrap();
        for key in ["task2", "load-balancer-0000000000000000"] {
            assert!(
                network.publish_load_balancer(key, &wanted).await.is_err(),
                "{key}"
            );
        }
    });
}

#[test]
fn published_ports_outlive_the_agent() {
    on_a_host(async |lab| {
        let before = lab.network().await;
        before
            .attach_load_balancer(KEY, &eni("vpc-1", 5), &[])
            .await
            .unwrap();
        let namespace = before.attachments.records.namespace(KEY);
        serve(Some(&namespace), 80, "web").await;
        before.publish_load_balancer(KEY, &[tcp(80, 80)]).await.unwrap();
        drop(before);
        let network = lab.network().await;
        network.restore(&[KEY.to_owned()]).await.unwrap();
        assert_eq!(ask(None, Ipv4Addr::LOCALHOST, 80).await, "web to 169.254.172.0");
        let taken = from(None, || Ok(TcpListener::bind((HOST, 80)).is_err())).await;
        assert!(taken, "nobody else gets the port");
        network
            .attach_load_balancer(KEY, &eni("vpc-1", 5), &[])
            .await
            .unwrap();
        network.publish_load_balancer(KEY, &[]).await.unwrap();
        assert!(is_silent(None, Ipv4Addr::LOCALHOST, 80).await);
    });
}

#[test]
fn a_range_of_its_own_leads_to_a_load_balancer_and_to_nobody_else() {
    on_a_host(async |lab| {
        let network = lab.network().await;
        let task = network.attach_task(&eni("vpc-1", 6), "task1").await.unwrap();
        network
            .attach_load_balancer(KEY, &eni("vpc-1", 5), &[])
            .await
            .unwrap();
        let range = (Ipv4Addr::new(169, 254, 64, 0), 18);
        let route = async || network.route_to_load_balancer(KEY, &eni("vpc-1", 5), range).await;
        route().await.unwrap();
        route().await.unwrap();
        let namespace = network.attachments.records.namespace(KEY);
        serve(Some(&namespace), 80, "named").await;
        for address in [Ipv4Addr::new(169, 254, 64, 1), Ipv4Addr::new(169, 254, 127, 254)] {
            let answer = ask(Some(&task), address, 80).await;
            assert!(answer.starts_with("named to "), "{address}: {answer}");
        }
        assert!(
            is_silent(None, Ipv4Addr::new(169, 254, 64, 1), 80).await,
            "the host is not in the VPC"
        );
    });
}
