//! Questions about what Cloud Map keeps, and the indexes that answer them.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;
use std::sync::Arc;

use domain::cloud_map::{DiscoveryInstance, DiscoveryService, Namespace, Operation};
use domain::{Scope, Timestamp};

use super::{Indexes, State};

#[cfg(test)]
mod tests;

/// Names are in small letters, as DNS does not tell them apart.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct CloudMapIndexes {
    /// Scope, name and id.
    namespaces: BTreeSet<(Scope, String, String)>,
    /// Namespace, name and id.
    services: BTreeSet<(String, String, String)>,
    /// Oldest first. Scopes without any are not kept.
    operations: BTreeMap<Scope, BTreeSet<(Timestamp, String)>>,
}

/// Follows one record from its old place in an index to its new one.
fn follow<K: Ord>(index: &mut BTreeSet<K>, before: Option<K>, after: Option<K>) {
    if before == after {
        return;
    }
    if let Some(it) = before {
        index.remove(&it);
    }
    if let Some(it) = after {
        index.insert(it);
    }
}

impl Indexes {
    pub(crate) fn namespace(&mut self, before: Option<&Arc<Namespace>>, after: Option<&Arc<Namespace>>) {
        let place = |it: &Arc<Namespace>| (it.scope.clone(), it.name.to_ascii_lowercase(), it.id.clone());
        let index = &mut self.cloud_map.namespaces;
        follow(index, before.map(place), after.map(place));
    }

    pub(crate) fn discovery_service(
        &mut self,
        before: Option<&Arc<DiscoveryService>>,
        after: Option<&Arc<DiscoveryService>>,
    ) {
        let place = |it: &Arc<DiscoveryService>| {
            let name = it.name.to_ascii_lowercase();
            (it.namespace_id.clone(), name, it.id.clone())
        };
        let index = &mut self.cloud_map.services;
        follow(index, before.map(place), after.map(place));
    }

    pub(crate) fn cloud_map_operation(
        &mut self,
        before: Option<&Arc<Operation>>,
        after: Option<&Arc<Operation>>,
    ) {
        let index = &mut self.cloud_map.operations;
        let place = |it: &Operation| (it.created_at, it.id.clone());
        if let Some(it) = before
            && let Some(known) = index.get_mut(&it.scope)
        {
            known.remove(&place(it));
            if known.is_empty() {
                index.remove(&it.scope);
            }
        }
        if let Some(it) = after {
            index.entry(it.scope.clone()).or_default().insert(place(it));
        }
    }
}

