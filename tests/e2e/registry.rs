//! The registry of images: pushed with skopeo, described by the AWS CLI, run by tasks.

use std::process::Command;

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use test_support::wait;

use crate::world::{DEADLINE, World, text};

const AMAZONS_NAME: &str = "123456789012.dkr.ecr.us-east-1.amazonaws.com";

/// A client of the registry.
struct Skopeo {
    host: String,
    credentials: String,
}

impl Skopeo {
    fn of(world: &World) -> Result<Self> {
        let login = world
            .aws
            .program("aws")
            .args(["ecr", "get-login-password"])
            .output()?;
        ensure!(
            login.status.success(),
            "{}",
            String::from_utf8_lossy(&login.stderr)
        );
        let endpoint = world.gantry.endpoint();
        Ok(Self {
            host: endpoint.trim_start_matches("http://").to_owned(),
            credentials: format!("AWS:{}", String::from_utf8(login.stdout)?.trim()),
        })
    }

    fn run(arguments: &[&str]) -> Result<String> {
        let output = Command::new("skopeo")
            .arg("--insecure-policy")
            .args(arguments)
            .output()
            .context("skopeo is missing: apt-get install skopeo")?;
        let errors = String::from_utf8_lossy(&output.stderr);
        ensure!(output.status.success(), "skopeo {arguments:?}: {errors}");
        Ok(String::from_utf8(output.stdout)?)
    }

    fn name(&self, image: &str) -> String {
        format!("docker://{}/{image}", self.host)
    }

    fn push(&self, from: &str, image: &str, more: &[&str]) -> Result<String> {
        let to = self.name(image);
        let fixed = [
            "copy",
            "--dest-tls-verify=false",
            "--dest-creds",
            &self.credentials,
            from,
            &to,
        ];
        Self::run(&[&fixed[..], more].concat())
    }

    fn pull(&self, image: &str, to: &str) -> Result<String> {
        let from = self.name(image);
        Self::run(&[
            "copy",
            "--src-tls-verify=false",
            "--src-creds",
            &self.credentials,
            &from,
            to,
        ])
    }

    fn inspect(&self, image: &str) -> Result<Value> {
        let name = self.name(image);
        let answer = Self::run(&[
            "inspect",
            "--tls-verify=false",
            "--creds",
            &self.credentials,
            &name,
        ])?;
        Ok(serde_json::from_str(&answer)?)
    }
}

fn archive(world: &World) -> String {
    format!(
        "docker-archive:{}",
        world.gantry.scratch().join("sample.tar").display()
    )
}

fn run(world: &World, family: &str, image: &str) -> Result<String> {
    let definition = world.register(
        family,
        json!({ "networkMode": "host" }),
        json!({
            "image": image, "command": ["/bin/sleep", "100"],
        }),
    )?;
    world.run(&definition, &[])
}

#[test]
fn an_image_is_pushed_described_pulled_and_run() -> Result<()> {
    let world = World::new()?;
    let skopeo = Skopeo::of(&world)?;
    let ecr = |arguments: &[&str]| world.aws.json(&[&["ecr"], arguments].concat());
    let made = ecr(&["create-repository", "--repository-name", "team/web"])?;
    assert_eq!(
        made["repository"]["repositoryUri"],
        format!("{}/team/web", skopeo.host)
    );

    skopeo.push(&archive(&world), "team/web:1", &[])?;
    let details = ecr(&["describe-images", "--repository-name", "team/web"])?;
    let image = &details["imageDetails"][0];
    assert_eq!(image["imageTags"], json!(["1"]), "{details:#}");
    let inspected = skopeo.inspect("team/web:1")?;
    assert_eq!(
        (&inspected["Digest"], &inspected["RepoTags"]),
        (&image["imageDigest"], &json!(["1"]))
    );
    let folder = world.gantry.scratch().join("pulled");
    skopeo.pull("team/web:1", &format!("dir:{}", folder.display()))?;
    ensure!(folder.join("manifest.json").exists(), "skopeo pulled nothing");

    let digest = text(&image["imageDigest"]);
    for (family, image) in [
        ("by-tag", format!("{AMAZONS_NAME}/team/web:1")),
        ("by-digest", format!("{AMAZONS_NAME}/team/web@{digest}")),
        ("by-address", format!("{}/team/web:1", skopeo.host)),
    ] {
        let arn = run(&world, family, &image)?;
        let task = world.wait_for(&arn, "RUNNING")?;
        assert_eq!(task["containers"][0]["image"], image);
        assert_eq!(task["containers"][0]["imageDigest"], digest, "{task:#}");
        world.aws.json(&["ecs", "stop-task", "--task", &arn])?;
    }
    Ok(())
}

