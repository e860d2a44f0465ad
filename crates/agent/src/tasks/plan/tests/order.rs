//! Dependencies between containers.

use expect_test::expect;

use super::*;

#[test]
fn containers_start_and_stop_in_the_order_of_their_dependencies() {
    let migrate = sidecar(container("migrate"));
    let db = container("db");
    let web = after(
        after(container("web"), 0, Condition::Success),
        1,
        Condition::Start,
    );
    let story = story(task(vec![migrate, db, web]))
        .saved()
        .pulled(0)
        .pulled(1)
        .pulled(2)
        .sandbox();
    let story = story
        .started(0)
        .started(1)
        .exited(0, 0)
        .started(2)
        .saved()
        .acknowledged()
        .saved()
        .acknowledged();
    let story = story
        .saved()
        .then("stop", Observation::StopRequested)
        .exited(2, 143);
    story.check(&expect![[r#"
        arrives: save create-sandbox pull(migrate) pull(db) pull(web)
        saved:
        pulled 0:
        pulled 1:
        pulled 2:
        sandbox: start(migrate) start(db)
        started 0: save
        started 1:
        exited 0: start(web) submit(Pending migrate Stopped)
        started 2:
        saved: save
        acknowledged: submit(Running db Running web Running)
        saved: save
        acknowledged:
        saved: save
        stop: signal(web 15)
        exited 2: signal(db 15)
    "#]]);
}

#[test]
fn a_dependency_that_fails_ends_the_task() {
    let web = after(container("web"), 0, Condition::Success);
    let story = story(task(vec![sidecar(container("migrate")), web]))
        .saved()
        .pulled(0)
        .pulled(1)
        .sandbox();
    let state = story.started(0).exited(0, 1).state;
    assert_eq!(state.desired, DesiredStatus::Stopped);
    let expected = "dependency graph: failed to resolve container ordering dependency [migrate] for target [web] \
                    as dependency did not exit successfully.";
    assert_eq!(state.containers[1].reason.as_deref(), Some(expected));
}

#[test]
fn a_dependency_that_takes_too_long_ends_the_task() {
    let mut migrate = sidecar(container("migrate"));
    migrate.start_timeout = Some(Duration::from_secs(60));
    let web = after(container("web"), 0, Condition::Complete);
    let story = story(task(vec![migrate, web]))
        .saved()
        .pulled(0)
        .pulled(1)
        .sandbox()
        .started(0)
        .saved()
        .wait(60);
    assert!(
        story
            .log
            .ends_with("saved: wake in 60s\n60s later: save signal(migrate 15)\n"),
        "{}",
        story.log
    );
    assert!(
        story.state.containers[1]
            .reason
            .as_deref()
            .unwrap()
            .contains("has timed out")
    );
}
