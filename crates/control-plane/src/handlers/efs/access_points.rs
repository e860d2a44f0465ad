//! CreateAccessPoint, DescribeAccessPoints, DeleteAccessPoint.

use api::efs::{self, Error};
use domain::file_system::{AccessPoint, PosixUser, RootCreation};

use super::errors::{bad_request, constraint, from_store, unbuilt};
use super::file_systems::check_token;
use super::listing::{Wanted, cut};
use super::{names, tags};
use crate::call::Call;

/// Most access points of a file system.
const ACCESS_POINTS_MAX: usize = 10_000;
/// Longest path of a root directory, and most directories in it.
const PATH_MAX: usize = 100;
const PATH_DEPTH_MAX: usize = 4;
/// Amazon's pattern of the path.
const PATH_PATTERN: &str = r"^(\/|(\/(?!\.)+[^$#<>;`|&?{}^*/\n]+){1,4})$";
/// Letters that the pattern leaves out.
const PATH_REFUSED: [char; 14] = [
    '$', '#', '<', '>', ';', '`', '|', '&', '?', '{', '}', '^', '*', '\n',
];

/// `CreateAccessPoint`.
///
/// # Errors
/// AccessPointAlreadyExists for a known client token with other settings, FileSystemNotFound,
/// IncorrectFileSystemLifeCycleState, BadRequest, ValidationException, AccessPointLimitExceeded.
pub async fn create_access_point(
    call: Call<efs::CreateAccessPoint>,
) -> Result<efs::AccessPointDescription, Error> {
    let (scope, input) = (call.scope().clone(), call.input());
    check_token("clientToken", &input.client_token)?;
    let root = input.root_directory.clone().unwrap_or_default();
    let path = root.path.unwrap_or_else(|| "/".to_owned());
    check_path(&path)?;
    let mut wanted = AccessPoint {
        id: String::new(),
        scope: scope.clone(),
        client_token: input.client_token.clone(),
        file_system_id: String::new(),
        user: input.posix_user.as_ref().map(user).transpose()?,
        path,
        creation: root.creation_info.as_ref().map(creation).transpose()?,
        tags: tags::parse(input.tags.as_deref().unwrap_or_default())?,
    };
    let given = input.file_system_id.clone();
    let created = call.access().store().transact(move |tx| {
        wanted.file_system_id = names::available(tx.state(), &scope, &given)?.id;
        let state = tx.state();
        let known = state
            .access_points(&scope)
            .find(|it| it.client_token == wanted.client_token);
        if let Some(known) = known {
            wanted.id.clone_from(&known.id);
            // A request that is repeated is answered the same.
            if **known == wanted {
                return Ok(wanted);
            }
            return Err(Error::AccessPointAlreadyExists(efs::AccessPointAlreadyExists {
                access_point_id: known.id.clone(),
                error_code: "AccessPointAlreadyExists".to_owned(),
                message: Some(format!(
                    "Access Point '{}' already exists with client token '{}'",
                    known.id, known.client_token
                )),
            }));
        }
        let of_file_system = state
            .access_points(&scope)
            .filter(|it| it.file_system_id == wanted.file_system_id);
        if of_file_system.count() >= ACCESS_POINTS_MAX {
            return Err(Error::AccessPointLimitExceeded(efs::AccessPointLimitExceeded {
                error_code: "AccessPointLimitExceeded".to_owned(),
                message: Some(format!(
                    "A file system can have at most {ACCESS_POINTS_MAX} access points."
                )),
            }));
        }
        wanted.id = tx.ids().ec2("fsap");
        Ok(AccessPoint::clone(&tx.put(wanted)))
    });
    Ok(rendered(&created.await.map_err(from_store)?))
}

fn check_path(path: &str) -> Result<(), Error> {
    let parts: Vec<&str> = path.strip_prefix('/').unwrap_or_default().split('/').collect();
    let is_plain = |it: &&str| !it.is_empty() && !it.starts_with('.') && !it.contains(PATH_REFUSED);
    let is_valid =
        path == "/" || (path.starts_with('/') && parts.len() <= PATH_DEPTH_MAX && parts.iter().all(is_plain));
    if !is_valid {
        let rule = format!("Member must satisfy regular expression pattern: {PATH_PATTERN}");
        return Err(constraint(path, "rootDirectory.path", &rule));
    }
    if path.chars().count() > PATH_MAX {
        let rule = format!("Member must have length less than or equal to {PATH_MAX}");
        return Err(constraint(path, "rootDirectory.path", &rule));
    }
    Ok(())
}

fn number(member: &str, value: i64) -> Result<u32, Error> {
    u32::try_from(value).map_err(|_| {
        let rule = "Member must have value between 0 and 4294967295";
        constraint(&value.to_string(), member, rule)
    })
}

