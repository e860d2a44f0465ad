//! The Parameter Store, asked as clients ask it.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::names::{Depth, is_below};
use crate::fixture::{Fixture, code, text};

async fn put(fixture: &Fixture, name: &str, value: &str) -> Value {
    let input = json!({ "Name": name, "Value": value, "Type": "SecureString" });
    fixture.ask_of("ssm", "PutParameter", input).await
}

fn names(answer: &Value) -> Vec<String> {
    let all = answer["Parameters"].as_array().expect("a list");
    all.iter().map(|it| text(&it["Name"])).collect()
}

#[tokio::test]
async fn a_parameter_has_versions() {
    let fixture = Fixture::new().await;
    let made = put(&fixture, "/shop/db", "one").await;
    assert_eq!(made, json!({ "Tier": "Standard", "Version": 1 }));
    let again = json!({ "Name": "/shop/db", "Value": "two" });
    let (exception, message) = fixture.refused_of("ssm", "PutParameter", again.clone()).await;
    assert_eq!(exception, "ParameterAlreadyExists");
    assert!(message.starts_with("The parameter already exists. To overwrite"));
    let mut overwrite = again;
    overwrite["Overwrite"] = json!(true);
    assert_eq!(
        fixture.ask_of("ssm", "PutParameter", overwrite).await["Version"],
        2
    );
    let arn = "arn:aws:ssm:us-east-1:123456789012:parameter/shop/db";
    for (name, value, selector) in [
        ("/shop/db", "two", Value::Null),
        ("/shop/db:1", "one", json!(":1")),
        (arn, "two", Value::Null),
        (&format!("{arn}:2"), "two", json!(":2")),
    ] {
        let input = json!({ "Name": name, "WithDecryption": true });
        let got = fixture.ask_of("ssm", "GetParameter", input).await["Parameter"].clone();
        assert_eq!(got["Value"], value, "{name}");
        assert_eq!(got["Selector"], selector, "{name}");
        assert_eq!(
            (text(&got["ARN"]).as_str(), text(&got["Type"]).as_str()),
            (arn, "SecureString")
        );
    }
    let history = json!({ "Name": "/shop/db", "WithDecryption": true });
    let history = fixture.ask_of("ssm", "GetParameterHistory", history).await;
    let versions = history["Parameters"].as_array().expect("a list");
    let values: Vec<_> = versions.iter().map(|it| text(&it["Value"])).collect();
    assert_eq!(values, ["one", "two"]);
    assert_eq!(versions[0]["LastModifiedUser"], "arn:aws:iam::123456789012:root");
    assert_eq!(versions[0]["KeyId"], "alias/aws/ssm");
}

#[tokio::test]
async fn secure_strings_are_shown_encrypted_unless_asked_otherwise() {
    let fixture = Fixture::new().await;
    put(&fixture, "password", "hunter2").await;
    let got = fixture
        .ask_of("ssm", "GetParameter", json!({ "Name": "password" }))
        .await;
    assert!(!text(&got["Parameter"]["Value"]).contains("hunter2"));
    assert_eq!(
        got["Parameter"]["ARN"],
        "arn:aws:ssm:us-east-1:123456789012:parameter/password"
    );
    let described = fixture.ask_of("ssm", "DescribeParameters", json!({})).await;
    assert!(!described.to_string().contains("hunter2"));
}

#[tokio::test]
async fn nothing_in_the_state_shows_a_value() {
    let fixture = Fixture::new().await;
    put(&fixture, "password", "hunter2").await;
    let plain = json!({ "Name": "plain", "Value": "hunter3", "Type": "String" });
    fixture.ask_of("ssm", "PutParameter", plain).await;
    let state = fixture.store().read(|state| {
        let versions = state.all::<domain::parameter::ParameterVersion>();
        let encoded = versions.map(|it| format!("{it:?} {}", serde_json::to_string(&**it).expect("encodes")));
        encoded.collect::<String>()
    });
    assert!(state.contains("plain"));
    assert!(!state.contains("hunter"), "{state}");
}

/// A text parameter.
fn text_parameter(name: &str, value: &str) -> Value {
    json!({ "Name": name, "Value": value, "Type": "String" })
}

async fn check_refused(cases: Vec<(Value, &str, &str)>) {
    let fixture = Fixture::new().await;
    for (input, exception, words) in cases {
        let (code, message) = fixture.refused_of("ssm", "PutParameter", input.clone()).await;
        assert_eq!(code, exception, "{input}: {message}");
        assert!(message.contains(words), "{input}: {message}");
    }
}

