//! Deribit: the token's life, and what the exchange's limits lead to.

#![allow(clippy::unwrap_used, reason = "tests")]

mod common;

use common::{NOW, Stage, deribit, stage};
use equipoise_core::{RefusalKind, VenueMillis};
use equipoise_port::{OrderRef, Purpose, QueryError};

const AUTH: &str = "POST /api/v2/public/auth";
const BY_LABEL: &str = "POST /api/v2/private/get_order_state_by_label";

fn reference() -> OrderRef {
    OrderRef {
        client_id: "leg0a1".parse().unwrap(),
        symbol: "BTC-PERPETUAL".parse().unwrap(),
        venue_order: None,
        since: VenueMillis(NOW),
        terms: None,
    }
}

/// A venue whose logins are scripted by the test.
fn unauthenticated() -> Stage {
    let stage = stage("deribit");
    stage.script.fixture("POST /api/v2/public/get_time", 200, "deribit/time_now");
    let instrument = "POST /api/v2/public/get_instrument";
    stage.script.fixture(instrument, 200, "deribit/instrument_btc_perpetual");
    stage
}

/// What was sent to get a token, without what surrounds it.
fn grants(stage: &Stage) -> Vec<String> {
    let requests = stage.script.requests.lock().unwrap();
    let logins = requests.iter().filter(|(request, _)| request.uri().path().ends_with("/auth"));
    let params = logins.map(|(request, _)| {
        let body = String::from_utf8(request.body().to_vec()).unwrap();
        let (_, params) = body.split_once("\"params\":").unwrap();
        params.strip_suffix('}').unwrap().to_owned()
    });
    params.collect()
}

fn bearers(stage: &Stage) -> Vec<String> {
    let requests = stage.script.requests.lock().unwrap();
    let header = |name: &str| {
        let values = requests.iter().filter_map(|(request, _)| request.headers().get(name));
        values.map(|value| value.to_str().unwrap().to_owned()).collect()
    };
    header("authorization")
}

const BY_SECRET: &str = r#"{"grant_type":"client_credentials","client_id":"the-key","client_secret":"the-secret","scope":"session:equipoise"}"#;
const BY_REFRESH: &str = r#"{"grant_type":"refresh_token","refresh_token":"first-refresh"}"#;

#[tokio::test]
async fn one_token_serves_many_requests_and_is_refreshed_before_it_expires() {
    let stage = unauthenticated();
    stage.script.fixture(AUTH, 200, "deribit/auth_granted");
    stage.script.fixture(AUTH, 200, "deribit/auth_refreshed");
    stage.script.fixture(BY_LABEL, 200, "deribit/by_label_none");
    for _ in 0..3 {
        stage.venue.find(&reference()).await.unwrap();
    }
    // Granted for 900 seconds; used for four fifths of them.
    stage.clock.advance(719_999);
    stage.venue.find(&reference()).await.unwrap();
    assert_eq!(grants(&stage), [BY_SECRET]);
    stage.clock.advance(1);
    stage.venue.find(&reference()).await.unwrap();
    assert_eq!(grants(&stage), [BY_SECRET, BY_REFRESH]);
    assert_eq!(bearers(&stage).last().unwrap(), "Bearer second-access");
}

#[tokio::test]
async fn a_failing_renewal_leaves_the_old_token_in_use_and_is_not_repeated_at_once() {
    let stage = unauthenticated();
    stage.script.fixture(AUTH, 200, "deribit/auth_granted");
    stage.script.body(AUTH, 500, "");
    stage.script.fixture(BY_LABEL, 200, "deribit/by_label_none");
    stage.venue.find(&reference()).await.unwrap();
    stage.clock.advance(720_000);
    for _ in 0..3 {
        stage.venue.find(&reference()).await.unwrap();
    }
    assert_eq!(grants(&stage).len(), 2);
    assert!(bearers(&stage).iter().all(|bearer| bearer == "Bearer first-access"));
    // Beyond its end it is used no more, whatever comes of that.
    stage.clock.advance(165_000);
    assert!(matches!(stage.venue.find(&reference()).await, Err(QueryError::Unavailable(_))));
}

#[tokio::test]
async fn a_refused_refresh_is_followed_by_one_login_and_nothing_more() {
    let stage = unauthenticated();
    stage.script.fixture(AUTH, 200, "deribit/auth_granted");
    stage.script.fixture(AUTH, 400, "deribit/auth_bad_secret");
    stage.script.fixture(BY_LABEL, 200, "deribit/by_label_none");
    stage.venue.find(&reference()).await.unwrap();
    stage.clock.advance(720_000);
    stage.venue.find(&reference()).await.unwrap();
    assert_eq!(grants(&stage), [BY_SECRET, BY_REFRESH, BY_SECRET]);
}

#[tokio::test]
async fn wrong_credentials_are_named_as_such_and_not_tried_again_at_once() {
    let stage = unauthenticated();
    stage.script.fixture(AUTH, 400, "deribit/auth_bad_secret");
    for _ in 0..3 {
        let answer = stage.venue.account(&[]).await;
        assert!(matches!(answer, Err(QueryError::Credentials { .. })), "{answer:?}");
    }
    assert_eq!(grants(&stage).len(), 1);
    stage.clock.advance(1_000);
    assert!(stage.venue.account(&[]).await.is_err());
    assert_eq!(grants(&stage).len(), 2);
}

