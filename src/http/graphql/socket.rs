//! Serves one WebSocket after its handshake: one task reads and writes messages, and each operation has a task.
//!
//! Memory is bounded whatever the client does. The socket is written only as fast as the client reads, an operation is at most one
//! answer ahead of what was written, and the number of operations is limited. A client that stops reading, or stops answering
//! pings, is disconnected.
//!
//! An operation runs in its own task so that it finishes, and releases its database connection and write slot, even while the
//! socket waits for a slow client.
//!
//! Ours in place of `async_graphql_axum::GraphQLWebSocket`; [`super`] says why.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::ws::{CloseFrame, Message, WebSocket};
use futures_util::stream::BoxStream;
use futures_util::{StreamExt, stream};
use serde_json::Value;
use tokio::sync::mpsc;
use tokio::time::{Interval, MissedTickBehavior, interval, timeout};
use tokio_stream::StreamMap;
use tokio_stream::wrappers::ReceiverStream;
use tokio_util::sync::CancellationToken;

use crate::graphql::{Answer, Outcome, Request, Session};
use crate::http::body::json;
use crate::http::body::unique_names::UniqueFields;
use crate::http::rejection::Rejection;
use crate::http::server::Upgraded;
use crate::http::state::AppState;
use crate::service::{Caller, ErrorCode, StreamPermit};

use super::protocol::{ClientMessage, Close, ServerMessage};
use super::request_parameters;
use super::socket_authentication::SocketClient;

/// How long a client may take to send `connection_init`.
const INIT_TIMEOUT: Duration = Duration::from_secs(10);
/// How often the server sends a ping. A client that sent nothing since the last one is gone.
const PING_PERIOD: Duration = Duration::from_secs(15);
/// How long writing one message may wait for the client to read.
const SEND_TIMEOUT: Duration = Duration::from_secs(20);
/// How long a client may take to answer a close frame.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(1);
/// How many operations may run on one socket.
const MAX_OPERATIONS: usize = 32;

/// What an operation reports next.
enum Step {
    Next(Answer),
    /// It was not executed, because of these errors.
    Error(Value),
    Complete,
    /// The value that the client presented no longer works.
    Close(Close),
    /// Its task ended before it was complete: it panicked.
    Lost,
}

/// Why a socket ends.
enum End {
    Close(Close),
    /// The client is gone, or does not read.
    Gone,
}

pub(crate) struct Socket {
    socket: WebSocket,
    state: AppState,
    client: SocketClient,
    upgraded: Arc<Upgraded>,
    /// Set once `connection_init` has authenticated the client.
    caller: Option<Arc<Caller>>,
    /// Counts this socket towards the streams of the caller's token.
    place: Option<StreamPermit>,
    /// The running operations. Removing one cancels it.
    operations: StreamMap<String, BoxStream<'static, Step>>,
    /// Whether anything was received since the last ping.
    received: bool,
}

impl Socket {
    pub(crate) fn new(socket: WebSocket, state: AppState, client: SocketClient, upgraded: Arc<Upgraded>) -> Self {
        let operations = StreamMap::new();
        Self { socket, state, client, upgraded, caller: None, place: None, operations, received: true }
    }

    /// Serves the client until either side closes the socket.
    pub(crate) async fn run(mut self) {
        let _tracked = self.state.shutdown.track_stream();
        let closing = self.state.shutdown.closing();
        let End::Close(Close { code, reason }) = self.serve(&closing).await else { return };
        self.operations.clear();
        let frame = Message::Close(Some(CloseFrame { code, reason: reason.into() }));
        let closed = async {
            self.socket.send(frame).await?;
            while let Some(Ok(_)) = self.socket.recv().await {}
            Ok::<_, axum::Error>(())
        };
        // A client that does not answer the close frame is disconnected too.
        let _ = timeout(CLOSE_TIMEOUT, closed).await;
    }

    async fn serve(&mut self, closing: &CancellationToken) -> End {
        if self.socket.protocol().is_none() {
            return End::Close(Close::NO_PROTOCOL);
        }
        let (mut init, mut pings) = (ticks_after(INIT_TIMEOUT).await, ticks_after(PING_PERIOD).await);
        loop {
            let done = tokio::select! {
                () = closing.cancelled() => Err(End::Close(Close::GOING_AWAY)),
                _ = init.tick(), if self.caller.is_none() => Err(End::Close(Close::INIT_TIMEOUT)),
                _ = pings.tick() => self.ping().await,
                message = self.socket.recv() => self.receive(message).await,
                Some((id, step)) = self.operations.next() => self.advance(&id, step).await,
            };
            if let Err(end) = done {
                return end;
            }
        }
    }

    async fn ping(&mut self) -> Result<(), End> {
        if !std::mem::take(&mut self.received) {
            return Err(End::Gone);
        }
        self.send(Message::Ping(Default::default())).await
    }

    async fn receive(&mut self, message: Option<Result<Message, axum::Error>>) -> Result<(), End> {
        self.received = true;
        let text = match message {
            None | Some(Ok(Message::Close(_))) => return Err(End::Gone),
            Some(Ok(Message::Ping(_) | Message::Pong(_))) => return Ok(()),
            Some(Ok(Message::Text(text))) => text,
            Some(Ok(Message::Binary(_)) | Err(_)) => return Err(End::Close(Close::BAD_MESSAGE)),
        };
        let message = json::parse(text.as_bytes()).map_err(|_| End::Close(Close::BAD_MESSAGE))?;
        match message {
            ClientMessage::ConnectionInit { payload } => self.init(payload.unwrap_or_default()).await,
            ClientMessage::Ping {} => self.send_message(&ServerMessage::Pong).await,
            ClientMessage::Pong {} => Ok(()),
            ClientMessage::Subscribe { id, payload } => self.subscribe(id, payload).await,
            ClientMessage::Complete { id } => {
                self.operations.remove(&id);
                Ok(())
            }
        }
    }

