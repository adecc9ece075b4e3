//! A wire in memory under a real adapter, which notes when a request reached it and when its answer left.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use bytes::Bytes;
use equipoise::UnixMillis;
use equipoise::port::{Clock, Transport, TransportError};
use http::{HeaderName, HeaderValue, Request, Response};

/// Whole bodies by method and path.
pub(crate) type Answers = BTreeMap<String, Bytes>;

/// Answers every request at once with the body its route has.
pub(crate) struct Wire {
    headers: Vec<(HeaderName, HeaderValue)>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    answers: Answers,
    last: String,
    first_request: Option<(Instant, Request<Bytes>)>,
    /// When it left, and whether it was the one to be last.
    last_answer: Option<(Instant, bool)>,
}

/// What passed since the wire was last cleared.
pub(crate) struct Passed {
    /// When the first request was handed over, and the request.
    pub(crate) asked: Instant,
    pub(crate) request: Request<Bytes>,
    /// When the last answer was handed back.
    pub(crate) answered: Instant,
    /// Whether that answer was the one that was to be last.
    pub(crate) was_last: bool,
}

impl Wire {
    /// With headers that every answer carries.
    pub(crate) fn new(headers: &[(&'static str, &'static str)]) -> Self {
        let header = |(name, value): &(&'static str, &'static str)| {
            (HeaderName::from_static(name), HeaderValue::from_static(value))
        };
        Self { headers: headers.iter().map(header).collect(), state: Mutex::default() }
    }

    /// Sets what is answered from now on. Of requests made at once the one to `last` is answered last, so that nothing
    /// but its own answer is read after it.
    pub(crate) fn script(&self, answers: &Answers, last: &str) {
        let mut state = self.state();
        state.answers = answers.clone();
        last.clone_into(&mut state.last);
    }

    pub(crate) fn clear(&self) {
        let mut state = self.state();
        state.first_request = None;
        state.last_answer = None;
    }

    pub(crate) fn passed(&self) -> Passed {
        let mut state = self.state();
        let (asked, request) = state.first_request.take().unwrap();
        let (answered, was_last) = state.last_answer.unwrap();
        Passed { asked, request, answered, was_last }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    /// The answer, and whether it waits for the others.
    fn answer(&self, route: &str) -> (Response<Bytes>, bool) {
        let state = self.state();
        let body = state.answers.get(route).unwrap_or_else(|| panic!("no answer for {route}"));
        let mut response = Response::new(body.clone());
        response.headers_mut().extend(self.headers.iter().cloned());
        (response, state.last == route)
    }
}

/// Method and path; where one path lists orders of one status or of all, the former have a route of their own.
fn route(request: &Request<Bytes>) -> String {
    let one_status = request.uri().query().is_some_and(|query| query.contains("order_status="));
    let one_status = if one_status { "?order_status" } else { "" };
    format!("{} {}{one_status}", request.method(), request.uri().path())
}

#[async_trait]
impl Transport for Wire {
    async fn send(
        &self,
        request: Request<Bytes>,
        _timeout: Duration,
    ) -> Result<Response<Bytes>, TransportError> {
        let asked = Instant::now();
        let route = route(&request);
        self.state().first_request.get_or_insert((asked, request));
        let (response, waits) = self.answer(&route);
        drop(route);
        if waits {
            tokio::task::yield_now().await;
        }
        self.state().last_answer = Some((Instant::now(), waits));
        Ok(response)
    }
}

/// Engine time that moves only when told to, so that no rate limit is ever in the way.
pub(crate) struct Told(AtomicU64);

impl Told {
    pub(crate) const fn new(at: UnixMillis) -> Self {
        Self(AtomicU64::new(at.0))
    }

    pub(crate) fn advance(&self, ms: u64) {
        self.0.fetch_add(ms, Ordering::Relaxed);
    }
}

#[async_trait]
impl Clock for Told {
    fn now(&self) -> UnixMillis {
        UnixMillis(self.0.load(Ordering::Relaxed))
    }

    async fn sleep_until(&self, at: UnixMillis) {
        self.0.fetch_max(at.0, Ordering::Relaxed);
    }
}
