//! The table of root fields of the schema: which of them issue or take a value, and which return a page. A test ties the table to the
//! schema.

/// What must be known of a root field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// Nothing.
    Plain,
    /// Its result contains a value (R9), or the secret of a webhook, which is shown once.
    IssuesValue,
    /// Its input contains a value, which must not be in a URL (R9).
    TakesValue,
    /// Its list of inputs contains values, each of which multiplies the cost.
    TakesValues,
    /// It returns a page, whose size multiplies the cost.
    Page,
    /// It returns a page whose entries contain a value each, which is shown once (R9).
    PageIssuesValues,
}

/// Rotates an API token, which a document may do once per token (R7).
pub(super) const ROTATE: &str = "rotateAPIToken";
/// Verifies a value.
pub(super) const VERIFY: &str = "verifyAPIToken";
/// Returns the caller's own token.
pub(super) const CURRENT: &str = "currentAPIToken";

const ROOT_FIELDS: &[(&str, Kind)] = &[
    ("node", Kind::Plain),
    (CURRENT, Kind::Plain),
    ("apiToken", Kind::Plain),
    ("apiTokens", Kind::Page),
    ("tokenCounts", Kind::Plain),
    (VERIFY, Kind::TakesValue),
    ("verifyAPITokens", Kind::TakesValues),
    ("rehearseAPITokenRetirement", Kind::Plain),
    ("auditEvents", Kind::Page),
    ("rotationCampaign", Kind::Plain),
    ("rotationCampaigns", Kind::Page),
    ("rotationCampaignTokens", Kind::Page),
    ("createAPIToken", Kind::IssuesValue),
    ("importAPITokens", Kind::Plain),
    (ROTATE, Kind::IssuesValue),
    ("rotateAPITokens", Kind::PageIssuesValues),
    ("reviveAPIToken", Kind::IssuesValue),
    ("updateAPIToken", Kind::Plain),
    ("endAPITokenOverlap", Kind::Plain),
    ("suspendAPIToken", Kind::Plain),
    ("resumeAPIToken", Kind::Plain),
    ("revokeAPIToken", Kind::Plain),
    ("revokeAPITokens", Kind::Page),
    ("reportLeakedValue", Kind::TakesValue),
    ("createRotationCampaign", Kind::Plain),
    ("cancelRotationCampaign", Kind::Plain),
    ("webhook", Kind::Plain),
    ("webhooks", Kind::Page),
    ("webhookDeliveries", Kind::Page),
    ("createWebhook", Kind::IssuesValue),
    ("updateWebhook", Kind::Plain),
    ("deleteWebhook", Kind::Plain),
    ("enableWebhook", Kind::Plain),
    ("rotateWebhookSecret", Kind::IssuesValue),
    ("testWebhook", Kind::Plain),
    ("resendWebhookDelivery", Kind::Plain),
    ("mailDigest", Kind::Plain),
    ("mailDigests", Kind::Page),
    ("createMailDigest", Kind::Plain),
    ("updateMailDigest", Kind::Plain),
    ("deleteMailDigest", Kind::Plain),
    ("testMailDigest", Kind::Plain),
];

fn kind(name: &str) -> Option<Kind> {
    ROOT_FIELDS.iter().find(|(field, _)| *field == name).map(|(_, kind)| *kind)
}

/// Whether the result of this field contains a value.
pub(super) fn issues_value(name: &str) -> bool {
    matches!(kind(name), Some(Kind::IssuesValue | Kind::PageIssuesValues))
}

/// Whether the input of this field contains a value.
pub(super) fn takes_value(name: &str) -> bool {
    matches!(kind(name), Some(Kind::TakesValue | Kind::TakesValues))
}

/// Whether this field takes a list of inputs with a value each.
pub(super) fn takes_values(name: &str) -> bool {
    kind(name) == Some(Kind::TakesValues)
}

/// Whether this field returns a page.
pub(super) fn is_page(name: &str) -> bool {
    matches!(kind(name), Some(Kind::Page | Kind::PageIssuesValues))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use apollo_compiler::ast::InputValueDefinition;
    use apollo_compiler::{Node, Schema};

    use super::*;

    /// For each root field of the schema, whether one of its inputs has a `value`, whether that is in a list, and whether it returns a
    /// page.
    fn of_schema() -> BTreeMap<String, (bool, bool, bool)> {
        let schema = Schema::parse(crate::graphql::sdl(), "schema.graphql").unwrap();
        let mut found = BTreeMap::new();
        for root in ["Query", "Mutation", "Subscription"] {
            for (name, field) in &schema.get_object(root).unwrap().fields {
                let takes = |argument: &Node<InputValueDefinition>| {
                    let input = schema.get_input_object(argument.ty.inner_named_type());
                    input.is_some_and(|input| input.fields.contains_key("value"))
                };
                let takes_value = field.arguments.iter().any(takes);
                let takes_values = field.arguments.iter().any(|argument| takes(argument) && argument.ty.is_list());
                let output = schema.get_object(field.ty.inner_named_type());
                let is_page = output.is_some_and(|output| output.fields.contains_key("pageInfo"));
                let known: &mut (bool, bool, bool) = found.entry(name.to_string()).or_default();
                *known = (known.0 || takes_value, known.1 || takes_values, known.2 || is_page);
            }
        }
        found
    }

    #[test]
    fn every_root_field_of_the_schema_is_in_the_table_with_its_kind() {
        let kinds = |name: &str| (takes_value(name), takes_values(name), is_page(name));
        let table: BTreeMap<_, _> = ROOT_FIELDS.iter().map(|(name, _)| ((*name).to_owned(), kinds(name))).collect();
        assert_eq!(table, of_schema());
        assert_eq!(table.len(), ROOT_FIELDS.len(), "none twice");
        let issuing: Vec<&str> = ROOT_FIELDS.iter().map(|(name, _)| *name).filter(|name| issues_value(name)).collect();
        let of_tokens = ["createAPIToken", ROTATE, "rotateAPITokens", "reviveAPIToken"];
        assert_eq!(issuing, [&of_tokens[..], &["createWebhook", "rotateWebhookSecret"]].concat());
    }
}
