//! A disk that can be full: a small file system that only this process and those that it starts can see.

use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;

use nix::sched::{CloneFlags, unshare};
use nix::unistd::User;

pub struct SmallDisk {
    folder: PathBuf,
}

impl SmallDisk {
    /// Mounts it at this folder, for a database server. Needs to be root.
    pub fn mount(folder: &Path, mebibytes: u32) -> Self {
        // The main thread gets mounts of its own, as does what it starts.
        unshare(CloneFlags::CLONE_NEWNS).unwrap_or_else(|err| {
            panic!("this scenario mounts a file system of its own, for which it must be root: {err}")
        });
        run(Command::new("mount").args(["--make-rprivate", "/"]));
        let user = User::from_name("postgres").unwrap().unwrap();
        let options = format!("size={mebibytes}m,mode=700,uid={},gid={}", user.uid, user.gid);
        run(Command::new("mount").args(["-t", "tmpfs", "-o", &options, "tmpfs"]).arg(folder));
        Self { folder: folder.to_owned() }
    }

    /// Fills it to the last byte.
    pub fn fill(&self) {
        let mut file = File::create(self.filler()).unwrap();
        let mut block = vec![0; 1 << 20];
        while !block.is_empty() {
            if file.write_all(&block).is_err() {
                block.truncate(block.len() / 2);
            }
        }
    }

    /// Frees what was filled.
    pub fn free(&self) {
        std::fs::remove_file(self.filler()).unwrap();
    }

    fn filler(&self) -> PathBuf {
        self.folder.join("filler")
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("--lazy").arg(&self.folder).status();
    }
}

fn run(command: &mut Command) {
    assert!(command.status().unwrap().success(), "{command:?}");
}
