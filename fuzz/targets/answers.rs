//! Answers in XML and JSON: an operation, a line end, a document with the values to write.
#![no_main]

use api::{ec2, ecs, sts};
use libfuzzer_sys::fuzz_target;
use wire::{Operation, ServiceProtocol, Value, json, query};

type Check = fn(&[u8]);

const OPERATIONS: &[(&str, Check)] = &[
    entry::<sts::GetCallerIdentity>(),
    entry::<ec2::DescribeAvailabilityZones>(),
    entry::<ec2::DescribeRegions>(),
    entry::<ec2::DescribeSecurityGroups>(),
    entry::<ec2::DescribeSubnets>(),
    entry::<ec2::DescribeVpcs>(),
    // Times, numbers and maps, which the others have few of.
    entry::<ecs::DescribeContainerInstances>(),
    entry::<ecs::DescribeTasks>(),
];

const fn entry<O: Operation>() -> (&'static str, Check) {
    (O::NAME, |document| {
        if let Ok(output) = json::decode::<O::Output>(document) {
            is_well_formed::<O>(&output);
        }
    })
}

fn is_well_formed<O: Operation>(output: &O::Output) {
    let request_id = "5b1f7c2e-0000-4000-8000-000000000000";
    let written = match O::SERVICE.protocol {
        ServiceProtocol::Ec2 => wire::ec2::encode(O::SERVICE, O::NAME, output, request_id),
        ServiceProtocol::Query
        | ServiceProtocol::Json(_)
        | ServiceProtocol::RestJson(_)
        | ServiceProtocol::RestXml(_) => query::encode(O::SERVICE, O::NAME, output, request_id),
    };
    let text = fuzz::text_of_xml(&written);
    assert!(text.contains(request_id));
    // Every text of the value stands in the document, as far as XML can hold it.
    let mut rest = text.as_str();
    for wanted in texts(output) {
        let at = rest.find(&wanted);
        rest = &rest[at.unwrap_or_else(|| panic!("{wanted:?} is not in {text:?}"))..];
        rest = &rest[wanted.len()..];
    }
}

/// The texts of a value, in their order.
fn texts(output: &impl Value) -> Vec<String> {
    let mut found = Texts::default();
    output.write(&mut found);
    found.0
}

#[derive(Default)]
struct Texts(Vec<String>);

impl wire::ValueWriter for Texts {
    fn string(&mut self, value: &str) {
        self.0.push(fuzz::held_by_xml(value));
    }
    fn boolean(&mut self, value: bool) {
        self.0.push(value.to_string());
    }
    fn integer(&mut self, value: i64) {
        self.0.push(value.to_string());
    }
    fn double(&mut self, _: f64) {}
    fn timestamp(&mut self, _: jiff::Timestamp) {}
    fn blob(&mut self, _: &[u8]) {}
    fn begin_list(&mut self) {}
    fn item(&mut self) {}
    fn end_list(&mut self) {}
    fn begin_object(&mut self) {}
    fn name(&mut self, _: &str) {}
    fn end_object(&mut self) {}
    fn key(&mut self, key: &str) {
        self.0.push(fuzz::held_by_xml(key));
    }
}

fuzz_target!(|data: &[u8]| {
    let (operation, document) = fuzz::first_line(data);
    fuzz::chosen(OPERATIONS, operation)(document);
});
