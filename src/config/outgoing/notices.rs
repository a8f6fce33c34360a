//! Notices to webhooks.

use std::path::PathBuf;

use clap::Args;

use crate::config::problems::Problems;
use crate::domain::delivery::AllowedNetworks;

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
}

/// The settings of notices, validated.
#[derive(Clone, Debug, Default)]
pub struct NoticeSettings {
    /// The networks of the operator that webhooks may be in.
    pub networks: AllowedNetworks,
    /// The file of the authorities.
    pub ca: Option<PathBuf>,
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
        let settings = NoticeSettings { networks, ca: self.webhook_ca.clone() };
        if problems.is_empty() { Ok(settings) } else { Err(Problems(problems)) }
    }
}
