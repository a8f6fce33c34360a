"""The commands and settings of docs/backup.md, run as they stand on the page, but for places, ports and what a person fills in."""

import os
import pathlib
import re
import subprocess

PAGE = pathlib.Path(__file__).parents[2] / "docs" / "backup.md"


class Page:
    """The page, and the shell into which its commands are pasted."""

    def __init__(self, world, replaced):
        self.env = os.path.join(world, "env")
        self.replaced = replaced
        self.blocks = []
        heading, block = None, None
        for line in PAGE.read_text().splitlines():
            if block is not None:
                if line.strip() == "```":
                    self.blocks.append((heading, *block))
                    block = None
                else:
                    block[1].append(line.strip() if block[0] == "sh" else line)
            elif line.strip().startswith("```"):
                block = (line.strip().strip("`"), [])
            elif line.startswith("#"):
                heading = line.lstrip("# ").replace("`", "")

    def take(self, heading, language):
        """The next block of this language below this heading."""
        for index, (where, what, lines) in enumerate(self.blocks):
            if (where, what) == (heading, language):
                del self.blocks[index]
                return self.filled("\n".join(lines) + "\n")
        raise AssertionError(f"the page has no more {language} below {heading}")

    def filled(self, text):
        for old, new in self.replaced.items():
            text = text.replace(old, new)
        return text

    def run(self, heading, by=(), **also):
        """Runs the next commands below this heading: what they printed."""
        self.replaced.update(also)
        return self.paste(self.take(heading, "sh"), by)

    def paste(self, commands, by=()):
        keep = f"export -p > {self.env}"
        script = f"set -euo pipefail\n[ ! -e {self.env} ] || . {self.env}\n{commands}\n[ {len(by)} -gt 0 ] || {keep}\n"
        done = subprocess.run([*by, "bash", "-c", script], cwd="/", capture_output=True, text=True, timeout=120)
        assert done.returncode == 0, f"{commands}\n{done.stdout}\n{done.stderr}"
        return done.stdout

    def set(self, name, value):
        self.paste(f"export {name}={value}")

    def done(self):
        assert not self.blocks, f"not run: {self.blocks}"


def value_in(text):
    return re.search(r"rk_[0-9A-Za-z]{49}", text)[0]
