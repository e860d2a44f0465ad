//! The cluster query language: which container instances an expression means.
//!
//! ```text
//! or         = and ( ("||" | "or") and )*
//! and        = not ( ("&&" | "and") not )*
//! not        = ("!" | "not") not | "(" or ")" | comparison
//! comparison = subject [ operator [ argument ] ]
//! ```
//! <https://docs.aws.amazon.com/AmazonECS/latest/developerguide/cluster-query-language.html>

mod display;
mod error;
mod evaluate;
mod literal;
mod operator;
mod parse;
mod scan;
mod subject;
#[cfg(test)]
mod tests;

use std::str::FromStr;

pub use error::{Problem, QueryError};
pub use evaluate::{Facts, attribute};

use literal::{Literal, Pattern};
use operator::Operator;
use subject::Subject;

/// Longest expression, in characters, as on Amazon.
pub const EXPRESSION_LENGTH_MAX: usize = 2000;

/// An expression of the cluster query language: parsed once, asked of many container instances. It is shown in a
/// form that parses to the same.
#[derive(Clone, Debug, PartialEq)]
pub struct Expression(Node);

#[derive(Clone, Debug, PartialEq)]
enum Node {
    /// At least two.
    And(Vec<Node>),
    /// At least two.
    Or(Vec<Node>),
    Not(Box<Node>),
    Comparison(Comparison),
}

#[derive(Clone, Debug, PartialEq)]
struct Comparison {
    subject: Subject,
    operator: Operator,
    argument: Argument,
}

#[derive(Clone, Debug, PartialEq)]
enum Argument {
    /// Of `exists`.
    None,
    One(Literal),
    /// Of `in`; at least one.
    List(Vec<String>),
    Pattern(Pattern),
}

impl Expression {
    /// Whether it asks for the groups of the tasks that run on a container instance.
    pub fn asks_for_groups(&self) -> bool {
        self.0.has(&Subject::TaskGroup)
    }
}

impl FromStr for Expression {
    type Err = QueryError;

    fn from_str(text: &str) -> Result<Self, QueryError> {
        parse::parse(text).map(Self)
    }
}

impl Node {
    fn has(&self, subject: &Subject) -> bool {
        match self {
            Self::And(all) | Self::Or(all) => all.iter().any(|it| it.has(subject)),
            Self::Not(it) => it.has(subject),
            Self::Comparison(it) => it.subject == *subject,
        }
    }
}
