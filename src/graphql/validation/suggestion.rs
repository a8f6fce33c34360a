//! What a misspelt name was probably meant to be.

use apollo_compiler::Schema;
use apollo_compiler::schema::ExtendedType;

/// How alike two names must be, of 1 for the same.
const ALIKE: f64 = 0.8;

/// No name of ours is longer, nor is one that was meant to be one.
const MAX_LENGTH: usize = 64;

fn wanted_length(first: &str, second: Option<&str>) -> usize {
    second.unwrap_or(first).len()
}

/// A sentence that suggests a name for the one that this message of the validator says does not exist. It names the type and
/// then the field, or the type alone, between back quotes.
pub(crate) fn of(message: &str, schema: &Schema) -> Option<String> {
    let mut quoted = message.split('`').skip(1).step_by(2);
    let (first, second) = (quoted.next()?, quoted.next());
    if wanted_length(first, second) > MAX_LENGTH {
        return None;
    }
    let candidates: Vec<&str> = match second {
        Some(_) if message.contains("does not have a field") => match schema.types.get(first)? {
            ExtendedType::Object(object) => object.fields.keys().map(|name| name.as_str()).collect(),
            ExtendedType::Interface(interface) => interface.fields.keys().map(|name| name.as_str()).collect(),
            _ => return None,
        },
        None if message.contains("cannot find type") || message.starts_with("Cannot find type") => {
            schema.types.keys().map(|name| name.as_str()).collect()
        }
        _ => return None,
    };
    let wanted = second.unwrap_or(first);
    let (likeness, name) = candidates
        .into_iter()
        .map(|name| (strsim::jaro_winkler(&name.to_lowercase(), &wanted.to_lowercase()), name))
        .max_by(|(one, _), (other, _)| one.total_cmp(other))?;
    (likeness >= ALIKE).then(|| format!(" Did you mean `{name}`?"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_is_nearly_right_is_mended() {
        let schema = Schema::parse("type Query { currentAPIToken: String apiTokens: String }", "schema").unwrap();
        for (message, suggested) in [
            ("Type `Query` does not have a field `currentApiToken`.", Some(" Did you mean `currentAPIToken`?")),
            ("Type `Query` does not have a field `apiToken`.", Some(" Did you mean `apiTokens`?")),
            ("Type `Query` does not have a field `weather`.", None),
            ("Cannot find type `Qurey` in this document.", Some(" Did you mean `Query`?")),
            ("Something else about `Query` and `apiToken`.", None),
        ] {
            assert_eq!(of(message, &schema).as_deref(), suggested, "{message}");
        }
    }
}
