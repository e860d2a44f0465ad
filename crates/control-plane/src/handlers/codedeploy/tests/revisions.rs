//! Application revisions.

use std::collections::BTreeMap;
use std::time::Duration;

use domain::code_deploy::CodeDeployApplication;
use domain::code_deploy::application_revision::{ApplicationRevision, REVISION_BYTES_KEPT, REVISIONS_KEPT};
use domain::code_deploy::deployment::{CodeDeployDeployment, DeploymentStatus, Revision, RevisionKind};
use orchestrator::transitions::register_revision;
use sha2::{Digest, Sha256};

use super::deployments::{spec, world};
use super::*;

fn sha256(content: &str) -> String {
    hex::encode(Sha256::digest(content))
}

fn content(text: &str) -> Value {
    json!({ "revisionType": "AppSpecContent", "appSpecContent": { "content": text } })
}

fn checksum(text: &str) -> Value {
    json!({ "revisionType": "AppSpecContent", "appSpecContent": { "sha256": sha256(text) } })
}

fn of_shop(revision: Value) -> Value {
    json!({ "applicationName": "shop", "revision": revision })
}

const REGISTER: &str = "RegisterApplicationRevision";
const GET: &str = "GetApplicationRevision";
const LIST: &str = "ListApplicationRevisions";

#[tokio::test]
async fn a_revision_is_registered_once_and_found_by_content_and_checksum() {
    let it = World::new().await;
    let first = with(of_shop(content("one")), "description", json!("the first"));
    it.ask(REGISTER, first).await;
    it.ask(REGISTER, of_shop(content("one"))).await;
    let string = json!({ "revisionType": "String", "string": { "content": "one" } });
    it.ask(REGISTER, of_shop(string.clone())).await;
    for revision in [content("one"), checksum("one")] {
        let found = it.ask(GET, of_shop(revision)).await;
        assert_eq!(found["applicationName"], "shop");
        assert_eq!(found["revision"], checksum("one"));
        let info = &found["revisionInfo"];
        assert_eq!(info["description"], "the first");
        assert_eq!(info["deploymentGroups"], json!([]));
        assert!(
            info["registerTime"].is_number() && info["firstUsedTime"].is_null(),
            "{info}"
        );
    }
    let found = it.ask(GET, of_shop(string)).await;
    assert_eq!(found["revision"]["string"]["content"], "one");
    let listed = it.ask(LIST, json!({ "applicationName": "shop" })).await;
    assert_eq!(listed["revisions"].as_array().map(Vec::len), Some(2));

    let (code, message) = it.refused(GET, of_shop(content("two"))).await;
    assert_eq!(code, "RevisionDoesNotExistException", "{message}");
    let both = json!([checksum("two"), checksum("one")]);
    let batch = json!({ "applicationName": "shop", "revisions": both });
    let found = it.ask("BatchGetApplicationRevisions", batch).await;
    assert_eq!(found["revisions"][0]["revisionLocation"], checksum("one"));
    assert_eq!(found["revisions"].as_array().map(Vec::len), Some(1));
    assert_eq!(found["errorMessage"], json!(message));
    let many = json!({ "applicationName": "shop", "revisions": vec![checksum("one"); 26] });
    let (code, _) = it.refused("BatchGetApplicationRevisions", many).await;
    assert_eq!(code, "BatchLimitExceededException");

    // They are the application's, whatever it is called.
    let renamed = json!({ "applicationName": "shop", "newApplicationName": "store" });
    it.ask("UpdateApplication", renamed).await;
    let listed = it.ask(LIST, json!({ "applicationName": "store" })).await;
    assert_eq!(listed["revisions"].as_array().map(Vec::len), Some(2));
    it.ask("DeleteApplication", json!({ "applicationName": "store" }))
        .await;
    let again = json!({ "applicationName": "store", "computePlatform": "ECS" });
    it.ask("CreateApplication", again).await;
    let listed = it.ask(LIST, json!({ "applicationName": "store" })).await;
    assert_eq!(listed["revisions"], json!([]));
}

