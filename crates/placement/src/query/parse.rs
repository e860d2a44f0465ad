//! From text to an expression: a descent whose depth is bounded.

use super::error::{Problem, QueryError};
use super::literal::{Literal, Pattern};
use super::operator::{Operator, SYMBOLS, WORDS};
use super::scan::{Scanner, is_bare};
use super::subject::Subject;
use super::{Argument, Comparison, EXPRESSION_LENGTH_MAX, Node};

/// Most parentheses and negations in each other.
pub const DEPTH_MAX: usize = 32;
/// Longest name of an attribute, as on Amazon.
const ATTRIBUTE_NAME_LENGTH_MAX: usize = 128;

/// Reads a whole expression.
pub fn parse(text: &str) -> Result<Node, QueryError> {
    if let Some((end, _)) = text.char_indices().nth(EXPRESSION_LENGTH_MAX) {
        let mut scanner = Scanner::new(text);
        scanner.eat(&text[..end]);
        return Err(scanner.error(Problem::TooLong));
    }
    let mut scanner = Scanner::new(text);
    let node = or(&mut scanner, 0)?;
    if scanner.peek().is_some() {
        return Err(scanner.error(Problem::ExpectedEnd));
    }
    Ok(node)
}

fn or(scanner: &mut Scanner<'_>, depth: usize) -> Result<Node, QueryError> {
    let mut all = vec![and(scanner, depth)?];
    while scanner.eat("||") || scanner.eat_word("or") {
        all.push(and(scanner, depth)?);
    }
    Ok(joined(all, Node::Or))
}

fn and(scanner: &mut Scanner<'_>, depth: usize) -> Result<Node, QueryError> {
    let mut all = vec![not(scanner, depth)?];
    while scanner.eat("&&") || scanner.eat_word("and") {
        all.push(not(scanner, depth)?);
    }
    Ok(joined(all, Node::And))
}

fn joined(mut all: Vec<Node>, join: fn(Vec<Node>) -> Node) -> Node {
    match (all.pop(), all.is_empty()) {
        (Some(only), true) => only,
        (last, _) => {
            all.extend(last);
            join(all)
        }
    }
}

/// White space around it is skipped.
fn not(scanner: &mut Scanner<'_>, depth: usize) -> Result<Node, QueryError> {
    scanner.skip_space();
    let start = *scanner;
    let is_not = scanner.eat("!") || scanner.eat_word("not");
    let is_parenthesis = !is_not && scanner.eat("(");
    if (is_not || is_parenthesis) && depth == DEPTH_MAX {
        return Err(start.error(Problem::TooDeep));
    }
    let node = if is_not {
        Node::Not(Box::new(not(scanner, depth + 1)?))
    } else if is_parenthesis {
        let inside = or(scanner, depth + 1)?;
        if !scanner.eat(")") {
            return Err(scanner.error(Problem::ExpectedParenthesis));
        }
        inside
    } else {
        Node::Comparison(comparison(scanner)?)
    };
    scanner.skip_space();
    Ok(node)
}

fn comparison(scanner: &mut Scanner<'_>) -> Result<Comparison, QueryError> {
    let subject = subject(scanner)?;
    scanner.skip_space();
    let start = *scanner;
    let operator = match operator(scanner) {
        Some(it) => it,
        // An attribute alone asks whether it is there.
        None if matches!(subject, Subject::Attribute(_)) && is_end(*scanner) => Operator::Exists,
        None => return Err(start.error(Problem::ExpectedOperator)),
    };
    if !subject.takes(operator) {
        let subject = subject.to_string();
        let operator = operator.as_str();
        return Err(start.error(Problem::OperatorNotTaken { subject, operator }));
    }
    let argument = argument(scanner, &subject, operator)?;
    Ok(Comparison {
        subject,
        operator,
        argument,
    })
}

/// A comparison may end here.
fn is_end(mut scanner: Scanner<'_>) -> bool {
    match scanner.peek() {
        None | Some(')') => true,
        Some(_) => {
            scanner.eat("&&") || scanner.eat("||") || scanner.eat_word("and") || scanner.eat_word("or")
        }
    }
}

fn subject(scanner: &mut Scanner<'_>) -> Result<Subject, QueryError> {
    let start = *scanner;
    match scanner.take_word() {
        "" => Err(start.error(Problem::ExpectedSubject)),
        "agentConnected" => Ok(Subject::AgentConnected),
        "agentVersion" => Ok(Subject::AgentVersion),
        "ec2InstanceId" => Ok(Subject::Ec2InstanceId),
        "registeredAt" => Ok(Subject::RegisteredAt),
        "runningTasksCount" => Ok(Subject::RunningTasksCount),
        "pendingTasksCount" => Ok(Subject::PendingTasksCount),
        "task" if scanner.eat(":") && scanner.eat_word("group") => Ok(Subject::TaskGroup),
        "attribute" if scanner.eat(":") => {
            let before = *scanner;
            let name = scanner.take_attribute_name();
            if name.is_empty() || name.len() > ATTRIBUTE_NAME_LENGTH_MAX {
                return Err(before.error(Problem::ExpectedAttributeName));
            }
            Ok(Subject::Attribute(name.to_owned()))
        }
        _ => Err(start.error(Problem::UnknownSubject)),
    }
}

fn operator(scanner: &mut Scanner<'_>) -> Option<Operator> {
    let by_symbol = SYMBOLS.iter().find(|(symbol, _)| scanner.eat(symbol));
    let found = by_symbol.or_else(|| WORDS.iter().find(|(word, _)| scanner.eat_word(word)));
    found.map(|(_, operator)| *operator)
}

fn argument(
    scanner: &mut Scanner<'_>,
    subject: &Subject,
    operator: Operator,
) -> Result<Argument, QueryError> {
    scanner.skip_space();
    let start = *scanner;
    match operator {
        Operator::Exists | Operator::NotExists => Ok(Argument::None),
        Operator::In | Operator::NotIn => list(scanner).map(Argument::List),
        Operator::Matches | Operator::NotMatches => {
            let text = match scanner.take_quoted()? {
                Some(text) => text,
                None => scanner.take_pattern(),
            };
            if text.is_empty() {
                return Err(start.error(Problem::ExpectedArgument));
            }
            let pattern = Pattern::parse(text.to_owned()).map_err(|it| start.error(it))?;
            Ok(Argument::Pattern(pattern))
        }
        Operator::Equals
        | Operator::NotEquals
        | Operator::GreaterThan
        | Operator::GreaterThanEqual
        | Operator::LessThan
        | Operator::LessThanEqual => {
            let text = scalar(scanner)?;
            let literal = Literal::of(subject, text).map_err(|it| start.error(it))?;
            Ok(Argument::One(literal))
        }
    }
}

fn list(scanner: &mut Scanner<'_>) -> Result<Vec<String>, QueryError> {
    if !scanner.eat("[") {
        return Err(scanner.error(Problem::ExpectedList));
    }
    let mut all = Vec::new();
    loop {
        scanner.skip_space();
        all.push(scalar(scanner)?);
        scanner.skip_space();
        if scanner.eat("]") {
            return Ok(all);
        }
        if !scanner.eat(",") {
            return Err(scanner.error(Problem::ExpectedListEnd));
        }
    }
}

fn scalar(scanner: &mut Scanner<'_>) -> Result<String, QueryError> {
    if let Some(text) = scanner.take_quoted()? {
        return Ok(text.to_owned());
    }
    match scanner.take_while(is_bare) {
        "" => Err(scanner.error(Problem::ExpectedArgument)),
        text => Ok(text.to_owned()),
    }
}
