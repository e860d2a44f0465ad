use super::*;
use crate::shape::write_member;

#[derive(Debug)]
struct NotFound {
    message: Option<String>,
    name: Option<String>,
}

impl ServiceError for NotFound {
    fn code(&self) -> &str {
        "NotFoundException"
    }
    fn message(&self) -> Option<&str> {
        self.message.as_deref()
    }
    fn http_status(&self) -> u16 {
        404
    }
    fn write_members(&self, writer: &mut JsonWriter) {
        write_member(writer, "message", &self.message);
        write_member(writer, "name", &self.name);
    }
    fn from_json(_: &str, _: &[u8]) -> Option<Self> {
        None
    }
}

static STS: Service = Service {
    signing_name: "sts",
    target_prefix: "",
    api_version: "2011-06-15",
    protocol: ServiceProtocol::Query,
    xml_namespace: "https://sts/",
    operations: &[],
};

static EC2: Service = Service {
    signing_name: "ec2",
    target_prefix: "",
    api_version: "2016-11-15",
    protocol: ServiceProtocol::Ec2,
    xml_namespace: "http://ec2.amazonaws.com/doc/2016-11-15",
    operations: &[],
};

fn text(answer: &ErrorAnswer) -> &str {
    std::str::from_utf8(&answer.body).expect("UTF-8")
}

#[test]
fn modelled_errors_in_json_have_all_their_members() {
    let error = NotFound {
        message: Some("no \"a\"".into()),
        name: Some("a".into()),
    };
    let answer = modelled(&STS, &error, Protocol::Json11, "r-1");
    assert_eq!((answer.status, &*answer.code), (404, "NotFoundException"));
    assert_eq!(answer.content_type, "application/x-amz-json-1.1");
    assert_eq!(
        text(&answer),
        r#"{"__type":"NotFoundException","message":"no \"a\"","name":"a"}"#
    );
    let bare = NotFound {
        message: None,
        name: None,
    };
    let answer = modelled(&STS, &bare, Protocol::Json10, "r-1");
    assert_eq!(answer.content_type, "application/x-amz-json-1.0");
    assert_eq!(text(&answer), r#"{"__type":"NotFoundException"}"#);
}

#[test]
fn modelled_errors_in_xml_are_in_the_namespace_of_their_service() {
    let error = NotFound {
        message: Some("<a>".into()),
        name: None,
    };
    let answer = modelled(&STS, &error, Protocol::Query, "r-1");
    assert_eq!((answer.status, answer.content_type), (404, "text/xml"));
    assert_eq!(
        text(&answer),
        "<ErrorResponse xmlns=\"https://sts/\"><Error><Type>Sender</Type><Code>NotFoundException</Code>\
         <Message>&lt;a&gt;</Message></Error><RequestId>r-1</RequestId></ErrorResponse>"
    );
}

#[test]
fn ec2_has_words_and_a_form_of_its_own() {
    let nothing = CodedError {
        status: 400,
        code: "InvalidVpcID.NotFound",
        message: "The vpc ID '<a>' does not exist".into(),
    };
    let answer = modelled(&EC2, &nothing, Protocol::Ec2, "r-1");
    assert_eq!(
        (answer.status, &*answer.code, answer.content_type),
        (400, "InvalidVpcID.NotFound", "text/xml;charset=UTF-8")
    );
    assert_eq!(
        text(&answer),
        "<Response><Errors><Error><Code>InvalidVpcID.NotFound</Code><Message>The vpc ID &apos;&lt;a&gt;&apos; does not exist\
         </Message></Error></Errors><RequestID>r-1</RequestID></Response>"
    );
    for (error, status, code) in [
        (CommonError::access_denied("no"), 403, "UnauthorizedOperation"),
        (crate::sigv4::unknown_key(), 401, "AuthFailure"),
        (CommonError::serialization("x"), 400, "InvalidParameterValue"),
        (CommonError::server("x"), 500, "InternalError"),
        (
            CommonError::unknown_operation_of(&EC2, "Fly"),
            400,
            "InvalidAction",
        ),
    ] {
        let answer = error.answer_of(&EC2, Protocol::Ec2, "r-1");
        assert_eq!((answer.status, &*answer.code), (status, code));
    }
    let unknown = CommonError::unknown_operation_of(&EC2, "Fly").message;
    assert!(
        unknown.starts_with("The action Fly is not valid for this web service."),
        "{unknown}"
    );
}

#[test]
fn common_errors_are_named_and_numbered_as_each_protocol_does() {
    let denied = CommonError::access_denied("no");
    let json = denied.answer(Protocol::Json11, "r-1");
    assert_eq!(json.status, 400);
    assert_eq!(
        text(&json),
        r#"{"__type":"AccessDeniedException","message":"no"}"#
    );
    let query = denied.answer_of(&STS, Protocol::Query, "r-1");
    assert_eq!((query.status, &*query.code), (403, "AccessDenied"));
    assert!(
        text(&query).starts_with("<ErrorResponse xmlns=\"https://sts/\"><Error><Type>Sender</Type>"),
        "{query:?}"
    );
    let nowhere = CommonError::unknown_operation("Fly").answer(Protocol::Query, "r-1");
    assert_eq!((nowhere.status, &*nowhere.code), (400, "InvalidAction"));
    assert!(text(&nowhere).contains("xmlns=\"http://webservices.amazon.com/AWSFault/2005-15-09\""));
    let failed = CommonError::server("broken").answer_of(&STS, Protocol::Query, "r-1");
    assert_eq!((failed.status, &*failed.code), (500, "InternalFailure"));
    assert!(text(&failed).contains("<Type>Receiver</Type>"));
}
