//! Checks the variables of a request against their declarations (GraphQL, section 6.1.2), before execution. The executing library would
//! check them field by field, after earlier fields have been executed.

use apollo_compiler::ast::{Type, Value as Literal, VariableDefinition};
use apollo_compiler::schema::{ExtendedType, InputObjectType};
use apollo_compiler::{Node, Schema};
use async_graphql::Pos;
use serde_json::{Map, Value as Json};

use crate::domain::text::whole;
use crate::graphql::error::{PublicError, redact_and_truncate};
use crate::service::ErrorCode;

use super::input_values::{DATE_TIME, date_time_problem};

/// A variable that does not fit its declaration: the path in it, and what is wrong.
struct InvalidVariable {
    path: Vec<String>,
    message: String,
    /// Whether the last step of the path is a name of the schema that the client did not send.
    absent: bool,
}

impl InvalidVariable {
    fn new(message: impl Into<String>) -> Self {
        Self { path: Vec::new(), message: message.into(), absent: false }
    }

    fn inside(mut self, name: &str) -> Self {
        self.path.insert(0, name.to_owned());
        self
    }

    /// The message never repeats the content of a variable, which may be a value (R9). Names are those of the schema, or redacted. If names
    /// are hidden, only those that the client sent are used.
    fn describe(mut self, hides_names: bool) -> PublicError {
        if hides_names {
            if self.absent && self.path.len() > 1 {
                self.path.pop();
            }
            "does not fit its declaration".clone_into(&mut self.message);
        }
        let field = self.path.iter().rev().find(|step| step.parse::<usize>().is_err());
        let message = format!("The variable ${} {}.", self.path.join("."), self.message);
        PublicError {
            field: field.map(|field| redact_and_truncate(field).into()),
            ..PublicError::new(ErrorCode::BadUserInput, message)
        }
    }
}

/// Checks the variables against these definitions, and ignores undeclared ones. Whole numbers such as `1.0` are rewritten as integers,
/// because the executing library accepts nothing else. If names are hidden, an error only contains names that the client sent.
///
/// # Errors
/// The first variable that does not fit, and the location of its declaration.
pub(crate) fn check(
    given: &mut Map<String, Json>,
    definitions: &[(Node<VariableDefinition>, Pos)],
    schema: &Schema,
    hides_names: bool,
) -> Result<(), (PublicError, Pos)> {
    definitions.iter().try_for_each(|(definition, place)| {
        let checked = match given.get_mut(definition.name.as_str()) {
            Some(value) => check_value(&definition.ty, value, schema),
            None => check_absent(&definition.ty, definition.default_value.as_ref()),
        };
        checked.map_err(|error| (error.inside(&definition.name).describe(hides_names), *place))
    })
}

fn check_absent(ty: &Type, default: Option<&Node<Literal>>) -> Result<(), InvalidVariable> {
    if !ty.is_non_null() || default.is_some() {
        return Ok(());
    }
    Err(InvalidVariable { absent: true, ..InvalidVariable::new(format!("is missing; its type is {ty}")) })
}

fn check_value(ty: &Type, value: &mut Json, schema: &Schema) -> Result<(), InvalidVariable> {
    match (ty, value) {
        (Type::NonNullNamed(_) | Type::NonNullList(_), Json::Null) => {
            Err(InvalidVariable::new(format!("must not be null; its type is {ty}")))
        }
        (_, Json::Null) => Ok(()),
        (Type::List(item) | Type::NonNullList(item), Json::Array(items)) => {
            items.iter_mut().enumerate().try_for_each(|(place, value)| {
                check_value(item, value, schema).map_err(|error| error.inside(&place.to_string()))
            })
        }
        // A single item is coerced to a list (section 3.11).
        (Type::List(item) | Type::NonNullList(item), value) => check_value(item, value, schema),
        (Type::Named(name) | Type::NonNullNamed(name), value) => check_named(name, value, schema),
    }
}

fn check_named(name: &str, value: &mut Json, schema: &Schema) -> Result<(), InvalidVariable> {
    if matches!(name, "Int" | "ID")
        && let Some(number) = value.as_f64().and_then(whole)
    {
        *value = number.into();
    }
    let fits = match name {
        "Int" => value.as_i64().is_some_and(|number| i32::try_from(number).is_ok()),
        "Float" => value.is_number(),
        "String" => value.is_string(),
        "Boolean" => value.is_boolean(),
        "ID" => value.is_string() || value.is_i64() || value.is_u64(),
        DATE_TIME => match value.as_str().map(date_time_problem) {
            Some(None) => true,
            Some(Some(error)) => return Err(InvalidVariable::new(format!("is {error}"))),
            None => false,
        },
        _ => match (schema.types.get(name), &mut *value) {
            (Some(ExtendedType::Enum(declared)), Json::String(text)) if declared.values.contains_key(text.as_str()) => {
                true
            }
            (Some(ExtendedType::Enum(declared)), _) => {
                let names: Vec<&str> = declared.values.keys().map(|name| name.as_str()).collect();
                return Err(InvalidVariable::new(format!("must be one of {}", names.join(", "))));
            }
            (Some(ExtendedType::InputObject(declared)), Json::Object(fields)) => {
                return check_object(declared, fields, schema);
            }
            (Some(ExtendedType::Scalar(_)), _) => true,
            _ => false,
        },
    };
    if fits { Ok(()) } else { Err(InvalidVariable::new(format!("must be a {name}"))) }
}

fn check_object(
    declared: &InputObjectType,
    fields: &mut Map<String, Json>,
    schema: &Schema,
) -> Result<(), InvalidVariable> {
    if let Some(name) = fields.keys().find(|name| !declared.fields.contains_key(name.as_str())) {
        return Err(InvalidVariable::new(format!("is not a field of {}", declared.name)).inside(name));
    }
    for (name, definition) in &declared.fields {
        let checked = match fields.get_mut(name.as_str()) {
            Some(value) => check_value(&definition.ty, value, schema),
            None => check_absent(&definition.ty, definition.default_value.as_ref()),
        };
        checked.map_err(|error| error.inside(name))?;
    }
    let one_of = declared.directives.get("oneOf").is_some();
    if one_of && (fields.len() != 1 || fields.values().any(Json::is_null)) {
        return Err(InvalidVariable::new(format!("must have exactly one field of {}, and not null", declared.name)));
    }
    Ok(())
}
