use super::*;

#[test]
fn addresses_are_named_after_their_region() {
    let address = Ipv4Addr::new(172, 31, 0, 4);
    for (region, expected) in [
        ("us-east-1", "ip-172-31-0-4.ec2.internal"),
        ("eu-west-1", "ip-172-31-0-4.eu-west-1.compute.internal"),
    ] {
        assert_eq!(internal_name(region, address), expected);
    }
}

#[test]
fn a_subnet_keeps_the_addresses_that_amazon_keeps() {
    let subnet = Subnet {
        id: "subnet-1".into(),
        scope: Scope::new("1", "us-east-1"),
        vpc_id: "vpc-1".into(),
        cidr: "172.31.16.0/28".parse().expect("valid"),
        availability_zone: "us-east-1a".into(),
        is_default: false,
        maps_public_ip_on_launch: false,
        tags: Vec::new(),
    };
    let all: Vec<_> = subnet.assignable().collect();
    let nearby = (0..=255).map(|last| Ipv4Addr::new(172, 31, 16, last));
    assert!(all.iter().copied().eq(nearby.filter(|it| subnet.may_assign(*it))));
    assert_eq!(all.first(), Some(&Ipv4Addr::new(172, 31, 16, 4)));
    assert_eq!(all.last(), Some(&Ipv4Addr::new(172, 31, 16, 14)));
    assert_eq!(subnet.gateway(), Ipv4Addr::new(172, 31, 16, 1));
}

#[test]
fn ranges_are_checked_and_cut() {
    let vpc: Cidr = "172.31.0.0/16".parse().expect("valid");
    let parts: Vec<_> = vpc.split(20).map(|it| it.to_string()).collect();
    assert_eq!(parts.len(), 16);
    assert_eq!(parts[1], "172.31.16.0/20");
    assert!(vpc.contains(Ipv4Addr::new(172, 31, 255, 255)) && !vpc.contains(Ipv4Addr::new(172, 32, 0, 0)));
    for text in [
        "172.31.0.1/16",
        "172.31.0.0",
        "172.31.0.0/33",
        "172.31.0.0/7",
        "x/16",
    ] {
        assert!(text.parse::<Cidr>().is_err(), "{text}");
    }
}
