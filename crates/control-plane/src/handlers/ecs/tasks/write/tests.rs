//! Bounds of what RunTask and StartTask take.

use serde_json::json;

use crate::fixture::{Fixture, code};

#[tokio::test]
async fn texts_of_calls_have_the_lengths_of_the_model() {
    let fixture = Fixture::new().await;
    let instance = fixture.instance().await;
    let definition = fixture.definition().await;
    for (operation, member, length_max) in [
        ("RunTask", "startedBy", 128),
        ("StartTask", "startedBy", 36),
        ("RunTask", "referenceId", 1024),
        ("StartTask", "referenceId", 1024),
    ] {
        let mut input = json!({ "taskDefinition": definition, "containerInstances": [instance] });
        input[member] = json!("x".repeat(length_max));
        let started = fixture.ask(operation, input.clone()).await;
        assert_eq!(started["failures"], json!([]), "{operation} {member}");
        input[member] = json!("x".repeat(length_max + 1));
        let refused = fixture.refused(operation, input).await;
        assert_eq!(code(refused), "InvalidParameterException", "{operation} {member}");
    }
}
