use super::*;
use crate::json::JsonWriter;
use crate::shape::{Service, ServiceProtocol, Value, ValueWriter, read_member, write_member};

static SERVICE: Service = Service {
    signing_name: "ecs",
    target_prefix: "AmazonEC2ContainerServiceV20141113",
    api_version: "2014-11-13",
    protocol: ServiceProtocol::Json("1.1"),
    xml_namespace: "",
    operations: &["DeleteCluster"],
};

struct DeleteCluster;

impl Operation for DeleteCluster {
    const NAME: &'static str = "DeleteCluster";
    const SERVICE: &'static Service = &SERVICE;
    type Input = Text;
    type Output = Text;
    type Error = NotFound;
}

#[derive(Debug, Default, PartialEq)]
struct Text {
    text: Option<String>,
}

impl Value for Text {
    fn write<W: ValueWriter>(&self, writer: &mut W) {
        writer.begin_object();
        write_member(writer, "text", &self.text);
        writer.end_object();
    }
    fn read<R: ValueReader>(reader: &mut R) -> Result<Self, DecodeError> {
        let mut it = Self::default();
        reader.object(&mut |name, reader| match name {
            "text" => read_member(reader, name, &mut it.text).map(|_| true),
            _ => Ok(false),
        })?;
        Ok(it)
    }
}

#[derive(Debug, PartialEq)]
struct NotFound;

impl ServiceError for NotFound {
    fn code(&self) -> &str {
        "NotFoundException"
    }
    fn message(&self) -> Option<&str> {
        None
    }
    fn http_status(&self) -> u16 {
        400
    }
    fn write_members(&self, _: &mut JsonWriter) {}
    fn from_json(code: &str, _: &[u8]) -> Option<Self> {
        (code == "NotFoundException").then_some(Self)
    }
}

#[test]
fn a_request_names_its_operation() {
    let input = Text {
        text: Some("a".into()),
    };
    let (parts, body) = request::<DeleteCluster>("h:1", &input).expect("a host");
    assert_eq!((parts.method.as_str(), parts.uri.path()), ("POST", "/"));
    let header = |name: &str| parts.headers.get(name).and_then(|it| it.to_str().ok());
    assert_eq!(header("host"), Some("h:1"));
    assert_eq!(header("content-type"), Some("application/x-amz-json-1.1"));
    assert_eq!(
        header("x-amz-target"),
        Some("AmazonEC2ContainerServiceV20141113.DeleteCluster")
    );
    assert_eq!(body, br#"{"text":"a"}"#);
    assert!(request::<DeleteCluster>("bad\nhost", &input).is_err());
}

#[test]
fn answers_are_outputs() {
    let output = answer::<DeleteCluster>(200, br#"{"text":"a","more":1}"#).expect("an output");
    assert_eq!(output.text.as_deref(), Some("a"));
    assert_eq!(answer::<DeleteCluster>(200, b"").expect("empty"), Text::default());
    assert!(matches!(
        answer::<DeleteCluster>(200, b"<html>"),
        Err(ClientError::Answer(_))
    ));
}

#[test]
fn modelled_exceptions_are_found_by_their_bare_name() {
    for kind in [
        "NotFoundException",
        "com.amazonaws.ecs#NotFoundException",
        "NotFoundException:http://internal.amazon.com/coral/x/",
        "com.amazonaws.ecs#NotFoundException:http://internal.amazon.com/coral/x/#y",
    ] {
        let body = format!(r#"{{"__type":"{kind}","message":"gone"}}"#);
        let outcome = answer::<DeleteCluster>(400, body.as_bytes());
        assert!(
            matches!(outcome, Err(ClientError::Service(NotFound))),
            "{kind}: {outcome:?}"
        );
    }
}

#[test]
fn other_refusals_keep_what_they_say() {
    let other = |status: u16, body: &[u8]| match answer::<DeleteCluster>(status, body) {
        Err(ClientError::Other {
            status,
            code,
            message,
        }) => (status, code, message),
        outcome => panic!("{outcome:?}"),
    };
    let of = |status: u16, code: &str, message: &str| (status, code.to_owned(), message.to_owned());
    assert_eq!(
        other(
            400,
            br#"{"Message":"slow down","x":[1],"__type":"a#ThrottlingException:b"}"#
        ),
        of(400, "ThrottlingException", "slow down")
    );
    assert_eq!(
        other(400, br#"{"message":null,"__type":"ThrottlingException"}"#),
        of(400, "ThrottlingException", "")
    );
    assert_eq!(other(502, b"<html>Bad Gateway</html>"), of(502, "", ""));
    assert_eq!(other(500, b""), of(500, "", ""));
}
