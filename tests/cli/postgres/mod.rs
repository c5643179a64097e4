//! PostgreSQL in place of a file: the same answers, byte for byte, whoever writes and whatever breaks.

mod proxy;
mod same;
mod secure;
mod server;
mod split;
mod trips;
mod trouble;
