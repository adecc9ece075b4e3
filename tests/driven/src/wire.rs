//! The adapters' transport: requests go into the net, answers come out, or do not.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use equipoise_port::{Transport, TransportError};
use equipoise_venues::BODY_BYTES_MAX;
use http::{Request, Response};

use crate::net::{Departed, Net};

/// One adapter's way to its exchange.
pub(crate) struct Wire {
    pub(crate) net: Arc<Net>,
    pub(crate) exchange: usize,
}

#[async_trait]
impl Transport for Wire {
    async fn send(
        &self,
        request: Request<Bytes>,
        timeout: Duration,
    ) -> Result<Response<Bytes>, TransportError> {
        let reply = match self.net.depart(self.exchange, &request) {
            // The process is dead: whoever called never learns anything.
            Departed::Dead => std::future::pending().await,
            Departed::NotSent { after_ms } => {
                tokio::time::sleep(Duration::from_millis(after_ms)).await;
                return Err(TransportError::NotSent("connection refused".to_owned()));
            }
            Departed::UnderWay(reply) => reply,
        };
        match tokio::time::timeout(timeout, reply).await {
            Err(_) => Err(TransportError::NoAnswer("timed out".to_owned())),
            Ok(Ok(Some(answer))) if answer.body().len() <= BODY_BYTES_MAX => Ok(answer),
            Ok(Ok(Some(_))) => Err(TransportError::NoAnswer("answer is too large".to_owned())),
            Ok(_) => Err(TransportError::NoAnswer("connection closed".to_owned())),
        }
    }
}