#[tokio::test]
async fn a_token_that_is_not_taken_says_nothing_about_the_key_and_is_replaced_without_haste() {
    let stage = deribit();
    stage.script.fixture(BY_LABEL, 401, "deribit/unauthorized");
    for _ in 0..4 {
        let answer = stage.venue.find(&reference()).await;
        assert!(matches!(answer, Err(QueryError::Unavailable(_))), "{answer:?}");
    }
    // The first is replaced at once; its successor, a second later.
    assert_eq!(grants(&stage), [BY_SECRET, BY_SECRET]);
    stage.clock.advance(1_000);
    assert!(stage.venue.find(&reference()).await.is_err());
    assert_eq!(grants(&stage).len(), 3);
    // And the next one, two seconds later.
    stage.clock.advance(1_999);
    assert!(stage.venue.find(&reference()).await.is_err());
    assert_eq!(grants(&stage).len(), 3);
}

#[tokio::test]
async fn a_success_in_between_makes_a_later_loss_an_accident_again() {
    let stage = deribit();
    stage.script.fixture(BY_LABEL, 401, "deribit/unauthorized");
    stage.script.fixture(BY_LABEL, 200, "deribit/by_label_none");
    stage.script.fixture(BY_LABEL, 401, "deribit/unauthorized");
    stage.script.fixture(BY_LABEL, 200, "deribit/by_label_none");
    for works in [false, true, false, true] {
        assert_eq!(stage.venue.find(&reference()).await.is_ok(), works);
    }
    assert_eq!(grants(&stage).len(), 3);
}

#[tokio::test]
async fn used_up_credits_end_the_session_and_stop_everything_for_a_while() {
    let stage = deribit();
    stage.script.fixture(BY_LABEL, 400, "deribit/too_many_requests");
    stage.script.fixture(BY_LABEL, 200, "deribit/by_label_none");
    assert_eq!(
        stage.venue.find(&reference()).await,
        Err(QueryError::Busy {
            retry_after_ms: 1_000,
            why: "code 10028: too_many_requests".to_owned()
        })
    );
    // Short enough to be waited out; then the next request logs in again.
    stage.venue.find(&reference()).await.unwrap();
    assert_eq!(grants(&stage), [BY_SECRET, BY_SECRET]);
}

#[tokio::test]
async fn a_token_is_at_hand_before_an_order_is_stamped() {
    let stage = unauthenticated();
    stage.script.fixture(AUTH, 200, "deribit/auth_granted");
    stage.venue.reserve(Purpose::Entry).await.unwrap();
    assert_eq!(stage.script.sent(), [AUTH]);
}

#[tokio::test]
async fn the_accounts_own_rate_takes_the_place_of_the_lowest_tiers() {
    let stage = deribit();
    let summary = "POST /api/v2/private/get_account_summary";
    stage.script.fixture(summary, 200, "deribit/summary_reject_taker");
    // Fifteen of twenty are for entries.
    for _ in 0..15 {
        stage.venue.reserve(Purpose::Entry).await.unwrap();
    }
    assert!(matches!(stage.venue.reserve(Purpose::Entry).await, Err(QueryError::Busy { .. })));
    stage.venue.account(&[]).await.unwrap();
    // A hundred, because the burst is less than four seconds of thirty.
    for _ in 0..60 {
        stage.venue.reserve(Purpose::Entry).await.unwrap();
    }
    assert!(matches!(stage.venue.reserve(Purpose::Entry).await, Err(QueryError::Busy { .. })));
}

#[tokio::test]
async fn an_order_is_not_sent_while_there_is_no_token() {
    let stage = unauthenticated();
    stage.script.fixture(AUTH, 400, "deribit/auth_bad_secret");
    let order = equipoise_core::OrderRequest {
        symbol: "BTC-PERPETUAL".parse().unwrap(),
        ..common::order("leg0a1", equipoise_core::Side::Buy)
    };
    let answer = stage.venue.place(&order).await;
    let Err(equipoise_port::PlaceError::NotSent(why)) = &answer else {
        panic!("{answer:?}");
    };
    assert!(!why.contains("the-secret") && !why.contains("the-key"), "{why}");
    assert_eq!(stage.script.sent(), [AUTH]);
}

#[tokio::test]
async fn a_limit_while_placing_refuses_and_keeps_the_next_order_at_home() {
    let stage = deribit();
    stage.script.fixture("POST /api/v2/private/buy", 400, "deribit/too_many_requests");
    let order = equipoise_core::OrderRequest {
        symbol: "BTC-PERPETUAL".parse().unwrap(),
        ..common::order("leg0a1", equipoise_core::Side::Buy)
    };
    for sent in [2, 2] {
        let answer = stage.venue.place(&order).await;
        let Err(equipoise_port::PlaceError::Refused(refusal)) = answer else {
            panic!("{answer:?}");
        };
        assert_eq!(refusal.kind, RefusalKind::RateLimited { retry_after_ms: 1_000 });
        assert_eq!(stage.script.sent().len(), sent);
    }
}
