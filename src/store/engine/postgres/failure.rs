//! What a server says that went wrong, for the operator.

use std::error::Error as _;
use std::time::Duration;

use rustls::CertificateError;
use tokio_postgres::error::SqlState;

use crate::certificates;
use crate::store::StoreError;
use crate::store::engine::error::Error;

impl From<StoreError> for Error {
    fn from(error: StoreError) -> Self {
        Error::Server(Box::new(error))
    }
}

/// What went wrong with a statement that may take so long.
pub(in crate::store) fn error(error: &tokio_postgres::Error, patience: Duration) -> StoreError {
    let Some(said) = error.as_db_error() else {
        return if error.is_closed() || error.source().is_some_and(|cause| cause.is::<std::io::Error>()) {
            StoreError::Gone(causes(error))
        } else {
            StoreError::Other(causes(error))
        };
    };
    let message = said.message().to_owned();
    match *said.code() {
        SqlState::LOCK_NOT_AVAILABLE => StoreError::Locked,
        SqlState::QUERY_CANCELED => StoreError::Slow(patience.as_secs()),
        SqlState::DISK_FULL => StoreError::Full,
        SqlState::INSUFFICIENT_PRIVILEGE => StoreError::NoRight(message),
        SqlState::READ_ONLY_SQL_TRANSACTION => {
            StoreError::NoRight(format!("{message}; a server that only follows another cannot be written to"))
        }
        SqlState::ADMIN_SHUTDOWN
        | SqlState::CRASH_SHUTDOWN
        | SqlState::CANNOT_CONNECT_NOW
        | SqlState::IDLE_IN_TRANSACTION_SESSION_TIMEOUT => StoreError::Gone(message),
        SqlState::DATA_CORRUPTED | SqlState::INDEX_CORRUPTED => StoreError::Damaged(message),
        _ => StoreError::Other(message),
    }
}

/// Why a connection was not made.
pub(super) fn connecting(error: &tokio_postgres::Error) -> String {
    let Some(said) = error.as_db_error() else {
        let text = causes(error);
        return match certificate_error(error) {
            Some(wrong) => certificates::explain(&wrong, "the host in the URL"),
            None if text.contains("server does not support TLS") => {
                "the server does not speak TLS; turn it on there (`ssl = on`), or add ?sslmode=disable to the URL where nobody else \
                 is on the line"
                    .to_owned()
            }
            None => text,
        };
    };
    match *said.code() {
        SqlState::INVALID_PASSWORD => format!(
            "{}; the password is that of password_command, password_file, PGPASSWORD or ~/.pgpass",
            said.message()
        ),
        SqlState::INVALID_CATALOG_NAME => format!("{}; make it with `createdb`", said.message()),
        _ => said.message().to_owned(),
    }
}

/// What is wrong with the server's certificate, if that is it.
fn certificate_error(error: &tokio_postgres::Error) -> Option<CertificateError> {
    let mut cause = error.source();
    while let Some(next) = cause {
        let inner = next.downcast_ref::<std::io::Error>().and_then(std::io::Error::get_ref);
        let inner = inner.and_then(|inner| inner.downcast_ref()).or_else(|| next.downcast_ref());
        if let Some(rustls::Error::InvalidCertificate(wrong)) = inner {
            return Some(wrong.clone());
        }
        cause = next.source();
    }
    None
}

/// An error with what it was caused by, in one line.
fn causes(error: &tokio_postgres::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(next) = cause {
        let said = next.to_string();
        if !text.contains(&said) {
            text = format!("{text}: {said}");
        }
        cause = next.source();
    }
    text
}