#[tokio::test]
async fn revisions_that_are_none_are_refused() {
    let it = World::new().await;
    let s3 =
        json!({ "revisionType": "S3", "s3Location": { "bucket": "b", "key": "k", "bundleType": "YAML" } });
    let wrong = json!({
        "revisionType": "AppSpecContent", "appSpecContent": { "content": "one", "sha256": sha256("two") },
    });
    let long = with(of_shop(content("one")), "description", json!("x".repeat(1001)));
    let other = with(of_shop(content("one")), "applicationName", json!("other"));
    for (operation, input, code) in [
        (REGISTER, of_shop(json!({})), "RevisionRequiredException"),
        (REGISTER, of_shop(s3), "InvalidRevisionException"),
        (REGISTER, of_shop(wrong), "InvalidRevisionException"),
        (REGISTER, of_shop(checksum("one")), "InvalidRevisionException"),
        (
            REGISTER,
            of_shop(content(&"x".repeat(200_000))),
            "InvalidRevisionException",
        ),
        (REGISTER, long, "DescriptionTooLongException"),
        (REGISTER, other.clone(), "ApplicationDoesNotExistException"),
        (GET, other, "ApplicationDoesNotExistException"),
        (
            GET,
            with(of_shop(content("x")), "applicationName", json!("")),
            "ApplicationNameRequiredException",
        ),
        (
            LIST,
            json!({ "applicationName": "shop", "sortBy": "x" }),
            "InvalidSortByException",
        ),
        (
            LIST,
            json!({ "applicationName": "shop", "sortOrder": "x" }),
            "InvalidSortOrderException",
        ),
        (
            LIST,
            json!({ "applicationName": "shop", "deployed": "x" }),
            "InvalidDeployedStateFilterException",
        ),
        (
            LIST,
            json!({ "applicationName": "shop", "s3KeyPrefix": "x" }),
            "BucketNameFilterRequiredException",
        ),
    ] {
        let (found, message) = it.refused(operation, input).await;
        assert_eq!(found, code, "{operation}: {message}");
    }
}

#[tokio::test]
async fn a_deployment_registers_its_revision_and_may_name_one_by_its_checksum() {
    let it = world().await;
    it.ask(REGISTER, of_shop(content("never deployed"))).await;
    let deploy = |revision: Value| with(group("web"), "revision", revision);
    let (code, _) = it.refused("CreateDeployment", deploy(checksum(&spec()))).await;
    assert_eq!(code, "RevisionDoesNotExistException");
    let made = it.ask("CreateDeployment", deploy(content(&spec()))).await;
    let id = text(&made["deploymentId"]);
    let found = it.ask(GET, of_shop(checksum(&spec()))).await;
    let info = &found["revisionInfo"];
    assert_eq!(
        info["description"],
        json!(format!("Application revision registered by Deployment ID: {id}"))
    );
    assert!(
        info["firstUsedTime"].is_number() && info["lastUsedTime"].is_number(),
        "{info}"
    );
    assert_eq!(info["deploymentGroups"], json!([]), "it has not succeeded yet");
    it.ask("StopDeployment", json!({ "deploymentId": id })).await;
    let again = it.ask("CreateDeployment", deploy(checksum(&spec()))).await;
    let again = text(&again["deploymentId"]);
    let ended = it
        .fixture
        .store()
        .transact(move |tx| -> Result<_, std::convert::Infallible> {
            let scope = domain::Scope::new("123456789012", "us-east-1");
            let known = tx.get::<CodeDeployDeployment>(&(scope, again)).expect("is there");
            tx.put(CodeDeployDeployment {
                status: DeploymentStatus::Succeeded,
                ..CodeDeployDeployment::clone(&known)
            });
            Ok(())
        });
    ended.await.expect("is stored");
    let found = it.ask(GET, of_shop(checksum(&spec()))).await;
    assert_eq!(found["revisionInfo"]["deploymentGroups"], json!(["web"]));

    let list = |deployed: &str| json!({ "applicationName": "shop", "deployed": deployed });
    let (deployed, other) = (checksum(&spec()), checksum("never deployed"));
    assert_eq!(
        it.ask(LIST, list("include")).await["revisions"],
        json!([deployed])
    );
    assert_eq!(it.ask(LIST, list("exclude")).await["revisions"], json!([other]));
    let sorted = |order: &str| {
        with(
            with(list("ignore"), "sortBy", json!("lastUsedTime")),
            "sortOrder",
            json!(order),
        )
    };
    assert_eq!(
        it.ask(LIST, sorted("ascending")).await["revisions"],
        json!([other, deployed])
    );
    assert_eq!(
        it.ask(LIST, sorted("descending")).await["revisions"],
        json!([deployed, other])
    );
    let in_bucket = with(list("ignore"), "s3Bucket", json!("b"));
    assert_eq!(it.ask(LIST, in_bucket).await["revisions"], json!([]));
}

