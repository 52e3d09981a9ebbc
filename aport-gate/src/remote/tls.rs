//! TLS to a registry or a server: the system's authorities, and one of the operator's own.

use std::path::Path;
use std::sync::Arc;

use rustls::crypto::ring;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use rustls::{ClientConfig, RootCertStore};

use super::error::RegistryError;

/// # Errors
/// The file of authorities has no usable certificate.
pub(crate) fn config(
    is_https: bool,
    authorities: Option<&Path>,
) -> Result<ClientConfig, RegistryError> {
    let mut roots = RootCertStore::empty();
    if is_https {
        roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    }
    if let Some(path) = authorities {
        add(&mut roots, path).map_err(|problem| {
            RegistryError::Setup(format!(
                "the file of authorities `{}` (`APORT_CA_FILE`) cannot be used: {problem}",
                path.display()
            ))
        })?;
    }
    // `ring` by name: which provider a process has by default is not ours to depend on.
    let mut config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|error| RegistryError::Setup(error.to_string()))?
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(config)
}

fn add(roots: &mut RootCertStore, path: &Path) -> Result<(), String> {
    let mut found = false;
    for certificate in CertificateDer::pem_file_iter(path).map_err(|error| error.to_string())? {
        let certificate = certificate.map_err(|error| error.to_string())?;
        roots.add(certificate).map_err(|error| error.to_string())?;
        found = true;
    }
    match found {
        true => Ok(()),
        false => Err("it has no certificate".to_owned()),
    }
}