#[test]
fn a_service_keeps_the_digest_that_it_was_deployed_with() -> Result<()> {
    let world = World::new()?;
    let skopeo = Skopeo::of(&world)?;
    world
        .aws
        .json(&["ecr", "create-repository", "--repository-name", "web"])?;
    skopeo.push(&archive(&world), "web:1", &["--format", "v2s2"])?;
    // Under the registry's address the first task settles it, under Amazon's name the registry itself.
    let images = [format!("{}/web:1", skopeo.host), format!("{AMAZONS_NAME}/web:1")];
    let before = skopeo.inspect("web:1")?["Digest"].clone();
    for (service, image) in ["settled", "known"].iter().zip(&images) {
        let container = json!({ "image": image, "command": ["/bin/sleep", "100"] });
        let definition = world.register(service, json!({ "networkMode": "host" }), container)?;
        world.create_service(service, &definition, "1")?;
        world.wait_running(service, 1)?;
    }
    skopeo.push(&archive(&world), "web:1", &["--format", "oci"])?;
    let after = skopeo.inspect("web:1")?["Digest"].clone();
    assert_ne!(before, after);
    let service = |arguments: &[&str]| world.aws.json(&[&["ecs", "update-service"], arguments].concat());
    for (name, image) in ["settled", "known"].iter().zip(&images) {
        service(&["--service", name, "--desired-count", "2"])?;
        for task in world.wait_running(name, 2)? {
            let container = &task["containers"][0];
            assert_eq!(container["imageDigest"], before, "{task:#}");
            assert_eq!(container["image"], format!("{image}@{}", text(&before)));
        }
    }
    // A new deployment looks again.
    service(&[
        "--service",
        "known",
        "--force-new-deployment",
        "--desired-count",
        "1",
    ])?;
    wait::until("a task of the new image", DEADLINE, || {
        let tasks = world.wait_running("known", 1)?;
        Ok((tasks[0]["containers"][0]["imageDigest"] == after).then_some(()))
    })?;
    let described = world
        .aws
        .json(&["ecs", "describe-services", "--services", "known"])?;
    let revision = text(&described["services"][0]["currentServiceRevisions"][0]["arn"]);
    let revisions = [
        "ecs",
        "describe-service-revisions",
        "--service-revision-arns",
        &revision,
    ];
    let revisions = world.aws.json(&revisions)?;
    let image = &revisions["serviceRevisions"][0]["containerImages"][0];
    assert_eq!(image["imageDigest"], after, "{revisions:#}");
    Ok(())
}

