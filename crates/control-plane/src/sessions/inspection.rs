//! Questions to an agent: what its host has really made of a task. They go down its session, and the answers come up.

use std::collections::HashMap;
use std::time::Duration;

use api::{acs, gantry};
use domain::TaskArn;
use tokio::sync::oneshot;

use super::registry::Sessions;

/// Questions that wait for a session.
pub const QUESTIONS_BOUND: usize = 64;
/// Longest answer that is read.
const ANSWER_BYTES_MAX: usize = 512 * 1024;

/// A question on its way.
pub struct Question {
    task: TaskArn,
    answer: oneshot::Sender<acs::InspectTaskAnswer>,
}

/// Why there is no answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unanswered {
    /// The agent has no session, or lost it, or is Amazon's and does not know the question.
    #[error("the agent of its host is not connected")]
    NotConnected,
    /// It took too long.
    #[error("the agent of its host did not answer within {0} s")]
    TimedOut(u64),
    /// The agent says why.
    #[error("{0}")]
    Refused(String),
    /// Not what was asked for.
    #[error("the agent's answer cannot be read: {0}")]
    Unreadable(String),
}

impl Sessions {
    /// Asks the agent of a host about a task.
    ///
    /// # Errors
    /// [`Unanswered`].
    pub async fn inspect(
        &self,
        host_id: &str,
        task: &TaskArn,
        deadline: Duration,
    ) -> Result<gantry::TaskInspection, Unanswered> {
        let questions = self.questions(host_id).ok_or(Unanswered::NotConnected)?;
        let (answer, answered) = oneshot::channel();
        let question = Question {
            task: task.clone(),
            answer,
        };
        let asking = async {
            let sent = questions.send(question).await;
            sent.map_err(|_| Unanswered::NotConnected)?;
            answered.await.map_err(|_| Unanswered::NotConnected)
        };
        let answer = tokio::time::timeout(deadline, asking).await;
        read(answer.map_err(|_| Unanswered::TimedOut(deadline.as_secs()))??)
    }
}

fn read(answer: acs::InspectTaskAnswer) -> Result<gantry::TaskInspection, Unanswered> {
    let Some(text) = answer.inspection else {
        let reason = answer
            .reason
            .unwrap_or_else(|| "the agent says nothing".to_owned());
        return Err(Unanswered::Refused(reason));
    };
    if text.len() > ANSWER_BYTES_MAX {
        return Err(Unanswered::Unreadable(format!(
            "it is longer than {ANSWER_BYTES_MAX} bytes"
        )));
    }
    wire::json::decode(text.as_bytes()).map_err(|error| Unanswered::Unreadable(error.to_string()))
}

/// What an agent has been asked and has not answered yet.
#[derive(Default)]
pub struct Asked(HashMap<String, oneshot::Sender<acs::InspectTaskAnswer>>);

impl Asked {
    /// Notes a question; its message.
    pub fn ask(&mut self, message_id: String, question: Question) -> acs::InspectTaskMessage {
        // Whoever asked has given up on these.
        self.0.retain(|_, it| !it.is_closed());
        self.0.insert(message_id.clone(), question.answer);
        acs::InspectTaskMessage {
            message_id: Some(message_id),
            task_arn: Some(question.task.to_string()),
        }
    }

    /// An answer came; one that nobody waits for is nothing.
    pub fn answered(&mut self, answer: acs::InspectTaskAnswer) {
        let waiting = answer.message_id.as_deref().and_then(|it| self.0.remove(it));
        if let Some(waiting) = waiting {
            // It may have been given up just now.
            let _ = waiting.send(answer);
        }
    }
}

#[cfg(test)]
mod tests {
    use domain::{ClusterArn, Scope};
    use tokio_util::sync::CancellationToken;

    use super::super::upgrade::AgentKind;
    use super::*;

    fn task() -> TaskArn {
        ClusterArn::of(&Scope::new("123456789012", "us-east-1"), "lab").member("0123")
    }

    fn answer(message_id: &str, inspection: Option<&str>, reason: Option<&str>) -> acs::InspectTaskAnswer {
        acs::InspectTaskAnswer {
            message_id: Some(message_id.to_owned()),
            inspection: inspection.map(str::to_owned),
            reason: reason.map(str::to_owned),
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_question_has_one_answer_or_a_reason_why_not() {
        let sessions = Sessions::default();
        let patience = Duration::from_secs(5);
        let nobody = sessions.inspect("h", &task(), patience).await;
        assert_eq!(nobody, Err(Unanswered::NotConnected));
        let mut place = sessions.open("h", AgentKind::Gantry, &CancellationToken::new());
        let mut questions = place.questions.take().expect("is there");
        let mut asked = Asked::default();
        for (text, reason, expected) in [
            (
                Some("{\"desiredStatus\":\"RUNNING\"}"),
                None,
                Ok(Some("RUNNING".to_owned())),
            ),
            (
                None,
                Some("no such task"),
                Err(Unanswered::Refused("no such task".to_owned())),
            ),
        ] {
            let agent = async {
                let message = asked.ask("id".to_owned(), questions.recv().await.expect("asks"));
                assert_eq!(message.task_arn, Some(task().to_string()));
                asked.answered(answer("other", None, None));
                asked.answered(answer("id", text, reason));
                asked.answered(answer("id", text, reason));
            };
            let arn = task();
            let (got, ()) = tokio::join!(sessions.inspect("h", &arn, patience), agent);
            assert_eq!(got.map(|it| it.desired_status), expected);
        }
        let late = sessions.inspect("h", &task(), patience).await;
        assert_eq!(late, Err(Unanswered::TimedOut(5)));
        assert!(matches!(
            read(answer("id", Some("{"), None)),
            Err(Unanswered::Unreadable(_))
        ));
    }
}
