//! Names of images: parsed as Docker does, and one spelling for each.
#![no_main]

use libfuzzer_sys::fuzz_target;
use oci_spec::distribution::Reference;

/// Two files of `runtime`, without the rest of it.
#[path = "../../crates/runtime/src/images"]
mod images {
    /// Of the errors of images, those that names have.
    #[derive(Debug, thiserror::Error)]
    pub enum ImageError {
        #[error("{0}")]
        Reference(String),
        #[error("{0}")]
        Invalid(String),
        #[error("{subject}: {actual}, {expected}")]
        Digest {
            subject: String,
            actual: String,
            expected: String,
        },
        #[error("{0}")]
        Io(#[from] std::io::Error),
    }

    impl ImageError {
        fn invalid(what: &str, detail: &str) -> Self {
            Self::Invalid(format!("{what} {detail}"))
        }
    }

    #[expect(dead_code, reason = "names need only the form of digests")]
    mod digest;
    pub mod reference;
}

use images::reference::{familiar, normalized, parse, parse_tagged, repository};

fuzz_target!(|text: &str| {
    let Ok(reference) = parse(text) else {
        return;
    };
    assert_eq!(
        Reference::try_from(text).as_ref(),
        Ok(&reference),
        "as the library parses it"
    );
    let name = normalized(&reference);
    let again = parse(&name).expect("the one spelling is a name");
    assert_eq!(normalized(&again), name);
    assert_eq!(repository(&again), repository(&reference));
    let shown = familiar(&name);
    let shown_again = parse(&shown).expect("what people read they can write");
    assert_eq!(normalized(&shown_again), name, "{shown}");
    assert_eq!(parse_tagged(text).is_ok(), reference.digest().is_none());
});
