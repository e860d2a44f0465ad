//! DescribeTags.

use api::ec2;
use domain::Scope;
use domain::network_interface::NetworkInterface;
use domain::tags::Pair;
use store::State;

use super::kinds::KINDS;
use crate::call::Call;
use crate::handlers::ec2::check_dry_run;
use crate::handlers::ec2::filters::{Filters, Rule, exact_values_of};
use crate::handlers::ec2::interfaces::tagged_tasks;
use crate::handlers::ec2::resources::Resource;
use crate::handlers::ec2::select::{Wanted, listing, page_request};
use crate::handlers::ec2::stretches::{Stretch, page_of_stretches};

const RULES: [Rule<ec2::TagDescription>; 4] = [
    Rule {
        names: &["key"],
        values: |it| it.key.iter().cloned().collect(),
    },
    Rule {
        names: &["value"],
        values: |it| it.value.iter().cloned().collect(),
    },
    Rule {
        names: &["resource-id"],
        values: |it| it.resource_id.iter().cloned().collect(),
    },
    Rule {
        names: &["resource-type"],
        values: |it| it.resource_type.iter().map(|it| it.as_str().to_owned()).collect(),
    },
];

/// `DescribeTags`: of one kind of resource after the other, those of tasks' network interfaces last. Pages have 1,000 at
/// most.
///
/// # Errors
/// InvalidParameterValue, MissingParameter, DryRunOperation.
pub async fn describe_tags(call: Call<ec2::DescribeTags>) -> Result<ec2::DescribeTagsOutput, ec2::Error> {
    let (scope, input) = (call.scope(), call.input());
    let given = input.filters.as_ref();
    let filters = Filters::of(&RULES, given)?;
    check_dry_run(input.dry_run)?;
    let listing = listing::<ec2::DescribeTags>(&format!("{scope:?} {given:?}"));
    let wanted = Wanted {
        max_results: input.max_results,
        next_token: input.next_token.as_deref(),
    };
    let request = page_request::<ec2::DescribeTags>(&listing, &wanted)?;
    let sought = Sought {
        types: exact_values_of(given, &["resource-type"]),
        ids: exact_values_of(given, &["resource-id"]),
    };
    let look = |state: &State, after: Option<&str>| {
        let mut stretch = sought.look(state, scope, after.unwrap_or_default());
        stretch.items.retain(|(_, it)| filters.match_all(it));
        stretch
    };
    let store = call.access().store();
    let (tags, next_token) = page_of_stretches(store, call.access().page_key(), request, look).await?;
    Ok(ec2::DescribeTagsOutput {
        tags: Some(tags),
        next_token,
    })
}

/// What narrows the search.
struct Sought<'a> {
    types: Option<&'a [String]>,
    ids: Option<&'a [String]>,
}

impl Sought<'_> {
    fn may_be(&self, kind: &ec2::ResourceType, prefix: &str) -> bool {
        let is_type = |types: &[String]| types.iter().any(|it| it == kind.as_str());
        let is_id = |ids: &[String]| ids.iter().any(|it| it.starts_with(prefix));
        self.types.is_none_or(is_type) && self.ids.is_none_or(is_id)
    }

    /// Tags after a position, which is `<stage> <id> <key>`: those of one kind, or a stretch of those of tasks.
    fn look(&self, state: &State, scope: &Scope, after: &str) -> Stretch<ec2::TagDescription> {
        let (stage, rest) = after.split_once(' ').unwrap_or((after, ""));
        let stage: usize = stage.parse().unwrap_or(0);
        let (kind, found, resume) = match KINDS.get(stage) {
            Some(kind) => {
                let found = match self.may_be(&kind.resource_type, kind.prefix) {
                    true => (kind.tagged)(state, scope),
                    false => Vec::new(),
                };
                (&kind.resource_type, found, Some(format!("{:02} ", stage + 1)))
            }
            None => {
                let kind = &ec2::ResourceType::NetworkInterface;
                if !self.may_be(kind, NetworkInterface::KIND.prefix) {
                    return Stretch::end();
                }
                // The interface whose tag ended the last page may have more of them.
                let id = rest.split_once(' ').map_or(rest, |(id, _)| id);
                let Stretch { items, resume } = tagged_tasks(state, scope, self.ids, id);
                (kind, items, resume.map(|id| format!("{stage:02} {id}")))
            }
        };
        let tags = found.iter();
        let mut items: Vec<_> = tags
            .flat_map(|(id, tags)| descriptions(stage, kind, id, tags))
            .filter(|(position, _)| after < position.as_str())
            .collect();
        items.sort_by(|one, other| one.0.cmp(&other.0));
        Stretch { items, resume }
    }
}

/// A tag each, under what pages are cut by.
fn descriptions(
    stage: usize,
    kind: &ec2::ResourceType,
    id: &str,
    tags: &[Pair],
) -> Vec<(String, ec2::TagDescription)> {
    let one = |it: &Pair| {
        let description = ec2::TagDescription {
            key: Some(it.name.clone()),
            value: Some(it.value.clone().unwrap_or_default()),
            resource_id: Some(id.to_owned()),
            resource_type: Some(kind.clone()),
        };
        (format!("{stage:02} {id} {}", it.name), description)
    };
    tags.iter().map(one).collect()
}
