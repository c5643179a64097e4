//! Messages to people: a summary by mail, and a message to a web hook.

pub(crate) mod hook;
pub(crate) mod mail;
