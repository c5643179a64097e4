//! The grants, against a token endpoint on this machine.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicUsize, Ordering};
use std::sync::mpsc::channel;

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use oauth2::url::{Url, form_urlencoded};
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value, json};

use super::login::Task;
use super::*;
use endpoint::{Endpoint, Form};

mod endpoint;

static NOW: AtomicI64 = AtomicI64::new(1_790_000_000);

fn clock() -> i64 {
    NOW.load(Ordering::SeqCst)
}

fn token(access: &str, refresh: Option<&str>, lifetime: u64) -> (u16, Value) {
    let mut body = json!({ "access_token": access, "token_type": "Bearer", "expires_in": lifetime });
    if let Some(refresh) = refresh {
        body["refresh_token"] = json!(refresh);
    }
    (200, body)
}

fn settings(endpoint: &Endpoint, grant: Grant) -> Settings {
    let url = |path: &str| Url::parse(&format!("{}{path}", endpoint.url)).unwrap();
    Settings {
        account: "rua".to_owned(),
        user: "dmarc@example.com".to_owned(),
        client_id: "client".to_owned(),
        proof: Proof::None,
        grant,
        scopes: vec!["mail".to_owned(), "offline_access".to_owned()],
        token_url: url("/token"),
        auth_url: Some(url("/auth")),
        device_url: Some(url("/device")),
        auth_parameters: vec![("access_type", "offline")],
        redirect_host: "127.0.0.1",
        redirect_port: 0,
    }
}

/// A folder for a test's tokens, and the tokens.
fn tokens(settings: Settings) -> (tempfile::TempDir, Tokens) {
    let folder = tempfile::tempdir().unwrap();
    let cache = Cache::new(folder.path().join("rua.json"));
    (folder, Tokens::new(settings, cache, clock))
}

fn again(tokens: &Tokens, settings: Settings) -> Tokens {
    Tokens::new(settings, tokens.cache().clone(), clock)
}

fn get(tokens: &mut Tokens, renew: bool) -> String {
    match tokens.access_token(renew) {
        Ok(token) => token.expose_secret().to_owned(),
        Err(error) => format!("error: {error}"),
    }
}

fn secret(text: &str) -> SecretString {
    SecretString::from(text)
}

/// A key of 2048 bits and its certificate, made for these tests.
const KEY: &str = include_str!("tests/key.pem");
const CERTIFICATE: &str = include_str!("tests/certificate.pem");

