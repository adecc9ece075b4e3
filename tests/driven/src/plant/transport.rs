//! Bugs of a transport.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use equipoise_port::{Transport, TransportError};
use http::{HeaderValue, Request, Response};

use super::Plant;
use crate::order_on_wire;
use crate::secrets::LEAKED;

/// A transport with a bug.
pub(super) struct Bent {
    pub(super) plant: Plant,
    pub(super) inner: Arc<dyn Transport>,
}

#[async_trait]
impl Transport for Bent {
    async fn send(
        &self,
        mut request: Request<Bytes>,
        timeout: Duration,
    ) -> Result<Response<Bytes>, TransportError> {
        match self.plant {
            Plant::SecretInRequest => {
                let secret = HeaderValue::from_static(LEAKED);
                request.headers_mut().insert("x-secret", secret);
            }
            Plant::QuestionsRepeated if order_on_wire::read(&request).is_none() => {
                let again = (1..10).map(|_| self.inner.send(request.clone(), timeout));
                futures::future::join_all(again).await;
            }
            Plant::SecretLogged => tracing::debug!(secret = LEAKED, "request signed"),
            _ => {}
        }
        let answer = self.inner.send(request.clone(), timeout).await;
        match (self.plant, answer) {
            (Plant::RepeatedByTransport, Err(TransportError::NoAnswer(_))) => {
                self.inner.send(request, timeout).await
            }
            (Plant::NoAnswerAsNotSent, Err(TransportError::NoAnswer(why))) => {
                Err(TransportError::NotSent(why))
            }
            (_, answer) => answer,
        }
    }
}
