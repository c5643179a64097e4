//! Connecting to a server, and seeing whose tables are there.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls_platform_verifier::Verifier;
use secrecy::ExposeSecret;
use tokio_postgres::config::{Host, SslMode};
use tokio_postgres::{Config, NoTls};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::Session;
use super::failure::connecting;
use crate::store::error::BUSY;
use crate::store::place::Server;
use crate::store::{Result, StoreError};

/// How long a server may take to let somebody in.
const CONNECT: Duration = Duration::from_secs(15);

/// Opens a database for reading and writing; with the version of its tables, 0 where there are none yet.
pub(in crate::store::engine) fn open(server: &Server, known: i32) -> Result<(Session, i32)> {
    let session = connect(server)?;
    let version = identify(&session, server, known)?;
    Ok((session, version))
}

/// Opens an existing database to answer from, with one view of the data whatever is written meanwhile.
///
/// # Errors
/// [`StoreError::Missing`] where there are no tables, else see [`StoreError`].
pub(in crate::store::engine) fn open_to_read(server: &Server, known: i32) -> Result<(Session, i32)> {
    let session = connect(server)?;
    let version = identify(&session, server, known)?;
    if version == 0 {
        return Err(StoreError::Missing(server.url.clone()));
    }
    if version == known {
        session.execute_batch("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")?;
        session.only_reads.set(true);
    }
    Ok((session, version))
}

fn connect(server: &Server) -> Result<Session> {
    let failed = |reason: String| StoreError::Open { path: server.url.clone(), reason };
    let mut config: Config = server.url.parse().map_err(|error: tokio_postgres::Error| failed(error.to_string()))?;
    if let Some(password) = &server.password {
        config.password(password.expose_secret());
    }
    if config.get_application_name().is_none() {
        config.application_name("dmarcstat");
    }
    let patience = CONNECT.min(server.patience);
    config.connect_timeout(patience).keepalives_idle(Duration::from_secs(60)).tcp_user_timeout(Duration::from_secs(60));
    // Where no mode is named: no plain text over a network.
    if config.get_ssl_mode() == SslMode::Prefer && !server.url.contains("sslmode=") {
        config.ssl_mode(if is_here(&config) { SslMode::Disable } else { SslMode::Require });
    }
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| failed(error.to_string()))?;
    let tls = match config.get_ssl_mode() {
        SslMode::Disable => None,
        _ => Some(MakeRustlsConnect::new(client_config(server).map_err(failed)?)),
    };
    let connected = runtime.block_on(async {
        let connect = async {
            Ok(match tls {
                None => {
                    let (client, connection) = config.connect(NoTls).await?;
                    (client, tokio::spawn(async { drop(connection.await) }))
                }
                Some(tls) => {
                    let (client, connection) = config.connect(tls).await?;
                    (client, tokio::spawn(async { drop(connection.await) }))
                }
            })
        };
        tokio::time::timeout(patience, connect).await
    });
    let (client, driver) = connected
        .map_err(|_| failed(format!("the server gave no answer within {}", seconds(patience))))?
        .map_err(|error: tokio_postgres::Error| failed(connecting(&error)))?;
    let session = Session {
        runtime,
        client: Some(client),
        driver: Some(driver),
        patience: server.patience,
        prepared: RefCell::new(HashMap::new()),
        trips: Cell::new(1),
        only_reads: Cell::new(false),
        is_ready: Cell::new(false),
        seen: Cell::new(-1),
        others: Cell::new(0),
    };
    session.execute_batch(&format!(
        "SET statement_timeout = {}; SET lock_timeout = {}; SET client_min_messages = error; SET work_mem = '64MB'; SET jit = off",
        server.patience.as_millis(),
        BUSY.as_millis().min(server.patience.as_millis()),
    ))?;
    Ok(session)
}

fn seconds(time: Duration) -> String {
    let seconds = time.as_secs();
    format!("{seconds} second{}", if seconds == 1 { "" } else { "s" })
}

/// Whether the server is on this machine.
fn is_here(config: &Config) -> bool {
    config.get_hosts().iter().all(|host| match host {
        Host::Tcp(name) => {
            name == "localhost" || name.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
        }
        #[cfg(unix)]
        Host::Unix(_) => true,
    })
}

/// How a server proves who it is: by the roots of the system and those in `ca_file`.
fn client_config(server: &Server) -> std::result::Result<rustls::ClientConfig, String> {
    let mut extra: Vec<CertificateDer<'static>> = Vec::new();
    if let Some(path) = &server.ca_file {
        let shown = path.display();
        let found = CertificateDer::pem_file_iter(path).map_err(|error| format!("ca_file {shown}: {error}"))?;
        for certificate in found {
            extra.push(certificate.map_err(|error| format!("ca_file {shown}: {error}"))?);
        }
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let verifier = Verifier::new_with_extra_roots(extra, Arc::clone(&provider))
        .map_err(|error| format!("no certificates to trust ({error}); install ca-certificates, or set ca_file"))?;
    Ok(rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| error.to_string())?
        // The verifier checks chain, dates and name; it only gets its roots from the system.
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(verifier))
        .with_no_client_auth())
}

/// The version of a database that is ours; 0 for an empty one.
fn identify(session: &Session, server: &Server, known: i32) -> Result<i32> {
    let rows = session.query(
        "SELECT current_setting('server_encoding'), current_schema(), to_regclass('dmarcstat_database') IS NOT NULL,
            (SELECT COUNT(*) FROM pg_class WHERE relnamespace = CAST(current_schema() AS regnamespace)
                AND relkind IN ('r', 'p', 'f'))",
        &[],
    )?;
    let failed = |reason: &str| StoreError::Open { path: server.url.clone(), reason: reason.to_owned() };
    let row = rows.first().ok_or_else(|| failed("the server gives no answer"))?;
    if row.get::<_, String>(0) != "UTF8" {
        return Err(failed("its encoding is not UTF8; make one with `createdb --encoding UTF8 --template template0`"));
    }
    if row.get::<_, Option<String>>(1).is_none() {
        return Err(failed("the user has no schema there; grant it one (GRANT USAGE, CREATE ON SCHEMA …)"));
    }
    let (ours, tables): (bool, i64) = (row.get(2), row.get(3));
    if !ours {
        return if tables > 0 { Err(StoreError::Foreign(server.url.clone())) } else { Ok(0) };
    }
    let found = session.query("SELECT version, writes FROM dmarcstat_database", &[])?;
    let Some(row) = found.first() else { return Ok(0) };
    let version = i32::try_from(row.get::<_, i64>(0)).unwrap_or(i32::MAX);
    if version > known {
        return Err(StoreError::Newer { path: server.url.clone(), found: version, known });
    }
    session.is_ready.set(version > 0);
    session.seen.set(row.get(1));
    Ok(version)
}
