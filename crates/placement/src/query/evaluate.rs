//! Whether a container instance is what an expression means.

use std::cmp::Ordering;
use std::collections::BTreeSet;

use domain::Timestamp;
use domain::container_instance::ContainerInstance;
use domain::host::Host;
use domain::placement::AVAILABILITY_ZONE_ATTRIBUTE;

use super::literal::{Value, Version, order};
use super::operator::Operator;
use super::subject::Subject;
use super::{Argument, Comparison, Expression, Node};

/// What an expression can ask of a container instance.
#[derive(Clone, Copy, Debug)]
pub struct Facts<'a> {
    /// Its ledger.
    pub host: &'a Host,
    /// Itself.
    pub container_instance: &'a ContainerInstance,
    /// Tasks in RUNNING.
    pub running: u32,
    /// Tasks on their way to RUNNING.
    pub pending: u32,
    /// Groups of its tasks that are not STOPPED; needed only if [`Expression::asks_for_groups`].
    pub groups: &'a BTreeSet<String>,
}

impl Expression {
    /// Whether it holds. What denies (`!=`, `!in`, `!~`, `!exists`) holds where the opposite does not, so also
    /// where an attribute is missing.
    pub fn holds(&self, facts: &Facts<'_>) -> bool {
        holds(&self.0, facts)
    }
}

/// The value of an attribute: `None` if it is missing, and if it has no value an empty text. Every container
/// instance has a zone, whether its agent gave it or not.
pub fn attribute<'a>(host: &'a Host, instance: &'a ContainerInstance, name: &str) -> Option<&'a str> {
    let given = instance.attributes.iter().find(|it| it.name == name);
    let zone = (name == AVAILABILITY_ZONE_ATTRIBUTE).then_some(host.availability_zone.as_str());
    given.map(|it| it.value.as_deref().unwrap_or_default()).or(zone)
}

fn holds(node: &Node, facts: &Facts<'_>) -> bool {
    match node {
        Node::And(all) => all.iter().all(|it| holds(it, facts)),
        Node::Or(all) => all.iter().any(|it| holds(it, facts)),
        Node::Not(it) => !holds(it, facts),
        Node::Comparison(it) => match it.operator.denied() {
            Some(opposite) => !compares(it, opposite, facts),
            None => compares(it, it.operator, facts),
        },
    }
}

/// `operator` denies nothing.
fn compares(it: &Comparison, operator: Operator, facts: &Facts<'_>) -> bool {
    let text = |value: &str| is_text(value, operator, &it.argument);
    match &it.subject {
        Subject::Attribute(name) => attribute(facts.host, facts.container_instance, name).is_some_and(text),
        Subject::TaskGroup => facts.groups.iter().any(|it| text(it)),
        Subject::AgentConnected => text(if facts.host.is_connected { "true" } else { "false" }),
        Subject::Ec2InstanceId => text(&facts.container_instance.ec2_instance_id),
        Subject::AgentVersion => {
            let version = Version::parse(&facts.container_instance.agent_version);
            version.is_some_and(|value| is_ordered(&value, operator, version_of(&it.argument)))
        }
        Subject::RegisteredAt => is_ordered(
            &facts.container_instance.registered_at,
            operator,
            time_of(&it.argument),
        ),
        Subject::RunningTasksCount => is_ordered(&u64::from(facts.running), operator, count_of(&it.argument)),
        Subject::PendingTasksCount => is_ordered(&u64::from(facts.pending), operator, count_of(&it.argument)),
    }
}

fn is_text(value: &str, operator: Operator, argument: &Argument) -> bool {
    match argument {
        // It is there.
        Argument::None => true,
        Argument::List(all) => all.iter().any(|it| it == value),
        Argument::Pattern(it) => it.is_match(value),
        Argument::One(it) if operator == Operator::Equals => it.text == value,
        Argument::One(it) => order(value, &it.text).is_some_and(|it| is_meant(operator, it)),
    }
}

fn is_ordered<T: Ord>(value: &T, operator: Operator, argument: Option<&T>) -> bool {
    argument.is_some_and(|it| is_meant(operator, value.cmp(it)))
}

fn is_meant(operator: Operator, order: Ordering) -> bool {
    match operator {
        Operator::Equals => order.is_eq(),
        Operator::GreaterThan => order.is_gt(),
        Operator::GreaterThanEqual => order.is_ge(),
        Operator::LessThan => order.is_lt(),
        Operator::LessThanEqual => order.is_le(),
        _ => false,
    }
}

fn value_of<T>(argument: &Argument, pick: fn(&Value) -> Option<&T>) -> Option<&T> {
    match argument {
        Argument::One(it) => pick(&it.value),
        _ => None,
    }
}

fn count_of(argument: &Argument) -> Option<&u64> {
    value_of(argument, |it| match it {
        Value::Count(it) => Some(it),
        _ => None,
    })
}

fn version_of(argument: &Argument) -> Option<&Version> {
    value_of(argument, |it| match it {
        Value::Version(it) => Some(it),
        _ => None,
    })
}

fn time_of(argument: &Argument) -> Option<&Timestamp> {
    value_of(argument, |it| match it {
        Value::Time(it) => Some(it),
        _ => None,
    })
}
