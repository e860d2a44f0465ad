//! Parameters and secrets on their way into containers, and nowhere else.

use std::path::Path;

use anyhow::{Context, Result};
use serde_json::{Value, json};
use test_support::aws::Aws;

use crate::world::{World, text};

/// In no other text of the tests.
const OF_SSM: &str = "hunter2-3f9c1d";
const OF_ASM: &str = "hunter2-77ab0e";

fn secret(name: &str, value_from: &str) -> Value {
    json!({ "name": name, "valueFrom": value_from })
}

/// Runs a task with secrets to its end.
fn run(world: &World, family: &str, secrets: Value, command: &str) -> Result<Value> {
    let task = json!({ "networkMode": "host", "executionRoleArn": "ecsTaskExecutionRole" });
    let container = json!({ "secrets": secrets, "command": ["/bin/sh", "-c", command] });
    let definition = world.register(family, task, container)?;
    let arn = world.run(&definition, &[])?;
    world.wait_for(&arn, "STOPPED")
}

fn put_parameter(world: &World, name: &str, value: &str) -> Result<Value> {
    world.aws.json(&[
        "ssm",
        "put-parameter",
        "--name",
        name,
        "--value",
        value,
        "--type",
        "SecureString",
    ])
}

fn create_secret(world: &World, name: &str, value: &str) -> Result<String> {
    let made = world.aws.json(&[
        "secretsmanager",
        "create-secret",
        "--name",
        name,
        "--secret-string",
        value,
    ])?;
    Ok(text(&made["ARN"]))
}

/// Files below a folder that hold a text.
fn files_with(folder: &Path, needle: &[u8], found: &mut Vec<String>) -> Result<()> {
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        let kind = std::fs::symlink_metadata(&path)?.file_type();
        if kind.is_dir() {
            files_with(&path, needle, found)?;
        } else if kind.is_file() {
            let bytes = std::fs::read(&path)?;
            if bytes.windows(needle.len()).any(|it| it == needle) {
                found.push(path.display().to_string());
            }
        }
    }
    Ok(())
}

#[test]
fn secrets_become_variables_and_stay_secret() -> Result<()> {
    let world = World::new()?;
    put_parameter(&world, "/shop/password", OF_SSM)?;
    let arn = create_secret(
        &world,
        "shop/db",
        &json!({ "password": OF_ASM, "port": 5432 }).to_string(),
    )?;
    let parameter = "arn:aws:ssm:us-east-1:123456789012:parameter/shop/password";
    let secrets = json!([
        secret("BY_NAME", "/shop/password"),
        secret("BY_ARN", parameter),
        secret("KEY", &format!("{arn}:password::")),
        secret("PORT", &format!("{arn}:port:AWSCURRENT:")),
        secret("WHOLE", &arn),
    ]);
    let lengths =
        "[ ${#BY_NAME} = 14 ] && [ \"$BY_NAME\" = \"$BY_ARN\" ] && [ ${#KEY} = 14 ] && [ \"$PORT\" = 5432 ]";
    let command = format!("{lengths} && case \"$WHOLE\" in *\"$KEY\"*) exit 42;; esac; exit 1");
    let task = run(&world, "secrets", secrets, &command)?;
    assert_eq!(task["containers"][0]["exitCode"], 42, "{task:#}");

    assert!(!task.to_string().contains("hunter2"), "{task:#}");
    for value in [OF_SSM, OF_ASM] {
        let mut found = Vec::new();
        files_with(&world.gantry.data_dir(), value.as_bytes(), &mut found)?;
        assert_eq!(found, Vec::<String>::new());
        assert!(!world.gantry.output().contains(value), "the log shows a secret");
    }
    let key = world.gantry.data_dir().join("keys/master.json");
    let mode = std::os::unix::fs::MetadataExt::mode(&std::fs::metadata(key)?) & 0o777;
    assert_eq!(mode, 0o600);
    Ok(())
}

#[test]
fn values_outlive_the_process() -> Result<()> {
    let mut world = World::new()?;
    put_parameter(&world, "password", OF_SSM)?;
    world.gantry.kill()?;
    world.gantry.up()?;
    let aws = Aws::of(&world.gantry)?;
    let get = ["ssm", "get-parameter", "--name", "password", "--with-decryption"];
    assert_eq!(aws.json(&get)?["Parameter"]["Value"], OF_SSM);
    Ok(())
}

