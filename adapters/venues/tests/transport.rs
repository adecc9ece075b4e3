//! The network transport against loopback servers that misbehave.

#![allow(clippy::unwrap_used, reason = "tests")]

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;
use equipoise_port::{Transport, TransportError};
use equipoise_venues::{BODY_BYTES_MAX, HttpTransport};
use http::Request;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

const LONG: Duration = Duration::from_secs(20);

/// Serves every connection with the same bytes and then closes it; counts requests.
async fn serve(answer: Vec<u8>) -> (SocketAddr, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let requests = Arc::new(AtomicUsize::new(0));
    let seen = requests.clone();
    tokio::spawn(async move {
        while let Ok((mut socket, _)) = listener.accept().await {
            if read_head(&mut socket).await {
                seen.fetch_add(1, Ordering::SeqCst);
                let _ = socket.write_all(&answer).await;
            }
        }
    });
    (address, requests)
}

async fn read_head(socket: &mut TcpStream) -> bool {
    let mut head = Vec::new();
    let mut piece = [0; 1024];
    while !head.windows(4).any(|window| window == b"\r\n\r\n") {
        match socket.read(&mut piece).await {
            Ok(read) if read > 0 => head.extend_from_slice(&piece[..read]),
            _ => return false,
        }
    }
    true
}

async fn get(
    address: SocketAddr,
    timeout: Duration,
) -> Result<http::Response<Bytes>, TransportError> {
    let request =
        Request::get(format!("http://{address}/x?signature=hidden")).body(Bytes::new()).unwrap();
    HttpTransport::new().unwrap().send(request, timeout).await
}

#[tokio::test]
async fn an_answer_of_any_status_comes_back_whole() {
    let (address, _) =
        serve(b"HTTP/1.1 503 No\r\nretry-after: 7\r\ncontent-length: 2\r\n\r\nhi".to_vec()).await;
    let answer = get(address, LONG).await.unwrap();
    assert_eq!(answer.status(), 503);
    assert_eq!(answer.headers()["retry-after"], "7");
    assert_eq!(answer.body().as_ref(), b"hi");
}

#[tokio::test]
async fn a_port_nobody_listens_on_proves_that_nothing_left() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let error = get(address, LONG).await.unwrap_err();
    assert!(matches!(error, TransportError::NotSent(_)), "{error:?}");
    assert!(!error.to_string().contains("hidden"));
}

#[tokio::test]
async fn a_connection_that_dies_after_the_request_proves_nothing_and_is_not_tried_again() {
    let (address, requests) = serve(Vec::new()).await;
    let error = get(address, LONG).await.unwrap_err();
    assert!(matches!(error, TransportError::NoAnswer(_)), "{error:?}");
    assert!(!error.to_string().contains("hidden"));
    assert_eq!(requests.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn a_torn_body_is_no_answer() {
    let (address, requests) =
        serve(b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{\"orderId\":1".to_vec()).await;
    assert!(matches!(get(address, LONG).await, Err(TransportError::NoAnswer(_))));
    assert_eq!(requests.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn a_body_without_end_is_given_up_at_the_bound() {
    let mut answer = b"HTTP/1.1 200 OK\r\n\r\n".to_vec();
    answer.resize(BODY_BYTES_MAX + 100_000, b' ');
    let (address, _) = serve(answer).await;
    let error = get(address, LONG).await.unwrap_err();
    assert_eq!(error, TransportError::NoAnswer("answer is larger than 4194304 bytes".to_owned()));
}

#[tokio::test]
async fn redirects_are_answers_and_are_not_followed() {
    let (target, reached) = serve(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n".to_vec()).await;
    let answer =
        format!("HTTP/1.1 307 Go\r\nlocation: http://{target}/\r\ncontent-length: 0\r\n\r\n");
    let (address, _) = serve(answer.into_bytes()).await;
    assert_eq!(get(address, LONG).await.unwrap().status(), 307);
    assert_eq!(reached.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn silence_ends_at_the_timeout_as_no_answer() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let answer = get(address, Duration::from_millis(150)).await;
    assert!(matches!(answer, Err(TransportError::NoAnswer(_))), "{answer:?}");
    drop(listener);
}