/// The parts of a signed assertion; its signature must fit the key.
fn verified(assertion: &str, pss: bool) -> (Value, Value) {
    use ring::signature::{RSA_PKCS1_2048_8192_SHA256, RSA_PSS_2048_8192_SHA256, RsaKeyPair, UnparsedPublicKey};
    use rustls::pki_types::{PrivatePkcs8KeyDer, pem::PemObject};
    let der = PrivatePkcs8KeyDer::from_pem_slice(KEY.as_bytes()).unwrap();
    let pair = RsaKeyPair::from_pkcs8(der.secret_pkcs8_der()).unwrap();
    let public = ring::signature::KeyPair::public_key(&pair).as_ref().to_vec();
    let (signed, signature) = assertion.rsplit_once('.').unwrap();
    let signature = BASE64_URL_SAFE_NO_PAD.decode(signature).unwrap();
    let algorithm = if pss { &RSA_PSS_2048_8192_SHA256 } else { &RSA_PKCS1_2048_8192_SHA256 };
    UnparsedPublicKey::new(algorithm, public).verify(signed.as_bytes(), &signature).unwrap();
    let (header, claims) = signed.split_once('.').unwrap();
    let read = |part: &str| serde_json::from_slice(&BASE64_URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap();
    (read(header), read(claims))
}

#[test]
fn client_credentials_with_a_secret() {
    let endpoint = Endpoint::new(|_, _, number| token(&format!("t{number}"), None, 3600));
    let with_secret =
        || Settings { proof: Proof::Secret(secret("s3cret&=")), ..settings(&endpoint, Grant::ClientCredentials) };
    let (_folder, mut first) = tokens(with_secret());
    assert_eq!(get(&mut first, false), "t1");
    let form = &endpoint.asked()[0];
    for (name, value) in [
        ("grant_type", "client_credentials"),
        ("client_id", "client"),
        ("client_secret", "s3cret&="),
        ("scope", "mail offline_access"),
    ] {
        assert_eq!(form.get(name).map(String::as_str), Some(value), "{name}");
    }
    // While it is good, it is good for other runs too; a server that does not take it gets another.
    assert_eq!((get(&mut first, false), get(&mut again(&first, with_secret()), false)), ("t1".into(), "t1".into()));
    assert_eq!((get(&mut first, true), get(&mut first, false)), ("t2".into(), "t2".into()));
    assert_eq!(endpoint.asked().len(), 2);
    // One of two that work side by side meets what the other got.
    let mut second = again(&first, with_secret());
    assert_eq!((get(&mut second, false), get(&mut first, true)), ("t2".into(), "t3".into()));
    assert_eq!(get(&mut second, true), "t3");
    // Other settings have other tokens.
    let mut other = again(&first, Settings { client_id: "other".to_owned(), ..with_secret() });
    assert_eq!(get(&mut other, false), "t4");
    assert!(!format!("{first:?}").contains("s3cret") && !format!("{first:?}").contains("t3"));
}

#[test]
fn tokens_are_renewed_before_they_end() {
    static TIME: AtomicI64 = AtomicI64::new(1_800_000_000);
    fn time() -> i64 {
        TIME.load(Ordering::SeqCst)
    }
    let endpoint = Endpoint::new(|_, _, number| token(&format!("t{number}"), None, 3600));
    let folder = tempfile::tempdir().unwrap();
    let cache = Cache::new(folder.path().join("rua.json"));
    let mut tokens = Tokens::new(settings(&endpoint, Grant::ClientCredentials), cache, time);
    let mut after = |seconds: i64| {
        TIME.fetch_add(seconds, Ordering::SeqCst);
        get(&mut tokens, false)
    };
    assert_eq!([after(0), after(3000), after(290), after(20), after(3200)], ["t1", "t1", "t1", "t2", "t2"]);
}

#[test]
fn client_credentials_with_a_certificate() {
    let endpoint = Endpoint::new(|_, _, _| token("t", None, 3600));
    let certificate = ClientCertificate::from_pem(CERTIFICATE, &secret(KEY), "client.pem").unwrap();
    assert!(certificate.not_after.is_some());
    let proof = Proof::Certificate(Box::new(certificate));
    let (_folder, mut tokens) = tokens(Settings { proof, ..settings(&endpoint, Grant::ClientCredentials) });
    assert_eq!(get(&mut tokens, false), "t");
    let form = &endpoint.asked()[0];
    assert_eq!(form["client_assertion_type"], "urn:ietf:params:oauth:client-assertion-type:jwt-bearer");
    assert!(!form.contains_key("client_secret"));
    let (header, claims) = verified(&form["client_assertion"], true);
    assert_eq!((&header["alg"], &header["typ"]), (&json!("PS256"), &json!("JWT")));
    assert_eq!(header["x5t#S256"].as_str().map(str::len), Some(43));
    assert_eq!(claims["aud"], format!("{}/token", endpoint.url));
    assert_eq!((&claims["iss"], &claims["sub"]), (&json!("client"), &json!("client")));
    assert_eq!(claims["exp"], clock() + 600);
}

#[test]
fn a_service_account_acts_for_a_mailbox() {
    let endpoint = Endpoint::new(|_, _, _| token("t", None, 3600));
    let key = json!({
        "type": "service_account", "private_key_id": "k1", "private_key": KEY,
        "client_email": "bot@project.example", "token_uri": format!("{}/token", endpoint.url),
    });
    let account = ServiceAccount::from_json(&secret(&key.to_string()), None, "key.json").unwrap();
    let (_folder, mut tokens) = tokens(settings(&endpoint, Grant::JwtBearer(Box::new(account))));
    assert_eq!(get(&mut tokens, false), "t");
    let form = &endpoint.asked()[0];
    assert_eq!(form["grant_type"], "urn:ietf:params:oauth:grant-type:jwt-bearer");
    let (header, claims) = verified(&form["assertion"], false);
    assert_eq!((&header["alg"], &header["kid"]), (&json!("RS256"), &json!("k1")));
    assert_eq!((&claims["iss"], &claims["sub"]), (&json!("bot@project.example"), &json!("dmarc@example.com")));
    assert_eq!((&claims["scope"], &claims["exp"]), (&json!("mail offline_access"), &json!(clock() + 3600)));
}

#[test]
fn keys_that_are_none_say_so_and_show_nothing() {
    let mistakes = [
        ServiceAccount::from_json(&secret("hunter2"), None, "key.json").map(|_| ()),
        ServiceAccount::from_json(&secret(r#"{"installed":{"client_secret":"hunter2"}}"#), None, "key.json")
            .map(|_| ()),
        ServiceAccount::from_json(&secret(r#"{"type":"authorized_user","refresh_token":"hunter2"}"#), None, "key.json")
            .map(|_| ()),
        ClientCertificate::from_pem("hunter2", &secret(KEY), "key.json").map(|_| ()),
        ClientCertificate::from_pem(CERTIFICATE, &secret("hunter2"), "key.json").map(|_| ()),
    ];
    for mistake in mistakes {
        let error = mistake.unwrap_err().to_string();
        assert!(error.contains("key.json") && !error.contains("hunter2"), "{error}");
    }
}

#[test]
fn a_refresh_token_that_was_exchanged_is_kept() {
    let endpoint = Endpoint::new(|_, form, number| match form["refresh_token"].as_str() {
        "r0" => token(&format!("t{number}"), Some("r1"), 3600),
        "r1" => token(&format!("t{number}"), None, 3600),
        _ => (400, json!({ "error": "invalid_grant", "error_description": "gone" })),
    });
    let with = |token: &str| settings(&endpoint, Grant::RefreshToken(secret(token)));
    let (_folder, mut tokens) = tokens(with("r0"));
    assert_eq!([get(&mut tokens, false), get(&mut tokens, true), get(&mut tokens, true)], ["t1", "t2", "t3"]);
    let used: Vec<_> = endpoint.asked().iter().map(|form| form["refresh_token"].clone()).collect();
    assert_eq!(used, ["r0", "r1", "r1"]);
    // Another one in the configuration is another beginning.
    let error = get(&mut again(&tokens, with("r9")), false);
    assert!(error.contains("invalid_grant, gone; the refresh token is no longer good"), "{error}");
}

#[test]
fn a_login_by_device_code() {
    let asked = Arc::new(AtomicUsize::new(0));
    let endpoint = Endpoint::new(move |path, form, _| match path {
        "/device" => (
            200,
            json!({ "device_code": "dev", "user_code": "ABCD-EFGH", "verification_uri": "https://example.com/device",
                    "expires_in": 900, "interval": 0, "scope": form["scope"] }),
        ),
        _ if form["grant_type"] == "refresh_token" => token("t2", Some("r2"), 3600),
        _ if asked.fetch_add(1, Ordering::SeqCst) == 0 => (400, json!({ "error": "authorization_pending" })),
        _ => token("t1", Some("r1"), 3600),
    });
    let (_folder, mut tokens) = tokens(settings(&endpoint, Grant::DeviceCode));
    let error = get(&mut tokens, false);
    assert!(error.contains("dmarcstat login rua") && endpoint.asked().is_empty(), "{error}");
    let mut told = String::new();
    let (_keep, pasted) = channel();
    let kept = tokens.log_in(&mut |task| told = format!("{task:?}"), &pasted).unwrap();
    assert_eq!((kept.logged_in, kept.expires), (Some(clock()), clock() + 3600));
    assert!(told.contains("https://example.com/device") && told.contains("ABCD-EFGH"), "{told}");
    assert_eq!(get(&mut again(&tokens, settings(&endpoint, Grant::DeviceCode)), false), "t1");
    assert_eq!(get(&mut tokens, true), "t2");
    assert_eq!(endpoint.asked().last().unwrap()["refresh_token"], "r1");
}

#[test]
fn a_login_by_browser() {
    let endpoint = Endpoint::new(|_, form, _| match form.get("code").map(String::as_str) {
        Some("c0de") => token("t1", Some("r1"), 3600),
        _ => (400, json!({ "error": "invalid_request" })),
    });
    let (_folder, mut tokens) = tokens(settings(&endpoint, Grant::AuthorizationCode));
    let (_keep, pasted) = channel();
    let mut challenge = String::new();
    let mut browser = |task: &Task<'_>| {
        let Task::OpenPage { page, .. } = task else { panic!() };
        let query: Form = Url::parse(page).unwrap().query_pairs().into_owned().collect();
        assert_eq!((query["code_challenge_method"].as_str(), query["access_type"].as_str()), ("S256", "offline"));
        challenge.clone_from(&query["code_challenge"]);
        let back = format!("{}?code=c0de&state={}", query["redirect_uri"], query["state"]);
        std::thread::spawn(move || {
            let back = Url::parse(&back).unwrap();
            let mut stream = std::net::TcpStream::connect(("127.0.0.1", back.port().unwrap())).unwrap();
            write!(stream, "GET {}?{} HTTP/1.1\r\n\r\n", back.path(), back.query().unwrap()).unwrap();
            let _ = stream.read_to_end(&mut Vec::new());
        });
    };
    tokens.log_in(&mut browser, &pasted).unwrap();
    assert_eq!(get(&mut tokens, false), "t1");
    let form = &endpoint.asked()[0];
    let digest = ring::digest::digest(&ring::digest::SHA256, form["code_verifier"].as_bytes());
    assert_eq!(BASE64_URL_SAFE_NO_PAD.encode(digest), challenge);
    assert!(form["redirect_uri"].starts_with("http://127.0.0.1:"));
}

#[test]
fn a_login_without_a_refresh_token_is_not_taken_for_one() {
    let endpoint = Endpoint::new(|path, _, _| match path {
        "/device" => (
            200,
            json!({ "device_code": "dev", "user_code": "A", "verification_uri": "https://example.com/", "expires_in": 900, "interval": 0 }),
        ),
        _ => token("t1", None, 3600),
    });
    let (_folder, mut tokens) = tokens(settings(&endpoint, Grant::DeviceCode));
    let (_keep, pasted) = channel();
    let error = tokens.log_in(&mut |_| (), &pasted).unwrap_err().to_string();
    assert!(error.contains("refresh token"), "{error}");
    assert!(get(&mut tokens, false).contains("dmarcstat login rua"));
}

#[test]
fn a_refusal_says_what_to_do() {
    let cases = [
        ("invalid_client", "AADSTS7000215: Invalid client secret provided.", "value is wanted"),
        ("invalid_client", "AADSTS7000222: The provided client secret keys are expired.", "has expired"),
        ("unauthorized_client", "AADSTS700016: Application not found.", "check client_id and tenant"),
        ("invalid_client", "no\r\nway\u{1b}[31m", "check client_id"),
        ("invalid_scope", "", "check scope"),
    ];
    for (code, description, advice) in cases {
        let endpoint = Endpoint::new(move |_, _, _| (401, json!({ "error": code, "error_description": description })));
        let (_folder, mut tokens) = tokens(settings(&endpoint, Grant::ClientCredentials));
        let error = get(&mut tokens, false);
        assert!(error.contains(code) && error.contains(advice) && !error.contains('\n'), "{error}");
    }
}

#[test]
fn secrets_that_an_endpoint_says_back_are_hidden() {
    const SECRET: &str = "hunter 2&\"\\x";
    let form = |form: &Form| form_urlencoded::Serializer::new(String::new()).extend_pairs(form).finish();
    type Saying = fn(&str, &str) -> (u16, Value);
    let sayings: [Saying; 5] = [
        |form, _| (400, json!({ "error": "invalid_client", "error_description": form })),
        |_, secret| (401, json!({ "error": secret, "error_description": format!("what is {secret}?") })),
        |form, _| (500, json!(format!("<html>{form}</html>"))),
        |form, _| (200, json!(form)),
        |_, secret| {
            (400, json!({ "error": "x", "error_description": base64::prelude::BASE64_STANDARD.encode(secret) }))
        },
    ];
    for saying in sayings {
        let endpoint = Endpoint::new(move |_, asked, _| saying(&form(asked), asked["client_secret"].as_str()));
        let mut settings = settings(&endpoint, Grant::ClientCredentials);
        settings.proof = Proof::Secret(secret(SECRET));
        let (_folder, mut tokens) = tokens(settings);
        let error = get(&mut tokens, false);
        assert!(error.starts_with("error") && !error.contains("hunter") && !error.contains("aHVud"), "{error}");
        // The refusal itself stays readable.
        assert!(!error.contains("invalid_client") || error.contains("client_id=client"), "{error}");
    }
}

#[test]
fn answers_that_are_none() {
    let long = "x".repeat(2_000_000);
    for (status, body, says) in [
        (200, json!("<html>hunter2</html>"), "page for a browser"),
        (200, json!({ "access": "hunter2" }), "without what a token needs"),
        (200, json!(""), "127.0.0.1"),
        (200, json!(long), "127.0.0.1"),
        (302, json!("moved"), "127.0.0.1"),
        (503, json!("hunter2"), "127.0.0.1"),
    ] {
        let endpoint = Endpoint::new(move |_, _, _| (status, body.clone()));
        let (_folder, mut tokens) = tokens(settings(&endpoint, Grant::ClientCredentials));
        let error = get(&mut tokens, false);
        assert!(error.starts_with("error") && error.contains(says) && !error.contains("hunter2"), "{error}");
        assert!(error.len() < 500, "{error}");
    }
    let gone = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let endpoint = Endpoint { url: format!("http://{gone}"), asked: Arc::default() };
    let (_folder, mut tokens) = tokens(settings(&endpoint, Grant::ClientCredentials));
    assert!(get(&mut tokens, false).contains("cannot reach 127.0.0.1"));
}

#[test]
fn secrets_go_over_https_or_nowhere_else() {
    for good in ["https://login.example.com/token", "http://127.0.0.1:8080/t", "http://localhost/t", "http://[::1]:1/t"]
    {
        assert!(endpoint(good).is_ok(), "{good}");
    }
    for bad in
        ["http://example.com/", "http://127.0.0.1.example.com/", "ftp://x/", "login.example.com", "file:///x", ""]
    {
        assert!(endpoint(bad).is_err(), "{bad}");
    }
}
