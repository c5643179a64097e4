use super::super::Config;
use super::super::oauth2::GrantWord;
use super::super::secrets::SecretSource;
use super::*;

fn accounts(text: &str) -> Vec<AccountConfig> {
    Config::parse(text).unwrap_or_else(|error| panic!("{error}\n{text}")).accounts
}

const PLAIN: &str =
    "[[account]]\nname = \"rua\"\nhost = \"imap.example.com\"\nuser = \"dmarc@example.com\"\npassword_env = \"PW\"\n";

#[test]
fn a_plain_account_needs_little() {
    let [account] = &accounts(PLAIN)[..] else { panic!() };
    assert_eq!(
        (account.port, account.tls, account.folders.as_slice()),
        (993, Tls::Implicit, &["INBOX".to_owned()][..])
    );
    assert_eq!((&account.after, &account.after_quarantined), (&After::Keep, &After::Keep));
    let Auth::Password(secret) = &account.auth else { panic!() };
    assert_eq!(secret.source, SecretSource::Env("PW".to_owned()));
    assert_eq!(secret.place.to_string(), "line 5, `password_env`");
    let text = format!("{PLAIN}tls = \"starttls\"\nafter = \"move:Done/DMARC\"\nafter_other = \"delete\"\n");
    let [account] = &accounts(&text)[..] else { panic!() };
    assert_eq!((account.port, &account.after), (143, &After::Move("Done/DMARC".to_owned())));
    assert_eq!((&account.after_other, &account.after_quarantined), (&After::Delete, &After::Keep));
}

#[test]
fn the_contract_s_example_is_read() {
    let text = "[[account]]\nname = \"rua\"\nprovider = \"microsoft365\"\nport = 993\ntls = \"implicit\"\nca_file = \"ca.pem\"\n\
                user = \"dmarc@example.com\"\nauth = \"xoauth2\"\nfolders = [\"INBOX\", \"Junk\", \"Reports/*\"]\nafter = \"keep\"\n\
                trusted_authserv_id = \"mx.example.com\"\n[account.oauth2]\ngrant = \"client_credentials\"\n\
                tenant = \"contoso.com\"\nclient_id = \"id\"\nclient_secret_command = \"cat x\"\nclient_secret_expires = 2027-03-31\n";
    let [account] = &accounts(text)[..] else { panic!() };
    let Auth::OAuth(Mechanism::XOAuth2, oauth) = &account.auth else { panic!() };
    assert_eq!(account.host, "outlook.office365.com");
    assert_eq!(oauth.grant, GrantWord::ClientCredentials);
    assert_eq!(
        oauth.token_url.as_ref().map(|url| url.as_str()),
        Some("https://login.microsoftonline.com/contoso.com/oauth2/v2.0/token")
    );
    assert_eq!(oauth.scopes, ["https://outlook.office365.com/.default"]);
    assert_eq!(oauth.client_secret_expires, Some(jiff::civil::date(2027, 3, 31)));
}

#[test]
fn presets_need_only_ids_and_secrets() {
    let google = "[[account]]\nname = \"g\"\nprovider = \"google\"\nuser = \"dmarc@example.com\"\n[account.oauth2]\n\
                  service_account_key_file = \"key.json\"\n";
    let [account] = &accounts(google)[..] else { panic!() };
    let Auth::OAuth(_, oauth) = &account.auth else { panic!() };
    assert_eq!((oauth.grant, oauth.subject.as_str()), (GrantWord::JwtBearer, "dmarc@example.com"));
    let app_password =
        "[[account]]\nname = \"g\"\nprovider = \"google\"\nuser = \"d@example.com\"\npassword_file = \"p\"\n";
    assert!(matches!(accounts(app_password)[0].auth, Auth::Password(_)));
}

#[test]
fn a_host_is_a_name_or_an_address() {
    let with = |host: &str| Config::parse(&PLAIN.replace("imap.example.com", host));
    for good in ["imap.example.com", "localhost", "192.0.2.1", "2001:db8::1", "[2001:db8::1]", "bücher.example"] {
        assert!(with(good).is_ok(), "{good}");
    }
    for wrong in
        ["imaps://imap.example.com", "imap.example.com:993", "me@imap.example.com", "imap.example.com/INBOX", "a b"]
    {
        let error = with(wrong).unwrap_err().to_string();
        assert!(error.contains("line 3, `host`") && error.contains("`port`"), "{error}");
    }
}

