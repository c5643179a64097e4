//! Connecting to a server, and seeing whose tables are there.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::time::Duration;

use secrecy::ExposeSecret;
use tokio_postgres::config::{Host, SslMode};
use tokio_postgres::{Config, NoTls};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::Session;
use super::failure::connecting;
use crate::certificates;
use crate::store::error::BUSY;
use crate::store::place::Server;
use crate::store::{Result, StoreError};
use crate::words;

/// How long a server may take to let somebody in.
const CONNECT: Duration = Duration::from_secs(15);

/// Opens a database for reading and writing; with the version of its tables, 0 where there are none yet.
pub(in crate::store::engine) fn open(server: &Server, known: i32) -> Result<(Session, i32)> {
    let session = connect(server)?;
    let version = if look(&session, server)? { identify(&session, server, known, VERSION)? } else { 0 };
    Ok((session, version))
}

/// Opens an existing database to answer from, with one view of the data whatever is written meanwhile.
///
/// # Errors
/// [`StoreError::Missing`] where there are no tables, else see [`StoreError`].
pub(in crate::store::engine) fn open_to_read(server: &Server, known: i32) -> Result<(Session, i32)> {
    let session = connect(server)?;
    let begin =
        format!("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; {VERSION}; SELECT COALESCE(MAX(id), 0) FROM report");
    let version = if look(&session, server)? { identify(&session, server, known, &begin)? } else { 0 };
    if version == 0 {
        return Err(StoreError::Missing(server.url.clone()));
    }
    session.only_reads.set(version == known);
    Ok((session, version))
}

/// Gives the version of the tables, and the number of the last transaction that wrote.
const VERSION: &str = "SELECT version, writes FROM dmarcstat_database";

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
        _ => {
            let trusted = certificates::client_config(server.ca_file.as_deref());
            Some(MakeRustlsConnect::new(trusted.map_err(|error| failed(error.to_string()))?))
        }
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
        .map_err(|_| {
            failed(format!("the server gave no answer within {}", words::plural(patience.as_secs(), "second")))
        })?
        .map_err(|error: tokio_postgres::Error| failed(connecting(&error)))?;
    let session = Session {
        runtime,
        client: Some(client),
        driver: Some(driver),
        patience: server.patience,
        prepared: RefCell::new(HashMap::new()),
        repeated: RefCell::default(),
        only_reads: Cell::new(false),
        is_ready: Cell::new(false),
        seen: Cell::new(-1),
        others: Cell::new(0),
        later: RefCell::default(),
        numbers: RefCell::default(),
        are_asked: Cell::new(false),
        is_split: Cell::new(false),
        is_tidy: Cell::new(false),
        newest: Cell::new(i64::MAX),
    };
    Ok(session)
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

/// Whether the tables are there.
///
/// # Errors
/// [`StoreError::Foreign`] where others are, [`StoreError::Open`] where there can be none.
fn look(session: &Session, server: &Server) -> Result<bool> {
    let rows = session.simple(&format!(
        "SET statement_timeout = {}; SET lock_timeout = {}; SET client_min_messages = error; SET work_mem = '64MB'; SET jit = off;
         SELECT current_setting('server_encoding'), current_schema(), to_regclass('dmarcstat_database') IS NOT NULL,
            (SELECT COUNT(*) FROM pg_class WHERE relnamespace = CAST(current_schema() AS regnamespace)
                AND relkind IN ('r', 'p', 'f')),
            EXISTS (SELECT 1 FROM pg_class WHERE relnamespace = CAST(current_schema() AS regnamespace)
                AND relname = 'record_run' AND relkind IN ('p', 'f'))",
        server.patience.as_millis(),
        BUSY.as_millis().min(server.patience.as_millis()),
    ))?;
    let failed = |reason: &str| StoreError::Open { path: server.url.clone(), reason: reason.to_owned() };
    let row = rows.first().ok_or_else(|| failed("the server gives no answer"))?;
    if row.get(0) != Some("UTF8") {
        return Err(failed("its encoding is not UTF8; make one with `createdb --encoding UTF8 --template template0`"));
    }
    if row.get(1).is_none() {
        return Err(failed("the user has no schema there; grant it one (GRANT USAGE, CREATE ON SCHEMA …)"));
    }
    let is_ours = row.get(2) == Some("t");
    if !is_ours && row.get(3) != Some("0") {
        return Err(StoreError::Foreign(server.url.clone()));
    }
    session.is_split.set(row.get(4) == Some("t"));
    Ok(is_ours)
}

/// The version of the tables; `sql` gives it.
fn identify(session: &Session, server: &Server, known: i32, sql: &str) -> Result<i32> {
    let rows = session.simple(sql)?;
    let number = |row: usize, column: usize| rows.get(row)?.try_get(column).ok()??.parse::<i64>().ok();
    let Some(version) = number(0, 0) else { return Ok(0) };
    let version = i32::try_from(version).unwrap_or(i32::MAX);
    if version > known {
        return Err(StoreError::Newer { path: server.url.clone(), found: version, known });
    }
    session.is_ready.set(version > 0);
    session.seen.set(number(0, 1).unwrap_or(-1));
    if let (true, Some(newest)) = (session.is_split.get(), number(1, 0)) {
        session.newest.set(newest);
    }
    Ok(version)
}
