//! `dmarcstat digest`.

use super::changes::compare;
use super::context::Context;
use super::failure::{Failure, Outcome, Status};
use super::readiness::{every_domain, policy_domains};
use super::sender_scope::{Asked, SenderScope};
use super::tenant::each_tenant;
use crate::answer::{Genuine, Reviewing};
use crate::config::Tenant;
use crate::config::accounts::read_secret;
use crate::config::mail::Sender as Written;
use crate::diagnosis::Wanted;
use crate::diagnosis::readiness::{ReviewList, Target};
use crate::notify::mail::{Letter, Sender, Server};
use crate::parallel::processors;
use crate::render::{DigestAnswer, Form};

/// A summary to be read without asking: what changed, what to do first, how far each domain is; printed, or sent as mail
///
/// Changes are those of the last 7 days against the 7 before, unless --since says otherwise; the reviews are of 30 days. A summary
/// comes in quiet weeks too, because silence and breakage look alike. Where the configuration has tenants and the command names neither
/// one of them nor addresses, --to sends each tenant its own.
#[derive(Debug, clap::Args)]
pub(super) struct Digest {
    /// Send it to these addresses; without any, to those of [mail] in the configuration and of each tenant
    #[arg(long, value_name = "ADDRESS", num_args = 0..)]
    to: Option<Vec<String>>,
    #[command(flatten)]
    scope: SenderScope,
}

impl Digest {
    pub(super) fn run(self, context: &mut Context) -> Outcome {
        if self.to.is_some() {
            context.has_own_form(
                "--to sends a mail with text and HTML: leave out --format; without --to, the summary is printed in that form",
            )?;
        }
        match self.to.as_deref() {
            None => self.tell(None, context),
            Some([]) if context.config.tenants.iter().any(|tenant| !tenant.to.is_empty()) => self.each(context),
            Some(to) => self.tell(Some(to), context),
        }
    }

    /// Sends each tenant its own, and all of it to those of `[mail]`, where there are any.
    fn each(&self, context: &mut Context) -> Outcome {
        let whole = if context.config.mail.to.is_empty() { Status::Done } else { self.tell(Some(&[]), context)? };
        let send = |tenant: &Tenant, context: &mut Context| {
            if tenant.to.is_empty() { Ok(Status::Done) } else { self.tell(Some(&[]), context) }
        };
        Ok(whole.max(each_tenant(context, send)?))
    }

    /// Prints a summary, or sends it.
    fn tell(&self, to: Option<&[String]>, context: &mut Context) -> Outcome {
        let sending = to.map(|to| Sending::of(to, context)).transpose()?;
        let compared = compare(&self.scope.since_if_unsaid("7d"), 0, self.scope.open(context)?, context)?;
        let (month, Asked { store, status, .. }) = (self.scope.over("30d"), compared.asked);
        let asked = month.ask_of((store, status), context)?;
        let look = asked.look(&month)?;
        let paths = look.paths("dmarcstat/unsigned/2", 0, Wanted::NeedsWork)?;
        let genuine = Genuine::of(&asked.store, asked.window, &asked.domains, None)?;
        // Reviews are of the same data, unless they leave something out, or nobody may be asked for host names for them.
        let reviews = if genuine.unchecked_left_out || month.may_look_up() {
            drop(look);
            every_domain(&month, (asked.store, status), Target::Reject, processors(), context)?.0
        } else {
            let thresholds = &context.config.readiness;
            let how = Reviewing { target: Target::Reject, thresholds, genuine: &genuine, threads: processors() };
            let reviews = look.reviews(|survey| policy_domains(survey, &asked.domains), &how)?;
            if reviews.is_empty() {
                return Err(month.no_data(&asked.store, asked.window));
            }
            ReviewList::of(reviews)
        };
        let answer = DigestAnswer { changes: compared.answer, paths, reviews };
        match sending {
            None => context.show(&answer)?,
            Some(sending) => sending.send(&answer)?,
        }
        Ok(status)
    }
}

/// Who a summary is from and to, and what takes it. Made before anything is asked, so that a mistake shows at once.
struct Sending {
    from: String,
    to: Vec<String>,
    sender: Sender,
}

/// The machine's own people go by their name alone there, such as `root`.
fn of_this_machine(name: &mut String) {
    let is_name = !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte));
    #[cfg(unix)]
    if is_name && let Ok(host) = rustix::system::uname().nodename().to_str() {
        *name = format!("{name}@{host}");
    }
    #[cfg(not(unix))]
    let _ = is_name;
}

impl Sending {
    fn of(to: &[String], context: &Context) -> Result<Self, Failure> {
        let mail = &context.config.mail;
        let mut to = if to.is_empty() { mail.to.clone() } else { to.to_vec() };
        if let Written::Sendmail(_) = mail.sender {
            to.iter_mut().for_each(of_this_machine);
        }
        if let Some(wrong) = to.iter().find(|one| one.parse::<lettre::message::Mailbox>().is_err()) {
            return Err(Failure::Usage(format!("{wrong:?} is not an address such as name@example.com")));
        }
        let Some(first) = to.first() else {
            let place = if context.config.tenant.is_some() { "its [[tenant]]" } else { "[mail]" };
            return Err(Failure::Usage(format!(
                "nobody to send it to: name addresses after --to, or `to` in {place} of the configuration"
            )));
        };
        let sender = match &mail.sender {
            Written::Sendmail(Some(program)) => Sender::Sendmail(program.clone()),
            Written::Sendmail(None) => Sender::of_machine()?,
            Written::Smtp(smtp) => {
                let login = smtp.login.as_ref().map(|(user, password)| {
                    read_secret(&context.config, password).map(|secret| (user.clone(), secret))
                });
                Sender::Smtp(Server {
                    host: smtp.host.clone(),
                    port: smtp.port,
                    tls: smtp.tls,
                    ca_file: smtp.ca_file.clone(),
                    login: login.transpose()?,
                })
            }
        };
        // An address of the reader's own is one that the machine may write from, where no other is named.
        Ok(Sending { from: mail.from.clone().unwrap_or_else(|| first.clone()), to, sender })
    }

    fn send(&self, answer: &DigestAnswer) -> Result<(), Failure> {
        let (text, page) = (Form::Table.text(answer)?, Form::Html.text(answer)?);
        let letter = Letter { from: self.from.clone(), to: self.to.clone(), subject: answer.subject(), text, page };
        Ok(self.sender.send(&letter)?)
    }
}
