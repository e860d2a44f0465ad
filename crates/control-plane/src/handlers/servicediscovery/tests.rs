//! The API as clients speak it.

mod instances;
mod namespaces;
mod services;

use serde_json::{Value, json};

use crate::fixture::{Fixture, text};

struct World {
    fixture: Fixture,
}

impl World {
    async fn new() -> Self {
        Self {
            fixture: Fixture::new().await,
        }
    }

    async fn ask(&self, operation: &str, input: Value) -> Value {
        self.fixture.ask_of("servicediscovery", operation, input).await
    }

    async fn refused(&self, operation: &str, input: Value) -> (String, String) {
        self.fixture
            .refused_of("servicediscovery", operation, input)
            .await
    }

    /// Makes a namespace and answers its id.
    async fn made(&self, operation: &str, input: Value) -> String {
        let made = self.ask(operation, input).await;
        let asked = json!({ "OperationId": made["OperationId"] });
        let operation = self.ask("GetOperation", asked).await["Operation"].clone();
        assert_eq!(operation["Status"], "SUCCESS");
        text(&operation["Targets"]["NAMESPACE"])
    }

    async fn http_namespace(&self, name: &str) -> String {
        self.made("CreateHttpNamespace", json!({ "Name": name })).await
    }

    async fn dns_namespace(&self, name: &str) -> String {
        self.made("CreatePublicDnsNamespace", json!({ "Name": name }))
            .await
    }

    /// A VPC of this account.
    async fn vpc(&self) -> String {
        let made = self.fixture.store().transact(|tx| {
            let vpc = tx.put(domain::vpc::Vpc {
                is_default: true,
                ..domain::vpc::Vpc::new(
                    tx.ids().ec2("vpc"),
                    domain::Scope::new("123456789012", "us-east-1"),
                    "10.0.0.0/16".parse().expect("a range"),
                    tx.ids().ec2("sg"),
                )
            });
            Ok::<_, std::convert::Infallible>(vpc.id.clone())
        });
        made.await.expect("is stored")
    }

    async fn service(&self, input: Value) -> String {
        text(&self.ask("CreateService", input).await["Service"]["Id"])
    }
}

/// Ids of what a listing shows.
fn ids(listed: &Value) -> Vec<String> {
    let listed = listed.as_array().expect("a list").iter();
    listed.map(|it| text(&it["Id"])).collect()
}