impl State {
    /// Namespaces of a scope, by name.
    pub fn namespaces(&self, scope: &Scope) -> impl Iterator<Item = &Arc<Namespace>> + use<'_> {
        let from = (scope.clone(), String::new(), String::new());
        let (index, scope) = (&self.indexes.cloud_map.namespaces, scope.clone());
        let mine = index.range(from..).take_while(move |(of, ..)| *of == scope);
        mine.filter_map(|(.., id)| self.namespaces.get(id))
    }

    /// The namespaces of that name, without regard to case: one, or more if private ones of several VPCs have it.
    pub fn namespaces_of_name(
        &self,
        scope: &Scope,
        name: &str,
    ) -> impl Iterator<Item = &Arc<Namespace>> + use<'_> {
        let name = name.to_ascii_lowercase();
        let from = (scope.clone(), name.clone(), String::new());
        let (index, scope) = (&self.indexes.cloud_map.namespaces, scope.clone());
        let mine = index
            .range(from..)
            .take_while(move |(of, called, _)| *of == scope && *called == name);
        mine.filter_map(|(.., id)| self.namespaces.get(id))
    }

    /// The namespace that is meant where nothing but its name is said, without regard to case. Of several it is the one
    /// that DiscoverInstances calls so, or else the oldest.
    pub fn namespace_of_name(&self, scope: &Scope, name: &str) -> Option<&Arc<Namespace>> {
        let known = self.namespaces_of_name(scope, name);
        known.min_by_key(|it| (it.other_http_name.is_some(), it.created_at, it.id.as_str()))
    }

    /// The namespace that DiscoverInstances calls so, without regard to case.
    pub fn namespace_of_http_name(&self, scope: &Scope, name: &str) -> Option<&Arc<Namespace>> {
        let mut known = self.namespaces_of_name(scope, name);
        let of_name = known.find(|it| it.other_http_name.is_none());
        of_name.or_else(|| {
            let mut others = self.namespaces(scope);
            others.find(|it| {
                let other = it.other_http_name.as_deref();
                other.is_some_and(|it| it.eq_ignore_ascii_case(name))
            })
        })
    }

    /// Namespaces whose names are known in a VPC: the private ones of DNS, of whatever scope. There are few in all.
    pub fn namespaces_of_vpc(&self, vpc_id: &str) -> impl Iterator<Item = &Arc<Namespace>> + use<'_> {
        let vpc_id = vpc_id.to_owned();
        let all = self.namespaces.values();
        all.filter(move |it| it.vpc_id() == Some(vpc_id.as_str()))
    }

    /// The services of a namespace, by name.
    pub fn discovery_services_of(
        &self,
        namespace_id: &str,
    ) -> impl Iterator<Item = &Arc<DiscoveryService>> + use<'_> {
        let from = (namespace_id.to_owned(), String::new(), String::new());
        let (index, namespace_id) = (&self.indexes.cloud_map.services, namespace_id.to_owned());
        let mine = index
            .range(from..)
            .take_while(move |(of, ..)| *of == namespace_id);
        mine.filter_map(|(.., id)| self.discovery_services.get(id))
    }

    /// Those of its services that come after one.
    pub fn discovery_services_after(
        &self,
        after: &DiscoveryService,
    ) -> impl Iterator<Item = &Arc<DiscoveryService>> + use<'_> {
        let namespace_id = after.namespace_id.clone();
        let from = (
            namespace_id.clone(),
            after.name.to_ascii_lowercase(),
            after.id.clone(),
        );
        let index = self
            .indexes
            .cloud_map
            .services
            .range((Bound::Excluded(from), Bound::Unbounded));
        let mine = index.take_while(move |(of, ..)| *of == namespace_id);
        mine.filter_map(|(.., id)| self.discovery_services.get(id))
    }

    /// The services of a namespace with that name, without regard to case: of DNS one at most.
    pub fn discovery_services_of_name(
        &self,
        namespace_id: &str,
        name: &str,
    ) -> impl Iterator<Item = &Arc<DiscoveryService>> + use<'_> {
        let name = name.to_ascii_lowercase();
        let from = (namespace_id.to_owned(), name.clone(), String::new());
        let (index, namespace_id) = (&self.indexes.cloud_map.services, namespace_id.to_owned());
        let is_it = move |(of, called, _): &&(String, String, String)| *of == namespace_id && *called == name;
        let mine = index.range(from..).take_while(is_it);
        mine.filter_map(|(.., id)| self.discovery_services.get(id))
    }

    /// The instances of a service, by id.
    pub fn discovery_instances_of(
        &self,
        service_id: &str,
    ) -> impl Iterator<Item = &Arc<DiscoveryInstance>> + use<'_> {
        let from = (service_id.to_owned(), String::new());
        let service_id = service_id.to_owned();
        let instances = self.discovery_instances.range(from..);
        let mine = instances.take_while(move |((of, _), _)| *of == service_id);
        mine.map(|(_, it)| it)
    }

    /// Those of its instances that come after one.
    pub fn discovery_instances_after(
        &self,
        after: &DiscoveryInstance,
    ) -> impl Iterator<Item = &Arc<DiscoveryInstance>> + use<'_> {
        let service_id = after.service_id.clone();
        let from = (service_id.clone(), after.id.clone());
        let instances = self
            .discovery_instances
            .range((Bound::Excluded(from), Bound::Unbounded));
        let mine = instances.take_while(move |((of, _), _)| *of == service_id);
        mine.map(|(_, it)| it)
    }

    /// Operations of Cloud Map in a scope that are still known, oldest first.
    pub fn cloud_map_operations(
        &self,
        scope: &Scope,
    ) -> impl DoubleEndedIterator<Item = &Arc<Operation>> + use<'_> {
        let mine = self.indexes.cloud_map.operations.get(scope).into_iter().flatten();
        mine.filter_map(|(_, id)| self.cloud_map_operations.get(id))
    }

    /// How many there are.
    pub fn cloud_map_operation_count(&self, scope: &Scope) -> usize {
        let mine = self.indexes.cloud_map.operations.get(scope);
        mine.map_or(0, BTreeSet::len)
    }
}
