//! PostgreSQL in place of a file: the same answers, byte for byte, whoever writes and whatever breaks.

mod same;
mod server;
mod trouble;
