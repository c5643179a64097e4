//! The rows: which role a group has, and whose system wrote it.

use std::collections::HashSet;

use rustc_hash::FxHashMap;

use super::filters::filters;
use super::gather::Gathered;
use super::habits::{OfSender, SenderHabits, add};
use super::owner::{Owner, Use};
use super::reach::Reach;
use super::senders_keys::SendersKeys;
use super::spray::sprayed;
use super::unsigned::UnsignedAtHome;
use crate::parallel;
use crate::providers::Kind;
use crate::query::ledger;
use crate::query::naming::{Account, ProviderNumber, Sender, Signed};
use crate::role::Role;
use crate::witness::Seen;

/// Whose system wrote mail.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(in crate::query) enum Author {
    /// Nobody that the reports tell of; also a service under its own default domain.
    Nobody,
    /// The owner's domain.
    Owner,
    /// An account of a provider, by its number among the tenants.
    Account(ProviderNumber, u32),
    /// Another organization, by its number among the organizational domains.
    Organization(u32),
}

/// What a group was found to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(in crate::query) struct Decision {
    pub(in crate::query) role: Role,
    pub(in crate::query) author: Author,
    /// The owner's mail, handed over by a gateway or signature service behind the signer that SPF does not name.
    pub(in crate::query) behind: bool,
    /// The entry of the ledger that decided.
    pub(in crate::query) entry: Option<u32>,
    /// The author of mail that is the owner's by what the reports show, whatever the ledger says; not behind the signer.
    pub(super) owners: Option<Author>,
    /// Who runs the machine.
    pub(in crate::query) sender: Sender,
}

impl Decision {
    pub(super) fn new(role: Role, author: Author) -> Self {
        Decision {
            role,
            author,
            behind: false,
            entry: None,
            owners: (role == Role::Own).then_some(author),
            sender: Sender::Nobody,
        }
    }
}

/// For each group, what it is.
pub(super) fn decide(gathered: &Gathered<'_>, owner: &Owner<'_>) -> Vec<Decision> {
    let rows = Rows::of(gathered, owner);
    parallel::map(gathered.len(), |at| Decision { sender: gathered.sender(at), ..rows.decide(at) })
}

struct Rows<'g> {
    gathered: &'g Gathered<'g>,
    owner: &'g Owner<'g>,
    reach: Reach,
    /// By place.
    habits: Vec<SenderHabits>,
    /// Who saw an organization authenticated by SPF, for mail of another.
    authenticated: FxHashMap<(u32, u32), Seen>,
    /// Who saw an organization sign mail of another at home, beside its own signature: a service that signs with both.
    beside: FxHashMap<(u32, u32), Seen>,
    /// Who saw an organization sign mail of another.
    signing: FxHashMap<(u32, u32), Seen>,
    /// Organizations that are authenticated for mail of another as spoofers' throw-away names are.
    sprayed: HashSet<(u32, u32)>,
    /// Organizational domains whose mail is not all signed at home, so that forwarders have unsigned mail to hand on.
    unsigned_at_home: UnsignedAtHome,
    /// Sender groups that come from machines of the owner's own gateway provider which filter for recipients.
    filters: HashSet<usize>,
    senders_keys: SendersKeys,
}

impl<'g> Rows<'g> {
    fn of(gathered: &'g Gathered<'g>, owner: &'g Owner<'g>) -> Self {
        let ((sprayed, unsigned_at_home, filters), (reach, senders_keys)) = parallel::both(
            || (sprayed(gathered), UnsignedAtHome::of(gathered), filters(gathered, owner)),
            || (Reach::of(gathered, owner), SendersKeys::of(gathered, owner)),
        );
        let mut rows = Rows {
            gathered,
            owner,
            reach,
            habits: Vec::new(),
            authenticated: FxHashMap::default(),
            beside: FxHashMap::default(),
            signing: FxHashMap::default(),
            sprayed,
            unsigned_at_home,
            filters,
            senders_keys,
        };
        for at in 0..gathered.len() {
            let (identity, own) = (gathered.identity(at), gathered.own(at));
            if own.others.is_empty() {
                continue;
            }
            if own.spf || own.signatures.iter().any(|one| owner.key_use(one, at) == Use::Here) {
                for &other in &own.others {
                    rows.beside.entry((identity.organization, other)).or_default().extend(gathered.seen(at));
                }
            }
        }
        for at in 0..gathered.len() {
            let (identity, own) = (gathered.identity(at), gathered.own(at));
            if let Some((_, organization)) = identity.authenticated {
                let seen = rows.authenticated.entry((identity.organization, organization)).or_default();
                seen.extend(gathered.seen(at));
            }
            for &other in &own.others {
                rows.signing.entry((identity.organization, other)).or_default().extend(gathered.seen(at));
            }
        }
        rows.habits = parallel::map(gathered.numbers.places(), |place| rows.habits(place));
        rows
    }

