//! What is wrong with an expression, and where.

/// An expression that cannot be understood.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("At character {position}: {problem}.")]
pub struct QueryError {
    /// The character where it goes wrong, counted from 1; one past the last if the expression ends too early.
    pub position: usize,
    /// What is wrong there.
    pub problem: Problem,
}

/// What is wrong with an expression.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Problem {
    /// It has more than 2000 characters.
    #[error("an expression has at most 2000 characters")]
    TooLong,
    /// Parentheses and negations stand in each other too often.
    #[error("parentheses and negations are nested too deeply")]
    TooDeep,
    /// There is no subject where one must stand.
    #[error("expected a subject, such as attribute:name, ec2InstanceId or task:group")]
    ExpectedSubject,
    /// The language has no such subject.
    #[error(
        "unknown subject, it is none of attribute:name, agentConnected, agentVersion, ec2InstanceId, registeredAt, \
         runningTasksCount, pendingTasksCount and task:group"
    )]
    UnknownSubject,
    /// `attribute:` without a name, or one over 128 characters.
    #[error("expected an attribute name of up to 128 characters")]
    ExpectedAttributeName,
    /// No operator follows the subject.
    #[error("expected an operator, such as ==, in or exists")]
    ExpectedOperator,
    /// The subject does not take the operator.
    #[error("{subject} does not take the operator {operator}")]
    OperatorNotTaken {
        /// As Amazon writes it.
        subject: String,
        /// As Amazon writes it.
        operator: &'static str,
    },
    /// No argument follows the operator.
    #[error("expected an argument")]
    ExpectedArgument,
    /// `in` without a list.
    #[error("expected a list, such as [a, b]")]
    ExpectedList,
    /// A list goes on without comma and does not end.
    #[error("expected ',' or ']'")]
    ExpectedListEnd,
    /// A quoted argument does not end.
    #[error("the quotation mark is not closed")]
    OpenQuote,
    /// A parenthesis does not end.
    #[error("expected ')'")]
    ExpectedParenthesis,
    /// A whole expression is followed by something else.
    #[error("expected 'and', 'or' or the end of the expression")]
    ExpectedEnd,
    /// The subject is compared with whole numbers.
    #[error("expected a whole number")]
    ExpectedCount,
    /// The subject is compared with versions.
    #[error("expected a version, such as 1.17.0")]
    ExpectedVersion,
    /// The subject is compared with points in time.
    #[error("expected a date, such as 2018-06-18 or 2018-06-18T22:28:28Z")]
    ExpectedTime,
    /// The pattern is not a regular expression, or not one that is matched in linear time, or too large.
    #[error("the regular expression is invalid, too large, or uses look-around or back-references")]
    InvalidPattern,
}