fn user(it: &efs::PosixUser) -> Result<PosixUser, Error> {
    if it.secondary_gids.as_ref().is_some_and(|it| !it.is_empty()) {
        return Err(unbuilt("PosixUser.SecondaryGids"));
    }
    Ok(PosixUser {
        uid: number("posixUser.uid", it.uid)?,
        gid: number("posixUser.gid", it.gid)?,
    })
}

fn creation(it: &efs::CreationInfo) -> Result<RootCreation, Error> {
    let is_octal = (3..=4).contains(&it.permissions.len())
        && it.permissions.bytes().all(|it| (b'0'..=b'7').contains(&it));
    let permissions = u32::from_str_radix(&it.permissions, 8).ok().filter(|_| is_octal);
    let permissions = permissions.ok_or_else(|| {
        let rule = "Member must satisfy regular expression pattern: ^[0-7]{3,4}$";
        constraint(&it.permissions, "rootDirectory.creationInfo.permissions", rule)
    })?;
    Ok(RootCreation {
        uid: number("rootDirectory.creationInfo.ownerUid", it.owner_uid)?,
        gid: number("rootDirectory.creationInfo.ownerGid", it.owner_gid)?,
        permissions,
    })
}

/// An access point as it is answered.
fn rendered(it: &AccessPoint) -> efs::AccessPointDescription {
    efs::AccessPointDescription {
        access_point_arn: Some(it.arn()),
        access_point_id: Some(it.id.clone()),
        client_token: Some(it.client_token.clone()),
        file_system_id: Some(it.file_system_id.clone()),
        life_cycle_state: Some(efs::LifeCycleState::Available),
        name: tags::name(&it.tags),
        owner_id: Some(it.scope.account.clone()),
        posix_user: it.user.map(|it| efs::PosixUser {
            gid: i64::from(it.gid),
            secondary_gids: None,
            uid: i64::from(it.uid),
        }),
        root_directory: Some(efs::RootDirectory {
            creation_info: it.creation.map(|it| efs::CreationInfo {
                owner_gid: i64::from(it.gid),
                owner_uid: i64::from(it.uid),
                permissions: format!("{:04o}", it.permissions),
            }),
            path: Some(it.path.clone()),
        }),
        tags: Some(tags::rendered(&it.tags)),
    }
}

/// `DescribeAccessPoints`: all, those of a file system, or one.
///
/// # Errors
/// BadRequest, AccessPointNotFound, FileSystemNotFound.
pub async fn describe_access_points(
    call: Call<efs::DescribeAccessPoints>,
) -> Result<efs::DescribeAccessPointsOutput, Error> {
    let (scope, input) = (call.scope(), call.input());
    let found = call.access().store().read(|state| -> Result<Vec<_>, Error> {
        let chosen: Vec<AccessPoint> = match (&input.access_point_id, &input.file_system_id) {
            (Some(_), Some(_)) => {
                return Err(bad_request(
                    "Specify either AccessPointId or FileSystemId, not both.",
                ));
            }
            (Some(given), None) => vec![names::access_point(state, scope, given)?],
            (None, Some(given)) => {
                let id = names::file_system(state, scope, given)?.id;
                let all = state.access_points(scope).filter(|it| it.file_system_id == id);
                all.map(|it| AccessPoint::clone(it)).collect()
            }
            (None, None) => state
                .access_points(scope)
                .map(|it| AccessPoint::clone(it))
                .collect(),
        };
        Ok(chosen.into_iter().map(|it| (it.id.clone(), it)).collect())
    })?;
    let wanted = Wanted {
        listing: &format!("access points of {:?}", input.file_system_id),
        member: "maxResults",
        most: input.max_results,
        token: input.next_token.as_deref(),
    };
    let (found, next_token) = cut(call.access(), &wanted, found)?;
    Ok(efs::DescribeAccessPointsOutput {
        access_points: Some(found.iter().map(rendered).collect()),
        next_token,
    })
}

/// `DeleteAccessPoint`: tasks that have it mounted keep it.
///
/// # Errors
/// BadRequest, AccessPointNotFound.
pub async fn delete_access_point(
    call: Call<efs::DeleteAccessPoint>,
) -> Result<efs::DeleteAccessPointOutput, Error> {
    let (scope, given) = (call.scope().clone(), call.input().access_point_id.clone());
    let deleted = call.access().store().transact(move |tx| {
        let it = names::access_point(tx.state(), &scope, &given)?;
        tx.delete::<AccessPoint>(&it.id);
        Ok(())
    });
    deleted.await.map_err(from_store)?;
    Ok(efs::DeleteAccessPointOutput {})
}
