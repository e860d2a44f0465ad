//! `awslogs-datetime-format`: a time as `strftime` writes it, found by a regular expression.

const DAY_NAMES: &str = "(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)";
const LONG_DAY_NAMES: &str = "(?:Monday|Tuesday|Wednesday|Thursday|Friday|Saturday|Sunday)";
const MONTH_NAMES: &str = "(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)";
const LONG_MONTH_NAMES: &str =
    "(?:January|February|March|April|May|June|July|August|September|October|November|December)";

/// The expression that finds what the format writes. What is no code stands as it is, so that it may itself be an
/// expression, as in `\[%b %d, %Y %H:%M:%S\]` of Amazon's documentation.
pub fn expression(format: &str) -> String {
    let mut expression = String::new();
    let mut chars = format.chars();
    while let Some(char) = chars.next() {
        if char != '%' {
            expression.push(char);
            continue;
        }
        match chars.next() {
            Some(code) => match of_code(code) {
                Some(known) => expression.push_str(known),
                None => expression.extend(['%', code]),
            },
            None => expression.push('%'),
        }
    }
    expression
}

/// <https://docs.docker.com/engine/logging/drivers/awslogs/#awslogs-datetime-format>
fn of_code(code: char) -> Option<&'static str> {
    let expression = match code {
        'a' => DAY_NAMES,
        'A' => LONG_DAY_NAMES,
        'b' => MONTH_NAMES,
        'B' => LONG_MONTH_NAMES,
        'd' => "(?:0[1-9]|[12][0-9]|3[01])",
        'f' => "[0-9]{6}",
        'H' => "(?:[01][0-9]|2[0-3])",
        'I' => "(?:0[0-9]|1[0-2])",
        'j' => "(?:[0-2][0-9][0-9]|3[0-5][0-9]|36[0-6])",
        'L' => r"\.[0-9]{3}",
        'm' => "(?:0[1-9]|1[0-2])",
        'M' | 'S' => "[0-5][0-9]",
        'p' => "[AP]M",
        'w' => "[0-6]",
        'y' => "[0-9]{2}",
        'Y' => "[0-9]{4}",
        'z' => "[+-][0-9]{4}",
        'Z' => "[A-Z]{1,4}T",
        _ => return None,
    };
    Some(expression)
}
