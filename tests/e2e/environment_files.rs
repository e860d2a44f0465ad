//! Buckets of S3 with the AWS CLI and boto3, and files out of them that become variables of containers.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;

use anyhow::{Result, ensure};
use serde_json::{Value, json};

use crate::world::{World, text};

/// Runs `aws`, which must succeed: what it says.
fn aws(world: &World, arguments: &[&str]) -> Result<String> {
    let output = world.aws.output(arguments)?;
    let (said, error) = (
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr),
    );
    ensure!(
        output.status.success(),
        "aws {}: {said}{error}",
        arguments.join(" ")
    );
    Ok(said.into_owned())
}

/// A file to be uploaded.
fn scratch(world: &World, name: &str, content: &[u8]) -> Result<String> {
    let path = world.gantry.scratch().join(name);
    fs::write(&path, content)?;
    Ok(path.display().to_string())
}

fn bucket(world: &World, name: &str) -> PathBuf {
    world.gantry.data_dir().join("buckets").join(name)
}

fn files(keys: &[&str]) -> Value {
    let file = |key: &&str| json!({ "type": "s3", "value": format!("arn:aws:s3:::config/{key}") });
    keys.iter().map(file).collect()
}

/// Registers a task whose script must end with 42.
fn register(world: &World, family: &str, keys: &[&str], script: &str) -> Result<String> {
    let task = json!({ "networkMode": "host", "executionRoleArn": "ecsTaskExecutionRole" });
    let container = json!({
        "environmentFiles": files(keys),
        "environment": [{ "name": "OWN", "value": "own" }],
        "command": ["/bin/sh", "-c", format!("{script} && exit 42; env; exit 1")],
    });
    world.register(family, task, container)
}

#[test]
fn files_out_of_a_bucket_become_variables() -> Result<()> {
    let world = World::new()?;
    aws(&world, &["s3", "mb", "s3://config"])?;
    let app = b"# the shop\nMODE=\"first\"\nOWN=file\nSPACES=a b \nAWS_REGION=eu-west-1\nEMPTY=\n";
    let app = scratch(&world, "app.env", app)?;
    aws(&world, &["s3", "cp", &app, "s3://config/shop/app.env"])?;
    // Whoever runs Gantry may put files there by hand.
    fs::write(bucket(&world, "config").join("more.env"), "MODE=second\nMORE=1\n")?;

    let script = "[ \"$MODE\" = '\"first\"' ] && [ $OWN = own ] && [ \"$SPACES\" = 'a b ' ] && [ $MORE = 1 ] \
                  && [ $AWS_REGION = eu-west-1 ] && [ -z \"${EMPTY+set}\" ]";
    let definition = register(&world, "files", &["shop/app.env", "more.env"], script)?;
    let described = world.aws.json(&[
        "ecs",
        "describe-task-definition",
        "--task-definition",
        &definition,
    ])?;
    let described = &described["taskDefinition"];
    let container = &described["containerDefinitions"][0];
    assert_eq!(
        container["environmentFiles"],
        files(&["shop/app.env", "more.env"])
    );
    let required = described["requiresAttributes"].to_string();
    assert!(required.contains("ecs.capability.env-files.s3"), "{required}");
    let task = world.wait_for(&world.run(&definition, &[])?, "STOPPED")?;
    assert_eq!(task["containers"][0]["exitCode"], 42, "{task:#}");

    let overrides = json!({ "containerOverrides": [{
        "name": "web", "environmentFiles": files(&["more.env"]),
        "command": ["/bin/sh", "-c", "[ $MODE = second ] && [ -z \"$SPACES\" ] && exit 42; exit 1"],
    }] });
    let arn = world.run(&definition, &["--overrides", &overrides.to_string()])?;
    let task = world.wait_for(&arn, "STOPPED")?;
    assert_eq!(task["containers"][0]["exitCode"], 42, "{task:#}");
    let shown = &task["overrides"]["containerOverrides"][0]["environmentFiles"];
    assert_eq!(shown, &files(&["more.env"]));
    Ok(())
}

#[test]
fn what_is_missing_stops_the_task_in_amazons_words() -> Result<()> {
    let world = World::new()?;
    aws(&world, &["s3", "mb", "s3://config"])?;
    fs::write(bucket(&world, "config").join("binary.env"), b"A=\xff\n")?;
    let failed = "ResourceInitializationError: failed to download env files: file download command: non empty error stream: ";
    for (family, key, reason) in [
        (
            "no-object",
            "none.env",
            "NoSuchKey: The specified key does not exist. status code: 404 (arn:aws:s3:::config/none.env)",
        ),
        (
            "no-text",
            "binary.env",
            "the file is not UTF-8 (arn:aws:s3:::config/binary.env)",
        ),
    ] {
        let definition = register(&world, family, &[key], "true")?;
        let task = stopped(&world, &definition)?;
        assert_eq!(
            text(&task["stoppedReason"]),
            format!("{failed}{reason}"),
            "{task:#}"
        );
        assert_eq!(task["stopCode"], "TaskFailedToStart");
    }
    aws(&world, &["s3", "rb", "--force", "s3://config"])?;
    let definition = register(&world, "no-bucket", &["app.env"], "true")?;
    let task = stopped(&world, &definition)?;
    let reason =
        "NoSuchBucket: The specified bucket does not exist status code: 404 (arn:aws:s3:::config/app.env)";
    assert_eq!(text(&task["stoppedReason"]), format!("{failed}{reason}"));
    Ok(())
}