    /// What a sender does with mail of an organizational domain.
    fn habits(&self, place: usize) -> SenderHabits {
        let (gathered, owner) = (self.gathered, self.owner);
        let mut of = OfSender::default();
        let mut whole = Seen::default();
        for at in gathered.numbers.groups_at(place) {
            let (identity, own) = (gathered.identity(at), gathered.own(at));
            whole = gathered.whole(identity.organization);
            let (signed, verified) = (!own.signatures.is_empty(), own.verified);
            let signed_again = own.others.iter().any(|&other| !self.signs_beside(identity.organization, other));
            let used_elsewhere = |one: &Signed| one.verified && owner.key_use(one, at) == Use::Elsewhere;
            if !own.spf && own.signatures.iter().any(used_elsewhere) {
                of.handed_on.extend(gathered.seen(at));
            }
            let foreign = identity.authenticated.is_some() && !identity.null;
            for one in gathered.reporters(at) {
                let sums = of.of(one.reporter);
                add(&mut sums.excused, [0, one.messages]);
                add(&mut sums.listed, [0, one.messages]);
                add(&mut sums.forwarded, [0, one.messages]);
                add(&mut sums.rewritten, if foreign { [one.messages, 0] } else { [0, one.messages] });
                if signed {
                    add(&mut sums.broken, if verified { [0, one.messages] } else { [one.messages, 0] });
                    add(&mut sums.signed_again, if signed_again { [one.messages, 0] } else { [0, one.messages] });
                }
            }
            for one in gathered.excused(at) {
                let sums = of.of(one.reporter);
                for (sums, spared) in [(&mut sums.excused, one.any), (&mut sums.listed, one.as_list)] {
                    *sums = [sums[0].saturating_add(spared), sums[1].saturating_sub(spared)];
                }
                // What was spared in another way than as a list's speaks neither for nor against `forwarded`.
                let rest = sums.forwarded[1].saturating_sub(one.any.saturating_sub(one.as_list));
                sums.forwarded = [sums.forwarded[0].saturating_add(one.as_forwarded), rest];
            }
        }
        let is_small = |at: usize| {
            gathered.kind(at) == Some(Kind::MailboxHost)
                && self.unsigned_at_home.is_small_beside(gathered, gathered.identity(at).organization, place)
        };
        SenderHabits { is_small: gathered.numbers.groups_at(place).next().is_some_and(is_small), ..of.habits(whole) }
    }

    fn decide(&self, at: usize) -> Decision {
        let reported = self.by_reports(at);
        let entry = self.gathered.group(at).entry;
        let Some(decided) = entry.and_then(|entry| self.gathered.knowledge.ledger.entries.get(entry as usize)) else {
            return reported;
        };
        // 1 and 2: the ledger's.
        let role = match decided.decision {
            ledger::Decision::Denied => Role::Denied,
            ledger::Decision::Approved => Role::Approved,
        };
        let owners = reported.owners.filter(|_| role == Role::Approved);
        Decision { entry, owners, ..Decision::new(role, Author::Nobody) }
    }

