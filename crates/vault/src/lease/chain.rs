//! What the objects of the chain mean. Pure.

use std::time::Duration;

use ostler_store::{Key, Object};
use ostler_vocabulary::OperationId;

use super::LEASE_TIME;
use crate::Error;
use crate::objects::object_key;

/// One object of the chain.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Link {
    /// The holder is alive; the first says who it is.
    Beat(u64),
    /// The holder is done.
    Released,
    /// The holder relies on nothing that this round of collection marked.
    Saw(u64),
    /// Somebody wants this epoch, in a vault whose store lets several create the first beat: who sees another's gives
    /// way.
    Alone(OperationId),
}

impl Link {
    pub(crate) fn key(self, prefix: &str, epoch: u64) -> Result<Key, Error> {
        object_key(match self {
            Self::Beat(beat) => format!("{prefix}{epoch:010}/{beat:010}"),
            Self::Released => format!("{prefix}{epoch:010}/released"),
            Self::Saw(round) => format!("{prefix}{epoch:010}/saw-{round:010}"),
            Self::Alone(claim) => format!("{prefix}{epoch:010}/alone-{claim}"),
        })
    }

    /// Epoch and link of an object; `None` for a name that is not ours.
    pub(crate) fn parse(prefix: &str, key: &Key) -> Option<(u64, Self)> {
        let (epoch, link) = key.as_str().strip_prefix(prefix)?.split_once('/')?;
        let link = match link {
            "released" => Self::Released,
            link => match link.split_once('-') {
                Some(("saw", round)) => Self::Saw(number(round)?),
                Some(("alone", claim)) => Self::Alone(claim.parse().ok()?),
                _ => Self::Beat(number(link)?),
            },
        };
        Some((number(epoch)?, link))
    }
}

pub(crate) fn number(text: &str) -> Option<u64> {
    let digits = text.len() == 10 && text.bytes().all(|byte| byte.is_ascii_digit());
    if digits { text.parse().ok() } else { None }
}

/// The end of the chain: its highest epoch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Chain {
    pub(crate) epoch: u64,
    pub(crate) beat: u64,
    pub(crate) released: bool,
}

impl Chain {
    pub(crate) fn read(prefix: &str, objects: &[Object]) -> Option<Self> {
        let links: Vec<(u64, Link)> = objects
            .iter()
            .filter_map(|object| Link::parse(prefix, &object.key))
            .collect();
        let epoch = links.iter().map(|(epoch, _)| *epoch).max()?;
        let mut chain = Self {
            epoch,
            beat: 0,
            released: false,
        };
        for (_, link) in links.iter().filter(|(of, _)| *of == epoch) {
            match link {
                Link::Beat(beat) => chain.beat = chain.beat.max(*beat),
                Link::Released => chain.released = true,
                Link::Saw(_) | Link::Alone(_) => {}
            }
        }
        Some(chain)
    }
}

/// What a process that wants the lease should do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    /// Try to create this epoch.
    Take { epoch: u64 },
    /// Look again later.
    Held,
}

/// What one process has seen of the chain, and since when.
#[derive(Debug, Default)]
pub(super) struct Watch {
    seen: Option<(Chain, Duration)>,
}

impl Watch {
    /// Takes in what the chain looks like `now`, by a clock that never goes back.
    pub(super) fn look(&mut self, chain: Option<&Chain>, holder_is_dead: bool, now: Duration) -> Verdict {
        let Some(chain) = chain else {
            return Verdict::Take { epoch: 1 };
        };
        let since = match self.seen {
            Some((seen, since)) if seen == *chain => since,
            _ => now,
        };
        self.seen = Some((*chain, since));
        let stood_still = now.saturating_sub(since) >= LEASE_TIME;
        if chain.released || holder_is_dead || stood_still {
            Verdict::Take {
                epoch: chain.epoch + 1,
            }
        } else {
            Verdict::Held
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::COLLECTOR as PREFIX;
    use super::*;

    fn objects(names: &[&str]) -> Vec<Object> {
        names
            .iter()
            .map(|name| Object {
                key: Key::new(format!("{PREFIX}{name}")).unwrap(),
                size: 0,
                modified: None,
            })
            .collect()
    }

    fn chain(epoch: u64, beat: u64, released: bool) -> Chain {
        Chain {
            epoch,
            beat,
            released,
        }
    }

    #[test]
    fn the_highest_epoch_and_its_highest_beat_count() {
        for (names, expected) in [
            (&[][..], None),
            (&["0000000001/0000000000"], Some(chain(1, 0, false))),
            (
                &[
                    "0000000001/0000000009",
                    "0000000002/0000000000",
                    "0000000002/0000000003",
                ],
                Some(chain(2, 3, false)),
            ),
            (
                &["0000000002/0000000003", "0000000002/released"],
                Some(chain(2, 3, true)),
            ),
            (&["0000000003/released"], Some(chain(3, 0, true))),
            (&["1/0000000000", "0000000001/x", "=000000001/released"], None),
        ] {
            assert_eq!(Chain::read(PREFIX, &objects(names)), expected, "{names:?}");
        }
    }

    #[test]
    fn links_read_back() {
        let alone = Link::Alone(OperationId::random());
        for link in [Link::Beat(0), Link::Beat(77), Link::Released, Link::Saw(3), alone] {
            assert_eq!(
                Link::parse(PREFIX, &link.key(PREFIX, 5).unwrap()),
                Some((5, link))
            );
        }
    }

    /// Each row: what is seen, whether the holder is dead, at which second; what to do.
    #[test]
    fn the_lease_is_taken_only_from_the_released_the_dead_and_the_still() {
        type Row = (Option<Chain>, bool, u64, Verdict);
        let take = |epoch| Verdict::Take { epoch };
        let cases: [(&str, &[Row]); 6] = [
            ("nobody ever had it", &[(None, false, 0, take(1))]),
            ("released", &[(Some(chain(4, 9, true)), false, 0, take(5))]),
            ("dead", &[(Some(chain(4, 9, false)), true, 0, take(5))]),
            (
                "beating",
                &[
                    (Some(chain(4, 1, false)), false, 0, Verdict::Held),
                    (Some(chain(4, 2, false)), false, 59, Verdict::Held),
                    (Some(chain(4, 3, false)), false, 118, Verdict::Held),
                ],
            ),
            (
                "stood still while we watched",
                &[
                    (Some(chain(4, 1, false)), false, 1000, Verdict::Held),
                    (Some(chain(4, 1, false)), false, 1059, Verdict::Held),
                    (Some(chain(4, 1, false)), false, 1060, take(5)),
                ],
            ),
            (
                "another took it meanwhile",
                &[
                    (Some(chain(4, 1, false)), false, 0, Verdict::Held),
                    (Some(chain(5, 0, false)), false, 60, Verdict::Held),
                    (Some(chain(5, 0, false)), false, 119, Verdict::Held),
                    (Some(chain(5, 0, false)), false, 120, take(6)),
                ],
            ),
        ];
        for (name, rows) in cases {
            let mut watch = Watch::default();
            for (chain, dead, at, expected) in rows {
                let verdict = watch.look(chain.as_ref(), *dead, Duration::from_secs(*at));
                assert_eq!(verdict, *expected, "{name} at {at} s");
            }
        }
    }
}
