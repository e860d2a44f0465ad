use super::*;
use crate::load_balancing_attribute::AttributeRefusal;

#[test]
fn protocols_and_policies_are_read_back() {
    for it in Protocol::ALL {
        assert_eq!(Protocol::parse(it.as_str()), Some(it));
    }
    for it in AlpnPolicy::ALL {
        assert_eq!(AlpnPolicy::parse(it.as_str()), Some(it));
    }
    assert_eq!(Protocol::parse("GENEVE"), None);
}

#[test]
fn what_is_listed_can_be_set_again() {
    for protocol in Protocol::ALL {
        let first = ListenerAttributes::default();
        let mut again = first.clone();
        for (key, value) in first.list(protocol) {
            assert_eq!(again.set(protocol, key, &value), Ok(()), "{key}");
        }
        assert_eq!(again, first);
    }
}

#[test]
fn headers_are_set_and_taken_out_again() {
    let mut it = ListenerAttributes::default();
    let key = "routing.http.response.x_frame_options.header_value";
    assert_eq!(it.set(Protocol::Http, key, "DENY"), Ok(()));
    assert_eq!(it.response_headers["x-frame-options"], "DENY");
    assert!(it.set(Protocol::Http, key, "a\r\nb: c").is_err());
    assert_eq!(it.set(Protocol::Http, key, ""), Ok(()));
    assert_eq!(it, ListenerAttributes::default());

    let key = "routing.http.request.x_amzn_tls_version.header_name";
    assert_eq!(
        it.set(Protocol::Http, key, "Tls"),
        Err(AttributeRefusal::NotOfThisKind(key.into()))
    );
    assert_eq!(it.set(Protocol::Https, key, "Tls"), Ok(()));
    assert_eq!(it.renamed_request_headers["x-amzn-tls-version"], "Tls");
}
