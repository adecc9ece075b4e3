//! `equipoise.toml`: which journal, which venues. Secrets are not in it, only the names of the variables that hold them.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use equipoise::journal::{JournalKind, JournalOptions};
use equipoise::venues::{Endpoint, REQUEST_WINDOW_MS_DEFAULT};
use equipoise::{Positions, VenueName};
use serde::Deserialize;

use crate::document;
use crate::failure::Failure;

/// Everything the configuration says.
#[derive(Debug)]
pub(crate) struct Config {
    /// Where it was read from.
    pub(crate) file: PathBuf,
    pub(crate) journal: JournalConfig,
    pub(crate) venues: BTreeMap<VenueName, VenueConfig>,
}

/// Where the journal is and how it is kept.
#[derive(Debug)]
pub(crate) struct JournalConfig {
    pub(crate) kind: JournalKind,
    /// Empty for a journal in memory.
    pub(crate) path: PathBuf,
    pub(crate) options: JournalOptions,
}

/// One venue.
#[derive(Debug)]
pub(crate) struct VenueConfig {
    pub(crate) adapter: String,
    pub(crate) endpoint: Endpoint,
    pub(crate) keys: KeyConfig,
    pub(crate) request_window_ms: u32,
    pub(crate) margin_ms: Option<u32>,
    pub(crate) id_horizon_ms: Option<u64>,
    pub(crate) positions: Positions,
}

/// Where one venue's API key is. Which of these a venue needs depends on its adapter.
#[derive(Debug)]
pub(crate) struct KeyConfig {
    pub(crate) api_key_env: String,
    pub(crate) api_secret_env: Option<String>,
    pub(crate) api_passphrase_env: Option<String>,
    /// A file with a private key in PEM form, in place of a variable.
    pub(crate) api_key_file: Option<PathBuf>,
}

