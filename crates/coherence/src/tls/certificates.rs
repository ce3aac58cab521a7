use crate::database_url::Roots;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{verify_server_cert_signed_by_trust_anchor, verify_server_name};
use rustls::crypto::{WebPkiSupportedAlgorithms, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{DigitallySignedStruct, Error, RootCertStore, SignatureScheme};
use std::os::unix::fs::MetadataExt;
use std::path::Path;

/// Judges the certificate that a server shows; that it has the key of it is made sure of in any case.
#[derive(Debug)]
pub(super) struct Verifier {
    /// Who may have signed it; `None`: whoever.
    pub(super) roots: Option<RootCertStore>,
    /// Whether it has to be for the host that was meant.
    pub(super) names: bool,
    pub(super) algorithms: WebPkiSupportedAlgorithms,
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        if let Some(roots) = &self.roots {
            let certificate = ParsedCertificate::try_from(end_entity)?;
            let algorithms = self.algorithms.all;
            verify_server_cert_signed_by_trust_anchor(&certificate, roots, intermediates, now, algorithms)?;
            if self.names {
                verify_server_name(&certificate, server_name)?;
            }
        }
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, certificate, signed, &self.algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, certificate, signed, &self.algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }
}

pub(super) fn roots(roots: &Roots) -> Result<Option<RootCertStore>, String> {
    let mut store = RootCertStore::empty();
    match roots {
        Roots::Any => return Ok(None),
        // Some of many may be odd; none at all is an error.
        Roots::System => {
            let found = rustls_native_certs::load_native_certs();
            let (added, _) = store.add_parsable_certificates(found.certs);
            if added == 0 {
                return Err("the system has no certificates of authorities (sslrootcert=system)".to_owned());
            }
        }
        Roots::File(path) => {
            for certificate in chain(path)? {
                let added = store.add(certificate);
                added.map_err(|error| format!("{}: {error}", path.display()))?;
            }
        }
    }
    Ok(Some(store))
}

/// The certificate of the client, with those that lead to its authority, and its key.
pub(super) fn own(
    certificate: &Path,
    key: &Path,
) -> Result<(Vec<CertificateDer<'static>>, PrivateKeyDer<'static>), String> {
    let of_key = |error: &dyn std::fmt::Display| format!("{}: {error}", key.display());
    let metadata = key.metadata().map_err(|error| of_key(&error))?;
    // As libpq: root's may be readable to a group.
    let others = if metadata.uid() == 0 { 0o037 } else { 0o077 };
    if metadata.mode() & others != 0 {
        return Err(of_key(&"others may read it (chmod 0600)"));
    }
    let read = PrivateKeyDer::from_pem_file(key).map_err(|error| of_key(&error))?;
    Ok((chain(certificate)?, read))
}

fn chain(path: &Path) -> Result<Vec<CertificateDer<'static>>, String> {
    let of_path = |error: &dyn std::fmt::Display| format!("{}: {error}", path.display());
    let certificates = CertificateDer::pem_file_iter(path).map_err(|error| of_path(&error))?;
    let certificates: Vec<_> = certificates
        .collect::<Result<_, _>>()
        .map_err(|error| of_path(&error))?;
    if certificates.is_empty() {
        return Err(of_path(&"no certificate in PEM form"));
    }
    Ok(certificates)
}
