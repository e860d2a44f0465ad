use serde_json::{Value, json};

use crate::fixture::{Fixture, code};

const ROOT: &str = "arn:aws:iam::123456789012:root";
const ADA: &str = "arn:aws:iam::123456789012:user/ada";

async fn list(fixture: &Fixture, input: Value) -> Vec<(String, String, String)> {
    let answer = fixture.ask("ListAccountSettings", input).await;
    let settings = answer["settings"].as_array().cloned().unwrap_or_default();
    let member = |it: &Value, name: &str| crate::fixture::text(&it[name]);
    settings
        .iter()
        .map(|it| {
            (
                member(it, "name"),
                member(it, "value"),
                member(it, "principalArn"),
            )
        })
        .collect()
}

fn entry(name: &str, value: &str, principal: &str) -> (String, String, String) {
    (name.to_owned(), value.to_owned(), principal.to_owned())
}

#[tokio::test]
async fn only_settings_that_were_made_are_listed_unless_all_that_hold_are_asked_for() {
    let fixture = Fixture::new().await;
    assert!(list(&fixture, json!({})).await.is_empty());
    let input = json!({ "name": "containerInsights", "value": "enhanced" });
    let made = fixture.ask("PutAccountSettingDefault", input).await;
    assert_eq!(
        made["setting"],
        json!({ "name": "containerInsights", "value": "enhanced", "principalArn": ROOT, "type": "user" })
    );
    let input = json!({ "name": "awsvpcTrunking", "value": "enabled", "principalArn": ADA });
    fixture.ask("PutAccountSetting", input).await;
    assert_eq!(
        list(&fixture, json!({})).await,
        [entry("containerInsights", "enhanced", ROOT)]
    );
    let of_ada = list(&fixture, json!({ "principalArn": ADA })).await;
    assert_eq!(of_ada, [entry("awsvpcTrunking", "enabled", ADA)]);
    let hold = |name: &str| json!({ "principalArn": ADA, "effectiveSettings": true, "name": name });
    for (name, value, principal) in [
        ("awsvpcTrunking", "enabled", ADA),
        ("containerInsights", "enhanced", ROOT),
        ("taskLongArnFormat", "enabled", ROOT),
        ("fargateTaskRetirementWaitPeriod", "7", ROOT),
        ("tagResourceAuthorization", "on", ROOT),
        ("defaultLogDriverMode", "non-blocking", ROOT),
    ] {
        assert_eq!(list(&fixture, hold(name)).await, [entry(name, value, principal)]);
    }
    let by_value = json!({ "effectiveSettings": true, "name": "containerInsights", "value": "disabled" });
    assert!(list(&fixture, by_value).await.is_empty());
}

#[tokio::test]
async fn all_settings_come_in_pages_of_ten() {
    let fixture = Fixture::new().await;
    let first = fixture
        .ask("ListAccountSettings", json!({ "effectiveSettings": true }))
        .await;
    assert_eq!(first["settings"].as_array().map(Vec::len), Some(10));
    let token = first["nextToken"].clone();
    let rest = json!({ "effectiveSettings": true, "nextToken": token });
    let rest = fixture.ask("ListAccountSettings", rest).await;
    assert_eq!(rest["settings"].as_array().map(Vec::len), Some(1));
    assert!(rest.get("nextToken").is_none());
    for input in [
        json!({ "nextToken": token }),
        json!({ "effectiveSettings": true, "nextToken": "x" }),
        json!({ "maxResults": 11 }),
        json!({ "maxResults": 0 }),
        json!({ "value": "enabled" }),
        json!({ "name": "dualStackIPv6" }),
    ] {
        let refused = fixture.refused("ListAccountSettings", input.clone()).await;
        assert_eq!(code(refused), "InvalidParameterException", "{input}");
    }
}

#[tokio::test]
async fn a_deleted_setting_gives_way_to_the_accounts() {
    let fixture = Fixture::new().await;
    for (principal, value) in [(ROOT, "enabled"), (ADA, "disabled")] {
        let input = json!({ "name": "fargateFIPSMode", "value": value, "principalArn": principal });
        fixture.ask("PutAccountSetting", input).await;
    }
    let delete = |principal: &str| json!({ "name": "fargateFIPSMode", "principalArn": principal });
    let left = fixture.ask("DeleteAccountSetting", delete(ADA)).await;
    assert_eq!(left["setting"]["value"], "enabled");
    let left = fixture.ask("DeleteAccountSetting", delete(ROOT)).await;
    assert_eq!(left["setting"]["value"], "disabled");
}

#[tokio::test]
async fn what_cannot_be_is_refused_in_amazons_words() {
    let fixture = Fixture::new().await;
    let long = "You can no longer disable Long Arn settings";
    for (name, value, message) in [
        ("dualStackIPv6", "enabled", "Invalid setting 'name'"),
        ("taskLongArnFormat", "ENABLED", "Invalid setting 'value'"),
        ("containerInsights", "on", "Invalid setting 'value'"),
        ("fargateTaskRetirementWaitPeriod", "8", "Invalid setting 'value'"),
        ("tagResourceAuthorization", "enabled", "Invalid setting 'value'"),
        ("taskLongArnFormat", "disabled", long),
        ("serviceLongArnFormat", "disabled", long),
        ("containerInstanceLongArnFormat", "disabled", long),
    ] {
        for operation in ["PutAccountSetting", "PutAccountSettingDefault"] {
            let refused = fixture
                .refused(operation, json!({ "name": name, "value": value }))
                .await;
            assert_eq!(
                refused,
                ("InvalidParameterException".to_owned(), message.to_owned())
            );
        }
    }
    let refused = fixture
        .refused(
            "PutAccountSetting",
            json!({ "name": "guardDutyActivate", "value": "on" }),
        )
        .await;
    assert_eq!(code(refused), "InvalidParameterException");
    for principal in [
        "arn:aws:iam::210987654321:root",
        "arn:aws:iam::123456789012:group/x",
        "arn:aws:iam::123456789012:user/",
        "ada",
    ] {
        let input = json!({ "name": "awsvpcTrunking", "value": "enabled", "principalArn": principal });
        let refused = fixture.refused("PutAccountSetting", input).await;
        assert_eq!(code(refused), "InvalidParameterException", "{principal}");
    }
    let input = json!({ "name": "fargateTaskRetirementWaitPeriod", "value": "0", "principalArn": ADA });
    let refused = fixture.refused("PutAccountSetting", input).await;
    assert_eq!(code(refused), "InvalidParameterException", "for root only");
}
