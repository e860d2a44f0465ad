use super::*;

const KEY: PageKey = PageKey([7; 32]);

fn walk(items: &[&str], max_results: usize) -> Vec<Vec<String>> {
    let mut pages = Vec::new();
    let mut token: Option<String> = None;
    loop {
        let request = PageRequest {
            listing: "l",
            next_token: token.as_deref(),
            max_results,
        };
        let pairs = items.iter().map(|it| ((*it).to_owned(), (*it).to_owned()));
        let (page, next) = page(&KEY, &request, pairs).expect("own token");
        pages.push(page);
        token = next;
        if token.is_none() {
            return pages;
        }
    }
}

#[test]
fn pages_together_are_the_listing_upwards_and_downwards() {
    assert_eq!(
        walk(&["a", "b", "c", "d", "e"], 2),
        [vec!["a", "b"], vec!["c", "d"], vec!["e"]]
    );
    assert_eq!(
        walk(&["e", "d", "c", "b", "a"], 2),
        [vec!["e", "d"], vec!["c", "b"], vec!["a"]]
    );
    assert_eq!(
        walk(&["a", "b"], 2),
        [vec!["a", "b"]],
        "a full last page has no token"
    );
    assert_eq!(walk(&[], 2), [Vec::<String>::new()]);
}

#[test]
fn a_page_goes_on_where_the_last_item_was_even_if_it_is_gone() {
    let token = seal(&KEY, "l", &Position::GoesUp("b".to_owned()));
    let request = PageRequest {
        listing: "l",
        next_token: Some(&token),
        max_results: 9,
    };
    let items = ["a", "c", "d"].map(|it| (it.to_owned(), it));
    assert_eq!(
        page(&KEY, &request, items.into_iter()),
        Ok((vec!["c", "d"], None))
    );
}

#[test]
fn the_last_item_of_a_listing_that_goes_down_is_not_lost_when_those_before_are_gone() {
    let first = PageRequest {
        listing: "l",
        next_token: None,
        max_results: 2,
    };
    let items = ["c", "b", "a"].map(|it| (it.to_owned(), it));
    let (_, token) = page(&KEY, &first, items.into_iter()).expect("no token was given");
    let second = PageRequest {
        next_token: token.as_deref(),
        ..first
    };
    let left = std::iter::once(("a".to_owned(), "a"));
    assert_eq!(page(&KEY, &second, left), Ok((vec!["a"], None)));
}

#[test]
fn tokens_of_others_are_refused() {
    let good = seal(&KEY, "l", &Position::GoesUp("b".to_owned()));
    let mut changed = good.clone();
    changed.replace_range(0..1, if good.starts_with('A') { "B" } else { "A" });
    for (listing, token) in [
        ("other", good.as_str()),
        ("l", &changed),
        ("l", ""),
        ("l", "???"),
        ("l", "AAAA"),
    ] {
        let request = PageRequest {
            listing,
            next_token: Some(token),
            max_results: 1,
        };
        let items = std::iter::once(("a".to_owned(), ()));
        assert_eq!(
            page(&KEY, &request, items),
            Err(InvalidToken),
            "{listing} {token}"
        );
    }
}
