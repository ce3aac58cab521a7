//! TLS to Postgres: tokio-rustls, with ring. Made here, since what there is to be had brings along ten crates to read the one
//! field of a certificate that channel binding needs, and tells nobody whether a handshake was tried.

mod certificates;
mod channel_binding;
#[cfg(test)]
mod tests;

use crate::database_url::{Mode, TlsSettings};
use certificates::{Verifier, own, roots};
use rustls::ClientConfig;
use rustls::crypto::ring;
use rustls::pki_types::ServerName;
use rustls::version::{TLS12, TLS13};
use std::io::{self, Error, ErrorKind};
use std::net::Ipv4Addr;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_postgres::Socket;
use tokio_postgres::tls::{ChannelBinding, MakeTlsConnect, TlsConnect, TlsStream};
use tokio_rustls::{TlsConnector, client};

/// Makes handshakes.
#[derive(Clone)]
pub(crate) struct Connector {
    config: Option<Arc<ClientConfig>>,
    /// Whether a certificate has to be for the host that was meant.
    names: bool,
    used: Arc<AtomicBool>,
}

impl Connector {
    /// Reads the files that are named.
    ///
    /// # Errors
    /// Which one cannot be used, and why.
    pub(crate) fn new(settings: &TlsSettings, mode: Mode) -> Result<Self, String> {
        let provider = Arc::new(ring::default_provider());
        let versions: Vec<_> = [(settings.tls12, &TLS12), (settings.tls13, &TLS13)]
            .into_iter()
            .filter_map(|(spoken, version)| spoken.then_some(version))
            .collect();
        let names = mode == Mode::VerifyFull;
        let verifier = Verifier {
            roots: roots(&settings.roots)?,
            names,
            algorithms: provider.signature_verification_algorithms,
        };
        let builder = ClientConfig::builder_with_provider(provider)
            .with_protocol_versions(&versions)
            .map_err(|error| error.to_string())?
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(verifier));
        let mut config = match &settings.own {
            None => builder.with_no_client_auth(),
            Some((certificate, key)) => {
                let (chain, key) = own(certificate, key)?;
                let config = builder.with_client_auth_cert(chain, key);
                config.map_err(|error| format!("{}: {error}", certificate.display()))?
            }
        };
        config.enable_sni = settings.sni;
        // PostgreSQL documentation, §54.2.11: a server that is spoken to directly takes no other word for it.
        config.alpn_protocols = vec![b"postgresql".to_vec()];
        Ok(Self {
            config: Some(Arc::new(config)),
            names,
            used: Arc::default(),
        })
    }

    /// For servers that are spoken to in clear text.
    pub(crate) fn unused() -> Self {
        Self {
            config: None,
            names: false,
            used: Arc::default(),
        }
    }

    /// Whether a handshake was begun.
    pub(crate) fn was_used(&self) -> bool {
        self.used.load(Ordering::Relaxed)
    }
}

impl MakeTlsConnect<Socket> for Connector {
    type Stream = Stream;
    type TlsConnect = Handshake;
    type Error = Error;

    fn make_tls_connect(&mut self, host: &str) -> Result<Handshake, Error> {
        Ok(Handshake {
            connector: self.clone(),
            host: host.to_owned(),
        })
    }
}

/// One handshake, with a server of this name.
pub(crate) struct Handshake {
    connector: Connector,
    host: String,
}

impl TlsConnect<Socket> for Handshake {
    type Stream = Stream;
    type Error = Error;
    type Future = Pin<Box<dyn Future<Output = Result<Stream, Error>> + Send>>;

    fn connect(self, socket: Socket) -> Self::Future {
        Box::pin(async move {
            self.connector.used.store(true, Ordering::Relaxed);
            let Some(config) = self.connector.config else {
                return Err(Error::new(ErrorKind::Unsupported, "no TLS was to be spoken"));
            };
            let name = match ServerName::try_from(self.host) {
                Ok(name) => name,
                // What is no name of DNS (`db..internal`) can be somewhere all the same. No address is told to a server.
                Err(_) if !self.connector.names => ServerName::IpAddress(Ipv4Addr::UNSPECIFIED.into()),
                Err(error) => return Err(Error::new(ErrorKind::InvalidInput, error)),
            };
            let stream = TlsConnector::from(config).connect(name, socket).await?;
            Ok(Stream(Box::new(stream)))
        })
    }
}

/// What is sent and received, encrypted.
pub(crate) struct Stream(Box<client::TlsStream<Socket>>);

impl TlsStream for Stream {
    fn channel_binding(&self) -> ChannelBinding {
        let (_, session) = self.0.get_ref();
        let certificate = session.peer_certificates().and_then(<[_]>::first);
        certificate
            .and_then(|certificate| channel_binding::tls_server_end_point(certificate))
            .map_or_else(ChannelBinding::none, ChannelBinding::tls_server_end_point)
    }
}

impl AsyncRead for Stream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_read(context, buffer)
    }
}

impl AsyncWrite for Stream {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(context)
    }
}
