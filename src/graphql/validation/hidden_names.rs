//! Error messages without names of the schema, for a server on which nobody may read it. They only contain names that the client sent.

/// Replaces a message of apollo-compiler, which may contain names of types and of missing fields. `rule` is its name of the broken rule.
/// Messages of rules that only concern the document are kept.
pub(crate) fn generic_message(rule: Option<&str>, message: String) -> String {
    match rule {
        // A syntax error, or a rule that does not depend on the schema.
        None
        | Some(
            "AmbiguousAnonymousOperation"
            | "ConflictingFieldArgument"
            | "ConflictingFieldName"
            | "FragmentNameCollision"
            | "OperationNameCollision"
            | "RecursionError"
            | "RecursionLimitError"
            | "RecursiveFragmentDefinition"
            | "SubscriptionUsesConditionalSelection"
            | "SubscriptionUsesIntrospection"
            | "TypeSystemDefinition"
            | "UndefinedFragment"
            | "UndefinedVariable"
            | "UniqueArgument"
            | "UniqueInputValue"
            | "UniqueVariable"
            | "UnusedFragment"
            | "UnusedVariable",
        ) => message,
        Some("UndefinedField") => "There is no such field here.".to_owned(),
        Some("UndefinedArgument") => "The field has no such argument.".to_owned(),
        Some("UndefinedDirective") => "There is no such directive.".to_owned(),
        Some("UndefinedInputValue") => "The input has no such field.".to_owned(),
        Some("UndefinedEnumValue") => "This name is unknown here.".to_owned(),
        Some("RequiredArgument") => "A required argument is missing.".to_owned(),
        Some("RequiredField") => "A required field of the input is missing.".to_owned(),
        Some("MissingSubselection") => "Select fields of this object.".to_owned(),
        Some("SubselectionOnScalarType" | "SubselectionOnEnumType") => {
            "This field has no subfields to select.".to_owned()
        }
        Some(_) => INPUT.to_owned(),
    }
}

/// The message for a value or type that does not fit.
pub(crate) const INPUT: &str = "This does not fit the schema, which this server does not show.";
