//! Notices to webhooks and by mail.

use std::path::PathBuf;

use clap::Args;

use crate::config::duration::minutes_of;
use crate::config::problems::Problems;
use crate::domain::delivery::AllowedNetworks;
use crate::domain::notice::{Deadline, Passed};
use crate::service::Policy;

use super::mail::{MailFlags, MailSettings};

/// How many durations before one deadline it can be announced.
const MAX_DURATIONS: usize = 8;

/// The flags of notices.
#[derive(Args, Clone, Debug)]
pub struct NoticeFlags {
    /// The networks that webhooks may be in although they are not public, also by plain HTTP: addresses or CIDR blocks, separated by
    /// commas, such as 10.0.0.0/8,fd00::/8
    #[arg(long, env = "ROTAKEY_WEBHOOK_ALLOW_NETWORKS", value_name = "NETWORKS")]
    pub webhook_allow_networks: Option<String>,
    /// The authorities that may sign the certificates of webhooks, in a PEM file, such as /etc/rotakey/webhooks-ca.pem. Default: those that
    /// are publicly trusted
    #[arg(long, env = "ROTAKEY_WEBHOOK_CA", value_name = "FILE")]
    pub webhook_ca: Option<PathBuf>,
    /// How long before a token expires that is announced, separated by commas; none for never
    #[arg(long, env = "ROTAKEY_NOTICE_EXPIRING", default_value = "30d,7d,1d", value_name = "DURATIONS")]
    pub notice_expiring: String,
    /// How long before an overlap ends that is announced, if the previous value is in use, separated by commas; none for never
    #[arg(long, env = "ROTAKEY_NOTICE_OVERLAP_ENDING", default_value = "1d,1h,5m", value_name = "DURATIONS")]
    pub notice_overlap_ending: String,
    /// After how long without any use of a token that is announced; none for never
    #[arg(long, env = "ROTAKEY_NOTICE_UNUSED_AFTER", default_value = "90d", value_name = "DURATION")]
    pub notice_unused_after: String,
    /// How many times within an hour values of a token must be refused at one server, because they come from an address or origin that is
    /// not allowed, before that is announced
    #[arg(long, env = "ROTAKEY_NOTICE_RESTRICTION_REFUSED_AFTER", default_value_t = Policy::DEFAULT.announced_refusals, value_name = "TIMES")]
    pub notice_restriction_refused_after: u32,
    /// Mail
    #[command(flatten)]
    pub mail: MailFlags,
}

/// The settings of notices, validated.
#[derive(Clone, Debug, Default)]
pub struct NoticeSettings {
    /// The networks of the operator that webhooks may be in.
    pub networks: AllowedNetworks,
    /// The file of the authorities.
    pub ca: Option<PathBuf>,
    /// What is announced ahead.
    pub deadlines: Vec<Deadline>,
    /// See [`Policy::announced_refusals`].
    pub announced_refusals: u32,
    /// The mail server, if there is one.
    pub mail: Option<MailSettings>,
}

impl NoticeFlags {
    /// The settings. The file is not read here.
    pub(crate) fn validate(&self) -> Result<NoticeSettings, Problems> {
        let mut problems = Vec::new();
        let networks = AllowedNetworks::parse(self.webhook_allow_networks.as_deref().unwrap_or_default())
            .unwrap_or_else(|malformed| {
                let text = format!(
                    "--webhook-allow-networks must be addresses or CIDR blocks, separated by commas: {malformed}"
                );
                problems.push(text);
                AllowedNetworks::default()
            });
        let mut list = |flag: &str, text: &str| {
            durations(text).unwrap_or_else(|| {
                problems.push(format!(
                    "{flag} must be at most {MAX_DURATIONS} different durations of whole minutes, separated by commas, such as 7d,12h,30m, \
                     or none."
                ));
                Vec::new()
            })
        };
        let expiring = list("--notice-expiring", &self.notice_expiring);
        let overlap_ending = list("--notice-overlap-ending", &self.notice_overlap_ending);
        let unused =
            durations(&self.notice_unused_after).filter(|durations| durations.len() < 2).unwrap_or_else(|| {
                problems.push(
                    "--notice-unused-after must be a duration of whole minutes, such as 90d, or none.".to_owned(),
                );
                Vec::new()
            });
        let expiring = expiring.into_iter().map(Deadline::Expiry);
        let overlap_ending = overlap_ending.into_iter().map(Deadline::OverlapEnd);
        let unused = unused.into_iter().map(Deadline::Unused);
        let deadlines =
            expiring.chain(Passed::ALL.map(Deadline::Rotation)).chain(overlap_ending).chain(unused).collect();
        let mail = self.mail.validate().unwrap_or_else(|Problems(more)| {
            problems.extend(more);
            None
        });
        let announced_refusals = self.notice_restriction_refused_after;
        if announced_refusals == 0 {
            problems.push("--notice-restriction-refused-after must be at least 1.".to_owned());
        }
        let settings = NoticeSettings { networks, ca: self.webhook_ca.clone(), deadlines, mail, announced_refusals };
        if problems.is_empty() { Ok(settings) } else { Err(Problems(problems)) }
    }
}

/// Different durations in minutes, with commas between them.
fn durations(text: &str) -> Option<Vec<u32>> {
    if text == "none" {
        return Some(Vec::new());
    }
    let durations: Vec<u32> = text.split(',').map(|one| minutes_of(one.trim()).ok()).collect::<Option<_>>()?;
    let mut different = durations.clone();
    different.sort_unstable();
    different.dedup();
    (different.len() == durations.len() && durations.len() <= MAX_DURATIONS).then_some(durations)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_different_and_few() {
        for (text, minutes) in [
            ("none", Some(vec![])),
            ("30d,7d, 1d", Some(vec![43_200, 10_080, 1_440])),
            ("5m", Some(vec![5])),
            ("1h,60m", None),
            ("", None),
            ("1d,", None),
            ("30s", None),
            ("0m", None),
            ("1m,2m,3m,4m,5m,6m,7m,8m,9m", None),
        ] {
            assert_eq!(durations(text), minutes, "{text}");
        }
    }
}
