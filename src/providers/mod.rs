//! The catalogue of senders: who they are, how their mail is recognised, and what mends it.
