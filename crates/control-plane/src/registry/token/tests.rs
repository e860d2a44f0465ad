use domain::Scope;

use super::*;

fn caller() -> Caller {
    Caller {
        scope: Scope::new("123456789012", "us-east-1"),
        principal: Principal::Agent,
        access_key_id: "AKIAIOSFODNN7EXAMPLE".to_owned(),
    }
}

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).expect("in range")
}

#[test]
fn a_token_says_whose_it_is_until_its_time_is_over() {
    let key = TokenKey::new([1; 32]);
    let granted = Granted::Layer {
        repository: "web".to_owned(),
        digest: "sha256:0".to_owned(),
    };
    let claims = key
        .open(&key.seal(&Claims::new(&caller(), granted.clone(), at(100))))
        .expect("is ours");
    assert_eq!(
        (claims.granted(), claims.caller().arn()),
        (&granted, caller().arn())
    );
    assert!(!claims.has_expired(at(99)) && claims.has_expired(at(100)));
}

#[test]
fn what_this_server_did_not_seal_is_no_token() {
    let key = TokenKey::new([1; 32]);
    let token = key.seal(&Claims::new(&caller(), Granted::Registry, at(100)));
    assert_eq!(TokenKey::new([2; 32]).open(&token), Err(InvalidRegistryToken));
    let (body, seal) = token.split_once('.').expect("has two parts");
    let other = key.seal(&Claims::new(&caller(), Granted::Registry, at(200)));
    let (other, _) = other.split_once('.').expect("has two parts");
    for text in [
        String::new(),
        ".".to_owned(),
        body.to_owned(),
        format!("{body}."),
        format!("{other}.{seal}"),
        format!("{body}.{}", &seal[1..]),
        format!("{token}A"),
        "password".to_owned(),
    ] {
        assert_eq!(key.open(&text), Err(InvalidRegistryToken), "{text:?}");
    }
}