fn stopped(world: &World, definition: &str) -> Result<Value> {
    world.wait_for(&world.run(definition, &[])?, "STOPPED")
}

#[test]
fn the_aws_cli_keeps_objects_in_buckets() -> Result<()> {
    let mut world = World::new()?;
    aws(&world, &["s3", "mb", "s3://things"])?;
    let small = scratch(&world, "small.txt", b"hello")?;
    let content: Vec<u8> = (0..3_000_000_u32).map(|it| (it % 251) as u8).collect();
    let large = scratch(&world, "large.bin", &content)?;
    aws(&world, &["s3", "cp", &small, "s3://things/a/ä ö+.txt"])?;
    aws(&world, &["s3", "cp", &large, "s3://things/large.bin"])?;
    let listed = aws(&world, &["s3", "ls", "s3://things/"])?;
    assert!(
        listed.contains("PRE a/") && listed.contains("3000000 large.bin"),
        "{listed}"
    );
    let listed = aws(&world, &["s3", "ls", "--recursive", "s3://things/"])?;
    assert!(listed.contains("a/ä ö+.txt"), "{listed}");
    assert!(aws(&world, &["s3", "ls"])?.contains(" things"));
    let file = bucket(&world, "things").join("a/ä ö+.txt");
    assert_eq!(fs::read(&file)?, b"hello");
    assert_eq!(fs::metadata(&file)?.mode() & 0o777, 0o600);

    world.gantry.kill()?;
    world.gantry.up()?;
    world.aws = test_support::aws::Aws::of(&world.gantry)?;
    let back = world.gantry.scratch().join("back.bin").display().to_string();
    aws(&world, &["s3", "cp", "s3://things/large.bin", &back])?;
    assert!(fs::read(&back)? == content);
    let range = world.aws.json(&[
        "s3api",
        "get-object",
        "--bucket",
        "things",
        "--key",
        "large.bin",
        "--range",
        "bytes=1-3",
        &back,
    ])?;
    assert_eq!(
        (fs::read(&back)?, &range["ContentRange"]),
        (content[1..4].to_vec(), &json!("bytes 1-3/3000000"))
    );
    let page = world.aws.json(&[
        "s3api",
        "list-objects-v2",
        "--bucket",
        "things",
        "--page-size",
        "1",
    ])?;
    assert_eq!(page["Contents"].as_array().map(Vec::len), Some(2), "{page}");

    assert_refusals(&world)?;
    aws(&world, &["s3", "rm", "--recursive", "s3://things/"])?;
    aws(&world, &["s3", "rb", "s3://things"])?;
    assert!(!bucket(&world, "things").exists());
    Ok(())
}

/// What the bucket `things` does not do.
fn assert_refusals(world: &World) -> Result<()> {
    for (arguments, code) in [
        (
            &["s3api", "head-object", "--bucket", "things", "--key", "none"][..],
            "404",
        ),
        (
            &["s3api", "delete-bucket", "--bucket", "things"],
            "BucketNotEmpty",
        ),
        (&["s3api", "create-bucket", "--bucket", "No"], "InvalidBucketName"),
        (
            &["s3api", "get-bucket-acl", "--bucket", "things"],
            "NotImplemented",
        ),
        (
            &[
                "s3api",
                "create-multipart-upload",
                "--bucket",
                "things",
                "--key",
                "x",
            ],
            "NotImplemented",
        ),
    ] {
        let error = world.aws.error(arguments)?;
        assert!(error.contains(code), "{error}");
    }
    Ok(())
}

#[test]
fn boto3_reads_what_it_has_put() -> Result<()> {
    let world = World::new()?;
    let script = r#"
import boto3, botocore
s3 = boto3.client("s3")
s3.create_bucket(Bucket="from-boto")
for algorithm in ["CRC32", "SHA1", "SHA256"]:
    put = s3.put_object(Bucket="from-boto", Key="a/b.env", Body=b"A=1", ContentType="text/plain",
                        Metadata={"who": "boto"}, ChecksumAlgorithm=algorithm)
    got = s3.get_object(Bucket="from-boto", Key="a/b.env", ChecksumMode="ENABLED")
    assert got["Body"].read() == b"A=1" and got["Metadata"] == {"who": "boto"}, got
    assert got["Checksum" + algorithm] == put["Checksum" + algorithm], (put, got)
assert got["ContentType"] == "text/plain" and got["ETag"] == put["ETag"]
signed = boto3.client("s3", config=botocore.config.Config(signature_version="s3v4"))
url = signed.generate_presigned_url("get_object", Params={"Bucket": "from-boto", "Key": "a/b.env"})
import urllib.request
assert urllib.request.urlopen(url).read() == b"A=1"
try:
    s3.get_object(Bucket="from-boto", Key="none")
    raise SystemExit("there is none")
except s3.exceptions.NoSuchKey:
    pass
try:
    s3.put_object(Bucket="from-boto", Key="x", Body=b"1", IfNoneMatch="*")
    s3.put_object(Bucket="from-boto", Key="x", Body=b"2", IfNoneMatch="*")
    raise SystemExit("it was there")
except botocore.exceptions.ClientError as error:
    assert error.response["Error"]["Code"] == "PreconditionFailed", error
assert [it["Key"] for it in s3.list_objects_v2(Bucket="from-boto")["Contents"]] == ["a/b.env", "x"]
"#;
    let ran = world.aws.program("python3").args(["-c", script]).output()?;
    ensure!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
    Ok(())
}
