//! Running subscriptions. An event is resolved and serialised once for all subscribers that select the same fields. Otherwise, every
//! change would delay other requests in proportion to the number of subscribers.

use std::sync::{Arc, Mutex};

use async_graphql::Response;
use async_graphql::parser::types::{DocumentOperations, ExecutableDocument, Selection, SelectionSet};
use futures_util::StreamExt;
use futures_util::stream::{self, BoxStream};
use quick_cache::Weighter;
use quick_cache::sync::Cache;
use serde_json::value::RawValue;
use sha2::{Digest, Sha256};

use crate::domain::id::EventId;
use crate::domain::timestamp::Timestamp;
use crate::graphql::schema::handoff::{Handoff, NextEvent, take};

use super::answer::Answer;

/// How many bytes of serialised events are cached, for subscribers that have not sent them yet.
const CACHE_BYTES: u64 = 4 * 1024 * 1024;
/// What a cache entry takes besides its text, in bytes.
const ENTRY_BYTES: u64 = 160;

/// What a subscription selects of an event. Subscriptions that select the same share the serialised text.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
struct Shape([u8; 32]);

impl Shape {
    /// The shape of a planned document; `None` if the answer depends on anything besides the event.
    fn of(document: &ExecutableDocument) -> Option<Self> {
        let DocumentOperations::Single(operation) = &document.operations else { return None };
        let mut operation = operation.node.clone();
        operation.variable_definitions.clear();
        for selection in &mut operation.selection_set.node.items {
            if let Selection::Field(field) = &mut selection.node {
                // At the root, arguments select the events and not their fields.
                field.node.arguments.clear();
            }
        }
        let mut parts = document.fragments.values().map(|fragment| &fragment.node.selection_set.node);
        if takes_arguments(&operation.selection_set.node) || parts.any(takes_arguments) {
            return None;
        }
        // A map has no fixed order.
        let mut fragments: Vec<_> = document.fragments.iter().collect();
        fragments.sort_by_key(|(name, _)| name.as_str());
        Some(Self(Sha256::digest(format!("{operation:?}{fragments:?}")).into()))
    }
}

fn takes_arguments(set: &SelectionSet) -> bool {
    set.items.iter().any(|selection| match &selection.node {
        Selection::Field(field) => !field.node.arguments.is_empty() || takes_arguments(&field.node.selection_set.node),
        Selection::InlineFragment(inline) => takes_arguments(&inline.node.selection_set.node),
        Selection::FragmentSpread(_) => false,
    })
}

#[derive(Clone)]
struct Length;

impl Weighter<(EventId, Shape), Arc<RawValue>> for Length {
    fn weight(&self, _: &(EventId, Shape), text: &Arc<RawValue>) -> u64 {
        ENTRY_BYTES + text.get().len() as u64
    }
}

/// A cache of serialised events.
pub(crate) struct SharedEvents {
    serialised: Cache<(EventId, Shape), Arc<RawValue>, Length>,
}

impl Default for SharedEvents {
    fn default() -> Self {
        Self { serialised: Cache::with_weighter(CACHE_BYTES as usize / 1024, CACHE_BYTES, Length) }
    }
}

impl SharedEvents {
    /// Subscribes. `execute` runs the library. Once this returns, no event is missed; if it failed, the first answer says why, and until
    /// when the caller's token must be rotated. An answer with an event says it of the time of that event.
    pub(crate) async fn subscribe(
        self: &Arc<Self>,
        document: &ExecutableDocument,
        rotate_soon_by: Option<Timestamp>,
        execute: impl Fn(Arc<Handoff>) -> BoxStream<'static, Response> + Send + Sync + 'static,
        answer: impl Fn(Response) -> Answer + Send + Sync + 'static,
    ) -> BoxStream<'static, Answer> {
        let subscribe = Arc::new(Handoff::Subscribe(Mutex::default()));
        if let Some(refused) = execute(subscribe.clone()).next().await {
            return stream::iter([answer(refused).warning_of(rotate_soon_by)]).boxed();
        }
        let Handoff::Subscribe(stored) = &*subscribe else { return stream::empty().boxed() };
        let Some(events) = take(stored) else { return stream::empty().boxed() };
        let (shared, shape, library) = (self.clone(), Shape::of(document), Arc::new((execute, answer)));
        let answer_event = move |(event, rotate_soon_by): NextEvent| {
            let (shared, library) = (shared.clone(), library.clone());
            async move {
                let key = event.as_ref().ok().and_then(|event| Some((event.id, shape?)));
                let build = async {
                    let (execute, answer) = &*library;
                    answer(
                        execute(Arc::new(Handoff::Resolve(Mutex::new(Some(event))))).next().await.unwrap_or_default(),
                    )
                };
                let answer = match key {
                    Some(key) => shared.build_once(key, build).await,
                    None => build.await,
                };
                // Not shared: it is about the subscriber, and not about the event.
                answer.warning_of(rotate_soon_by)
            }
        };
        events.then(answer_event).boxed()
    }

    /// The answer for this event and shape, built by the first subscriber that needs it.
    async fn build_once(&self, key: (EventId, Shape), build: impl Future<Output = Answer>) -> Answer {
        let serialised = self.serialised.get_or_insert_async(&key, async { build.await.serialise() });
        serialised.await.map_or_else(|answer| *answer, Answer::from_serialised)
    }
}

#[cfg(test)]
mod tests {
    use async_graphql::parser::parse_query;

    use super::*;

    #[tokio::test]
    async fn an_event_is_built_once_for_all_who_ask_for_the_same_of_it() {
        let shared = SharedEvents::default();
        let built = std::cell::Cell::new(0);
        let build = async || {
            built.set(built.get() + 1);
            Answer::of(Vec::new(), vec![Response::default()])
        };
        let (event, other) = (
            EventId::parse("evt_00000000000000000000000001").unwrap(),
            EventId::parse("evt_00000000000000000000000002").unwrap(),
        );
        let (shape, another) = (Shape([0; 32]), Shape([1; 32]));
        for (key, times) in
            [((event, shape), 1), ((event, shape), 1), ((event, another), 2), ((other, shape), 3), ((event, shape), 3)]
        {
            let answer = serde_json::to_string(&shared.build_once(key, build()).await).unwrap();
            assert_eq!((answer.as_str(), built.get()), (r#"{"data":{}}"#, times));
        }
    }

    #[test]
    fn a_shape_is_what_is_asked_of_an_event_and_not_of_which() {
        let shape = |document: &str| Shape::of(&parse_query(document).unwrap()).map(|Shape(bytes)| bytes);
        let one = shape("subscription { auditEvents(filter: { tokenId: \"a\" }) { id action } }");
        assert!(one.is_some());
        for (document, same) in [
            ("subscription { auditEvents(filter: { tokenId: \"b\" }) { id action } }", true),
            ("subscription { auditEvents(filter: { tokenId: \"a\" }) { action id } }", false),
            ("subscription { auditEvents(filter: { tokenId: \"a\" }) { id action result } }", false),
            ("subscription { auditEvents(filter: { tokenId: \"a\" }) { a: id action } }", false),
            ("subscription { a: auditEvents(filter: { tokenId: \"a\" }) { id action } }", false),
        ] {
            assert_eq!(shape(document) == one, same, "{document}");
        }
        let spread = "subscription { a { ...f } } fragment f on E { id ...g } fragment g on E { action }";
        assert!(shape(spread).is_some() && shape(spread) != shape(&spread.replace("action", "result")));
        assert_eq!(shape("subscription { auditEvents { id(short: true) } }"), None);
    }
}
