//! The table of root fields of the schema: which of them issue or take a value, and which return a page. A test ties the table to the
//! schema.

/// What must be known of a root field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// Nothing.
    Plain,
    /// Its result contains a value, which is shown once (R9).
    IssuesValue,
    /// Its input contains a value, which must not be in a URL (R9).
    TakesValue,
    /// It returns a page, whose size multiplies the cost.
    Page,
}

/// Rotates an API token, which a document may do once per token (R7).
pub(super) const ROTATE: &str = "rotateAPIToken";
/// Verifies a value.
pub(super) const VERIFY: &str = "verifyAPIToken";
/// Returns the caller's own token.
pub(super) const CURRENT: &str = "currentAPIToken";

const ROOT_FIELDS: [(&str, Kind); 15] = [
    ("node", Kind::Plain),
    (CURRENT, Kind::Plain),
    ("apiToken", Kind::Plain),
    ("apiTokens", Kind::Page),
    ("tokenCounts", Kind::Plain),
    (VERIFY, Kind::TakesValue),
    ("rehearseAPITokenRetirement", Kind::Plain),
    ("auditEvents", Kind::Page),
    ("createAPIToken", Kind::IssuesValue),
    (ROTATE, Kind::IssuesValue),
    ("updateAPIToken", Kind::Plain),
    ("endAPITokenOverlap", Kind::Plain),
    ("suspendAPIToken", Kind::Plain),
    ("resumeAPIToken", Kind::Plain),
    ("revokeAPIToken", Kind::Plain),
];

fn kind(name: &str) -> Option<Kind> {
    ROOT_FIELDS.iter().find(|(field, _)| *field == name).map(|(_, kind)| *kind)
}

/// Whether the result of this field contains a value.
pub(super) fn issues_value(name: &str) -> bool {
    kind(name) == Some(Kind::IssuesValue)
}

/// Whether the input of this field contains a value.
pub(super) fn takes_value(name: &str) -> bool {
    kind(name) == Some(Kind::TakesValue)
}

/// Whether this field returns a page.
pub(super) fn is_page(name: &str) -> bool {
    kind(name) == Some(Kind::Page)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use apollo_compiler::Schema;

    use super::*;

    /// For each root field of the schema, whether one of its inputs has a `value`, and whether it returns a connection.
    fn of_schema() -> BTreeMap<String, (bool, bool)> {
        let schema = Schema::parse(crate::graphql::sdl(), "schema.graphql").unwrap();
        let mut found = BTreeMap::new();
        for root in ["Query", "Mutation", "Subscription"] {
            for (name, field) in &schema.get_object(root).unwrap().fields {
                let inputs =
                    field.arguments.iter().filter_map(|given| schema.get_input_object(given.ty.inner_named_type()));
                let takes_value = inputs.into_iter().any(|input| input.fields.contains_key("value"));
                let is_page = field.ty.inner_named_type().ends_with("Connection");
                let known: &mut (bool, bool) = found.entry(name.to_string()).or_default();
                *known = (known.0 || takes_value, known.1 || is_page);
            }
        }
        found
    }

    #[test]
    fn every_root_field_of_the_schema_is_in_the_table_with_its_kind() {
        let table: BTreeMap<String, (bool, bool)> =
            ROOT_FIELDS.iter().map(|(name, _)| ((*name).to_owned(), (takes_value(name), is_page(name)))).collect();
        assert_eq!(table, of_schema());
        assert_eq!(table.len(), ROOT_FIELDS.len(), "none twice");
        let issuing: Vec<&str> = ROOT_FIELDS.iter().map(|(name, _)| *name).filter(|name| issues_value(name)).collect();
        assert_eq!(issuing, ["createAPIToken", ROTATE]);
    }
}
