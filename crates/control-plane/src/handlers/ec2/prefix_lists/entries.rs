//! Entries of a prefix list, and its versions.

use api::ec2;
use domain::prefix_list::{PrefixList, PrefixListEntry};
use ipnet::IpNet;

use crate::handlers::ec2::{invalid_value, refusal};

/// Most entries that one call adds or takes away.
const CHANGES_MAX: usize = 100;
/// Most letters of a description.
const DESCRIPTION_MAX: usize = 255;
/// Most entries of all versions of a list that are kept, beside those of the last one.
const KEPT_ENTRIES_MAX: usize = 1000;

/// The entries that a list has after a change. One that is there already gets the new description.
///
/// # Errors
/// InvalidParameterValue, InvalidPrefixListModification, PrefixListMaxEntriesExceeded.
pub fn changed(
    list: &PrefixList,
    added: &[ec2::AddPrefixListEntry],
    removed: &[ec2::RemovePrefixListEntry],
) -> Result<Vec<PrefixListEntry>, ec2::Error> {
    if added.len() > CHANGES_MAX || removed.len() > CHANGES_MAX {
        return Err(invalid_value(format!(
            "The request cannot contain more than {CHANGES_MAX} entry additions or removals"
        )));
    }
    let mut entries = list.entries().to_vec();
    let mut touched: Vec<IpNet> = Vec::new();
    for it in removed {
        let range = range(list, &it.cidr)?;
        touch(&mut touched, range)?;
        let at = entries.iter().position(|it| it.range == range);
        let at = at.ok_or_else(|| {
            refusal(
                "InvalidPrefixListModification",
                format!("The specified CIDR ({range}) does not exist."),
            )
        })?;
        entries.remove(at);
    }
    for it in added {
        let entry = PrefixListEntry {
            range: range(list, &it.cidr)?,
            description: description(it.description.as_deref())?,
        };
        touch(&mut touched, entry.range)?;
        match entries.iter_mut().find(|it| it.range == entry.range) {
            Some(there) => *there = entry,
            None => entries.push(entry),
        }
    }
    check_size(list, &entries)?;
    Ok(entries)
}

/// Whether a list may have so many entries.
///
/// # Errors
/// PrefixListMaxEntriesExceeded.
pub fn check_size(list: &PrefixList, entries: &[PrefixListEntry]) -> Result<(), ec2::Error> {
    if entries.len() > list.max_entries as usize {
        return Err(refusal(
            "PrefixListMaxEntriesExceeded",
            format!(
                "The prefix list cannot have more entries than the maximum ({}).",
                list.max_entries
            ),
        ));
    }
    Ok(())
}

/// Whether the caller knows the last version.
///
/// # Errors
/// PrefixListVersionMismatch.
pub fn check_current(list: &PrefixList, given: Option<i64>) -> Result<(), ec2::Error> {
    match given {
        Some(given) if u64::try_from(given) != Ok(list.version) => Err(refusal(
            "PrefixListVersionMismatch",
            "The prefix list has the incorrect version number.",
        )),
        Some(_) | None => Ok(()),
    }
}

fn touch(touched: &mut Vec<IpNet>, range: IpNet) -> Result<(), ec2::Error> {
    if touched.contains(&range) {
        return Err(invalid_value(format!(
            "The CIDR {range} is given more than once in the request"
        )));
    }
    touched.push(range);
    Ok(())
}

fn range(list: &PrefixList, text: &str) -> Result<IpNet, ec2::Error> {
    let range: Option<IpNet> = text.parse().ok();
    let of_family = range.filter(|it| match it {
        IpNet::V4(_) => list.address_family == "IPv4",
        IpNet::V6(_) => list.address_family == "IPv6",
    });
    of_family.map(|it| it.trunc()).ok_or_else(|| {
        invalid_value(format!(
            "The CIDR ({text}) is not a valid {} CIDR block",
            list.address_family
        ))
    })
}

fn description(given: Option<&str>) -> Result<Option<String>, ec2::Error> {
    match given {
        None | Some("") => Ok(None),
        Some(text) if text.chars().count() > DESCRIPTION_MAX => Err(invalid_value(format!(
            "A description has up to {DESCRIPTION_MAX} characters"
        ))),
        Some(text) => Ok(Some(text.to_owned())),
    }
}

/// Gives a list its next version, and drops the oldest ones where they would grow too many.
pub fn begin_version(list: &mut PrefixList, entries: Vec<PrefixListEntry>) {
    list.version += 1;
    list.versions.push(entries);
    let count = |versions: &[Vec<PrefixListEntry>]| -> usize {
        // An empty version takes place too.
        versions.iter().map(|it| it.len().max(1)).sum()
    };
    while list.versions.len() > 1 && count(&list.versions[..list.versions.len() - 1]) > KEPT_ENTRIES_MAX {
        list.versions.remove(0);
    }
}

/// Entries of a version that is still kept.
///
/// # Errors
/// InvalidParameterValue.
pub fn of_version(list: &PrefixList, version: i64) -> Result<&[PrefixListEntry], ec2::Error> {
    let kept = || {
        let back = list.version.checked_sub(u64::try_from(version).ok()?)?;
        let at = list.versions.len().checked_sub(usize::try_from(back).ok()? + 1)?;
        list.versions.get(at).map(Vec::as_slice)
    };
    kept().ok_or_else(|| {
        invalid_value(format!(
            "The version ({version}) does not exist for the prefix list ({}), or is not kept any more.",
            list.id
        ))
    })
}
