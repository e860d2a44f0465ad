//! The AWS SDK for Rust as it comes: a cluster, tags, a service, a task, a paginator, an error by its type.

mod patience;

use anyhow::{Context, Result, ensure};
use aws_config::BehaviorVersion;
use aws_sdk_ecs::Client;
use aws_sdk_ecs::operation::list_tasks::ListTasksError;
use aws_sdk_ecs::types::{ContainerDefinition, NetworkMode, SortOrder, Tag, TaskStopCode};

use patience::until;

const CLUSTER: &str = "conformance-rust";
const FAMILY: &str = "conformance-rust";

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    // Endpoint, key and region come from the environment, as everybody's do.
    let http = aws_smithy_http_client::Builder::new().build_http();
    let config = aws_config::defaults(BehaviorVersion::latest()).http_client(http);
    let ecs = Client::new(&config.load().await);
    cluster_with_tags(&ecs).await?;
    revisions_in_pages(&ecs).await?;
    service(&ecs).await?;
    task(&ecs).await?;
    errors_by_type(&ecs).await?;
    leave(&ecs).await?;
    println!("1 flow of the AWS SDK for Rust, 0 faults");
    Ok(())
}

async fn cluster_with_tags(ecs: &Client) -> Result<()> {
    let team = Tag::builder().key("team").value("blue").build();
    let created = ecs
        .create_cluster()
        .cluster_name(CLUSTER)
        .tags(team)
        .send()
        .await?;
    let cluster = created.cluster.context("a cluster")?;
    ensure!(cluster.status() == Some("ACTIVE"), "{cluster:?}");
    let arn = cluster.cluster_arn().context("an ARN")?;
    let floor = Tag::builder().key("floor").value("7 é").build();
    ecs.tag_resource().resource_arn(arn).tags(floor).send().await?;
    ecs.untag_resource()
        .resource_arn(arn)
        .tag_keys("team")
        .send()
        .await?;
    let listed = ecs.list_tags_for_resource().resource_arn(arn).send().await?;
    let [tag] = listed.tags() else {
        anyhow::bail!("one tag is left: {listed:?}");
    };
    ensure!(
        (tag.key(), tag.value()) == (Some("floor"), Some("7 é")),
        "{tag:?}"
    );
    Ok(())
}

async fn revisions_in_pages(ecs: &Client) -> Result<()> {
    let image = std::env::var("GANTRY_CONFORMANCE_IMAGE").unwrap_or_else(|_| "gantry-sample:latest".into());
    let container = ContainerDefinition::builder()
        .name("web")
        .image(image)
        .memory(32)
        .set_command(Some(vec!["/bin/sleep".into(), "600".into()]))
        .stop_timeout(2)
        .build();
    let mut revisions = Vec::new();
    for _ in 0..3 {
        let registered = ecs
            .register_task_definition()
            .family(FAMILY)
            .network_mode(NetworkMode::Host)
            .container_definitions(container.clone())
            .send()
            .await?;
        let definition = registered.task_definition.context("a task definition")?;
        ensure!(definition.registered_at().is_some(), "{definition:?}");
        revisions.push(definition.task_definition_arn.context("an ARN")?);
    }
    let mut pages = ecs
        .list_task_definitions()
        .family_prefix(FAMILY)
        .sort(SortOrder::Asc)
        .into_paginator()
        .page_size(2)
        .send();
    let (mut count, mut listed) = (0, Vec::new());
    while let Some(page) = pages.next().await {
        let page = page?;
        ensure!(page.task_definition_arns().len() <= 2, "{page:?}");
        count += 1;
        listed.extend(page.task_definition_arns.unwrap_or_default());
    }
    ensure!(
        count >= 2 && listed.ends_with(&revisions),
        "{count} pages: {listed:?}"
    );
    Ok(())
}

async fn service(ecs: &Client) -> Result<()> {
    let created = ecs
        .create_service()
        .cluster(CLUSTER)
        .service_name("web")
        .task_definition(FAMILY)
        .desired_count(0)
        .send()
        .await?;
    let service = created.service.context("a service")?;
    ensure!(
        service.created_at().is_some() && service.desired_count() == 0,
        "{service:?}"
    );
    ecs.delete_service()
        .cluster(CLUSTER)
        .service("web")
        .send()
        .await?;
    until("the service is INACTIVE", async || {
        let described = ecs
            .describe_services()
            .cluster(CLUSTER)
            .services("web")
            .send()
            .await?;
        Ok(described.services().first().and_then(|it| it.status()) == Some("INACTIVE"))
    })
    .await
}

async fn task(ecs: &Client) -> Result<()> {
    let ran = ecs
        .run_task()
        .task_definition(FAMILY)
        .started_by("rust")
        .send()
        .await?;
    ensure!(ran.failures().is_empty(), "{ran:?}");
    let arn = ran
        .tasks()
        .first()
        .and_then(|it| it.task_arn())
        .context("a task")?;
    reaches(ecs, arn, "RUNNING").await?;
    let running = ecs.list_tasks().started_by("rust").send().await?;
    ensure!(running.task_arns() == [arn], "{running:?}");
    ecs.stop_task().task(arn).reason("done").send().await?;
    reaches(ecs, arn, "STOPPED").await?;
    let described = ecs.describe_tasks().tasks(arn).send().await?;
    let task = described.tasks().first().context("a task")?;
    ensure!(task.stop_code() == Some(&TaskStopCode::UserInitiated), "{task:?}");
    ensure!(task.stopped_at() >= task.started_at(), "{task:?}");
    Ok(())
}

async fn reaches(ecs: &Client, arn: &str, status: &str) -> Result<()> {
    until(&format!("{arn} is {status}"), async || {
        let described = ecs.describe_tasks().tasks(arn).send().await?;
        Ok(described.tasks().first().and_then(|it| it.last_status()) == Some(status))
    })
    .await
}

async fn errors_by_type(ecs: &Client) -> Result<()> {
    let refused = ecs.list_tasks().cluster("nowhere").send().await;
    let error = refused.err().context("there is no such cluster")?;
    ensure!(
        error.raw_response().is_some_and(|it| it.status().as_u16() == 400),
        "{error:?}"
    );
    let error = error.into_service_error();
    ensure!(
        matches!(error, ListTasksError::ClusterNotFoundException(_)),
        "{error:?}"
    );
    ensure!(error.meta().message() == Some("Cluster not found."), "{error:?}");
    Ok(())
}

async fn leave(ecs: &Client) -> Result<()> {
    let deleted = ecs.delete_cluster().cluster(CLUSTER).send().await?;
    let status = deleted.cluster().and_then(|it| it.status());
    ensure!(status == Some("INACTIVE"), "{deleted:?}");
    Ok(())
}
