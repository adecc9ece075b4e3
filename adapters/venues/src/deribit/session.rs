//! The token that stands for the account, and when it is replaced.
//!
//! One token serves all requests. It is replaced well before it expires, by one request at a time however many wait for
//! it, and a token the exchange no longer takes is dropped. After a failure, or two tokens that were not taken, nobody
//! asks again for a while; only the login itself tells that the key is refused.
//! Tokens are never printed (A5).
//!
//! Source: Deribit public/auth; Connection Management, Session scope, read 2026-11-22.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use equipoise_core::UnixMillis;
use equipoise_port::{Clock, QueryError};
use serde::{Deserialize, Serialize};
use serde_json::value::{RawValue, to_raw_value};

use crate::answer::BadAnswer;
use crate::credentials::Credentials;
use crate::outcome::Failure;

/// What a token is asked for. Without a named session a token would die with the connection it was handed out on, and
/// requests here share connections freely.
const SCOPE: &str = "session:equipoise";
/// The scope of a token that may place orders.
/// Source: Deribit API Authentication Guide, Access scope, read 2026-11-22.
const TRADE_SCOPE: &str = "trade:read_write";
/// Source: Deribit API, Access scope, read 2026-11-22.
const WITHDRAW_SCOPE: &str = "wallet:read_write";
/// Longest lifetime of a token that is believed, in seconds: a day. The exchange may grant years.
const LIFETIME_S_MAX: u64 = 86_400;
/// How long before its end a token is no longer used, in milliseconds: longer than any request takes to arrive.
const LAST_USE_MS: u64 = 15_000;
/// Pause after the first failure to get a token, in milliseconds; doubled each time.
const PAUSE_MS_MIN: u64 = 1_000;
/// Longest such pause.
const PAUSE_MS_MAX: u64 = 30_000;

/// A token handed out by the exchange.
#[derive(Clone)]
pub(crate) struct Token {
    access: Arc<str>,
    refresh: Arc<str>,
    /// Tells this token from those before and after it.
    number: u64,
    renew_at: UnixMillis,
    dies_at: UnixMillis,
    can_trade: bool,
    may_withdraw: bool,
}

impl Token {
    /// The token itself, for the header that carries it.
    pub(crate) fn access(&self) -> &str {
        &self.access
    }

    /// Whether it may place orders.
    pub(crate) const fn can_trade(&self) -> bool {
        self.can_trade
    }

    /// Whether it may move funds away.
    pub(crate) const fn may_withdraw(&self) -> bool {
        self.may_withdraw
    }

    /// A text of the exchange without any part of this token.
    pub(crate) fn scrub(&self, text: &str) -> String {
        text.replace(&*self.access, "[redacted]").replace(&*self.refresh, "[redacted]")
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Token").field("number", &self.number).finish_non_exhaustive()
    }
}

/// What a token is asked for with.
#[derive(Serialize)]
pub(crate) struct Grant<'a> {
    grant_type: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    client_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    client_secret: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    refresh_token: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    scope: Option<&'static str>,
}

impl<'a> Grant<'a> {
    fn credentials(credentials: &'a Credentials) -> Self {
        Self {
            grant_type: "client_credentials",
            client_id: Some(credentials.key()),
            client_secret: Some(credentials.secret()),
            refresh_token: None,
            scope: Some(SCOPE),
        }
    }

    fn refresh(token: &'a Token) -> Self {
        Self {
            grant_type: "refresh_token",
            client_id: None,
            client_secret: None,
            refresh_token: Some(&token.refresh),
            scope: None,
        }
    }
}

/// The exchange's answer to a grant.
#[derive(Deserialize)]
pub(crate) struct Granted {
    access_token: String,
    refresh_token: String,
    expires_in: u64,
    scope: String,
}

/// The account's session.
pub(crate) struct Session {
    clock: Arc<dyn Clock>,
    /// Held while a token is asked for.
    renewal: tokio::sync::Mutex<()>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    token: Option<Token>,
    issued: u64,
    /// Nobody asks before then; what the last one was told.
    pause: Option<(UnixMillis, QueryError)>,
    failures: u32,
    /// A token was not taken, and none has been since.
    untaken: bool,
}

impl Session {
    pub(crate) fn new(clock: Arc<dyn Clock>) -> Self {
        Self { clock, renewal: tokio::sync::Mutex::const_new(()), state: Mutex::default() }
    }

