//! What tasks find at 169.254.170.2, over connections of their own.

use agent::host::{Caller, TaskConnection, TaskPort};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use crate::World;
use crate::fake_control_plane::{ACCESS_KEY_ID, CLUSTER, INSTANCE, SECRET_ACCESS_KEY};

fn task(id: &str, mode: &str) -> Value {
    let arn = format!("arn:aws:ecs:us-east-1:123456789012:task/default/{id}");
    json!({
        "arn": arn, "family": "demo", "version": "1", "desiredStatus": "RUNNING", "taskClusterArn": CLUSTER,
        "networkMode": mode, "launchType": "EC2",
        "containers": [{"name": "web", "image": "web:1"}, {"name": "side", "image": "side:1"}],
    })
}

impl World {
    /// The path of a variable of a container, e.g. `/v4/…`.
    async fn path(&self, id: &str, container: &str, variable: &str) -> String {
        let world = self.host.world.lock();
        let uri = &world.sandboxes[id][container].environment[variable];
        let path = uri.splitn(4, '/').nth(3).unwrap();
        format!("/{path}")
    }

    /// Status and body of a request that comes from somebody.
    async fn ask(&self, caller: Caller, method: &str, path: &str, body: &str) -> (u16, Value) {
        self.ask_at(TaskPort::Endpoint, caller, method, path, body).await
    }

    async fn introspect(&self, path: &str) -> (u16, Value) {
        let port = TaskPort::Introspection;
        self.ask_at(port, Caller::HostNetwork, "GET", path, "").await
    }

    async fn ask_at(
        &self,
        port: TaskPort,
        caller: Caller,
        method: &str,
        path: &str,
        body: &str,
    ) -> (u16, Value) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (client, accepted) = tokio::join!(TcpStream::connect(address), listener.accept());
        let (mut client, stream) = (client.unwrap(), accepted.unwrap().0.into_std().unwrap());
        let connections = self.host.world.lock().connections.clone().unwrap();
        // The agent lives on a runtime of its own, to which the connection belongs.
        let runtime = self.agent.as_ref().unwrap().runtime.handle().clone();
        let stream = {
            let _entered = runtime.enter();
            TcpStream::from_std(stream).unwrap()
        };
        connections
            .send(TaskConnection { caller, port, stream })
            .await
            .unwrap();
        let head = format!(
            "{method} {path} HTTP/1.1\r\nHost: 169.254.170.2\r\nConnection: close\r\nContent-Length: {}\r\n\r\n",
            body.len()
        );
        client.write_all(head.as_bytes()).await.unwrap();
        client.write_all(body.as_bytes()).await.unwrap();
        let mut answer = String::new();
        client.read_to_string(&mut answer).await.unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        (status, serde_json::from_str(body).unwrap_or_else(|_| json!(body)))
    }

    async fn get(&self, id: &str, path: &str) -> (u16, Value) {
        self.ask(Caller::Task(id.to_owned()), "GET", path, "").await
    }

    fn will_answer(&self, operation: &str, status: u16, body: Value) {
        let mut world = self.control_plane.world.lock();
        world
            .refusals
            .entry(operation.to_owned())
            .or_default()
            .push_back((status, body));
    }
}

#[tokio::test]
async fn a_container_finds_itself_and_its_task() {
    let mut world = World::started().await;
    world.run_task(task("a1", "bridge")).await;
    let path = world.path("a1", "web", "ECS_CONTAINER_METADATA_URI_V4").await;
    let (status, web) = world.get("a1", &path).await;
    assert_eq!(
        (status, &web["Name"], &web["KnownStatus"]),
        (200, &json!("web"), &json!("RUNNING"))
    );
    assert_eq!(
        web["Networks"],
        json!([{"NetworkMode": "bridge", "IPv4Addresses": ["10.231.0.2"]}])
    );
    let (status, shown) = world.get("a1", &format!("{path}/task")).await;
    assert_eq!(
        (status, &shown["Cluster"], &shown["Containers"][0]),
        (200, &json!("default"), &web)
    );
    assert_eq!(shown["Containers"].as_array().unwrap().len(), 2);
    let (status, stats) = world.get("a1", &format!("{path}/stats")).await;
    assert_eq!((status, &stats["id"]), (200, &web["DockerId"]));
    assert!(stats["memory_stats"]["usage"].as_u64() > Some(0), "{stats}");
    assert!(stats["preread"].as_str() > Some("2026"), "{stats}");
    let (status, all) = world.get("a1", &format!("{path}/task/stats")).await;
    assert_eq!(
        (status, all.as_object().unwrap().len()),
        (200, 1),
        "the fake's containers share an id"
    );

    let old = world.path("a1", "side", "ECS_CONTAINER_METADATA_URI").await;
    assert!(old.starts_with("/v3/"));
    let (status, side) = world.get("a1", &old).await;
    assert_eq!(
        (status, &side["Name"], side.get("ContainerARN")),
        (200, &json!("side"), None)
    );
    let (status, message) = world.get("a1", "/v2/metadata").await;
    assert_eq!(status, 400);
    let expected = "Unable to get task arn from request: Unable to associate '127.0.0.1' with task";
    assert_eq!(message, expected, "it has no network interface");

    // The ids hold over a restart of the agent.
    world.recorded_as_started("a1").await;
    world.kill().await;
    world.start();
    world
        .control_plane
        .until("registered again", |it| {
            let calls = it.calls.iter().filter(|it| it.0 == "RegisterContainerInstance");
            (calls.count() == 2).then_some(())
        })
        .await;
    assert_eq!(world.get("a1", &path).await.1["Name"], "web");
    world.stop().await;
}

