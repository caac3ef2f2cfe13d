//! Signals, as what they ask for.

use tokio::sync::mpsc;

/// Somebody wants the command to stop.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Interrupt {
    /// Ctrl-C: the first cancels, the second leaves the operation to be resumed.
    Keyboard,
    /// The machine or service goes down: leave the operation to be resumed.
    Terminate,
    /// The terminal is gone: the same; but a ticker reads its configuration again.
    Hangup,
}

/// Interrupts of this process. The task that listens ends with the runtime.
#[cfg(unix)]
pub(crate) fn of_this_process() -> std::io::Result<mpsc::Receiver<Interrupt>> {
    use tokio::signal::unix::{SignalKind, signal};

    let (sender, receiver) = mpsc::channel(4);
    let mut keyboard = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    let mut hangup = signal(SignalKind::hangup())?;
    tokio::spawn(async move {
        loop {
            let interrupt = tokio::select! {
                Some(()) = keyboard.recv() => Interrupt::Keyboard,
                Some(()) = terminate.recv() => Interrupt::Terminate,
                Some(()) = hangup.recv() => Interrupt::Hangup,
                else => return,
            };
            if sender.send(interrupt).await.is_err() {
                return;
            }
        }
    });
    Ok(receiver)
}
