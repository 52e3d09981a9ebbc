//! Small crates that only the compiler sees, against the library as it was just built.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// A folder with one crate, outside of the workspace.
pub struct Scratch {
    pub folder: tempfile::TempDir,
    edition: &'static str,
}

/// What the compiler said.
pub struct Compiled {
    pub ok: bool,
    pub told: String,
}

impl Scratch {
    #[must_use]
    pub fn new(edition: &'static str) -> Self {
        Self {
            folder: tempfile::tempdir().unwrap(),
            edition,
        }
    }

    #[must_use]
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub fn write(&self, name: &str, text: &str) {
        let path = self.path(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }

    /// Compiles `source` as the library `name`; the dependencies are `name=path of the library`.
    pub fn library(&self, name: &str, source: &str, externs: &[(&str, &Path)]) -> Compiled {
        self.compile(
            "rustc",
            name,
            source,
            externs,
            &["--emit=metadata,dep-info"],
        )
    }

    /// As [`library`](Self::library), down to machine code.
    pub fn linked(&self, name: &str, source: &str, externs: &[(&str, &Path)]) -> Compiled {
        self.compile("rustc", name, source, externs, &["--emit=link"])
    }

    /// As [`library`](Self::library), with clippy's pedantic lints; `None` without clippy.
    pub fn clippy(&self, name: &str, source: &str, externs: &[(&str, &Path)]) -> Option<Compiled> {
        let clippy = sysroot()
            .join("bin")
            .join(format!("clippy-driver{}", std::env::consts::EXE_SUFFIX));
        let lints = ["--emit=metadata", "-Wclippy::pedantic", "-Dwarnings"];
        clippy
            .exists()
            .then(|| self.compile(clippy.to_str().unwrap(), name, source, externs, &lints))
    }

    fn compile(
        &self,
        compiler: &str,
        name: &str,
        source: &str,
        externs: &[(&str, &Path)],
        flags: &[&str],
    ) -> Compiled {
        self.write(&format!("{name}.rs"), source);
        let mut command = Command::new(compiler);
        command
            .arg(self.path(&format!("{name}.rs")))
            .args([
                "--crate-name",
                name,
                "--crate-type",
                "lib",
                "--edition",
                self.edition,
            ])
            .args(["--color=never", "--out-dir"])
            .arg(self.folder.path())
            .arg("-L")
            .arg(argument("dependency=", &libraries()))
            .arg("-L")
            .arg(argument("dependency=", self.folder.path()))
            .args(flags)
            .env("CARGO_MANIFEST_DIR", self.folder.path());
        for (name, library) in externs {
            command
                .arg("--extern")
                .arg(argument(&format!("{name}="), library));
        }
        told(&command.output().unwrap())
    }

    /// The files that the last compilation of `name` read.
    #[must_use]
    pub fn dependencies(&self, name: &str) -> String {
        std::fs::read_to_string(self.path(&format!("{name}.d"))).unwrap()
    }

    /// What [`library`](Self::library) wrote.
    #[must_use]
    pub fn metadata(&self, name: &str) -> PathBuf {
        self.path(&format!("lib{name}.rmeta"))
    }
}

/// The library, as the tests are linked with it.
#[must_use]
pub fn aport_gate() -> PathBuf {
    let entries = std::fs::read_dir(libraries()).unwrap();
    let found = entries.filter_map(|entry| {
        let entry = entry.unwrap();
        let name = entry.file_name().into_string().ok()?;
        let ours = name.starts_with("libaport_gate-") && name.ends_with(".rlib");
        ours.then(|| (entry.metadata().unwrap().modified().unwrap(), entry.path()))
    });
    found.max().unwrap().1
}

fn libraries() -> PathBuf {
    std::env::current_exe()
        .unwrap()
        .parent()
        .unwrap()
        .to_owned()
}

fn sysroot() -> PathBuf {
    let output = Command::new("rustc")
        .args(["--print", "sysroot"])
        .output()
        .unwrap();
    String::from_utf8(output.stdout).unwrap().trim().into()
}

fn argument(prefix: &str, path: &Path) -> OsString {
    let mut argument = OsString::from(prefix);
    argument.push(path);
    argument
}

fn told(output: &Output) -> Compiled {
    Compiled {
        ok: output.status.success(),
        told: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}