#[test]
fn mistakes_name_line_and_key() {
    let oauth = |rest: &str| {
        format!(
            "[[account]]\nname = \"a\"\nprovider = \"google\"\nuser = \"u\"\n\n[account.oauth2]\nclient_id = \"i\"\n{rest}\n"
        )
    };
    for (text, parts) in [
        (format!("{PLAIN}pasword = 1\n"), ["line 6", "pasword"]),
        (format!("{PLAIN}port = \"x\"\n"), ["line 6", "`port`"]),
        (format!("{PLAIN}port = 70000\n"), ["line 6", "`port`"]),
        (format!("{PLAIN}password_file = \"x\"\n"), ["line 6, `password_file`", "line 5"]),
        (format!("{PLAIN}password = \"hunter2\"\n"), ["line 6, `password`", "_env`"]),
        (format!("{PLAIN}auth = \"plain\"\n"), ["line 6", "`auth`"]),
        (format!("{PLAIN}auth = \"xoauth2\"\n"), ["line 1", "`oauth2`"]),
        (format!("{PLAIN}after = \"archive\"\n"), ["line 6, `after`", "move:FOLDER"]),
        (format!("{PLAIN}after = \"move:\"\n"), ["line 6, `after`", "move:FOLDER"]),
        (format!("{PLAIN}tls = \"none\"\n"), ["line 6, `tls`", "allow_plaintext"]),
        (format!("{PLAIN}folders = []\n"), ["line 6, `folders`", "no folder"]),
        (format!("{PLAIN}{PLAIN}"), ["line 7, `name`", "\"rua\""]),
        (PLAIN.replace("user = \"dmarc@example.com\"\n", ""), ["line 1, `user`", "\"rua\""]),
        (PLAIN.replace("host = \"imap.example.com\"\n", ""), ["line 1, `host`", "provider"]),
        (PLAIN.replace("password_env = \"PW\"\n", ""), ["line 1, `password_command`", "missing"]),
        (PLAIN.replace("name = \"rua\"\n", ""), ["line 1", "name"]),
        (PLAIN.replace("\"rua\"", "\"a/b\""), ["line 2, `name`", "slash"]),
        (oauth("grant = \"magic\""), ["line 8", "`grant`"]),
        (oauth("grant = \"device_code\""), ["line 8, `grant`", "authorization_code"]),
        (oauth(""), ["line 6, `grant`", "missing"]),
        (oauth("client_secret = \"hunter2\""), ["line 8, `client_secret`", "file"]),
        (oauth("grant = \"refresh_token\""), ["line 6, `refresh_token_command`", "missing"]),
        (oauth("grant = \"client_credentials\""), ["line 6, `client_secret_command`", "missing"]),
        (oauth("token_url = \"http://example.com/token\""), ["line 8, `token_url`", "https"]),
        (oauth("secret = 1"), ["line 8", "secret"]),
    ] {
        let text = match parts[1] {
            // Each wants a grant to come that far.
            "https" => format!("{text}grant = \"refresh_token\"\nrefresh_token_env = \"R\"\n"),
            _ => text,
        };
        let error = Config::parse(&text).unwrap_err();
        assert!(parts.iter().all(|part| error.contains(part)) && !error.contains('\n'), "{error}\n{text}");
        assert!(!error.contains("hunter2"), "{error}");
    }
}

#[test]
fn commands_do_not_show() {
    let text = PLAIN.replace("password_env = \"PW\"", "password_command = \"echo hunter2\"");
    let config = Config::parse(&text).unwrap();
    assert!(!format!("{config:?}").contains("hunter2"), "{config:?}");
}

#[test]
fn plain_text_is_for_this_machine_or_said_in_words() {
    let local = PLAIN.replace("imap.example.com", "127.0.0.1");
    assert_eq!(accounts(&format!("{local}tls = \"none\"\n"))[0].port, 143);
    assert!(accounts(&format!("{PLAIN}tls = \"none\"\nallow_plaintext = true\n"))[0].allow_plaintext);
}
