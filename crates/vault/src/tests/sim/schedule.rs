//! Who is served next, who stops, who dies.

use std::sync::Arc;
use std::time::Duration;

use ostler_vocabulary::{OperationId, ProcessIdentity};
use tokio::task::{JoinError, JoinHandle};

use super::cast::{self, Role};
use super::judge::judge;
use super::store::View;
use super::world::{Dice, State, Stored, Waiting, Weather, World};
use crate::host::{Host, seed_chance};
use crate::{LeaseHolder, Vault};

/// More requests than any history that comes to an end has.
const ENDLESS: u64 = 100_000;
/// After so many lives nobody dies any more: work that is begun anew with every life would have no end.
const LIVES: u64 = 60;

fn weather(dice: &mut Dice) -> Weather {
    let mut some = |times: u64| (!dice.once_in(3)).then_some(times);
    Weather {
        faults: some(60),
        pauses: some(25),
        crashes: some(80),
        lag: if dice.once_in(4) { 20_000 } else { 0 },
    }
}

fn cast(seed: u64, dice: &mut Dice, weather: &Weather) -> Vec<Role> {
    let grace = Duration::from_secs(if weather.lag > 0 { 60 } else { 0 });
    let mut cast: Vec<Role> = (0..1 + dice.below(3))
        .map(|_| Role::Writer {
            backups: 1 + dice.below(2),
        })
        .collect();
    cast.extend((0..1 + dice.below(2)).map(|_| Role::Collector {
        rounds: 1 + dice.below(3),
        grace,
    }));
    if dice.once_in(3) {
        cast.extend((0..1 + dice.below(2)).map(|_| Role::Mirror {
            copies: 1 + dice.below(3),
        }));
    } else if weather.lag == 0 && dice.once_in(4) {
        // Epochs are given up only where listings show at once what was created.
        let rotations = 1 + dice.below(2);
        cast.extend((0..1 + dice.below(2)).map(|_| Role::Rotator { rotations }));
    }
    // Decided apart from the rest, so that other histories stay as they are.
    let mut apart = Dice::new(seed ^ 0xc4ec);
    if weather.lag == 0 && apart.once_in(8) {
        cast.push(Role::Checker {
            checks: 1 + apart.below(4),
        });
    }
    cast
}

/// A vault without backups is there when a history begins.
async fn furnish(world: &World, base: &Arc<Vault>, roles: &[Role]) {
    world.state().rotates = roles.iter().any(|role| matches!(role, Role::Rotator { .. }));
    for object in base.objects("keys/").await.unwrap() {
        let body = base.store().get(&object.key).await.unwrap();
        let stored = Stored {
            body,
            created: 0,
            listed: 0,
        };
        world.state().objects.insert(object.key, stored);
    }
}

/// Goes through the history of a seed; says what is wrong in its end.
pub(super) async fn history(base: &Arc<Vault>, seed: u64, told: bool) -> Result<(), String> {
    let mut dice = Dice::new(seed ^ 0xfeed);
    let weather = weather(&mut dice);
    let roles = cast(seed, &mut dice, &weather);
    let world = World::new(seed, weather, roles.len() + 1, told);
    furnish(&world, base, &roles).await;
    let ended = match play(&world, base, &roles).await {
        Ok(()) => judge(&world, base, roles.len()).await,
        endless => endless,
    };
    ended.map_err(|reason| format!("{reason}\n{}", world.state().story()))
}

/// What happened, line by line.
pub(super) async fn story(base: &Arc<Vault>, seed: u64) -> String {
    seed_chance(Some(seed));
    let mut dice = Dice::new(seed ^ 0xfeed);
    let weather = weather(&mut dice);
    let roles = cast(seed, &mut dice, &weather);
    let world = World::new(seed, weather, roles.len() + 1, true);
    furnish(&world, base, &roles).await;
    play(&world, base, &roles).await.unwrap();
    let state = world.state();
    state.story().to_owned()
}

async fn play(world: &World, base: &Arc<Vault>, roles: &[Role]) -> Result<(), String> {
    let start = |actor: usize| -> JoinHandle<()> {
        {
            let mut state = world.state();
            state.processes += 1;
            let process = state.processes;
            if let Some(actor) = state.actors.get_mut(actor) {
                actor.process = process;
            }
        }
        let view = View {
            world: world.clone(),
            actor,
        };
        tokio::spawn(cast::live(view, Arc::clone(base), roles[actor]))
    };
    let mut lives: Vec<Option<JoinHandle<()>>> = (0..roles.len()).map(|actor| Some(start(actor))).collect();
    let mut births: Vec<(u64, usize)> = Vec::new();
    loop {
        // Everybody runs until all wait for a turn.
        for _ in 0..2 {
            tokio::task::yield_now().await;
        }
        let mut died = None;
        {
            let mut state = world.state();
            let actors = &state.actors[..roles.len()];
            if actors.iter().all(|actor| actor.over) {
                break;
            }
            if state.requests > ENDLESS {
                return Err("it does not come to an end".to_owned());
            }
            if let Some(at) = births.iter().position(|(at, _)| *at <= state.now) {
                let (_, actor) = births.swap_remove(at);
                drop(state);
                lives[actor] = Some(start(actor));
                continue;
            }
            if !wake(&mut state) && !advance(&mut state, &births, &mut died) {
                return Err("everybody waits for ever".to_owned());
            }
            if let Some(actor) = died {
                let pause = [1_000, 30_000, 300_000, 20_000_000][state.dice.below(4) as usize];
                births.push((state.now + state.dice.below(pause), actor));
            }
        }
        if let Some(life) = died.and_then(|actor: usize| lives[actor].take()) {
            life.abort();
            fails(life.await);
        }
    }
    for life in lives.into_iter().flatten() {
        life.abort();
        fails(life.await);
    }
    Ok(())
}

