//! Task definitions go when nothing refers to them.

use domain::task::TaskStatus;
use domain::task_definition::{TaskDefinition, TaskDefinitionStatus};

use super::super::*;
use super::world::World;
use crate::controllers::deleted_task_definitions::DeletedTaskDefinitions;
use crate::controllers::{Controller, Next};

#[test]
fn a_deleted_definition_goes_with_its_last_task_and_its_number_never_returns() {
    let world = World::new();
    world.join(1);
    let definition = world.definition();
    let task = world.run(world.wanted(&definition, 1)).expect("placed").tasks[0]
        .arn
        .clone();
    let arn = definition.arn.clone();
    world
        .attempt(move |tx| {
            deregister_task_definition(tx, &arn)?;
            Ok::<_, TaskDefinitionRefusal>(delete_task_definitions(tx, &[arn]))
        })
        .expect("it is there")
        .expect("never refused");
    let look = || {
        let arn = definition.arn.clone();
        let looked = world.attempt(move |tx| Ok::<_, ()>(DeletedTaskDefinitions.reconcile(tx, &arn)));
        let found = world
            .store
            .read(|state| state.get::<TaskDefinition>(&definition.arn).map(|it| it.status));
        (looked.expect("never refused"), found)
    };
    let (next, status) = look();
    assert!(matches!(next, Next::After(_)), "{next:?}");
    assert_eq!(status, Some(TaskDefinitionStatus::DeleteInProgress));
    world.report(&task, TaskStatus::Stopped);
    assert_eq!(look(), (Next::AwaitChange, None));
    assert_eq!(world.definition().revision, 2);
}