    /// The role by what the reports show.
    fn by_reports(&self, at: usize) -> Decision {
        let (gathered, owner) = (self.gathered, self.owner);
        let (identity, sender, kind) = (gathered.identity(at), gathered.sender(at), gathered.kind(at));
        let (from, evidence) = (identity.organization, gathered.own(at));
        let provider = match sender {
            Sender::Provider(number) => Some(number),
            _ => None,
        };
        let own = |account: &&Account| owner.is_own(account, from);
        let at_home = |account: &&Account| Some(account.provider) == provider;
        // What signed, and where that is used.
        let signatures: Vec<(bool, Use)> =
            evidence.signatures.iter().map(|one| (one.verified, owner.key_use(one, at))).collect();
        let verified = evidence.verified;
        let own_account_elsewhere = identity.accounts.iter().filter(own).any(|account| !at_home(&account));
        // What the sender signs with a key of its own is not handed on.
        let of_sender = self.senders_keys.has(gathered, owner, at);
        let used_elsewhere = !of_sender && signatures.iter().any(|&(_, used)| used == Use::Elsewhere);
        let elsewhere = used_elsewhere || own_account_elsewhere;
        let own_account = identity.accounts.iter().filter(own).find(|account| account.verified && at_home(account));
        // Beside a signature of the owner's at home a reverse-path says nothing of who wrote it.
        let own_here = signatures.iter().any(|&(verified, used)| verified && used == Use::Here);
        let shown = |account: &&Account| account.verified && at_home(account) && (account.signed || !own_here);
        let other_account = identity.accounts.iter().filter(shown).find(|account| !own(account));
        let returned = self.returned(at, other_account.is_some_and(|account| account.signed));
        let here = !returned && signatures.iter().any(|&(_, used)| used == Use::Here);
        let elsewhere = elsewhere || returned;
        let own_account = own_account.filter(|_| !returned || other_account.is_none());
        let own_spf = evidence.spf;
        let aligned = own_spf && owner.is_aligned(at);
        let by_account = |account: &Account| Author::Account(account.provider, account.number);
        // 3: the owner's.
        let mine = match kind {
            None => {
                let strangers = identity.accounts.iter().any(|account| account.verified && !own(&account));
                owner.is_aligned(at) && (verified || !strangers)
                    || owner.is_sole(at)
                    || here && !strangers && owner.is_signed(at)
            }
            Some(kind) if kind.sends_for_customers() => {
                // A custom domain's signature at a mailbox host is its customer's, whatever SPF says through the shared include.
                let others = !evidence.others.is_empty();
                let customers = kind == Kind::MailboxHost && others && !verified;
                other_account.is_none() && !customers && (aligned || here) || own_account.is_some()
            }
            Some(_) => false,
        };
        if mine {
            return Decision::new(Role::Own, own_account.map_or(Author::Owner, by_account));
        }
        // 4: the owner's, through what stands behind the signer.
        // What rewrites the reverse-path to its own domain is a list or a forwarder: bounces of the owner's own gateway go to the owner.
        let habits = self.habits[gathered.numbers.place(at)];
        let passes_on = habits.rewrites || habits.spared || habits.spared_as_list;
        let behind = kind == Some(Kind::Gateway) || kind.is_none() && !passes_on;
        if behind && !own_spf && elsewhere && self.reach.has(from, gathered.numbers.site(at)) {
            let account = identity.accounts.iter().find(own);
            let author = account.map_or(Author::Owner, by_account);
            // Where no signature verifies, nothing shows that it stands behind the signer: it may be a server that signs wrongly.
            let is_behind = kind.is_some() || habits.intact;
            return Decision { behind: is_behind, owners: None, ..Decision::new(Role::Own, author) };
        }
        // 5: another account's.
        let behind_gateway = || {
            let gateway = kind == Some(Kind::Gateway) || kind.is_none() && owner.is_aligned(at);
            let gateway = gateway && signatures.is_empty();
            identity.accounts.iter().find(|account| gateway && account.verified && !own(account))
        };
        if !elsewhere && let Some(account) = other_account.or_else(behind_gateway) {
            return Decision::new(Role::OtherAccount, by_account(account));
        }
        // 6: a filter in front of a recipient.
        if kind == Some(Kind::Gateway) && !own_spf && elsewhere {
            return Decision::new(Role::RecipientFilter, Author::Owner);
        }
        // 7: a mailing list.
        if !own_spf {
            let organization = identity.authenticated.is_some() || matches!(sender, Sender::Organization(_));
            let carries = elsewhere || !signatures.is_empty() && !verified && !of_sender;
            // Receivers that see the mail, its List-Id too, and say `forwarded` tell a forwarder from a list.
            let another = carries && !habits.spared_as_forwarded && (habits.resigns || organization && habits.changes);
            let passes_on = matches!(kind, Some(Kind::MailboxHost | Kind::Forwarder | Kind::Service));
            if kind == Some(Kind::List) || another && !passes_on || habits.spared_as_list {
                return Decision::new(Role::MailingList, Author::Owner);
            }
        }
        // 8: a forwarder.
        if returned && own_spf {
            // The reverse-path is as it was, and the domain's SPF record includes the provider.
            return Decision::new(Role::Forwarder, Author::Owner);
        }
        if !own_spf {
            let hands_on = matches!(kind, Some(Kind::MailboxHost | Kind::Forwarder | Kind::Gateway));
            let carries = elsewhere && (habits.intact || own_account_elsewhere || identity.authenticated.is_some());
            // What forwards signed mail forwards it too when the owner's signature is missing: before it was switched on, or
            // after it stopped. Whoever writes there himself is signed by the host.
            let bare = kind != Some(Kind::Service)
                && identity.signed.iter().all(|one| !one.verified)
                && self.unsigned_at_home.has(from);
            let forwards = bare && (habits.hands_on || self.is_forwarders(at));
            if carries || verified && kind.is_some() || !signatures.is_empty() && hands_on || habits.spared || forwards
            {
                return Decision::new(Role::Forwarder, Author::Owner);
            }
        }
        // 9: a service.
        if let Some(organization) = self.organization(at) {
            let default = provider.is_some_and(|number| self.is_providers(organization, number));
            let service = kind == Some(Kind::Service);
            let author = if default && service { Author::Nobody } else { Author::Organization(organization) };
            return Decision::new(Role::Service, author);
        }
        if kind == Some(Kind::Service) {
            return Decision::new(Role::Service, Author::Nobody);
        }
        Decision::new(Role::Unknown, Author::Nobody)
    }

