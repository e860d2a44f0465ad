//! The longest example of Amazon's documentation, as written: a service with subnets, security groups, a target group, a
//! service registry, bounds for its deployments and commands in its containers; then everything is deleted again.

use std::collections::BTreeSet;
use std::process::Stdio;

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use test_support::leaks::{Held, Place};
use test_support::sample_image::SAMPLE_IMAGE;
use test_support::wait;

use crate::clients::{Client, SERVE};
use crate::world::{DEADLINE, World, text};

/// What the example makes beside its service.
struct Example {
    world: World,
    subnets: (String, String),
    vpc: String,
    /// Of the load balancer: from everywhere.
    public_group: String,
    /// Of the tasks: from the load balancer and from each other.
    private_group: String,
    load_balancer: Value,
    listener: String,
    target_group: String,
    namespace: String,
    registry: Value,
    /// What this machine holds without them.
    place: Place,
    before: Held,
}

impl Example {
    fn new() -> Result<Self> {
        let world = World::new()?;
        let place = Place::of(&world.gantry)?;
        let before = place.held()?;
        let (first, second, vpc) = world.two_subnets()?;
        world
            .aws
            .json(&["ecs", "create-cluster", "--cluster-name", "shop"])?;
        let trust = json!({ "Version": "2012-10-17", "Statement": [{
            "Effect": "Allow", "Principal": { "Service": "ecs-tasks.amazonaws.com" }, "Action": "sts:AssumeRole",
        }] });
        let role = [
            "iam",
            "create-role",
            "--role-name",
            "web",
            "--assume-role-policy-document",
        ];
        world.aws.json(&[&role[..], &[&trust.to_string()]].concat())?;
        let (public_group, private_group) = security_groups(&world, &vpc)?;
        let (load_balancer, listener, target_group) =
            load_balancer(&world, &vpc, [&first, &second], &public_group)?;
        let (namespace, registry) = registry(&world, &vpc)?;
        Ok(Self {
            world,
            subnets: (first, second),
            vpc,
            public_group,
            private_group,
            load_balancer,
            listener,
            target_group,
            namespace,
            registry,
            place,
            before,
        })
    }

    fn aws(&self, arguments: &[&str]) -> Result<Value> {
        self.world.aws.json(arguments)
    }

    /// Registers a task definition out of a file.
    fn register(&self, revision: &str) -> Result<String> {
        let definition = json!({
            "family": "web",
            "taskRoleArn": "arn:aws:iam::123456789012:role/web",
            "networkMode": "awsvpc",
            "requiresCompatibilities": ["FARGATE"],
            "cpu": "256",
            "memory": "512",
            "containerDefinitions": [{
                "name": "web",
                "image": SAMPLE_IMAGE,
                "essential": true,
                "stopTimeout": 2,
                "command": ["/bin/sh", "-c", SERVE],
                "environment": [{ "name": "REVISION", "value": revision }],
                "portMappings": [{ "name": "http", "containerPort": 80, "protocol": "tcp" }],
            }],
        });
        let file = self.world.gantry.scratch().join("web.json");
        std::fs::write(&file, definition.to_string())?;
        let file = format!("file://{}", file.display());
        let made = self.aws(&["ecs", "register-task-definition", "--cli-input-json", &file])?;
        Ok(text(&made["taskDefinition"]["taskDefinitionArn"]))
    }

    fn awsvpc(&self) -> String {
        let ((first, second), group) = (&self.subnets, &self.private_group);
        format!(
            "awsvpcConfiguration={{subnets=[{first},{second}],securityGroups=[{group}],assignPublicIp=ENABLED}}"
        )
    }

