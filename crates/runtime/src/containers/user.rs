//! Who a container runs as, looked up in its own image.

use rustix::fd::OwnedFd;

use super::PrepareError;
use super::root;

/// A resolved user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct User {
    /// User id.
    pub uid: u32,
    /// Group id.
    pub gid: u32,
    /// The group id again, and supplementary ones.
    pub groups: Vec<u32>,
    /// Home directory, `/` if the image does not say.
    pub home: String,
}

struct Entry<'a> {
    name: &'a str,
    uid: u32,
    gid: u32,
    home: &'a str,
}

/// Resolves `user`, `user:group` with names or numbers; empty is root.
///
/// # Errors
/// A name that the image does not know.
pub fn resolve(root: &OwnedFd, wanted: &str) -> Result<User, PrepareError> {
    let passwd = root::read_file(root, "etc/passwd");
    let group = root::read_file(root, "etc/group");
    resolve_in(&passwd, &group, wanted)
}

fn resolve_in(passwd: &str, group: &str, wanted: &str) -> Result<User, PrepareError> {
    let (user, wanted_group) = match wanted.split_once(':') {
        Some((user, group)) => (user, Some(group).filter(|it| !it.is_empty())),
        None => (wanted, None),
    };
    let user = if user.is_empty() { "0" } else { user };
    let number = user.parse::<u32>().ok();
    let entry = passwd
        .lines()
        .filter_map(parse_entry)
        .find(|it| it.name == user || Some(it.uid) == number);
    let (uid, own_gid) = match (&entry, number) {
        (Some(entry), _) => (entry.uid, entry.gid),
        (None, Some(uid)) => (uid, 0),
        (None, None) => return Err(PrepareError::UserUnknown(user.to_owned())),
    };
    let (gid, mut groups) = match wanted_group {
        Some(name) => (find_group(group, name)?, Vec::new()),
        None => (
            own_gid,
            entry
                .as_ref()
                .map(|it| groups_of(group, it.name))
                .unwrap_or_default(),
        ),
    };
    groups.push(gid);
    groups.sort_unstable();
    groups.dedup();
    let home = entry
        .map(|it| it.home)
        .filter(|it| !it.is_empty())
        .unwrap_or("/")
        .to_owned();
    Ok(User {
        uid,
        gid,
        groups,
        home,
    })
}

fn parse_entry(line: &str) -> Option<Entry<'_>> {
    let fields: Vec<_> = line.trim().split(':').collect();
    let [name, _, uid, gid, ..] = fields[..] else {
        return None;
    };
    let home = fields.get(5).copied().unwrap_or_default();
    Some(Entry {
        name,
        uid: uid.parse().ok()?,
        gid: gid.parse().ok()?,
        home,
    })
}

/// Name, id and members of each group.
fn parse_groups(group: &str) -> impl Iterator<Item = (&str, u32, &str)> {
    group.lines().filter_map(|line| {
        let fields: Vec<_> = line.trim().split(':').collect();
        let [name, _, gid, ..] = fields[..] else {
            return None;
        };
        Some((
            name,
            gid.parse().ok()?,
            fields.get(3).copied().unwrap_or_default(),
        ))
    })
}

fn find_group(group: &str, wanted: &str) -> Result<u32, PrepareError> {
    let number = wanted.parse::<u32>().ok();
    let found = parse_groups(group).find(|(name, gid, _)| *name == wanted || Some(*gid) == number);
    found
        .map(|(_, gid, _)| gid)
        .or(number)
        .ok_or_else(|| PrepareError::GroupUnknown(wanted.to_owned()))
}

fn groups_of(group: &str, user: &str) -> Vec<u32> {
    let member = |(_, _, members): &(&str, u32, &str)| members.split(',').any(|it| it == user);
    parse_groups(group)
        .filter(member)
        .map(|(_, gid, _)| gid)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const PASSWD: &str = "root:x:0:0:root:/root:/bin/sh\nweb:x:33:44:web:/var/www:/bin/false\nbroken\n";
    const GROUP: &str = "root:x:0:\nwww:x:44:\nlog:x:7:other,web\n";

    fn show(wanted: &str) -> String {
        match resolve_in(PASSWD, GROUP, wanted) {
            Ok(it) => format!("{}:{} {:?} {}", it.uid, it.gid, it.groups, it.home),
            Err(error) => error.to_string(),
        }
    }

    #[test]
    fn names_and_numbers_are_looked_up_as_in_docker() {
        assert_eq!(show(""), "0:0 [0] /root");
        assert_eq!(show("web"), "33:44 [7, 44] /var/www");
        assert_eq!(show("33"), "33:44 [7, 44] /var/www");
        assert_eq!(show("web:log"), "33:7 [7] /var/www");
        assert_eq!(show("1000"), "1000:0 [0] /");
        assert_eq!(show("1000:1001"), "1000:1001 [1001] /");
        assert_eq!(
            show("nobody"),
            "unable to find user nobody: no matching entries in passwd file"
        );
        assert_eq!(
            show("web:none"),
            "unable to find group none: no matching entries in group file"
        );
    }
}
