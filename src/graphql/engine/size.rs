//! Limits the size of an answer while it is built. Its fields multiply what is stored, so a check of the finished answer would come
//! after the memory was used.

use std::sync::Arc;

use async_graphql::extensions::{Extension, ExtensionContext, ExtensionFactory, NextResolve, ResolveInfo};
use async_graphql::{ServerResult, Value, async_trait::async_trait};

use crate::graphql::session::{AnswerSize, Session};

/// The largest answer without a credential, in bytes, if that is less than the setting: there is no token to revoke or to limit. Such
/// an answer contains the schema alone, all of which has less than a quarter of this.
const MAX_ANONYMOUS_BYTES: usize = 1024 * 1024;

/// The limit of an answer, and the size that counts against it.
#[derive(Clone)]
pub(crate) struct Bound {
    size: Arc<AnswerSize>,
    pub(crate) max_bytes: usize,
    /// Whether to stop resolving fields once the answer is too large. A change is reported in full: it was made, and may have issued a
    /// value.
    stops: bool,
}

impl Bound {
    /// The limit for this session, of which this size is already used.
    pub(crate) fn new(size: Arc<AnswerSize>, session: &Session, max_bytes: usize, stops: bool) -> Self {
        let max_bytes = if session.caller.is_some() { max_bytes } else { max_bytes.min(MAX_ANONYMOUS_BYTES) };
        Self { size, max_bytes, stops }
    }

    /// Whether the answers are larger than the limit.
    pub(crate) fn is_exceeded(&self) -> bool {
        self.size.bytes() > self.max_bytes
    }

    /// Whether to resolve no further field. Null takes its place, and no error, of which there would be one for each: the whole answer
    /// will be discarded.
    pub(super) fn must_stop(&self) -> bool {
        self.stops && self.is_exceeded()
    }

    /// As [`Bound::must_stop`], with so many bytes that are not counted yet.
    pub(super) fn must_stop_at(&self, bytes: usize) -> bool {
        self.stops && self.size.bytes().saturating_add(bytes) > self.max_bytes
    }

    /// Counts what was written as JSON.
    pub(super) fn count_written(&self, bytes: usize) {
        self.size.add(bytes);
    }

    /// Counts a value that was resolved, if it is an object. Nested objects were counted when they were resolved.
    pub(super) fn count(&self, value: &Value) {
        if let Value::Object(fields) = value {
            let fields = fields.iter().map(|(key, value)| text_length(key) + 2 + leaf_length(value));
            self.size.add(fields.sum::<usize>() + 3);
        }
    }
}

/// Counts each object of an answer when it is resolved, except those in [`Ready`](super::ready::Ready), which are counted there.
pub(crate) struct CountSize;

impl ExtensionFactory for CountSize {
    fn create(&self) -> Arc<dyn Extension> {
        Arc::new(Self)
    }
}

#[async_trait]
impl Extension for CountSize {
    async fn resolve(
        &self,
        ctx: &ExtensionContext<'_>,
        info: ResolveInfo<'_>,
        next: NextResolve<'_>,
    ) -> ServerResult<Option<Value>> {
        let Some(bound) = ctx.data_opt::<Bound>() else { return next.run(ctx, info).await };
        if bound.must_stop() {
            return Ok(Some(Value::Null));
        }
        let value = next.run(ctx, info).await?;
        if let Some(value) = &value {
            bound.count(value);
        }
        Ok(value)
    }
}

/// The length of a value as JSON, not counting objects, nor what was written as JSON, which was counted then.
fn leaf_length(value: &Value) -> usize {
    match value {
        Value::Object(_) | Value::Binary(_) => 0,
        Value::List(items) => items.iter().map(|item| leaf_length(item) + 1).sum::<usize>() + 2,
        Value::String(text) => text_length(text),
        Value::Enum(name) => text_length(name),
        Value::Number(_) => 11,
        Value::Null | Value::Boolean(_) => 5,
    }
}

fn text_length(text: &str) -> usize {
    let letters = text.bytes().map(|byte| match byte {
        b'"' | b'\\' | b'\n' | b'\r' | b'\t' => 2,
        0..0x20 => 6,
        _ => 1,
    });
    letters.sum::<usize>() + 2
}

#[cfg(test)]
mod tests {
    use async_graphql::Name;
    use async_graphql::indexmap::IndexMap;

    use super::*;

    #[test]
    fn a_length_is_that_of_the_text_that_is_written() {
        for text in ["", "a", "ü€", "a\"b\\c\nd\re\tf", "\u{0}\u{1f}", "\u{7f}"] {
            assert_eq!(text_length(text), serde_json::to_string(text).unwrap().len(), "{text:?}");
        }
        let list = Value::List(vec![Value::from("a\n"), Value::Null, Value::Object(IndexMap::default())]);
        assert_eq!(leaf_length(&list), 2 + (5 + 1) + (5 + 1) + 1);
        assert_eq!(leaf_length(&Value::Enum(Name::new("ABC"))), 5);
    }
}
