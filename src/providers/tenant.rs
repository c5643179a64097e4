//! Whose account of a provider signed, told from the domain of its default signature.

use serde::Deserialize;

use crate::domain::is_within;

/// How a provider writes the tenant into its default signing domains.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum TenantRule {
    /// The label below the signing domain is the tenant: `contoso.onmicrosoft.com`. Of a longer name
    /// (`contoso.mail.onmicrosoft.com`, the address space of a hybrid) it is the label before `mail`.
    LabelBelow,
    /// The label before a date: `example-com` in `example-com.20230601.gappssmtp.com`.
    LabelBeforeDate,
}

impl TenantRule {
    /// The tenant that a signing domain names, below one of the provider's own `signing_domains`.
    pub(super) fn tenant(self, signing_domain: &str, signing_domains: &[String]) -> Option<String> {
        let base =
            signing_domains.iter().filter(|base| is_within(signing_domain, base)).max_by_key(|base| base.len())?;
        let below = signing_domain.strip_suffix(base.as_str())?.strip_suffix('.')?;
        match self {
            TenantRule::LabelBelow => {
                let (above, last) = below.rsplit_once('.').map_or((None, below), |(above, last)| (Some(above), last));
                // `mail` by itself may be somebody's tenant; with a label before it, it is the hybrid form.
                let label = match above {
                    Some(above) if last == "mail" => above.rsplit('.').next().unwrap_or(above),
                    _ => last,
                };
                (!label.is_empty()).then(|| format!("{label}.{base}"))
            }
            TenantRule::LabelBeforeDate => {
                let (name, date) = below.rsplit_once('.')?;
                let is_date = date.len() == 8 && date.bytes().all(|byte| byte.is_ascii_digit());
                (is_date && !name.is_empty()).then(|| name.to_owned())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tenants_of_microsoft() {
        let bases = ["onmicrosoft.com", "onmicrosoft.us", "partner.onmschina.cn"].map(str::to_owned);
        let tenant = |domain: &str| TenantRule::LabelBelow.tenant(domain, &bases);
        assert_eq!(tenant("contoso.onmicrosoft.com").as_deref(), Some("contoso.onmicrosoft.com"));
        assert_eq!(tenant("contoso.mail.onmicrosoft.com").as_deref(), Some("contoso.onmicrosoft.com"));
        assert_eq!(tenant("mail.onmicrosoft.com").as_deref(), Some("mail.onmicrosoft.com"));
        assert_eq!(tenant("contoso.onmicrosoft.us").as_deref(), Some("contoso.onmicrosoft.us"));
        assert_eq!(tenant("contoso.partner.onmschina.cn").as_deref(), Some("contoso.partner.onmschina.cn"));
        for none in ["onmicrosoft.com", ".onmicrosoft.com", "example.com", "contosoonmicrosoft.com", ""] {
            assert_eq!(tenant(none), None, "{none}");
        }
    }

    #[test]
    fn tenants_of_google() {
        let bases = ["gappssmtp.com".to_owned()];
        let tenant = |domain: &str| TenantRule::LabelBeforeDate.tenant(domain, &bases);
        assert_eq!(tenant("example-com.20230601.gappssmtp.com").as_deref(), Some("example-com"));
        assert_eq!(tenant("example-com.20150623.gappssmtp.com").as_deref(), Some("example-com"));
        for none in ["gappssmtp.com", "20230601.gappssmtp.com", "example-com.gappssmtp.com", "a.2023060.gappssmtp.com"]
        {
            assert_eq!(tenant(none), None, "{none}");
        }
    }
}
