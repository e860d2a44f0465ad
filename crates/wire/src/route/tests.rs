use super::*;

static ECS: Service = Service {
    signing_name: "ecs",
    target_prefix: "AmazonEC2ContainerServiceV20141113",
    api_version: "2014-11-13",
    protocol: ServiceProtocol::Json("1.1"),
    xml_namespace: "",
    operations: &["ListClusters"],
};
static STS: Service = Service {
    signing_name: "sts",
    target_prefix: "",
    api_version: "2011-06-15",
    protocol: ServiceProtocol::Query,
    xml_namespace: "https://sts.amazonaws.com/doc/2011-06-15/",
    operations: &["GetCallerIdentity"],
};

static EC2: Service = Service {
    signing_name: "ec2",
    target_prefix: "",
    api_version: "2016-11-15",
    protocol: ServiceProtocol::Ec2,
    xml_namespace: "http://ec2.amazonaws.com/doc/2016-11-15",
    operations: &["DescribeVpcs"],
};

#[test]
fn requests_find_their_operation_by_target_or_by_form() {
    let services = [&ECS, &STS, &EC2];
    let json = route(
        &services,
        Protocol::Json11,
        "application/x-amz-json-1.1",
        Some("AmazonEC2ContainerServiceV20141113.ListClusters"),
        b"",
    );
    let json = json.expect("json");
    assert_eq!(
        (json.service.signing_name, &*json.operation, json.protocol),
        ("ecs", "ListClusters", Protocol::Json11)
    );
    let form = b"Action=GetCallerIdentity&Version=2011-06-15";
    let query = route(
        &services,
        Protocol::Query,
        "application/x-www-form-urlencoded; charset=utf-8",
        None,
        form,
    )
    .expect("query");
    assert_eq!(
        (query.service.signing_name, &*query.operation, query.protocol),
        ("sts", "GetCallerIdentity", Protocol::Query)
    );
    let form = b"Action=DescribeVpcs&Version=2016-11-15";
    let ec2 = route(
        &services,
        Protocol::Query,
        "application/x-www-form-urlencoded",
        None,
        form,
    )
    .expect("ec2");
    assert_eq!(
        (ec2.service.signing_name, &*ec2.operation, ec2.protocol),
        ("ec2", "DescribeVpcs", Protocol::Ec2)
    );
}

#[test]
fn what_names_no_operation_is_unknown() {
    let services = [&ECS, &STS];
    let cases: [(&str, Option<&str>, &[u8]); 5] = [
        ("application/x-amz-json-1.1", Some("Other.ListClusters"), b""),
        ("application/x-amz-json-1.1", None, b"{}"),
        (
            "application/x-www-form-urlencoded",
            None,
            b"Action=GetCallerIdentity&Version=1999-01-01",
        ),
        ("application/x-www-form-urlencoded", None, b"\xff\xff"),
        (
            "text/plain",
            Some("AmazonEC2ContainerServiceV20141113.ListClusters"),
            b"",
        ),
    ];
    for (content_type, target, body) in cases {
        let protocol = Protocol::of_request(&services, content_type, target, None);
        let error = route(&services, protocol, content_type, target, body).expect_err("unknown");
        assert_eq!(
            error.json_code, "UnknownOperationException",
            "{content_type} {target:?}"
        );
    }
}

#[test]
fn what_leads_nowhere_is_answered_in_the_protocol_of_the_service_it_is_signed_for() {
    let services = [&ECS, &STS, &EC2];
    let form = "application/x-www-form-urlencoded";
    let json = "application/x-amz-json-1.1";
    let cases = [
        (
            form,
            Some("ec2"),
            "Version=2016-11-15",
            Protocol::Ec2,
            "MissingAction",
        ),
        (
            form,
            Some("ec2"),
            "Action=DescribeVpcs&Version=1999-01-01",
            Protocol::Ec2,
            "NoSuchVersion",
        ),
        (json, Some("ec2"), "{}", Protocol::Ec2, "MissingAction"),
        (form, Some("sts"), "", Protocol::Query, "MissingAction"),
        (
            form,
            Some("sts"),
            "Action=GetCallerIdentity&Version=1",
            Protocol::Query,
            "InvalidAction",
        ),
        (
            "",
            Some("sts"),
            "Action=GetCallerIdentity",
            Protocol::Query,
            "MissingAction",
        ),
        (
            form,
            Some("ecs"),
            "",
            Protocol::Json11,
            "UnknownOperationException",
        ),
        (form, None, "Action=&Version=1", Protocol::Query, "MissingAction"),
    ];
    for (content_type, signed_for, body, protocol, code) in cases {
        let found = Protocol::of_request(&services, content_type, None, signed_for);
        let error = route(&services, found, content_type, None, body.as_bytes()).expect_err("unknown");
        let answer = error.answer(found, "r");
        assert_eq!(
            (found, answer.status, &*answer.code),
            (protocol, 400, code),
            "{content_type} {signed_for:?}"
        );
    }
}

