use super::*;

#[test]
fn ranges_contain_what_their_prefix_says() {
    for (range, address, is_in) in [
        ("192.0.2.0/24", "192.0.2.255", true),
        ("192.0.2.0/24", "192.0.3.0", false),
        ("0.0.0.0/0", "8.8.8.8", true),
        ("10.0.0.1/32", "10.0.0.1", true),
        ("10.0.0.1/32", "10.0.0.2", false),
        ("192.0.2.77/24", "192.0.2.1", true),
        ("::/0", "2001:db8::1", true),
        ("2001:db8::/32", "2001:db8:ffff::1", true),
        ("2001:db8::/32", "2001:db9::1", false),
        ("0.0.0.0/0", "::1", false),
    ] {
        let parsed: IpRange = range.parse().expect("valid");
        assert_eq!(parsed.to_string(), range);
        assert_eq!(
            parsed.contains(address.parse().expect("valid")),
            is_in,
            "{address} in {range}"
        );
    }
}

#[test]
fn what_is_no_range_is_refused() {
    for text in ["192.0.2.0", "192.0.2.0/33", "::/129", "x/8", "192.0.2.0/-1", "/8"] {
        assert!(text.parse::<IpRange>().is_err(), "{text}");
    }
}
