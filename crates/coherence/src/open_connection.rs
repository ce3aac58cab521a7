//! A connection, and what the server says on it unasked.

use crate::ServerIdentity;
use diesel_async::{AsyncPgConnection, SimpleAsyncConnection};
use futures_util::{StreamExt, stream};
use std::ops::{Deref, DerefMut};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use tokio::sync::mpsc::{self, Receiver};
use tokio::task::AbortHandle;
use tokio_postgres::error::DbError;
use tokio_postgres::tls::TlsStream;
use tokio_postgres::{AsyncMessage, Client, Connection, Socket};

/// Where a commit waits for a synchronous standby. The server's warnings name it in every language.
const WAITS_FOR_STANDBY: &str = "SyncRepWaitForLSN";

/// How many notifications are kept until somebody asks for them. Whoever waits for one may miss what others say.
const MOST_NOTIFICATIONS: usize = 16;

/// An open connection that is waited for, which lives on the runtime that it was opened on: Diesel's, and what comes on it
/// unasked. Dropped, it is closed at once, whatever is under way.
pub struct OpenConnection {
    connection: AsyncPgConnection,
    server: ServerIdentity,
    heard: Arc<Heard>,
    notifications: Receiver<String>,
    driver: AbortHandle,
}

/// What the server has said unasked.
#[derive(Debug, Default)]
pub(crate) struct Heard {
    /// Somebody has cancelled the wait for a standby.
    unreplicated: AtomicBool,
    /// Why the connection has ended.
    end: OnceLock<String>,
}

impl Heard {
    /// Whether a commit since the last call was said to have succeeded, and may not have reached the standby that it waited for.
    pub(crate) fn take_unreplicated(&self) -> bool {
        // Told before the answer, by the task that passes the answer on.
        self.unreplicated.swap(false, Ordering::Acquire)
    }

    fn note(&self, notice: &DbError) {
        if notice.routine() == Some(WAITS_FOR_STANDBY) {
            self.unreplicated.store(true, Ordering::Release);
        }
    }
}

impl OpenConnection {
    /// Has a task of this runtime drive the connection, makes these settings, and asks which server it is.
    ///
    /// # Errors
    /// What the server says, or why it is refused.
    pub(crate) async fn new<S>(
        client: Client,
        connection: Connection<Socket, S>,
        settings: &str,
    ) -> Result<Self, String>
    where
        S: TlsStream + Unpin + Send + 'static,
    {
        let heard = Arc::<Heard>::default();
        let (notified, notifications) = mpsc::channel(MOST_NOTIFICATIONS);
        let driver = tokio::spawn(drive(connection, heard.clone(), notified)).abort_handle();
        // Where anything fails from here on, the client is dropped, and that ends the task.
        let connection = AsyncPgConnection::try_from(client).await;
        let mut connection = connection.map_err(|error| error.to_string())?;
        let set = connection.batch_execute(settings).await;
        set.map_err(|error| error.to_string())?;
        let server = ServerIdentity::ask(&mut connection).await?;
        Ok(Self {
            connection,
            server,
            heard,
            notifications,
            driver,
        })
    }

    /// The server that it was opened to.
    #[must_use]
    pub fn server(&self) -> ServerIdentity {
        self.server
    }

    pub(crate) fn heard(&self) -> &Arc<Heard> {
        &self.heard
    }

    /// Waits for a notification, and gives what it says and all that have come meanwhile. Whoever stops waiting has lost none.
    ///
    /// # Errors
    /// Why the connection has ended.
    pub(crate) async fn notified(&mut self) -> Result<Vec<String>, String> {
        match self.notifications.recv().await {
            Some(first) => {
                let mut payloads = self.notified_so_far();
                payloads.push(first);
                Ok(payloads)
            }
            None => Err(match self.heard.end.get() {
                Some(reason) => reason.clone(),
                None => "the connection was closed".to_owned(),
            }),
        }
    }

    /// As [`notified`](Self::notified), without waiting.
    pub(crate) fn notified_so_far(&mut self) -> Vec<String> {
        std::iter::from_fn(|| self.notifications.try_recv().ok()).collect()
    }
}

async fn drive<S>(mut connection: Connection<Socket, S>, heard: Arc<Heard>, notified: mpsc::Sender<String>)
where
    S: TlsStream + Unpin + Send + 'static,
{
    let mut messages = stream::poll_fn(move |context| connection.poll_message(context));
    while let Some(message) = messages.next().await {
        match message {
            Ok(AsyncMessage::Notice(notice)) => heard.note(&notice),
            // Where there is no room for it, others are there already.
            Ok(AsyncMessage::Notification(notification)) => {
                drop(notified.try_send(notification.payload().to_owned()));
            }
            Ok(_) => {}
            Err(error) => {
                let _ = heard.end.set(crate::error::with_source(&error));
                return;
            }
        }
    }
}

impl Drop for OpenConnection {
    fn drop(&mut self) {
        self.driver.abort();
    }
}

impl Deref for OpenConnection {
    type Target = AsyncPgConnection;

    fn deref(&self) -> &AsyncPgConnection {
        &self.connection
    }
}

impl DerefMut for OpenConnection {
    fn deref_mut(&mut self) -> &mut AsyncPgConnection {
        &mut self.connection
    }
}
