//! One POST, and its answer.

use std::fmt::{self, Debug, Formatter};
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Bytes;
use hyper::client::conn::http1::Builder;
use hyper::header::{CONNECTION, CONTENT_TYPE, HOST, HeaderName, HeaderValue, RETRY_AFTER, USER_AGENT};
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::{Instant, timeout_at};
use url::{Position, Url};

use crate::tls;

use super::connect::connect;
use super::error::Error;
use super::resolve::Resolve;

/// How long the status line and the headers of an answer may be. Answers have a few hundred bytes of them.
const MAX_HEAD_BYTES: usize = 16_384;

/// A header of a request.
pub type Header = (HeaderName, HeaderValue);

/// A header with this name and value; `None` if one of them is invalid. The value may be a credential: it is not printed.
pub fn header(name: &str, value: &str) -> Option<Header> {
    let mut value = HeaderValue::from_str(value).ok()?;
    value.set_sensitive(true);
    Some((HeaderName::from_bytes(name.as_bytes()).ok()?, value))
}

/// How requests are sent. Clones share the resolver and the authorities.
#[derive(Clone)]
pub struct Client {
    /// Where the addresses of names come from.
    pub resolver: Arc<dyn Resolve>,
    /// The TLS of `https` URLs. Without it, they fail.
    pub tls: Option<tls::Connector>,
    /// How long everything may take, from the lookup of the name to the end of the answer.
    pub timeout: Duration,
    /// How much of the body of an answer is read.
    pub max_answer_bytes: usize,
}

impl Debug for Client {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str("Client(…)")
    }
}

/// A request.
pub struct Post<'a> {
    /// An `http` or `https` URL.
    pub url: &'a Url,
    /// The headers, beside those that follow from the rest.
    pub headers: Vec<Header>,
    /// The media type of the body.
    pub content_type: &'static str,
    /// The body.
    pub body: Vec<u8>,
}

/// What the server answered.
#[derive(Debug)]
pub struct Answer {
    /// The status, which is what counts.
    pub status: StatusCode,
    /// Its `Retry-After`, as it was sent.
    pub retry_after: Option<String>,
    /// The body; empty if it is too long, or was not complete in time.
    pub body: Bytes,
}

impl Client {
    /// Sends a request to the first address of its host that may be connected to.
    ///
    /// # Errors
    /// When there is no answer in time.
    pub async fn post(&self, post: Post<'_>, may_connect: impl Fn(IpAddr) -> bool) -> Result<Answer, Error> {
        let (url, deadline) = (post.url, Instant::now() + self.timeout);
        let request = request(post).ok_or(Error::Request)?;
        let connected = connect(url, self.resolver.as_ref(), may_connect);
        let stream = self.by(deadline, connected).await?;
        let response = match (url.scheme(), &self.tls) {
            ("http", _) => self.send(stream, request, deadline).await?,
            ("https", Some(tls)) => {
                // An IPv6 address has brackets in a URL only.
                let name = url.host_str().unwrap_or_default().trim_start_matches('[').trim_end_matches(']');
                let handshake = async { tls.connect(name, stream).await.map_err(Error::Tls) };
                self.send(self.by(deadline, handshake).await?, request, deadline).await?
            }
            _ => return Err(Error::Request),
        };
        let (head, body) = response.into_parts();
        let retry_after = head.headers.get(RETRY_AFTER).and_then(|value| value.to_str().ok());
        Ok(Answer { status: head.status, retry_after: retry_after.map(str::to_owned), body })
    }

    async fn by<T>(&self, deadline: Instant, step: impl Future<Output = Result<T, Error>>) -> Result<T, Error> {
        timeout_at(deadline, step).await.unwrap_or(Err(Error::TimedOut(self.timeout)))
    }

    async fn send<S>(
        &self,
        stream: S,
        request: Request<Full<Bytes>>,
        deadline: Instant,
    ) -> Result<Response<Bytes>, Error>
    where
        S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
    {
        let handshake = Builder::new().max_buf_size(MAX_HEAD_BYTES).handshake(TokioIo::new(stream));
        let (mut sender, connection) = handshake.await.map_err(Error::Http)?;
        let answer = async {
            let sent = async { sender.send_request(request).await.map_err(Error::Http) };
            let (head, body) = self.by(deadline, sent).await?.into_parts();
            let body = Limited::new(body, self.max_answer_bytes).collect();
            // The server has acted on the request: a body that breaks off or never ends is no reason to send it again.
            let body = timeout_at(deadline, body).await.ok().and_then(Result::ok);
            Ok(Response::from_parts(head, body.map(|body| body.to_bytes()).unwrap_or_default()))
        };
        // The connection does not end before the answer unless it fails, and then the answer says so.
        let mut answer = std::pin::pin!(answer);
        let mut connection = std::pin::pin!(connection);
        tokio::select! {
            answer = &mut answer => answer,
            _ = &mut connection => answer.await,
        }
    }
}

fn request(post: Post<'_>) -> Option<Request<Full<Bytes>>> {
    let Post { url, headers: given, content_type, body } = post;
    let host = match url.port() {
        None => url.host_str()?.to_owned(),
        Some(port) => format!("{}:{port}", url.host_str()?),
    };
    let target = &url[Position::BeforePath..Position::AfterQuery];
    let mut request = Request::post(target).header(HOST, host).body(Full::<Bytes>::from(body)).ok()?;
    let headers = request.headers_mut();
    headers.extend(given);
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    headers.insert(USER_AGENT, HeaderValue::from_static(concat!("rotakey/", env!("CARGO_PKG_VERSION"))));
    headers.insert(CONNECTION, HeaderValue::from_static("close"));
    Some(request)
}
