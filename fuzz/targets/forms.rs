//! Forms of the query protocols, and the way to an operation: content type, target, and the form, a line each.
#![no_main]

use std::collections::BTreeMap;

use api::{ec2, ecs, sts};
use libfuzzer_sys::fuzz_target;
use percent_encoding::{NON_ALPHANUMERIC, percent_decode, utf8_percent_encode};
use wire::route::{self, Protocol};
use wire::{Service, Value, query};

static SERVICES: [&Service; 3] = [&ecs::SERVICE, &ec2::SERVICE, &sts::SERVICE];

/// However a form is spelled, it means the same.
fn means_the_same<T: Value + PartialEq + std::fmt::Debug>(form: &[u8], respelled: &[u8]) {
    assert_eq!(query::decode::<T>(form), query::decode::<T>(respelled));
}

/// The form with everything escaped that can be; none if it is not UTF-8.
fn respelled(form: &[u8]) -> Option<String> {
    let spell = |part: &[u8]| {
        let spaced: Vec<u8> = part
            .iter()
            .map(|it| if *it == b'+' { b' ' } else { *it })
            .collect();
        let text = String::from_utf8(percent_decode(&spaced).collect()).ok()?;
        Some(utf8_percent_encode(&text, NON_ALPHANUMERIC).to_string())
    };
    let mut pairs = Vec::new();
    for pair in form.split(|it| *it == b'&').filter(|it| !it.is_empty()) {
        let mut halves = pair.splitn(2, |it| *it == b'=');
        let (name, value) = (halves.next()?, halves.next().unwrap_or_default());
        pairs.push(format!("{}={}", spell(name)?, spell(value)?));
    }
    Some(pairs.join("&"))
}

fuzz_target!(|data: &[u8]| {
    let (content_type, rest) = fuzz::first_line(data);
    let (target, form) = fuzz::first_line(rest);
    let target = Some(target).filter(|it| !it.is_empty());
    for signed_for in [None, Some("ecs"), Some("ec2"), Some("sts")] {
        let protocol = Protocol::of_request(&SERVICES, content_type, target, signed_for);
        if let Ok(found) = route::route(&SERVICES, protocol, content_type, target, form) {
            // An error about the operation can be told in the protocol it was called in.
            let error = wire::error::CommonError::unknown_operation_of(found.service, &found.operation);
            let answer = error.answer_of(found.service, found.protocol, "r");
            assert!(!answer.body.is_empty());
        }
    }
    let Some(respelled) = respelled(form) else {
        assert!(
            query::decode::<ec2::DescribeVpcsInput>(form).is_err(),
            "not UTF-8"
        );
        return;
    };
    let respelled = respelled.as_bytes();
    means_the_same::<sts::GetCallerIdentityInput>(form, respelled);
    means_the_same::<ec2::DescribeAvailabilityZonesInput>(form, respelled);
    means_the_same::<ec2::DescribeSecurityGroupsInput>(form, respelled);
    means_the_same::<ec2::DescribeSubnetsInput>(form, respelled);
    means_the_same::<ec2::DescribeVpcsInput>(form, respelled);
    // Lists and maps in their other layouts, and numbers, which no operation that is built takes in a form.
    means_the_same::<BTreeMap<String, Vec<String>>>(form, respelled);
    means_the_same::<<ecs::RunTask as wire::Operation>::Input>(form, respelled);
    means_the_same::<<ecs::DescribeTasks as wire::Operation>::Output>(form, respelled);
    assert_eq!(
        query::parameter(form, "Action"),
        query::parameter(respelled, "Action")
    );
});
