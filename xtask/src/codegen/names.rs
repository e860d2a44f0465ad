//! Names of models as names of Rust.

const KEYWORDS: [&str; 17] = [
    "as", "async", "await", "break", "const", "enum", "fn", "for", "impl", "in", "match", "mod", "move",
    "ref", "return", "type", "use",
];

/// `enableECSManagedTags` → `enable_ecs_managed_tags`
pub fn field(name: &str) -> String {
    let letters: Vec<char> = name.chars().collect();
    let mut out = String::new();
    for (at, letter) in letters.iter().enumerate() {
        let before = at.checked_sub(1).and_then(|it| letters.get(it));
        let after = letters.get(at + 1);
        let begins = letter.is_uppercase()
            && before.is_some_and(|it| {
                it.is_lowercase()
                    || it.is_ascii_digit()
                    || (it.is_uppercase() && after.is_some_and(|it| it.is_lowercase()))
            });
        if begins {
            out.push('_');
        }
        out.extend(letter.to_lowercase());
    }
    if KEYWORDS.contains(&out.as_str()) {
        format!("r#{out}")
    } else {
        out
    }
}

/// `BLUE_GREEN` → `BlueGreen`, `json-file` → `JsonFile`, `awsvpc` → `Awsvpc`
pub fn variant(word: &str) -> String {
    let is_loud = !word.chars().any(|it| it.is_ascii_lowercase());
    let parts = word
        .split(|it: char| !it.is_ascii_alphanumeric())
        .filter(|it| !it.is_empty());
    let mut out: String = parts
        .map(|part| {
            let mut letters = part.chars();
            let first = letters.next().into_iter().flat_map(char::to_uppercase);
            let rest: String = if is_loud {
                letters.as_str().to_lowercase()
            } else {
                letters.as_str().to_owned()
            };
            first.collect::<String>() + &rest
        })
        .collect();
    if out.starts_with(|it: char| it.is_ascii_digit()) {
        out.insert(0, 'V');
    }
    if out == "Self" { "SelfWord".to_owned() } else { out }
}

#[cfg(test)]
mod tests {
    use super::{field, variant};

    #[test]
    fn names_become_rusts() {
        for (name, expected) in [
            ("clusterName", "cluster_name"),
            ("enableECSManagedTags", "enable_ecs_managed_tags"),
            ("managedEBSVolume", "managed_ebs_volume"),
            ("s3filesVolumeConfiguration", "s3files_volume_configuration"),
            ("bindIP", "bind_ip"),
            ("type", "r#type"),
            ("privateIpv4Address", "private_ipv4_address"),
            ("sizeInGiB", "size_in_gi_b"),
        ] {
            assert_eq!(field(name), expected);
        }
        for (word, expected) in [
            ("EC2", "Ec2"),
            ("BLUE_GREEN", "BlueGreen"),
            ("json-file", "JsonFile"),
            ("awsvpc", "Awsvpc"),
            ("1.0", "V10"),
        ] {
            assert_eq!(variant(word), expected);
        }
    }
}