#[tokio::test]
async fn the_id_of_another_task_is_unknown() {
    let mut world = World::started().await;
    for (id, mode) in [("b1", "bridge"), ("b2", "bridge"), ("b3", "host")] {
        world.run_task(task(id, mode)).await;
    }
    let path = world.path("b2", "web", "ECS_CONTAINER_METADATA_URI_V4").await;
    let id = path.trim_start_matches("/v4/");
    let reason = "unable to get container ID from request: unable to get docker ID from v3 endpoint ID";
    let refusal = format!("V4 container metadata handler: {reason}: {id}");
    assert_eq!(world.get("b1", &path).await, (404, json!(refusal)));
    let reason = "unable to get task arn from request: unable to get task Arn from v3 endpoint ID";
    let refusal = format!("V3 task stats handler: {reason}: {id}");
    assert_eq!(
        world.get("b1", &format!("/v3/{id}/task/stats")).await,
        (400, json!(refusal))
    );
    assert_eq!(world.get("b1", "/v4/").await.0, 404);
    let refusal = json!({"error": {
        "Code": "ResourceNotFoundException", "Message": "Failed to find a task for the request",
    }});
    let protection = format!("/api/{id}/task-protection/v1/state");
    assert_eq!(world.get("b1", &protection).await, (404, refusal));

    // In the host's network only the id tells tasks apart, and those elsewhere are not reached from there.
    let uri =
        world.host.world.lock().sandboxes["b3"]["web"].environment["ECS_CONTAINER_METADATA_URI_V4"].clone();
    assert!(uri.starts_with("http://10.231.0.1:51679/v4/"), "{uri}");
    let own = world.path("b3", "web", "ECS_CONTAINER_METADATA_URI_V4").await;
    assert_eq!(
        world.ask(Caller::HostNetwork, "GET", &own, "").await.1["Name"],
        "web"
    );
    assert_eq!(world.ask(Caller::HostNetwork, "GET", &path, "").await.0, 404);
    assert_eq!(world.get("b1", &own).await.0, 404);
    world.stop().await;
}

#[tokio::test]
async fn tags_are_asked_for_and_what_fails_is_told() {
    let mut world = World::started().await;
    let arn = world.run_task(task("c1", "bridge")).await;
    let path = world.path("c1", "web", "ECS_CONTAINER_METADATA_URI_V4").await;
    let path = format!("{path}/taskWithTags");
    let tags = |value: &str| json!({"tags": [{"key": "team", "value": value}]});
    world.will_answer("ListTagsForResource", 200, tags("hosts"));
    world.will_answer("ListTagsForResource", 200, tags("shop"));
    let (_, shown) = world.get("c1", &path).await;
    assert_eq!(shown["ContainerInstanceTags"], json!({"team": "hosts"}));
    assert_eq!(
        (&shown["TaskTags"], shown.get("Errors")),
        (&json!({"team": "shop"}), None)
    );

    let denied = json!({"__type": "AccessDeniedException", "message": "not yours"});
    world.will_answer("ListTagsForResource", 400, denied.clone());
    world.will_answer("ListTagsForResource", 400, denied);
    let (status, shown) = world.get("c1", &path).await;
    let error = |field: &str, arn: &str| {
        json!({
            "ErrorField": field, "ErrorCode": "AccessDeniedException", "ErrorMessage": "not yours",
            "StatusCode": 400, "ResourceARN": arn,
        })
    };
    let errors = json!([error("ContainerInstanceTags", INSTANCE), error("TaskTags", &arn)]);
    assert_eq!(
        (status, &shown["Errors"], &shown["TaskARN"]),
        (200, &errors, &json!(arn))
    );
    world.stop().await;
}