    async fn init(&mut self, payload: UniqueFields) -> Result<(), End> {
        if self.caller.is_some() {
            return Err(End::Close(Close::SECOND_INIT));
        }
        let payload = payload.fields("parameter").map_err(|_| End::Close(Close::BAD_MESSAGE))?;
        let caller = self.client.caller(&self.state, &payload).await.map_err(End::Close)?;
        let place = self.state.service.open_stream(&caller).map_err(|err| End::Close(Close::refused(&err.into())))?;
        self.place = Some(place);
        self.upgraded.set_authenticated();
        self.caller = Some(Arc::new(caller));
        self.send_message(&ServerMessage::ConnectionAck).await
    }

    async fn subscribe(&mut self, id: String, payload: UniqueFields) -> Result<(), End> {
        let Some(caller) = self.caller.clone() else { return Err(End::Close(Close::NO_INIT)) };
        if self.operations.contains_key(&id) {
            return Err(End::Close(Close::SECOND_USE_OF_ID));
        }
        let request = payload.fields("parameter").and_then(request_parameters::from_fields);
        let request = request.map_err(|_| End::Close(Close::BAD_REQUEST))?;
        if self.operations.len() >= MAX_OPERATIONS {
            let message = format!(
                "A socket executes at most {MAX_OPERATIONS} operations at once. End one, or open another socket."
            );
            let payload = errors(Rejection::new(ErrorCode::BadUserInput, &message).into_body());
            return self.send_message(&ServerMessage::Error { id: &id, payload }).await;
        }
        self.operations.insert(id, spawn(self.state.clone(), caller, request));
        Ok(())
    }

    async fn advance(&mut self, id: &str, step: Step) -> Result<(), End> {
        if !matches!(step, Step::Next(_)) {
            // Removed first, because the client may use the id again as soon as it reads the message.
            self.operations.remove(id);
        }
        match step {
            Step::Next(answer) => self.send_message(&ServerMessage::Next { id, payload: &answer }).await,
            Step::Error(payload) => self.send_message(&ServerMessage::Error { id, payload }).await,
            Step::Complete => self.send_message(&ServerMessage::Complete { id }).await,
            Step::Close(close) => Err(End::Close(close)),
            Step::Lost => Err(End::Gone),
        }
    }

    async fn send_message(&mut self, message: &ServerMessage<'_>) -> Result<(), End> {
        let text = serde_json::to_string(message).map_err(|_| End::Gone)?;
        self.send(Message::Text(text.into())).await
    }

    async fn send(&mut self, message: Message) -> Result<(), End> {
        match timeout(SEND_TIMEOUT, self.socket.send(message)).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_)) | Err(_) => Err(End::Gone),
        }
    }
}

/// Runs an operation in its own task, which is cancelled when the returned stream is dropped.
fn spawn(state: AppState, caller: Arc<Caller>, request: Request) -> BoxStream<'static, Step> {
    let (sender, steps) = mpsc::channel(1);
    tokio::spawn(async move {
        let run = async {
            let mut steps = start(&state, caller, request).await;
            // A step cannot be put back, so it is taken only when there is room to send it.
            while let Ok(room) = sender.reserve().await {
                let Some(step) = steps.next().await else { return };
                room.send(step);
            }
        };
        tokio::select! {
            biased;
            () = sender.closed() => {}
            () = run => {}
        }
    });
    ReceiverStream::new(steps).chain(stream::once(async { Step::Lost })).boxed()
}

/// Starts an operation. As over HTTP, the caller is authenticated for each one: since the last operation, the value may have been
/// retired, or restricted to other addresses or origins.
async fn start(state: &AppState, caller: Arc<Caller>, request: Request) -> BoxStream<'static, Step> {
    let caller = match state.service.authenticate_again(&caller).await {
        Ok(caller) => caller,
        Err(err) => {
            let close = Close::refused(&err.into());
            return stream::iter([Step::Close(close)]).boxed();
        }
    };
    let session = Arc::new(Session { caller: Some(caller), ..Session::default() });
    match state.graphql.start(request, &session).await {
        Ok(Outcome::Answer(answer)) if !answer.executed() => {
            let body = serde_json::to_value(&answer).unwrap_or_default();
            stream::iter([Step::Error(errors(body))]).boxed()
        }
        Ok(Outcome::Answer(answer)) => stream::iter([Step::Next(answer), Step::Complete]).boxed(),
        Ok(Outcome::Answers(answers)) => answers.map(Step::Next).chain(stream::once(async { Step::Complete })).boxed(),
        Err(refused) => stream::iter([Step::Error(errors(Rejection::from(refused).into_body()))]).boxed(),
    }
}

/// The errors of a response body, which are the payload of the message `error`.
fn errors(mut body: Value) -> Value {
    body.get_mut("errors").map(Value::take).unwrap_or_default()
}

/// Ticks at the end of each period, the first of which begins now.
async fn ticks_after(period: Duration) -> Interval {
    let mut ticks = interval(period);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    // The first tick of an interval is immediate.
    ticks.tick().await;
    ticks
}