#[tokio::test]
async fn bad_names_are_refused() {
    let deep = "/a".repeat(16);
    let of = |name: &str| text_parameter(name, "v");
    check_refused(vec![
        (of("a b"), "ValidationException", "can't be prefixed with \"ssm\""),
        (of("awsome"), "ValidationException", "\"aws\" or \"ssm\""),
        (
            of("/aws/x"),
            "AccessDeniedException",
            "No access to reserved parameter name: /aws/x.",
        ),
        (
            of("/ssm/x"),
            "ValidationException",
            "can't be prefixed with \"ssm\"",
        ),
        (of("a/b"), "ValidationException", "fully qualified"),
        (of("/a/"), "ValidationException", "must not end with slash"),
        (of(&deep), "HierarchyLevelLimitExceededException", "15 levels"),
    ])
    .await;
}

#[tokio::test]
async fn what_cannot_be_put_is_refused() {
    let long = "x".repeat(4097);
    let longest = "x".repeat(8193);
    let pattern = json!({ "Name": "n", "Value": "12a", "Type": "String", "AllowedPattern": "^\\d+$" });
    let broken = json!({ "Name": "n", "Value": "12a", "Type": "String", "AllowedPattern": "(" });
    let of = text_parameter;
    let with = |member: &str, value: Value| {
        let mut input = of("n", "v");
        input[member] = value;
        input
    };
    let tag = json!([{ "Key": "k", "Value": "v" }]);
    let mut overwritten = with("Tags", tag);
    overwritten["Overwrite"] = json!(true);
    let mut advanced = of("n", &longest);
    advanced["Tier"] = json!("Advanced");
    check_refused(vec![
        (
            json!({ "Name": "n", "Value": "v" }),
            "ValidationException",
            "A parameter type is required",
        ),
        (of("n", ""), "ValidationException", "at 'value'"),
        (
            of("n", &long),
            "ValidationException",
            "maximum parameter value of 4096",
        ),
        (advanced, "ValidationException", "maximum parameter value of 8192"),
        (
            pattern,
            "ParameterPatternMismatchException",
            "cannot be validated against allowedPattern: ^\\d+$",
        ),
        (broken, "InvalidAllowedPatternException", "("),
        (
            with("Type", json!("Number")),
            "ValidationException",
            "[SecureString, StringList, String]",
        ),
        (
            with("DataType", json!("aws:ec2:image")),
            "ValidationException",
            "not supported by Gantry",
        ),
        (
            with("Policies", json!("[{}]")),
            "InvalidPolicyTypeException",
            "not supported by Gantry",
        ),
        (with("KeyId", json!("k")), "ValidationException", "SecureString"),
        (
            overwritten,
            "ValidationException",
            "tags and overwrite can't be used together",
        ),
    ])
    .await;
}

#[tokio::test]
async fn tiers_go_up_only() {
    let fixture = Fixture::new().await;
    let long =
        json!({ "Name": "n", "Value": "x".repeat(5000), "Type": "String", "Tier": "Intelligent-Tiering" });
    assert_eq!(
        fixture.ask_of("ssm", "PutParameter", long).await["Tier"],
        "Advanced"
    );
    let down = json!({ "Name": "n", "Value": "x", "Tier": "Standard", "Overwrite": true });
    let (_, message) = fixture.refused_of("ssm", "PutParameter", down).await;
    assert!(message.starts_with("This parameter uses the advanced-parameter tier."));
}

#[tokio::test]
async fn a_hundred_versions_are_kept() {
    let fixture = Fixture::new().await;
    put(&fixture, "n", "0").await;
    for _ in 0..100 {
        let input = json!({ "Name": "n", "Value": "v", "Overwrite": true });
        fixture.ask_of("ssm", "PutParameter", input).await;
    }
    let refused = fixture
        .refused_of("ssm", "GetParameter", json!({ "Name": "n:1" }))
        .await;
    assert_eq!(code(refused), "ParameterVersionNotFound");
    let label = json!({ "Name": "n", "ParameterVersion": 2, "Labels": ["kept"] });
    fixture.ask_of("ssm", "LabelParameterVersion", label).await;
    let input = json!({ "Name": "n", "Value": "v", "Overwrite": true });
    let refused = fixture.refused_of("ssm", "PutParameter", input).await;
    assert_eq!(code(refused), "ParameterMaxVersionLimitExceeded");
}