#[test]
fn what_is_missing_stops_the_task_in_amazons_words() -> Result<()> {
    let world = World::new()?;
    let arn = create_secret(&world, "db", "{}")?;
    let failed = "ResourceInitializationError: unable to pull secrets or registry auth: execution resource retrieval failed";
    let other = "arn:aws:secretsmanager:us-east-1:123456789012:secret:none-AbCdEf";
    let asm = "unable to retrieve secret from asm: service call has been retried 1 time(s)";
    for (family, value_from, reason) in [
        (
            "no-parameter",
            "/none".to_owned(),
            "unable to retrieve secrets from ssm: service call has been retried 1 time(s): invalid ssm parameters: /none"
                .to_owned(),
        ),
        (
            "no-secret",
            other.to_owned(),
            format!(
                "{asm}: failed to fetch secret {other} from secrets manager: ResourceNotFoundException: Secrets Manager \
                 can't find the specified secret."
            ),
        ),
        (
            "no-key",
            format!("{arn}:password::"),
            format!("{asm}: retrieved secret from Secrets Manager did not contain json key password"),
        ),
    ] {
        let task = run(&world, family, json!([secret("X", &value_from)]), "exit 0")?;
        assert_eq!(task["stopCode"], "TaskFailedToStart", "{task:#}");
        assert_eq!(text(&task["stoppedReason"]), format!("{failed}: {reason}"));
        assert!(task["containers"][0]["exitCode"].is_null(), "it ran: {task:#}");
    }
    Ok(())
}

#[test]
fn a_role_that_is_not_there_stops_the_task() -> Result<()> {
    let world = World::new()?;
    let task = json!({ "networkMode": "host", "executionRoleArn": "none" });
    let definition = world.register("no-role", task, json!({}))?;
    let arn = world.run(&definition, &[])?;
    let task = world.wait_for(&arn, "STOPPED")?;
    assert_eq!(task["stopCode"], "TaskFailedToStart", "{task:#}");
    let reason = text(&task["stoppedReason"]);
    let expected = "ECS was unable to assume the role 'arn:aws:iam::123456789012:role/none' that was provided for this task.";
    assert!(reason.starts_with(expected), "{reason}");
    Ok(())
}

#[test]
fn an_assumed_role_signs_requests() -> Result<()> {
    let world = World::new()?;
    let trust = json!({ "Version": "2012-10-17", "Statement": [{
        "Effect": "Allow", "Principal": { "Service": "ecs-tasks.amazonaws.com" }, "Action": "sts:AssumeRole",
    }] });
    let trust = trust.to_string();
    world.aws.json(&[
        "iam",
        "create-role",
        "--role-name",
        "web",
        "--assume-role-policy-document",
        &trust,
    ])?;
    let role = world.aws.json(&["iam", "get-role", "--role-name", "web"])?;
    assert_eq!(
        role["Role"]["AssumeRolePolicyDocument"]["Version"], "2012-10-17",
        "{role:#}"
    );
    let arn = text(&role["Role"]["Arn"]);
    let assumed = world.aws.json(&[
        "sts",
        "assume-role",
        "--role-arn",
        &arn,
        "--role-session-name",
        "me",
    ])?;
    let credentials = &assumed["Credentials"];
    let identity = |token: &str| -> Result<std::process::Output> {
        let mut aws = world.aws.program("aws");
        aws.args(["sts", "get-caller-identity", "--output", "json"])
            .env("AWS_ACCESS_KEY_ID", text(&credentials["AccessKeyId"]))
            .env("AWS_SECRET_ACCESS_KEY", text(&credentials["SecretAccessKey"]))
            .env("AWS_SESSION_TOKEN", token);
        aws.output().context("cannot run aws")
    };
    let token = text(&credentials["SessionToken"]);
    let output = identity(&token)?;
    let answer: Value = serde_json::from_slice(&output.stdout)
        .with_context(|| String::from_utf8_lossy(&output.stderr).into_owned())?;
    assert_eq!(answer["Arn"], "arn:aws:sts::123456789012:assumed-role/web/me");

    let forged = identity(&token.chars().rev().collect::<String>())?;
    let error = String::from_utf8_lossy(&forged.stderr).into_owned();
    assert!(error.contains("InvalidClientTokenId"), "{error}");
    world.aws.output(&["iam", "delete-role", "--role-name", "web"])?;
    let gone = identity(&token)?;
    let error = String::from_utf8_lossy(&gone.stderr).into_owned();
    assert!(error.contains("InvalidClientTokenId"), "{error}");
    Ok(())
}