#[test]
fn a_private_registry_is_pulled_from_with_the_login_in_a_secret() -> Result<()> {
    let world = World::new()?;
    let skopeo = Skopeo::of(&world)?;
    world
        .aws
        .json(&["ecr", "create-repository", "--repository-name", "web"])?;
    skopeo.push(&archive(&world), "web:1", &[])?;
    let secret = |name: &str, value: &Value| -> Result<String> {
        let made = world.aws.json(&[
            "secretsmanager",
            "create-secret",
            "--name",
            name,
            "--secret-string",
            &value.to_string(),
        ])?;
        Ok(text(&made["ARN"]))
    };
    let (username, password) = skopeo.credentials.split_once(':').context("a login")?;
    let login = secret("login", &json!({ "username": username, "password": password }))?;
    let wrong = secret(
        "wrong",
        &json!({ "username": username, "password": "hunter2-5e1f" }),
    )?;
    let empty = secret("empty", &json!({ "username": username }))?;
    // Under this name it is anybody's registry, for which the agent has no token.
    let image = format!("{}/web:1", skopeo.host.replace("127.0.0.1", "localhost"));
    let run = |family: &str, container: Value, status: &str| -> Result<Value> {
        let mut container = container;
        container["image"] = json!(image);
        container["command"] = json!(["/bin/sleep", "100"]);
        let task = json!({ "networkMode": "host", "executionRoleArn": "ecsTaskExecutionRole" });
        let definition = world.register(family, task, container)?;
        world.wait_for(&world.run(&definition, &[])?, status)
    };
    let with = |it: &str| json!({ "repositoryCredentials": { "credentialsParameter": it } });
    let failed = "ResourceInitializationError: unable to pull secrets or registry auth: execution resource retrieval \
                  failed: unable to get registry auth from asm: service call has been retried 1 time(s)";
    for (family, container, expected) in [
        ("none", json!({}), "CannotPullContainerError: ".to_owned()),
        ("wrong", with(&wrong), "CannotPullContainerError: ".to_owned()),
        (
            "missing",
            with("no-login"),
            format!(
                "{failed}: asm fetching secret from the service for no-login: ResourceNotFoundException: "
            ),
        ),
        (
            "empty",
            with(&empty),
            format!("{failed}: asm fetching password: AuthorizationData is malformed, empty field"),
        ),
    ] {
        let task = run(family, container, "STOPPED")?;
        let reason = text(&task["stoppedReason"]);
        assert!(reason.starts_with(&expected), "{family}: {reason}");
    }
    let task = run("by-arn", with(&login), "RUNNING")?;
    assert_eq!(
        task["containers"][0]["imageDigest"],
        skopeo.inspect("web:1")?["Digest"]
    );
    run("by-name", with("login"), "RUNNING")?;
    assert!(
        !world.gantry.output().contains(password),
        "the log shows a password"
    );
    Ok(())
}

#[test]
fn a_tag_that_moved_is_pulled_again_and_a_missing_one_is_amazons_error() -> Result<()> {
    let world = World::new()?;
    let skopeo = Skopeo::of(&world)?;
    world
        .aws
        .json(&["ecr", "create-repository", "--repository-name", "web"])?;
    skopeo.push(&archive(&world), "web:latest", &["--format", "v2s2"])?;
    let image = format!("{AMAZONS_NAME}/web");
    let digest = |arn: &str| -> Result<Value> {
        let task = world.wait_for(arn, "RUNNING")?;
        Ok(task["containers"][0]["imageDigest"].clone())
    };
    let before = digest(&run(&world, "before", &image)?)?;
    skopeo.push(&archive(&world), "web:latest", &["--format", "oci"])?;
    let after = digest(&run(&world, "after", &image)?)?;
    assert_ne!(before, after);
    assert_eq!(after, skopeo.inspect("web:latest")?["Digest"]);

    let missing = world.wait_for(&run(&world, "missing", &format!("{image}:none"))?, "STOPPED")?;
    let reason = text(&missing["stoppedReason"]);
    let expected = format!("failed to resolve ref {image}:none: {image}:none: not found");
    assert!(
        reason.starts_with("CannotPullContainerError: ") && reason.contains(&expected),
        "{reason}"
    );
    Ok(())
}

#[test]
fn a_push_is_refused_as_on_amazon() -> Result<()> {
    let world = World::new()?;
    let skopeo = Skopeo::of(&world)?;
    let refused = |image: &str, more: &[&str], expected: &str| -> Result<()> {
        let error = skopeo
            .push(&archive(&world), image, more)
            .err()
            .context("it is taken")?;
        ensure!(error.to_string().contains(expected), "{error}");
        Ok(())
    };
    let absent = "The repository with name 'absent' does not exist in the registry with id '123456789012'";
    refused("absent:1", &[], absent)?;
    let immutable = [
        "--repository-name",
        "fixed",
        "--image-tag-mutability",
        "IMMUTABLE",
    ];
    world
        .aws
        .json(&[&["ecr", "create-repository"], &immutable[..]].concat())?;
    skopeo.push(&archive(&world), "fixed:1", &["--format", "v2s2"])?;
    let text = "The image tag '1' already exists in the 'fixed' repository and cannot be overwritten because the tag is \
                immutable.";
    refused("fixed:1", &["--format", "oci"], text)?;
    let stranger = Skopeo {
        credentials: "AWS:password".to_owned(),
        ..skopeo
    };
    ensure!(
        stranger.push(&archive(&world), "fixed:2", &[]).is_err(),
        "a stranger pushes"
    );
    Ok(())
}

