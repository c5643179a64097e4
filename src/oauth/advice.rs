//! What to do about a refusal. The codes are RFC 6749's; Microsoft puts its own (`AADSTS…`) into the description.

use super::settings::{Grant, Proof, Settings};

/// What Microsoft's codes mean here, from its list of sign-in errors.
const MICROSOFT: &[(&str, &str)] = &[
    (
        "AADSTS7000215",
        "the client secret is wrong; Entra shows a secret's ID beside its value, and the value is wanted",
    ),
    ("AADSTS7000222", "the client secret has expired; make a new one in Entra ID under Certificates & secrets"),
    (
        "AADSTS7000218",
        "the application needs a secret or certificate; name one, or in Entra ID allow public client flows",
    ),
    (
        "AADSTS7000216",
        "the application needs a secret or certificate; name one, or in Entra ID allow public client flows",
    ),
    ("AADSTS700027", "Entra ID does not know the certificate; upload it there, or name the one that was uploaded"),
    ("AADSTS700016", "no such application in this tenant; check client_id and tenant"),
    ("AADSTS7000112", "the application is disabled in Entra ID; enable it there"),
    ("AADSTS900023", "no such tenant; check tenant, and that the organization is in the worldwide cloud"),
    ("AADSTS90002", "no such tenant; check tenant, and that the organization is in the worldwide cloud"),
    ("AADSTS65001", "an administrator has to consent to the permission in Entra ID under API permissions"),
    ("AADSTS650057", "the application does not ask for the permission; add it in Entra ID under API permissions"),
    ("AADSTS70011", "the scope is wrong; leave it out to have the one that fits"),
    ("AADSTS1002012", "the scope must end in /.default for client_credentials; leave it out to have the one that fits"),
    (
        "AADSTS50011",
        "add the redirect URI http://localhost to the application in Entra ID (mobile and desktop applications)",
    ),
    ("AADSTS53003", "a conditional access policy forbids it; ask who keeps the policies to allow this application"),
];

/// What to do about a refusal.
pub(super) fn advice(code: &str, description: &str, settings: &Settings) -> String {
    // The number has to end where the code does: 7000215 begins like 700021.
    let whole = |known: &str| {
        description
            .match_indices(known)
            .any(|(at, _)| !description[at + known.len()..].starts_with(|next: char| next.is_ascii_digit()))
    };
    if let Some((_, advice)) = MICROSOFT.iter().find(|(known, _)| whole(known)) {
        return (*advice).to_owned();
    }
    let google = settings.token_url.host_str().is_some_and(|host| host.ends_with("googleapis.com"));
    match (code, &settings.grant) {
        ("invalid_grant", Grant::JwtBearer(account)) => format!(
            "check that {} is a mailbox of the organization, and that this machine's clock is right; the service account is {}",
            settings.user, account.client_email
        ),
        ("unauthorized_client", Grant::JwtBearer(account)) => format!(
            "in Google's Admin console, under domain-wide delegation, give the client of {} the scope {}",
            account.client_email,
            settings.scopes.join(" ")
        ),
        ("invalid_grant", grant) => {
            let week = if google {
                " (Google ends those of an application in testing after seven days: publish it)"
            } else {
                ""
            };
            let next = match grant {
                Grant::RefreshToken(_) => "put a new one where the configuration finds it".to_owned(),
                _ => format!("run `dmarcstat login {}`", settings.account),
            };
            format!("the refresh token is no longer good{week}; {next}")
        }
        ("invalid_client" | "unauthorized_client", _) => match settings.proof {
            Proof::None => "check client_id; the application may need a secret".to_owned(),
            Proof::Secret(_) => "check client_id and the client secret".to_owned(),
            Proof::Certificate(_) => "check client_id, and that the provider knows the certificate".to_owned(),
        },
        ("invalid_scope", _) => "check scope".to_owned(),
        ("unsupported_grant_type", grant) => format!("the provider does not offer {}; use another grant", grant.name()),
        ("access_denied", _) => "an administrator has to allow it".to_owned(),
        ("temporarily_unavailable" | "server_error" | "slow_down", _) => "try again later".to_owned(),
        _ => "check [account.oauth2]".to_owned(),
    }
}
