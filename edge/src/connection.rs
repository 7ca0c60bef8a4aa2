//! A connection and what it costs: its slot, its bytes, and who waits for whom.

use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio_util::sync::CancellationToken;

use crate::Caller;
use crate::arrivals::Arrival;
use crate::budget::Account;
use crate::connection_slots::{ConnectionSlot, ConnectionSlots, Full};
use crate::door::Newcomer;

/// A connection, shared by all its calls.
#[derive(Debug)]
pub(crate) struct Connection {
    pub client: Caller,
    pub account: Arc<Account>,
    pub closing: CancellationToken,
    established: Arc<ConnectionSlots>,
    idle: Duration,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    /// A newcomer's slot until the first call has come whole.
    slot: ConnectionSlot,
    is_established: bool,
    calls: usize,
    /// Calls that we work for.
    working: usize,
    /// None once a call was answered.
    arrival: Option<Arrival>,
}

/// A call under way.
#[derive(Debug)]
pub(crate) struct Call {
    connection: Arc<Connection>,
    works: Mutex<bool>,
}

impl Connection {
    /// A newcomer.
    pub fn new(
        client: Caller,
        account: Arc<Account>,
        newcomer: ConnectionSlot,
        established: Arc<ConnectionSlots>,
        arrival: Arrival,
        idle: Duration,
        closing: CancellationToken,
    ) -> Arc<Connection> {
        Arc::new(Connection {
            client,
            account,
            closing,
            established,
            idle,
            state: Mutex::new(State {
                slot: newcomer,
                is_established: false,
                calls: 0,
                working: 0,
                arrival: Some(arrival),
            }),
        })
    }

    /// A call has come. The first one makes a newcomer an established connection, if there is a slot.
    pub fn begin(self: &Arc<Self>) -> Result<Call, Full> {
        let mut state = self.lock();
        if !state.is_established {
            let address: IpAddr = self.client.address;
            let slot =
                self.established
                    .take(address, Instant::now(), None, self.closing.clone())?;
            state.slot = slot;
            state.is_established = true;
        }
        state.calls += 1;
        state.working += 1;
        state.slot.works();
        drop(state);
        Ok(Call {
            connection: self.clone(),
            works: Mutex::new(true),
        })
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Counts are whole between any two calls.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn moved(&self, change: impl FnOnce(&mut State)) {
        let mut state = self.lock();
        let worked = state.working > 0;
        change(&mut state);
        let now = Instant::now();
        match (state.working, state.calls) {
            (0, 0) => state.slot.spoke(now, Some(now + self.idle)),
            (0, _) if worked => state.slot.spoke(now, None),
            (0, _) => state.slot.waits(now, None),
            _ if !worked => state.slot.works(),
            _ => {}
        }
    }
}

impl Newcomer for Arc<Connection> {
    fn has_begun(&self) {
        self.lock().slot.has_begun();
    }

    fn closing(&self) -> &CancellationToken {
        &self.closing
    }
}

impl Call {
    /// Whether we work for it; else we wait for its client.
    pub fn set(&self, works: bool) {
        let mut is_working = self.works.lock().unwrap_or_else(PoisonError::into_inner);
        if *is_working == works {
            return;
        }
        *is_working = works;
        self.connection.moved(|state| match works {
            true => state.working += 1,
            false => state.working -= 1,
        });
    }

    pub fn account(&self) -> &Arc<Account> {
        &self.connection.account
    }
}

impl Drop for Call {
    fn drop(&mut self) {
        let works = *self.works.lock().unwrap_or_else(PoisonError::into_inner);
        let connection = &self.connection;
        let is_open = !connection.closing.is_cancelled();
        connection.moved(|state| {
            state.calls -= 1;
            state.working -= usize::from(works);
            // Who asks and takes its answer is no flood, however often it connects.
            if is_open && let Some(arrival) = state.arrival.take() {
                arrival.give_back();
            }
        });
    }
}