#[tokio::test]
async fn a_task_protects_itself_with_its_role() {
    let mut world = World::started().await;
    let without = world.run_task(task("d1", "bridge")).await;
    let path = world.path("d1", "web", "ECS_AGENT_URI").await;
    let refusal = json!({"error": {
        "Arn": without, "Code": "AccessDeniedException",
        "Message": "Invalid Request: no task IAM role credentials available for task",
    }});
    let path = format!("{path}/task-protection/v1/state");
    assert_eq!(world.get("d1", &path).await, (403, refusal));

    let mut with_role = task("d2", "bridge");
    with_role["roleCredentials"] = json!({
        "credentialsId": "id", "roleArn": "arn:aws:iam::123456789012:role/web", "accessKeyId": ACCESS_KEY_ID,
        "secretAccessKey": SECRET_ACCESS_KEY, "sessionToken": "token", "expiration": "2026-11-21T19:00:00Z",
    });
    let arn = world.run_task(with_role).await;
    let uri = world.path("d2", "web", "ECS_AGENT_URI").await;
    let path = format!("{uri}/task-protection/v1/state");
    let protected = json!({"protectedTasks": [{
        "taskArn": arn, "protectionEnabled": true, "expirationDate": 1_795_239_000,
    }], "failures": []});
    world.will_answer("UpdateTaskProtection", 200, protected);
    let caller = || Caller::Task("d2".to_owned());
    let put = r#"{"ProtectionEnabled": true, "ExpiresInMinutes": 60}"#;
    let (status, shown) = world.ask(caller(), "PUT", &path, put).await;
    assert_eq!(
        (status, &shown["protection"]["TaskArn"]),
        (200, &json!(arn)),
        "{shown}"
    );
    assert_eq!(shown["protection"]["ProtectionEnabled"], true);
    let wrong = json!({"__type": "InvalidParameterException", "message": "no"});
    world.will_answer("GetTaskProtection", 400, wrong);
    let (status, shown) = world.get("d2", &path).await;
    let error = json!({"error": {"Arn": arn, "Code": "InvalidParameterException", "Message": "no"}});
    assert_eq!((status, shown), (400, error));
    assert_eq!(world.ask(caller(), "DELETE", &path, "").await.0, 405);
    let fault = format!("{uri}/fault/v1/network-latency/start");
    let (status, shown) = world.ask(caller(), "POST", &fault, "{}").await;
    let error = json!({"Error": format!("enableFaultInjection is not enabled for task: {arn}")});
    assert_eq!((status, shown), (400, error));
    world.stop().await;
}

#[tokio::test]
async fn who_asks_too_often_is_told_so() {
    let mut world = World::started().await;
    world.run_task(task("e1", "bridge")).await;
    let mut answered = 0;
    let refusal = loop {
        match world.get("e1", "/v4/x").await {
            (404, _) if answered < 5000 => answered += 1,
            other => break other,
        }
    };
    assert_eq!(refusal, (429, json!("You have reached maximum request limit.")));
    assert!(answered >= 60, "{answered}");
    world.stop().await;
}

#[tokio::test]
async fn the_agent_says_who_it_is_and_what_runs() {
    let mut world = World::started().await;
    let arn = world.run_task(task("d1", "bridge")).await;
    world.run_task(task("d2", "bridge")).await;
    let agent = json!({
        "Cluster": "default", "ContainerInstanceArn": INSTANCE, "Version": "Gantry Agent - v0.1.0",
    });
    assert_eq!(world.introspect("/v1/metadata").await, (200, agent));
    let (status, all) = world.introspect("/v1/tasks").await;
    assert_eq!((status, all["Tasks"].as_array().map(Vec::len)), (200, Some(2)));

    let by_arn = format!("/v1/tasks?taskarn={}", arn.replace(':', "%3A"));
    let (status, shown) = world.introspect(&by_arn).await;
    assert_eq!(
        (
            status,
            &shown["Arn"],
            &shown["DesiredStatus"],
            &shown["KnownStatus"]
        ),
        (200, &json!(arn), &json!("RUNNING"), &json!("RUNNING"))
    );
    assert_eq!(
        (&shown["Family"], &shown["Version"]),
        (&json!("demo"), &json!("1"))
    );
    let web = &shown["Containers"][0];
    assert_eq!((&web["Name"], &web["Image"]), (&json!("web"), &json!("web:1")));
    assert!(
        web["StartedAt"].is_string() && web["Networks"].is_null(),
        "{web:#}"
    );
    let id = web["DockerId"].as_str().unwrap();
    let by_id = format!("/v1/tasks?dockerid={id}");
    assert_eq!(world.introspect(&by_id).await, (200, shown));

    let none = json!({"Arn": "", "KnownStatus": "", "Family": "", "Version": "", "Containers": null});
    for (path, status) in [
        ("/v1/tasks?dockerid=none", 404),
        ("/v1/tasks?dockerid=", 404),
        ("/v1/tasks?taskarn=none", 404),
        ("/v1/tasks?taskarn=none&dockerid=none", 400),
    ] {
        assert_eq!(world.introspect(path).await, (status, none.clone()), "{path}");
    }
    let commands = json!({"AvailableCommands": ["/v1/metadata", "/v1/tasks"]});
    assert_eq!(world.introspect("/").await, (200, commands));
    world.stop().await;
}
