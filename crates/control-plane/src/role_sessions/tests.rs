//! Credentials hold together, and nothing else passes for them.

use proptest::prelude::*;

use super::*;

fn sessions(key: u8) -> RoleSessions {
    RoleSessions::new(&MasterKey([key; 32]))
}

fn claims(name: &str) -> Claims {
    Claims {
        account: "123456789012".to_owned(),
        session: RoleSession {
            role: "web".to_owned(),
            role_id: "AROAAAAAAAAAAAAAAAAAA".to_owned(),
            name: name.to_owned(),
        },
        expires_at: 1_700_000_000,
    }
}

#[test]
fn credentials_say_what_they_were_issued_for() {
    let issued = sessions(1).issue(&claims("task")).expect("random bytes");
    assert!(is_of_session(&issued.access_key_id));
    assert_eq!(
        (issued.access_key_id.len(), issued.secret_access_key.len()),
        (20, 40)
    );
    assert_eq!(issued.expires_at.as_second(), 1_700_000_000);
    let opened = sessions(1).open(&issued.access_key_id, &issued.session_token);
    assert_eq!(opened, Some((claims("task"), issued.secret_access_key)));
}

#[test]
fn credentials_of_another_key_or_server_are_refused() {
    let one = sessions(1).issue(&claims("one")).expect("random bytes");
    let other = sessions(1).issue(&claims("other")).expect("random bytes");
    assert_ne!(one.secret_access_key, other.secret_access_key);
    assert_eq!(sessions(1).open(&other.access_key_id, &one.session_token), None);
    assert_eq!(sessions(2).open(&one.access_key_id, &one.session_token), None);
}

#[test]
fn ids_are_stable_and_differ_by_role() {
    let id = |role_type| sessions(1).credentials_id("task", role_type);
    assert_eq!(id("TaskApplication"), id("TaskApplication"));
    assert_ne!(id("TaskApplication"), id("TaskExecution"));
    assert_eq!(id("TaskExecution").len(), 36);
}

proptest! {
    #[test]
    fn no_text_passes_for_a_token(token in ".{0,200}") {
        prop_assert_eq!(sessions(1).open("ASIAAAAAAAAAAAAAAAAA", &token), None);
    }
}