#[tokio::test]
async fn many_are_asked_for_and_deleted_at_once() {
    let fixture = Fixture::new().await;
    put(&fixture, "a", "1").await;
    put(&fixture, "/b", "2").await;
    let input = json!({ "Names": ["a", "/b:1", "c", "/b:9"], "WithDecryption": true });
    let got = fixture.ask_of("ssm", "GetParameters", input).await;
    assert_eq!(names(&got), ["a", "/b"]);
    assert_eq!(got["InvalidParameters"], json!(["c", "/b:9"]));
    let deleted = fixture
        .ask_of("ssm", "DeleteParameters", json!({ "Names": ["a", "c"] }))
        .await;
    assert_eq!(
        deleted,
        json!({ "DeletedParameters": ["a"], "InvalidParameters": ["c"] })
    );
    fixture
        .ask_of("ssm", "DeleteParameter", json!({ "Name": "/b" }))
        .await;
    for operation in ["DeleteParameter", "GetParameter", "GetParameterHistory"] {
        let refused = fixture
            .refused_of("ssm", operation, json!({ "Name": "/b" }))
            .await;
        assert_eq!(code(refused), "ParameterNotFound", "{operation}");
    }
}

#[tokio::test]
async fn paths_are_listed_in_pages() {
    let fixture = Fixture::new().await;
    for name in ["/a/1", "/a/2", "/a/b/3", "/ab/4", "five"] {
        put(&fixture, name, "v").await;
    }
    for (path, recursive, expected) in [
        ("/a", false, vec!["/a/1", "/a/2"]),
        ("/a/", true, vec!["/a/1", "/a/2", "/a/b/3"]),
        ("/", false, vec!["five"]),
        ("/", true, vec!["/a/1", "/a/2", "/a/b/3", "/ab/4", "five"]),
        ("/none", true, vec![]),
    ] {
        let input = json!({ "Path": path, "Recursive": recursive });
        let got = fixture.ask_of("ssm", "GetParametersByPath", input).await;
        assert_eq!(names(&got), expected, "{path} {recursive}");
    }
    let mut input = json!({ "Path": "/", "Recursive": true, "MaxResults": 2 });
    let mut all = Vec::new();
    loop {
        let page = fixture.ask_of("ssm", "GetParametersByPath", input.clone()).await;
        all.extend(names(&page));
        match page["NextToken"].as_str() {
            Some(token) => input["NextToken"] = json!(token),
            None => break,
        }
    }
    assert_eq!(all.len(), 5);
    let refused = fixture
        .refused_of("ssm", "GetParametersByPath", json!({ "Path": "a" }))
        .await;
    assert_eq!(code(refused), "ValidationException");
    let refused = fixture
        .refused_of(
            "ssm",
            "GetParametersByPath",
            json!({ "Path": "/", "NextToken": "x" }),
        )
        .await;
    assert_eq!(code(refused), "InvalidNextToken");
}

#[tokio::test]
async fn descriptions_are_filtered() {
    let fixture = Fixture::new().await;
    let plain = json!({ "Name": "/a/plain", "Value": "v", "Type": "String", "Tags": [{ "Key": "team", "Value": "web" }] });
    fixture.ask_of("ssm", "PutParameter", plain).await;
    put(&fixture, "/a/b/secret", "v").await;
    for (filters, expected) in [
        (json!([]), vec!["/a/b/secret", "/a/plain"]),
        (json!([{ "Key": "Type", "Values": ["String"] }]), vec!["/a/plain"]),
        (
            json!([{ "Key": "Name", "Option": "Contains", "Values": ["sec"] }]),
            vec!["/a/b/secret"],
        ),
        (
            json!([{ "Key": "Name", "Option": "BeginsWith", "Values": ["a/p"] }]),
            vec!["/a/plain"],
        ),
        (json!([{ "Key": "Path", "Values": ["/a"] }]), vec!["/a/plain"]),
        (
            json!([{ "Key": "Path", "Option": "Recursive", "Values": ["/a"] }]),
            vec!["/a/b/secret", "/a/plain"],
        ),
        (
            json!([{ "Key": "tag:team", "Values": ["web"] }]),
            vec!["/a/plain"],
        ),
        (json!([{ "Key": "tag:team", "Values": ["ops"] }]), vec![]),
        (
            json!([{ "Key": "KeyId", "Values": ["alias/aws/ssm"] }]),
            vec!["/a/b/secret"],
        ),
    ] {
        let input = json!({ "ParameterFilters": filters });
        let got = fixture.ask_of("ssm", "DescribeParameters", input).await;
        assert_eq!(names(&got), expected, "{filters}");
    }
    let old = json!({ "Filters": [{ "Key": "Name", "Values": ["/a/p"] }] });
    assert_eq!(
        names(&fixture.ask_of("ssm", "DescribeParameters", old).await),
        ["/a/plain"]
    );
    for (filter, exception) in [
        (json!({ "Key": "Colour", "Values": ["red"] }), "InvalidFilterKey"),
        (
            json!({ "Key": "Type", "Option": "Contains", "Values": ["S"] }),
            "InvalidFilterOption",
        ),
        (json!({ "Key": "Type" }), "InvalidFilterValue"),
    ] {
        let input = json!({ "ParameterFilters": [filter] });
        let refused = fixture.refused_of("ssm", "DescribeParameters", input).await;
        assert_eq!(code(refused), exception);
    }
}

