//! What a container runs, by Docker's rules for entry point and command.

/// The words to execute. `entry_point` and `command` are the task definition's, the others the image's.
/// A new entry point drops the image's command, since that was meant for the image's entry point.
pub fn arguments(
    entry_point: Option<&[String]>,
    command: Option<&[String]>,
    image_entry_point: &[String],
    image_command: &[String],
) -> Option<Vec<String>> {
    let entry_point = entry_point.filter(|it| !it.is_empty());
    let command = command.filter(|it| !it.is_empty());
    let words = match (entry_point, command) {
        (Some(entry_point), command) => [entry_point, command.unwrap_or_default()].concat(),
        (None, Some(command)) => [image_entry_point, command].concat(),
        (None, None) => [image_entry_point, image_command].concat(),
    };
    (!words.is_empty()).then_some(words)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Vec<String> {
        text.split_whitespace().map(str::to_owned).collect()
    }

    fn run(entry_point: Option<&str>, command: Option<&str>, image: (&str, &str)) -> Option<String> {
        let (entry_point, command) = (entry_point.map(words), command.map(words));
        let found = arguments(
            entry_point.as_deref(),
            command.as_deref(),
            &words(image.0),
            &words(image.1),
        );
        found.map(|it| it.join(" "))
    }

    #[test]
    fn entry_point_and_command_combine_as_in_docker() {
        let image = ("/entry -x", "serve all");
        assert_eq!(run(None, None, image).as_deref(), Some("/entry -x serve all"));
        assert_eq!(
            run(None, Some("other"), image).as_deref(),
            Some("/entry -x other")
        );
        assert_eq!(run(Some("sh"), None, image).as_deref(), Some("sh"));
        assert_eq!(
            run(Some("sh -c"), Some("true"), image).as_deref(),
            Some("sh -c true")
        );
        assert_eq!(
            run(Some(""), Some(""), image).as_deref(),
            Some("/entry -x serve all")
        );
        assert_eq!(run(None, None, ("", "")), None);
    }
}