#[tokio::test]
async fn the_oldest_revisions_are_forgotten() {
    let it = World::new().await;
    let most = REVISIONS_KEPT;
    it.ask(REGISTER, of_shop(content("the oldest"))).await;
    let filled = it
        .fixture
        .store()
        .transact(move |tx| -> Result<_, std::convert::Infallible> {
            let scope = domain::Scope::new("123456789012", "us-east-1");
            let shop = tx
                .get::<CodeDeployApplication>(&(scope, "shop".to_owned()))
                .expect("is there");
            for number in 0..most {
                let revision = Revision {
                    kind: RevisionKind::String,
                    content: String::new(),
                    sha256: format!("{number:064}"),
                };
                register_revision(tx, &shop, revision, None);
            }
            Ok(())
        });
    filled.await.expect("is stored");
    let (code, _) = it.refused(GET, of_shop(checksum("the oldest"))).await;
    assert_eq!(code, "RevisionDoesNotExistException");
    let (mut seen, mut token) = (0, Value::Null);
    loop {
        let input = with(json!({ "applicationName": "shop" }), "nextToken", token);
        let listed = it.ask(LIST, input).await;
        seen += listed["revisions"].as_array().map_or(0, Vec::len);
        token = listed["nextToken"].clone();
        if token.is_null() {
            break;
        }
    }
    assert_eq!(seen, most);
}

#[tokio::test]
async fn revisions_are_kept_by_their_bytes_and_by_when_they_were_last_registered() {
    const SIZE: usize = 128 * 1024;
    let it = World::new().await;
    let register = async |letter: char, length: usize| {
        let quarter = if length == SIZE {
            REVISION_BYTES_KEPT / SIZE / 4
        } else {
            1
        };
        for number in 0..quarter {
            let name = format!("{letter}{number}");
            let text = name.clone() + &"x".repeat(length - name.len());
            let filled = it.fixture.store().transact(move |tx| {
                let scope = domain::Scope::new("123456789012", "us-east-1");
                let key = (scope, "shop".to_owned());
                let shop = tx.get::<CodeDeployApplication>(&key).expect("is there");
                let revision = Revision {
                    kind: RevisionKind::String,
                    sha256: sha256(&text),
                    content: text,
                };
                register_revision(tx, &shop, revision, None);
                Ok::<_, std::convert::Infallible>(())
            });
            filled.await.expect("is stored");
            it.fixture.clock.advance(Duration::from_secs(1));
        }
    };
    let known = || {
        it.fixture.store().read(|state| {
            let mut counts = BTreeMap::new();
            for it in state.all::<ApplicationRevision>() {
                let letter = it.revision.content.chars().next().expect("has some");
                *counts.entry(letter).or_insert(0) += 1;
            }
            counts
        })
    };
    for letter in ['a', 'b', 'c', 'd'] {
        register(letter, SIZE).await;
    }
    assert_eq!(known(), [('a', 32), ('b', 32), ('c', 32), ('d', 32)].into());
    register('a', SIZE).await;
    register('e', 2).await;
    assert_eq!(
        known(),
        [('a', 32), ('b', 31), ('c', 32), ('d', 32), ('e', 1)].into(),
        "the one that was touched first goes"
    );
}
