//! Options of the `awslogs` driver.

use regex::bytes::Regex;

use super::datetime;
use crate::host::ContainerSpec;
use crate::log_drivers::options::Options;
use crate::tasks::payload::Refusal;

/// <https://docs.aws.amazon.com/AmazonECS/latest/developerguide/specify-log-config.html>
#[derive(Clone, Debug, PartialEq)]
pub struct AwsLogsOptions {
    /// Log group.
    pub group: String,
    /// Region to sign for. `None`: the agent's own.
    pub region: Option<String>,
    /// Where to send it. `None`: where the agent sends everything.
    pub endpoint: Option<String>,
    /// `prefix/container/task-id`. `None`: the runtime id names the stream.
    pub stream: Option<String>,
    /// What to do when the group is missing.
    pub missing_group: MissingGroup,
    /// Lines are joined to events. `None`: each line is one.
    pub multiline: Option<FirstLine>,
}

/// `awslogs-create-group`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MissingGroup {
    /// The task fails.
    Fail,
    /// It is created.
    Create,
}

/// How the first line of an event is known.
#[derive(Clone, Debug)]
pub struct FirstLine(Regex);

impl PartialEq for FirstLine {
    fn eq(&self, other: &Self) -> bool {
        self.0.as_str() == other.0.as_str()
    }
}

impl FirstLine {
    /// By a regular expression.
    ///
    /// # Errors
    /// The library's reason if it is none.
    pub fn parse(expression: &str) -> Result<Self, String> {
        let built = regex::bytes::RegexBuilder::new(expression).unicode(false).build();
        built.map(Self).map_err(|it| it.to_string())
    }

    /// Whether an event begins with this line.
    pub fn is_match(&self, line: &str) -> bool {
        self.0.is_match(line.as_bytes())
    }
}

impl AwsLogsOptions {
    /// Takes the driver's own options.
    ///
    /// # Errors
    /// If there is no group, or an option makes no sense.
    pub fn parse(options: &mut Options, container: &ContainerSpec) -> Result<Self, Refusal> {
        let group = options.take("awslogs-group");
        let named = options.take("awslogs-stream");
        let prefix = options.take("awslogs-stream-prefix");
        let of_prefix = prefix.map(|it| format!("{it}/{}/{}", container.name, container.task_id));
        Ok(Self {
            group: group.ok_or_else(|| Refusal::Malformed("awslogs without awslogs-group".to_owned()))?,
            region: options.take("awslogs-region"),
            endpoint: options.take("awslogs-endpoint"),
            stream: named.or(of_prefix),
            missing_group: match options.flag("awslogs-create-group")? {
                true => MissingGroup::Create,
                false => MissingGroup::Fail,
            },
            multiline: multiline(options)?,
        })
    }
}

fn multiline(options: &mut Options) -> Result<Option<FirstLine>, Refusal> {
    const PATTERN: &str = "awslogs-multiline-pattern";
    const FORMAT: &str = "awslogs-datetime-format";
    let (name, expression) = match (options.take(PATTERN), options.take(FORMAT)) {
        (None, None) => return Ok(None),
        (Some(pattern), None) => (PATTERN, pattern),
        (None, Some(format)) => (FORMAT, datetime::expression(&format)),
        (Some(_), Some(_)) => {
            // Docker's words.
            let text = format!("you cannot configure log opt '{FORMAT}' and '{PATTERN}' at the same time");
            return Err(Refusal::Malformed(text));
        }
    };
    let first = FirstLine::parse(&expression);
    first
        .map(Some)
        .map_err(|it| Refusal::Malformed(format!("{name} could not be parsed: {it}")))
}
