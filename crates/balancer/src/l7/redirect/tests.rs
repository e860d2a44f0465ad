use http::StatusCode;

use super::{Parts, location};
use crate::plan::rule::Redirect;

fn redirect(protocol: &str, host: &str, port: &str, path: &str, query: &str) -> Redirect {
    Redirect {
        status: StatusCode::MOVED_PERMANENTLY,
        protocol: protocol.into(),
        host: host.into(),
        port: port.into(),
        path: path.into(),
        query: query.into(),
    }
}

#[test]
fn placeholders_stand_for_the_requests_own_parts() {
    let parts = Parts {
        protocol: "http",
        host: "a.example",
        port: 80,
        path: "/x/y",
        query: "q=1",
    };
    let cases = [
        (
            redirect("HTTPS", "#{host}", "443", "/#{path}", "#{query}"),
            "https://a.example:443/x/y?q=1",
        ),
        (
            redirect("#{protocol}", "www.#{host}", "#{port}", "/new/#{path}", ""),
            "http://www.a.example:80/new/x/y",
        ),
        (
            redirect("HTTP", "b", "81", "/p", "#{query}&from=#{host}"),
            "http://b:81/p?q=1&from=a.example",
        ),
        (
            redirect("HTTP", "b", "81", "/#{other}#{", ""),
            "http://b:81/#{other}#{",
        ),
    ];
    for (redirect, expected) in cases {
        assert_eq!(location(&redirect, &parts), expected);
    }
}

#[test]
fn what_a_client_sends_is_not_filled_in_again() {
    let parts = Parts {
        protocol: "http",
        host: "h",
        port: 80,
        path: "/#{query}",
        query: "secret",
    };
    assert_eq!(
        location(&redirect("HTTP", "h", "80", "/#{path}", ""), &parts),
        "http://h:80/#{query}"
    );
}
