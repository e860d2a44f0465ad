//! What is sealed is secret, and bound to its key, purpose and place.

use proptest::prelude::*;

use super::*;

fn vault(key: u8, purpose: &str) -> Vault {
    MasterKey([key; 32]).vault(purpose)
}

proptest! {
    #[test]
    fn every_value_comes_back(value in proptest::collection::vec(any::<u8>(), 0..2048), place in ".{0,64}") {
        let vault = vault(1, "values");
        let sealed = vault.seal(&place, &value).expect("random bytes");
        prop_assert_eq!(vault.open(&place, &sealed), Ok(value));
    }

    #[test]
    fn a_changed_byte_is_noticed(value in proptest::collection::vec(any::<u8>(), 0..256), at in any::<prop::sample::Index>()) {
        let vault = vault(1, "values");
        let mut bytes = vault.seal_bytes("here", &value).expect("random bytes");
        let at = at.index(bytes.len());
        bytes[at] ^= 1;
        prop_assert_eq!(vault.open_bytes("here", bytes), Err(VaultError::CannotOpen));
    }

    #[test]
    fn any_text_is_refused(text in ".{0,200}") {
        prop_assert_eq!(vault(1, "values").open("here", &Sealed(text)), Err(VaultError::CannotOpen));
    }
}

#[test]
fn a_value_is_bound_to_key_purpose_and_place() {
    let sealed = vault(1, "values").seal("here", b"secret").expect("random bytes");
    for (other, place) in [
        (vault(2, "values"), "here"),
        (vault(1, "sessions"), "here"),
        (vault(1, "values"), "there"),
    ] {
        assert_eq!(other.open(place, &sealed), Err(VaultError::CannotOpen));
    }
    assert_eq!(vault(1, "values").open("here", &sealed), Ok(b"secret".to_vec()));
}

#[test]
fn equal_values_do_not_look_equal() {
    let vault = vault(1, "values");
    assert_ne!(vault.seal("here", b"secret"), vault.seal("here", b"secret"));
}
