use std::fmt::Write;

use expect_test::expect_file;

use super::*;

/// Most operations of a service of which those that are not built are named too.
const LISTED_MAX: usize = 200;

/// `UPDATE_EXPECT=1` writes the page anew.
#[test]
fn the_coverage_page_names_every_operation() {
    let mut page = String::from(
        "# API coverage\n\nOperations of the services that Gantry speaks. What is *not yet* answers as AWS answers an \
         unknown operation.\nA member that is not obeyed yet is refused by name.\n",
    );
    for service in SERVICES {
        let _ = write!(
            page,
            "\n## {}\n\n| Operation | |\n|---|---|\n",
            service.signing_name
        );
        let all = coverage();
        let of_service = || all.iter().filter(|it| it.service == service.signing_name);
        let is_listed = |it: &&Covered| it.is_built || service.operations.len() <= LISTED_MAX;
        for it in of_service().filter(is_listed) {
            let state = match (it.is_built, it.lacks) {
                (false, _) => "not yet".to_owned(),
                (true, None) => "works".to_owned(),
                (true, Some(lacks)) => format!("partial: {lacks}"),
            };
            let _ = writeln!(page, "| {} | {state} |", it.operation);
        }
        let others = of_service().count() - of_service().filter(is_listed).count();
        if others > 0 {
            let _ = writeln!(page, "| {others} others | not yet |");
        }
    }
    expect_file!["../../../../docs/guide/api-coverage.md"].assert_eq(&page);
}

#[test]
fn only_what_is_built_is_said_to_be_partial() {
    let partial: Vec<_> = coverage().into_iter().filter(|it| it.lacks.is_some()).collect();
    assert!(partial.iter().all(|it| it.is_built), "{partial:?}");
    assert!(partial::lacks("logs", "CreateCluster").is_none());
}

#[test]
fn operations_are_found_by_service_and_name() {
    let routes = Routes::new();
    assert!(routes.get("ecs", "RunTask").is_some());
    assert!(routes.get("ecs", "CreateDaemon").is_none());
    assert!(routes.get("ec2", "DescribeVpcs").is_some());
    assert!(routes.get("ec2", "RunInstances").is_none());
    assert!(routes.get("logs", "RunTask").is_none());
    assert!(routes.get("s3", "RunTask").is_none());
}
