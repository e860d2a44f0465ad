//! Words of both kinds.

use super::{Words, words};
use crate::l7::answer::Fault;
use crate::l7::head::Refusal;

#[test]
fn classic_load_balancers_have_words_of_their_own_and_no_pages() {
    for (fault, status, reason) in [
        (Fault::Refused(Refusal::UriTooLong), 400, "BAD_REQUEST"),
        (Fault::BadRequest, 400, "BAD_REQUEST"),
        (Fault::Method, 405, "METHOD_NOT_ALLOWED"),
        (Fault::Refused(Refusal::Slow), 408, "REQUEST_TIMEOUT"),
        (Fault::ClientSlow, 408, "REQUEST_TIMEOUT"),
        (Fault::BadGateway, 502, "BAD_GATEWAY"),
        (
            Fault::NoTarget,
            503,
            "Service Unavailable: Back-end server is at capacity",
        ),
        (Fault::Timeout, 504, "GATEWAY_TIMEOUT"),
        (Fault::TargetClosed, 504, "GATEWAY_TIMEOUT"),
    ] {
        let expected = Words {
            status,
            reason,
            page: None,
        };
        assert_eq!(words(fault, true), expected, "{fault:?}");
    }
}

#[test]
fn application_load_balancers_show_a_page() {
    for (fault, status, reason) in [
        (Fault::NoTarget, 503, "Service Temporarily Unavailable"),
        (Fault::TargetClosed, 502, "Bad Gateway"),
        (Fault::Timeout, 504, "Gateway Time-out"),
    ] {
        let found = words(fault, false);
        assert_eq!((found.status, found.reason), (status, reason));
        let page = found.page.expect("a page");
        assert!(page.contains(&format!("<h1>{status} {reason}</h1>")), "{page}");
    }
    // as long as Amazon's
    let page = words(Fault::InTheClear, false).page.expect("a page");
    assert_eq!(page.len(), 220, "{page}");
}