#[tokio::test]
async fn labels_name_one_version_each() {
    let fixture = Fixture::new().await;
    put(&fixture, "n", "one").await;
    let input = json!({ "Name": "n", "Value": "two", "Overwrite": true });
    fixture.ask_of("ssm", "PutParameter", input).await;
    let label = |version: u32| json!({ "Name": "n", "ParameterVersion": version, "Labels": ["live", "1st"] });
    let labelled = fixture.ask_of("ssm", "LabelParameterVersion", label(1)).await;
    assert_eq!(
        labelled,
        json!({ "InvalidLabels": ["1st"], "ParameterVersion": 1 })
    );
    let value = async || {
        let input = json!({ "Name": "n:live", "WithDecryption": true });
        text(&fixture.ask_of("ssm", "GetParameter", input).await["Parameter"]["Value"])
    };
    assert_eq!(value().await, "one");
    fixture.ask_of("ssm", "LabelParameterVersion", label(2)).await;
    assert_eq!(value().await, "two");
    let removed = json!({ "Name": "n", "ParameterVersion": 2, "Labels": ["live", "other"] });
    let removed = fixture.ask_of("ssm", "UnlabelParameterVersion", removed).await;
    assert_eq!(
        removed,
        json!({ "InvalidLabels": ["other"], "RemovedLabels": ["live"] })
    );
    let (exception, message) = fixture
        .refused_of("ssm", "GetParameter", json!({ "Name": "n:live" }))
        .await;
    assert_eq!(exception, "ParameterVersionNotFound");
    assert!(message.contains("label live"), "{message}");
}

#[tokio::test]
async fn tags_come_and_go() {
    let fixture = Fixture::new().await;
    put(&fixture, "/n", "v").await;
    let resource = |more: Value| {
        let mut input = json!({ "ResourceType": "Parameter", "ResourceId": "/n" });
        for (name, value) in more.as_object().expect("an object") {
            input[name] = value.clone();
        }
        input
    };
    let tags = json!({ "Tags": [{ "Key": "a", "Value": "1" }, { "Key": "b", "Value": "2" }] });
    fixture.ask_of("ssm", "AddTagsToResource", resource(tags)).await;
    let tags = json!({ "Tags": [{ "Key": "a", "Value": "3" }] });
    fixture.ask_of("ssm", "AddTagsToResource", resource(tags)).await;
    let keys = json!({ "TagKeys": ["b", "c"] });
    fixture
        .ask_of("ssm", "RemoveTagsFromResource", resource(keys))
        .await;
    let listed = fixture
        .ask_of("ssm", "ListTagsForResource", resource(json!({})))
        .await;
    assert_eq!(listed, json!({ "TagList": [{ "Key": "a", "Value": "3" }] }));
    for (kind, id, exception) in [
        ("Parameter", "/other", "InvalidResourceId"),
        ("Document", "/n", "InvalidResourceType"),
    ] {
        let input = json!({ "ResourceType": kind, "ResourceId": id });
        let refused = fixture.refused_of("ssm", "ListTagsForResource", input).await;
        assert_eq!(code(refused), exception);
    }
}

#[test]
fn hierarchies_end_at_slashes() {
    let table: BTreeMap<(&str, &str), [bool; 2]> = BTreeMap::from([
        (("/a/b", "/a"), [true, true]),
        (("/a/b/c", "/a"), [false, true]),
        (("/ab", "/a"), [false, false]),
        (("/a", "/a"), [false, false]),
        (("b", "/"), [true, true]),
        (("/b/c", "/"), [false, true]),
    ]);
    for ((name, path), expected) in table {
        let found = [Depth::OneLevel, Depth::Recursive].map(|depth| is_below(name, path, depth));
        assert_eq!(found, expected, "{name} below {path}");
    }
}
