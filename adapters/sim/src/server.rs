//! An exchange on a TCP address, over plain HTTP/1.1 with kept-alive connections.

use std::error::Error as _;
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use axum::body::Body;
use axum::extract::connect_info::Connected;
use axum::extract::{ConnectInfo, State};
use axum::handler::Handler;
use axum::serve::IncomingStream;
use bytes::Bytes;
use http::{Method, Request, Response, StatusCode};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::answer::{Answer, Held};
use crate::exchange::Exchange;
use crate::ledger::{Ledger, LedgerError, LedgerFile};

/// Largest request body that is read.
const BODY_BYTES_MAX: usize = 1024 * 1024;

/// How an exchange is served.
#[derive(Clone, Debug)]
pub struct ServeOptions {
    /// Added to the host's wall clock to give the exchange's own.
    pub clock_offset_ms: i64,
    /// How long a connection without an answer is held open at most.
    pub hold_ms: u64,
    /// The ledger file to carry on from and to write through to.
    pub ledger: Option<LedgerFile>,
}

impl Default for ServeOptions {
    /// The host's clock, silent connections held for a minute, no ledger file.
    fn default() -> Self {
        Self { clock_offset_ms: 0, hold_ms: 60_000, ledger: None }
    }
}

/// An exchange being served. Dropping it cuts every connection.
#[derive(Debug)]
pub struct Running {
    address: SocketAddr,
    shared: Arc<Shared>,
    stop: watch::Sender<Stop>,
    task: JoinHandle<io::Result<()>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stop {
    No,
    Gracefully,
    AtOnce,
}

/// The exchange with what the ledger file holds of it.
#[derive(Debug)]
struct Kept {
    exchange: Exchange,
    written: Option<Ledger>,
}

#[derive(Debug)]
struct Shared {
    kept: Mutex<Kept>,
    options: ServeOptions,
    down: AtomicBool,
}

/// Serves `exchange` on `address` (port 0 picks a free one) until told to stop.
///
/// With a ledger file the exchange first carries on from its entry there, if there is one.
///
/// # Errors
/// The address cannot be bound, or the ledger's entry cannot be used; the latter has [`LedgerError`] as its source.
pub async fn serve(
    mut exchange: Exchange,
    address: SocketAddr,
    options: ServeOptions,
) -> io::Result<Running> {
    if let Some(file) = &options.ledger
        && let Some(ledger) = file.get(exchange.adapter()).map_err(io::Error::other)?
    {
        exchange.carry_on(ledger);
    }
    let listener = TcpListener::bind(address).await?;
    let address = listener.local_addr()?;
    let shared = Arc::new(Shared {
        kept: Mutex::new(Kept { exchange, written: None }),
        options,
        down: AtomicBool::new(false),
    });
    let (stop, stopped) = watch::channel(Stop::No);
    let service = answer.with_state(shared.clone()).into_make_service_with_connect_info::<Cutter>();
    let listener = Listener { listener, stopped: stopped.clone() };
    let task = tokio::spawn(async move {
        let mut ended = stopped;
        let served = axum::serve(listener, service).with_graceful_shutdown(async move {
            let _ = ended.wait_for(|stop| *stop != Stop::No).await;
        });
        served.await
    });
    Ok(Running { address, shared, stop, task })
}

impl Running {
    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// `http://` and the address: the base URL of a client.
    #[must_use]
    pub fn base_url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Milliseconds UTC on the exchange's clock.
    #[must_use]
    pub fn now_ms(&self) -> u64 {
        self.shared.now_ms()
    }

    /// Looks at or changes the exchange between two requests.
    ///
    /// A change to its ledger reaches the ledger file with the next order or cancel.
    pub fn with<R>(&self, look: impl FnOnce(&mut Exchange) -> R) -> R {
        look(&mut self.shared.lock().exchange)
    }

    /// Accepts no more connections and waits until the open ones have had their answers.
    ///
    /// # Errors
    /// The listener had failed before.
    pub async fn stop(mut self) -> io::Result<()> {
        let _ = self.stop.send(Stop::Gracefully);
        (&mut self.task).await.map_err(io::Error::other)?
    }

    /// Cuts every connection, as if the host were gone, and waits until the address is free again.
    ///
    /// # Errors
    /// The listener had failed before.
    pub async fn kill(mut self) -> io::Result<()> {
        self.cut();
        (&mut self.task).await.map_err(io::Error::other)?
    }

