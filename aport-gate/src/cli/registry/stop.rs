//! What ends a registry in order.

use crate::cli::failure::Failure;

/// Ready when the process is asked to end. Listens from the call on.
pub(super) fn signal() -> Result<impl Future<Output = ()>, Failure> {
    let failed = |error: std::io::Error| Failure::new(format!("cannot listen to signals: {error}"));
    let mut asked = asked().map_err(failed)?;
    Ok(async move { asked.recv().await })
}

#[cfg(unix)]
struct Asked {
    terminate: tokio::signal::unix::Signal,
    interrupt: tokio::signal::unix::Signal,
}

#[cfg(unix)]
fn asked() -> std::io::Result<Asked> {
    use tokio::signal::unix::{SignalKind, signal};
    Ok(Asked {
        terminate: signal(SignalKind::terminate())?,
        interrupt: signal(SignalKind::interrupt())?,
    })
}

#[cfg(unix)]
impl Asked {
    async fn recv(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}

#[cfg(windows)]
struct Asked {
    interrupt: tokio::signal::windows::CtrlC,
    close: tokio::signal::windows::CtrlClose,
    shutdown: tokio::signal::windows::CtrlShutdown,
}

#[cfg(windows)]
fn asked() -> std::io::Result<Asked> {
    use tokio::signal::windows::{ctrl_c, ctrl_close, ctrl_shutdown};
    Ok(Asked {
        interrupt: ctrl_c()?,
        close: ctrl_close()?,
        shutdown: ctrl_shutdown()?,
    })
}

#[cfg(windows)]
impl Asked {
    async fn recv(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.close.recv() => {}
            _ = self.shutdown.recv() => {}
        }
    }
}
