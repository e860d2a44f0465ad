//! Bodies of errors: one that a client receives, and a message that we send in every protocol.
#![no_main]

use api::{ec2, ecs, logs};
use libfuzzer_sys::fuzz_target;
use wire::client::{self, ClientError};
use wire::error::{CodedError, CommonError, modelled};
use wire::route::Protocol;
use wire::{Operation, ServiceError};

const PROTOCOLS: [Protocol; 6] = [
    Protocol::Json10,
    Protocol::Json11,
    Protocol::Query,
    Protocol::Ec2,
    Protocol::RestJson,
    Protocol::RestXml,
];

/// An exception that was read is sent on as the same.
fn survives<O: Operation>(status: u16, body: &[u8])
where
    O::Error: PartialEq,
{
    let Err(ClientError::Service(error)) = client::answer::<O>(status, body) else {
        return;
    };
    for protocol in PROTOCOLS {
        let answer = modelled(O::SERVICE, &error, protocol, "r");
        match protocol {
            Protocol::Json10 | Protocol::Json11 => match client::answer::<O>(answer.status, &answer.body) {
                Err(ClientError::Service(again)) => assert_eq!(again, error),
                other => panic!(
                    "{error:?} became {}",
                    other.err().map(|it| it.to_string()).unwrap_or_default()
                ),
            },
            Protocol::Query | Protocol::Ec2 | Protocol::RestXml => {
                is_told(&answer.body, error.code(), error.message())
            }
            // Its code is in a header, which our client does not read.
            Protocol::RestJson => assert_eq!(answer.code, error.code()),
        }
    }
}

/// An error in XML names its code and says its message.
fn is_told(document: &[u8], code: &str, message: Option<&str>) {
    let text = fuzz::text_of_xml(document);
    assert!(text.contains(code));
    assert!(text.contains(&fuzz::held_by_xml(message.unwrap_or_default())));
}

fn common_errors_say(message: &str) {
    let error = CommonError::serialization(message);
    for protocol in PROTOCOLS {
        let answer = error.answer_of(&ec2::SERVICE, protocol, "r");
        match protocol {
            Protocol::Json10 | Protocol::Json11 => {
                let body: serde_json::Value = serde_json::from_slice(&answer.body).expect("JSON");
                assert_eq!(body["message"], message);
                assert_eq!(body["__type"], "SerializationException");
                let read = client::answer::<ecs::RunTask>(answer.status, &answer.body);
                assert!(matches!(read, Err(ClientError::Other { message: it, .. }) if it == message));
            }
            Protocol::Query | Protocol::Ec2 | Protocol::RestXml => {
                is_told(&answer.body, &answer.code, Some(message))
            }
            Protocol::RestJson => {
                let body: serde_json::Value = serde_json::from_slice(&answer.body).expect("JSON");
                assert_eq!(body["message"], message);
            }
        }
    }
    let coded = CodedError {
        status: 400,
        code: "InvalidVpcID.NotFound",
        message: message.to_owned(),
    };
    let answer = modelled(&ec2::SERVICE, &coded, Protocol::Ec2, "r");
    is_told(&answer.body, coded.code, Some(message));
}

fuzz_target!(|data: &[u8]| {
    let (message, body) = fuzz::first_line(data);
    common_errors_say(message);
    for status in [400, 500] {
        survives::<ecs::RunTask>(status, body);
        survives::<logs::PutLogEvents>(status, body);
    }
    let _ = client::answer::<ecs::RunTask>(200, body);
});
