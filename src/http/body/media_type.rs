//! Media types (RFC 9110, section 8.3.1), which ones a body may have, and content negotiation, the choice of one for the response (section 12.5.1).

use axum::http::header::{ACCEPT, CONTENT_ENCODING, CONTENT_TYPE};
use axum::http::{HeaderMap, HeaderValue, StatusCode};

use crate::http::rejection::Rejection;
use crate::service::ErrorCode;

/// The media types of GraphQL responses over HTTP.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum AnswerType {
    /// `application/json`, whose status says nothing about the document.
    Json,
    /// `application/graphql-response+json`, whose status tells whether the document was executed.
    GraphqlResponse,
}

impl AnswerType {
    /// In the order of preference for clients that name neither.
    const ALL: [Self; 2] = [Self::Json, Self::GraphqlResponse];

    fn essence(self) -> (&'static str, &'static str) {
        match self {
            Self::Json => ("application", "json"),
            Self::GraphqlResponse => ("application", "graphql-response+json"),
        }
    }
}

/// How specific a media range is: `*/*`, `type/*`, or a full name.
const ANY: u32 = 1;
const BY_KIND: u32 = 2;
const BY_NAME: u32 = 3;

/// A media type or media range.
pub(crate) struct MediaType<'a> {
    kind: &'a str,
    subtype: &'a str,
    parameters: &'a str,
}

impl<'a> MediaType<'a> {
    /// Parses `type/subtype; name=value…`.
    pub(crate) fn parse(text: &'a str) -> Option<Self> {
        let (essence, parameters) = text.split_once(';').unwrap_or((text, ""));
        let (kind, subtype) = essence.trim().split_once('/')?;
        (!kind.is_empty() && !subtype.is_empty()).then_some(Self { kind, subtype, parameters })
    }

    /// Whether it is exactly this type.
    pub(crate) fn is(&self, kind: &str, subtype: &str) -> bool {
        self.kind.eq_ignore_ascii_case(kind) && self.subtype.eq_ignore_ascii_case(subtype)
    }

    /// Whether its charset is UTF-8 or not given. JSON has no other encoding (RFC 8259, section 8.1).
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

    /// Its quality value, in thousandths. An invalid one counts as 1.
    fn weight(&self) -> u32 {
        let weight = self.parameter("q").and_then(|weight| weight.parse::<f32>().ok());
        let weight = weight.filter(|weight| (0.0..=1.0).contains(weight));
        weight.map_or(1_000, |weight| (weight * 1_000.0) as u32)
    }

    /// How specifically it matches this type; `None` if it does not.
    fn matches(&self, (kind, subtype): (&str, &str)) -> Option<u32> {
        match (self.kind, self.subtype) {
            ("*", "*") => Some(ANY),
            (_, "*") if self.kind.eq_ignore_ascii_case(kind) => Some(BY_KIND),
            _ if self.is(kind, subtype) && self.is_utf8() => Some(BY_NAME),
            _ => None,
        }
    }
}

/// The `Content-Type` of a request.
pub(crate) fn of_body(headers: &HeaderMap) -> Option<MediaType<'_>> {
    headers.get(CONTENT_TYPE)?.to_str().ok().and_then(MediaType::parse)
}

/// The `Content-Encoding` of a request, if it is not `identity`.
pub(crate) fn encoding(headers: &HeaderMap) -> Option<&HeaderValue> {
    headers.get_all(CONTENT_ENCODING).iter().find(|value| {
        let text = value.as_bytes().trim_ascii();
        !text.is_empty() && !text.eq_ignore_ascii_case(b"identity")
    })
}

/// Whether `Content-Type` says JSON in UTF-8.
fn is_json(headers: &HeaderMap) -> bool {
    encoding(headers).is_none()
        && of_body(headers).is_some_and(|media_type| media_type.is("application", "json") && media_type.is_utf8())
}

/// Rejects a body with a `Content-Encoding`. A small compressed body could expand to a very large one, so none is decoded.
pub(crate) fn refuse_encoded(headers: &HeaderMap) -> Result<(), Rejection> {
    if encoding(headers).is_none() {
        return Ok(());
    }
    let message = "Send the body without Content-Encoding: compressed bodies are not supported.";
    Err(Rejection::with_status(StatusCode::UNSUPPORTED_MEDIA_TYPE, ErrorCode::BadUserInput, message))
}

/// Rejects a body whose media type is not JSON.
pub(crate) fn must_be_json(headers: &HeaderMap) -> Result<(), Rejection> {
    refuse_encoded(headers)?;
    if is_json(headers) {
        return Ok(());
    }
    let message = "Send the request as JSON in UTF-8, with Content-Type: application/json.";
    Err(Rejection::with_status(StatusCode::UNSUPPORTED_MEDIA_TYPE, ErrorCode::BadUserInput, message))
}

/// Whether the client accepts this type by its name.
pub(crate) fn is_named(headers: &HeaderMap, kind: &str, subtype: &str) -> bool {
    ranges(headers).filter_map(MediaType::parse).any(|range| range.is(kind, subtype) && range.weight() > 0)
}

/// The response formats that a client accepts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Accepted {
    /// The JSON media type that it prefers. The newer one must be named. `None` if it accepts neither.
    pub(crate) json: Option<AnswerType>,
    /// Whether it accepts server-sent events, which must be named.
    pub(crate) streams: bool,
    /// Whether it prefers an event stream even for an operation with a single result. Many clients list everything that they can read,
    /// so a JSON type that is named as well takes precedence, unless its quality value is lower.
    pub(crate) prefers_stream: bool,
}

/// What a client accepts, from its `Accept` headers.
pub(crate) fn negotiate(headers: &HeaderMap) -> Accepted {
    // An `Accept` without a media range counts as missing.
    if headers.get_all(ACCEPT).iter().all(|value| value.as_bytes().iter().all(|byte| b" \t,".contains(byte))) {
        return Accepted { json: Some(AnswerType::Json), streams: false, prefers_stream: false };
    }
    let accepted = || ranges(headers).filter_map(MediaType::parse);
    let wish = |answer: AnswerType| {
        let named = accepted().filter_map(|range| Some((range.matches(answer.essence())?, range.weight())));
        // The most specific range decides.
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

/// The tie-breaker between types that the client accepts equally: the newer one if it is named, else the older.
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
