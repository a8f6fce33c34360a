//! `verifyAPIToken` as services ask it many times a second: answered without the library that executes.
//!
//! Separate, and for this one query only, because the library takes several times as long as the verification itself: it
//! copies the document, walks it once more, and makes a future of every field. What it would answer is answered here to the
//! letter, which a test compares; whatever is asked in any other way, or is not in the lists below, is left to it.

use async_graphql::indexmap::IndexMap;
use async_graphql::parser::types::{ExecutableDocument, Field, Selection, SelectionSet};
use async_graphql::{Name, PathSegment, Pos, Positioned, Response, Value};
use serde_json::{Map, Value as Json};

use crate::domain::scope::Scope;
use crate::service::{Error, Service, Verification, View};

use super::answer::{Answer, Root};
use super::cost::cost;
use super::error::refuse;
use super::plan::root_fields;
use super::request::Session;
use super::types::verification::VerifyApiTokenInput;

const VERIFY: &str = "verifyAPIToken";

/// How a field is told.
type Tell<T> = fn(&T) -> Value;
/// What is told for each field of a set, by its response key.
type Fields<T> = Vec<(Name, T)>;

/// What is asked of a verification.
#[derive(Debug)]
pub(super) struct Direct {
    root: Root,
    at: Pos,
    /// The variable that holds the input.
    variable: Name,
    fields: Fields<Told>,
    /// What it costs, whatever its variables are.
    pub(super) cost: u64,
}

#[derive(Debug)]
enum Told {
    Leaf(Tell<Verification>),
    Token(Fields<Tell<View>>),
}

/// What is asked about. It holds a value, so it cannot be printed (R9).
pub(super) struct Input(VerifyApiTokenInput);

impl Direct {
    /// The planned document, if it is one that can be answered directly.
    pub(super) fn of(document: &ExecutableDocument, root: impl FnOnce(&Field) -> Root) -> Option<Self> {
        let [field] = root_fields(document)[..] else { return None };
        let [(argument, input)] = &field.arguments[..] else { return None };
        if field.name.node != VERIFY || argument.node != "input" {
            return None;
        }
        // Null in the place of a variable makes all of it null only if it is that variable.
        let mut variable = None;
        let rest = input.node.clone().into_const_with(|name| {
            variable = Some(name);
            Ok::<_, ()>(Value::Null)
        });
        let variable = variable.filter(|_| rest == Ok(Value::Null))?;
        Some(Self {
            fields: fields(&field.selection_set.node, |field| {
                if field.name.node == "token" {
                    return fields(&field.selection_set.node, of_token).map(Told::Token);
                }
                of_verification(field).map(Told::Leaf)
            })?,
            at: position(document)?,
            variable,
            cost: cost(document, &|_| Value::Null),
            root: root(field),
        })
    }

    /// The input among the variables, which are as they are declared; `None` if the document has to say what it is.
    pub(super) fn input(&self, given: &mut Map<String, Json>) -> Option<Input> {
        match given.get_mut(self.variable.as_str())? {
            Json::Object(fields) => VerifyApiTokenInput::take(fields).map(Input),
            _ => None,
        }
    }

    /// Verifies and answers.
    pub(super) async fn answer(&self, service: &Service, session: &Session, Input(input): Input) -> Answer {
        let response = match verify(service, session, input).await {
            Ok(verification) => {
                let told = self.fields.iter().map(|(key, told)| (key.clone(), told.of(&verification))).collect();
                Response::new(Value::Object(IndexMap::from([(self.root.key.clone(), Value::Object(told))])))
            }
            Err(err) => {
                let mut err = refuse(err).into_server_error(self.at);
                err.path = vec![PathSegment::Field(self.root.key.to_string())];
                Response::from_errors(vec![err])
            }
        };
        Answer::of(vec![self.root.clone()], vec![response])
    }
}

async fn verify(service: &Service, session: &Session, input: VerifyApiTokenInput) -> Result<Verification, Error> {
    let (value, required, source) = input.read()?;
    let caller = session.caller.as_ref().ok_or(Error::Anonymous)?;
    service.verify_for(caller, &value, &required, source).await
}

