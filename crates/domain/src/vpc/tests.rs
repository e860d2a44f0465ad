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