    fn serve(&self, definition: &str) -> Result<()> {
        let load_balancers = format!(
            "targetGroupArn={},containerName=web,containerPort=80",
            self.target_group
        );
        let registries = format!("registryArn={}", text(&self.registry["Arn"]));
        let deployments = "maximumPercent=200,minimumHealthyPercent=100,\
            deploymentCircuitBreaker={enable=true,rollback=true}";
        self.aws(&[
            "ecs",
            "create-service",
            "--cluster",
            "shop",
            "--service-name",
            "web",
            "--task-definition",
            definition,
            "--desired-count",
            "2",
            "--launch-type",
            "FARGATE",
            "--platform-version",
            "LATEST",
            "--network-configuration",
            &self.awsvpc(),
            "--load-balancers",
            &load_balancers,
            "--service-registries",
            &registries,
            "--deployment-configuration",
            deployments,
            "--health-check-grace-period-seconds",
            "30",
            "--enable-execute-command",
        ])?;
        self.await_steady()
    }

    fn await_steady(&self) -> Result<()> {
        let wait = ["ecs", "wait", "services-stable", "--cluster", "shop"];
        self.aws(&[&wait[..], &["--services", "web"]].concat()).map(drop)
    }

    /// A page as another task gets it, by a name. The programs of the sample image are linked statically, so that only
    /// nslookup knows of names.
    fn fetched(&self, name: &str) -> Result<()> {
        let fetch = format!(
            "address=$(busybox nslookup {name} | busybox awk '/^Address/ {{ it = $NF }} END {{ print it }}'); \
             wget -q -O - http://$address/ | busybox grep revision"
        );
        let overrides = json!({ "containerOverrides": [{
            "name": "web", "command": ["/bin/sh", "-c", fetch],
        }] });
        let started = self.aws(&[
            "ecs",
            "run-task",
            "--cluster",
            "shop",
            "--task-definition",
            "web",
            "--launch-type",
            "FARGATE",
            "--network-configuration",
            &self.awsvpc(),
            "--overrides",
            &overrides.to_string(),
        ])?;
        let task = text(&started["tasks"][0]["taskArn"]);
        let of_task = ["--cluster", "shop", "--tasks", &task];
        self.aws(&[&["ecs", "wait", "tasks-stopped"][..], &of_task].concat())?;
        let described = self.aws(&[&["ecs", "describe-tasks"][..], &of_task].concat())?;
        let task = &described["tasks"][0];
        ensure!(task["containers"][0]["exitCode"] == 0, "{name}: {task:#}");
        Ok(())
    }

    /// What a command in a task of the service says.
    fn executed(&self, command: &str) -> Result<String> {
        let listed = self.aws(&["ecs", "list-tasks", "--cluster", "shop", "--service-name", "web"])?;
        let mut aws = self.world.aws.program("aws");
        let path = std::env::var("PATH").unwrap_or_default();
        let programs = self.world.gantry.data_dir().join("bin");
        aws.env("PATH", format!("{}:{path}", programs.display()));
        aws.args(["ecs", "execute-command", "--interactive", "--cluster", "shop"]);
        aws.args(["--task", &text(&listed["taskArns"][0]), "--command", command]);
        let output = aws.stdin(Stdio::null()).output()?;
        let error = String::from_utf8_lossy(&output.stderr);
        ensure!(output.status.success(), "{error}");
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    }

    /// The public addresses of the tasks, as Amazon's documentation looks for them: from the task to its network
    /// interface to the address.
    fn public_addresses(&self) -> Result<BTreeSet<String>> {
        let listed = self.aws(&["ecs", "list-tasks", "--cluster", "shop", "--service-name", "web"])?;
        let of_task = |task: &Value| {
            let asked = [
                "ecs",
                "describe-tasks",
                "--cluster",
                "shop",
                "--tasks",
                &text(task),
            ];
            let query = "tasks[0].attachments[0].details[?name=='networkInterfaceId'].value | [0]";
            let interface = text(&self.aws(&[&asked[..], &["--query", query]].concat())?);
            let asked = ["ec2", "describe-network-interfaces", "--network-interface-ids"];
            let query = ["--query", "NetworkInterfaces[0].Association.PublicIp"];
            Ok(text(&self.aws(&[&asked[..], &[&interface], &query].concat())?))
        };
        let tasks = listed["taskArns"].as_array().into_iter().flatten();
        tasks.map(of_task).collect()
    }

