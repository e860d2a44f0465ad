use domain::capacity_provider::{AutoScalingGroupProvider, CapacityProviderStrategyItem};

use super::*;
use crate::fixture::{World, lab, scope};
use crate::transitions::delete_cluster;

fn machines(name: &str, group: &str) -> CapacityProvider {
    CapacityProvider {
        arn: CapacityProviderArn::of(&scope(), name),
        status: CapacityProviderStatus::Active,
        update_status: None,
        auto_scaling_group: AutoScalingGroupProvider {
            auto_scaling_group: group.to_owned(),
            managed_scaling: ManagedScaling::default(),
            managed_termination_protection: Toggle::Disabled,
            managed_draining: Toggle::Enabled,
        },
        tags: Vec::new(),
    }
}

fn with(providers: &[&str]) -> ClusterCapacity {
    ClusterCapacity {
        providers: providers.iter().map(|it| (*it).to_owned()).collect(),
        default_strategy: Vec::new(),
    }
}

#[test]
fn names_and_groups_are_taken_until_the_capacity_provider_is_deleted() {
    let world = World::new();
    let create = |name, group| world.attempt(move |tx| create_capacity_provider(tx, machines(name, group)));
    let created = create("machines", "group").expect("is new");
    assert_eq!(create("machines", "other"), Err(CapacityProviderRefusal::Exists));
    assert_eq!(create("other", "group"), Err(CapacityProviderRefusal::GroupTaken));
    let arn = created.arn.clone();
    let deleted = world.write(move |tx| delete_capacity_provider(tx, &arn));
    assert_eq!(
        (deleted.status, deleted.update_status),
        (
            CapacityProviderStatus::Inactive,
            Some(UpdateStatus::DeleteComplete)
        )
    );
    let arn = created.arn.clone();
    let again = world.attempt(move |tx| delete_capacity_provider(tx, &arn));
    assert_eq!(
        again,
        Err(CapacityProviderRefusal::NotFound("machines".to_owned()))
    );
    create("machines", "group").expect("is free again");
}

#[test]
fn an_update_keeps_what_it_does_not_name_and_refuses_what_does_not_fit() {
    let world = World::new();
    let arn = world
        .write(|tx| create_capacity_provider(tx, machines("machines", "group")))
        .arn
        .clone();
    let update = |change| {
        let arn = arn.clone();
        world.attempt(move |tx| update_capacity_provider(tx, &arn, change))
    };
    let protected = CapacityProviderChange {
        managed_termination_protection: Some(Toggle::Enabled),
        ..CapacityProviderChange::default()
    };
    assert_eq!(
        update(protected),
        Err(CapacityProviderRefusal::ProtectionWithoutScaling)
    );
    let scaling = |managed_scaling| CapacityProviderChange {
        managed_scaling,
        ..CapacityProviderChange::default()
    };
    let steps = scaling(ManagedScalingChange {
        minimum_scaling_step_size: Some(5),
        maximum_scaling_step_size: Some(4),
        ..ManagedScalingChange::default()
    });
    assert_eq!(update(steps), Err(CapacityProviderRefusal::StepSizes));
    let on = scaling(ManagedScalingChange {
        status: Some(Toggle::Enabled),
        target_capacity: Some(80),
        ..ManagedScalingChange::default()
    });
    update(on).expect("fits");
    let changed = update(protected).expect("fits now");
    let group = &changed.auto_scaling_group;
    assert_eq!(group.managed_scaling.target_capacity, 80);
    assert_eq!(group.managed_scaling.maximum_scaling_step_size, 10_000);
    assert_eq!(group.managed_draining, Toggle::Enabled);
    assert_eq!(changed.update_status, Some(UpdateStatus::UpdateComplete));
}

#[test]
fn a_cluster_has_only_what_is_there_and_keeps_what_services_use() {
    let world = World::new();
    let put = |capacity| world.attempt(move |tx| put_cluster_capacity_providers(tx, &lab(), capacity));
    assert_eq!(
        put(with(&["FARGATE", "machines"])),
        Err(CapacityProviderRefusal::NotFound("machines".to_owned()))
    );
    let arn = world
        .write(|tx| create_capacity_provider(tx, machines("machines", "group")))
        .arn
        .clone();
    put(with(&["FARGATE", "machines"])).expect("is there");
    let service = world.service(1, 100, 200);
    world.write(move |tx| {
        let mut service = (*tx.get::<domain::service::Service>(&service).ok_or(())?).clone();
        service.capacity_provider_strategy = vec![CapacityProviderStrategyItem {
            capacity_provider: "machines".to_owned(),
            base: 0,
            weight: 1,
        }];
        tx.put(service);
        Ok::<_, ()>(())
    });
    let in_use = CapacityProviderRefusal::InUse("machines".to_owned());
    assert_eq!(put(with(&["FARGATE"])), Err(in_use.clone()));
    put(with(&["machines"])).expect("nothing uses FARGATE");
    let delete = || {
        let arn = arn.clone();
        world.attempt(move |tx| delete_capacity_provider(tx, &arn))
    };
    assert_eq!(delete(), Err(in_use));
}

#[test]
fn a_deleted_cluster_holds_no_capacity_provider() {
    let world = World::new();
    let created = world.write(|tx| create_capacity_provider(tx, machines("machines", "group")));
    world.write(|tx| put_cluster_capacity_providers(tx, &lab(), with(&["machines"])));
    world.write(|tx| delete_cluster(tx, &lab()));
    let refused = world.attempt(|tx| put_cluster_capacity_providers(tx, &lab(), with(&[])));
    assert_eq!(refused, Err(CapacityProviderRefusal::ClusterNotFound));
    let arn = created.arn.clone();
    world.write(move |tx| delete_capacity_provider(tx, &arn));
}