impl Told {
    fn of(&self, verification: &Verification) -> Value {
        match self {
            Self::Leaf(tell) => tell(verification),
            Self::Token(fields) => verification.token.as_ref().map_or(Value::Null, |view| {
                Value::Object(fields.iter().map(|(key, tell)| (key.clone(), tell(view))).collect())
            }),
        }
    }
}

/// What is told for each field of a set; `None` if one of them is not as simple as that.
fn fields<T>(set: &SelectionSet, told: impl Fn(&Field) -> Option<T>) -> Option<Fields<T>> {
    let mut found = Fields::new();
    for selection in &set.items {
        let Selection::Field(Positioned { node: field, .. }) = &selection.node else { return None };
        let key = &field.response_key().node;
        if found.iter().any(|(other, _)| other == key) {
            return None;
        }
        found.push((key.clone(), told(field)?));
    }
    Some(found)
}

fn position(document: &ExecutableDocument) -> Option<Pos> {
    let (_, operation) = document.operations.iter().next()?;
    operation.node.selection_set.node.items.first().map(|field| field.pos)
}

fn of_verification(field: &Field) -> Option<Tell<Verification>> {
    Some(match field.name.node.as_str() {
        "__typename" => |_| "APITokenVerification".into(),
        "valid" => |verification| verification.is_valid().into(),
        "code" => |verification| verification.code.as_str().into(),
        "generation" => |verification| verification.generation.into(),
        "retiresAt" => |verification| verification.retires_at().map(|at| at.to_string()).into(),
        "missingScopes" => |verification| scopes(verification.missing_scopes.iter().map(Scope::as_str)),
        _ => return None,
    })
}

fn of_token(field: &Field) -> Option<Tell<View>> {
    Some(match field.name.node.as_str() {
        "__typename" => |_| "APIToken".into(),
        "id" => |view| view.token.id.text().as_str().into(),
        "name" => |view| (&*view.token.settings.name).into(),
        "owner" => |view| view.token.settings.owner.as_deref().into(),
        "kind" => |view| view.token.settings.kind.as_str().into(),
        "status" => |view| view.status.as_str().into(),
        "scopes" => |view| scopes(view.token.settings.scopes.iter()),
        "generation" => |view| view.token.current.generation.into(),
        "expiresAt" => |view| view.token.settings.expires_at.map(|at| at.to_string()).into(),
        "rotateBy" => |view| view.token.rotate_by().map(|at| at.to_string()).into(),
        _ => return None,
    })
}

fn scopes<'a>(scopes: impl Iterator<Item = &'a str>) -> Value {
    Value::List(scopes.map(Value::from).collect())
}

#[cfg(test)]
mod tests {
    use crate::graphql::contract::Contract;
    use crate::graphql::settings::Settings;

    #[test]
    fn what_is_simple_is_answered_directly_and_nothing_else_is() {
        let contract = Contract::new(&crate::graphql::sdl(), Settings::default()).unwrap();
        let head = "query($input: VerifyAPITokenInput!, $value: String = \"\")";
        for (set, direct) in [
            ("{ verifyAPIToken(input: $input) { valid } }", true),
            ("{ mine: verifyAPIToken(input: $input) { code mine: token { id of: owner } } }", true),
            ("{ ...f } fragment f on Query { verifyAPIToken(input: $input) { valid } }", true),
            ("{ verifyAPIToken(input: $input) { valid @include(if: true) } }", false),
            ("{ verifyAPIToken(input: $input) { ... { valid } } }", false),
            ("{ verifyAPIToken(input: $input) { valid valid } }", false),
            ("{ verifyAPIToken(input: $input) { token { lastUsedAt } } }", false),
            ("{ verifyAPIToken(input: { value: $value }) { valid } }", false),
            ("{ verifyAPIToken(input: $input) { valid } __typename }", false),
            ("{ currentAPIToken { id } }", false),
        ] {
            // A variable that is not used is no valid document.
            let unused =
                if set.contains("$value") { "$input: VerifyAPITokenInput!, " } else { ", $value: String = \"\"" };
            let head =
                if set.contains("$input") || set.contains("$value") { head.replace(unused, "") } else { String::new() };
            let prepared = contract.prepare(&format!("{head} {set}")).map_err(|_| set).unwrap();
            assert_eq!(prepared.choose(None).map_err(|_| set).unwrap().direct.is_some(), direct, "{set}");
        }
    }
}