    /// A token that stays good for longer than a request takes; `ask` sends one grant.
    ///
    /// # Errors
    /// Why there is none: what the exchange answered, now or within the pause since.
    pub(crate) async fn token<R>(
        &self,
        credentials: &Credentials,
        ask: impl Fn(Box<RawValue>) -> R,
    ) -> Result<Token, QueryError>
    where
        R: Future<Output = Result<Granted, Failure>>,
    {
        if let Some(answer) = self.at_hand() {
            return answer;
        }
        let _renewing = self.renewal.lock().await;
        // Whoever held the lock before may have brought one, or found that there is none to be had.
        if let Some(answer) = self.at_hand() {
            return answer;
        }
        let old = self.usable();
        match renew(credentials, old.as_ref(), ask).await {
            Ok(granted) => Ok(self.keep(granted)?),
            Err(error) => {
                tracing::warn!(%error, "no token from the exchange");
                self.wait_after(error.clone());
                old.ok_or(error)
            }
        }
    }

    /// The exchange takes this token no longer. It says nothing about the key, which was good enough to be given the
    /// token: sessions end together, with credits that another request used up. Where the token before was not taken
    /// either, nobody asks for the next one at once.
    pub(crate) fn forget(&self, token: &Token) {
        let mut state = self.state();
        if state.token.as_ref().is_none_or(|held| held.number != token.number) {
            return;
        }
        state.token = None;
        let again = std::mem::replace(&mut state.untaken, true);
        drop(state);
        if again {
            self.wait_after(QueryError::Unavailable("tokens are granted and not taken".to_owned()));
        }
    }

    /// The session is over, through no fault of the token's.
    pub(crate) fn end(&self, token: &Token) {
        let mut state = self.state();
        if state.token.as_ref().is_some_and(|held| held.number == token.number) {
            state.token = None;
        }
    }

    /// A private request was answered.
    pub(crate) fn accepted(&self) {
        let mut state = self.state();
        state.untaken = false;
        state.failures = 0;
    }

    /// A token that need not be replaced yet, or what to say while nobody may ask.
    fn at_hand(&self) -> Option<Result<Token, QueryError>> {
        let now = self.clock.now();
        let state = self.state();
        let usable = state.token.as_ref().filter(|token| now < token.dies_at);
        if let Some(token) = usable.filter(|token| now < token.renew_at) {
            return Some(Ok(token.clone()));
        }
        let (_, error) = state.pause.as_ref().filter(|(until, _)| now < *until)?;
        Some(usable.cloned().ok_or_else(|| error.clone()))
    }

    fn usable(&self) -> Option<Token> {
        let now = self.clock.now();
        self.state().token.clone().filter(|token| now < token.dies_at)
    }

    fn keep(&self, granted: Granted) -> Result<Token, BadAnswer> {
        let plain =
            |text: &str| !text.is_empty() && text.bytes().all(|b| (b'!'..=b'~').contains(&b));
        if !plain(&granted.access_token) || !plain(&granted.refresh_token) {
            return Err(BadAnswer::text("access_token"));
        }
        let lifetime_ms = granted.expires_in.min(LIFETIME_S_MAX) * 1_000;
        if lifetime_ms <= LAST_USE_MS {
            return Err(BadAnswer::number("expires_in"));
        }
        let grants = |wanted| granted.scope.split_ascii_whitespace().any(|scope| scope == wanted);
        let now = self.clock.now();
        let mut state = self.state();
        state.issued += 1;
        let token = Token {
            access: granted.access_token.into(),
            refresh: granted.refresh_token.into(),
            number: state.issued,
            // Four fifths through, so that a failing renewal can be repeated for the last fifth.
            renew_at: now.plus_ms(lifetime_ms / 5 * 4).min(now.plus_ms(lifetime_ms - LAST_USE_MS)),
            dies_at: now.plus_ms(lifetime_ms - LAST_USE_MS),
            can_trade: grants(TRADE_SCOPE),
            may_withdraw: grants(WITHDRAW_SCOPE),
        };
        state.token = Some(token.clone());
        state.pause = None;
        Ok(token)
    }

