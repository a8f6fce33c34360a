//! Media types as clients write them (RFC 9110, section 8.3.1), and the choice of one for the answer (section 12.5.1).

use axum::http::header::{ACCEPT, CONTENT_ENCODING, CONTENT_TYPE};
use axum::http::{HeaderMap, HeaderValue};

/// The forms in which GraphQL is answered over HTTP.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum AnswerType {
    /// `application/json`, whose status says nothing of the document.
    Json,
    /// `application/graphql-response+json`, whose status does.
    GraphqlResponse,
}

impl AnswerType {
    /// In the order of preference where a client names neither.
    const ALL: [Self; 2] = [Self::Json, Self::GraphqlResponse];

    fn essence(self) -> (&'static str, &'static str) {
        match self {
            Self::Json => ("application", "json"),
            Self::GraphqlResponse => ("application", "graphql-response+json"),
        }
    }
}

/// How exactly a range names a type: as `*/*`, as `type/*`, or by its name.
const ANY: u32 = 1;
const BY_KIND: u32 = 2;
const BY_NAME: u32 = 3;

/// A media type or a range of them, with the parameters that matter here.
pub(crate) struct MediaType<'a> {
    kind: &'a str,
    subtype: &'a str,
    parameters: &'a str,
}

impl<'a> MediaType<'a> {
    /// Reads `type/subtype; name=value…`.
    pub(crate) fn parse(text: &'a str) -> Option<Self> {
        let (essence, parameters) = text.split_once(';').unwrap_or((text, ""));
        let (kind, subtype) = essence.trim().split_once('/')?;
        (!kind.is_empty() && !subtype.is_empty()).then_some(Self { kind, subtype, parameters })
    }

    /// Whether it is this type exactly.
    pub(crate) fn is(&self, kind: &str, subtype: &str) -> bool {
        self.kind.eq_ignore_ascii_case(kind) && self.subtype.eq_ignore_ascii_case(subtype)
    }

    /// Whether its text is in UTF-8, the only encoding of JSON (RFC 8259, section 8.1).
    pub(crate) fn is_utf8(&self) -> bool {
        self.parameter("charset")
            .is_none_or(|charset| ["utf-8", "utf8"].iter().any(|name| charset.eq_ignore_ascii_case(name)))
    }

    fn parameter(&self, name: &str) -> Option<&'a str> {
        self.parameters.split(';').find_map(|parameter| {
            let (found, value) = parameter.split_once('=')?;
            found.trim().eq_ignore_ascii_case(name).then(|| value.trim().trim_matches('"'))
        })
    }

    /// How much the client wants it, in thousandths; a weight that is none counts as full.
    fn weight(&self) -> u32 {
        let weight = self.parameter("q").and_then(|weight| weight.parse::<f32>().ok());
        let weight = weight.filter(|weight| (0.0..=1.0).contains(weight));
        weight.map_or(1_000, |weight| (weight * 1_000.0) as u32)
    }

    /// How exactly it names this type; `None` if not at all.
    fn names(&self, (kind, subtype): (&str, &str)) -> Option<u32> {
        match (self.kind, self.subtype) {
            ("*", "*") => Some(ANY),
            (_, "*") if self.kind.eq_ignore_ascii_case(kind) => Some(BY_KIND),
            _ if self.is(kind, subtype) && self.is_utf8() => Some(BY_NAME),
            _ => None,
        }
    }
}

/// What the client says that its body is.
pub(crate) fn of_body(headers: &HeaderMap) -> Option<MediaType<'_>> {
    headers.get(CONTENT_TYPE)?.to_str().ok().and_then(MediaType::parse)
}

/// By what the client says that its body is encoded; `identity` is nothing.
pub(crate) fn encoding(headers: &HeaderMap) -> Option<&HeaderValue> {
    headers.get_all(CONTENT_ENCODING).iter().find(|value| {
        let text = value.as_bytes().trim_ascii();
        !text.is_empty() && !text.eq_ignore_ascii_case(b"identity")
    })
}

/// Whether the client names this type among those that it accepts.
pub(crate) fn is_named(headers: &HeaderMap, kind: &str, subtype: &str) -> bool {
    ranges(headers).filter_map(MediaType::parse).any(|range| range.is(kind, subtype) && range.weight() > 0)
}

/// The forms in which a client accepts answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Accepted {
    /// The form of JSON that it wants most; the newer one only if it is named. `None` if it wants neither.
    pub(crate) json: Option<AnswerType>,
    /// Whether it reads a stream of server-sent events. Such a stream must be asked for by name.
    pub(crate) streams: bool,
    /// Whether it wants one even for an operation that has a single answer. Many clients name all that they can read, so an
    /// acceptable form of JSON that is named, too, goes first unless it is wanted less.
    pub(crate) prefers_stream: bool,
}