    /// Whether mail that the owner signed at home has come back to the provider where that is: from a recipient there who hands it
    /// on with an account of his own beside, or with his own reverse-path, or through the provider's filter.
    fn returned(&self, at: usize, by_other_account: bool) -> bool {
        let (gathered, owner) = (self.gathered, self.owner);
        let (identity, sender) = (gathered.identity(at), gathered.sender(at));
        let (Sender::Provider(provider), Some(kind)) = (sender, gathered.kind(at)) else { return false };
        let own = gathered.own(at);
        let signed_here = || own.signatures.iter().any(|one| owner.is_key_at_home(one, at));
        match kind {
            Kind::MailboxHost | Kind::Gateway if by_other_account => {
                let own_account = |account: &Account| {
                    account.verified && account.provider == provider && owner.is_own(account, identity.organization)
                };
                signed_here() || identity.accounts.iter().any(own_account)
            }
            Kind::MailboxHost => {
                let another = identity.authenticated.filter(|_| !identity.null && !own.spf);
                another.is_some_and(|(_, by)| !self.is_providers(by, provider)) && signed_here()
            }
            Kind::Gateway => self.filters.contains(&at),
            _ => false,
        }
    }

    /// Whether unsigned mail with a reverse-path of a forwarder's own, or of a mailbox host's, was handed on: nobody writes at a
    /// forwarder, and a mailbox host signs what its people write. At a mailbox host little of the mail is, seen by few.
    fn is_forwarders(&self, at: usize) -> bool {
        let gathered = self.gathered;
        let identity = gathered.identity(at);
        let Sender::Provider(provider) = gathered.sender(at) else { return false };
        let rewritten = identity.authenticated.is_some_and(|(_, by)| self.is_providers(by, provider)) && !identity.null;
        match gathered.kind(at) {
            Some(Kind::Forwarder) => rewritten,
            Some(Kind::MailboxHost) => rewritten && self.habits[gathered.numbers.place(at)].is_small,
            _ => false,
        }
    }

    /// The organization that SPF and DKIM authenticate, or SPF alone with enough witnesses; at a mailbox host, a custom
    /// domain's signature alone.
    fn organization(&self, at: usize) -> Option<u32> {
        let identity = self.gathered.identity(at);
        let signed =
            |organization: u32| identity.signed.iter().any(|one| one.verified && one.organization == organization);
        let custom = |kind: Kind| {
            let there = self.gathered.kind(at) == Some(kind);
            self.gathered.own(at).others.first().copied().filter(|_| there)
        };
        // Who rents at a service and signs as itself is the author, and the service under SPF the carrier.
        let renting = custom(Kind::Service).filter(|&one| self.is_signing(identity.organization, one));
        let Some((_, organization)) = identity.authenticated else {
            return custom(Kind::MailboxHost).or(renting);
        };
        if let (Sender::Provider(number), Some(renting)) = (self.gathered.sender(at), renting)
            && self.is_providers(organization, number)
        {
            return Some(renting);
        }
        // A host name of the provider's own under SPF is how a null reverse-path looks: it names nobody.
        if identity.null && !signed(organization) {
            return None;
        }
        // One of a spray of names that nobody has heard of, each for a few messages, is a spoofer's.
        if self.sprayed.contains(&(identity.organization, organization)) && self.gathered.kind(at).is_none() {
            return None;
        }
        let seen = self.authenticated.get(&(identity.organization, organization)).copied().unwrap_or_default();
        let whole = self.gathered.whole(identity.organization);
        (signed(organization) || seen.counts_in(whole)).then_some(organization)
    }

    /// Whether an organization signs mail of another, on nobody's word alone.
    fn is_signing(&self, organization: u32, other: u32) -> bool {
        let seen = self.signing.get(&(organization, other)).copied().unwrap_or_default();
        seen.counts_in(self.gathered.whole(organization))
    }

    /// Whether an organization signs mail of another beside the other's own signature, where that is at home.
    fn signs_beside(&self, organization: u32, other: u32) -> bool {
        let seen = self.beside.get(&(organization, other)).copied().unwrap_or_default();
        seen.is_any() && seen.counts_in(self.gathered.whole(organization))
    }

    /// Whether an organization is the provider itself.
    fn is_providers(&self, organization: u32, provider: ProviderNumber) -> bool {
        let name = self.gathered.ground.organizations.get(organization);
        let provider = self.gathered.knowledge.provider(provider);
        let all = provider.signing_domains.iter().chain(&provider.envelope_domains).chain(&provider.hosts);
        all.into_iter().any(|own| crate::domain::organizational(own) == name)
    }
}
