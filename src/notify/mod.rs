//! What is told to people who do not ask: mail with a summary, and a message to a web hook.

pub(crate) mod hook;
pub(crate) mod mail;
