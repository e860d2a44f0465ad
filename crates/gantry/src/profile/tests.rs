use super::with_section;

const SETTINGS: [(&str, &str); 2] = [("endpoint_url", "http://127.0.0.1:4566"), ("region", "us-east-1")];

#[test]
fn a_new_file_holds_the_profile_alone() {
    let text = with_section("", "profile gantry", &SETTINGS);
    assert_eq!(
        text,
        "[profile gantry]\nendpoint_url = http://127.0.0.1:4566\nregion = us-east-1\n"
    );
}

#[test]
fn what_others_wrote_stays() {
    let before = "# mine\n[default]\nregion = eu-west-1\n\n[profile gantry]\nregion=old\noutput = json\n[profile x]\nregion = y\n";
    let after = with_section(before, "profile gantry", &SETTINGS);
    assert_eq!(
        after,
        "# mine\n[default]\nregion = eu-west-1\n\n[profile gantry]\nendpoint_url = http://127.0.0.1:4566\n\
         region = us-east-1\noutput = json\n[profile x]\nregion = y\n"
    );
    assert_eq!(
        with_section(&after, "profile gantry", &SETTINGS),
        after,
        "writing again changes nothing"
    );
}

#[test]
fn the_profile_is_added_after_others() {
    let after = with_section("[default]\nregion = eu-west-1", "gantry", &[("a", "b")]);
    assert_eq!(after, "[default]\nregion = eu-west-1\n\n[gantry]\na = b\n");
}