impl Config {
    /// Reads a configuration file; relative paths in it count from where it is.
    ///
    /// # Errors
    /// `config_invalid`, with the field and its line.
    pub(crate) fn read(path: &Path) -> Result<Self, Failure> {
        let refuse = |message| Failure::refused("config_invalid", message);
        let document: Document = document::read(path).map_err(refuse)?;
        document.checked(path).map_err(|why| refuse(format!("{}: {why}", path.display())))
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    journal: JournalDocument,
    #[serde(default)]
    venues: BTreeMap<VenueName, VenueDocument>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct JournalDocument {
    kind: KindDocument,
    path: Option<PathBuf>,
    /// Bytes kept back for closing batches on a full device.
    ballast_bytes: Option<u64>,
    /// Free bytes below which no further batch begins.
    free_floor_bytes: Option<u64>,
}

#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
enum KindDocument {
    Sled,
    Redb,
    Memory,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct VenueDocument {
    adapter: String,
    rest_url: Option<String>,
    network: Option<NetworkDocument>,
    api_key_env: String,
    api_secret_env: Option<String>,
    api_passphrase_env: Option<String>,
    /// Path of a private key in PEM form.
    api_key_file: Option<PathBuf>,
    request_window_ms: Option<u32>,
    /// In place of the margin the adapter declares.
    margin_ms: Option<u32>,
    /// In place of the id memory the adapter declares.
    id_horizon_ms: Option<u64>,
    #[serde(default)]
    positions: Positions,
}

#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
enum NetworkDocument {
    Production,
    Test,
}

impl Document {
    fn checked(self, file: &Path) -> Result<Config, String> {
        let folder = file.parent().unwrap_or(Path::new(""));
        let journal = self.journal.checked(folder)?;
        let venues = self.venues.into_iter().map(|(name, venue)| {
            let venue = venue.checked(folder).map_err(|why| format!("[venues.{name}]: {why}"))?;
            Ok((name, venue))
        });
        Ok(Config {
            file: file.to_owned(),
            journal,
            venues: venues.collect::<Result<_, String>>()?,
        })
    }
}

impl JournalDocument {
    fn checked(self, folder: &Path) -> Result<JournalConfig, String> {
        let kind = match self.kind {
            KindDocument::Sled => JournalKind::Sled,
            KindDocument::Redb => JournalKind::Redb,
            KindDocument::Memory => JournalKind::Memory,
        };
        let path = match (kind, self.path) {
            (JournalKind::Memory, _) => PathBuf::new(),
            (_, Some(path)) if !path.as_os_str().is_empty() => folder.join(path),
            (kind, _) => return Err(format!("[journal]: a {kind} journal needs a path")),
        };
        let defaults = JournalOptions::default();
        let options = JournalOptions {
            ballast_bytes: self.ballast_bytes.unwrap_or(defaults.ballast_bytes),
            free_floor_bytes: self.free_floor_bytes.unwrap_or(defaults.free_floor_bytes),
            ..defaults
        };
        Ok(JournalConfig { kind, path, options })
    }
}

impl VenueDocument {
    fn checked(self, folder: &Path) -> Result<VenueConfig, String> {
        let endpoint = match (self.rest_url, self.network) {
            (Some(_), Some(_)) => {
                return Err("rest_url and network exclude each other".to_owned());
            }
            (Some(url), None) => Endpoint::Url(url),
            (None, Some(NetworkDocument::Test)) => Endpoint::Test,
            (None, Some(NetworkDocument::Production) | None) => Endpoint::Production,
        };
        for (field, name) in [
            ("api_key_env", Some(&self.api_key_env)),
            ("api_secret_env", self.api_secret_env.as_ref()),
            ("api_passphrase_env", self.api_passphrase_env.as_ref()),
        ] {
            name.map_or(Ok(()), |name| variable_name(field, name))?;
        }
        Ok(VenueConfig {
            adapter: self.adapter,
            endpoint,
            keys: KeyConfig {
                api_key_env: self.api_key_env,
                api_secret_env: self.api_secret_env,
                api_passphrase_env: self.api_passphrase_env,
                api_key_file: self.api_key_file.map(|path| folder.join(path)),
            },
            request_window_ms: self.request_window_ms.unwrap_or(REQUEST_WINDOW_MS_DEFAULT),
            margin_ms: self.margin_ms,
            id_horizon_ms: self.id_horizon_ms,
            positions: self.positions,
        })
    }
}

/// Refuses what cannot be a variable's name without showing it: it may be the secret itself, pasted in the wrong place.
fn variable_name(field: &str, name: &str) -> Result<(), String> {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    let digit = |byte: u8| byte.is_ascii_digit();
    let first = name.bytes().next();
    if name.len() <= 64 && name.bytes().all(fits) && first.is_some_and(|byte| !digit(byte)) {
        return Ok(());
    }
    Err(format!(
        "{field} must be the name of an environment variable: at most 64 letters, digits and underscores"
    ))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    const VENUE: &str = "[venues.binance]\nadapter = \"binance-usdm\"\napi_key_env = \"KEY\"\napi_secret_env = \"SECRET\"\n";

    fn parse(text: &str) -> Result<Config, String> {
        let document: Document =
            toml::from_str(text).map_err(|error| error.message().to_owned())?;
        document.checked(Path::new("/desk/equipoise.toml"))
    }

    #[test]
    fn a_journal_path_counts_from_the_file() {
        let config = parse("[journal]\nkind = \"sled\"\npath = \"j\"\n").unwrap();
        assert_eq!(config.journal.path, Path::new("/desk/j"));
        let config = parse("[journal]\nkind = \"redb\"\npath = \"/var/j\"\n").unwrap();
        assert_eq!(config.journal.path, Path::new("/var/j"));
    }

    #[test]
    fn a_venue_without_url_and_network_is_production_and_exclusive() {
        let config = parse(&format!("[journal]\nkind = \"memory\"\n{VENUE}")).unwrap();
        let venue = config.venues.values().next().unwrap();
        assert_eq!(venue.endpoint, Endpoint::Production);
        assert_eq!(venue.positions, Positions::Exclusive);
        assert_eq!(venue.request_window_ms, 2_000);
    }

    #[test]
    fn a_url_and_a_network_together_are_refused() {
        let text = format!(
            "[journal]\nkind = \"memory\"\n{VENUE}rest_url = \"http://127.0.0.1:1\"\nnetwork = \"test\"\n"
        );
        assert_eq!(
            parse(&text).unwrap_err(),
            "[venues.binance]: rest_url and network exclude each other"
        );
    }

    #[test]
    fn a_secret_in_place_of_a_variable_is_refused_and_not_shown() {
        let text = format!("[journal]\nkind = \"memory\"\n{VENUE}")
            .replace("\"SECRET\"", "\"canary+secret/\"");
        assert_eq!(
            parse(&text).unwrap_err(),
            "[venues.binance]: api_secret_env must be the name of an environment variable: at most 64 letters, digits and underscores"
        );
    }

    #[test]
    fn a_stored_journal_needs_a_path() {
        assert_eq!(
            parse("[journal]\nkind = \"sled\"\n").unwrap_err(),
            "[journal]: a sled journal needs a path"
        );
    }
}
