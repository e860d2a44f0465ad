//! Roles that a new account has.

use std::collections::BTreeMap;

use domain::role::Role;
use domain::tags::Pair;
use store::Tx;

/// Longest session of a role unless told, in seconds.
pub const MAX_SESSION_SECONDS: u32 = 3600;

/// Name, path, service that assumes it, attached policy.
const ROLES: [(&str, &str, &str, &str); 2] = [
    (
        "ecsTaskExecutionRole",
        "/",
        "ecs-tasks.amazonaws.com",
        "arn:aws:iam::aws:policy/service-role/AmazonECSTaskExecutionRolePolicy",
    ),
    (
        "AWSServiceRoleForECS",
        "/aws-service-role/ecs.amazonaws.com/",
        "ecs.amazonaws.com",
        "arn:aws:iam::aws:policy/aws-service-role/AmazonECSServiceRolePolicy",
    ),
];

/// Makes those that an account never had: called when the account is made.
pub fn create_default_roles(tx: &mut Tx<'_>, account: &str) {
    for (name, path, service, policy) in ROLES {
        if tx.state().role(account, name).is_some() {
            continue;
        }
        tx.put(Role {
            account: account.to_owned(),
            name: name.to_owned(),
            path: path.to_owned(),
            id: tx.ids().iam("AROA"),
            trust_policy: trust_policy(service),
            description: None,
            max_session_seconds: MAX_SESSION_SECONDS,
            inline_policies: BTreeMap::new(),
            attached_policies: vec![policy.to_owned()],
            tags: Vec::<Pair>::new(),
            created_at: tx.now(),
            is_ready_made: true,
        });
    }
}

/// Whether a role for users came with its account, and is as it came.
pub fn is_untouched_default_role(role: &Role) -> bool {
    let is_as_it_came = |(name, path, service, policy): &(&str, &str, &str, &str)| {
        role.name == *name
            && *path == "/"
            && role.trust_policy == trust_policy(service)
            && role.attached_policies == [*policy]
    };
    role.is_ready_made
        && role.inline_policies.is_empty()
        && role.tags.is_empty()
        && role.description.is_none()
        && ROLES.iter().any(is_as_it_came)
}

fn trust_policy(service: &str) -> String {
    format!(
        "{{\"Version\":\"2012-10-17\",\"Statement\":[{{\"Effect\":\"Allow\",\"Principal\":{{\"Service\":\"{service}\"}},\
         \"Action\":\"sts:AssumeRole\"}}]}}"
    )
}