    fn wait_after(&self, error: QueryError) {
        let now = self.clock.now();
        let mut state = self.state();
        let doubled = PAUSE_MS_MIN << state.failures.min(8);
        state.failures = state.failures.saturating_add(1);
        let pause_ms = match &error {
            QueryError::Busy { retry_after_ms, .. } => *retry_after_ms,
            _ => doubled.min(PAUSE_MS_MAX),
        };
        state.pause = Some((now.plus_ms(pause_ms), error));
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// At most two requests: the old token's refresh, and where the exchange refuses that, the credentials.
async fn renew<R>(
    credentials: &Credentials,
    old: Option<&Token>,
    ask: impl Fn(Box<RawValue>) -> R,
) -> Result<Granted, QueryError>
where
    R: Future<Output = Result<Granted, Failure>>,
{
    let params = |grant: &Grant<'_>| {
        to_raw_value(grant)
            .map_err(|_| QueryError::Unavailable("credentials cannot be put into JSON".to_owned()))
    };
    if let Some(old) = old {
        match ask(params(&Grant::refresh(old))?).await {
            Err(Failure::Coded(coded)) => {
                tracing::debug!(code = coded.code, "refresh refused, logging in again");
            }
            answer => return Ok(answer?),
        }
    }
    Ok(ask(params(&Grant::credentials(credentials))?).await?)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use async_trait::async_trait;

    use super::*;

    struct Still;

    #[async_trait]
    impl Clock for Still {
        fn now(&self) -> UnixMillis {
            UnixMillis(1_000_000)
        }
        async fn sleep_until(&self, _: UnixMillis) {}
    }

    fn granted(expires_in: u64) -> Granted {
        Granted {
            access_token: "visible-access".to_owned(),
            refresh_token: "visible-refresh".to_owned(),
            expires_in,
            scope: "session:equipoise trade:read_write".to_owned(),
        }
    }

    fn credentials() -> Credentials {
        Credentials::new("the-key", "the-secret").unwrap()
    }

    #[tokio::test]
    async fn however_many_need_a_token_it_is_asked_for_once() {
        let session = Session::new(Arc::new(Still));
        let (credentials, asked) = (credentials(), AtomicU32::new(0));
        let ask = |_| async {
            asked.fetch_add(1, Ordering::SeqCst);
            // Lets all the others run into the lock.
            tokio::task::yield_now().await;
            Ok(granted(900))
        };
        let waiting = (0..20).map(|_| session.token(&credentials, ask));
        let tokens = futures::future::try_join_all(waiting).await.unwrap();
        assert_eq!(asked.load(Ordering::SeqCst), 1);
        assert!(tokens.iter().all(|token| token.number == 1));
    }

    #[tokio::test]
    async fn however_many_need_a_token_that_is_not_to_be_had_it_is_asked_for_once() {
        let session = Session::new(Arc::new(Still));
        let (credentials, asked) = (credentials(), AtomicU32::new(0));
        let ask = |_| async {
            asked.fetch_add(1, Ordering::SeqCst);
            tokio::task::yield_now().await;
            Err(Failure::Unreadable("status 500".to_owned()))
        };
        let waiting = (0..20).map(|_| session.token(&credentials, ask));
        let answers = futures::future::join_all(waiting).await;
        assert!(answers.iter().all(Result::is_err));
        assert_eq!(asked.load(Ordering::SeqCst), 1);
    }

    #[tokio::test]
    async fn an_answer_about_an_earlier_token_does_not_end_the_present_one() {
        let session = Session::new(Arc::new(Still));
        let credentials = credentials();
        let ask = |_| async { Ok(granted(900)) };
        let first = session.token(&credentials, ask).await.unwrap();
        session.forget(&first);
        let second = session.token(&credentials, ask).await.unwrap();
        session.forget(&first);
        session.end(&first);
        assert_eq!(session.token(&credentials, ask).await.unwrap().number, second.number);
    }

    #[tokio::test]
    async fn a_token_is_never_printed_and_cut_out_of_texts() {
        let session = Session::new(Arc::new(Still));
        let ask = |_| async { Ok(granted(900)) };
        let token = session.token(&credentials(), ask).await.unwrap();
        assert!(!format!("{token:?}").contains("visible"));
        assert_eq!(
            token.scrub("saw visible-access, visible-refresh"),
            "saw [redacted], [redacted]"
        );
    }

    #[tokio::test]
    async fn a_lifetime_that_is_no_use_is_a_bad_answer_and_one_without_end_is_cut() {
        for useless in [0, 15] {
            let session = Session::new(Arc::new(Still));
            let ask = |_| async { Ok(granted(useless)) };
            assert!(session.token(&credentials(), ask).await.is_err(), "{useless}");
        }
        let session = Session::new(Arc::new(Still));
        let ask = |_| async { Ok(granted(u64::MAX)) };
        let token = session.token(&credentials(), ask).await.unwrap();
        assert_eq!(token.dies_at, UnixMillis(1_000_000 + 86_400_000 - 15_000));
    }
}
