//! Assertions: signed statements of who asks (RFC 7519, RFC 7523).

use std::fmt;

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD as BASE64URL;
use oauth2::url::Url;
use ring::rand::{SecureRandom, SystemRandom};
use ring::signature::{RSA_PKCS1_SHA256, RSA_PSS_SHA256, RsaEncoding, RsaKeyPair};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::Error;
use crate::certificates;

/// Entra ID advises five to ten minutes for a client's assertion.
const CLIENT_LIFETIME: i64 = 600;
/// Google takes up to an hour.
const BEARER_LIFETIME: i64 = 3600;

/// A key that signs.
struct SigningKey(RsaKeyPair);

impl SigningKey {
    /// An RSA key in PEM, PKCS #8 or PKCS #1. Other bytes around it, such as a certificate, do no harm.
    fn from_pem(pem: &str) -> Result<Self, String> {
        let der = PrivateKeyDer::from_pem_slice(pem.as_bytes()).map_err(|_| "there is no private key in it (PEM)")?;
        let pair = match &der {
            PrivateKeyDer::Pkcs8(der) => RsaKeyPair::from_pkcs8(der.secret_pkcs8_der()),
            PrivateKeyDer::Pkcs1(der) => RsaKeyPair::from_der(der.secret_pkcs1_der()),
            _ => return Err("its key is not an RSA key".to_owned()),
        };
        pair.map(SigningKey).map_err(|error| format!("its key is not an RSA key of 2048 to 4096 bits ({error})"))
    }

    /// A JSON Web Token in compact form.
    fn token(&self, encoding: &'static dyn RsaEncoding, header: &Value, claims: &Value) -> Result<String, String> {
        let text = format!("{}.{}", BASE64URL.encode(header.to_string()), BASE64URL.encode(claims.to_string()));
        let mut signature = vec![0; self.0.public().modulus_len()];
        self.0
            .sign(encoding, &SystemRandom::new(), text.as_bytes(), &mut signature)
            .map_err(|_| "it cannot sign".to_owned())?;
        Ok(format!("{text}.{}", BASE64URL.encode(signature)))
    }
}

/// A certificate by which a client is known, and its key.
pub struct ClientCertificate {
    key: SigningKey,
    /// SHA-256 of the certificate.
    thumbprint: [u8; 32],
    /// When it ends, in seconds since the epoch, where that can be read.
    pub not_after: Option<i64>,
    /// What to call it in errors.
    name: String,
}

impl fmt::Debug for ClientCertificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientCertificate").field("name", &self.name).finish_non_exhaustive()
    }
}

impl ClientCertificate {
    /// Reads a certificate and a key, both in PEM; they may be the same text. `name` is what to call them in errors.
    ///
    /// # Errors
    /// [`Error::Key`] when one of them is missing or of a wrong kind.
    pub fn from_pem(certificate: &str, key: &SecretString, name: &str) -> Result<Self, Error> {
        let failed = |reason: String| Error::Key { what: name.to_owned(), reason };
        let der = CertificateDer::from_pem_slice(certificate.as_bytes())
            .map_err(|_| failed("there is no certificate in it (PEM)".to_owned()))?;
        let key = SigningKey::from_pem(key.expose_secret()).map_err(failed)?;
        let thumbprint = Sha256::digest(&der).into();
        Ok(ClientCertificate {
            key,
            thumbprint,
            not_after: certificates::validity(&der).map(|(_, end)| end),
            name: name.to_owned(),
        })
    }

    /// The assertion by which a client proves to an endpoint who it is.
    pub(super) fn assertion(&self, client_id: &str, endpoint: &Url, now: i64) -> Result<SecretString, Error> {
        let failed = |reason: String| Error::Key { what: self.name.clone(), reason };
        let mut unique = [0_u8; 16];
        SystemRandom::new().fill(&mut unique).map_err(|_| failed("there is no randomness".to_owned()))?;
        let header = json!({ "alg": "PS256", "typ": "JWT", "x5t#S256": BASE64URL.encode(self.thumbprint) });
        let claims = json!({
            "aud": endpoint.as_str(), "iss": client_id, "sub": client_id, "jti": BASE64URL.encode(unique),
            "iat": now, "nbf": now, "exp": now + CLIENT_LIFETIME,
        });
        self.key.token(&RSA_PSS_SHA256, &header, &claims).map(SecretString::from).map_err(failed)
    }
}

/// A service account, as Google describes one in a key file.
pub struct ServiceAccount {
    key: SigningKey,
    key_id: Option<String>,
    /// Its address.
    pub client_email: String,
    /// Where it gets its tokens.
    pub token_url: Url,
    /// What to call it in errors.
    name: String,
}

impl fmt::Debug for ServiceAccount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ServiceAccount").field("client_email", &self.client_email).finish_non_exhaustive()
    }
}

/// The fields of a key file that matter.
#[derive(Deserialize)]
struct KeyFile {
    #[serde(rename = "type")]
    kind: Option<String>,
    private_key_id: Option<String>,
    private_key: Option<SecretString>,
    client_email: Option<String>,
    token_uri: Option<String>,
}

impl ServiceAccount {
    /// Reads a key file. `token_url` is where tokens come from where the file does not rule.
    ///
    /// # Errors
    /// [`Error::Key`] when it is none.
    pub fn from_json(json: &SecretString, token_url: Option<&Url>, name: &str) -> Result<Self, Error> {
        let failed = |reason: &str| Error::Key { what: name.to_owned(), reason: reason.to_owned() };
        // The error of the reader could show what it read.
        let file: KeyFile = serde_json::from_str(json.expose_secret())
            .map_err(|_| failed("it is not the JSON of a service account's key"))?;
        if let Some(kind) = file.kind.filter(|kind| kind != "service_account") {
            let kind: String = kind.chars().take(40).collect();
            return Err(failed(&format!("it is a key of type {kind:?}, and not of a service account")));
        }
        let (Some(private_key), Some(client_email)) = (file.private_key, file.client_email) else {
            return Err(failed("it has no private_key or no client_email"));
        };
        let token_url = match (token_url, file.token_uri) {
            (Some(url), _) => url.clone(),
            (None, Some(text)) => {
                super::endpoint(&text).map_err(|reason| failed(&format!("its token_uri: {reason}")))?
            }
            (None, None) => return Err(failed("it has no token_uri, and no token_url is set")),
        };
        let key = SigningKey::from_pem(private_key.expose_secret()).map_err(|reason| failed(&reason))?;
        Ok(ServiceAccount { key, key_id: file.private_key_id, client_email, token_url, name: name.to_owned() })
    }

    /// The assertion that stands for the grant of `subject`.
    pub(super) fn assertion(
        &self,
        subject: &str,
        scope: &str,
        endpoint: &Url,
        now: i64,
    ) -> Result<SecretString, Error> {
        let mut header = json!({ "alg": "RS256", "typ": "JWT" });
        if let Some(id) = &self.key_id {
            header["kid"] = json!(id);
        }
        let claims = json!({
            "iss": self.client_email, "sub": subject, "scope": scope, "aud": endpoint.as_str(),
            "iat": now, "exp": now + BEARER_LIFETIME,
        });
        self.key
            .token(&RSA_PKCS1_SHA256, &header, &claims)
            .map(SecretString::from)
            .map_err(|reason| Error::Key { what: self.name.clone(), reason })
    }
}