    /// What Cloud Map answers for the service.
    fn discovered(&self) -> Result<usize> {
        let asked = ["servicediscovery", "discover-instances", "--service-name", "web"];
        let found = self.aws(&[&asked[..], &["--namespace-name", "shop.local"]].concat())?;
        Ok(found["Instances"].as_array().map_or(0, Vec::len))
    }

    /// Deletes everything, in the order in which Amazon lets it.
    fn delete(&self) -> Result<()> {
        let service = ["--cluster", "shop", "--service", "web"];
        self.aws(&[&["ecs", "delete-service", "--force"][..], &service].concat())?;
        let inactive = ["ecs", "wait", "services-inactive", "--cluster", "shop"];
        self.aws(&[&inactive[..], &["--services", "web"]].concat())?;
        self.aws(&["elbv2", "delete-listener", "--listener-arn", &self.listener])?;
        let arn = text(&self.load_balancer["LoadBalancerArn"]);
        self.aws(&["elbv2", "delete-load-balancer", "--load-balancer-arn", &arn])?;
        self.aws(&[
            "elbv2",
            "wait",
            "load-balancers-deleted",
            "--load-balancer-arns",
            &arn,
        ])?;
        let group = ["--target-group-arn", &self.target_group];
        self.aws(&[&["elbv2", "delete-target-group"][..], &group].concat())?;
        wait::until("no instance in the registry", DEADLINE, || {
            Ok((self.discovered()? == 0).then_some(()))
        })?;
        let id = text(&self.registry["Id"]);
        self.aws(&["servicediscovery", "delete-service", "--id", &id])?;
        self.aws(&["servicediscovery", "delete-namespace", "--id", &self.namespace])?;
        self.await_no_interface()?;
        // The one that the other names goes last.
        for group in [&self.private_group, &self.public_group] {
            self.aws(&["ec2", "delete-security-group", "--group-id", group])?;
        }
        self.aws(&["ecs", "delete-cluster", "--cluster", "shop"])
            .map(drop)
    }

    fn await_no_interface(&self) -> Result<()> {
        let filter = format!("Name=vpc-id,Values={}", self.vpc);
        wait::until("no network interface", DEADLINE, || {
            let found = self.aws(&["ec2", "describe-network-interfaces", "--filters", &filter])?;
            let found = found["NetworkInterfaces"].as_array().map_or(0, Vec::len);
            Ok((found == 0).then_some(()))
        })
    }
}

/// One for the load balancer, one for the tasks.
fn security_groups(world: &World, vpc: &str) -> Result<(String, String)> {
    let group = |name: &str| -> Result<String> {
        let made = ["ec2", "create-security-group", "--description", "of the shop"];
        let made = [&made[..], &["--vpc-id", vpc, "--group-name", name]].concat();
        Ok(text(&world.aws.json(&made)?["GroupId"]))
    };
    let (public, private) = (group("public")?, group("private")?);
    let allow = |group: &str, peer: [&str; 2]| {
        let rule = ["ec2", "authorize-security-group-ingress", "--protocol", "tcp"];
        let on = ["--port", "80", "--group-id", group];
        world.aws.json(&[&rule[..], &on, &peer].concat())
    };
    allow(&public, ["--cidr", "0.0.0.0/0"])?;
    allow(&private, ["--source-group", &public])?;
    allow(&private, ["--source-group", &private])?;
    Ok((public, private))
}

