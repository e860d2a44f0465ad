//! Who holds which lock of a balancer.

use std::os::unix::net::UnixListener;
use std::process::Child;

use super::*;

/// A directory with processes that hold locks, as balancers do.
struct Place(tempfile::TempDir);

impl Place {
    fn new() -> Self {
        Self(tempfile::tempdir().expect("a directory"))
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    /// A process with a socket and a lock in the directory of that name.
    fn begin(&self, name: &str) -> Child {
        let directory = self.path().join(name);
        fs::create_dir_all(&directory).expect("a directory");
        let lock = shim_process::open_lock(&directory).expect("a lock");
        rustix::fs::flock(&lock, FlockOperation::NonBlockingLockExclusive).expect("it is free");
        let _socket = UnixListener::bind(directory.join(files::SOCKET)).expect("a socket");
        let mut command = Command::new("sleep");
        let child = command.arg("60").stdout(lock).spawn().expect("a process");
        fs::write(directory.join(files::LOCK), child.id().to_string()).expect("written");
        child
    }
}

fn id(child: &Child) -> Option<Pid> {
    Pid::from_raw(i32::try_from(child.id()).expect("an id"))
}

fn ends(mut child: Child) -> bool {
    child.wait().is_ok_and(|it| !it.success())
}

#[test]
fn the_next_one_takes_the_place_of_the_one_that_serves() {
    let place = Place::new();
    let (old, new) = (place.begin(""), place.begin(NEXT));
    change_places(place.path(), id(&old).expect("an id")).expect("changed");
    settle(place.path()).expect("nothing is to be mended");
    assert_eq!(serving(place.path()).expect("looked"), id(&new));
    assert_eq!(leaving(place.path()).expect("looked"), [id(&old).expect("an id")]);
    assert!(place.path().join(files::SOCKET).exists());
    assert!(!next(place.path()).exists());
    let old = std::thread::spawn(move || ends(old));
    end_leaving(place.path()).expect("ended");
    assert!(old.join().expect("no panic"));
    assert_eq!(leaving(place.path()).expect("looked"), []);
    assert_eq!(serving(place.path()).expect("looked"), id(&new));
    let new = std::thread::spawn(move || ends(new));
    end_all(place.path()).expect("ended");
    assert!(new.join().expect("no panic"));
    assert_eq!(serving(place.path()).expect("looked"), None);
}

#[test]
fn one_that_never_took_over_is_ended() {
    let place = Place::new();
    let (old, new) = (place.begin(""), place.begin(NEXT));
    let socket = || {
        fs::metadata(place.path().join(files::SOCKET))
            .expect("a socket")
            .ino()
    };
    let wanted = socket();
    let new = std::thread::spawn(move || ends(new));
    settle(place.path()).expect("mended");
    assert_eq!(socket(), wanted, "the one that serves is still reached");
    assert!(new.join().expect("no panic"));
    assert_eq!(serving(place.path()).expect("looked"), id(&old));
    assert!(!next(place.path()).exists());
    let old = std::thread::spawn(move || ends(old));
    end_all(place.path()).expect("ended");
    assert!(old.join().expect("no panic"));
}

#[test]
fn places_that_were_half_changed_are_mended() {
    let place = Place::new();
    let (old, new) = (place.begin(""), place.begin(NEXT));
    let there = next(place.path());
    // the agent ends after the second of three steps
    fs::rename(place.path().join(files::LOCK), place.path().join("leaving-1")).expect("renamed");
    fs::rename(there.join(files::LOCK), place.path().join(files::LOCK)).expect("renamed");
    let wanted = fs::metadata(there.join(files::SOCKET)).expect("its socket").ino();
    settle(place.path()).expect("mended");
    let socket = fs::metadata(place.path().join(files::SOCKET)).expect("a socket");
    assert_eq!(socket.ino(), wanted);
    assert_eq!(serving(place.path()).expect("looked"), id(&new));
    assert_eq!(leaving(place.path()).expect("looked"), [id(&old).expect("an id")]);
    let all = [old, new].map(|it| std::thread::spawn(move || ends(it)));
    end_all(place.path()).expect("ended");
    assert!(all.into_iter().all(|it| it.join().expect("no panic")));
}

#[test]
fn a_program_of_the_same_name_is_another_one() {
    let place = Place::new();
    let program = place.path().join("program");
    fs::copy("/bin/sleep", &program).expect("copied");
    let mut child = Command::new(&program).arg("60").spawn().expect("a process");
    let pid = id(&child).expect("an id");
    assert!(!is_outdated(pid, &program).expect("looked"));
    let newer = place.path().join("newer");
    fs::copy("/bin/sleep", &newer).expect("copied");
    fs::rename(&newer, &program).expect("replaced");
    assert!(is_outdated(pid, &program).expect("looked"));
    assert!(is_outdated(pid, &place.path().join("missing")).is_err());
    child.kill().expect("ended");
    child.wait().expect("ended");
    assert!(!is_outdated(pid, &program).expect("looked"), "one that has ended");
}

#[test]
fn a_directory_that_is_not_there_has_nobody() {
    let place = Place::new();
    let missing = place.path().join("missing");
    settle(&missing).expect("nothing");
    end_all(&missing).expect("nothing");
    assert_eq!(serving(&missing).expect("looked"), None);
}

#[test]
fn a_balancer_is_nobody_and_has_the_rights_that_it_needs() {
    for (rights, capabilities) in [
        (Rights::Nobodys, "0000000000000000"),
        (Rights::Clients, "0000000000002000"),
    ] {
        let place = Place::new();
        let mut command = prepare(
            Path::new("/bin/sh"),
            place.path(),
            "-c",
            Beginning::Afresh,
            rights,
        )
        .expect("prepared");
        // What it is comes from a process that it has started itself.
        command
            .arg("grep -E '^(Uid|Gid|Groups|CapEff)' /proc/self/status")
            .stdout(Stdio::piped());
        let printed = command.output().expect("a process");
        let printed = String::from_utf8_lossy(&printed.stdout).into_owned();
        let words: Vec<&str> = printed.split_whitespace().collect();
        let nobody = ["65534"; 4];
        assert_eq!(
            words[..10],
            [&["Uid:"], &nobody[..], &["Gid:"], &nobody[..]].concat(),
            "{printed}"
        );
        assert_eq!(words[10..], ["Groups:", "CapEff:", capabilities], "{printed}");
    }
    assert!(
        has(rustix::process::getpid(), Rights::Clients),
        "root may do anything"
    );
}
