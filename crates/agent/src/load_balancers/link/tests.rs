//! Where a load balancer is to be, by what is served.

use serde_json::json;

use super::*;

/// One in two zones with listeners of these protocols and ports.
fn served(scheme: &str, listeners: &[(&str, u16)]) -> ServedLoadBalancer {
    let arn = "arn:aws:elasticloadbalancing:us-east-1:000000000000:loadbalancer/net/web/50dc6c495c0c9188";
    let listener = |(protocol, port): &(&str, u16)| {
        let id = format!("{port:016x}");
        json!({
            "arn": format!("{}/{id}", arn.replace("loadbalancer", "listener")), "load_balancer": arn, "port": port,
            "protocol": protocol, "attributes": domain::listener::ListenerAttributes::default(),
            "default_action": { "FixedResponse": { "status_code": 200 } }, "created_at": "1970-01-01T00:00:00Z",
        })
    };
    let kind = domain::load_balancer::LoadBalancerKind::Network;
    let zone = |name: &str, address: &str| json!({ "name": name, "subnet_id": name, "addresses": [address] });
    let listeners: Vec<_> = listeners.iter().map(listener).collect();
    let served = json!({
        "load_balancer": {
            "arn": arn, "name": "web", "kind": kind, "scheme": scheme, "ip_address_type": "Ipv4", "vpc_id": "vpc-1",
            "zones": [zone("a", "172.31.0.9"), zone("b", "172.31.16.9")], "dns_name": "web.local",
            "state": "Provisioning", "attributes": domain::load_balancer::LoadBalancerAttributes::new(kind),
            "created_at": "1970-01-01T00:00:00Z",
        },
        "network": { "vpc_cidr": "172.31.0.0/16", "gateway": "172.31.0.1" },
        "listeners": listeners, "rules": [], "target_groups": [], "targets": [], "cookie_key": vec![0; 32],
    });
    serde_json::from_value(served).expect("what is served")
}

fn ports(scheme: &str, publishing: Publishing, listeners: &[(&str, u16)]) -> Vec<(u16, TransportProtocol)> {
    let site = site(&served(scheme, listeners), publishing);
    assert!(site.published.iter().all(|it| it.container_port == it.host_port));
    let ports = site.published.iter();
    ports.map(|it| (it.host_port, it.protocol)).collect()
}

#[test]
fn the_first_address_is_its_own_and_the_others_follow() {
    let site = site(&served("Internal", &[]), Publishing::Nothing);
    assert_eq!(site.id, "50dc6c495c0c9188");
    assert_eq!(site.eni.address, Ipv4Addr::new(172, 31, 0, 9));
    assert_eq!(site.eni.mac_address, "02:42:ac:1f:00:09");
    assert_eq!(site.others, [Ipv4Addr::new(172, 31, 16, 9)]);
}

#[test]
fn listeners_of_internet_facing_ones_are_published_if_that_is_wanted() {
    use TransportProtocol::{Tcp, Udp};
    let listeners = [("TcpUdp", 53), ("Udp", 500), ("Tls", 443), ("Tcp", 80)];
    let wanted = [(53, Tcp), (53, Udp), (80, Tcp), (443, Tcp), (500, Udp)];
    assert_eq!(
        ports("InternetFacing", Publishing::InternetFacing, &listeners),
        wanted
    );
    assert_eq!(ports("Internal", Publishing::InternetFacing, &listeners), []);
    assert_eq!(ports("InternetFacing", Publishing::Nothing, &listeners), []);
}
