//! The same container through a Docker Engine, which Amazon's agent uses: its options against ours.

mod cases;

use agent::host::{SandboxNetwork, SandboxSpec};
use test_support::docker::Engine;

use self::cases::{CASES, Case};
use super::{END, FACTS, Intended, differences};
use crate::world::World;

/// The image as [`World`] loads it.
const IMAGE: &str = "busybox:test";

/// What is different on purpose.
const INTENDED: [Intended; 3] = [
    (
        "/proc/interrupts",
        "as newer engines do, from it the input of others can be told",
    ),
    (
        "only ours \"CapBnd:\\t000001ff",
        "an engine of version 20.10 knows no capabilities of Linux 5.8 and later",
    ),
    ("only Docker's \"CapBnd:\\t0000003f", "the same"),
];
/// Docker cannot give capabilities that itself does not have; Gantry gives what there is.
const LACKS_CAPABILITIES: &str = "unable to apply caps";

/// `None` of what cannot be had on this machine.
fn through_docker(engine: &Engine, case: &Case) -> Option<Vec<String>> {
    // Its own groups are all that a container sees: the default where there is one tree of groups.
    let place = [
        "run",
        "--rm",
        "--network",
        "host",
        "--hostname",
        "here",
        "--cgroupns",
        "private",
    ];
    let words = [&place, case.options, &[IMAGE, "sh", "-c", FACTS]].concat();
    let output = engine.command().args(&words).output().expect("docker is run");
    let said = String::from_utf8_lossy(&output.stdout);
    let errors = String::from_utf8_lossy(&output.stderr);
    if errors.contains(LACKS_CAPABILITIES) {
        return None;
    }
    assert!(said.contains(END), "{}: {said} {errors}", case.name);
    Some(said.lines().map(str::to_owned).collect())
}

async fn through_gantry(world: &mut World, case: &Case) -> Vec<String> {
    let mut spec = world.script("app", FACTS);
    spec.hostname = Some("here".to_owned());
    let mut sandbox = SandboxSpec {
        network: SandboxNetwork::Host,
        ..SandboxSpec::default()
    };
    (case.ours)(&mut spec, &mut sandbox);
    world.sandbox_with(sandbox).await;
    let (said, _) = world.run(&spec).await;
    assert!(
        said.iter().any(|it| it.trim_end() == END),
        "{}: {said:#?}",
        case.name
    );
    said
}

#[tokio::test(flavor = "multi_thread")]
async fn containers_look_the_same_as_through_docker() {
    let Ok(engine) = Engine::start_apart() else {
        return;
    };
    let mut all = Vec::new();
    for (number, case) in CASES.iter().enumerate() {
        let mut world = World::new().await;
        if number == 0 {
            let archive = world.directory.path().join("busybox.tar").display().to_string();
            engine
                .run(&["load", "--input", &archive])
                .expect("Docker takes the image");
        }
        let ours = through_gantry(&mut world, case).await;
        if let Some(theirs) = through_docker(&engine, case) {
            let found = differences("Docker's", &ours, &theirs, &INTENDED);
            all.extend(found.iter().map(|it| format!("{}: {it}", case.name)));
        }
        world.close().await;
    }
    assert!(all.is_empty(), "{all:#?}");
}
