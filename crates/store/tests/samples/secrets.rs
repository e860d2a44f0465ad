//! Samples of parameters, secrets, certificates and roles.

use std::collections::BTreeMap;

use domain::certificate::Certificate;
use domain::parameter::{Parameter, ParameterKind, ParameterTier, ParameterVersion};
use domain::role::Role;
use domain::sealed::Sealed;
use domain::secret::{Secret, SecretDeletion, SecretKind, SecretVersion};
use domain::tags::Pair;
use domain::{CertificateArn, Scope, Timestamp};

fn scope() -> Scope {
    Scope::new("123456789012", "us-east-1")
}

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_700_000_000 + second).expect("in range")
}

pub fn parameter() -> Parameter {
    Parameter {
        scope: scope(),
        name: "/shop/db".into(),
        latest: 2,
        tags: vec![Pair::new("team", "web")],
    }
}

pub fn parameter_version() -> ParameterVersion {
    ParameterVersion {
        scope: scope(),
        name: "/shop/db".into(),
        version: 2,
        kind: ParameterKind::SecureString,
        value: Sealed("c2VhbGVk".into()),
        tier: ParameterTier::Advanced,
        description: Some("of the shop".into()),
        allowed_pattern: Some("^x".into()),
        labels: vec!["live".into()],
        modified_at: at(0),
        modified_by: "arn:aws:iam::123456789012:root".into(),
    }
}

pub fn secret() -> Secret {
    Secret {
        scope: scope(),
        name: "shop/db".into(),
        suffix: "AbCdEf".into(),
        description: Some("of the shop".into()),
        tags: vec![Pair::new("team", "web")],
        stages: BTreeMap::from([("AWSCURRENT".into(), "11111111-1111-1111-1111-111111111111".into())]),
        created_at: at(0),
        changed_at: at(1),
        accessed_at: Some(at(2)),
        deletion: Some(SecretDeletion {
            asked_at: at(3),
            due_at: at(4),
        }),
    }
}

pub fn secret_version() -> SecretVersion {
    SecretVersion {
        scope: scope(),
        name: "shop/db".into(),
        id: "11111111-1111-1111-1111-111111111111".into(),
        value: Sealed("c2VhbGVk".into()),
        kind: SecretKind::Binary,
        created_at: at(0),
    }
}

pub fn role() -> Role {
    Role {
        is_ready_made: true,
        account: "123456789012".into(),
        name: "Web".into(),
        path: "/app/".into(),
        id: "AROAAAAAAAAAAAAAAAAAA".into(),
        trust_policy: "{}".into(),
        description: Some("of the shop".into()),
        max_session_seconds: 3600,
        inline_policies: BTreeMap::from([("p".into(), "{}".into())]),
        attached_policies: vec!["arn:aws:iam::aws:policy/ReadOnlyAccess".into()],
        tags: vec![Pair::new("team", "web")],
        created_at: at(0),
    }
}

pub fn certificate() -> Certificate {
    Certificate {
        arn: CertificateArn::new(&scope(), &["11111111-1111-1111-1111-111111111111"]),
        body: "-----BEGIN CERTIFICATE-----".into(),
        chain: Some("-----BEGIN CERTIFICATE-----".into()),
        key: Sealed("c2VhbGVk".into()),
        created_at: at(0),
        imported_at: at(1),
        tags: vec![Pair::new("team", "web")],
    }
}
