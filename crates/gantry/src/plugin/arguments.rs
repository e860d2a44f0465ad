//! What the AWS CLI says to its plug-in: six arguments, the first of which is the session or names the variable that
//! holds it.

use anyhow::{Context, Result, bail};
use serde::Deserialize;

/// What is asked.
#[derive(Debug, PartialEq, Eq)]
pub enum Request {
    /// Whether it is there.
    Installed,
    /// Which version.
    Version,
    /// A session.
    Session(Session),
}

/// A session that the server has made. ECS writes its members in another case than SSM.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Session {
    /// `ecs-execute-command-…`
    #[serde(alias = "SessionId")]
    pub session_id: String,
    /// Where its data channel is.
    #[serde(alias = "StreamUrl")]
    pub stream_url: String,
    /// What opens it.
    #[serde(alias = "TokenValue")]
    pub token_value: String,
}

/// Reads the arguments, without the program's name.
pub fn read(arguments: &[String], variable: impl Fn(&str) -> Option<String>) -> Result<Request> {
    let (response, operation) = match arguments {
        [] => return Ok(Request::Installed),
        [one] if one == "--version" => return Ok(Request::Version),
        [response, _region, operation, ..] => (response, operation),
        _ => bail!("this program is run by the AWS CLI: aws ecs execute-command"),
    };
    if operation != "StartSession" {
        bail!("it starts sessions only, not {operation}");
    }
    let text = if response.trim_start().starts_with('{') {
        response.clone()
    } else {
        variable(response).with_context(|| format!("the variable {response} holds no session"))?
    };
    let session = serde_json::from_str(&text).context("what the AWS CLI passed is no session")?;
    Ok(Request::Session(session))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn arguments(words: &[&str]) -> Vec<String> {
        words.iter().map(|it| (*it).to_owned()).collect()
    }

    fn session() -> Request {
        Request::Session(Session {
            session_id: "s".to_owned(),
            stream_url: "ws://h/v1".to_owned(),
            token_value: "t".to_owned(),
        })
    }

    #[test]
    fn sessions_come_as_argument_or_variable_in_the_case_of_either_service() {
        let ecs = r#"{"sessionId": "s", "streamUrl": "ws://h/v1", "tokenValue": "t"}"#;
        let ssm = r#"{"SessionId": "s", "TokenValue": "t", "StreamUrl": "ws://h/v1"}"#;
        for text in [ecs, ssm] {
            let all = arguments(&[
                text,
                "us-east-1",
                "StartSession",
                "",
                r#"{"Target":"x"}"#,
                "http://h",
            ]);
            assert_eq!(read(&all, |_| None).expect("a session"), session());
            let all = arguments(&[
                "AWS_SSM_START_SESSION_RESPONSE",
                "us-east-1",
                "StartSession",
                "",
                "{}",
                "u",
            ]);
            let variable = |name: &str| (name == "AWS_SSM_START_SESSION_RESPONSE").then(|| text.to_owned());
            assert_eq!(read(&all, variable).expect("a session"), session());
        }
    }

    #[test]
    fn other_calls_are_answered_or_refused() {
        assert_eq!(read(&[], |_| None).expect("it is"), Request::Installed);
        let version = read(&arguments(&["--version"]), |_| None);
        assert_eq!(version.expect("it has one"), Request::Version);
        for words in [
            &["{}"][..],
            &["{}", "us-east-1", "StartSession"],
            &["{\"sessionId\": 1}", "us-east-1", "StartSession"],
            &["NOT_SET", "us-east-1", "StartSession"],
            &["{}", "us-east-1", "ResumeSession"],
        ] {
            assert!(read(&arguments(words), |_| None).is_err(), "{words:?}");
        }
    }
}
