//! Network namespaces, kept by bind mounts. Only threads made for it ever change their namespace.

use std::fs::{self, File};
use std::io;
use std::os::fd::AsFd;
use std::path::{Path, PathBuf};

use nix::mount::{MntFlags, MsFlags, mount, umount2};
use nix::sched::{CloneFlags, setns, unshare};
use nix::sys::statfs::{NSFS_MAGIC, statfs};
use rtnetlink::Handle;
use tokio::sync::oneshot;

use super::NetworkError;

/// Settings of namespaces in which containers run. The first two are Docker's; without them images
/// that bind port 80 as an ordinary user fail. There is no IPv6 beyond loopback.
pub(super) const TASK_SETTINGS: &[(&str, &str)] = &[
    ("net/ipv4/ip_unprivileged_port_start", "0"),
    ("net/ipv4/ping_group_range", "0 2147483647"),
    ("net/ipv6/conf/default/disable_ipv6", "1"),
];

/// Settings of the namespace of a VPC: a router that drops what comes from the wrong interface. A namespace takes others
/// from the host's first one, where programs for tunnels change them: by marks it would take answers to clients of load
/// balancers for wrong, and senders with its own addresses for right.
pub(super) const ROUTER_SETTINGS: &[(&str, &str)] = &[
    ("net/ipv4/ip_forward", "1"),
    ("net/ipv4/conf/all/rp_filter", "1"),
    ("net/ipv4/conf/default/rp_filter", "1"),
    ("net/ipv4/conf/all/src_valid_mark", "0"),
    ("net/ipv4/conf/default/src_valid_mark", "0"),
    ("net/ipv4/conf/all/accept_local", "0"),
    ("net/ipv4/conf/default/accept_local", "0"),
    ("net/ipv4/conf/all/send_redirects", "0"),
    ("net/ipv4/conf/default/send_redirects", "0"),
    ("net/ipv6/conf/default/disable_ipv6", "1"),
];

/// A namespace with a way to change its links. Both are open files: while this lives, so does the namespace.
pub(super) struct Namespace {
    pub(super) file: File,
    pub(super) handle: Handle,
}

/// Makes a namespace and binds it to `path`.
pub(super) async fn create(
    path: PathBuf,
    settings: &'static [(&'static str, &'static str)],
) -> Result<Namespace, NetworkError> {
    on_own_thread(path, move |path| {
        unshare(CloneFlags::CLONE_NEWNET).map_err(failed("unshare", path))?;
        for (setting, value) in settings {
            write_setting(setting, value)?;
        }
        File::create(path).map_err(failed("create", path))?;
        mount(
            Some("/proc/thread-self/ns/net"),
            path,
            None::<&str>,
            MsFlags::MS_BIND,
            None::<&str>,
        )
        .map_err(failed("bind mount", path))?;
        open_here(path)
    })
    .await
}

/// Opens the namespace bound to `path`.
pub(super) async fn open(path: PathBuf) -> Result<Namespace, NetworkError> {
    on_own_thread(path, |path| {
        enter(path)?;
        open_here(path)
    })
    .await
}

/// Runs `work` inside the namespace bound to `path`. Tokio's reactor may be used in it.
pub(super) async fn inside<T: Send + 'static>(
    path: PathBuf,
    work: impl FnOnce() -> Result<T, NetworkError> + Send + 'static,
) -> Result<T, NetworkError> {
    on_own_thread(path, |path| {
        enter(path)?;
        work()
    })
    .await
}

/// Drops a bind mount and its file. The kernel takes the namespace down with its links once nobody is in it,
/// in its own time: deleting the links here would cost tens of milliseconds.
pub(super) fn forget(path: &Path) -> Result<(), NetworkError> {
    if is_bound(path) {
        umount2(path, MntFlags::MNT_DETACH).map_err(failed("unmount", path))?;
    }
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(failed("remove", path)(error)),
        _ => Ok(()),
    }
}

/// Whether a namespace is bound to `path`. After a reboot the file is there, but the mount is not.
pub(super) fn is_bound(path: &Path) -> bool {
    statfs(path).is_ok_and(|stat| stat.filesystem_type() == NSFS_MAGIC)
}

/// Writes a setting of the network namespace of the calling thread, unless it is so already.
pub(super) fn write_setting(setting: &str, value: &str) -> Result<(), NetworkError> {
    let path = Path::new("/proc/sys").join(setting);
    if fs::read_to_string(&path).is_ok_and(|current| current.split_whitespace().eq(value.split_whitespace()))
    {
        return Ok(());
    }
    match fs::write(path, value) {
        // A kernel without IPv6 has nothing to turn off.
        Err(error) if error.kind() == io::ErrorKind::NotFound && setting.starts_with("net/ipv6") => Ok(()),
        Err(source) => Err(NetworkError::Setting {
            setting: setting.to_owned(),
            source,
        }),
        Ok(()) => Ok(()),
    }
}

/// Opens a socket for links in the network namespace of the calling thread.
pub(super) fn open_links() -> io::Result<Handle> {
    let (connection, handle, _) = rtnetlink::new_connection()?;
    tokio::spawn(connection);
    Ok(handle)
}

fn open_here(path: &Path) -> Result<Namespace, NetworkError> {
    let file = File::open("/proc/thread-self/ns/net").map_err(failed("open", path))?;
    let handle = open_links().map_err(failed("open a socket", path))?;
    Ok(Namespace { file, handle })
}

fn enter(path: &Path) -> Result<(), NetworkError> {
    let file = File::open(path).map_err(failed("open", path))?;
    setns(file.as_fd(), CloneFlags::CLONE_NEWNET).map_err(failed("enter", path))
}

/// A worker of tokio serves many tasks, so it must never change its namespace: a thread of its own, which ends.
async fn on_own_thread<T: Send + 'static>(
    path: PathBuf,
    work: impl FnOnce(&Path) -> Result<T, NetworkError> + Send + 'static,
) -> Result<T, NetworkError> {
    let (sender, receiver) = oneshot::channel();
    let runtime = tokio::runtime::Handle::current();
    std::thread::Builder::new()
        .name("netns".to_owned())
        .spawn({
            let path = path.clone();
            move || {
                let _entered = runtime.enter();
                // The receiver is gone only if the caller has given up; it then removes what was made.
                let _ = sender.send(work(&path));
            }
        })
        .map_err(failed("start a thread", &path))?;
    receiver.await.map_err(|_| NetworkError::Interrupted)?
}

fn failed<E: Into<io::Error>>(what: &'static str, path: &Path) -> impl FnOnce(E) -> NetworkError {
    move |error| NetworkError::Namespace {
        what,
        path: path.to_owned(),
        source: error.into(),
    }
}
