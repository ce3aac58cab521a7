//! What all who take part share.

use crate::book::Book;
use crate::judge::{Answer, Judged, Lost, Right};
use crate::operator::{self, ADMIN};
use crate::outages::Outages;
use crate::services::{Kind, Service};
use crate::settings::Settings;
use jeton_client::{ClientError, ExposeSecret, LoginRequest, Session};
use jeton_local_postgres::LocalPostgres;
use std::cell::{Cell, OnceCell, RefCell};
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Instant;
use tokio::sync::watch;
use uuid::Uuid;

/// How many notes and tokens of others are remembered, to be asked for by people whose they are not.
const OTHERS: usize = 50;

/// All that a run consists of.
pub(crate) struct World {
    pub(crate) settings: Settings,
    pub(crate) postgres: Arc<LocalPostgres>,
    pub(crate) services: Vec<Service>,
    pub(crate) book: Book,
    pub(crate) outages: Outages,
    pub(crate) began: Instant,
    /// The administrator's token.
    root: OnceCell<String>,
    pub(crate) phase: watch::Sender<Phase>,
    /// How many people and strangers are in the middle of something.
    busy: watch::Sender<usize>,
    picked: Cell<usize>,
    /// Notes with their owners, some of them gone by now.
    pub(crate) notes: Others<Uuid>,
    /// Tokens with their owners, some of them gone by now.
    pub(crate) tokens: Others<String>,
    /// How many acts have been begun.
    pub(crate) acts: Cell<usize>,
    /// How many names that nobody has somebody has tried to sign in with.
    pub(crate) strange_names: Cell<i64>,
}

/// What people do: their work, nothing for a while, or go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Phase {
    Work,
    Rest,
    Leave,
}

impl World {
    /// Starts Postgres and the services.
    pub(crate) async fn start(settings: Settings) -> anyhow::Result<Self> {
        let blocking = settings.clone();
        let (postgres, services, password) = tokio::task::spawn_blocking(move || {
            let postgres = LocalPostgres::temporary()?;
            let prepared = operator::prepare(&postgres.url())?;
            let services = Service::start_all(&blocking, &prepared)?;
            anyhow::Ok((postgres, services, prepared.admin_password))
        })
        .await??;
        let world = Self {
            settings,
            postgres: Arc::new(postgres),
            services,
            book: Book::default(),
            outages: Outages::default(),
            began: Instant::now(),
            root: OnceCell::new(),
            phase: watch::Sender::new(Phase::Work),
            busy: watch::Sender::new(0),
            picked: Cell::new(0),
            notes: Others::default(),
            tokens: Others::default(),
            acts: Cell::new(0),
            strange_names: Cell::new(0),
        };
        let signed_in = world.sign_in_root(&password).await;
        signed_in.map_err(|Lost| anyhow::anyhow!("the administrator cannot sign in"))?;
        Ok(world)
    }

    async fn sign_in_root(&self, password: &str) -> Judged<()> {
        let service = self.pick(Kind::Auth);
        let request = LoginRequest {
            username: ADMIN.to_owned(),
            password: password.into(),
            name: None,
            scopes: None,
            expires_in: None,
        };
        let client = service.client();
        let issued = self
            .ask("login", service, Right::DONE, client.login(&request))
            .await?;
        if let Some(issued) = issued.done() {
            let _ = self.root.set(issued.token.expose_secret().to_owned());
        }
        Ok(())
    }

    /// The administrator's token.
    pub(crate) fn root(&self) -> &str {
        self.root.get().map_or("", String::as_str)
    }

    /// The administrator asks until there is an answer.
    pub(crate) async fn administer<T>(
        &self,
        request: &'static str,
        (first, again): (Right, Right),
        call: impl AsyncFn(&Service, Session) -> Result<T, ClientError>,
    ) -> Judged<(Answer<T>, bool)> {
        let root = self.root();
        self.insist(request, Kind::Auth, root, (first, again), call).await
    }

    pub(crate) fn of(&self, kind: Kind) -> Vec<&Service> {
        let all = self.services.iter();
        all.filter(|service| service.kind == kind).collect()
    }

    /// One instance after the other.
    pub(crate) fn pick(&self, kind: Kind) -> &Service {
        let all = self.of(kind);
        let picked = self.picked.get();
        self.picked.set(picked.wrapping_add(1));
        all[picked % all.len()]
    }

    pub(crate) fn phase(&self) -> Phase {
        *self.phase.borrow()
    }

    /// To be held by whoever does something.
    pub(crate) fn begin(&self) -> Busy<'_> {
        self.busy.send_modify(|busy| *busy += 1);
        Busy(self)
    }

    /// Between two acts: rests while all do; says whether to go on working.
    pub(crate) async fn goes_on(&self) -> bool {
        let mut phase = self.phase.subscribe();
        if *phase.borrow_and_update() == Phase::Rest {
            // Given back in any case: whoever rests may be told to stop, too.
            let _resting = Resting::begin(self);
            let _ = phase.wait_for(|phase| *phase != Phase::Rest).await;
        }
        self.phase() == Phase::Work
    }

    /// Returns when nobody is in the middle of anything.
    pub(crate) async fn until_nobody_is_busy(&self) {
        let _ = self.busy.subscribe().wait_for(|busy| *busy == 0).await;
    }
}

/// Counts one who is in the middle of something.
pub(crate) struct Busy<'a>(&'a World);

impl Drop for Busy<'_> {
    fn drop(&mut self) {
        self.0.busy.send_modify(|busy| *busy -= 1);
    }
}

/// Takes one who rests from that count.
struct Resting<'a>(&'a World);

impl<'a> Resting<'a> {
    fn begin(world: &'a World) -> Self {
        world.busy.send_modify(|busy| *busy -= 1);
        Self(world)
    }
}

impl Drop for Resting<'_> {
    fn drop(&mut self) {
        self.0.busy.send_modify(|busy| *busy += 1);
    }
}

/// Some things with their owners.
#[derive(Debug)]
pub(crate) struct Others<T>(RefCell<VecDeque<(Uuid, T)>>);

impl<T> Default for Others<T> {
    fn default() -> Self {
        Self(RefCell::default())
    }
}

impl<T: Clone> Others<T> {
    pub(crate) fn remember(&self, owner: Uuid, what: T) {
        let mut others = self.0.borrow_mut();
        others.push_back((owner, what));
        if others.len() > OTHERS {
            others.pop_front();
        }
    }

    /// One that is not this one's.
    pub(crate) fn not_of(&self, user: Uuid, number: usize) -> Option<T> {
        let others = self.0.borrow();
        let others: Vec<_> = others.iter().filter(|(owner, _)| *owner != user).collect();
        let (_, what) = others.get(number % others.len().max(1))?;
        Some(what.clone())
    }
}
