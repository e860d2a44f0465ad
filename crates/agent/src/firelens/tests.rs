//! What routers and the containers that log to them are given. The texts are those of Amazon's samples.

use serde_json::{Value, json};

use super::*;
use crate::tasks::payload;

const ARN: &str = "arn:aws:ecs:us-west-2:123456789012:task/lab/6133f22d3e734b5faeff49540f939c96";

/// A task of a router and a container `app` that logs to it with these options.
fn read(kind: &str, mode: &str, router: &Value, options: &Value) -> Result<Task, String> {
    let log =
        |options: &Value| json!({ "LogConfig": { "Type": "awsfirelens", "Config": options } }).to_string();
    let payload = json!({
        "arn": ARN, "family": "web", "version": "3", "networkMode": mode,
        "containers": [
            {
                "name": "app", "image": "app:1", "dockerConfig": { "config": "{}", "hostConfig": log(options) },
                "secrets": [{
                    "name": "api-key", "valueFrom": "/key", "region": "us-west-2", "provider": "ssm",
                    "type": "ENVIRONMENT_VARIABLE", "target": "LOG_DRIVER",
                }],
            },
            { "name": "router", "image": "fluent:1", "firelensConfiguration": { "type": kind, "options": router } },
        ],
    });
    match payload::read(ARN, &payload) {
        (task, None) => Ok(task),
        (_, Some(refusal)) => Err(refusal.to_string()),
    }
}

fn options() -> Value {
    json!({
        "Name": "kinesis_firehose", "region": "us-west-2", "deliver_stream_name": "my-stream",
        "include-pattern": "*failure*", "exclude-pattern": "*success*", "log-driver-buffer-limit": "2097152",
    })
}

fn config(task: &Task) -> &str {
    &task.firelens.as_ref().expect("it has a router").config
}

#[test]
fn fluent_bit_is_configured_as_amazon_does() {
    let file = json!({ "config-file-type": "file", "config-file-value": "/fluent-bit/configs/more.conf" });
    let task = read("fluentbit", "bridge", &file, &options()).expect("is understood");
    let expected = "
[INPUT]
    Name forward
    unix_path /var/run/fluent.sock

[INPUT]
    Name forward
    Listen 0.0.0.0
    Port 24224

[INPUT]
    Name tcp
    Tag firelens-healthcheck
    Listen 127.0.0.1
    Port 8877

[FILTER]
    Name   grep
    Match app-firelens*
    Regex  log *failure*

[FILTER]
    Name   grep
    Match app-firelens*
    Exclude log *success*

[FILTER]
    Name record_modifier
    Match *
    Record ecs_cluster lab
    Record ecs_task_arn arn:aws:ecs:us-west-2:123456789012:task/lab/6133f22d3e734b5faeff49540f939c96
    Record ecs_task_definition web:3

@INCLUDE /fluent-bit/configs/more.conf

[OUTPUT]
    Name null
    Match firelens-healthcheck

[OUTPUT]
    Name kinesis_firehose
    Match app-firelens*
    api-key ${api_key_0}
    deliver_stream_name my-stream
    region us-west-2
";
    assert_eq!(config(&task), expected);
}

#[test]
fn fluentd_is_configured_as_amazon_does() {
    let mut options = options();
    options["@type"] = options["Name"].take();
    options.as_object_mut().expect("an object").remove("Name");
    let router = json!({ "enable-ecs-log-metadata": "false" });
    let task = read("fluentd", "host", &router, &options).expect("is understood");
    let expected = "
<source>
    @type unix
    path /var/run/fluent.sock
</source>

<filter app-firelens**>
    @type  grep
    <regexp>
        key log
        pattern *failure*
    </regexp>
</filter>

<filter app-firelens**>
    @type  grep
    <exclude>
        key log
        pattern *success*
    </exclude>
</filter>

<match app-firelens**>
    @type kinesis_firehose
    api-key \"#{ENV['api_key_0']}\"
    deliver_stream_name my-stream
    region us-west-2
</match>
";
    assert_eq!(config(&task), expected);
    assert_eq!(task.containers[1].spec.environment["FLUENT_UID"], "0");
    let app = &task.containers[0].spec;
    assert!(
        !app.environment.contains_key("FLUENT_HOST"),
        "it does not listen there"
    );
}