static FILES: Service = Service {
    signing_name: "elasticfilesystem",
    target_prefix: "",
    api_version: "2015-02-01",
    protocol: ServiceProtocol::RestJson(&[rest::HttpOperation {
        name: "DescribeFileSystems",
        method: "GET",
        uri: "/2015-02-01/file-systems",
        status: 200,
        input: &[],
        output: &[],
    }]),
    xml_namespace: "",
    operations: &["DescribeFileSystems"],
};

static ZONES: Service = Service {
    signing_name: "route53",
    protocol: ServiceProtocol::RestXml(&[rest::HttpOperation {
        name: "ListHostedZones",
        method: "GET",
        uri: "/2013-04-01/hostedzone",
        status: 200,
        input: &[],
        output: &[],
    }]),
    ..FILES
};

#[test]
fn requests_without_a_target_find_their_operation_by_method_and_path() {
    let found = |signed_for: Option<&str>, method: &str, uri: &str| {
        let (method, uri) = (
            method.parse().expect("a method"),
            uri.parse().expect("an address"),
        );
        let (_, route) = route_of_path(&[&ECS, &FILES, &ZONES], signed_for, &method, &uri)?;
        Some(
            route
                .map(|it| it.operation.into_owned())
                .map_err(|it| it.json_code),
        )
    };
    let path = "/2015-02-01/file-systems";
    let described = || Some(Ok("DescribeFileSystems".to_owned()));
    assert_eq!(found(Some("elasticfilesystem"), "GET", path), described());
    assert_eq!(
        found(None, "GET", path),
        described(),
        "so that it can be told to sign"
    );
    assert_eq!(found(Some("ecs"), "GET", path), None);
    let zones = Some(Ok("ListHostedZones".to_owned()));
    assert_eq!(found(Some("route53"), "GET", "/2013-04-01/hostedzone"), zones);
    assert_eq!(found(None, "GET", "/health"), None);
    let unknown = Some(Err("UnknownOperationException"));
    assert_eq!(found(Some("elasticfilesystem"), "PUT", path), unknown);
    let error = CommonError::unknown_operation("x").answer(Protocol::RestJson, "r");
    assert_eq!((error.status, error.content_type), (404, "application/json"));
    let (method, uri) = (Method::GET, "/2013-04-01/nothing".parse().expect("an address"));
    let of_xml = route_of_path(&[&FILES, &ZONES], Some("route53"), &method, &uri);
    let (protocol, error) = of_xml
        .map(|(it, route)| (it, route.expect_err("unknown")))
        .expect("meant");
    let error = error.answer(protocol, "r");
    assert_eq!((error.status, error.content_type), (400, "text/xml"));
}

#[test]
fn a_get_has_its_form_in_its_address() {
    for (method, uri, expected) in [
        (
            Method::GET,
            "/?Version=1&Action=DescribeVpcs",
            Some("Version=1&Action=DescribeVpcs"),
        ),
        (
            Method::GET,
            "http://127.0.0.1:4566/?Action=DescribeVpcs",
            Some("Action=DescribeVpcs"),
        ),
        (Method::POST, "/?Action=DescribeVpcs", None),
        (Method::GET, "/health?Action=DescribeVpcs", None),
        (Method::GET, "/?action=DescribeVpcs", None),
        (Method::GET, "/", None),
    ] {
        let uri: Uri = uri.parse().expect("an address");
        assert_eq!(form_of_query(&method, &uri), expected, "{method} {uri}");
    }
}
