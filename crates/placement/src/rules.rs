//! Constraints and strategies, ready to be asked of many candidates.

use std::collections::BTreeSet;

use domain::container_instance::ContainerInstance;
use domain::host::Host;
use domain::placement::{
    AVAILABILITY_ZONE_ATTRIBUTE, BinpackField, PlacementConstraint, PlacementStrategy, SpreadField,
};

use crate::PlacementRefusal;
use crate::query::{Expression, Facts};

/// Tasks of a container instance that are not STOPPED.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct InstanceTasks {
    /// In RUNNING; needed only if [`Rules::counts_tasks`].
    pub running: u32,
    /// On their way to RUNNING; needed only if [`Rules::counts_tasks`].
    pub pending: u32,
    /// Of the group that is placed; needed only if [`Rules::counts_the_group`].
    pub of_group: u32,
    /// Their groups; needed only if [`Rules::asks_for_groups`].
    pub groups: BTreeSet<String>,
}

/// Where tasks may go and where they go best. By default anywhere, best spread over zones.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Rules {
    is_distinct_instance: bool,
    /// Each must hold. `None` holds nowhere.
    members: Vec<Option<Expression>>,
    preferences: Vec<Preference>,
}

/// What makes one candidate better than another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Preference {
    Random,
    /// Fewer tasks of the group where the field has the same value.
    Spread(SpreadField),
    /// Less left.
    Binpack(BinpackField),
    /// Fewer tasks of any kind.
    FewestTasks,
}

impl Rules {
    /// Rules of RunTask. An expression that cannot be understood was refused before it was stored: it holds nowhere.
    pub fn new<'a>(
        constraints: impl IntoIterator<Item = &'a PlacementConstraint>,
        strategies: &[PlacementStrategy],
    ) -> Self {
        let mut rules = Self::default();
        for constraint in constraints {
            match constraint {
                PlacementConstraint::DistinctInstance => rules.is_distinct_instance = true,
                PlacementConstraint::MemberOf(expression) => rules.members.push(expression.parse().ok()),
            }
        }
        let preference = |it: &PlacementStrategy| match it {
            PlacementStrategy::Random => Preference::Random,
            PlacementStrategy::Spread(field) => Preference::Spread(field.clone()),
            PlacementStrategy::Binpack(field) => Preference::Binpack(*field),
        };
        rules.preferences = strategies.iter().map(preference).collect();
        rules
    }

    /// Rules of a service: without a strategy its tasks spread over zones, then over container instances.
    pub fn of_service<'a>(
        constraints: impl IntoIterator<Item = &'a PlacementConstraint>,
        strategies: &[PlacementStrategy],
    ) -> Self {
        let mut rules = Self::new(constraints, strategies);
        if rules.preferences.is_empty() {
            let zone = SpreadField::Attribute(AVAILABILITY_ZONE_ATTRIBUTE.to_owned());
            rules.preferences = vec![
                Preference::Spread(zone),
                Preference::Spread(SpreadField::InstanceId),
                Preference::FewestTasks,
            ];
        }
        rules
    }

    /// Whether they say nothing.
    pub fn is_empty(&self) -> bool {
        !self.has_constraints() && self.preferences.is_empty()
    }

    /// Whether [`InstanceTasks::of_group`] matters.
    pub fn counts_the_group(&self) -> bool {
        let spreads = self
            .preferences
            .iter()
            .any(|it| matches!(it, Preference::Spread(_)));
        self.is_distinct_instance || spreads
    }

    /// Whether [`InstanceTasks::running`] and [`InstanceTasks::pending`] matter.
    pub fn counts_tasks(&self) -> bool {
        !self.members.is_empty()
    }

    /// Whether [`InstanceTasks::groups`] matters.
    pub fn asks_for_groups(&self) -> bool {
        self.members.iter().flatten().any(Expression::asks_for_groups)
    }

    pub(crate) fn has_constraints(&self) -> bool {
        self.is_distinct_instance || !self.members.is_empty()
    }

    pub(crate) fn preferences(&self) -> &[Preference] {
        &self.preferences
    }

    /// The constraints that a container instance with these tasks does not satisfy.
    pub(crate) fn unsatisfied(
        &self,
        host: &Host,
        container_instance: &ContainerInstance,
        tasks: &InstanceTasks,
    ) -> Vec<PlacementRefusal> {
        let facts = Facts {
            host,
            container_instance,
            running: tasks.running,
            pending: tasks.pending,
            groups: &tasks.groups,
        };
        let mut refusals = Vec::new();
        if self.is_distinct_instance && tasks.of_group > 0 {
            refusals.push(PlacementRefusal::DistinctInstance);
        }
        let is_member = |it: &Option<Expression>| it.as_ref().is_some_and(|it| it.holds(&facts));
        if !self.members.iter().all(is_member) {
            refusals.push(PlacementRefusal::MemberOf);
        }
        refusals
    }
}
