//! API keys, secrets, passphrases and private keys: from the environment or a file into the adapters, and nowhere else.
//!
//! No message shows a value, and none shows a path either: somebody may have pasted the key in its place.

use std::path::Path;

use equipoise::VenueName;
use equipoise::venues::{Credentials, CredentialsError, KeyForm};

use crate::config::KeyConfig;
use crate::document::read_bounded;
use crate::failure::Failure;

/// Where the secret half of a key is.
enum Secret<'a> {
    Variable(&'a str),
    File(&'a Path),
}

/// One venue's key, in the form its exchange hands out.
///
/// # Errors
/// `config_invalid` when a field is missing or has no use there, `credentials` when what it names is missing or unusable.
pub(crate) fn read(
    venue: &VenueName,
    adapter: &str,
    form: KeyForm,
    keys: &KeyConfig,
) -> Result<Credentials, Failure> {
    let refuse = |code, why: String| Failure::refused(code, format!("venue '{venue}': {why}"));
    let secret = fields(adapter, form, keys).map_err(|why| refuse("config_invalid", why))?;
    let refuse = |why| refuse("credentials", why);
    let key = variable("api_key_env", &keys.api_key_env).map_err(refuse)?;
    let (field, text) = match secret {
        Secret::Variable(name) => ("api_secret_env", variable("api_secret_env", name)),
        Secret::File(path) => ("api_key_file", file(path)),
    };
    let text = text.map_err(refuse)?;
    let unusable =
        |field: &'static str| move |error: CredentialsError| refuse(format!("{error} ({field})"));
    let pem = form == KeyForm::PrivateKey && text.trim_start().starts_with("-----BEGIN ");
    let made = match (&secret, pem) {
        (Secret::File(_), _) | (_, true) => Credentials::pem(&key, &text),
        (Secret::Variable(_), false) => Credentials::new(&key, &text),
    };
    let credentials = made.map_err(unusable(field))?;
    let Some(name) = &keys.api_passphrase_env else {
        return Ok(credentials);
    };
    let passphrase = variable("api_passphrase_env", name).map_err(refuse)?;
    credentials.with_passphrase(&passphrase).map_err(unusable("api_passphrase_env"))
}

/// Checks that exactly what this form of key needs is given, and says where its secret half is.
fn fields<'a>(adapter: &str, form: KeyForm, keys: &'a KeyConfig) -> Result<Secret<'a>, String> {
    let allowed = match form {
        KeyForm::Secret => "api_key_env and api_secret_env",
        KeyForm::Passphrase => "api_key_env, api_secret_env and api_passphrase_env",
        KeyForm::PrivateKey => "api_key_env and one of api_secret_env and api_key_file",
    };
    let wrong = |what: &str| format!("{what}: keys of adapter '{adapter}' are given by {allowed}");
    match (form, &keys.api_passphrase_env) {
        (KeyForm::Passphrase, None) => return Err(wrong("api_passphrase_env is missing")),
        (KeyForm::Passphrase, Some(_)) | (_, None) => {}
        (_, Some(_)) => return Err(wrong("api_passphrase_env has no use here")),
    }
    match (&keys.api_secret_env, &keys.api_key_file) {
        (_, Some(_)) if form != KeyForm::PrivateKey => Err(wrong("api_key_file has no use here")),
        (Some(_), Some(_)) => Err(wrong("api_secret_env and api_key_file exclude each other")),
        (Some(name), None) => Ok(Secret::Variable(name)),
        (None, Some(path)) => Ok(Secret::File(path)),
        (None, None) => Err(wrong("api_secret_env is missing")),
    }
}

fn variable(field: &str, name: &str) -> Result<String, String> {
    // A value that is not Unicode must not be shown either, so both cases are told apart by hand.
    let value = std::env::var_os(name).ok_or("is not set");
    let value = value.and_then(|value| value.into_string().map_err(|_| "is not Unicode"));
    value.map_err(|why| match is_plainly_a_name(name) {
        true => format!("environment variable {name} ({field}) {why}"),
        false => format!("the environment variable that {field} names {why}"),
    })
}

/// Whether a text is surely no secret pasted in a name's place: those of the exchanges are hexadecimal, letters of both
/// cases or base64, and none has an underscore between capitals.
fn is_plainly_a_name(text: &str) -> bool {
    let capital = |byte: u8| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'_';
    text.contains('_') && text.bytes().all(capital)
}

fn file(path: &Path) -> Result<String, String> {
    read_bounded(path)
        .map_err(|why| format!("the file named by api_key_file cannot be read: {why}"))
}
