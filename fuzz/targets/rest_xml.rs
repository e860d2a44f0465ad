//! Requests of rest-xml: an operation, its address, and the body, each after a line end.
#![no_main]

use api::route53;
use http::{HeaderMap, Method, Uri};
use libfuzzer_sys::fuzz_target;
use quick_xml::events::{BytesStart, Event};
use wire::rest::{self, HttpOperation, Request};
use wire::{Operation, ServiceProtocol};

type Check = fn(&HttpOperation, &Uri, &[u8]);

/// By its name: the name once more, and how it is tried.
const OPERATIONS: &[(&str, (&str, Check))] = &[
    entry::<route53::AssociateVPCWithHostedZone>(),
    entry::<route53::ChangeResourceRecordSets>(),
    entry::<route53::ChangeTagsForResource>(),
    entry::<route53::CreateHealthCheck>(),
    entry::<route53::CreateHostedZone>(),
    entry::<route53::CreateTrafficPolicyVersion>(),
    entry::<route53::ListHostedZonesByName>(),
    entry::<route53::ListResourceRecordSets>(),
    entry::<route53::ListTagsForResources>(),
    entry::<route53::UpdateHealthCheck>(),
];

const fn entry<O: Operation>() -> (&'static str, (&'static str, Check))
where
    O::Input: PartialEq + std::fmt::Debug,
{
    let check: Check = |operation, uri, body| {
        let read = |body| {
            let headers = &HeaderMap::new();
            rest::decode::<O::Input>(O::SERVICE, operation, Request { uri, headers, body })
        };
        let Ok(value) = read(body) else { return };
        let respelled = respelled(body);
        assert_eq!(read(respelled.as_bytes()), Ok(value), "{respelled}");
    };
    (O::NAME, (O::NAME, check))
}

/// A document that means the same: no character of its text is written as before.
fn respelled(body: &[u8]) -> String {
    let text = std::str::from_utf8(body).expect("what was read is UTF-8");
    let mut reader = quick_xml::Reader::from_str(text);
    let (mut out, mut depth) = (String::new(), 0_usize);
    let open = |out: &mut String, it: &BytesStart<'_>| {
        let inside = std::str::from_utf8(it).expect("what was read is UTF-8");
        out.extend(["<", inside, ">"]);
    };
    loop {
        match reader.read_event().expect("what was read is XML") {
            Event::Start(it) => {
                open(&mut out, &it);
                depth += 1;
            }
            Event::Empty(it) => {
                open(&mut out, &it);
                close(&mut out, it.name().as_ref());
            }
            Event::End(it) => {
                close(&mut out, it.name().as_ref());
                depth -= 1;
            }
            // Beside the outermost element there is but space.
            Event::Text(it) if depth == 0 => out.push_str(&it.decode().expect("UTF-8")),
            Event::Text(it) => it
                .decode()
                .expect("UTF-8")
                .chars()
                .for_each(|it| spell(&mut out, it)),
            Event::CData(it) => it
                .decode()
                .expect("UTF-8")
                .chars()
                .for_each(|it| spell(&mut out, it)),
            Event::GeneralRef(it) => out.extend(["&", &it.decode().expect("UTF-8"), ";"]),
            Event::Decl(_) | Event::PI(_) | Event::Comment(_) => out.push_str("<!-- -->"),
            Event::DocType(_) => panic!("document types are refused: {text}"),
            Event::Eof => return out,
        }
    }
}

fn close(out: &mut String, name: &[u8]) {
    let name = std::str::from_utf8(name).expect("what was read is UTF-8");
    out.extend(["</", name, ">"]);
}

/// As a reference, which no reader may change; the character that has none stands for itself.
fn spell(out: &mut String, it: char) {
    match it {
        '\0' => out.push(it),
        _ => out.push_str(&format!("&#{};", u32::from(it))),
    }
}

fuzz_target!(|data: &[u8]| {
    let (name, rest) = fuzz::first_line(data);
    let (address, body) = fuzz::first_line(rest);
    let ServiceProtocol::RestXml(operations) = route53::SERVICE.protocol else {
        unreachable!("it is modelled so");
    };
    let Ok(uri) = address.parse::<Uri>() else { return };
    for method in [Method::GET, Method::POST, Method::DELETE] {
        let Some(operation) = rest::find(operations, &method, &uri) else {
            continue;
        };
        if let Some((_, (_, check))) = OPERATIONS.iter().find(|(it, _)| *it == operation.name) {
            check(operation, &uri, body);
        }
    }
    // The body is read also where the address is of no operation.
    let (name, check) = fuzz::chosen(OPERATIONS, name);
    let operation = operations.iter().find(|it| it.name == *name);
    let operation = operation.expect("it is modelled");
    let own = operation.uri.replace(['{', '}'], "").parse::<Uri>();
    check(operation, &own.expect("an address"), body);
});
