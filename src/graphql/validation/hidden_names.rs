//! What is told of a document that does not fit, where nobody may read the schema: what to look for and never a name that
//! the client does not know already.

/// What is told in place of the validator's words, which may name types, and fields that are missing. `rule` is the
/// validator's name for the rule that is broken; those about the document alone keep their words.
pub(crate) fn generic_message(rule: Option<&str>, message: String) -> String {
    match rule {
        // It does not even parse, or a rule is broken that holds with any schema.
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
        Some("UndefinedArgument") => "The field takes no such argument.".to_owned(),
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

/// What is told of a value or a type that is not what must stand there.
pub(crate) const INPUT: &str = "This does not fit the schema, which this server does not show.";