/// A load balancer, its listener and the target group that this leads to.
fn load_balancer(
    world: &World,
    vpc: &str,
    subnets: [&str; 2],
    group: &str,
) -> Result<(Value, String, String)> {
    let elb = |operation: &str, input: &Value| {
        let input = input.to_string();
        world.aws.json(&["elbv2", operation, "--cli-input-json", &input])
    };
    let input = json!({ "Name": "shop", "Subnets": subnets, "SecurityGroups": [group] });
    let load_balancer = elb("create-load-balancer", &input)?["LoadBalancers"][0].clone();
    let input = json!({
        "Name": "web", "Protocol": "HTTP", "Port": 80, "VpcId": vpc, "TargetType": "ip",
        "HealthCheckIntervalSeconds": 5, "HealthCheckTimeoutSeconds": 2,
    });
    let made = elb("create-target-group", &input)?;
    let target_group = text(&made["TargetGroups"][0]["TargetGroupArn"]);
    let input = json!({
        "LoadBalancerArn": load_balancer["LoadBalancerArn"], "Protocol": "HTTP", "Port": 80,
        "DefaultActions": [{ "Type": "forward", "TargetGroupArn": target_group }],
    });
    let listener = text(&elb("create-listener", &input)?["Listeners"][0]["ListenerArn"]);
    let arn = text(&load_balancer["LoadBalancerArn"]);
    let available = ["elbv2", "wait", "load-balancer-available", "--load-balancer-arns"];
    world.aws.json(&[&available[..], &[&arn]].concat())?;
    Ok((load_balancer, listener, target_group))
}

/// A private namespace and a service of it.
fn registry(world: &World, vpc: &str) -> Result<(String, Value)> {
    let made = ["servicediscovery", "create-private-dns-namespace", "--name"];
    let made = world
        .aws
        .json(&[&made[..], &["shop.local", "--vpc", vpc]].concat())?;
    let operation = text(&made["OperationId"]);
    let namespace = wait::until("the namespace", DEADLINE, || {
        let asked = ["servicediscovery", "get-operation", "--operation-id", &operation];
        let operation = &world.aws.json(&asked)?["Operation"];
        ensure!(operation["Status"] != "FAIL", "{operation:#}");
        let is_made = operation["Status"] == "SUCCESS";
        Ok(is_made.then(|| text(&operation["Targets"]["NAMESPACE"])))
    })?;
    let config = format!("NamespaceId={namespace},DnsRecords=[{{Type=A,TTL=10}}]");
    let made = [
        "servicediscovery",
        "create-service",
        "--name",
        "web",
        "--dns-config",
        &config,
    ];
    let more = ["--health-check-custom-config", "FailureThreshold=1"];
    let made = world.aws.json(&[&made[..], &more].concat())?;
    Ok((namespace, made["Service"].clone()))
}

#[test]
fn the_longest_example_of_the_documentation_runs_as_written() -> Result<()> {
    let it = Example::new()?;
    let first = it.register("1")?;
    it.serve(&first)?;
    assert_eq!(it.discovered()?, 2);
    let public = it.public_addresses()?;
    assert_eq!(public.len(), 2, "{public:?}");
    assert!(public.iter().all(|it| it.starts_with("203.0.113.")), "{public:?}");

    // From outside, by name.
    let name = text(&it.load_balancer["DNSName"]);
    let resolved = it.world.gantry.command(&["admin", "resolve", &name])?;
    let address = resolved.lines().next().context("no address")?.to_owned();
    let client = Client::start(&it.world, &address)?;
    client.await_enough("revision 1")?;
    // As tasks of the VPC are told.
    let told = |name: &str| {
        it.world
            .gantry
            .command(&["admin", "resolve", "--vpc", &it.vpc, name])
    };
    assert!(told(&name)?.lines().any(|it| it == address));
    assert_eq!(told("web.shop.local")?.lines().count(), 2);
    // From another task, by the name of the load balancer and by that of the registry.
    it.fetched(&name)?;
    it.fetched("web.shop.local")?;
    let said = it.executed("/bin/sh -c 'echo $REVISION; cat /etc/resolv.conf'")?;
    ensure!(said.contains("\n1\r\n"), "{said}");

    let second = it.register("2")?;
    let update = ["ecs", "update-service", "--cluster", "shop", "--service", "web"];
    it.aws(&[&update[..], &["--task-definition", &second]].concat())?;
    client.await_enough("revision 2")?;
    it.await_steady()?;
    client.end()?;
    assert_eq!(it.discovered()?, 2);

    it.delete()?;
    it.place.settle(&it.before)
}