/// What the client accepts.
pub(crate) fn negotiate(headers: &HeaderMap) -> Accepted {
    // A header without any range says no more than none.
    if headers.get_all(ACCEPT).iter().all(|value| value.as_bytes().iter().all(|byte| b" \t,".contains(byte))) {
        return Accepted { json: Some(AnswerType::Json), streams: false, prefers_stream: false };
    }
    let accepted = || ranges(headers).filter_map(MediaType::parse);
    let wish = |answer: AnswerType| {
        let named = accepted().filter_map(|range| Some((range.names(answer.essence())?, range.weight())));
        // The most exact range decides.
        named.max_by_key(|(exactness, _)| *exactness).filter(|(_, weight)| *weight > 0)
    };
    let wishes = AnswerType::ALL.into_iter().filter_map(|answer| wish(answer).map(|wish| (wish, answer)));
    let best =
        wishes.max_by_key(|((exactness, weight), answer)| (*weight, *exactness, preference(*answer, *exactness)));
    let stream = accepted().filter(|range| range.is("text", "event-stream")).map(|range| range.weight()).max();
    let stream = stream.filter(|weight| *weight > 0);
    let yields = |stream| best.is_some_and(|((exactness, weight), _)| exactness > ANY && weight >= stream);
    Accepted {
        json: best.map(|(_, answer)| answer),
        streams: stream.is_some(),
        prefers_stream: stream.is_some_and(|weight| !yields(weight)),
    }
}

/// Which of two is meant where the client wants both alike.
fn preference(answer: AnswerType, exactness: u32) -> bool {
    (answer == AnswerType::GraphqlResponse) == (exactness == BY_NAME)
}

fn ranges(headers: &HeaderMap) -> impl Iterator<Item = &str> {
    headers.get_all(ACCEPT).iter().filter_map(|value| value.to_str().ok()).flat_map(|value| value.split(','))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_client_chooses() {
        use AnswerType::{GraphqlResponse, Json};
        for (accept, chosen) in [
            ("application/json", Some(Json)),
            ("application/graphql-response+json", Some(GraphqlResponse)),
            ("Application/GraphQL-Response+JSON; charset=UTF-8", Some(GraphqlResponse)),
            ("*/*", Some(Json)),
            ("application/*", Some(Json)),
            ("application/graphql-response+json, application/json", Some(GraphqlResponse)),
            ("application/json, application/graphql-response+json", Some(GraphqlResponse)),
            ("application/graphql-response+json, application/json;q=0.9", Some(GraphqlResponse)),
            ("application/graphql-response+json;q=0.8, application/json;q=0.9", Some(Json)),
            ("application/graphql-response+json;q=0, */*", Some(Json)),
            ("application/json;q=0, */*", Some(GraphqlResponse)),
            ("application/json;q=0.5, */*;q=0.1", Some(Json)),
            ("text/html, application/graphql-response+json", Some(GraphqlResponse)),
            ("text/html, */*;q=0.1", Some(Json)),
            ("text/html", None),
            ("application/json;q=0", None),
            ("application/json; charset=iso-8859-1", None),
            ("", Some(Json)),
            (" , ", Some(Json)),
            ("application/json;q=NaN, application/graphql-response+json;q=0.5", Some(Json)),
            ("application/json;q=-1, */*", Some(Json)),
            ("application/json;q=inf, application/graphql-response+json;q=0.5", Some(Json)),
            ("json", None),
        ] {
            let headers = HeaderMap::from_iter([(ACCEPT, HeaderValue::from_static(accept))]);
            assert_eq!(negotiate(&headers).json, chosen, "{accept}");
        }
        assert_eq!(negotiate(&HeaderMap::new()).json, Some(Json));
    }

    #[test]
    fn an_event_stream_is_asked_for_by_name_and_yields_to_json_that_is_wanted_as_much() {
        for (accept, streams, prefers_stream) in [
            ("text/event-stream", true, true),
            ("Text/Event-Stream;q=0.5", true, true),
            ("text/event-stream;q=0", false, false),
            ("*/*", false, false),
            ("application/json, text/event-stream", true, false),
            ("text/event-stream, application/json", true, false),
            ("text/event-stream, application/*", true, false),
            ("text/event-stream, */*", true, true),
            ("application/json;q=0.9, text/event-stream", true, true),
            ("application/json;q=0.9, text/event-stream;q=0.9", true, false),
            ("application/json;q=0, text/event-stream;q=0.1", true, true),
            ("application/json;q=0.2, application/graphql-response+json;q=0.8, text/event-stream;q=0.5", true, false),
        ] {
            let headers = HeaderMap::from_iter([(ACCEPT, HeaderValue::from_static(accept))]);
            let accepted = negotiate(&headers);
            assert_eq!((accepted.streams, accepted.prefers_stream), (streams, prefers_stream), "{accept}");
        }
    }
}