#[test]
fn who_logs_to_the_router_starts_after_it_and_knows_it() {
    let task = read("fluentbit", "bridge", &json!({}), &options()).expect("is understood");
    let app = &task.containers[0];
    let on = Dependency {
        on: 1,
        condition: Condition::Start,
    };
    assert_eq!(app.depends_on, [on]);
    assert_eq!(app.spec.environment["FLUENT_PORT"], "24224");
    let variables = [("FLUENT_HOST".to_owned(), "router".to_owned())];
    assert_eq!(app.spec.address_variables, variables);
    assert_eq!(task.containers[1].depends_on, []);
    assert_eq!(
        tag("app", &task.id),
        "app-firelens-6133f22d3e734b5faeff49540f939c96"
    );
}

#[test]
fn what_makes_no_output_is_refused() {
    let nothing = json!({});
    for (kind, router, options, expected) in [
        (
            "fluentd",
            &nothing,
            json!({ "Name": "null" }),
            "ResourceInitializationError: unable to apply log options of container app to firelens config: missing \
             output key @type which is required for firelens configuration of type fluentd",
        ),
        (
            "fluentbit",
            &nothing,
            json!({ "Name": "null", "x": "1\n[OUTPUT]" }),
            "option \"x\" has more than one line",
        ),
        (
            "logstash",
            &nothing,
            json!({}),
            "firelensConfiguration of type logstash",
        ),
        (
            "fluentbit",
            &json!({ "config-file-type": "s3", "config-file-value": "arn:aws:s3:::b" }),
            json!({ "Name": "null" }),
            "unable to parse bucket and key from s3 arn arn:aws:s3:::b",
        ),
    ] {
        let refused = read(kind, "bridge", router, &options).expect_err(kind);
        assert!(refused.contains(expected), "{refused}");
    }
}

#[test]
fn a_router_gets_its_files_and_the_secrets_of_others() {
    let folder = tempfile::tempdir().expect("a folder");
    let files = RouterFiles::new(folder.path().to_owned());
    let task = read("fluentbit", "bridge", &json!({}), &options()).expect("is understood");
    let firelens = task.firelens.as_ref().expect("it has a router");
    files.write(firelens, None).expect("is written");
    files.write(firelens, None).expect("may be repeated");
    let mut values = vec![ContainerSecrets::default(); 2];
    values[0]
        .log_options
        .insert("api-key".to_owned(), "hunter2".to_owned());
    let equipped = |index: usize| {
        let mut spec = task.containers[index].spec.clone();
        files.equip(&task, index, &values, &mut spec);
        spec
    };
    assert_eq!(equipped(0), task.containers[0].spec, "the others get nothing");
    let router = equipped(1);
    assert_eq!(router.environment["api_key_0"], "hunter2");
    let targets: Vec<_> = router
        .mounts
        .iter()
        .map(|it| (it.target.clone(), it.read_only))
        .collect();
    assert_eq!(
        targets,
        [
            ("/fluent-bit/etc/fluent-bit.conf".into(), true),
            ("/var/run".into(), false)
        ]
    );
    let written = router.mounts[0].source.as_ref().map(std::fs::read_to_string);
    let written = written.expect("has a source").expect("is there");
    assert_eq!(written, firelens.config);
    assert!(!written.contains("hunter2"), "a secret reached the disk");
    assert_eq!(files.socket().parent(), router.mounts[1].source.as_deref());
}

#[test]
fn a_router_includes_what_is_in_s3() {
    let folder = tempfile::tempdir().expect("a folder");
    let files = RouterFiles::new(folder.path().to_owned());
    for (kind, output, include) in [
        (
            "fluentbit",
            json!({ "Name": "null" }),
            "@INCLUDE /fluent-bit/etc/external.conf",
        ),
        (
            "fluentd",
            json!({ "@type": "null" }),
            "@include /fluentd/etc/external.conf",
        ),
    ] {
        let s3 = json!({ "config-file-type": "s3", "config-file-value": "arn:aws:s3:::b/a/c.conf" });
        let task = read(kind, "bridge", &s3, &output).expect("is understood");
        let firelens = task.firelens.as_ref().expect("it has a router");
        assert!(firelens.config.contains(include), "{}", firelens.config);
        let object = firelens.external.as_ref().map(|it| (&*it.bucket, &*it.key));
        assert_eq!(object, Some(("b", "a/c.conf")));
        files.write(firelens, Some(b"[SERVICE]")).expect("is written");
        let mut spec = task.containers[firelens.router].spec.clone();
        let values = vec![ContainerSecrets::default(); 2];
        files.equip(&task, firelens.router, &values, &mut spec);
        let mount = spec.mounts.last().expect("is mounted");
        assert!(include.ends_with(&mount.target.display().to_string()) && mount.read_only);
        let content = mount.source.as_ref().map(std::fs::read);
        assert_eq!(content.expect("has a source").expect("is there"), b"[SERVICE]");
    }
}
