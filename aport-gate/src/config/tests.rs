//! Values of variables that count, and those that stop a gate from starting.

use super::*;

fn read(variable: &'static str, value: &str) -> Result<Config> {
    let value = OsString::from(value);
    Config::read(move |name| (name == variable).then(|| value.clone()))
}

#[test]
fn empty_and_unexpanded_values_are_errors_that_name_the_variable() {
    for variable in [
        "APORT_MODE",
        "APORT_BASE_URL",
        "APORT_API_KEY",
        "APORT_ALLOW_HTTP",
        "APORT_CA_FILE",
        "APORT_JWKS_FILE",
        "APORT_CACHE",
        "APORT_CACHE_SECONDS",
        "APORT_TIMEOUT_MS",
        "APORT_AGENT_ID",
        "APORT_SECURITY",
        "APORT_SIGN_DECISIONS",
        "APORT_KEY_RETENTION_DAYS",
        "APORT_HOME",
        "APORT_DATABASE_URL",
    ] {
        for value in ["", "  ", "${APORT_X}", "/a/${HOME}/b"] {
            let error = read(variable, value).unwrap_err().to_string();
            assert!(error.contains(variable), "{error}");
        }
    }
}

#[test]
fn values_that_mean_nothing_are_errors() {
    for (variable, value) in [
        ("APORT_MODE", "off"),
        ("APORT_BASE_URL", "example.com"),
        ("APORT_BASE_URL", "http://example.com"),
        ("APORT_BASE_URL", "https://gate:hunter2@example.com"),
        ("APORT_API_KEY", "hunter2 "),
        ("APORT_API_KEY", "hunter2\r\nx: y"),
        ("APORT_API_KEY", "${KEY}hunter2"),
        ("APORT_ALLOW_HTTP", "yes"),
        ("APORT_CACHE", "60"),
        ("APORT_CACHE_SECONDS", "31"),
        ("APORT_CACHE_SECONDS", "0"),
        ("APORT_TIMEOUT_MS", "0"),
        ("APORT_TIMEOUT_MS", "-1"),
        ("APORT_TIMEOUT_MS", "5s"),
        ("APORT_AGENT_ID", "claude"),
        ("APORT_SECURITY", "none"),
        ("APORT_SIGN_DECISIONS", "yes"),
        ("APORT_KEY_RETENTION_DAYS", "0"),
        ("APORT_KEY_RETENTION_DAYS", "forever"),
        ("APORT_DATABASE_URL", "mysql://gate:hunter2@db/d"),
        ("APORT_DATABASE_URL", "postgres://gate:hunter2@${HOST}/d"),
        ("APORT_DATABASE_URL", "sqlite:"),
        ("APORT_DATABASE_URL", "sqlite:~/ledger.sqlite3"),
    ] {
        let error = read(variable, value).unwrap_err().to_string();
        assert!(error.contains(variable), "{error}");
        assert!(!error.contains("hunter2"), "{error}");
    }
}

#[test]
fn a_relative_ledger_is_in_the_home_wherever_a_server_is_started() {
    let named = |home: &'static str, url: &'static str| {
        let config = Config::read(move |name| match name {
            "APORT_HOME" => Some(home.into()),
            "APORT_DATABASE_URL" => Some(url.into()),
            _ => None,
        });
        config.unwrap().ledger.unwrap().to_string()
    };
    let home = if cfg!(windows) { r"C:\aport" } else { "/aport" };
    let caps = Path::new(home).join("caps.db").display().to_string();
    assert_eq!(named(home, "sqlite:caps.db"), caps);
    let absolute = if cfg!(windows) {
        r"sqlite:D:\caps.db"
    } else {
        "sqlite:/d/caps.db"
    };
    assert!(absolute.ends_with(&named(home, absolute)));
}

#[test]
fn database_is_postgresql_where_it_was_built_in() {
    let read = read("APORT_DATABASE_URL", "postgres://gate:hunter2@db/caps");
    let shown = format!("{read:?}");
    assert_eq!(read.is_ok(), cfg!(feature = "postgres"), "{shown}");
    assert!(!shown.contains("hunter2"), "{shown}");
    if let Err(error) = read {
        assert!(error.to_string().contains("feature `postgres`"), "{error}");
    }
}

#[test]
fn nothing_set_means_local_simple_and_unbound() {
    let config = Config::read(|_| None).unwrap();
    assert!(config.agent.is_none() && config.security == Security::Simple);
    assert_eq!(config.timeout, DEFAULT_TIMEOUT);
}

#[cfg(feature = "registry")]
fn registry_of(variables: &[(&'static str, &'static str)]) -> Option<RegistrySettings> {
    let found = |name| variables.iter().find(|(variable, _)| *variable == name);
    let config = Config::read(|name| found(name).map(|(_, value)| OsString::from(value)));
    let config = config.unwrap();
    assert!(!format!("{config:?}").contains("hunter2"));
    config.registry
}

#[cfg(feature = "registry")]
#[test]
fn a_registry_is_asked_where_mode_or_url_says_so() {
    let url = ("APORT_BASE_URL", "https://registry.example.com");
    let key = ("APORT_API_KEY", "hunter2");
    assert!(registry_of(&[key]).is_none());
    assert!(registry_of(&[url, ("APORT_MODE", "local")]).is_none());
    let named = registry_of(&[url, key]).unwrap();
    assert!(named.cache.is_none() && named.api_key.is_some());
    assert_eq!(
        named.base_url().unwrap().to_string(),
        "https://registry.example.com"
    );
    let hosted = registry_of(&[("APORT_MODE", "registry"), ("APORT_CACHE", "on")]).unwrap();
    assert_eq!(
        hosted.base_url().unwrap().to_string(),
        "https://api.aport.io"
    );
    assert_eq!(hosted.cache, Some(Duration::from_secs(10)));
}

#[cfg(feature = "registry")]
#[test]
fn http_to_another_machine_has_to_be_allowed_by_name() {
    let url = ("APORT_BASE_URL", "http://registry.example.com");
    assert!(registry_of(&[url, ("APORT_ALLOW_HTTP", "on")]).is_some());
    assert!(registry_of(&[("APORT_BASE_URL", "http://127.0.0.1:8787")]).is_some());
}

#[cfg(all(feature = "cli", feature = "registry"))]
#[test]
fn the_list_of_variables_is_what_is_read() {
    let asked = std::cell::RefCell::new(std::collections::BTreeSet::new());
    Config::read(|name| {
        asked.borrow_mut().insert(name);
        None
    })
    .unwrap();
    let listed = VARIABLES.iter().map(|(name, _)| *name).collect();
    assert_eq!(asked.into_inner(), listed);
}

#[test]
fn a_registry_that_is_named_in_local_mode_is_told_as_unused() {
    let unused = |mode: Option<&'static str>| {
        let get = move |name: &'static str| match name {
            "APORT_MODE" => mode.map(OsString::from),
            "APORT_BASE_URL" => Some("https://registry.example.com".into()),
            "APORT_API_KEY" => Some("key".into()),
            _ => None,
        };
        Config::read(get).unwrap().unused
    };
    assert_eq!(unused(Some("local")), ["APORT_BASE_URL", "APORT_API_KEY"]);
    assert!(unused(None).is_empty());
    assert!(unused(Some("registry")).is_empty());
}
