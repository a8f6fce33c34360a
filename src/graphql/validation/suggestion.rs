//! Suggests the name that a misspelt one was probably meant to be.

use apollo_compiler::Schema;
use apollo_compiler::schema::ExtendedType;

use crate::domain::text::nearest;

/// A suggestion for the unknown name in this message of apollo-compiler, which contains the type and the field, or only the type, in
/// backquotes.
pub(crate) fn of(message: &str, schema: &Schema) -> Option<String> {
    let mut quoted = message.split('`').skip(1).step_by(2);
    let (first, second) = (quoted.next()?, quoted.next());
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
    let name = nearest(second.unwrap_or(first), candidates)?;
    Some(format!(" Did you mean `{name}`?"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_similar_name_is_suggested() {
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