    fn cut(&self) {
        self.shared.down.store(true, Ordering::SeqCst);
        let _ = self.stop.send(Stop::AtOnce);
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // After `stop` or `kill` the task has ended and this does nothing.
        if !self.task.is_finished() {
            self.cut();
        }
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn now_ms(&self) -> u64 {
        let wall = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let wall_ms = u64::try_from(wall.as_millis()).unwrap_or(u64::MAX);
        wall_ms.saturating_add_signed(self.options.clock_offset_ms)
    }

    /// Lets the exchange act and writes its ledger through before anyone hears of it.
    /// What only asks changes no ledger.
    fn act(
        &self,
        may_change: bool,
        step: impl FnOnce(&mut Exchange, u64) -> Answer,
    ) -> Result<Answer, LedgerError> {
        let mut kept = self.lock();
        let answer = step(&mut kept.exchange, self.now_ms());
        if let Some(file) = self.options.ledger.as_ref().filter(|_| may_change) {
            let ledger = kept.exchange.ledger();
            if kept.written.as_ref() != Some(&ledger) {
                file.put(kept.exchange.adapter(), &ledger).inspect_err(tell)?;
                kept.written = Some(ledger);
            }
        }
        Ok(answer)
    }
}

/// The client gets no verdict, so that only this says why.
fn tell(error: &LedgerError) {
    let cause = error.source().map(ToString::to_string).unwrap_or_default();
    tracing::error!(
        "an order is in no ledger and its request is answered with 500: {error}: {cause}"
    );
}

async fn answer(
    State(shared): State<Arc<Shared>>,
    ConnectInfo(cutter): ConnectInfo<Cutter>,
    request: Request<Body>,
) -> Response<Body> {
    let (parts, body) = request.into_parts();
    let Ok(body) = axum::body::to_bytes(body, BODY_BYTES_MAX).await else {
        return status(StatusCode::PAYLOAD_TOO_LARGE);
    };
    let request = Request::from_parts(parts, body);
    let answer = shared
        .act(request.method() != Method::GET, |exchange, now_ms| exchange.handle(now_ms, &request));
    carry_out(shared, cutter, answer).await
}

async fn carry_out(
    shared: Arc<Shared>,
    cutter: Cutter,
    answer: Result<Answer, LedgerError>,
) -> Response<Body> {
    match answer {
        Ok(Answer::Respond(response)) => response.map(Body::from),
        Ok(Answer::RespondAfter { delay_ms, response }) => {
            tokio::time::sleep(Duration::from_millis(delay_ms)).await;
            response.map(Body::from)
        }
        Ok(Answer::Silence) => {
            tokio::time::sleep(Duration::from_millis(shared.options.hold_ms)).await;
            cutter.cut()
        }
        Ok(Answer::Close) => cutter.cut(),
        Ok(Answer::Late { delay_ms, held }) => {
            // A task of its own: what is on its way arrives even if the client has left.
            let arrival = tokio::spawn(arrive(shared.clone(), delay_ms, held));
            match arrival.await {
                Ok(Some(response)) => response.map(Body::from),
                _ => cutter.cut(),
            }
        }
        // The exchange has acted but cannot prove it later: the client must not get a verdict.
        Err(_) => status(StatusCode::INTERNAL_SERVER_ERROR),
    }
}

async fn arrive(shared: Arc<Shared>, delay_ms: u64, held: Held) -> Option<Response<Bytes>> {
    tokio::time::sleep(Duration::from_millis(delay_ms)).await;
    if shared.down.load(Ordering::SeqCst) {
        return None;
    }
    match shared.act(true, |exchange, now_ms| exchange.resume(now_ms, held)) {
        Ok(Answer::Respond(response)) => Some(response),
        _ => None,
    }
}

fn status(code: StatusCode) -> Response<Body> {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = code;
    response
}

/// Accepts connections that can be cut, one by one or all together.
struct Listener {
    listener: TcpListener,
    stopped: watch::Receiver<Stop>,
}

impl axum::serve::Listener for Listener {
    type Io = Wire;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Self::Io, Self::Addr) {
        let (stream, address) = axum::serve::Listener::accept(&mut self.listener).await;
        // Without it small answers may wait for the client's acknowledgement.
        let _ = stream.set_nodelay(true);
        let mut stopped = self.stopped.clone();
        let down = async move {
            let cut = stopped.wait_for(|stop| *stop == Stop::AtOnce).await.is_ok();
            if !cut {
                std::future::pending::<()>().await;
            }
        };
        (Wire { stream, cut: Arc::new(AtomicBool::new(false)), down: Box::pin(down) }, address)
    }

    fn local_addr(&self) -> io::Result<Self::Addr> {
        self.listener.local_addr()
    }
}

/// One connection.
struct Wire {
    stream: TcpStream,
    cut: Arc<AtomicBool>,
    down: Pin<Box<dyn Future<Output = ()> + Send>>,
}

impl Wire {
    /// An error once the connection is cut; also arranges to be woken when the server goes down.
    fn check(&mut self, context: &mut Context<'_>) -> io::Result<()> {
        if self.cut.load(Ordering::SeqCst) || self.down.as_mut().poll(context).is_ready() {
            // The future must not be polled again after it was ready.
            self.cut.store(true, Ordering::SeqCst);
            return Err(io::ErrorKind::ConnectionAborted.into());
        }
        Ok(())
    }
}

impl AsyncRead for Wire {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        self.check(context)?;
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl AsyncWrite for Wire {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.check(context)?;
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

/// Cuts the connection a request came in on.
#[derive(Clone, Debug)]
struct Cutter(Arc<AtomicBool>);

impl Cutter {
    /// From now on nothing gets through; the response only ends the exchange of messages and is not sent.
    fn cut(&self) -> Response<Body> {
        self.0.store(true, Ordering::SeqCst);
        status(StatusCode::INTERNAL_SERVER_ERROR)
    }
}

impl Connected<IncomingStream<'_, Listener>> for Cutter {
    fn connect_info(stream: IncomingStream<'_, Listener>) -> Self {
        Self(stream.io().cut.clone())
    }
}
