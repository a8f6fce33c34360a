//! The locations of errors, as the reference implementation (graphql-js) reports them. apollo-compiler reports some syntax errors at the
//! preceding token, and some validation errors at another part of the same node, for example at the name of a field that has an alias.

use apollo_compiler::ast::{Argument, Definition, Directive, Document, Selection, Value};
use apollo_compiler::parser::SourceSpan;
use apollo_compiler::{Name, Node};

use super::lexer;

/// The offset at which the reference implementation reports a syntax error that the parser reports at `offset` with this message.
pub(crate) fn offset_of_syntax_error(message: &str, offset: usize, text: &str) -> usize {
    let Ok(Some(token)) = lexer::next(text, offset) else { return offset };
    let after = || lexer::next(text, token.end).ok().flatten().map_or(text.len(), |next| next.start);
    let starts_with = |at: usize, bytes: fn(&u8) -> bool| text.as_bytes().get(at).is_some_and(bytes);
    match text.get(token.clone()) {
        // The error is the token that must not follow, and not the one that it follows.
        Some("...") if message.ends_with("expected an Inline Fragment or a Fragment Spread") => after(),
        Some("extend") if message.to_ascii_lowercase().contains("type system extension") => after(),
        Some(string) if string.starts_with('"') && message.ends_with("expected a Variable Definition") => after(),
        // A description is only the error if something follows that starts like a definition that cannot have one.
        Some(string) if string.starts_with('"') && message.ends_with("expected definition") => {
            let next = after();
            let is_definition = starts_with(next, |byte| byte.is_ascii_alphabetic() || matches!(byte, b'_' | b'{'));
            if is_definition { offset } else { next }
        }
        _ => offset,
    }
}

/// The offset at which the reference implementation reports an error. `rule` is apollo-compiler's name of the broken rule, and `offset` is
/// where it reports the error.
pub(crate) fn offset_of(rule: Option<&str>, offset: usize, document: &Document, text: &str) -> usize {
    let Some(rule) = rule else { return offset };
    let mut found = None;
    let mut search = Search { rule, offset, text, found: &mut found };
    for definition in &document.definitions {
        match definition {
            Definition::OperationDefinition(operation) => {
                for variable in &operation.variables {
                    if matches!(rule, "UndefinedDefinition" | "VariableInputType") {
                        search.same(start(variable.location()), start(variable.ty.location()));
                    }
                    if rule == "UniqueVariable" {
                        search.same(start(variable.location()), start(variable.name.location()));
                    }
                    variable.default_value.iter().for_each(|value| search.value(value));
                }
                search.directives(&operation.directives);
                search.selections(&operation.selection_set);
            }
            Definition::FragmentDefinition(fragment) => {
                search.directives(&fragment.directives);
                search.selections(&fragment.selection_set);
            }
            _ => {}
        }
    }
    found.unwrap_or(offset)
}

struct Search<'a> {
    rule: &'a str,
    offset: usize,
    text: &'a str,
    found: &'a mut Option<usize>,
}

impl Search<'_> {
    /// Records `there` if the error was reported `here`.
    fn same(&mut self, here: Option<usize>, there: Option<usize>) {
        if here == Some(self.offset) && self.found.is_none() {
            *self.found = there;
        }
    }

    fn selections(&mut self, selections: &[Selection]) {
        for selection in selections {
            match selection {
                Selection::Field(field) => {
                    let here = start(field.location());
                    match self.rule {
                        "UndefinedField" => {
                            let alias = field.alias.as_ref().and_then(name_start);
                            self.same(name_start(&field.name), alias.or_else(|| name_start(&field.name)));
                        }
                        "SubselectionOnScalarType" | "SubselectionOnEnumType" if here == Some(self.offset) => {
                            let inside = field.selection_set.first().and_then(selection_start);
                            self.same(here, inside.and_then(|inside| self.last_token_before(inside)));
                        }
                        _ => {}
                    }
                    self.arguments(&field.arguments);
                    self.directives(&field.directives);
                    self.selections(&field.selection_set);
                }
                Selection::FragmentSpread(spread) => {
                    if self.rule == "UndefinedFragment" {
                        self.same(start(spread.location()), name_start(&spread.fragment_name));
                    }
                    self.directives(&spread.directives);
                }
                Selection::InlineFragment(inline) => {
                    self.directives(&inline.directives);
                    self.selections(&inline.selection_set);
                }
            }
        }
    }

    fn directives(&mut self, directives: &[Node<Directive>]) {
        directives.iter().for_each(|directive| self.arguments(&directive.arguments));
    }

    fn arguments(&mut self, arguments: &[Node<Argument>]) {
        for argument in arguments {
            if self.rule == "DisallowedVariableUsage" {
                self.same(start(argument.location()), start(argument.value.location()));
            }
            self.value(&argument.value);
        }
    }

    fn value(&mut self, value: &Node<Value>) {
        match &**value {
            Value::List(items) => items.iter().for_each(|item| self.value(item)),
            Value::Object(fields) => {
                for (name, value) in fields {
                    if self.rule == "UndefinedInputValue" {
                        self.same(start(value.location()), name_start(name));
                    }
                    self.value(value);
                }
            }
            _ => {}
        }
    }

    /// The start of the last token between the reported offset and this one.
    fn last_token_before(&self, end: usize) -> Option<usize> {
        let (mut at, mut last) = (self.offset, None);
        while let Ok(Some(token)) = lexer::next(self.text, at)
            && token.start < end
        {
            (at, last) = (token.end, Some(token.start));
        }
        last
    }
}

fn start(span: Option<SourceSpan>) -> Option<usize> {
    span.map(|span| span.offset())
}

fn name_start(name: &Name) -> Option<usize> {
    start(name.location())
}

fn selection_start(selection: &Selection) -> Option<usize> {
    start(match selection {
        Selection::Field(field) => field.location(),
        Selection::FragmentSpread(spread) => spread.location(),
        Selection::InlineFragment(inline) => inline.location(),
    })
}
