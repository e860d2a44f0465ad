//! From an expression to text that parses to the same expression.

use std::fmt;

use super::scan::is_bare;
use super::{Argument, Comparison, Expression, Node};

impl fmt::Display for Expression {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}", self.0)
    }
}

impl fmt::Display for Node {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::And(all) => join(out, " and ", all, |it| matches!(it, Self::And(_) | Self::Or(_))),
            Self::Or(all) => join(out, " or ", all, |it| matches!(it, Self::Or(_))),
            Self::Not(it) => {
                out.write_str("not ")?;
                part(out, it, matches!(**it, Self::And(_) | Self::Or(_)))
            }
            Self::Comparison(it) => write!(out, "{it}"),
        }
    }
}

fn join(out: &mut fmt::Formatter<'_>, word: &str, all: &[Node], is_looser: fn(&Node) -> bool) -> fmt::Result {
    for (index, it) in all.iter().enumerate() {
        if index > 0 {
            out.write_str(word)?;
        }
        part(out, it, is_looser(it))?;
    }
    Ok(())
}

fn part(out: &mut fmt::Formatter<'_>, it: &Node, needs_parentheses: bool) -> fmt::Result {
    if needs_parentheses {
        write!(out, "({it})")
    } else {
        write!(out, "{it}")
    }
}

impl fmt::Display for Comparison {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{} {}", self.subject, self.operator.as_str())?;
        match &self.argument {
            Argument::None => Ok(()),
            Argument::One(it) => write!(out, " {}", quoted(&it.text)),
            Argument::Pattern(it) => write!(out, " {}", quoted(it.text())),
            Argument::List(all) => {
                let all: Vec<String> = all.iter().map(|it| quoted(it)).collect();
                write!(out, " [{}]", all.join(", "))
            }
        }
    }
}

/// In quotation marks if it needs them. No argument holds both kinds: it could not have been written.
fn quoted(text: &str) -> String {
    match text {
        _ if !text.is_empty() && text.chars().all(is_bare) => text.to_owned(),
        _ if text.contains('\'') => format!("\"{text}\""),
        _ => format!("'{text}'"),
    }
}