/// A life that ended by a defect stops the test.
fn fails(ended: Result<(), JoinError>) {
    if let Err(error) = ended
        && error.is_panic()
    {
        std::panic::resume_unwind(error.into_panic());
    }
}

/// Ends the sleep of everybody whose time has come.
fn wake(state: &mut State) -> bool {
    let now = state.now;
    let actors = &state.actors;
    let due: Vec<_> = state
        .sleeping
        .extract_if(.., |sleeping| {
            let stopped = actors.get(sleeping.actor).map_or(0, |actor| actor.stopped);
            sleeping.at <= now && stopped <= now
        })
        .collect();
    let woken = !due.is_empty();
    for sleeping in due {
        let _ = sleeping.turn.send(());
    }
    woken
}

/// Serves one request, or lets time pass.
fn advance(state: &mut State, births: &[(u64, usize)], died: &mut Option<usize>) -> bool {
    let now = state.now;
    let runs =
        |state: &State, actor: usize| state.actors.get(actor).is_some_and(|actor| actor.stopped <= now);
    let ready: Vec<usize> = (0..state.waiting.len())
        .filter(|at| runs(state, state.waiting[*at].actor))
        .collect();
    if ready.is_empty() {
        let stops = state
            .actors
            .iter()
            .map(|actor| actor.stopped)
            .filter(|at| *at > now);
        let sleeps = state
            .sleeping
            .iter()
            .filter(|s| runs(state, s.actor))
            .map(|s| s.at);
        let births = births.iter().map(|(at, _)| *at);
        let Some(next) = stops.chain(sleeps).chain(births).min() else {
            return false;
        };
        state.now = next.max(now);
        state.deliver();
        return true;
    }
    let chosen = ready[state.dice.below(ready.len() as u64) as usize];
    let actor = state.waiting[chosen].actor;
    state.now += state.dice.below(300);
    state.deliver();
    let mortal = state.processes < LIVES;
    if state
        .weather
        .crashes
        .is_some_and(|times| mortal && state.dice.once_in(times))
    {
        state.note(actor, || "dies".to_owned());
        let lost: Vec<_> = state
            .waiting
            .extract_if(.., |waiting| waiting.actor == actor)
            .collect();
        for waiting in lost {
            // A request of a dead process may still be on its way.
            if let Some((key, body)) = waiting.create
                && state.dice.once_in(2)
            {
                let later = [1_000, 100_000, 10_000_000][state.dice.below(3) as usize];
                let at = state.now + state.dice.below(later);
                state.network.push((at, key, body));
            }
        }
        state.sleeping.retain(|sleeping| sleeping.actor != actor);
        let process = state.actors[actor].process;
        state.dead.insert(process);
        *died = Some(actor);
        return true;
    }
    if state
        .weather
        .pauses
        .is_some_and(|times| state.dice.once_in(times))
    {
        let longest = [5_000, 70_000, 200_000, 20_000_000][state.dice.below(4) as usize];
        let pause = state.dice.below(longest);
        let frozen = state.dice.once_in(2);
        let jump = if state.dice.once_in(4) {
            state.dice.below(400_000) as i64 - 200_000
        } else {
            0
        };
        state.note(actor, || format!("stops for {pause} ms"));
        let until = state.now + pause;
        let actor = &mut state.actors[actor];
        actor.stopped = until;
        actor.ahead += jump;
        if frozen {
            actor.missed += pause;
        }
        return true;
    }
    let Waiting { create, turn, .. } = state.waiting.remove(chosen);
    // Who sent it has given it up, because of what another request was told: it may be on its way all the same.
    if turn.send(()).is_err()
        && let Some((key, body)) = create
        && state.dice.once_in(2)
    {
        let at = state.now + state.dice.below(100_000);
        state.network.push((at, key, body));
    }
    true
}

/// The vault as a participant sees it.
pub(super) fn seen(base: &Vault, view: &View) -> Arc<Vault> {
    let host = Host::simulated(Arc::new(view.clone()));
    Arc::new(base.seen_by(Arc::new(view.clone()), Arc::new(view.clone()), host))
}

/// The process that a participant is now.
pub(super) fn process(view: &View) -> ProcessIdentity {
    let process = view.world.state().actors[view.actor].process;
    ProcessIdentity {
        host: format!("machine-{}", view.actor / 2),
        boot: "boot".to_owned(),
        pid: 1,
        started: process,
    }
}

pub(super) fn holder(view: &View) -> LeaseHolder {
    let process = process(view);
    LeaseHolder {
        operation: OperationId::from_bytes([process.started as u8; 16]),
        process,
        purpose: "a simulation".to_owned(),
    }
}
