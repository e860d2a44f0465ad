//! Which resources a Describe operation gives: those that are named, of them those that match, of them a page.

use std::ops::RangeInclusive;

use api::ec2;
use store::State;
use wire::Operation;

use super::filters::{Filters, Rule};
use super::tags::Tagged;
use super::{check_dry_run, invalid_value, refusal};
use crate::call::Call;
use crate::handlers::page::{PageKey, PageRequest, page};

/// Bounds of `MaxResults` of an operation; where Amazon tells none, those that most have.
pub fn bounds(operation: &str) -> RangeInclusive<i32> {
    match operation {
        "DescribeAddressesAttribute" => 1..=1000,
        "DescribeManagedPrefixLists" | "GetManagedPrefixListEntries" => 1..=100,
        "DescribeRouteTables" => 5..=100,
        "DescribeEgressOnlyInternetGateways"
        | "DescribeStaleSecurityGroups"
        | "DescribeVpcClassicLinkDnsSupport"
        | "GetManagedPrefixListAssociations" => 5..=255,
        _ => 5..=1000,
    }
}

/// How ids of a kind of resource look and what is said of others.
pub struct IdKind {
    /// `vpc-`
    pub prefix: &'static str,
    /// `vpc ID`
    pub noun: &'static str,
    /// Code for what is not there.
    pub not_found: &'static str,
    /// Code for what is no id.
    pub malformed: &'static str,
}

impl IdKind {
    /// Takes those whose ids are given, or all if none is.
    ///
    /// # Errors
    /// `malformed` and `not_found`, for the first id that is so.
    pub fn named<T>(
        &self,
        ids: Option<&Vec<String>>,
        items: Vec<(String, T)>,
    ) -> Result<Vec<(String, T)>, ec2::Error> {
        let ids = ids.map(Vec::as_slice).unwrap_or_default();
        if ids.is_empty() {
            return Ok(items);
        }
        for id in ids {
            if !items.iter().any(|(it, _)| it == id) {
                return Err(self.unknown(id));
            }
        }
        Ok(items.into_iter().filter(|(id, _)| ids.contains(id)).collect())
    }

    /// What is said of an id that nothing has: `malformed` or `not_found`.
    pub fn unknown(&self, id: &str) -> ec2::Error {
        if !self.is_id(id) {
            let expected = format!("Invalid id: \"{id}\" (expecting \"{}...\")", self.prefix);
            return refusal(self.malformed, expected);
        }
        refusal(self.not_found, format!("The {} '{id}' does not exist", self.noun))
    }

    fn is_id(&self, id: &str) -> bool {
        let tail = id.strip_prefix(self.prefix).unwrap_or_default();
        !tail.is_empty() && tail.chars().all(|it| it.is_ascii_alphanumeric())
    }
}

/// What a Describe operation is asked for.
pub struct Listing<'a> {
    /// Ids, if some are named.
    pub ids: Option<&'a Vec<String>>,
    /// `Filters`
    pub filters: Option<&'a Vec<ec2::Filter>>,
    /// `DryRun`
    pub dry_run: Option<bool>,
    /// `MaxResults`; all without it.
    pub max_results: Option<i32>,
    /// `NextToken`
    pub next_token: Option<&'a str>,
}

/// A Describe operation: of `all` resources those that are named and match, a page of them and where it goes on.
///
/// # Errors
/// Those of [`Filters::of`], [`IdKind::named`] and [`cut`]; DryRunOperation.
pub fn describe<O: Operation, T: Tagged>(
    call: &Call<O>,
    kind: &IdKind,
    rules: &[Rule<T>],
    listing: &Listing<'_>,
    all: impl FnOnce(&State) -> Vec<(String, T)>,
) -> Result<(Vec<T>, Option<String>), ec2::Error> {
    let filters = Filters::of(rules, listing.filters)?;
    check_dry_run(listing.dry_run)?;
    let all = call.access().store().read(all);
    let mut chosen = kind.named(listing.ids, all)?;
    chosen.retain(|(_, it)| filters.match_all(it));
    let wanted = Wanted {
        max_results: listing.max_results,
        next_token: listing.next_token,
    };
    let (scope, ids, filters) = (call.scope(), listing.ids, listing.filters);
    let chosen_by = format!("{scope:?} {ids:?} {filters:?}");
    cut::<O, _>(call.access().page_key(), &wanted, &chosen_by, chosen)
}

/// What the caller says of the page it wants.
pub struct Wanted<'a> {
    /// `MaxResults`; all without it.
    pub max_results: Option<i32>,
    /// `NextToken`
    pub next_token: Option<&'a str>,
}

/// Cuts a page out of resources with their ids. `chosen_by` is all that chose them: a token is good for the same only.
///
/// # Errors
/// InvalidParameterValue for a size out of bounds and for a token that is not of this listing.
pub fn cut<O: Operation, T>(
    key: &PageKey,
    wanted: &Wanted<'_>,
    chosen_by: &str,
    mut items: Vec<(String, T)>,
) -> Result<(Vec<T>, Option<String>), ec2::Error> {
    let listing = listing::<O>(chosen_by);
    let request = page_request::<O>(&listing, wanted)?;
    items.sort_by(|(one, _), (other, _)| one.cmp(other));
    page(key, &request, items.into_iter()).map_err(|_| invalid_value("Unable to parse pagination token"))
}

/// What a listing of an operation is called.
pub fn listing<O: Operation>(chosen_by: &str) -> String {
    format!("{} {chosen_by}", O::NAME)
}

/// What is asked of a [`listing`], for items that come one by one.
///
/// # Errors
/// InvalidParameterValue for a size out of bounds.
pub fn page_request<'a, O: Operation>(
    listing: &'a str,
    wanted: &Wanted<'a>,
) -> Result<PageRequest<'a>, ec2::Error> {
    let max_results = match wanted.max_results {
        None => usize::MAX,
        Some(given) => page_size(given, &bounds(O::NAME))?,
    };
    Ok(PageRequest {
        listing,
        next_token: wanted.next_token,
        max_results,
    })
}

fn page_size(given: i32, bounds: &RangeInclusive<i32>) -> Result<usize, ec2::Error> {
    let (least, most) = (bounds.start(), bounds.end());
    let expected = if given < *least {
        format!("Expecting a value greater than {least}.")
    } else {
        format!("Expecting a value less than or equal to {most}.")
    };
    usize::try_from(given)
        .ok()
        .filter(|_| bounds.contains(&given))
        .ok_or_else(|| {
            invalid_value(format!(
                "Value ( {given} ) for parameter maxResults is invalid. {expected}"
            ))
        })
}
