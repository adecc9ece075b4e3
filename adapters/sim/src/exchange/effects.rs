//! Carrying out faults.

use bytes::Bytes;
use http::{Request, Response, StatusCode, header};
use serde_json::json;

use super::matching::Alteration;
use super::{Exchange, Refused};
use crate::answer::{Answer, Held};
use crate::fault::{Broken, Effect, Loss, Stage};

/// Size of [`Broken::Huge`].
const HUGE_BYTES: usize = 8 * 1024 * 1024;

/// Source: Binance USDⓈ-M General Info, HTTP Return Codes, 503, read 2026-11-22.
const UNKNOWN_TEXT: &str = "Unknown error, please check your request or try again later.";

/// Source: OKX v5 docs, Error Code, 50004 and 51149, read 2026-11-22; the second is worded alike.
const NEITHER_TEXT: &str = "API endpoint request timeout (does not mean that the request was successful or failed, please check the request result).";

impl Exchange {
    /// Takes a request that [`Answer::Late`] held up, at the time it gets there.
    pub fn resume(&mut self, now_ms: u64, held: Held) -> Answer {
        if let Some(loss) = self.faults.outage(now_ms) {
            return lost(loss);
        }
        Answer::Respond(match held.stage {
            Stage::Gateway => self.process(now_ms, &held.request, Alteration::default()),
            Stage::Engine | Stage::Execution => {
                let in_time = held.stage == Stage::Execution;
                let alteration = Alteration { in_time, ..Alteration::default() };
                self.face.carry_out(&mut self.engine, now_ms, &held.request, alteration)
            }
        })
    }

    pub(super) fn suffer(
        &mut self,
        now_ms: u64,
        request: &Request<Bytes>,
        effect: Effect,
    ) -> Answer {
        let plain = Alteration::default();
        let alteration = match effect {
            Effect::Refuse { status, code, message } => {
                let refused = Refused { status, code, message: &message };
                return Answer::Respond(self.face.refusal(now_ms, request, refused));
            }
            Effect::RateLimited { retry_after_s } => {
                return Answer::Respond(self.face.rate_limited(now_ms, request, retry_after_s));
            }
            Effect::LoseRequest(loss) => return lost(loss),
            Effect::LoseAnswer(loss) => {
                let _ = self.process(now_ms, request, plain);
                return lost(loss);
            }
            Effect::BreakAnswer(broken) => {
                let whole = self.process(now_ms, request, plain);
                return Answer::Respond(broken_answer(now_ms, request, broken, whole.body()));
            }
            Effect::BreakInstead(broken) => {
                return Answer::Respond(broken_answer(
                    now_ms,
                    request,
                    broken,
                    &Bytes::from_static(b"{\""),
                ));
            }
            Effect::DelayAnswer { delay_ms } => {
                return Answer::RespondAfter {
                    delay_ms,
                    response: self.process(now_ms, request, plain),
                };
            }
            Effect::DelayRequest { delay_ms, before } => {
                return self.delay(now_ms, request, delay_ms, before);
            }
            Effect::ExecuteTwice => Alteration { twice: true, ..plain },
            Effect::ArriveTwice => Alteration { repeated: true, ..plain },
            Effect::PartialFill(fraction) => Alteration { fraction: Some(fraction), ..plain },
            Effect::AdjustTrades { adjustment, is_counted } => {
                Alteration { adjusted: Some((adjustment, is_counted)), ..plain }
            }
            Effect::WithoutMargin => Alteration { without_funds: true, ..plain },
            Effect::HideOrder { for_ms } => Alteration { hidden_ms: for_ms, ..plain },
            Effect::StaleOrder { for_ms } => Alteration { stale_ms: for_ms, ..plain },
        };
        Answer::Respond(self.process(now_ms, request, alteration))
    }

    fn delay(
        &mut self,
        now_ms: u64,
        request: &Request<Bytes>,
        delay_ms: u64,
        stage: Stage,
    ) -> Answer {
        if stage != Stage::Gateway
            && let Some(refusal) = self.face.turn_away(now_ms, request)
        {
            return Answer::Respond(refusal);
        }
        Answer::Late { delay_ms, held: Held { request: request.clone(), stage } }
    }
}

pub(super) fn lost(loss: Loss) -> Answer {
    match loss {
        Loss::Silence => Answer::Silence,
        Loss::Close => Answer::Close,
    }
}

fn broken_answer(
    now_ms: u64,
    request: &Request<Bytes>,
    broken: Broken,
    whole: &Bytes,
) -> Response<Bytes> {
    let (status, kind, body) = match broken {
        Broken::Unknown503 => {
            let body = json!({ "code": -1000, "msg": UNKNOWN_TEXT }).to_string();
            (StatusCode::SERVICE_UNAVAILABLE, "application/json", Bytes::from(body))
        }
        Broken::UncodedUnknown503 => {
            let body =
                json!({ "timestamp": now_ms, "path": request.uri().path(), "msg": UNKNOWN_TEXT })
                    .to_string();
            (StatusCode::SERVICE_UNAVAILABLE, "application/json", Bytes::from(body))
        }
        Broken::Neither400 => {
            let body = json!({ "code": "50004", "data": [], "msg": NEITHER_TEXT }).to_string();
            (StatusCode::BAD_REQUEST, "application/json", Bytes::from(body))
        }
        Broken::Neither500 => {
            let body = json!({ "code": "51149", "data": [], "msg": NEITHER_TEXT }).to_string();
            (StatusCode::INTERNAL_SERVER_ERROR, "application/json", Bytes::from(body))
        }
        Broken::Html502 => {
            let page = "<html><head><title>502 Bad Gateway</title></head><body><h1>502 Bad Gateway</h1></body></html>";
            (StatusCode::BAD_GATEWAY, "text/html", Bytes::from_static(page.as_bytes()))
        }
        Broken::Truncated => (StatusCode::OK, "application/json", whole.slice(..whole.len() / 2)),
        Broken::Huge => (StatusCode::OK, "application/json", Bytes::from(vec![b' '; HUGE_BYTES])),
        Broken::NotJson => {
            (StatusCode::OK, "application/json", Bytes::from_static(b"OK\x00\xff not json"))
        }
    };
    let mut response = Response::new(body);
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, header::HeaderValue::from_static(kind));
    response
}
