//! References to secrets, and what is in those for registries.

use super::reference::SecretReference;
use super::registry_login::credentials;

const ARN: &str = "arn:aws:secretsmanager:us-east-1:123456789012:secret:prod/db-AbCdEf";

#[test]
fn references_have_up_to_three_fields_more() {
    let parse = |rest: &str| {
        let it = SecretReference::parse(&format!("{ARN}{rest}"))?;
        assert_eq!(it.arn, ARN);
        Some([it.json_key, it.version_stage, it.version_id].map(Option::unwrap_or_default))
    };
    let fields = |one: &str, two: &str, three: &str| Some([one, two, three].map(str::to_owned));
    for (rest, expected) in [
        ("", fields("", "", "")),
        (":password::", fields("password", "", "")),
        ("::AWSPREVIOUS:", fields("", "AWSPREVIOUS", "")),
        (
            ":::11111111-1111-1111-1111-111111111111",
            fields("", "", "11111111-1111-1111-1111-111111111111"),
        ),
        (":a:b:c", fields("a", "b", "c")),
        (":a:b:c:d", None),
    ] {
        assert_eq!(parse(rest), expected, "{rest}");
    }
    for text in ["", "/parameter", "arn:aws:ssm:us-east-1:123456789012:parameter/x"] {
        assert_eq!(SecretReference::parse(text), None, "{text}");
    }
}

#[test]
fn keys_are_taken_from_the_object() {
    let reference = |key: &str| SecretReference::parse(&format!("{ARN}:{key}::")).expect("is one");
    let text = r#"{"user":"me","port":5432,"tls":true,"none":null}"#;
    for (key, expected) in [
        ("user", Some("me")),
        ("port", Some("5432")),
        ("tls", Some("true")),
        ("none", None),
        ("other", None),
    ] {
        let value = reference(key).value(text.to_owned());
        match expected {
            Some(expected) => assert_eq!(value.as_deref(), Ok(expected)),
            None => assert_eq!(
                value,
                Err(format!(
                    "retrieved secret from Secrets Manager did not contain json key {key}"
                ))
            ),
        }
    }
    let plain = reference("user").value("hunter2".to_owned());
    assert!(plain.is_err_and(|it| !it.contains("hunter2")));
    assert_eq!(
        reference("").value("hunter2".to_owned()).as_deref(),
        Ok("hunter2")
    );
}

#[test]
fn a_login_has_a_user_and_a_password() {
    let read = |text: &str| credentials(Some(text)).map(|it| (it.username, it.password));
    assert_eq!(
        read(r#"{"username":"me","password":"p:w","more":1}"#),
        Ok(("me".to_owned(), "p:w".to_owned()))
    );
    for (text, expected) in [
        ("", "asm fetching authorization data: empty secrets value"),
        (
            "hunter2",
            "asm fetching authorization data: unable to unmarshal secret value, invalid schema",
        ),
        (
            r#"{"password":"p"}"#,
            "asm fetching username: AuthorizationData is malformed, empty field",
        ),
        (
            r#"{"username":"u","password":""}"#,
            "asm fetching password: AuthorizationData is malformed, empty field",
        ),
    ] {
        assert_eq!(read(text), Err(expected), "{text}");
    }
    assert!(credentials(None).is_err(), "a secret that is binary");
}
