use std::collections::BTreeSet;

use super::*;

#[test]
fn a_name_keeps_its_address_and_shares_it_with_none() {
    let mut taken = BTreeSet::new();
    for number in 0..2000 {
        let name = format!("web{number}.test");
        let address = virtual_address("ns-1", &name, |it| taken.contains(&it)).expect("there are more");
        let [a, b, c, _] = address.octets();
        assert!((a, b) == (169, 254) && (64..128).contains(&c), "{address}");
        assert!(taken.insert(address));
    }
    let alone = |name| virtual_address("ns-1", name, |_| false);
    assert_eq!(alone("web.test"), alone("web.test"));
    assert_ne!(alone("web.test"), virtual_address("ns-2", "web.test", |_| false));
    assert_eq!(virtual_address("ns-1", "web.test", |_| true), None);
}

#[test]
fn bounds_are_those_of_amazons_proxies() {
    let bounds = |word| {
        let protocol = AppProtocol::of(word);
        (
            protocol.idle_timeout_seconds(),
            protocol.per_request_timeout_seconds(),
        )
    };
    assert_eq!(bounds(Some("http")), (300, 15));
    assert_eq!(bounds(Some("grpc")), (300, 15));
    assert_eq!(bounds(None), (3600, 0));
}