#[test]
fn an_image_is_pulled_from_the_command_line() -> Result<()> {
    let world = World::new()?;
    let skopeo = Skopeo::of(&world)?;
    world
        .aws
        .json(&["ecr", "create-repository", "--repository-name", "web"])?;
    skopeo.push(&archive(&world), "web:1", &[])?;
    let reference = format!("{}/web:1", skopeo.host);
    let (user, password) = skopeo.credentials.split_once(':').context("has both")?;
    let file = world.gantry.scratch().join("password");
    std::fs::write(&file, password)?;
    let output = Command::new(env!("CARGO_BIN_EXE_gantry"))
        .args([
            "image",
            "pull",
            "--username",
            user,
            "--password-stdin",
            &reference,
            "--data-dir",
        ])
        .arg(world.gantry.data_dir())
        .stdin(std::fs::File::open(&file)?)
        .output()?;
    let shown = String::from_utf8(output.stdout)?;
    ensure!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    assert!(
        shown.contains("already here") && shown.contains(&format!("Pulled: {reference} ")),
        "{shown}"
    );
    assert!(world.gantry.command(&["image", "ls"])?.contains(&reference));
    Ok(())
}

#[test]
fn an_image_is_scanned_as_it_comes_and_the_findings_are_its_packages() -> Result<()> {
    let world = World::new()?;
    let skopeo = Skopeo::of(&world)?;
    let scanning = ["--image-scanning-configuration", "scanOnPush=true"];
    let create = ["ecr", "create-repository", "--repository-name", "web"];
    world.aws.json(&[&create[..], &scanning].concat())?;
    skopeo.push(&archive(&world), "web:1", &[])?;
    let image = ["--repository-name", "web", "--image-id", "imageTag=1"];
    let waited = world
        .aws
        .output(&[&["ecr", "wait", "image-scan-complete"], &image[..]].concat())?;
    ensure!(
        waited.status.success(),
        "{}",
        String::from_utf8_lossy(&waited.stderr)
    );
    let describe = [&["ecr", "describe-image-scan-findings"], &image[..]].concat();
    let found = world.aws.json(&describe)?;
    let findings = found["imageScanFindings"]["findings"]
        .as_array()
        .cloned()
        .unwrap_or_default();
    let names: Vec<String> = findings.iter().map(|it| text(&it["name"])).collect();
    ensure!(names == ["busybox 1.35.0-r4", "gantry-sample 1"], "{found:#}");
    let is_marked = |it: &Value| text(&it["description"]).contains("No vulnerability database was consulted");
    ensure!(
        findings.iter().all(is_marked) && is_marked(&found["imageScanStatus"]),
        "{found:#}"
    );
    // The AWS CLI asks for the pages itself.
    let paged = world.aws.json(&[&describe[..], &["--page-size", "1"]].concat())?;
    let count = paged["imageScanFindings"]["findings"].as_array().map(Vec::len);
    ensure!(count == Some(2), "{paged:#}");
    let images = world
        .aws
        .json(&["ecr", "describe-images", "--repository-name", "web"])?;
    let counts = &images["imageDetails"][0]["imageScanFindingsSummary"]["findingSeverityCounts"];
    ensure!(*counts == json!({ "INFORMATIONAL": 2 }), "{images:#}");
    let again = world
        .aws
        .error(&[&["ecr", "start-image-scan"], &image[..]].concat())?;
    ensure!(again.contains("LimitExceededException"), "{again}");
    Ok(())
}
