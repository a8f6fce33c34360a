//! The binary: its commands, flags and environment.

mod backup;
mod packaged;
mod restore;
mod retire_values;
mod secret_files;
mod serve;
mod settings_file;
mod startup;
mod systemd;
