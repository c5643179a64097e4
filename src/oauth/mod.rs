//! OAuth2 access tokens for IMAP: grants, presets of providers, the cache.
